//! What an admin sets, and what becomes of it once it is checked against the description.

mod credential;
mod file;
mod operations;
mod problems;

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use self::credential::authentication;
use self::file::{File, Word};
use self::operations::{base, bindings};
use self::problems::Problems;
use super::auth::Authentication;
use super::binding::Bindings;
use crate::config::{ConnectorConfig, Problem};
use crate::mapping::Path;
use crate::openapi::Document;
use crate::platform::registry::Setup;

/// Whether requests are held against the description before they are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Strictness {
    /// No.
    Off,
    /// What departs from it is told when the API refuses, and logged.
    #[default]
    Warn,
    /// What departs from it is not sent.
    Enforce,
}

/// Where the record is in an answer.
#[derive(Clone, Debug)]
pub(super) enum Envelope {
    /// There, or the answer is none we understand.
    Set(Path),
    /// Probably there, by the description; else the answer itself is the record.
    Guessed(String),
    /// The answer itself is the record.
    None,
}

/// Which records are wanted.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) field: Path,
    pub(super) values: Vec<String>,
}

/// How triggers are read.
#[derive(Debug)]
pub(super) struct TriggerSettings {
    pub(super) id_field: Option<Path>,
    pub(super) secret: Option<SecretString>,
    pub(super) secret_header: String,
    pub(super) signature_header: Option<String>,
    pub(super) delivery_header: Option<String>,
    pub(super) accepted: http::StatusCode,
}

/// The settings, checked.
pub(super) struct Checked {
    pub(super) document: Arc<Document>,
    /// Without a slash at the end.
    pub(super) base: String,
    pub(super) bindings: Bindings,
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) envelope: Envelope,
    pub(super) request_envelope: Option<Path>,
    pub(super) id_field: Path,
    pub(super) label_field: Option<Path>,
    pub(super) changed_at_field: Option<Path>,
    pub(super) marker_field: Option<Path>,
    pub(super) marker_parameter: Option<String>,
    pub(super) since_parameter: Option<String>,
    pub(super) attachment_field: Option<String>,
    pub(super) attachment_limit: u64,
    pub(super) template_record: Option<String>,
    pub(super) condition: Option<Condition>,
    pub(super) record_page: Option<String>,
    pub(super) strictness: Strictness,
    pub(super) authentication: Authentication,
    pub(super) headers: Vec<(String, SecretString)>,
    pub(super) trigger: TriggerSettings,
}

/// The most that is attached unless the connector says otherwise.
const ATTACHMENT_LIMIT: u64 = 25 * 1024 * 1024;

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
    let document = document(&file.document, &mut problems);
    let authentication = authentication(&file, document.as_deref(), &mut problems);
    let headers = headers(&file, &mut problems);
    let trigger = trigger(&file, &mut problems);
    let paths = Paths::read(&file, &mut problems);
    let condition = condition(&file, &mut problems);
    let Some(document) = document else {
        return Err(problems.found);
    };
    let bindings = bindings(&file, &document, &mut problems);
    let base = base(&file, &document, bindings.as_ref(), &mut problems);
    let (Some(bindings), Some(base), true) = (bindings, base, problems.found.is_empty()) else {
        return Err(problems.found);
    };
    let envelope = match (&file.envelope, paths.envelope) {
        (_, Some(path)) => Envelope::Set(path),
        (Some(_), None) => Envelope::None,
        (None, None) => super::envelope::guess(&document, &bindings.fetch.operation, &paths.id)
            .map_or(Envelope::None, Envelope::Guessed),
    };
    Ok(Checked {
        base,
        bindings,
        parameters: file
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), json(value)))
            .collect(),
        envelope,
        request_envelope: paths.request_envelope,
        id_field: paths.id,
        label_field: paths.label,
        changed_at_field: paths.changed_at,
        marker_field: paths.marker,
        marker_parameter: file.marker_parameter,
        since_parameter: file.since_parameter,
        attachment_field: file.attachment_field,
        attachment_limit: file.attachment_limit.unwrap_or(ATTACHMENT_LIMIT),
        template_record: file.template_record_id.map(|word| word.text()),
        condition,
        record_page: file.record_page,
        strictness: file.validate_requests,
        authentication,
        headers,
        trigger,
        document,
    })
}

/// The description, from a file beside the config or from the setting itself.
fn document(setting: &str, problems: &mut Problems<'_>) -> Option<Arc<Document>> {
    const MEND: &str = "name the OpenAPI file or directory, relative to the config directory; fieldbridge connector import-openapi FILE says what can be read of it";
    let setting = setting.trim();
    if setting.is_empty() {
        problems.note("document", "it names no file", MEND);
        return None;
    }
    let loaded = if is_text(setting) {
        Document::parse("the document in the connector's file", setting)
    } else {
        Document::load(&beside_config(&problems.setup.config.file, setting))
    };
    match loaded {
        Ok(document) => Some(Arc::new(document)),
        Err(problem) => {
            problems.note("document", &problem.to_string(), MEND);
            None
        }
    }
}

/// Whether the setting is the very description and no file's name.
fn is_text(setting: &str) -> bool {
    setting.starts_with('{') || setting.contains('\n')
}

