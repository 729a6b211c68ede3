//! Carrying files and messages over, each once.
//!
//! What was carried stands in the correlation: `<kind>:<source id>` and the id it has on the other side. Neither side
//! offers an idempotency key for messages, so an attempt that may have been interrupted first looks whether the
//! same text, or a file of the same name and size, stands there already.

use super::attempt::{Attempt, Stepped};
use crate::model::{FileReference, Note, Record, RecordId, Step, WorkOrderId};
use crate::platform::{Noted, Wish};

/// The key of a platform's note.
pub(super) fn note_key(id: &str) -> String {
    format!("note:{id}")
}

fn message_key(id: &str) -> String {
    format!("message:{id}")
}

fn record_file_key(id: &str) -> String {
    format!("record-file:{id}")
}

fn work_order_file_key(id: &str) -> String {
    format!("work-order-file:{id}")
}

/// Whether something of this key was carried, or is the image of something carried from the other side.
fn is_known(attempt: &Attempt, key: &str, id: &str, image_of: &str) -> bool {
    if attempt.progress.carried.iter().any(|done| done == key) {
        return true;
    }
    attempt.correlation.as_ref().is_some_and(|correlation| {
        let mut images = correlation.carried.iter();
        correlation.carried.contains_key(key)
            || images.any(|(source, target)| {
                !target.is_empty() && target == id && source.starts_with(image_of)
            })
    })
}

fn is_new_note(attempt: &Attempt, note: &Note) -> bool {
    !note.by_us && !is_known(attempt, &note_key(&note.id), &note.id, "message:")
}

/// Whether a fetched record has notes that Field Nation has not seen.
pub(super) fn has_new_notes(attempt: &Attempt, record: &Record) -> bool {
    attempt.active.notes_in() && record.notes.iter().any(|note| is_new_note(attempt, note))
}

/// Posts a record's new notes as messages.
pub(super) async fn notes_to_work_order(
    attempt: &mut Attempt,
    record: &Record,
    work_order: WorkOrderId,
) -> Stepped<()> {
    let new = record
        .notes
        .iter()
        .filter(|note| is_new_note(attempt, note));
    let new: Vec<Note> = new.map(attributed).collect();
    if new.is_empty() {
        return Ok(());
    }
    let field_nation = attempt.field_nation.clone();
    let there = if attempt.is_repeated() {
        let running = attempt.begin(Step::Message);
        let result = field_nation.messages(&running.call, work_order).await;
        attempt.end(running, result, |there| {
            format!("{} stand there already", there.len())
        })?
    } else {
        Vec::new()
    };
    for note in new {
        let running = attempt.begin(Step::Message);
        let result = match same_text(&there, &note.text) {
            Some(id) => Ok(Some(id)),
            None => {
                field_nation
                    .post_message(&running.call, work_order, &note)
                    .await
            }
        };
        let told = format!("note {} to work order {work_order}", note.id);
        let id = attempt.end(running, result, |_| told)?;
        attempt.carried(note_key(&note.id), id).await?;
    }
    Ok(())
}

/// Writes a work order's new messages as notes.
pub(super) async fn messages_to_record(
    attempt: &mut Attempt,
    work_order: WorkOrderId,
    record: &RecordId,
) -> Stepped<()> {
    let field_nation = attempt.field_nation.clone();
    let running = attempt.begin(Step::Message);
    let result = field_nation.messages(&running.call, work_order).await;
    let messages = attempt.end(running, result, |all| format!("{} messages", all.len()))?;
    let visibility = attempt.active.config.features.message_visibility;
    let is_new = |message: &&Note| {
        let key = message_key(&message.id);
        !message.by_us && !is_known(attempt, &key, &message.id, "note:")
    };
    let new: Vec<Note> = messages
        .iter()
        .filter(is_new)
        .map(|message| Note {
            visibility,
            ..attributed(message)
        })
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let wish = Wish {
        notes: true,
        files: false,
    };
    let there = existing(attempt, record, wish).await?.notes;
    let platform = attempt.active.platform.clone();
    for message in new {
        let running = attempt.begin(Step::Message);
        let result = match same_text(&there, &message.text) {
            Some(id) => Ok(Noted::Added(Some(id))),
            None => platform.add_note(&running.call, record, &message).await,
        };
        let noted = attempt.end(running, result, |noted| match noted {
            Noted::Added(_) => format!("message {} to record {record}", message.id),
            Noted::Skipped { why } => format!("message {} is not written: {why}", message.id),
        })?;
        let id = noted.id().map(str::to_owned);
        attempt.carried(message_key(&message.id), id).await?;
    }
    Ok(())
}

