//! Reading rows as mappings see them: cells under their columns' titles, the row itself under `Row`, its sheet under `Sheet`.

use serde_json::{Map, Value, json};

use super::Smartsheet;
use super::api::Ask;
use super::cell;
use super::columns::Columns;
use super::failure::Right;
use super::ids::RowPlace;
use super::session::{Freshness, Head};
use super::settings::Trigger;
use crate::http::Call;
use crate::model::{Failure, Record, RecordId};
use crate::platform::Wish;
use crate::platform::basics::{at, is_empty, moment_at, number, text, text_at};

/// Where a fetched row keeps the titles of those of its cells that a formula fills.
pub(super) const FORMULAS: &str = "formula_columns";

impl Smartsheet {
    /// Reads a row with what hangs on it. `None` when it is gone.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let place = RowPlace::on(self.settings.sheet, id)?;
        let Some(row) = self.read_row(call, place).await? else {
            return Ok(None);
        };
        let columns = self.columns_of(call, &row).await?;
        let head = self
            .session
            .head(&self.api, call, Freshness::Recent)
            .await?;
        let me = self.session.me(&self.api, call).await?;
        let label = columns
            .primary()
            .map(|column| text(&cell::read(column, cell_of(&row, column.id))))
            .filter(|label| !label.trim().is_empty());
        let mut record = Record {
            id: id.clone(),
            label: label.unwrap_or_else(|| format!("row {}", place.row)),
            fields: fields(place, &row, &columns, &head),
            notes: Vec::new(),
            files: Vec::new(),
            changed_at: moment_at(&row, &["modifiedAt"]),
            changed_by_us: me.is(row.get("modifiedBy")),
        };
        if wish.notes {
            record.notes = self.read_notes(call, place, me).await?;
        }
        if wish.files {
            record.files = self.list_files(call, place, me).await?;
        }
        Ok(Some(record))
    }

    async fn read_row(&self, call: &Call, place: RowPlace) -> Result<Option<Value>, Failure> {
        let deed = format!("read row {}", place.row);
        let path = format!("/sheets/{}/rows/{}", place.sheet, place.row);
        let ask = Ask::get(path, Right::View, deed)
            .query("include", "columns,objectValue,writerInfo,rowPermalink")
            .query("level", 2);
        let row = self.api.json_if_there(call, &ask).await?;
        if row.is_none() {
            // The same 404 stands for a sheet that is gone or not shared: that is no matter of this row.
            self.session
                .head(&self.api, call, Freshness::Fresh)
                .await
                .map_err(lost_sheet)?;
        }
        Ok(row)
    }

    /// The columns that came with a row, else those known of the sheet.
    async fn columns_of(
        &self,
        call: &Call,
        row: &Value,
    ) -> Result<std::sync::Arc<Columns>, Failure> {
        if let Some(items) = row.get("columns").and_then(Value::as_array)
            && !items.is_empty()
        {
            return Ok(Columns::read(items).into());
        }
        self.session
            .columns(&self.api, call, Freshness::Recent)
            .await
    }

    /// Whether the connector wants a row made into a work order.
    pub(super) fn judge(&self, fields: &Value) -> Result<(), String> {
        match &self.settings.trigger {
            Some(trigger) => trigger.judge(fields.get(&trigger.column).unwrap_or(&Value::Null)),
            None => Ok(()),
        }
    }
}

/// A sheet that can't be read is the connector's trouble and not one row's.
fn lost_sheet(failure: Failure) -> Failure {
    if failure.category == crate::model::Category::Validation {
        Failure {
            category: crate::model::Category::Configuration,
            ..failure
        }
    } else {
        failure
    }
}

impl Trigger {
    /// Judges what a row holds in the trigger column.
    ///
    /// # Errors
    /// Why the row is not wanted.
    pub(super) fn judge(&self, held: &Value) -> Result<(), String> {
        let shown: Vec<String> = match held {
            Value::Array(items) => items.iter().map(text).collect(),
            single => vec![text(single)],
        };
        let alike = |wanted: &String| {
            shown
                .iter()
                .any(|held| held.trim().to_lowercase() == wanted.to_lowercase())
        };
        let is_wanted = if self.values.is_empty() {
            !is_empty(held) && *held != Value::Bool(false)
        } else {
            self.values.iter().any(alike)
        };
        if is_wanted {
            return Ok(());
        }
        let held = shown.join(", ");
        let wanted = if self.values.is_empty() {
            "ticked or filled".to_owned()
        } else {
            self.values.join(" or ")
        };
        Err(format!(
            "its column \"{}\" is \"{held}\"; the connector waits for {wanted} (trigger_column)",
            self.column
        ))
    }
}

