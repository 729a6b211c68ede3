//! The stand-in for ServiceNow: Table API, Attachment API, OAuth, business rules.
//!
//! Built from the vendor's API description and from what integrators saw; knows nothing of our own adapter. What the
//! vendor swallows without a word (unknown fields, parts of queries, wrong references) is swallowed here as well.

mod attachments;
mod backend;
mod books;
mod desk;
mod encoded;
mod guard;
mod oauth;
mod people;
mod problem;
mod render;
mod rules;
mod schema;
mod seed;
mod table_api;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::post;

use self::backend::{Backend, Parts};
use self::problem::Problem;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::Journal;
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{Dice, SandboxProblem, control};
use crate::model::Clock;

pub use self::encoded::InvalidQuery;
pub use self::people::{NoteJournal, RecordProblem};
pub use self::rules::{BusinessRule, RuleContent as BusinessRuleContent};

/// How the stand-in for ServiceNow behaves.
#[derive(Clone, Debug)]
pub struct ServiceNowSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The API's user, made up.
    pub user_name: String,
    /// Its password, made up.
    pub password: String,
    /// The Application Registry entry, made up.
    pub client_id: String,
    /// Its secret, made up.
    pub client_secret: String,
    /// The inbound API key, made up.
    pub api_key: String,
    /// How long an access token lives.
    pub token_seconds: u64,
    /// The time zone in which the API's user sees moments.
    pub time_zone: String,
    /// What becomes of queries that are not understood.
    pub invalid_query: InvalidQuery,
    /// The file name extensions that are taken; none: any.
    pub attachment_extensions: Vec<String>,
    /// The largest file.
    pub attachment_max_mb: usize,
    /// An inbound REST rate limit rule; instances come without one.
    pub rate_limit: Option<RateLimit>,
    /// Whether business rules send their messages.
    pub deliveries: Deliveries,
}

impl Default for ServiceNowSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            user_name: "integration.fieldnation".to_owned(),
            password: "not-a-real-password".to_owned(),
            client_id: "not-a-real-client-id".to_owned(),
            client_secret: "not-a-real-client-secret".to_owned(),
            api_key: "not-a-real-api-key".to_owned(),
            token_seconds: 1_799,
            time_zone: "GMT".to_owned(),
            invalid_query: InvalidQuery::default(),
            attachment_extensions: Vec::new(),
            attachment_max_mb: 1_024,
            rate_limit: None,
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long a REST message waits for an answer (outbound HTTP by way of the ECC queue).
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// The stand-in at work. Stops when dropped.
pub struct ServiceNow {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl ServiceNow {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: ServiceNowSettings,
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
            dice: Dice::new(seed),
        }));
        let server = door.serve(routes(&backend, &faults));
        Ok(Self {
            backend,
            faults,
            server: Mutex::new(Some(server)),
        })
    }

    /// Its address: what stands in the place of `https://dev00000.service-now.com`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The base of the API: [`Self::base_url`] and `/api/now`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}", self.backend.base_url)
    }

    /// How it was set up, credentials included.
    #[must_use]
    pub fn settings(&self) -> &ServiceNowSettings {
        &self.backend.settings
    }

    /// Replaces the instance's business rules.
    pub fn set_business_rules(&self, rules: Vec<BusinessRule>) {
        self.backend.rules.set(rules);
    }

    /// The trouble in waiting.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every write it performed on records, notes and files. Records go by the digits of their number.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.backend.journal
    }

    /// How many messages are under way.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        self.backend.outbox.under_way()
    }

    /// The `sys_id` of the record of a number.
    #[must_use]
    pub fn sys_id(&self, ticket: u64) -> Option<String> {
        let books = self.backend.books();
        schema::TABLES
            .iter()
            .filter(|table| !table.prefix.is_empty())
            .find_map(|table| books.by_number(&format!("{}{ticket:07}", table.prefix)))
            .map(|row| row.id.clone())
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

impl Drop for ServiceNow {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

const REST: &str = "/api/now";

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let rest = table_api::routes()
        .merge(attachments::routes())
        .fallback(async || Problem::NoResource)
        .layer(from_fn_with_state(backend.clone(), guard::stand));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Problem::of_refusal,
    };
    Router::new()
        .nest(REST, rest.clone())
        .nest("/api/now/v2", rest)
        .route("/oauth_token.do", post(oauth::token))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
