//! Schedules, times and charges: rows of tables that the admin names, each met again by a unique field.

use serde_json::{Map, Value};

use super::Quickbase;
use super::api::record_number;
use super::settings::SideTable;
use super::table::RECORD_ID;
use super::write::{Writing, before_writing, check_merge_field};
use crate::http::Call;
use crate::model::{Category, Failure, RecordId, SideRecord, SideRecordKind, SideSource};
use crate::platform::basics::digits;

/// The word for a kind of side record, in settings, mappings and markers.
pub(super) fn word(kind: SideRecordKind) -> &'static str {
    match kind {
        SideRecordKind::Schedule => "schedule",
        SideRecordKind::Time => "time_entry",
        SideRecordKind::Charge => "charge",
    }
}

/// What stands in the merge field of a side record: the same for each attempt to write it.
fn mark(kind: SideRecordKind, number: u64, source: &SideSource) -> String {
    match source {
        SideSource::Object(source) => format!("FN-{}-{number}-{source}", word(kind)),
        SideSource::WorkOrder(_) => format!("FN-{}-{number}", word(kind)),
    }
}

impl Quickbase {
    /// Writes a side record: the row that `existing` names, else the one that carries its mark, else a new one.
    pub(super) async fn put_side(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let number = record_number(record)?;
        let mut tables = self.settings.sides.iter();
        let Some(place) = tables.find(|place| place.kind == side.kind) else {
            return Err(Failure::new(
                Category::Configuration,
                format!("the connector has no table for a {}", word(side.kind)),
            )
            .hint("Set schedule_table, time_table or charge_table, or map these values to fields of the record."));
        };
        let deed = format!("write a {} of record {number}", word(side.kind));
        let row = self.side_row(call, number, side, place, &deed).await;
        let row = row.map_err(before_writing)?;
        if let Some(id) = existing.and_then(|id| digits(id.as_bytes())) {
            let table = &place.child.table;
            let there = self.row_of(call, table, id, vec![RECORD_ID]).await;
            if there.map_err(before_writing)?.is_some() {
                self.write_to(call, table, id, row, &deed).await?;
                return Ok(id.to_string());
            }
        }
        let writing = Writing {
            table: &place.child.table,
            row,
            merge: Some(place.merge),
            asked: None,
        };
        let outcome = self.write(call, &deed, writing).await?;
        let id = outcome.created.or(outcome.met);
        id.map(|id| id.to_string()).ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!(
                    "Quickbase accepted a {} and did not say its Record ID#",
                    word(side.kind)
                ),
            )
            .effect_unknown()
        })
    }

    async fn side_row(
        &self,
        call: &Call,
        number: u64,
        side: &SideRecord,
        place: &SideTable,
        deed: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let table = self.table(call, &place.child.table).await?;
        check_merge_field(&table, place.merge, "merge_field_id of its table")?;
        let nothing = Map::new();
        let fields = side.fields.as_object().unwrap_or(&nothing);
        let mut row = self
            .child_row(call, number, &place.child, fields, deed)
            .await?;
        let mark = mark(side.kind, number, &side.source);
        row.insert(place.merge.to_string(), mark.into());
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkOrderId;

    #[test]
    fn a_mark_is_the_same_each_time_and_another_for_each_source() {
        assert_eq!(
            mark(SideRecordKind::Time, 12, &SideSource::Object("55".into())),
            "FN-time_entry-12-55"
        );
        let order = SideSource::WorkOrder(WorkOrderId(9));
        assert_eq!(mark(SideRecordKind::Schedule, 12, &order), "FN-schedule-12");
    }
}
