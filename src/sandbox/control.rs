//! The control pages of a stand-in, `/__sandbox/…`: faults and journal for whoever steers it from outside.
//!
//! No vendor has them. They need no credentials: a stand-in listens on loopback and holds made-up data only.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{Fault, Faults};
use super::journal::{Journal, Thing};

/// Where the control pages are.
pub(super) const BASE: &str = "/__sandbox";

#[derive(Clone)]
struct Controls {
    faults: Faults,
    journal: Journal,
}

/// The pages: `GET|POST|DELETE /__sandbox/faults`, `GET /__sandbox/journal?after=`, `GET /__sandbox/markers`.
pub(super) fn pages(faults: Faults, journal: Journal) -> Router {
    let faults_page = get(list_faults).post(push_fault).delete(clear_faults);
    Router::new()
        .route("/__sandbox/faults", faults_page)
        .route("/__sandbox/journal", get(read_journal))
        .route("/__sandbox/markers", get(read_markers))
        .with_state(Controls { faults, journal })
}

async fn list_faults(State(controls): State<Controls>) -> Json<Vec<Fault>> {
    Json(controls.faults.list())
}

async fn push_fault(
    State(controls): State<Controls>,
    Json(fault): Json<Fault>,
) -> (StatusCode, Json<Vec<Fault>>) {
    controls.faults.push(fault);
    (StatusCode::CREATED, Json(controls.faults.list()))
}

async fn clear_faults(State(controls): State<Controls>) -> StatusCode {
    controls.faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    after: u64,
}

async fn read_journal(State(controls): State<Controls>, Query(from): Query<From>) -> Json<Value> {
    Json(json!({ "entries": controls.journal.entries_after(from.after) }))
}

async fn read_markers(State(controls): State<Controls>) -> Json<Value> {
    let journal = &controls.journal;
    Json(json!({
        "work_orders": journal.by_marker(Thing::WorkOrder),
        "tickets": journal.by_marker(Thing::Ticket),
    }))
}
