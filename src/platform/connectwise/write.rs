//! Making what a mapping says into what `ConnectWise` takes: whole objects with ids, within the vendor's limits.
//!
//! References are replaced as a whole (`status`, never `status/id`): a path into an object may be answered with 200
//! and store nothing. For the same reason an answer is compared with what was sent.

use serde_json::{Map, Value, json};

use super::ConnectWise;
use super::custom::{self, Wanted};
use super::error::Right;
use super::notes::Place;
use super::schema::{Known, Use, known};
use super::session::{Ask, quoted};
use super::tables::Table;
use crate::http::Call;
use crate::model::{Category, Failure, FieldKind, Timestamp};
use crate::platform::basics::{at, id_text, text_at};

/// Where names are looked up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scene {
    pub(super) board: Option<i64>,
    pub(super) company: Option<i64>,
}

/// What is to be written, in the order in which it is sent.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) fields: Vec<(String, Value)>,
    pub(super) custom: Vec<Wanted>,
    pub(super) notes: Vec<(Place, String)>,
}

/// Side records by the name under which a mapping may write them; they are no fields of a ticket.
const SIDE_RECORDS: [&str; 3] = ["schedule", "time_entry", "charge"];

/// The order in which references are sent: a status is judged by the board that stands before it.
const REFERENCES: [&str; 24] = [
    "company",
    "board",
    "status",
    "type",
    "subType",
    "item",
    "team",
    "priority",
    "source",
    "owner",
    "site",
    "contact",
    "serviceLocation",
    "country",
    "agreement",
    "location",
    "department",
    "workRole",
    "workType",
    "opportunity",
    "sla",
    "project",
    "phase",
    "currency",
];

/// What a value of a reference names.
#[derive(Clone, Debug, PartialEq)]
enum Named {
    Nothing,
    Id(i64),
    Identifier(String),
    Name(String),
}

impl Named {
    fn of(field: &str, value: &Value) -> Option<Self> {
        let text = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        match value {
            Value::Null => Some(Self::Nothing),
            Value::Number(number) => number.as_i64().map(Self::Id),
            Value::String(plain) => match text(plain) {
                None => Some(Self::Nothing),
                Some(plain) if matches!(field, "company" | "owner") => {
                    Some(Self::Identifier(plain))
                }
                Some(plain) => Some(Self::Name(plain)),
            },
            Value::Object(members) => {
                let id = at(value, &["id"])
                    .and_then(id_text)
                    .and_then(|id| id.parse().ok());
                let id = id.map(Self::Id);
                let identifier = || {
                    text_at(value, &["identifier"])
                        .and_then(text)
                        .map(Self::Identifier)
                };
                let name = || text_at(value, &["name"]).and_then(text).map(Self::Name);
                let empty = members
                    .values()
                    .all(Value::is_null)
                    .then_some(Self::Nothing);
                id.or_else(identifier).or_else(name).or(empty)
            }
            _ => None,
        }
    }
}

impl ConnectWise {
    /// Checks and resolves what a mapping made.
    ///
    /// # Errors
    /// `validation` with every problem at once; what look-ups fail with.
    pub(super) async fn prepare(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        mut scene: Scene,
    ) -> Result<Prepared, Failure> {
        let mut prepared = Prepared::default();
        let mut problems = Problems::default();
        for name in REFERENCES {
            let Some(value) = fields.get(name) else {
                continue;
            };
            let resolved = match Named::of(name, value) {
                Some(named) => self.resolve(call, name, named, scene).await,
                None => Err(Failure::new(
                    Category::Validation,
                    format!("{name}: {value} names nothing"),
                )
                .hint(format!("Map to {name}.name or {name}.id."))),
            };
            let Some(resolved) = problems.take(resolved)? else {
                continue;
            };
            match name {
                "board" => scene.board = at(&resolved, &["id"]).and_then(Value::as_i64),
                "company" => scene.company = at(&resolved, &["id"]).and_then(Value::as_i64),
                _ => {}
            }
            prepared.fields.push((name.to_owned(), resolved));
        }
        for (name, value) in fields {
            if REFERENCES.contains(&name.as_str()) {
                continue;
            }
            match plain(name, value) {
                Ok(Plain::Field(value)) => prepared.fields.push((name.clone(), value)),
                Ok(Plain::Note(place, text)) => prepared.notes.push((place, text)),
                Ok(Plain::Nothing) => {}
                Ok(Plain::Custom) => match custom::wanted(value) {
                    Ok(wanted) => prepared.custom.extend(wanted),
                    Err(wrong) => problems.texts.extend(wrong),
                },
                Err(problem) => problems.texts.push(problem),
            }
        }
        problems.none_or(prepared)
    }

