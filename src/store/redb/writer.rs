//! The writer: one thread that owns every write transaction and commits in groups.
//!
//! A group is whatever was waiting when the last commit ended: one caller alone waits for one flush,
//! a thousand at once share one. A verb that is refused has written nothing, so its group goes on; a
//! verb that breaks or panics half way throws the write transaction away, and the rest of its group is
//! carried out anew without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use redb::{Database, ReadableDatabase};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::error;

use super::fault::Fault;
use super::file::{self, Home};
use super::ledger::Ledger;
use super::memory::Memory;
use super::view::View;
use crate::model::Clock;
use crate::store::{Result, StoreError};

/// How many verbs may wait for the writer; who comes later awaits their turn.
const QUEUE: usize = 1024;
/// How many verbs share one commit at most.
const GROUP: usize = 512;

/// A verb that waits for the writer.
trait Job: Send {
    /// Carries it out. An error means that something broke: the write transaction is lost.
    fn apply(&mut self, ledger: &mut Ledger<'_>) -> Result<()>;

    /// Tells the caller, once the group's fate is known.
    fn answer(self: Box<Self>, fate: Result<()>);
}

struct Request<V, T> {
    verb: V,
    result: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
    _place: OwnedSemaphorePermit,
}

impl<V, T> Job for Request<V, T>
where
    V: FnMut(&mut Ledger<'_>) -> std::result::Result<T, Fault> + Send,
    T: Send,
{
    fn apply(&mut self, ledger: &mut Ledger<'_>) -> Result<()> {
        self.result = Some(match (self.verb)(ledger) {
            Ok(value) => Ok(value),
            Err(Fault::Refused(error)) => Err(error),
            Err(Fault::Broken(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, fate: Result<()>) {
        let Self { result, caller, .. } = *self;
        // Whoever no longer listens has given up on the answer, not on the effect.
        let _ = caller.send(fate.and_then(|()| result.unwrap_or_else(|| Err(closed()))));
    }
}

enum Message {
    Job(Box<dyn Job>),
    Stop,
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The database handle: the writer replaces it when it has gone bad, readers take snapshots of it.
struct Shared {
    database: RwLock<Option<Database>>,
}

impl Shared {
    fn with<T>(&self, use_it: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.as_ref().map_or_else(|| Err(closed()), use_it)
    }

    fn replace(&self, with: impl FnOnce() -> Result<Database>) -> Result<()> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock on the file.
        *database = None;
        *database = Some(with()?);
        Ok(())
    }

    fn close(&self) -> Result<()> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        database
            .take()
            .map_or(Ok(()), |database| Ok(database.close()?))
    }
}

/// The callers' side of the writer.
#[derive(Clone)]
pub(super) struct Handle {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    messages: Sender<Message>,
}

impl Handle {
    /// Opens the database and starts the writer.
    pub(super) fn start(
        home: Box<dyn Home>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, JoinHandle<()>)> {
        let database = file::open(home.as_ref())?;
        let memory = Memory::load(&database)?;
        let shared = Arc::new(Shared {
            database: RwLock::new(Some(database)),
        });
        let (messages, inbox) = channel();
        let mut writer = Writer {
            shared: Arc::clone(&shared),
            home,
            clock,
            memory: Some(memory),
        };
        writer.give_back_leases()?;
        writer.settle()?;
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(&inbox))
            .map_err(|error| {
                StoreError::Unavailable(format!("no thread can be started: {error}"))
            })?;
        let places = Arc::new(Semaphore::new(QUEUE));
        Ok((
            Self {
                shared,
                places,
                messages,
            },
            thread,
        ))
    }

    /// Has the writer carry out a verb, and waits until it is on disk.
    pub(super) async fn write<T, V>(&self, verb: V) -> Result<T>
    where
        T: Send + 'static,
        V: FnMut(&mut Ledger<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| closed())?;
        let (caller, answer) = oneshot::channel();
        let request = Request {
            verb,
            result: None,
            caller,
            _place: place,
        };
        let message = Message::Job(Box::new(request));
        self.messages.send(message).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Takes a snapshot to read from.
    pub(super) fn view(&self) -> Result<View> {
        self.shared.with(|database| {
            Ok(View {
                txn: database.begin_read()?,
            })
        })
    }

    /// Lets the writer finish what is queued, and stop.
    pub(super) fn stop(&self) {
        self.places.close();
        // It fails when the writer has stopped already.
        let _ = self.messages.send(Message::Stop);
    }

    /// Closes the database, once the writer has stopped.
    pub(super) fn close(&self) -> Result<()> {
        self.shared.close()
    }
}

/// What became of an attempt to commit a group.
enum Attempt {
    /// It is on disk, or there was nothing to write.
    Done,
    /// One verb broke; the others have not taken effect either.
    Broke(usize, StoreError),
    /// The disk refused; if the group bears this number, it may be on disk all the same.
    Refused(StoreError, Option<u64>),
}

struct Writer {
    shared: Arc<Shared>,
    home: Box<dyn Home>,
    clock: Arc<dyn Clock>,
    /// None when it has to be read anew.
    memory: Option<Memory>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) {
        let mut stopping = false;
        while !stopping {
            let Ok(first) = inbox.recv() else { break };
            let mut group = Vec::new();
            let mut message = Some(first);
            while let Some(next) = message.take() {
                match next {
                    Message::Job(job) => group.push(job),
                    Message::Stop => stopping = true,
                }
                if !stopping && group.len() < GROUP {
                    message = inbox.try_recv().ok();
                }
            }
            // Should even this panic, the callers of the group learn it by their answers' end, and the
            // next group begins with a database opened anew.
            let carried_out = catch_unwind(AssertUnwindSafe(|| self.carry_out(group)));
            if carried_out.is_err() {
                error!("the store's writer panicked; it opens the database anew");
                self.memory = None;
            }
        }
    }

    /// Commits a group and answers every caller.
    fn carry_out(&mut self, mut group: Vec<Box<dyn Job>>) {
        while !group.is_empty() {
            if let Err(unavailable) = self.recover() {
                return answer_all(group, &Err(unavailable));
            }
            match self.attempt(&mut group) {
                Attempt::Done => return answer_all(group, &Ok(())),
                Attempt::Broke(place, cause) => {
                    error!(%cause, "a verb broke; the rest of its group goes on without it");
                    group.remove(place).answer(Err(cause));
                    self.memory = self.reload();
                }
                Attempt::Refused(cause, number) => {
                    error!(%cause, "a group could not be committed");
                    self.memory = None;
                    let recovered = self.recover().is_ok();
                    let commit = self.memory.as_ref().map(|memory| memory.commit);
                    let on_disk = recovered && number.is_some() && commit == number;
                    let fate = if on_disk { Ok(()) } else { Err(cause) };
                    return answer_all(group, &fate);
                }
            }
        }
    }

    fn attempt(&mut self, group: &mut [Box<dyn Job>]) -> Attempt {
        let Some(memory) = &mut self.memory else {
            return Attempt::Refused(closed(), None);
        };
        let begun = self.shared.with(|database| Ok(database.begin_write()?));
        let mut txn = match begun {
            Ok(txn) => txn,
            Err(cause) => return Attempt::Refused(cause, None),
        };
        txn.set_quick_repair(true);
        match apply_all(group, &txn, memory, self.clock.as_ref()) {
            Ok(Some(number)) => match txn.commit() {
                Ok(()) => Attempt::Done,
                Err(cause) => Attempt::Refused(cause.into(), Some(number)),
            },
            Ok(None) => abort(txn, Attempt::Done),
            Err(broke) => abort(txn, broke),
        }
    }

    /// Opens the database anew if it has gone bad, and reads the memory from it.
    fn recover(&mut self) -> Result<()> {
        if self.memory.is_some() {
            return Ok(());
        }
        let home = self.home.as_ref();
        self.shared.replace(|| file::open(home))?;
        self.memory = Some(self.shared.with(Memory::load)?);
        self.settle()
    }

    fn reload(&self) -> Option<Memory> {
        self.shared.with(Memory::load).ok()
    }

    /// Carries out a verb of the writer's own.
    fn write<T>(
        &mut self,
        verb: impl FnOnce(&mut Ledger<'_>) -> std::result::Result<T, Fault>,
    ) -> Result<T> {
        let memory = self.memory.as_mut().ok_or_else(closed)?;
        let mut txn = self.shared.with(|database| Ok(database.begin_write()?))?;
        txn.set_quick_repair(true);
        let now = self.clock.now();
        let outcome = Ledger::open(&txn, memory, now).and_then(|mut ledger| {
            let value = verb(&mut ledger)?;
            Ok((value, ledger.finish()?))
        });
        let committed = match outcome {
            Ok((value, Some(_))) => txn.commit().map(|()| value).map_err(StoreError::from),
            Ok((value, None)) => return Ok(value),
            Err(Fault::Refused(error) | Fault::Broken(error)) => Err(error),
        };
        if committed.is_err() {
            self.memory = None;
        }
        committed
    }

    /// At the start nobody holds a lease: the lock on the file proves that no other process lives.
    fn give_back_leases(&mut self) -> Result<()> {
        self.write(|ledger| ledger.reclaim(crate::model::Timestamp::MAX))
            .map(drop)
    }

    /// Finishes pauses and resumptions that were cut short.
    fn settle(&mut self) -> Result<()> {
        let unsettled = self
            .memory
            .as_ref()
            .map(Memory::unsettled)
            .unwrap_or_default();
        for connector in unsettled {
            while self.write(|ledger| ledger.settle(&connector))? > 0 {}
        }
        Ok(())
    }
}

fn apply_all(
    group: &mut [Box<dyn Job>],
    txn: &redb::WriteTransaction,
    memory: &mut Memory,
    clock: &dyn Clock,
) -> std::result::Result<Option<u64>, Attempt> {
    let refused = |fault| match fault {
        Fault::Refused(error) | Fault::Broken(error) => Attempt::Refused(error, None),
    };
    let mut ledger = Ledger::open(txn, memory, clock.now()).map_err(refused)?;
    for (place, job) in group.iter_mut().enumerate() {
        match catch_unwind(AssertUnwindSafe(|| job.apply(&mut ledger))) {
            Ok(Ok(())) => {}
            Ok(Err(cause @ StoreError::Unavailable(_))) => {
                return Err(Attempt::Refused(cause, None));
            }
            Ok(Err(cause)) => return Err(Attempt::Broke(place, cause)),
            Err(panic) => {
                let cause = format!("a fault in the store: {}", words_of(panic.as_ref()));
                return Err(Attempt::Broke(place, StoreError::Unavailable(cause)));
            }
        }
    }
    ledger.finish().map_err(refused)
}

/// Throws a write transaction away. If even that fails, the database has to be opened anew.
fn abort(txn: redb::WriteTransaction, then: Attempt) -> Attempt {
    match (txn.abort(), then) {
        (Ok(()), then) | (Err(_), then @ Attempt::Refused(..)) => then,
        (Err(cause), _) => Attempt::Refused(cause.into(), None),
    }
}

fn answer_all(group: Vec<Box<dyn Job>>, fate: &Result<()>) {
    for job in group {
        job.answer(fate.clone());
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}
