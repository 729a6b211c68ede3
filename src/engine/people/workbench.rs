//! Drafts, publishing, and the versions that were in force.

use std::path::Path;
use std::sync::Arc;

use crate::config::{Place, Problem};
use crate::engine::connectors::{Active, Connector, ConnectorFiles, parse_mapping};
use crate::engine::control::ControlError;
use crate::engine::workbench::{Bench, Publish, RollBack, SaveDraft, told_all};
use crate::mapping::{Mapping, Severity, Sources, check};
use crate::model::{ConnectorId, Direction, MappingVersion, Timestamp};
use crate::store::{Draft, MappingEntry, NewDraft, StoreError};

use super::{Answered, Shared, in_force, known, note};

/// A mapping has at most so many bytes; nobody writes more by hand.
const LONGEST_MAPPING: usize = 1024 * 1024;

pub(super) async fn bench(shared: &Shared, id: &ConnectorId) -> Answered<Bench> {
    let (connector, active) = in_force(shared, id)?;
    let history = shared.store.mapping_history(id).await?;
    let version = active.mapping.version().clone();
    let field_nation = shared.store.catalogue(id, Direction::Inbound).await?;
    let platform = shared.store.catalogue(id, Direction::Outbound).await?;
    Ok(Bench {
        connector: id.clone(),
        file: connector.mapping_file.clone(),
        text: on_disk(&connector.mapping_file).await?,
        entry: history
            .into_iter()
            .next()
            .filter(|entry| entry.version == version),
        version,
        template: active.platform.template(),
        draft: shared.store.draft(id).await?,
        field_nation: Some(Arc::unwrap_or_clone(
            field_nation.unwrap_or_else(super::usual_catalogue),
        )),
        platform: platform.map(Arc::unwrap_or_clone),
    })
}

async fn on_disk(file: &Path) -> Answered<String> {
    tokio::fs::read_to_string(file)
        .await
        .map_err(|error| ControlError::Failed(format!("{} can't be read: {error}", file.display())))
}

pub(super) async fn save_draft(
    shared: &Shared,
    id: &ConnectorId,
    save: SaveDraft,
    by: &str,
) -> Answered<Draft> {
    known(shared, id)?;
    not_too_long(&save.text)?;
    let draft = NewDraft {
        text: save.text,
        base: save.base,
        by: by.to_owned(),
        at: shared.now(),
        seen: save.seen,
    };
    Ok(shared.store.save_draft(id, draft).await?)
}

pub(super) async fn discard_draft(shared: &Shared, id: &ConnectorId, by: &str) -> Answered<()> {
    known(shared, id)?;
    if shared.store.drop_draft(id).await? {
        note(shared, by, Some(id), "threw the mapping's draft away").await?;
    }
    Ok(())
}

fn not_too_long(text: &str) -> Answered<()> {
    if text.len() <= LONGEST_MAPPING {
        return Ok(());
    }
    Err(ControlError::Refused(format!(
        "the mapping has {} bytes, and at most {LONGEST_MAPPING} are taken",
        text.len()
    )))
}

pub(super) async fn publish(
    shared: &Shared,
    id: &ConnectorId,
    publish: Publish,
    by: &str,
) -> Answered<MappingEntry> {
    not_too_long(&publish.text)?;
    let _turn = shared.files.lock().await;
    let (connector, active) = in_force(shared, id)?;
    still(shared, id, &active, &publish.base).await?;
    nobody_wrote(&connector, &active).await?;
    let mapping = validated(shared, &connector, &publish.text).await?;
    let done = format!("published mapping {}", short(mapping.version()));
    let entry = bring_in_force(shared, &connector, mapping, publish.text, by, publish.note).await?;
    note(shared, by, Some(id), done).await?;
    Ok(entry)
}

pub(super) async fn roll_back(
    shared: &Shared,
    id: &ConnectorId,
    roll_back: RollBack,
    by: &str,
) -> Answered<MappingEntry> {
    let _turn = shared.files.lock().await;
    let (connector, active) = in_force(shared, id)?;
    still(shared, id, &active, &roll_back.seen).await?;
    nobody_wrote(&connector, &active).await?;
    let sources = sources(shared, &roll_back.to).await?;
    let mapping = validated(shared, &connector, &sources.text).await?;
    same_imports(&mapping, &sources)?;
    let text = sources.text.to_string();
    let why = format!("rolled back to {}", short(&roll_back.to));
    let entry = bring_in_force(shared, &connector, mapping, text, by, Some(why.clone())).await?;
    note(shared, by, Some(id), why).await?;
    Ok(entry)
}