/// Uploads a new record's files to its work order.
pub(super) async fn files_to_work_order(
    attempt: &mut Attempt,
    record: &Record,
    work_order: WorkOrderId,
) -> Stepped<()> {
    let is_new = |file: &&FileReference| {
        let key = record_file_key(&file.id);
        !file.by_us && !is_known(attempt, &key, &file.id, "work-order-file:")
    };
    let new: Vec<FileReference> = record.files.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let platform = attempt.active.platform.clone();
    let field_nation = attempt.field_nation.clone();
    let there = if attempt.is_repeated() {
        let running = attempt.begin(Step::Attach);
        let result = field_nation.files(&running.call, work_order).await;
        attempt.end(running, result, |there| {
            format!("{} stand there already", there.len())
        })?
    } else {
        Vec::new()
    };
    for file in new {
        let running = attempt.begin(Step::Attach);
        let result = match same_file(&there, &file) {
            Some(id) => Ok(Some(id)),
            None => match platform.download(&running.call, &record.id, &file).await {
                Ok(content) => {
                    field_nation
                        .attach(&running.call, work_order, &content)
                        .await
                }
                Err(failure) => Err(failure),
            },
        };
        let id = attempt.end(running, result, |_| {
            format!("{} to work order {work_order}", file.name)
        })?;
        attempt.carried(record_file_key(&file.id), id).await?;
    }
    Ok(())
}

/// Uploads a work order's new files to the record.
pub(super) async fn files_to_record(
    attempt: &mut Attempt,
    work_order: WorkOrderId,
    record: &RecordId,
) -> Stepped<()> {
    let platform = attempt.active.platform.clone();
    let field_nation = attempt.field_nation.clone();
    let running = attempt.begin(Step::Attach);
    let result = field_nation.files(&running.call, work_order).await;
    let files = attempt.end(running, result, |all| format!("{} files", all.len()))?;
    let is_new = |file: &FileReference| {
        let key = work_order_file_key(&file.id);
        !file.by_us && !is_known(attempt, &key, &file.id, "record-file:")
    };
    let new: Vec<FileReference> = files.into_iter().filter(is_new).collect();
    if new.is_empty() {
        return Ok(());
    }
    let wish = Wish {
        notes: false,
        files: true,
    };
    let there = existing(attempt, record, wish).await?.files;
    for file in new {
        let running = attempt.begin(Step::Attach);
        let result = match same_file(&there, &file) {
            Some(id) => Ok(Some(id)),
            None => match field_nation.download(&running.call, &file).await {
                Ok(content) => platform.attach(&running.call, record, &content).await,
                Err(failure) => Err(failure),
            },
        };
        let id = attempt.end(running, result, |_| {
            format!("{} to record {record}", file.name)
        })?;
        attempt.carried(work_order_file_key(&file.id), id).await?;
    }
    Ok(())
}

/// What an interrupted attempt may have left on the record.
#[derive(Default)]
struct Existing {
    notes: Vec<Note>,
    files: Vec<FileReference>,
}

async fn existing(attempt: &mut Attempt, record: &RecordId, wish: Wish) -> Stepped<Existing> {
    if !attempt.is_repeated() {
        return Ok(Existing::default());
    }
    let running = attempt.begin(if wish.notes {
        Step::Message
    } else {
        Step::Attach
    });
    let result = attempt
        .active
        .platform
        .fetch(&running.call, record, wish)
        .await;
    let found = attempt.end(running, result, |_| {
        "looked at what stands there already".into()
    })?;
    Ok(found.map_or_else(Existing::default, |found| Existing {
        notes: found.notes,
        files: found.files,
    }))
}

/// The note as it is written on the other side: its author is not ours to impersonate, so the text names them.
fn attributed(note: &Note) -> Note {
    let text = match note
        .author
        .as_deref()
        .map(str::trim)
        .filter(|author| !author.is_empty())
    {
        Some(author) => format!("{author}: {}", note.text),
        None => note.text.clone(),
    };
    Note {
        text,
        ..note.clone()
    }
}

fn same_text(there: &[Note], text: &str) -> Option<String> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = plain(text);
    let found = there
        .iter()
        .find(|note| note.by_us && plain(&note.text) == wanted);
    found.map(|note| note.id.clone())
}

fn same_file(there: &[FileReference], file: &FileReference) -> Option<String> {
    let same_size = |other: &FileReference| {
        other
            .size
            .zip(file.size)
            .is_none_or(|(one, other)| one == other)
    };
    let found = there
        .iter()
        .find(|other| other.name == file.name && same_size(other));
    found.map(|file| file.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NoteVisibility;

    fn note(text: &str, by_us: bool) -> Note {
        Note {
            id: "7".into(),
            text: text.into(),
            visibility: NoteVisibility::Public,
            author: Some("Dispatcher".into()),
            created_at: None,
            by_us,
        }
    }

    #[test]
    fn an_interrupted_message_is_found_again_by_its_text() {
        let there = [note("Dispatcher:  on\nmy way", true)];
        let written = attributed(&note("on my way", false));
        assert_eq!(same_text(&there, &written.text), Some("7".into()));
        assert_eq!(same_text(&[note("on my way", false)], "on my way"), None);
    }
}
