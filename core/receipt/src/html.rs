//! A page of its own: for a phone's screen, for a printer, for a screen reader; without scripts.

use softpos_qr::render::Dress;
use softpos_types::Language;

use crate::code::symbol;
use crate::layout::{Field, Line, Receipt};

/// Light and dark screens; on paper black on white.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;font:16px/1.5 system-ui,-apple-system,'PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif;\
background:#eceff1;color:#111}\
main{box-sizing:border-box;max-width:26rem;margin:1rem auto;padding:1.25rem;background:#fff;border-radius:.75rem;\
overflow-wrap:anywhere}\
h1{margin:0 0 .5rem;font-size:1.15rem;text-align:center}\
.mark{margin:.5rem 0;padding:.4rem;border:2px solid;border-radius:.5rem;font-weight:700;text-align:center}\
dl{margin:0}dl div{display:flex;justify-content:space-between;gap:1rem;padding:.15rem 0}\
dt{color:#555;flex:none;max-width:45%}dd{margin:0;text-align:end;font-variant-numeric:tabular-nums}\
.amount{font-size:1.35rem;font-weight:700}.amount dt{color:inherit}\
hr{border:0;border-top:1px dashed #888;margin:.6rem 0}p{margin:.5rem 0}\
.signature{height:4rem}.copy{text-align:center}\
figure{margin:1rem 0;text-align:center}svg{width:11rem;height:auto}\
@media(prefers-color-scheme:dark){body{background:#000;color:#eee}main{background:#1c1c1e}dt{color:#aaa}}\
@media print{body,main{background:#fff;color:#000}dt{color:#000}main{margin:0;padding:0;max-width:none}}";

/// The page.
pub(crate) fn page(receipt: &Receipt) -> String {
    let language = match receipt.language {
        Language::Zh => "zh-Hans",
        Language::En => "en",
    };
    let mut page = Page::default();
    page.raw("<!DOCTYPE html>\n<html lang=\"");
    page.raw(language);
    page.raw("\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"robots\" content=\"noindex\">\n<meta http-equiv=\"Content-Security-Policy\" ");
    page.raw("content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.element("title", "", receipt.title());
    page.raw("<style>");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n<main>\n");
    for line in &receipt.lines {
        page.line(line);
    }
    page.end_list();
    page.raw("</main>\n</body>\n</html>\n");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    /// Whether a list of captions and values is open.
    in_list: bool,
}

impl Page {
    fn line(&mut self, line: &Line) {
        if matches!(line, Line::Fields(_) | Line::Amount(_)) {
            self.begin_list();
        } else {
            self.end_list();
        }
        match line {
            Line::Title(text) => self.element("h1", "", text),
            Line::Mark(text) => self.element("p", " class=\"mark\" role=\"status\"", text),
            Line::CopyName(text) => self.element("p", " class=\"copy\"", text),
            Line::Text(text) => self.element("p", "", text),
            Line::Fields(fields) => {
                for field in fields {
                    self.field("<div>", field);
                }
            }
            Line::Amount(field) => self.field("<div class=\"amount\">", field),
            Line::Rule => self.raw("<hr>\n"),
            Line::SignatureSpace => self.raw("<div class=\"signature\"></div>\n"),
            Line::Code(text) => self.code(text),
        }
    }

    /// A picture whose text stands in the list above: screen readers skip it.
    fn code(&mut self, text: &str) {
        if let Some(symbol) = symbol(text) {
            self.raw("<figure aria-hidden=\"true\">");
            self.raw(&symbol.svg(&Dress::default()));
            self.raw("</figure>\n");
        }
    }

    fn field(&mut self, open: &str, field: &Field) {
        self.raw(open);
        self.raw("<dt>");
        self.escaped(&field.label);
        // The value may be written from right to left; what is around it is not.
        self.raw("</dt><dd><bdi>");
        self.escaped(&field.value);
        self.raw("</bdi></dd></div>\n");
    }

    fn begin_list(&mut self) {
        if !self.in_list {
            self.in_list = true;
            self.raw("<dl>\n");
        }
    }

    fn end_list(&mut self) {
        if self.in_list {
            self.in_list = false;
            self.raw("</dl>\n");
        }
    }

    fn element(&mut self, name: &str, attributes: &str, text: &str) {
        self.raw(&format!("<{name}{attributes}>"));
        self.escaped(text);
        self.raw(&format!("</{name}>\n"));
    }

    fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\'' => self.text.push_str("&#39;"),
                _ => self.text.push(character),
            }
        }
    }
}
