//! Creating and changing records, and finding those we created.
//!
//! The vendor's rules that this follows: a create answers 201 with the record; a change is a partial `PATCH` that answers 200 with it;
//! what the table does not take (an unknown field, one that the user may not write, a value overwritten by a rule) is
//! left as it was without an error, so that the answer is compared with what was sent; an incident is resolved only with
//! `close_code` and `close_notes`, which the mapping or the settings give; `correlation_id` is not unique.

use http::Method;
use serde_json::{Map, Value};
use tracing::warn;

use super::ServiceNow;
use super::api::Listing;
use super::body::{By, LookUp, Prepared, prepare};
use super::failure::{Deed, Right};
use super::query::Query;
use super::record::{self, cell, raw};
use super::session::Freshness;
use super::sys_id::SysId;
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Record};
use crate::platform::{Created, Found};

/// What `correlation_display` says beside a marker in `correlation_id`.
const SYSTEM: &str = "Field Nation";

/// By which fields a referenced record is looked for when the mapping gives only a text.
const USUAL_NAMES: [&str; 3] = ["name", "number", "user_name"];

impl ServiceNow {
    /// Creates a record that carries the marker.
    pub(super) async fn create_record(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let table = &self.settings.table;
        let deed = Deed::new(Right::Create, format!("create a record of {table}"));
        let prepared = self.prepared(call, fields, None, &deed).await?;
        let notes = prepared.notes.clone();
        let mut body = self.body(call, prepared).await?;
        self.complete_closing(call, &mut body, None).await?;
        body.insert(self.settings.marker_field.clone(), marker.as_str().into());
        if self.settings.marker_field == "correlation_id" {
            body.entry("correlation_display")
                .or_insert_with(|| SYSTEM.into());
        }
        let sent = body.clone();
        for (element, text) in notes {
            body.insert(element.to_owned(), text.into());
        }
        let request = self
            .api
            .table(Method::POST, table)
            .query("sysparm_display_value", "all")
            .json(Value::Object(body));
        let answer = self.api.json(call, &deed, request).await?;
        let result = answer.get("result").unwrap_or(&Value::Null);
        let id = SysId::parse(&cell(result, "sys_id")).ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!("ServiceNow accepted a new record of {table} and did not say its sys_id"),
            )
            .effect_unknown()
        })?;
        let ignored = ignored(&sent, None, result);
        if !ignored.is_empty() {
            // The record stands: a failure here would have it made again.
            warn!(record = %id, fields = %ignored.join(", "), "ServiceNow left fields of a new record out");
        }
        Ok(Created {
            id: id.record(),
            existed: false,
        })
    }

    /// Writes the given fields of a record, and the notes that were mapped beside them, in one call.
    pub(super) async fn update_record(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let id = SysId::of(&base.id)?;
        let table = &self.settings.table;
        let deed = Deed::new(Right::Write, format!("update {table} {id}"));
        let mut changes = changes.clone();
        self.keep_marker(base, &mut changes);
        let mut prepared = self
            .prepared(call, &changes, Some(&base.fields), &deed)
            .await?;
        let notes = std::mem::take(&mut prepared.notes);
        let notes = self.not_yet_there(call, &id, notes).await?;
        let mut body = self.body(call, prepared).await?;
        body.retain(|name, value| record::text(&base.fields, name).as_deref() != value.as_str());
        self.complete_closing(call, &mut body, Some(&base.fields))
            .await?;
        let sent = body.clone();
        for (element, text) in notes {
            body.insert(element.to_owned(), text.into());
        }
        if body.is_empty() {
            return Ok(());
        }
        let result = self.patch(call, &deed, &id, body).await?;
        let ignored = ignored(&sent, Some(&base.fields), &result);
        if ignored.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Category::Validation,
            format!("ServiceNow answered 200 to the update of {table} {id} but left {} as before", ignored.join(", ")),
        )
        .hint("ServiceNow leaves out what it does not take: check that the user may write the field (its write ACL), that the table has it, and that no business rule sets it back (priority is computed from impact and urgency)."))
    }

    /// Changes a record; answers it as it is afterwards.
    pub(super) async fn patch(
        &self,
        call: &Call,
        deed: &Deed,
        id: &SysId,
        body: Map<String, Value>,
    ) -> Result<Value, Failure> {
        let request = self
            .api
            .record(Method::PATCH, &self.settings.table, id)
            .query("sysparm_display_value", "all")
            .json(Value::Object(body));
        let mut answer = self.api.json(call, deed, request).await?;
        match answer.get_mut("result").map(Value::take) {
            Some(result) if result.is_object() => Ok(result),
            _ => Err(Failure::new(
                Category::Server,
                format!(
                    "ServiceNow was asked to {} and did not say what came of it",
                    deed.what
                ),
            )
            .effect_unknown()),
        }
    }

    /// Takes a mapped value for the marker's field out of the changes of a record that we created: it could not be
    /// found again.
    fn keep_marker(&self, base: &Record, changes: &mut Map<String, Value>) {
        let name = &self.settings.marker_field;
        let held = record::text(&base.fields, name).unwrap_or_default();
        if Marker::from_text(held).work_order().is_some() {
            changes.remove(name);
        }
    }

    /// Prepares fields; a problem is looked at once more with the newest knowledge of the table.
    async fn prepared(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        base: Option<&Value>,
        deed: &Deed,
    ) -> Result<Prepared, Failure> {
        let table = &self.settings.table;
        let columns = self.columns(call, Freshness::Recent).await?;
        if let Ok(prepared) = prepare(table, fields, &columns, base) {
            return Ok(prepared);
        }
        let columns = self.columns(call, Freshness::Fresh).await?;
        prepare(table, fields, &columns, base).map_err(|problems| {
            Failure::new(
                Category::Validation,
                format!("it makes no sense to {}: {}", deed.what, problems.join("; ")),
            )
            .hint("Correct the mapping: `fieldbridge connector fields` lists names, types and choices.")
        })
    }

    /// The body of a write: values, and references looked up.
    async fn body(&self, call: &Call, prepared: Prepared) -> Result<Map<String, Value>, Failure> {
        let mut body = Map::new();
        for (name, value) in prepared.values {
            body.insert(name, value.into());
        }
        for look_up in prepared.look_ups {
            let id = self.look_up(call, &look_up).await?;
            body.insert(look_up.field, id.as_str().into());
        }
        Ok(body)
    }

    /// Finds the one record that a reference is to lead to.
    async fn look_up(&self, call: &Call, look_up: &LookUp) -> Result<SysId, Failure> {
        let LookUp { field, table, by } = look_up;
        if let By::Fields(pairs) = by {
            return self.look_up_by(call, look_up, pairs).await?.ok_or_else(|| {
                let told: Vec<String> = pairs
                    .iter()
                    .map(|(name, text)| format!("{name} \"{text}\""))
                    .collect();
                not_found(field, table, &told.join(" and "))
            });
        }
        let By::Shown(text) = by else {
            return Err(not_found(field, table, ""));
        };
        for name in USUAL_NAMES {
            let pairs = [(name.to_owned(), text.clone())];
            if let Some(id) = self.look_up_by(call, look_up, &pairs).await? {
                return Ok(id);
            }
        }
        Err(not_found(field, table, &format!("name \"{text}\"")))
    }

    async fn look_up_by(
        &self,
        call: &Call,
        look_up: &LookUp,
        pairs: &[(String, String)],
    ) -> Result<Option<SysId>, Failure> {
        let LookUp { field, table, .. } = look_up;
        let mut query = Query::default();
        for (name, text) in pairs {
            query = query.and_is(name, text)?;
        }
        let names = pairs.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = std::iter::once("sys_id").chain(names).collect();
        let names = names.join(",");
        let deed = Deed::new(Right::ReadRelated, format!("look up {field} in {table}"));
        let listing = Listing::of(table, &query, &names).limit(10);
        let page = self.api.page(call, &deed, &listing).await?;
        // Compared here as well: a dropped condition finds anybody.
        let holds = |row: &&Value| {
            pairs.iter().all(|(name, text)| {
                row.get(name).is_some() && super::filter::same(&cell(row, name), text)
            })
        };
        let hits: Vec<SysId> = page
            .rows
            .iter()
            .filter(holds)
            .filter_map(|row| SysId::parse(&cell(row, "sys_id")))
            .collect();
        match hits.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => Err(Failure::new(
                Category::Validation,
                format!(
                    "{field} can't be set: {} records of {table} are called so",
                    several.len()
                ),
            )
            .hint("Map something that is unique, e.g. an e-mail address or a sys_id.")),
        }
    }

    /// Gives a record that is being closed the settings' resolution, where neither mapping nor record has one.
    async fn complete_closing(
        &self,
        call: &Call,
        body: &mut Map<String, Value>,
        base: Option<&Value>,
    ) -> Result<(), Failure> {
        let closes = |name: &str| {
            let state = body.get(name).and_then(Value::as_str);
            state.is_some_and(|state| closing_states(&self.settings.table).contains(&state))
        };
        if !closes("state") && !closes("incident_state") {
            return Ok(());
        }
        let columns = self.columns(call, Freshness::Recent).await?;
        let defaults = [
            ("close_code", &self.settings.close_code),
            ("close_notes", &self.settings.close_notes),
        ];
        for (name, default) in defaults {
            let held = base
                .and_then(|base| record::text(base, name))
                .unwrap_or_default();
            let is_there = columns.get(name).is_some() || !columns.are_all();
            let Some(default) = default.as_ref().filter(|_| held.is_empty() && is_there) else {
                continue;
            };
            let value = match columns.get(name) {
                Some(column) => column.choice(default).map_err(|why| {
                    Failure::new(Category::Configuration, why).hint(
                        "Correct default_close_code: each instance has its own resolution codes.",
                    )
                })?,
                None => default.clone(),
            };
            body.entry(name).or_insert_with(|| value.into());
        }
        Ok(())
    }

    /// Looks for records that carry the marker.
    pub(super) async fn find_marked(&self, call: &Call, marker: &Marker) -> Result<Found, Failure> {
        let field = &self.settings.marker_field;
        let table = &self.settings.table;
        let query = Query::is(field, marker.as_str())?;
        let deed = Deed::new(
            Right::Read,
            format!("look for the record marked {}", marker.as_str()),
        );
        let names = format!("sys_id,{field}");
        let page = self
            .api
            .page(call, &deed, &Listing::of(table, &query, &names).limit(20))
            .await?;
        let carries = |row: &&Value| cell(row, field) == marker.as_str();
        if page.rows.iter().any(|row| !carries(&row)) {
            return Err(missing_marker_field(field, table));
        }
        let found: Vec<_> = page
            .rows
            .iter()
            .filter_map(|row| SysId::parse(&cell(row, "sys_id")))
            .map(|id| id.record())
            .collect();
        if !found.is_empty() {
            return Ok(Found::Records(found));
        }
        if page.more {
            // A page that ACLs emptied says nothing of those behind it.
            return Ok(Found::CannotTell);
        }
        self.check_marker_field(call).await?;
        Ok(Found::Absent)
    }

    /// Makes sure that the marker's field stands on records: a query by a field that does not exist finds nothing where the
    /// instance is set so, and that must not be taken for absence.
    pub(super) async fn check_marker_field(&self, call: &Call) -> Result<(), Failure> {
        if self.session.marker_field_stands() {
            return Ok(());
        }
        let field = &self.settings.marker_field;
        let table = &self.settings.table;
        let columns = self.columns(call, Freshness::Recent).await?;
        if columns.are_all() && columns.get(field).is_none() {
            return Err(missing_marker_field(field, table));
        }
        let names = format!("sys_id,{field}");
        let query = Query::default();
        let deed = Deed::new(
            Right::Read,
            format!("look for the field {field} of {table}"),
        );
        let page = self
            .api
            .page(call, &deed, &Listing::of(table, &query, &names).limit(1))
            .await?;
        match page.rows.first() {
            Some(row) if row.get(field).is_none() => Err(missing_marker_field(field, table)),
            Some(_) => {
                self.session.marker_field_was_seen();
                Ok(())
            }
            // An empty table has no record of ours either.
            None => Ok(()),
        }
    }
}

