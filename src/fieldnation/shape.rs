//! From what a mapping makes to the shapes that REST v2 stores.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::address::{country_code, state_code};
use super::directory::{CompanyFields, Names, unknown};
use super::moment;
use super::target;
use super::work_order::{id_of, text_of};
use crate::model::{Category, Failure};

/// What is to be done with the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new work order: defaults are filled in.
    Create,
    /// Only what changed: nothing is filled in, and null empties.
    Update,
}

/// A custom field and what goes into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CustomWrite {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) value: String,
}

/// The output in Field Nation's shapes, by the calls that write them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shaped {
    pub(super) general: Map<String, Value>,
    pub(super) schedule: Map<String, Value>,
    pub(super) location: Map<String, Value>,
    pub(super) pay: Map<String, Value>,
    pub(super) custom: Vec<CustomWrite>,
}

/// What the company knows, as far as the output needs it.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    pub(super) fields: Arc<CompanyFields>,
    pub(super) types_of_work: Arc<Names>,
    pub(super) managers: Arc<Names>,
}

/// Members of the request that are written by the general call, with their shape.
const GENERAL: [(&str, General); 27] = [
    ("title", General::Text),
    ("incident_id", General::Text),
    ("description", General::Html),
    ("confidential", General::Html),
    ("client", General::Id),
    ("project", General::Id),
    ("template", General::Id),
    ("service_contract", General::Id),
    ("team", General::Id),
    ("manager", General::Manager),
    ("types_of_work", General::TypesOfWork),
    ("contacts", General::Contacts),
    ("printable", General::Truth),
    ("allow_counter_offers", General::Truth),
    ("require_gps", General::Truth),
    ("require_ontime", General::Truth),
    ("ignore_template", General::Truth),
    ("isUniversalTemplate", General::Truth),
    ("qualificationsEnabled", General::Truth),
    ("defaultTemplateId", General::Number),
    ("smart_audit_rule_id", General::Number),
    ("service_types", General::Ids),
    ("equipments", General::Ids),
    ("networks", General::Results),
    ("tasks", General::Results),
    ("shipments", General::Results),
    ("auto_dispatch_rule", General::AsItIs),
];

/// The shapes of general members.
#[derive(Clone, Copy, Debug)]
enum General {
    Text,
    Html,
    Id,
    Manager,
    TypesOfWork,
    Contacts,
    Truth,
    Number,
    Ids,
    Results,
    AsItIs,
}

/// Roles that a contact may have, by Field Nation's exact names.
pub(super) const CONTACT_ROLES: [&str; 6] = [
    "Project manager",
    "Location Contact",
    "Resource coordinator",
    "Emergency contact",
    "Technical help",
    "Check-in / Check-out",
];

/// How pay is reckoned.
pub(super) const PAY_TYPES: [&str; 4] = ["fixed", "hourly", "device", "blended"];

/// What a location is.
pub(super) const LOCATION_MODES: [&str; 3] = ["custom", "remote", "location"];

/// What a service window means.
pub(super) const WINDOW_MODES: [&str; 3] = ["exact", "between", "hours"];

/// The output under Field Nation's names, and what is wrong with it so far.
#[derive(Debug)]
pub(super) struct Draft {
    output: Map<String, Value>,
    problems: Vec<String>,
    purpose: Purpose,
}

impl Draft {
    pub(super) fn new(output: &Map<String, Value>, purpose: Purpose) -> Self {
        let mut output = output.clone();
        let mut problems = Vec::new();
        target::rename(&mut output, &mut problems);
        Self {
            output,
            problems,
            purpose,
        }
    }

    /// Whether custom fields are written.
    pub(super) fn needs_fields(&self) -> bool {
        self.output.keys().any(|key| is_custom_key(key))
    }

    /// Whether a type of work is given by its name.
    pub(super) fn needs_types_of_work(&self) -> bool {
        let types = self.output.get("types_of_work").map(items);
        types.is_some_and(|types| types.iter().any(|item| reference(item).is_none()))
    }

    /// Whether the manager is given by name.
    pub(super) fn needs_managers(&self) -> bool {
        let manager = self.output.get("manager");
        manager.is_some_and(|manager| reference(manager).is_none() && !manager.is_null())
    }

