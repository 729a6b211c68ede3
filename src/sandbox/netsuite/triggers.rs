//! User event scripts that customers deploy: after a record is saved they post to an address, once.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::backend::{API_USER, Actor, Backend};
use super::types::RecordType;
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// What a script posts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptBody {
    /// What the shipped script posts: `{"record_type", "id", "event"}`.
    Shipped,
    /// A text of the author's own, in which `{id}`, `{type}` and `{event}` are pasted as they are.
    Own(String),
}

/// A deployed user event script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEventScript {
    /// Where it posts to.
    pub address: String,
    /// What it posts.
    pub body: ScriptBody,
    /// The secret it sends along, if any.
    pub secret: Option<String>,
    /// Whose saves it listens to.
    pub saves: Saves,
}

/// Whose saves a script listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saves {
    /// Everybody's, the integration's own included.
    #[default]
    Everybody,
    /// Everybody's but the integration's.
    ButTheIntegration,
}

impl UserEventScript {
    /// The shipped script with this address.
    #[must_use]
    pub fn shipped(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            body: ScriptBody::Shipped,
            secret: None,
            saves: Saves::Everybody,
        }
    }
}

/// The scripts deployed to cases.
#[derive(Default)]
pub(super) struct Deployments(Mutex<Vec<UserEventScript>>);

impl Deployments {
    pub(super) fn set(&self, scripts: Vec<UserEventScript>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = scripts;
    }

    fn all(&self) -> Vec<UserEventScript> {
        let scripts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.clone()
    }
}

impl Backend {
    /// Runs the scripts that are deployed to cases.
    pub(super) fn fire(
        self: &Arc<Self>,
        record_type: &RecordType,
        id: u64,
        event: &str,
        actor: Actor,
    ) {
        if record_type.name != "supportCase" || !self.outbox.is_open() {
            return;
        }
        for script in self.deployments.all() {
            if script.saves == Saves::ButTheIntegration && actor.user == API_USER {
                continue;
            }
            // SuiteScript writes record types in lower case.
            let body = match &script.body {
                ScriptBody::Shipped => {
                    json!({"record_type": "supportcase", "id": id.to_string(), "event": event})
                        .to_string()
                }
                ScriptBody::Own(text) => text
                    .replace("{id}", &id.to_string())
                    .replace("{type}", "supportcase")
                    .replace("{event}", event),
            };
            self.outbox.send(self.clone().deliver(script, id, body));
        }
    }

    /// One call and no more: what goes wrong is written to the script's log.
    async fn deliver(self: Arc<Self>, script: UserEventScript, record: u64, body: String) {
        let mut request = self
            .outbox
            .client()
            .post(&script.address)
            .header("Content-Type", "application/json")
            .body(body);
        if let Some(secret) = script.secret {
            request = request.header("X-Fieldbridge-Secret", secret);
        }
        let status = self.outbox.call(request).await;
        if !(200..300).contains(&status) {
            let write = Write::new(Deed::Removed, Thing::Delivery, record, Doer::System);
            let detail = format!("script log: answered {status}");
            self.journal.record(write.called(detail));
        }
    }
}
