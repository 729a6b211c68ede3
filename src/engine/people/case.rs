//! Recording a transaction as a regression case of its mapping.

use std::path::{Path, PathBuf};

use super::preview::of_transaction;
use super::{Answered, Shared, in_force, note};
use crate::engine::control::ControlError;
use crate::engine::workbench::{RecordCase, RecordedCase};
use crate::mapping::{CASES_ENDING, Case, Evaluate, Expectation, Masks, Required, mask};
use crate::model::Direction;

/// So many cases of one name are told apart by a number.
const MOST_OF_A_NAME: usize = 1000;

pub(super) async fn record(
    shared: &Shared,
    record: RecordCase,
    by: &str,
) -> Answered<RecordedCase> {
    let id = record.transaction;
    let transaction = shared
        .store
        .transaction(id)
        .await?
        .ok_or_else(|| ControlError::NotFound(format!("there is no transaction {id}")))?;
    let (connector, active) = in_force(shared, &transaction.connector)?;
    let mut sampled = of_transaction(shared, &active, &transaction).await?;
    let delivered = transaction.progress.delivered.as_ref();
    if delivered.is_some_and(|delivered| delivered.created) {
        sampled.linked = false;
    }
    let privacy = &shared.settings.privacy;
    let masks = Masks {
        also: privacy.mask.clone(),
        never: privacy.keep.clone(),
    };
    let masked = mask(&sampled.source, &masks);
    let direction = transaction.direction;
    let catalogue = shared.store.catalogue(&connector.id, direction).await?;
    let catalogue =
        catalogue.or_else(|| (direction == Direction::Inbound).then(super::usual_catalogue));
    let evaluate = Evaluate {
        direction,
        event: transaction.event,
        input: &masked.value,
        target: catalogue.as_deref(),
        require: if sampled.linked {
            Required::None
        } else {
            Required::All
        },
    };
    // The label may hold what was masked in the source.
    let about = match &transaction.record {
        Some(record) => format!("record {record}"),
        None => direction.word().to_owned(),
    };
    let evaluator = &shared.preview_evaluator;
    let case = Case::record(about, &active.mapping, evaluate, evaluator).await;
    let name = name(record.name.as_deref(), &case.about, direction)?;
    let home = connector.mapping_file.with_extension(CASES_ENDING);
    let file = written(home, name, &case).await?;
    note(
        shared,
        by,
        Some(&connector.id),
        format!("recorded transaction {id} as case {}", file.display()),
    )
    .await?;
    let (output, problems) = match case.expect {
        Expectation::Output(output) => (output, Vec::new()),
        Expectation::Problems(problems) => (serde_json::Map::new(), problems),
    };
    Ok(RecordedCase {
        file,
        masked: masked.paths,
        output,
        problems,
    })
}

/// The file's name: what was asked for, or what the case is about.
fn name(wanted: Option<&str>, about: &str, direction: Direction) -> Answered<String> {
    let wanted = match wanted {
        Some(wanted) => wanted.to_owned(),
        None => format!("{} {about}", direction.word()),
    };
    let mut name = String::new();
    for character in wanted.chars().take(80) {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' => name.push(character),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() {
        return Err(ControlError::Refused(format!(
            "`{wanted}` is no name for a case; use letters and digits"
        )));
    }
    Ok(name.to_owned())
}

async fn written(home: PathBuf, name: String, case: &Case) -> Answered<PathBuf> {
    let text = serde_json::to_string_pretty(case)
        .map_err(|error| ControlError::Failed(format!("the case can't be written: {error}")))?;
    let told = home.display().to_string();
    let written = tokio::task::spawn_blocking(move || write_new(&home, &name, &text));
    written
        .await
        .map_err(|error| ControlError::Failed(error.to_string()))?
        .map_err(|error| ControlError::Failed(format!("{told} can't be written: {error}")))
}

/// Writes a file of a name that is not taken.
fn write_new(home: &Path, name: &str, text: &str) -> std::io::Result<PathBuf> {
    use std::io::Write;
    std::fs::create_dir_all(home)?;
    for number in 1..MOST_OF_A_NAME {
        let file = home.join(match number {
            1 => format!("{name}.json"),
            _ => format!("{name}-{number}.json"),
        });
        match std::fs::File::create_new(&file) {
            Ok(mut new) => {
                new.write_all(text.as_bytes())?;
                new.write_all(b"\n")?;
                new.sync_all()?;
                return Ok(file);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other(format!(
        "there are {MOST_OF_A_NAME} cases called {name} already"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_name_and_nothing_else() {
        let inbound = Direction::Inbound;
        assert_eq!(
            name(None, "record 4/8 21", inbound).unwrap(),
            "inbound-record-4-8-21"
        );
        assert_eq!(name(Some("../../x"), "", inbound).unwrap(), "x");
        assert!(name(Some("..//"), "", inbound).is_err());
    }

    #[test]
    fn a_case_never_replaces_another() {
        let home = tempfile::tempdir().unwrap();
        let first = write_new(&home.path().join("c.cases"), "x", "1").unwrap();
        let second = write_new(&home.path().join("c.cases"), "x", "2").unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read_to_string(first).unwrap(), "1\n");
    }
}
