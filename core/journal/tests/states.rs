//! The state table as a table: who may become what.

#![allow(missing_docs)]

use softpos_journal::State;
use softpos_types::MoneyState;

/// Rows are the state now, columns the state wanted, both in the order of [`State::ALL`]:
/// Armed, `AwaitingPayer`, Unknown, Stored, Reversing, Approved, Declined, Failed, Reversed, Expired.
const TABLE: [(State, &str); 10] = [
    // Any answer, none, or nothing sent; but undone only by way of Reversing.
    (State::Armed, "-+++++++-+"),
    // A second drawing of the code replaces the first. Sent it was for certain, so never Failed.
    (State::AwaitingPayer, "-++-+++--+"),
    // Rows 11 and 12. It may have arrived, so it can no longer be stored.
    (State::Unknown, "----++++-+"),
    // Rows 20 and 21: forwarded, given up, or undone.
    (State::Stored, "----+++--+"),
    // Rows 13 and 14; row 16: a late approval never revives it.
    (State::Reversing, "----+---+-"),
    // Row 8; row 24: once more Approved when the host has heard of cash or of what the card approved by itself, or
    // Declined when the host does not honour the latter. The fold holds that nothing else is declined afterwards.
    (State::Approved, "----+++---"),
    // The host's decline is final; a wallet that was paid all the same gives the money back.
    (State::Declined, "----+-----"),
    // Row 19: nothing was sent, so it may still be stored.
    (State::Failed, "---+------"),
    // Row 16: a late approval never revives it.
    (State::Reversed, "----+-----"),
    // A late approval of an expired code shows at settlement; it never revives it.
    (State::Expired, "----+-----"),
];

#[test]
fn the_whole_table() {
    for ((from, row), expected) in TABLE.iter().zip(State::ALL) {
        assert_eq!(*from, expected, "the rows are in order");
        assert_eq!(row.len(), State::ALL.len());
        for (to, mark) in State::ALL.into_iter().zip(row.chars()) {
            assert_eq!(from.may_become(to), mark == '+', "{from:?} -> {to:?}");
        }
    }
}

#[test]
fn row_16_what_is_being_undone_or_has_ended_without_money_never_becomes_approved() {
    for state in [
        State::Reversing,
        State::Reversed,
        State::Declined,
        State::Failed,
        State::Expired,
    ] {
        assert!(!state.may_become(State::Approved), "{state:?}");
    }
}

#[test]
fn open_states_are_those_with_a_way_on_and_their_money_is_named() {
    let open = [
        State::Armed,
        State::AwaitingPayer,
        State::Unknown,
        State::Stored,
        State::Reversing,
    ];
    for state in State::ALL {
        assert_eq!(state.is_open(), open.contains(&state), "{state:?}");
        let expected = match state {
            State::Approved => MoneyState::Moved,
            State::Armed | State::Unknown | State::Reversing => MoneyState::Unknown,
            State::AwaitingPayer
            | State::Stored
            | State::Declined
            | State::Failed
            | State::Reversed
            | State::Expired => MoneyState::NotMoved,
        };
        assert_eq!(state.money(), expected, "{state:?}");
    }
}
