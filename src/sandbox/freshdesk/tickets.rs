//! Tickets over the API: create, read, update, list.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::automation::{self, Performer};
use super::desk::{Attachment, Desk, Ticket};
use super::fields;
use super::problem::{FieldProblem, Problem};
use crate::model::Timestamp;
use crate::sandbox::journal::{Deed, Doer};

/// All files of a ticket together.
const MOST_BYTES: usize = 20 * 1024 * 1024;
/// What a list without `updated_since` reaches back to.
const LIST_DAYS: i64 = 30;

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/tickets", get(list).post(create))
        .route("/tickets/{id}", get(read).put(update).delete(remove))
}

/// A body as the vendor takes it: JSON, or a multipart form when files come along.
pub(super) struct Posted {
    pub fields: Map<String, Value>,
    pub files: Vec<(String, String, Bytes)>,
}

impl Posted {
    pub(super) async fn read(request: Request) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if media_type.starts_with("multipart/form-data") {
            let form = Multipart::from_request(request, &())
                .await
                .map_err(|_| Problem::MediaType)?;
            return Self::of_form(form).await;
        }
        if !media_type.starts_with("application/json") {
            return Err(Problem::MediaType);
        }
        let body = Bytes::from_request(request, &())
            .await
            .map_err(|_| Problem::BrokenJson)?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Self {
                fields,
                files: Vec::new(),
            }),
            _ => Err(Problem::BrokenJson),
        }
    }

    async fn of_form(mut form: Multipart) -> Result<Self, Problem> {
        let (mut fields, mut files) = (Map::new(), Vec::new());
        while let Some(part) = form.next_field().await.map_err(|_| Problem::BrokenJson)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "attachments[]" {
                let (file_name, media_type) = (
                    part.file_name().map(str::to_owned),
                    part.content_type().map(str::to_owned),
                );
                let content = part.bytes().await.map_err(|_| Problem::BrokenJson)?;
                let (Some(file_name), Some(media_type)) = (file_name, media_type) else {
                    let message = "It should contain elements of type valid file format only";
                    return Err(Problem::Fields(vec![FieldProblem::new(
                        "attachments",
                        message,
                        "datatype_mismatch",
                    )]));
                };
                files.push((file_name, media_type, content));
                continue;
            }
            let text = part.text().await.map_err(|_| Problem::BrokenJson)?;
            put_part(&mut fields, &name, text);
        }
        Ok(Self { fields, files })
    }

    /// Keeps the files, or says that they are too much for the ticket.
    pub(super) fn attachments(
        &mut self,
        already: usize,
        desk: &Desk,
        mut next_id: impl FnMut() -> u64,
    ) -> Result<Vec<Attachment>, Problem> {
        let total: usize = self.files.iter().map(|(_, _, content)| content.len()).sum();
        if already + total > MOST_BYTES {
            let message = "Invalid size of attachments. It should be less than 20 MB";
            return Err(Problem::Fields(vec![FieldProblem::new(
                "attachments",
                message,
                "invalid_size",
            )]));
        }
        let at = desk.now();
        let files = std::mem::take(&mut self.files);
        Ok(files
            .into_iter()
            .map(|(name, media_type, content)| Attachment {
                id: next_id(),
                name,
                media_type,
                content,
                at,
            })
            .collect())
    }
}

/// Form parts are text: `custom_fields[x]` nests, `tags[]` repeats, numbers are numbers.
fn put_part(fields: &mut Map<String, Value>, name: &str, text: String) {
    if let Some((outer, rest)) = name.split_once('[') {
        let inner = rest.trim_end_matches(']');
        if inner.is_empty() {
            let list = fields.entry(outer).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(Value::String(text));
            }
        } else if let Value::Object(nested) = fields.entry(outer).or_insert_with(|| json!({})) {
            nested.insert(inner.to_owned(), Value::String(text));
        }
        return;
    }
    let numeric = [
        "status",
        "priority",
        "source",
        "requester_id",
        "user_id",
        "group_id",
        "responder_id",
    ];
    let value = match (text.as_str(), text.parse::<u64>()) {
        ("true", _) => json!(true),
        ("false", _) => json!(false),
        (_, Ok(number)) if numeric.contains(&name) => json!(number),
        _ => Value::String(text),
    };
    fields.insert(name.to_owned(), value);
}

