//! The `[settings]` table of a ConnectWise connector, read and checked.

use secrecy::SecretString;
use serde::Deserialize;

use super::address::{Address, Wrong};
use crate::config::{ConnectorConfig, Problem, SecretReference, Secrets, Setting};
use crate::model::SideRecordKind;

/// The table as it is written; `docs/platforms/connectwise.md` explains each key.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each key is written true or false in the file"
)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    site: Option<String>,
    company: String,
    public_key: SecretReference,
    private_key: SecretReference,
    client_id: SecretReference,
    template_ticket_id: Option<u64>,
    trigger_on_status: Option<String>,
    base_url: Option<String>,
    codebase: Option<String>,
    api_version: Option<String>,
    #[serde(default)]
    record_type: RecordType,
    board: Option<String>,
    member: Option<String>,
    #[serde(default = "all_related")]
    related: Vec<Related>,
    #[serde(default)]
    read_schedule: bool,
    #[serde(default = "schedule_only")]
    side_records: Vec<SideRecordKind>,
    schedule_member: Option<String>,
    schedule_status: Option<String>,
    #[serde(default)]
    charges: Charges,
    #[serde(default = "yes")]
    skip_callback: bool,
    #[serde(default)]
    note_notifications: bool,
    #[serde(default)]
    require_callback_signature: bool,
    #[serde(default)]
    callback_level: CallbackLevel,
    callback_object_id: Option<u64>,
}

/// Which kind of ticket the connector carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RecordType {
    #[default]
    Service,
    Project,
}

/// A related object that is read along with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Related {
    Company,
    Site,
    Contact,
}

/// What a charge becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Charges {
    /// A product line on the ticket.
    #[default]
    Product,
    /// An expense entry.
    Expense,
}

/// Which tickets the callback is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CallbackLevel {
    /// All tickets.
    #[default]
    Owner,
    /// Those of one board.
    Board,
    /// Those in one status of one board.
    Status,
}

impl CallbackLevel {
    /// The vendor's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Board => "board",
            Self::Status => "status",
        }
    }
}

fn all_related() -> Vec<Related> {
    vec![Related::Company, Related::Site, Related::Contact]
}

fn schedule_only() -> Vec<SideRecordKind> {
    vec![SideRecordKind::Schedule]
}

fn yes() -> bool {
    true
}

/// The callback that is registered.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallbackPlan {
    pub(super) level: CallbackLevel,
    /// What the level is about; 1 for all tickets, as the vendor demands.
    pub(super) object_id: u64,
    /// Whether a trigger without a valid signature is refused.
    pub(super) signature_required: bool,
}

/// The credential of the API member.
pub(super) struct Credential {
    pub(super) company: String,
    pub(super) public_key: SecretString,
    pub(super) private_key: SecretString,
    pub(super) client_id: SecretString,
}

/// What is written when the mapping says nothing.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    pub(super) board: Option<String>,
    pub(super) schedule_member: Option<String>,
    pub(super) schedule_status: Option<String>,
}

/// Whether writes carry `skipCallback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnCallbacks {
    Skipped,
    Made,
}

/// Whether `ConnectWise` mails people about the notes we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoteMails {
    Sent,
    Suppressed,
}

/// Whether schedule entries are read with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScheduleReading {
    On,
    Off,
}

/// The checked settings.
pub(super) struct Settings {
    pub(super) address: Address,
    pub(super) credential: Credential,
    pub(super) template_ticket: Option<u64>,
    pub(super) trigger_on_status: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) member: Option<String>,
    pub(super) related: Vec<Related>,
    pub(super) read_schedule: ScheduleReading,
    pub(super) side_records: Vec<SideRecordKind>,
    pub(super) charges: Charges,
    pub(super) defaults: Defaults,
    pub(super) own_callbacks: OwnCallbacks,
    pub(super) note_mails: NoteMails,
    pub(super) callback: CallbackPlan,
}

impl Settings {
    /// Reads and checks the table.
    ///
    /// # Errors
    /// All problems at once; a problem of form stands alone, for nothing can be read then.
    pub(super) fn read(config: &ConnectorConfig, secrets: &Secrets) -> Result<Self, Vec<Problem>> {
        let table: Table = config.settings().map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let mut complain = |(what, mend): Wrong| {
            problems.push(Problem::new(&config.file, format!("settings.{what}"), mend));
        };
        let address = Address::new(
            filled(table.site.as_deref()),
            filled(table.base_url.as_deref()),
            filled(table.codebase.as_deref()),
        );
        let address = address.map_err(&mut complain).ok();
        table.plain_problems().into_iter().for_each(&mut complain);
        let callback = table.callback().map_err(&mut complain).ok();
        let credential = table.credential(config, secrets, &mut problems);
        match (address, callback, credential) {
            (Some(address), Some(callback), Some(credential)) if problems.is_empty() => {
                Ok(table.into_settings(address, callback, credential))
            }
            _ => Err(problems),
        }
    }
}

