//! What an admin sets, and what becomes of it once it is checked.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::filter::Conditions;
use crate::config::{Problem, SecretReference, Setting};
use crate::platform::basics::digits;
use crate::platform::registry::Setup;

/// The `[settings]` of an Autotask connector, under the vendor's own names where it has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The API user's "Username (Key)", the header `UserName`.
    username: String,
    /// Its "Password (Secret)", the header `Secret`.
    secret: SecretReference,
    /// The tracking identifier of the integration, the header `ApiIntegrationCode`.
    integration_code: SecretReference,
    /// The API user's own resource id, if it can't be found by its name.
    #[serde(default)]
    resource_id: Option<Word>,
    /// A ticket that the API user must be able to see.
    #[serde(default)]
    template_ticket_id: Option<Word>,
    /// The statuses, by label or value, whose tickets are wanted.
    #[serde(default)]
    trigger_on_status: Words,
    /// The queues, by label or value, whose tickets are wanted. With statuses set too, both must hold.
    #[serde(default)]
    trigger_on_queue: Words,
    /// The `secretKey` that our webhooks are signed with. Without it there are no webhooks of ours.
    #[serde(default)]
    webhook_secret: Option<SecretReference>,
    /// The fields and user-defined fields whose changes our webhook reports.
    #[serde(default = "webhook_fields")]
    webhook_fields: Vec<String>,
    /// A secret that each unsigned trigger (an extension callout) must carry besides the token in its address.
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    /// The note type of notes that we write.
    #[serde(default = "usual_note_type")]
    note_type: u64,
    /// Who may read the files that we attach.
    #[serde(default)]
    attachment_visibility: FileVisibility,
    /// The resource for service calls and time entries whose mapping names none.
    #[serde(default)]
    default_resource_id: Option<Word>,
    /// That resource's role on time entries.
    #[serde(default)]
    default_role_id: Option<Word>,
    /// Where a time entry carries the number of its Field Nation time log.
    #[serde(default)]
    time_log_id_field: TimeField,
    /// What Field Nation's expenses become.
    #[serde(default)]
    expense_sync_target: ExpenseTarget,
    /// Where a charge carries the number of its Field Nation expense.
    #[serde(default)]
    charge_id_field: ChargeField,
    /// Another address for the zone look-up: a sandbox, a proxy, a test.
    #[serde(default)]
    base_url: Option<String>,
}

fn usual_note_type() -> u64 {
    1
}

fn webhook_fields() -> Vec<String> {
    [
        "status",
        "priority",
        "queueID",
        "title",
        "description",
        "dueDateTime",
        "companyLocationID",
        "contactID",
        "assignedResourceID",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Who may read the files that we attach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileVisibility {
    /// Staff.
    #[default]
    Internal,
    /// The customer too.
    Public,
}

/// Where a time entry carries the number of its Field Nation time log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TimeField {
    /// In the summary notes.
    #[default]
    Summary,
    /// In the internal notes; summary notes must be mapped then.
    Internal,
}

impl TimeField {
    /// The vendor's field.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Summary => "summaryNotes",
            Self::Internal => "internalNotes",
        }
    }
}

/// What Field Nation's expenses become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ExpenseTarget {
    /// Nothing.
    #[default]
    None,
    /// An item of an expense report.
    Expense,
    /// A charge of the ticket.
    Charge,
}

/// Where a charge carries the number of its Field Nation expense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChargeField {
    /// In its notes.
    #[default]
    Notes,
    /// In its description.
    Description,
}

impl ChargeField {
    /// The vendor's field.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Description => "description",
        }
    }
}

/// A text, or a number that stands for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Word {
    Number(u64),
    Text(String),
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text.trim()),
        }
    }
}

