//! The addresses by which a connector is made of an API's description. All ask for an admin: they read files by path.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Json, Router};

use super::routes::{Answer, Person, Read, Served, Shared};
use crate::engine::{DescriptionRequest, MadeConnector, MakeConnector};
use crate::platform::Offer;

pub(super) fn admin() -> Router<Arc<Served>> {
    Router::new()
        .route("/v1/descriptions", post(describe))
        .route("/v1/connectors", post(make))
}

async fn describe(State(served): Shared, Read(request): Read<DescriptionRequest>) -> Answer<Offer> {
    Ok(Json(served.control.describe(request).await?))
}

async fn make(
    State(served): Shared,
    Extension(person): Extension<Person>,
    Read(make): Read<MakeConnector>,
) -> Answer<MadeConnector> {
    let made = served.control.make_connector(make, &person.name);
    Ok(Json(made.await?))
}
