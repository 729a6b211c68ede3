//! Creating and changing rows: only the cells that change are sent, and never a part of the row that can only be read, for
//! that would be refused as a whole (1032).

use http::Method;
use serde_json::{Map, Value, json};
use tracing::warn;

use super::Smartsheet;
use super::api::Ask;
use super::cell;
use super::columns::Columns;
use super::failure::Right;
use super::ids::RowPlace;
use super::notes::missing_column;
use super::read::FORMULAS;
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Record};
use crate::platform::Created;
use crate::platform::basics::{number, text};

impl Smartsheet {
    /// Creates a row at the bottom of the sheet, with the marker in the column that the settings name.
    pub(super) async fn create_row(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let deed = "create a row";
        let mut fields = fields.clone();
        if let Some(title) = &self.settings.marker_column {
            fields.insert(title.clone(), marker.as_str().into());
        }
        let cells = self.filled(call, &fields, &Value::Null, deed).await?;
        if cells.is_empty() {
            return Err(Failure::new(
                Category::Validation,
                "the mapping gives the new row no cell",
            )
            .hint("Add outbound rules for FN_WO_CREATED that fill the sheet's columns."));
        }
        let path = format!("/sheets/{}/rows", self.settings.sheet);
        let body = json!([{"toBottom": true, "cells": cells}]);
        let ask = Ask::new(Method::POST, path, Right::Edit, deed).json(body);
        let rows = self.api.write(call, &ask).await?;
        // One row may be answered as such or as a list of one.
        let row = rows.get(0).unwrap_or(&rows);
        let row = row.get("id").and_then(number).ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Smartsheet accepted a new row and did not say its number",
            )
            .effect_unknown()
        })?;
        let place = RowPlace {
            sheet: self.settings.sheet,
            row,
        };
        Ok(Created {
            id: place.record_id(),
            existed: false,
        })
    }

    /// Writes the given columns of a row.
    pub(super) async fn update_row(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let place = RowPlace::on(self.settings.sheet, &base.id)?;
        let deed = format!("update row {}", place.row);
        let changes = self.without_marker(base, changes);
        let cells = self.filled(call, &changes, &base.fields, &deed).await?;
        if cells.is_empty() {
            return Ok(());
        }
        self.put_cells(call, place, cells).await
    }

    /// Sends cells of a row.
    pub(super) async fn put_cells(
        &self,
        call: &Call,
        place: RowPlace,
        cells: Vec<Value>,
    ) -> Result<(), Failure> {
        let path = format!("/sheets/{}/rows", place.sheet);
        let body = json!([{"id": place.row, "cells": cells}]);
        let deed = format!("update row {}", place.row);
        let ask = Ask::new(Method::PUT, path, Right::Edit, deed).json(body);
        self.api.write(call, &ask).await.map(drop)
    }

    /// Takes a mapped value for the marker's column out of the changes: a row of ours could not be found again.
    fn without_marker(&self, base: &Record, changes: &Map<String, Value>) -> Map<String, Value> {
        let mut changes = changes.clone();
        if let Some(title) = &self.settings.marker_column {
            let held = base.fields.get(title).map(text).unwrap_or_default();
            if Marker::from_text(held.trim()).work_order().is_some() {
                changes.remove(title);
            }
        }
        changes
    }

    /// Fills cells. A problem is looked at once more with new columns, where those known are not the newest.
    async fn filled(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        base: &Value,
        deed: &str,
    ) -> Result<Vec<Value>, Failure> {
        let known = self
            .session
            .columns(&self.api, call, Freshness::Recent)
            .await?;
        let marker = self.settings.marker_column.as_deref();
        if let Ok(cells) = fill_all(&known, fields, base) {
            return Ok(cells);
        }
        let known = self
            .session
            .columns(&self.api, call, Freshness::Fresh)
            .await?;
        if let Some(title) =
            marker.filter(|title| fields.contains_key(*title) && known.titled(title).is_none())
        {
            return Err(missing_column("marker_column", title, &known.titles()));
        }
        fill_all(&known, fields, base).map_err(|problems| {
            Failure::new(
                Category::Validation,
                format!("Smartsheet would refuse to {deed}: {}", problems.join("; ")),
            )
            .hint("Correct the mapping rules of these columns; Refresh Fields shows what the sheet has.")
        })
    }
}

/// Fills the cells of mapped columns, or tells all that is wrong with them.
fn fill_all(
    columns: &Columns,
    fields: &Map<String, Value>,
    base: &Value,
) -> Result<Vec<Value>, Vec<String>> {
    let formulas = base
        .get("Row")
        .and_then(|row| row.get(FORMULAS)?.as_array());
    let has_formula =
        |title: &String| formulas.is_some_and(|titles| titles.iter().any(|held| held == title));
    let mut cells = Vec::with_capacity(fields.len());
    let mut problems = Vec::new();
    for (title, value) in fields {
        let Some(column) = columns.titled(title) else {
            problems.push(match title.as_str() {
                "Row" | "Sheet" => format!("{title} can only be read"),
                _ => format!("the sheet has no column \"{title}\""),
            });
            continue;
        };
        if column.fixed.is_none() && has_formula(title) {
            problems.push(format!(
                "{title} holds a formula in this row, which a value would replace"
            ));
            continue;
        }
        match cell::fill(column, value) {
            Ok(filled) => {
                if filled.is_cut {
                    warn!(column = %title, "a text longer than a Smartsheet cell holds was cut");
                }
                cells.push(filled.cell);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(cells)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns::read(&[
            json!({"id": 1, "title": "Status", "type": "PICKLIST", "options": ["Open", "Complete"]}),
            json!({"id": 2, "title": "Notes", "type": "TEXT_NUMBER"}),
            json!({"id": 3, "title": "Made", "type": "DATETIME", "systemColumnType": "CREATED_DATE"}),
        ])
    }

    fn fields(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let wrong = fields(
            json!({"Status": "Gone", "Made": "2026-01-01", "Typo": 1, "Row": {"id": 1}, "Notes": "x"}),
        );
        let base = json!({"Row": {FORMULAS: ["Notes"]}});
        let problems = fill_all(&columns(), &wrong, &base).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
        let right = fields(json!({"Status": "Complete", "Notes": null}));
        let cells = fill_all(&columns(), &right, &Value::Null).unwrap();
        assert_eq!(
            cells,
            [
                json!({"columnId": 1, "value": "Complete"}),
                json!({"columnId": 2, "value": ""})
            ]
        );
    }
}
