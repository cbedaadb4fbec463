//! The rules between orders.

use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt;

use softpos_types::{Now, SecretBytes, Tick};

use super::{Order, Rules};

/// How long a code is remembered. It lives about a minute at its wallet, some are shown offline for longer.
const REMEMBERED_MS: u64 = 15 * 60_000;
/// How many codes and numbers are remembered at most.
const REMEMBERED: usize = 256;

/// Lets one order begin at a time, and remembers what was used.
#[derive(Debug, Default)]
pub struct Desk {
    used: VecDeque<Used>,
}

/// What shall be charged.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The payer's code, as it was scanned.
    pub code: &'a SecretBytes,
    /// The order's number at the wallet, never used before.
    pub number: &'a str,
    /// The wallet's rules.
    pub rules: Rules,
}

/// What a charge meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Whether there is a connection.
    pub is_online: bool,
    /// Whether any order is open ([`Order::is_open`]), on the screen or behind it.
    pub is_order_open: bool,
}

#[derive(Debug)]
struct Used {
    at: Tick,
    number: String,
    code: SecretBytes,
}

/// Why no order began. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// There is no connection. A payment code is never kept for later.
    Offline,
    /// The order before has no end yet.
    OrderOpen,
    /// This code was charged before.
    CodeUsed,
    /// This order number was used before.
    NumberUsed,
}

impl Desk {
    /// Begins an order.
    ///
    /// # Errors
    /// [`NotBegun`].
    pub fn begin(
        &mut self,
        charge: &Charge<'_>,
        circumstances: Circumstances,
        now: Now,
    ) -> Result<Order, NotBegun> {
        let Charge { code, number, rules } = *charge;
        if circumstances.is_order_open {
            return Err(NotBegun::OrderOpen);
        }
        if !circumstances.is_online {
            return Err(NotBegun::Offline);
        }
        self.used
            .retain(|used| now.tick.ms_since(used.at) < REMEMBERED_MS);
        if self.used.iter().any(|used| used.code.ct_eq(code.expose())) {
            return Err(NotBegun::CodeUsed);
        }
        if self.used.iter().any(|used| used.number == number) {
            return Err(NotBegun::NumberUsed);
        }
        if self.used.len() >= REMEMBERED {
            self.used.pop_front();
        }
        self.used.push_back(Used {
            at: now.tick,
            number: number.to_owned(),
            code: SecretBytes::copy_of(code.expose()),
        });
        Ok(Order::new(rules, now))
    }
}

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "a payment code cannot be charged without a connection",
            Self::OrderOpen => "the payment before is not yet decided",
            Self::CodeUsed => "this code was already charged: the payer must show a new one",
            Self::NumberUsed => "this order number was already used",
        })
    }
}

impl core::error::Error for NotBegun {}
