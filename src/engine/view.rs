//! What people see of the engine: plain data, made new for each look.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Problem;
use crate::http::QuotaView;
use crate::model::{
    ConnectorId, Failure, JournalEntry, MappingVersion, PayloadKind, PlatformKind, Timestamp,
    Transaction,
};
use crate::store::{Correlation, CountsOf, FailureGroup, Hold};

/// Everything the first screen shows, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The engine.
    pub engine: EngineView,
    /// The connectors, by id.
    pub connectors: Vec<ConnectorView>,
    /// The queues.
    pub queues: Vec<QueueView>,
    /// What is dead, grouped; most first.
    pub groups: Vec<FailureGroup>,
    /// The latest dead transactions, newest first, at most a hundred.
    pub failed: Vec<Transaction>,
}

/// The engine as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineView {
    /// What people call this installation.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// The moment of this view, by the engine's clock.
    pub now: Timestamp,
    /// Whether it takes on new work (false while it is stopping).
    pub accepting: bool,
    /// Workers in all.
    pub workers: usize,
    /// Where it listens for triggers.
    pub listening_on: String,
    /// Finished a minute, inbound, over the last half hour, oldest first.
    pub inbound: Flow,
    /// The same outbound.
    pub outbound: Flow,
    /// Field Nation.
    pub field_nation: FieldNationView,
    /// Files that are wrong and not in force.
    pub problems: Vec<Problem>,
}

/// How the connection to Field Nation stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldNationView {
    /// What is left of the quota.
    pub quota: Vec<QuotaView>,
    /// Why it does not work, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How much went through, minute by minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flow {
    /// A number for each of the last minutes, oldest first; the last one is the minute under way.
    pub per_minute: Vec<u32>,
}

impl Flow {
    /// What went through in the last whole minute and the part of the one under way.
    #[must_use]
    pub fn latest(&self) -> u32 {
        self.per_minute
            .iter()
            .rev()
            .take(2)
            .copied()
            .max()
            .unwrap_or(0)
    }
}

/// The state of a connector, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorState {
    /// It works, as far as is known.
    Live,
    /// A person paused it.
    Paused,
    /// Credentials were refused; its transactions wait.
    Held,
    /// Its breaker is open or half open: the platform fails broadly.
    Failing,
    /// Its files are wrong or it is switched off; nothing is synced.
    Off,
}

impl ConnectorState {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Failing => "failing",
            Self::Off => "off",
        }
    }
}

/// The breaker of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "breaker")]
pub enum BreakerView {
    /// Calls go through.
    Closed,
    /// Nothing is tried before this.
    Open {
        /// When a probe will be let through.
        until: Timestamp,
    },
    /// One transaction is let through to see.
    HalfOpen,
}

/// A connector as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectorView {
    /// Its id.
    pub id: ConnectorId,
    /// What people call it.
    pub name: String,
    /// Its platform.
    pub platform: PlatformKind,
    /// Its state.
    pub state: ConnectorState,
    /// Why it is paused, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// When it is probed next while held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_probe_at: Option<Timestamp>,
    /// Its breaker.
    pub breaker: BreakerView,
    /// Its counts by state, inbound.
    pub inbound: CountsOf,
    /// Its counts by state, outbound.
    pub outbound: CountsOf,
    /// Finished a minute, inbound.
    pub inbound_flow: Flow,
    /// Finished a minute, outbound.
    pub outbound_flow: Flow,
    /// When it last delivered something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// What is left of its quotas.
    pub quota: Vec<QuotaView>,
    /// What is wrong with its files; the last good ones are in force if there were any.
    pub problems: Vec<Problem>,
    /// What is doubtful about its mapping, now that the fields of both sides are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Problem>,
    /// The mapping in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<MappingVersion>,
    /// Whether new work orders make new records.
    pub outbound_create: bool,
}

/// One of the queues people think in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// Waiting for a worker.
    Inbound,
    /// Waiting for a worker, outbound.
    Outbound,
    /// With a worker.
    Processing,
    /// Waiting for its due time after a failure.
    Retry,
    /// Waiting for its connector.
    Held,
    /// The dead letter queue.
    Dead,
}

/// A queue as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Which.
    pub kind: QueueKind,
    /// How many are in it, by connector.
    pub by_connector: BTreeMap<ConnectorId, u64>,
    /// How many are in it.
    pub depth: u64,
    /// Its depth over the last minutes, oldest first.
    pub history: Vec<u64>,
    /// How long its oldest has waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Duration>,
    /// When the next one falls due (retry).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<Timestamp>,
}

/// A transaction with all that is kept about it, payloads apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransactionDetail {
    /// The row.
    pub transaction: Transaction,
    /// The journal, in order.
    pub journal: Vec<JournalEntry>,
    /// Which payloads there are, and their sizes in bytes.
    pub payloads: Vec<(PayloadKind, usize)>,
    /// The correlation of its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Correlation>,
    /// Where the record can be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_url: Option<String>,
    /// Where the work order can be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order_url: Option<String>,
}

/// The depth of each queue over the last minutes.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueHistory {
    sampled_at: Option<Timestamp>,
    depths: BTreeMap<QueueKind, std::collections::VecDeque<u64>>,
}

/// How many samples are kept, and how far apart they are.
const SAMPLES: usize = 30;
const SAMPLE_SECONDS: i64 = 10;

impl QueueHistory {
    /// Takes in depths as they are now; keeps one sample each ten seconds.
    pub(crate) fn sample(&mut self, now: Timestamp, depths: &[(QueueKind, u64)]) {
        let passed = self.sampled_at.map(|at| now.as_second() - at.as_second());
        let is_new = passed.is_none_or(|passed| passed >= SAMPLE_SECONDS);
        if is_new {
            self.sampled_at = Some(now);
        }
        for (kind, depth) in depths {
            let history = self.depths.entry(*kind).or_default();
            if !is_new {
                history.pop_back();
            }
            history.push_back(*depth);
            while history.len() > SAMPLES {
                history.pop_front();
            }
        }
    }

    /// The samples of a queue, oldest first.
    pub(crate) fn of(&self, kind: QueueKind) -> Vec<u64> {
        self.depths
            .get(&kind)
            .map(|history| history.iter().copied().collect())
            .unwrap_or_default()
    }
}
