//! The stand-in for ConnectWise Manage (PSA): tickets and what hangs on them, setup tables, callbacks.
//!
//! Built from the vendor's API description and developer guide; knows nothing of our own adapter.

mod backend;
mod callbacks;
mod conditions;
mod desk;
mod guard;
mod notes;
mod paging;
mod people;
mod records;
mod request;
mod setup;
mod ticket;
mod tickets;
mod times;
mod trouble;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use self::backend::{Actor, Backend, Parts};
use self::guard::{Entrance, Guard};
use self::trouble::Trouble;
use super::faults::{FaultLayer, Faults, strike};
use super::journal::{Journal, Thing};
use super::outbox::{Deliveries, Outbox};
use super::quota::RateLimit;
use super::server::{Door, Server};
use super::{SandboxProblem, control};
use crate::model::Clock;

pub use self::callbacks::SigningKeyForm;
pub use self::people::{EntryProblem, NotePlacement};

/// What a caller needs. All of it is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectWiseCredentials {
    /// The login company.
    pub company_id: String,
    /// The API member's public key.
    pub public_key: String,
    /// The API member's private key.
    pub private_key: String,
    /// The integration's client id.
    pub client_id: String,
}

impl Default for ConnectWiseCredentials {
    fn default() -> Self {
        Self {
            company_id: "sandboxmsp".to_owned(),
            public_key: "NotARealPublicKey".to_owned(),
            private_key: "NotARealPrivateKey".to_owned(),
            client_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        }
    }
}

/// What somebody with wrong keys is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrongKeys {
    /// 401 everywhere.
    #[default]
    Unauthorized,
    /// 404 under the alias codebase, as cloud sites do; 401 under the real one.
    NotFoundOnAlias,
}

/// How the stand-in for ConnectWise behaves.
#[derive(Clone, Debug)]
pub struct ConnectWiseSettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub address: SocketAddr,
    /// Who may call.
    pub credentials: ConnectWiseCredentials,
    /// The version, e.g. `v2024.1`; the codebase follows from it.
    pub version_code: String,
    /// What wrong keys get.
    pub wrong_keys: WrongKeys,
    /// The rate limit; the vendor speaks of about 1,000 requests a minute.
    pub rate_limit: Option<RateLimit>,
    /// How signing keys are served.
    pub signing_key_form: SigningKeyForm,
    /// The largest document, in bytes; companies set it themselves.
    pub largest_document: usize,
    /// Whether and how fast callbacks are delivered.
    pub deliveries: Deliveries,
}

impl Default for ConnectWiseSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: ConnectWiseCredentials::default(),
            version_code: "v2024.1".to_owned(),
            wrong_keys: WrongKeys::default(),
            rate_limit: None,
            signing_key_form: SigningKeyForm::default(),
            largest_document: 50 * 1024 * 1024,
            deliveries: Deliveries::REAL,
        }
    }
}

/// How long the vendor waits for a subscriber.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest request body the server reads at all.
const LARGEST_BODY: usize = 100 * 1024 * 1024;
/// The REST base every version has.
const ALIAS: &str = "/v4_6_release/apis/3.0";

/// The stand-in at work. Stops when dropped.
pub struct ConnectWise {
    backend: Arc<Backend>,
    faults: Faults,
    server: Mutex<Option<Server>>,
    template: u64,
}

impl ConnectWise {
    /// Starts it, with a fully filled template ticket.
    ///
    /// # Errors
    /// [`SandboxProblem`] when the address can't be listened on.
    pub async fn start(
        settings: ConnectWiseSettings,
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
        let template = template().as_object().cloned().unwrap_or_default();
        let template = backend.create(Actor::DISPATCHER, &template);
        let template = template.map_err(|trouble| SandboxProblem::Seed(trouble.to_string()))?;
        let server = door.serve(routes(&backend, &faults));
        Ok(Self {
            backend,
            faults,
            server: Mutex::new(Some(server)),
            template: template.id(),
        })
    }

