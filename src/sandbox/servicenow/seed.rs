//! What the instance begins with: people, places, its own dictionary; and the rules it came with.

use std::collections::HashMap;

use super::backend::Backend;
use super::books::{Row, first_row};
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
    let seed = Seed {
        backend,
        now: backend.now(),
    };
    seed.add_people();
    seed.add_places();
    seed.add_dictionary();
    seed.add_choices();
}

/// Enters rows as the vendor's own installation does.
struct Seed<'a> {
    backend: &'a Backend,
    now: String,
}

impl Seed<'_> {
    fn add(&self, table: &'static str, values: &[(&'static str, &str)]) -> String {
        let system = [
            ("sys_created_on", self.now.as_str()),
            ("sys_updated_on", self.now.as_str()),
            ("sys_created_by", "glide.maint"),
            ("sys_updated_by", "glide.maint"),
        ];
        let all: Vec<(&'static str, String)> = values
            .iter()
            .chain(&system)
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let row = first_row(self.backend.new_id(), table, &all);
        let id = row.id.clone();
        self.backend.books().keep(row);
        id
    }

    fn add_people(&self) {
        let settings = &self.backend.settings;
        let ours = settings.user_name.as_str();
        for (user_name, name, phone, zone) in [
            (
                ours,
                "Field Nation Integration",
                "",
                settings.time_zone.as_str(),
            ),
            (DISPATCHER, "Sample Dispatcher", "555-0101", ""),
            (CALLER, "Store Manager", "555-0100", ""),
        ] {
            let email = format!("{user_name}@example.com");
            let person = [
                ("user_name", user_name),
                ("name", name),
                ("email", email.as_str()),
                ("phone", phone),
                ("mobile_phone", ""),
                ("time_zone", zone),
                ("active", "true"),
                ("locked_out", "false"),
            ];
            self.add("sys_user", &person);
        }
        self.add("sys_user_group", &[("name", GROUP)]);
        self.add("core_company", &[("name", COMPANY)]);
        self.add("cmdb_ci", &[("name", "Register 3")]);
    }

    fn add_places(&self) {
        for place in &PLACES {
            let location = [
                ("name", place.code),
                ("street", place.street),
                ("city", place.city),
                ("state", place.state),
                ("zip", place.zip),
                ("country", "USA"),
            ];
            self.add("cmn_location", &location);
        }
    }

    fn add_dictionary(&self) {
        let mut ids: HashMap<&str, String> = HashMap::new();
        for table in schema::TABLES {
            let parent = ids.get(table.parent).cloned().unwrap_or_default();
            let entry = [
                ("name", table.name),
                ("label", table.label),
                ("super_class", parent.as_str()),
            ];
            ids.insert(table.name, self.add("sys_db_object", &entry));
            // The table's own entry stands among those of its fields.
            let own = [
                ("name", table.name),
                ("element", ""),
                ("internal_type", "collection"),
            ];
            self.add("sys_dictionary", &own);
            let system = if table.parent.is_empty() {
                schema::SYSTEM
            } else {
                &[]
            };
            for column in system.iter().chain(table.columns) {
                let entry = dictionary_entry(table.name, column);
                let entry: Vec<_> = entry
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                self.add("sys_dictionary", &entry);
            }
        }
    }

    /// The choices in two languages, and one that is switched off.
    fn add_choices(&self) {
        for (place, choice) in schema::CHOICES.iter().enumerate() {
            let sequence = place.to_string();
            let german = format!("{} (de)", choice.label);
            for (language, label) in [("en", choice.label), ("de", german.as_str())] {
                self.add_choice(choice, label, language, &sequence, "false");
            }
        }
        let retired = schema::Choice {
            table: "incident",
            element: "state",
            value: "4",
            label: "Awaiting Evidence",
        };
        self.add_choice(&retired, retired.label, "en", "99", "true");
    }

    fn add_choice(
        &self,
        choice: &schema::Choice,
        label: &str,
        language: &str,
        sequence: &str,
        inactive: &str,
    ) {
        let entry = [
            ("name", choice.table),
            ("element", choice.element),
            ("value", choice.value),
            ("label", label),
            ("language", language),
            ("sequence", sequence),
            ("inactive", inactive),
        ];
        self.add("sys_choice", &entry);
    }
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
