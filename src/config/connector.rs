//! `connectors/<id>.toml`.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Problem, SecretReference, Secrets};
use crate::model::{ConnectorId, NoteVisibility, PlatformKind};

/// A connector as its file describes it.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// Its id: the file's name.
    pub id: ConnectorId,
    /// The file.
    pub file: PathBuf,
    /// The platform.
    pub platform: PlatformKind,
    /// What people call it.
    pub name: String,
    /// Whether it syncs at all.
    pub enabled: bool,
    /// Who is written to when a transaction fails.
    pub notification_email_addresses: Vec<String>,
    /// Whether a new Field Nation work order makes a new record.
    pub outbound_create: bool,
    /// What is carried besides fields.
    pub features: Features,
    /// How hard it may work.
    pub limits: Limits,
    /// The vendor's own settings, read by the adapter.
    settings: toml::Table,
    text: String,
}

/// Which way notes and messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteFlow {
    /// They are not carried.
    #[default]
    Off,
    /// Platform to Field Nation.
    Inbound,
    /// Field Nation to platform.
    Outbound,
    /// Both ways.
    Both,
}

impl NoteFlow {
    /// Whether they go from the platform to Field Nation.
    #[must_use]
    pub fn inbound(self) -> bool {
        matches!(self, Self::Inbound | Self::Both)
    }

    /// Whether they go from Field Nation to the platform.
    #[must_use]
    pub fn outbound(self) -> bool {
        matches!(self, Self::Outbound | Self::Both)
    }
}

/// What is carried besides fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Features {
    /// Notes and messages.
    pub messages: NoteFlow,
    /// How Field Nation messages are written on the platform.
    pub message_visibility: NoteVisibility,
    /// Files, inbound only when the work order is created.
    pub files: NoteFlow,
    /// Whether a new work order is published at once; else it stays a draft.
    pub publish: bool,
    /// Whether changes missed during an outage are looked for.
    pub catch_up: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            messages: NoteFlow::Off,
            message_visibility: NoteVisibility::Internal,
            files: NoteFlow::Off,
            publish: false,
            catch_up: true,
        }
    }
}

/// How hard a connector may work.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Attempts before the dead letter queue.
    pub max_attempts: u32,
    /// Transactions in flight at once; `None` leaves it to the adapter.
    pub concurrency: Option<usize>,
    /// Calls a minute; `None` leaves it to the adapter.
    pub calls_per_minute: Option<u32>,
    /// Seconds a call may take.
    pub timeout_seconds: u64,
    /// At most so many records are queued by one catch-up.
    pub catch_up_records: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            concurrency: None,
            calls_per_minute: None,
            timeout_seconds: 30,
            catch_up_records: 1000,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    platform: PlatformKind,
    #[serde(default)]
    name: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    notification_email_addresses: Vec<String>,
    #[serde(default)]
    outbound_create: bool,
    #[serde(default)]
    features: Features,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    settings: toml::Table,
}

fn yes() -> bool {
    true
}

/// A secret-bearing or plain setting, for error messages.
#[derive(Clone, Copy, Debug)]
pub struct Setting(pub &'static str);

impl ConnectorConfig {
    /// Reads a connector file's text. The id is the file's name.
    ///
    /// # Errors
    /// The first thing wrong with its form, with line and column.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        let stem = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let id = ConnectorId::new(stem)
            .map_err(|error| Problem::new(file, error.to_string(), "rename the file"))?;
        let parsed: File =
            toml::from_str(text).map_err(|error| Problem::toml(file, text, &error))?;
        Ok(Self {
            name: parsed.name.unwrap_or_else(|| id.to_string()),
            id,
            file: file.to_owned(),
            platform: parsed.platform,
            enabled: parsed.enabled,
            notification_email_addresses: parsed.notification_email_addresses,
            outbound_create: parsed.outbound_create,
            features: parsed.features,
            limits: parsed.limits,
            settings: parsed.settings,
            text: text.to_owned(),
        })
    }

    /// The file's text: the same text means the same connector.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The vendor's settings as the adapter's own type (use `deny_unknown_fields`).
    ///
    /// # Errors
    /// The first thing wrong, with line and column.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        #[derive(Deserialize)]
        struct Outer<T> {
            settings: T,
        }
        // Read from the text once more, so that errors know their place.
        match toml::from_str::<Outer<T>>(&self.text) {
            Ok(outer) => Ok(outer.settings),
            Err(_) if self.settings.is_empty() => {
                T::deserialize(toml::Value::Table(toml::Table::new())).map_err(|error| {
                    Problem::new(&self.file, error.message(), "add a [settings] table")
                })
            }
            Err(error) => Err(Problem::toml(&self.file, &self.text, &error)),
        }
    }

    /// The value of a secret setting.
    ///
    /// # Errors
    /// A problem that names the setting and where its value was looked for.
    pub fn secret(
        &self,
        setting: Setting,
        reference: &SecretReference,
        secrets: &Secrets,
    ) -> Result<SecretString, Problem> {
        secrets
            .resolve(reference)
            .map_err(|why| Problem::new(&self.file, format!("settings.{}: {why}", setting.0), ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        company: String,
    }

    const GOOD: &str = "platform = \"connectwise\"\n[settings]\ncompany = \"acme\"\n";

    #[test]
    fn a_file_gives_its_name_to_the_connector() {
        let config = ConnectorConfig::parse(Path::new("connectors/cw-main.toml"), GOOD).unwrap();
        assert_eq!(config.id.as_str(), "cw-main");
        assert_eq!(config.limits.max_attempts, 8);
        assert_eq!(config.settings::<Example>().unwrap().company, "acme");
    }

    #[test]
    fn a_wrong_key_is_told_with_its_place() {
        let text = GOOD.replace("company", "compny");
        let config = ConnectorConfig::parse(Path::new("connectors/cw-main.toml"), &text).unwrap();
        let problem = config.settings::<Example>().unwrap_err();
        assert_eq!(problem.place.unwrap().line, 3);
        assert!(problem.to_string().contains("compny"), "{problem}");
    }
}
