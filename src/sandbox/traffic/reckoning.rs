//! The reckoning: what was asked for against what the stand-ins' journals show.

use super::{Dispatched, Posted, Prospect, Story, work_orders_created};
use crate::model::PlatformKind;
use crate::sandbox::{Deed, Doer, Entry, Sandbox, Thing};

/// What came of the traffic, from the journals alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoning {
    /// How many dispatched tickets can become work orders.
    pub expected: usize,
    /// How many work orders the API created, whatever for.
    pub created: usize,
    /// Tickets that should have a work order and have none.
    pub missing: Vec<(PlatformKind, u64)>,
    /// Tickets that have more than one work order.
    pub doubled: Vec<(PlatformKind, u64)>,
    /// Tickets that Field Nation should have refused and that have a work order all the same.
    pub unexpected: Vec<(PlatformKind, u64)>,
    /// Technicians' messages of which no note on any platform tells.
    pub messages_missing: Vec<Posted>,
    /// Technicians' messages of which more than one note tells.
    pub messages_doubled: Vec<Posted>,
    /// How many tickets the API changed, notes and files not counted, each as often as it was changed.
    pub records_updated: usize,
}

impl Reckoning {
    /// Whether nothing is missing and nothing is doubled.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.missing.is_empty()
            && self.doubled.is_empty()
            && self.messages_missing.is_empty()
            && self.messages_doubled.is_empty()
    }
}

/// Reckons.
pub(super) fn reckon(
    sandbox: &Sandbox,
    story: &Story,
    marker_of: impl Fn(PlatformKind, u64) -> String,
) -> Reckoning {
    let by_value = sandbox.field_nation.work_orders_by_correlation_value();
    let journals: Vec<_> = sandbox.desks().iter().map(|desk| desk.journal()).collect();
    let mut reckoning = Reckoning {
        created: work_orders_created(sandbox),
        records_updated: journals
            .iter()
            .map(|journal| journal.count(Deed::Updated, Thing::Ticket, Doer::Api))
            .sum(),
        ..Reckoning::default()
    };
    for Dispatched {
        platform,
        ticket,
        prospect,
    } in &story.dispatched
    {
        let key = (*platform, *ticket);
        let marker = marker_of(*platform, *ticket);
        let count = by_value.get(&marker).map_or(0, Vec::len);
        reckoning.expected += usize::from(*prospect == Prospect::WorkOrder);
        match (prospect, count) {
            (Prospect::WorkOrder, 0) => reckoning.missing.push(key),
            (Prospect::Refusal, 1..) => reckoning.unexpected.push(key),
            (_, 2..) => reckoning.doubled.push(key),
            _ => {}
        }
    }
    let is_note = |entry: &Entry| {
        entry.deed == Deed::Created && entry.thing == Thing::Note && entry.by == Doer::Api
    };
    let entries = journals.iter().flat_map(|journal| journal.entries_after(0));
    let notes: Vec<_> = entries.filter(is_note).map(|entry| entry.detail).collect();
    for posted in &story.posted {
        let told = notes
            .iter()
            .filter(|note| note.contains(&posted.text))
            .count();
        match told {
            0 => reckoning.messages_missing.push(posted.clone()),
            1 => {}
            _ => reckoning.messages_doubled.push(posted.clone()),
        }
    }
    reckoning
}
