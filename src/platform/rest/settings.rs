//! What an admin sets, and what becomes of it once it is checked against the description.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::auth::{Authentication, ClientPlace, Grant, KeyAt, OAuth};
use super::binding::{Binding, Bindings};
use crate::config::{ConnectorConfig, Problem, SecretReference, Setting};
use crate::http::RefreshToken;
use crate::mapping::Path;
use crate::openapi::{Document, Flow, KeyPlace, Operation, SchemeKind};
use crate::platform::registry::Setup;

/// The `[settings]` of a REST connector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The OpenAPI description: a file or directory, relative to the config directory, or its very text.
    document: String,
    /// Where the API answers, if not where the description says.
    #[serde(default)]
    base_url: Option<String>,
    /// The operation that reads a record.
    record_fetch: String,
    /// The operation that describes a record's fields.
    #[serde(default)]
    record_metadata: Option<String>,
    /// The operation that creates a record.
    #[serde(default)]
    record_create: Option<String>,
    /// The operation that changes a record.
    #[serde(default)]
    record_update: Option<String>,
    /// The operation that attaches a file.
    #[serde(default)]
    attachment_upload: Option<String>,
    /// The operation that lists records.
    #[serde(default)]
    record_list: Option<String>,
    /// The parameter that holds the record's id.
    #[serde(default)]
    id_parameter: Option<String>,
    /// Values of other parameters, by name.
    #[serde(default)]
    parameters: BTreeMap<String, toml::Value>,
    /// Where in an answer the record is.
    #[serde(default)]
    envelope: Option<String>,
    /// Where in a request the record goes.
    #[serde(default)]
    request_envelope: Option<String>,
    /// The record's id, within the record.
    #[serde(default)]
    id_field: Option<String>,
    /// What to call the record.
    #[serde(default)]
    label_field: Option<String>,
    /// When it last changed.
    #[serde(default)]
    changed_at_field: Option<String>,
    /// The field that holds our marker.
    #[serde(default)]
    marker_field: Option<String>,
    /// The list operation's parameter that filters by the marker.
    #[serde(default)]
    marker_parameter: Option<String>,
    /// The list operation's parameter that filters by the time of change.
    #[serde(default)]
    since_parameter: Option<String>,
    /// The name of the upload's part or property that holds the file.
    #[serde(default)]
    attachment_field: Option<String>,
    /// The largest file that is sent, in bytes.
    #[serde(default)]
    attachment_limit: Option<u64>,
    /// A well filled record.
    #[serde(default)]
    template_record_id: Option<Word>,
    /// The field that says which records are wanted.
    #[serde(default)]
    trigger_on_field: Option<String>,
    /// Its values, any of which will do.
    #[serde(default)]
    trigger_on_values: Vec<Word>,
    /// Where a person opens a record; `{record}` is its id.
    #[serde(default)]
    record_page: Option<String>,
    /// Whether requests are held against the description.
    #[serde(default)]
    validate_requests: Strictness,
    /// Which of the credentials below are sent. Default: all that are set.
    #[serde(default)]
    authentication: Option<Ways>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<SecretReference>,
    #[serde(default)]
    bearer_token: Option<SecretReference>,
    #[serde(default)]
    api_key: Option<SecretReference>,
    /// `header`, `query` or `cookie`.
    #[serde(default)]
    api_key_in: Option<KeyIn>,
    /// The header's, parameter's or cookie's name.
    #[serde(default)]
    api_key_name: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<SecretReference>,
    #[serde(default)]
    token_url: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    /// A refresh token to begin with, where the grant is not that of client credentials.
    #[serde(default)]
    refresh_token: Option<SecretReference>,
    /// Where the client's own credentials go when a token is asked for.
    #[serde(default)]
    client_credentials_in: ClientPlace,
    /// Headers that go with every call.
    #[serde(default)]
    headers: BTreeMap<String, SecretReference>,
    /// Where in a trigger's body the record's id is.
    #[serde(default)]
    trigger_id_field: Option<String>,
    /// A secret that triggers prove to know.
    #[serde(default)]
    trigger_secret: Option<SecretReference>,
    /// The header that carries it as it is.
    #[serde(default)]
    trigger_secret_header: Option<String>,
    /// The header that carries an HMAC-SHA256 of the body made with it.
    #[serde(default)]
    trigger_signature_header: Option<String>,
    /// The header that tells one delivery from another.
    #[serde(default)]
    trigger_delivery_header: Option<String>,
    /// The status that triggers are answered with.
    #[serde(default)]
    trigger_accepted_status: Option<u16>,
}

