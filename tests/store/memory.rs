//! The store in memory: no index, no file, every question answered by looking at everything. It says
//! what the verbs mean, so simply that it can be believed; the real one is held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use fieldbridge::model::{
    Catalogue, Clock, ConnectorId, Direction, Fingerprint, JournalEntry, Lease, ManualClock,
    MappingVersion, Move, PayloadKind, Priority, Progress, RecordId, State, Step, Timestamp,
    Transaction, TransactionId, WorkOrderId,
};
use fieldbridge::store::{
    Acceptance, Accepted, AuditEntry, ClaimRequest, ConnectorStatus, Correlation, Counts, Draft,
    FailureGroup, GroupQuery, Hold, LeaseToken, ListOrder, ListQuery, MappingEntry, NewDraft,
    NewTransaction, Outcome, Page, PageCursor, PersonCommand, PersonMove, Result, StepRecord,
    Store, StoreError, TriggerToken, Watermark,
};

#[derive(Default)]
struct Inner {
    rows: BTreeMap<TransactionId, Transaction>,
    journal: BTreeMap<TransactionId, Vec<JournalEntry>>,
    payloads: BTreeMap<(TransactionId, PayloadKind), Bytes>,
    deliveries: BTreeMap<String, Timestamp>,
    correlations: Vec<Correlation>,
    connectors: BTreeMap<ConnectorId, ConnectorStatus>,
    catalogues: BTreeMap<(ConnectorId, Direction), Arc<Catalogue>>,
    mappings: BTreeMap<String, Bytes>,
    history: BTreeMap<ConnectorId, Vec<MappingEntry>>,
    drafts: BTreeMap<ConnectorId, Draft>,
    secrets: BTreeMap<String, Bytes>,
    commands: BTreeMap<u128, (Timestamp, Transaction)>,
    audit: BTreeMap<TransactionId, AuditEntry>,
    now: Timestamp,
}

pub struct MemoryStore {
    clock: Arc<ManualClock>,
    inner: Mutex<Inner>,
}

impl MemoryStore {
    pub fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap();
        inner.now = self.clock.now();
        inner
    }
}

/// The lane of a transaction, in words.
pub fn lane(transaction: &Transaction) -> String {
    let connector = &transaction.connector;
    match (&transaction.record, transaction.work_order) {
        (Some(record), _) => format!("{connector} record {record}"),
        (None, Some(work_order)) => format!("{connector} work order {work_order}"),
        (None, None) => format!("{connector} alone {}", transaction.id),
    }
}

fn waits(transaction: &Transaction) -> bool {
    matches!(transaction.state, State::Queued | State::Retrying)
}

fn is_over(transaction: &Transaction) -> bool {
    matches!(
        transaction.state,
        State::Done | State::Skipped | State::Discarded
    )
}

fn afresh(progress: &Progress) -> Progress {
    Progress {
        fetched: false,
        mapped: None,
        ..progress.clone()
    }
}

impl Inner {
    fn paused(&self, connector: &ConnectorId) -> bool {
        self.connectors
            .get(connector)
            .is_some_and(|status| status.hold.is_some())
    }

    fn change(&mut self, mut new: Transaction, by: Option<String>) -> Transaction {
        let old = &self.rows[&new.id];
        new.revision = old.revision + 1;
        new.updated_at = self.now;
        new.changed_by = by;
        self.rows.insert(new.id, new.clone());
        new
    }

    fn change_all(
        &mut self,
        wanted: impl Fn(&Transaction) -> bool,
        change: impl Fn(&mut Transaction),
    ) -> u64 {
        let rows: Vec<_> = self
            .rows
            .values()
            .filter(|row| wanted(row))
            .cloned()
            .collect();
        let mut changed = 0;
        for mut row in rows {
            change(&mut row);
            self.change(row, None);
            changed += 1;
        }
        changed
    }

    fn complete(&self, row: &mut Transaction) {
        let of = self
            .correlations
            .iter()
            .filter(|link| link.connector == row.connector);
        match (&row.record, row.work_order) {
            (Some(record), None) => {
                row.work_order = of
                    .clone()
                    .find(|link| link.record == *record)
                    .map(|link| link.work_order);
            }
            (None, Some(work_order)) => {
                row.record = of
                    .clone()
                    .find(|link| link.work_order == work_order)
                    .map(|link| link.record.clone());
            }
            _ => {}
        }
    }

