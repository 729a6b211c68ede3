//! What an admin sets, and what becomes of it once it is checked.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::notes::InternalNotes;
use crate::config::{Problem, SecretReference, Setting};
use crate::platform::basics::number;
use crate::platform::registry::Setup;

/// The `[settings]` of a Smartsheet connector, under the vendor's own names where it has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The raw token of the account in whose name we work.
    access_token: SecretReference,
    /// Where the account is: `us`, `eu` or `gov`. Each has tokens of its own.
    #[serde(default)]
    region: Region,
    /// The sheet whose rows are carried, by its number (File › Properties › Sheet ID).
    #[serde(default)]
    template_sheet_id: Option<Value>,
    /// The title of the column that says which rows are wanted, e.g. `Send to FN`.
    #[serde(default)]
    trigger_column: Option<String>,
    /// The values of that column whose rows are wanted. Without them: a ticked box, or any value at all.
    #[serde(default)]
    trigger_value: Words,
    /// The titles of the columns whose changes the webhook reports. Default: the trigger column alone.
    #[serde(default)]
    subscope_columns: Option<Vec<String>>,
    /// The title of the text column that holds our marker, e.g. `FN work order`.
    #[serde(default)]
    marker_column: Option<String>,
    /// What becomes of messages that only staff may read: Smartsheet's comments are seen by everybody.
    #[serde(default)]
    internal_notes: Option<String>,
    /// Whether only calls signed by Smartsheet are taken as triggers.
    #[serde(default = "yes")]
    require_signature: bool,
    /// The `sharedSecret` of a webhook that the token's account does not own.
    #[serde(default)]
    webhook_secret: Option<SecretReference>,
    /// Another address for the same API: a sandbox, a proxy, a test.
    #[serde(default)]
    base_url: Option<String>,
}

fn yes() -> bool {
    true
}

/// Where an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
    Gov,
}

impl Region {
    fn root(self) -> &'static str {
        match self {
            Self::Us => "https://api.smartsheet.com/2.0",
            Self::Eu => "https://api.smartsheet.eu/2.0",
            Self::Gov => "https://api.smartsheetgov.com/2.0",
        }
    }
}

/// One word or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Value>),
    One(Value),
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
        let texts = words
            .iter()
            .map(|word| crate::platform::basics::text(word).trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// Whether triggers must be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    /// Only Smartsheet's own, signed callbacks are taken.
    Required,
    /// Other callers may name rows too; a signature that is there must be right.
    Optional,
}

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Checked {
    /// Where the API is, up to and with `/2.0`.
    pub(super) root: Url,
    /// Whether that is the vendor's own address.
    pub(super) is_vendors: bool,
    /// The token.
    pub(super) access_token: SecretString,
    /// The sheet.
    pub(super) sheet: u64,
    /// Which rows are wanted.
    pub(super) trigger: Option<Trigger>,
    /// The columns the webhook listens to; none means all.
    pub(super) subscope: Vec<String>,
    /// The column that holds the marker.
    pub(super) marker_column: Option<String>,
    /// What becomes of messages that only staff may read.
    pub(super) internal_notes: InternalNotes,
    /// Whether triggers must be signed.
    pub(super) signing: Signing,
    /// The secret of a webhook that is not ours.
    pub(super) webhook_secret: Option<SecretString>,
}

