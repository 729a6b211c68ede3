//! Reading the files of a description, and nothing else on the disk.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::Limits;
use super::problems::{Problems, short};

/// Why a description can't be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadProblem {
    /// There is no such file.
    #[error("{0} is not there")]
    Missing(String),
    /// It can't be read, is too large, or is neither JSON nor YAML.
    #[error("{file} can't be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// It is no OpenAPI description.
    #[error("{file} is no OpenAPI description: {why}")]
    NoDescription {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

/// The files read so far; each has a number.
pub(super) struct Files {
    /// No file outside of this directory is read.
    home: PathBuf,
    limits: Limits,
    bytes: u64,
    by_path: HashMap<PathBuf, usize>,
    paths: Vec<PathBuf>,
    pub(super) values: Vec<Value>,
}

impl Files {
    /// Reads the file, or the description's main file in the directory.
    pub(super) fn open(
        path: &Path,
        limits: Limits,
        problems: &mut Problems,
    ) -> Result<Self, LoadProblem> {
        let path =
            fs::canonicalize(path).map_err(|_| LoadProblem::Missing(path.display().to_string()))?;
        let home = if path.is_dir() {
            path.clone()
        } else if path.is_file() {
            path.parent().map(Path::to_path_buf).unwrap_or_default()
        } else {
            // A device or a pipe may never end.
            return Err(LoadProblem::Unreadable {
                file: path.display().to_string(),
                why: "it is neither a file nor a directory".to_owned(),
            });
        };
        let mut files = Self {
            home,
            limits,
            bytes: 0,
            by_path: HashMap::new(),
            paths: Vec::new(),
            values: Vec::new(),
        };
        if path.is_dir() {
            files.open_directory(&path, problems)?;
        } else {
            let value = files.read(&path)?;
            files.keep(path, value);
        }
        Ok(files)
    }

    /// A description that is no file; nothing is read beside it.
    pub(super) fn alone(name: &str, value: Value, limits: Limits) -> Self {
        Self {
            home: PathBuf::new(),
            limits: Limits { files: 1, ..limits },
            bytes: 0,
            by_path: HashMap::new(),
            paths: vec![PathBuf::from(name)],
            values: vec![value],
        }
    }

    fn open_directory(
        &mut self,
        directory: &Path,
        problems: &mut Problems,
    ) -> Result<(), LoadProblem> {
        let mut mains = Vec::new();
        for path in candidates(directory, self.limits.files) {
            let bytes = self.bytes;
            match self.read(&path) {
                Ok(value) if is_main(&value) => mains.push((path, value)),
                Ok(_) => self.bytes = bytes,
                Err(problem) => problems.note(format!("left out: {problem}")),
            }
        }
        let mut mains = mains.into_iter();
        let Some((path, value)) = mains.next() else {
            return Err(LoadProblem::NoDescription {
                file: directory.display().to_string(),
                why: "no file in it has the member `openapi` or `swagger`".to_owned(),
            });
        };
        let others: Vec<String> = mains.map(|(path, _)| self.shown(&path)).collect();
        if !others.is_empty() {
            problems.note(format!(
                "{} was read; the directory holds other descriptions too, which can be named by file: {}",
                self.shown(&path),
                short(&others.join(", "))
            ));
        }
        self.keep(path, value);
        Ok(())
    }

    fn keep(&mut self, path: PathBuf, value: Value) -> usize {
        let number = self.values.len();
        self.by_path.insert(path.clone(), number);
        self.paths.push(path);
        self.values.push(value);
        number
    }

    /// A file's name for people.
    pub(super) fn name(&self, number: usize) -> String {
        self.paths
            .get(number)
            .map(|path| self.shown(path))
            .unwrap_or_default()
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.home)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// The number of the file that a reference in another file names; it is read the first time.
    ///
    /// # Errors
    /// Why it can't be used, in words for people.
    pub(super) fn beside(&mut self, from: usize, name: &str) -> Result<usize, String> {
        if self.home.as_os_str().is_empty() {
            return Err("there are no files beside it".to_owned());
        }
        let directory = self
            .paths
            .get(from)
            .and_then(|path| path.parent())
            .unwrap_or(&self.home);
        let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        let mut found = None;
        for name in [name, decoded.as_ref()] {
            let path = plain(&directory.join(name));
            if !path.starts_with(&self.home) {
                return Err(
                    "it lies outside of the description's directory; give the directory that holds both"
                        .to_owned(),
                );
            }
            if let Ok(path) = fs::canonicalize(&path) {
                found = Some(path);
                break;
            }
        }
        let path = found.ok_or("there is no such file")?;
        if !path.starts_with(&self.home) || !path.is_file() {
            return Err("it lies outside of the description's directory".to_owned());
        }
        if let Some(number) = self.by_path.get(&path) {
            return Ok(*number);
        }
        if self.values.len() >= self.limits.files {
            return Err(format!("there are more than {} files", self.limits.files));
        }
        let value = self.read(&path).map_err(|problem| problem.to_string())?;
        Ok(self.keep(path, value))
    }

    fn read(&mut self, path: &Path) -> Result<Value, LoadProblem> {
        let unreadable = |why: String| LoadProblem::Unreadable {
            file: path.display().to_string(),
            why,
        };
        let size = fs::metadata(path)
            .map_err(|error| unreadable(error.to_string()))?
            .len();
        if size > self.limits.file_bytes || self.bytes + size > self.limits.total_bytes {
            return Err(unreadable(format!(
                "it is too large ({} MB)",
                size / 1_048_576
            )));
        }
        let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        self.bytes += size;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}');
        let is_prose = path
            .extension()
            .is_some_and(|extension| extension == "md" || extension == "txt");
        if is_prose {
            return Ok(Value::String(text.to_owned()));
        }
        parse(text, &self.limits).map_err(unreadable)
    }
}

