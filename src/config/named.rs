//! Files that a connector's settings name and that are read with them: when one changes, the connector is read anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use notify::RecursiveMode;

/// How deep a named directory is looked into.
const DEPTH: usize = 4;

/// So many files of a directory are looked at.
const MOST: usize = 1000;

/// When each file was last written and how long it was, if it is there.
type Seen = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// A file, or a directory of files, that settings name. A file's neighbours count too, for it may refer to them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedFile(PathBuf);

impl NamedFile {
    /// The file or directory at a path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory that is to be watched, and whether with all below it.
    pub(super) fn directory(&self) -> (&Path, RecursiveMode) {
        match self.0.parent() {
            Some(parent) if !self.0.is_dir() => (parent, RecursiveMode::NonRecursive),
            _ => (&self.0, RecursiveMode::Recursive),
        }
    }

    /// Whether a change of this path is one of what is named.
    pub(super) fn is_touched_by(&self, path: &Path) -> bool {
        if path.starts_with(&self.0) {
            return true;
        }
        // A mounted directory is exchanged whole, by hidden links.
        let is_link = |name: &str| name.starts_with("..");
        let name = path.file_name().and_then(|name| name.to_str());
        path.parent() == self.0.parent() && (is_description(path) || name.is_some_and(is_link))
    }

    fn look(&self, seen: &mut Seen) {
        if self.0.is_dir() {
            return look_into(&self.0, DEPTH, seen);
        }
        note(&self.0, seen);
        if let Some(directory) = self.0.parent() {
            look_into(directory, 1, seen);
        }
    }
}

/// Whether a file may hold a description or a part of one.
fn is_description(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("json" | "yaml" | "yml" | "md" | "txt"))
}

fn look_into(directory: &Path, depth: usize, seen: &mut Seen) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if seen.len() >= MOST {
            return;
        }
        if path.is_dir() {
            if depth > 1 && !path.is_symlink() {
                look_into(&path, depth - 1, seen);
            }
        } else if is_description(&path) {
            note(&path, seen);
        }
    }
}

fn note(path: &Path, seen: &mut Seen) {
    let facts = fs::metadata(path).ok();
    let facts = facts.and_then(|facts| Some((facts.modified().ok()?, facts.len())));
    seen.insert(path.to_owned(), facts);
}

/// How named files stood at a moment: which there were, when each was last written and how long it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesSeen(Seen);

impl FilesSeen {
    /// Looks at files. Blocks while it does.
    #[must_use]
    pub fn now(files: &[NamedFile]) -> Self {
        let mut seen = Seen::new();
        for file in files {
            file.look(&mut seen);
        }
        Self(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_file_or_of_what_stands_beside_it_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("api.yaml");
        fs::write(&file, "openapi: 3.0.0").unwrap();
        let named = [NamedFile::new(&file)];
        let before = FilesSeen::now(&named);
        assert_eq!(FilesSeen::now(&named), before);
        fs::write(home.path().join("data.redb"), "x").unwrap();
        assert_eq!(FilesSeen::now(&named), before);
        fs::write(home.path().join("schemas.json"), "{}").unwrap();
        let with_neighbour = FilesSeen::now(&named);
        assert_ne!(with_neighbour, before);
        fs::write(&file, "openapi: 3.0.0\ninfo: {}").unwrap();
        assert_ne!(FilesSeen::now(&named), with_neighbour);
        fs::remove_file(&file).unwrap();
        assert_ne!(FilesSeen::now(&named), with_neighbour);
    }

    #[test]
    fn a_directory_is_seen_with_what_is_below_it() {
        let home = tempfile::tempdir().unwrap();
        let below = home.path().join("api").join("paths");
        fs::create_dir_all(&below).unwrap();
        let named = NamedFile::new(home.path().join("api"));
        let before = FilesSeen::now(std::slice::from_ref(&named));
        fs::write(below.join("tickets.yaml"), "get: {}").unwrap();
        assert_ne!(FilesSeen::now(std::slice::from_ref(&named)), before);
        assert!(named.is_touched_by(&below.join("tickets.yaml")));
        assert!(!named.is_touched_by(&home.path().join("fieldbridge.redb")));
        let file = NamedFile::new("/etc/fieldbridge/api.yaml");
        assert!(file.is_touched_by(Path::new("/etc/fieldbridge/parts.json")));
        assert!(file.is_touched_by(Path::new("/etc/fieldbridge/..data")));
        assert!(!file.is_touched_by(Path::new("/etc/fieldbridge/fieldbridge.redb")));
        assert!(!file.is_touched_by(Path::new("/etc/fieldbridge/logs/day.json")));
    }
}
