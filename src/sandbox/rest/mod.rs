//! The stand-in for "some REST API with an OpenAPI description": the made-up ticket service *Harbour Desk*.
//!
//! Its contract is `openapi.yaml` beside this file, written first and kept to the letter: a key in a header, records
//! in an envelope both ways, empty answers to creates with the id in `Location`, merge patches, multipart uploads,
//! RFC 9457 problems, signed webhooks. It knows nothing of our own adapter.

mod api;
mod backend;
mod hooks;
mod problem;
mod service;
mod ticket;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

use self::backend::{Backend, Parts};
use self::problem::Problem;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

/// The service's description, as it publishes it.
pub const REST_DESCRIPTION: &str = include_str!("openapi.yaml");

/// How the stand-in behaves.
#[derive(Clone, Debug)]
pub struct RestSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The API key, made up.
    pub api_key: String,
    /// What webhooks are signed with, made up.
    pub hook_secret: String,
    /// The account's rate limit.
    pub rate_limit: Option<RateLimit>,
    /// Whether and how fast webhooks are delivered.
    pub deliveries: Deliveries,
}

impl Default for RestSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: "not-a-real-harbour-key".to_owned(),
            hook_secret: "not-a-real-hook-secret".to_owned(),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long a webhook waits for an answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// The path below which the API answers.
const BASE: &str = "/api/v1";

/// The stand-in at work. Stops when dropped.
pub struct Rest {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl Rest {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: RestSettings,
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

    /// Its address.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the API: what stands in the place of the description's server.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{BASE}", self.backend.base_url)
    }

    /// Has changes told to this address from now on.
    pub fn set_hook(&self, url: impl Into<String>) {
        self.backend.hooks.set(url.into());
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

    /// Every external reference that tickets ever had, with the numbers of those that had it.
    #[must_use]
    pub fn tickets_by_reference(&self) -> BTreeMap<String, Vec<u64>> {
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
}

impl Drop for Rest {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(BASE, api::routes(backend))
        .fallback(async || Problem::NotFound)
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