const REQUESTERS: [&str; 6] = [
    "requester_id",
    "email",
    "phone",
    "twitter_id",
    "facebook_id",
    "unique_external_id",
];
const OTHERS: [&str; 18] = [
    "name",
    "subject",
    "description",
    "status",
    "priority",
    "source",
    "type",
    "tags",
    "custom_fields",
    "cc_emails",
    "due_by",
    "fr_due_by",
    "group_id",
    "responder_id",
    "product_id",
    "email_config_id",
    "company_id",
    "attachments",
];

/// Everything wrong with what was given, at once.
fn check(given: &Map<String, Value>, problems: &mut Vec<FieldProblem>) {
    for (name, value) in given {
        match name.as_str() {
            "attachments" => problems.push(FieldProblem::not_a(
                "attachments",
                "Array",
                fields::kind(value),
            )),
            "status" => fields::check_number("status", value, &fields::STATUSES, problems),
            "priority" => fields::check_number("priority", value, &fields::PRIORITIES, problems),
            "source" => fields::check_source(value, problems),
            "type" => fields::check_type(value, problems),
            "custom_fields" => fields::check_custom(value, problems),
            "tags" | "cc_emails" if !value.is_array() => {
                problems.push(FieldProblem::not_a(
                    name.as_str(),
                    "Array",
                    fields::kind(value),
                ));
            }
            "subject" | "description" | "name" | "email" | "phone" if !value.is_string() => {
                problems.push(FieldProblem::not_a(
                    name.as_str(),
                    "String",
                    fields::kind(value),
                ));
            }
            known if REQUESTERS.contains(&known) || OTHERS.contains(&known) => {}
            unknown => problems.push(FieldProblem::unexpected(unknown)),
        }
    }
}