/// A row's cell in a column.
pub(super) fn cell_of(row: &Value, column: u64) -> Option<&Value> {
    let cells = row.get("cells").and_then(Value::as_array)?;
    cells
        .iter()
        .find(|cell| cell.get("columnId").and_then(number) == Some(column))
}

/// A row as mappings read it. A column titled `Row` or `Sheet` wins over what we put there.
fn fields(place: RowPlace, row: &Value, columns: &Columns, head: &Head) -> Value {
    let mut fields = Map::new();
    fields.insert(
        "Sheet".to_owned(),
        json!({"id": place.sheet.to_string(), "name": head.name, "url": head.permalink}),
    );
    let mut formulas = Vec::new();
    let mut cells = Map::new();
    for column in &columns.list {
        let cell = cell_of(row, column.id);
        cells.insert(column.title.clone(), cell::read(column, cell));
        if let Some(key) = column.name_key() {
            cells.insert(key, cell::names(column, cell));
        }
        if cell.is_some_and(|cell| text_at(cell, &["formula"]).is_some()) {
            formulas.push(column.title.clone());
        }
    }
    let member = |way: &[&str]| at(row, way).cloned().unwrap_or_default();
    let url = ["permalink", "permaLink"]
        .iter()
        .find_map(|name| text_at(row, &[name]));
    fields.insert(
        "Row".to_owned(),
        json!({
            "id": place.row.to_string(),
            "number": member(&["rowNumber"]),
            "url": url,
            "created_at": member(&["createdAt"]),
            "created_by": member(&["createdBy", "email"]),
            "modified_at": member(&["modifiedAt"]),
            "modified_by": member(&["modifiedBy", "email"]),
            FORMULAS: formulas,
        }),
    );
    fields.extend(cells);
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_laid_out_by_its_columns_titles() {
        let columns = Columns::read(&[
            json!({"id": 1, "title": "Task Name", "type": "TEXT_NUMBER", "primary": true}),
            json!({"id": 2, "title": "Site contact", "type": "CONTACT_LIST"}),
            json!({"id": 3, "title": "Send to FN", "type": "CHECKBOX"}),
            json!({"id": 4, "title": "Sum", "type": "TEXT_NUMBER"}),
        ]);
        let row = json!({"id": 9, "rowNumber": 3, "modifiedAt": "2026-03-01T12:00:00Z", "permalink": "https://x/?rowId=9",
            "modifiedBy": {"email": "a@b.example"}, "cells": [
            {"columnId": 1, "value": "Fix it", "displayValue": "Fix it"},
            {"columnId": 2, "value": "c@d.example", "displayValue": "Store Manager"},
            {"columnId": 3},
            {"columnId": 4, "value": 14, "formula": "=SUM([A]1)"}]});
        let head = Head {
            name: "Jobs".into(),
            permalink: Some("https://x/".into()),
            access_level: String::new(),
        };
        let place = RowPlace { sheet: 5, row: 9 };
        let fields = fields(place, &row, &columns, &head);
        assert_eq!(fields["Task Name"], "Fix it");
        assert_eq!(fields["Site contact"], "c@d.example");
        assert_eq!(fields["Site contact (name)"], "Store Manager");
        assert_eq!(fields["Send to FN"], false);
        assert_eq!(
            fields["Sheet"],
            json!({"id": "5", "name": "Jobs", "url": "https://x/"})
        );
        assert_eq!(fields["Row"]["id"], "9");
        assert_eq!(fields["Row"]["modified_by"], "a@b.example");
        assert_eq!(fields["Row"][FORMULAS], json!(["Sum"]));
    }

    #[test]
    fn a_trigger_column_waits_for_a_tick_a_value_or_one_of_several() {
        let trigger = |values: &[&str]| Trigger {
            column: "Send to FN".into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        for (values, held, wanted) in [
            (vec![], json!(true), true),
            (vec![], json!(false), false),
            (vec![], Value::Null, false),
            (vec![], json!("x"), true),
            (vec!["Dispatch"], json!("dispatch "), true),
            (vec!["Dispatch"], json!("Open"), false),
            (vec!["Dispatch", "Rush"], json!(["Open", "Rush"]), true),
            (vec!["true"], json!(true), true),
        ] {
            assert_eq!(
                trigger(&values).judge(&held).is_ok(),
                wanted,
                "{values:?} {held}"
            );
        }
        let why = trigger(&["Dispatch"]).judge(&json!("Open")).unwrap_err();
        assert!(
            why.contains("Send to FN") && why.contains("Dispatch"),
            "{why}"
        );
    }
}
