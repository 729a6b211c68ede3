//! Reading what callers send, as forgivingly and as silently as the vendor does.
//!
//! A section in the wrong shape is ignored: the answer is 200 and nothing is stored. Only a few things are
//! refused: dates that are plain text, addresses and picklist values that can't be.

use jiff::civil;
use serde_json::{Map, Value};

use super::company::{self, PROJECTS, TEMPLATES, TYPES_OF_WORK};
use super::problem::FieldProblem;
use super::work_order::{Contact, Location, Pay, SWITCHES, ServiceWindow, WindowMode, WorkOrder};
use crate::model::Timestamp;
use crate::sandbox::places;

type Problems = Vec<FieldProblem>;

/// What the stand-in does with `schedule` in the body of a create. The vendor's own sample sends it; an
/// integrator saw it ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InlineSchedule {
    /// It is stored.
    #[default]
    Stored,
    /// It is ignored, silently.
    Ignored,
}

/// The exact roles a contact may have.
const CONTACT_ROLES: [&str; 6] = [
    "Project manager",
    "Location Contact",
    "Resource coordinator",
    "Emergency contact",
    "Technical help",
    "Check-in / Check-out",
];

/// Applies the body of a create or an update to a work order.
pub(super) fn apply(
    order: &mut WorkOrder,
    body: &Map<String, Value>,
    schedule: InlineSchedule,
) -> Problems {
    let mut problems = Problems::new();
    let at = |key: &str| body.get(key).filter(|value| !value.is_null());
    if let Some(Value::String(title)) = at("title") {
        order.title.clone_from(title);
    }
    read_texts(order, body);
    if let Some(location) = at("location") {
        read_location(order, location, &mut problems);
    }
    if let (Some(value), InlineSchedule::Stored) = (at("schedule"), schedule) {
        read_inline_schedule(order, value, &mut problems);
    }
    if let Some(pay) = at("pay").and_then(read_pay) {
        order.pay = Some(pay);
    }
    if let Some(contacts) = at("contacts") {
        read_contacts(order, contacts, &mut problems);
    }
    if let Some(fields) = at("custom_fields") {
        read_custom_fields(order, fields, &mut problems);
    }
    read_references(order, body, &mut problems);
    problems
}

fn read_texts(order: &mut WorkOrder, body: &Map<String, Value>) {
    let html = |key: &str| body.get(key)?.get("html")?.as_str().map(str::to_owned);
    let flag = |key: &str| body.get(key)?.as_bool();
    order.description = html("description").or_else(|| order.description.take());
    order.confidential = html("confidential").or_else(|| order.confidential.take());
    order.policy_and_procedures =
        html("policy_and_procedures").or_else(|| order.policy_and_procedures.take());
    order.standard_instructions =
        html("standard_instructions").or_else(|| order.standard_instructions.take());
    if let Some(incident) = body.get("incident_id").and_then(Value::as_str) {
        incident.clone_into(&mut order.incident_id);
    }
    for switch in SWITCHES {
        order.turn(switch, flag(switch));
    }
}

/// Reads a location. Without a mode, and for anything nested, nothing is stored.
pub(super) fn read_location(order: &mut WorkOrder, value: &Value, problems: &mut Problems) {
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mode = text("mode");
    match mode.as_str() {
        "custom" | "location" => {}
        "remote" => {
            order.location = Some(Location {
                mode,
                ..Location::default()
            });
            return;
        }
        _ => return,
    }
    let location = Location {
        mode,
        address1: text("address1"),
        address2: text("address2"),
        city: text("city"),
        state: text("state"),
        zip: text("zip"),
        country: text("country"),
        display_name: text("display_name"),
    };
    let before = problems.len();
    check_location(&location, problems);
    if problems.len() == before {
        order.location = Some(location);
    }
}

fn check_location(location: &Location, problems: &mut Problems) {
    let mut require = |holds: bool, field: &str, message: &str| {
        if !holds {
            problems.push(FieldProblem::new(format!("location.{field}"), message));
        }
    };
    require(
        !location.address1.is_empty(),
        "address1",
        "location.address1 is required",
    );
    require(
        !location.city.is_empty(),
        "city",
        "location.city is required",
    );
    require(!location.zip.is_empty(), "zip", "location.zip is required");
    let is_two_letters = location.country.len() == 2;
    let country = "location.country must be a two-letter country code, e.g. US";
    require(is_two_letters, "country", country);
    let is_state = location.country != "US" || places::zone_of(&location.state).is_some();
    require(
        is_state,
        "state",
        "location.state must be a two-letter US state code",
    );
}

