//! What an admin sets, and what becomes of it once it is checked.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::account::{Account, Hosts};
use super::assertion::{Assertion, SigningAlgorithm};
use super::filter::Conditions;
use super::sign::TokenKeys;
use crate::config::{Problem, SecretReference, Setting};
use crate::platform::registry::Setup;

/// The `[settings]` of a NetSuite connector, under the vendor's own names where it has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The account's id (Setup › Company › Company Information), e.g. `1234567` or `1234567_SB1`.
    account_id: String,
    /// How we log in.
    #[serde(default)]
    authentication: Method,
    #[serde(default)]
    consumer_key: Option<SecretReference>,
    #[serde(default)]
    consumer_secret: Option<SecretReference>,
    #[serde(default)]
    token_id: Option<SecretReference>,
    #[serde(default)]
    token_secret: Option<SecretReference>,
    #[serde(default)]
    client_id: Option<SecretReference>,
    #[serde(default)]
    certificate_id: Option<String>,
    #[serde(default)]
    private_key: Option<SecretReference>,
    #[serde(default)]
    signing_algorithm: Option<SigningAlgorithm>,
    /// Which records are carried.
    #[serde(default = "support_case")]
    record_type: String,
    /// References whose records are read as well.
    #[serde(default)]
    follow: Vec<String>,
    /// The custom field that holds the marker.
    #[serde(default)]
    marker_field: Option<String>,
    /// The field whose value decides whether a record is wanted.
    #[serde(default = "status")]
    trigger_field: String,
    /// The values, by name or id, that are wanted.
    #[serde(default)]
    trigger_on_status: Words,
    #[serde(default)]
    restlet_script: Option<String>,
    #[serde(default)]
    restlet_deployment: Option<String>,
    /// The long text field to which messages are added where no RESTlet is deployed.
    #[serde(default)]
    message_field: Option<String>,
    #[serde(default)]
    schedule_record: Option<SideTable>,
    #[serde(default)]
    time_record: Option<SideTable>,
    #[serde(default)]
    charge_record: Option<SideTable>,
    #[serde(default)]
    suiteql_table: Option<String>,
    #[serde(default)]
    suiteql_changed_column: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    /// Where people open a record; `{record}` stands for its id.
    #[serde(default)]
    record_url: Option<String>,
    /// A secret that each trigger must carry in the header `X-Fieldbridge-Secret`.
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    /// Another address for the same services: a sandbox, a test.
    #[serde(default)]
    base_url: Option<String>,
}

fn support_case() -> String {
    "supportCase".to_owned()
}

fn status() -> String {
    "status".to_owned()
}

/// How we log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// A certificate: OAuth 2.0 client credentials.
    #[default]
    Oauth2,
    /// An access token: OAuth 1.0a.
    Tba,
}

/// One word or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Word>),
    One(Word),
}

/// A text, or a number that stands for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Word {
    Number(i64),
    Text(String),
}

impl Default for Words {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Words {
    fn into_texts(self) -> Vec<String> {
        let words = match self {
            Self::Many(words) => words,
            Self::One(word) => vec![word],
        };
        let text = |word: Word| match word {
            Word::Number(number) => number.to_string(),
            Word::Text(text) => text.trim().to_owned(),
        };
        let texts = words.into_iter().map(text);
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// Where side records of one kind are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SideTable {
    /// Their record type, e.g. `customrecord_fn_visit`.
    pub(super) record_type: String,
    /// Their field that refers to the record.
    pub(super) parent_field: String,
}

/// What each call is authorised with.
#[derive(Debug)]
pub(super) enum Login {
    /// An access token that signs every attempt.
    Tba(TokenKeys),
    /// A certificate that gets a token for an hour.
    OAuth2(Assertion),
}

/// The RESTlet, as its deployment is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// The script's id, `customscript_…` or a number.
    pub(super) script: String,
    /// The deployment's id, `customdeploy_…` or a number.
    pub(super) deployment: String,
}

/// How changed records are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChangeQuery {
    /// The table's name in SuiteQL.
    pub(super) table: String,
    /// The column that holds the moment of the last change.
    pub(super) column: String,
    /// The zone in which the account's queries read moments, if the admin told.
    pub(super) zone: Option<jiff::tz::TimeZone>,
}

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) account: Account,
    /// The record type as its name is written in addresses.
    pub(super) record_type: String,
    pub(super) follow: Vec<String>,
    pub(super) marker_field: Option<String>,
    pub(super) conditions: Conditions,
    pub(super) script: Option<Script>,
    pub(super) message_field: Option<String>,
    pub(super) schedule: Option<SideTable>,
    pub(super) time: Option<SideTable>,
    pub(super) charge: Option<SideTable>,
    pub(super) changes: ChangeQuery,
    pub(super) record_url: Option<String>,
    pub(super) trigger_secret: Option<SecretString>,
}

