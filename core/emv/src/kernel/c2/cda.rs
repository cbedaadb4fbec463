//! Combined data authentication (CDA): the card signs its cryptogram together with what it was told.

use super::C2;
use super::stop::{Stop, l2};
use crate::outcome::Reason;

impl C2 {
    /// Whether this reader has the authority's key that the card names.
    pub(super) fn has_ca_key(&self) -> bool {
        false
    }

    /// Checks the signature and takes the cryptogram out of it.
    pub(super) fn authenticate(&mut self) -> Result<(), Stop> {
        Err(Stop::card(l2::AUTHENTICATION, Reason::NotAuthenticated))
    }
}