    fn settle_pause(&self, row: &mut Transaction) {
        let paused = self.paused(&row.connector);
        if waits(row) && paused {
            row.state = State::Held;
            row.due_at = None;
        } else if row.state == State::Held && !paused {
            row.state = State::Queued;
        }
    }

    fn accept_one(&mut self, acceptance: &Acceptance, new: &NewTransaction) -> TransactionId {
        if self.rows.contains_key(&new.id) {
            return new.id;
        }
        if let Some(waiting) = self.to_join(new) {
            let joined = waiting.joined + 1;
            let priority = waiting.priority.min(new.priority);
            return self
                .change(
                    Transaction {
                        joined,
                        priority,
                        ..waiting
                    },
                    None,
                )
                .id;
        }
        let mut row = Transaction {
            id: new.id,
            connector: new.connector.clone(),
            direction: new.direction,
            origin: new.origin,
            priority: new.priority,
            state: State::Queued,
            record: new.record.clone(),
            work_order: new.work_order,
            event: new.event,
            label: new.label.clone(),
            received_at: acceptance.at,
            updated_at: self.now,
            due_at: None,
            attempts: 0,
            joined: 0,
            progress: new.progress.clone(),
            lease: None,
            failure: None,
            skipped: None,
            discarded: None,
            replays: new.replays,
            revision: 0,
            changed_by: None,
        };
        self.complete(&mut row);
        self.settle_pause(&mut row);
        if !acceptance.body.is_empty() {
            self.payloads
                .insert((new.id, PayloadKind::Trigger), acceptance.body.clone());
        }
        for (kind, payload) in &new.payloads {
            self.payloads.insert((new.id, *kind), payload.clone());
        }
        self.rows.insert(new.id, row);
        new.id
    }

    fn to_join(&self, new: &NewTransaction) -> Option<Transaction> {
        let comes_plain =
            new.payloads.is_empty() && new.progress == Progress::default() && new.replays.is_none();
        let waits_plain = |row: &&Transaction| {
            matches!(row.state, State::Queued | State::Held)
                && row.attempts == 0
                && row.replays.is_none()
                && row.progress == Progress::default()
                && [PayloadKind::Source, PayloadKind::Output, PayloadKind::Sent]
                    .iter()
                    .all(|kind| !self.payloads.contains_key(&(row.id, *kind)))
        };
        let same = |row: &&Transaction| {
            row.connector == new.connector
                && row.direction == Direction::Inbound
                && row.record == new.record
        };
        if new.direction != Direction::Inbound || new.record.is_none() || !comes_plain {
            return None;
        }
        self.rows
            .values()
            .rev()
            .filter(same)
            .find(waits_plain)
            .cloned()
    }

    fn claimable(
        &self,
        connector: &ConnectorId,
        priority: Priority,
        now: Timestamp,
    ) -> Option<Transaction> {
        let free = |row: &&Transaction| {
            let mut lane_mates = self.rows.values().filter(|other| {
                other.id != row.id && other.state.is_active() && lane(other) == lane(row)
            });
            lane_mates.all(|other| other.state != State::Processing && other.id > row.id)
        };
        let candidates = self.rows.values().filter(|row| {
            row.connector == *connector
                && row.priority == priority
                && waits(row)
                && row.due_at.is_none_or(|due| due <= now)
        });
        let order = |row: &&Transaction| (row.due_at.unwrap_or(row.received_at), row.id);
        candidates.filter(free).min_by_key(order).cloned()
    }

    fn leased(&self, token: &LeaseToken) -> Result<Transaction> {
        let row = self
            .rows
            .get(&token.transaction)
            .ok_or(StoreError::NotFound(token.transaction))?;
        let lease = row
            .lease
            .as_ref()
            .filter(|lease| lease.owner == token.owner);
        match lease.filter(|_| row.attempts == token.attempt) {
            Some(_) => Ok(row.clone()),
            None => Err(StoreError::LeaseLost(token.transaction)),
        }
    }

    fn step(&mut self, row: &mut Transaction, step: &StepRecord) {
        self.journal
            .entry(row.id)
            .or_default()
            .extend(step.entries.iter().cloned());
        for (kind, payload) in &step.payloads {
            self.payloads.insert((row.id, *kind), payload.clone());
        }
        if let Some(progress) = &step.progress {
            row.progress = progress.clone();
        }
        row.record = step.record.clone().or(row.record.take());
        row.work_order = step.work_order.or(row.work_order);
        row.label = step.label.clone().or(row.label.take());
        self.complete(row);
    }

