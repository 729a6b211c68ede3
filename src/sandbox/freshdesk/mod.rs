//! The stand-in for Freshdesk (API v2) and its automation rules.

mod automation;
mod conversation;
mod desk;
mod fields;
mod people;
mod problem;
mod search;
mod tickets;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;

use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::{Meter, RateLimit, whole_seconds};
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use automation::{AutomationRule, Content, Delivered, Performer, When};
use desk::Desk;
pub use people::NewTicket;
use problem::Problem;

/// How the stand-in for Freshdesk behaves.
#[derive(Clone, Debug)]
pub struct FreshdeskSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The API key of its one integration agent.
    pub api_key: String,
    /// The account-wide rate limit and its headers; none for neither.
    pub rate_limit: Option<RateLimit>,
    /// How long a new value stays out of searches.
    pub search_lag: Duration,
    /// Whether and how fast automation rules call.
    pub deliveries: Deliveries,
}

impl Default for FreshdeskSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: "fake-freshdesk-key".to_owned(),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            search_lag: Duration::ZERO,
            deliveries: Deliveries::REAL,
        }
    }
}

/// The custom field that holds a work order's marker.
const MARKER_FIELD: &str = "cf_fn_work_order";
/// How long the vendor waits for a subscriber.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest request: 20 MB of files and what surrounds them.
const LARGEST_BODY: usize = 24 * 1024 * 1024;

/// The stand-in at work. Stops when dropped.
pub struct Freshdesk {
    desk: Arc<Desk>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl Freshdesk {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: FreshdeskSettings,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Self, SandboxProblem> {
        let door = Door::open(settings.address).await?;
        let outbox = Outbox::new(settings.deliveries, DELIVERY_TIMEOUT)?;
        let faults = Faults::new(seed, clock.clone());
        let base_url = format!("http://{}", door.address());
        let desk = Arc::new(Desk::new(base_url, settings, clock, outbox));
        let server = door.serve(routes(&desk, &faults));
        Ok(Self {
            desk,
            faults,
            server: Mutex::new(Some(server)),
        })
    }

    /// Its address: what stands in the place of `https://<domain>.freshdesk.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.desk.base_url
    }

    /// The API key that is let in.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.desk.settings.api_key
    }

    /// The trouble in waiting.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every write it performed.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.desk.journal
    }

    /// Every marker a ticket ever carried, with the tickets that carried it. More than one ticket is a doubled one.
    #[must_use]
    pub fn tickets_by_marker(&self) -> BTreeMap<String, Vec<u64>> {
        self.desk.journal.by_marker(Thing::Ticket)
    }

    /// A ticket as `GET /tickets/{id}` shows it.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<serde_json::Value> {
        let books = self.desk.books();
        books
            .tickets
            .get(&id)
            .map(|ticket| ticket.shown(&self.desk))
    }

    /// The ids of all tickets, oldest first.
    #[must_use]
    pub fn ticket_ids(&self) -> Vec<u64> {
        self.desk.books().tickets.keys().copied().collect()
    }

    /// The texts of a ticket's notes and replies, oldest first.
    #[must_use]
    pub fn conversation_texts(&self, id: u64) -> Vec<String> {
        let books = self.desk.books();
        let ticket = books.tickets.get(&id);
        let conversations = ticket.into_iter().flat_map(|ticket| &ticket.conversations);
        conversations
            .map(|conversation| conversation.body.clone())
            .collect()
    }

    /// Installs the one automation rule that calls out.
    pub fn set_automation_rule(&self, rule: AutomationRule) {
        *self
            .desk
            .rule
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(rule);
    }

    /// What the rule delivered so far, and what it was answered.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.desk
            .delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many deliveries are under way, waits between attempts included.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.desk.outbox.under_way()
    }

    /// Stops answering and delivering.
    pub async fn stop(&self) {
        self.desk.outbox.stop().await;
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            server.stop().await;
        }
    }
}

impl Drop for Freshdesk {
    fn drop(&mut self) {
        self.desk.outbox.cancel();
    }
}

fn routes(desk: &Arc<Desk>, faults: &Faults) -> Router {
    let meter = desk
        .settings
        .rate_limit
        .map(|limit| Arc::new(Meter::new(limit, desk.clock.clone())));
    let guard = Guard {
        desk: desk.clone(),
        meter,
    };
    let api = tickets::routes()
        .merge(conversation::routes())
        .merge(fields::routes())
        .merge(search::routes())
        .fallback(async || Problem::NotFound.into_response())
        .layer(from_fn_with_state(guard, stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest("/api/v2", api)
        .merge(conversation::storage())
        .with_state(desk.clone())
        .merge(control::pages(faults.clone(), desk.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}

#[derive(Clone)]
struct Guard {
    desk: Arc<Desk>,
    meter: Option<Arc<Meter>>,
}

/// What stands before every call: the account's rate limit and the key.
async fn stand(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    // Embedding related objects costs more; invalid calls count too.
    let includes = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("include="));
    let cost = if includes { 2 } else { 1 };
    let standing = guard.meter.as_ref().map(|meter| meter.spend(cost));
    let refused = standing.and_then(|standing| standing.refused_for);
    let mut response = if let Some(wait) = refused {
        Problem::RateLimited(whole_seconds(wait)).into_response()
    } else if is_admitted(&guard.desk, &request) {
        next.run(request).await
    } else {
        Problem::Unauthenticated.into_response()
    };
    let headers = response.headers_mut();
    if let Some(standing) = standing {
        headers.insert("x-ratelimit-total", HeaderValue::from(standing.limit));
        headers.insert(
            "x-ratelimit-remaining",
            HeaderValue::from(standing.remaining),
        );
        headers.insert("x-ratelimit-used-currentrequest", HeaderValue::from(cost));
    }
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::now_v7().to_string()) {
        headers.insert("x-request-id", id);
    }
    response
}

fn is_admitted(desk: &Desk, request: &Request) -> bool {
    let Some(given) = request.headers().get(header::AUTHORIZATION) else {
        return false;
    };
    let encoded = given
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Basic "));
    let decoded =
        encoded.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let text = decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    // The password is ignored when the user is an API key.
    text.split_once(':')
        .is_some_and(|(key, _)| key == desk.settings.api_key)
}