fn read_inline_schedule(order: &mut WorkOrder, value: &Value, problems: &mut Problems) {
    let Some(window) = value.get("service_window") else {
        return;
    };
    let mode = window
        .get("mode")
        .and_then(Value::as_str)
        .and_then(WindowMode::of);
    let Some(mode) = mode else {
        return;
    };
    if let Some(window) = read_window(order, mode, window, problems) {
        order.window = Some(window);
    }
}

/// Reads the body of `PUT /workorders/{id}/schedule`, where the mode is required.
pub(super) fn read_schedule(order: &mut WorkOrder, body: &Map<String, Value>) -> Problems {
    let mut problems = Problems::new();
    let window = body.get("service_window").unwrap_or(&Value::Null);
    let mode = window
        .get("mode")
        .and_then(Value::as_str)
        .and_then(WindowMode::of);
    let Some(mode) = mode else {
        let message = "service_window.mode must be one of: exact, hours, between";
        problems.push(FieldProblem::new("service_window.mode", message));
        return problems;
    };
    let read = read_window(order, mode, window, &mut problems);
    if let (Some(window), true) = (read, problems.is_empty()) {
        order.window = Some(window);
    }
    if let Some(note) = body.get("schedule_note").and_then(Value::as_str) {
        note.clone_into(&mut order.schedule_note);
    }
    let is_hard = body.get("require_ontime").and_then(Value::as_bool);
    order.turn("require_ontime", is_hard);
    problems
}

fn read_window(
    order: &WorkOrder,
    mode: WindowMode,
    window: &Value,
    problems: &mut Problems,
) -> Option<ServiceWindow> {
    let mut moment = |key: &str| read_moment(order, window.get(key), key, problems);
    let (start, end) = (moment("start"), moment("end"));
    let Some(start) = start else {
        if problems.is_empty() {
            let message = "service_window.start is required";
            problems.push(FieldProblem::new("service_window.start", message));
        }
        return None;
    };
    if end.is_none() && mode != WindowMode::Exact {
        let message = format!("service_window.end is required for mode {}", mode.word());
        problems.push(FieldProblem::new("service_window.end", message));
    }
    if end.is_some_and(|end| end < start) {
        let message = "service_window.end is before service_window.start";
        problems.push(FieldProblem::new("service_window.end", message));
    }
    Some(ServiceWindow { mode, start, end })
}

/// A strict date field: `{"utc": "YYYY-MM-DD HH:mm:ss"}` or `{"local": {"date", "time"}}`, never plain text.
fn read_moment(
    order: &WorkOrder,
    value: Option<&Value>,
    key: &str,
    problems: &mut Problems,
) -> Option<Timestamp> {
    let value = value.filter(|value| !value.is_null())?;
    let utc = value.get("utc").and_then(Value::as_str);
    let read = match utc {
        Some(text) => read_utc(text),
        None => read_local(order, value.get("local")),
    };
    if read.is_none() {
        let message = format!(
            "service_window.{key} must be {{\"utc\": \"YYYY-MM-DD HH:mm:ss\"}} or {{\"local\": {{\"date\", \"time\"}}}}"
        );
        problems.push(FieldProblem::new(format!("service_window.{key}"), message));
    }
    read
}

fn read_utc(text: &str) -> Option<Timestamp> {
    // The form has a fixed width; `strptime` alone would also take single digits.
    if text.len() != 19 {
        return None;
    }
    let time = civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
}

fn read_local(order: &WorkOrder, local: Option<&Value>) -> Option<Timestamp> {
    let local = local?;
    let date: civil::Date = local.get("date")?.as_str()?.parse().ok()?;
    let time: civil::Time = local.get("time")?.as_str()?.parse().ok()?;
    order.zone().to_timestamp(date.to_datetime(time)).ok()
}

/// Reads pay; `None` when it is in no shape to be stored.
pub(super) fn read_pay(value: &Value) -> Option<Pay> {
    let kind = value.get("type")?.as_str()?;
    if !["fixed", "hourly", "device", "blended"].contains(&kind) {
        return None;
    }
    let number = |part: &str, key: &str| value.get(part)?.get(key)?.as_f64();
    Some(Pay {
        kind: kind.to_owned(),
        base_units: number("base", "units").unwrap_or(1.0),
        base_amount: number("base", "amount")?,
        additional_units: number("additional", "units").unwrap_or_default(),
        additional_amount: number("additional", "amount").unwrap_or_default(),
        hours: value
            .get("hours")
            .and_then(Value::as_f64)
            .unwrap_or_default(),
    })
}

