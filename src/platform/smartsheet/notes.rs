//! Comments. Smartsheet gathers them in discussions on the row, and everybody who sees the sheet sees them all: there are
//! no private ones.

use http::Method;
use serde_json::{Value, json};

use super::Smartsheet;
use super::api::Ask;
use super::cell::{self, LONGEST};
use super::failure::Right;
use super::ids::RowPlace;
use super::read::cell_of;
use super::session::{Freshness, Me};
use crate::http::Call;
use crate::model::{Category, Failure, Note, NoteVisibility, RecordId};
use crate::platform::Noted;
use crate::platform::basics::{id, is_true, moment_at, text, text_at};

/// The discussions, attachments or webhooks asked for at once.
pub(super) const PAGE: usize = 100;

/// What becomes of messages that only staff may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InternalNotes {
    /// They are not written.
    Skip,
    /// They are written as comments, for everybody.
    Publish,
    /// They are appended to the text of this column.
    Column(String),
}

impl InternalNotes {
    /// Reads `skip`, `publish` or `column:<title>`.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, String> {
        match text.map(str::trim) {
            None | Some("skip") => Ok(Self::Skip),
            Some("publish") => Ok(Self::Publish),
            Some(other) => match other.strip_prefix("column:").map(str::trim) {
                Some(title) if !title.is_empty() => Ok(Self::Column(title.to_owned())),
                _ => Err(format!("`{other}` is none of the choices")),
            },
        }
    }
}

impl Smartsheet {
    /// Reads all comments on a row, oldest first.
    pub(super) async fn read_notes(
        &self,
        call: &Call,
        place: RowPlace,
        me: &Me,
    ) -> Result<Vec<Note>, Failure> {
        let ask = discussions(place).query("include", "comments");
        let discussions = self.api.list(call, &ask, PAGE).await?;
        let comments = discussions
            .iter()
            .filter_map(|discussion| discussion.get("comments")?.as_array())
            .flatten();
        let mut notes: Vec<Note> = comments.filter_map(|comment| note(comment, me)).collect();
        notes.sort_by_key(|note| note.created_at);
        Ok(notes)
    }

    /// Writes a note as a comment, or as the settings say where it is not for everybody.
    pub(super) async fn write_note(
        &self,
        call: &Call,
        record: &RecordId,
        note: &Note,
    ) -> Result<Noted, Failure> {
        let place = RowPlace::on(self.settings.sheet, record)?;
        if note.text.trim().is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the comment for row {} has no text", place.row),
            ));
        }
        match (note.visibility, &self.settings.internal_notes) {
            (NoteVisibility::Internal, InternalNotes::Skip) => Ok(Noted::Skipped {
                why: "Smartsheet has no private comments, and internal_notes is \"skip\""
                    .to_owned(),
            }),
            (NoteVisibility::Internal, InternalNotes::Column(title)) => {
                self.append_to_column(call, place, title, &note.text)
                    .await?;
                Ok(Noted::Added(None))
            }
            (NoteVisibility::Public, _) | (NoteVisibility::Internal, InternalNotes::Publish) => {
                let comment = self.comment(call, place, &note.text);
                comment.await.map(Noted::Added)
            }
        }
    }

    /// Adds a comment to the discussion that we began on the row, or begins one.
    async fn comment(
        &self,
        call: &Call,
        place: RowPlace,
        text: &str,
    ) -> Result<Option<String>, Failure> {
        let me = self.session.me(&self.api, call).await?;
        let discussions = self.api.list(call, &discussions(place), PAGE).await?;
        let ours = |discussion: &&Value| {
            me.is(discussion.get("createdBy")) && !is_true(discussion, "readOnly")
        };
        let ours = discussions
            .iter()
            .rev()
            .find(ours)
            .and_then(|discussion| id(discussion, "id"));
        let deed = format!("comment on row {}", place.row);
        if let Some(discussion) = ours {
            let path = format!("/sheets/{}/discussions/{discussion}/comments", place.sheet);
            let ask =
                Ask::new(Method::POST, path, Right::Comment, deed).json(json!({"text": text}));
            let comment = self.api.write(call, &ask).await?;
            return Ok(id(&comment, "id"));
        }
        let path = format!("/sheets/{}/rows/{}/discussions", place.sheet, place.row);
        let body = json!({"comment": {"text": text}});
        let ask = Ask::new(Method::POST, path, Right::Comment, deed).json(body);
        let discussion = self.api.write(call, &ask).await?;
        let first = discussion
            .get("comments")
            .and_then(|comments| comments.get(0));
        Ok(first.and_then(|comment| id(comment, "id")))
    }

    /// Appends a message to a column's text, once.
    async fn append_to_column(
        &self,
        call: &Call,
        place: RowPlace,
        title: &str,
        message: &str,
    ) -> Result<(), Failure> {
        let columns = self
            .session
            .columns(&self.api, call, Freshness::Recent)
            .await?;
        let Some(column) = columns.titled(title) else {
            return Err(missing_column("internal_notes", title, &columns.titles()));
        };
        let path = format!("/sheets/{}/rows/{}", place.sheet, place.row);
        let ask = Ask::get(path, Right::View, format!("read row {}", place.row)).query("level", 2);
        let row = self.api.json(call, &ask).await?;
        let held = text(&cell::read(column, cell_of(&row, column.id)));
        let message = message.trim();
        if held.contains(message) {
            return Ok(());
        }
        let appended = if held.is_empty() {
            message.to_owned()
        } else {
            format!("{held}\n{message}")
        };
        if appended.chars().count() > LONGEST {
            return Err(Failure::new(
                Category::Validation,
                format!("the message does not fit into \"{title}\" of row {} any more: a cell holds {LONGEST} characters", place.row),
            )
            .hint("Shorten the cell in Smartsheet and retry, or discard the transaction."));
        }
        let filled = cell::fill(column, &appended.into())
            .map_err(|why| Failure::new(Category::Validation, why))?;
        self.put_cells(call, place, vec![filled.cell]).await
    }
}