/// A text or a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Word {
    Number(i64),
    Text(String),
}

impl Word {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.trim().to_owned(),
        }
    }
}

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

/// A way to prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    None,
    Basic,
    Bearer,
    ApiKey,
    Oauth2,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Ways {
    One(Way),
    Several(Vec<Way>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyIn {
    Header,
    Query,
    Cookie,
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

    fn secret(
        &mut self,
        setting: &'static str,
        reference: Option<&SecretReference>,
    ) -> Option<SecretString> {
        let config = self.setup.config;
        match config.secret(Setting(setting), reference?, self.setup.secrets) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.found.push(problem);
                None
            }
        }
    }

    fn path(&mut self, setting: &str, text: Option<&String>) -> Option<Path> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        match Path::parse(text.trim()) {
            Ok(path) => Some(path),
            Err(error) => {
                self.note(
                    setting,
                    &error.to_string(),
                    "write a path such as data.ticket.id",
                );
                None
            }
        }
    }

    fn header(&mut self, setting: &str, name: Option<&String>) -> Option<String> {
        let name = name?.trim();
        if http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
            return Some(name.to_ascii_lowercase());
        }
        self.note(
            setting,
            &format!("`{name}` is no header's name"),
            "write one such as X-Signature",
        );
        None
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

fn named(
    setting: &str,
    name: &str,
    document: &Document,
    problems: &mut Problems<'_>,
) -> Option<Operation> {
    let found = document.operation(name).cloned();
    if found.is_none() {
        problems.note(
            setting,
            &format!("the description has no operation `{name}`"),
            "name one by its id or as `GET /path`; fieldbridge connector import-openapi lists them",
        );
    }
    found
}

/// Finds the operations that the settings name.
fn bindings(file: &File, document: &Document, problems: &mut Problems<'_>) -> Option<Bindings> {
    let fetch = if file.record_fetch.trim().is_empty() {
        problems.note(
            "record_fetch",
            "it names no operation",
            "name the operation that reads one record, by its id or as `GET /path`",
        );
        None
    } else {
        named("record_fetch", &file.record_fetch, document, problems)
    };
    let mut optional = |setting, name: &Option<String>| {
        let name = name.as_ref().filter(|name| !name.trim().is_empty())?;
        named(setting, name, document, problems)
    };
    let metadata = optional("record_metadata", &file.record_metadata);
    let create = optional("record_create", &file.record_create);
    let update = optional("record_update", &file.record_update);
    let attach = optional("attachment_upload", &file.attachment_upload);
    let list = optional("record_list", &file.record_list);
    let mut bind = |setting: &str, operation: Operation, with_id: bool| {
        let given = |name: &str| file.parameters.contains_key(name);
        match Binding::new(operation, file.id_parameter.as_deref(), with_id, &given) {
            Ok(binding) => Some(binding),
            Err(why) => {
                problems.note(
                    setting,
                    &why,
                    "set id_parameter, or give values in `parameters`",
                );
                None
            }
        }
    };
    let metadata = metadata.map(|operation| bind("record_metadata", operation, false));
    let create = create.map(|operation| bind("record_create", operation, false));
    let list = list.map(|operation| bind("record_list", operation, false));
    let update = update.map(|operation| bind("record_update", operation, true));
    let attach = attach.map(|operation| bind("attachment_upload", operation, true));
    let fetch = bind("record_fetch", fetch?, true);
    Some(Bindings {
        fetch: fetch?,
        metadata: metadata.flatten(),
        create: create.flatten(),
        update: update.flatten(),
        attach: attach.flatten(),
        list: list.flatten(),
    })
}

/// Where the API answers: the setting, else the fetch operation's own server, else the description's first.
fn base(
    file: &File,
    document: &Document,
    bindings: Option<&Bindings>,
    problems: &mut Problems<'_>,
) -> Option<String> {
    let own = bindings.and_then(|bindings| bindings.fetch.operation.servers.first());
    let address = match file
        .base_url
        .as_deref()
        .map(str::trim)
        .filter(|url| !url.is_empty())
    {
        Some(address) => address,
        None => match own.or(document.servers.first()) {
            Some(address) => address,
            None => {
                problems.note(
                    "base_url",
                    "the description does not say where the API answers",
                    "set base_url, e.g. https://api.example.com/v1",
                );
                return None;
            }
        },
    };
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Some(address.trim_end_matches('/').to_owned())
        }
        _ => {
            problems.note(
                "base_url",
                &format!("`{address}` is no whole address"),
                "set base_url with its scheme and host, e.g. https://api.example.com/v1",
            );
            None
        }
    }
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

