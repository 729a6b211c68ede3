//! Schedules, times and charges as records of their own, where the account keeps a record type for them.
//!
//! Each is an upsert by an external id that is made of the record and the Field Nation object, so that later edits reach
//! the same record and an attempt that is repeated makes no second one.

use http::Method;
use serde_json::{Map, Value, json};

use super::NetSuite;
use super::api::{Ask, internal_id, is_internal_id};
use super::right::Right;
use super::settings::SideTable;
use super::write::{NAMES, is_plain};
use crate::http::Call;
use crate::model::{Category, Failure, RecordId, SideRecord, SideRecordKind, SideSource};

impl NetSuite {
    fn table(&self, kind: SideRecordKind) -> Option<&SideTable> {
        match kind {
            SideRecordKind::Schedule => self.settings.schedule.as_ref(),
            SideRecordKind::Time => self.settings.time.as_ref(),
            SideRecordKind::Charge => self.settings.charge.as_ref(),
        }
    }

    /// The kinds of side records that the settings name a record type for.
    pub(super) fn side_kinds(&self) -> Vec<SideRecordKind> {
        let all = [
            SideRecordKind::Schedule,
            SideRecordKind::Time,
            SideRecordKind::Charge,
        ];
        all.into_iter()
            .filter(|kind| self.table(*kind).is_some())
            .collect()
    }

    /// Writes a side record.
    pub(super) async fn write_side_record(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let parent = internal_id(record)?;
        let Some(table) = self.table(side.kind) else {
            let word = word(side.kind);
            return Err(Failure::new(
                Category::Configuration,
                format!("no record type is named for {word} records"),
            )
            .hint(format!(
                "Set {word}_record, or map these values to fields of the record itself."
            )));
        };
        let fields = body(side, table, parent)?;
        let record_type = &table.record_type;
        if let Some(id) = existing.filter(|id| is_internal_id(id))
            && self.change_side(call, record_type, id, &fields).await?
        {
            return Ok(id.to_owned());
        }
        let external = external(side, parent)?;
        let deed = format!("write the {record_type} {external} of record {parent}");
        self.upsert(call, record_type, &external, fields, &deed)
            .await
    }

    /// Changes a side record; false where it is gone.
    async fn change_side(
        &self,
        call: &Call,
        record_type: &str,
        id: &str,
        fields: &Map<String, Value>,
    ) -> Result<bool, Failure> {
        let path = format!("/record/v1/{record_type}/{id}");
        let deed = format!("look for {record_type} {id}");
        let ask = Ask::get(path.as_str(), Right::Read, deed).query("fields", "id");
        if self.api.json_if_there(call, &ask).await?.is_none() {
            return Ok(false);
        }
        let deed = format!("change {record_type} {id}");
        let ask = Ask::rest(Method::PATCH, path, Right::Write, deed)
            .header(NAMES.0, NAMES.1)
            .json(Value::Object(fields.clone()));
        self.api.send(call, &ask).await?;
        Ok(true)
    }
}

fn word(kind: SideRecordKind) -> &'static str {
    match kind {
        SideRecordKind::Schedule => "schedule",
        SideRecordKind::Time => "time",
        SideRecordKind::Charge => "charge",
    }
}

/// The fields as mapped, with the reference to the record.
fn body(side: &SideRecord, table: &SideTable, parent: &str) -> Result<Map<String, Value>, Failure> {
    let Value::Object(fields) = &side.fields else {
        return Err(Failure::new(
            Category::Validation,
            format!("a {} record needs fields", word(side.kind)),
        ));
    };
    let mut fields = fields.clone();
    fields.insert(table.parent_field.clone(), json!({"id": parent}));
    Ok(fields)
}

/// One side record of a kind for each record, or for each Field Nation object where it has an id.
fn external(side: &SideRecord, parent: &str) -> Result<String, Failure> {
    let external = match &side.source {
        SideSource::Object(source) => format!("FN-{}-{parent}-{source}", word(side.kind)),
        SideSource::WorkOrder(_) => format!("FN-{}-{parent}", word(side.kind)),
    };
    if is_plain(&external) {
        Ok(external)
    } else {
        Err(Failure::new(
            Category::Validation,
            format!("`{external}` can't be an external id"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkOrderId;

    #[test]
    fn a_side_record_refers_to_its_record_and_is_named_after_it() {
        let table = SideTable {
            record_type: "customrecord_visit".into(),
            parent_field: "custrecord_case".into(),
        };
        let mut side = SideRecord::new(
            SideRecordKind::Schedule,
            json!({"custrecord_start": "2026-03-01T12:00:00Z"}),
            SideSource::WorkOrder(WorkOrderId(9)),
        );
        let fields = body(&side, &table, "647").unwrap();
        assert_eq!(fields["custrecord_case"], json!({"id": "647"}));
        assert_eq!(external(&side, "647").unwrap(), "FN-schedule-647");
        side.source = SideSource::Object("55".into());
        assert_eq!(external(&side, "647").unwrap(), "FN-schedule-647-55");
        side.source = SideSource::Object("a/b".into());
        assert!(external(&side, "647").is_err());
        side.fields = json!("x");
        assert!(body(&side, &table, "647").is_err());
    }
}