fn read_contacts(order: &mut WorkOrder, value: &Value, problems: &mut Problems) {
    let Some(results) = value.get("results").and_then(Value::as_array) else {
        return;
    };
    let mut contacts = Vec::new();
    for result in results {
        match read_contact(result) {
            Ok(contact) => contacts.push(contact),
            Err(problem) => problems.push(problem),
        }
    }
    for contact in &mut contacts {
        contact.id = order.part_id();
    }
    order.contacts = contacts;
}

/// Reads one contact; its role must be one of the vendor's, to the letter.
pub(super) fn read_contact(value: &Value) -> Result<Contact, FieldProblem> {
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let role = text("role");
    if !CONTACT_ROLES.contains(&role.as_str()) {
        let message = format!("contact role must be one of: {}", CONTACT_ROLES.join(", "));
        return Err(FieldProblem::new("contacts.role", message));
    }
    Ok(Contact {
        id: 0,
        role,
        name: text("name"),
        phone: text("phone"),
        ext: text("ext"),
        email: text("email"),
        notes: text("notes"),
    })
}

/// Reads `custom_fields.results[].results[]`; unknown ids, flat lists and values that are no text are ignored.
fn read_custom_fields(order: &mut WorkOrder, value: &Value, problems: &mut Problems) {
    let groups = value.get("results").and_then(Value::as_array);
    let lists = groups
        .into_iter()
        .flatten()
        .filter_map(|group| group.get("results")?.as_array());
    for given in lists.flatten() {
        let id = given.get("id").and_then(Value::as_u64);
        let text = given.get("value").and_then(Value::as_str);
        let (Some(field), Some(text)) = (id.and_then(company::custom_field), text) else {
            continue;
        };
        if let Some(objection) = field.objection(text) {
            problems.push(FieldProblem::new(
                format!("custom_fields.{}", field.id),
                objection,
            ));
        } else {
            order.custom_values.insert(field.id, text.to_owned());
        }
    }
}

fn read_references(order: &mut WorkOrder, body: &Map<String, Value>, problems: &mut Problems) {
    let id_of = |key: &str| body.get(key)?.get("id")?.as_u64();
    if let Some(id) = id_of("manager") {
        match company::manager(id) {
            Some(manager) => order.manager = manager,
            None => problems.push(FieldProblem::new(
                "manager.id",
                "manager.id is no manager of this company",
            )),
        }
    }
    order.client = id_of("client").or(order.client);
    let mut known = |key: &str, items: &[company::Named]| {
        let id = id_of(key)?;
        if company::by_id(items, id).is_none() {
            problems.push(FieldProblem::new(
                format!("{key}.id"),
                format!("{key}.id does not exist"),
            ));
        }
        Some(id)
    };
    order.project = known("project", &PROJECTS).or(order.project);
    order.template = known("template", &TEMPLATES).or(order.template);
    let legacy = known("type_of_work", &TYPES_OF_WORK);
    let chosen = read_types_of_work(body.get("types_of_work"), problems);
    if let Some(types) = chosen.or_else(|| legacy.map(|id| vec![id])) {
        order.types_of_work = types;
    }
}

