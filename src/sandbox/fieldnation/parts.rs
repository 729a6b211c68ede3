//! What belongs to a work order: messages, files, contacts, custom fields, tags, tasks, problems.

use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::Value;

use super::backend::{Actor, Backend, Consequences};
use super::company::{self, Person};
use super::orders::{Answer, whole};
use super::problem::{FieldProblem, Problem};
use super::reading;
use super::render;
use super::request::{Body, Caller};
use super::work_order::{File, Message, Problem as Obstacle, Side, WorkOrder};
use crate::model::{EventName, Timestamp};
use crate::sandbox::journal::{Deed, Thing, Write};

/// The types a message may have.
const MESSAGE_TYPES: [&str; 10] = [
    "INTERNAL",
    "ASSIGNEDTECH",
    "REQUESTEDTECHS",
    "SPECIFICTECH",
    "FROMTECH",
    "REPLY",
    "TECHTOMANAGER",
    "ROUTEDTECHS",
    "REPLYTOTHREAD",
    "STAFF_NOTE",
];

/// The routes, relative to the API's base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route(
            "/workorders/{id}/messages",
            get(messages).post(post_message),
        )
        .route("/workorders/{id}/messages/{message}", post(reply))
        .route(
            "/workorders/{id}/attachments",
            get(attachments).post(create_folder),
        )
        .route("/workorders/{id}/attachments/{folder}", post(upload))
        .route(
            "/workorders/{id}/attachments/{folder}/{file}",
            put(review_file).delete(delete_file),
        )
        .route("/workorders/{id}/contacts", get(contacts).post(add_contact))
        .route(
            "/workorders/{id}/contacts/{contact}",
            put(change_contact).delete(delete_contact),
        )
        .route("/workorders/{id}/custom_fields", get(custom_fields))
        .route(
            "/workorders/{id}/custom_fields/{field}",
            get(custom_field).put(put_custom_field),
        )
        .route("/workorders/{id}/tags", get(tags).post(add_tag))
        .route(
            "/workorders/{id}/tags/{tag}",
            axum::routing::delete(remove_tag),
        )
        .route(
            "/workorders/{id}/problems",
            get(problems).post(report_problem),
        )
        .route("/workorders/{id}/tasks", get(tasks))
        .route("/workorders/{id}/time_logs", get(time_logs))
        .route("/workorders/{id}/expenses", get(nothing_yet))
        .route("/workorders/{id}/bonuses", get(nothing_yet))
        .route("/workorders/{id}/penalties", get(nothing_yet))
        .route("/workorders/{id}/discounts", get(nothing_yet))
        .route("/workorders/{id}/increases", get(nothing_yet))
        .route("/workorders/{id}/shipments", get(nothing_yet))
        .route("/workorders/{id}/signatures", get(nothing_yet))
}

/// Who writes a message or uploads a file.
#[derive(Clone, Copy)]
pub(super) struct Author {
    pub(super) person: Person,
    pub(super) side: Side,
    pub(super) actor: Actor,
}

impl Author {
    /// The user whose credentials the API is called with.
    fn api(actor: Actor) -> Self {
        let person = company::manager(actor.user).unwrap_or(company::API_USER);
        Self {
            person,
            side: Side::Buyer,
            actor,
        }
    }
}

async fn messages(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::messages(&*backend.order(id)?)))
}

fn message_text(body: &serde_json::Map<String, Value>) -> Result<String, Problem> {
    let text = body.get("message").and_then(Value::as_str);
    let missing = || FieldProblem::new("message", "message is required");
    text.filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Problem::fields(vec![missing()]))
}

async fn post_message(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let text = message_text(&body)?;
    let kind = body
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("ASSIGNEDTECH");
    if !MESSAGE_TYPES.contains(&kind) {
        let message = format!("type must be one of: {}", MESSAGE_TYPES.join(", "));
        return Err(Problem::fields(vec![FieldProblem::new("type", message)]));
    }
    let to = body
        .get("to")
        .and_then(|to| to.get("id"))
        .and_then(Value::as_u64);
    if kind == "SPECIFICTECH" && to.is_none() {
        let message = "to.id is required for type SPECIFICTECH";
        return Err(Problem::fields(vec![FieldProblem::new("to.id", message)]));
    }
    let author = Author::api(caller.actor);
    let now = backend.now();
    let order = backend.change(id, caller.actor, |order, consequences| {
        say(
            order,
            consequences,
            author,
            &Words {
                kind,
                text: &text,
                parent: None,
            },
            now,
        );
        Ok(())
    })?;
    Ok(Json(render::messages(&order)))
}

