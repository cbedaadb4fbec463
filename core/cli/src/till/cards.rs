//! The cards in the customer's wallet, for people: every family has one of each kind, so each is told of once.

use softpos_cards::{Family, Kind, Profile, profiles};

use crate::columns::{left, of_terminal, right, width, wrap};
use crate::out::{DIM, HEAD, Out, PLAIN, paint};

/// Columns of a number in the list.
const NUMBER: usize = 4;

/// The families with the numbers of their cards, the kinds with what they do, and the cards that are there once.
pub(crate) fn list(out: Out) {
    let example = id(Family::Amex, Kind::SeePhone);
    let intro = out.texts().with("till-cards-families", &[("example", example)]);
    for row in wrap(&intro, of_terminal()) {
        out.line(DIM, &row);
    }
    for row in families(of_terminal()) {
        out.line(PLAIN, &row);
    }
    for kind in Kind::ALL {
        card(out, number(id(Family::Visa, kind)), kind.name(), kind.name());
    }
    out.say(DIM, "till-cards-others", &[]);
    for profile in others() {
        card(out, number(profile.id), profile.id, profile.id);
    }
}

/// The cards that are no family's.
pub(crate) fn others() -> impl Iterator<Item = &'static Profile> {
    profiles().iter().filter(|profile| profile.member.is_none())
}

/// One card or kind; what it does is the text `till-card-KEY`.
fn card(out: Out, number: usize, name: &str, key: &str) {
    let about = out.texts().get(&format!("till-card-{key}"));
    let (number, name) = (right(&number.to_string(), NUMBER), left(name, 14));
    let indent = NUMBER + 2 + width(&name);
    let rows = wrap(&about, of_terminal().saturating_sub(indent).max(20));
    for (position, row) in rows.iter().enumerate() {
        if position == 0 {
            out.line(PLAIN, &format!("{number}  {}{row}", paint(HEAD, &name)));
        } else {
            out.line(PLAIN, &format!("{}{row}", " ".repeat(indent)));
        }
    }
}

/// `visa 1-10` and so on, as many in a row as fit.
fn families(columns: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for family in Family::ALL {
        let numbers = || Kind::ALL.map(|kind| number(id(family, kind))).into_iter();
        let (first, last) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
        let entry = format!("  {} {first}-{last}", family.name());
        match rows.last_mut() {
            Some(row) if width(row) + width(&entry) <= columns => row.push_str(&entry),
            Some(_) | None => rows.push(entry),
        }
    }
    rows
}

/// The card of this family and kind.
pub(crate) fn id(family: Family, kind: Kind) -> &'static str {
    let of = |profile: &&Profile| profile.member == Some((family, kind));
    profiles().iter().find(of).map_or("", |profile| profile.id)
}

/// The number in the list, from 1.
fn number(id: &str) -> usize {
    let position = profiles().iter().position(|profile| profile.id == id);
    position.map_or(0, |position| position + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::till::pocket::Pocket;

    #[test]
    fn families_stand_with_the_numbers_of_all_their_cards() {
        let text = families(200).concat();
        for family in Family::ALL {
            let entry = text
                .split("  ")
                .find(|entry| entry.starts_with(family.name()))
                .unwrap();
            let (first, last) = entry.split_once(' ').unwrap().1.split_once('-').unwrap();
            let range = first.parse::<usize>().unwrap()..=last.parse::<usize>().unwrap();
            let ids: Vec<_> = range
                .map(|number| Pocket::find(&number.to_string()).unwrap())
                .collect();
            assert_eq!(ids, Kind::ALL.map(|kind| id(family, kind)), "{entry}");
        }
        assert_eq!(
            others().count() + Family::ALL.len() * Kind::ALL.len(),
            profiles().len()
        );
    }

    #[test]
    fn families_fit_the_terminal() {
        for columns in [30, 40, 80] {
            let rows = families(columns);
            assert!(
                rows.iter().all(|row| width(row) <= columns),
                "{columns}: {rows:?}"
            );
        }
    }
}
