//! The engine: what makes a trigger become a delivery.
//!
//! Intake accepts triggers and events and answers once they are on disk; the scheduler claims what is due, lane by
//! lane and connector by connector; workers carry a transaction through its steps and journal each. The engine
//! speaks to platforms through [`Platform`](crate::platform::Platform) only and knows none of them by name.

mod attempt;
mod breaker;
mod carry;
mod changes;
mod connectors;
mod control;
mod flow;
mod housekeeping;
mod inbound;
mod intake;
mod kept_token;
mod making;
mod map;
mod notify;
mod outbound;
mod people;
mod retry;
mod scheduler;
mod sequence;
mod shared;
mod sides;
mod start;
mod view;
mod workbench;
mod worker;

pub use connectors::ConnectorFiles;
pub use control::{
    Control, ControlError, MappingDraft, PreviewField, PreviewRequest, PreviewResult, Replay,
    ReplayPlan, Sample, told,
};
pub use making::{DescriptionRequest, Extent, MadeConnector, MakeConnector, Making};
pub use shared::Seal;
pub use start::{Engine, EngineSetup, StartProblem, database_path};
pub use view::{
    BreakerView, ConnectorState, ConnectorView, EngineView, FieldNationView, Flow, Overview,
    QueueKind, QueueView, TransactionDetail,
};
pub use workbench::{
    Bench, ChangeKind, FieldImpact, Impact, ImpactExample, ImpactRequest, ImpactUpdate, Publish,
    RecordCase, RecordedCase, RollBack, SaveDraft, USUAL_IMPACT, Workbench,
};
