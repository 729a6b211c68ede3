//! Field Nation's custom fields, named without regard to how deep they lie.
//!
//! A work order holds them in groups: `custom_fields.results[].results[]`, each with `id`, `name`
//! and `value`; the one that carries the internal ticket number again as `custom_fields.internal`.

use serde_json::Value;

use super::Segment;
use crate::mapping::value::number_text;

/// The members of `custom_fields` that are structure and no field's name.
const STRUCTURE: [&str; 4] = ["results", "metadata", "internal", "actions"];

/// A custom field that a path may mean, to be looked for when nothing lies at the path itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CustomField {
    name_or_id: Box<str>,
    by_id_alone: bool,
    /// How many steps of the path name the field.
    pub(super) steps: usize,
}

impl CustomField {
    /// The field that `custom_fields["name or id"]` or `custom_field_<id>` at the path's beginning means.
    pub(super) fn named_by(segments: &[Segment]) -> Option<Self> {
        match segments {
            [Segment::Key(first), Segment::Key(name), ..]
                if &**first == "custom_fields" && !STRUCTURE.contains(&&**name) =>
            {
                Some(Self {
                    name_or_id: name.clone(),
                    by_id_alone: false,
                    steps: 2,
                })
            }
            [Segment::Key(first), Segment::Index(id), ..] if &**first == "custom_fields" => {
                Some(Self {
                    name_or_id: id.to_string().into(),
                    by_id_alone: true,
                    steps: 2,
                })
            }
            [Segment::Key(first), ..] => {
                let id = first.strip_prefix("custom_field_")?;
                let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then(|| Self {
                    name_or_id: id.into(),
                    by_id_alone: true,
                    steps: 1,
                })
            }
            _ => None,
        }
    }

    /// Its value in a work order.
    pub(super) fn value<'v>(&self, work_order: &'v Value) -> Option<&'v Value> {
        let fields = work_order.get("custom_fields")?;
        let groups = fields.get("results").and_then(Value::as_array);
        groups
            .into_iter()
            .flatten()
            .find_map(|group| {
                if self.is_named(group) {
                    return Some(group);
                }
                let members = group.get("results").and_then(Value::as_array)?;
                members.iter().find(|field| self.is_named(field))
            })
            .or_else(|| fields.get("internal").filter(|field| self.is_named(field)))?
            .get("value")
    }

    fn is_named(&self, field: &Value) -> bool {
        let has_id = match field.get("id") {
            Some(Value::Number(id)) => *number_text(id) == *self.name_or_id,
            Some(Value::String(id)) => **id == *self.name_or_id,
            _ => false,
        };
        // A group has an id and a name too, but no value.
        field.get("value").is_some()
            && (has_id
                || (!self.by_id_alone
                    && field.get("name").and_then(Value::as_str) == Some(&self.name_or_id)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::mapping::path::Path;

    #[test]
    fn a_custom_field_is_found_by_name_and_by_id_in_any_group() {
        let work_order = json!({"custom_fields": {
            "internal": {"id": 835, "name": "Ticket", "value": "T-1"},
            "results": [
                {"id": 1, "name": "Buyer", "results": [{"id": 129, "name": "Site #", "value": "5521"}]},
                {"id": 2, "name": "Provider", "results": [{"id": 130, "name": "Serial", "value": 7}]},
            ],
        }});
        let read = |text: &str| {
            Path::parse(text)
                .unwrap()
                .read(&work_order)
                .map(std::borrow::Cow::into_owned)
        };
        assert_eq!(read("custom_fields[\"Site #\"]"), Some(json!("5521")));
        assert_eq!(read("custom_fields[\"129\"]"), Some(json!("5521")));
        assert_eq!(read("custom_fields.130"), Some(json!(7)));
        assert_eq!(read("custom_fields[130]"), Some(json!(7)));
        assert_eq!(read("custom_field_130"), Some(json!(7)));
        assert_eq!(read("custom_field_835"), Some(json!("T-1")));
        assert_eq!(read("custom_field_1"), None);
        assert_eq!(read("custom_fields.Buyer"), None);
        assert_eq!(
            read("custom_fields.results[0].results[0].value"),
            Some(json!("5521"))
        );
    }
}
