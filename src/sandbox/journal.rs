//! The journal of a stand-in: every write it performed, in order.
//!
//! Whether anything was lost or doubled is judged from these journals alone, never from what a client believes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use crate::model::{Clock, Timestamp};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// An object came to be.
    Created,
    /// An object changed.
    Updated,
    /// An object was removed, cancelled or deleted.
    Removed,
}

/// To what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A Field Nation work order.
    WorkOrder,
    /// A message on a work order.
    Message,
    /// A file on a work order, ticket or conversation.
    File,
    /// A ticket.
    Ticket,
    /// A note, a reply or another entry of a ticket's conversation.
    Note,
    /// A schedule entry.
    ScheduleEntry,
    /// A time entry.
    TimeEntry,
    /// A charge or an expense.
    Charge,
    /// A webhook or callback subscription.
    Subscription,
    /// A delivery that was given up.
    Delivery,
}

/// By whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doer {
    /// A caller of the vendor's API.
    Api,
    /// Somebody in the vendor's own user interface: a provider, a technician, an agent.
    Person,
    /// The vendor's own machinery.
    System,
}

/// One write.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Counts up from 1 without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub deed: Deed,
    /// To what sort of object.
    pub thing: Thing,
    /// The object's id.
    pub id: u64,
    /// The id of the work order or ticket it belongs to, where it is not one itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<u64>,
    /// By whom.
    pub by: Doer,
    /// The correlation marker it carries after the write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// What to call it: a title, a text, a file name, a status.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A write about to be journaled.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) deed: Deed,
    pub(super) thing: Thing,
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) by: Doer,
    pub(super) marker: Option<String>,
    pub(super) detail: String,
}

impl Write {
    pub(super) fn new(deed: Deed, thing: Thing, id: u64, by: Doer) -> Self {
        Self {
            deed,
            thing,
            id,
            parent: None,
            by,
            marker: None,
            detail: String::new(),
        }
    }

    pub(super) fn within(mut self, parent: u64) -> Self {
        self.parent = Some(parent);
        self
    }

    pub(super) fn marked(mut self, marker: Option<&str>) -> Self {
        self.marker = marker
            .filter(|marker| !marker.is_empty())
            .map(str::to_owned);
        self
    }

    pub(super) fn called(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// The journal of one stand-in. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
    latest: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Inner {
    entries: Vec<Entry>,
    marked: HashMap<Thing, BTreeMap<String, Vec<u64>>>,
}

impl Journal {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::default(),
            latest: watch::Sender::new(0),
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, write: Write) {
        let at = self.clock.now();
        let mut inner = self.lock();
        if let Some(marker) = &write.marker {
            let ids = inner.marked.entry(write.thing).or_default();
            let ids = ids.entry(marker.clone()).or_default();
            if !ids.contains(&write.id) {
                ids.push(write.id);
            }
        }
        let sequence = u64::try_from(inner.entries.len()).unwrap_or(u64::MAX) + 1;
        inner.entries.push(Entry {
            sequence,
            at,
            deed: write.deed,
            thing: write.thing,
            id: write.id,
            parent: write.parent,
            by: write.by,
            marker: write.marker,
            detail: write.detail,
        });
        drop(inner);
        self.latest.send_replace(sequence);
    }

    /// The sequence number of the latest entry, as it changes.
    #[must_use]
    pub fn latest(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// The entries after a sequence number, oldest first; all of them after 0.
    #[must_use]
    pub fn entries_after(&self, sequence: u64) -> Vec<Entry> {
        let skipped = usize::try_from(sequence).unwrap_or(usize::MAX);
        let inner = self.lock();
        inner.entries.iter().skip(skipped).cloned().collect()
    }

    /// How many writes of a kind there were.
    #[must_use]
    pub fn count(&self, deed: Deed, thing: Thing, by: Doer) -> usize {
        let matches = |entry: &&Entry| entry.deed == deed && entry.thing == thing && entry.by == by;
        self.lock().entries.iter().filter(matches).count()
    }

    /// Every correlation marker that objects of this sort ever carried, with the ids of those that
    /// carried it. More than one id for a marker is a doubled object.
    #[must_use]
    pub fn by_marker(&self, thing: Thing) -> BTreeMap<String, Vec<u64>> {
        self.lock().marked.get(&thing).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    #[test]
    fn markers_gather_the_objects_that_carried_them() {
        let journal = Journal::new(Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)));
        let write = |deed, id, marker| {
            let write = Write::new(deed, Thing::Ticket, id, Doer::Api);
            journal.record(write.marked(marker));
        };
        write(Deed::Created, 1, Some("fb-a-1"));
        write(Deed::Updated, 1, Some("fb-a-1"));
        write(Deed::Created, 2, Some("fb-a-1"));
        write(Deed::Created, 3, Some(""));
        write(Deed::Created, 4, None);
        let marked = journal.by_marker(Thing::Ticket);
        assert_eq!(marked, BTreeMap::from([("fb-a-1".to_owned(), vec![1, 2])]));
        assert!(journal.by_marker(Thing::WorkOrder).is_empty());
        assert_eq!(journal.count(Deed::Created, Thing::Ticket, Doer::Api), 4);
        let later: Vec<_> = journal
            .entries_after(3)
            .iter()
            .map(|entry| entry.sequence)
            .collect();
        assert_eq!(later, [4, 5]);
    }
}
