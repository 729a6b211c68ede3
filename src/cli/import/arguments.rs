//! The command line of `connector import-openapi`.

use std::path::PathBuf;

use clap::Args;

use crate::model::ConnectorId;
use crate::platform::Purpose;

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArguments {
    /// The description: a file, or a directory that holds all files of one
    pub(in crate::cli) file: PathBuf,
    /// Propose the file of a connector of this id and print it
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) connector: Option<ConnectorId>,
    /// Write it to the config directory, with a mapping to begin with, instead of printing it
    #[arg(long, requires = "connector")]
    pub(in crate::cli) write: bool,
    /// Choose the operations one after the other, on a terminal; the file is shown before it is written
    #[arg(long, requires = "connector", conflicts_with = "write")]
    pub(in crate::cli) ask: bool,
    #[command(flatten)]
    pub(in crate::cli) choice: ChoiceArguments,
}

/// What is chosen of a description. An operation is named by its id or as `GET /path`; `none` leaves it out.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChoiceArguments {
    /// The operation that reads one record: its id, or "GET /path" [default: the likeliest, as with the others]
    #[arg(long, value_name = "OPERATION", requires = "connector")]
    pub(in crate::cli) fetch: Option<String>,
    /// The operation that describes a record's fields, or none
    #[arg(long, value_name = "OPERATION", requires = "connector")]
    pub(in crate::cli) metadata: Option<String>,
    /// The operation that creates a record, or none
    #[arg(long, value_name = "OPERATION", requires = "connector")]
    pub(in crate::cli) create: Option<String>,
    /// The operation that changes a record, or none
    #[arg(long, value_name = "OPERATION", requires = "connector")]
    pub(in crate::cli) update: Option<String>,
    /// The operation that attaches a file, or none
    #[arg(long, value_name = "OPERATION", requires = "connector")]
    pub(in crate::cli) attach: Option<String>,
    /// The operation that lists records, or none
    #[arg(long, value_name = "OPERATION", requires = "connector")]
    pub(in crate::cli) list: Option<String>,
    /// Where the API answers, if not where the description says
    #[arg(long, value_name = "URL", requires = "connector")]
    pub(in crate::cli) base_url: Option<String>,
}

impl ChoiceArguments {
    /// What is said for a purpose.
    pub(in crate::cli) fn operation(&self, purpose: Purpose) -> Option<&str> {
        let said = match purpose {
            Purpose::Fetch => &self.fetch,
            Purpose::Metadata => &self.metadata,
            Purpose::Create => &self.create,
            Purpose::Update => &self.update,
            Purpose::Attach => &self.attach,
            Purpose::List => &self.list,
        };
        said.as_deref().map(str::trim)
    }
}
