//! How a command fails, and with which exit code.

use crate::api::ClientError;
use crate::config::CreateError;
use crate::engine::ControlError;

/// The exit code for a command line that can't be understood.
pub(super) const USAGE: u8 = 2;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It is not allowed, or not possible as things stand.
    #[error("{0}")]
    Refused(String),
    /// No engine runs, and the command needs one.
    #[error("{0}")]
    NotRunning(String),
    /// What is wrong was printed already; this is the exit code that goes with it.
    #[error("")]
    Told(u8),
    /// Whoever reads our output has gone away; that is how `| head` ends.
    #[error("")]
    NobodyReads,
}

impl CliError {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }

    /// The documented exit code.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::NobodyReads => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => USAGE,
            Self::NotFound(_) => 3,
            Self::Refused(_) => 4,
            Self::NotRunning(_) => 5,
            Self::Told(code) => *code,
        }
    }

    /// The word for scripts.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Failed(_) | Self::Told(_) => "failed",
            Self::Usage(_) => "usage",
            Self::NotFound(_) => "not_found",
            Self::Refused(_) => "refused",
            Self::NotRunning(_) => "not_running",
            Self::NobodyReads => "closed",
        }
    }
}

impl From<CreateError> for CliError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Taken(..) => Self::Refused(error.to_string()),
            CreateError::Io { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<ControlError> for CliError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NotFound(why) => Self::NotFound(why),
            ControlError::Refused(why) | ControlError::Stale(why) => Self::Refused(why),
            ControlError::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning(_) => Self::NotRunning(error.to_string()),
            ClientError::Closed(_) => Self::Refused(error.to_string()),
            ClientError::Version(_) | ClientError::Lost(_) | ClientError::Unreadable(_) => {
                Self::Failed(error.to_string())
            }
            ClientError::Control(error) => error.into(),
        }
    }
}
