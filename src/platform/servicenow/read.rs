//! Reading records, one by one and those that changed.
//!
//! The vendor's rules that this follows: with `sysparm_fields` only the named fields come, so that the whole record and its dot-walked
//! relatives take two calls; unknown names are left out without a word; a record that is missing and one that an ACL
//! hides look alike; a list's limit is applied before ACLs, so that only the absence of a next link is its end.

use http::Method;
use serde_json::{Map, Value};

use super::ServiceNow;
use super::api::{Listing, PAGE, Values};
use super::failure::{Deed, Right};
use super::query::{Query, is_field_name};
use super::record::{self, cell, moment};
use super::sys_id::SysId;
use crate::http::Call;
use crate::model::{Category, Failure, Record, RecordId, Timestamp};
use crate::platform::{Changed, Wish};

impl ServiceNow {
    /// Reads a record as mappings see it; `None` when it is missing or hidden.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &SysId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let table = &self.settings.table;
        let deed = Deed::new(Right::Read, format!("read {table} {id}"));
        let request = self
            .api
            .record(Method::GET, table, id)
            .query("sysparm_display_value", "all");
        let Some(result) = self.api.result_if_there(call, &deed, request).await? else {
            return Ok(None);
        };
        let Value::Object(result) = result else {
            return Err(Failure::new(
                Category::Server,
                format!(
                    "ServiceNow was asked to {} and answered no record",
                    deed.what
                ),
            ));
        };
        let mut fields = record::shaped(&result);
        self.add_related(call, id, &mut fields).await?;
        let fields = Value::Object(fields);
        let text = |name: &str| record::text(&fields, name).unwrap_or_default();
        let mut found = Record {
            id: id.record(),
            label: record::label(&fields, id.as_str()),
            changed_at: moment(&text("sys_updated_on")),
            changed_by_us: self.is_us(&text("sys_updated_by")),
            notes: Vec::new(),
            files: Vec::new(),
            fields: Value::Null,
        };
        if wish.notes {
            found.notes = self.read_notes(call, id).await?;
        }
        if wish.files {
            let class = text("sys_class_name");
            found.files = self.list_files(call, id, &class).await?;
        }
        found.fields = fields;
        Ok(Some(found))
    }

    /// Reads what the record's references lead to, one level deep.
    async fn add_related(
        &self,
        call: &Call,
        id: &SysId,
        fields: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let is_set = |path: &&String| {
            let (reference, _) = path.split_once('.').unwrap_or((path, ""));
            fields.get(reference).is_some_and(Value::is_object)
        };
        let wanted: Vec<&str> = self
            .settings
            .related
            .iter()
            .filter(is_set)
            .map(String::as_str)
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let table = &self.settings.table;
        let deed = Deed::new(
            Right::ReadRelated,
            format!("read what {table} {id} refers to"),
        );
        let request = self
            .api
            .record(Method::GET, table, id)
            .query("sysparm_fields", wanted.join(","))
            .query("sysparm_exclude_reference_link", "true");
        let related = self.api.result_if_there(call, &deed, request).await?;
        // One that went away between the two calls is told by the next read; what was read of it stands.
        if let Some(Value::Object(related)) = related {
            record::relate(fields, &related);
        }
        Ok(())
    }

    /// Whether a user name is that of the account in whose name we work.
    pub(super) fn is_us(&self, user: &str) -> bool {
        super::filter::same(user, self.api.user())
    }

    /// The record that a `sys_id` or a number names.
    pub(super) async fn resolve(&self, call: &Call, word: &str) -> Result<Option<SysId>, Failure> {
        if let Some(id) = SysId::parse(word) {
            return Ok(Some(id));
        }
        let query = Query::is("number", word)?;
        let table = &self.settings.table;
        let deed = Deed::new(Right::Read, format!("look for {table} {word}"));
        let listing = Listing::of(table, &query, "sys_id,number").limit(2);
        let page = self.api.page(call, &deed, &listing).await?;
        let named = |row: &&Value| cell(row, "number").eq_ignore_ascii_case(word.trim());
        let found = page.rows.iter().find(named);
        Ok(found.and_then(|row| SysId::parse(&cell(row, "sys_id"))))
    }

    /// Lists records changed since a moment that the connector's conditions want, oldest change first.
    pub(super) async fn list_changed(
        &self,
        call: &Call,
        since: Timestamp,
        cursor: Option<String>,
    ) -> Result<Changed, Failure> {
        let cursor = match cursor {
            None => Cursor { since, offset: 0 },
            Some(text) => Cursor::read(&text).ok_or_else(|| {
                Failure::new(
                    Category::Configuration,
                    format!("`{text}` is no page of changed records"),
                )
            })?,
        };
        self.check_filter(call).await?;
        let mut query = Query::changed_since(cursor.since);
        if let Some(filter) = self
            .settings
            .conditions
            .filter()
            .filter(|filter| filter.is_single())
        {
            query = query.and_filter(filter);
        }
        let query = query.by("sys_updated_on").by("sys_id");
        let mut names = vec!["sys_id", "sys_updated_on"];
        for name in self.settings.conditions.fields() {
            let (reference, _) = name.split_once('.').unwrap_or((name, ""));
            for name in [reference, name] {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let names = names.join(",");
        let table = &self.settings.table;
        let deed = Deed::new(Right::Read, format!("list the changed records of {table}"));
        let listing = Listing {
            offset: cursor.offset,
            values: Values::All,
            ..Listing::of(table, &query, &names)
        };
        let page = self.api.page(call, &deed, &listing).await?;
        let mut records: Vec<(RecordId, Option<Timestamp>)> = Vec::new();
        let mut last = None;
        for row in page.rows.iter().filter_map(Value::as_object) {
            let row = Value::Object(record::shaped(row));
            let Some(id) = SysId::parse(&cell(&row, "sys_id")) else {
                continue;
            };
            let Some(changed_at) = moment(&cell(&row, "sys_updated_on")) else {
                continue;
            };
            if record::stamp(changed_at) < record::stamp(cursor.since) {
                return Err(dropped_condition(table, changed_at, cursor.since));
            }
            last = last.max(Some(changed_at));
            if self.settings.conditions.judge(&row).is_ok() {
                records.push((id.record(), Some(changed_at)));
            }
        }
        let next = page.more.then(|| cursor.next(last).to_string());
        Ok(Changed { records, next })
    }

    /// Refuses to send a filter that names fields which the table does not have: that part would be dropped.
    pub(super) async fn check_filter(&self, call: &Call) -> Result<(), Failure> {
        let Some(filter) = self.settings.conditions.filter() else {
            return Ok(());
        };
        let columns = self
            .columns(call, super::session::Freshness::Recent)
            .await?;
        if !columns.are_all() {
            return Ok(());
        }
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let unknown: Vec<String> = filter
            .fields()
            .map(first)
            .filter(|name| !is_field_name(name) || columns.get(name).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Category::Configuration,
            format!(
                "trigger_query names {}, which {} does not have: ServiceNow would drop that part and find everything",
                unknown.join(", "),
                self.settings.table
            ),
        )
        .hint("Use the names that Refresh Fields lists, not the labels."))
    }
}

