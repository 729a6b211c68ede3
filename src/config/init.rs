//! The files that `fieldbridge init` writes, every key explained.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Directory;
use crate::model::{ConnectorId, PlatformKind};

const SETTINGS: &str = include_str!("templates/fieldbridge.toml");
const CONNECTOR: &str = include_str!("templates/connector.toml");

/// What is shipped for a platform.
struct Shipped {
    /// The keys of its `[settings]`.
    settings: &'static str,
    /// The mapping that a new connector begins with.
    mapping: &'static str,
}

macro_rules! shipped {
    ($name:literal) => {
        Shipped {
            settings: include_str!(concat!("templates/", $name, ".toml")),
            mapping: include_str!(concat!("../../mappings/", $name, ".toml")),
        }
    };
}

fn shipped(platform: PlatformKind) -> Shipped {
    match platform {
        PlatformKind::Autotask => shipped!("autotask"),
        PlatformKind::ConnectWise => shipped!("connectwise"),
        PlatformKind::ServiceNow => shipped!("servicenow"),
        PlatformKind::Salesforce => shipped!("salesforce"),
        PlatformKind::Freshdesk => shipped!("freshdesk"),
        PlatformKind::NetSuite => shipped!("netsuite"),
        PlatformKind::Quickbase => shipped!("quickbase"),
        PlatformKind::Smartsheet => shipped!("smartsheet"),
        PlatformKind::Rest => shipped!("rest"),
    }
}

/// The text of a new `fieldbridge.toml`.
#[must_use]
pub fn settings_text() -> &'static str {
    SETTINGS
}

/// The text of a new connector's file.
#[must_use]
pub fn connector_text(platform: PlatformKind, id: &ConnectorId) -> String {
    format!("{CONNECTOR}{}", shipped(platform).settings)
        .replace("{id}", id.as_str())
        .replace("{platform}", platform.word())
        .replace("{title}", platform.title())
}

/// The mapping that a new connector of a platform begins with.
#[must_use]
pub fn default_mapping(platform: PlatformKind) -> &'static str {
    shipped(platform).mapping
}

/// What `init` did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initialised {
    /// The files written.
    pub written: Vec<PathBuf>,
    /// The files that were there already and were left as they are.
    pub kept: Vec<PathBuf>,
}

/// Why `init` could not do it.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a connector of this id already.
    #[error("{} is there already; choose another id with --id", .0.display())]
    Exists(PathBuf),
    /// The file can't be written.
    #[error("{} can't be written: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Writes `fieldbridge.toml` unless it is there, and with a connector its file and mapping. Overwrites nothing.
///
/// # Errors
/// [`InitError`]; files written before it stay.
pub fn initialise(
    directory: &Directory,
    connector: Option<(PlatformKind, &ConnectorId)>,
) -> Result<Initialised, InitError> {
    let mut done = Initialised::default();
    if let Some((platform, id)) = connector {
        let text = connector_text(platform, id);
        let file = directory.connector_file(id);
        if !write_new(&file, &text)? {
            return Err(InitError::Exists(file));
        }
        done.written.push(file);
        done.write(directory.mapping_file(id), default_mapping(platform))?;
    }
    done.write(directory.settings_file(), SETTINGS)?;
    Ok(done)
}

impl Initialised {
    fn write(&mut self, file: PathBuf, text: &str) -> Result<(), InitError> {
        if write_new(&file, text)? {
            self.written.push(file);
        } else {
            self.kept.push(file);
        }
        Ok(())
    }
}

