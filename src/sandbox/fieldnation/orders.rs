//! Work orders over REST: create, read, update, and the calls that move them through their life.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::backend::{Backend, Consequences};
use super::company::{self, Person};
use super::lifecycle::{self, Move};
use super::list;
use super::problem::{FieldProblem, Problem};
use super::reading;
use super::render;
use super::request::{Body, Caller, parameter};
use super::work_order::WorkOrder;
use crate::model::EventName;
use crate::sandbox::journal::{Deed, Thing, Write};

pub(super) type Answer = Result<Json<Value>, Problem>;

/// The routes, relative to the API's base.
pub(super) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/workorders", get(list_orders).post(create))
        .route("/workorders/lists", get(lists))
        .route("/workorders/{id}", get(show).put(update).delete(cancel))
        .route("/workorders/{id}/publish", post(publish).delete(unpublish))
        .route("/workorders/{id}/approve", post(approve))
        .route("/workorders/{id}/draft", delete(revert))
        .route("/workorders/{id}/route", post(route).delete(unroute))
        .route("/workorders/{id}/mass-route", post(mass_route))
        .route("/workorders/{id}/assignee", post(assign).delete(unassign))
        .route("/workorders/{id}/complete", delete(reopen))
        .route("/workorders/{id}/status", get(status))
        .route("/workorders/{id}/milestones", get(milestones))
        .route("/workorders/{id}/eta", get(eta))
        .route("/workorders/{id}/schedule", get(schedule).put(put_schedule))
        .route("/workorders/{id}/location", get(location).put(put_location))
        .route("/workorders/{id}/pay", get(pay).put(put_pay))
}

/// The answer of most writes: the work order whole.
pub(super) fn whole(backend: &Backend, order: &WorkOrder) -> Json<Value> {
    Json(Value::Object(render::work_order(order, &backend.base_url)))
}

async fn list_orders(
    State(backend): State<Arc<Backend>>,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    Json(list::answer(&backend, &query.unwrap_or_default()))
}

async fn lists() -> Json<Value> {
    Json(list::lists())
}

async fn create(State(backend): State<Arc<Backend>>, caller: Caller, Body(body): Body) -> Answer {
    let title = body.get("title").and_then(Value::as_str);
    if title.is_none_or(|title| title.trim().is_empty()) {
        let missing = FieldProblem::new("title", "title is required");
        return Err(Problem::fields(vec![missing]));
    }
    let schedule = backend.settings.inline_schedule;
    let order = backend.create(caller.actor, |order| {
        accept(reading::apply(order, &body, schedule))
    })?;
    Ok(whole(&backend, &order))
}

fn accept(problems: Vec<FieldProblem>) -> Result<(), Problem> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problem::fields(problems))
    }
}

async fn show(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    RawQuery(query): RawQuery,
) -> Answer {
    let order = backend.order(id)?;
    let columns = parameter(&query.unwrap_or_default(), "columns").unwrap_or_default();
    let columns: Vec<_> = columns
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if columns.is_empty() {
        return Ok(whole(&backend, &order));
    }
    Ok(Json(list::columns(&order, &columns, &backend.base_url)))
}

async fn update(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let order = backend.change(id, caller.actor, |order, consequences| {
        let (window, values) = (order.window, order.custom_values.clone());
        accept(reading::apply(
            order,
            &body,
            reading::InlineSchedule::Stored,
        ))?;
        let write = Write::new(Deed::Updated, Thing::WorkOrder, order.id, caller.actor.doer);
        consequences.journal(write.called(changed_keys(&body)));
        if order.window != window {
            consequences.fire(EventName::ScheduleUpdated);
        }
        let changed = order
            .custom_values
            .iter()
            .filter(|(id, value)| values.get(id) != Some(value));
        for _ in changed {
            consequences.fire(EventName::CustomFieldValueUpdated);
        }
        Ok(())
    })?;
    Ok(whole(&backend, &order))
}

fn changed_keys(body: &Map<String, Value>) -> String {
    body.keys().cloned().collect::<Vec<_>>().join(", ")
}

