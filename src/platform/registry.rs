//! Which adapters there are: one line each.

use std::sync::Arc;

use super::{Platform, connectwise, freshdesk, salesforce};
use crate::config::{ConnectorConfig, Problem, Secrets};
use crate::model::{Clock, PlatformKind};

/// What an adapter is built from.
pub struct Setup<'a> {
    /// The connector's file, checked for form.
    pub config: &'a ConnectorConfig,
    /// Where secrets come from.
    pub secrets: &'a Secrets,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once, each naming the key and what to do.
pub fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    match setup.config.platform {
        PlatformKind::ConnectWise => connectwise::build(setup),
        PlatformKind::Freshdesk => freshdesk::build(setup),
        PlatformKind::Salesforce => salesforce::build(setup),
        kind => Err(vec![Problem::new(
            &setup.config.file,
            format!("there is no adapter for platform `{kind}` in this version"),
            "use one of: connectwise, freshdesk, salesforce",
        )]),
    }
}

/// The platforms that have an adapter in this version.
#[must_use]
pub fn available() -> &'static [PlatformKind] {
    &[
        PlatformKind::ConnectWise,
        PlatformKind::Freshdesk,
        PlatformKind::Salesforce,
    ]
}
