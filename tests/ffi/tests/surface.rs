//! A change of what Kotlin and Swift see is seen in review: the surface as text is in the repository.
#![allow(missing_docs, clippy::unwrap_used, reason = "what goes wrong ends the test")]

use std::path::Path;

use softpos_ffi_tests::library;

const KEPT: &str = include_str!("../../../bindings/surface.txt");

#[test]
fn the_surface_is_the_one_in_the_repository() {
    let surface = softpos_bindgen::surface(&library().unwrap()).unwrap();
    let differs = surface.lines().zip(KEPT.lines()).find(|(now, kept)| now != kept);
    assert_eq!(differs, None, "first difference, now and as kept");
    assert!(
        surface == KEPT,
        "the surface has grown or shrunk: {} lines, kept are {}; if that is meant, \
         `cargo run -p softpos-bindgen -- surface LIBRARY > bindings/surface.txt`",
        surface.lines().count(),
        KEPT.lines().count()
    );
}

#[test]
fn the_surface_names_what_shells_use() {
    for name in [
        "Terminal",
        "SecureHardware",
        "LogSink",
        "SoftPosError",
        "PinEntry",
        "next_step",
        "card_replied",
    ] {
        assert!(KEPT.contains(&format!("name: \"{name}\"")), "{name}");
    }
}

#[test]
fn what_comes_in_is_refused_with_a_typed_error() {
    // A path refuses no text.
    let read = softpos_bindgen::read_by_themselves(&library().unwrap()).unwrap();
    assert_eq!(read.into_iter().collect::<Vec<_>>(), ["PathBuf"]);
    assert!(KEPT.contains("name: \"PaymentKey\""), "others only go out");
}

#[test]
fn a_file_that_is_no_library_has_no_surface() {
    assert!(softpos_bindgen::surface(Path::new(file!())).is_err());
    assert!(softpos_bindgen::surface(Path::new("/nowhere")).is_err());
}
