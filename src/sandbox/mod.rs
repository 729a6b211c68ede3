//! Stand-ins for Field Nation and the platforms, on loopback: for the demo, the tests and rehearsals.
//!
//! A stand-in is built from what is known of the vendor's API and never from what our own clients send; it
//! is never more lenient than the vendor. Nothing in this room may use the adapters it stands in for, and no
//! room but the command line may use this one.

mod chance;
mod connectwise;
mod control;
mod desk;
mod faults;
mod fieldnation;
mod freshdesk;
mod journal;
mod outbox;
mod places;
mod quickbase;
mod quota;
mod server;
mod traffic;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::model::{Clock, TokioClock};

pub use self::chance::Dice;
pub use self::connectwise::{
    ConnectWise, ConnectWiseCredentials, ConnectWiseSettings, EntryProblem, NotePlacement,
    SigningKeyForm, WrongKeys,
};
pub use self::desk::{Case, Flaw, Picture, ServiceDesk};
pub use self::faults::{Extent, Fault, FaultKind, Faults};
pub use self::fieldnation::{
    ActProblem, ErrorBodies, FieldNation, FieldNationCredentials, FieldNationSettings,
    InlineSchedule, NewFile, Status,
};
pub use self::freshdesk::{
    AutomationRule, DeskProblem, Freshdesk, FreshdeskSettings, NoteVisibility, Performer,
    RuleContent, RuleEncoding, RuleEvent, TypeRule,
};
pub use self::journal::{Deed, Doer, Entry, Journal, Thing};
pub use self::outbox::Deliveries;
pub use self::quickbase::{
    Editor, MessageFormat, MessageVisibility, MissingKey, Quickbase, QuickbaseSettings, RowEvent,
    TableProblem, TableRight, TableWebhook,
};
pub use self::quota::RateLimit;
pub use self::traffic::{
    Desk, Dispatched, Posted, Prospect, Reckoning, Story, Traffic, TrafficSettings, Trouble,
};

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

/// How the whole sandbox behaves.
#[derive(Clone, Debug, Default)]
pub struct SandboxSettings {
    /// What chance is made from.
    pub seed: u64,
    /// The stand-in for Field Nation.
    pub field_nation: FieldNationSettings,
    /// The stand-in for ConnectWise.
    pub connectwise: ConnectWiseSettings,
    /// The stand-in for Freshdesk.
    pub freshdesk: FreshdeskSettings,
}

impl SandboxSettings {
    /// With the rate limits the vendors publish, for rehearsing a real configuration. Without this, limits
    /// are so wide that nobody meets them, and only faults make a 429.
    #[must_use]
    pub fn with_published_limits(mut self) -> Self {
        self.field_nation.rate_limit = Some(RateLimit::per_minute(100));
        self.connectwise.rate_limit = Some(RateLimit::per_minute(1_000));
        self.freshdesk.rate_limit = Some(RateLimit::per_minute(400));
        self
    }

    /// With the vendors' waits between delivery attempts multiplied by this factor.
    #[must_use]
    pub fn with_deliveries(mut self, deliveries: Deliveries) -> Self {
        self.field_nation.deliveries = deliveries;
        self.connectwise.deliveries = deliveries;
        self.freshdesk.deliveries = deliveries;
        self
    }
}

/// All stand-ins, each on a port of its own. They stop when dropped.
pub struct Sandbox {
    /// The stand-in for Field Nation.
    pub field_nation: FieldNation,
    /// The stand-in for ConnectWise.
    pub connectwise: ConnectWise,
    /// The stand-in for Freshdesk.
    pub freshdesk: Freshdesk,
    clock: Arc<dyn Clock>,
}

impl Sandbox {
    /// Starts them with the wall clock.
    ///
    /// # Errors
    /// [`SandboxProblem`] when an address can't be listened on.
    pub async fn start(settings: SandboxSettings) -> Result<Self, SandboxProblem> {
        Self::start_at(settings, Arc::new(TokioClock::start())).await
    }

    /// Starts them with a clock of one's choice.
    ///
    /// # Errors
    /// [`SandboxProblem`] when an address can't be listened on.
    pub async fn start_at(
        settings: SandboxSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SandboxProblem> {
        let seed = settings.seed;
        let (field_nation, connectwise, freshdesk) = tokio::try_join!(
            FieldNation::start(settings.field_nation, clock.clone(), seed),
            ConnectWise::start(settings.connectwise, clock.clone(), seed.wrapping_add(1)),
            Freshdesk::start(settings.freshdesk, clock.clone(), seed.wrapping_add(2)),
        )?;
        Ok(Self {
            field_nation,
            connectwise,
            freshdesk,
            clock,
        })
    }

    /// Stops them all.
    pub async fn stop(&self) {
        tokio::join!(
            self.field_nation.stop(),
            self.connectwise.stop(),
            self.freshdesk.stop(),
        );
    }
}
