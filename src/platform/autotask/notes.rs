//! Notes and files of tickets. Both are written through the ticket's own address: the vendor knows no other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::Autotask;
use super::ask::{Ask, Right};
use super::fields::{cut, moment};
use super::read::ticket_id;
use super::settings::FileVisibility;
use crate::http::Call;
use crate::model::{Category, Failure, FileContent, FileReference, Note, NoteVisibility, RecordId};
use crate::platform::basics::{number, text_at};

/// Under which title our notes stand; the vendor wants one.
const TITLE: &str = "Field Nation";

/// All users, customers in the portal among them.
const PUBLISH_ALL: u64 = 1;

/// Staff only.
const PUBLISH_INTERNAL: u64 = 2;

/// The longest note, unless the database says otherwise.
const LONGEST_NOTE: usize = 32_000;

/// The largest file; the vendor's own figure is "6 to 7 MB".
const LARGEST_FILE: usize = 6_000_000;

/// The longest title and file name.
const LONGEST_TITLE: usize = 250;

impl Autotask {
    /// Adds a note.
    pub(super) async fn write_note(
        &self,
        call: &Call,
        ticket: u64,
        words: &str,
        visibility: NoteVisibility,
    ) -> Result<String, Failure> {
        if words.trim().is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the note for ticket {ticket} has no text"),
            ));
        }
        let body = json!({
            "title": TITLE,
            "description": cut(words, Some(LONGEST_NOTE)),
            "noteType": self.settings.note_type,
            "publish": match visibility {
                NoteVisibility::Public => PUBLISH_ALL,
                NoteVisibility::Internal => PUBLISH_INTERNAL,
            },
        });
        let ask = Ask::new(
            Method::POST,
            format!("Tickets/{ticket}/Notes"),
            Right::AddNotes,
            format!("add a note to ticket {ticket}"),
        )
        .json(body);
        let id = self.api.created(call, &ask).await?;
        Ok(id.to_string())
    }

    /// Adds a mapped note unless it stands there already: a repeated update must not repeat it.
    pub(super) async fn put_mapped_note(
        &self,
        call: &Call,
        ticket: u64,
        words: &str,
        visibility: NoteVisibility,
    ) -> Result<(), Failure> {
        let wanted = squeezed(&cut(words, Some(LONGEST_NOTE)));
        let there = self.listed_notes(call, ticket).await?;
        let stands = there.iter().any(|note| {
            text_at(note, &["title"]) == Some(TITLE)
                && visibility_of(note) == visibility
                && squeezed(text_at(note, &["description"]).unwrap_or_default()) == wanted
        });
        if stands {
            return Ok(());
        }
        self.write_note(call, ticket, words, visibility)
            .await
            .map(drop)
    }

    async fn listed_notes(&self, call: &Call, ticket: u64) -> Result<Vec<Value>, Failure> {
        let ask = Ask::get(
            format!("Tickets/{ticket}/Notes"),
            Right::ViewNotes,
            format!("list the notes of ticket {ticket}"),
        );
        self.api.items(call, &ask).await
    }

    /// Reads a ticket's notes, oldest first.
    pub(super) async fn read_notes(
        &self,
        call: &Call,
        ticket: u64,
        own: Option<u64>,
    ) -> Result<Vec<Note>, Failure> {
        let mut listed = self.listed_notes(call, ticket).await?;
        listed.sort_by_key(|note| {
            (
                text_at(note, &["createDateTime"]).and_then(moment),
                note.get("id").and_then(Value::as_u64),
            )
        });
        let mut notes = Vec::with_capacity(listed.len());
        for told in &listed {
            let Some(mut note) = read_note(told, own) else {
                continue;
            };
            let creator = told.get("creatorResourceID").and_then(Value::as_u64);
            if let Some(creator) = creator.filter(|_| !note.by_us) {
                let resource = self
                    .session
                    .related(&self.api, call, "Resources", creator)
                    .await?;
                note.author = resource.as_deref().and_then(full_name);
            }
            notes.push(note);
        }
        Ok(notes)
    }

    /// Lists a ticket's files. Links have no bytes, and the mail that a ticket was made from is no file of its own.
    pub(super) async fn read_files(
        &self,
        call: &Call,
        ticket: u64,
        own: Option<u64>,
    ) -> Result<Vec<FileReference>, Failure> {
        let ask = Ask::get(
            format!("Tickets/{ticket}/Attachments"),
            Right::ViewFiles,
            format!("list the attachments of ticket {ticket}"),
        );
        let listed = self.api.items(call, &ask).await?;
        Ok(listed
            .iter()
            .filter_map(|file| reference(file, own))
            .collect())
    }

    /// Attaches a file, its size and the allowance of five minutes checked before.
    pub(super) async fn attach_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileContent,
    ) -> Result<Option<String>, Failure> {
        let ticket = ticket_id(record)?;
        let length = file.bytes.len();
        if length > LARGEST_FILE {
            return Err(Failure::new(
                Category::Validation,
                format!(
                    "{} has {length} bytes and can't be attached to ticket {ticket}: Autotask takes {LARGEST_FILE} a file",
                    file.name
                ),
            )
            .hint("Leave the file in Field Nation, or make it smaller."));
        }
        if let Err(wait) = self.session.take_attachment_bytes(length as u64) {
            return Err(Failure::new(
                Category::RateLimited,
                format!(
                    "{} waits: Autotask takes 10,000,000 bytes of attachments in five minutes",
                    file.name
                ),
            )
            .unsent()
            .retry_after(Some(wait)));
        }
        let name = cut(file.name.trim(), Some(LONGEST_TITLE));
        let body = json!({
            "id": 0,
            "attachmentType": "FILE_ATTACHMENT",
            "fullPath": name,
            "title": name,
            "publish": match self.settings.attachments {
                FileVisibility::Public => PUBLISH_ALL,
                FileVisibility::Internal => PUBLISH_INTERNAL,
            },
            "data": STANDARD.encode(&file.bytes),
        });
        let ask = Ask::new(
            Method::POST,
            format!("Tickets/{ticket}/Attachments"),
            Right::AddFiles,
            format!("attach {name} to ticket {ticket}"),
        )
        .json(body);
        let id = self.api.created(call, &ask).await?;
        Ok(Some(id.to_string()))
    }

    /// Reads a file's bytes. Reports differ on which of two addresses carries them, so the second is tried when the
    /// first does not.
    pub(super) async fn download_file(
        &self,
        call: &Call,
        record: &RecordId,
        file: &FileReference,
    ) -> Result<FileContent, Failure> {
        let ticket = ticket_id(record)?;
        let id = crate::platform::basics::digits(file.id.as_bytes()).ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("`{}` is no attachment's id", file.id),
            )
        })?;
        let deed = format!("read attachment {id} of ticket {ticket}");
        let mut seen = false;
        for path in [
            format!("TicketAttachments/{id}"),
            format!("Tickets/{ticket}/Attachments/{id}"),
        ] {
            let ask = Ask::get(path, Right::ViewFiles, deed.as_str());
            let Some(found) = self.api.item(call, &ask).await? else {
                continue;
            };
            seen = true;
            let Some(data) = text_at(&found, &["data"]) else {
                continue;
            };
            let bytes = STANDARD.decode(data.trim()).map_err(|error| {
                Failure::new(
                    Category::Server,
                    format!("Autotask's {} is no base64 ({error})", file.name),
                )
            })?;
            let told = text_at(&found, &["contentType"]).map(str::to_owned);
            let media_type = file.media_type.clone().or(told);
            return Ok(FileContent {
                name: file.name.clone(),
                media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes: bytes.into(),
            });
        }
        let why = if seen {
            "gives no bytes of it"
        } else {
            "does not have it (any more)"
        };
        Err(Failure::new(
            Category::Validation,
            format!("can't {deed}: Autotask {why}"),
        )
        .hint(
            "Look whether the attachment was removed in Autotask; if so, discard this transaction.",
        ))
    }
}

