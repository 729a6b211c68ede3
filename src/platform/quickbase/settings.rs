//! What an admin sets, and what becomes of it once it is checked.
//!
//! The names are those of Field Nation's own Quickbase form (QB Hostname, App ID, Default Table Id, …). Fields are
//! named by their ids, for labels are not unique in Quickbase.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::filter::Condition;
use crate::config::{Problem, SecretReference, Setting};
use crate::model::{NoteVisibility, SideRecordKind};
use crate::platform::basics::digits;
use crate::platform::registry::Setup;

/// The `[settings]` of a Quickbase connector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The realm: `acme`, `acme.quickbase.com` or its address.
    qb_hostname: String,
    /// The app.
    app_id: String,
    /// The table whose records are work orders.
    default_table_id: String,
    /// The user token.
    user_token: SecretReference,
    /// The unique text field that holds our marker.
    #[serde(default)]
    merge_field_id: Option<Word>,
    /// The field that says whether a record is wanted, and the values that say so.
    #[serde(default)]
    trigger_on_field_id: Option<Word>,
    #[serde(default)]
    trigger_on_values: Words,
    /// Where messages are: a table of their own, or an append-only field of the record.
    #[serde(default)]
    message_table_id: Option<String>,
    #[serde(default)]
    message_field_id: Option<Word>,
    #[serde(default)]
    message_related_record_id: Option<Word>,
    /// The checkbox of the message table that marks internal messages.
    #[serde(default)]
    message_internal_field_id: Option<Word>,
    /// What becomes of internal messages where there is no such checkbox.
    #[serde(default)]
    internal_notes: Option<String>,
    /// Where files go: a table of their own, or a file field of the record.
    #[serde(default)]
    document_table_id: Option<String>,
    #[serde(default)]
    document_field_id: Option<Word>,
    #[serde(default)]
    document_related_record_id: Option<Word>,
    /// Where side records go.
    #[serde(default)]
    schedule_table: Option<SideFile>,
    #[serde(default)]
    time_table: Option<SideFile>,
    #[serde(default)]
    charge_table: Option<SideFile>,
    /// What each trigger must carry.
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    /// Another address for the same API.
    #[serde(default)]
    base_url: Option<String>,
}

/// A table of side records, as the file has it.
#[expect(
    clippy::struct_field_names,
    reason = "these are the names in the connector's file"
)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SideFile {
    table_id: String,
    related_record_id: Word,
    merge_field_id: Word,
}

/// A text, or a number that stands for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Word {
    Number(u64),
    Truth(bool),
    Text(String),
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Truth(truth) => write!(formatter, "{truth}"),
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

/// A table whose rows belong to records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// The table.
    pub(super) table: String,
    /// Its field that refers to the record.
    pub(super) related: u64,
}

/// Where messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Messages {
    /// As rows of a table.
    Rows {
        /// The table.
        child: Child,
        /// The field with the text.
        text: u64,
        /// The checkbox that marks internal ones.
        internal: Option<u64>,
    },
    /// In an append-only field of the record.
    Field(u64),
}

/// What becomes of internal notes where nothing tells them from public ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InternalNotes {
    /// They are not written.
    Skip,
    /// They are added to this append-only field of the record.
    Field(u64),
    /// They are written like public ones.
    Publish,
}

/// Where files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Documents {
    /// As rows of a table.
    Rows {
        /// The table.
        child: Child,
        /// The file field.
        file: u64,
    },
    /// In a file field of the record, each file a new version.
    Field(u64),
}

