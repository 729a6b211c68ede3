//! `fieldbridge.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Problem, SecretReference};

/// The engine's settings, as the file describes them. Every key has a default but Field Nation's credentials.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What people call this installation, e.g. `prod-east`.
    pub name: Option<String>,
    /// Where the data directory is; default XDG data.
    pub data_directory: Option<PathBuf>,
    /// The listener.
    pub server: ServerSettings,
    /// The engine.
    pub engine: EngineSettings,
    /// Field Nation.
    pub field_nation: Option<FieldNationSettings>,
    /// Limits of Jsonnet scripts.
    pub jsonnet: JsonnetSettings,
    /// What is masked in regression cases.
    pub privacy: PrivacySettings,
    /// How failure mails are sent; none are without it.
    pub mail: Option<MailSettings>,
    /// Who may do what at the control socket.
    pub roles: Roles,
    /// The theme's name.
    pub theme: Option<String>,
    /// Rebound keys of the console: action name to key.
    pub keys: BTreeMap<String, String>,
}

/// What is masked when a transaction is recorded as a regression case, beside what is known by its name (mail
/// addresses, telephone numbers, people's names, streets, passwords, tokens).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySettings {
    /// Further fields: the last name of a path, or the whole dotted path without indexes.
    pub mask: Vec<String>,
    /// Fields that are left as they are, named likewise.
    pub keep: Vec<String>,
}

/// The listener for triggers and events.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How the outside reaches us; stands in trigger addresses.
    pub public_url: Option<String>,
    /// The largest body that is read, in bytes.
    pub body_limit: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
            public_url: None,
            body_limit: 5 * 1024 * 1024,
        }
    }
}

/// The engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Transactions in flight at once, all connectors together.
    pub workers: usize,
    /// Seconds a lease lasts unless renewed.
    pub lease_seconds: u64,
    /// Seconds before each attempt, from the first on; the last one stands for all later attempts.
    pub retry_waits: Vec<u64>,
    /// Seconds before the first probe of a connector whose credentials were refused; each next wait is twice as long,
    /// up to five minutes.
    pub probe_seconds: u64,
    /// Days for which what is over (done, skipped, discarded) is kept.
    pub keep_days: u32,
    /// Days for which logs are kept.
    pub keep_logs_days: usize,
    /// Failures in a row after which a connector's breaker opens.
    pub breaker_failures: u32,
    /// Seconds after which an open breaker lets a probe through.
    pub breaker_seconds: u64,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            workers: 32,
            lease_seconds: 120,
            // The hosted broker's schedule.
            retry_waits: vec![0, 30, 60, 120, 240, 480],
            probe_seconds: 30,
            keep_days: 30,
            keep_logs_days: 14,
            breaker_failures: 5,
            breaker_seconds: 60,
        }
    }
}

/// The Field Nation company that all connectors share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldNationSettings {
    /// The host of REST v2, e.g. `https://api.fieldnation.com`; paths are added to it.
    pub base_url: String,
    /// The host of Webhooks v3, where it is another one.
    #[serde(default)]
    pub webhooks_url: Option<String>,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: SecretReference,
    /// The API user.
    pub username: String,
    /// Its password.
    pub password: SecretReference,
    /// The secret of our webhook; without it events are refused.
    #[serde(default)]
    pub webhook_secret: Option<SecretReference>,
    /// The custom field that holds connector and record id, by name or id; default: the one marked as Internal Ticket Number.
    #[serde(default)]
    pub correlation_field: Option<String>,
    /// Calls a minute the company may make.
    #[serde(default = "sixty")]
    pub calls_per_minute: u32,
    /// Calls in flight at once.
    #[serde(default = "eight")]
    pub concurrency: usize,
    /// Seconds a call may take.
    #[serde(default = "thirty")]
    pub timeout_seconds: u64,
}

fn sixty() -> u32 {
    60
}

fn eight() -> usize {
    8
}

fn thirty() -> u64 {
    30
}

/// Limits of Jsonnet scripts.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JsonnetSettings {
    /// Child processes.
    pub workers: usize,
    /// Milliseconds an evaluation may take.
    pub deadline_ms: u64,
    /// Megabytes of address space a child may have.
    pub memory_mb: u64,
}

impl Default for JsonnetSettings {
    fn default() -> Self {
        Self {
            workers: 2,
            deadline_ms: 250,
            memory_mb: 512,
        }
    }
}

/// How failure mails are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The SMTP server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// The user, if it wants one.
    #[serde(default)]
    pub username: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<SecretReference>,
    /// The sender's address.
    pub from: String,
    /// Seconds for which failures are gathered into one mail.
    #[serde(default = "sixty_seconds")]
    pub batch_seconds: u64,
}

fn sixty_seconds() -> u64 {
    60
}

/// How a mail connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Upgraded by STARTTLS, and refused without.
    #[default]
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// None; for a relay on the same machine.
    None,
}

/// Who may do what at the control socket. Root and the engine's own user are admins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Unix users and `@groups` who may look.
    pub viewer: Vec<String>,
    /// Who may retry and discard.
    pub support: Vec<String>,
    /// Who may change anything.
    pub admin: Vec<String>,
}

impl Settings {
    /// Reads the text of `fieldbridge.toml`.
    ///
    /// # Errors
    /// The first thing wrong with it, with line and column.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        toml::from_str(text).map_err(|error| Problem::toml(file, text, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_all_defaults() {
        let settings = Settings::parse(Path::new("fieldbridge.toml"), "").unwrap();
        assert_eq!(settings.server.listen.port(), 8480);
        assert!(settings.field_nation.is_none());
    }

    #[test]
    fn an_error_names_line_and_column() {
        let text = "name = \"x\"\n[engine]\nworkers = \"many\"\n";
        let problem = Settings::parse(Path::new("fieldbridge.toml"), text).unwrap_err();
        assert_eq!(problem.place.unwrap().line, 3);
    }
}
