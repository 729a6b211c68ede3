//! The nine platforms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the systems there is an adapter for. The serialised name is the word used in config files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlatformKind {
    /// Datto Autotask PSA.
    Autotask,
    /// ConnectWise PSA (Manage).
    ConnectWise,
    /// ServiceNow.
    ServiceNow,
    /// Salesforce Service Cloud.
    Salesforce,
    /// Freshdesk.
    Freshdesk,
    /// Oracle NetSuite.
    NetSuite,
    /// Quickbase.
    Quickbase,
    /// Smartsheet.
    Smartsheet,
    /// Any REST API with an OpenAPI description.
    Rest,
}

/// A name that is none of the nine.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no platform; there are: autotask, connectwise, servicenow, salesforce, freshdesk, netsuite, quickbase, smartsheet, rest"
)]
pub struct UnknownPlatform(pub String);

impl PlatformKind {
    /// All nine, in the order of the design.
    pub const ALL: [Self; 9] = [
        Self::Autotask,
        Self::ConnectWise,
        Self::ServiceNow,
        Self::Salesforce,
        Self::Freshdesk,
        Self::NetSuite,
        Self::Quickbase,
        Self::Smartsheet,
        Self::Rest,
    ];

    /// The word in config files and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Autotask => "autotask",
            Self::ConnectWise => "connectwise",
            Self::ServiceNow => "servicenow",
            Self::Salesforce => "salesforce",
            Self::Freshdesk => "freshdesk",
            Self::NetSuite => "netsuite",
            Self::Quickbase => "quickbase",
            Self::Smartsheet => "smartsheet",
            Self::Rest => "rest",
        }
    }

    /// The vendor's own spelling, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Autotask => "Autotask",
            Self::ConnectWise => "ConnectWise",
            Self::ServiceNow => "ServiceNow",
            Self::Salesforce => "Salesforce",
            Self::Freshdesk => "Freshdesk",
            Self::NetSuite => "NetSuite",
            Self::Quickbase => "Quickbase",
            Self::Smartsheet => "Smartsheet",
            Self::Rest => "REST",
        }
    }
}

impl fmt::Display for PlatformKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

impl FromStr for PlatformKind {
    type Err = UnknownPlatform;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| UnknownPlatform(text.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parse_back_and_match_the_serialised_form() {
        for kind in PlatformKind::ALL {
            assert_eq!(kind.word().parse::<PlatformKind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
        assert!("zendesk".parse::<PlatformKind>().is_err());
    }
}
