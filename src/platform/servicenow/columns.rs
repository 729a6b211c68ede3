//! The fields of a table, as far as they are known.

use std::collections::HashMap;

use serde_json::Value;

use super::filter::same;
use super::record::{self, cell};
use crate::model::PicklistValue;

/// What a field holds. References name the table they lead to, where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    DateTime,
    Reference(Option<String>),
    List,
    Journal,
}

/// A field of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: ColumnKind,
    pub(super) required: bool,
    pub(super) read_only: bool,
    pub(super) max_length: Option<usize>,
    pub(super) choices: Vec<PicklistValue>,
}

impl Column {
    pub(super) fn new(name: &str, label: &str, kind: ColumnKind) -> Self {
        Self {
            name: name.to_owned(),
            label: if label.is_empty() { name } else { label }.to_owned(),
            kind,
            required: false,
            read_only: false,
            max_length: None,
            choices: Vec::new(),
        }
    }

    /// The value to be sent for a value or a label among the choices; as it is where no choices are known.
    pub(super) fn choice(&self, text: &str) -> Result<String, String> {
        let by_value = || self.choices.iter().find(|choice| choice.value == text);
        let by_label = || self.choices.iter().find(|choice| same(&choice.label, text));
        match by_value().or_else(by_label) {
            Some(choice) => Ok(choice.value.clone()),
            None if self.choices.is_empty() => Ok(text.to_owned()),
            None => Err(format!(
                "{} ({}) can't be `{text}`; it allows: {}",
                self.name,
                self.label,
                self.listed()
            )),
        }
    }

    fn listed(&self) -> String {
        const SHOWN: usize = 30;
        let told = |choice: &PicklistValue| format!("{} ({})", choice.label, choice.value);
        let mut shown: Vec<String> = self.choices.iter().take(SHOWN).map(told).collect();
        if self.choices.len() > SHOWN {
            shown.push(format!("and {} more", self.choices.len() - SHOWN));
        }
        shown.join(", ")
    }
}

/// Where the knowledge of fields is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The instance's own dictionary: there are no other fields.
    Dictionary,
    /// What the instance tells its own forms.
    Forms,
    /// What every instance has; others exist.
    BuiltIn,
}

/// The fields of a table.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    pub(super) origin: Origin,
}

impl Columns {
    pub(super) fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a name that is not among them is surely none.
    pub(super) fn are_all(&self) -> bool {
        self.origin != Origin::BuiltIn
    }

    /// What every instance's task tables have, for when the dictionary can't be read.
    pub(super) fn built_in(table: &str) -> Self {
        let mut columns = Vec::new();
        for (name, leads_to) in REFERENCES {
            let kind = ColumnKind::Reference(Some(leads_to.to_owned()));
            columns.push(Column::new(name, "", kind));
        }
        for name in [
            "work_start",
            "work_end",
            "expected_start",
            "due_date",
            "opened_at",
            "closed_at",
            "resolved_at",
            "follow_up",
        ] {
            columns.push(Column::new(name, "", ColumnKind::DateTime));
        }
        for name in ["comments", "work_notes"] {
            columns.push(Column::new(name, "", ColumnKind::Journal));
        }
        if table == "incident" {
            let choice = |(value, label): &(&str, &str)| PicklistValue {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
            };
            for name in ["state", "incident_state"] {
                let mut state = Column::new(name, "State", ColumnKind::Integer);
                state.choices = INCIDENT_STATES.iter().map(choice).collect();
                columns.push(state);
            }
        }
        Self {
            columns,
            origin: Origin::BuiltIn,
        }
    }

    /// The rows of `sys_dictionary` for a table and its parents, nearest table first: a table's own entry overrides
    /// its parent's.
    pub(super) fn of_dictionary(rows: &[Value], lineage: &[String]) -> Self {
        let mut found: Vec<(usize, Column)> = Vec::new();
        for row in rows {
            let table = cell(row, "name");
            let Some(depth) = lineage.iter().position(|name| *name == table) else {
                continue;
            };
            let Some(column) = of_dictionary_row(row) else {
                continue;
            };
            match found
                .iter_mut()
                .find(|(_, known)| known.name == column.name)
            {
                Some(known) if depth < known.0 => *known = (depth, column),
                Some(_) => {}
                None => found.push((depth, column)),
            }
        }
        Self {
            columns: found.into_iter().map(|(_, column)| column).collect(),
            origin: Origin::Dictionary,
        }
    }

