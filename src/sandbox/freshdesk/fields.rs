//! The made-up account's ticket fields, and the four shapes in which their choices are shown.

use serde_json::{Map, Value, json};

/// The statuses, with the labels agents and customers see. From 6 on they are the account's own.
pub(super) const STATUSES: [(u64, &str, &str); 8] = [
    (2, "Open", "Being Processed"),
    (3, "Pending", "Awaiting your Reply"),
    (4, "Resolved", "This ticket has been Resolved"),
    (5, "Closed", "This ticket has been Closed"),
    (6, "Waiting on Customer", "Awaiting your Reply"),
    (7, "Waiting on Third Party", "Being Processed"),
    (8, "Field service required", "A technician is being sent"),
    (9, "Technician on site", "A technician is on site"),
];

pub(super) const PRIORITIES: [(u64, &str); 4] =
    [(1, "Low"), (2, "Medium"), (3, "High"), (4, "Urgent")];

pub(super) const SOURCES: [(u64, &str); 6] = [
    (1, "Email"),
    (2, "Portal"),
    (3, "Phone"),
    (7, "Chat"),
    (9, "Feedback Widget"),
    (10, "Outbound Email"),
];

pub(super) const TYPES: [&str; 5] = [
    "Question",
    "Incident",
    "Problem",
    "Feature Request",
    "Field Service",
];

/// What a custom field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CustomType {
    Text,
    Checkbox,
    Number,
    Date,
    Dropdown(&'static [&'static str]),
    /// The top of a dependent field; the levels below are fields of their own.
    Nested,
}

impl CustomType {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "custom_text",
            Self::Checkbox => "custom_checkbox",
            Self::Number => "custom_number",
            Self::Date => "custom_date",
            Self::Dropdown(_) => "custom_dropdown",
            Self::Nested => "nested_field",
        }
    }

    /// What the vendor calls the type a value must have.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::Text | Self::Dropdown(_) | Self::Nested => "String",
            Self::Checkbox => "Boolean",
            Self::Number => "Integer",
            Self::Date => "Date",
        }
    }
}

/// A custom field. Names are the account's: one carries the numeric suffix newer accounts have.
pub(super) struct CustomField {
    pub(super) id: u64,
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: CustomType,
}

const fn custom(id: u64, name: &'static str, label: &'static str, kind: CustomType) -> CustomField {
    CustomField {
        id,
        name,
        label,
        kind,
    }
}

const EQUIPMENT: &[&str] = &["Register", "Router", "Switch", "Printer", "Display"];

pub(super) static CUSTOM_FIELDS: [CustomField; 11] = [
    custom(101, "cf_site_code", "Site code", CustomType::Text),
    custom(102, "cf_site_address", "Site address", CustomType::Text),
    custom(103, "cf_site_city", "Site city", CustomType::Text),
    custom(104, "cf_site_state", "Site state", CustomType::Text),
    custom(105, "cf_site_zip", "Site ZIP", CustomType::Text),
    custom(
        106,
        "cf_fn_work_order",
        "Field Nation work order",
        CustomType::Text,
    ),
    custom(
        107,
        "cf_equipment_297457",
        "Equipment",
        CustomType::Dropdown(EQUIPMENT),
    ),
    custom(108, "cf_lift_needed", "Lift needed", CustomType::Checkbox),
    custom(109, "cf_budget", "Budget", CustomType::Number),
    custom(110, "cf_visit_date", "Visit date", CustomType::Date),
    custom(111, "cf_region", "Region", CustomType::Nested),
];

/// The districts of each area.
type Areas = &'static [(&'static str, &'static [&'static str])];

/// The levels of the dependent field: region, area, district.
const REGIONS: &[(&str, Areas)] = &[
    (
        "West",
        &[
            ("California", &["Sacramento", "San Diego"]),
            ("Oregon", &["Portland"]),
        ],
    ),
    (
        "Midwest",
        &[("Minnesota", &["Minneapolis"]), ("Ohio", &["Columbus"])],
    ),
];

