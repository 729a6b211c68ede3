//! What an admin sets, and what becomes of it once it is checked.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::filter::Conditions;
use crate::config::{Problem, SecretReference, Setting};
use crate::platform::registry::Setup;

/// The `[settings]` of a Freshdesk connector, under the vendor's own names where it has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The help desk: `acme`, `acme.freshdesk.com` or `https://acme.freshdesk.com/`. The API answers on the
    /// vendor's host only, never on a domain of one's own.
    api_url: String,
    /// The API key of the agent in whose name we work (profile settings, "View API key").
    api_key: SecretReference,
    /// A well filled ticket whose fields are offered to mappings besides those that Freshdesk describes.
    #[serde(default)]
    template_ticket_id: Option<Word>,
    /// The name of the custom text field that holds our marker, e.g. `cf_fn_work_order`. Without it a ticket whose
    /// creation ended in doubt can't be found again.
    #[serde(default)]
    marker_field: Option<String>,
    /// The statuses, by label or number, whose tickets are wanted.
    #[serde(default)]
    trigger_on_status: Words,
    /// The tags whose tickets are wanted. With statuses set too, either is enough.
    #[serde(default)]
    trigger_on_tag: Words,
    /// The agent in whose name notes are written, if not the key's own.
    #[serde(default)]
    note_author_id: Option<u64>,
    /// The requester of tickets that we create without one.
    #[serde(default)]
    default_requester_email: Option<String>,
    /// Whether mapped tags join those that a ticket has, or replace them.
    #[serde(default)]
    tags: TagPolicy,
    /// A secret that each trigger must carry besides the token in its address: as the password of Basic
    /// authentication, or in the header `X-Fieldbridge-Secret`.
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    /// Another address for the same API: a sandbox, a proxy, a test.
    #[serde(default)]
    base_url: Option<String>,
}

/// What becomes of the tags a ticket has when a mapping writes tags. Freshdesk itself replaces all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TagPolicy {
    /// They stay, and the mapped ones join them.
    #[default]
    Add,
    /// Only the mapped ones stay.
    Replace,
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
    /// Where people open the help desk, without a slash at the end.
    pub(super) portal: String,
    /// Where the API is, up to and with `/api/v2`.
    pub(super) root: Url,
    /// The API key.
    pub(super) api_key: SecretString,
    /// The template ticket.
    pub(super) template: Option<u64>,
    /// The custom field that holds the marker.
    pub(super) marker_field: Option<String>,
    /// Which tickets are wanted.
    pub(super) conditions: Conditions,
    /// The agent in whose name notes are written.
    pub(super) note_author: Option<u64>,
    /// The requester of tickets that we create without one.
    pub(super) default_requester: Option<String>,
    /// How mapped tags are written.
    pub(super) tags: TagPolicy,
    /// What each trigger must carry.
    pub(super) trigger_secret: Option<SecretString>,
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

    fn secret(
        &mut self,
        setting: &'static str,
        reference: &SecretReference,
    ) -> Option<SecretString> {
        let config = self.setup.config;
        match config.secret(Setting(setting), reference, self.setup.secrets) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
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
    let host = problems.take("api_url", MEND_HOST, host(&file.api_url));
    let portal = format!(
        "https://{}",
        host.as_deref().unwrap_or("unknown.freshdesk.com")
    );
    let base = file.base_url.as_deref().unwrap_or(&portal);
    let root = problems.take(
        "base_url",
        "use the form https://host[:port][/path]",
        root(base),
    );
    let template = file.template_ticket_id.map(|id| id.to_string());
    let template = template.filter(|id| !id.is_empty()).and_then(|id| {
        let number = super::json::digits(id.as_bytes());
        let number = number.ok_or_else(|| format!("`{id}` is no ticket number"));
        problems.take(
            "template_ticket_id",
            "use the number in the ticket's address, e.g. 42",
            number,
        )
    });
    let marker_field = file.marker_field.and_then(|name| {
        let name = field_name(&name);
        problems.take("marker_field", MEND_MARKER_FIELD, name)
    });
    let default_requester = file.default_requester_email.and_then(|text| {
        let mend = "use the address of a contact, e.g. dispatch@example.com";
        problems.take("default_requester_email", mend, mail_address(&text))
    });
    let api_key = problems.secret("api_key", &file.api_key);
    let api_key = api_key.and_then(|key| problems.take("api_key", MEND_KEY, trimmed(&key)));
    let trigger_secret = file.trigger_secret.and_then(|reference| {
        let secret = problems.secret("trigger_secret", &reference)?;
        let mend = "set one, or remove the setting";
        problems.take("trigger_secret", mend, not_empty(secret))
    });
    match (api_key, root) {
        (Some(api_key), Some(root)) if problems.found.is_empty() => Ok(Checked {
            portal,
            root,
            api_key,
            template,
            marker_field,
            conditions: Conditions::new(
                file.trigger_on_status.into_texts(),
                file.trigger_on_tag.into_texts(),
            ),
            note_author: file.note_author_id,
            default_requester,
            tags: file.tags,
            trigger_secret,
        }),
        _ => Err(problems.found),
    }
}

