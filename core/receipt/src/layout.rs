//! The layout that every form of output renders.

use crate::wrap::{width, wrap};

/// A finished slip: its lines from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) lines: Vec<Line>,
}

/// A part of a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The heading, centred and emphasised.
    Title(String),
    /// What nobody may miss (declined, stored, duplicate): centred and emphasised.
    Mark(String),
    /// The name of the copy, centred.
    CopyName(String),
    /// A sentence over the whole width.
    Text(String),
    /// Captions with values: side by side where they fit, otherwise one under the other.
    Fields(Vec<Field>),
    /// A line across.
    Rule,
    /// Room for a signature.
    SignatureSpace,
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
}

impl Receipt {
    /// The lines, for another form of output.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Plain text; every line ends with a line feed and none is wider than the roll.
    pub fn to_text(&self, columns: Columns) -> String {
        let columns = columns.count();
        let mut text = String::new();
        for line in &self.lines {
            for row in line.rows(columns) {
                text.push_str(row.trim_end());
                text.push('\n');
            }
        }
        text
    }
}

impl Line {
    fn rows(&self, columns: usize) -> Vec<String> {
        match self {
            Self::Title(text) | Self::Mark(text) | Self::CopyName(text) => wrap(text, columns)
                .into_iter()
                .map(|row| centred(&row, columns))
                .collect(),
            Self::Text(text) => wrap(text, columns),
            Self::Fields(fields) => field_rows(fields, columns),
            Self::Rule => vec!["-".repeat(columns)],
            Self::SignatureSpace => vec![String::new(); 3],
        }
    }
}

fn centred(row: &str, columns: usize) -> String {
    let indent = columns.saturating_sub(width(row)) / 2;
    format!("{}{row}", " ".repeat(indent))
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
            _ => joined.push(text),
        }
    }
    joined.iter().flat_map(|row| wrap(row, columns)).collect()
}
