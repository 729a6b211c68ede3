//! Writing notes. Quickbase has none of its own: they are rows of a table, or lines of an append-only field.

use serde_json::{Map, Value};

use super::Quickbase;
use super::api::record_number;
use super::settings::{Child, InternalNotes, Messages};
use super::table::Table;
use super::write::{Purpose, Writing, before_writing};
use crate::http::Call;
use crate::model::{Category, Failure, Note, NoteVisibility, RecordId};
use crate::platform::Noted;

/// Where one note goes.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// A row; the checkbox, if there is one, and whether it is ticked.
    Row {
        child: &'a Child,
        text: u64,
        flag: Option<(u64, NoteVisibility)>,
    },
    /// An append-only field of the record.
    Field(u64),
    /// Nowhere, by the admin's choice.
    Nowhere,
}

impl Quickbase {
    /// Adds a note, under the Record ID# of its row where it is one.
    pub(super) async fn write_note(
        &self,
        call: &Call,
        record: &RecordId,
        note: &Note,
    ) -> Result<Noted, Failure> {
        let number = record_number(record)?;
        if note.text.trim().is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the note for record {number} has no text"),
            ));
        }
        let settings = &self.settings;
        let messages = settings.messages.as_ref();
        match place(messages, &settings.internal_notes, note.visibility) {
            Some(Place::Row { child, text, flag }) => {
                let row = self.add_row(call, number, note, child, text, flag);
                row.await.map(Noted::Added)
            }
            Some(Place::Field(field)) => {
                self.append(call, number, note, field).await?;
                Ok(Noted::Added(None))
            }
            Some(Place::Nowhere) => Ok(Noted::Skipped {
                why: "nothing tells internal notes from others in Quickbase, and internal_notes is \"skip\""
                    .to_owned(),
            }),
            None => Err(Failure::new(
                Category::Configuration,
                "the connector has no place for notes in Quickbase",
            )
            .hint("Set message_table_id, message_field_id and message_related_record_id.")),
        }
    }

    async fn add_row(
        &self,
        call: &Call,
        number: u64,
        note: &Note,
        child: &Child,
        text: u64,
        flag: Option<(u64, NoteVisibility)>,
    ) -> Result<Option<String>, Failure> {
        let deed = format!("add a message to record {number}");
        let mut fields = Map::from_iter([(text.to_string(), Value::from(note.text.as_str()))]);
        if let Some((field, visibility)) = flag {
            let ticked = visibility == NoteVisibility::Internal;
            fields.insert(field.to_string(), ticked.into());
        }
        let row = self
            .child_row(call, number, child, &fields, &deed)
            .await
            .map_err(before_writing)?;
        let writing = Writing {
            table: &child.table,
            row,
            merge: None,
            asked: None,
        };
        let outcome = self.write(call, &deed, writing).await?;
        Ok(outcome.created.map(|id| id.to_string()))
    }

    /// The values of a new row that refers to a record.
    pub(super) async fn child_row(
        &self,
        call: &Call,
        number: u64,
        child: &Child,
        fields: &Map<String, Value>,
        deed: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let prepared = self.prepared(call, &child.table, fields, Purpose::Put, deed);
        let mut row = prepared.await?;
        let key = self.key_value(call, &self.settings.table, number).await?;
        row.insert(child.related.to_string(), key);
        Ok(row)
    }

    async fn append(
        &self,
        call: &Call,
        number: u64,
        note: &Note,
        field: u64,
    ) -> Result<(), Failure> {
        let id = &self.settings.table;
        let deed = format!("add a note to record {number}");
        let table = self.table(call, id).await.map_err(before_writing)?;
        check_append_only(&table, field)?;
        let fields = Map::from_iter([(field.to_string(), Value::from(note.text.as_str()))]);
        let row = self.prepared(call, id, &fields, Purpose::Put, &deed).await;
        let row = row.map_err(before_writing)?;
        self.write_to(call, id, number, row, &deed).await.map(drop)
    }
}

/// Where a note goes; `None` when there is no place for notes at all.
fn place<'a>(
    messages: Option<&'a Messages>,
    internal_notes: &InternalNotes,
    visibility: NoteVisibility,
) -> Option<Place<'a>> {
    let ordinary = messages.map(|messages| match messages {
        Messages::Rows {
            child,
            text,
            internal,
        } => Place::Row {
            child,
            text: *text,
            flag: internal.map(|field| (field, visibility)),
        },
        Messages::Field(field) => Place::Field(*field),
    });
    let is_told_apart = matches!(ordinary, Some(Place::Row { flag: Some(_), .. }));
    if visibility == NoteVisibility::Public || is_told_apart {
        return ordinary;
    }
    match internal_notes {
        InternalNotes::Skip => Some(Place::Nowhere),
        InternalNotes::Field(field) => Some(Place::Field(*field)),
        InternalNotes::Publish => ordinary,
    }
}

/// Checks that writing to a field adds to it and does not replace what stands there.
///
/// # Errors
/// That it would.
pub(super) fn check_append_only(table: &Table, id: u64) -> Result<(), Failure> {
    match table.field(id) {
        Some(field) if field.append_only => Ok(()),
        Some(field) => Err(Failure::new(
            Category::Configuration,
            format!(
                "{} is not append-only: a note would replace what stands there",
                field.named()
            ),
        )
        .hint("In the field's properties, tick \"Log edits to this field and show entries\" (append only), or use a table for messages.")),
        None => Err(Failure::new(
            Category::Configuration,
            format!("there is no field {id} for notes in the table"),
        )
        .hint("Correct message_field_id or internal_notes.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERNAL: NoteVisibility = NoteVisibility::Internal;
    const PUBLIC: NoteVisibility = NoteVisibility::Public;

    fn rows(internal: Option<u64>) -> Messages {
        let child = Child {
            table: "bck7gp3q3".into(),
            related: 8,
        };
        Messages::Rows {
            child,
            text: 6,
            internal,
        }
    }

    #[test]
    fn an_internal_note_is_never_published_quietly() {
        let plain = rows(None);
        let skipped = place(Some(&plain), &InternalNotes::Skip, INTERNAL);
        assert_eq!(skipped, Some(Place::Nowhere));
        let kept_apart = place(Some(&plain), &InternalNotes::Field(20), INTERNAL);
        assert_eq!(kept_apart, Some(Place::Field(20)));
        let published = place(Some(&plain), &InternalNotes::Publish, INTERNAL);
        assert!(matches!(published, Some(Place::Row { flag: None, .. })));
        let public = place(Some(&plain), &InternalNotes::Skip, PUBLIC);
        assert!(matches!(public, Some(Place::Row { .. })));
    }

    #[test]
    fn a_checkbox_tells_both_sorts_apart() {
        let told = rows(Some(9));
        for visibility in [INTERNAL, PUBLIC] {
            let Some(Place::Row { flag, .. }) =
                place(Some(&told), &InternalNotes::Skip, visibility)
            else {
                panic!("{visibility:?}")
            };
            assert_eq!(flag, Some((9, visibility)));
        }
        assert_eq!(place(None, &InternalNotes::Publish, PUBLIC), None);
    }
}
