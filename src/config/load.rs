//! Reads a whole config directory: what is good, what is broken, what is worth a warning.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::warn;
use super::{ConnectorConfig, Directory, Problem, Settings};
use crate::model::ConnectorId;

/// A config directory as it is on disk now. Nothing of it is in force by being read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// `fieldbridge.toml`; the defaults when there is none.
    pub settings: Result<Settings, Problem>,
    /// The connector files, by path.
    pub connectors: Vec<LoadedConnector>,
    /// What works and should not stay so: literal secrets, secrets that others can read, files nobody reads.
    pub warnings: Vec<Problem>,
}

/// A connector file, and where its mapping is.
#[derive(Clone, Debug)]
pub struct LoadedConnector {
    /// The file.
    pub file: PathBuf,
    /// What it says.
    pub config: Result<ConnectorConfig, Problem>,
    /// Where its mapping file is, or would be.
    pub mapping: PathBuf,
}

impl Loaded {
    /// The connectors whose file is good in form.
    pub fn good(&self) -> impl Iterator<Item = &ConnectorConfig> {
        self.connectors
            .iter()
            .filter_map(|connector| connector.config.as_ref().ok())
    }

    /// What is broken, file by file.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let settings = self.settings.as_ref().err();
        let connectors = self
            .connectors
            .iter()
            .filter_map(|connector| connector.config.as_ref().err());
        settings.into_iter().chain(connectors)
    }
}

/// Reads a config directory. Blocks while it reads; a directory that does not exist is an empty one.
#[must_use]
pub fn load(directory: &Directory) -> Loaded {
    let mut warnings = Vec::new();
    let settings_file = directory.settings_file();
    let settings = match read(&settings_file) {
        Ok(None) => Ok(Settings::default()),
        Ok(Some(text)) => {
            warnings.extend(warn::about_secrets(directory.path(), &settings_file, &text));
            Settings::parse(&settings_file, &text)
        }
        Err(problem) => Err(problem),
    };
    let mut connectors = Vec::new();
    for file in entries(&directory.connectors(), &mut warnings) {
        if file.extension() != Some(OsStr::new("toml")) {
            continue;
        }
        let text = match read(&file) {
            // Gone since it was listed: then it is no connector.
            Ok(None) => continue,
            Ok(Some(text)) => Ok(text),
            Err(problem) => Err(problem),
        };
        let config = text.and_then(|text| {
            warnings.extend(warn::about_secrets(directory.path(), &file, &text));
            ConnectorConfig::parse(&file, &text)
        });
        let mapping = directory
            .mappings()
            .join(file.file_name().unwrap_or_default());
        connectors.push(LoadedConnector {
            file,
            config,
            mapping,
        });
    }
    warnings.extend(unread_files(directory));
    Loaded {
        settings,
        connectors,
        warnings,
    }
}

/// The text of a file; `None` when there is no such file.
fn read(file: &Path) -> Result<Option<String>, Problem> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::new(
            file,
            format!("the file can't be read: {error}"),
            "let the engine's user read it",
        )),
    }
}

/// The files of a directory that a person means to be read, in the order of their names.
fn entries(directory: &Path, warnings: &mut Vec<Problem>) -> Vec<PathBuf> {
    let listed = match fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            warnings.push(Problem::new(
                directory,
                format!("the directory can't be listed: {error}"),
                "let the engine's user read it",
            ));
            return Vec::new();
        }
    };
    let mut files: Vec<_> = listed
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && !is_left_over(path))
        .collect();
    files.sort();
    files
}

