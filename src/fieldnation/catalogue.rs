//! The fields of a work order that every company has, after the API description's `WorkOrderCreateDto`,
//! `WorkOrderUpdateDto` and `WorkOrderResponseDto`.

use std::sync::LazyLock;

use super::address::known_countries;
use super::shape::{CONTACT_ROLES, LOCATION_MODES, PAY_TYPES, WINDOW_MODES};
use super::target::ALIASES;
use crate::model::{Field, FieldKind, PicklistValue};

use FieldKind::{Boolean, DateTime, Integer, List, Number, Object, Text};

/// What can be written: path, label, kind.
const WRITABLE: [(&str, &str, FieldKind); 65] = [
    ("title", "Title", Text),
    ("description.html", "Description (scope of work)", Text),
    (
        "confidential.html",
        "Confidential information (assigned provider only)",
        Text,
    ),
    ("location.mode", "Location mode", Text),
    ("location.display_name", "Location name", Text),
    ("location.address1", "Street 1", Text),
    ("location.address2", "Street 2", Text),
    ("location.city", "City", Text),
    ("location.state", "State (two letters)", Text),
    ("location.zip", "Zip", Text),
    ("location.country", "Country (two letters)", Text),
    ("location.type.id", "Location type id", Integer),
    ("location.saved_location.id", "Saved location id", Integer),
    (
        "location.save_location",
        "Save the location under this name",
        Text,
    ),
    (
        "location.save_location_group",
        "Group of the location to be saved",
        Integer,
    ),
    ("schedule.service_window.mode", "Schedule mode", Text),
    ("schedule.service_window.start.utc", "Start (UTC)", DateTime),
    (
        "schedule.service_window.start.local.date",
        "Start date at the site",
        Text,
    ),
    (
        "schedule.service_window.start.local.time",
        "Start time at the site",
        Text,
    ),
    ("schedule.service_window.end.utc", "End (UTC)", DateTime),
    (
        "schedule.service_window.end.local.date",
        "End date at the site",
        Text,
    ),
    (
        "schedule.service_window.end.local.time",
        "End time at the site",
        Text,
    ),
    ("schedule.time_zone.id", "Time zone id", Integer),
    ("schedule.schedule_note", "Schedule note", Text),
    ("require_ontime", "Hard start", Boolean),
    ("pay.type", "Pay type", Text),
    ("pay.base.amount", "Pay base amount", Number),
    ("pay.base.units", "Pay base units", Number),
    ("pay.additional.amount", "Pay additional amount", Number),
    ("pay.additional.units", "Pay additional units", Number),
    ("pay.hours", "Expected hours", Number),
    ("pay.finance.id", "Finance account id", Integer),
    (
        "types_of_work",
        "Types of work (id or name, or a list)",
        FieldKind::Any,
    ),
    ("types_of_work[0].id", "Type of work id", Integer),
    ("service_types", "Service types", List),
    ("equipments", "Equipment", List),
    ("contacts", "Contacts", List),
    ("contacts[0].name", "Contact name", Text),
    ("contacts[0].role", "Contact role", Text),
    ("contacts[0].phone", "Contact phone", Text),
    ("contacts[0].ext", "Contact phone extension", Text),
    ("contacts[0].email", "Contact e-mail", Text),
    ("contacts[0].notes", "Contact notes", Text),
    ("contact.name", "The one contact's name", Text),
    ("contact.role", "The one contact's role", Text),
    ("contact.phone", "The one contact's phone", Text),
    ("contact.ext", "The one contact's phone extension", Text),
    ("contact.email", "The one contact's e-mail", Text),
    ("contact.notes", "Notes on the one contact", Text),
    ("type_of_work.id", "The one type of work's id", Integer),
    ("type_of_work.name", "The one type of work's name", Text),
    ("manager.id", "Manager id", Integer),
    (
        "manager",
        "Manager (id, or first and last name)",
        FieldKind::Any,
    ),
    ("client.id", "Client id", Integer),
    ("project.id", "Project id", Integer),
    ("template.id", "Template id", Integer),
    ("team.id", "Team id", Integer),
    ("service_contract.id", "Service contract id", Integer),
    ("incident_id", "Incident id", Text),
    ("printable", "Printable", Boolean),
    ("allow_counter_offers", "Allow counter offers", Boolean),
    ("require_gps", "Require GPS", Boolean),
    ("tasks", "Tasks", List),
    ("shipments", "Shipments", List),
    ("networks", "Networks", List),
];

