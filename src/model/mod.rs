//! Plain data that every room shares: ids, states, transactions, failures, field catalogues.
//!
//! Nothing here performs I/O, knows a platform's wire format, or reads a clock by itself.

mod catalogue;
mod clock;
mod event;
mod failure;
mod ids;
mod journal;
mod platform_kind;
mod record;
mod state;
mod transaction;

pub use catalogue::{Catalogue, Field, FieldKind, PicklistValue};
pub use clock::{Clock, ManualClock, Random, SystemRandom, Timestamp, TokioClock};
pub use event::{EventName, UnknownEvent};
pub use failure::{Category, Effect, Failure, Fingerprint};
pub use ids::{
    ConnectorId, DeliveryKey, InvalidConnectorId, MappingVersion, OwnerId, RecordId, TransactionId,
    WorkOrderId,
};
pub use journal::{Exchange, JournalEntry, PayloadKind, Step, StepOutcome};
pub use platform_kind::{PlatformKind, UnknownPlatform};
pub use record::{
    Attempted, FileContent, FileReference, Marker, Note, NoteVisibility, Record, SideRecord,
    SideRecordKind, SideSource,
};
pub use state::{IllegalMove, Move, State};
pub use transaction::{
    Delivered, Direction, Intent, Lease, Origin, Priority, Progress, SkipReason, Target,
    Transaction,
};
