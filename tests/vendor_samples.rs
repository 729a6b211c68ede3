//! Every sample of the vendors' bodies is an input of some test, or it is said here why it is none.

use std::fs;
use std::path::{Path, PathBuf};

/// What no test reads, and why.
const UNREAD: &[(&str, &str)] = &[
    (
        "netsuite/doc_async_job.json",
        "No call of ours is asynchronous.",
    ),
    (
        "netsuite/doc_collection_page1.json",
        "Lists are read by SuiteQL, or one record of them by its marker.",
    ),
    (
        "netsuite/doc_metadata_catalog.json",
        "The whole catalogue is never asked for, one record type of it alone.",
    ),
];

fn home() -> Option<PathBuf> {
    let shared = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let home = PathBuf::from(shared).join("samples");
    if home.exists() {
        return Some(home);
    }
    println!("skipped: {} is not here", home.display());
    None
}

/// All files under a directory.
fn files(home: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The sources that may read a vendor's samples: those that name it in their path or their text.
fn readers(sources: &[(String, String)], vendor: &str) -> String {
    let samples = format!("samples/{vendor}");
    let own = format!("\"{vendor}/");
    let reads = |(path, text): &&(String, String)| {
        path.contains(vendor) || text.contains(&samples) || text.contains(&own)
    };
    let texts = sources.iter().filter(reads).map(|(_, text)| text.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether a source names the file: whole, without its ending, or with a part of it told elsewhere (`page{page}.json`).
fn is_named(text: &str, name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let whole = [
        format!("\"{name}\""),
        format!("/{name}\""),
        format!("\"{stem}\""),
    ];
    if whole.iter().any(|whole| text.contains(whole)) {
        return true;
    }
    text.split('"').any(|literal| {
        let told = literal.rsplit('/').next().unwrap_or_default();
        let parts = told
            .split_once('{')
            .and_then(|(head, rest)| Some((head, rest.rsplit_once('}')?.1)));
        parts.is_some_and(|(head, tail)| {
            head.len() > 8 && name.starts_with(head) && name.ends_with(tail)
        })
    })
}

#[test]
fn every_sample_is_read_by_a_test() {
    let Some(home) = home() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for path in ["src", "tests"]
        .iter()
        .flat_map(|room| files(&root.join(room)))
    {
        if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("vendor_samples.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().display().to_string();
            sources.push((path, text));
        }
    }
    let mut unread = Vec::new();
    for vendor in fs::read_dir(&home).unwrap() {
        let vendor = vendor.unwrap().path();
        let name = vendor.file_name().unwrap().to_string_lossy();
        let texts = readers(&sources, &name);
        for path in files(&vendor) {
            if !is_named(&texts, &path.file_name().unwrap().to_string_lossy()) {
                let path = path.strip_prefix(&home).unwrap();
                unread.push(path.to_string_lossy().into_owned());
            }
        }
    }
    unread.sort();
    let known: Vec<&str> = UNREAD.iter().map(|(name, _)| *name).collect();
    assert_eq!(unread, known);
}