/// The credentials that are to be sent.
fn authentication(
    file: &File,
    document: Option<&Document>,
    problems: &mut Problems<'_>,
) -> Authentication {
    let chosen = |way: Way, is_set: bool| match &file.authentication {
        None => is_set,
        Some(Ways::One(one)) => *one == way,
        Some(Ways::Several(several)) => several.contains(&way),
    };
    let mut authentication = Authentication::default();
    if chosen(Way::Basic, file.username.is_some()) {
        let password = problems.secret("password", file.password.as_ref());
        match &file.username {
            Some(username) => {
                let password = password.unwrap_or_else(|| String::new().into());
                authentication.basic = Some((username.clone(), password));
            }
            None => problems.note("username", "it is not set", "Basic authentication needs it"),
        }
    }
    if chosen(Way::Bearer, file.bearer_token.is_some()) {
        authentication.bearer = problems.secret("bearer_token", file.bearer_token.as_ref());
        if file.bearer_token.is_none() {
            problems.note(
                "bearer_token",
                "it is not set",
                "bearer authentication needs it",
            );
        }
    }
    if chosen(Way::ApiKey, file.api_key.is_some()) {
        let key = problems.secret("api_key", file.api_key.as_ref());
        let at = key_at(file, document);
        if file.api_key.is_none() {
            problems.note("api_key", "it is not set", "authentication by key needs it");
        }
        if at.is_none() {
            problems.note(
                "api_key_name",
                "the description does not say where the key goes",
                "set api_key_in and api_key_name",
            );
        }
        authentication.key = at.zip(key);
    }
    if chosen(Way::Oauth2, file.client_id.is_some()) {
        authentication.oauth = oauth(file, document, problems);
    }
    let in_header = [
        authentication.basic.is_some(),
        authentication.bearer.is_some(),
        authentication.oauth.is_some(),
    ];
    if in_header.iter().filter(|set| **set).count() > 1 {
        problems.note(
            "authentication",
            "only one of Basic, bearer and OAuth 2 can be sent",
            "say which, e.g. authentication = \"bearer\"",
        );
    }
    authentication
}

/// Where the key goes: as set, else as the description's first scheme of that kind says.
fn key_at(file: &File, document: Option<&Document>) -> Option<KeyAt> {
    let described = document.and_then(|document| {
        document
            .schemes
            .iter()
            .find_map(|scheme| match &scheme.kind {
                SchemeKind::ApiKey { place, name } => Some((*place, name.clone())),
                _ => None,
            })
    });
    let place = file.api_key_in.map(|place| match place {
        KeyIn::Header => KeyPlace::Header,
        KeyIn::Query => KeyPlace::Query,
        KeyIn::Cookie => KeyPlace::Cookie,
    });
    let (described_place, described_name) = described.unzip();
    Some(KeyAt {
        place: place.or(described_place).unwrap_or(KeyPlace::Header),
        name: file.api_key_name.clone().or(described_name)?,
    })
}

fn oauth(file: &File, document: Option<&Document>, problems: &mut Problems<'_>) -> Option<OAuth> {
    let flows = document.into_iter().flat_map(|document| &document.schemes);
    let flows = flows.filter_map(|scheme| match &scheme.kind {
        SchemeKind::OAuth2 { flows } => Some(flows),
        _ => None,
    });
    let flows: Vec<&Flow> = flows.flatten().collect();
    let refresh = problems.secret("refresh_token", file.refresh_token.as_ref());
    let wanted = if refresh.is_some() {
        "authorization_code"
    } else {
        "client_credentials"
    };
    let with_url = || flows.iter().filter(|flow| flow.token_url.is_some());
    let described = with_url()
        .find(|flow| flow.grant == wanted)
        .or_else(|| with_url().next())
        .and_then(|flow| flow.token_url.clone());
    let token_url = file.token_url.clone().or(described);
    if token_url.is_none() {
        problems.note(
            "token_url",
            "the description does not say where tokens come from",
            "set token_url",
        );
    }
    let secret = problems.secret("client_secret", file.client_secret.as_ref());
    let Some(client_id) = file.client_id.clone() else {
        problems.note("client_id", "it is not set", "OAuth 2 needs it");
        return None;
    };
    Some(OAuth {
        token_url: token_url?,
        client_id,
        client_secret: secret,
        scope: file.scope.clone(),
        grant: refresh.map_or(Grant::ClientCredentials, |token| {
            let keeper = Arc::clone(&problems.setup.tokens);
            Grant::Refresh(RefreshToken::new(token, keeper))
        }),
        place: file.client_credentials_in,
    })
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
