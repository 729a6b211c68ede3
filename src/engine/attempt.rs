//! One attempt of one transaction: its steps, and what they leave in the journal.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::connectors::{Active, Connector};
use super::shared::Shared;
use crate::fieldnation::FieldNation;
use crate::http::Call;
use crate::model::{
    Failure, JournalEntry, PayloadKind, Progress, SkipReason, Step, StepOutcome, Transaction,
};
use crate::store::{Correlation, LeaseToken, StepRecord, StoreError};

/// Why an attempt ended before its last step.
#[derive(Debug)]
pub(crate) enum End {
    /// There is nothing to deliver.
    Skipped(SkipReason),
    /// A step failed.
    Failed(Step, Failure),
    /// The store refused; the lease will lapse and the transaction come again.
    Store(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(crate) type Stepped<T> = Result<T, End>;

/// An attempt under way.
pub(crate) struct Attempt {
    pub shared: Arc<Shared>,
    pub connector: Arc<Connector>,
    pub active: Arc<Active>,
    pub field_nation: Arc<FieldNation>,
    pub transaction: Transaction,
    pub progress: Progress,
    pub correlation: Option<Correlation>,
    token: LeaseToken,
    pending: StepRecord,
}

/// A step under way.
pub(crate) struct Running {
    step: Step,
    pub call: Call,
    started: Instant,
}

impl Attempt {
    pub(crate) fn new(
        shared: Arc<Shared>,
        connector: Arc<Connector>,
        active: Arc<Active>,
        field_nation: Arc<FieldNation>,
        transaction: Transaction,
    ) -> Self {
        Self {
            token: LeaseToken {
                transaction: transaction.id,
                owner: shared.owner,
                attempt: transaction.attempts,
            },
            progress: transaction.progress.clone(),
            shared,
            connector,
            active,
            field_nation,
            transaction,
            correlation: None,
            pending: StepRecord::default(),
        }
    }

    pub(crate) fn token(&self) -> &LeaseToken {
        &self.token
    }

    /// Whether an earlier attempt, or the same one before a crash, may have got past its first step.
    pub(crate) fn is_repeated(&self) -> bool {
        self.transaction.attempts > 1 || self.transaction.progress != Progress::default()
    }

    /// Begins a step.
    pub(crate) fn begin(&self, step: Step) -> Running {
        Running {
            step,
            call: Call::new(self.transaction.priority),
            started: Instant::now(),
        }
    }

    /// Ends a step: its line joins those waiting to be saved.
    pub(crate) fn end<T>(
        &mut self,
        running: Running,
        result: Result<T, Failure>,
        detail: impl FnOnce(&T) -> String,
    ) -> Stepped<T> {
        let (outcome, detail) = match &result {
            Ok(value) => (StepOutcome::Done, detail(value)),
            Err(failure) => (
                StepOutcome::Failed {
                    failure: failure.clone(),
                },
                String::new(),
            ),
        };
        let Running {
            step,
            call,
            started,
        } = running;
        let mut entry = self.entry(step, started, outcome, detail);
        entry.exchanges = call.take_exchanges();
        self.pending.entries.push(entry);
        result.map_err(|failure| End::Failed(step, failure))
    }

    /// Ends a step that rightly ends the attempt.
    pub(crate) fn stop(&mut self, running: &Running, reason: SkipReason) -> End {
        let detail = match &reason {
            SkipReason::Filtered(why) => why.clone(),
            other => other.word().to_owned(),
        };
        let mut entry = self.entry(running.step, running.started, StepOutcome::Stopped, detail);
        entry.exchanges = running.call.take_exchanges();
        self.pending.entries.push(entry);
        End::Skipped(reason)
    }

    /// Writes down that a create is about to be sent.
    pub(crate) fn intend(&mut self, running: &Running, detail: String) {
        let entry = self.entry(running.step, running.started, StepOutcome::Intended, detail);
        self.pending.entries.push(entry);
    }

    fn entry(
        &self,
        step: Step,
        started: Instant,
        outcome: StepOutcome,
        detail: String,
    ) -> JournalEntry {
        JournalEntry {
            at: self.shared.now(),
            attempt: self.transaction.attempts,
            step,
            outcome,
            detail,
            elapsed_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            exchanges: Vec::new(),
        }
    }

    /// Keeps a payload with the next save.
    pub(crate) fn keep(&mut self, kind: PayloadKind, value: &Value) {
        self.pending
            .payloads
            .push((kind, Bytes::from(value.to_string())));
    }

    /// A payload kept earlier, as JSON.
    pub(crate) async fn kept(&self, kind: PayloadKind) -> Stepped<Option<Value>> {
        let bytes = self.shared.store.payload(self.transaction.id, kind).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// What the transaction is now known to concern.
    pub(crate) fn identify(&mut self, label: &str) {
        if !label.is_empty() && self.transaction.label.as_deref() != Some(label) {
            let label: String = label.chars().take(200).collect();
            self.pending.label = Some(label.clone());
            self.transaction.label = Some(label);
        }
        self.pending.record.clone_from(&self.transaction.record);
        self.pending.work_order = self.transaction.work_order;
    }

    /// Writes the correlation with the next save.
    pub(crate) fn link(&mut self, correlation: Correlation) {
        self.transaction.record = Some(correlation.record.clone());
        self.transaction.work_order = Some(correlation.work_order);
        self.pending.record = Some(correlation.record.clone());
        self.pending.work_order = Some(correlation.work_order);
        self.progress.linked = true;
        self.pending.link = Some(Box::new(correlation.clone()));
        self.correlation = Some(correlation);
    }

    /// Notes that something was carried over, and saves it before the next thing is.
    pub(crate) async fn carried(&mut self, source: String, target: Option<String>) -> Stepped<()> {
        if let Some(mut correlation) = self.correlation.clone() {
            correlation
                .carried
                .insert(source.clone(), target.unwrap_or_default());
            self.link(correlation);
        }
        self.progress.carried.push(source);
        self.save().await
    }

    /// Puts on disk what happened so far.
    pub(crate) async fn save(&mut self) -> Stepped<()> {
        let record = self.take_pending();
        self.shared.store.record(&self.token, record).await?;
        Ok(())
    }

    /// What is not saved yet, to be written with the end of the attempt.
    pub(crate) fn take_pending(&mut self) -> StepRecord {
        let mut record = std::mem::take(&mut self.pending);
        if self.progress != self.transaction.progress {
            record.progress = Some(self.progress.clone());
            self.transaction.progress = self.progress.clone();
        }
        record
    }
}