/// Where side records of one kind are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SideTable {
    /// Of which kind.
    pub(super) kind: SideRecordKind,
    /// The table.
    pub(super) child: Child,
    /// The unique text field by which a row is met again.
    pub(super) merge: u64,
}

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Checked {
    /// The realm's full host.
    pub(super) realm: String,
    /// Where the API is, up to and with `/v1`.
    pub(super) root: Url,
    /// The app.
    pub(super) app: String,
    /// The table whose records are work orders.
    pub(super) table: String,
    /// The user token.
    pub(super) token: SecretString,
    /// The unique field that holds the marker.
    pub(super) merge: Option<u64>,
    /// Which records are wanted.
    pub(super) condition: Option<Condition>,
    /// Where messages are kept.
    pub(super) messages: Option<Messages>,
    /// What becomes of internal notes.
    pub(super) internal_notes: InternalNotes,
    /// Where files are kept.
    pub(super) documents: Option<Documents>,
    /// Where side records are kept.
    pub(super) sides: Vec<SideTable>,
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
        let found = config.secret(Setting(setting), reference, self.setup.secrets);
        let secret = found.map_err(|problem| self.found.push(problem)).ok()?;
        self.take(
            setting,
            "copy it anew, without blanks",
            header_safe(&secret),
        )
    }

    fn table(&mut self, setting: &str, text: &str) -> Option<String> {
        self.take(setting, MEND_TABLE, table_id(text))
    }

    fn field(&mut self, setting: &str, word: Option<&Word>) -> Option<u64> {
        let text = word?.to_string();
        let id = digits(text.as_bytes()).ok_or_else(|| format!("`{text}` is no field id"));
        self.take(setting, MEND_FIELD, id)
    }

    /// A setting that another one makes necessary.
    fn needed<T>(&mut self, setting: &str, because: &str, found: Option<T>) -> Option<T> {
        if found.is_none() {
            self.note(setting, &format!("{because} needs it"), "set it too");
        }
        found
    }
}

const MEND_TABLE: &str = "use the id in the table's address, e.g. bck7gp3q2 in …/table/bck7gp3q2";
const MEND_FIELD: &str =
    "use the number in the field's address (fid=6), or the one that Refresh Fields lists";
const MEND_HOST: &str = "use acme, acme.quickbase.com or https://acme.quickbase.com/";
const MEND_INTERNAL: &str = "set message_internal_field_id (a checkbox of the message table), or internal_notes to \
    \"skip\", \"publish\" or \"field:<field id>\", or features.message_visibility to \"public\"";

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
    let realm = problems.take("qb_hostname", MEND_HOST, realm(&file.qb_hostname));
    let base = file.base_url.as_deref().unwrap_or(VENDOR);
    let mend = "use the form https://host[:port][/path]";
    let root = problems.take("base_url", mend, root(base));
    let app = problems.table("app_id", &file.app_id);
    let table = problems.table("default_table_id", &file.default_table_id);
    let token = problems.secret("user_token", &file.user_token);
    let merge = problems.field("merge_field_id", file.merge_field_id.as_ref());
    let condition = read_condition(&mut problems, &file);
    let messages = read_messages(&mut problems, &file);
    let internal_notes = read_internal(&mut problems, &file, messages.as_ref());
    let documents = read_documents(&mut problems, &file);
    let sides = read_sides(&mut problems, &file);
    let trigger_secret = file
        .trigger_secret
        .as_ref()
        .and_then(|reference| problems.secret("trigger_secret", reference));
    check_features(&mut problems, messages.as_ref(), documents.as_ref());
    match (realm, root, app, table, token) {
        (Some(realm), Some(root), Some(app), Some(table), Some(token))
            if problems.found.is_empty() =>
        {
            Ok(Checked {
                realm,
                root,
                app,
                table,
                token,
                merge,
                condition,
                messages,
                internal_notes,
                documents,
                sides,
                trigger_secret,
            })
        }
        _ => Err(problems.found),
    }
}

fn read_condition(problems: &mut Problems<'_>, file: &File) -> Option<Condition> {
    let field = problems.field("trigger_on_field_id", file.trigger_on_field_id.as_ref());
    let values = file.trigger_on_values.clone().into_texts();
    match (&file.trigger_on_field_id, values.is_empty()) {
        (None, false) => {
            problems.needed::<()>("trigger_on_field_id", "trigger_on_values", None);
        }
        (Some(_), true) => {
            problems.needed::<()>("trigger_on_values", "trigger_on_field_id", None);
        }
        _ => {}
    }
    let field = field.filter(|_| !values.is_empty())?;
    Some(Condition { field, values })
}

