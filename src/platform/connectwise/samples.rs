//! Sample bodies for the tests; absent ones skip what needs them.

use std::path::PathBuf;

/// The text of a sample, or `None` (told on standard output) where the samples are not at hand.
pub(super) fn sample(name: &str) -> Option<String> {
    let shared = std::env::var_os("FIELDBRIDGE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(shared.join("samples/connectwise").join(name)).ok();
    if text.is_none() {
        println!("skipped: no sample {name}");
    }
    text
}
