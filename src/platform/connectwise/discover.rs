//! Which fields tickets have. The vendor describes none, so they come from four sources: what its API description
//! says of a ticket, the template ticket as it is read, the setup tables, and the definitions of custom fields.

use std::collections::HashSet;

use serde_json::Value;

use super::ConnectWise;
use super::error::Right;
use super::schema::{EXPENSE, Known, PRODUCT, SCHEDULE, SITE, TICKET, TIME};
use super::session::Ask;
use super::settings::{Charges, ScheduleReading};
use super::tables::Table;
use super::ticket::reference_id;
use crate::http::Call;
use crate::model::{
    Catalogue, Category, Failure, Field, FieldKind, PicklistValue, RecordId, SideRecordKind,
};
use crate::platform::Wish;
use crate::platform::basics::{is_true, text_at};

/// How deep related objects are laid open: `company.defaultContact.name`.
const DEEPEST: usize = 3;

impl ConnectWise {
    pub(super) async fn read_catalogue(&self, call: &Call) -> Result<Catalogue, Failure> {
        let template = match self.template_ticket {
            Some(ticket) => Some(self.template(call, ticket).await?),
            None => None,
        };
        let mut fields = self.described();
        if let Some(template) = &template {
            let mut known: HashSet<String> =
                fields.iter().map(|field| field.path.clone()).collect();
            let mut found = Vec::new();
            flatten(template, "", DEEPEST, &mut found);
            fields.extend(
                found
                    .into_iter()
                    .filter(|field| known.insert(field.path.clone())),
            );
        }
        let custom = template
            .as_ref()
            .and_then(|template| template.get("customFields"))
            .and_then(Value::as_array);
        let definitions = self.definitions(call).await?;
        fields.extend(
            custom
                .into_iter()
                .flatten()
                .filter_map(|field| custom_field(field, &definitions)),
        );
        let board = template
            .as_ref()
            .and_then(|template| reference_id(template, "board"));
        self.add_picklists(call, &mut fields, board).await?;
        Ok(Catalogue {
            fields,
            read_at: self.clock.now(),
        })
    }

    /// The fields that are known without asking, as far as the connector carries them.
    fn described(&self) -> Vec<Field> {
        let carries = |kind| self.side_records.contains(&kind);
        let schedule =
            carries(SideRecordKind::Schedule) || self.read_schedule == ScheduleReading::On;
        let charges = match self.charges {
            Charges::Product => PRODUCT,
            Charges::Expense => EXPENSE,
        };
        [
            (true, TICKET),
            (true, SITE),
            (schedule, SCHEDULE),
            (carries(SideRecordKind::Time), TIME),
            (carries(SideRecordKind::Charge), charges),
        ]
        .into_iter()
        .filter(|(carried, _)| *carried)
        .flat_map(|(_, known)| known.iter().map(Known::field))
        .collect()
    }

    async fn template(&self, call: &Call, ticket: u64) -> Result<Value, Failure> {
        let id = RecordId::new(ticket.to_string());
        let record = self.read_ticket(call, &id, Wish::default()).await?.ok_or_else(|| {
            Failure::new(Category::Configuration, format!("the template ticket {ticket} does not exist, or the API member may not see it"))
                .hint("Set template_ticket_id to a ticket that has as many fields filled in as possible.")
        })?;
        Ok(record.fields)
    }

    /// The definitions of custom fields; a role that may not read them costs their picklists and nothing else.
    async fn definitions(&self, call: &Call) -> Result<Vec<Value>, Failure> {
        match self.custom_definitions(call).await {
            Err(failure) if failure.category == Category::Configuration => Ok(Vec::new()),
            other => other,
        }
    }

