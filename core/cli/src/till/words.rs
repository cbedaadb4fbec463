//! A line of the till as words and options.

/// The words of a line, and its `--name value` options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) plain: Vec<String>,
    pub(crate) options: Vec<(String, Option<String>)>,
}

/// Why a line has no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenQuote;

impl Words {
    /// Splits at white space; double quotes keep a text with spaces together; a `#` at the start of a word begins a
    /// comment.
    pub(crate) fn split(line: &str) -> Result<Self, OpenQuote> {
        let mut words = Self::default();
        let mut open_option = false;
        for (text, quoted) in tokens(line)? {
            let name = text.strip_prefix("--").filter(|name| !quoted && !name.is_empty());
            if let Some(name) = name {
                let (name, value) = match name.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (name, None),
                };
                open_option = value.is_none();
                words.options.push((name.to_owned(), value));
            } else if open_option && let Some((_, value)) = words.options.last_mut() {
                *value = Some(text);
                open_option = false;
            } else {
                words.plain.push(text);
            }
        }
        Ok(words)
    }
}

fn tokens(line: &str) -> Result<Vec<(String, bool)>, OpenQuote> {
    let mut found = Vec::new();
    let mut rest = line.chars().peekable();
    while let Some(first) = rest
        .next_if(|c| c.is_whitespace())
        .or_else(|| rest.peek().copied())
    {
        if first.is_whitespace() {
            continue;
        }
        if first == '#' {
            break;
        }
        let mut text = String::new();
        let (mut inside, mut quoted) = (false, false);
        while let Some(character) = rest.next_if(|c| inside || !c.is_whitespace()) {
            if character == '"' {
                inside = !inside;
                quoted = true;
            } else {
                text.push(character);
            }
        }
        if inside {
            return Err(OpenQuote);
        }
        found.push((text, quoted));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> (Vec<String>, Vec<(String, Option<String>)>) {
        let words = Words::split(line).unwrap();
        (words.plain, words.options)
    }

    #[test]
    fn words_and_options() {
        let (plain, options) =
            split("  sale\t12.50 --category food --order \"table 5\" --card=visa-pin  # lunch");
        assert_eq!(plain, ["sale", "12.50"]);
        let expected = [("category", "food"), ("order", "table 5"), ("card", "visa-pin")];
        assert_eq!(
            options,
            expected.map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
        );
    }

    #[test]
    fn the_edges() {
        assert_eq!(split("").0, Vec::<String>::new());
        assert_eq!(split("# sale 5").0, Vec::<String>::new());
        assert_eq!(split("sale -5").0, ["sale", "-5"]);
        assert_eq!(split("show \"\"").0, ["show", ""]);
        assert_eq!(split("sale 5 --card").1, [("card".to_owned(), None)]);
        assert_eq!(
            split("sale --order \"--x\"").1,
            [("order".to_owned(), Some("--x".to_owned()))]
        );
        assert_eq!(Words::split("sale 5 --order \"table"), Err(OpenQuote));
    }
}
