//! Request bodies: JSON or multipart, checked field by field as strictly as the vendor does.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::fields::{self, CustomType, PRIORITIES, SOURCES, STATUSES, TYPES};
use super::problem::{FieldError, Problem};
use crate::model::Timestamp;

/// A file in a multipart body.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) content: Bytes,
}

/// A body: members and files. Members of a multipart body are all text.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) members: Map<String, Value>,
    pub(super) uploads: Vec<Upload>,
    is_text: bool,
    errors: Vec<FieldError>,
}

/// All files of a ticket together may be this large.
pub(super) const MOST_BYTES: usize = 20 * 1024 * 1024;

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        match kind.as_str() {
            "application/json" => {
                let bytes = Bytes::from_request(request, state).await;
                let bytes = bytes.map_err(|_| Problem::Unreadable)?;
                match serde_json::from_slice(&bytes) {
                    Ok(Value::Object(members)) => Ok(Self::of(members)),
                    _ => Err(Problem::Unreadable),
                }
            }
            "multipart/form-data" => {
                let form = Multipart::from_request(request, state).await;
                // A boundary that is missing ends in an error of the vendor's own.
                let form = form.map_err(|_| Problem::Unreadable)?;
                Self::read_parts(form).await
            }
            _ => Err(Problem::MediaType),
        }
    }
}

impl Form {
    /// A body as JSON would bring it.
    pub(super) fn of(members: Map<String, Value>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    async fn read_parts(mut parts: Multipart) -> Result<Self, Problem> {
        let mut form = Self {
            is_text: true,
            ..Self::default()
        };
        let broken = |_| Problem::Unreadable;
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let mime = part.content_type().map(str::to_owned);
            if name == "attachments[]" {
                let content = part.bytes().await.map_err(broken)?;
                match (file_name, mime) {
                    (Some(name), Some(mime)) if !name.is_empty() => form.uploads.push(Upload {
                        name,
                        mime,
                        content,
                    }),
                    _ => form.errors.push(not_a_file()),
                }
                continue;
            }
            let text = part.text().await.map_err(broken)?;
            form.add_text(&name, text);
        }
        Ok(form)
    }

    /// `custom_fields[cf_x]` is nested, `tags[]` is one of a list, the rest is plain.
    fn add_text(&mut self, name: &str, text: String) {
        if let Some(list) = name.strip_suffix("[]") {
            let items = self.members.entry(list).or_insert_with(|| json!([]));
            if let Value::Array(items) = items {
                items.push(Value::String(text));
            }
            return;
        }
        let nested = name.strip_suffix(']').and_then(|name| name.split_once('['));
        match nested {
            Some((parent, child)) => {
                let inner = self.members.entry(parent).or_insert_with(|| json!({}));
                if let Value::Object(inner) = inner {
                    inner.insert(child.to_owned(), Value::String(text));
                }
            }
            None => _ = self.members.insert(name.to_owned(), Value::String(text)),
        }
    }
}

fn not_a_file() -> FieldError {
    let message = "It should contain elements of type valid file format only";
    FieldError::new("attachments", "datatype_mismatch", message)
}

/// What a member takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    Texts,
    Moment,
    CustomFields,
    Files,
}

impl Kind {
    fn wanted(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Integer => "Positive Integer",
            Self::Boolean => "Boolean",
            Self::Texts | Self::Files => "Array",
            Self::Moment => "DateTime",
            Self::CustomFields => "key/value pair",
        }
    }

    /// A value from a multipart body in its own type, where the text can be read as one.
    fn read_text(self, value: Value) -> Value {
        let Value::String(text) = &value else {
            return value;
        };
        match self {
            Self::Integer => text.parse::<u64>().map_or(value, Value::from),
            Self::Boolean => text.parse::<bool>().map_or(value, Value::from),
            _ => value,
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Integer => value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::Texts => {
                let items = value.as_array();
                items.is_some_and(|items| items.iter().all(Value::is_string))
            }
            Self::Moment => {
                let text = value.as_str().unwrap_or_default();
                text.parse::<Timestamp>().is_ok()
            }
            Self::CustomFields => value.is_object(),
            // Files never travel in JSON.
            Self::Files => false,
        }
    }
}

