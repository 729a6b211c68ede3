//! What a mapping made, turned into what the table takes.
//!
//! The vendor's rules that this follows: every value is text; moments are UTC without a zone; a choice is sent by value, and one
//! that does not exist is stored as it stands; a reference is sent by `sys_id`, and anything else is dropped without an
//! error; unknown fields are left out likewise; `""` clears a field, but not a choice; `sys_` fields can't be written.
//! So whatever the vendor would swallow is found here, all of it at once.

use serde_json::{Map, Value};

use super::columns::{Column, ColumnKind, Columns};
use super::journal::guarded;
use super::query::is_field_name;
use super::record::{self, JOURNALS};
use super::sys_id::SysId;
use crate::model::Timestamp;

/// A record to be looked up before its reference can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LookUp {
    /// The reference field.
    pub(super) field: String,
    /// The table that it leads to.
    pub(super) table: String,
    /// What the record holds, e.g. `name` and a name. Without a name, any of the usual names will do.
    pub(super) by: By,
}

/// By what a referenced record is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// These fields hold these texts.
    Fields(Vec<(String, String)>),
    /// What people call it.
    Shown(String),
}

/// Fields ready to be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prepared {
    /// Values by field.
    pub(super) values: Vec<(String, String)>,
    /// Notes by journal field.
    pub(super) notes: Vec<(&'static str, String)>,
    /// References that are still to be looked up.
    pub(super) look_ups: Vec<LookUp>,
}

/// Turns mapped fields into what is sent; what the base record holds already is left out.
///
/// # Errors
/// All problems at once, each naming its field.
pub(super) fn prepare(
    table: &str,
    fields: &Map<String, Value>,
    columns: &Columns,
    base: Option<&Value>,
) -> Result<Prepared, Vec<String>> {
    let mut prepared = Prepared::default();
    let mut problems = Vec::new();
    for (name, value) in fields {
        let scene = Scene {
            table,
            name,
            columns,
            base,
        };
        if let Err(problem) = scene.put(value, &mut prepared) {
            problems.push(problem);
        }
    }
    if problems.is_empty() {
        Ok(prepared)
    } else {
        Err(problems)
    }
}

struct Scene<'a> {
    table: &'a str,
    name: &'a str,
    columns: &'a Columns,
    base: Option<&'a Value>,
}

