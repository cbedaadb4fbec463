//! A tap as bytes, and altered as a card could alter it: answers and objects stay well formed, so that mutants get far
//! into a kernel.
//!
//! An input is the amount, what else the reader is told, then events: kind, length of two bytes, answer.

use softpos_wire::Tag;
use softpos_wire::tlv::{TlvWriter, Tlvs};

use crate::Mutator;

/// Status words that kernels look at, and some they do not know.
const STATUS_WORDS: [[u8; 2]; 10] = [
    [0x90, 0x00],
    [0x62, 0x83],
    [0x63, 0x00],
    [0x67, 0x00],
    [0x69, 0x84],
    [0x69, 0x85],
    [0x69, 0x86],
    [0x6A, 0x82],
    [0x6A, 0x83],
    [0x6C, 0x10],
];
const STATUS_BYTES: usize = 2;
/// Below, at and above the limits of the reader.
pub(crate) const AMOUNTS: [u8; 3] = [1, 100, 200];
/// The kind of an event in which the card is taken away.
pub(crate) const LOST: u8 = 5;
/// More events than any tap has.
const MAX_EVENTS: usize = 100;
/// The number of the alteration that adds many objects, and how many at most.
const FLOOD: usize = 12;
const MAX_FLOOD: usize = 2_000;
/// Objects inside objects that are altered as such.
const MAX_DEPTH: usize = 4;

/// What a card does: the kind says how its answer comes, or that none does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: u8,
    pub(crate) answer: Vec<u8>,
}

/// An input: the head, then these answers in time.
pub(crate) fn sound(head: [u8; 2], answers: Vec<Vec<u8>>) -> Vec<u8> {
    let in_time = |answer| Event { kind: 0, answer };
    encode(head, &answers.into_iter().map(in_time).collect::<Vec<_>>())
}