/// Reads `[{"id": 62, "isPrimary": true}]`, the primary one first.
fn read_types_of_work(value: Option<&Value>, problems: &mut Problems) -> Option<Vec<u64>> {
    let mut chosen: Vec<(bool, u64)> = Vec::new();
    for given in value?.as_array()? {
        let Some(id) = given.get("id").and_then(Value::as_u64) else {
            continue;
        };
        if company::by_id(&TYPES_OF_WORK, id).is_none() {
            let message = format!("type of work {id} does not exist");
            problems.push(FieldProblem::new("types_of_work.id", message));
        }
        let is_primary = given.get("isPrimary").and_then(Value::as_bool) == Some(true);
        chosen.push((!is_primary, id));
    }
    chosen.sort_by_key(|(is_secondary, _)| *is_secondary);
    (!chosen.is_empty()).then(|| chosen.into_iter().map(|(_, id)| id).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> (WorkOrder, Problems) {
        let mut order = WorkOrder::blank(1, Timestamp::UNIX_EPOCH);
        let body = body.as_object().unwrap();
        let problems = apply(&mut order, body, InlineSchedule::Stored);
        (order, problems)
    }

    fn address(state: &str, country: &str) -> Value {
        json!({"location": {
            "mode": "custom", "address1": "123 Test St", "city": "Minneapolis", "state": state,
            "zip": "55401", "country": country,
        }})
    }

    #[test]
    fn wrong_shapes_store_nothing_and_are_no_problem() {
        let (order, problems) = read(&json!({
            "title": "T",
            "description": "plain text",
            "location": {"address": {"address1": "1 A St"}, "mode": "custom-ish"},
            "pay": {"type": "fixed", "amount": 100},
            "custom_fields": {"results": [{"id": 129, "value": "flat"}]},
            "schedule": {"requested": {"start": "2026-07-01"}},
            "scheduling": {"requested": {"start": {"local_time": "x"}}},
        }));
        assert_eq!(problems, []);
        assert!(order.description.is_none() && order.location.is_none() && order.pay.is_none());
        assert!(order.custom_values.is_empty() && order.window.is_none());
    }

    #[test]
    fn the_vendors_minimal_sample_is_stored_whole() {
        let (order, problems) = read(&json!({
            "title": "Quick Start Test Job",
            "description": {"html": "<p>This is a test.</p>"},
            "type_of_work": {"id": 62},
            "location": {"mode": "custom", "address1": "123 Test St", "city": "Minneapolis",
                "state": "MN", "zip": "55401", "country": "US"},
            "pay": {"type": "fixed", "base": {"amount": 100, "units": 1}},
            "schedule": {"service_window": {"mode": "exact", "start": {"utc": "2026-07-01 09:00:00"}}},
        }));
        assert_eq!(problems, []);
        assert_eq!(order.description.as_deref(), Some("<p>This is a test.</p>"));
        assert_eq!(order.types_of_work, [62]);
        assert_eq!(
            order.window.unwrap().start.to_string(),
            "2026-07-01T09:00:00Z"
        );
        assert_eq!(order.pay.unwrap().base_amount.to_string(), "100");
    }

    #[test]
    fn a_plain_text_date_is_refused() {
        for start in [
            json!("2026-07-01 09:00:00"),
            json!({"utc": "2026-07-01T09:00:00Z"}),
        ] {
            let window = json!({"mode": "exact", "start": start});
            let (order, problems) = read(&json!({"schedule": {"service_window": window}}));
            assert!(order.window.is_none());
            assert_eq!(problems[0].field, "service_window.start");
        }
    }

    #[test]
    fn local_times_are_read_in_the_zone_of_the_location() {
        let mut body = address("MN", "US");
        body["schedule"] = json!({"service_window": {"mode": "between",
            "start": {"local": {"date": "2026-07-07", "time": "09:00:00"}},
            "end": {"local": {"date": "2026-07-07", "time": "11:00:00"}}}});
        let (order, problems) = read(&body);
        assert_eq!(problems, []);
        let window = order.window.unwrap();
        assert_eq!(window.start.to_string(), "2026-07-07T14:00:00Z");
        assert_eq!(window.end.unwrap().to_string(), "2026-07-07T16:00:00Z");
    }

    #[test]
    fn a_state_and_a_country_must_be_codes() {
        assert_eq!(read(&address("", "US")).1[0].field, "location.state");
        assert_eq!(
            read(&address("Minnesota", "US")).1[0].field,
            "location.state"
        );
        assert_eq!(read(&address("MN", "USA")).1[0].field, "location.country");
        assert_eq!(read(&address("MN", "US")).1, []);
    }

    #[test]
    fn picklist_values_must_be_on_the_list() {
        let field = |id: u64, value: &str| {
            let fields = json!({"results": [{"results": [{"id": id, "value": value}]}]});
            read(&json!({"custom_fields": fields}))
        };
        assert_eq!(field(131, "Whenever").1[0].field, "custom_fields.131");
        assert_eq!(field(131, "Next Day").0.custom_value(131), "Next Day");
        assert_eq!(field(999, "unknown ids are ignored").1, []);
    }

    #[test]
    fn the_primary_type_of_work_comes_first() {
        let (order, _) =
            read(&json!({"types_of_work": [{"id": 63}, {"id": 62, "isPrimary": true}]}));
        assert_eq!(order.types_of_work, [62, 63]);
    }
}