const MEND_HOST: &str = "use acme, acme.freshdesk.com or https://acme.freshdesk.com/: \
    the API does not answer on a domain of one's own";

const MEND_MARKER_FIELD: &str =
    "use the name that Refresh Fields lists, e.g. cf_fn_work_order, not the label";

const MEND_KEY: &str = "copy the key from the agent's profile settings, \"View API key\"";

/// The vendor's host that an `api_url` names.
fn host(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.starts_with("http://") {
        return Err("the API is reached by https only".to_owned());
    }
    let rest = text.strip_prefix("https://").unwrap_or(&text);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let name = rest.strip_suffix(".freshdesk.com").unwrap_or(rest);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = (1..=63).contains(&name.len())
        && name.bytes().all(legal)
        && !name.starts_with('-')
        && !name.ends_with('-');
    // `https://acme` alone would be a host of its own, not a help desk's name.
    let is_bare_url = rest == name && rest.len() != text.trim_end_matches('/').len();
    if is_label && !is_bare_url {
        Ok(format!("{name}.freshdesk.com"))
    } else {
        Err(format!("`{text}` names no Freshdesk help desk"))
    }
}

/// The API's root under a host; an address that names the root already is taken as it is.
fn root(base: &str) -> Result<Url, String> {
    let base = base.trim().trim_end_matches('/');
    let full = if base.ends_with("/api/v2") {
        base.to_owned()
    } else {
        format!("{base}/api/v2")
    };
    let url = Url::parse(&full).map_err(|error| format!("`{base}` is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("`{base}` is no http or https address"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("it may hold neither credentials nor a query".to_owned());
    }
    Ok(url)
}

fn field_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(legal) {
        return Err(format!("`{name}` is no custom field's name"));
    }
    Ok(name.to_owned())
}

fn mail_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no mail address")),
    }
}

fn trimmed(key: &SecretString) -> Result<SecretString, String> {
    let key = key.expose_secret().trim();
    // A colon would end the user name of Basic authentication early.
    let legal = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if key.is_empty() || !key.bytes().all(legal) {
        return Err("the key is empty or has characters that no key has".to_owned());
    }
    Ok(key.into())
}

fn not_empty(secret: SecretString) -> Result<SecretString, String> {
    if secret.expose_secret().trim().is_empty() {
        Err("the secret is empty".to_owned())
    } else {
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_desk_is_named_in_three_ways() {
        for text in [
            "acme",
            "acme.freshdesk.com",
            "https://acme.freshdesk.com/",
            "https://acme.freshdesk.com",
            " Acme ",
        ] {
            assert_eq!(host(text).as_deref(), Ok("acme.freshdesk.com"), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "support.example.com",
            "https://support.example.com/",
            "https://acme",
            "http://acme.freshdesk.com",
            "acme.freshdesk.com.evil.example",
            "https://acme.freshdesk.com/a/tickets/1",
            "https://user@acme.freshdesk.com/",
            "acme.freshdesk.com:8443",
            "a.b.freshdesk.com",
            "-acme",
            "ac me",
            ".freshdesk.com",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_root_is_completed_once() {
        let text = |base: &str| root(base).map(|url| url.to_string());
        assert_eq!(
            text("http://127.0.0.1:8080/").as_deref(),
            Ok("http://127.0.0.1:8080/api/v2")
        );
        assert_eq!(
            text("https://proxy.example/fd/api/v2/").as_deref(),
            Ok("https://proxy.example/fd/api/v2")
        );
        for wrong in ["ftp://x", "acme", "https://u:p@x", "https://x?y=1"] {
            assert!(root(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_taken_without_the_space_around_it() {
        let key = trimmed(&" test-key\n".into()).unwrap();
        assert_eq!(key.expose_secret(), "test-key");
        for wrong in ["", "  ", "a:b", "a b"] {
            assert!(trimmed(&wrong.into()).is_err(), "{wrong}");
        }
    }
}
