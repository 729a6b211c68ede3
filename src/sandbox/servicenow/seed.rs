//! What the instance begins with: people, places, its own dictionary; and the rules it came with.

use std::collections::HashMap;

use super::backend::{Backend, Row, first_row};
use super::schema::{self, Column};
use crate::sandbox::places::PLACES;

/// A dispatcher at the screen.
pub(super) const DISPATCHER: &str = "sample.dispatcher";
/// Who calls for the stores.
pub(super) const CALLER: &str = "store.manager";
/// The customer.
pub(super) const COMPANY: &str = "Sample Stores Inc.";
/// The group that works in the field.
pub(super) const GROUP: &str = "Field Services";

/// Fills an empty instance.
pub(super) fn fill(backend: &Backend) {
    let now = backend.now();
    let add = |table: &'static str, values: &[(&'static str, &str)]| {
        let mut all: Vec<(&'static str, String)> = values
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        for name in ["sys_created_on", "sys_updated_on"] {
            all.push((name, now.clone()));
        }
        for name in ["sys_created_by", "sys_updated_by"] {
            all.push((name, "glide.maint".to_owned()));
        }
        let row = first_row(backend.new_id(), table, &all);
        let id = row.id.clone();
        backend.books().keep(row);
        id
    };
    let zone = backend.settings.time_zone.clone();
    let user = backend.settings.user_name.clone();
    for (user_name, name, phone, zone) in [
        (user.as_str(), "Field Nation Integration", "", zone.as_str()),
        (DISPATCHER, "Sample Dispatcher", "555-0101", ""),
        (CALLER, "Store Manager", "555-0100", ""),
    ] {
        let email = format!("{user_name}@example.com");
        add(
            "sys_user",
            &[
                ("user_name", user_name),
                ("name", name),
                ("email", &email),
                ("phone", phone),
                ("mobile_phone", ""),
                ("time_zone", zone),
                ("active", "true"),
                ("locked_out", "false"),
            ],
        );
    }
    add("sys_user_group", &[("name", GROUP)]);
    add("core_company", &[("name", COMPANY)]);
    add("cmdb_ci", &[("name", "Register 3")]);
    for place in &PLACES {
        add(
            "cmn_location",
            &[
                ("name", place.code),
                ("street", place.street),
                ("city", place.city),
                ("state", place.state),
                ("zip", place.zip),
                ("country", "USA"),
            ],
        );
    }
    let mut ids: HashMap<&str, String> = HashMap::new();
    for table in schema::TABLES {
        let parent = ids.get(table.parent).cloned().unwrap_or_default();
        let values: [(&'static str, &str); 3] = [
            ("name", table.name),
            ("label", table.label),
            ("super_class", &parent),
        ];
        let id = add("sys_db_object", &values);
        ids.insert(table.name, id);
        // The table's own entry, and a field's.
        add(
            "sys_dictionary",
            &[
                ("name", table.name),
                ("element", ""),
                ("internal_type", "collection"),
            ],
        );
        let system = if table.parent.is_empty() {
            schema::SYSTEM
        } else {
            &[]
        };
        for column in system.iter().chain(table.columns) {
            let entry = dictionary_entry(table.name, column);
            let entry: Vec<(&'static str, &str)> = entry
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            add("sys_dictionary", &entry);
        }
    }
    for (place, choice) in schema::CHOICES.iter().enumerate() {
        let sequence = place.to_string();
        for (language, inactive) in [("en", "false"), ("de", "false")] {
            let label = if language == "en" {
                choice.label.to_owned()
            } else {
                format!("{} (de)", choice.label)
            };
            add(
                "sys_choice",
                &[
                    ("name", choice.table),
                    ("element", choice.element),
                    ("value", choice.value),
                    ("label", &label),
                    ("language", language),
                    ("sequence", &sequence),
                    ("inactive", inactive),
                ],
            );
        }
    }
    add(
        "sys_choice",
        &[
            ("name", "incident"),
            ("element", "state"),
            ("value", "4"),
            ("label", "Awaiting Evidence"),
            ("language", "en"),
            ("sequence", "99"),
            ("inactive", "true"),
        ],
    );
}

fn dictionary_entry(table: &str, column: &Column) -> [(&'static str, String); 8] {
    let is_fixed = column.name.starts_with("sys_");
    [
        ("name", table.to_owned()),
        ("element", column.name.to_owned()),
        ("column_label", column.label.to_owned()),
        ("internal_type", column.kind.to_owned()),
        ("reference", column.reference.to_owned()),
        ("mandatory", column.mandatory.to_string()),
        ("read_only", is_fixed.to_string()),
        ("max_length", column.max_length.to_string()),
    ]
}

/// What a new task holds before anybody wrote into it.
pub(super) fn usual_values(row: &mut Row, now: &str, opener: String) {
    row.set("sys_class_name", row.table);
    row.set("state", "1");
    row.set("active", "true");
    row.set("impact", "3");
    row.set("urgency", "3");
    row.set("priority", "5");
    row.set("opened_at", now);
    row.set("opened_by", opener);
    if row.table == "incident" {
        row.set("incident_state", "1");
        row.set("category", "inquiry");
        row.set("u_send_to_fn", "false");
    }
}

/// The rules that an instance has for incidents: two names for the state, a priority that follows impact and urgency,
/// the times that a state brings with it.
pub(super) fn settle_incident(before: Option<&Row>, row: &mut Row, now: &str) {
    let changed =
        |row: &Row, name: &str| before.is_none_or(|before| before.value(name) != row.value(name));
    if changed(row, "incident_state") && !changed(row, "state") {
        let state = row.value("incident_state").to_owned();
        row.set("state", state);
    } else {
        let state = row.value("state").to_owned();
        row.set("incident_state", state);
    }
    row.set(
        "priority",
        priority(row.value("impact"), row.value("urgency")),
    );
    let is_active = !matches!(row.value("state"), "7" | "8");
    row.set("active", is_active.to_string());
    if changed(row, "state") {
        match row.value("state") {
            "6" => row.set("resolved_at", now),
            "7" | "8" => row.set("closed_at", now),
            _ => {}
        }
    }
}

fn priority(impact: &str, urgency: &str) -> &'static str {
    let number = |text: &str| text.parse::<u32>().unwrap_or(3);
    match number(impact) + number(urgency) {
        0..=2 => "1",
        3 => "2",
        4 => "3",
        5 => "4",
        _ => "5",
    }
}