async fn create(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Problem> {
    let mut posted = Posted::read(request).await?;
    let mut problems = Vec::new();
    check(&posted.fields, &mut problems);
    if !REQUESTERS
        .iter()
        .any(|name| posted.fields.contains_key(*name))
    {
        let message =
            "Please fill at least 1 of requester_id, phone, email, twitter_id, facebook_id fields";
        problems.push(FieldProblem::new("requester_id", message, "missing_field"));
    }
    for name in ["subject", "description"] {
        if posted
            .fields
            .get(name)
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
        {
            problems.push(FieldProblem::missing(name));
        }
    }
    if posted.fields.contains_key("phone")
        && !posted.fields.contains_key("email")
        && !posted.fields.contains_key("name")
    {
        problems.push(FieldProblem::missing("name"));
    }
    for (name, list) in [
        ("status", &fields::STATUSES[..]),
        ("priority", &fields::PRIORITIES[..]),
    ] {
        if !posted.fields.contains_key(name) {
            let allowed: Vec<String> = list.iter().map(|(number, _)| number.to_string()).collect();
            let message = format!("It should be one of these values: '{}'", allowed.join(","));
            problems.push(FieldProblem::new(name, message, "missing_field"));
        }
    }
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    let ticket = {
        let mut books = desk.books();
        let attachments = posted.attachments(0, &desk, || books.part_id())?;
        let given = &posted.fields;
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        let requester = match given.get("requester_id").and_then(Value::as_u64) {
            Some(id) => id,
            None => books.contact(
                text("name").or(text("email")).unwrap_or("requester"),
                text("email"),
                text("phone"),
            ),
        };
        let now = desk.now();
        let mut ticket = Ticket {
            id: 0,
            subject: String::new(),
            description: String::new(),
            status: 2,
            priority: 1,
            source: 2,
            kind: None,
            requester,
            responder: None,
            group: None,
            tags: Vec::new(),
            custom_fields: fields::blank(),
            conversations: Vec::new(),
            attachments,
            created_at: now,
            updated_at: now,
        };
        write(&mut ticket, given);
        let id = books.add(ticket);
        books.tickets.get(&id).cloned().ok_or(Problem::NotFound)?
    };
    desk.note_write(Deed::Created, &ticket, Doer::Api, &ticket.subject);
    automation::fire(&desk, &ticket, None, Performer::Api);
    Ok((StatusCode::CREATED, Json(ticket.shown(&desk))).into_response())
}

/// Writes checked fields.
fn write(ticket: &mut Ticket, given: &Map<String, Value>) {
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| given.get(name).and_then(Value::as_u64);
    ticket.subject = text("subject").unwrap_or_else(|| ticket.subject.clone());
    ticket.description = text("description").unwrap_or_else(|| ticket.description.clone());
    ticket.status = number("status").unwrap_or(ticket.status);
    ticket.priority = number("priority").unwrap_or(ticket.priority);
    ticket.source = number("source").unwrap_or(ticket.source);
    ticket.kind = text("type").or_else(|| ticket.kind.clone());
    ticket.group = number("group_id").or(ticket.group);
    ticket.responder = number("responder_id").or(ticket.responder);
    if let Some(Value::Array(tags)) = given.get("tags") {
        ticket.tags = tags
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
    }
    if let Some(Value::Object(custom)) = given.get("custom_fields") {
        ticket.custom_fields.extend(custom.clone());
    }
}

async fn update(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<u64>,
    request: Request,
) -> Result<Response, Problem> {
    let mut posted = Posted::read(request).await?;
    let mut problems = Vec::new();
    check(&posted.fields, &mut problems);
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    let (before, ticket) = {
        let mut guard = desk.books();
        let books = &mut *guard;
        let already = books.tickets.get(&id).ok_or(Problem::NotFound)?;
        let already = already.files().map(|file| file.content.len()).sum();
        let attachments = posted.attachments(already, &desk, || books.part_id())?;
        let ticket = books.tickets.get_mut(&id).ok_or(Problem::NotFound)?;
        let before = ticket.status;
        write(ticket, &posted.fields);
        ticket.attachments.extend(attachments);
        ticket.updated_at = desk.now();
        let ticket = ticket.clone();
        books.index(&ticket);
        (before, ticket)
    };
    let named: Vec<&str> = posted.fields.keys().map(String::as_str).collect();
    desk.note_write(Deed::Updated, &ticket, Doer::Api, &named.join(", "));
    automation::fire(&desk, &ticket, Some(before), Performer::Api);
    Ok(Json(ticket.shown(&desk)).into_response())
}

async fn remove(State(desk): State<Arc<Desk>>, Path(id): Path<u64>) -> Result<StatusCode, Problem> {
    let removed = desk.books().tickets.remove(&id).ok_or(Problem::NotFound)?;
    desk.note_write(Deed::Removed, &removed, Doer::Api, "");
    Ok(StatusCode::NO_CONTENT)
}

async fn read(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let books = desk.books();
    let ticket = books.tickets.get(&id).ok_or(Problem::NotFound)?;
    let mut shown = ticket.shown(&desk);
    for name in query
        .get("include")
        .map(String::as_str)
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
    {
        shown[name] = match name {
            "requester" => books
                .contacts
                .get(&ticket.requester)
                .map(fields::contact)
                .unwrap_or_default(),
            "company" => fields::company(),
            "stats" => json!({
                "agent_responded_at": null, "requester_responded_at": null, "first_responded_at": null,
                "status_updated_at": ticket.updated_at, "reopened_at": null, "resolved_at": null, "closed_at": null,
                "pending_since": null,
            }),
            "conversations" => {
                let first = ticket.conversations.iter().take(10);
                first
                    .map(|conversation| conversation.shown(id, &desk))
                    .collect()
            }
            _ => {
                let message =
                    "It should be one of these values: 'conversations,requester,company,stats'";
                return Err(Problem::Fields(vec![FieldProblem::new(
                    "include",
                    message,
                    "invalid_value",
                )]));
            }
        };
    }
    Ok(Json(shown))
}

async fn list(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let bad = |field: &str, message: &str| {
        Problem::Fields(vec![FieldProblem::new(field, message, "invalid_value")])
    };
    let page = paging(&query)?;
    let since = match query.get("updated_since") {
        Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
            bad(
                "updated_since",
                "It should be in the 'combined date and time ISO8601' format",
            )
        })?),
        None => None,
    };
    let month = desk
        .now()
        .checked_sub(jiff::SignedDuration::from_hours(24 * LIST_DAYS))
        .unwrap_or(Timestamp::MIN);
    let books = desk.books();
    let mut wanted: Vec<&Ticket> = books
        .tickets
        .values()
        .filter(|ticket| match since {
            Some(since) => ticket.updated_at >= since,
            None => ticket.created_at >= month,
        })
        .collect();
    match query.get("order_by").map(String::as_str) {
        Some("updated_at") => wanted.sort_by_key(|ticket| (ticket.updated_at, ticket.id)),
        None | Some("created_at") => wanted.sort_by_key(|ticket| (ticket.created_at, ticket.id)),
        Some("status") => wanted.sort_by_key(|ticket| (ticket.status, ticket.id)),
        Some(_) => {
            return Err(bad(
                "order_by",
                "It should be one of these values: 'due_by,created_at,updated_at,status'",
            ));
        }
    }
    if query.get("order_type").map(String::as_str) != Some("asc") {
        wanted.reverse();
    }
    let with_description = query
        .get("include")
        .is_some_and(|include| include.contains("description"));
    let shown: Vec<Value> = page
        .of(&wanted)
        .map(|ticket| {
            if with_description {
                ticket.shown(&desk)
            } else {
                ticket.brief()
            }
        })
        .collect();
    Ok(page.answer(&desk, "tickets", &query, wanted.len(), shown))
}