/// One word or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Word>),
    One(Word),
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
        let texts = words.iter().map(ToString::to_string);
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Checked {
    /// The API user.
    pub(super) username: String,
    /// Its secret.
    pub(super) secret: SecretString,
    /// The tracking identifier.
    pub(super) integration_code: SecretString,
    /// The API user's own resource, if set.
    pub(super) resource: Option<u64>,
    /// The template ticket.
    pub(super) template: Option<u64>,
    /// Which tickets are wanted.
    pub(super) conditions: Conditions,
    /// What our webhooks are signed with.
    pub(super) webhook_secret: Option<SecretString>,
    /// What our webhook reports.
    pub(super) webhook_fields: Vec<String>,
    /// What each unsigned trigger must carry.
    pub(super) trigger_secret: Option<SecretString>,
    /// The note type of our notes.
    pub(super) note_type: u64,
    /// Who may read our files.
    pub(super) attachments: FileVisibility,
    /// The resource for side records.
    pub(super) default_resource: Option<u64>,
    /// Its role.
    pub(super) default_role: Option<u64>,
    /// Where a time entry carries its number.
    pub(super) time_field: TimeField,
    /// What expenses become.
    pub(super) expense_target: ExpenseTarget,
    /// Where a charge carries its number.
    pub(super) charge_field: ChargeField,
    /// Where the zone is asked for.
    pub(super) lookup: Url,
}

/// Where any zone is told.
const LOOKUP: &str = "https://webservices.autotask.net";

