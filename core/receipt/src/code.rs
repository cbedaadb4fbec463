//! QR symbols on slips: the same size wherever they are drawn in dots.

use softpos_qr::render::{Purpose, QUIET_ZONE, Symbol};

use crate::layout::Columns;

/// Dots of a module, if the symbol is small enough for it: 0.75 mm on a printer of 203 dots an inch.
const MODULE_DOTS: usize = 6;

/// The symbol of a text for paper; nothing for a text that no symbol holds.
pub(crate) fn symbol(text: &str) -> Option<Symbol> {
    Symbol::new(text, Purpose::Print).ok()
}

/// Dots of a module's side: the largest that leaves the quiet zone, at least one.
pub(crate) fn module_dots(symbol: &Symbol, columns: Columns) -> u8 {
    let modules = symbol.side().saturating_add(2 * QUIET_ZONE);
    let room = columns.dots().checked_div(modules).unwrap_or(1);
    u8::try_from(room.clamp(1, MODULE_DOTS)).unwrap_or(1)
}
