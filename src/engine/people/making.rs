//! Connectors made of descriptions: read, tried, written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Answered, Shared, note};
use crate::config::{
    ConnectorConfig, CreateError, Directory, create_connector, name_within, see_free,
};
use crate::engine::control::ControlError;
use crate::engine::making::{DescriptionRequest, Extent, MadeConnector, MakeConnector};
use crate::http::{KeepsInMemory, QuotaBook};
use crate::openapi::{Document, LoadProblem};
use crate::platform::registry::{self, Setup};
use crate::platform::{ChoiceProblem, Offer, Proposal};

/// What a description offers.
pub(super) async fn describe(shared: &Shared, request: DescriptionRequest) -> Answered<Offer> {
    if let Some(id) = &request.connector {
        see_free(&home(shared)?, id).map_err(|why| not_created(&why))?;
    }
    let file = described(shared, &request.file)?;
    apart(move || {
        let document = load(&file)?;
        let envelope = request.envelope.as_deref();
        let proposal = match &request.fetch {
            Some(fetch) => {
                Proposal::around(&document, fetch, envelope).map_err(|why| refused(&why))?
            }
            None => Proposal::of(&document),
        };
        Ok(proposal.offer())
    })
    .await
}

/// What a connector would be; or makes it.
pub(super) async fn make(
    shared: &Shared,
    make: MakeConnector,
    by: &str,
) -> Answered<MadeConnector> {
    let directory = home(shared)?;
    let id = make.connector.clone();
    // From here to the end nobody else writes: what is free now is free when it is written.
    let _turn = shared.files.lock().await;
    see_free(&directory, &id).map_err(|why| not_created(&why))?;
    let extent = make.extent;
    let (mut made, of) = drafted(shared, &directory, make).await?;
    if extent == Extent::DryRun {
        return Ok(made);
    }
    if !made.problems.is_empty() {
        let told: Vec<String> = made.problems.iter().map(ToString::to_string).collect();
        return Err(ControlError::Refused(told.join("\n")));
    }
    let text = made.text.clone();
    let files = {
        let id = id.clone();
        apart(move || {
            let files = create_connector(&directory, &id, &text, of.mapping);
            files.map_err(|why| not_created(&why))
        })
        .await?
    };
    (made.written, made.kept) = (files.written, files.kept);
    note(
        shared,
        by,
        Some(&id),
        format!("made the connector of {}", of.title),
    )
    .await?;
    shared.changed();
    Ok(made)
}

/// What a connector was made of.
struct Origin {
    title: String,
    mapping: &'static str,
}

/// The connector as it would be, and what loading it would say.
async fn drafted(
    shared: &Shared,
    directory: &Directory,
    make: MakeConnector,
) -> Answered<(MadeConnector, Origin)> {
    let path = described(shared, &make.file)?;
    let named = name_within(directory.path(), &path);
    let file = directory.connector_file(&make.connector);
    let secrets = shared.secrets.clone();
    let clock = Arc::clone(&shared.clock);
    apart(move || {
        let document = load(&path)?;
        let proposal = Proposal::of(&document);
        let choice = &make.choice;
        let text = proposal.connector_text(&make.connector, &named, choice);
        let text = text.map_err(|why| refused(&why))?;
        let needed = proposal.secrets(&make.connector, choice);
        let (secrets, missing_secrets) = secrets.with_stand_ins(&needed);
        let problems = match ConnectorConfig::parse(&file, &text) {
            Err(problem) => vec![problem],
            Ok(config) => {
                let setup = Setup {
                    config: &config,
                    secrets: &secrets,
                    clock,
                    tokens: Arc::new(KeepsInMemory::default()),
                    // Nothing is called through it, so it takes its part in no account's allowance.
                    quotas: &QuotaBook::default(),
                };
                registry::build(&setup).err().unwrap_or_default()
            }
        };
        let origin = Origin {
            title: format!("{} ({named})", document.title),
            mapping: proposal.mapping_text(),
        };
        let made = MadeConnector {
            file,
            text,
            problems,
            missing_secrets,
            written: Vec::new(),
            kept: Vec::new(),
        };
        Ok((made, origin))
    })
    .await
}

fn home(shared: &Shared) -> Answered<Directory> {
    Directory::resolve(Some(&shared.config_directory))
        .map_err(|error| ControlError::Failed(error.to_string()))
}

/// Where the description is that a person named.
fn described(shared: &Shared, file: &str) -> Answered<PathBuf> {
    let file = file.trim();
    if file.is_empty() {
        return Err(ControlError::Refused(
            "no description is named; name a file or a directory, e.g. api.yaml in the config directory"
                .to_owned(),
        ));
    }
    Ok(shared.config_directory.join(file))
}

fn not_created(error: &CreateError) -> ControlError {
    match error {
        CreateError::Taken(..) => ControlError::Refused(error.to_string()),
        CreateError::Io { .. } => {
            ControlError::Failed(format!("{error}, and no connector was made"))
        }
    }
}

fn refused(problem: &ChoiceProblem) -> ControlError {
    ControlError::Refused(problem.to_string())
}

fn load(file: &Path) -> Answered<Document> {
    Document::load(file).map_err(|problem| match problem {
        LoadProblem::Missing(_) => ControlError::NotFound(problem.to_string()),
        _ => ControlError::Refused(problem.to_string()),
    })
}

/// Does what takes its time beside the engine's own work.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Answered<T> + Send + 'static,
) -> Answered<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ControlError::Failed(error.to_string()))?
}
