//! Which adapters there are: one line each.

use std::sync::Arc;

use super::{
    Platform, autotask, connectwise, freshdesk, netsuite, quickbase, rest, salesforce, servicenow,
    smartsheet,
};
use crate::config::{ConnectorConfig, NamedFile, Problem, Secrets};
use crate::http::{AccountKey, Quota, QuotaBook, QuotaLimits, TokenKeeper};
use crate::model::{Clock, PlatformKind};

/// What an adapter is built from.
pub struct Setup<'a> {
    /// The connector's file, checked for form.
    pub config: &'a ConnectorConfig,
    /// Where secrets come from.
    pub secrets: &'a Secrets,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Keeps a refresh token that the vendor changes at each use.
    pub tokens: Arc<dyn TokenKeeper>,
    /// The allowances in use: connectors that sign in as the same account share one.
    pub quotas: &'a QuotaBook,
}

impl Setup<'_> {
    /// The quota of this connector on the account that `identity` tells from others at its vendor.
    pub(super) fn quota<'i>(
        &self,
        identity: impl IntoIterator<Item = &'i str>,
        limits: &QuotaLimits,
    ) -> Arc<Quota> {
        let platform = self.config.platform.word();
        let account = AccountKey::of(std::iter::once(platform).chain(identity));
        Arc::new(self.quotas.quota(&account, &self.config.id, limits))
    }
}

/// Builds the adapter of a connector.
///
/// # Errors
/// All problems of its settings at once, each naming the key and what to do.
pub fn build(setup: &Setup<'_>) -> Result<Arc<dyn Platform>, Vec<Problem>> {
    match setup.config.platform {
        PlatformKind::Autotask => autotask::build(setup),
        PlatformKind::ConnectWise => connectwise::build(setup),
        PlatformKind::ServiceNow => servicenow::build(setup),
        PlatformKind::Salesforce => salesforce::build(setup),
        PlatformKind::Freshdesk => freshdesk::build(setup),
        PlatformKind::NetSuite => netsuite::build(setup),
        PlatformKind::Quickbase => quickbase::build(setup),
        PlatformKind::Smartsheet => smartsheet::build(setup),
        PlatformKind::Rest => rest::build(setup),
    }
}

/// The files that a connector's settings name and that are read with them: when they change, it is to be built anew.
#[must_use]
pub fn named_files(config: &ConnectorConfig) -> Vec<NamedFile> {
    match config.platform {
        PlatformKind::Rest => rest::named_files(config),
        _ => Vec::new(),
    }
}

/// The platforms that have an adapter in this version.
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