    /// Adds the rows of `sys_choice`: those of the nearest table that has any for a field.
    pub(super) fn add_choices(&mut self, rows: &[Value], lineage: &[String]) {
        let mut by_field: HashMap<String, Vec<(usize, i64, PicklistValue)>> = HashMap::new();
        for row in rows {
            let Some(depth) = lineage.iter().position(|name| *name == cell(row, "name")) else {
                continue;
            };
            let choice = PicklistValue {
                value: cell(row, "value"),
                label: cell(row, "label"),
            };
            if choice.value.is_empty() {
                continue;
            }
            let place = cell(row, "sequence").parse().unwrap_or(i64::MAX);
            by_field
                .entry(cell(row, "element"))
                .or_default()
                .push((depth, place, choice));
        }
        for column in &mut self.columns {
            let Some(choices) = by_field.remove(&column.name) else {
                continue;
            };
            let nearest = choices.iter().map(|(depth, ..)| *depth).min();
            let mut own: Vec<_> = choices
                .into_iter()
                .filter(|(depth, ..)| Some(*depth) == nearest)
                .collect();
            own.sort_by_key(|(_, place, _)| *place);
            let mut distinct: Vec<PicklistValue> = Vec::new();
            for (.., choice) in own {
                // Dependent values repeat: the same category stands once for each parent.
                if !distinct.iter().any(|known| known.value == choice.value) {
                    distinct.push(choice);
                }
            }
            column.choices = distinct;
        }
    }

    /// What the instance tells its own forms: `{"columns":{"state":{"label","type",…,"choices":[…]}}}`. The vendor does not
    /// document it; whatever is missing is left open.
    pub(super) fn of_forms(result: &Value) -> Option<Self> {
        let members = result.get("columns")?.as_object()?;
        let column = |(name, told): (&String, &Value)| {
            let told_text = |member: &str| told.get(member).map(record::raw).unwrap_or_default();
            let kind = kind_of(&told_text("type"), &told_text("reference"));
            let mut column = Column::new(name, &told_text("label"), kind);
            column.required = told_text("mandatory") == "true";
            column.read_only = told_text("read_only") == "true";
            column.max_length = told_text("max_length").parse().ok();
            let choices = told.get("choices").and_then(Value::as_array);
            column.choices = choices
                .into_iter()
                .flatten()
                .map(|choice| PicklistValue {
                    value: cell(choice, "value"),
                    label: cell(choice, "label"),
                })
                .filter(|choice| !choice.value.is_empty())
                .collect();
            column
        };
        let columns: Vec<Column> = members.iter().map(column).collect();
        (!columns.is_empty()).then_some(Self {
            columns,
            origin: Origin::Forms,
        })
    }
}

fn of_dictionary_row(row: &Value) -> Option<Column> {
    let name = cell(row, "element");
    if name.is_empty() {
        return None;
    }
    let kind = kind_of(&cell(row, "internal_type"), &cell(row, "reference"));
    let mut column = Column::new(&name, &cell(row, "column_label"), kind);
    column.required = cell(row, "mandatory") == "true";
    column.read_only = cell(row, "read_only") == "true";
    column.max_length = cell(row, "max_length")
        .parse()
        .ok()
        .filter(|length| *length > 0);
    Some(column)
}

fn kind_of(internal_type: &str, reference: &str) -> ColumnKind {
    match internal_type {
        "reference" | "domain_id" => {
            ColumnKind::Reference(Some(reference.to_owned()).filter(|name| !name.is_empty()))
        }
        "boolean" => ColumnKind::Boolean,
        "integer" | "longint" => ColumnKind::Integer,
        "decimal" | "float" | "currency" | "currency2" | "price" | "percent_complete" => {
            ColumnKind::Number
        }
        "glide_date" => ColumnKind::Date,
        "glide_date_time" | "due_date" => ColumnKind::DateTime,
        "glide_list" => ColumnKind::List,
        "journal" | "journal_input" | "journal_list" => ColumnKind::Journal,
        _ => ColumnKind::Text,
    }
}