/// Writes a file that is not there yet; answers whether it did.
fn write_new(file: &Path, text: &str) -> Result<bool, InitError> {
    let failed = |error| InitError::Io {
        path: file.to_owned(),
        error,
    };
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(mut written) => {
            written.write_all(text.as_bytes()).map_err(failed)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConnectorConfig, Settings, load};
    use super::*;

    /// The text with every key set that is shown unset.
    fn uncommented(text: &str) -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(key)
                if key.starts_with(|first: char| first.is_ascii_lowercase() || first == '[') =>
            {
                key.to_owned()
            }
            _ => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    fn id() -> ConnectorId {
        ConnectorId::new("cw-main").unwrap()
    }

    /// The keys that a table of a file may have, by the parser's own word.
    fn keys(table: &str, parse: impl Fn(&str) -> String) -> Vec<String> {
        let complaint = parse(&format!("{table}zzz = 1\n"));
        let expected = complaint.split("expected ").nth(1).unwrap();
        let quoted = expected.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    }

    /// The keys that a text sets in a table.
    fn set(text: &str, table: &str) -> Vec<String> {
        let root: toml::Table = toml::from_str(text).unwrap();
        let table = if table.is_empty() {
            &root
        } else {
            root[table].as_table().unwrap()
        };
        table.keys().cloned().collect()
    }

    #[test]
    fn every_key_of_the_settings_is_shown_and_parses() {
        let file = Path::new("fieldbridge.toml");
        Settings::parse(file, SETTINGS).unwrap();
        let text = uncommented(SETTINGS);
        let settings = Settings::parse(file, &text).unwrap();
        assert!(settings.field_nation.is_some() && settings.mail.is_some());
        let complaint = |text: &str| Settings::parse(file, text).unwrap_err().to_string();
        for table in [
            "",
            "server",
            "engine",
            "field_nation",
            "jsonnet",
            "privacy",
            "mail",
            "roles",
        ] {
            let header = if table.is_empty() {
                String::new()
            } else {
                format!("[{table}]\n")
            };
            for key in keys(&header, complaint) {
                assert!(set(&text, table).contains(&key), "[{table}] {key}");
            }
        }
    }

    #[test]
    fn a_default_that_is_shown_is_the_default() {
        let text = uncommented(SETTINGS);
        let shown = Settings::parse(Path::new("a"), &text).unwrap();
        let default = Settings::default();
        assert_eq!(shown.server.listen, default.server.listen);
        assert_eq!(shown.server.body_limit, default.server.body_limit);
        assert_eq!(
            format!("{:?}", shown.engine),
            format!("{:?}", default.engine)
        );
        assert_eq!(
            format!("{:?}", shown.jsonnet),
            format!("{:?}", default.jsonnet)
        );
    }

    #[test]
    fn every_key_of_a_connector_is_shown_and_parses() {
        let file = Path::new("cw-main.toml");
        let complaint = |text: &str| {
            let text = format!("{text}\n");
            ConnectorConfig::parse(file, &text).unwrap_err().to_string()
        };
        for platform in PlatformKind::ALL {
            let template = connector_text(platform, &id());
            let config = ConnectorConfig::parse(file, &template).unwrap();
            assert_eq!(config.platform, platform);
            let text = uncommented(&template);
            let shown = ConnectorConfig::parse(file, &text).unwrap();
            assert_eq!(shown.limits.max_attempts, config.limits.max_attempts);
            assert_eq!(
                format!("{:?}", shown.features),
                format!("{:?}", config.features)
            );
            for table in ["", "features", "limits"] {
                let header = if table.is_empty() {
                    String::new()
                } else {
                    format!("platform = \"rest\"\n[{table}]\n")
                };
                for key in keys(&header, complaint) {
                    assert!(set(&text, table).contains(&key), "[{table}] {key}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::resolve(Some(&home.path().join("new"))).unwrap();
        let id = id();
        let connector = Some((PlatformKind::ConnectWise, &id));
        let done = initialise(&directory, connector).unwrap();
        assert!(done.written.contains(&directory.settings_file()));
        assert!(done.written.contains(&directory.connector_file(&id)));
        let loaded = load(&directory);
        assert_eq!(loaded.problems().count(), 0);
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);

        fs::write(directory.settings_file(), "name = \"mine\"").unwrap();
        let again = initialise(&directory, None).unwrap();
        assert_eq!(again.kept, [directory.settings_file()]);
        let text = fs::read_to_string(directory.settings_file()).unwrap();
        assert_eq!(text, "name = \"mine\"");
        assert!(matches!(
            initialise(&directory, connector),
            Err(InitError::Exists(_))
        ));
    }
}