/// A path without `.` and `..`, judged by its words alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The files of a directory that may be descriptions: those with a telling name first, then the shallow ones.
fn candidates(directory: &Path, most: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut level = vec![directory.to_path_buf()];
    for depth in 0..4 {
        let mut deeper = Vec::new();
        for directory in level {
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.is_symlink() || found.len() >= most {
                    continue;
                }
                let extension = path.extension().and_then(|one| one.to_str());
                if path.is_dir() {
                    deeper.push(path);
                } else if path.is_file() && matches!(extension, Some("json" | "yaml" | "yml")) {
                    let stem = path.file_stem().and_then(|stem| stem.to_str());
                    let telling = matches!(stem, Some("openapi" | "swagger" | "index" | "api"));
                    found.push((depth, !telling, path));
                }
            }
        }
        level = deeper;
    }
    found.sort();
    found.into_iter().map(|(_, _, path)| path).collect()
}

fn is_main(value: &Value) -> bool {
    value.get("openapi").is_some() || value.get("swagger").is_some()
}

/// Reads JSON or YAML.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<Value, String> {
    if text.trim_start().starts_with(['{', '[']) {
        match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            // YAML has braces too; but what is meant as JSON should be told of as JSON.
            Err(error) => {
                return yaml(text, limits).map_err(|_| format!("it is no JSON: {error}"));
            }
        }
    }
    yaml(text, limits).map_err(|why| format!("it is no YAML: {why}"))
}

fn yaml(text: &str, limits: &Limits) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: limits.nodes.saturating_mul(2),
            max_nodes: limits.nodes,
            max_depth: limits.depth,
            max_documents: 1,
            max_merge_keys: 10_000,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits.nodes,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        // `no` and `on` are words here, not truth values.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| short(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        parse(text, &Limits::default())
    }

    #[test]
    fn yaml_is_read_as_json_would_be() {
        let text = "\nswagger: 2.0\nresponses:\n  200: {d: 2021-05-05}\n  '404': no\nb: &b {x: 1}\nc: {<<: *b, y: on}\n";
        let value = read(text).unwrap();
        assert_eq!(value["swagger"], json!(2.0));
        assert_eq!(value["responses"]["200"], json!({"d": "2021-05-05"}));
        assert_eq!(value["responses"]["404"], json!("no"));
        assert_eq!(value["c"], json!({"x": 1, "y": "on"}));
        assert_eq!(read("a: 1\na: 2\n").unwrap(), json!({"a": 2}));
    }

    #[test]
    fn hostile_texts_are_refused_in_a_moment() {
        // As documents are read: with a stack that deep nesting needs.
        let thread = std::thread::Builder::new().stack_size(64 * 1024 * 1024);
        thread.spawn(refuse_hostile_texts).unwrap().join().unwrap();
    }

    fn refuse_hostile_texts() {
        let started = std::time::Instant::now();
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..30 {
            let before = format!("*a{},", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        for text in [
            bomb,
            "[".repeat(1_000_000),
            "{\"a\":".repeat(100_000),
            "- ".repeat(100_000),
            "{\"a\": ".to_owned(),
        ] {
            assert!(read(&text).is_err(), "{}", super::short(&text));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
