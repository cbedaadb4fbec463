//! The layout that every form of output renders.

use softpos_types::Language;

use crate::wrap::{width, wrap};

/// A finished slip: its lines from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) lines: Vec<Line>,
    pub(crate) language: Language,
    /// Whether money goes into or out of the drawer with this print.
    pub(crate) opens_drawer: bool,
}

/// A part of a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The heading, centred.
    Title(String),
    /// What nobody may miss (declined, stored, duplicate): centred and emphasised.
    Mark(String),
    /// The name of the copy, centred.
    CopyName(String),
    /// A sentence over the whole width.
    Text(String),
    /// Captions with values: side by side where they fit, otherwise one under the other.
    Fields(Vec<Field>),
    /// The amount, emphasised.
    Amount(Field),
    /// A line across.
    Rule,
    /// Room for a signature.
    SignatureSpace,
    /// What a camera reads, drawn as a QR symbol in the middle; plain text leaves it out, its value stands above.
    Code(String),
}

/// A caption and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The caption.
    pub label: String,
    /// The value.
    pub value: String,
}

/// Width of a roll in columns of one Latin character; a Hanzi takes two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// 32 columns: a roll of 58 mm.
    Narrow,
    /// 48 columns: a roll of 80 mm.
    Wide,
}

impl Columns {
    /// How many.
    pub const fn count(self) -> usize {
        match self {
            Self::Narrow => 32,
            Self::Wide => 48,
        }
    }

    /// The same in dots of a printer: 384 or 576.
    pub const fn dots(self) -> usize {
        self.count().saturating_mul(12)
    }
}

impl Receipt {
    /// The lines, for another form of output.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Its heading.
    pub(crate) fn title(&self) -> &str {
        let title = self.lines.iter().find_map(|line| {
            if let Line::Title(title) = line {
                Some(title.as_str())
            } else {
                None
            }
        });
        title.unwrap_or_default()
    }

    /// The language it is written in.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Plain text; every line ends with a line feed and none is wider than the roll.
    pub fn to_text(&self, columns: Columns) -> String {
        let mut text = String::new();
        for row in self.rows(columns) {
            if let Row::Text(row) = row {
                let indent = if row.centred {
                    columns.count().saturating_sub(width(&row.text)) / 2
                } else {
                    0
                };
                let line = format!("{}{}", " ".repeat(indent), row.text);
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// The lines cut into rows of a roll.
    pub(crate) fn rows(&self, columns: Columns) -> Vec<Row> {
        let columns = columns.count();
        self.lines.iter().flat_map(|line| line.rows(columns)).collect()
    }
}

/// A row of a roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Text(TextRow),
    Code(String),
}

impl Row {
    pub(crate) const fn is_centred(&self) -> bool {
        match self {
            Self::Text(row) => row.centred,
            Self::Code(_) => true,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TextRow {
    pub(crate) text: String,
    pub(crate) centred: bool,
    pub(crate) bold: bool,
}

impl Line {
    fn rows(&self, columns: usize) -> Vec<Row> {
        let (texts, centred) = match self {
            Self::Title(text) | Self::Mark(text) | Self::CopyName(text) => (wrap(text, columns), true),
            Self::Text(text) => (wrap(text, columns), false),
            Self::Fields(fields) => (field_rows(fields, columns), false),
            Self::Amount(field) => (field_rows(std::slice::from_ref(field), columns), false),
            Self::Rule => (vec!["-".repeat(columns)], false),
            Self::SignatureSpace => (vec![String::new(); 3], false),
            Self::Code(code) => return vec![Row::Code(code.clone())],
        };
        let bold = matches!(self, Self::Mark(_) | Self::Amount(_));
        let row = |text| Row::Text(TextRow { text, centred, bold });
        texts.into_iter().map(row).collect()
    }
}

/// A number or name that nobody would part: it gets a row of its own before it is.
fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'*')
}

fn field_rows(fields: &[Field], columns: usize) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for field in fields {
        let text = format!("{}: {}", field.label, field.value);
        let gap = 2;
        match joined.last_mut() {
            Some(last) if width(last).saturating_add(gap).saturating_add(width(&text)) <= columns => {
                last.push_str("  ");
                last.push_str(&text);
            }
            _ if width(&text) > columns && is_word(&field.value) && width(&field.value) <= columns => {
                joined.push(format!("{}:", field.label));
                joined.push(field.value.clone());
            }
            _ => joined.push(text),
        }
    }
    joined.iter().flat_map(|row| wrap(row, columns)).collect()
}
