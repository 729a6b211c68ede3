//! The Attachment API: raw and multipart uploads, lists, bytes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use super::backend::{Actor, Backend};
use super::books::Row;
use super::problem::Problem;
use super::render::View;
use super::table_api::{Parameters, page};

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/attachment", get(list))
        .route("/attachment/file", post(upload_raw))
        .route("/attachment/upload", post(upload_parts))
        .route("/attachment/{id}", get(show).delete(remove))
        .route("/attachment/{id}/file", get(download))
}

/// A file on its way in.
pub(super) struct Upload {
    pub(super) table: String,
    pub(super) record: String,
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) content: Bytes,
}

impl Backend {
    /// Attaches a file within the instance's limits.
    pub(super) fn attach(&self, upload: Upload, actor: &Actor) -> Result<Row, Problem> {
        let Upload {
            table,
            record,
            name,
            media_type,
            content,
        } = upload;
        let missing = [
            ("table_name", &table),
            ("table_sys_id", &record),
            ("file_name", &name),
        ];
        if let Some((missing, _)) = missing.into_iter().find(|(_, value)| value.is_empty()) {
            return Err(Problem::BadRequest(format!("Missing parameter {missing}")));
        }
        let table = self.table(&table, "Insert")?;
        self.visible(table.name, &record)?;
        let megabytes = content.len().div_ceil(1024 * 1024);
        if megabytes > self.settings.attachment_max_mb {
            return Err(Problem::BadRequest(
                "Attachment exceeds the maximum size".to_owned(),
            ));
        }
        let extension = name
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
            .to_lowercase();
        let allowed = &self.settings.attachment_extensions;
        if !allowed.is_empty() && !allowed.contains(&extension) {
            return Err(Problem::BadRequest(format!(
                "File type .{extension} is not allowed"
            )));
        }
        let members = [
            ("table_name", table.name.to_owned()),
            ("table_sys_id", record),
            ("file_name", name),
            ("content_type", media_type),
        ];
        Ok(self.keep_file(&members, content, actor))
    }

    fn attachment(&self, id: &str) -> Result<Row, Problem> {
        self.may_use("attachment")?;
        self.visible("sys_attachment", id)
    }

    fn shown_attachment(&self, row: &Row) -> Value {
        self.show(&self.books(), row, &View::default())
    }
}

async fn list(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    backend.may_use("attachment")?;
    Ok(page(
        &backend,
        "sys_attachment",
        "/api/now/attachment",
        &Parameters::of(query),
    ))
}

async fn upload_raw(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    backend.may_use("attachment")?;
    let parameters = Parameters::of(query);
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    if media_type.is_empty() {
        return Err(Problem::BadRequest(
            "Missing Content-Type header".to_owned(),
        ));
    }
    let content = Bytes::from_request(request, &()).await;
    let upload = Upload {
        table: parameters.text("table_name").to_owned(),
        record: parameters.text("table_sys_id").to_owned(),
        name: parameters.text("file_name").to_owned(),
        media_type,
        content: content.map_err(|_| Problem::BadRequest("The body can't be read".to_owned()))?,
    };
    let row = backend.attach(upload, &backend.api_user())?;
    Ok(created(&backend, &row))
}

/// The parts `table_name` and `table_sys_id` must come before `uploadFile`.
async fn upload_parts(
    State(backend): State<Arc<Backend>>,
    mut parts: Multipart,
) -> Result<Response, Problem> {
    backend.may_use("attachment")?;
    let broken = |_| Problem::BadRequest("The parts can't be read".to_owned());
    let (mut table, mut record) = (String::new(), String::new());
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        match part.name().unwrap_or_default() {
            "table_name" => table = part.text().await.map_err(broken)?,
            "table_sys_id" => record = part.text().await.map_err(broken)?,
            "uploadFile" => {
                let upload = Upload {
                    table,
                    record,
                    name: part.file_name().unwrap_or_default().to_owned(),
                    media_type: part
                        .content_type()
                        .unwrap_or("application/octet-stream")
                        .to_owned(),
                    content: part.bytes().await.map_err(broken)?,
                };
                let row = backend.attach(upload, &backend.api_user())?;
                return Ok(created(&backend, &row));
            }
            _ => {}
        }
    }
    Err(Problem::BadRequest("Missing part uploadFile".to_owned()))
}

fn created(backend: &Backend, row: &Row) -> Response {
    let result = backend.shown_attachment(row);
    (StatusCode::CREATED, Json(json!({ "result": result }))).into_response()
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let row = backend.attachment(&id)?;
    Ok(Json(json!({"result": backend.shown_attachment(&row)})))
}

async fn download(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = backend.attachment(&id)?;
    let content = backend
        .books()
        .files
        .get(&id)
        .cloned()
        .ok_or(Problem::NoRecord)?;
    let metadata = backend.shown_attachment(&row).to_string();
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(row.value("content_type")) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if let Ok(metadata) = HeaderValue::from_str(&metadata) {
        headers.insert("x-attachment-metadata", metadata);
    }
    Ok(response)
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    backend.attachment(&id)?;
    backend.remove(&id, &backend.api_user())?;
    Ok(StatusCode::NO_CONTENT)
}