impl Scene<'_> {
    fn put(&self, value: &Value, prepared: &mut Prepared) -> Result<(), String> {
        let Self { table, name, .. } = self;
        if let Some(journal) = super::journal::ELEMENTS
            .iter()
            .find(|journal| *journal == name)
        {
            let text = guarded(&self.scalar(value)?);
            if !text.trim().is_empty() {
                prepared.notes.push((*journal, text));
            }
            return Ok(());
        }
        if name.starts_with("sys_") || JOURNALS.contains(name) {
            return Err(format!("{name} can't be written"));
        }
        if let Some(own) = name.strip_prefix("dv_") {
            return Err(format!(
                "{name} is only what people see of {own}: write {own}, labels are understood"
            ));
        }
        let column = self.columns.get(name);
        if !is_field_name(name)
            || name.contains('.')
            || (column.is_none() && self.columns.are_all())
        {
            return Err(format!(
                "{table} has no field `{name}`, and ServiceNow would leave it out without a word"
            ));
        }
        match (column.map(|column| &column.kind), value) {
            (Some(ColumnKind::Reference(leads_to)), _) => {
                self.put_reference(leads_to.as_deref(), value, prepared)
            }
            (None, Value::Object(_)) => Err(format!(
                "it is not known where {name} leads to, because the dictionary can't be read: give its sys_id"
            )),
            (kind, _) => {
                let text = self.text(kind, column, value)?;
                self.keep(text, prepared);
                Ok(())
            }
        }
    }

    /// Keeps a value unless the record has it already.
    fn keep(&self, text: String, prepared: &mut Prepared) {
        let held = self.base.and_then(|base| record::text(base, self.name));
        if held.as_deref() != Some(text.as_str()) {
            prepared.values.push((self.name.to_owned(), text));
        }
    }

    fn text(
        &self,
        kind: Option<&ColumnKind>,
        column: Option<&Column>,
        value: &Value,
    ) -> Result<String, String> {
        if let (Some(ColumnKind::List), Value::Array(items)) = (kind, value) {
            let items: Result<Vec<String>, String> =
                items.iter().map(|item| self.scalar(item)).collect();
            return items.map(|items| items.join(","));
        }
        let text = self.scalar(value)?;
        let name = self.name;
        match kind {
            Some(ColumnKind::DateTime) => date_time(&text).ok_or_else(|| format!("{name} can't be `{text}`: it takes a date and time, e.g. 2026-03-01 12:00:00 or 2026-03-01T12:00:00Z")),
            Some(ColumnKind::Date) => date(&text).ok_or_else(|| format!("{name} can't be `{text}`: it takes a date, e.g. 2026-03-01")),
            Some(ColumnKind::Boolean) => boolean(&text).ok_or_else(|| format!("{name} can't be `{text}`: it takes true or false")),
            _ => match column {
                Some(column) if !column.choices.is_empty() && text.is_empty() => {
                    Err(format!("{name} is a choice, which can't be cleared"))
                }
                Some(column) if !column.choices.is_empty() => column.choice(&text),
                Some(column) if column.kind == ColumnKind::Text => Ok(cut(text, column.max_length)),
                _ => Ok(text),
            },
        }
    }

    fn scalar(&self, value: &Value) -> Result<String, String> {
        match value {
            Value::Null => Ok(String::new()),
            Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
            Value::String(text) => Ok(text.clone()),
            Value::Array(_) | Value::Object(_) => Err(format!(
                "{} takes one value, not a list or an object",
                self.name
            )),
        }
    }

    fn put_reference(
        &self,
        leads_to: Option<&str>,
        value: &Value,
        prepared: &mut Prepared,
    ) -> Result<(), String> {
        let name = self.name;
        let by = match value {
            Value::Object(members) => {
                let given = |member: &str| {
                    members
                        .get(member)
                        .map(|value| self.scalar(value))
                        .transpose()
                };
                if let Some(id) = given("value")?.or(given("sys_id")?) {
                    return self.put_id(&id, prepared);
                }
                if let Some(shown) = given("display_value")? {
                    By::Shown(shown)
                } else {
                    let pair = |(member, value): (&String, &Value)| {
                        Ok((member.clone(), self.scalar(value)?))
                    };
                    By::Fields(members.iter().map(pair).collect::<Result<_, String>>()?)
                }
            }
            other => {
                let text = self.scalar(other)?;
                if text.is_empty() || SysId::parse(&text).is_some() {
                    return self.put_id(&text, prepared);
                }
                By::Shown(text)
            }
        };
        if self.holds(&by) {
            return Ok(());
        }
        if let By::Fields(pairs) = &by
            && (pairs.is_empty() || pairs.iter().all(|(_, text)| text.trim().is_empty()))
        {
            return self.put_id("", prepared);
        }
        let Some(table) = leads_to else {
            return Err(format!(
                "it is not known where {name} leads to: give its sys_id"
            ));
        };
        prepared.look_ups.push(LookUp {
            field: name.to_owned(),
            table: table.to_owned(),
            by,
        });
        Ok(())
    }

    fn put_id(&self, id: &str, prepared: &mut Prepared) -> Result<(), String> {
        let id = id.trim();
        if !id.is_empty() && SysId::parse(id).is_none() {
            return Err(format!(
                "{}.value can't be `{id}`: it takes a sys_id, 32 hexadecimal digits",
                self.name
            ));
        }
        self.keep(id.to_ascii_lowercase(), prepared);
        Ok(())
    }

    /// Whether the record refers already to what is known so.
    fn holds(&self, by: &By) -> bool {
        let Some(base) = self.base else { return false };
        let held = |member: &str| record::text(base, &format!("{}.{member}", self.name));
        match by {
            By::Shown(text) => {
                held("display_value").is_some_and(|held| !held.is_empty() && held == *text)
            }
            By::Fields(pairs) => {
                !pairs.is_empty()
                    && pairs.iter().all(|(member, text)| {
                        held(member).is_some_and(|held| !held.is_empty() && held == *text)
                    })
            }
        }
    }
}

/// A text within the field's length, the cut to be seen: the vendor would cut without a word.
fn cut(text: String, longest: Option<usize>) -> String {
    const SIGN: &str = " […]";
    let Some(longest) = longest.filter(|longest| text.chars().count() > *longest) else {
        return text;
    };
    match longest.checked_sub(SIGN.chars().count()) {
        Some(kept) => text.chars().take(kept).chain(SIGN.chars()).collect(),
        None => text.chars().take(longest).collect(),
    }
}

