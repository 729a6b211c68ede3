//! Messages and files.
//!
//! REST reaches neither a case's messages nor its files. With the RESTlet deployed both go through it; without it, what
//! Field Nation's people write is added to a long text field, if one is named, and files are not carried.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::NetSuite;
use super::api::{Ask, internal_id, is_internal_id};
use super::restlet::LARGEST_FILE;
use super::right::Right;
use super::settings::Script;
use crate::http::Call;
use crate::model::{
    Category, Failure, FileContent, FileReference, Note, NoteVisibility, Record, RecordId,
};
use crate::platform::Wish;
use crate::platform::basics::{file_name, id_text, is_true, media_type, moment_at, text_at};

impl NetSuite {
    /// Adds to a record what a wish asks for, as far as it can be read.
    pub(super) async fn add_wished(
        &self,
        call: &Call,
        record: &mut Record,
        wish: Wish,
    ) -> Result<(), Failure> {
        if !(wish.notes || wish.files) {
            return Ok(());
        }
        if let Some(script) = &self.settings.script {
            let id = internal_id(&record.id)?.to_owned();
            let deed = format!("list the messages and files of record {id}");
            let more = json!({"messages": wish.notes, "files": wish.files});
            let body = self.act(call, script, "list", &id, &deed, more).await?;
            let list = |name: &str| {
                body.get(name)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
            };
            record.notes = list("messages").filter_map(note).collect();
            record.files = list("files").filter_map(reference).collect();
        } else if wish.notes
            && let Some(field) = &self.settings.message_field
        {
            let text = text_at(&record.fields, &[field.as_str()]);
            record.notes = text.map(read_blocks).unwrap_or_default();
        }
        Ok(())
    }

    /// Adds a note as a message of the record, or to the text field that holds them.
    pub(super) async fn write_note(
        &self,
        call: &Call,
        record: &RecordId,
        note: &Note,
    ) -> Result<Option<String>, Failure> {
        let id = internal_id(record)?;
        if note.text.trim().is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the note for record {id} has no text"),
            ));
        }
        let deed = format!("add a message to record {id}");
        if let Some(script) = &self.settings.script {
            let more = json!({
                "text": note.text,
                "internalOnly": note.visibility == NoteVisibility::Internal,
            });
            let body = self
                .act(call, script, "addMessage", id, &deed, more)
                .await?;
            return Ok(body.get("id").and_then(id_text));
        }
        let Some(field) = &self.settings.message_field else {
            return Err(no_way("messages").hint(
                "Deploy the RESTlet (docs/platforms/netsuite.md, part 4) and set restlet_script, or name a long text field in message_field, or switch messages off.",
            ));
        };
        let path = format!("/record/v1/{}/{id}", self.settings.record_type);
        let ask = Ask::get(
            path.as_str(),
            Right::Read,
            format!("read {field} of record {id}"),
        )
        .query("fields", field.as_str());
        let Some(now) = self.api.json_if_there(call, &ask).await? else {
            return Err(gone(id));
        };
        let before = text_at(&now, &[field.as_str()]).unwrap_or_default();
        let text = format!("{}{}", separated(before), block(note, self.api.now()));
        let ask = Ask::rest(Method::PATCH, path, Right::Write, deed)
            .header(super::write::NAMES.0, super::write::NAMES.1)
            .json(json!({ field.as_str(): text }));
        self.api.send(call, &ask).await?;
        Ok(None)
    }

    /// Stores a file through the RESTlet, then attaches it through REST: two effects. The script gives the file of an
    /// earlier try again, so that an attempt cut off between the two leaves no second one.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let id = internal_id(record)?;
        let script = self.script_for_files()?;
        let name = file_name(&file.name);
        if file.bytes.len() > LARGEST_FILE {
            return Err(too_large(&name, file.bytes.len()));
        }
        let deed = format!("store {name} for record {id}");
        let more = json!({
            "name": name,
            "mediaType": media_type(&file.media_type),
            "size": file.bytes.len(),
            "contents": STANDARD.encode(&file.bytes),
        });
        let body = self.act(call, script, "upload", id, &deed, more).await?;
        let stored = body
            .get("id")
            .and_then(id_text)
            .filter(|stored| is_internal_id(stored));
        let stored = stored.ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!("the RESTlet stored {name} and did not say its id"),
            )
            .effect_unknown()
        })?;
        let path = format!(
            "/record/v1/{}/{id}/!attach/file/{stored}",
            self.settings.record_type
        );
        let deed = format!("attach {name} to record {id}");
        let ask = Ask::rest(Method::POST, path, Right::Files, deed);
        self.api.send(call, &ask).await?;
        Ok(Some(stored))
    }

    /// Reads a file's bytes through the RESTlet.
    pub(super) async fn download_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let id = internal_id(record)?;
        let script = self.script_for_files()?;
        let large = file.size.and_then(|size| usize::try_from(size).ok());
        if let Some(size) = large.filter(|size| *size > LARGEST_FILE) {
            return Err(too_large(&file.name, size));
        }
        let deed = format!("read the file {}", file.name);
        let more = json!({"file": file.id});
        let body = self.act(call, script, "download", id, &deed, more).await?;
        let contents = body.get("contents").and_then(Value::as_str);
        let bytes = contents.and_then(|text| STANDARD.decode(text.trim()).ok());
        let bytes = bytes.ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!("the RESTlet gave {} without its contents", file.name),
            )
        })?;
        let told = text_at(&body, &["mediaType"]).or(file.media_type.as_deref());
        Ok(FileContent {
            name: file.name.clone(),
            media_type: media_type(told.unwrap_or_default()),
            bytes: Bytes::from(bytes),
        })
    }

    fn script_for_files(&self) -> Result<&Script, Failure> {
        self.settings.script.as_ref().ok_or_else(|| {
            no_way("files").hint(
                "Deploy the RESTlet (docs/platforms/netsuite.md, part 4) and set restlet_script, or switch files off.",
            )
        })
    }
}