async fn reply(
    State(backend): State<Arc<Backend>>,
    Path((id, message)): Path<(u64, u64)>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let text = message_text(&body)?;
    let author = Author::api(caller.actor);
    let now = backend.now();
    let order = backend.change(id, caller.actor, |order, consequences| {
        if !order.messages.iter().any(|other| other.id == message) {
            return Err(Problem::not_found(format!(
                "Message {message} was not found."
            )));
        }
        let words = Words {
            kind: "REPLY",
            text: &text,
            parent: Some(message),
        };
        say(order, consequences, author, &words, now);
        Ok(())
    })?;
    Ok(Json(render::messages(&order)))
}

/// A message about to be posted.
pub(super) struct Words<'a> {
    pub(super) kind: &'a str,
    pub(super) text: &'a str,
    pub(super) parent: Option<u64>,
}

/// Adds a message.
pub(super) fn say(
    order: &mut WorkOrder,
    consequences: &mut Consequences,
    author: Author,
    words: &Words<'_>,
    now: Timestamp,
) {
    let id = order.part_id();
    order.messages.push(Message {
        id,
        parent: words.parent,
        author: author.person,
        side: author.side,
        kind: words.kind.to_owned(),
        text: words.text.to_owned(),
        created: now,
    });
    let write = Write::new(Deed::Created, Thing::Message, id, author.actor.doer);
    consequences.journal(write.within(order.id).called(words.text));
    consequences.fire(EventName::MessagePosted);
}

async fn attachments(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    let order = backend.order(id)?;
    Ok(Json(render::attachments(&order, &backend.base_url)))
}