/// A moment as the vendor writes it. One without a zone is taken for UTC, as the vendor takes it.
fn date_time(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return Some(String::new());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(record::stamp(moment));
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        return Some(format!("{date} 00:00:00"));
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(civil.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn date(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return Some(String::new());
    }
    let moment = date_time(text)?;
    moment.get(..10).map(str::to_owned)
}

fn boolean(text: &str) -> Option<String> {
    let told = match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => "true",
        "false" | "0" | "no" | "" => "false",
        _ => return None,
    };
    Some(told.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::columns::Origin;
    use super::*;
    use crate::model::PicklistValue;

    const USER: &str = "46c6f9efa9fe198101ddf5eed9adf6e7";

    fn columns() -> Columns {
        let mut state = Column::new("state", "State", ColumnKind::Integer);
        state.choices = vec![
            PicklistValue {
                value: "2".into(),
                label: "In Progress".into(),
            },
            PicklistValue {
                value: "6".into(),
                label: "Resolved".into(),
            },
        ];
        let mut summary = Column::new("short_description", "", ColumnKind::Text);
        summary.max_length = Some(20);
        let leads = |table: &str| ColumnKind::Reference(Some(table.to_owned()));
        Columns {
            columns: vec![
                state,
                summary,
                Column::new("assigned_to", "", leads("sys_user")),
                Column::new("work_start", "", ColumnKind::DateTime),
                Column::new("due", "", ColumnKind::Date),
                Column::new("u_lift", "", ColumnKind::Boolean),
                Column::new("watch_list", "", ColumnKind::List),
                Column::new("u_count", "", ColumnKind::Integer),
                Column::new("comments", "", ColumnKind::Journal),
                Column::new("work_notes", "", ColumnKind::Journal),
            ],
            origin: Origin::Dictionary,
        }
    }

    fn prepared(fields: &Value, base: Option<&Value>) -> Result<Prepared, Vec<String>> {
        prepare("incident", fields.as_object().unwrap(), &columns(), base)
    }

    fn values(fields: &Value) -> Vec<(String, String)> {
        prepared(fields, None).unwrap().values
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn everything_is_sent_as_the_text_that_the_vendor_writes() {
        let made = values(&json!({
            "state": "resolved", "u_lift": true, "u_count": 3, "watch_list": ["a", "b"],
            "work_start": "2026-03-01T06:00:00-06:00", "due": "2026-03-01T23:00:00Z",
            "short_description": "A very long summary indeed",
        }));
        assert_eq!(
            made,
            [
                pair("state", "6"),
                pair("u_lift", "true"),
                pair("u_count", "3"),
                pair("watch_list", "a,b"),
                pair("work_start", "2026-03-01 12:00:00"),
                pair("due", "2026-03-01"),
                pair("short_description", "A very long summ […]"),
            ]
        );
        assert_eq!(
            values(&json!({"work_start": null})),
            [pair("work_start", "")]
        );
        assert_eq!(
            values(&json!({"work_start": "2026-03-01 12:00:00"})),
            [pair("work_start", "2026-03-01 12:00:00")]
        );
    }

    #[test]
    fn all_that_would_be_swallowed_is_told_at_once() {
        let problems = prepared(
            &json!({
                "state": "Done", "Summary": "x", "u_typo": 1, "sys_id": "x", "dv_state": "New", "work_start": "soon",
                "u_lift": "maybe", "u_count": [1], "assigned_to": {"value": "someone"}, "comments_and_work_notes": "x",
            }),
            None,
        )
        .unwrap_err();
        assert_eq!(problems.len(), 10, "{problems:?}");
        let empty = prepared(&json!({"state": ""}), None).unwrap_err();
        assert!(empty[0].contains("can't be cleared"), "{empty:?}");
    }

    #[test]
    fn references_are_ids_or_are_looked_up() {
        assert_eq!(
            values(&json!({"assigned_to": USER})),
            [pair("assigned_to", USER)]
        );
        assert_eq!(
            values(&json!({"assigned_to": {"value": USER, "display_value": "x"}})),
            [pair("assigned_to", USER)]
        );
        assert_eq!(
            values(&json!({"assigned_to": ""})),
            [pair("assigned_to", "")]
        );
        assert_eq!(
            values(&json!({"assigned_to": {"name": ""}})),
            [pair("assigned_to", "")]
        );
        let made = prepared(&json!({"assigned_to": {"email": "a@example.com"}}), None).unwrap();
        assert_eq!(
            made.look_ups[0].by,
            By::Fields(vec![pair("email", "a@example.com")])
        );
        let made = prepared(&json!({"assigned_to": "Sample User"}), None).unwrap();
        assert_eq!(made.look_ups[0].by, By::Shown("Sample User".to_owned()));
        assert_eq!(made.look_ups[0].table, "sys_user");
    }

    #[test]
    fn what_the_record_holds_already_is_left_out() {
        let base = json!({"state": "6", "u_lift": "true", "work_start": "2026-03-01 12:00:00",
            "assigned_to": {"value": USER, "display_value": "Sample User", "email": "a@example.com"}});
        for same in [
            json!({"state": "Resolved", "u_lift": true, "work_start": "2026-03-01T12:00:00Z"}),
            json!({"assigned_to": "Sample User"}),
            json!({"assigned_to": {"email": "a@example.com"}}),
            json!({"assigned_to": USER.to_uppercase()}),
        ] {
            assert_eq!(
                prepared(&same, Some(&base)).unwrap(),
                Prepared::default(),
                "{same}"
            );
        }
    }

    #[test]
    fn notes_are_kept_apart() {
        let made = prepared(
            &json!({"work_notes": "a [code]b[/code]", "comments": " "}),
            None,
        )
        .unwrap();
        assert_eq!(made.notes, [("work_notes", "a (code)b(/code)".to_owned())]);
        assert!(made.values.is_empty());
    }

    #[test]
    fn without_a_dictionary_unknown_fields_pass() {
        let columns = Columns::built_in("incident");
        let fields = json!({"u_custom": "x", "state": "Resolved"});
        let made = prepare("incident", fields.as_object().unwrap(), &columns, None).unwrap();
        assert_eq!(made.values, [pair("u_custom", "x"), pair("state", "6")]);
        let fields = json!({"u_ref": {"name": "x"}});
        assert!(prepare("incident", fields.as_object().unwrap(), &columns, None).is_err());
    }
}