impl Table {
    fn plain_problems(&self) -> Vec<Wrong> {
        let mut problems: Vec<Wrong> = Vec::new();
        if filled(Some(&self.company)).is_none() {
            problems.push((
                "company is empty".into(),
                "write the company identifier that people enter on the ConnectWise login screen",
            ));
        }
        if self.record_type == RecordType::Project {
            problems.push((
                "record_type: project tickets are not supported".into(),
                "use record_type = \"service\"; how project tickets are written is not documented publicly",
            ));
        }
        problems
    }

    fn callback(&self) -> Result<CallbackPlan, Wrong> {
        let object_id = match (self.callback_level, self.callback_object_id) {
            (CallbackLevel::Owner, None | Some(1)) => 1,
            (CallbackLevel::Owner, Some(_)) => {
                return Err((
                    "callback_object_id must be 1 (or left out) with callback_level = \"owner\""
                        .into(),
                    "leave it out, or name a board or status with callback_level = \"board\" or \"status\"",
                ));
            }
            (_, Some(id)) if id > 0 => id,
            (level, _) => {
                return Err((
                    format!(
                        "callback_object_id is missing for callback_level = \"{}\"",
                        level.word()
                    ),
                    "write the numeric id of the board or status",
                ));
            }
        };
        Ok(CallbackPlan {
            level: self.callback_level,
            object_id,
            signature_required: self.require_callback_signature,
        })
    }

    fn credential(
        &self,
        config: &ConnectorConfig,
        secrets: &Secrets,
        problems: &mut Vec<Problem>,
    ) -> Option<Credential> {
        let mut secret = |name: &'static str, reference: &SecretReference| {
            let value = config.secret(Setting(name), reference, secrets);
            value.map_err(|problem| problems.push(problem)).ok()
        };
        let public_key = secret("public_key", &self.public_key);
        let private_key = secret("private_key", &self.private_key);
        let client_id = secret("client_id", &self.client_id);
        Some(Credential {
            company: self.company.trim().to_owned(),
            public_key: public_key?,
            private_key: private_key?,
            client_id: client_id?,
        })
    }

    fn into_settings(
        self,
        address: Address,
        callback: CallbackPlan,
        credential: Credential,
    ) -> Settings {
        Settings {
            address,
            credential,
            template_ticket: self.template_ticket_id.filter(|id| *id > 0),
            trigger_on_status: owned(self.trigger_on_status.as_deref()),
            api_version: owned(self.api_version.as_deref()),
            member: owned(self.member.as_deref()),
            related: self.related,
            read_schedule: if self.read_schedule {
                ScheduleReading::On
            } else {
                ScheduleReading::Off
            },
            side_records: self.side_records,
            charges: self.charges,
            defaults: Defaults {
                board: owned(self.board.as_deref()),
                schedule_member: owned(self.schedule_member.as_deref()),
                schedule_status: owned(self.schedule_status.as_deref()),
            },
            own_callbacks: if self.skip_callback {
                OwnCallbacks::Skipped
            } else {
                OwnCallbacks::Made
            },
            note_mails: if self.note_notifications {
                NoteMails::Sent
            } else {
                NoteMails::Suppressed
            },
            callback,
        }
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn owned(text: Option<&str>) -> Option<String> {
    filled(text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const KEYS: &str = "company = \"acme\"\npublic_key = \"pubfake\"\nprivate_key = \"privfake\"\nclient_id = \"fake-client\"\n";

    fn read(settings: &str) -> Result<Settings, Vec<Problem>> {
        let text = format!("platform = \"connectwise\"\n[settings]\n{KEYS}{settings}");
        let config = ConnectorConfig::parse(Path::new("connectors/cw-main.toml"), &text).unwrap();
        Settings::read(&config, &Secrets::default())
    }

    fn complaints(settings: &str) -> String {
        let problems = read(settings).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_least_that_is_needed_is_site_and_keys() {
        let settings = read("site = \"na.myconnectwise.net\"\ntrigger_on_status = \" \"").unwrap();
        assert_eq!(settings.trigger_on_status, None);
        assert_eq!(settings.side_records, [SideRecordKind::Schedule]);
        assert_eq!(settings.callback.object_id, 1);
        assert_eq!(settings.own_callbacks, OwnCallbacks::Skipped);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let told = complaints("record_type = \"project\"\ncallback_level = \"board\"");
        for word in ["settings.site", "record_type", "callback_object_id"] {
            assert!(told.contains(word), "{word} in {told}");
        }
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_place() {
        let told = complaints("site = \"x.example\"\ntrigger_on_state = \"x\"");
        assert!(
            told.contains("trigger_on_state") && told.contains(":8:"),
            "{told}"
        );
    }

    #[test]
    fn a_missing_secret_is_named() {
        let text = format!(
            "platform = \"connectwise\"\n[settings]\nsite = \"na.myconnectwise.net\"\n{}",
            KEYS.replace("\"privfake\"", "{ secret = \"cw-private\" }")
        );
        let config = ConnectorConfig::parse(Path::new("connectors/cw-main.toml"), &text).unwrap();
        let problems = Settings::read(&config, &Secrets::default()).err().unwrap();
        assert!(
            problems[0].to_string().contains("private_key"),
            "{}",
            problems[0]
        );
    }
}
