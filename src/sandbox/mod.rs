//! Stand-ins for Field Nation and the platforms, on loopback: for the demo, the tests and rehearsals.
//!
//! A stand-in is built from what is known of the vendor's API and never from what our own clients send; it
//! is never more lenient than the vendor. Nothing in this room may use the adapters it stands in for, and no
//! room but the command line may use this one.

mod autotask;
mod chance;
mod connectwise;
mod control;
mod desk;
mod faults;
mod fieldnation;
mod freshdesk;
mod journal;
mod netsuite;
mod outbox;
mod places;
mod quickbase;
mod quota;
mod register;
mod rest;
mod salesforce;
mod server;
mod servicenow;
mod smartsheet;
mod traffic;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::model::{Clock, PlatformKind, TokioClock};

pub use self::autotask::{
    Autotask, AutotaskAccess, AutotaskProblem, AutotaskSettings, NotePublish, WebhookBody,
};
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
pub use self::netsuite::{
    NetSuite, NetSuiteCertificate, NetSuiteRight, NetSuiteSettings, Restlet, Saves, ScreenProblem,
    ScriptBody, UserEventScript,
};
pub use self::outbox::Deliveries;
pub use self::quickbase::{
    Editor, MessageFormat, MessageVisibility, MissingKey, Quickbase, QuickbaseSettings, RowEvent,
    TableProblem, TableRight, TableWebhook,
};
pub use self::quota::RateLimit;
pub use self::register::available;
pub use self::rest::{REST_DESCRIPTION, Rest, RestSettings};
pub use self::salesforce::{
    Flow, FlowAction, OrgProblem, Salesforce, SalesforceCredentials, SalesforceSettings,
};
pub use self::servicenow::{
    BusinessRule, BusinessRuleContent, InvalidQuery, NoteJournal, RecordProblem, ServiceNow,
    ServiceNowSettings,
};
pub use self::smartsheet::{
    AccessLevel, CallbackAddresses, SheetProblem, Smartsheet, SmartsheetSettings,
};
pub use self::traffic::{
    Dispatched, Posted, Prospect, Reckoning, Story, Traffic, TrafficSettings, Trouble,
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
    /// There is no stand-in for this platform.
    #[error("there is no stand-in for platform `{0}`")]
    NoStandIn(PlatformKind),
    /// The client for webhook deliveries can't be set up.
    #[error("the sandbox's HTTP client can't be set up: {0}")]
    Client(reqwest::Error),
}

/// How the whole sandbox behaves.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// What chance is made from.
    pub seed: u64,
    /// The platforms that have a stand-in in it.
    pub platforms: Vec<PlatformKind>,
    /// The first of the ports: Field Nation's, then one for each platform in order. 0 picks free ones.
    pub first_port: u16,
    /// Whether and how fast all of them deliver.
    pub deliveries: Deliveries,
}

impl SandboxSettings {
    /// Stand-ins for these platforms, and for Field Nation, on free ports. Their rate limits are so wide that
    /// nobody meets them: only faults make a 429.
    #[must_use]
    pub fn of(platforms: &[PlatformKind]) -> Self {
        Self {
            seed: 0,
            platforms: platforms.to_vec(),
            first_port: 0,
            deliveries: Deliveries::REAL,
        }
    }
}

/// All stand-ins, each on a port of its own. They stop when dropped.
pub struct Sandbox {
    /// The stand-in for Field Nation.
    pub field_nation: FieldNation,
    desks: Vec<Box<dyn ServiceDesk>>,
    clock: Arc<dyn Clock>,
}

impl Sandbox {
    /// Starts them with the wall clock.
    ///
    /// # Errors
    /// [`SandboxProblem`] when an address can't be listened on, or a platform has no stand-in.
    pub async fn start(settings: SandboxSettings) -> Result<Self, SandboxProblem> {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
        let place = |offset: usize| {
            let offset = u16::try_from(offset).unwrap_or(u16::MAX);
            let port = match settings.first_port {
                0 => 0,
                first => first.saturating_add(offset),
            };
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        };
        let field_nation = FieldNationSettings {
            address: place(0),
            deliveries: settings.deliveries,
            ..FieldNationSettings::default()
        };
        let field_nation = FieldNation::start(field_nation, clock.clone(), settings.seed).await?;
        let mut desks = Vec::with_capacity(settings.platforms.len());
        for (position, platform) in settings.platforms.iter().enumerate() {
            let opening = register::Opening {
                address: place(position + 1),
                deliveries: settings.deliveries,
                clock: clock.clone(),
                seed: settings.seed.wrapping_add(position as u64 + 1),
            };
            desks.push(register::open(*platform, opening).await?);
        }
        Ok(Self {
            field_nation,
            desks,
            clock,
        })
    }

    /// The platforms' stand-ins, in the order in which they were asked for.
    #[must_use]
    pub fn desks(&self) -> &[Box<dyn ServiceDesk>] {
        &self.desks
    }

    /// A platform's stand-in.
    #[must_use]
    pub fn desk(&self, platform: PlatformKind) -> Option<&dyn ServiceDesk> {
        let desk = self.desks.iter().find(|desk| desk.platform() == platform)?;
        Some(desk.as_ref())
    }

    /// How many triggers and events are under way, waits between attempts included.
    #[must_use]
    pub fn deliveries_under_way(&self) -> usize {
        let desks = self.desks.iter().map(|desk| desk.deliveries_under_way());
        self.field_nation.deliveries_under_way() + desks.sum::<usize>()
    }

    /// Stops them all.
    pub async fn stop(&self) {
        self.field_nation.stop().await;
        for desk in &self.desks {
            desk.stop().await;
        }
    }
}