fn dropped_condition(table: &str, seen: Timestamp, since: Timestamp) -> Failure {
    Failure::new(
        Category::Configuration,
        format!(
            "ServiceNow was asked for records of {table} changed since {} and gave one of {}: it dropped the condition",
            record::stamp(since),
            record::stamp(seen)
        ),
    )
    .hint("The connector's user must be able to read sys_updated_on of this table; the property glide.invalid_query.returns_no_rows makes such queries find nothing.")
}

/// Where a listing goes on. A record that changes while pages are read moves to the end and shifts all that follow, so
/// that counting rows would miss some: the next page begins anew at the last moment seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    since: Timestamp,
    offset: usize,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}@{}", self.offset, self.since)
    }
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let (offset, since) = text.split_once('@')?;
        Some(Self {
            since: since.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    }

    fn next(self, last: Option<Timestamp>) -> Self {
        match last.filter(|last| record::stamp(*last) > record::stamp(self.since)) {
            Some(since) => Self { since, offset: 0 },
            // All in the same second, or none of the page's rows may be seen.
            None => Self {
                offset: self.offset + PAGE,
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_listing_goes_on_at_the_last_moment_seen() {
        let first = Cursor {
            since: at("2026-03-01T12:00:00.4Z"),
            offset: 0,
        };
        let next = first.next(Some(at("2026-03-01T12:00:05Z")));
        assert_eq!(
            next,
            Cursor {
                since: at("2026-03-01T12:00:05Z"),
                offset: 0
            }
        );
        assert_eq!(first.next(Some(at("2026-03-01T12:00:00Z"))).offset, PAGE);
        assert_eq!(first.next(None).offset, PAGE);
        assert_eq!(Cursor::read(&next.to_string()), Some(next));
        for text in [
            "",
            "x",
            "1@",
            "@2026-03-01T12:00:00Z",
            "-1@2026-03-01T12:00:00Z",
        ] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
    }
}
