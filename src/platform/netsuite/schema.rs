//! The description of a record type, as the metadata catalogue gives it: JSON Schema of draft 06.
//!
//! `$ref`s lead to other addresses of the catalogue and are never followed; what they are called tells enough.
//! How the vendor writes `enum` is not known for certain, so it is read in both places where it may stand.

use serde_json::Value;

use crate::model::{FieldKind, PicklistValue};
use crate::platform::basics::{id_text, is_true, text_at};

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A value.
    Plain(FieldKind),
    /// `{id, refName}`: another record or an entry of a list.
    Reference,
    /// An object of its own.
    Subrecord,
    /// A list of objects.
    Sublist,
}

/// One property of a record type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// Its name in bodies and paths.
    pub(super) name: String,
    /// What people call it.
    pub(super) label: String,
    /// What it holds.
    pub(super) shape: Shape,
    /// Whether it is the account's own.
    pub(super) custom: bool,
    /// Whether it can't be written.
    pub(super) read_only: bool,
    /// Whether a new record needs it.
    pub(super) required: bool,
    /// The values it allows, where the description lists them.
    pub(super) choices: Vec<PicklistValue>,
    /// The longest text it takes.
    pub(super) max_length: Option<usize>,
}

/// A record type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schema {
    /// Its properties.
    pub(super) properties: Vec<Property>,
}

/// What the system itself writes.
const SYSTEM: [&str; 10] = [
    "id",
    "refName",
    "createdDate",
    "dateCreated",
    "created",
    "lastModifiedDate",
    "lastModified",
    "caseNumber",
    "version",
    "transactionId",
];

/// Properties that the catalogue lists for support cases and that the vendor's guide says are not accessible through REST.
const CLOSED_FOR_CASES: [&str; 16] = [
    "externalId",
    "incomingMessage",
    "outgoingMessage",
    "internalOnly",
    "messageNew",
    "messageSave",
    "htmlMessage",
    "mediaItem",
    "solutions",
    "timeItem",
    "emailForm",
    "emailEmployees",
    "escalationMessage",
    "customForm",
    "escalateHist",
    "statusHistory",
];

impl Schema {
    /// Reads the description of a record type.
    pub(super) fn read(answer: &Value, is_support_case: bool) -> Self {
        let required: Vec<&str> = answer
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = answer.get("properties").and_then(Value::as_object);
        let mut found: Vec<Property> = properties
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.as_str() != "links")
            .filter(|(name, _)| !(is_support_case && CLOSED_FOR_CASES.contains(&name.as_str())))
            .map(|(name, told)| property(name, told, required.contains(&name.as_str())))
            .collect();
        // The account's own fields last, as people know them from their forms.
        found.sort_by_key(|property| property.custom);
        Self { properties: found }
    }

    /// The property of a name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }
}

