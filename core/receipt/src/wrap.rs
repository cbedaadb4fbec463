//! Breaking text into lines by columns, never inside a character.

use unicode_width::UnicodeWidthChar;

/// Of one value on a slip; the longest real one is an order number of 64.
const MAX_CHARACTERS: usize = 256;
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    cells(text).map(|(_, columns)| columns).sum()
}

/// The characters of a text, each with the columns it takes. What is joined to the one before takes none.
pub(crate) fn cells(text: &str) -> impl Iterator<Item = (char, usize)> {
    let mut joined = false;
    text.chars().map(move |character| {
        let columns = if joined { 0 } else { columns_of(character) };
        joined = character == ZERO_WIDTH_JOINER;
        (character, columns)
    })
}

/// Breaks a text into rows in the second half of the row: after the end of a part (a Chinese stop, a comma, a slash),
/// or else after a space or a hyphen; otherwise between two characters. Combining characters and joined ones stay with
/// their base.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = Row::default();
    for (character, wide) in cells(text) {
        while wide > 0 && row.width.saturating_add(wide) > columns && !row.text.is_empty() {
            rows.push(row.split(columns, character == ' '));
        }
        if row.text.is_empty() && character == ' ' && !rows.is_empty() {
            continue;
        }
        row.push(character, wide);
    }
    rows.push(row.text.trim_end().to_owned());
    rows
}

/// Makes a text from outside fit for a slip: no control characters, nothing invisible but what joins characters, no
/// marks that turn the direction of writing, and no end of it that nobody would read. The sign ¥ becomes the ￥ that
/// printers know.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !is_unseen(*c))
        .map(|c| if c == '¥' { '￥' } else { c })
        .take(MAX_CHARACTERS)
        .collect()
}

const fn is_unseen(c: char) -> bool {
    matches!(c,
        // Soft hyphen, zero-width space and non-joiner, word joiner and its kin, byte order mark, tags.
        '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}'
        // Marks of direction, and separators that some readers take for line ends.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

fn columns_of(character: char) -> usize {
    character.width().unwrap_or(0)
}

#[derive(Default)]
struct Row {
    text: String,
    width: usize,
    /// Bytes and columns up to the last end of a part.
    part: Option<(usize, usize)>,
    /// The same up to the last end of a word.
    word: Option<(usize, usize)>,
}

impl Row {
    fn push(&mut self, character: char, wide: usize) {
        let ends_part = match character {
            '，' | '。' | '、' | '；' => true,
            ' ' => self.text.ends_with([',', '/']),
            _ => false,
        };
        self.text.push(character);
        self.width = self.width.saturating_add(wide);
        let here = Some((self.text.len(), self.width));
        if ends_part {
            self.part = here;
        }
        if matches!(character, ' ' | '-') {
            self.word = here;
        }
    }

    /// Takes the finished row away and keeps the rest.
    fn split(&mut self, columns: usize, at_space: bool) -> String {
        let late = |(_, at): &(usize, usize)| *at > columns / 2;
        let word = self.word.filter(|at| !at_space && late(at));
        let part = self.part.filter(late);
        let (bytes, _) = part.or(word).unwrap_or((self.text.len(), self.width));
        let rest = self.text.split_off(bytes);
        let row = core::mem::replace(&mut self.text, rest);
        self.width = width(&self.text);
        self.part = None;
        self.word = None;
        row.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hanzi_count_double_and_are_never_cut() {
        assert_eq!(width("银联POS"), 7);
        assert_eq!(wrap("一二三四五", 5), ["一二", "三四", "五"]);
        assert_eq!(wrap("a一二三", 4), ["a一", "二三"]);
    }

    #[test]
    fn breaks_after_spaces_and_stops_in_the_second_half() {
        assert_eq!(
            wrap("交易金额未超过 1000.00 元，免密免签", 32),
            ["交易金额未超过 1000.00 元，", "免密免签"]
        );
        assert_eq!(wrap("one two three", 9), ["one two", "three"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("ab cdefghijklmnop", 10), ["ab cdefghi", "jklmnop"]);
        assert_eq!(wrap("abcd efgh", 4), ["abcd", "efgh"]);
        assert_eq!(
            wrap("AMOUNT NOT OVER RMB 1000.00, NO PIN, NO SIGNATURE", 32),
            ["AMOUNT NOT OVER RMB 1000.00,", "NO PIN, NO SIGNATURE"]
        );
        assert_eq!(
            wrap("已离线受理，尚未批准 / STORED OFFLINE", 32),
            ["已离线受理，尚未批准 /", "STORED OFFLINE"]
        );
        assert_eq!(
            wrap("019aa9d7-fd80-7707-8707", 16),
            ["019aa9d7-fd80-", "7707-8707"]
        );
        assert_eq!(wrap("", 32), [""]);
    }

    #[test]
    fn combined_characters_stay_together() {
        assert_eq!(wrap("abce\u{301}f", 4), ["abce\u{301}", "f"]);
        let family = "👨\u{200d}👩";
        assert_eq!(
            wrap(&format!("ab{family}c"), 4),
            [format!("ab{family}"), "c".to_owned()]
        );
    }

    #[test]
    fn no_row_is_wider_than_the_roll_and_nothing_gets_lost() {
        let words = ["银联", "a", "，", " ", "e\u{301}", "1234567890", "😀", "元。"];
        let mut seed = 7_usize;
        for columns in [8, 32, 48] {
            for _ in 0..500 {
                let mut text = String::new();
                for _ in 0..seed % 23 {
                    seed = seed
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    text.push_str(words[(seed >> 33) % words.len()]);
                }
                seed = seed.wrapping_add(1);
                let rows = wrap(&text, columns);
                assert!(rows.iter().all(|row| width(row) <= columns), "{text:?} {rows:?}");
                let squeeze = |s: &str| s.replace(' ', "");
                assert_eq!(squeeze(&rows.concat()), squeeze(&text));
            }
        }
    }

    #[test]
    fn controls_and_turning_marks_are_taken_out() {
        assert_eq!(clean("a\u{1b}[1m\n\u{202e}b\u{2066}店"), "a[1mb店");
        assert_eq!(clean("a\u{200b}b\u{feff}\u{2028}c\u{ad}¥\u{e0041}"), "abc￥");
        assert_eq!(clean(&"长".repeat(1_000)).chars().count(), MAX_CHARACTERS);
    }
}