    async fn add_picklists(
        &self,
        call: &Call,
        fields: &mut [Field],
        board: Option<i64>,
    ) -> Result<(), Failure> {
        let mut tables = vec![
            ("board.name", Table::Boards),
            ("priority.name", Table::Priorities),
            ("source.name", Table::Sources),
            ("serviceLocation.name", Table::Locations),
            ("schedule.status.name", Table::ScheduleStatuses),
        ];
        // Without a template it is not known whose statuses are meant.
        if let Some(board) = board {
            tables.extend([
                ("status.name", Table::Statuses(board)),
                ("type.name", Table::Types(board)),
                ("subType.name", Table::SubTypes(board)),
                ("item.name", Table::Items(board)),
                ("team.name", Table::Teams(board)),
            ]);
        }
        let reads = tables
            .iter()
            .map(|(_, table)| self.tables.entries(&self.session, call, *table));
        let read = futures_util::future::try_join_all(reads).await?;
        for ((path, _), entries) in tables.iter().zip(read) {
            let values = entries
                .iter()
                .map(|entry| (entry.name.clone(), entry.name.clone()));
            offer(fields, path, values);
        }
        let levels = |level: &str| (level.to_owned(), level.to_owned());
        for path in ["severity", "impact"] {
            offer(fields, path, ["Low", "Medium", "High"].map(levels));
        }
        for path in ["billTime", "billExpenses", "billProducts"] {
            offer(
                fields,
                path,
                ["Billable", "DoNotBill", "NoCharge", "NoDefault"].map(levels),
            );
        }
        let members = self.member_names(call).await?;
        for path in ["owner.identifier", "schedule.member.identifier"] {
            offer(fields, path, members.iter().cloned());
        }
        Ok(())
    }

    /// The members by identifier; optional, for the role need not allow it.
    async fn member_names(&self, call: &Call) -> Result<Vec<(String, String)>, Failure> {
        let ask = Ask::get(
            "system/info/members",
            Right::ReadMembers,
            "list the members",
        );
        match self.session.list(call, &ask).await {
            Ok(members) => Ok(members
                .iter()
                .filter(|member| !is_true(member, "inactiveFlag"))
                .filter_map(member_name)
                .collect()),
            Err(failure)
                if matches!(
                    failure.category,
                    Category::Configuration | Category::Authentication
                ) =>
            {
                Ok(Vec::new())
            }
            Err(failure) => Err(failure),
        }
    }
}

fn member_name(member: &Value) -> Option<(String, String)> {
    let identifier = text_at(member, &["identifier"])?;
    let first = text_at(member, &["firstName"]).unwrap_or_default();
    let last = text_at(member, &["lastName"]).unwrap_or_default();
    let full = text_at(member, &["fullName"]).map_or_else(
        || format!("{first} {last}").trim().to_owned(),
        str::to_owned,
    );
    let label = if full.is_empty() {
        identifier.to_owned()
    } else {
        full
    };
    Some((identifier.to_owned(), label))
}

fn offer(fields: &mut [Field], path: &str, values: impl IntoIterator<Item = (String, String)>) {
    if let Some(field) = fields.iter_mut().find(|field| field.path == path) {
        field.picklist = values
            .into_iter()
            .map(|(value, label)| PicklistValue { value, label })
            .collect();
    }
}

/// Lays a record open, leaf by leaf. What is only read along with the ticket can't be written.
fn flatten(value: &Value, path: &str, depth: usize, found: &mut Vec<Field>) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, value) in members {
        // Addresses of other objects are of no use in a mapping; custom fields get paths of their own.
        if name.ends_with("_href") || (path.is_empty() && name == "customFields") {
            continue;
        }
        let path = if path.is_empty() {
            step(name)
        } else {
            format!("{path}.{}", step(name))
        };
        match value {
            Value::Object(_) if depth > 1 => flatten(value, &path, depth - 1, found),
            Value::Object(_) => {}
            _ => {
                let field = Field::new(&path, label(&path), kind(value));
                found.push(if path.contains('.') {
                    field.read_only()
                } else {
                    field
                });
            }
        }
    }
}

/// A step of a path; a name that is no plain word stands in brackets.
fn step(name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_');
    if plain {
        name.to_owned()
    } else {
        format!("[{}]", Value::from(name))
    }
}