fn no_way(what: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("NetSuite's REST web services reach no {what}, and no RESTlet is set"),
    )
}

pub(super) fn gone(id: &str) -> Failure {
    Failure::new(
        Category::Validation,
        format!("record {id} is not there (deleted, or never was)"),
    )
}

fn too_large(name: &str, size: usize) -> Failure {
    let tenths = |bytes: usize| format!("{}.{}", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20);
    Failure::new(
        Category::Validation,
        format!(
            "{name} ({} MB) is too large: NetSuite takes and gives texts of 10 MB through a RESTlet, which is {} MB of a file",
            tenths(size),
            tenths(LARGEST_FILE)
        ),
    )
    .hint("Leave the file where it is; carry its address in a field instead.")
}

fn note(told: &Value) -> Option<Note> {
    let visibility = if is_true(told, "internalOnly") {
        NoteVisibility::Internal
    } else {
        NoteVisibility::Public
    };
    Some(Note {
        id: told.get("id").and_then(id_text)?,
        text: text_at(told, &["text"])?.trim().to_owned(),
        visibility,
        author: text_at(told, &["author"]).map(str::to_owned),
        created_at: moment_at(told, &["date"]),
        by_us: is_true(told, "byUs"),
    })
}

fn reference(told: &Value) -> Option<FileReference> {
    Some(FileReference {
        id: told.get("id").and_then(id_text)?,
        name: text_at(told, &["name"])?.to_owned(),
        media_type: text_at(told, &["mediaType"]).map(str::to_owned),
        size: told.get("size").and_then(Value::as_u64),
        url: None,
        by_us: is_true(told, "byUs"),
    })
}

/// The line that ends a note within the text field.
const END: &str = "[/FN]";

/// A note as it stands in the text field.
fn block(note: &Note, at: crate::model::Timestamp) -> String {
    let word = match note.visibility {
        NoteVisibility::Internal => "internal",
        NoteVisibility::Public => "public",
    };
    let second = jiff::Timestamp::from_second(at.as_second()).unwrap_or(at);
    format!("[FN {second} {word}]\n{}\n{END}\n", note.text.trim())
}

fn separated(before: &str) -> String {
    if before.is_empty() {
        String::new()
    } else {
        format!("{}\n\n", before.trim_end())
    }
}

/// Our own notes in the text field; what people write around them is theirs.
fn read_blocks(text: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut open: Option<Note> = None;
    for line in text.lines() {
        let line = line.trim_end();
        match (&mut open, head(line)) {
            (Some(_), _) if line == END => notes.extend(open.take()),
            (Some(note), _) => {
                if !note.text.is_empty() {
                    note.text.push('\n');
                }
                note.text.push_str(line);
            }
            (None, Some(note)) => open = Some(note),
            (None, None) => {}
        }
    }
    for (place, note) in notes.iter_mut().enumerate() {
        note.id = format!("field-{}", place + 1);
    }
    notes
}

fn head(line: &str) -> Option<Note> {
    let inner = line.strip_prefix("[FN ")?.strip_suffix(']')?;
    let (at, word) = inner.split_once(' ')?;
    Some(Note {
        id: String::new(),
        text: String::new(),
        visibility: match word {
            "internal" => NoteVisibility::Internal,
            "public" => NoteVisibility::Public,
            _ => return None,
        },
        author: None,
        created_at: at.parse().ok(),
        by_us: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Note {
        Note {
            id: String::new(),
            text: text.into(),
            visibility: NoteVisibility::Internal,
            author: None,
            created_at: None,
            by_us: false,
        }
    }

    #[test]
    fn notes_in_a_text_field_are_read_back() {
        let at = "2026-03-01T12:00:00.5Z".parse().unwrap();
        let mut field = "By hand".to_owned();
        for text in ["one", "two\nlines"] {
            field = format!("{}{}", separated(&field), block(&written(text), at));
        }
        assert!(field.starts_with("By hand\n\n[FN 2026-03-01T12:00:00Z internal]\none\n[/FN]\n\n"));
        field.push_str("by hand again\n[FN nonsense]\n");
        let notes = read_blocks(&field.replace('\n', "\r\n"));
        let texts: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(texts, ["one", "two\nlines"]);
        assert_eq!(notes[1].id, "field-2");
        assert!(notes.iter().all(|note| note.by_us));
    }

    #[test]
    fn a_file_that_does_not_fit_is_told_with_numbers() {
        let failure = too_large("site.zip", 9 * 1024 * 1024 + 512 * 1024);
        assert!(
            failure.cause.starts_with("site.zip (9.5 MB) is too large"),
            "{}",
            failure.cause
        );
        assert!(STANDARD.encode(vec![0; LARGEST_FILE]).len() < 10 * 1024 * 1024);
    }

    #[test]
    fn what_a_script_leaves_out_is_no_note() {
        assert!(note(&json!({"id": 1})).is_none());
        assert!(note(&json!({"text": "x"})).is_none());
        let read =
            note(&json!({"id": 1, "text": " x ", "internalOnly": true, "byUs": false})).unwrap();
        assert_eq!((read.id.as_str(), read.text.as_str()), ("1", "x"));
        assert_eq!(read.visibility, NoteVisibility::Internal);
        let file =
            reference(&json!({"id": "5", "name": "a.pdf", "size": 3, "byUs": true})).unwrap();
        assert_eq!((file.size, file.by_us), (Some(3), true));
    }
}