/// What can only be read, for outbound rules.
const READABLE: [(&str, &str, FieldKind); 48] = [
    ("id", "Work order id", Integer),
    ("event_type", "Event", Text),
    ("event_timestamp", "Time of the event", DateTime),
    ("correlation_id", "Record id", Text),
    ("status.id", "Status id", Integer),
    ("status.name", "Status", Text),
    ("status.display", "Status with sub-status", Text),
    ("status.sub_status", "Sub-status", Text),
    ("status.confirmed", "Confirmed", Boolean),
    ("status.delay", "Delay", Number),
    ("assignee.user.id", "Provider id", Integer),
    ("assignee.user.first_name", "Provider's first name", Text),
    ("assignee.user.last_name", "Provider's last name", Text),
    ("assignee.user.phone", "Provider's phone", Text),
    ("assignee.user.cell", "Provider's mobile phone", Text),
    ("manager.name", "Manager's name", Text),
    ("manager.email", "Manager's e-mail", Text),
    ("closing_notes", "Closing notes", Text),
    ("schedule.time_zone.name", "Time zone", Text),
    ("eta.start.utc", "Expected arrival (UTC)", DateTime),
    ("eta.status.name", "Status of the arrival", Text),
    ("eta.notes", "Notes on the arrival", Text),
    ("pay.total", "Total pay", Number),
    ("pay.max_pay", "Highest pay", Number),
    ("pay.labor_sum", "Labor", Number),
    ("pay.reported_hours", "Reported hours", Number),
    ("pay.expenses.results", "Expenses", List),
    ("pay.expenses.sum.all", "Sum of expenses", Number),
    ("time_logs.hours", "Hours worked", Number),
    ("time_logs.results", "Time logs", List),
    ("tasks.results", "Tasks", List),
    ("shipments.results", "Shipments", List),
    ("problems.results", "Problems", List),
    ("tags.results", "Tags", List),
    ("signatures.results", "Signatures", List),
    (
        "custom_fields.internal.value",
        "Internal ticket number",
        Text,
    ),
    ("milestones.created.utc", "Created (UTC)", DateTime),
    ("milestones.published.utc", "Published (UTC)", DateTime),
    ("milestones.assigned.utc", "Assigned (UTC)", DateTime),
    ("milestones.workdone.utc", "Work done (UTC)", DateTime),
    ("milestones.approved.utc", "Approved (UTC)", DateTime),
    ("milestones.paid.utc", "Paid (UTC)", DateTime),
    ("milestones.canceled.utc", "Cancelled (UTC)", DateTime),
    ("client.name", "Client", Text),
    ("project.name", "Project", Text),
    ("template.name", "Template", Text),
    ("company.name", "Company", Text),
    ("integration", "Integration", Object),
];

/// What the hosted broker wants mapped before it creates a work order, as far as no default can stand for it: without an
/// address nobody can be sent. The REST API itself needs the title only.
const REQUIRED: [&str; 5] = [
    "title",
    "location.address1",
    "location.city",
    "location.state",
    "location.zip",
];

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let writable = WRITABLE.iter().map(|(path, label, kind)| {
        let mut field = Field::new(*path, *label, *kind);
        field.required = REQUIRED.contains(path);
        field.picklist = picklist(path);
        field
    });
    let aliases = ALIASES.iter().map(|(from, to)| {
        let label = format!("Other name of {to}");
        let mut field = Field::new(*from, label, FieldKind::Any);
        field.picklist = picklist(to);
        field
    });
    let readable = READABLE
        .iter()
        .map(|(path, label, kind)| Field::new(*path, *label, *kind).read_only());
    writable.chain(aliases).chain(readable).collect()
});

/// The fields that every company has.
pub(super) fn fields() -> &'static [Field] {
    &FIELDS
}

fn picklist(path: &str) -> Vec<PicklistValue> {
    let labelled = |values: &[(&str, &str)]| {
        let value = |(value, label): &(&str, &str)| PicklistValue {
            value: (*value).to_owned(),
            label: (*label).to_owned(),
        };
        values.iter().map(value).collect::<Vec<_>>()
    };
    let plain = |values: &[&'static str]| {
        labelled(
            &values
                .iter()
                .map(|value| (*value, *value))
                .collect::<Vec<_>>(),
        )
    };
    match path {
        "location.country" => labelled(&known_countries().collect::<Vec<_>>()),
        "pay.type" => plain(&PAY_TYPES),
        "location.mode" => plain(&LOCATION_MODES),
        "schedule.service_window.mode" => plain(&WINDOW_MODES),
        "contacts[0].role" | "contact.role" => plain(&CONTACT_ROLES),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_stands_once_and_title_and_address_are_required() {
        let fields = fields();
        for field in fields {
            let same = fields
                .iter()
                .filter(|other| other.path == field.path && other.read_only == field.read_only);
            assert_eq!(same.count(), 1, "{}", field.path);
        }
        let required: Vec<&str> = fields
            .iter()
            .filter(|field| field.required)
            .map(|field| field.path.as_str())
            .collect();
        assert_eq!(required, REQUIRED);
    }

    #[test]
    fn picklists_hold_what_the_shaping_takes() {
        let values = |path: &str| {
            let field = fields().iter().find(|field| field.path == path).unwrap();
            field
                .picklist
                .iter()
                .map(|value| value.value.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(values("pay.type"), PAY_TYPES);
        assert_eq!(values("schedule.mode"), WINDOW_MODES);
        assert!(
            values("location.country").contains(&"US")
                && values("location.country").contains(&"United States")
        );
    }
}
