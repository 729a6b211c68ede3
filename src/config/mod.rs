//! The files a person writes: `fieldbridge.toml`, `connectors/<id>.toml`, `mappings/<id>.toml`.
//!
//! This room reads and checks them and says what is wrong with file, line and column; it holds no state of the
//! engine and makes no calls. A broken file never replaces a good one: that is for who watches to keep.

mod connector;
mod create;
mod directory;
mod init;
mod load;
mod named;
mod problem;
mod replace;
mod secret;
mod settings;
mod vault;
mod warn;
mod watch;

pub use connector::{ConnectorConfig, Features, Limits, NoteFlow, Setting};
pub use create::{CreateError, CreatedFiles, create_connector, see_free};
pub use directory::{DataDirectory, Directory, NoHome, name_within};
pub use init::{connector_text, default_mapping, initialise, settings_text};
pub use load::{Loaded, LoadedConnector, load};
pub use named::{FilesSeen, NamedFile};
pub use problem::{Place, Problem};
pub use replace::replace_file;
pub use secret::{SealedSecrets, SecretReference, Secrets};
pub use settings::{
    EngineSettings, FieldNationSettings, JsonnetSettings, MailSettings, MailTls, PrivacySettings,
    Roles, ServerSettings, Settings,
};
pub use vault::{
    KeyOrigin, MASTER_KEY_CREDENTIAL, MASTER_KEY_VARIABLE, Vault, VaultError, is_secret_name,
};
pub use watch::{Watch, watch};
