//! From what a mapping makes to the shapes that REST v2 stores.

mod custom_field;
mod general;
mod section;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::general::{Shaper, items, reference};
pub(super) use self::section::default_window_mode;
use super::directory::{CompanyFields, Names};
use super::target;
use crate::model::Failure;

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
    use crate::model::Category;

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

    fn shape(purpose: Purpose, output: &Value) -> Result<Shaped, Failure> {
        Draft::new(output.as_object().unwrap(), purpose).shape(&lookups())
    }

    #[test]
    fn a_mapping_s_output_becomes_the_create_body() {
        let shaped = shape(
            Purpose::Create,
            &json!({
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
            &json!({
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
            &json!({"location": {"city": "Duluth"}, "custom_fields": {"129": null}, "pay": {"base": {"amount": 5}}}),
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
            shape(Purpose::Create, &json!({"custom_fields": {"129": null}}))
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
            let shaped = shape(Purpose::Create, &given).unwrap();
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