    /// Shapes everything, or says everything that is wrong.
    pub(super) fn shape(self, lookups: &Lookups) -> Result<Shaped, Failure> {
        let mut shaper = Shaper {
            lookups,
            purpose: self.purpose,
            problems: self.problems,
            shaped: Shaped::default(),
        };
        for (name, value) in self.output {
            shaper.member(&name, value);
        }
        shaper.finish()
    }
}

fn is_custom_key(key: &str) -> bool {
    key == "custom_fields" || key.starts_with("custom_field_")
}

/// The id in `62`, `"62"` or `{"id": 62}`.
fn reference(value: &Value) -> Option<u64> {
    id_of(value).or_else(|| id_of(value.get("id")?))
}

/// The name in `"Cabling"` or `{"name": "Cabling"}`.
fn name_in(value: &Value) -> Option<String> {
    text_of(value).or_else(|| text_of(value.get("name")?))
}

/// A list, be it given as list, as `{results: […]}` or as its one item.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(object) if object.contains_key("results") => {
            object.get("results").map(items).unwrap_or_default()
        }
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

struct Shaper<'a> {
    lookups: &'a Lookups,
    purpose: Purpose,
    problems: Vec<String>,
    shaped: Shaped,
}

impl Shaper<'_> {
    fn finish(self) -> Result<Shaped, Failure> {
        if self.problems.is_empty() {
            return Ok(self.shaped);
        }
        Err(Failure::new(
            Category::Validation,
            format!(
                "the mapping's output does not fit Field Nation: {}",
                self.problems.join("; ")
            ),
        )
        .hint(
            "Mend the rules for these targets; `fieldbridge connector fields` lists what there is.",
        ))
    }

    fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    fn member(&mut self, name: &str, value: Value) {
        if value.is_null() && self.purpose == Purpose::Create {
            return;
        }
        match name {
            "schedule" => self.section(name, value, Self::schedule),
            "location" => self.section(name, value, Self::location),
            "pay" => self.section(name, value, Self::pay),
            "custom_fields" => self.custom_fields(&value),
            "site_revisit" => {
                self.shaped.general.insert(name.to_owned(), value);
            }
            _ => {
                if let Some(id) = name.strip_prefix("custom_field_") {
                    self.custom_field(id, &value);
                } else if let Some((_, shape)) = GENERAL.iter().find(|(known, _)| *known == name) {
                    if let Some(value) = self.general(name, *shape, value) {
                        self.shaped.general.insert(name.to_owned(), value);
                    }
                } else {
                    let sections = [
                        "schedule",
                        "location",
                        "pay",
                        "custom_fields",
                        "site_revisit",
                    ];
                    let known = GENERAL.iter().map(|(name, _)| *name).chain(sections);
                    self.problem(unknown("field", name, known));
                }
            }
        }
    }

    fn section(&mut self, name: &str, value: Value, shape: fn(&mut Self, Map<String, Value>)) {
        match value {
            Value::Object(members) => shape(self, members),
            Value::Null => {}
            other => self.problem(format!("`{name}` takes an object, not {other}")),
        }
    }

    fn general(&mut self, name: &str, shape: General, value: Value) -> Option<Value> {
        match shape {
            General::Text => Some(text(&value)),
            General::Html => Some(html(value)),
            General::Id => self.id_object(name, &value),
            General::Manager => self.manager(&value),
            General::TypesOfWork => self.types_of_work(&value),
            General::Contacts => self.contacts(&value),
            General::Truth => self.truth(name, &value),
            General::Number => self.number(name, &value),
            General::Ids => {
                let ids = items(&value).into_iter();
                Some(
                    ids.map(|item| id_of(&item).map_or(item, |id| json!({ "id": id })))
                        .collect(),
                )
            }
            General::Results => Some(json!({ "results": items(&value) })),
            General::AsItIs => Some(value),
        }
    }

    fn id_object(&mut self, name: &str, value: &Value) -> Option<Value> {
        let id = reference(value);
        if id.is_none() && !value.is_null() {
            self.problem(format!(
                "`{name}.id` takes the number of a Field Nation object, not {value}"
            ));
        }
        id.map(|id| json!({ "id": id }))
    }

    fn manager(&mut self, value: &Value) -> Option<Value> {
        if let Some(id) = reference(value) {
            return Some(json!({ "id": id }));
        }
        let name = name_in(value)?;
        let id = self.lookups.managers.id(&name);
        if id.is_none() {
            let known = self
                .lookups
                .managers
                .0
                .iter()
                .map(|(_, name)| name.as_str());
            self.problem(unknown("manager", &name, known));
        }
        id.map(|id| json!({ "id": id }))
    }

    fn types_of_work(&mut self, value: &Value) -> Option<Value> {
        let mut shaped = Vec::new();
        for item in items(value) {
            let id = match (reference(&item), name_in(&item)) {
                (Some(id), _) => id,
                (None, Some(name)) => match self.lookups.types_of_work.id(&name) {
                    Some(id) => id,
                    None => {
                        let known = self.lookups.types_of_work.0.iter();
                        let sentence =
                            unknown("type of work", &name, known.map(|(_, name)| name.as_str()));
                        self.problem(sentence);
                        continue;
                    }
                },
                (None, None) => continue,
            };
            let primary = item.get("isPrimary").and_then(Value::as_bool);
            shaped.push(json!({"id": id, "isPrimary": primary.unwrap_or(shaped.is_empty())}));
        }
        (!shaped.is_empty()).then_some(Value::Array(shaped))
    }

    fn contacts(&mut self, value: &Value) -> Option<Value> {
        let mut shaped = Vec::new();
        for item in items(value) {
            let Value::Object(mut contact) = item else {
                self.problem(format!(
                    "`contacts` takes objects with name, role, phone and email, not {item}"
                ));
                continue;
            };
            contact.retain(|_, value| text_of(value).is_some());
            if contact.keys().all(|key| key == "role") {
                continue;
            }
            let role = contact.get("role").and_then(text_of);
            let role = role.unwrap_or_else(|| "Location Contact".to_owned());
            match CONTACT_ROLES
                .iter()
                .find(|known| known.eq_ignore_ascii_case(&role))
            {
                Some(known) => contact.insert("role".to_owned(), json!(known)),
                None => {
                    self.problem(unknown("contact role", &role, CONTACT_ROLES.into_iter()));
                    continue;
                }
            };
            for (name, value) in &mut contact {
                if name != "id" {
                    *value = text(value);
                }
            }
            shaped.push(Value::Object(contact));
        }
        (!shaped.is_empty()).then(|| json!({ "results": shaped }))
    }

    fn truth(&mut self, name: &str, value: &Value) -> Option<Value> {
        match text_of(value).as_deref() {
            Some("true" | "1") => Some(json!(true)),
            Some("false" | "0") => Some(json!(false)),
            None => None,
            Some(other) => {
                self.problem(format!("`{name}` takes true or false, not `{other}`"));
                None
            }
        }
    }

    fn number(&mut self, name: &str, value: &Value) -> Option<Value> {
        if value.is_number() {
            return Some(value.clone());
        }
        let text = text_of(value)?;
        let number = serde_json::from_str::<serde_json::Number>(&text).ok();
        if number.is_none() {
            self.problem(format!("`{name}` takes a number, not `{text}`"));
        }
        number.map(Value::Number)
    }

    fn word(&mut self, name: &str, value: &Value, known: &[&'static str]) -> Option<Value> {
        let text = text_of(value)?;
        let found = known.iter().find(|word| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            self.problem(format!("`{name}` takes {}, not `{text}`", known.join(", ")));
        }
        found.map(|word| json!(word))
    }

    fn schedule(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            match name.as_str() {
                "service_window" => self.service_window(value),
                "time_zone" => {
                    if let Some(zone) = self.id_object("schedule.time_zone", &value) {
                        self.shaped.schedule.insert(name, zone);
                    }
                }
                "schedule_note" => {
                    self.shaped.schedule.insert(name, text(&value));
                }
                "schedule_option" => {
                    if let Some(number) = self.number("schedule.schedule_option", &value) {
                        self.shaped.schedule.insert(name, number);
                    }
                }
                _ => {
                    let known = [
                        "service_window",
                        "time_zone",
                        "schedule_note",
                        "schedule_option",
                        "start",
                        "end",
                    ];
                    self.problem(format!(
                        "schedule: {}",
                        unknown("field", &name, known.into_iter())
                    ));
                }
            }
        }
    }

    fn service_window(&mut self, value: Value) {
        let Value::Object(members) = value else {
            self.problem("`schedule.service_window` takes an object with mode, start and end");
            return;
        };
        let mut window = Map::new();
        for (name, value) in members {
            if value.is_null() {
                continue;
            }
            let place = format!("schedule.service_window.{name}");
            match name.as_str() {
                "mode" => {
                    if let Some(mode) = self.word(&place, &value, &WINDOW_MODES) {
                        window.insert(name, mode);
                    }
                }
                "start" | "end" => match moment::shape(&value) {
                    Ok(moment) => {
                        window.insert(name, moment);
                    }
                    Err(why) => self.problem(format!("`{place}`: {why}")),
                },
                _ => self.problem(unknown(
                    "field",
                    &place,
                    ["mode", "start", "end"].into_iter(),
                )),
            }
        }
        if window.is_empty() {
            return;
        }
        if self.purpose == Purpose::Create && !window.contains_key("mode") {
            window.insert("mode".to_owned(), json!(default_window_mode(&window)));
        }
        self.shaped
            .schedule
            .insert("service_window".to_owned(), Value::Object(window));
    }

    fn location(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            let shaped = match name.as_str() {
                "mode" => self.word("location.mode", &value, &LOCATION_MODES),
                "address1" | "address2" | "city" | "zip" | "display_name" | "save_location" => {
                    Some(text(&value))
                }
                "state" => Some(json!(state_code(&text_of(&value).unwrap_or_default()))),
                "country" => self.country(&value),
                "type" => self.id_object("location.type", &value),
                "saved_location" => self.id_object("location.saved_location", &value),
                "save_location_group" => self.number("location.save_location_group", &value),
                _ => {
                    let known = [
                        "mode",
                        "address1",
                        "address2",
                        "city",
                        "state",
                        "zip",
                        "country",
                        "display_name",
                        "type",
                        "saved_location",
                    ];
                    self.problem(format!(
                        "location: {}",
                        unknown("field", &name, known.into_iter())
                    ));
                    None
                }
            };
            if let Some(shaped) = shaped {
                self.shaped.location.insert(name, shaped);
            }
        }
        let location = &mut self.shaped.location;
        if self.purpose == Purpose::Create && !location.is_empty() && !location.contains_key("mode")
        {
            let mode = if location.contains_key("saved_location") {
                "location"
            } else {
                "custom"
            };
            location.insert("mode".to_owned(), json!(mode));
        }
    }

    fn country(&mut self, value: &Value) -> Option<Value> {
        // ConnectWise and others give an object with a name.
        let text = name_in(value)?;
        let code = country_code(&text);
        if code.is_none() {
            self.problem(format!(
                "`location.country` takes a two-letter code, and `{text}` is no country we know"
            ));
        }
        code.map(Value::String)
    }

    fn pay(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            let shaped = match name.as_str() {
                "type" => self.word("pay.type", &value, &PAY_TYPES),
                "hours" => self.number("pay.hours", &value),
                "base" | "additional" => self.rate(&name, value),
                "finance" => self.id_object("pay.finance", &value),
                "bonuses" | "penalties" | "expenses" => Some(value),
                _ => {
                    let known = ["type", "hours", "base", "additional", "finance"];
                    self.problem(format!(
                        "pay: {}",
                        unknown("field", &name, known.into_iter())
                    ));
                    None
                }
            };
            if let Some(shaped) = shaped {
                self.shaped.pay.insert(name, shaped);
            }
        }
    }

    fn rate(&mut self, name: &str, value: Value) -> Option<Value> {
        let Value::Object(members) = value else {
            self.problem(format!(
                "`pay.{name}` takes an object with amount and units"
            ));
            return None;
        };
        let mut rate = Map::new();
        for (part, value) in members {
            let place = format!("pay.{name}.{part}");
            if !matches!(part.as_str(), "amount" | "units") {
                self.problem(unknown("field", &place, ["amount", "units"].into_iter()));
            } else if let Some(number) = self.number(&place, &value) {
                rate.insert(part, number);
            }
        }
        if self.purpose == Purpose::Create
            && rate.contains_key("amount")
            && !rate.contains_key("units")
        {
            rate.insert("units".to_owned(), json!(1));
        }
        (!rate.is_empty()).then_some(Value::Object(rate))
    }

    /// Takes `{"Site #": "5521", "129": "…"}`, lists of `{id|name, value}`, and Field Nation's own nested groups.
    fn custom_fields(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                match members.get("results").filter(|results| results.is_array()) {
                    Some(results) => self.custom_fields(results),
                    None => {
                        for (name, value) in members {
                            self.custom_field(name, value);
                        }
                    }
                }
            }
            Value::Array(list) => {
                for item in list {
                    if let Some(inner) = item.get("results") {
                        self.custom_fields(inner);
                    } else if let Some(name) = ["id", "name"]
                        .iter()
                        .find_map(|key| text_of(item.get(*key)?))
                    {
                        self.custom_field(&name, item.get("value").unwrap_or(&Value::Null));
                    } else {
                        self.problem(format!(
                            "a custom field needs id or name and a value, not {item}"
                        ));
                    }
                }
            }
            _ => {}
        }
    }

    fn custom_field(&mut self, name: &str, value: &Value) {
        if value.is_null() && self.purpose == Purpose::Create {
            return;
        }
        let Some(field) = self.lookups.fields.find(name) else {
            let sentence = self.lookups.fields.unknown(name);
            self.problem(sentence);
            return;
        };
        if value.is_array() || value.is_object() {
            self.problem(format!(
                "the custom field `{}` takes text, not {value}",
                field.name
            ));
            return;
        }
        let value = text_of(value).unwrap_or_default();
        let options = &field.options;
        if !options.is_empty() && !value.is_empty() && !options.contains(&value) {
            let sentence = unknown("option", &value, options.iter().map(String::as_str));
            self.problem(format!("custom field `{}`: {sentence}", field.name));
            return;
        }
        if self.shaped.custom.iter().any(|other| other.id == field.id) {
            self.problem(format!("two rules write the custom field `{}`", field.name));
            return;
        }
        self.shaped.custom.push(CustomWrite {
            id: field.id,
            name: field.name.clone(),
            value,
        });
    }
}

