//! Which stand-ins there are: one line each.

use std::net::SocketAddr;
use std::sync::Arc;

use super::autotask::{Autotask, AutotaskSettings};
use super::connectwise::{ConnectWise, ConnectWiseSettings};
use super::desk::ServiceDesk;
use super::freshdesk::{Freshdesk, FreshdeskSettings};
use super::netsuite::{NetSuite, NetSuiteSettings};
use super::quickbase::{Quickbase, QuickbaseSettings};
use super::rest::{Rest, RestSettings};
use super::salesforce::{Salesforce, SalesforceSettings};
use super::servicenow::{ServiceNow, ServiceNowSettings};
use super::smartsheet::{Smartsheet, SmartsheetSettings};
use super::{Deliveries, SandboxProblem};
use crate::model::{Clock, PlatformKind};

/// What every stand-in is opened with.
pub(super) struct Opening {
    pub(super) address: SocketAddr,
    pub(super) deliveries: Deliveries,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) seed: u64,
}

/// The platforms that have a stand-in.
#[must_use]
pub fn available() -> &'static [PlatformKind] {
    &[
        PlatformKind::Autotask,
        PlatformKind::ConnectWise,
        PlatformKind::ServiceNow,
        PlatformKind::Salesforce,
        PlatformKind::Freshdesk,
        PlatformKind::NetSuite,
        PlatformKind::Quickbase,
        PlatformKind::Smartsheet,
        PlatformKind::Rest,
    ]
}

/// Opens a platform's stand-in.
pub(super) async fn open(
    platform: PlatformKind,
    opening: Opening,
) -> Result<Box<dyn ServiceDesk>, SandboxProblem> {
    macro_rules! desk {
        ($desk:ident, $settings:ident) => {{
            let settings = $settings {
                address: opening.address,
                deliveries: opening.deliveries,
                ..$settings::default()
            };
            let desk = $desk::start(settings, opening.clock, opening.seed).await?;
            Ok(Box::new(desk) as Box<dyn ServiceDesk>)
        }};
    }
    match platform {
        PlatformKind::Autotask => desk!(Autotask, AutotaskSettings),
        PlatformKind::ConnectWise => desk!(ConnectWise, ConnectWiseSettings),
        PlatformKind::ServiceNow => desk!(ServiceNow, ServiceNowSettings),
        PlatformKind::Salesforce => desk!(Salesforce, SalesforceSettings),
        PlatformKind::Freshdesk => desk!(Freshdesk, FreshdeskSettings),
        PlatformKind::NetSuite => desk!(NetSuite, NetSuiteSettings),
        PlatformKind::Quickbase => desk!(Quickbase, QuickbaseSettings),
        PlatformKind::Smartsheet => desk!(Smartsheet, SmartsheetSettings),
        PlatformKind::Rest => desk!(Rest, RestSettings),
    }
}