    /// Its address: what stands in the place of `https://na.myconnectwise.net`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.backend.base_url
    }

    /// The REST base under the alias codebase.
    #[must_use]
    pub fn rest_url(&self) -> &str {
        &self.backend.rest_base
    }

    /// What gets through.
    #[must_use]
    pub fn credentials(&self) -> &ConnectWiseCredentials {
        &self.backend.settings.credentials
    }

    /// The ticket that has all fields filled.
    #[must_use]
    pub fn template_ticket(&self) -> u64 {
        self.template
    }

    /// The name of the status that asks for a field technician.
    #[must_use]
    pub fn trigger_status(&self) -> &'static str {
        setup::TRIGGER_STATUS
    }

    /// The ids of the customer's sites, all of them with a usable address.
    #[must_use]
    pub fn sites(&self) -> std::ops::Range<u64> {
        let count = super::places::PLACES.len() as u64;
        setup::FIRST_SITE..setup::FIRST_SITE + count
    }

    /// The id of a site whose address lacks the state.
    #[must_use]
    pub fn site_without_state(&self) -> u64 {
        setup::SITE_WITHOUT_STATE
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

    /// Every external reference a ticket ever had, with the tickets that had it. More than one ticket for a
    /// reference is a doubled one.
    #[must_use]
    pub fn tickets_by_external_x_ref(&self) -> BTreeMap<String, Vec<u64>> {
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

impl Drop for ConnectWise {
    fn drop(&mut self) {
        // Deliveries hold the backend, so they would outlive the handle.
        self.backend.outbox.cancel();
    }
}

/// The template ticket: every field that discovery should find has a value.
fn template() -> Value {
    json!({
        "summary": "TEMPLATE - do not dispatch",
        "company": {"id": setup::CUSTOMER},
        "site": {"id": setup::FIRST_SITE},
        "contact": {"id": 77},
        "type": {"id": 8},
        "subType": {"id": 30},
        "item": {"id": 40},
        "team": {"id": 25},
        "owner": {"identifier": setup::TECHNICIAN},
        "addressLine2": "Suite 1",
        "requiredDate": "2026-01-31T17:00:00Z",
        "estimatedStartDate": "2026-01-31T14:00:00Z",
        "budgetHours": 2,
        "externalXRef": "template",
        "poNumber": "PO-0001",
        "initialDescription": "Every field of this ticket is filled so that integrations can discover them.",
        "customFields": [
            {"id": 1, "value": "HB-0101"},
            {"id": 2, "value": "0"},
            {"id": 3, "value": "Standard"},
            {"id": 4, "value": false},
            {"id": 5, "value": 250},
            {"id": 6, "value": "no"},
        ],
    })
}

/// `v2024.1` is served under `v2024_1/`.
fn codebase(version_code: &str) -> String {
    format!("{}/", version_code.replace('.', "_"))
}

/// `GET /login/companyinfo/{company}`: needs no keys; `null` for a company that does not exist.
async fn company_info(
    State(backend): State<Arc<Backend>>,
    Path(company): Path<String>,
) -> Json<Value> {
    let settings = &backend.settings;
    if !company.eq_ignore_ascii_case(&settings.credentials.company_id) {
        return Json(Value::Null);
    }
    Json(json!({
        "CompanyName": "Sandbox MSP",
        "Codebase": codebase(&settings.version_code),
        "VersionCode": settings.version_code,
        "VersionNumber": "v4.6.99999",
        "CompanyID": settings.credentials.company_id,
        "IsCloud": true,
    }))
}

fn routes(backend: &Arc<Backend>, faults: &Faults) -> Router {
    let api = tickets::routes(backend)
        .merge(notes::routes())
        .merge(records::routes())
        .merge(times::routes())
        .merge(callbacks::routes())
        .fallback(async || Trouble::NotFound("The resource could not be found.".to_owned()));
    let guarded = |entrance, path: &str| {
        let guard = Guard {
            backend: backend.clone(),
            entrance,
            base: format!("{}{path}", backend.base_url),
        };
        api.clone().layer(from_fn_with_state(guard, guard::stand))
    };
    let real = format!("/{}apis/3.0", codebase(&backend.settings.version_code));
    let layer = FaultLayer {
        faults: faults.clone(),
        refuse: Trouble::of_refusal,
    };
    let key = "/system/callbacks/keys/{id}";
    Router::new()
        .nest(ALIAS, guarded(Entrance::Alias, ALIAS))
        .nest(&real, guarded(Entrance::Codebase, &real))
        .route(&format!("{ALIAS}{key}"), get(callbacks::signing_key))
        .route(&format!("{real}{key}"), get(callbacks::signing_key))
        .route("/login/companyinfo/{company}", get(company_info))
        .with_state(backend.clone())
        .merge(control::pages(faults.clone(), backend.journal.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(layer, strike))
}
