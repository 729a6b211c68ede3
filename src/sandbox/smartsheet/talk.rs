//! Discussions and comments.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::AccessLevel;
use super::backend::{Actor, Backend, Comment, Discussion, TalkPlace};
use super::problem::Problem;
use super::request::{Agent, Body, Query, success};

pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/sheets/{sheet}/discussions", get(list_all))
        .route("/sheets/{sheet}/discussions/{discussion}", get(read))
        .route(
            "/sheets/{sheet}/discussions/{discussion}/comments",
            post(comment),
        )
        .route("/sheets/{sheet}/comments/{comment}", get(read_comment))
        .route(
            "/sheets/{sheet}/rows/{row}/discussions",
            get(list).post(begin),
        )
}

type Answer = Result<Json<Value>, Problem>;

const FLAGS: [&str; 2] = ["comments", "attachments"];

async fn list_all(
    State(backend): State<Arc<Backend>>,
    Path(sheet): Path<u64>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let flags = query.include(&FLAGS)?;
    let access = backend.books().access;
    let shown: Vec<Value> = backend
        .books()
        .discussions
        .values()
        .map(|discussion| shown(discussion, &flags, access))
        .collect();
    query.page(shown).map(Json)
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Path((sheet, row)): Path<(u64, u64)>,
    query: Query,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let flags = query.include(&FLAGS)?;
    let books = backend.books();
    if !books.rows.contains_key(&row) {
        return Err(Problem::not_found());
    }
    let of_row = books
        .discussions
        .values()
        .filter(|discussion| discussion.row == row);
    let shown: Vec<Value> = of_row
        .map(|discussion| shown(discussion, &flags, books.access))
        .collect();
    drop(books);
    query.page(shown).map(Json)
}

async fn read(State(backend): State<Arc<Backend>>, Path((sheet, id)): Path<(u64, u64)>) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let books = backend.books();
    let discussion = books.discussions.get(&id).ok_or_else(Problem::not_found)?;
    Ok(Json(shown(
        discussion,
        &["comments".to_owned()],
        books.access,
    )))
}

async fn read_comment(
    State(backend): State<Arc<Backend>>,
    Path((sheet, id)): Path<(u64, u64)>,
) -> Answer {
    backend.admit(sheet, AccessLevel::Viewer)?;
    let books = backend.books();
    let mut discussions = books.discussions.values();
    let found = discussions.find_map(|discussion| {
        let comment = discussion
            .comments
            .iter()
            .find(|comment| comment.id == id)?;
        Some((discussion.id, comment))
    });
    let (discussion, comment) = found.ok_or_else(Problem::not_found)?;
    let mut shown = shown_comment(comment);
    shown["discussionId"] = json!(discussion);
    Ok(Json(shown))
}

/// A comment's text out of an object that holds nothing else.
fn text_of(comment: &Map<String, Value>) -> Result<&str, Problem> {
    if let Some(wrong) = comment.keys().find(|name| *name != "text") {
        return Err(Problem::not_here(&format!("comment.{wrong}")));
    }
    let text = comment
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Problem::missing("comment.text"));
    }
    Ok(text)
}

async fn begin(
    State(backend): State<Arc<Backend>>,
    Path((sheet, row)): Path<(u64, u64)>,
    Agent(agent): Agent,
    Body(body): Body,
) -> Answer {
    backend.admit(sheet, AccessLevel::Commenter)?;
    let _saving = backend.save().await?;
    let comment = body.get("comment").and_then(Value::as_object);
    let comment = comment.ok_or_else(|| Problem::missing("discussion.comment"))?;
    let text = text_of(comment)?;
    let (discussion, _) = backend.comment(&Actor::api(agent), TalkPlace::Row(row), text)?;
    let books = backend.books();
    let result = shown(&discussion, &["comments".to_owned()], books.access);
    Ok(Json(success(Some(books.version), &result)))
}

async fn comment(
    State(backend): State<Arc<Backend>>,
    Path((sheet, discussion)): Path<(u64, u64)>,
    Agent(agent): Agent,
    Body(body): Body,
) -> Answer {
    backend.admit(sheet, AccessLevel::Commenter)?;
    let _saving = backend.save().await?;
    let members = body
        .as_object()
        .ok_or_else(|| Problem::unreadable("a comment must be an object"))?;
    let text = text_of(members)?;
    let (_, comment) =
        backend.comment(&Actor::api(agent), TalkPlace::Discussion(discussion), text)?;
    let version = backend.books().version;
    Ok(Json(success(Some(version), &shown_comment(&comment))))
}

fn shown_comment(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "text": comment.text,
        "createdBy": comment.by.shown(),
        "createdAt": comment.at.to_string(),
        "modifiedAt": comment.at.to_string(),
    })
}

fn shown(discussion: &Discussion, flags: &[String], access: AccessLevel) -> Value {
    let title = discussion
        .comments
        .first()
        .map(|comment| comment.text.chars().take(100).collect::<String>());
    let mut shown = json!({
        "id": discussion.id,
        "title": title,
        "commentCount": discussion.comments.len(),
        "createdBy": discussion.by.shown(),
        "accessLevel": access.name(),
        "parentType": "ROW",
        "parentId": discussion.row,
        "readOnly": false,
    });
    if let Some(last) = discussion.comments.last() {
        shown["lastCommentedAt"] = json!(last.at.to_string());
        shown["lastCommentedUser"] = last.by.shown();
    }
    if flags.iter().any(|flag| flag == "comments") {
        shown["comments"] = discussion.comments.iter().map(shown_comment).collect();
    }
    shown
}
