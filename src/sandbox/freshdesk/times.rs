//! Time entries of tickets: listed, added, changed and removed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::backend::{AGENT, API_AGENT, Backend};
use super::problem::{FieldError, Problem};
use super::reading::{Form, Kind, check};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// The members an entry is written with.
const ENTRY: &[(&str, Kind)] = &[
    ("agent_id", Kind::Integer),
    ("billable", Kind::Boolean),
    ("note", Kind::Text),
    ("time_spent", Kind::Text),
    ("executed_at", Kind::Moment),
];

/// The routes, relative to `/api/v2`.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/tickets/{id}/time_entries", get(list).post(add))
        .route("/time_entries/{id}", put(change).delete(remove))
}

async fn list(
    State(backend): State<Arc<Backend>>,
    Path(ticket): Path<u64>,
) -> Result<Json<Vec<Value>>, Problem> {
    backend.ticket(ticket)?;
    let books = backend.books();
    let of_ticket = books
        .times
        .values()
        .filter(|entry| entry["ticket_id"] == ticket);
    Ok(Json(of_ticket.cloned().collect()))
}

async fn add(
    State(backend): State<Arc<Backend>>,
    Path(ticket): Path<u64>,
    form: Form,
) -> Result<Response, Problem> {
    backend.ticket(ticket)?;
    let members = read(&form)?;
    let now = backend.now().to_string();
    // An entry without a time is a timer that runs.
    let runs = !members.contains_key("time_spent");
    let mut books = backend.books();
    let id = books.take_id();
    let mut entry = json!({
        "id": id, "ticket_id": ticket, "agent_id": API_AGENT, "company_id": null, "billable": true, "note": null,
        "time_spent": "00:00", "timer_running": runs, "executed_at": now, "start_time": now,
        "created_at": now, "updated_at": now,
    });
    take(&mut entry, members);
    books.times.insert(id, entry.clone());
    drop(books);
    record(&backend, Deed::Created, &entry);
    Ok((StatusCode::CREATED, Json(entry)).into_response())
}

async fn change(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    form: Form,
) -> Result<Json<Value>, Problem> {
    let members = read(&form)?;
    let now = backend.now().to_string();
    let mut books = backend.books();
    let entry = books.times.get_mut(&id).ok_or(Problem::NotFound)?;
    take(entry, members);
    entry["updated_at"] = json!(now);
    let shown = entry.clone();
    drop(books);
    record(&backend, Deed::Updated, &shown);
    Ok(Json(shown))
}

async fn remove(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    let removed = backend.books().times.remove(&id);
    record(&backend, Deed::Removed, &removed.ok_or(Problem::NotFound)?);
    Ok(StatusCode::NO_CONTENT)
}

/// The members of a body, if all of them are an entry's.
fn read(form: &Form) -> Result<Map<String, Value>, Problem> {
    let (members, mut errors) = check(form, ENTRY);
    let spent = members.get("time_spent").and_then(Value::as_str);
    if spent.is_some_and(|text| !is_hours_and_minutes(text)) {
        let message = "Value set is of an invalid format.It should be in the 'hh:mm' format";
        errors.push(FieldError::new("time_spent", "invalid_value", message));
    }
    let agent = members.get("agent_id").and_then(Value::as_u64);
    if agent.is_some_and(|agent| ![API_AGENT, AGENT].contains(&agent)) {
        let message = "There is no agent matching the given agent_id";
        errors.push(FieldError::new("agent_id", "invalid_value", message));
    }
    if errors.is_empty() {
        Ok(members)
    } else {
        Err(Problem::Invalid(errors))
    }
}

fn is_hours_and_minutes(text: &str) -> bool {
    let is_number = |part: &str| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(':').is_some_and(|(hours, minutes)| {
        is_number(hours) && is_number(minutes) && minutes.len() == 2 && minutes < "60"
    })
}

fn take(entry: &mut Value, members: Map<String, Value>) {
    for (name, value) in members {
        entry[name] = value;
    }
}

fn record(backend: &Backend, deed: Deed, entry: &Value) {
    let number = |name: &str| entry[name].as_u64().unwrap_or_default();
    let write = Write::new(deed, Thing::TimeEntry, number("id"), Doer::Api);
    let spent = entry["time_spent"].as_str().unwrap_or_default();
    backend
        .journal
        .record(write.within(number("ticket_id")).called(spent));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_hours_and_minutes_of_two_digits() {
        for (text, is_right) in [
            ("01:30", true),
            ("120:05", true),
            ("1:30", false),
            ("01:75", false),
            ("90", false),
            ("aa:bb", false),
        ] {
            assert_eq!(is_hours_and_minutes(text), is_right, "{text}");
        }
    }

    #[test]
    fn what_no_entry_has_is_refused() {
        let form = |value: Value| Form::of(value.as_object().cloned().unwrap_or_default());
        assert!(
            read(&form(
                json!({"time_spent": "00:15", "note": "x", "agent_id": AGENT})
            ))
            .is_ok()
        );
        for wrong in [
            json!({"hours": 2}),
            json!({"time_spent": 1.5}),
            json!({"time_spent": "soon"}),
            json!({"agent_id": 9}),
        ] {
            assert!(read(&form(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
