//! Making what a mapping says into what Autotask takes, all that is wrong told at once and before anything is sent.
//!
//! The vendor ignores unknown and read-only names silently, refuses a resource without its role, and answers a missing
//! field of a new ticket with a 500 whose sentence is easily lost; none of these reaches it from here.

use serde_json::{Map, Value, json};

use super::fields::{EntityField, Fields, Origin, moment};
use crate::model::{Category, Failure, NoteVisibility};
use crate::platform::basics::{at, is_empty, text, text_at};

/// Members that a fetched ticket has besides its own fields; they are only read.
pub(super) const READ_ONLY: [&str; 7] = [
    "labels",
    "site",
    "company",
    "companyLocation",
    "contact",
    "assignedResource",
    "id",
];

/// Names under which a mapping adds a note, and who may read it.
pub(super) const NOTES: [(&str, NoteVisibility); 2] = [
    ("internalNote", NoteVisibility::Internal),
    ("publicNote", NoteVisibility::Public),
];

/// What is to be written of a ticket.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Prepared {
    /// Its fields, user-defined ones in the vendor's own list.
    pub(super) body: Map<String, Value>,
    /// Notes mapped beside them.
    pub(super) notes: Vec<(String, NoteVisibility)>,
}

/// What the body is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// A new ticket.
    Create,
    /// A change of this one; what it already says is left out.
    Update(&'a Value),
}

impl<'a> Purpose<'a> {
    fn base(self) -> Option<&'a Value> {
        match self {
            Self::Create => None,
            Self::Update(base) => Some(base),
        }
    }
}

/// Prepares a ticket's body.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn ticket(
    mapped: &Map<String, Value>,
    fields: &Fields,
    purpose: Purpose<'_>,
) -> Result<Prepared, Vec<String>> {
    let mut problems = Vec::new();
    let mut prepared = Prepared::default();
    let mut custom = Vec::new();
    for (name, value) in mapped {
        if let Some((_, visibility)) = NOTES.iter().find(|(note, _)| note == name) {
            let words = text(value);
            if !words.trim().is_empty() {
                prepared.notes.push((words, *visibility));
            }
            continue;
        }
        match name.as_str() {
            "userDefinedFields" | "udf" => match custom_values(value) {
                Some(values) => custom.extend(values),
                None => problems.push(format!(
                    "{name} takes user-defined fields by their names, e.g. udf[\"Site Code\"]"
                )),
            },
            name if READ_ONLY.contains(&name) => {
                problems.push(format!("{name} is only read; it can't be written"));
            }
            _ => match one(name, value, fields, mapped, purpose.base()) {
                Ok((name, value)) => {
                    prepared.body.insert(name, value);
                }
                Err(problem) => problems.push(problem),
            },
        }
    }
    let custom = user_defined(custom, fields, purpose.base(), &mut problems);
    match purpose {
        Purpose::Create => {
            prepared.body.retain(|_, value| !value.is_null());
            problems.extend(missing(&prepared.body, fields));
        }
        Purpose::Update(base) => {
            prepared
                .body
                .retain(|name, value| !same(base.get(name).unwrap_or(&Value::Null), value));
            add_role(&mut prepared.body, base);
        }
    }
    problems.extend(lone_resource(&prepared.body));
    if !custom.is_empty() {
        prepared
            .body
            .insert("userDefinedFields".to_owned(), custom.into());
    }
    if problems.is_empty() {
        Ok(prepared)
    } else {
        Err(problems)
    }
}

/// Prepares the body of a side record: a service call, a time entry, a charge.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn side(
    mapped: &Map<String, Value>,
    fields: &Fields,
) -> Result<Map<String, Value>, Vec<String>> {
    let mut problems = Vec::new();
    let mut body = Map::new();
    for (name, value) in mapped {
        if is_empty(value) {
            continue;
        }
        match one(name, value, fields, mapped, None) {
            Ok((name, value)) => {
                body.insert(name, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(body)
    } else {
        Err(problems)
    }
}

/// One field under the vendor's spelling of its name.
fn one(
    name: &str,
    value: &Value,
    fields: &Fields,
    mapped: &Map<String, Value>,
    base: Option<&Value>,
) -> Result<(String, Value), String> {
    let field = fields
        .standard(name)
        .ok_or_else(|| format!("{name} is no field there; Refresh Fields lists their names"))?;
    if field.read_only {
        return Err(format!("{name} is read-only in Autotask"));
    }
    let parent = field.parent.as_deref().and_then(|parent| {
        let own = mapped.get(parent).filter(|value| !is_empty(value));
        own.or_else(|| base?.get(parent))
    });
    // The parent may be mapped by its label.
    let parent = parent.map(|value| {
        let of = field
            .parent
            .as_deref()
            .and_then(|name| fields.standard(name));
        of.and_then(|of| of.fit(value, None).ok())
            .unwrap_or_else(|| value.clone())
    });
    let fitted = field
        .fit(value, parent.as_ref())
        .map_err(|why| format!("{name} can't be `{}`: {why}", text(value)))?;
    Ok((field.name.clone(), fitted))
}

/// User-defined values by name, from an object or from the vendor's own list.
fn custom_values(value: &Value) -> Option<Vec<(String, Value)>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Object(members) => Some(
            members
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let value = item.get("value").cloned().unwrap_or_default();
                Some((text_at(item, &["name"])?.to_owned(), value))
            })
            .collect(),
        _ => None,
    }
}