fn property(name: &str, told: &Value, required: bool) -> Property {
    let custom = is_true(told, "x-ns-custom-field")
        || [
            "custevent",
            "custbody",
            "custentity",
            "custrecord",
            "custitem",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    Property {
        name: name.to_owned(),
        label: text_at(told, &["title"]).unwrap_or(name).to_owned(),
        shape: shape(told),
        custom,
        read_only: is_true(told, "readOnly") || (!custom && SYSTEM.contains(&name)),
        required,
        choices: choices(told),
        max_length: told
            .get("maxLength")
            .and_then(Value::as_u64)
            .and_then(|length| usize::try_from(length).ok()),
    }
}

fn shape(told: &Value) -> Shape {
    let members = told.get("properties");
    let has = |name: &str| members.is_some_and(|members| members.get(name).is_some());
    let target = text_at(told, &["$ref"]).map(|target| {
        let last = target.rsplit(['/', '#']).next();
        last.unwrap_or_default().to_owned()
    });
    if let Some(target) = target {
        return if target.ends_with("Collection") || target.ends_with("-elements") {
            Shape::Sublist
        } else if target == "nsResource" || !target.contains('-') {
            // Types with a hyphen are parts of their record; others stand for themselves.
            Shape::Reference
        } else {
            Shape::Subrecord
        };
    }
    match text_at(told, &["type"]) {
        Some("string") => Shape::Plain(match text_at(told, &["format"]) {
            Some("date") => FieldKind::Date,
            Some("date-time") => FieldKind::DateTime,
            _ => FieldKind::Text,
        }),
        Some("integer") => Shape::Plain(FieldKind::Integer),
        Some("number") => Shape::Plain(FieldKind::Number),
        Some("boolean") => Shape::Plain(FieldKind::Boolean),
        Some("array") => Shape::Sublist,
        Some("object") if has("items") => Shape::Sublist,
        Some("object") if has("id") && has("refName") => Shape::Reference,
        Some("object") => Shape::Subrecord,
        _ => Shape::Plain(FieldKind::Any),
    }
}

fn choices(told: &Value) -> Vec<PicklistValue> {
    let own = told.get("enum");
    let of_id = told
        .get("properties")
        .and_then(|members| members.get("id"))
        .and_then(|id| id.get("enum"));
    let values = own.or(of_id).and_then(Value::as_array);
    values
        .into_iter()
        .flatten()
        .filter_map(id_text)
        .map(|value| PicklistValue {
            label: value.clone(),
            value,
        })
        .collect()
}

/// The choices of a field, as `type=select-options` gives them; `None` where there are more than were given.
pub(super) fn select_options(answer: &Value, field: &str) -> Option<Vec<PicklistValue>> {
    // The vendor's sample writes the field's name in lower case.
    let members = answer.as_object()?;
    let told = members
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(field))
        .map(|(_, told)| told)?;
    let options = told.get("_selectOptions")?;
    if is_true(options, "hasMore") {
        return None;
    }
    let items = options.get("items")?.as_array()?;
    let choice = |item: &Value| {
        let value = item.get("id").and_then(id_text)?;
        let label = text_at(item, &["refName"]).unwrap_or(&value).to_owned();
        Some(PicklistValue { value, label })
    };
    Some(items.iter().filter_map(choice).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(name: &str) -> Option<Value> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let text = std::fs::read_to_string(format!("{shared}/samples/netsuite/{name}.json")).ok();
        if text.is_none() {
            println!("skipped: the samples are not here");
        }
        Some(serde_json::from_str(&text?).unwrap())
    }

    #[test]
    fn the_vendors_excerpt_is_read() {
        let Some(told) = sample("doc_json_schema_customer_excerpt") else {
            return;
        };
        let schema = Schema::read(&told, false);
        let names: Vec<_> = schema.properties.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["startDate", "custentity_integer"]);
        let custom = schema.property("custentity_integer").unwrap();
        assert!(custom.custom && !custom.read_only);
        assert_eq!(custom.label, "Integer Number");
        assert_eq!(custom.shape, Shape::Plain(FieldKind::Integer));
        let date = schema.property("startDate").unwrap();
        assert_eq!(date.shape, Shape::Plain(FieldKind::Date));
    }

    #[test]
    fn references_lists_and_parts_are_told_apart() {
        let schema = Schema::read(
            &json!({"required": ["title"], "properties": {
                "title": {"title": "Subject", "type": "string", "maxLength": 300},
                "status": {"$ref": "/services/rest/record/v1/metadata-catalog/nsResource"},
                "company": {"type": "object", "properties": {"id": {"type": "string"}, "refName": {"type": "string"}}},
                "addressBook": {"$ref": "/services/rest/record/v1/metadata-catalog/customer-addressBookCollection"},
                "billAddress": {"$ref": "/services/rest/record/v1/metadata-catalog/customer-billAddress"},
                "stage": {"type": "object", "properties": {"id": {"type": "string", "enum": ["OPEN", "CLOSED"]}, "refName": {"type": "string"}}},
                "outgoingMessage": {"type": "string"},
                "lastModifiedDate": {"type": "string", "format": "date-time"},
                "links": {"type": "array"},
            }}),
            true,
        );
        let shape = |name: &str| schema.property(name).map(|property| property.shape);
        assert_eq!(shape("status"), Some(Shape::Reference));
        assert_eq!(shape("company"), Some(Shape::Reference));
        assert_eq!(shape("addressBook"), Some(Shape::Sublist));
        assert_eq!(shape("billAddress"), Some(Shape::Subrecord));
        assert_eq!(shape("outgoingMessage"), None);
        assert_eq!(shape("links"), None);
        assert!(schema.property("title").unwrap().required);
        assert!(schema.property("lastModifiedDate").unwrap().read_only);
        let stage = &schema.property("stage").unwrap().choices;
        assert_eq!(stage.len(), 2);
    }

    #[test]
    fn the_choices_of_a_field_are_read() {
        let Some(told) = sample("doc_select_options") else {
            return;
        };
        let choices = select_options(&told, "entityStatus").unwrap();
        assert_eq!(choices[1].value, "13");
        assert_eq!(choices[1].label, "CUSTOMER-Closed Won");
        assert_eq!(select_options(&told, "status"), None);
        let more = json!({"x": {"_selectOptions": {"items": [], "hasMore": true}}});
        assert_eq!(select_options(&more, "x"), None);
    }

    #[test]
    fn hostile_descriptions_are_harmless() {
        for told in [
            json!(null),
            json!([]),
            json!({"properties": 7}),
            json!({"properties": {"a": null, "b": 7, "c": {"$ref": 1, "enum": 5}}}),
        ] {
            let _ = Schema::read(&told, true);
            assert_eq!(select_options(&told, "a"), None);
        }
    }
}
