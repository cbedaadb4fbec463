//! Text in the columns of a terminal: Chinese characters take two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text, filled with spaces on the right.
pub(crate) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text, filled with spaces on the left.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text, cut to the columns; a cut shows.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > columns {
            break;
        }
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// The words of a text in rows of at most so many columns; a word that is longer than a row is broken.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut rows = Vec::new();
    let mut row = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!row.is_empty());
        if !row.is_empty() && width(&row) + gap + width(word) > columns {
            rows.push(std::mem::take(&mut row));
        }
        if !row.is_empty() {
            row.push(' ');
        }
        for character in word.chars() {
            if width(&row) + character.width().unwrap_or(0) > columns {
                rows.push(std::mem::take(&mut row));
            }
            row.push(character);
        }
    }
    rows.push(row);
    rows
}

/// Columns of the terminal behind standard output; 80 if it is none.
pub(crate) fn of_terminal() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .unwrap_or(80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_counts_double() {
        assert_eq!(left("收款", 6), "收款  ");
        assert_eq!(right("收款", 5), " 收款");
        assert_eq!(left("too long", 3), "too long");
    }

    #[test]
    fn a_cut_never_overflows() {
        for columns in 0..12 {
            for text in ["收款成功", "approved", "a收b款c", "e\u{301}e\u{301}e\u{301}"] {
                assert!(width(&cut(text, columns)) <= columns, "{text} {columns}");
            }
        }
        assert_eq!(cut("收款成功", 5), "收款…");
        assert_eq!(cut("收款成功", 8), "收款成功");
    }

    #[test]
    fn rows_fit_and_lose_nothing() {
        let text = "takes a payment by card 刷卡收款成功后请移开卡片 and-a-word-that-is-longer-than-any-row";
        for columns in 2..40 {
            let rows = wrap(text, columns);
            assert!(
                rows.iter().all(|row| width(row) <= columns),
                "{columns}: {rows:?}"
            );
            let strip = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(strip(&rows.join("")), strip(text));
        }
        assert_eq!(wrap("", 10), [""]);
    }
}