/// A custom field by name.
pub(super) fn custom_field(name: &str) -> Option<&'static CustomField> {
    CUSTOM_FIELDS.iter().find(|field| field.name == name)
}

/// The values a dropdown or the top of a dependent field allows.
pub(super) fn allowed(kind: CustomType) -> Vec<&'static str> {
    match kind {
        CustomType::Dropdown(choices) => choices.to_vec(),
        CustomType::Nested => REGIONS.iter().map(|(name, _)| *name).collect(),
        _ => Vec::new(),
    }
}

/// The label of a status.
pub(super) fn status_label(status: u64) -> &'static str {
    let found = STATUSES.iter().find(|(id, _, _)| *id == status);
    found.map_or("", |(_, label, _)| label)
}

/// The label of a priority.
pub(super) fn priority_label(priority: u64) -> &'static str {
    let found = PRIORITIES.iter().find(|(id, _)| *id == priority);
    found.map_or("", |(_, label)| label)
}

/// What an agent must fill in.
const REQUIRED: [&str; 5] = ["subject", "description", "status", "priority", "requester"];

fn shown(id: u64, name: &str, label: &str, kind: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "label": label,
        "description": null,
        "position": id,
        "type": kind,
        "default": kind.starts_with("default_"),
        "required_for_closure": false,
        "required_for_agents": REQUIRED.contains(&name),
        "customers_can_edit": true,
        "displayed_to_customers": true,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    })
}

/// The default fields, with their choices as `GET /ticket_fields` shows them.
fn default_fields() -> Vec<(Value, Option<Value>)> {
    let numbered = |rows: &[(u64, &str)]| -> Value {
        rows.iter()
            .map(|(id, label)| ((*label).to_owned(), json!(id)))
            .collect::<Map<_, _>>()
            .into()
    };
    let statuses = STATUSES
        .iter()
        .map(|(id, agent, customer)| (id.to_string(), json!([agent, customer])));
    let statuses = Value::Object(statuses.collect());
    vec![
        (
            shown(1, "requester", "Search a requester", "default_requester"),
            None,
        ),
        (shown(2, "subject", "Subject", "default_subject"), None),
        (
            shown(3, "ticket_type", "Type", "default_ticket_type"),
            Some(json!(TYPES)),
        ),
        (
            shown(4, "source", "Source", "default_source"),
            Some(numbered(&SOURCES)),
        ),
        (
            shown(5, "status", "Status", "default_status"),
            Some(statuses),
        ),
        (
            shown(6, "priority", "Priority", "default_priority"),
            Some(numbered(&PRIORITIES)),
        ),
        (
            shown(7, "group", "Group", "default_group"),
            Some(json!({"Field Operations": 501})),
        ),
        (
            shown(8, "agent", "Agent", "default_agent"),
            Some(json!({"Integration Agent": 301})),
        ),
        (
            shown(9, "description", "Description", "default_description"),
            None,
        ),
        (shown(10, "company", "Company", "default_company"), None),
    ]
}

fn nested_choices() -> Value {
    let areas = |areas: &[(&str, &[&str])]| -> Value {
        let area = areas
            .iter()
            .map(|(name, districts)| ((*name).to_owned(), json!(districts)));
        Value::Object(area.collect())
    };
    let regions = REGIONS
        .iter()
        .map(|(name, inner)| ((*name).to_owned(), areas(inner)));
    Value::Object(regions.collect())
}

/// `GET /ticket_fields`: choices in four shapes.
pub(super) fn ticket_fields() -> Value {
    let mut fields = Vec::new();
    for (mut field, choices) in default_fields() {
        if let Some(choices) = choices {
            field["choices"] = choices;
        }
        fields.push(field);
    }
    for field in &CUSTOM_FIELDS {
        let mut entry = shown(field.id, field.name, field.label, field.kind.word());
        match field.kind {
            CustomType::Dropdown(choices) => entry["choices"] = json!(choices),
            CustomType::Nested => {
                entry["choices"] = nested_choices();
                entry["nested_ticket_fields"] = json!(levels(field.id));
            }
            _ => {}
        }
        fields.push(entry);
    }
    Value::Array(fields)
}