/// Only the user-defined fields that change, in the vendor's list.
fn user_defined(
    values: Vec<(String, Value)>,
    fields: &Fields,
    base: Option<&Value>,
    problems: &mut Vec<String>,
) -> Vec<Value> {
    let mut list = Vec::new();
    for (name, value) in values {
        let field = fields.find(&name, Origin::UserDefined);
        let fitted = field
            .ok_or_else(|| format!("there is no user-defined field `{name}` on tickets"))
            .and_then(|field| {
                let fitted = field.fit(&value, None);
                fitted
                    .map(|fitted| (field, fitted))
                    .map_err(|why| format!("udf[\"{name}\"] can't be `{}`: {why}", text(&value)))
            });
        match fitted {
            Ok((field, fitted)) => {
                let held = base.and_then(|base| at(base, &["udf", &field.name]));
                let held = held.map(text).unwrap_or_default();
                if held != text(&fitted) {
                    list.push(json!({"name": field.name, "value": fitted}));
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    list
}

/// What a new ticket needs, by the vendor's rule and by the database's own.
fn missing(body: &Map<String, Value>, fields: &Fields) -> Vec<String> {
    let has = |name: &str| body.get(name).is_some_and(|value| !is_empty(value));
    let always = ["title", "status", "priority", "companyID", "dueDateTime"];
    let mut needed: Vec<&str> = always.into_iter().filter(|name| !has(name)).collect();
    let own = |field: &&EntityField| {
        field.origin == Origin::Standard && field.required && !field.read_only && field.name != "id"
    };
    for field in fields.all.iter().filter(own) {
        let name = field.name.as_str();
        if !has(name) && !needed.contains(&name) && name != "queueID" {
            needed.push(name);
        }
    }
    let mut problems: Vec<String> = needed
        .into_iter()
        .map(|name| format!("{name} is required for a new ticket"))
        .collect();
    let assigned = has("assignedResourceID") && has("assignedResourceRoleID");
    if !has("queueID") && !assigned {
        problems.push(
            "queueID, or assignedResourceID with assignedResourceRoleID, is required for a new ticket"
                .to_owned(),
        );
    }
    problems
}

/// A changed resource keeps the role it has unless another is mapped.
fn add_role(body: &mut Map<String, Value>, base: &Value) {
    let pair = ["assignedResourceID", "assignedResourceRoleID"];
    let changed = pair
        .iter()
        .any(|name| body.get(*name).is_some_and(|value| !value.is_null()));
    if !changed {
        return;
    }
    for name in pair {
        let held = base.get(name).filter(|held| !is_empty(held));
        if let Some(held) = held
            && !body.contains_key(name)
        {
            body.insert(name.to_owned(), held.clone());
        }
    }
}

fn lone_resource(body: &Map<String, Value>) -> Option<String> {
    let has = |name: &str| body.get(name).is_some_and(|value| !is_empty(value));
    (has("assignedResourceID") != has("assignedResourceRoleID")).then(|| {
        "assignedResourceID and assignedResourceRoleID can only be assigned together".to_owned()
    })
}

/// Whether a ticket already says what is to be written; moments by what they mean.
pub(super) fn same(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (theirs, Value::Null) => is_empty(theirs),
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || one
                    .as_f64()
                    .zip(other.as_f64())
                    .is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
        }
        (Value::String(one), Value::String(other)) => {
            one == other
                || moment(one)
                    .zip(moment(other))
                    .is_some_and(|(one, other)| one == other)
        }
        (one, other) => one == other,
    }
}

/// The failure that tells everything that is wrong.
pub(super) fn refusal(deed: &str, problems: &[String]) -> Failure {
    let failure = Failure::new(
        Category::Validation,
        format!("can't {deed}: {}", problems.join("; ")),
    );
    let creates = problems
        .iter()
        .any(|problem| problem.contains("for a new ticket"));
    if creates {
        failure.hint("Outbound Create needs six fields mapped: title, status, priority, companyID, dueDateTime, and queueID (or assignedResourceID with assignedResourceRoleID).")
    } else {
        failure
            .hint("Correct the mapping; Refresh Fields lists the fields and the values they allow.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let mut fields = Fields::default();
        let pick = |name: &str| {
            json!({"name": name, "dataType": "integer", "isRequired": true, "picklistValues": [
            {"value": "1", "label": "One"}, {"value": "2", "label": "Two"}]})
        };
        let plain = |name: &str, kind: &str| json!({"name": name, "dataType": kind});
        fields.add(
            &json!({"fields": [pick("status"), pick("priority"), plain("queueID", "integer"),
                plain("companyID", "integer"), plain("title", "string"), plain("dueDateTime", "datetime"),
                plain("assignedResourceID", "integer"), plain("assignedResourceRoleID", "integer"),
                {"name": "createDate", "dataType": "datetime", "isReadOnly": true},
                {"name": "id", "dataType": "integer", "isRequired": true, "isReadOnly": true}]}),
            Origin::Standard,
        );
        fields.add(
            &json!({"fields": [{"name": "Site Code", "type": "string"}]}),
            Origin::UserDefined,
        );
        fields
    }

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn all_six_are_missed_at_once() {
        let problems = ticket(&Map::new(), &fields(), Purpose::Create).unwrap_err();
        let told = problems.join("; ");
        for name in [
            "title",
            "status",
            "priority",
            "companyID",
            "dueDateTime",
            "queueID",
        ] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert!(!told.contains("id is required"), "{told}");
        let failure = refusal("create a ticket", &problems);
        assert!(failure.hint.unwrap().contains("six fields"));
    }

    #[test]
    fn a_new_ticket_is_fitted_to_its_fields() {
        let mapped = map(
            json!({"title": "Switch", "status": "one", "priority": "2", "companyID": 0,
            "dueDateTime": "2030-03-21 00:00:00", "assignedResourceID": 10, "assignedResourceRoleID": "8",
            "udf": {"Site Code": 12}, "internalNote": "Assigned", "publicNote": " "}),
        );
        let prepared = ticket(&mapped, &fields(), Purpose::Create).unwrap();
        assert_eq!(
            Value::Object(prepared.body),
            json!({"title": "Switch", "status": 1, "priority": 2, "companyID": 0,
                "dueDateTime": "2030-03-21T00:00:00Z", "assignedResourceID": 10, "assignedResourceRoleID": 8,
                "userDefinedFields": [{"name": "Site Code", "value": "12"}]})
        );
        assert_eq!(
            prepared.notes,
            [("Assigned".to_owned(), NoteVisibility::Internal)]
        );
    }

    #[test]
    fn an_update_holds_only_what_differs() {
        let base = json!({"status": 1, "title": "Switch", "dueDateTime": "2030-03-21T00:00:00.000Z",
            "assignedResourceID": 4, "assignedResourceRoleID": 8, "udf": {"Site Code": "A12"}});
        let mapped = map(
            json!({"status": "One", "title": "Switch", "dueDateTime": "2030-03-21T00:00:00Z",
            "userDefinedFields": [{"name": "Site Code", "value": "A12"}]}),
        );
        let prepared = ticket(&mapped, &fields(), Purpose::Update(&base)).unwrap();
        assert_eq!(prepared, Prepared::default());
        let mapped = map(json!({"assignedResourceID": 5, "udf": {"Site Code": null}}));
        let prepared = ticket(&mapped, &fields(), Purpose::Update(&base)).unwrap();
        assert_eq!(
            Value::Object(prepared.body),
            json!({"assignedResourceID": 5, "assignedResourceRoleID": 8,
                "userDefinedFields": [{"name": "Site Code", "value": ""}]})
        );
    }

    #[test]
    fn what_would_be_ignored_is_told() {
        let mapped = map(
            json!({"createDate": "2030-01-01", "colour": "red", "company": {"name": "x"},
            "udf": {"Nope": 1}, "userDefinedFields": 7, "assignedResourceID": 4, "status": 9}),
        );
        let problems = ticket(&mapped, &fields(), Purpose::Update(&json!({}))).unwrap_err();
        let told = problems.join("\n");
        for part in [
            "createDate is read-only",
            "colour is no field",
            "company is only read",
            "no user-defined field `Nope`",
            "userDefinedFields takes",
            "only be assigned together",
            "status can't be `9`: it allows: One (1), Two (2)",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
