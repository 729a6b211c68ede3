//! The files a person writes: `fieldbridge.toml`, `connectors/<id>.toml`, `mappings/<id>.toml`.
//!
//! This room reads and checks them and says what is wrong with file, line and column; it holds no state of the
//! engine and makes no calls. A broken file never replaces a good one: that is for who watches to keep.

mod connector;
mod problem;
mod secret;
mod settings;

pub use connector::{ConnectorConfig, Features, Limits, NoteFlow, Setting};
pub use problem::{Place, Problem};
pub use secret::{SealedSecrets, SecretReference, Secrets};
pub use settings::{
    EngineSettings, FieldNationSettings, JsonnetSettings, MailSettings, MailTls, Roles,
    ServerSettings, Settings,
};
