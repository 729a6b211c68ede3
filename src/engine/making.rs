//! Making a connector of an API's description: what there is to choose, and what becomes of a choice.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::control::ControlError;
use crate::config::Problem;
use crate::model::ConnectorId;
use crate::platform::{Choice, Offer};

/// Asks what a description offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptionRequest {
    /// The file or directory, as the engine sees it; a relative one is looked for in the config directory.
    pub file: String,
    /// The connector that is to be made of it: refused when there is one of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorId>,
    /// The operation that is to read a record: all else is proposed around it. The likeliest without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<String>,
    /// Where in its answer the record is, empty for the top. Where the description suggests without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
}

/// Asks for a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeConnector {
    /// Its id.
    pub connector: ConnectorId,
    /// The description, as in a [`DescriptionRequest`].
    pub file: String,
    /// What is chosen of it.
    pub choice: Choice,
    /// How far to go.
    #[serde(default)]
    pub extent: Extent,
}

/// How far the making of a connector goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Only as far as to say what it would be.
    #[default]
    DryRun,
    /// To the end: its files are written.
    Write,
}

/// A connector as it would be, or is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeConnector {
    /// Where its file is to be.
    pub file: PathBuf,
    /// The file's text.
    pub text: String,
    /// What loading it would find wrong, secrets that are missing left aside.
    pub problems: Vec<Problem>,
    /// The secrets that it needs and that are not kept yet, by name.
    pub missing_secrets: Vec<String>,
    /// The files that were written.
    #[serde(default)]
    pub written: Vec<PathBuf>,
    /// The files that were there already and stayed as they are.
    #[serde(default)]
    pub kept: Vec<PathBuf>,
}

/// The engine's part that makes connectors.
#[async_trait]
pub trait Making: Send + Sync + 'static {
    /// What a description offers.
    ///
    /// # Errors
    /// When it can't be read, is no description, or the id is taken.
    async fn describe(&self, request: DescriptionRequest) -> Result<Offer, ControlError>;

    /// What a connector of a choice would be; or makes it, and overwrites nothing.
    ///
    /// # Errors
    /// [`ControlError::Refused`] when the id is taken, when the choice can't be, and, if it is to be written, when
    /// loading it would find anything wrong but missing secrets.
    async fn make_connector(
        &self,
        make: MakeConnector,
        by: &str,
    ) -> Result<MadeConnector, ControlError>;
}