/// Which rows are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trigger {
    /// The title of the column that says so.
    pub(super) column: String,
    /// Its values that do; none means a ticked box or any value.
    pub(super) values: Vec<String>,
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
        mend: &str,
        reference: &SecretReference,
    ) -> Option<SecretString> {
        let config = self.setup.config;
        match config.secret(Setting(setting), reference, self.setup.secrets) {
            Ok(value) => self.take(setting, mend, plain(&value)),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    fn title(&mut self, setting: &str, title: Option<String>) -> Option<String> {
        let title = title?;
        let checked = if title.trim().is_empty() {
            Err("the title is empty".to_owned())
        } else {
            Ok(title)
        };
        self.take(setting, MEND_TITLE, checked)
    }
}

const MEND_TOKEN: &str = "make a token under Account › Apps & Integrations › API Access and store it with `fieldbridge secret set`";
const MEND_SHEET: &str = "use the number under File › Properties › Sheet ID";
const MEND_TITLE: &str = "use the column's title as the sheet shows it, or remove the setting";

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
    let access_token = problems.secret("access_token", MEND_TOKEN, &file.access_token);
    let webhook_secret = file.webhook_secret.and_then(|reference| {
        let mend = "use the webhook's sharedSecret, or remove the setting";
        problems.secret("webhook_secret", mend, &reference)
    });
    let sheet = problems.take(
        "template_sheet_id",
        MEND_SHEET,
        sheet(file.template_sheet_id.as_ref()),
    );
    let address = file.base_url.as_deref().unwrap_or(file.region.root());
    let mend = "use an address like https://proxy.example/2.0";
    let root = problems.take("base_url", mend, root(address));
    let values = file.trigger_value.into_texts();
    let column = problems.title("trigger_column", file.trigger_column);
    if column.is_none() && !values.is_empty() {
        let why = "there is no trigger_column whose values these could be";
        problems.note("trigger_value", why, "set trigger_column too");
    }
    let subscope = match file.subscope_columns {
        Some(titles) => titles,
        None => column.iter().cloned().collect(),
    };
    let marker_column = problems.title("marker_column", file.marker_column);
    let mend = "use \"skip\", \"publish\" or \"column:<title>\"";
    let internal_notes = InternalNotes::parse(file.internal_notes.as_deref());
    let internal_notes = problems.take("internal_notes", mend, internal_notes);
    match (access_token, sheet, root, internal_notes) {
        (Some(access_token), Some(sheet), Some(root), Some(internal_notes))
            if problems.found.is_empty() =>
        {
            Ok(Checked {
                root,
                is_vendors: file.base_url.is_none(),
                access_token,
                sheet,
                trigger: column.map(|column| Trigger { column, values }),
                subscope,
                marker_column,
                internal_notes,
                signing: if file.require_signature {
                    Signing::Required
                } else {
                    Signing::Optional
                },
                webhook_secret,
            })
        }
        _ => Err(problems.found),
    }
}

fn sheet(given: Option<&Value>) -> Result<u64, String> {
    let given = given.ok_or("it is not set; the connector needs to know its sheet")?;
    number(given).ok_or_else(|| format!("{given} is no sheet's number"))
}

/// The API's root; the version is added unless it stands there.
fn root(base: &str) -> Result<Url, String> {
    let base = base.trim().trim_end_matches('/');
    let full = if base.ends_with("/2.0") {
        base.to_owned()
    } else {
        format!("{base}/2.0")
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

fn plain(secret: &SecretString) -> Result<SecretString, String> {
    let text = secret.expose_secret().trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is empty or has characters that none has".to_owned());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sheet_is_a_number_in_either_spelling() {
        let both = [json!(4_583_173_393_803_140_u64), json!("4583173393803140")];
        for given in &both {
            assert_eq!(sheet(Some(given)), Ok(4_583_173_393_803_140));
        }
        for wrong in [json!("acme"), json!(0), json!(1.5), json!("")] {
            assert!(sheet(Some(&wrong)).is_err(), "{wrong}");
        }
        assert!(sheet(None).is_err());
    }

    #[test]
    fn the_version_is_added_once() {
        let text = |base: &str| root(base).map(|url| url.to_string());
        assert_eq!(
            text(Region::Eu.root()).as_deref(),
            Ok("https://api.smartsheet.eu/2.0")
        );
        assert_eq!(
            text("http://127.0.0.1:80/").as_deref(),
            Ok("http://127.0.0.1/2.0")
        );
        for wrong in ["ftp://x", "acme", "https://u:p@x", "https://x?y=1"] {
            assert!(root(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_taken_without_the_space_around_it() {
        assert_eq!(plain(&" abc\n".into()).unwrap().expose_secret(), "abc");
        assert!(plain(&"a b".into()).is_err());
        assert!(plain(&"".into()).is_err());
    }
}
