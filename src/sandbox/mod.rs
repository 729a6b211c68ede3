//! Stand-ins for Field Nation and the platforms, on loopback: for the demo, the tests and rehearsals.
//!
//! A stand-in is built from what is known of the vendor's API and never from what our own clients send; it
//! is never more lenient than the vendor. Nothing in this room may use the adapters it stands in for, and no
//! room but the command line may use this one.

mod chance;
mod connectwise;
mod control;
mod faults;
mod fieldnation;
mod freshdesk;
mod journal;
mod outbox;
mod places;
mod quota;
mod server;

use std::io;
use std::net::SocketAddr;

pub use self::chance::Dice;
pub use self::connectwise::{
    ConnectWise, ConnectWiseCredentials, ConnectWiseSettings, EntryProblem, NotePlacement,
    SigningKeyForm, WrongKeys,
};
pub use self::faults::{Extent, Fault, FaultKind, Faults};
pub use self::fieldnation::{
    ActProblem, ErrorBodies, FieldNation, FieldNationCredentials, FieldNationSettings,
    InlineSchedule, NewFile, Status,
};
pub use self::freshdesk::{
    AutomationRule, Content, Delivered, Freshdesk, FreshdeskSettings, NewTicket, Performer, When,
};
pub use self::journal::{Deed, Doer, Entry, Journal, Thing};
pub use self::outbox::Deliveries;
pub use self::quota::RateLimit;

/// Why a stand-in could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxProblem {
    /// The address is not on loopback.
    #[error("{0} is not on loopback: stand-ins listen on 127.0.0.1 or ::1 only")]
    NotLoopback(SocketAddr),
    /// The address can't be listened on.
    #[error("a stand-in can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// What a stand-in begins with is not valid there.
    #[error("a stand-in does not take its own first data: {0}")]
    Seed(String),
    /// The client for webhook deliveries can't be set up.
    #[error("the sandbox's HTTP client can't be set up: {0}")]
    Client(reqwest::Error),
}
