//! The stand-in for Field Nation: REST API v2, OAuth, Webhooks v3 and their deliveries.
//!
//! Built from the vendor's API descriptions and from what integrators saw; knows nothing of our own client.

mod backend;
mod company;
mod dispatch;
mod guard;
mod lifecycle;
mod list;
mod lookups;
mod orders;
mod parts;
mod people;
mod problem;
mod reading;
mod render;
mod request;
mod token;
mod webhooks;
mod work_order;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Router, response::IntoResponse};

use self::backend::{Backend, Parts};
use self::problem::Problem;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::people::{ActProblem, NewFile};
pub use self::problem::ErrorBodies;
pub use self::reading::InlineSchedule;
pub use self::token::FieldNationCredentials;
pub use self::work_order::Status;

/// How the stand-in for Field Nation behaves.
#[derive(Clone, Debug)]
pub struct FieldNationSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// Who may get a token.
    pub credentials: FieldNationCredentials,
    /// How long an access token is good; the vendor says an hour.
    pub token_lifetime: Duration,
    /// The rate limit and its headers; none for neither.
    pub rate_limit: Option<RateLimit>,
    /// Which generation of error bodies it answers with.
    pub error_bodies: ErrorBodies,
    /// What becomes of a schedule in the body of a create.
    pub inline_schedule: InlineSchedule,
    /// How long a new work order stays out of lists and searches.
    pub search_lag: Duration,
    /// The custom field that correlates work orders with records; by default the Internal Ticket Number.
    pub correlation_field: u64,
    /// Whether and how fast webhooks are delivered.
    pub deliveries: Deliveries,
}

impl Default for FieldNationSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: FieldNationCredentials::default(),
            token_lifetime: Duration::from_secs(3_600),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            error_bodies: ErrorBodies::default(),
            inline_schedule: InlineSchedule::default(),
            search_lag: Duration::ZERO,
            correlation_field: company::INTERNAL_ID_FIELD,
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long the vendor waits for a subscriber.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest request body, which is an upload.
const LARGEST_BODY: usize = 100 * 1024 * 1024;

/// The stand-in at work. Stops when dropped.
pub struct FieldNation {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl FieldNation {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: FieldNationSettings,
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

    /// Its address: what stands in the place of `https://api.fieldnation.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the REST API: [`Self::base_url`] and `/api/rest/v2`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}", self.backend.base_url)
    }

    /// What gets a token.
    #[must_use]
    pub fn credentials(&self) -> &FieldNationCredentials {
        &self.backend.settings.credentials
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

    /// Every value the correlation field ever had, with the work orders that had it. More than one work
    /// order for a value is a doubled one.
    #[must_use]
    pub fn work_orders_by_correlation_value(&self) -> BTreeMap<String, Vec<u64>> {
        self.backend.journal.by_marker(Thing::WorkOrder)
    }

    /// The work orders that carry a value in the correlation field now.
    #[must_use]
    pub fn work_orders_with(&self, correlation_value: &str) -> Vec<u64> {
        self.backend.correlated(correlation_value)
    }

    /// The ids of all work orders, oldest first.
    #[must_use]
    pub fn work_order_ids(&self) -> Vec<u64> {
        self.backend.books().orders.keys().copied().collect()
    }

    /// A work order as `GET /workorders/{id}` shows it.
    #[must_use]
    pub fn work_order(&self, id: u64) -> Option<serde_json::Value> {
        let order = self.backend.order(id).ok()?;
        Some(render::work_order(&order, &self.backend.base_url).into())
    }

    /// Ends every access token at once.
    pub fn expire_tokens(&self) {
        self.backend.tokens.expire_all();
    }

    /// How many access tokens were issued.
    #[must_use]
    pub fn tokens_issued(&self) -> usize {
        self.backend.tokens.count()
    }

    /// Makes the next webhook deliveries arrive twice.
    pub fn duplicate_next_deliveries(&self, count: u32) {
        self.backend.hooks.duplicate_next(count);
    }

    /// How many webhook deliveries are under way, waits between attempts included.
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

impl Drop for FieldNation {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

const REST: &str = "/api/rest/v2";

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let rest = orders::routes()
        .merge(parts::routes())
        .merge(lookups::routes())
        .fallback(async || Problem::not_found("There is no such resource.").into_response())
        .layer(from_fn_with_state(backend.clone(), guard::stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(REST, rest)
        .merge(webhooks::routes())
        .route("/authentication/api/oauth/token", post(token::grant))
        .route("/storage/{order}/{file}/{key}", get(parts::download))
        .route("/storage/deliveries/{delivery}", get(parts::delivery))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
