//! The RESTlet that the customer deployed: messages and files of cases, by the contract in its own head comment
//! (`docs/platforms/netsuite/fieldbridge_restlet.js`).

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::backend::{API_USER, Actor, Backend, File, STAFF};
use super::problem::ScriptProblem;

/// NetSuite gives a RESTlet texts of so many bytes at most.
const LARGEST_TEXT: usize = 10 * 1024 * 1024;
/// The script gives files of so many bytes at most.
const LARGEST_FILE: usize = 7 * 1024 * 1024;

/// Why the script refuses: its own code and sentence.
type Refusal = (&'static str, String);

/// Runs the deployed script.
pub(super) async fn run(
    State(backend): State<Arc<Backend>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let deployed = &backend.settings.restlet;
    let given = |name: &str| query.get(name).map(String::as_str);
    if given("script") != Some(deployed.script.as_str())
        || given("deploy") != Some(deployed.deployment.as_str())
    {
        return ScriptProblem::NO_SCRIPT.into_response();
    }
    let media_type = headers.get(header::CONTENT_TYPE);
    if media_type.and_then(|value| value.to_str().ok()) != Some("application/json") {
        return ScriptProblem {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "SSS_INVALID_MEDIA_TYPE",
            message: "Invalid content type.",
        }
        .into_response();
    }
    let too_long = || ScriptProblem {
        status: StatusCode::BAD_REQUEST,
        code: "SSS_REQUEST_SIZE_EXCEEDED",
        message: "The request is larger than 10 MB.",
    };
    if body.len() > LARGEST_TEXT {
        return too_long().into_response();
    }
    let Ok(Value::Object(request)) = serde_json::from_slice(&body) else {
        return ScriptProblem {
            status: StatusCode::BAD_REQUEST,
            code: "INVALID_JSON",
            message: "The body is no JSON object.",
        }
        .into_response();
    };
    let answer = match act(&backend, &request) {
        Ok(body) => json!({"header": {"status": "SUCCESS"}, "body": body}),
        Err((code, message)) => json!({
            "header": {"status": "ERROR"},
            "body": {"errorCode": code, "errorMessage": message},
        }),
    };
    Json(answer).into_response()
}

fn act(backend: &Arc<Backend>, request: &Map<String, Value>) -> Result<Value, Refusal> {
    let text = |name: &str| {
        request
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let action = text("action");
    if action == "ping" {
        let stores_files = backend.settings.restlet.has_folder;
        return Ok(json!({"version": 1, "storesFiles": stores_files}));
    }
    let case: u64 = text("id").parse().unwrap_or_default();
    if !matches!(action, "list" | "addMessage" | "upload" | "download") {
        let message = format!("there is no action {action}");
        return Err(("FB_UNKNOWN_ACTION", message));
    }
    if text("type") != "supportcase" || !backend.books().has("supportCase", case) {
        let message = format!("there is no {} {case}", text("type"));
        return Err(("FB_NOT_FOUND", message));
    }
    match action {
        "list" => Ok(list(backend, case, request)),
        "addMessage" => add_message(backend, case, request),
        "upload" => upload(backend, case, request),
        _ => download(backend, case, text("file")),
    }
}

fn list(backend: &Backend, case: u64, request: &Map<String, Value>) -> Value {
    let wants = |name: &str| request.get(name) == Some(&Value::Bool(true));
    let books = backend.books();
    let messages = books.messages.get(&case).filter(|_| wants("messages"));
    let messages: Vec<Value> = messages
        .into_iter()
        .flatten()
        .map(|message| {
            json!({
                "id": message.id.to_string(),
                "text": message.text,
                "internalOnly": message.internal_only,
                "author": match message.author {
                    API_USER => "Integration User",
                    STAFF => "Support Desk",
                    _ => "Customer",
                },
                "date": message.at.to_string(),
                "byUs": message.author == API_USER,
            })
        })
        .collect();
    let of_case = |file: &&(&u64, &File)| file.1.attached.contains(&case) && wants("files");
    let files: Vec<Value> = books
        .files
        .iter()
        .filter(|file| of_case(&file))
        .map(|(id, file)| {
            json!({
                "id": id.to_string(),
                "name": file.name,
                "size": file.content.len(),
                "byUs": file.folder_of == Some(case),
            })
        })
        .collect();
    json!({"messages": messages, "files": files})
}

fn add_message(
    backend: &Arc<Backend>,
    case: u64,
    request: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let text = request.get("text").and_then(Value::as_str);
    let text = text.map(str::trim).unwrap_or_default();
    if text.is_empty() {
        return Err(("FB_BAD_REQUEST", "a message needs text".to_owned()));
    }
    let internal_only = request.get("internalOnly") == Some(&Value::Bool(true));
    let id = backend.add_message(case, Actor::API, text, internal_only);
    Ok(json!({"id": id.to_string()}))
}

fn upload(
    backend: &Arc<Backend>,
    case: u64,
    request: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let text = |name: &str| {
        request
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if !backend.settings.restlet.has_folder {
        let message = "the deployment names no folder for files".to_owned();
        return Err(("FB_NO_FOLDER", message));
    }
    let content = STANDARD.decode(text("contents"));
    let content = content.map_err(|_| ("FB_BAD_REQUEST", "it is no base64".to_owned()))?;
    if text("name").is_empty() {
        return Err((
            "FB_BAD_REQUEST",
            "a file needs a name and contents".to_owned(),
        ));
    }
    let given = text("name");
    let (stem, ending) = match given.rsplit_once('.') {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (given, String::new()),
    };
    for count in 1..=100 {
        let name = if count == 1 {
            given.to_owned()
        } else {
            format!("{stem} ({count}){ending}")
        };
        let there = {
            let books = backend.books();
            let found = books
                .files
                .iter()
                .find(|(_, file)| file.folder_of == Some(case) && file.name == name);
            found.map(|(id, file)| (*id, file.content.len()))
        };
        match there {
            Some((id, size)) if size == content.len() => {
                return Ok(json!({"id": id.to_string(), "existed": true}));
            }
            Some(_) => {}
            None => {
                let id = backend.store_file(&name, content.into(), Some(case), Actor::API);
                return Ok(json!({"id": id.to_string(), "existed": false}));
            }
        }
    }
    Err((
        "FB_BAD_REQUEST",
        format!("there are too many files called {given}"),
    ))
}

fn download(backend: &Backend, case: u64, wanted: &str) -> Result<Value, Refusal> {
    let books = backend.books();
    let file = wanted.parse().ok().and_then(|id: u64| books.files.get(&id));
    let file = file.filter(|file| file.attached.contains(&case));
    let file = file.ok_or_else(|| {
        let message = format!("file {wanted} is not attached to supportcase {case}");
        ("FB_NOT_FOUND", message)
    })?;
    if file.content.len() > LARGEST_FILE {
        let message = format!("{} has {} bytes", file.name, file.content.len());
        return Err(("FB_TOO_LARGE", message));
    }
    Ok(json!({"name": file.name, "contents": STANDARD.encode(&file.content)}))
}
