//! The stand-in for Oracle NetSuite: REST web services, SuiteQL, a deployed RESTlet, user event scripts.
//!
//! Built from the vendor's documents, and the RESTlet from its own head comment; knows nothing of our own adapter. REST web
//! services and the RESTlet have hosts of their own at the vendor and share one here.

mod backend;
mod certificate;
mod desk;
mod guard;
mod login;
mod metadata;
mod people;
mod problem;
mod query;
mod records;
mod script;
mod triggers;
mod types;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::post;
use axum::{Router, response::IntoResponse};

use self::backend::{Backend, Parts};
use self::problem::{Problem, ScriptProblem};
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::people::ScreenProblem;
pub use self::triggers::{Saves, ScriptBody, UserEventScript};

/// A right that the integration's role may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetSuiteRight {
    /// To see cases.
    ReadCases,
    /// To edit cases.
    EditCases,
    /// To see customers.
    Customers,
    /// To read the metadata catalogue.
    Metadata,
    /// To ask SuiteQL.
    SuiteQl,
    /// To log in to a RESTlet; a role marked "Web Services Only" lacks it.
    Restlets,
}

/// An uploaded certificate of the integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetSuiteCertificate {
    /// Its id on the mapping page.
    pub id: String,
    /// Its public key in PEM form.
    pub public_key: String,
}

/// The deployed RESTlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restlet {
    /// The script's id.
    pub script: String,
    /// The deployment's id.
    pub deployment: String,
    /// Whether its parameter names a folder for files.
    pub has_folder: bool,
}

/// How the stand-in for NetSuite behaves.
#[derive(Clone, Debug)]
pub struct NetSuiteSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// The account's id as the realm has it.
    pub account: String,
    /// The integration's key, made up.
    pub consumer_key: String,
    /// Its secret, made up.
    pub consumer_secret: String,
    /// The access token's id, made up.
    pub token_id: String,
    /// Its secret, made up.
    pub token_secret: String,
    /// The client id of the integration for certificates, made up.
    pub client_id: String,
    /// The certificate that was uploaded, if any.
    pub certificate: Option<NetSuiteCertificate>,
    /// How many requests may run at once; NetSuite limits this and not requests by the minute. A standard account
    /// has 5.
    pub requests_at_once: Option<usize>,
    /// The deployed RESTlet.
    pub restlet: Restlet,
    /// The custom field of cases that holds the work order.
    pub correlation_field: String,
    /// Whether and how fast scripts call out.
    pub deliveries: Deliveries,
}

impl Default for NetSuiteSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            account: "1234567_SB1".to_owned(),
            consumer_key: "not-a-real-consumer-key".to_owned(),
            consumer_secret: "not-a-real-consumer-secret".to_owned(),
            token_id: "not-a-real-token-id".to_owned(),
            token_secret: "not-a-real-token-secret".to_owned(),
            client_id: "not-a-real-client-id".to_owned(),
            certificate: None,
            requests_at_once: None,
            restlet: Restlet {
                script: "customscript_fieldbridge".to_owned(),
                deployment: "customdeploy_fieldbridge".to_owned(),
                has_folder: true,
            },
            correlation_field: "custevent_fn_work_order".to_owned(),
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long a script waits for an answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(45);
/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 40 * 1024 * 1024;

/// Where REST web services are.
const REST: &str = "/services/rest";
/// The token endpoint.
const TOKEN: &str = "/services/rest/auth/oauth2/v1/token";
/// Where every RESTlet is.
const RESTLET: &str = "/app/site/hosting/restlet.nl";

/// The stand-in at work. Stops when dropped.
pub struct NetSuite {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
}

impl NetSuite {
    /// Starts it.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: NetSuiteSettings,
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

    /// Its address: what stands in the place of both of the account's hosts.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// How it behaves, the made-up credentials included.
    #[must_use]
    pub fn settings(&self) -> &NetSuiteSettings {
        &self.backend.settings
    }

    /// Replaces the user event scripts that are deployed to cases.
    pub fn deploy(&self, scripts: Vec<UserEventScript>) {
        self.backend.deployments.set(scripts);
    }

    /// Takes rights from the integration's role, and gives back all others.
    pub fn withhold(&self, rights: &[NetSuiteRight]) {
        self.backend.set_missing(rights);
    }

    /// Ends all access tokens that certificates got.
    pub fn revoke_tokens(&self) {
        self.backend.gate.revoke_tokens();
    }

    /// Why logins were refused, oldest first: what only the account's own people see.
    #[must_use]
    pub fn login_audit_trail(&self) -> Vec<String> {
        self.backend.gate.audit()
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

    /// Every value the work order field ever had, with the cases that had it. More than one case for a value is a
    /// doubled one.
    #[must_use]
    pub fn cases_by_correlation_value(&self) -> BTreeMap<String, Vec<u64>> {
        self.backend.journal.by_marker(Thing::Ticket)
    }

    /// How many calls of scripts are under way.
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

impl Drop for NetSuite {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

async fn token(State(backend): State<Arc<Backend>>, headers: HeaderMap, body: Bytes) -> Response {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    if media_type != Some("application/x-www-form-urlencoded") {
        return Problem::media_type().into_response();
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let endpoint = format!("{}{TOKEN}", backend.base_url);
    let now = backend.clock.now().as_second();
    backend
        .gate
        .exchange(&backend.settings, &endpoint, &form, now)
}

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    // The two services refuse in words of their own, so each has a fault layer of its own, behind one guard.
    let layer = |refuse| FaultLayer {
        faults: faults.clone(),
        refuse,
    };
    let rest = records::routes()
        .merge(metadata::routes())
        .merge(query::routes())
        .route("/auth/oauth2/v1/token", post(token))
        .fallback(async || Problem::no_type("").into_response())
        .method_not_allowed_fallback(async || Problem::method().into_response())
        .layer(from_fn_with_state(layer(Problem::of_refusal), strike));
    let scripts =
        post(script::run).layer(from_fn_with_state(layer(ScriptProblem::of_refusal), strike));
    Router::new()
        .nest(REST, rest)
        .route(RESTLET, scripts)
        .layer(from_fn_with_state(backend.clone(), guard::stand))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}
