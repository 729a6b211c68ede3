//! A work order as the stand-in keeps it, and the life it leads.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::company::{self, Person};
use crate::model::Timestamp;
use crate::sandbox::places;

/// The statuses of a work order, with the vendor's names. Ids other than Draft and Published are not
/// published by the vendor; callers are told to match on names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Created, not visible to providers.
    Draft,
    /// Offered on the marketplace.
    Published,
    /// Accepted and scheduled with a provider.
    Assigned,
    /// The provider says that the work is done.
    WorkDone,
    /// The buyer agrees.
    Approved,
    /// The provider has been paid.
    Paid,
    /// Called off.
    Cancelled,
    /// Deleted before it was ever published.
    Deleted,
    /// Offered to chosen providers.
    Routed,
    /// Put off.
    Postponed,
}

impl Status {
    /// The vendor's number.
    #[must_use]
    pub fn id(self) -> u64 {
        match self {
            Self::Draft => 1,
            Self::Published => 2,
            Self::Assigned => 3,
            Self::WorkDone => 4,
            Self::Approved => 5,
            Self::Paid => 6,
            Self::Cancelled => 7,
            Self::Deleted => 8,
            Self::Routed => 9,
            Self::Postponed => 10,
        }
    }

    /// The vendor's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Published => "Published",
            Self::Assigned => "Assigned",
            Self::WorkDone => "Work Done",
            Self::Approved => "Approved",
            Self::Paid => "Paid",
            Self::Cancelled => "Cancelled",
            Self::Deleted => "Deleted",
            Self::Routed => "Routed",
            Self::Postponed => "Postponed",
        }
    }
}

/// How far an assigned provider has come: the sub-status of `Assigned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Confirmed,
    AtRisk,
    Delayed,
    OnMyWay,
    CheckedIn,
    CheckedOut,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "Confirmed",
            Self::AtRisk => "At risk",
            Self::Delayed => "Delayed",
            Self::OnMyWay => "On my way",
            Self::CheckedIn => "Checked in",
            Self::CheckedOut => "Checked out",
        }
    }
}

/// Where the work is.
#[derive(Clone, Debug, Default)]
pub(super) struct Location {
    pub(super) mode: String,
    pub(super) address1: String,
    pub(super) address2: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) zip: String,
    pub(super) country: String,
    pub(super) display_name: String,
}

/// The vendor's three ways to read a service window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowMode {
    /// Arrive at the start.
    Exact,
    /// Arrive between start and end.
    Between,
    /// Complete within hours between start and end.
    Hours,
}

impl WindowMode {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Between => "between",
            Self::Hours => "hours",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Exact, Self::Between, Self::Hours]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// When the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServiceWindow {
    pub(super) mode: WindowMode,
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
}

/// What is paid.
#[derive(Clone, Debug)]
pub(super) struct Pay {
    pub(super) kind: String,
    pub(super) base_units: f64,
    pub(super) base_amount: f64,
    pub(super) additional_units: f64,
    pub(super) additional_amount: f64,
    pub(super) hours: f64,
}

/// Somebody to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Contact {
    pub(super) id: u64,
    pub(super) role: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) ext: String,
    pub(super) email: String,
    pub(super) notes: String,
}

/// Who wrote a message or uploaded a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Buyer,
    Provider,
}

impl Side {
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Provider => "provider",
        }
    }
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) author: Person,
    pub(super) side: Side,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) created: Timestamp,
}

/// An uploaded file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) notes: String,
    pub(super) content: Bytes,
    /// What makes its link unguessable.
    pub(super) key: String,
    pub(super) author: Person,
    pub(super) status: String,
    pub(super) created: Timestamp,
}

/// A folder of files.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) files: Vec<File>,
}

/// A visit.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLog {
    pub(super) id: u64,
    pub(super) checked_in: Timestamp,
    pub(super) checked_out: Option<Timestamp>,
}

/// A step of the work.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) completed: Option<Timestamp>,
}

/// Something that is in the way.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) id: u64,
    pub(super) comments: String,
    pub(super) created: Timestamp,
    pub(super) is_resolved: bool,
}

/// When what was reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Milestones {
    pub(super) published: Option<Timestamp>,
    pub(super) routed: Option<Timestamp>,
    pub(super) assigned: Option<Timestamp>,
    pub(super) work_done: Option<Timestamp>,
    pub(super) approved: Option<Timestamp>,
    pub(super) paid: Option<Timestamp>,
    pub(super) cancelled: Option<Timestamp>,
}

