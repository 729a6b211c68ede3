//! The stand-in for Salesforce (REST API 31.0 to 64.0): records of any object, queries, files, flows and their messages.
//!
//! Built from the vendor's documents and from what integrators saw; knows nothing of our own adapter.

mod backend;
mod desk;
mod flows;
mod guard;
mod ids;
mod login;
mod people;
mod problem;
mod query;
mod records;
mod schema;
mod soql;
mod store;
mod values;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::post;

use self::backend::{Backend, ORGANIZATION, Parts};
use self::problem::Problem;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::Journal;
use super::outbox::{Deliveries, Outbox};
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::flows::{Flow, FlowAction};
pub use self::people::OrgProblem;

/// Made-up credentials of a connected app and its integration user.
#[derive(Clone, Debug)]
pub struct SalesforceCredentials {
    /// The consumer key.
    pub client_id: String,
    /// The consumer secret.
    pub client_secret: String,
    /// The integration user.
    pub user_name: String,
    /// Its password.
    pub password: String,
    /// Its security token.
    pub security_token: String,
    /// A refresh token of its.
    pub refresh_token: String,
    /// The RSA key of the app's certificate, PKCS#1 in DER; without it no assertion is good.
    pub public_key: Option<Vec<u8>>,
}

impl Default for SalesforceCredentials {
    fn default() -> Self {
        Self {
            client_id: "not-a-real-consumer-key".to_owned(),
            client_secret: "not-a-real-consumer-secret".to_owned(),
            user_name: "integration@example.com".to_owned(),
            password: "not-a-real-password".to_owned(),
            security_token: "NotARealSecurityToken".to_owned(),
            refresh_token: "not-a-real-refresh-token".to_owned(),
            public_key: None,
        }
    }
}

/// How the stand-in for Salesforce behaves.
#[derive(Clone, Debug)]
pub struct SalesforceSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The credentials that get through.
    pub credentials: SalesforceCredentials,
    /// The calls of a day; the vendor grants from 15,000 (Developer Edition) and 100,000 (Enterprise) on.
    pub daily_calls: u64,
    /// Whether the org's edition has the API at all.
    pub has_api: bool,
    /// Whether each use of a refresh token gives another one.
    pub rotates_refresh_tokens: bool,
    /// How many rows a page of a query has.
    pub query_page: usize,
    /// Fields that field-level security hides from the integration user, by object and name.
    pub hidden_fields: Vec<(&'static str, &'static str)>,
    /// Objects that the integration user may only read.
    pub read_only_objects: Vec<&'static str>,
    /// Whether and how fast outbound messages are delivered.
    pub deliveries: Deliveries,
}

impl Default for SalesforceSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: SalesforceCredentials::default(),
            daily_calls: 100_000_000,
            has_api: true,
            rotates_refresh_tokens: false,
            query_page: 2_000,
            hidden_fields: Vec::new(),
            read_only_objects: Vec::new(),
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long an outbound message waits for an answer. Not published.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 96 * 1024 * 1024;

/// The stand-in at work. Stops when dropped.
pub struct Salesforce {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl Salesforce {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: SalesforceSettings,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Self, SandboxProblem> {
        let door = Door::open(settings.address).await?;
        let outbox = Outbox::new(settings.deliveries, DELIVERY_TIMEOUT)?;
        let faults = Faults::new(seed, clock.clone());
        let backend = Backend::new(Parts {
            base_url: format!("http://{}", door.address()),
            journal: Journal::new(clock.clone()),
            settings,
            clock,
            outbox,
        });
        let backend =
            Arc::new(backend.map_err(|problem| SandboxProblem::Seed(problem.to_string()))?);
        let server = door.serve(routes(&backend, &faults));
        Ok(Self {
            backend,
            faults,
            server: Mutex::new(Some(server)),
        })
    }

    /// Its address: what stands in the place of `https://acme.my.salesforce.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the REST API: [`Self::base_url`] and `/services/data/v64.0`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}/v64.0", self.backend.base_url)
    }

    /// The credentials that get through.
    #[must_use]
    pub fn credentials(&self) -> &SalesforceCredentials {
        &self.backend.settings.credentials
    }

    /// The org's id.
    #[must_use]
    pub fn organization(&self) -> &'static str {
        ORGANIZATION
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

    /// How many messages and callouts are under way, waits between attempts included.
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

impl Drop for Salesforce {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

const REST: &str = "/services/data";

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let rest = records::routes()
        .fallback(async || Problem::resource())
        .method_not_allowed_fallback(async || Problem::method())
        .layer(from_fn_with_state(backend.clone(), guard::stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(REST, rest)
        .route("/services/oauth2/token", post(login::token))
        .route("/services/Soap/u/{version}", post(login::soap))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