    fn link(&mut self, link: &Correlation) {
        let is_same =
            |other: &Correlation| other.connector == link.connector && other.record == link.record;
        let known = self
            .correlations
            .iter()
            .any(|other| is_same(other) && other.work_order == link.work_order);
        self.correlations.retain(|other| {
            !(is_same(other)
                || other.connector == link.connector && other.work_order == link.work_order)
        });
        self.correlations.push(link.clone());
        if known {
            return;
        }
        let concerned = |row: &Transaction| {
            row.state.is_active()
                && row.connector == link.connector
                && match &row.record {
                    Some(record) => *record == link.record && row.work_order.is_none(),
                    None => row.work_order == Some(link.work_order),
                }
        };
        self.change_all(concerned, |row| {
            row.record = Some(link.record.clone());
            row.work_order = Some(link.work_order);
        });
    }

    fn groups(&self) -> Vec<FailureGroup> {
        let mut groups: BTreeMap<Fingerprint, FailureGroup> = BTreeMap::new();
        let mut dead: Vec<_> = self
            .rows
            .values()
            .filter(|row| row.state == State::Dead)
            .collect();
        dead.sort_by_key(|row| (row.updated_at, row.id));
        for row in dead {
            let Some((step, failure)) = &row.failure else {
                continue;
            };
            let fingerprint = Fingerprint::of(&row.connector, *step, failure);
            let count = groups.get(&fingerprint).map_or(0, |group| group.count) + 1;
            let group = FailureGroup {
                fingerprint: fingerprint.clone(),
                connector: row.connector.clone(),
                step: *step,
                category: failure.category,
                cause: failure.cause.clone(),
                rule: failure.rule,
                count,
                last_at: row.updated_at,
                latest: row.id,
            };
            groups.insert(fingerprint, group);
        }
        groups.into_values().collect()
    }
}

fn page<T: Clone>(items: Vec<(TransactionId, T)>, limit: usize) -> Page<T> {
    let next = items
        .get(limit)
        .and(items.get(limit.wrapping_sub(1)))
        .map(|(id, _)| PageCursor(*id));
    let items = items
        .into_iter()
        .take(limit)
        .map(|(_, item)| item)
        .collect();
    Page { items, next }
}