/// Which page of a list.
pub(super) struct Paging {
    page: usize,
    per_page: usize,
}

pub(super) fn paging(query: &HashMap<String, String>) -> Result<Paging, Problem> {
    let number = |name: &str, usual: usize, most: usize| match query
        .get(name)
        .map(|text| text.parse::<usize>())
    {
        None => Ok(usual),
        Some(Ok(number)) if (1..=most).contains(&number) => Ok(number),
        Some(_) => {
            let message = format!("It should be a Positive Integer less than or equal to {most}");
            Err(Problem::Fields(vec![FieldProblem::new(
                name,
                message,
                "invalid_value",
            )]))
        }
    };
    Ok(Paging {
        page: number("page", 1, 300)?,
        per_page: number("per_page", 30, 100)?,
    })
}

impl Paging {
    pub(super) fn of<'a, T>(&self, all: &'a [T]) -> impl Iterator<Item = &'a T> + use<'a, T> {
        all.iter()
            .skip((self.page - 1) * self.per_page)
            .take(self.per_page)
    }

    /// The page, with a `Link` to the next one if there is one.
    pub(super) fn answer(
        &self,
        desk: &Desk,
        path: &str,
        query: &HashMap<String, String>,
        total: usize,
        shown: Vec<Value>,
    ) -> Response {
        let mut response = Json(shown).into_response();
        if self.page * self.per_page < total {
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            pairs.extend_pairs(query.iter().filter(|(name, _)| *name != "page"));
            pairs.append_pair("page", &(self.page + 1).to_string());
            let link = format!(
                "<{}/api/v2/{path}?{}>; rel=\"next\"",
                desk.base_url,
                pairs.finish()
            );
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        response
    }
}