/// Whether a file is an editor's or the system's own: hidden, a backup, a swap file.
pub(super) fn is_left_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.')
        || name.starts_with('#')
        || name.ends_with('~')
        || [".bak", ".orig", ".swp", ".swx", ".tmp", ".rej"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

/// Files in places where files are read, that nobody reads: most often a slip of the pen.
fn unread_files(directory: &Directory) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut listing_problems = Vec::new();
    let mut look = |place: &Path, is_read: &dyn Fn(&Path) -> Option<&'static str>| {
        for file in entries(place, &mut listing_problems) {
            if let Some(mend) = is_read(&file) {
                warnings.push(Problem::new(&file, "nobody reads this file", mend));
            }
        }
    };
    look(directory.path(), &|file| {
        let toml = file.extension() == Some(OsStr::new("toml"));
        (toml && file.file_name() != Some(OsStr::new("fieldbridge.toml"))).then_some(
            "settings stand in fieldbridge.toml, connectors in connectors/, mappings in mappings/",
        )
    });
    look(&directory.connectors(), &|file| {
        (file.extension() != Some(OsStr::new("toml")))
            .then_some("a connector's file is called <id>.toml")
    });
    look(
        &directory.mappings(),
        &|file| match file.extension().and_then(OsStr::to_str) {
            Some("jsonnet" | "libsonnet" | "json" | "md" | "cases") => None,
            Some("toml") => {
                let id = file.file_stem().and_then(OsStr::to_str).unwrap_or_default();
                let connector = ConnectorId::new(id).map(|id| directory.connector_file(&id));
                let missing = !connector.is_ok_and(|file| file.exists());
                missing
                    .then_some("a mapping has the name of its connector; is one of them misspelt?")
            }
            _ => Some("a mapping is called <connector>.toml, a script ends in .jsonnet"),
        },
    );
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, Directory) {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = home.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let directory = Directory::resolve(Some(home.path())).unwrap();
        (home, directory)
    }

    #[test]
    fn an_empty_directory_and_a_missing_one_are_all_defaults() {
        let (home, directory) = directory(&[]);
        let loaded = load(&directory);
        assert!(loaded.settings.unwrap().field_nation.is_none());
        assert!(loaded.connectors.is_empty() && loaded.warnings.is_empty());
        let missing = Directory::resolve(Some(&home.path().join("missing"))).unwrap();
        assert!(load(&missing).settings.is_ok());
    }

    #[test]
    fn a_broken_file_does_not_hide_the_others() {
        let (_home, directory) = directory(&[
            ("fieldbridge.toml", "name = \n"),
            ("connectors/b.toml", "platform = \"zendesk\"\n"),
            ("connectors/a.toml", "platform = \"freshdesk\"\n"),
        ]);
        let loaded = load(&directory);
        let names: Vec<_> = loaded
            .connectors
            .iter()
            .map(|connector| connector.file.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.toml", "b.toml"]);
        assert_eq!(loaded.good().count(), 1);
        let problems: Vec<_> = loaded.problems().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("fieldbridge.toml:1:"), "{problems:?}");
        assert!(problems[1].contains("b.toml:1:"), "{problems:?}");
        let mapping = &loaded.connectors[0].mapping;
        assert_eq!(*mapping, directory.mappings().join("a.toml"));
    }

    #[test]
    fn what_nobody_reads_is_pointed_out_and_left_overs_are_not() {
        let (_home, directory) = directory(&[
            ("feildbridge.toml", ""),
            ("connectors/a.toml", "platform = \"freshdesk\"\n"),
            ("connectors/a.toml~", ""),
            ("connectors/.a.toml.swp", ""),
            ("connectors/b.yaml", ""),
            ("mappings/a.toml", ""),
            ("mappings/a.jsonnet", ""),
            ("mappings/other.toml", ""),
        ]);
        let warned: Vec<_> = load(&directory)
            .warnings
            .into_iter()
            .map(|warning| {
                warning
                    .file
                    .strip_prefix(directory.path())
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let expected = [
            "feildbridge.toml",
            "connectors/b.yaml",
            "mappings/other.toml",
        ];
        assert_eq!(warned, expected.map(PathBuf::from));
    }

    #[test]
    fn a_file_that_is_no_text_is_a_problem_of_its_own() {
        let (_home, directory) = directory(&[]);
        fs::create_dir(directory.connectors()).unwrap();
        fs::write(directory.connectors().join("a.toml"), [0xff, 0xfe]).unwrap();
        let loaded = load(&directory);
        assert!(loaded.connectors[0].config.is_err());
    }
}