#[async_trait]
impl Store for MemoryStore {
    async fn accept(&self, acceptance: Acceptance) -> Result<Accepted> {
        let mut inner = self.inner();
        if let Some(key) = &acceptance.delivery {
            if inner.deliveries.contains_key(key.as_str()) {
                return Ok(Accepted::Duplicate);
            }
            inner
                .deliveries
                .insert(key.as_str().to_owned(), acceptance.at);
        }
        let ids = acceptance
            .transactions
            .iter()
            .map(|new| inner.accept_one(&acceptance, new));
        Ok(Accepted::Stored(ids.collect()))
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Transaction>> {
        let mut inner = self.inner();
        let mut claimed = Vec::new();
        let mut left: Vec<usize> = request.wanted.iter().map(|(_, left)| *left).collect();
        for priority in [Priority::Live, Priority::Background] {
            loop {
                let before = claimed.len();
                for (place, (connector, _)) in request.wanted.iter().enumerate() {
                    if left[place] == 0
                        || claimed.len() == request.at_most
                        || inner.paused(connector)
                    {
                        continue;
                    }
                    let Some(mut row) = inner.claimable(connector, priority, request.now) else {
                        continue;
                    };
                    row.state = State::Processing;
                    row.attempts += 1;
                    row.due_at = None;
                    let (owner, expires_at) = (request.owner, request.now + request.lease);
                    row.lease = Some(Lease { owner, expires_at });
                    claimed.push(inner.change(row, None));
                    left[place] -= 1;
                }
                if claimed.len() == before {
                    break;
                }
            }
        }
        Ok(claimed)
    }

    async fn next_due(
        &self,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let inner = self.inner();
        let first = |row: &&Transaction| {
            let mut ahead = inner.rows.values().filter(|other| {
                other.id != row.id
                    && other.state.is_active()
                    && lane(other) == lane(row)
                    && (other.id < row.id || other.state == State::Processing)
            });
            ahead.next().is_none()
        };
        let waiting = inner
            .rows
            .values()
            .filter(|row| waits(row) && connectors.contains(&row.connector));
        let due = waiting.filter(first).filter_map(|row| row.due_at);
        Ok(due.filter(|due| *due > now).min())
    }

    async fn record(&self, token: &LeaseToken, step: StepRecord) -> Result<()> {
        let mut inner = self.inner();
        let old = inner.leased(token)?;
        let mut row = old.clone();
        inner.step(&mut row, &step);
        if row != old {
            inner.change(row, None);
        }
        if let Some(link) = &step.link {
            inner.link(link);
        }
        Ok(())
    }

    async fn conclude(&self, token: &LeaseToken, outcome: Outcome, last: StepRecord) -> Result<()> {
        let mut inner = self.inner();
        inner.leased(token)?;
        if let Some(link) = &last.link {
            inner.link(link);
        }
        let mut row = inner.leased(token)?;
        inner.step(&mut row, &last);
        row.lease = None;
        match outcome {
            Outcome::Done => {
                row.state = State::Done;
                row.failure = None;
            }
            Outcome::Skipped(reason) => {
                row.state = State::Skipped;
                row.skipped = Some(reason);
                row.failure = None;
            }
            Outcome::RetryAt(at, step, failure) => {
                row.state = State::Retrying;
                row.due_at = Some(at);
                row.failure = Some((step, failure));
                row.progress = afresh(&row.progress);
            }
            Outcome::Postponed(at, failure) => {
                row.state = State::Queued;
                row.due_at = Some(at);
                row.attempts -= 1;
                let step = last.entries.last().map_or(Step::Fetch, |entry| entry.step);
                row.failure = failure.map(|failure| (step, failure)).or(row.failure);
            }
            Outcome::Dead(step, failure) => {
                row.state = State::Dead;
                row.failure = Some((step, failure));
            }
            Outcome::Held(failure) => {
                row.state = State::Held;
                row.failure = failure.or(row.failure);
            }
        }
        inner.settle_pause(&mut row);
        inner.change(row, None);
        Ok(())
    }

    async fn renew(&self, token: &LeaseToken, until: Timestamp) -> Result<()> {
        let mut inner = self.inner();
        let mut row = inner.leased(token)?;
        row.lease = Some(Lease {
            owner: token.owner,
            expires_at: until,
        });
        inner.change(row, None);
        Ok(())
    }

    async fn reclaim(&self, now: Timestamp) -> Result<u64> {
        let mut inner = self.inner();
        let paused: BTreeSet<_> = inner
            .connectors
            .keys()
            .filter(|name| inner.paused(name))
            .cloned()
            .collect();
        let lapsed = |row: &Transaction| {
            row.lease
                .as_ref()
                .is_some_and(|lease| lease.expires_at <= now)
        };
        Ok(inner.change_all(lapsed, |row| {
            row.lease = None;
            row.state = if paused.contains(&row.connector) {
                State::Held
            } else {
                State::Queued
            };
        }))
    }

    async fn link(&self, correlation: Correlation) -> Result<()> {
        self.inner().link(&correlation);
        Ok(())
    }

    async fn correlation(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
    ) -> Result<Option<Correlation>> {
        let inner = self.inner();
        let mut all = inner.correlations.iter();
        Ok(all
            .find(|link| link.connector == *connector && link.record == *record)
            .cloned())
    }

    async fn correlations_of(&self, work_order: WorkOrderId) -> Result<Vec<Correlation>> {
        let inner = self.inner();
        let mut of: Vec<_> = inner
            .correlations
            .iter()
            .filter(|link| link.work_order == work_order)
            .cloned()
            .collect();
        of.sort_by(|one, other| one.connector.cmp(&other.connector));
        Ok(of)
    }

    async fn connector_status(&self, connector: &ConnectorId) -> Result<ConnectorStatus> {
        Ok(self
            .inner()
            .connectors
            .get(connector)
            .cloned()
            .unwrap_or_default())
    }

    async fn pause(&self, connector: &ConnectorId, hold: Hold) -> Result<u64> {
        let mut inner = self.inner();
        let status = inner.connectors.entry(connector.clone()).or_default();
        let keeps = status.hold.as_ref().is_some_and(|hold| hold.by.is_some()) && hold.by.is_none();
        if !keeps {
            status.hold = Some(hold);
        }
        Ok(inner.change_all(
            |row| row.connector == *connector && waits(row),
            |row| {
                row.state = State::Held;
                row.due_at = None;
            },
        ))
    }

    async fn resume(&self, connector: &ConnectorId, _at: Timestamp) -> Result<u64> {
        let mut inner = self.inner();
        inner.connectors.entry(connector.clone()).or_default().hold = None;
        Ok(inner.change_all(
            |row| row.connector == *connector && row.state == State::Held,
            |row| {
                row.state = State::Queued;
                row.due_at = None;
            },
        ))
    }

    async fn set_watermark(&self, connector: &ConnectorId, watermark: Watermark) -> Result<()> {
        self.inner()
            .connectors
            .entry(connector.clone())
            .or_default()
            .watermark = Some(watermark);
        Ok(())
    }

    async fn set_trigger_token(&self, connector: &ConnectorId, token: TriggerToken) -> Result<()> {
        self.inner()
            .connectors
            .entry(connector.clone())
            .or_default()
            .trigger_token = Some(token);
        Ok(())
    }

    async fn put_catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
        catalogue: Catalogue,
    ) -> Result<()> {
        self.inner()
            .catalogues
            .insert((connector.clone(), direction), Arc::new(catalogue));
        Ok(())
    }