/// The file or directory that `document` names, whatever the other settings are.
pub(super) fn document_file(config: &ConnectorConfig) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Named {
        document: String,
    }
    let named: Named = config.settings().ok()?;
    let setting = named.document.trim();
    let is_named = !setting.is_empty() && !is_text(setting);
    is_named.then(|| beside_config(&config.file, setting))
}

/// A path as written in a connector's file: relative to the config directory, which holds `connectors/`.
fn beside_config(file: &FilePath, path: &str) -> PathBuf {
    let directory = file.parent().and_then(FilePath::parent);
    directory.map_or_else(|| PathBuf::from(path), |directory| directory.join(path))
}

struct Paths {
    envelope: Option<Path>,
    request_envelope: Option<Path>,
    id: Path,
    label: Option<Path>,
    changed_at: Option<Path>,
    marker: Option<Path>,
}

impl Paths {
    fn read(file: &File, problems: &mut Problems<'_>) -> Self {
        let usual_id =
            || Path::from_segments(vec![crate::mapping::path::Segment::Key("id".into())]);
        let mut writable = |setting: &str, text: Option<&String>| {
            let path = problems.path(setting, text)?;
            if path.check_writable().is_ok() {
                return Some(path);
            }
            problems.note(
                setting,
                "a value can't be written there",
                "write a path of plain names, such as data.ticket",
            );
            None
        };
        let request_envelope = writable("request_envelope", file.request_envelope.as_ref());
        let marker = writable("marker_field", file.marker_field.as_ref());
        Self {
            request_envelope,
            marker,
            envelope: problems.path("envelope", file.envelope.as_ref()),
            id: problems
                .path("id_field", file.id_field.as_ref())
                .unwrap_or_else(usual_id),
            label: problems.path("label_field", file.label_field.as_ref()),
            changed_at: problems.path("changed_at_field", file.changed_at_field.as_ref()),
        }
    }
}

fn condition(file: &File, problems: &mut Problems<'_>) -> Option<Condition> {
    let field = problems.path("trigger_on_field", file.trigger_on_field.as_ref());
    let values: Vec<String> = file.trigger_on_values.iter().map(Word::text).collect();
    if file.trigger_on_field.is_some() == values.is_empty() {
        problems.note(
            "trigger_on_values",
            "trigger_on_field and trigger_on_values need each other",
            "set both, or neither",
        );
    }
    field.map(|field| Condition { field, values })
}

fn headers(file: &File, problems: &mut Problems<'_>) -> Vec<(String, SecretString)> {
    let mut headers = Vec::new();
    for (name, reference) in &file.headers {
        let name = problems.header("headers", Some(name));
        let value = problems.secret("headers", Some(reference));
        headers.extend(name.zip(value));
    }
    headers
}

fn trigger(file: &File, problems: &mut Problems<'_>) -> TriggerSettings {
    let status = file.trigger_accepted_status.unwrap_or(200);
    let accepted = http::StatusCode::from_u16(status)
        .ok()
        .filter(http::StatusCode::is_success);
    if accepted.is_none() {
        problems.note(
            "trigger_accepted_status",
            "it is no success",
            "write a status from 200 to 299",
        );
    }
    let secret = problems.secret("trigger_secret", file.trigger_secret.as_ref());
    if file.trigger_signature_header.is_some() && file.trigger_secret.is_none() {
        problems.note(
            "trigger_signature_header",
            "a signature can't be checked without trigger_secret",
            "set trigger_secret too",
        );
    }
    TriggerSettings {
        id_field: problems.path("trigger_id_field", file.trigger_id_field.as_ref()),
        secret,
        secret_header: problems
            .header("trigger_secret_header", file.trigger_secret_header.as_ref())
            .unwrap_or_else(|| "x-fieldbridge-secret".to_owned()),
        signature_header: problems.header(
            "trigger_signature_header",
            file.trigger_signature_header.as_ref(),
        ),
        delivery_header: problems.header(
            "trigger_delivery_header",
            file.trigger_delivery_header.as_ref(),
        ),
        accepted: accepted.unwrap_or(http::StatusCode::OK),
    }
}

/// A value of the file as JSON.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.iter().map(json).collect()),
        toml::Value::Table(table) => Value::Object(
            table
                .iter()
                .map(|(name, value)| (name.clone(), json(value)))
                .collect(),
        ),
    }
}

impl Checked {
    /// What tells the account that signs in from others.
    pub(super) fn account(&self) -> Vec<String> {
        let mut parts = vec![self.base.clone()];
        parts.extend(self.credentials());
        parts
    }

    /// What calls sign in with.
    fn credentials(&self) -> Vec<String> {
        let mut secrets = self.authentication.secrets();
        let headers = self.headers.iter();
        secrets.extend(headers.map(|(_, value)| value.expose_secret().to_owned()));
        secrets
    }

    /// What must never be shown.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.credentials();
        secrets.extend(
            self.trigger
                .secret
                .iter()
                .map(|secret| secret.expose_secret().to_owned()),
        );
        secrets
    }
}
