//! The universal REST connector and the reader of OpenAPI descriptions it stands on.

mod adapter;
mod adapter_shapes;
mod answers;
mod checking;
mod choosing;
mod importing;
mod mapping;
mod proposing;
#[path = "../sandbox_support/mod.rs"]
mod sandbox_support;
mod scene;
mod stand_in;

use std::path::PathBuf;

/// The facts that tests may use, where they are there.
fn shared(path: &str) -> Option<PathBuf> {
    let home = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let path = PathBuf::from(home).join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}