fn visibility_of(note: &Value) -> NoteVisibility {
    if note.get("publish").and_then(Value::as_u64) == Some(PUBLISH_ALL) {
        NoteVisibility::Public
    } else {
        NoteVisibility::Internal
    }
}

fn read_note(told: &Value, own: Option<u64>) -> Option<Note> {
    let title = text_at(told, &["title"]).unwrap_or_default().trim();
    let words = text_at(told, &["description"]).unwrap_or_default().trim();
    let text = if title == TITLE || title.is_empty() || words.starts_with(title) {
        words.to_owned()
    } else if words.is_empty() {
        title.to_owned()
    } else {
        format!("{title}\n{words}")
    };
    let creator = told.get("creatorResourceID").and_then(Value::as_u64);
    Some(Note {
        id: number(told.get("id")?)?.to_string(),
        text,
        visibility: visibility_of(told),
        author: None,
        created_at: text_at(told, &["createDateTime"]).and_then(moment),
        by_us: creator.is_some() && creator == own,
    })
}

fn full_name(person: &Value) -> Option<String> {
    let parts = ["firstName", "lastName"].map(|name| text_at(person, &[name]));
    let name: Vec<&str> = parts.into_iter().flatten().collect();
    (!name.is_empty()).then(|| name.join(" "))
}