/// The members a ticket is written with.
pub(super) const TICKET: &[(&str, Kind)] = &[
    ("subject", Kind::Text),
    ("description", Kind::Text),
    ("status", Kind::Integer),
    ("priority", Kind::Integer),
    ("source", Kind::Integer),
    ("type", Kind::Text),
    ("requester_id", Kind::Integer),
    ("name", Kind::Text),
    ("email", Kind::Text),
    ("phone", Kind::Text),
    ("twitter_id", Kind::Text),
    ("facebook_id", Kind::Text),
    ("unique_external_id", Kind::Text),
    ("responder_id", Kind::Integer),
    ("group_id", Kind::Integer),
    ("product_id", Kind::Integer),
    ("company_id", Kind::Integer),
    ("email_config_id", Kind::Integer),
    ("parent_id", Kind::Integer),
    ("cc_emails", Kind::Texts),
    ("tags", Kind::Texts),
    ("due_by", Kind::Moment),
    ("fr_due_by", Kind::Moment),
    ("custom_fields", Kind::CustomFields),
    ("attachments", Kind::Files),
];

/// The members a note is written with.
pub(super) const NOTE: &[(&str, Kind)] = &[
    ("body", Kind::Text),
    ("private", Kind::Boolean),
    ("incoming", Kind::Boolean),
    ("notify_emails", Kind::Texts),
    ("user_id", Kind::Integer),
    ("attachments", Kind::Files),
];

/// The members a reply is written with.
pub(super) const REPLY: &[(&str, Kind)] = &[
    ("body", Kind::Text),
    ("from_email", Kind::Text),
    ("cc_emails", Kind::Texts),
    ("bcc_emails", Kind::Texts),
    ("user_id", Kind::Integer),
    ("attachments", Kind::Files),
];

/// Members that may be null, which clears them.
const CLEARABLE: &[&str] = &[
    "type",
    "responder_id",
    "group_id",
    "product_id",
    "company_id",
];

/// Checks the names and types of all members. The members in their own types, with what is wrong.
pub(super) fn check(form: &Form, known: &[(&str, Kind)]) -> (Map<String, Value>, Vec<FieldError>) {
    let mut members = Map::new();
    let mut errors = form.errors.clone();
    for (name, value) in &form.members {
        let Some((_, kind)) = known.iter().find(|(known, _)| known == name) else {
            errors.push(FieldError::unexpected(name));
            continue;
        };
        let value = if form.is_text {
            kind.read_text(value.clone())
        } else {
            value.clone()
        };
        let clears = value.is_null() && CLEARABLE.contains(&name.as_str());
        if !clears && !kind.fits(&value) {
            errors.push(wrong_type(name, &value, *kind));
            continue;
        }
        members.insert(name.clone(), value);
    }
    if let Some(Value::Object(given)) = members.get("custom_fields") {
        let checked = check_custom_fields(given, form.is_text, &mut errors);
        members.insert("custom_fields".to_owned(), Value::Object(checked));
    }
    let total: usize = form.uploads.iter().map(|upload| upload.content.len()).sum();
    if total > MOST_BYTES {
        let message = "Invalid file size. Total size should be less than 20 MB";
        errors.push(FieldError::new("attachments", "invalid_size", message));
    }
    (members, errors)
}

fn wrong_type(name: &str, value: &Value, kind: Kind) -> FieldError {
    if kind == Kind::Files && value.is_array() {
        return not_a_file();
    }
    FieldError::mismatch(name, value, kind.wanted())
}