/// What a service window without a mode means: a range when it has an end, else a time of arrival.
pub(super) fn default_window_mode(window: &Map<String, Value>) -> &'static str {
    if window.contains_key("end") {
        "between"
    } else {
        "exact"
    }
}

fn text(value: &Value) -> Value {
    Value::String(text_of(value).unwrap_or_default())
}

/// Text goes in as HTML; plain lines would run together there, so they are broken visibly.
fn html(value: Value) -> Value {
    let text = match value {
        Value::Object(mut parts) => match parts.shift_remove("html") {
            Some(html) => html,
            None => return Value::Object(parts),
        },
        other => other,
    };
    let text = text_of(&text).unwrap_or_default();
    if looks_like_html(&text) || !text.contains('\n') {
        return json!({ "html": text });
    }
    let lines: Vec<&str> = text.lines().collect();
    json!({ "html": lines.join("<br>\n") })
}

fn looks_like_html(text: &str) -> bool {
    text.split('<').skip(1).any(|rest| {
        let mut letters = rest.chars();
        let first = letters.next();
        let tag = first.is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '/');
        tag && rest.contains('>')
    })
}

impl Shaped {
    /// The body of a create: everything in one, but what only an update can write.
    pub(super) fn create_body(&self) -> Value {
        let mut body = self.general.clone();
        let mut schedule = self.schedule.clone();
        schedule.retain(|name, _| matches!(name.as_str(), "service_window" | "time_zone"));
        let mut location = self.location.clone();
        location.retain(|name, _| !name.starts_with("save_location"));
        for (name, section) in [
            ("location", location),
            ("schedule", schedule),
            ("pay", self.pay.clone()),
        ] {
            if !section.is_empty() {
                body.insert(name.to_owned(), Value::Object(section));
            }
        }
        if !self.custom.is_empty() {
            let fields = self
                .custom
                .iter()
                .map(|field| json!({"id": field.id, "value": field.value}));
            let group: Vec<Value> = fields.collect();
            body.insert(
                "custom_fields".to_owned(),
                json!({"results": [{"results": group}]}),
            );
        }
        Value::Object(body)
    }

