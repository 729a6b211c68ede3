//! The command line as it is parsed; its words are the help.

mod mapping;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(super) use mapping::{
    DraftArguments, EvaluateArguments, ExplainArguments, ExplainFormat, ImpactArguments,
    ImportMappingArguments, MappingCommand, PreviewArguments, PublishArguments, RecordArguments,
    WhichMapping,
};

use super::import::ImportArguments;
use super::output::Color;
use crate::engine::Replay;
use crate::model::{
    ConnectorId, Direction, PlatformKind, RecordId, State, TransactionId, WorkOrderId,
};

/// Keeps tickets of nine business platforms in step with Field Nation work orders.
///
/// Without a command it opens the console: on the engine that runs, or on one that it starts.
#[derive(Debug, Parser)]
#[command(name = "fieldbridge", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done · 1 failed · 2 usage · 3 not found · 4 refused · 5 no engine running"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What every command understands.
#[derive(Debug, Default, Args)]
pub(super) struct Global {
    #[arg(long, global = true, value_name = "DIR")]
    #[arg(
        help = "The config directory [default: $FIELDBRIDGE_CONFIG, else ~/.config/fieldbridge]"
    )]
    pub(super) config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    #[arg(
        help = "The data directory [default: $FIELDBRIDGE_DATA, else as in fieldbridge.toml, else ~/.local/share/fieldbridge]"
    )]
    pub(super) data: Option<PathBuf>,
    /// Print exactly one JSON value
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) color: Color,
    /// Refuse whatever changes anything
    #[arg(long, global = true)]
    pub(super) read_only: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the engine without a console (systemd)
    Serve(ServeArguments),
    /// Try it: stand-ins, an engine and traffic, no accounts needed
    Demo(DemoArguments),
    /// Run the stand-ins only, to rehearse a real configuration
    Sandbox(SandboxArguments),
    /// Write a config directory, every key explained
    Init(InitArguments),
    /// Check all files of the config directory
    Check,
    /// Check what the engine needs of this machine
    Doctor,
    /// Connectors: look, test, pause, resume, trigger
    #[command(subcommand)]
    Connector(ConnectorCommands),
    /// The connection to Field Nation
    #[command(subcommand)]
    Fieldnation(FieldnationCommand),
    /// Mappings: check, evaluate, preview, test, impact, publish
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Transactions: look, retry, discard, replay
    #[command(subcommand)]
    Tx(TransactionCommand),
    /// Secrets that are kept sealed
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Who did what
    Audit(AuditArguments),
    /// Print completions for a shell
    Completions(CompletionsArguments),
    /// Print the manual page
    Man(ManualArguments),
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Leave the terminal's session, as a console does that hands its engine over
    #[arg(long, hide = true)]
    pub(super) detached: bool,
}

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Without the console; prints the figures at the end
    #[arg(long)]
    pub(super) headless: bool,
    /// How long, e.g. 20s or 2m [default: 20s without the console, else until you leave]
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(super) time: Option<std::time::Duration>,
    #[command(flatten)]
    pub(super) platforms: Platforms,
}

/// Which platforms have a stand-in.
#[derive(Debug, Args)]
pub(super) struct Platforms {
    /// The platforms, e.g. `connectwise,smartsheet`, or `all`
    #[arg(long, value_name = "P,P,…", value_delimiter = ',', value_parser = platform_choice)]
    platforms: Vec<PlatformChoice>,
}

/// One word of `--platforms`.
#[derive(Clone, Copy, Debug)]
enum PlatformChoice {
    One(PlatformKind),
    All,
}

fn platform_choice(word: &str) -> Result<PlatformChoice, String> {
    match word.trim() {
        "all" => Ok(PlatformChoice::All),
        word => word
            .parse()
            .map(PlatformChoice::One)
            .map_err(|error: crate::model::UnknownPlatform| error.to_string()),
    }
}

