//! Doing what a connector being made asks for.

use std::fs;
use std::path::{Path, PathBuf};

use super::message::{Answer, Ask};
use crate::console::remote::Remote;

/// How many files are looked at, and how deep.
const MOST: usize = 200;
const DEEPEST: usize = 2;

/// What of a config directory is no place for descriptions.
const OWN: [&str; 4] = ["connectors", "mappings", "themes", "data"];

pub(in crate::console) async fn carry_out(remote: &dyn Remote, ask: Ask) -> Answer {
    match ask {
        Ask::Files(home) => {
            let found = tokio::task::spawn_blocking(move || descriptions(&home)).await;
            // Names are a help in typing; without them a person types whole ones.
            Answer::Files(found.unwrap_or_default())
        }
        Ask::Describe(ticket, request) => {
            Answer::Described(ticket, remote.describe(request).await.map(Box::new))
        }
        Ask::Make(ticket, make) => {
            Answer::Made(ticket, remote.make_connector(*make).await.map(Box::new))
        }
    }
}

/// The files that may be descriptions, by name alone.
fn descriptions(home: &Path) -> Vec<String> {
    let mut found = Vec::new();
    look(home, home, DEEPEST, &mut found);
    found.sort();
    found
}

fn look(home: &Path, directory: &Path, deeper: usize, found: &mut Vec<String>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).take(MOST).collect();
    for path in paths {
        let name = path.strip_prefix(home).unwrap_or(&path).to_string_lossy();
        let hidden = name.starts_with('.') || OWN.contains(&&*name);
        let extension = path.extension().and_then(|one| one.to_str());
        if found.len() >= MOST || hidden || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            if deeper > 0 {
                look(home, &path, deeper - 1, found);
            }
        } else if matches!(extension, Some("json" | "yaml" | "yml")) {
            found.push(name.into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_found_beside_the_config() {
        let home = tempfile::tempdir().unwrap();
        for name in [
            "api.yaml",
            "apis/desk/openapi.json",
            "mappings/x.json",
            "a.toml",
            ".b.json",
        ] {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(
            descriptions(home.path()),
            ["api.yaml", "apis/desk/openapi.json"]
        );
        assert!(descriptions(&home.path().join("none")).is_empty());
    }
}
