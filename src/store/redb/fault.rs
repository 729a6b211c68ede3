//! Errors inside this implementation: what was refused, what broke, and how to say it to people.

use std::io;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::IllegalMove;
use crate::store::StoreError;

/// Why a verb did not happen. The difference decides what becomes of the group it is in.
#[derive(Debug)]
pub(super) enum Fault {
    /// The verb may not happen, and has written nothing: the rest of its group goes on.
    Refused(StoreError),
    /// Something broke, perhaps half way: the whole write transaction has to be thrown away.
    Broken(StoreError),
}

impl From<IllegalMove> for Fault {
    fn from(refusal: IllegalMove) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Takes an error of the storage layer, in words for people.
fn storage(error: &StorageError) -> StoreError {
    let full = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    };
    match error {
        StorageError::Io(cause) if full(cause) => StoreError::Unavailable(
            "there is no space left where the database lies; free some, and work goes on by itself"
                .to_owned(),
        ),
        StorageError::Corrupted(why) => StoreError::Damaged {
            what: "database page",
            why: why.clone(),
        },
        other => StoreError::Unavailable(other.to_string()),
    }
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        storage(&error)
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => storage(&error),
            other => Self::Damaged {
                what: "table",
                why: other.to_string(),
            },
        }
    }
}

impl From<TransactionError> for StoreError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => storage(&error),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => storage(&error),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(error) => storage(&error),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

macro_rules! breaks {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Broken(error.into())
            }
        }
    )*};
}

breaks!(StoreError, StorageError, TableError);

/// Reads a stored row.
pub(super) fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged {
        what,
        why: error.to_string(),
    })
}

/// Makes the bytes of a row.
pub(super) fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Damaged {
        what,
        why: error.to_string(),
    })
}
