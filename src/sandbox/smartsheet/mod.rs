//! The stand-in for Smartsheet (API 2.0): one sheet with its rows, discussions and attachments, and webhooks.
//!
//! Built from the vendor's API description and from what integrators saw; knows nothing of our own adapter.

mod backend;
mod cells;
mod files;
mod guard;
mod people;
mod problem;
mod request;
mod rows;
mod sheet;
mod talk;
mod webhooks;

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

pub use self::people::SheetProblem;

/// Which addresses webhooks may lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallbackAddresses {
    /// As the vendor: public ones, over https, on five ports.
    Public,
    /// Those, and plain ones on loopback, where a sandbox has nothing else.
    #[default]
    LoopbackToo,
}

/// What somebody may do on a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    /// The sheet is not shared at all.
    None,
    /// To look at it.
    Viewer,
    /// To comment on it.
    Commenter,
    /// To edit rows.
    Editor,
    /// To edit what is locked, too.
    Admin,
    /// Everything.
    Owner,
}

impl AccessLevel {
    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Viewer => "VIEWER",
            Self::Commenter => "COMMENTER",
            Self::Editor => "EDITOR",
            Self::Admin => "ADMIN",
            Self::Owner => "OWNER",
        }
    }
}

/// How the stand-in for Smartsheet behaves.
#[derive(Clone, Debug)]
pub struct SmartsheetSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The access token, made up.
    pub access_token: String,
    /// The token's rate limit; integrators count 300 a minute, uploads as ten.
    pub rate_limit: Option<RateLimit>,
    /// How long a write takes to save; a second one meanwhile collides with it.
    pub save_time: Duration,
    /// Which addresses webhooks may lead to.
    pub callback_addresses: CallbackAddresses,
    /// Whether and how fast webhooks are delivered.
    pub deliveries: Deliveries,
}

impl Default for SmartsheetSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            access_token: "not-a-real-access-token".to_owned(),
            rate_limit: Some(RateLimit::per_minute(1_000_000)),
            save_time: Duration::ZERO,
            callback_addresses: CallbackAddresses::default(),
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long a callback waits for an answer. Not published.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 40 * 1024 * 1024;

/// The stand-in at work. Stops when dropped.
pub struct Smartsheet {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl Smartsheet {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: SmartsheetSettings,
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

    /// Its address: what stands in the place of `https://api.smartsheet.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the API: [`Self::base_url`] and `/2.0`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}", self.backend.base_url)
    }

    /// The access token that gets through.
    #[must_use]
    pub fn credentials(&self) -> &str {
        &self.backend.settings.access_token
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

    /// Every value the work order column ever had, with the rows that had it. More than one row for a value is a
    /// doubled one.
    #[must_use]
    pub fn rows_by_correlation_value(&self) -> BTreeMap<String, Vec<u64>> {
        self.backend.journal.by_marker(Thing::Ticket)
    }

    /// How many callbacks are under way, waits between attempts included.
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

impl Drop for Smartsheet {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

const REST: &str = "/2.0";

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let rest = rows::routes()
        .merge(talk::routes())
        .merge(files::routes())
        .merge(webhooks::routes())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method())
        .layer(from_fn_with_state(backend.clone(), guard::stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(REST, rest)
        .route("/storage/{file}", get(files::download))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