    async fn resolve(
        &self,
        call: &Call,
        field: &str,
        named: Named,
        scene: Scene,
    ) -> Result<Value, Failure> {
        let named = match named {
            Named::Nothing => return Ok(Value::Null),
            Named::Id(id) => return Ok(json!({"id": id})),
            Named::Identifier(identifier) if field == "company" => {
                return self.company(call, "identifier", &identifier).await;
            }
            Named::Identifier(identifier) => return Ok(json!({"identifier": identifier})),
            Named::Name(name) => name,
        };
        let table = match field {
            "board" => Some(Table::Boards),
            "status" => scene.board.map(Table::Statuses),
            "type" => scene.board.map(Table::Types),
            "subType" => scene.board.map(Table::SubTypes),
            "item" => scene.board.map(Table::Items),
            "team" => scene.board.map(Table::Teams),
            "priority" => Some(Table::Priorities),
            "source" => Some(Table::Sources),
            "serviceLocation" => Some(Table::Locations),
            "site" => scene.company.map(Table::Sites),
            "company" => return self.company(call, "name", &named).await,
            "contact" => return self.contact(call, &named, scene).await,
            _ => None,
        };
        match table {
            Some(table) => {
                Ok(json!({"id": self.tables.id_of(&self.session, call, table, &named).await?}))
            }
            // Without a board or company the site resolves the name by its own defaults.
            None => Ok(json!({"name": named})),
        }
    }

    async fn company(&self, call: &Call, field: &str, value: &str) -> Result<Value, Failure> {
        let ask = Ask::get(
            "company/companies",
            Right::ReadCompanies,
            format!("look up company `{value}`"),
        )
        .query("conditions", format!("{field}={}", quoted(value)))
        .query("fields", "id,identifier,name");
        let found = self.session.list(call, &ask).await?;
        only_one(&found, &format!("company of {field} `{value}`"))
    }

    async fn contact(&self, call: &Call, name: &str, scene: Scene) -> Result<Value, Failure> {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let mut conditions = format!("firstName={}", quoted(first));
        if !last.trim().is_empty() {
            conditions.extend([" and lastName=", &quoted(last.trim())]);
        }
        if let Some(company) = scene.company {
            conditions.extend([" and company/id=", &company.to_string()]);
        }
        let ask = Ask::get(
            "company/contacts",
            Right::ReadContacts,
            format!("look up contact `{name}`"),
        )
        .query("conditions", conditions)
        .query("fields", "id,firstName,lastName");
        let found = self.session.list(call, &ask).await?;
        only_one(&found, &format!("contact `{name}`"))
    }
}

fn only_one(found: &[Value], what: &str) -> Result<Value, Failure> {
    match found {
        [one] => Ok(json!({"id": one.get("id")})),
        [] => Err(
            Failure::new(Category::Validation, format!("ConnectWise has no {what}"))
                .hint("Correct the value in the mapping, or add it in ConnectWise."),
        ),
        _ => Err(Failure::new(
            Category::Validation,
            format!("ConnectWise has more than one {what}"),
        )
        .hint("Map its id instead, so that there is no doubt which one is meant.")),
    }
}

/// What a plain value becomes.
enum Plain {
    Field(Value),
    Note(Place, String),
    Custom,
    Nothing,
}

