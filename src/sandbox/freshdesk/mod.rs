//! The stand-in for Freshdesk (API v2): tickets, conversations, time entries, fields, automation rules.
//!
//! Built from the vendor's API description and from what integrators saw; knows nothing of our own adapter.

mod backend;
mod desk;
mod fields;
mod guard;
mod lookups;
mod people;
mod problem;
mod reading;
mod rules;
mod search;
mod tickets;
mod times;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use self::backend::{Backend, Parts};
use self::problem::Problem;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::people::{DeskProblem, NoteVisibility};
pub use self::reading::TypeRule;
pub use self::rules::{AutomationRule, Performer, RuleContent, RuleEncoding, RuleEvent};

/// How the stand-in for Freshdesk behaves.
#[derive(Clone, Debug)]
pub struct FreshdeskSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The API key, made up.
    pub api_key: String,
    /// The account's rate limit; the vendor publishes 200 to 700 a minute by plan.
    pub rate_limit: Option<RateLimit>,
    /// Whether tickets must have a type.
    pub type_rule: TypeRule,
    /// How long the search index lags behind.
    pub search_lag: Duration,
    /// The custom field that holds the work order.
    pub correlation_field: String,
    /// Whether and how fast webhooks are delivered.
    pub deliveries: Deliveries,
}

impl Default for FreshdeskSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: "not-a-real-api-key".to_owned(),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            type_rule: TypeRule::default(),
            search_lag: Duration::from_secs(2),
            correlation_field: "cf_fn_work_order".to_owned(),
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long a rule waits for an answer. Not published; the facts name no number.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 40 * 1024 * 1024;

/// The number of the status that asks for a field technician.
const TRIGGER_STATUS: u64 = 8;

/// The stand-in at work. Stops when dropped.
pub struct Freshdesk {
    backend: Arc<Backend>,
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
        let backend = Arc::new(Backend::new(Parts {
            base_url: format!("http://{}", door.address()),
            journal: Journal::new(clock.clone()),
            settings,
            clock,
            outbox,
        }));
        let server = door.serve(routes(&backend, &faults));
        Ok(Self {
            backend,
            faults,
            server: Mutex::new(Some(server)),
        })
    }

    /// Its address: what stands in the place of `https://acme.freshdesk.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the API: [`Self::base_url`] and `/api/v2`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}", self.backend.base_url)
    }

    /// The API key that gets through.
    #[must_use]
    pub fn credentials(&self) -> &str {
        &self.backend.settings.api_key
    }

    /// The number of the status that asks for a field technician.
    #[must_use]
    pub fn trigger_status(&self) -> u64 {
        TRIGGER_STATUS
    }

    /// Replaces the account's automation rules.
    pub fn set_automation_rules(&self, rules: Vec<AutomationRule>) {
        self.backend.rules.set(rules);
    }

    /// Replaces the account's automation rules by one that calls this address with this content whenever a
    /// ticket is opened or changed.
    pub fn set_automation_rule(&self, url: impl Into<String>, content: RuleContent) {
        self.set_automation_rules(vec![AutomationRule::new(url, content)]);
    }

    /// The trouble in waiting.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every write it performed.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.backend.journal
    }

    /// Every value the work order field ever had, with the tickets that had it. More than one ticket for a
    /// value is a doubled one.
    #[must_use]
    pub fn tickets_by_correlation_value(&self) -> BTreeMap<String, Vec<u64>> {
        self.backend.journal.by_marker(Thing::Ticket)
    }

    /// How many webhooks are under way, waits between attempts included.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.backend.outbox.under_way()
    }

    /// Stops answering and delivering.
    pub async fn stop(&self) {
        self.backend.outbox.stop().await;
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            server.stop().await;
        }
    }

    fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }
}

impl Drop for Freshdesk {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

const REST: &str = "/api/v2";

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let rest = tickets::routes()
        .merge(lookups::routes())
        .merge(times::routes())
        .fallback(async || Problem::NotFound)
        .layer(from_fn_with_state(backend.clone(), guard::stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(REST, rest)
        .route("/storage/{file}", get(tickets::download))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