fn label(path: &str) -> String {
    let mut label = String::with_capacity(path.len() + 8);
    for letter in path.chars() {
        match letter {
            '.' => label.push_str(": "),
            '_' => {}
            letter if letter.is_uppercase() && label.ends_with(char::is_lowercase) => {
                label.push(' ');
                label.extend(letter.to_lowercase());
            }
            letter => label.push(letter),
        }
    }
    label
}

fn kind(value: &Value) -> FieldKind {
    match value {
        Value::Null => FieldKind::Any,
        Value::Bool(_) => FieldKind::Boolean,
        Value::Number(number) if number.is_f64() => FieldKind::Number,
        Value::Number(_) => FieldKind::Integer,
        Value::String(text) if text.len() == 20 && super::write::moment(text).is_some() => {
            FieldKind::DateTime
        }
        Value::String(_) => FieldKind::Text,
        Value::Array(_) => FieldKind::List,
        Value::Object(_) => FieldKind::Object,
    }
}

fn custom_field(field: &Value, definitions: &[Value]) -> Option<Field> {
    let caption = text_at(field, &["caption"])?;
    let path = format!("customFields[caption={}].value", Value::from(caption));
    let kind = match text_at(field, &["type"]).unwrap_or_default() {
        "Checkbox" => FieldKind::Boolean,
        "Number" | "Currency" | "Percent" => FieldKind::Number,
        "Date" => FieldKind::DateTime,
        _ => FieldKind::Text,
    };
    let mut entry = Field::new(path, caption, kind);
    let definition = definitions.iter().find(|definition| {
        definition.get("id").is_some()
            && definition.get("id") == field.get("id")
            && text_at(definition, &["caption"]) == Some(caption)
    });
    let Some(definition) = definition else {
        return Some(entry);
    };
    entry.required = is_true(definition, "requiredFlag");
    entry.read_only = is_true(definition, "readOnlyFlag");
    let options = definition.get("options").and_then(Value::as_array);
    entry.picklist = options
        .into_iter()
        .flatten()
        .filter(|option| !is_true(option, "inactiveFlag"))
        .filter_map(|option| text_at(option, &["optionValue"]))
        .map(|value| PicklistValue {
            value: value.to_owned(),
            label: value.to_owned(),
        })
        .collect();
    Some(entry)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::platform::connectwise::samples::sample;

    #[test]
    fn the_sample_ticket_is_laid_open() {
        let Some(text) = sample("ticket.json") else {
            return;
        };
        let ticket: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        flatten(&ticket, "", DEEPEST, &mut found);
        let field = |path: &str| found.iter().find(|field| field.path == path);
        assert_eq!(field("summary").unwrap().kind, FieldKind::Text);
        assert_eq!(field("requiredDate").unwrap().kind, FieldKind::DateTime);
        assert_eq!(field("approved").unwrap().kind, FieldKind::Boolean);
        assert!(field("company.defaultContact.name").unwrap().read_only);
        assert!(field("_info.lastUpdated").is_some());
        assert!(!found.iter().any(|field| field.path.contains("href")));
        let custom = ticket["customFields"].as_array().unwrap();
        let custom = custom_field(&custom[0], &[]).unwrap();
        assert_eq!(custom.path, "customFields[caption=\"Story Points\"].value");
        assert_eq!(custom.kind, FieldKind::Number);
    }

    #[test]
    fn a_definition_adds_what_a_ticket_does_not_show() {
        let field = json!({"id": 7, "caption": "Shift \"A\"", "type": "Text"});
        let definition = json!({"id": 7, "caption": "Shift \"A\"", "requiredFlag": true,
            "options": [{"optionValue": "Day"}, {"optionValue": "Old", "inactiveFlag": true}]});
        let entry = custom_field(&field, &[definition]).unwrap();
        assert!(entry.required);
        assert_eq!(entry.picklist.len(), 1);
        assert_eq!(
            entry.path,
            "customFields[caption=\"Shift \\\"A\\\"\"].value"
        );
    }

    #[test]
    fn labels_read_as_words() {
        assert_eq!(
            label("company.defaultContact.name"),
            "company: default contact: name"
        );
        assert_eq!(step("odd key"), "[\"odd key\"]");
    }
}