    async fn catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Result<Option<Arc<Catalogue>>> {
        Ok(self
            .inner()
            .catalogues
            .get(&(connector.clone(), direction))
            .cloned())
    }

    async fn put_mapping(&self, version: &MappingVersion, text: Bytes) -> Result<()> {
        self.inner()
            .mappings
            .entry(version.as_str().to_owned())
            .or_insert(text);
        Ok(())
    }

    async fn mapping(&self, version: &MappingVersion) -> Result<Option<Bytes>> {
        Ok(self.inner().mappings.get(version.as_str()).cloned())
    }

    async fn mapping_in_force(&self, connector: &ConnectorId, entry: MappingEntry) -> Result<()> {
        let mut inner = self.inner();
        let history = inner.history.entry(connector.clone()).or_default();
        if history.first().map(|latest| &latest.version) != Some(&entry.version) {
            history.insert(0, entry);
            history.truncate(200);
        }
        Ok(())
    }

    async fn mapping_history(&self, connector: &ConnectorId) -> Result<Vec<MappingEntry>> {
        let history = self.inner().history.get(connector).cloned();
        Ok(history.unwrap_or_default())
    }

    async fn save_draft(&self, connector: &ConnectorId, draft: NewDraft) -> Result<Draft> {
        let mut inner = self.inner();
        let draft = draft.after(inner.drafts.get(connector))?;
        inner.drafts.insert(connector.clone(), draft.clone());
        Ok(draft)
    }

    async fn draft(&self, connector: &ConnectorId) -> Result<Option<Draft>> {
        Ok(self.inner().drafts.get(connector).cloned())
    }

    async fn drop_draft(&self, connector: &ConnectorId) -> Result<bool> {
        Ok(self.inner().drafts.remove(connector).is_some())
    }

    async fn command(&self, command: PersonCommand) -> Result<Transaction> {
        let mut inner = self.inner();
        if let Some((_, answer)) = inner.commands.get(&command.id.as_u128()) {
            return Ok(answer.clone());
        }
        let id = command.transaction;
        let old = inner
            .rows
            .get(&id)
            .cloned()
            .ok_or(StoreError::NotFound(id))?;
        if command.seen.is_some_and(|seen| seen != old.revision) {
            let by = old.changed_by.unwrap_or_else(|| "the engine".to_owned());
            let at = old.updated_at;
            return Err(StoreError::Stale { id, by, at });
        }
        let mut row = old.clone();
        let action = match &command.action {
            PersonMove::Retry => {
                row.state = old.state.after(Move::Requeue)?;
                row.skipped = None;
                row.progress = afresh(&old.progress);
                if old.state != State::Retrying {
                    row.attempts = 0;
                }
                "retried it".to_owned()
            }
            PersonMove::Discard { reason } => {
                row.state = old.state.after(Move::Discard)?;
                row.discarded = Some((command.by.clone(), reason.clone()));
                format!("discarded it: {reason}")
            }
            PersonMove::Restore => {
                row.state = old.state.after(Move::Restore)?;
                row.discarded = None;
                "took its discard back".to_owned()
            }
        };
        row.due_at = None;
        inner.settle_pause(&mut row);
        let answer = inner.change(row, Some(command.by.clone()));
        let entry = AuditEntry {
            id: TransactionId::generate(),
            at: command.at,
            by: command.by,
            action,
            connector: Some(answer.connector.clone()),
            transaction: Some(id),
        };
        inner.audit.insert(entry.id, entry);
        inner
            .commands
            .insert(command.id.as_u128(), (command.at, answer.clone()));
        Ok(answer)
    }

    async fn audit(&self, entry: AuditEntry) -> Result<()> {
        self.inner().audit.insert(entry.id, entry);
        Ok(())
    }

