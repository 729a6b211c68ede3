//! Reading records as mappings see them: values by field id.
//!
//! What Quickbase relates to a record (lookups, summaries) is a field of it already. Messages and documents are rows of
//! other tables that refer to the record.

use serde_json::Value;

use super::Quickbase;
use super::api::record_number;
use super::query::{Row, Selection, cell, equals, row_id};
use super::session::Freshness;
use super::settings::{Child, Documents, Messages};
use super::table::{CREATED, Kind, MODIFIED, MODIFIED_BY, OWNER, RECORD_ID, Table};
use super::value::text;
use crate::http::Call;
use crate::model::{Failure, Note, NoteVisibility, Record, RecordId, Timestamp};
use crate::platform::basics::text_at;
use crate::platform::{Wish, html};

impl Quickbase {
    /// A table's fields, as recent as they need to be for ordinary work.
    pub(super) async fn table(
        &self,
        call: &Call,
        id: &str,
    ) -> Result<std::sync::Arc<Table>, Failure> {
        self.session
            .table(&self.api, call, id, Freshness::Recent)
            .await
    }

    /// Some fields of the row of a Record ID#.
    pub(super) async fn row_of(
        &self,
        call: &Call,
        table: &str,
        number: u64,
        fields: Vec<u64>,
    ) -> Result<Option<Row>, Failure> {
        let selection = Selection {
            table,
            fields,
            filter: format!("{{{RECORD_ID}.EX.{number}}}"),
            sort: &[],
        };
        let deed = format!("read record {number}");
        let page = self.page(call, &deed, &selection, 0).await?;
        Ok(page.rows.into_iter().next())
    }

    /// Reads a record with what the wish asks for.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let number = record_number(id)?;
        let table = self.table(call, &self.settings.table).await?;
        let fields: Vec<u64> = table.fields.iter().map(|field| field.id).collect();
        let row = self.row_of(call, &self.settings.table, number, fields);
        let Some(row) = row.await? else {
            return Ok(None);
        };
        if wish.notes || wish.files {
            self.session
                .learn_who_we_are(&self.api, call, &self.settings.table)
                .await?;
        }
        let notes = match &self.settings.messages {
            Some(Messages::Rows {
                child,
                text,
                internal,
            }) if wish.notes => {
                self.read_notes(call, number, child, *text, *internal)
                    .await?
            }
            _ => Vec::new(),
        };
        let mut files = Vec::new();
        if wish.files {
            files.extend(self.record_files(&table, &row));
            if let Some(Documents::Rows { child, file }) = &self.settings.documents {
                files.extend(self.read_documents(call, number, child, *file).await?);
            }
        }
        Ok(Some(Record {
            id: id.clone(),
            label: label(&table, &row).unwrap_or_else(|| format!("record {id}")),
            changed_at: cell(&row, MODIFIED).and_then(moment),
            changed_by_us: cell(&row, MODIFIED_BY).is_some_and(|user| self.session.is_us(user)),
            fields: Value::Object(row),
            notes,
            files,
        }))
    }

    /// The rows of another table that refer to a record, oldest first.
    pub(super) async fn related_rows(
        &self,
        call: &Call,
        number: u64,
        child: &Child,
        fields: Vec<u64>,
        what: &str,
    ) -> Result<Vec<Row>, Failure> {
        let key = self.key_value(call, &self.settings.table, number).await?;
        let selection = Selection {
            table: &child.table,
            fields,
            filter: equals(child.related, &key)?,
            sort: &[RECORD_ID],
        };
        let deed = format!("read the {what} of record {number}");
        self.rows(call, &deed, &selection).await
    }

    async fn read_notes(
        &self,
        call: &Call,
        number: u64,
        child: &Child,
        text_field: u64,
        internal: Option<u64>,
    ) -> Result<Vec<Note>, Failure> {
        let is_rich = self
            .table(call, &child.table)
            .await?
            .field(text_field)
            .is_some_and(|field| field.kind == Kind::RichText);
        let mut fields = vec![CREATED, RECORD_ID, OWNER, text_field];
        fields.extend(internal);
        let rows = self
            .related_rows(call, number, child, fields, "messages")
            .await?;
        let note = |row: &Row| {
            let held = cell(row, text_field).map(text).unwrap_or_default();
            let text = if is_rich { html::to_text(&held) } else { held };
            let is_internal = internal.and_then(|field| cell(row, field)) == Some(&true.into());
            let owner = cell(row, OWNER);
            Some(Note {
                id: row_id(row)?.to_string(),
                text: text.replace("\r\n", "\n").trim().to_owned(),
                visibility: if is_internal {
                    NoteVisibility::Internal
                } else {
                    NoteVisibility::Public
                },
                author: owner.and_then(person),
                created_at: cell(row, CREATED).and_then(moment),
                by_us: owner.is_some_and(|owner| self.session.is_us(owner)),
            })
        };
        let notes = rows.iter().filter_map(note);
        Ok(notes.filter(|note| !note.text.is_empty()).collect())
    }
}

/// What to call a record: the first text in it that people wrote.
fn label(table: &Table, row: &Row) -> Option<String> {
    let mut texts = table.fields.iter().filter(|field| {
        field.kind == Kind::Text && field.id > MODIFIED_BY && !field.derived && !field.unique
    });
    texts.find_map(|field| {
        let held = text(cell(row, field.id)?);
        let line = held.lines().find(|line| !line.trim().is_empty())?;
        Some(line.trim().chars().take(120).collect())
    })
}

/// A moment as the vendor writes it.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.trim().parse().ok()
}

fn person(user: &Value) -> Option<String> {
    text_at(user, &["name"])
        .or_else(|| text_at(user, &["email"]))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_called_by_its_first_text() {
        let table = Table::read(&json!([
            {"id": 6, "label": "Number", "fieldType": "text", "unique": true},
            {"id": 7, "label": "Lookup", "fieldType": "text", "mode": "lookup"},
            {"id": 8, "label": "Title", "fieldType": "text"},
            {"id": 9, "label": "Scope", "fieldType": "text-multi-line"},
        ]));
        let row = |value: Value| value.as_object().unwrap().clone();
        let full = row(json!({"6": "J-1", "7": "Acme", "8": "Router down", "9": "x"}));
        assert_eq!(label(&table, &full).as_deref(), Some("Router down"));
        let bare = row(json!({"8": "", "9": "\r\nNo light\r\nat all"}));
        assert_eq!(label(&table, &bare).as_deref(), Some("No light"));
        assert_eq!(label(&table, &row(json!({"8": null}))), None);
    }
}