fn reference(file: &Value, own: Option<u64>) -> Option<FileReference> {
    let kind = text_at(file, &["attachmentType"]).unwrap_or("FILE_ATTACHMENT");
    let media_type = text_at(file, &["contentType"]).map(str::to_owned);
    let is_mail = media_type.as_deref() == Some("message/rfc822");
    if kind != "FILE_ATTACHMENT" || is_mail {
        return None;
    }
    let path = text_at(file, &["fullPath"]).map(base_name);
    let name = path
        .or_else(|| text_at(file, &["title"]))
        .unwrap_or("attachment");
    let creator = file.get("attachedByResourceID").and_then(Value::as_u64);
    Some(FileReference {
        id: number(file.get("id")?)?.to_string(),
        name: name.to_owned(),
        media_type,
        size: file.get("fileSize").and_then(Value::as_u64),
        url: None,
        by_us: creator.is_some() && creator == own,
    })
}

/// The last part of a path, whichever way its slashes lean.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A text without regard to how its white space was kept.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_with_its_title_unless_that_says_nothing() {
        let told = json!({"id": 45, "title": "Note Title", "description": "Note description", "publish": 1,
            "creatorResourceID": 10, "createDateTime": "2018-01-23T11:00:00.00Z"});
        let note = read_note(&told, Some(10)).unwrap();
        assert_eq!(note.text, "Note Title\nNote description");
        assert_eq!(
            (note.visibility, note.by_us),
            (NoteVisibility::Public, true)
        );
        assert!(note.created_at.is_some());
        for (title, words, text) in [
            ("Field Nation", "On my way", "On my way"),
            ("On my", "On my way", "On my way"),
            ("Only a title", "", "Only a title"),
        ] {
            let told = json!({"id": 1, "title": title, "description": words, "publish": 4});
            let note = read_note(&told, None).unwrap();
            assert_eq!(note.text, text);
            assert_eq!(
                (note.visibility, note.by_us),
                (NoteVisibility::Internal, false)
            );
        }
        assert!(read_note(&json!({"description": "x"}), None).is_none());
    }

    #[test]
    fn links_and_the_mail_itself_are_no_files() {
        let file = json!({"id": 9, "attachmentType": "FILE_ATTACHMENT", "fullPath": "C:\\pics\\site.png",
            "title": "site", "contentType": "image/png", "attachedByResourceID": 10});
        let read = reference(&file, Some(10)).unwrap();
        assert_eq!((read.name.as_str(), read.by_us), ("site.png", true));
        let link = json!({"id": 9, "attachmentType": "URL", "fullPath": "https://example.com"});
        assert_eq!(reference(&link, None), None);
        let mail = json!({"id": 9, "attachmentType": "FILE_ATTACHMENT", "title": "Originating Email",
            "contentType": "message/rfc822"});
        assert_eq!(reference(&mail, None), None);
    }
}
