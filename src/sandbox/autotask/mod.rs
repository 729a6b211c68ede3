//! The stand-in for Autotask (REST API 1.0): tickets and all that hangs on them, webhooks, extension callouts.
//!
//! Built from the vendor's description and from what integrators saw; knows nothing of our own adapter.

mod backend;
mod clean;
mod desk;
mod people;
mod query;
mod serve;
mod shape;
mod traffic;
mod trouble;
mod webhooks;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

use self::backend::{Backend, Parts};
use self::trouble::Trouble;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::backend::Access as AutotaskAccess;
pub use self::people::{AutotaskProblem, NotePublish};

/// How the stand-in writes the bodies of its webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebhookBody {
    /// As they are signed: letters that HTML knows, and all beyond ASCII, as `\uXXXX`.
    #[default]
    Escaped,
    /// With these letters written out, though signed in the escaped form.
    Plain,
}

/// How the stand-in for Autotask behaves.
#[derive(Clone, Debug)]
pub struct AutotaskSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The API user, made up.
    pub username: String,
    /// Its secret, made up.
    pub secret: String,
    /// The tracking identifier, made up.
    pub integration_code: String,
    /// The database's calls, counted over sixty minutes together; the vendor's 10,000 an hour are 167 a minute.
    pub rate_limit: Option<RateLimit>,
    /// The most objects on a page of a list.
    pub page_size: usize,
    /// Whether tickets can't be changed by `PATCH`, as one integrator saw it.
    pub refuses_patch: bool,
    /// How bodies of webhooks are written.
    pub webhook_body: WebhookBody,
    /// Whether and how fast webhooks are delivered.
    pub deliveries: Deliveries,
}

impl Default for AutotaskSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            username: "api-user@sandbox.example".to_owned(),
            secret: "not-a-real-secret".to_owned(),
            integration_code: "NOTAREALTRACKINGIDENTIFIER1".to_owned(),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            page_size: query::LARGEST_PAGE,
            refuses_patch: false,
            webhook_body: WebhookBody::default(),
            deliveries: Deliveries::REAL,
        }
    }
}

/// The status that asks for a field technician.
const TRIGGER_STATUS: u64 = 42;
/// The system's own status of finished tickets.
const COMPLETE: u64 = 5;

/// The stand-in at work. Stops when dropped.
pub struct Autotask {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl Autotask {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: AutotaskSettings,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Self, SandboxProblem> {
        let door = Door::open(settings.address).await?;
        let outbox = Outbox::new(settings.deliveries, webhooks::TIMEOUT)?;
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

    /// Its address: what stands in the place of `https://webservices.autotask.net`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the API in the zone where the database is: [`Self::base_url`], the zone's path, and `V1.0/`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{}V1.0/", self.backend.base_url, self.backend.zone_path())
    }

    /// The status that asks for a field technician.
    #[must_use]
    pub fn trigger_status(&self) -> u64 {
        TRIGGER_STATUS
    }

    /// The API user's own resource.
    #[must_use]
    pub fn api_resource(&self) -> u64 {
        backend::API_RESOURCE
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

    /// Every external id that tickets ever had, with the tickets that had it. More than one ticket for one is a doubled
    /// one.
    #[must_use]
    pub fn tickets_by_external_id(&self) -> BTreeMap<String, Vec<u64>> {
        self.backend.journal.by_marker(Thing::Ticket)
    }

    /// How many deliveries are under way, waits between attempts included.
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

impl Drop for Autotask {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Trouble::of_refusal,
    };
    Router::new()
        .fallback(serve::handle)
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(serve::LARGEST_BODY))
        // Inside the guard, so that a slow call takes one of the three places.
        .layer(from_fn_with_state(layer, strike))
        .layer(from_fn_with_state(backend.clone(), serve::stand))
}