    async fn audit_trail(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> Result<Page<AuditEntry>> {
        let inner = self.inner();
        let behind = |id: TransactionId| before.is_none_or(|cursor| id < cursor.0);
        let lines = inner.audit.iter().rev().filter(|(id, _)| behind(**id));
        Ok(page(
            lines.map(|(id, line)| (*id, line.clone())).collect(),
            limit,
        ))
    }

    async fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>> {
        Ok(self.inner().rows.get(&id).cloned())
    }

    async fn journal(&self, id: TransactionId) -> Result<Vec<JournalEntry>> {
        Ok(self.inner().journal.get(&id).cloned().unwrap_or_default())
    }

    async fn payload(&self, id: TransactionId, kind: PayloadKind) -> Result<Option<Bytes>> {
        Ok(self.inner().payloads.get(&(id, kind)).cloned())
    }

    async fn list(&self, query: ListQuery) -> Result<Page<Transaction>> {
        let inner = self.inner();
        let dead_of = |row: &Transaction| {
            let (step, failure) = row.failure.as_ref().filter(|_| row.state == State::Dead)?;
            Some(Fingerprint::of(&row.connector, *step, failure))
        };
        let wanted = |row: &Transaction| {
            query
                .connector
                .as_ref()
                .is_none_or(|wanted| *wanted == row.connector)
                && (query.states.is_empty() || query.states.contains(&row.state))
                && query.direction.is_none_or(|wanted| wanted == row.direction)
                && (query.record.is_none() || query.record == row.record)
                && (query.work_order.is_none() || query.work_order == row.work_order)
                && (query.fingerprint.is_none() || query.fingerprint == dead_of(row))
        };
        let mut rows: Vec<_> = inner
            .rows
            .values()
            .filter(|row| wanted(row))
            .cloned()
            .collect();
        if query.order == ListOrder::NewestFirst {
            rows.reverse();
        }
        let behind = |row: &Transaction| match (query.after, query.order) {
            (None, _) => true,
            (Some(after), ListOrder::OldestFirst) => row.id > after.0,
            (Some(after), ListOrder::NewestFirst) => row.id < after.0,
        };
        let rows = rows
            .into_iter()
            .filter(|row| behind(row))
            .map(|row| (row.id, row));
        Ok(page(rows.collect(), query.limit))
    }

    async fn failure_groups(&self, query: GroupQuery) -> Result<Vec<FailureGroup>> {
        let mut groups = self.inner().groups();
        groups.retain(|group| {
            query
                .connector
                .as_ref()
                .is_none_or(|wanted| *wanted == group.connector)
        });
        groups.sort_by_key(|group| std::cmp::Reverse((group.count, group.last_at)));
        groups.truncate(query.limit);
        Ok(groups)
    }

    async fn counts(&self) -> Result<Counts> {
        Ok(recount(self.inner().rows.values()))
    }

    async fn put_secret(&self, name: &str, sealed: Option<Bytes>) -> Result<()> {
        let mut inner = self.inner();
        match sealed {
            Some(sealed) => inner.secrets.insert(name.to_owned(), sealed),
            None => inner.secrets.remove(name),
        };
        Ok(())
    }

    async fn secret(&self, name: &str) -> Result<Option<Bytes>> {
        Ok(self.inner().secrets.get(name).cloned())
    }

    async fn secret_names(&self) -> Result<Vec<String>> {
        Ok(self.inner().secrets.keys().cloned().collect())
    }

    async fn forget_before(&self, moment: Timestamp) -> Result<u64> {
        let mut inner = self.inner();
        let old = inner
            .rows
            .values()
            .filter(|row| is_over(row) && row.updated_at < moment);
        let old: BTreeSet<_> = old.map(|row| row.id).collect();
        let before = inner.deliveries.len() + inner.commands.len();
        inner.rows.retain(|id, _| !old.contains(id));
        inner.journal.retain(|id, _| !old.contains(id));
        inner.payloads.retain(|(id, _), _| !old.contains(id));
        inner.deliveries.retain(|_, at| *at >= moment);
        inner.commands.retain(|_, (at, _)| *at >= moment);
        let keys = before - inner.deliveries.len() - inner.commands.len();
        Ok((old.len() + keys) as u64)
    }
}

/// Counts by looking at everything.
pub fn recount<'r>(rows: impl IntoIterator<Item = &'r Transaction>) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        let directions = counts
            .by_connector
            .entry(row.connector.clone())
            .or_default();
        *directions
            .entry(row.direction)
            .or_default()
            .of_mut(row.state) += 1;
    }
    counts
}