fn plain(name: &str, value: &Value) -> Result<Plain, String> {
    let place = match name {
        "initialDescription" => Some(Place::Discussion),
        "internalAnalysis" | "initialInternalAnalysis" => Some(Place::Internal),
        "resolution" | "initialResolution" => Some(Place::Resolution),
        _ => None,
    };
    if let Some(place) = place {
        return match value {
            Value::String(text) if !text.trim().is_empty() => Ok(Plain::Note(place, text.clone())),
            // A note can't be taken back by sending nothing.
            Value::String(_) | Value::Null => Ok(Plain::Nothing),
            _ => Err(format!("{name}: {value} is no text")),
        };
    }
    if name == "customFields" {
        return Ok(Plain::Custom);
    }
    if SIDE_RECORDS.contains(&name) {
        return Err(format!(
            "{name} is no field of a ticket; it is written as an entry of its own"
        ));
    }
    let known = known(name);
    if known.is_some_and(|Known(.., used, _)| *used == Use::Read) {
        return Err(format!("{name} can't be written; ConnectWise sets it"));
    }
    if let (Some(Known(.., Some(longest))), Value::String(text)) = (known, value) {
        let length = text.chars().count();
        if length > *longest {
            return Err(format!(
                "{name} has {length} characters and takes {longest}: shorten it in the mapping (in Jsonnet: std.substr(text, 0, {longest}))"
            ));
        }
    }
    match (name, known, value) {
        ("severity" | "impact", _, Value::String(text)) => {
            let levels = ["Low", "Medium", "High"];
            let level = levels
                .into_iter()
                .find(|level| level.eq_ignore_ascii_case(text.trim()));
            level
                .map(|level| Plain::Field(level.into()))
                .ok_or_else(|| format!("{name}: `{text}` is none of Low, Medium, High"))
        }
        (_, Some(Known(_, _, FieldKind::DateTime, ..)), Value::String(text)) => {
            let moment =
                moment(text).ok_or_else(|| format!("{name}: `{text}` is no date and time"))?;
            Ok(Plain::Field(moment.into()))
        }
        _ => Ok(Plain::Field(value.clone())),
    }
}

/// Problems gathered so that all are told at once.
#[derive(Default)]
struct Problems {
    texts: Vec<String>,
}

