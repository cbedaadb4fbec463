//! Panics never cross: a panic's text can hold anything, so only its place does.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use softpos_types as types;
use softpos_types::Code;

use crate::error::SoftPosError;

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic prints nothing; file and line are kept for the error of the call.
///
/// The hook is this library's own: a phone's other libraries have their own copy of the standard library.
pub(crate) fn keep_panics_quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map(|place| format!("{}:{}", place.file(), place.line()));
            // A thread that is ending has no such variable any more.
            let _ = PLACE.try_with(|kept| *kept.borrow_mut() = place);
        }));
    });
}

/// Runs a call; a panic in it becomes `session_poisoned` with its place.
pub(crate) fn call<T>(action: impl FnOnce() -> Result<T, types::SoftPosError>) -> Result<T, SoftPosError> {
    watched(action, || {})
}

/// As [`call`] for what cannot fail.
pub(crate) fn run<T>(action: impl FnOnce() -> T) -> Result<T, SoftPosError> {
    call(|| Ok(action()))
}

/// As [`call`], and says so when it panicked.
pub(crate) fn watched<T>(
    action: impl FnOnce() -> Result<T, types::SoftPosError>,
    failed: impl FnOnce(),
) -> Result<T, SoftPosError> {
    keep_panics_quiet();
    // What a panic leaves half done is behind locks that are poisoned then.
    let result = catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|_| {
        failed();
        let place = PLACE.with(RefCell::take);
        Err(types::SoftPosError::of(Code::SessionPoisoned).with_detail(place.unwrap_or_default()))
    });
    result.map_err(SoftPosError::from)
}
