//! What can be selected on a page: the glyphs that are shown, by the meaning that the file gives them.

use std::collections::BTreeMap;

use miniz_oxide::inflate::decompress_to_vec_zlib;

/// The text of the page, a line for each string that is shown.
pub fn of(pdf: &[u8]) -> String {
    let mut drawn = None;
    let mut meanings = BTreeMap::new();
    for stream in streams(pdf) {
        let plain = decompress_to_vec_zlib(stream).unwrap_or_else(|_| stream.to_vec());
        if contains(&plain, b"begincmap") {
            meanings = map(&String::from_utf8_lossy(&plain));
        } else if contains(&plain, b"\nBT\n") || plain.starts_with(b"BT\n") {
            drawn = Some(plain);
        }
    }
    let drawn = drawn.expect("a page with text");
    let mut text = String::new();
    for shown in strings(&drawn) {
        for glyph in shown.chunks(2) {
            let id = u16::from_be_bytes([glyph[0], glyph[1]]);
            text.push(meanings[&id]);
        }
        text.push('\n');
    }
    text
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn streams(pdf: &[u8]) -> Vec<&[u8]> {
    let find = |part: &[u8], from: usize| {
        let at = pdf[from..].windows(part.len()).position(|window| window == part);
        at.map(|at| from + at)
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(begin) = find(b"stream\n", from) {
        let end = find(b"\nendstream", begin).unwrap();
        found.push(&pdf[begin + 7..end]);
        from = end + 10;
    }
    found
}

/// Lines as `<0001> <94F6>`.
fn map(text: &str) -> BTreeMap<u16, char> {
    let pairs = text.lines().filter_map(|line| {
        let (glyph, meaning) = line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <")?;
        let glyph = u16::from_str_radix(glyph, 16).ok()?;
        let meaning = char::from_u32(u32::from_str_radix(meaning, 16).ok()?)?;
        Some((glyph, meaning))
    });
    pairs.filter(|(_, meaning)| *meaning != '\u{ffff}').collect()
}

/// Every `(..) Tj` and `<..> Tj`.
fn strings(content: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < content.len() {
        match content[at] {
            b'(' => {
                let mut shown = Vec::new();
                let mut depth = 0;
                at += 1;
                // Parentheses in pairs stand for themselves.
                while depth > 0 || content[at] != b')' {
                    match content[at] {
                        b'(' => depth += 1,
                        b')' => depth -= 1,
                        _ => {}
                    }
                    if content[at] == b'\\' {
                        at += 1;
                        shown.push(match content[at] {
                            b'n' => b'\n',
                            b'r' => b'\r',
                            b't' => b'\t',
                            b'b' => 8,
                            b'f' => 12,
                            b'0'..=b'3' => {
                                let octal = std::str::from_utf8(&content[at..at + 3]).unwrap();
                                at += 2;
                                u8::from_str_radix(octal, 8).unwrap()
                            }
                            other => other,
                        });
                    } else {
                        shown.push(content[at]);
                    }
                    at += 1;
                }
                found.push(shown);
            }
            b'<' => {
                let end = at + content[at..].iter().position(|byte| *byte == b'>').unwrap();
                found.push(hex::decode(&content[at + 1..end]).unwrap());
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    found
}