/// The version in force must be the one that the person saw; else somebody's work would be overwritten.
async fn still(
    shared: &Shared,
    id: &ConnectorId,
    active: &Active,
    seen: &MappingVersion,
) -> Answered<()> {
    let now = active.mapping.version();
    if now == seen {
        return Ok(());
    }
    let history = shared.store.mapping_history(id).await?;
    let latest = history.first().filter(|entry| entry.version == *now);
    let who = latest.map_or_else(
        || "the file was changed".to_owned(),
        |entry| format!("{} at {}", came_by(entry), moment(entry.since)),
    );
    Err(ControlError::Stale(format!(
        "another version of the mapping is in force than you saw ({}): {who}; compare, then publish again",
        short(now)
    )))
}

/// A file that was written by hand a moment ago comes in force by itself, and must not be overwritten before. One
/// that is known to be wrong never does: replacing it is how it is mended.
async fn nobody_wrote(connector: &Connector, active: &Active) -> Answered<()> {
    let file = &connector.mapping_file;
    let now = tokio::fs::read_to_string(file).await;
    let is_other = now.is_ok_and(|text| text != active.mapping_text);
    if is_other && connector.problems.is_empty() {
        return Err(ControlError::Stale(format!(
            "{} was written by hand just now and is not in force yet; compare, then publish again",
            file.display()
        )));
    }
    Ok(())
}

