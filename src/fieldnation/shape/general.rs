//! The shaping itself, member by member; every problem is gathered and told at once.

use serde_json::{Map, Value, json};

use super::{CONTACT_ROLES, Lookups, Purpose, Shaped};
use crate::fieldnation::directory::unknown;
use crate::fieldnation::work_order::{id_of, text_of};
use crate::model::{Category, Failure};

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

pub(super) struct Shaper<'a> {
    pub(super) lookups: &'a Lookups,
    pub(super) purpose: Purpose,
    pub(super) problems: Vec<String>,
    pub(super) shaped: Shaped,
}

impl Shaper<'_> {
    pub(super) fn finish(self) -> Result<Shaped, Failure> {
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

    pub(super) fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    pub(super) fn member(&mut self, name: &str, value: Value) {
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

    pub(super) fn id_object(&mut self, name: &str, value: &Value) -> Option<Value> {
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
            let Some(id) = reference(&item).or_else(|| self.type_of_work(&item)) else {
                continue;
            };
            let primary = item.get("isPrimary").and_then(Value::as_bool);
            shaped.push(json!({"id": id, "isPrimary": primary.unwrap_or(shaped.is_empty())}));
        }
        (!shaped.is_empty()).then_some(Value::Array(shaped))
    }

    fn type_of_work(&mut self, item: &Value) -> Option<u64> {
        let name = name_in(item)?;
        let types = &self.lookups.types_of_work;
        let id = types.id(&name);
        if id.is_none() {
            let known = types.0.iter().map(|(_, name)| name.as_str());
            self.problem(unknown("type of work", &name, known));
        }
        id
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
            let Some(role) = CONTACT_ROLES
                .iter()
                .find(|known| known.eq_ignore_ascii_case(&role))
            else {
                self.problem(unknown("contact role", &role, CONTACT_ROLES.into_iter()));
                continue;
            };
            contact.insert("role".to_owned(), json!(role));
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

    pub(super) fn number(&mut self, name: &str, value: &Value) -> Option<Value> {
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

    pub(super) fn word(
        &mut self,
        name: &str,
        value: &Value,
        known: &[&'static str],
    ) -> Option<Value> {
        let text = text_of(value)?;
        let found = known.iter().find(|word| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            self.problem(format!("`{name}` takes {}, not `{text}`", known.join(", ")));
        }
        found.map(|word| json!(word))
    }
}

pub(super) fn text(value: &Value) -> Value {
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

/// The id in `62`, `"62"` or `{"id": 62}`.
pub(super) fn reference(value: &Value) -> Option<u64> {
    id_of(value).or_else(|| id_of(value.get("id")?))
}

/// The name in `"Cabling"` or `{"name": "Cabling"}`.
pub(super) fn name_in(value: &Value) -> Option<String> {
    text_of(value).or_else(|| text_of(value.get("name")?))
}

/// A list, be it given as list, as `{results: […]}` or as its one item.
pub(super) fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(object) if object.contains_key("results") => {
            object.get("results").map(items).unwrap_or_default()
        }
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}