    /// Whether nothing is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.general.is_empty()
            && self.schedule.is_empty()
            && self.location.is_empty()
            && self.pay.is_empty()
            && self.custom.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::directory::CompanyField;
    use super::*;

    fn lookups() -> Lookups {
        let field = |id, name: &str, options: &[&str]| CompanyField {
            id,
            name: name.to_owned(),
            kind: "text".to_owned(),
            is_required: false,
            is_internal: false,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        };
        Lookups {
            fields: Arc::new(CompanyFields(vec![
                field(129, "Site #", &[]),
                field(36, "Region", &["North", "South"]),
            ])),
            types_of_work: Arc::new(Names(vec![(62, "Cabling".to_owned())])),
            managers: Arc::new(Names(vec![(7, "Sample Manager".to_owned())])),
        }
    }

    fn shape(purpose: Purpose, output: Value) -> Result<Shaped, Failure> {
        Draft::new(output.as_object().unwrap(), purpose).shape(&lookups())
    }

    #[test]
    fn a_mapping_s_output_becomes_the_create_body() {
        let shaped = shape(
            Purpose::Create,
            json!({
                "title": "Router Installation - Site 42",
                "description": {"html": "line one\nline two"},
                "confidential": "<p>Code 1234</p>",
                "type_of_work": "Cabling",
                "manager": "Sample Manager",
                "location": {"address1": "123 Test St", "city": "Minneapolis", "state": "Minnesota", "zip": 55401,
                             "country": "United States"},
                "contact": {"name": "Sample Contact", "email": "contact@example.com"},
                "schedule": {"start": "2026-07-01T09:00:00Z"},
                "pay": {"type": "Fixed", "base": {"amount": "150.00"}},
                "custom_fields": {"Site #": 5521},
                "custom_field_36": "North",
                "require_gps": "true",
            }),
        )
        .unwrap();
        assert_eq!(
            shaped.create_body(),
            json!({
                "title": "Router Installation - Site 42",
                "description": {"html": "line one<br>\nline two"},
                "confidential": {"html": "<p>Code 1234</p>"},
                "types_of_work": [{"id": 62, "isPrimary": true}],
                "manager": {"id": 7},
                "contacts": {"results": [{"name": "Sample Contact", "email": "contact@example.com",
                                          "role": "Location Contact"}]},
                "require_gps": true,
                "location": {"mode": "custom", "address1": "123 Test St", "city": "Minneapolis", "state": "MN",
                             "zip": "55401", "country": "US"},
                "schedule": {"service_window": {"mode": "exact", "start": {"utc": "2026-07-01 09:00:00"}}},
                "pay": {"type": "fixed", "base": {"amount": 150.00, "units": 1}},
                "custom_fields": {"results": [{"results": [{"id": 129, "value": "5521"}, {"id": 36, "value": "North"}]}]},
            })
        );
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let failure = shape(
            Purpose::Create,
            json!({
                "titel": "x",
                "priority": "High",
                "location": {"country": "Atlantis", "streat": "1"},
                "pay": {"type": "weekly", "base": {"amount": "much"}},
                "schedule": {"start": "soon"},
                "custom_fields": {"Sit #": "1", "Region": "West"},
                "contacts": [{"name": "x", "role": "Boss"}],
                "type_of_work": "Cableing",
            }),
        )
        .unwrap_err();
        assert_eq!(failure.category, Category::Validation);
        for wanted in [
            "`titel`; the nearest is `title`",
            "no priority",
            "Atlantis",
            "`streat`",
            "fixed, hourly, device, blended",
            "`much`",
            "`soon` is no date",
            "`Sit #`; the nearest is `Site #`",
            "option `West`",
            "`Boss`",
            "`Cableing`; the nearest is `Cabling`",
        ] {
            assert!(
                failure.cause.contains(wanted),
                "{wanted}: {}",
                failure.cause
            );
        }
    }