/// The vendor takes no longer key.
const LONGEST_WEBHOOK_SECRET: usize = 64;

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

    fn secret(
        &mut self,
        setting: &'static str,
        reference: &SecretReference,
        mend: &str,
    ) -> Option<SecretString> {
        let config = self.setup.config;
        match config.secret(Setting(setting), reference, self.setup.secrets) {
            Ok(value) => self.take(setting, mend, header_text(&value)),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    fn id(&mut self, setting: &'static str, word: Option<Word>, mend: &str) -> Option<u64> {
        let text = word.map(|word| word.to_string());
        let text = text.filter(|text| !text.is_empty())?;
        let number = digits(text.as_bytes()).ok_or_else(|| format!("`{text}` is no id"));
        self.take(setting, mend, number)
    }
}

/// Reads and checks the settings.
///
/// # Errors
/// All problems at once.
pub(super) fn read(setup: &Setup<'_>) -> Result<Checked, Vec<Problem>> {
    let file: File = setup.config.settings().map_err(|problem| vec![problem])?;
    let mut problems = Problems {
        setup,
        found: Vec::new(),
    };
    let username = problems.take("username", MEND_USER, username(&file.username));
    let base = file.base_url.as_deref().unwrap_or(LOOKUP);
    let lookup = problems.take(
        "base_url",
        "use the form https://host[:port]; any zone's host will do",
        lookup(base),
    );
    let secret = problems.secret("secret", &file.secret, MEND_SECRET);
    let code = problems.secret("integration_code", &file.integration_code, MEND_CODE);
    let webhook_secret = file.webhook_secret.and_then(|reference| {
        let mend = "set one of up to 64 characters, or remove the setting";
        let secret = problems.secret("webhook_secret", &reference, mend)?;
        let checked = short_enough(secret);
        problems.take("webhook_secret", mend, checked)
    });
    let trigger_secret = file.trigger_secret.and_then(|reference| {
        problems.secret(
            "trigger_secret",
            &reference,
            "set one, or remove the setting",
        )
    });
    let resource = problems.id("resource_id", file.resource_id, MEND_RESOURCE);
    let template = problems.id(
        "template_ticket_id",
        file.template_ticket_id,
        "use the ticket's id, e.g. 7865, not its number T2024…",
    );
    let default_resource = problems.id(
        "default_resource_id",
        file.default_resource_id,
        MEND_RESOURCE,
    );
    let default_role = problems.id(
        "default_role_id",
        file.default_role_id,
        "use the id of one of the resource's roles",
    );
    match (username, secret, code, lookup) {
        (Some(username), Some(secret), Some(integration_code), Some(lookup))
            if problems.found.is_empty() =>
        {
            Ok(Checked {
                username,
                secret,
                integration_code,
                resource,
                template,
                conditions: Conditions::new(
                    file.trigger_on_status.into_texts(),
                    file.trigger_on_queue.into_texts(),
                ),
                webhook_secret,
                webhook_fields: file.webhook_fields,
                trigger_secret,
                note_type: file.note_type,
                attachments: file.attachment_visibility,
                default_resource,
                default_role,
                time_field: file.time_log_id_field,
                expense_target: file.expense_sync_target,
                charge_field: file.charge_id_field,
                lookup,
            })
        }
        _ => Err(problems.found),
    }
}

const MEND_USER: &str =
    "copy \"Username (Key)\" from the API user (Admin › Resources/Users › API User)";
const MEND_SECRET: &str = "copy \"Password (Secret)\" from the API user, or generate a new one";
const MEND_CODE: &str = "copy the \"Tracking Identifier\" from the API user";
const MEND_RESOURCE: &str = "use the resource's id, e.g. 29682885";

fn username(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text
        .chars()
        .any(|letter| letter.is_whitespace() || letter.is_control())
    {
        return Err(format!("`{text}` is no user name"));
    }
    Ok(text.to_owned())
}

/// A secret as a header can carry it.
fn header_text(secret: &SecretString) -> Result<SecretString, String> {
    let text = secret.expose_secret().trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !text
        .chars()
        .all(|letter| letter == ' ' || letter.is_ascii_graphic())
    {
        return Err("it has characters that a header can't carry".to_owned());
    }
    Ok(text.to_owned().into())
}

fn short_enough(secret: SecretString) -> Result<SecretString, String> {
    let length = secret.expose_secret().chars().count();
    if length > LONGEST_WEBHOOK_SECRET {
        return Err(format!("it has {length} characters"));
    }
    Ok(secret)
}

/// Where the zone is asked for. An address of the API itself, of either generation, is cut back to its host.
fn lookup(base: &str) -> Result<Url, String> {
    let base = base.trim().trim_end_matches('/');
    let lower = base.to_ascii_lowercase();
    let end = lower.find("/atservices").unwrap_or(base.len());
    let base = base.get(..end).unwrap_or(base);
    let url = Url::parse(base).map_err(|error| format!("`{base}` is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("`{base}` is no http or https address"));
    }
    let is_vendors = url
        .host_str()
        .is_some_and(|host| host.ends_with(".autotask.net"));
    if is_vendors && url.scheme() == "http" {
        return Err("the API is reached by https only".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("it may hold neither credentials nor a query".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_address_of_the_api_leads_to_the_look_up() {
        for text in [
            "https://webservices5.autotask.net",
            "https://webservices5.autotask.net/",
            "https://webservices5.autotask.net/ATServicesRest/V1.0/",
            "https://webservices5.autotask.net/atservices/1.6/atws.asmx",
        ] {
            let url = lookup(text).unwrap();
            assert_eq!(url.as_str(), "https://webservices5.autotask.net/", "{text}");
        }
        assert_eq!(
            lookup("http://127.0.0.1:7000/proxy").unwrap().as_str(),
            "http://127.0.0.1:7000/proxy"
        );
        for wrong in [
            "",
            "webservices5",
            "ftp://x",
            "http://webservices5.autotask.net",
            "https://u:p@x.example",
            "https://x.example?a=b",
        ] {
            assert!(lookup(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_fit_into_a_header() {
        assert!(header_text(&" abc$%^ ".into()).is_ok());
        for wrong in ["", " ", "a\nb", "å"] {
            assert!(header_text(&wrong.into()).is_err(), "{wrong:?}");
        }
        assert!(short_enough("x".repeat(64).into()).is_ok());
        assert!(short_enough("x".repeat(65).into()).is_err());
    }
}