fn check_custom_fields(
    given: &Map<String, Value>,
    is_text: bool,
    errors: &mut Vec<FieldError>,
) -> Map<String, Value> {
    let mut checked = Map::new();
    for (name, value) in given {
        let lower = ["cf_area", "cf_district"].contains(&name.as_str());
        let kind = match fields::custom_field(name) {
            Some(field) => field.kind,
            None if lower => CustomType::Text,
            None => {
                errors.push(FieldError::unexpected(name));
                continue;
            }
        };
        let value = if is_text {
            read_custom_text(kind, value)
        } else {
            value.clone()
        };
        let fits = match kind {
            CustomType::Text | CustomType::Dropdown(_) | CustomType::Nested => value.is_string(),
            CustomType::Checkbox => value.is_boolean(),
            CustomType::Number => value.is_i64() || value.is_u64(),
            CustomType::Date => value
                .as_str()
                .is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        };
        if !fits {
            errors.push(FieldError::mismatch(name, &value, kind.wanted()));
            continue;
        }
        let choices = fields::allowed(kind);
        let text = value.as_str().unwrap_or_default();
        if !choices.is_empty() && !choices.contains(&text) {
            errors.push(not_among(name, "invalid_value", &choices.join(",")));
            continue;
        }
        checked.insert(name.clone(), value);
    }
    checked
}

fn read_custom_text(kind: CustomType, value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    match kind {
        CustomType::Checkbox => text.parse::<bool>().map_or(value.clone(), Value::from),
        CustomType::Number => text.parse::<i64>().map_or(value.clone(), Value::from),
        _ => value.clone(),
    }
}

fn not_among(field: &str, code: &'static str, choices: &str) -> FieldError {
    FieldError::new(
        field,
        code,
        format!("It should be one of these values: '{choices}'"),
    )
}

fn listed(ids: impl Iterator<Item = u64>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

/// Checks the values that must be on a list. Those that must be given are checked with `Presence`.
pub(super) fn check_values(members: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    let mut numbered = |name: &str, ids: &[u64]| {
        let given = members.get(name).and_then(Value::as_u64);
        if given.is_some_and(|id| !ids.contains(&id)) {
            let choices = listed(ids.iter().copied());
            errors.push(not_among(name, "invalid_value", &choices));
        }
    };
    numbered("status", &STATUSES.map(|(id, _, _)| id));
    numbered("priority", &PRIORITIES.map(|(id, _)| id));
    numbered("source", &SOURCES.map(|(id, _)| id));
    let kind = members.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
        errors.push(not_among("type", "invalid_value", &TYPES.join(",")));
    }
}

/// Whether an account demands a ticket's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TypeRule {
    /// A ticket may have none.
    #[default]
    Optional,
    /// A ticket must have one.
    Mandatory,
}

const REQUESTERS: [&str; 6] = [
    "requester_id",
    "phone",
    "email",
    "twitter_id",
    "facebook_id",
    "unique_external_id",
];

/// Checks what a new ticket must have.
pub(super) fn check_presence(
    members: &Map<String, Value>,
    kind: TypeRule,
    errors: &mut Vec<FieldError>,
) {
    let is_given = |name: &str| {
        let value = members.get(name).unwrap_or(&Value::Null);
        !value.is_null() && value != ""
    };
    // What was refused for its type is not reported missing as well.
    let is_reported =
        |errors: &[FieldError], name: &str| errors.iter().any(|error| error.field == name);
    let mut need = |name: &str, message: String| {
        if !is_given(name) && !is_reported(errors, name) {
            errors.push(FieldError::new(name, "missing_field", message));
        }
    };
    let among = |choices: String| format!("It should be one of these values: '{choices}'");
    need(
        "subject",
        "It should not be blank as this is a mandatory field".to_owned(),
    );
    need(
        "description",
        "It should not be blank as this is a mandatory field".to_owned(),
    );
    need(
        "status",
        among(listed(STATUSES.iter().map(|(id, _, _)| *id))),
    );
    need(
        "priority",
        among(listed(PRIORITIES.iter().map(|(id, _)| *id))),
    );
    if kind == TypeRule::Mandatory {
        need("type", among(TYPES.join(",")));
    }
    if !REQUESTERS.iter().any(|name| is_given(name)) {
        let message =
            "Please fill at least 1 of requester_id, phone, email, twitter_id, facebook_id fields";
        errors.push(FieldError::new("requester_id", "missing_field", message));
    }
    if is_given("phone") && !is_given("email") && !is_given("requester_id") && !is_given("name") {
        let message = "It should not be blank as this is a mandatory field";
        errors.push(FieldError::new("name", "missing_field", message));
    }
}
