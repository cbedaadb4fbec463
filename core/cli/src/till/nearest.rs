//! The right word that a wrong one was meant to be.

/// The nearest of the words, if one is near enough to be meant.
pub(crate) fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let allowed = match typed.chars().count() {
        0 => return None,
        1..=3 => 1,
        4..=6 => 2,
        _ => 3,
    };
    words
        .into_iter()
        .map(|word| (distance(&typed, word), word))
        .filter(|(steps, word)| *steps <= allowed || (typed.len() >= 2 && word.starts_with(&typed)))
        .min()
        .map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (row, left) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&above, column) + usize::from(left != *right);
            let mut best = replaced
                .min(at(&above, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = column
                .checked_sub(1)
                .filter(|previous| last == Some(*right) && b.get(*previous) == Some(&left));
            if let Some(previous) = swapped {
                best = best.min(at(&before, previous) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
        last = Some(left);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, steps) in [
            ("", "", 0),
            ("", "abc", 3),
            ("sale", "sale", 0),
            ("sael", "sale", 1),
            ("sal", "sale", 1),
            ("ca", "abc", 3),
            ("kitten", "sitting", 3),
            ("历史", "历", 1),
        ] {
            assert_eq!(distance(a, b), steps, "{a} {b}");
            assert_eq!(distance(b, a), steps, "{b} {a}");
        }
    }

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        let words = ["sale", "history", "refund", "receipt", "network", "pay"];
        for (typed, meant) in [
            ("slae", Some("sale")),
            ("hsitory", Some("history")),
            ("hist", Some("history")),
            ("REFUN", Some("refund")),
            ("recipt", Some("receipt")),
            ("netwrok", Some("network")),
            ("pya", Some("pay")),
            ("elephant", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
    }
}