async fn create_folder(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let name = body
        .get("name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty());
    let Some(name) = name else {
        let missing = FieldProblem::new("name", "name is required");
        return Err(Problem::fields(vec![missing]));
    };
    let order = backend.change(id, caller.actor, |order, _| {
        order.add_folder(name, "slot");
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

/// A file about to be stored.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) notes: String,
    pub(super) content: Bytes,
}

async fn upload(
    State(backend): State<Arc<Backend>>,
    Path((id, folder)): Path<(u64, u64)>,
    caller: Caller,
    request: Request,
) -> Answer {
    let form = Multipart::from_request(request, &()).await;
    let form = form.map_err(|_| Problem::media_type("multipart/form-data"))?;
    let upload = read_form(form).await?;
    let author = Author::api(caller.actor);
    let now = backend.now();
    let order = backend.change(id, caller.actor, |order, consequences| {
        store(order, consequences, author, folder, upload, now)
    })?;
    Ok(whole(&backend, &order))
}

async fn read_form(mut form: Multipart) -> Result<Upload, Problem> {
    let broken = |_| Problem::invalid("The multipart body could not be read.");
    let mut file = None;
    let mut notes = String::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("notes") => notes = field.text().await.map_err(broken)?,
            Some("file") => {
                let name = field.file_name().map(str::to_owned);
                let mime = field
                    .content_type()
                    .unwrap_or("application/octet-stream")
                    .to_owned();
                let content = field.bytes().await.map_err(broken)?;
                file = name.map(|name| (name, mime, content));
            }
            _ => {}
        }
    }
    let missing = FieldProblem::new("file", "file is required, with a file name");
    let (name, mime, content) = file.ok_or_else(|| Problem::fields(vec![missing]))?;
    Ok(Upload {
        name,
        mime,
        notes,
        content,
    })
}

/// Adds a file to a folder.
pub(super) fn store(
    order: &mut WorkOrder,
    consequences: &mut Consequences,
    author: Author,
    folder: u64,
    upload: Upload,
    now: Timestamp,
) -> Result<(), Problem> {
    let id = order.part_id();
    let Some(folder) = order.folder_mut(folder) else {
        return Err(Problem::not_found(format!(
            "Folder {folder} was not found."
        )));
    };
    let name = upload.name.clone();
    folder.files.push(File {
        id,
        name: upload.name,
        mime: upload.mime,
        notes: upload.notes,
        content: upload.content,
        key: uuid::Uuid::now_v7().simple().to_string(),
        author: author.person,
        status: "PENDING".to_owned(),
        created: now,
    });
    let write = Write::new(Deed::Created, Thing::File, id, author.actor.doer);
    consequences.journal(write.within(order.id).called(name));
    // Deliverables of the provider are announced; what the buyer adds is not.
    if author.side == Side::Provider {
        consequences.fire(EventName::ProviderUpload);
    }
    Ok(())
}

async fn review_file(
    State(backend): State<Arc<Backend>>,
    Path((id, folder, file)): Path<(u64, u64, u64)>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let status = text("status");
    if status.is_some_and(|status| !["PENDING", "APPROVED", "DENIED"].contains(&status)) {
        let message = "status must be one of: PENDING, APPROVED, DENIED";
        return Err(Problem::fields(vec![FieldProblem::new("status", message)]));
    }
    let order = backend.change(id, caller.actor, |order, _| {
        let files = order.folder_mut(folder).map(|folder| &mut folder.files);
        let found = files.and_then(|files| files.iter_mut().find(|other| other.id == file));
        let found =
            found.ok_or_else(|| Problem::not_found(format!("File {file} was not found.")))?;
        if let Some(status) = status {
            status.clone_into(&mut found.status);
        }
        if let Some(notes) = text("notes") {
            notes.clone_into(&mut found.notes);
        }
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

async fn delete_file(
    State(backend): State<Arc<Backend>>,
    Path((id, folder, file)): Path<(u64, u64, u64)>,
    caller: Caller,
) -> Answer {
    let order = backend.change(id, caller.actor, |order, consequences| {
        let order_id = order.id;
        let files = order.folder_mut(folder).map(|folder| &mut folder.files);
        let before = files.as_ref().map_or(0, |files| files.len());
        let after = files.map_or(0, |files| {
            files.retain(|other| other.id != file);
            files.len()
        });
        if before == after {
            return Err(Problem::not_found(format!("File {file} was not found.")));
        }
        let write = Write::new(Deed::Removed, Thing::File, file, caller.actor.doer);
        consequences.journal(write.within(order_id));
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

/// `GET /storage/{order}/{file}/{key}`: the link in a file, good without a token.
pub(super) async fn download(
    State(backend): State<Arc<Backend>>,
    Path((id, file, key)): Path<(u64, u64, String)>,
) -> Response {
    let Ok(order) = backend.order(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut files = order.folders.iter().flat_map(|folder| &folder.files);
    let found = files.find(|candidate| candidate.id == file);
    let Some(found) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if found.key != key {
        return StatusCode::FORBIDDEN.into_response();
    }
    let name = found.name.replace(['"', '\r', '\n'], "_");
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, found.mime.clone()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, found.content.clone()).into_response()
}

/// `GET /storage/deliveries/{delivery}`: the full log of a webhook delivery.
pub(super) async fn delivery(
    State(backend): State<Arc<Backend>>,
    Path(delivery): Path<String>,
) -> Response {
    let log = backend.hooks.log();
    let found = log.iter().find(|entry| entry.delivery_id == delivery);
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |entry| {
            (
                [(header::CONTENT_TYPE, "application/json")],
                entry.body.clone(),
            )
                .into_response()
        },
    )
}

async fn contacts(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::contacts(&*backend.order(id)?)))
}

async fn add_contact(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let contact = reading::read_contact(&Value::Object(body));
    let mut contact = contact.map_err(|problem| Problem::fields(vec![problem]))?;
    let order = backend.change(id, caller.actor, |order, _| {
        contact.id = order.part_id();
        order.contacts.push(contact);
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

async fn change_contact(
    State(backend): State<Arc<Backend>>,
    Path((id, contact)): Path<(u64, u64)>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let changed = reading::read_contact(&Value::Object(body));
    let mut changed = changed.map_err(|problem| Problem::fields(vec![problem]))?;
    changed.id = contact;
    let order = backend.change(id, caller.actor, |order, _| {
        let found = order.contacts.iter_mut().find(|other| other.id == contact);
        let missing = || Problem::not_found(format!("Contact {contact} was not found."));
        *found.ok_or_else(missing)? = changed;
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

async fn delete_contact(
    State(backend): State<Arc<Backend>>,
    Path((id, contact)): Path<(u64, u64)>,
    caller: Caller,
) -> Answer {
    let order = backend.change(id, caller.actor, |order, _| {
        order.contacts.retain(|other| other.id != contact);
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

async fn custom_fields(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::custom_fields(&*backend.order(id)?)))
}

fn known_field(id: u64) -> Result<&'static company::CustomField, Problem> {
    let missing = || Problem::not_found(format!("Custom field {id} was not found."));
    company::custom_field(id).ok_or_else(missing)
}

async fn custom_field(
    State(backend): State<Arc<Backend>>,
    Path((id, field)): Path<(u64, u64)>,
) -> Answer {
    let order = backend.order(id)?;
    Ok(Json(render::custom_field(&order, known_field(field)?)))
}

async fn put_custom_field(
    State(backend): State<Arc<Backend>>,
    Path((id, field)): Path<(u64, u64)>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let field = known_field(field)?;
    let order = backend.change(id, caller.actor, |order, consequences| {
        // A value that is no text is one of the wrong shapes that are ignored.
        let Some(value) = body.get("value").and_then(Value::as_str) else {
            return Ok(());
        };
        set_custom_value(order, consequences, caller.actor, field, value)
    })?;
    Ok(whole(&backend, &order))
}

/// Sets one custom field.
pub(super) fn set_custom_value(
    order: &mut WorkOrder,
    consequences: &mut Consequences,
    actor: Actor,
    field: &company::CustomField,
    value: &str,
) -> Result<(), Problem> {
    if let Some(objection) = field.objection(value) {
        return Err(Problem::fields(vec![FieldProblem::new("value", objection)]));
    }
    order.custom_values.insert(field.id, value.to_owned());
    let write = Write::new(Deed::Updated, Thing::WorkOrder, order.id, actor.doer);
    consequences.journal(write.called(format!("{} = {value}", field.name)));
    consequences.fire(EventName::CustomFieldValueUpdated);
    Ok(())
}

async fn tags(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::tags(&*backend.order(id)?)))
}

async fn add_tag(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let tag = body.get("id").and_then(Value::as_u64);
    let Some(tag) = tag.filter(|tag| company::by_id(&company::TAGS, *tag).is_some()) else {
        return Err(Problem::fields(vec![FieldProblem::new(
            "id",
            "id must name a company tag",
        )]));
    };
    let order = backend.change(id, caller.actor, |order, consequences| {
        if !order.tags.contains(&tag) {
            order.tags.push(tag);
            consequences.fire(EventName::TagAdded);
        }
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

async fn remove_tag(
    State(backend): State<Arc<Backend>>,
    Path((id, tag)): Path<(u64, u64)>,
    caller: Caller,
) -> Answer {
    let order = backend.change(id, caller.actor, |order, consequences| {
        let before = order.tags.len();
        order.tags.retain(|other| *other != tag);
        if order.tags.len() < before {
            consequences.fire(EventName::TagRemoved);
        }
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

async fn problems(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::problems(&*backend.order(id)?)))
}

async fn report_problem(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let comments = body
        .get("comments")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let now = backend.now();
    let order = backend.change(id, caller.actor, |order, consequences| {
        report(order, consequences, comments, now);
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

/// Adds a problem.
pub(super) fn report(
    order: &mut WorkOrder,
    consequences: &mut Consequences,
    comments: String,
    now: Timestamp,
) {
    let id = order.part_id();
    order.problems.push(Obstacle {
        id,
        comments,
        created: now,
        is_resolved: false,
    });
    consequences.fire(EventName::ProblemReported);
}

async fn tasks(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::tasks(&*backend.order(id)?)))
}

async fn time_logs(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::time_logs(&*backend.order(id)?)))
}

async fn nothing_yet(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    backend.order(id)?;
    Ok(Json(render::empty_section()))
}