    #[test]
    fn an_update_fills_in_nothing_and_null_empties() {
        let shaped = shape(
            Purpose::Update,
            json!({"location": {"city": "Duluth"}, "custom_fields": {"129": null}, "pay": {"base": {"amount": 5}}}),
        )
        .unwrap();
        assert_eq!(
            shaped.location,
            json!({"city": "Duluth"}).as_object().unwrap().clone()
        );
        assert_eq!(
            shaped.pay,
            json!({"base": {"amount": 5}}).as_object().unwrap().clone()
        );
        assert_eq!(shaped.custom[0].value, "");
        assert!(
            shape(Purpose::Create, json!({"custom_fields": {"129": null}}))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn custom_fields_are_taken_in_every_form() {
        for given in [
            json!({"custom_fields": {"results": [{"results": [{"id": 129, "value": "5"}]}]}}),
            json!({"custom_fields": {"results": [{"id": "129", "value": 5}]}}),
            json!({"custom_fields": [{"name": "Site #", "value": "5"}]}),
            json!({"custom_field_129": "5"}),
        ] {
            let shaped = shape(Purpose::Create, given.clone()).unwrap();
            assert_eq!(
                shaped.custom,
                [CustomWrite {
                    id: 129,
                    name: "Site #".into(),
                    value: "5".into()
                }],
                "{given}"
            );
        }
    }
}