fn discussions(place: RowPlace) -> Ask {
    Ask::get(
        format!("/sheets/{}/rows/{}/discussions", place.sheet, place.row),
        Right::View,
        format!("list the discussions of row {}", place.row),
    )
}

fn note(comment: &Value, me: &Me) -> Option<Note> {
    let author = comment.get("createdBy");
    let name = author
        .and_then(|author| text_at(author, &["name"]).or_else(|| text_at(author, &["email"])));
    Some(Note {
        id: id(comment, "id")?,
        text: text_at(comment, &["text"])?.trim().to_owned(),
        visibility: NoteVisibility::Public,
        author: name.map(str::to_owned),
        created_at: moment_at(comment, &["createdAt"]),
        by_us: me.is(author),
    })
}

/// The failure of a setting that names a column which the sheet does not have.
pub(super) fn missing_column(setting: &str, title: &str, titles: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("the sheet has no column \"{title}\", which {setting} names; it has: {titles}"),
    )
    .hint("Use the column's title exactly as the sheet shows it; it may have been renamed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_notes_have_three_ways() {
        assert_eq!(InternalNotes::parse(None), Ok(InternalNotes::Skip));
        assert_eq!(
            InternalNotes::parse(Some("publish")),
            Ok(InternalNotes::Publish)
        );
        let column = InternalNotes::parse(Some("column: FN notes"));
        assert_eq!(column, Ok(InternalNotes::Column("FN notes".into())));
        for wrong in ["", "column:", "show", "field:x"] {
            assert!(InternalNotes::parse(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_comment_becomes_a_public_note() {
        let me = Me {
            email: "broker@example.com".into(),
            told: String::new(),
        };
        let comment = json!({"id": 48_569_348_493_401_200_u64, "text": "Call first ", "createdAt": "2026-03-16T16:06:52Z",
            "createdBy": {"name": "Dispatch", "email": "dispatch@example.com"}});
        let read = note(&comment, &me).unwrap();
        assert_eq!(read.id, "48569348493401200");
        assert_eq!((read.text.as_str(), read.by_us), ("Call first", false));
        assert_eq!(read.author.as_deref(), Some("Dispatch"));
        assert!(note(&json!({"text": "x"}), &me).is_none());
    }
}
