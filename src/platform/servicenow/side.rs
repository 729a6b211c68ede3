//! Time entries and charges, as rows of the tables that the settings name.
//!
//! The vendor's rule that this follows: there is no universal table for either. A row carries no marker of ours, so that before one is
//! written again after a lost answer, the record's rows of our own hand are compared with it.

use http::Method;
use serde_json::{Map, Value};

use super::ServiceNow;
use super::api::Listing;
use super::failure::{Deed, Right};
use super::query::{Query, is_field_name};
use super::record::{self, cell};
use super::settings::SideTable;
use super::sys_id::SysId;
use crate::http::Call;
use crate::model::{Category, Failure, SideRecord, SideRecordKind};

impl ServiceNow {
    fn side_table(&self, kind: SideRecordKind) -> Option<&SideTable> {
        match kind {
            SideRecordKind::Schedule => None,
            SideRecordKind::Time => self.settings.time.as_ref(),
            SideRecordKind::Charge => self.settings.charge.as_ref(),
        }
    }

    /// The kinds that have a table.
    pub(super) fn side_kinds(&self) -> Vec<SideRecordKind> {
        let kinds = [SideRecordKind::Time, SideRecordKind::Charge];
        kinds
            .into_iter()
            .filter(|kind| self.side_table(*kind).is_some())
            .collect()
    }

    /// The tables that hold side records.
    pub(super) fn side_tables(&self) -> impl Iterator<Item = &SideTable> {
        self.settings.time.iter().chain(&self.settings.charge)
    }

    /// Writes a side record: a new one, or the one that was written before.
    pub(super) async fn put_side(
        &self,
        call: &Call,
        id: &SysId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let Some(place) = self.side_table(side.kind) else {
            return Err(Failure::new(
                Category::Configuration,
                "this connector has no table for such entries",
            )
            .hint(
                "Set time_table and time_parent_field, or charge_table and charge_parent_field.",
            ));
        };
        let SideTable { table, parent } = place;
        let body = fields(&side.fields)?;
        let deed = Deed::new(Right::WriteSide, format!("write a row of {table} for {id}"));
        if let Some(row) = existing.and_then(SysId::parse) {
            let request = self
                .api
                .record(Method::PATCH, table, &row)
                .json(Value::Object(body));
            self.api.json(call, &deed, request).await?;
            return Ok(row.as_str().to_owned());
        }
        if let Some(row) = self.same_row(call, place, id, side, &body).await? {
            return Ok(row.as_str().to_owned());
        }
        let mut body = body;
        body.insert(parent.clone(), id.as_str().into());
        let request = self
            .api
            .table(Method::POST, table)
            .json(Value::Object(body));
        let answer = self.api.json(call, &deed, request).await?;
        let made = answer.get("result").map(|result| cell(result, "sys_id"));
        let made = made.as_deref().and_then(SysId::parse);
        made.map(|row| row.as_str().to_owned()).ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!(
                    "ServiceNow was asked to {} and did not say its sys_id",
                    deed.what
                ),
            )
            .effect_unknown()
        })
    }

    /// A row of our own hand that says the same already and stands for nothing else.
    async fn same_row(
        &self,
        call: &Call,
        place: &SideTable,
        id: &SysId,
        side: &SideRecord,
        body: &Map<String, Value>,
    ) -> Result<Option<SysId>, Failure> {
        let SideTable { table, parent } = place;
        let query = Query::is(parent, id.as_str())?.by("sys_created_on");
        let names: Vec<&str> = ["sys_id", "sys_created_by", parent]
            .into_iter()
            .chain(body.keys().map(String::as_str))
            .collect();
        let names = names.join(",");
        let deed = Deed::new(
            Right::WriteSide,
            format!("read the rows of {table} for {id}"),
        );
        let page = self
            .api
            .page(call, &deed, &Listing::of(table, &query, &names))
            .await?;
        let says_the_same = |row: &&Value| {
            cell(row, parent) == id.as_str()
                && !side.others.contains(&cell(row, "sys_id"))
                && self.is_us(&cell(row, "sys_created_by"))
                && body
                    .iter()
                    .all(|(name, value)| cell(row, name) == record::raw(value))
        };
        let found = page.rows.iter().find(says_the_same);
        Ok(found.and_then(|row| SysId::parse(&cell(row, "sys_id"))))
    }
}

/// The fields as texts.
fn fields(mapped: &Value) -> Result<Map<String, Value>, Failure> {
    let refused = |why: String| {
        Failure::new(Category::Validation, why)
            .hint("Map single values to fields of that table, by name.")
    };
    let Some(members) = mapped.as_object().filter(|members| !members.is_empty()) else {
        return Err(refused("the entry has no fields".to_owned()));
    };
    let mut body = Map::new();
    for (name, value) in members {
        if !is_field_name(name) || name.starts_with("sys_") || value.is_object() || value.is_array()
        {
            return Err(refused(format!(
                "`{name}` can't be written in a row of that table"
            )));
        }
        body.insert(name.clone(), record::raw(value).into());
    }
    Ok(body)
}
