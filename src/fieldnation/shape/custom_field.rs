//! Custom fields, by name or id.

use serde_json::Value;

use super::general::Shaper;
use super::{CustomWrite, Purpose};
use crate::fieldnation::directory::unknown;
use crate::fieldnation::work_order::text_of;

impl Shaper<'_> {
    /// Takes `{"Site #": "5521", "129": "…"}`, lists of `{id|name, value}`, and Field Nation's own nested groups.
    pub(super) fn custom_fields(&mut self, value: &Value) {
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

    pub(super) fn custom_field(&mut self, name: &str, value: &Value) {
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
