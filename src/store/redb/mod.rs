//! The redb implementation of the store: one file, held by one process.
//!
//! Writes go to one thread that commits them in groups (`writer`), through the one place where a
//! row and its indexes change together (`ledger`); the verbs stand in `accept`, `work`, `link`,
//! `connectors`, `mappings`, `people` and `forget`. Reads take a snapshot of their own and never wait for a write
//! (`view`, `list`). No policy may enter here: when to retry, whom to pause, what to fetch is the engine's.

mod accept;
mod catalogues;
mod connectors;
#[cfg(test)]
mod crash_tests;
mod fault;
#[cfg(test)]
mod faulty_disk;
mod file;
mod forget;
mod groups;
mod ledger;
mod link;
mod list;
mod mappings;
mod memory;
mod people;
mod schema;
mod view;
mod work;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use bytes::Bytes;
use tracing::warn;

use self::catalogues::Catalogues;
use self::connectors::CHUNK;
use self::fault::{Fault, encode};
use self::file::{File, Holder, Home};
use self::ledger::Ledger;
use self::schema::{CATALOGUE, MAPPING, SECRET, direction_code};
use self::writer::Handle;
use super::{
    Acceptance, Accepted, AuditEntry, ClaimRequest, ConnectorStatus, Correlation, Counts, Draft,
    FailureGroup, GroupQuery, Hold, LeaseToken, ListQuery, MappingEntry, NewDraft, Outcome, Page,
    PageCursor, PersonCommand, Result, StepRecord, Store, StoreError, TriggerToken, Watermark,
};
use crate::model::{
    Catalogue, Clock, ConnectorId, Direction, JournalEntry, MappingVersion, PayloadKind, RecordId,
    Timestamp, Transaction, TransactionId, WorkOrderId,
};

/// The store in a redb file.
///
/// Dropping it finishes what is queued and closes the file.
pub struct RedbStore {
    handle: Handle,
    catalogues: Catalogues,
    writer: Mutex<Option<JoinHandle<()>>>,
    path: Option<PathBuf>,
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RedbStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl RedbStore {
    /// Opens a database file for this process alone, creating it (readable by its owner only) if there is
    /// none. Whatever was leased when the last process ended is back in the queue afterwards.
    ///
    /// Blocks for as long as the file takes to open.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it, [`StoreError::Unusable`] when it is not ours or
    /// newer than we are, [`StoreError::Unavailable`] when it can't be read or written.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let now = clock.now();
        let mut store = Self::open_home(Box::new(File(path.to_owned())), clock)?;
        if let Err(error) = Holder::this_process(now).write(path) {
            // The lock stands without the note; only the message of a second opener is poorer.
            warn!(%error, "who holds the database could not be noted beside it");
        }
        store.path = Some(path.to_owned());
        Ok(store)
    }

    fn open_home(home: Box<dyn Home>, clock: Arc<dyn Clock>) -> Result<Self> {
        let (handle, writer) = Handle::start(home, clock)?;
        Ok(Self {
            handle,
            catalogues: Catalogues::default(),
            writer: Mutex::new(Some(writer)),
            path: None,
        })
    }

    /// Finishes what is queued and closes the file. Whatever is asked afterwards is answered
    /// [`StoreError::Unavailable`]. Closing twice does nothing.
    ///
    /// Blocks until the last group is on disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file can't be closed cleanly; what was answered is on disk all
    /// the same.
    pub fn close(&self) -> Result<()> {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(writer) = writer else {
            return Ok(());
        };
        self.handle.stop();
        let joined = writer.join();
        let closed = self.handle.close();
        if let Some(path) = &self.path {
            Holder::remove(path);
        }
        joined.map_err(|_| StoreError::Unavailable("the store's writer panicked".to_owned()))?;
        closed
    }

    async fn write<T, V>(&self, verb: V) -> Result<T>
    where
        T: Send + 'static,
        V: FnMut(&mut Ledger<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.handle.write(verb).await
    }

