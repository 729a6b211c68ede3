//! Attachments, and the storage from which their bytes are fetched without any token.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Multipart, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sha2::Sha256;

use super::AccessLevel;
use super::backend::{Actor, Attachment, Backend, Content};
use super::problem::Problem;
use super::request::{Agent, Query, success};
use super::sheet::SHEET;

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/sheets/{sheet}/attachments", get(list_all))
        .route(
            "/sheets/{sheet}/attachments/{attachment}",
            get(read).delete(remove),
        )
        .route(
            "/sheets/{sheet}/rows/{row}/attachments",
            get(list).post(upload),
        )
}

type Answer = Result<Json<Value>, Problem>;

/// The largest file the API takes.
const MOST_BYTES: usize = 30 * 1024 * 1024;

/// How long a file's address opens it.
const LINK_LIFE: Duration = Duration::from_secs(120);

async fn list_all(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let shown: Vec<Value> = backend.books().attachments.values().map(shown).collect();
    query.page(shown).map(Json)
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Path((sheet, row)): Path<(u64, u64)>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let books = backend.books();
    if !books.rows.contains_key(&row) {
        return Err(Problem::not_found());
    }
    let of_row = books
        .attachments
        .values()
        .filter(|attachment| attachment.row == row);
    let shown: Vec<Value> = of_row.map(shown).collect();
    drop(books);
    query.page(shown).map(Json)
}

async fn read(State(backend): State<Arc<Backend>>, Path((sheet, id)): Path<(u64, u64)>) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let found = backend.books().attachments.get(&id).cloned();
    let attachment = found.ok_or_else(Problem::not_found)?;
    let mut shown = shown(&attachment);
    if matches!(attachment.content, Content::File { .. }) {
        let expires =
            backend.now().as_second() + i64::try_from(LINK_LIFE.as_secs()).unwrap_or_default();
        let signature = backend.link_signature(id, expires);
        shown["url"] = json!(format!(
            "{}/storage/{id}?Expires={expires}&Signature={signature}",
            backend.base_url
        ));
        shown["urlExpiresInMillis"] = json!(LINK_LIFE.as_millis());
    }
    Ok(Json(shown))
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path((sheet, id)): Path<(u64, u64)>,
) -> Answer {
    backend.admit(sheet, AccessLevel::Editor)?;
    let mut books = backend.books();
    books
        .attachments
        .remove(&id)
        .ok_or_else(Problem::not_found)?;
    books.version += 1;
    Ok(Json(
        json!({"message": "SUCCESS", "resultCode": 0, "version": books.version}),
    ))
}

async fn upload(
    State(backend): State<Arc<Backend>>,
    Path((sheet, row)): Path<(u64, u64)>,
    Agent(agent): Agent,
    request: Request,
) -> Answer {
    backend.admit(sheet, AccessLevel::Editor)?;
    let _saving = backend.save().await?;
    let (name, content) = uploaded(request).await?;
    if let Content::File { bytes, .. } = &content
        && bytes.len() > MOST_BYTES
    {
        let message = format!(
            "You are trying to upload a file of {} bytes, but the API currently only supports 30mb.",
            bytes.len()
        );
        return Err(Problem::bad(1074, message));
    }
    let attachment = backend.attach(&Actor::api(agent), row, &name, content)?;
    let version = backend.books().version;
    Ok(Json(success(Some(version), &shown(&attachment))))
}

