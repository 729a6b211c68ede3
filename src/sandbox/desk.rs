//! What customers and dispatchers do at any platform's stand-in, in words common to all nine.
//!
//! The traffic, the demo and the journeys know stand-ins by this trait only; a new stand-in needs one line in
//! [`Sandbox`](super::Sandbox)'s register and nothing elsewhere.

use async_trait::async_trait;
use axum::http::Method;
use bytes::Bytes;
use serde_json::Value;

use super::places::{PLACES, Place};
use super::{Fault, Faults, Journal};
use crate::model::{PlatformKind, Timestamp};

/// A platform's stand-in, as everybody but its own tests sees it. Tickets are numbered by the stand-in, whatever
/// the vendor's ids look like; the journal uses the same numbers.
#[async_trait]
pub trait ServiceDesk: Send + Sync + 'static {
    /// Which platform it stands in for.
    fn platform(&self) -> PlatformKind;

    /// Its address, with a scheme and without a trailing slash.
    fn base_url(&self) -> &str;

    /// The lines of a connector's `[settings]` that lead here, made-up credentials included.
    fn connector_settings(&self) -> String;

    /// The same facts for people who rehearse a configuration of their own.
    fn credentials(&self) -> Value;

    /// Rules that the demo adds to the shipped mapping, so that [`Flaw::UnknownValue`] has something to break on.
    fn demo_rules(&self) -> &'static str {
        ""
    }

    /// What an admin here writes for the placeholders in the shipped mapping's rules for Outbound Create.
    fn own_names(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The fault, only for the call that creates a ticket.
    fn on_create(&self, fault: Fault) -> Fault;

    /// The call that writes a note, for trouble that strikes just there; `None` where the vendor's API has no notes.
    fn note_call(&self) -> Option<(Method, &'static str)>;

    /// Every write it performed.
    fn journal(&self) -> &Journal;

    /// The trouble in waiting.
    fn faults(&self) -> &Faults;

    /// How many triggers are under way, waits between attempts included.
    fn deliveries_under_way(&self) -> usize;

    /// What the vendor's admin does by hand so that changes reach this address; nothing where the adapter
    /// subscribes through the API.
    fn listen_by_hand(&self, trigger_url: &str);

    /// Somebody opens a ticket, with the note and the file of the case. Its number.
    ///
    /// # Errors
    /// Why the stand-in did not take it.
    fn open(&self, case: &Case) -> Result<u64, String>;

    /// A dispatcher asks for a technician: what a connector's filter (a status, a flag) waits for, where it has one.
    ///
    /// # Errors
    /// Why the stand-in did not take it.
    fn dispatch(&self, ticket: u64) -> Result<(), String>;

    /// Somebody on the platform's side adds a note that the customer may read.
    ///
    /// # Errors
    /// Why the stand-in did not take it.
    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String>;

    /// Whether the ticket stands at the status that the shipped mapping gives it for an approved work order;
    /// `None` when there is no such ticket.
    fn is_closed(&self, ticket: u64) -> Option<bool>;

    /// The record id by which the vendor's API and a correlation know a ticket.
    fn record_id(&self, ticket: u64) -> String;

    /// The ticket that a record id names.
    fn ticket_of(&self, record: &str) -> Option<u64>;

    /// Stops answering and delivering.
    async fn stop(&self);
}

/// What a ticket is about.
#[derive(Clone, Debug)]
pub struct Case {
    /// Counts up from 1.
    pub number: u64,
    /// Where the technician is needed.
    pub(super) place: &'static Place,
    /// The complaint in short.
    pub summary: String,
    /// The complaint at length.
    pub description: String,
    /// When the technician should come.
    pub start: Timestamp,
    /// What is wrong with the ticket itself.
    pub flaw: Option<Flaw>,
    /// A note that stands on it from the beginning.
    pub note: Option<String>,
    /// A file that hangs on it from the beginning.
    pub picture: Option<Picture>,
}

impl Case {
    /// A case without note, file or flaw, somewhere.
    #[must_use]
    pub fn plain(number: u64, start: Timestamp) -> Self {
        let place = usize::try_from(number).unwrap_or_default() % PLACES.len();
        Self {
            number,
            place: PLACES.get(place).unwrap_or(&PLACES[0]),
            summary: format!("Switch port dead (case {number})"),
            description: "Port 12 lost its link; the camera on it is down.".to_owned(),
            start,
            flaw: None,
            note: None,
            picture: None,
        }
    }
}

/// What is wrong with a ticket: Field Nation must refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its address has no state.
    NoState,
    /// It carries a value that Field Nation, or the demo's own strict rule, does not know.
    UnknownValue,
}

/// A file on a ticket.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}