fn came_by(entry: &MappingEntry) -> String {
    match &entry.by {
        Some(by) => format!("{by} published it"),
        None => "its file was changed".to_owned(),
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%F %T UTC").to_string()
}

/// As much of a version as people need to tell it from others.
fn short(version: &MappingVersion) -> &str {
    let text = version.as_str();
    text.get(..8).unwrap_or(text)
}

/// What every mapping must pass before it comes in force: it can be read, and so can its scripts.
async fn validated(shared: &Shared, connector: &Connector, text: &str) -> Answered<Arc<Mapping>> {
    let file = &connector.mapping_file;
    let mapping =
        parse_mapping(file, text).map_err(|problems| ControlError::Refused(told_all(&problems)))?;
    let problems = script_problems(shared, &mapping).await;
    if !problems.is_empty() {
        return Err(ControlError::Refused(told_all(&problems)));
    }
    Ok(Arc::new(mapping))
}

/// Lets no mapping replace a good one while one of its scripts can't be read. Where there is no good one, the rest of
/// a mapping is better than none: what the script makes then fails by itself, and says why.
pub(in crate::engine) async fn refuse_broken_scripts(shared: &Shared, files: &mut ConnectorFiles) {
    let Some(active) = shared
        .connectors
        .get(&files.id)
        .and_then(|known| known.active.clone())
    else {
        return;
    };
    let Ok(text) = &files.mapping else { return };
    let file = &files.mapping_file;
    let Ok(mapping) = parse_mapping(file, text) else {
        return;
    };
    if mapping.version() == active.mapping.version() {
        return;
    }
    let problems = script_problems(shared, &mapping).await;
    if let Some(first) = problems.first() {
        let place = Place {
            line: first.position.line,
            column: first.position.column,
        };
        let mend = first.mend.clone().unwrap_or_default();
        let problem = Problem::new(file, first.what.clone(), mend).at(Some(place));
        files.mapping = Err(problem);
    }
}

/// Takes note of a mapping that its file brought in force.
pub(in crate::engine) async fn came_in_force(
    shared: &Shared,
    id: &ConnectorId,
    mapping: &Mapping,
) -> Result<(), StoreError> {
    keep_texts(shared, mapping).await?;
    let entry = MappingEntry {
        version: mapping.version().clone(),
        since: shared.now(),
        by: None,
        note: None,
    };
    shared.store.mapping_in_force(id, entry).await?;
    super::warnings::look(shared, id).await;
    Ok(())
}

/// Keeps all texts of a version, so that it can be made again.
async fn keep_texts(shared: &Shared, mapping: &Mapping) -> Result<(), StoreError> {
    let sources = serde_json::to_vec(mapping.sources()).map_err(|error| StoreError::Damaged {
        what: "mapping",
        why: error.to_string(),
    })?;
    let version = mapping.version();
    shared.store.put_mapping(version, sources.into()).await
}

/// What is wrong with a mapping's scripts.
async fn script_problems(shared: &Shared, mapping: &Mapping) -> Vec<crate::mapping::Problem> {
    let mut problems = Vec::new();
    for direction in Direction::ALL {
        let evaluator = Some(&shared.preview_evaluator);
        problems.extend(check(mapping, direction, None, None, evaluator).await);
    }
    problems.retain(|problem| problem.severity == Severity::Error);
    problems
}

/// Writes the file, and brings what it says in force.
async fn bring_in_force(
    shared: &Shared,
    connector: &Connector,
    mapping: Arc<Mapping>,
    text: String,
    by: &str,
    why: Option<String>,
) -> Answered<MappingEntry> {
    let id = &connector.id;
    keep_texts(shared, &mapping).await?;
    let in_force = connector.active.as_ref();
    let known = in_force.map(|active| active.mapping_text.as_str());
    keep_unknown(&connector.mapping_file, known).await?;
    written(&connector.mapping_file, &text).await?;
    let entry = MappingEntry {
        version: mapping.version().clone(),
        since: shared.now(),
        by: Some(by.to_owned()),
        note: why,
    };
    shared.store.mapping_in_force(id, entry.clone()).await?;
    let draft = shared.store.draft(id).await?;
    if draft.is_some_and(|draft| draft.text == text) {
        shared.store.drop_draft(id).await?;
    }
    shared.connectors.change_mapping(id, &mapping, &text);
    super::warnings::look(shared, id).await;
    shared.wake();
    Ok(entry)
}

/// What somebody wrote into the file by hand and never came in force is in no history: it is kept beside the file.
async fn keep_unknown(file: &Path, known: Option<&str>) -> Answered<()> {
    let now = match tokio::fs::read(file).await {
        Ok(now) => now,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let what = format!("{} can't be read: {error}", file.display());
            return Err(ControlError::Failed(what));
        }
    };
    if known.map(str::as_bytes) == Some(now.as_slice()) {
        return Ok(());
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push("~");
    let beside = file.with_file_name(name);
    tokio::fs::write(&beside, now).await.map_err(|error| {
        ControlError::Failed(format!("{} can't be written: {error}", beside.display()))
    })
}

async fn written(file: &Path, text: &str) -> Answered<()> {
    let (path, text) = (file.to_owned(), text.to_owned());
    let written = tokio::task::spawn_blocking(move || crate::config::replace_file(&path, &text));
    written
        .await
        .map_err(|error| ControlError::Failed(error.to_string()))?
        .map_err(|error| {
            ControlError::Failed(format!(
                "{} can't be written, and nothing was changed: {error}",
                file.display()
            ))
        })
}

async fn sources(shared: &Shared, version: &MappingVersion) -> Answered<Sources> {
    let kept = shared.store.mapping(version).await?.ok_or_else(|| {
        ControlError::NotFound(format!("no mapping of the version {version} is kept"))
    })?;
    serde_json::from_slice(&kept)
        .map_err(|error| ControlError::Failed(format!("the kept mapping can't be read: {error}")))
}

pub(super) async fn text(shared: &Shared, version: &MappingVersion) -> Answered<String> {
    Ok(sources(shared, version).await?.text.to_string())
}

/// Only the mapping file is written; a version is what it was only with the files that it imported then.
fn same_imports(mapping: &Mapping, then: &Sources) -> Answered<()> {
    let now = &mapping.sources().files;
    let other: Vec<&str> = then
        .files
        .iter()
        .filter(|(name, text)| now.get(*name) != Some(text))
        .map(|(name, _)| name.as_str())
        .collect();
    if other.is_empty() {
        return Ok(());
    }
    Err(ControlError::Refused(format!(
        "that version imported {} as it was then; other mappings may import it as it is now, so restore it by hand first",
        other.join(", ")
    )))
}