fn read_messages(problems: &mut Problems<'_>, file: &File) -> Option<Messages> {
    let text = problems.field("message_field_id", file.message_field_id.as_ref());
    let related = problems.field(
        "message_related_record_id",
        file.message_related_record_id.as_ref(),
    );
    let internal = problems.field(
        "message_internal_field_id",
        file.message_internal_field_id.as_ref(),
    );
    let Some(table) = &file.message_table_id else {
        for (setting, found) in [
            ("message_related_record_id", related),
            ("message_internal_field_id", internal),
        ] {
            if found.is_some() {
                problems.needed::<()>("message_table_id", setting, None);
            }
        }
        return text.map(Messages::Field);
    };
    let table = problems.table("message_table_id", table);
    let text = problems.needed("message_field_id", "message_table_id", text);
    let related = problems.needed("message_related_record_id", "message_table_id", related);
    Some(Messages::Rows {
        child: Child {
            table: table?,
            related: related?,
        },
        text: text?,
        internal,
    })
}

/// An internal message is never published quietly: where nothing in the table tells it from a public one, the
/// admin must say what is to become of it.
fn read_internal(
    problems: &mut Problems<'_>,
    file: &File,
    messages: Option<&Messages>,
) -> InternalNotes {
    let features = &problems.setup.config.features;
    let told_apart = matches!(
        messages,
        Some(Messages::Rows {
            internal: Some(_),
            ..
        })
    );
    let must_say = features.messages.outbound()
        && features.message_visibility == NoteVisibility::Internal
        && messages.is_some()
        && !told_apart;
    let said = file.internal_notes.as_deref().map(str::trim);
    match said {
        Some("skip") => InternalNotes::Skip,
        Some("publish") => InternalNotes::Publish,
        Some(text) => {
            let field = text
                .strip_prefix("field:")
                .map(|field| Word::Text(field.to_owned()));
            match problems.field("internal_notes", field.as_ref()) {
                Some(field) => InternalNotes::Field(field),
                None => {
                    if field.is_none() {
                        let why = format!("`{text}` is none of its values");
                        problems.note("internal_notes", &why, MEND_INTERNAL);
                    }
                    InternalNotes::Skip
                }
            }
        }
        None => {
            if must_say {
                let why = "messages go out as internal notes, and nothing in Quickbase would tell them from public ones";
                problems.note("internal_notes", why, MEND_INTERNAL);
            }
            InternalNotes::Skip
        }
    }
}

fn read_documents(problems: &mut Problems<'_>, file: &File) -> Option<Documents> {
    let field = problems.field("document_field_id", file.document_field_id.as_ref());
    let related = problems.field(
        "document_related_record_id",
        file.document_related_record_id.as_ref(),
    );
    let Some(table) = &file.document_table_id else {
        if related.is_some() {
            problems.needed::<()>("document_table_id", "document_related_record_id", None);
        }
        return field.map(Documents::Field);
    };
    let table = problems.table("document_table_id", table);
    let file = problems.needed("document_field_id", "document_table_id", field);
    let related = problems.needed("document_related_record_id", "document_table_id", related);
    Some(Documents::Rows {
        child: Child {
            table: table?,
            related: related?,
        },
        file: file?,
    })
}

fn read_sides(problems: &mut Problems<'_>, file: &File) -> Vec<SideTable> {
    let tables = [
        (
            "schedule_table",
            SideRecordKind::Schedule,
            &file.schedule_table,
        ),
        ("time_table", SideRecordKind::Time, &file.time_table),
        ("charge_table", SideRecordKind::Charge, &file.charge_table),
    ];
    let mut sides = Vec::new();
    for (setting, kind, side) in tables {
        let Some(side) = side else { continue };
        let table = problems.table(setting, &side.table_id);
        let related = problems.field(setting, Some(&side.related_record_id));
        let merge = problems.field(setting, Some(&side.merge_field_id));
        if let (Some(table), Some(related), Some(merge)) = (table, related, merge) {
            let child = Child { table, related };
            sides.push(SideTable { kind, child, merge });
        }
    }
    sides
}

