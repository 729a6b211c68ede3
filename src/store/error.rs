//! Why a verb could not be carried out.

use crate::model::{IllegalMove, Timestamp, TransactionId};

/// Why a verb could not be carried out. In every case nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database refuses (full, read-only, damaged). Trying again may help.
    #[error("the store can't write: {0}")]
    Unavailable(String),
    /// Another process holds the database.
    #[error("the database {path} is in use by {holder}")]
    InUse {
        /// The file.
        path: String,
        /// Who holds it, as far as can be told.
        holder: String,
    },
    /// The file was written by a newer version, or is no database of ours.
    #[error("the database {path} can't be used: {why}")]
    Unusable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// There is no such transaction.
    #[error("there is no transaction {0}")]
    NotFound(TransactionId),
    /// The lease is no longer ours; whatever was going to be written belongs to somebody else now.
    #[error("the lease on transaction {0} is lost")]
    LeaseLost(TransactionId),
    /// The state does not allow the move.
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
    /// The person saw another revision than there is now.
    #[error("transaction {id} was changed by {by} at {at}; look again before acting")]
    Stale {
        /// Which.
        id: TransactionId,
        /// Who changed it.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody else saved or ended the draft meanwhile.
    #[error("{0}; open the draft again before you save")]
    StaleDraft(String),
    /// A stored row can't be read.
    #[error("a stored {what} can't be read: {why}")]
    Damaged {
        /// What kind of row.
        what: &'static str,
        /// Why.
        why: String,
    },
}
