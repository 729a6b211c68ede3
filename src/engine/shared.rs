//! What all parts of the engine have in common.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::connectors::Connectors;
use super::intake::{TokenDigest, TokenKey};
use super::notify::Notifier;
use super::view::QueueHistory;
use crate::config::{Problem, Secrets, Settings};
use crate::fieldnation::FieldNation;
use crate::http::QuotaBook;
use crate::mapping::Evaluator;
use crate::model::{Clock, ConnectorId, Failure, OwnerId, Random, Timestamp};
use crate::store::SharedStore;

/// The engine's inside, shared by intake, scheduler, workers and people.
pub(crate) struct Shared {
    pub settings: Settings,
    pub config_directory: PathBuf,
    pub store: SharedStore,
    pub secrets: Secrets,
    pub vault: Arc<dyn Seal>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub owner: OwnerId,
    pub started_at: Timestamp,
    pub connectors: Connectors,
    /// The vendors' allowances that connectors use.
    pub quotas: QuotaBook,
    /// Held by whoever reads the config directory to bring it in force, or writes to it: what is read must still be
    /// so when it comes in force.
    pub files: tokio::sync::Mutex<()>,
    pub field_nation: ArcSwapOption<FieldNation>,
    pub field_nation_failure: std::sync::Mutex<Option<Failure>>,
    pub problems: std::sync::Mutex<Vec<Problem>>,
    pub evaluator: Evaluator,
    pub preview_evaluator: Evaluator,
    pub notifier: Notifier,
    pub token_key: TokenKey,
    /// The tokens in force, by their digest: a look-up takes as long whatever was presented.
    pub tokens: ArcSwap<HashMap<TokenDigest, ConnectorId>>,
    pub public_url: String,
    pub listening_on: String,
    pub history: std::sync::Mutex<QueueHistory>,
    /// Wakes the scheduler: work came, work ended, or something that kept work back is over.
    pub work: Notify,
    pub changes: watch::Sender<u64>,
    /// Set when no more work is to be taken on.
    pub stopping: CancellationToken,
    pub accepting: AtomicBool,
}

/// Seals secrets for the store; whoever starts the engine brings it.
pub trait Seal: Send + Sync + 'static {
    /// Seals a value.
    ///
    /// # Errors
    /// Why it can't be sealed, in words.
    fn seal(&self, name: &str, value: &secrecy::SecretString) -> Result<bytes::Bytes, String>;

    /// Makes a value known to (or forgotten by) those who resolve references.
    fn publish(&self, name: &str, value: Option<secrecy::SecretString>);
}

impl Shared {
    /// Something worth showing changed.
    pub(crate) fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// There may be work now.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
        self.changed();
    }

    /// Takes note of which tokens are in force, after connectors or tokens have changed.
    pub(crate) fn index_tokens(&self) {
        let all = self.connectors.all();
        let in_force = all.values().filter_map(|connector| {
            let token = connector.live.standing().token?;
            let digest = TokenDigest::of(&self.token_key.sign(token));
            Some((digest, connector.id.clone()))
        });
        self.tokens.store(Arc::new(in_force.collect()));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn is_accepting(&self) -> bool {
        self.accepting.load(Ordering::Acquire)
    }

    pub(crate) fn set_field_nation_failure(&self, failure: Option<Failure>) {
        let mut place = self
            .field_nation_failure
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *place != failure {
            *place = failure;
            drop(place);
            self.changed();
        }
    }
}