/// The states that end a record's life, as instances come.
fn closing_states(table: &str) -> &'static [&'static str] {
    match table {
        "incident" => &["6", "7"],
        _ => &["3", "4", "7"],
    }
}

pub(super) fn missing_marker_field(field: &str, table: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("{table} has no field `{field}` that the connector's user can read, which correlation_field names"),
    )
    .hint("Tables that extend task have correlation_id; for others make a text field and set correlation_field to its name, and let the user read and write it.")
}

fn not_found(field: &str, table: &str, told: &str) -> Failure {
    Failure::new(
        Category::Validation,
        format!("{field} can't be set: no record of {table} has the {told}, or the user can't see it"),
    )
    .hint("Use a value that exists there, or map the sys_id; ServiceNow itself would leave the field out without a word.")
}

/// The fields that the answer shows to have been left as they were. Those that a rule turned into something third are
/// the instance's own business.
fn ignored(sent: &Map<String, Value>, base: Option<&Value>, result: &Value) -> Vec<String> {
    let is_ignored = |(name, value): &(&String, &Value)| {
        let wanted = raw(value);
        match result.get(name.as_str()) {
            None => true,
            Some(cell) => {
                let held = raw(cell);
                let before = base
                    .and_then(|base| record::text(base, name))
                    .unwrap_or_default();
                held != wanted && held == before
            }
        }
    };
    sent.iter()
        .filter(is_ignored)
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_left_as_it_was_is_seen() {
        let sent =
            json!({"state": "6", "u_typo": "x", "priority": "1", "u_lift": "true", "note": ""});
        let base = json!({"state": "2", "priority": "3", "u_lift": "false", "note": "old"});
        let result = json!({
            "state": {"value": "6", "display_value": "Resolved"},
            "priority": {"value": "3", "display_value": "3 - Moderate"},
            "u_lift": {"value": "maybe", "display_value": "maybe"},
            "note": {"value": "", "display_value": ""},
        });
        assert_eq!(
            ignored(sent.as_object().unwrap(), Some(&base), &result),
            ["u_typo", "priority"]
        );
    }
}
