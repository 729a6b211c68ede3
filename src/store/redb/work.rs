//! Work: claims, what steps leave behind, how attempts end, leases.

use bytes::Bytes;
use redb::ReadableTable;
use tracing::error;

use super::fault::{Fault, encode};
use super::ledger::{Author, Ledger};
use super::schema::{moment, priority_code};
use crate::model::{
    ConnectorId, JournalEntry, Lease, Move, PayloadKind, Priority, Progress, State, Step,
    Timestamp, Transaction, TransactionId,
};
use crate::store::{ClaimRequest, LeaseToken, Outcome, StepRecord, StoreError};

/// A connector's share in a claim.
struct Share<'r> {
    connector: &'r ConnectorId,
    left: usize,
}

impl Ledger<'_> {
    /// [`crate::store::Store::claim`]: in turns, one of each connector, so that none goes without while
    /// another takes all; what is live of all of them before what is not.
    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Result<Vec<Transaction>, Fault> {
        let mut claimed = Vec::new();
        let mut shares = self.shares(request);
        for priority in [Priority::Live, Priority::Background] {
            let mut turns: Vec<usize> = (0..shares.len()).collect();
            while !turns.is_empty() {
                let mut next_round = Vec::with_capacity(turns.len());
                for turn in turns {
                    let Some(share) = shares.get_mut(turn).filter(|share| share.left > 0) else {
                        continue;
                    };
                    if claimed.len() >= request.at_most {
                        return Ok(claimed);
                    }
                    if let Some(transaction) = self.claim_one(request, share.connector, priority)? {
                        claimed.push(transaction);
                        share.left -= 1;
                        next_round.push(turn);
                    }
                }
                turns = next_round;
            }
        }
        Ok(claimed)
    }

    fn shares<'r>(&self, request: &'r ClaimRequest) -> Vec<Share<'r>> {
        let works = |connector: &ConnectorId| {
            let waiting =
                [State::Queued, State::Retrying].map(|state| self.memory.count(connector, state));
            !self.memory.is_paused(connector) && waiting.into_iter().sum::<u64>() > 0
        };
        let wanted = request
            .wanted
            .iter()
            .filter(|(connector, _)| works(connector));
        wanted
            .map(|(connector, left)| Share {
                connector,
                left: *left,
            })
            .collect()
    }

    fn claim_one(
        &mut self,
        request: &ClaimRequest,
        connector: &ConnectorId,
        priority: Priority,
    ) -> Result<Option<Transaction>, Fault> {
        while let Some(key) = self.next_ready(connector, priority, request.now)? {
            let id = key.2;
            let old = match self.row(id) {
                Ok(Some(old)) => old,
                unreadable => {
                    // One row that can't be read must not stop its connector for ever.
                    error!(transaction = %TransactionId::from_u128(id), ?unreadable, "left out of claims");
                    let key = (
                        connector.as_str(),
                        priority_code(priority),
                        key.0,
                        key.1,
                        id,
                    );
                    self.write().ready.remove(key)?;
                    continue;
                }
            };
            let new = Transaction {
                state: old.state.after(Move::Claim)?,
                attempts: old.attempts.saturating_add(1),
                due_at: None,
                lease: Some(Lease {
                    owner: request.owner,
                    expires_at: after(request.now, request.lease),
                }),
                ..old.clone()
            };
            return self.replace(&old, new, Author::Engine).map(Some);
        }
        Ok(None)
    }

    /// What is first in line: of what waits for no date and what has reached its date, the older.
    fn next_ready(
        &self,
        connector: &ConnectorId,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Option<(bool, i128, u128)>, Fault> {
        let (connector, priority) = (connector.as_str(), priority_code(priority));
        let first = |dated: bool, until: i128| -> Result<_, Fault> {
            let low = (connector, priority, dated, i128::MIN, 0);
            let high = (connector, priority, dated, until, u128::MAX);
            let first = self.read().ready.range(low..=high)?.next().transpose()?;
            Ok(first.map(|(key, _)| {
                let (_, _, dated, at, id) = key.value();
                (dated, at, id)
            }))
        };
        let undated = first(false, i128::MAX)?;
        let dated = first(true, moment(now))?;
        Ok(undated
            .into_iter()
            .chain(dated)
            .min_by_key(|(_, at, id)| (*at, *id)))
    }

    /// [`crate::store::Store::record`].
    pub(super) fn record(&mut self, token: &LeaseToken, step: &StepRecord) -> Result<(), Fault> {
        let old = self.leased(token)?;
        self.leave_traces(token.transaction, step)?;
        let mut new = old.clone();
        apply(&mut new, step);
        self.complete(&mut new)?;
        if new != old {
            self.replace(&old, new, Author::Engine)?;
        }
        if let Some(correlation) = &step.link {
            self.link(correlation)?;
        }
        Ok(())
    }

    /// [`crate::store::Store::conclude`].
    pub(super) fn conclude(
        &mut self,
        token: &LeaseToken,
        outcome: &Outcome,
        last: &StepRecord,
    ) -> Result<(), Fault> {
        let mut old = self.leased(token)?;
        if let Some(correlation) = &last.link {
            self.link(correlation)?;
            old = self.leased(token)?;
        }
        let mut new = old.clone();
        apply(&mut new, last);
        self.complete(&mut new)?;
        new.lease = None;
        end(&mut new, outcome, last)?;
        self.mind_the_pause(&mut new)?;
        self.leave_traces(token.transaction, last)?;
        self.replace(&old, new, Author::Engine)?;
        Ok(())
    }

    /// Holds what waits while its connector is paused, and lets go what is held while it is not: a pause
    /// may have come, or gone, while an attempt was running.
    pub(super) fn mind_the_pause(&self, new: &mut Transaction) -> Result<(), Fault> {
        let waits = matches!(new.state, State::Queued | State::Retrying);
        let paused = self.memory.is_paused(&new.connector);
        if waits && paused {
            new.state = new.state.after(Move::Hold)?;
            new.due_at = None;
        } else if new.state == State::Held && !paused {
            new.state = new.state.after(Move::Release)?;
        }
        Ok(())
    }

    /// [`crate::store::Store::renew`].
    pub(super) fn renew(&mut self, token: &LeaseToken, until: Timestamp) -> Result<(), Fault> {
        let old = self.leased(token)?;
        let new = Transaction {
            lease: Some(Lease {
                owner: token.owner,
                expires_at: until,
            }),
            ..old.clone()
        };
        self.replace(&old, new, Author::Engine)?;
        Ok(())
    }

    /// [`crate::store::Store::reclaim`].
    pub(super) fn reclaim(&mut self, now: Timestamp) -> Result<u64, Fault> {
        let mut given_back = 0;
        for id in self.memory.lapsed(now) {
            let old = self.named(id)?;
            let mut new = Transaction {
                state: old.state.after(Move::Reclaim)?,
                lease: None,
                ..old.clone()
            };
            self.mind_the_pause(&mut new)?;
            self.replace(&old, new, Author::Engine)?;
            given_back += 1;
        }
        Ok(given_back)
    }

    /// The transaction of a lease, if the lease still holds.
    fn leased(&self, token: &LeaseToken) -> Result<Transaction, Fault> {
        let transaction = self.named(token.transaction)?;
        let holds = transaction
            .lease
            .as_ref()
            .is_some_and(|lease| lease.owner == token.owner)
            && transaction.attempts == token.attempt;
        if holds {
            Ok(transaction)
        } else {
            Err(Fault::Refused(StoreError::LeaseLost(token.transaction)))
        }
    }

    fn leave_traces(&mut self, id: TransactionId, step: &StepRecord) -> Result<(), Fault> {
        self.put_journal(id, &step.entries)?;
        self.put_payloads(id, &step.payloads)
    }

    fn put_journal(&mut self, id: TransactionId, entries: &[JournalEntry]) -> Result<(), Fault> {
        if entries.is_empty() {
            return Ok(());
        }
        let id = id.as_u128();
        let last = self
            .read()
            .journal
            .range((id, 0)..=(id, u32::MAX))?
            .next_back();
        let mut line = last
            .transpose()?
            .map_or(0, |(key, _)| key.value().1.saturating_add(1));
        for entry in entries {
            let row = encode("journal entry", entry)?;
            self.write().journal.insert((id, line), row.as_slice())?;
            line = line.saturating_add(1);
        }
        Ok(())
    }

    /// Keeps payloads of a transaction, the latest of each kind.
    pub(super) fn put_payloads(
        &mut self,
        id: TransactionId,
        payloads: &[(PayloadKind, Bytes)],
    ) -> Result<(), Fault> {
        for (kind, payload) in payloads {
            let key = (id.as_u128(), kind.code());
            self.write().payload.insert(key, payload.as_ref())?;
        }
        Ok(())
    }
}