    /// Begins a pause or a resumption and carries it through, a bounded number of transactions a commit,
    /// also when the caller goes away meanwhile. Answers how many were moved.
    async fn settle<V>(&self, connector: &ConnectorId, begin: V) -> Result<u64>
    where
        V: FnMut(&mut Ledger<'_>) -> std::result::Result<u64, Fault> + Send + 'static,
    {
        let (handle, connector) = (self.handle.clone(), connector.clone());
        let whole = tokio::spawn(async move {
            let mut last = handle.write(begin).await?;
            let mut moved = last;
            while last == CHUNK {
                let connector = connector.clone();
                last = handle
                    .write(move |ledger| ledger.settle(&connector))
                    .await?;
                moved += last;
            }
            Ok(moved)
        });
        let gone = |_| StoreError::Unavailable("the engine is stopping".to_owned());
        whole.await.map_err(gone)?
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            warn!(%error, "the database was not closed cleanly; it is repaired at the next start");
        }
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn accept(&self, acceptance: Acceptance) -> Result<Accepted> {
        self.write(move |ledger| ledger.accept(&acceptance)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Transaction>> {
        self.write(move |ledger| ledger.claim(&request)).await
    }

    async fn next_due(
        &self,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        self.handle.view()?.next_due(connectors, now)
    }

    async fn record(&self, token: &LeaseToken, step: StepRecord) -> Result<()> {
        let token = token.clone();
        self.write(move |ledger| ledger.record(&token, &step)).await
    }

    async fn conclude(&self, token: &LeaseToken, outcome: Outcome, last: StepRecord) -> Result<()> {
        let token = token.clone();
        self.write(move |ledger| ledger.conclude(&token, &outcome, &last))
            .await
    }

    async fn renew(&self, token: &LeaseToken, until: Timestamp) -> Result<()> {
        let token = token.clone();
        self.write(move |ledger| ledger.renew(&token, until)).await
    }

    async fn reclaim(&self, now: Timestamp) -> Result<u64> {
        self.write(move |ledger| ledger.reclaim(now)).await
    }

    async fn link(&self, correlation: Correlation) -> Result<()> {
        self.write(move |ledger| ledger.link(&correlation)).await
    }

    async fn correlation(
        &self,
        connector: &ConnectorId,
        record: &RecordId,
    ) -> Result<Option<Correlation>> {
        self.handle.view()?.correlation(connector, record)
    }

    async fn correlations_of(&self, work_order: WorkOrderId) -> Result<Vec<Correlation>> {
        self.handle.view()?.correlations_of(work_order)
    }

    async fn connector_status(&self, connector: &ConnectorId) -> Result<ConnectorStatus> {
        self.handle.view()?.connector_status(connector)
    }

    async fn pause(&self, connector: &ConnectorId, hold: Hold) -> Result<u64> {
        let paused = connector.clone();
        self.settle(connector, move |ledger| ledger.pause(&paused, &hold))
            .await
    }

    async fn resume(&self, connector: &ConnectorId, _at: Timestamp) -> Result<u64> {
        let resumed = connector.clone();
        self.settle(connector, move |ledger| ledger.resume(&resumed))
            .await
    }

    async fn set_watermark(&self, connector: &ConnectorId, watermark: Watermark) -> Result<()> {
        let connector = connector.clone();
        self.write(move |ledger| {
            ledger.change_status(&connector, |status| {
                status.watermark = Some(watermark.clone());
            })
        })
        .await
    }

    async fn set_trigger_token(&self, connector: &ConnectorId, token: TriggerToken) -> Result<()> {
        let connector = connector.clone();
        self.write(move |ledger| {
            ledger.change_status(&connector, |status| status.trigger_token = Some(token))
        })
        .await
    }

    async fn put_catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
        catalogue: Catalogue,
    ) -> Result<()> {
        let key = connector.clone();
        let row = encode("field catalogue", &catalogue)?;
        let _turn = self.catalogues.turn().await;
        self.write(move |ledger| {
            let key = (key.as_str(), direction_code(direction));
            ledger
                .txn_to_write()
                .open_table(CATALOGUE)?
                .insert(key, row.as_slice())?;
            Ok(())
        })
        .await?;
        self.catalogues.put(connector, direction, catalogue);
        Ok(())
    }

    async fn catalogue(
        &self,
        connector: &ConnectorId,
        direction: Direction,
    ) -> Result<Option<Arc<Catalogue>>> {
        self.catalogues.get(connector, direction, || {
            self.handle.view()?.catalogue(connector, direction)
        })
    }

    async fn put_mapping(&self, version: &MappingVersion, text: Bytes) -> Result<()> {
        if self.handle.view()?.mapping(version)?.is_some() {
            // A version is the hash of its text: what is there is the same.
            return Ok(());
        }
        let version = version.clone();
        self.write(move |ledger| {
            let mut mappings = ledger.txn_to_write().open_table(MAPPING)?;
            mappings.insert(version.as_str(), text.as_ref())?;
            Ok(())
        })
        .await
    }

    async fn mapping(&self, version: &MappingVersion) -> Result<Option<Bytes>> {
        self.handle.view()?.mapping(version)
    }

    async fn mapping_in_force(&self, connector: &ConnectorId, entry: MappingEntry) -> Result<()> {
        let connector = connector.clone();
        self.write(move |ledger| ledger.mapping_in_force(&connector, &entry))
            .await
    }

    async fn mapping_history(&self, connector: &ConnectorId) -> Result<Vec<MappingEntry>> {
        self.handle.view()?.mapping_history(connector)
    }

    async fn save_draft(&self, connector: &ConnectorId, draft: NewDraft) -> Result<Draft> {
        let connector = connector.clone();
        self.write(move |ledger| ledger.save_draft(&connector, &draft))
            .await
    }

    async fn draft(&self, connector: &ConnectorId) -> Result<Option<Draft>> {
        self.handle.view()?.draft(connector)
    }

    async fn drop_draft(&self, connector: &ConnectorId) -> Result<bool> {
        let connector = connector.clone();
        self.write(move |ledger| ledger.drop_draft(&connector))
            .await
    }

    async fn command(&self, command: PersonCommand) -> Result<Transaction> {
        self.write(move |ledger| ledger.command(&command)).await
    }

    async fn audit(&self, entry: AuditEntry) -> Result<()> {
        self.write(move |ledger| ledger.audit(&entry)).await
    }

    async fn audit_trail(
        &self,
        limit: usize,
        before: Option<PageCursor>,
    ) -> Result<Page<AuditEntry>> {
        self.handle.view()?.audit_trail(limit, before)
    }

    async fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>> {
        self.handle.view()?.transaction(id)
    }

    async fn journal(&self, id: TransactionId) -> Result<Vec<JournalEntry>> {
        self.handle.view()?.journal(id)
    }

    async fn payload(&self, id: TransactionId, kind: PayloadKind) -> Result<Option<Bytes>> {
        self.handle.view()?.payload(id, kind)
    }

    async fn list(&self, query: ListQuery) -> Result<Page<Transaction>> {
        self.handle.view()?.list(&query)
    }

    async fn failure_groups(&self, query: GroupQuery) -> Result<Vec<FailureGroup>> {
        self.handle.view()?.failure_groups(&query)
    }

    async fn counts(&self) -> Result<Counts> {
        self.handle.view()?.counts()
    }

    async fn put_secret(&self, name: &str, sealed: Option<Bytes>) -> Result<()> {
        let name = name.to_owned();
        self.write(move |ledger| {
            let mut secrets = ledger.txn_to_write().open_table(SECRET)?;
            match &sealed {
                Some(sealed) => secrets.insert(name.as_str(), sealed.as_ref())?,
                None => secrets.remove(name.as_str())?,
            };
            Ok(())
        })
        .await
    }

    async fn secret(&self, name: &str) -> Result<Option<Bytes>> {
        self.handle.view()?.secret(name)
    }

    async fn secret_names(&self) -> Result<Vec<String>> {
        self.handle.view()?.secret_names()
    }

    async fn forget_before(&self, moment: Timestamp) -> Result<u64> {
        self.write(move |ledger| ledger.forget_before(moment)).await
    }
}