/// What a work order has as plain yes or no.
pub(super) const SWITCHES: [&str; 4] = [
    "allow_counter_offers",
    "require_gps",
    "require_ontime",
    "printable",
];

/// A work order.
#[derive(Clone, Debug)]
pub(super) struct WorkOrder {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) confidential: Option<String>,
    pub(super) policy_and_procedures: Option<String>,
    pub(super) standard_instructions: Option<String>,
    pub(super) location: Option<Location>,
    pub(super) window: Option<ServiceWindow>,
    pub(super) schedule_note: String,
    pub(super) pay: Option<Pay>,
    pub(super) contacts: Vec<Contact>,
    pub(super) custom_values: BTreeMap<u64, String>,
    pub(super) manager: Person,
    pub(super) client: Option<u64>,
    pub(super) project: Option<u64>,
    pub(super) template: Option<u64>,
    /// Type of work ids; the first is the primary one.
    pub(super) types_of_work: Vec<u64>,
    pub(super) tags: Vec<u64>,
    pub(super) status: Status,
    pub(super) stage: Option<Stage>,
    pub(super) assignee: Option<Person>,
    pub(super) routed_to: Vec<u64>,
    pub(super) milestones: Milestones,
    pub(super) messages: Vec<Message>,
    pub(super) folders: Vec<Folder>,
    pub(super) time_logs: Vec<TimeLog>,
    pub(super) tasks: Vec<Task>,
    pub(super) problems: Vec<Problem>,
    pub(super) closing_notes: String,
    pub(super) incident_id: String,
    /// Those of [`SWITCHES`] that are on.
    pub(super) switches: BTreeSet<&'static str>,
    pub(super) created: Timestamp,
    /// The next id for what belongs to this work order.
    pub(super) next_part: u64,
}

/// Ids of parts are unique in the whole stand-in because each work order has a range of its own.
const PARTS_EACH: u64 = 1_000;

impl WorkOrder {
    /// An empty draft.
    pub(super) fn blank(id: u64, created: Timestamp) -> Self {
        let mut work_order = Self {
            id,
            title: String::new(),
            description: None,
            confidential: None,
            policy_and_procedures: None,
            standard_instructions: None,
            location: None,
            window: None,
            schedule_note: String::new(),
            pay: None,
            contacts: Vec::new(),
            custom_values: BTreeMap::new(),
            manager: company::API_USER,
            client: None,
            project: None,
            template: None,
            types_of_work: Vec::new(),
            tags: Vec::new(),
            status: Status::Draft,
            stage: None,
            assignee: None,
            routed_to: Vec::new(),
            milestones: Milestones::default(),
            messages: Vec::new(),
            folders: Vec::new(),
            time_logs: Vec::new(),
            tasks: Vec::new(),
            problems: Vec::new(),
            closing_notes: String::new(),
            incident_id: String::new(),
            switches: BTreeSet::from(["allow_counter_offers", "printable"]),
            created,
            next_part: id * PARTS_EACH + 1,
        };
        work_order.add_folder("Documents", "document");
        work_order.add_folder("Deliverables", "slot");
        for (key, label) in [("checkin", "Check in"), ("checkout", "Check out")] {
            let id = work_order.part_id();
            work_order.tasks.push(Task {
                id,
                key,
                label,
                completed: None,
            });
        }
        work_order
    }

    /// A fresh id for a message, file, folder, task, visit or contact.
    pub(super) fn part_id(&mut self) -> u64 {
        let id = self.next_part;
        self.next_part += 1;
        id
    }

    /// Turns one of [`SWITCHES`] on or off.
    pub(super) fn turn(&mut self, switch: &'static str, on: Option<bool>) {
        match on {
            Some(true) => _ = self.switches.insert(switch),
            Some(false) => _ = self.switches.remove(switch),
            None => {}
        }
    }

    pub(super) fn add_folder(&mut self, name: impl Into<String>, kind: &'static str) -> u64 {
        let id = self.part_id();
        self.folders.push(Folder {
            id,
            name: name.into(),
            kind,
            files: Vec::new(),
        });
        id
    }

    pub(super) fn folder_mut(&mut self, id: u64) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.id == id)
    }

    /// The zone of its location; the company's for work without one.
    pub(super) fn zone(&self) -> &'static jiff::tz::TimeZone {
        let state = self
            .location
            .as_ref()
            .map_or("", |location| &location.state);
        places::zone_of(state).unwrap_or(&company::ZONE)
    }

    /// The value of a custom field; `""` when it has none.
    pub(super) fn custom_value(&self, field: u64) -> &str {
        self.custom_values.get(&field).map_or("", String::as_str)
    }
}