impl Problems {
    /// Takes a validation failure down and goes on; any other failure ends it.
    fn take(&mut self, result: Result<Value, Failure>) -> Result<Option<Value>, Failure> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.category == Category::Validation => {
                let hint = failure
                    .hint
                    .map(|hint| format!(" — {hint}"))
                    .unwrap_or_default();
                self.texts.push(format!("{}{hint}", failure.cause));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    fn none_or(self, prepared: Prepared) -> Result<Prepared, Failure> {
        if self.texts.is_empty() {
            Ok(prepared)
        } else {
            Err(refused(&self.texts))
        }
    }
}

/// A validation failure that tells several problems.
pub(super) fn refused(problems: &[String]) -> Failure {
    Failure::new(
        Category::Validation,
        format!("ConnectWise would not take this: {}", problems.join("; ")),
    )
    .hint("Correct the mapping rules of the fields named.")
}

/// A moment as the vendor writes it: `yyyy-MM-ddTHH:mm:ssZ`. A text without zone is taken as UTC.
pub(super) fn moment(text: &str) -> Option<String> {
    let text = text.trim();
    let moment: Timestamp = text.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// One element of a change: the vendor's own form, with a bare path.
pub(super) fn operation(path: &str, value: &Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

/// Whether a stored value is what was sent, as far as it can be told: objects by id, else identifier, else name.
pub(super) fn alike(stored: &Value, sent: &Value) -> bool {
    match (stored, sent) {
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => {
            text.trim().is_empty()
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::String(one), Value::String(other)) => {
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            plain(one) == plain(other)
                || moment(one)
                    .zip(moment(other))
                    .is_some_and(|(one, other)| one == other)
        }
        (Value::Object(_), Value::Object(_)) => ["id", "identifier", "name"]
            .iter()
            .find(|name| at(sent, &[name]).is_some())
            .is_none_or(|name| match (stored.get(name), sent.get(name)) {
                (Some(Value::String(one)), Some(Value::String(other))) => {
                    one.to_lowercase() == other.to_lowercase()
                }
                (one, other) => one == other,
            }),
        // What is not sent as false or 0 is often not answered either.
        (Value::Null, Value::Bool(false)) => true,
        (one, other) => one == other,
    }
}

/// The fields that a change did not reach although the answer was a success: they are as they were before.
pub(super) fn unreached(sent: &[(String, Value)], before: &Value, after: &Value) -> Vec<String> {
    let of = |object: &Value, name: &str| object.get(name).cloned().unwrap_or_default();
    let is_unreached = |(name, value): &&(String, Value)| {
        let after = of(after, name);
        if name == "customFields" {
            return custom_unreached(value, &of(before, name), &after);
        }
        // A workflow rule may turn what we sent into something else; what stands unchanged was not taken.
        !alike(&after, value) && alike(&after, &of(before, name))
    };
    sent.iter()
        .filter(is_unreached)
        .map(|(name, _)| name.clone())
        .collect()
}

fn custom_unreached(sent: &Value, before: &Value, after: &Value) -> bool {
    let (Value::Array(sent), Value::Array(before)) = (sent, before) else {
        return false;
    };
    let after = after.as_array().map(Vec::as_slice).unwrap_or_default();
    let changed = sent
        .iter()
        .filter(|field| !custom::is_stored(before, field));
    changed.clone().count() > 0
        && changed.into_iter().any(|field| {
            !custom::is_stored(after, field)
                && before
                    .iter()
                    .any(|old| old.get("id") == field.get("id") && custom::is_stored(after, old))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_named_in_every_way_people_write() {
        let named = |field: &str, value: Value| Named::of(field, &value);
        assert_eq!(
            named("status", json!({"name": " New "})),
            Some(Named::Name("New".into()))
        );
        assert_eq!(
            named("status", json!("New")),
            Some(Named::Name("New".into()))
        );
        assert_eq!(
            named("status", json!({"id": "42", "name": "x"})),
            Some(Named::Id(42))
        );
        assert_eq!(named("status", json!(42)), Some(Named::Id(42)));
        assert_eq!(
            named("owner", json!("jdoe")),
            Some(Named::Identifier("jdoe".into()))
        );
        assert_eq!(
            named("company", json!({"identifier": "acme", "name": "Acme"})),
            Some(Named::Identifier("acme".into()))
        );
        assert_eq!(named("site", json!(null)), Some(Named::Nothing));
        assert_eq!(named("site", json!({"id": null})), Some(Named::Nothing));
        assert_eq!(named("site", json!([1])), None);
        assert_eq!(named("site", json!({"colour": "red"})), None);
    }

    fn field(name: &str, value: &Value) -> Result<Value, String> {
        match plain(name, value)? {
            Plain::Field(value) => Ok(value),
            _ => Err("no field".into()),
        }
    }

    #[test]
    fn plain_values_keep_to_the_vendors_limits() {
        assert_eq!(
            field("summary", &json!("x".repeat(100))).unwrap(),
            json!("x".repeat(100))
        );
        let long = field("summary", &json!("ü".repeat(101))).unwrap_err();
        assert!(long.contains("101 characters and takes 100"), "{long}");
        assert_eq!(field("impact", &json!(" high")).unwrap(), json!("High"));
        assert!(field("severity", &json!("Severe")).is_err());
        assert_eq!(
            field("requiredDate", &json!("2025-01-20 09:00:00")).unwrap(),
            json!("2025-01-20T09:00:00Z")
        );
        assert_eq!(
            field("requiredDate", &json!("2025-01-20T09:00:00.5+02:00")).unwrap(),
            json!("2025-01-20T07:00:00Z")
        );
        assert_eq!(
            field("requiredDate", &json!("2025-01-20")).unwrap(),
            json!("2025-01-20T00:00:00Z")
        );
        assert!(field("requiredDate", &json!("soon")).is_err());
        assert!(
            field("closedFlag", &json!(true))
                .unwrap_err()
                .contains("can't be written")
        );
        assert!(
            field("schedule", &json!({}))
                .unwrap_err()
                .contains("entry of its own")
        );
        assert_eq!(field("somethingNew", &json!(1)).unwrap(), json!(1));
    }

    #[test]
    fn a_false_success_is_told_from_a_change_by_others() {
        let before =
            json!({"status": {"id": 1, "name": "New"}, "summary": "a", "budgetHours": null});
        let sent = vec![
            ("status".to_owned(), json!({"id": 2})),
            ("summary".to_owned(), json!("b")),
        ];
        let stored = json!({"status": {"id": 2, "name": "Done"}, "summary": "b"});
        assert!(unreached(&sent, &before, &stored).is_empty());
        assert_eq!(unreached(&sent, &before, &before), ["status", "summary"]);
        let turned = json!({"status": {"id": 3, "name": "Assigned by rule"}, "summary": "b"});
        assert!(unreached(&sent, &before, &turned).is_empty());
        let hours = vec![("budgetHours".to_owned(), json!(4))];
        assert_eq!(unreached(&hours, &before, &json!({})), ["budgetHours"]);
        assert!(unreached(&hours, &before, &json!({"budgetHours": 4.0})).is_empty());
    }

    #[test]
    fn custom_fields_that_were_not_taken_are_noticed() {
        let before = json!({"customFields": [{"id": 1, "value": "a"}, {"id": 2, "value": 1}]});
        let sent = vec![(
            "customFields".to_owned(),
            json!([{"id": 1, "value": "b"}, {"id": 2, "value": 1}]),
        )];
        assert_eq!(unreached(&sent, &before, &before), ["customFields"]);
        let stored = json!({"customFields": [{"id": 2, "value": 1.0}, {"id": 1, "value": "b"}]});
        assert!(unreached(&sent, &before, &stored).is_empty());
    }
}