impl Platforms {
    /// Each of those named once, in the order of the design; these where none is named.
    pub(super) fn chosen(&self, otherwise: &[PlatformKind]) -> Vec<PlatformKind> {
        if self.platforms.is_empty() {
            return otherwise.to_vec();
        }
        let named = |platform: PlatformKind| {
            self.platforms.iter().any(|choice| match choice {
                PlatformChoice::All => crate::sandbox::available().contains(&platform),
                PlatformChoice::One(one) => *one == platform,
            })
        };
        let all = PlatformKind::ALL.into_iter();
        all.filter(|platform| named(*platform)).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct SandboxArguments {
    /// The first of the ports to listen on, one for Field Nation and one a platform [default: free ones]
    #[arg(long)]
    pub(super) port: Option<u16>,
    #[command(flatten)]
    pub(super) platforms: Platforms,
}

/// A time such as `20s`, `2m` or `1h`.
fn time(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is no time; write for example 20s, 2m or 1h");
    let (number, seconds) = match text.trim().char_indices().last() {
        Some((end, 's')) => (&text[..end], 1),
        Some((end, 'm')) => (&text[..end], 60),
        Some((end, 'h')) => (&text[..end], 3600),
        _ => return Err(wrong()),
    };
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    let seconds = number
        .checked_mul(seconds)
        .filter(|seconds| (1..=86_400).contains(seconds));
    seconds
        .map(std::time::Duration::from_secs)
        .ok_or_else(wrong)
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// Also write a connector of this platform
    #[arg(long)]
    pub(super) platform: Option<PlatformKind>,
    /// The connector's id [default: the platform's name]
    #[arg(long, requires = "platform")]
    pub(super) id: Option<ConnectorId>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConnectorCommands {
    #[command(flatten)]
    Running(ConnectorCommand),
    /// Read an OpenAPI description (2.0, 3.0, 3.1; JSON or YAML) and say what it offers; needs no engine
    ImportOpenapi(ImportArguments),
}

/// What is asked of a connector that an engine runs.
#[derive(Debug, Subcommand)]
pub(super) enum ConnectorCommand {
    /// All connectors and how they are
    List,
    /// One connector
    Show { connector: ConnectorId },
    /// Check credential, rights and features
    Test { connector: ConnectorId },
    /// The fields that mappings can write
    Fields {
        connector: ConnectorId,
        /// Whose fields: Field Nation's (inbound) or the platform's (outbound)
        #[arg(long, value_enum, default_value_t)]
        direction: DirectionArgument,
        /// Only those whose path, label or values contain this text
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Read them anew from both sides first
        #[arg(long)]
        refresh: bool,
    },
    /// Hold a connector's transactions
    Pause { connector: ConnectorId },
    /// Let them go on
    Resume { connector: ConnectorId },
    /// The address that the platform calls; keep it secret
    TriggerUrl { connector: ConnectorId },
    /// Make a new address and refuse the old one from now on
    RotateToken { connector: ConnectorId },
    /// Subscriptions at the platform that call us
    #[command(subcommand)]
    Callbacks(CallbackCommand),
    /// Queue a record as if its platform had called
    Trigger {
        connector: ConnectorId,
        /// The record's id on its platform
        #[arg(value_parser = record_id)]
        record: RecordId,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CallbackCommand {
    /// Make the subscription, or say how it is made by hand
    Register { connector: ConnectorId },
    /// Those that lead to us
    List { connector: ConnectorId },
    /// Remove one
    Remove {
        connector: ConnectorId,
        /// Its id, as listed
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum FieldnationCommand {
    /// The webhook by which Field Nation tells us of events
    #[command(subcommand)]
    Webhooks(WebhookCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Register ours for all events, or re-enable it
    Register,
    /// Those that lead to us
    List,
    /// Remove one
    Remove {
        /// Its id, as listed
        id: String,
    },
    /// Whether one of them delivers; exit code 1 if none does
    Check,
}

#[derive(Debug, Subcommand)]
pub(super) enum TransactionCommand {
    /// A page of transactions
    List(ListArguments),
    /// One transaction and its journal
    Show {
        id: TransactionId,
        /// Print one of its payloads instead
        #[arg(long, value_enum)]
        payload: Option<PayloadArgument>,
    },
    /// Try again now
    Retry(CommandArguments),
    /// Give up, with a reason
    Discard {
        #[command(flatten)]
        which: CommandArguments,
        #[arg(long)]
        reason: String,
    },
    /// Take a discard back
    Restore(CommandArguments),
    /// Everything that is kept of a transaction, as one JSON value
    Export {
        id: TransactionId,
        /// Write it to a file instead of stdout
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run a transaction again as a new one
    Replay {
        id: TransactionId,
        /// From where on
        #[arg(long = "as", value_enum, value_name = "HOW")]
        how: ReplayArgument,
        /// Send this output (JSON object; - reads stdin) instead of the one it would make
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Only show what would be sent
        #[arg(long, conflicts_with = "output")]
        plan: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only this connector's
    #[arg(long)]
    pub(super) connector: Option<ConnectorId>,
    /// Only in this state; may be given more than once
    #[arg(long, value_name = "STATE")]
    pub(super) state: Vec<State>,
    /// Only this direction
    #[arg(long, value_enum)]
    pub(super) direction: Option<DirectionArgument>,
    /// Only this record's
    #[arg(long, value_parser = record_id)]
    pub(super) record: Option<RecordId>,
    /// Only this work order's
    #[arg(long, value_parser = work_order_id)]
    pub(super) work_order: Option<WorkOrderId>,
    /// Only those dead for this reason (as `--json` shows it)
    #[arg(long)]
    pub(super) fingerprint: Option<String>,
    /// The earliest accepted first
    #[arg(long)]
    pub(super) oldest_first: bool,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = limit)]
    pub(super) limit: usize,
    /// The page after this transaction
    #[arg(long, value_name = "ID")]
    pub(super) after: Option<TransactionId>,
}

#[derive(Debug, Args)]
pub(super) struct CommandArguments {
    /// The transactions
    #[arg(required = true)]
    pub(super) ids: Vec<TransactionId>,
    /// Refuse if it has changed since this revision
    #[arg(long, value_name = "REVISION")]
    pub(super) seen: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Keep a secret, read from stdin
    Set { name: String },
    /// The names of those kept; their values are never shown
    List,
    /// Forget a secret
    Rm { name: String },
}

#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// How many lines at most
    #[arg(long, default_value_t = 50, value_parser = limit)]
    pub(super) limit: usize,
    /// The page before this line
    #[arg(long, value_name = "ID")]
    pub(super) before: Option<TransactionId>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManualArguments {
    /// Write a page for each command into this directory instead
    #[arg(long, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
}

/// A direction on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionArgument {
    /// Platform to Field Nation
    #[default]
    Inbound,
    /// Field Nation to platform
    Outbound,
}

impl From<DirectionArgument> for Direction {
    fn from(direction: DirectionArgument) -> Self {
        match direction {
            DirectionArgument::Inbound => Self::Inbound,
            DirectionArgument::Outbound => Self::Outbound,
        }
    }
}

/// A kind of payload on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PayloadArgument {
    /// The body that triggered it
    Trigger,
    /// The source as fetched
    Source,
    /// What the mapping made of it
    Output,
    /// What was sent
    Sent,
}

impl From<PayloadArgument> for crate::model::PayloadKind {
    fn from(kind: PayloadArgument) -> Self {
        match kind {
            PayloadArgument::Trigger => Self::Trigger,
            PayloadArgument::Source => Self::Source,
            PayloadArgument::Output => Self::Output,
            PayloadArgument::Sent => Self::Sent,
        }
    }
}

/// A way to replay on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplayArgument {
    /// Send the output it made then
    SameOutput,
    /// Map the source it had then with the mapping of now
    Remap,
    /// Fetch the source anew and map it with the mapping of now
    Refetch,
}

impl From<ReplayArgument> for Replay {
    fn from(how: ReplayArgument) -> Self {
        match how {
            ReplayArgument::SameOutput => Self::SameOutput,
            ReplayArgument::Remap => Self::Remap,
            ReplayArgument::Refetch => Self::Refetch,
        }
    }
}

fn record_id(text: &str) -> Result<RecordId, String> {
    match text.trim() {
        "" => Err("a record's id is not empty".to_owned()),
        id => Ok(RecordId::new(id)),
    }
}

fn work_order_id(text: &str) -> Result<WorkOrderId, std::num::ParseIntError> {
    text.parse().map(WorkOrderId)
}

/// The largest page.
const LONGEST: usize = 1000;

fn limit(text: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|limit| (1..=LONGEST).contains(limit));
    number.ok_or_else(|| format!("a number from 1 to {LONGEST}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_anywhere() {
        let arguments = [
            "fieldbridge",
            "tx",
            "list",
            "--json",
            "--state",
            "dead",
            "--config",
            "/x",
        ];
        let arguments = Arguments::try_parse_from(arguments).unwrap();
        assert!(arguments.global.json);
        let Some(Command::Tx(TransactionCommand::List(list))) = arguments.command else {
            panic!("{arguments:?}");
        };
        assert_eq!(list.state, [State::Dead]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "tx list --state lost",
            "tx list --limit 0",
            "tx show not-a-uuid",
            "tx discard 00000000-0000-0000-0000-000000000001",
            "mapping preview --record 1",
            "mapping preview --connector cw-main --record 1 --input -",
            "connector show NO_SLUG",
            "init --id cw-main",
        ] {
            let line = std::iter::once("fieldbridge").chain(line.split(' '));
            assert!(Arguments::try_parse_from(line).is_err());
        }
    }
}
