//! Identifiers. Each is its own type, so that one can't stand where another is meant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A connector's slug, e.g. `cw-main`: 1 to 40 of `a-z`, `0-9`, `-`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectorId(Arc<str>);

/// Why a text is no connector id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no connector id: use 1 to 40 lower-case letters, digits and hyphens, beginning with a letter or digit"
)]
pub struct InvalidConnectorId(pub String);

impl ConnectorId {
    /// Checks and takes a slug.
    ///
    /// # Errors
    /// [`InvalidConnectorId`] when the text has other characters or another length than a slug may have.
    pub fn new(text: &str) -> Result<Self, InvalidConnectorId> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins_well = text.bytes().next().is_some_and(|byte| byte != b'-');
        if begins_well && text.len() <= 40 && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidConnectorId(text.chars().take(60).collect()))
        }
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for ConnectorId {
    type Err = InvalidConnectorId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for ConnectorId {
    type Error = InvalidConnectorId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<ConnectorId> for String {
    fn from(id: ConnectorId) -> Self {
        id.0.to_string()
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

text_id! {
    /// A record's id on its platform, as text whatever the platform calls it (`69`, `46d4…`, `<sheet>-<row>`).
    RecordId
}
text_id! {
    /// What tells one delivery of a webhook from another, e.g. a vendor's delivery id; scoped by its source.
    DeliveryKey
}
text_id! {
    /// The content hash of a mapping: the same rules and scripts have the same version.
    MappingVersion
}

/// A Field Nation work order's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkOrderId(pub u64);

impl fmt::Display for WorkOrderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later ones sorting after earlier ones (UUID v7).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as the number that orders it.
            #[must_use]
            pub fn as_u128(self) -> u128 {
                self.0.as_u128()
            }

            /// The id that a number stands for.
            #[must_use]
            pub fn from_u128(number: u128) -> Self {
                Self(Uuid::from_u128(number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id! {
    /// A transaction's id; its order is the order of acceptance.
    TransactionId
}
uuid_id! {
    /// Who holds a lease: one engine process.
    OwnerId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_id_is_a_slug() {
        assert!(ConnectorId::new("cw-main").is_ok());
        for wrong in ["", "-a", "CW", "a b", "a/b", "ä", &"x".repeat(41)] {
            assert!(ConnectorId::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn transaction_ids_sort_by_birth() {
        let ids: Vec<_> = (0..100).map(|_| TransactionId::generate()).collect();
        assert!(ids.is_sorted());
    }
}