/// Lets the next attempt read the source anew; what took place on the other side stays known.
pub(super) fn begin_afresh(progress: &mut Progress) {
    progress.fetched = false;
    progress.mapped = None;
}

fn apply(new: &mut Transaction, step: &StepRecord) {
    if let Some(progress) = &step.progress {
        new.progress.clone_from(progress);
    }
    if step.record.is_some() {
        new.record.clone_from(&step.record);
    }
    if step.work_order.is_some() {
        new.work_order = step.work_order;
    }
    if step.label.is_some() {
        new.label.clone_from(&step.label);
    }
}

fn after(now: Timestamp, lease: std::time::Duration) -> Timestamp {
    now.checked_add(lease).unwrap_or(Timestamp::MAX)
}

/// Ends an attempt.
fn end(new: &mut Transaction, outcome: &Outcome, last: &StepRecord) -> Result<(), Fault> {
    let mut go = |step: Move| -> Result<(), Fault> {
        new.state = new.state.after(step)?;
        Ok(())
    };
    match outcome {
        Outcome::Done => {
            go(Move::Finish)?;
            new.failure = None;
        }
        Outcome::Skipped(reason) => {
            go(Move::Skip)?;
            new.skipped = Some(reason.clone());
            new.failure = None;
        }
        Outcome::RetryAt(at, step, failure) => {
            go(Move::RetryLater)?;
            new.due_at = Some(*at);
            new.failure = Some((*step, failure.clone()));
            begin_afresh(&mut new.progress);
        }
        Outcome::Postponed(until, failure) => {
            go(Move::Postpone)?;
            new.due_at = Some(*until);
            new.attempts = new.attempts.saturating_sub(1);
            if let Some(failure) = failure {
                let step = last.entries.last().map_or(Step::Fetch, |entry| entry.step);
                new.failure = Some((step, failure.clone()));
            }
        }
        Outcome::Dead(step, failure) => {
            go(Move::Bury)?;
            new.failure = Some((*step, failure.clone()));
        }
        Outcome::Held(failure) => {
            go(Move::Hold)?;
            if failure.is_some() {
                new.failure.clone_from(failure);
            }
        }
    }
    Ok(())
}
