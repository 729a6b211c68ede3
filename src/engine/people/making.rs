//! Connectors made of descriptions: read, tried, written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Answered, Shared, note};
use crate::config::{ConnectorConfig, Created, Directory, create_file, name_within};
use crate::engine::control::ControlError;
use crate::engine::making::{DescriptionRequest, Extent, MadeConnector, MakeConnector};
use crate::http::{KeepsInMemory, QuotaBook};
use crate::model::ConnectorId;
use crate::openapi::{Document, LoadProblem};
use crate::platform::registry::{self, Setup};
use crate::platform::{ChoiceProblem, Offer, Proposal};

/// What a description offers.
pub(super) async fn describe(shared: &Shared, request: DescriptionRequest) -> Answered<Offer> {
    if let Some(id) = &request.connector {
        free(&home(shared)?, id)?;
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
    free(&directory, &id)?;
    let extent = make.extent;
    let (mut made, of) = drafted(shared, &directory, make).await?;
    if extent == Extent::DryRun {
        return Ok(made);
    }
    if !made.problems.is_empty() {
        let told: Vec<String> = made.problems.iter().map(ToString::to_string).collect();
        return Err(ControlError::Refused(told.join("\n")));
    }
    write(&directory, &id, &mut made, of.mapping).await?;
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

/// Writes mapping and connector, in this order: a connector without a mapping is one with a problem.
async fn write(
    directory: &Directory,
    id: &ConnectorId,
    made: &mut MadeConnector,
    mapping: &'static str,
) -> Answered<()> {
    let mapping_file = directory.mapping_file(id);
    let (file, text) = (made.file.clone(), made.text.clone());
    let beside = mapping_file.clone();
    let (of_mapping, of_file) = apart(move || {
        let of_mapping = create_file(&beside, mapping).map_err(|why| unwritten(&beside, &why))?;
        let of_file = create_file(&file, &text);
        if of_mapping == Created::New && !matches!(of_file, Ok(Created::New)) {
            // A mapping that belongs to no connector would only be warned of.
            let _ = std::fs::remove_file(&beside);
        }
        Ok((of_mapping, of_file.map_err(|why| unwritten(&file, &why))?))
    })
    .await?;
    if of_file == Created::WasThere {
        return Err(taken(id, &made.file));
    }
    made.written.push(made.file.clone());
    match of_mapping {
        Created::New => made.written.push(mapping_file),
        Created::WasThere => made.kept.push(mapping_file),
    }
    Ok(())
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

/// Refuses an id that is taken, by a good file or a broken one.
fn free(directory: &Directory, id: &ConnectorId) -> Answered<()> {
    let file = directory.connector_file(id);
    match std::fs::symlink_metadata(&file) {
        Ok(_) => Err(taken(id, &file)),
        Err(_) => Ok(()),
    }
}

fn taken(id: &ConnectorId, file: &Path) -> ControlError {
    ControlError::Refused(format!(
        "there is a connector `{id}` already ({}); choose another id",
        file.display()
    ))
}

fn unwritten(file: &Path, why: &std::io::Error) -> ControlError {
    ControlError::Failed(format!(
        "{} can't be written, and no connector was made: {why}",
        file.display()
    ))
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
