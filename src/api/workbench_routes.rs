//! The addresses of the mapping workbench, by the role they ask for.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};

use super::routes::{Answer, Person, Read, Refusal, Served, Shared, connector_named};
use crate::engine::{
    Bench, ImpactRequest, ImpactUpdate, Publish, RecordCase, RecordedCase, RollBack, SaveDraft,
};
use crate::model::MappingVersion;
use crate::store::{Draft, MappingEntry};

pub(super) fn viewer() -> Router<Arc<Served>> {
    Router::new()
        .route("/v1/connectors/{connector}/bench", get(bench))
        .route("/v1/connectors/{connector}/mapping-history", get(history))
        .route("/v1/mappings/{version}", get(text))
}

pub(super) fn support() -> Router<Arc<Served>> {
    Router::new().route("/v1/impact", post(impact))
}

pub(super) fn admin() -> Router<Arc<Served>> {
    Router::new()
        .route(
            "/v1/connectors/{connector}/draft",
            post(save_draft).delete(discard_draft),
        )
        .route("/v1/connectors/{connector}/publish", post(publish))
        .route("/v1/connectors/{connector}/roll-back", post(roll_back))
        .route("/v1/cases", post(record_case))
}

async fn bench(State(served): Shared, Path(connector): Path<String>) -> Answer<Bench> {
    let connector = connector_named(&connector)?;
    Ok(Json(served.control.bench(&connector).await?))
}

async fn history(
    State(served): Shared,
    Path(connector): Path<String>,
) -> Answer<Vec<MappingEntry>> {
    let connector = connector_named(&connector)?;
    Ok(Json(served.control.mapping_history(&connector).await?))
}

async fn text(State(served): Shared, Path(version): Path<String>) -> Answer<String> {
    let version = MappingVersion::new(version);
    Ok(Json(served.control.mapping_text(&version).await?))
}

/// A line for each update; whoever hangs up ends the work.
async fn impact(
    State(served): Shared,
    Read(request): Read<ImpactRequest>,
) -> Result<Response, Refusal> {
    let updates = served.control.impact(request).await?;
    let lines = futures_util::stream::unfold(updates, async |mut updates| {
        let update = updates.recv().await?;
        Some((Ok::<_, Infallible>(line(&update)), updates))
    });
    let body = Body::from_stream(lines);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn line(update: &ImpactUpdate) -> Bytes {
    let mut bytes = serde_json::to_vec(update).unwrap_or_else(|error| {
        // Plain data with text keys always serialises; an empty line would only end this answer.
        tracing::error!(%error, "an impact could not be written");
        Vec::new()
    });
    bytes.push(b'\n');
    bytes.into()
}

async fn save_draft(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
    Read(request): Read<SaveDraft>,
) -> Answer<Draft> {
    let connector = connector_named(&connector)?;
    let saved = served.control.save_draft(&connector, request, &person.name);
    Ok(Json(saved.await?))
}

async fn discard_draft(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
) -> Answer<()> {
    let connector = connector_named(&connector)?;
    let discarded = served.control.discard_draft(&connector, &person.name);
    Ok(Json(discarded.await?))
}

async fn publish(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
    Read(request): Read<Publish>,
) -> Answer<MappingEntry> {
    let connector = connector_named(&connector)?;
    let published = served.control.publish(&connector, request, &person.name);
    Ok(Json(published.await?))
}

async fn roll_back(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Path(connector): Path<String>,
    Read(request): Read<RollBack>,
) -> Answer<MappingEntry> {
    let connector = connector_named(&connector)?;
    let rolled_back = served.control.roll_back(&connector, request, &person.name);
    Ok(Json(rolled_back.await?))
}

async fn record_case(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Read(request): Read<RecordCase>,
) -> Answer<RecordedCase> {
    let recorded = served.control.record_case(request, &person.name);
    Ok(Json(recorded.await?))
}