/// What is switched on must have a place in Quickbase.
fn check_features(
    problems: &mut Problems<'_>,
    messages: Option<&Messages>,
    documents: Option<&Documents>,
) {
    let features = problems.setup.config.features.clone();
    match messages {
        None if features.messages.inbound() || features.messages.outbound() => {
            problems.needed::<()>("message_table_id", "features.messages", None);
        }
        Some(Messages::Field(_)) if features.messages.inbound() => {
            let why = "messages can only be read from a table of their own";
            let mend = "set message_table_id, or features.messages to \"outbound\"";
            problems.note("message_table_id", why, mend);
        }
        _ => {}
    }
    // Inbound files may come from the record's own file fields.
    if documents.is_none() && features.files.outbound() {
        problems.needed::<()>("document_field_id", "features.files", None);
    }
}

/// Where the vendor has its API, for all realms.
const VENDOR: &str = "https://api.quickbase.com/v1";

/// The full host of the realm that a `qb_hostname` names.
fn realm(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    let rest = text.strip_prefix("https://").unwrap_or(&text);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let name = rest.strip_suffix(".quickbase.com").unwrap_or(rest);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = (1..=63).contains(&name.len())
        && name.bytes().all(legal)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_label {
        Ok(format!("{name}.quickbase.com"))
    } else {
        Err(format!("`{text}` names no Quickbase realm"))
    }
}

/// The API's root under an address; one that names the root already is taken as it is.
fn root(base: &str) -> Result<Url, String> {
    let base = base.trim().trim_end_matches('/');
    let full = if base.ends_with("/v1") {
        base.to_owned()
    } else {
        format!("{base}/v1")
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

/// The id of an app or a table (`dbid`).
fn table_id(text: &str) -> Result<String, String> {
    let text = text.trim();
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if (1..=40).contains(&text.len()) && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no id of Quickbase"))
    }
}

fn header_safe(secret: &SecretString) -> Result<SecretString, String> {
    let text = secret.expose_secret().trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is empty or has characters that none has".to_owned());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_named_in_three_ways() {
        for text in [
            "acme",
            "acme.quickbase.com",
            "https://acme.quickbase.com/",
            " Acme ",
        ] {
            assert_eq!(realm(text).as_deref(), Ok("acme.quickbase.com"), "{text}");
        }
        for text in [
            "",
            "http://acme.quickbase.com",
            "acme.example.com",
            "acme.quickbase.com.evil.example",
            "https://acme.quickbase.com/db/x",
            "a b",
            "-acme",
        ] {
            assert!(realm(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_root_is_completed_once() {
        let text = |base: &str| root(base).map(|url| url.to_string());
        let complete = Ok("https://api.quickbase.com/v1");
        assert_eq!(text(VENDOR).as_deref(), complete);
        assert_eq!(text("https://api.quickbase.com/").as_deref(), complete);
        for wrong in ["ftp://x", "acme", "https://u:p@x", "https://x?y=1"] {
            assert!(root(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_of_tables_are_letters_and_digits() {
        assert_eq!(table_id(" bck7gp3q2 ").as_deref(), Ok("bck7gp3q2"));
        for wrong in ["", "BCK", "a/b", "../x", "_dbid_jobs"] {
            assert!(table_id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_goes_into_a_header_as_it_is() {
        let token = header_safe(&" b12345_abc \n".into()).unwrap();
        assert_eq!(token.expose_secret(), "b12345_abc");
        assert!(header_safe(&"a b".into()).is_err());
        assert!(header_safe(&"".into()).is_err());
    }
}
