//! `fieldbridge mapping …` as it is parsed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{DirectionArgument, record_id};
use crate::engine::USUAL_IMPACT;
use crate::model::{ConnectorId, EventName, RecordId, TransactionId};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MappingCommand {
    /// Check a mapping file, or those of all connectors
    Check {
        /// The file [default: the connector's, or those of all connectors]
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
        /// Against the fields of this connector's platform and of Field Nation, which the running engine knows
        #[arg(long, value_name = "ID")]
        connector: Option<ConnectorId>,
    },
    /// Evaluate a mapping on an input and print the output; needs no engine
    Eval(EvaluateArguments),
    /// What a connector's mapping makes of a record, a transaction (the latest, unless named) or a file; sends nothing
    Preview(PreviewArguments),
    /// Run the regression cases beside a mapping, or those of all connectors; exit code 1 if one fails
    Test {
        /// The mapping file [default: those of all connectors]
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
        /// Let the cases that fail expect from now on what came out
        #[arg(long)]
        accept: bool,
    },
    /// Record a transaction as a regression case of its mapping, secrets and personal data masked
    Record(RecordArguments),
    /// What an edited mapping would change of the latest transactions; exit code 1 if it breaks one
    Impact(ImpactArguments),
    /// Bring an edited mapping in force
    Publish(PublishArguments),
    /// The mappings that were in force, newest first
    Versions {
        #[arg(long)]
        connector: ConnectorId,
    },
    /// Bring an earlier mapping in force again
    Rollback {
        #[arg(long)]
        connector: ConnectorId,
        /// The version, or the beginning of its name [default: the one before]
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
    },
    /// The draft that somebody is editing in the console
    Draft(DraftArguments),
    /// A mapping in words, as a table for review
    Explain(ExplainArguments),
    /// Turn the hosted broker's JSON into a mapping file
    Import(ImportMappingArguments),
    /// Print a mapping in the hosted broker's JSON; what that has no form for is told on stderr
    Export(WhichMapping),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RecordArguments {
    pub(in crate::cli) transaction: TransactionId,
    /// The case's name [default: made of the record's]
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImpactArguments {
    /// Whose transactions
    #[arg(long)]
    pub(in crate::cli) connector: ConnectorId,
    /// The edited mapping [default: the connector's draft]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) mapping: Option<PathBuf>,
    /// How many of the latest transactions
    #[arg(long, value_name = "N", default_value_t = USUAL_IMPACT)]
    pub(in crate::cli) last: usize,
    /// Only those of this direction
    #[arg(long, value_enum)]
    pub(in crate::cli) direction: Option<DirectionArgument>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PublishArguments {
    /// Whose mapping
    #[arg(long)]
    pub(in crate::cli) connector: ConnectorId,
    /// The edited mapping [default: the connector's draft]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) mapping: Option<PathBuf>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) note: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DraftArguments {
    /// Whose draft
    #[arg(long)]
    pub(in crate::cli) connector: ConnectorId,
    /// Throw it away
    #[arg(long)]
    pub(in crate::cli) discard: bool,
}

/// A mapping file, or the one of a connector.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct WhichMapping {
    /// The mapping file; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) mapping: Option<PathBuf>,
    /// The connector whose mapping it is
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) connector: Option<ConnectorId>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArguments {
    /// The mapping file; - reads stdin
    #[arg(long, value_name = "FILE", required_unless_present = "connector")]
    pub(in crate::cli) mapping: Option<PathBuf>,
    /// The connector whose mapping it is, and whose fields give the names
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) connector: Option<ConnectorId>,
    /// As what [with --json: json]
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) format: ExplainFormat,
}

/// How a mapping is explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExplainFormat {
    /// Tables in Markdown
    #[default]
    Markdown,
    /// A page that needs nothing else
    Html,
    /// The rules as JSON
    Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportMappingArguments {
    /// The JSON as the hosted broker has it; - reads stdin
    pub(in crate::cli) file: PathBuf,
    /// Where to write the mapping [default: print it]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Write it over a file that is there
    #[arg(long, requires = "output")]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EvaluateArguments {
    /// The mapping file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) mapping: PathBuf,
    /// Which rules
    #[arg(long, value_enum)]
    pub(in crate::cli) direction: DirectionArgument,
    #[arg(long, help = "The event, on outbound, e.g. FN_WO_ASSIGNED")]
    pub(in crate::cli) event: Option<EventName>,
    /// The source as JSON; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) input: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PreviewArguments {
    /// Whose mapping
    #[arg(long)]
    pub(in crate::cli) connector: ConnectorId,
    #[command(flatten)]
    pub(in crate::cli) sample: SampleArguments,
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) direction: DirectionArgument,
    #[arg(long, help = "The event, on outbound, e.g. FN_WO_ASSIGNED")]
    pub(in crate::cli) event: Option<EventName>,
    /// Another mapping file than the connector's
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) mapping: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = false, multiple = false)]
pub(in crate::cli) struct SampleArguments {
    /// A record, fetched now
    #[arg(long, value_parser = record_id)]
    pub(in crate::cli) record: Option<RecordId>,
    /// The source of a recorded transaction
    #[arg(long)]
    pub(in crate::cli) transaction: Option<TransactionId>,
    /// A source as JSON; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) input: Option<PathBuf>,
}