/// The references that every instance's task tables have, and where they lead.
const REFERENCES: [(&str, &str); 12] = [
    ("assigned_to", "sys_user"),
    ("caller_id", "sys_user"),
    ("opened_by", "sys_user"),
    ("closed_by", "sys_user"),
    ("resolved_by", "sys_user"),
    ("assignment_group", "sys_user_group"),
    ("location", "cmn_location"),
    ("company", "core_company"),
    ("cmdb_ci", "cmdb_ci"),
    ("business_service", "cmdb_ci_service"),
    ("problem_id", "problem"),
    ("parent", "task"),
];

/// The states of an incident as instances come.
const INCIDENT_STATES: [(&str, &str); 6] = [
    ("1", "New"),
    ("2", "In Progress"),
    ("3", "On Hold"),
    ("6", "Resolved"),
    ("7", "Closed"),
    ("8", "Canceled"),
];

/// The parents of tables that instances come with, for when `sys_db_object` can't be read.
pub(super) fn usual_parents(table: &str) -> &'static [&'static str] {
    match table {
        "incident"
        | "problem"
        | "change_request"
        | "sc_task"
        | "sc_req_item"
        | "wm_order"
        | "wm_task"
        | "sn_customerservice_case" => &["task"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lineage() -> Vec<String> {
        vec!["incident".to_owned(), "task".to_owned()]
    }

    #[test]
    fn the_nearest_tables_entry_and_choices_win() {
        let row = |table: &str, element: &str, label: &str, kind: &str| json!({"name": table, "element": element, "column_label": label, "internal_type": kind, "mandatory": "false", "max_length": "160"});
        let rows = [
            row("task", "state", "State", "integer"),
            row("task", "short_description", "Short description", "string"),
            row("incident", "short_description", "Summary", "string"),
            row("cmdb_ci", "name", "Name", "string"),
            row("task", "", "", "collection"),
        ];
        let mut columns = Columns::of_dictionary(&rows, &lineage());
        let choice = |table: &str, value: &str, label: &str, sequence: &str| json!({"name": table, "element": "state", "value": value, "label": label, "sequence": sequence});
        columns.add_choices(
            &[
                choice("task", "1", "Open", "1"),
                choice("incident", "6", "Resolved", "9"),
                choice("incident", "1", "New", "1"),
                choice("incident", "1", "New", "2"),
            ],
            &lineage(),
        );
        assert_eq!(columns.columns.len(), 2);
        assert_eq!(columns.get("short_description").unwrap().label, "Summary");
        let state = columns.get("state").unwrap();
        assert_eq!(state.choices.len(), 2);
        assert_eq!(state.choice("resolved").unwrap(), "6");
        assert_eq!(state.choice("6").unwrap(), "6");
        let refused = state.choice("Done").unwrap_err();
        assert!(refused.contains("New (1), Resolved (6)"), "{refused}");
    }

    #[test]
    fn what_forms_are_told_is_read_leniently() {
        assert!(Columns::of_forms(&json!({})).is_none());
        assert!(Columns::of_forms(&json!({"columns": {}})).is_none());
        let columns = Columns::of_forms(&json!({"columns": {
            "caller_id": {"label": "Caller", "type": "reference", "reference": "sys_user", "mandatory": true},
            "state": {"type": "integer", "choices": [{"value": "1", "label": "New"}, {"value": ""}]},
        }}))
        .unwrap();
        let caller = columns.get("caller_id").unwrap();
        assert_eq!(
            caller.kind,
            ColumnKind::Reference(Some("sys_user".to_owned()))
        );
        assert!(caller.required && columns.are_all());
        assert_eq!(columns.get("state").unwrap().choices.len(), 1);
    }

    #[test]
    fn without_a_dictionary_only_the_usual_is_known() {
        let columns = Columns::built_in("incident");
        assert!(!columns.are_all());
        assert_eq!(
            columns.get("state").unwrap().choice("In progress").unwrap(),
            "2"
        );
        assert!(Columns::built_in("wm_task").get("state").is_none());
    }
}
