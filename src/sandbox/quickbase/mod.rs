//! The stand-in for Quickbase (JSON REST API v1): an app with jobs, messages, documents and work times.
//!
//! Built from the vendor's API description and from what integrators saw; knows nothing of our own adapter.

mod backend;
mod desk;
mod filter;
mod guard;
mod lookups;
mod people;
mod problem;
mod query;
mod schema;
mod upsert;
mod webhooks;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use self::backend::{Backend, Parts};
use self::problem::Problem;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::backend::TableRight;
pub use self::people::{MessageVisibility, TableProblem};
pub use self::webhooks::{Editor, MessageFormat, RowEvent, TableWebhook};

/// What an update does whose Record ID# is not there: nobody published it, so both are rehearsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// The row is refused.
    #[default]
    Refused,
    /// A new record is made.
    Inserts,
}

/// How the stand-in for Quickbase behaves.
#[derive(Clone, Debug)]
pub struct QuickbaseSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The realm's host, made up.
    pub realm: String,
    /// The user token, made up.
    pub user_token: String,
    /// The token's rate limit; the vendor publishes 100 calls in 10 seconds.
    pub rate_limit: Option<RateLimit>,
    /// How many rows the server gives at a time.
    pub rows_per_page: usize,
    /// What an update does whose Record ID# is not there.
    pub missing_key: MissingKey,
    /// Whether and how fast webhooks are delivered.
    pub deliveries: Deliveries,
}

impl Default for QuickbaseSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            realm: "sample.quickbase.com".to_owned(),
            user_token: "b00000_not_a_real_token".to_owned(),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            rows_per_page: 1_000,
            missing_key: MissingKey::default(),
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long a webhook waits for an answer. Not published; the facts name no number.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest request body, as the vendor publishes it.
const LARGEST_BODY: usize = 40 * 1000 * 1000;

/// The stand-in at work. Stops when dropped.
pub struct Quickbase {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl Quickbase {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: QuickbaseSettings,
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

    /// Its address: what stands in the place of `https://api.quickbase.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the API: [`Self::base_url`] and `/v1`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}", self.backend.base_url)
    }

    /// The realm's host.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.backend.settings.realm
    }

    /// The user token that gets through.
    #[must_use]
    pub fn user_token(&self) -> &str {
        &self.backend.settings.user_token
    }

    /// The status that asks for a field technician.
    #[must_use]
    pub fn trigger_status(&self) -> &'static str {
        schema::DISPATCH
    }

    /// Replaces the app's webhooks.
    pub fn set_webhooks(&self, webhooks: Vec<TableWebhook>) {
        self.backend.webhooks.set(webhooks);
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

    /// How many webhooks are under way.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.backend.outbox.under_way()
    }

    /// Every value the work order field ever had, with the jobs that had it. More than one job for a value is a
    /// doubled one.
    #[must_use]
    pub fn jobs_by_work_order(&self) -> BTreeMap<String, Vec<u64>> {
        self.backend.journal.by_marker(Thing::Ticket)
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

impl Drop for Quickbase {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

const REST: &str = "/v1";

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let rest = Router::new()
        .route("/apps/{app}", get(lookups::app))
        .route("/tables", get(lookups::tables))
        .route("/tables/{table}", get(lookups::one_table))
        .route("/tables/{table}/relationships", get(lookups::relationships))
        .route("/fields", get(lookups::fields))
        .route("/records", post(upsert::upsert).delete(query::delete))
        .route("/records/query", post(query::query))
        .route(
            "/files/{table}/{record}/{field}/{version}",
            get(lookups::file),
        )
        .route("/formula/run", post(lookups::formula))
        .fallback(async || Problem::NotFound)
        .layer(from_fn_with_state(backend.clone(), guard::stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(REST, rest)
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
