//! The files that `fieldbridge init` writes, every key explained.

use super::create::{CreateError, CreatedFiles, create_connector};
use super::directory::Directory;
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

/// Writes `fieldbridge.toml` unless it is there, and with a connector its file and mapping. Overwrites nothing.
///
/// # Errors
/// [`CreateError`]; a connector written before it stays.
pub fn initialise(
    directory: &Directory,
    connector: Option<(PlatformKind, &ConnectorId)>,
) -> Result<CreatedFiles, CreateError> {
    let mut done = match connector {
        Some((platform, id)) => create_connector(
            directory,
            id,
            &connector_text(platform, id),
            default_mapping(platform),
        )?,
        None => CreatedFiles::default(),
    };
    done.create(directory.settings_file(), SETTINGS)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

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
            Err(CreateError::Taken(..))
        ));
    }
}
