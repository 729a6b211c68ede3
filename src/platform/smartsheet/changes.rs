//! Which rows changed, and which carry a marker: both read from the sheet itself, cut down to one column. The vendor's search
//! has an index that lags; the sheet has none.

use serde_json::Value;

use super::Smartsheet;
use super::api::Ask;
use super::cell;
use super::columns::Column;
use super::failure::Right;
use super::ids::RowPlace;
use super::notes::missing_column;
use super::read::cell_of;
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure, Marker, RecordId, Timestamp};
use crate::platform::basics::{moment_at, number, text};
use crate::platform::{Changed, Found};

impl Smartsheet {
    /// Lists the rows that changed since a moment and that the connector's trigger column wants, oldest change first. The
    /// vendor answers with all of them at once.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Changed, Failure> {
        if let Some(page) = page {
            return Err(Failure::new(
                Category::Configuration,
                format!("`{page}` is no page of changed rows: Smartsheet gives them all at once"),
            ));
        }
        let columns = self
            .session
            .columns(&self.api, call, Freshness::Recent)
            .await?;
        let trigger = self.settings.trigger.as_ref();
        let column = match trigger {
            Some(trigger) => Some(columns.titled(&trigger.column).ok_or_else(|| {
                missing_column("trigger_column", &trigger.column, &columns.titles())
            })?),
            None => columns.primary(),
        };
        let mut ask = self.sheet("list the rows that changed", column);
        // Whole seconds, never later than asked for.
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        ask = ask.query("rowsModifiedSince", since);
        let sheet = self.api.json(call, &ask).await?;
        let mut records = Vec::new();
        for row in rows(&sheet) {
            let Some(place) = self.place(row) else {
                continue;
            };
            let is_wanted = match (trigger, column) {
                (Some(trigger), Some(column)) => trigger
                    .judge(&cell::read(column, cell_of(row, column.id)))
                    .is_ok(),
                _ => true,
            };
            if is_wanted {
                records.push((place, moment_at(row, &["modifiedAt"])));
            }
        }
        records.sort_by_key(|(_, changed_at)| *changed_at);
        Ok(Changed {
            records,
            next: None,
        })
    }

    /// Looks for rows that carry the marker.
    pub(super) async fn find_marked(&self, call: &Call, marker: &Marker) -> Result<Found, Failure> {
        let Some(title) = &self.settings.marker_column else {
            return Ok(Found::CannotTell);
        };
        let columns = self
            .session
            .columns(&self.api, call, Freshness::Recent)
            .await?;
        let Some(column) = columns.titled(title) else {
            return Err(missing_column("marker_column", title, &columns.titles()));
        };
        let deed = format!("look for the row marked {}", marker.as_str());
        let sheet = self
            .api
            .json(call, &self.sheet(&deed, Some(column)))
            .await?;
        let carries = |row: &&Value| {
            text(&cell::read(column, cell_of(row, column.id))).trim() == marker.as_str()
        };
        let found: Vec<RecordId> = rows(&sheet)
            .filter(carries)
            .filter_map(|row| self.place(row))
            .collect();
        Ok(if found.is_empty() {
            Found::Absent
        } else {
            Found::Records(found)
        })
    }

    fn sheet(&self, deed: &str, column: Option<&Column>) -> Ask {
        let path = format!("/sheets/{}", self.settings.sheet);
        let ask = Ask::get(path, Right::View, deed)
            .query("level", 2)
            .query("include", "objectValue");
        match column {
            Some(column) => ask.query("columnIds", column.id),
            None => ask,
        }
    }

    fn place(&self, row: &Value) -> Option<RecordId> {
        let row = row.get("id").and_then(number)?;
        let sheet = self.settings.sheet;
        Some(RowPlace { sheet, row }.record_id())
    }
}

fn rows(sheet: &Value) -> impl Iterator<Item = &Value> {
    sheet
        .get("rows")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