/// A link as JSON, a file as multipart, or a file as the body itself.
async fn uploaded(request: Request) -> Result<(String, Content), Problem> {
    let (head, body) = request.into_parts();
    let text = |name: header::HeaderName| {
        let value = head.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let kind = text(header::CONTENT_TYPE).ok_or_else(Problem::media_type)?;
    let disposition = text(header::CONTENT_DISPOSITION);
    if kind.starts_with("multipart/form-data") {
        return from_parts(Request::from_parts(head, body)).await;
    }
    let whole = axum::body::to_bytes(body, MOST_BYTES + 1_048_576).await;
    let bytes = whole.map_err(|_| Problem::bad(1128, "Multipart upload size limit exceeded."))?;
    match disposition {
        Some(disposition) => {
            let name = named(&disposition).ok_or_else(|| {
                Problem::bad(
                    1011,
                    "A required header was missing or invalid: Content-Disposition",
                )
            })?;
            Ok((name, Content::File { mime: kind, bytes }))
        }
        None if kind.starts_with("application/json") => from_json(&bytes),
        None => Err(Problem::bad(
            1011,
            "A required header was missing or invalid: Content-Disposition",
        )),
    }
}

/// `attachment; filename="…"`, the name URL-encoded.
fn named(disposition: &str) -> Option<String> {
    let rest = disposition
        .strip_prefix("attachment")?
        .trim_start()
        .strip_prefix(';')?
        .trim();
    let quoted = rest.strip_prefix("filename=")?;
    let name = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    (!name.trim().is_empty()).then(|| name.into_owned())
}

fn from_json(bytes: &Bytes) -> Result<(String, Content), Problem> {
    let body: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::unreadable(&error.to_string()))?;
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    match text("attachmentType").as_str() {
        "" => Err(Problem::missing("attachment.attachmentType")),
        "FILE" => Err(Problem::bad(
            1051,
            "Attachments of type FILE cannot be created using JSON.",
        )),
        "LINK" if text("url").is_empty() => Err(Problem::missing("attachment.url")),
        "LINK" => Ok((text("name"), Content::Link { url: text("url") })),
        other => Err(Problem::bad(
            1255,
            format!("Attachment type '{other}' is not supported."),
        )),
    }
}

async fn from_parts(request: Request) -> Result<(String, Content), Problem> {
    use axum::extract::FromRequest as _;
    let broken = || Problem::unreadable("the multipart body can't be read");
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| broken())?;
    let part = parts.next_field().await.map_err(|_| broken())?;
    let part =
        part.ok_or_else(|| Problem::bad(1127, "Required multipart part was missing: 'file'"))?;
    let name = part.name().unwrap_or_default().to_owned();
    if name != "file" {
        let message = format!("Multipart request contained an invalid part name: '{name}'");
        return Err(Problem::bad(1147, message));
    }
    let file = part.file_name().unwrap_or("file").to_owned();
    let mime = part
        .content_type()
        .unwrap_or("application/octet-stream")
        .to_owned();
    let bytes = part.bytes().await.map_err(|_| broken())?;
    Ok((file, Content::File { mime, bytes }))
}

fn shown(attachment: &Attachment) -> Value {
    let mut shown = json!({
        "id": attachment.id,
        "name": attachment.name,
        "parentType": "ROW",
        "parentId": attachment.row,
        "createdBy": attachment.by.shown(),
        "createdAt": attachment.at.to_string(),
    });
    match &attachment.content {
        Content::File { mime, bytes } => {
            shown["attachmentType"] = json!("FILE");
            shown["mimeType"] = json!(mime);
            shown["sizeInKb"] = json!(bytes.len().div_ceil(1024));
        }
        Content::Link { url } => {
            shown["attachmentType"] = json!("LINK");
            shown["url"] = json!(url);
        }
    }
    shown
}

impl Backend {
    fn link_signature(&self, file: u64, expires: i64) -> String {
        let text = format!("{SHEET}/{file}/{expires}");
        let mac = Hmac::<Sha256>::new_from_slice(self.link_key.as_bytes());
        mac.map_or_else(
            |_| String::new(),
            |mut mac| {
                mac.update(text.as_bytes());
                hex::encode(mac.finalize().into_bytes())
            },
        )
    }
}

/// The storage behind the API: the signature in the address opens a file, and a token beside it is one credential too many.
pub(super) async fn download(
    State(backend): State<Arc<Backend>>,
    Path(file): Path<u64>,
    headers: HeaderMap,
    query: Query,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        return (
            StatusCode::BAD_REQUEST,
            "<Error><Code>InvalidArgument</Code></Error>",
        )
            .into_response();
    }
    let expires = query
        .text("Expires")
        .and_then(|text| text.parse::<i64>().ok())
        .unwrap_or_default();
    let is_signed = query.text("Signature") == Some(backend.link_signature(file, expires).as_str());
    if !is_signed || backend.now().as_second() > expires {
        return (
            StatusCode::FORBIDDEN,
            "<Error><Code>AccessDenied</Code></Error>",
        )
            .into_response();
    }
    match backend
        .books()
        .attachments
        .get(&file)
        .map(|attachment| &attachment.content)
    {
        Some(Content::File { mime, bytes }) => {
            ([(header::CONTENT_TYPE, mime.clone())], bytes.clone()).into_response()
        }
        _ => (
            StatusCode::NOT_FOUND,
            "<Error><Code>NoSuchKey</Code></Error>",
        )
            .into_response(),
    }
}