/// The fields below the top of the dependent field.
fn levels(parent: u64) -> Value {
    json!([
        {"id": 112, "name": "cf_area", "label": "Area", "label_in_portal": "Area", "level": 2, "ticket_field_id": parent},
        {"id": 113, "name": "cf_district", "label": "District", "label_in_portal": "District", "level": 3, "ticket_field_id": parent},
    ])
}

/// `GET /admin/ticket_fields`: choices are always a list of objects.
pub(super) fn admin_ticket_fields() -> Value {
    let choice = |id: u64, position: usize, value: &str, parent: u64, inner: Vec<Value>| json!({"id": id, "position": position + 1, "value": value, "parent_choice_id": parent, "choices": inner});
    let flat = |parent: u64, values: &[&str]| -> Vec<Value> {
        let row = |(position, value): (usize, &&str)| {
            choice(
                parent * 100 + position as u64,
                position,
                value,
                parent,
                Vec::new(),
            )
        };
        values.iter().enumerate().map(row).collect()
    };
    let mut fields = Vec::new();
    for (mut field, _) in default_fields() {
        let id = field["id"].as_u64().unwrap_or_default();
        let labels: Vec<&str> = match id {
            3 => TYPES.to_vec(),
            4 => SOURCES.iter().map(|(_, label)| *label).collect(),
            5 => STATUSES.iter().map(|(_, label, _)| *label).collect(),
            6 => PRIORITIES.iter().map(|(_, label)| *label).collect(),
            _ => Vec::new(),
        };
        if !labels.is_empty() {
            field["choices"] = json!(flat(id, &labels));
        }
        fields.push(field);
    }
    for field in &CUSTOM_FIELDS {
        let mut entry = shown(field.id, field.name, field.label, field.kind.word());
        entry["archived"] = json!(false);
        match field.kind {
            CustomType::Dropdown(choices) => entry["choices"] = json!(flat(field.id, choices)),
            CustomType::Nested => {
                let mut next = field.id * 1_000;
                let regions = REGIONS
                    .iter()
                    .enumerate()
                    .map(|(position, (region, areas))| {
                        next += 100;
                        let region_id = next;
                        let areas =
                            areas
                                .iter()
                                .enumerate()
                                .map(|(position, (area, districts))| {
                                    next += 10;
                                    let area_id = next;
                                    let districts = flat(area_id, districts);
                                    choice(area_id, position, area, region_id, districts)
                                });
                        let areas = areas.collect();
                        choice(region_id, position, region, field.id, areas)
                    });
                entry["choices"] = regions.collect();
                entry["dependent_fields"] = levels(field.id);
            }
            _ => {}
        }
        fields.push(entry);
    }
    Value::Array(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(fields: &Value, name: &str) -> Value {
        let mut list = fields.as_array().unwrap().iter();
        list.find(|field| field["name"] == name).unwrap().clone()
    }

    #[test]
    fn choices_come_in_four_shapes() {
        let fields = ticket_fields();
        let choices = |name: &str| field(&fields, name)["choices"].clone();
        assert_eq!(choices("status")["8"][0], "Field service required");
        assert_eq!(choices("priority")["Urgent"], 4);
        assert_eq!(choices("cf_equipment_297457")[1], "Router");
        assert_eq!(choices("cf_region")["West"]["Oregon"], json!(["Portland"]));
        assert_eq!(choices("cf_site_code"), Value::Null);
    }

    #[test]
    fn administrators_always_see_lists_of_objects() {
        let fields = admin_ticket_fields();
        let choices = |name: &str| field(&fields, name)["choices"].clone();
        assert_eq!(choices("status")[6]["value"], "Field service required");
        assert_eq!(choices("cf_equipment_297457")[0]["parent_choice_id"], 107);
        let region = &choices("cf_region")[0];
        assert_eq!(region["choices"][1]["choices"][0]["value"], "Portland");
        assert_eq!(region["choices"][1]["parent_choice_id"], region["id"]);
    }
}