/// How the account is reached.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) hosts: Hosts,
    pub(super) login: Login,
}

/// Whether records of a type are support cases, which have rules of their own.
pub(super) fn is_support_case(record_type: &str) -> bool {
    record_type.eq_ignore_ascii_case("supportcase")
}

impl Checked {
    /// Whether a record of ours is found by its external id, so that creating it twice changes it instead. Support cases
    /// have no external id through REST; a marker field, where one is named, serves in its place.
    pub(super) fn upserts(&self) -> bool {
        self.marker_field.is_none() && !is_support_case(&self.record_type)
    }

    /// The secrets as they are, to be hidden wherever they appear.
    pub(super) fn secrets(&self, login: &Login) -> Vec<String> {
        let keys: Vec<&SecretString> = match login {
            Login::Tba(keys) => vec![
                &keys.consumer_key,
                &keys.consumer_secret,
                &keys.token_id,
                &keys.token_secret,
            ],
            // The key never leaves the process and assertions are hidden by their name.
            Login::OAuth2(_) => Vec::new(),
        };
        let trigger = self.trigger_secret.as_ref();
        let all = keys.into_iter().chain(trigger);
        all.map(|secret| secret.expose_secret().to_owned())
            .collect()
    }
}

/// Gathers what is wrong with settings.
struct Problems<'a> {
    setup: &'a Setup<'a>,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn note(&mut self, setting: &str, why: &str, mend: &str) {
        self.found.push(Problem::new(
            &self.setup.config.file,
            format!("settings.{setting}: {why}"),
            mend,
        ));
    }

    /// What was made of a setting, or nothing and a note of why not.
    fn take<T>(&mut self, setting: &str, mend: &str, made: Result<T, String>) -> Option<T> {
        made.map_err(|why| self.note(setting, &why, mend)).ok()
    }

    /// A secret's value; nothing and a note where it is missing or empty.
    fn secret(
        &mut self,
        setting: &'static str,
        reference: Option<&SecretReference>,
    ) -> Option<SecretString> {
        let mend = "put it into a secret and name it here";
        let Some(reference) = reference else {
            self.note(setting, "it is needed to log in and is not set", mend);
            return None;
        };
        let config = self.setup.config;
        match config.secret(Setting(setting), reference, self.setup.secrets) {
            Ok(value) if value.expose_secret().trim().is_empty() => {
                self.note(setting, "the secret is empty", mend);
                None
            }
            Ok(value) => Some(value.expose_secret().trim().into()),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    /// A name that stands in addresses, bodies and queries as it is.
    fn name(&mut self, setting: &str, text: &str) -> Option<String> {
        self.take(setting, MEND_NAME, name(text))
    }

    fn optional_name(&mut self, setting: &str, text: Option<&String>) -> Option<String> {
        text.and_then(|text| self.name(setting, text))
    }

    fn side(&mut self, setting: &str, table: Option<SideTable>) -> Option<SideTable> {
        let table = table?;
        let record_type = self.name(setting, &table.record_type);
        let parent_field = self.name(setting, &table.parent_field);
        Some(SideTable {
            record_type: record_type?,
            parent_field: parent_field?,
        })
    }

    fn login(&mut self, file: &File) -> Option<Login> {
        match file.authentication {
            Method::Tba => {
                let consumer_key = self.secret("consumer_key", file.consumer_key.as_ref());
                let consumer_secret = self.secret("consumer_secret", file.consumer_secret.as_ref());
                let token_id = self.secret("token_id", file.token_id.as_ref());
                let token_secret = self.secret("token_secret", file.token_secret.as_ref());
                Some(Login::Tba(TokenKeys {
                    consumer_key: consumer_key?,
                    consumer_secret: consumer_secret?,
                    token_id: token_id?,
                    token_secret: token_secret?,
                }))
            }
            Method::Oauth2 => {
                let client_id = self.secret("client_id", file.client_id.as_ref());
                let private_key = self.secret("private_key", file.private_key.as_ref());
                let certificate = file.certificate_id.as_deref().unwrap_or_default();
                if certificate.trim().is_empty() {
                    let mend = "copy it from Setup › Integration › OAuth 2.0 Client Credentials (M2M) Setup";
                    self.note(
                        "certificate_id",
                        "it is needed to log in and is not set",
                        mend,
                    );
                }
                let assertion = Assertion::new(
                    client_id?,
                    certificate,
                    &private_key?,
                    file.signing_algorithm,
                );
                let assertion = self.take("private_key", MEND_KEY, assertion)?;
                Some(Login::OAuth2(assertion))
            }
        }
    }

    fn script(&mut self, file: &File) -> Option<Script> {
        let script = self.optional_name("restlet_script", file.restlet_script.as_ref())?;
        let deployment = match &file.restlet_deployment {
            Some(text) => self.name("restlet_deployment", text)?,
            None => "1".to_owned(),
        };
        Some(Script { script, deployment })
    }

    fn changes(&mut self, file: &File, record_type: &str) -> Option<ChangeQuery> {
        let is_custom = record_type.to_ascii_lowercase().starts_with("customrecord");
        let column = if is_custom {
            "lastmodified"
        } else {
            "lastmodifieddate"
        };
        let table = record_type.to_ascii_lowercase();
        let table = file.suiteql_table.as_deref().unwrap_or(&table);
        let column = file.suiteql_changed_column.as_deref().unwrap_or(column);
        let zone = match &file.time_zone {
            Some(text) => {
                let zone = jiff::tz::TimeZone::get(text.trim());
                let zone = zone.map_err(|_| format!("`{text}` is no time zone"));
                let mend = "use a name such as America/Chicago, as in Setup › Company › Company Information";
                Some(self.take("time_zone", mend, zone)?)
            }
            None => None,
        };
        Some(ChangeQuery {
            table: self.name("suiteql_table", table)?,
            column: self.name("suiteql_changed_column", column)?,
            zone,
        })
    }
}

const MEND_ACCOUNT: &str =
    "use the id from Setup › Company › Company Information, e.g. 1234567 or 1234567_SB1";
const MEND_KEY: &str = "use the certificate's private key in PEM form (PKCS#8): RSA of 3072 or 4096 bits, or EC P-256 or P-384";
const MEND_NAME: &str =
    "use the id as NetSuite has it: letters, digits and underscores, e.g. custevent_fn_work_order";

/// Reads and checks the settings.
///
/// # Errors
/// All problems at once.
pub(super) fn read(setup: &Setup<'_>) -> Result<(Checked, Way), Vec<Problem>> {
    let file: File = setup.config.settings().map_err(|problem| vec![problem])?;
    let mut problems = Problems {
        setup,
        found: Vec::new(),
    };
    let account = problems.take("account_id", MEND_ACCOUNT, Account::read(&file.account_id));
    let hosts = match &file.base_url {
        Some(base) => {
            let mend = "use the form https://host[:port][/path]";
            problems.take("base_url", mend, Hosts::under(base))
        }
        None => account.as_ref().map(Account::hosts),
    };
    let login = problems.login(&file);
    let record_type = problems.name("record_type", &file.record_type);
    let changes = problems.changes(&file, &file.record_type);
    let script = problems.script(&file);
    let follow = file.follow.iter();
    let follow = follow
        .filter_map(|text| problems.name("follow", text))
        .collect();
    let marker_field = problems.optional_name("marker_field", file.marker_field.as_ref());
    let message_field = problems.optional_name("message_field", file.message_field.as_ref());
    let trigger_field = problems.name("trigger_field", &file.trigger_field);
    let schedule = problems.side("schedule_record", file.schedule_record);
    let time = problems.side("time_record", file.time_record);
    let charge = problems.side("charge_record", file.charge_record);
    let record_url = file.record_url.and_then(|text| {
        let mend = "use the address of a record with {record} in the place of its id";
        problems.take("record_url", mend, record_address(&text))
    });
    let trigger_secret = file
        .trigger_secret
        .as_ref()
        .and_then(|reference| problems.secret("trigger_secret", Some(reference)));
    match (account, hosts, login, record_type, changes, trigger_field) {
        (
            Some(account),
            Some(hosts),
            Some(login),
            Some(record_type),
            Some(changes),
            Some(field),
        ) if problems.found.is_empty() => {
            let checked = Checked {
                conditions: Conditions::new(field, file.trigger_on_status.into_texts()),
                account,
                record_type,
                follow,
                marker_field,
                script,
                message_field,
                schedule,
                time,
                charge,
                changes,
                record_url,
                trigger_secret,
            };
            Ok((checked, Way { hosts, login }))
        }
        _ => Err(problems.found),
    }
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.is_empty() || text.len() > 100 || !text.bytes().all(legal) {
        return Err(format!("`{text}` is no id of NetSuite"));
    }
    Ok(text.to_owned())
}

fn record_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let opens = text.starts_with("https://") && url::Url::parse(text).is_ok();
    if opens && text.contains("{record}") {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is no https address with {{record}} in it"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::config::{ConnectorConfig, Secrets};
    use crate::model::{ManualClock, Timestamp};

    fn read_text(settings: &str) -> Result<(Checked, Way), Vec<String>> {
        let text = format!("platform = \"netsuite\"\n[settings]\n{settings}\n");
        let config = ConnectorConfig::parse(Path::new("connectors/ns-main.toml"), &text).unwrap();
        let setup = Setup {
            config: &config,
            secrets: &Secrets::default(),
            clock: Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)),
            tokens: Arc::new(crate::http::KeepsInMemory::default()),
            quotas: &crate::http::QuotaBook::default(),
        };
        let whats = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.what);
        read(&setup).map_err(|problems| whats(problems).collect())
    }

    const TBA: &str = "account_id = \"1234567_SB1\"\nauthentication = \"tba\"\nconsumer_key = \"fake-ck\"\nconsumer_secret = \"fake-cs\"\ntoken_id = \"fake-ti\"\ntoken_secret = \"fake-ts\"\n";

    #[test]
    fn a_connector_is_for_support_cases_unless_told() {
        let (checked, way) = read_text(TBA).unwrap();
        assert_eq!(checked.record_type, "supportCase");
        assert!(!checked.upserts());
        assert_eq!(checked.changes.table, "supportcase");
        assert_eq!(checked.changes.column, "lastmodifieddate");
        let (custom, _) =
            read_text(&format!("{TBA}record_type = \"customrecord_fn_job\"")).unwrap();
        assert!(custom.upserts());
        assert_eq!(custom.changes.column, "lastmodified");
        assert_eq!(custom.secrets(&way.login).len(), 4);
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let problems = read_text("account_id = \"\"").unwrap_err();
        for setting in ["account_id", "client_id", "private_key", "certificate_id"] {
            let named = |problem: &String| problem.contains(&format!("settings.{setting}"));
            assert!(problems.iter().any(named), "{setting}: {problems:?}");
        }
        let problems = read_text("account_id = \"1234567\"\nauthentication = \"tba\"").unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
    }

    #[test]
    fn names_that_would_change_an_address_or_a_query_are_refused() {
        for line in [
            "record_type = \"supportCase/1\"",
            "suiteql_table = \"t; DROP\"",
            "marker_field = \"x IS 1\"",
            "restlet_script = \"1&deploy=2\"",
            "time_zone = \"Mars/Olympus\"",
            "record_url = \"https://x/y\"",
            "schedule_record = { record_type = \"a b\", parent_field = \"c\" }",
        ] {
            assert!(read_text(&format!("{TBA}{line}")).is_err(), "{line}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_told_before_anything_is_sent() {
        let text = "account_id = \"1234567\"\nclient_id = \"fake\"\ncertificate_id = \"c1\"\nprivate_key = \"not a key\"";
        let problems = read_text(text).unwrap_err();
        assert!(problems[0].contains("private key"), "{problems:?}");
        let problems = read_text(&text.replace("private_key", "#")).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}
