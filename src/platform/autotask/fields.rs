//! The fields of a kind of object, as `entityInformation` describes them.
//!
//! Picklist values are texts there and whole numbers on objects; what a list depends on is named by its parent. A
//! user-defined field's type stands under `type`, a standard one's under `dataType`; its value is always text.

use serde_json::Value;

use super::filter::same;
use crate::model::{FieldKind, Timestamp};
use crate::platform::basics::{is_empty, is_true, text, text_at};

/// Whether a field is the vendor's or the customer's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The vendor's.
    Standard,
    /// User-defined.
    UserDefined,
}

/// A value of a picklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) parent: Option<String>,
    pub(super) active: bool,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntityField {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) origin: Origin,
    pub(super) kind: FieldKind,
    pub(super) length: Option<usize>,
    pub(super) required: bool,
    pub(super) read_only: bool,
    pub(super) queryable: bool,
    pub(super) choices: Vec<Choice>,
    /// The field that its choices depend on.
    pub(super) parent: Option<String>,
}

/// The fields of a kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) all: Vec<EntityField>,
}

impl Fields {
    /// Takes in a description; of a field that is told twice, the first counts.
    pub(super) fn add(&mut self, answer: &Value, origin: Origin) {
        let fields = answer.get("fields").and_then(Value::as_array);
        for field in fields.into_iter().flatten() {
            if let Some(field) = EntityField::read(field, origin)
                && self.find(&field.name, origin).is_none()
            {
                self.all.push(field);
            }
        }
    }

