//! The stand-in's memory: work orders and their indexes, and the one way to change them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::FieldNationSettings;
use super::company::{self, Person};
use super::dispatch::Hooks;
use super::list::Sticky;
use super::problem::Problem;
use super::token::Tokens;
use super::work_order::WorkOrder;
use crate::model::{Clock, EventName, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: FieldNationSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tokens: Tokens,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) hooks: Hooks,
    pub(super) outbox: Outbox,
    books: Mutex<Books>,
}

/// The work orders, with what makes finding them cheap.
pub(super) struct Books {
    pub(super) orders: BTreeMap<u64, Arc<WorkOrder>>,
    by_correlation: HashMap<String, Vec<u64>>,
    pub(super) sticky: Sticky,
    next: u64,
}

/// The first work order's id.
const FIRST: u64 = 10_001;

/// Who does something, for the event's `triggered_by_user` and the journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    pub(super) user: u64,
    pub(super) doer: Doer,
}

impl Actor {
    /// The API user, or whom it acts for.
    pub(super) fn api(acting_user: Option<u64>) -> Self {
        Self {
            user: acting_user.unwrap_or(company::API_USER.id),
            doer: Doer::Api,
        }
    }

    /// Somebody in the vendor's own application.
    pub(super) fn person(person: Person) -> Self {
        Self {
            user: person.id,
            doer: Doer::Person,
        }
    }
}

/// What a change amounts to: the events it fires and the writes it is journaled as.
#[derive(Default)]
pub(super) struct Consequences {
    pub(super) events: Vec<EventName>,
    pub(super) writes: Vec<Write>,
}

impl Consequences {
    pub(super) fn fire(&mut self, event: EventName) {
        self.events.push(event);
    }

    pub(super) fn journal(&mut self, write: Write) {
        self.writes.push(write);
    }
}

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let meter = parts.settings.rate_limit;
        let clock = parts.clock;
        Self {
            meter: meter.map(|limit| Meter::new(limit, clock.clone())),
            tokens: Tokens::new(parts.settings.token_lifetime, clock.clone()),
            settings: parts.settings,
            base_url: parts.base_url,
            journal: parts.journal,
            hooks: Hooks::default(),
            outbox: parts.outbox,
            books: Mutex::new(Books {
                orders: BTreeMap::new(),
                by_correlation: HashMap::new(),
                sticky: Sticky::default(),
                next: FIRST,
            }),
            clock,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A work order that exists and was not deleted.
    pub(super) fn order(&self, id: u64) -> Result<Arc<WorkOrder>, Problem> {
        let found = self.books().orders.get(&id).cloned();
        found.ok_or_else(|| Problem::not_found(format!("Work order {id} was not found.")))
    }

    /// Stores a new work order made by `fill`, which may refuse.
    pub(super) fn create(
        self: &Arc<Self>,
        actor: Actor,
        fill: impl FnOnce(&mut WorkOrder) -> Result<(), Problem>,
    ) -> Result<Arc<WorkOrder>, Problem> {
        let now = self.now();
        let mut books = self.books();
        let mut order = WorkOrder::blank(books.next, now);
        fill(&mut order)?;
        books.next += 1;
        let order = Arc::new(order);
        books.keep(order.clone(), self.settings.correlation_field);
        drop(books);
        let marker = order.custom_value(self.settings.correlation_field);
        let write = Write::new(Deed::Created, Thing::WorkOrder, order.id, actor.doer);
        self.journal
            .record(write.marked(Some(marker)).called(order.title.clone()));
        for event in [EventName::Created, EventName::Draft] {
            self.emit(event, &order, None, actor);
        }
        Ok(order)
    }

    /// Changes a work order, or leaves it as it was when `change` refuses.
    pub(super) fn change(
        self: &Arc<Self>,
        id: u64,
        actor: Actor,
        change: impl FnOnce(&mut WorkOrder, &mut Consequences) -> Result<(), Problem>,
    ) -> Result<Arc<WorkOrder>, Problem> {
        let mut consequences = Consequences::default();
        let mut books = self.books();
        let Some(stored) = books.orders.get(&id) else {
            return Err(Problem::not_found(format!(
                "Work order {id} was not found."
            )));
        };
        let previous = stored.status;
        let mut order = WorkOrder::clone(stored);
        change(&mut order, &mut consequences)?;
        let order = Arc::new(order);
        books.keep(order.clone(), self.settings.correlation_field);
        drop(books);
        let marker = order.custom_value(self.settings.correlation_field);
        for write in consequences.writes {
            let is_whole = write.thing == Thing::WorkOrder;
            let write = if is_whole {
                write.marked(Some(marker))
            } else {
                write
            };
            self.journal.record(write);
        }
        for event in consequences.events {
            self.emit(event, &order, Some(previous), actor);
        }
        Ok(order)
    }

    /// The ids of the work orders that carry a value in the correlation field.
    pub(super) fn correlated(&self, value: &str) -> Vec<u64> {
        let books = self.books();
        books.by_correlation.get(value).cloned().unwrap_or_default()
    }
}

impl Books {
    /// Puts a work order in its place and keeps the index true.
    fn keep(&mut self, order: Arc<WorkOrder>, correlation_field: u64) {
        let before = self.orders.get(&order.id);
        let old = before.map_or("", |before| before.custom_value(correlation_field));
        let new = order.custom_value(correlation_field);
        if old != new {
            if let Some(ids) = self.by_correlation.get_mut(old) {
                ids.retain(|id| *id != order.id);
            }
            if !new.is_empty() {
                self.by_correlation
                    .entry(new.to_owned())
                    .or_default()
                    .push(order.id);
            }
        }
        self.orders.insert(order.id, order);
    }

    /// The ids that carry a correlation value, without taking the lock again.
    pub(super) fn correlated(&self, value: &str) -> &[u64] {
        self.by_correlation.get(value).map_or(&[], Vec::as_slice)
    }
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: FieldNationSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}