/// Takes the first event; an input that ends early is a card that was taken away.
pub(crate) fn next_event<'a>(events: &mut &'a [u8]) -> (u8, &'a [u8]) {
    let [kind, high, low, rest @ ..] = *events else {
        *events = &[];
        return (LOST, &[]);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let (answer, rest) = rest.split_at(length);
    *events = rest;
    (*kind, answer)
}

/// Alters one thing of a tap: mostly one object, else an event, seldom any byte.
pub(crate) fn alter(mutator: &mut Mutator, input: &mut Vec<u8>) {
    let Some((mut head, mut events)) = decode(input) else {
        return mutator.alter(input);
    };
    match mutator.below(16) {
        0 => return mutator.alter(input),
        1 => head = [mutator.byte(), mutator.byte()],
        2..=4 => alter_events(mutator, &mut events),
        _ => {
            let at = mutator.below(events.len());
            if let Some(event) = events.get_mut(at) {
                alter_answer(mutator, &mut event.answer);
            }
        }
    }
    events.truncate(MAX_EVENTS);
    *input = encode(head, &events);
}

fn alter_events(mutator: &mut Mutator, events: &mut Vec<Event>) {
    let at = mutator.below(events.len());
    let Some(event) = events.get(at).cloned() else {
        return;
    };
    let to = mutator.below(events.len());
    match mutator.below(6) {
        0 => drop(events.remove(at)),
        1 => events.insert(to, event),
        2 => events.swap(at, to),
        3 => {
            // What another card said there, or elsewhere.
            let other = decode(&mutator.pick())
                .map(|(_, events)| events)
                .unwrap_or_default();
            let from = if mutator.below(2) == 0 {
                at
            } else {
                mutator.below(other.len())
            };
            if let (Some(said), Some(place)) = (other.get(from), events.get_mut(at)) {
                *place = said.clone();
            }
        }
        4 => {
            if let Some(event) = events.get_mut(at) {
                event.kind = mutator.byte();
            }
        }
        _ => {
            let word = STATUS_WORDS.get(mutator.below(STATUS_WORDS.len()));
            if let (Some(event), Some(word)) = (events.get_mut(at), word) {
                let body = event.answer.len().saturating_sub(STATUS_BYTES);
                // Most cards say nothing beside it.
                event
                    .answer
                    .truncate(if mutator.below(4) == 0 { body } else { 0 });
                event.answer.extend_from_slice(word);
            }
        }
    }
}

fn alter_answer(mutator: &mut Mutator, answer: &mut Vec<u8>) {
    let Some((body, status)) = answer.split_last_chunk::<STATUS_BYTES>() else {
        return mutator.alter(answer);
    };
    *answer = [&alter_objects(mutator, body, 0), status.as_slice()].concat();
}

/// Alters one of these objects, or one inside it; the lengths around it are set right.
fn alter_objects(mutator: &mut Mutator, bytes: &[u8], depth: usize) -> Vec<u8> {
    let read: Option<Vec<(Tag, Vec<u8>)>> = Tlvs::new(bytes)
        .map(|object| object.ok().map(|object| (object.tag, object.value.to_vec())))
        .collect();
    let Some(mut objects) = read.filter(|objects| !objects.is_empty()) else {
        let mut bytes = bytes.to_vec();
        mutator.alter(&mut bytes);
        return bytes;
    };
    let at = mutator.below(objects.len());
    match objects.get_mut(at) {
        Some((tag, value)) if tag.is_constructed() && depth < MAX_DEPTH && mutator.below(8) > 0 => {
            *value = alter_objects(mutator, value, depth.saturating_add(1));
        }
        Some(_) => alter_object(mutator, &mut objects, at),
        None => {}
    }
    let mut writer = TlvWriter::new();
    for (tag, value) in &objects {
        writer.put(*tag, value);
    }
    writer.into_vec()
}

fn alter_object(mutator: &mut Mutator, objects: &mut Vec<(Tag, Vec<u8>)>, at: usize) {
    let to = mutator.below(objects.len().saturating_add(1));
    // A flood costs more than all the others.
    let what = match mutator.below(200) {
        0 => FLOOD,
        _ => mutator.below(12),
    };
    let Some((tag, value)) = objects.get_mut(at) else {
        return;
    };
    match what {
        0 => drop(objects.remove(at)),
        1 => {
            let again = (*tag, value.clone());
            objects.insert(to, again);
        }
        2 => objects.swap(at, to.saturating_sub(1)),
        3 => {
            let length = mutator.below(40);
            let noise = (0..length).map(|_| mutator.byte()).collect();
            objects.insert(to, (any_tag(mutator), noise));
        }
        4 => *tag = any_tag(mutator),
        5 => value.truncate(mutator.below(value.len())),
        6 => value.resize(mutator.below(260), mutator.byte()),
        7 => value.fill(0x00),
        8 => value.fill(0xFF),
        // More than any card has: one object again and again, or ever others.
        FLOOD => {
            let (tag, value) = (*tag, value.clone());
            let differs = mutator.below(2);
            for number in 0..mutator.below(MAX_FLOOD) {
                let low = u32::try_from(number.saturating_mul(differs)).unwrap_or_default();
                let [.., high, low] = low.saturating_mul(2).to_be_bytes();
                let strange = Tag::new(u32::from_be_bytes([0, 0xDF, 0x80 | high, low >> 1]));
                objects.push((if differs == 0 { tag } else { strange }, value.clone()));
            }
        }
        _ => mutator.alter(value),
    }
}

/// A tag as cards, kernels and their configuration use them; the object may be one that only the reader may set.
fn any_tag(mutator: &mut Mutator) -> Tag {
    let low = u32::from(mutator.byte());
    Tag::new(match mutator.below(6) {
        0 => low & !0x20,
        1 => 0x5F00 | (low & 0x7F),
        2 => 0xDF_8100 | (low & 0x7F),
        3 => 0x9F_8100 | (low & 0x7F),
        _ => 0x9F00 | (low & 0x7F),
    })
}

fn decode(input: &[u8]) -> Option<([u8; 2], Vec<Event>)> {
    let (head, mut rest) = input.split_first_chunk::<2>()?;
    let mut events = Vec::new();
    while !rest.is_empty() && events.len() < MAX_EVENTS {
        let (kind, answer) = next_event(&mut rest);
        events.push(Event {
            kind,
            answer: answer.to_vec(),
        });
    }
    (!events.is_empty()).then_some((*head, events))
}

/// The bytes of a tap.
pub(crate) fn encode(head: [u8; 2], events: &[Event]) -> Vec<u8> {
    let mut input = head.to_vec();
    for Event { kind, answer } in events {
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        input.push(*kind);
        input.extend_from_slice(&length.to_be_bytes());
        input.extend(answer.iter().take(usize::from(length)));
    }
    input
}