/// Makes a move by the API and answers with the work order.
fn moved(
    backend: &Arc<Backend>,
    id: u64,
    caller: &Caller,
    step: impl FnOnce(Move<'_>) -> Result<(), Problem>,
) -> Answer {
    let now = backend.now();
    let actor = caller.actor;
    let order = backend.change(id, actor, |order, consequences: &mut Consequences| {
        step(Move {
            order,
            consequences,
            actor,
            now,
        })
    })?;
    Ok(whole(backend, &order))
}

async fn cancel(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    if parameter(&caller.query, "cancel_reason").is_none() {
        return Err(Problem::invalid("cancel_reason is required."));
    }
    moved(&backend, id, &caller, lifecycle::cancel)
}

async fn publish(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    moved(&backend, id, &caller, lifecycle::publish)
}

async fn unpublish(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    moved(&backend, id, &caller, lifecycle::unpublish)
}

async fn approve(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    moved(&backend, id, &caller, lifecycle::approve)
}

async fn revert(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    moved(&backend, id, &caller, lifecycle::revert)
}

async fn reopen(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    let required = ["reason", "reason_id"];
    if let Some(missing) = required
        .iter()
        .find(|key| parameter(&caller.query, key).is_none())
    {
        return Err(Problem::invalid(format!("{missing} is required.")));
    }
    moved(&backend, id, &caller, lifecycle::reopen)
}

/// The provider named by `{"technician": {"id": …}}` or `{"user": {"id": …}}`.
fn named_provider(body: &Map<String, Value>, key: &str) -> Result<Person, Problem> {
    let id = body
        .get(key)
        .and_then(|user| user.get("id"))
        .and_then(Value::as_u64);
    let message = format!("{key}.id must name a provider");
    id.and_then(company::provider)
        .ok_or_else(|| Problem::fields(vec![FieldProblem::new(format!("{key}.id"), message)]))
}

async fn route(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let provider = named_provider(&body, "technician")?;
    let _order = moved(&backend, id, &caller, |step| {
        lifecycle::route(step, &[provider])
    })?;
    Ok(Json(json!({"id": provider.id})))
}

async fn unroute(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let provider = named_provider(&body, "technician")?;
    let _order = moved(&backend, id, &caller, |step| {
        lifecycle::unroute(step, provider.id)
    })?;
    Ok(Json(json!({"id": provider.id})))
}

async fn mass_route(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let ids = body
        .get("ids")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let known = ids.iter().filter_map(|id| company::provider(id.as_u64()?));
    let providers: Vec<_> = known.collect();
    if providers.is_empty() {
        return Err(Problem::invalid("ids must name providers."));
    }
    let _order = moved(&backend, id, &caller, |step| {
        lifecycle::route(step, &providers)
    })?;
    Ok(Json(json!({"routed": providers.len()})))
}

async fn assign(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let provider = named_provider(&body, "user")?;
    moved(&backend, id, &caller, |step| {
        lifecycle::assign(step, provider)
    })
}

async fn unassign(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
) -> Answer {
    moved(&backend, id, &caller, lifecycle::unassign)
}

async fn status(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::status(&*backend.order(id)?)))
}

async fn milestones(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::milestones(&*backend.order(id)?)))
}

async fn eta(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    backend.order(id)?;
    Ok(Json(json!({})))
}

async fn schedule(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::schedule(&*backend.order(id)?)))
}

async fn put_schedule(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let order = backend.change(id, caller.actor, |order, consequences| {
        accept(reading::read_schedule(order, &body))?;
        let write = Write::new(Deed::Updated, Thing::WorkOrder, order.id, caller.actor.doer);
        consequences.journal(write.called("schedule"));
        consequences.fire(EventName::ScheduleUpdated);
        Ok(())
    })?;
    Ok(Json(render::schedule(&order)))
}

async fn location(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::location(&*backend.order(id)?)))
}

async fn put_location(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let mode = body.get("mode").and_then(Value::as_str).unwrap_or_default();
    if !["custom", "remote", "location"].contains(&mode) {
        let message = "mode must be one of: custom, remote, location";
        return Err(Problem::fields(vec![FieldProblem::new("mode", message)]));
    }
    let body = Value::Object(body);
    let order = backend.change(id, caller.actor, |order, consequences| {
        let mut problems = Vec::new();
        reading::read_location(order, &body, &mut problems);
        accept(problems)?;
        let write = Write::new(Deed::Updated, Thing::WorkOrder, order.id, caller.actor.doer);
        consequences.journal(write.called("location"));
        Ok(())
    })?;
    Ok(Json(render::location(&order)))
}

async fn pay(State(backend): State<Arc<Backend>>, Path(id): Path<u64>) -> Answer {
    Ok(Json(render::pay(&*backend.order(id)?)))
}

async fn put_pay(
    State(backend): State<Arc<Backend>>,
    Path(id): Path<u64>,
    caller: Caller,
    Body(body): Body,
) -> Answer {
    let Some(pay) = reading::read_pay(&Value::Object(body)) else {
        return Err(Problem::invalid(
            "type and base {units, amount} are required.",
        ));
    };
    let order = backend.change(id, caller.actor, |order, consequences| {
        order.pay = Some(pay);
        let write = Write::new(Deed::Updated, Thing::WorkOrder, order.id, caller.actor.doer);
        consequences.journal(write.called("pay"));
        Ok(())
    })?;
    Ok(Json(render::pay(&order)))
}