    /// The field of a name; the vendor itself does not mind the case of its letters.
    pub(super) fn find(&self, name: &str, origin: Origin) -> Option<&EntityField> {
        let mut fields = self.all.iter().filter(|field| field.origin == origin);
        fields.find(|field| field.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn standard(&self, name: &str) -> Option<&EntityField> {
        self.find(name, Origin::Standard)
    }

    /// The label of a picklist value.
    pub(super) fn label(&self, field: &str, value: &Value) -> Option<&str> {
        let value = text(value);
        let choices = &self.standard(field)?.choices;
        let choice = choices.iter().find(|choice| choice.value == value)?;
        Some(&choice.label)
    }
}

impl EntityField {
    fn read(field: &Value, origin: Origin) -> Option<Self> {
        let name = text_at(field, &["name"])?.to_owned();
        let data_type = text_at(field, &["dataType"]).or_else(|| text_at(field, &["type"]));
        let length = field.get("length").and_then(Value::as_u64);
        let choices = field.get("picklistValues").and_then(Value::as_array);
        Some(Self {
            label: text_at(field, &["label"]).unwrap_or(&name).to_owned(),
            origin,
            kind: kind(data_type.unwrap_or_default()),
            length: length
                .filter(|length| *length > 0)
                .and_then(|length| usize::try_from(length).ok()),
            required: is_true(field, "isRequired"),
            read_only: is_true(field, "isReadOnly"),
            queryable: field.get("isQueryable") != Some(&Value::Bool(false)),
            choices: choices.into_iter().flatten().filter_map(choice).collect(),
            parent: text_at(field, &["picklistParentValueField"]).map(str::to_owned),
            name,
        })
    }

    /// A value as the field takes it, without loss or not at all. `parent` is what the field that its choices depend on
    /// holds.
    ///
    /// # Errors
    /// What the field takes instead.
    pub(super) fn fit(&self, value: &Value, parent: Option<&Value>) -> Result<Value, String> {
        if is_empty(value) {
            return Ok(match self.origin {
                Origin::Standard => Value::Null,
                Origin::UserDefined => "".into(),
            });
        }
        if !self.choices.is_empty() {
            let chosen = self.choose(value, parent)?;
            return match self.origin {
                Origin::UserDefined => Ok(chosen.value.clone().into()),
                Origin::Standard => Ok(chosen
                    .value
                    .parse::<i64>()
                    .map_or_else(|_| chosen.value.clone().into(), Value::from)),
            };
        }
        match self.origin {
            Origin::Standard => fit(self.kind, value, self.length)
                .ok_or_else(|| format!("it takes {}", taken(self.kind))),
            Origin::UserDefined => match value {
                Value::Object(_) | Value::Array(_) => Err("it takes text".to_owned()),
                other => Ok(cut(&text(other), self.length).into()),
            },
        }
    }

    fn choose(&self, value: &Value, parent: Option<&Value>) -> Result<&Choice, String> {
        let wanted = text(value);
        let wanted = wanted.trim();
        let parent = parent.filter(|parent| !is_empty(parent)).map(text);
        let belongs = |choice: &&Choice| match (&choice.parent, &parent) {
            (Some(of), Some(parent)) => of == parent,
            _ => true,
        };
        let mut by_value = self.choices.iter().filter(belongs);
        let mut by_label = self.choices.iter().filter(belongs);
        let found = by_value
            .find(|choice| choice.value == wanted)
            .or_else(|| by_label.find(|choice| choice.active && same(&choice.label, wanted)));
        found.ok_or_else(|| {
            let listed: Vec<String> = self
                .choices
                .iter()
                .filter(belongs)
                .filter(|choice| choice.active)
                .take(40)
                .map(|choice| format!("{} ({})", choice.label, choice.value))
                .collect();
            format!("it allows: {}", listed.join(", "))
        })
    }
}

fn choice(value: &Value) -> Option<Choice> {
    let stands_for = value.get("value").filter(|value| !is_empty(value))?;
    let parent = value.get("parentValue").filter(|parent| !is_empty(parent));
    Some(Choice {
        value: text(stands_for),
        label: text_at(value, &["label"]).unwrap_or_default().to_owned(),
        parent: parent.map(text),
        active: value.get("isActive") != Some(&Value::Bool(false)),
    })
}

fn kind(data_type: &str) -> FieldKind {
    match data_type.to_ascii_lowercase().as_str() {
        "integer" | "long" | "short" | "byte" => FieldKind::Integer,
        "decimal" | "double" | "float" | "number" => FieldKind::Number,
        "boolean" => FieldKind::Boolean,
        "datetime" | "date" => FieldKind::DateTime,
        _ => FieldKind::Text,
    }
}

fn fit(kind: FieldKind, value: &Value, length: Option<usize>) -> Option<Value> {
    match (kind, value) {
        (_, Value::Object(_) | Value::Array(_)) => None,
        (FieldKind::Integer, Value::Number(number)) => {
            let whole = number.as_i64().is_some() || number.as_u64().is_some();
            whole.then(|| value.clone())
        }
        (FieldKind::Integer, Value::String(text)) => {
            text.trim().parse::<i64>().ok().map(Value::from)
        }
        (FieldKind::Number, Value::Number(_)) | (FieldKind::Boolean, Value::Bool(_)) => {
            Some(value.clone())
        }
        (FieldKind::Number, Value::String(text)) => {
            let number = text.trim().parse::<f64>().ok()?;
            serde_json::Number::from_f64(number).map(Value::Number)
        }
        (FieldKind::Boolean, Value::String(text)) => match text.trim() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        (FieldKind::DateTime, Value::String(text)) => {
            moment(text).map(|moment| moment.to_string().into())
        }
        (FieldKind::Integer | FieldKind::Number | FieldKind::Boolean | FieldKind::DateTime, _) => {
            None
        }
        _ => Some(cut(&text(value), length).into()),
    }
}

/// A text no longer than a field takes; that something was cut off is to be seen.
pub(super) fn cut(text: &str, length: Option<usize>) -> String {
    match length {
        Some(length) if text.chars().count() > length => {
            let kept: String = text.chars().take(length.saturating_sub(1)).collect();
            format!("{kept}…")
        }
        _ => text.to_owned(),
    }
}

fn taken(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Integer => "a whole number",
        FieldKind::Number => "a number",
        FieldKind::Boolean => "true or false",
        FieldKind::DateTime => "a date and time like 2026-01-31T15:00:00Z",
        _ => "text",
    }
}

/// A moment as the vendor writes it: UTC, with or without a sign that it is, to the day, second or fraction.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Fields {
        let mut fields = Fields::default();
        fields.add(
            &json!({"fields": [
                {"name": "status", "dataType": "integer", "isRequired": true, "isPickList": true, "picklistValues": [
                    {"value": "1", "label": "New", "isActive": true},
                    {"value": "5", "label": "Complete", "isActive": true},
                    {"value": "9", "label": "Old", "isActive": false}]},
                {"name": "status", "dataType": "string"},
                {"name": "subIssueType", "dataType": "integer", "picklistParentValueField": "issueType", "picklistValues": [
                    {"value": "20", "label": "Other", "parentValue": "2", "isActive": true},
                    {"value": "30", "label": "Other", "parentValue": "3", "isActive": true}]},
                {"name": "title", "dataType": "string", "length": 5},
                {"name": "dueDateTime", "dataType": "datetime"},
                {"name": "estimatedHours", "dataType": "decimal"},
                {"name": "companyID", "dataType": "integer", "length": 0},
            ]}),
            Origin::Standard,
        );
        fields.add(
            &json!({"fields": [{"name": "Test UDF", "label": "Test UDF", "type": "string", "length": 8000,
                "picklistValues": [{"value": "1", "label": "One", "parentValue": null, "isActive": true}]},
                {"name": "Site Code", "type": "string", "length": 4}]}),
            Origin::UserDefined,
        );
        fields
    }

    #[test]
    fn a_picklist_takes_values_and_labels() {
        let fields = fields();
        let status = fields.standard("Status").unwrap();
        assert_eq!(status.kind, FieldKind::Integer);
        for value in [json!(5), json!("5"), json!("complete"), json!(" Complete ")] {
            assert_eq!(status.fit(&value, None), Ok(json!(5)), "{value}");
        }
        assert_eq!(status.fit(&json!(9), None), Ok(json!(9)));
        let why = status.fit(&json!("Old"), None).unwrap_err();
        assert_eq!(why, "it allows: New (1), Complete (5)");
        assert_eq!(status.fit(&json!(""), None), Ok(json!(null)));
        assert_eq!(fields.label("status", &json!(1)), Some("New"));
        let test = fields.find("Test UDF", Origin::UserDefined).unwrap();
        assert_eq!(test.fit(&json!("one"), None), Ok(json!("1")));
    }

    #[test]
    fn a_dependent_list_follows_its_parent() {
        let fields = fields();
        let sub = fields.standard("subIssueType").unwrap();
        assert_eq!(sub.fit(&json!("Other"), Some(&json!(3))), Ok(json!(30)));
        assert_eq!(sub.fit(&json!("Other"), Some(&json!("2"))), Ok(json!(20)));
        assert!(sub.fit(&json!(20), Some(&json!(3))).is_err());
    }

    #[test]
    fn values_are_fitted_without_loss() {
        let fields = fields();
        let fit = |name: &str, value: Value| fields.standard(name).unwrap().fit(&value, None);
        assert_eq!(fit("title", json!("Switches")), Ok(json!("Swit…")));
        assert_eq!(fit("title", json!(12)), Ok(json!("12")));
        assert!(fit("title", json!({})).is_err());
        assert_eq!(fit("companyID", json!("0")), Ok(json!(0)));
        assert!(fit("companyID", json!("ACME")).is_err());
        assert_eq!(fit("estimatedHours", json!("1.5")), Ok(json!(1.5)));
        assert_eq!(
            fit("dueDateTime", json!("2030-03-21 09:00:00")),
            Ok(json!("2030-03-21T09:00:00Z"))
        );
        assert!(fit("dueDateTime", json!("soon")).is_err());
        let udf = fields.find("Site Code", Origin::UserDefined).unwrap();
        assert_eq!(udf.fit(&json!(12345), None), Ok(json!("123…")));
    }

    #[test]
    fn moments_are_utc_however_they_are_written() {
        for text in [
            "2019-09-05T08:23:00.000Z",
            "2019-09-05T08:23:00",
            "2019-09-05 08:23:00",
            "2019-09-05T08:23:00.000",
        ] {
            assert_eq!(
                moment(text).unwrap().to_string(),
                "2019-09-05T08:23:00Z",
                "{text}"
            );
        }
        assert!(moment("2019-09-05").is_some());
        assert_eq!(
            moment("2019-10-29T14:14:47.64300000-04:00:00"),
            moment("2019-10-29T18:14:47.643Z")
        );
        assert_eq!(moment("soon"), None);
    }
}
