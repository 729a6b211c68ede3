//! A work order as the API shows it (`WorkOrderResponseDto`).

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::company::{self, CUSTOM_FIELDS, CustomField, FieldRole, Person};
use super::work_order::{
    Contact, File, Folder, Location, Message, Pay, Problem, SWITCHES, Task, TimeLog, WorkOrder,
};
use crate::model::Timestamp;

/// `YYYY-MM-DD HH:mm:ss`, as the vendor writes times.
pub(super) fn utc_text(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `UtcDto`: the moment in UTC and at the place of work.
pub(super) fn moment(moment: Timestamp, zone: &TimeZone) -> Value {
    let local = zone.to_datetime(moment);
    json!({
        "utc": utc_text(moment),
        "local": {
            "date": local.strftime("%Y-%m-%d").to_string(),
            "time": local.strftime("%H:%M:%S").to_string(),
        },
    })
}

fn maybe(at: Option<Timestamp>, zone: &TimeZone) -> Value {
    at.map_or_else(|| json!({}), |at| moment(at, zone))
}

/// `MetadataDto` of a list shown whole.
pub(super) fn metadata(total: usize) -> Value {
    json!({"total": total, "page": 1, "pages": 1, "per_page": total.max(25)})
}

fn html(text: Option<&String>) -> Value {
    text.map_or_else(|| json!({}), |html| json!({"html": html}))
}

fn named(items: &[company::Named], id: Option<u64>) -> Value {
    id.and_then(|id| company::by_id(items, id)).map_or_else(
        || json!({}),
        |item| json!({"id": item.id, "name": item.name}),
    )
}

fn person(person: &Person) -> Value {
    json!({
        "id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "thumbnail": "",
    })
}

/// The whole work order, sections in the order of the vendor's schema.
pub(super) fn work_order(order: &WorkOrder, base_url: &str) -> Map<String, Value> {
    let zone = order.zone();
    let mut shown = Map::with_capacity(64);
    let mut put = |key: &str, value: Value| {
        shown.insert(key.to_owned(), value);
    };
    put("id", json!(order.id));
    put("work_order_id", json!(order.id));
    put("title", json!(order.title));
    put("href", json!(format!("/workorders/{}", order.id)));
    put("status", status(order));
    put("description", html(order.description.as_ref()));
    put("confidential", html(order.confidential.as_ref()));
    put(
        "policy_and_procedures",
        html(order.policy_and_procedures.as_ref()),
    );
    put(
        "standard_instructions",
        html(order.standard_instructions.as_ref()),
    );
    put("location", location(order));
    put("schedule", schedule(order));
    put("eta", json!({}));
    put("pay", pay(order));
    put("contacts", contacts(order));
    put("custom_fields", custom_fields(order));
    put(
        "company",
        json!({"id": company::COMPANY_ID, "name": company::COMPANY_NAME, "features": []}),
    );
    put("manager", manager(&order.manager));
    put("client", named(&company::CLIENTS, order.client));
    put("project", named(&company::PROJECTS, order.project));
    put("template", named(&company::TEMPLATES, order.template));
    put(
        "type_of_work",
        named(
            &company::TYPES_OF_WORK,
            order.types_of_work.first().copied(),
        ),
    );
    put("types_of_work", types_of_work(order));
    put("service_types", json!([]));
    put("assignee", assignee(order));
    put(
        "routes",
        json!({"metadata": metadata(order.routed_to.len()), "results": order.routed_to, "actions": []}),
    );
    put("milestones", milestones(order));
    put("messages", messages(order));
    put("attachments", attachments(order, base_url));
    put("tasks", tasks(order));
    put("time_logs", time_logs(order));
    put("problems", problems(order));
    put("tags", tags(order));
    put("shipments", empty_section());
    put("signatures", empty_section());
    put(
        "networks",
        json!({"metadata": metadata(0), "results": [], "actions": []}),
    );
    put("integrations", json!({"result": []}));
    put("closing_notes", json!(order.closing_notes));
    put("incident_id", json!(order.incident_id));
    for switch in SWITCHES {
        put(switch, json!(order.switches.contains(switch)));
    }
    put("tasks_enabled", json!(true));
    put("is_user_declined", json!(false));
    put("w2", json!(false));
    put("created", moment(order.created, zone));
    shown
}

/// A section that this stand-in never fills.
pub(super) fn empty_section() -> Value {
    json!({"metadata": metadata(0), "results": [], "correlation_id": "", "actions": []})
}

/// `StatusDto`.
pub(super) fn status(order: &WorkOrder) -> Value {
    let name = order.status.name();
    let sub_status = order.stage.map_or("", super::work_order::Stage::name);
    let display = if sub_status.is_empty() {
        name.to_owned()
    } else {
        format!("{name}: {sub_status}")
    };
    json!({
        "id": order.status.id(),
        "name": name,
        "display": display,
        "is_routed": order.status == super::work_order::Status::Routed,
        "code": name.to_lowercase().replace(' ', "_"),
        "delay": 0,
        "ncns": false,
        "sub_status": sub_status,
        "confirmed": order.stage.is_some(),
        "correlation_id": "",
    })
}

/// `LocationDto`.
pub(super) fn location(order: &WorkOrder) -> Value {
    let Some(location) = &order.location else {
        return json!({});
    };
    let Location {
        mode,
        address1,
        address2,
        city,
        state,
        zip,
        country,
        display_name,
    } = location;
    json!({
        "work_order_id": order.id,
        "mode": mode,
        "address1": address1,
        "address2": address2,
        "city": city,
        "state": state,
        "zip": zip,
        "country": country,
        "display_name": display_name,
        "coordinates": {},
        "notes": [],
        "type": {"id": 1, "name": "Commercial"},
        "saved_location": {},
        "status_id": order.status.id(),
        "correlation_id": "",
        "zoom": "",
        "map": {},
        "actions": [],
    })
}

/// `ScheduleDto`.
pub(super) fn schedule(order: &WorkOrder) -> Value {
    let zone = order.zone();
    let window = order.window.map_or_else(
        || json!({}),
        |window| {
            json!({
                "mode": window.mode.word(),
                "start": moment(window.start, zone),
                "end": maybe(window.end, zone),
            })
        },
    );
    json!({
        "work_order_id": order.id,
        "service_window": window,
        "schedule_note": order.schedule_note,
        "time_zone": {"id": 1, "name": zone.iana_name().unwrap_or("UTC"), "short": "", "offset": 0},
        "status_id": order.status.id(),
        "company_id": company::COMPANY_ID,
        "today_tomorrow": "",
        "correlation_id": "",
        "actions": [],
    })
}

/// `PayDto`.
pub(super) fn pay(order: &WorkOrder) -> Value {
    let Some(pay) = &order.pay else {
        return json!({"work_order_id": order.id, "type": ""});
    };
    let Pay {
        kind,
        base_units,
        base_amount,
        additional_units,
        additional_amount,
        hours,
    } = pay;
    let total = base_units * base_amount + additional_units * additional_amount;
    json!({
        "work_order_id": order.id,
        "type": kind,
        "base": {"units": base_units, "amount": base_amount},
        "additional": {"units": additional_units, "amount": additional_amount},
        "hours": hours,
        "fees": [],
        "bonuses": empty_section(),
        "penalties": empty_section(),
        "discounts": empty_section(),
        "expenses": empty_section(),
        "increases": empty_section(),
        "labor_sum": total,
        "max_pay": total,
        "total": total,
        "actions": [],
    })
}

/// `ContactsDto`.
pub(super) fn contacts(order: &WorkOrder) -> Value {
    let contact = |contact: &Contact| {
        json!({
            "id": contact.id,
            "name": contact.name,
            "role": contact.role,
            "phone": contact.phone,
            "ext": contact.ext,
            "email": contact.email,
            "notes": contact.notes,
            "actions": [],
        })
    };
    let results: Vec<_> = order.contacts.iter().map(contact).collect();
    json!({"metadata": metadata(results.len()), "results": results, "correlation_id": "", "actions": []})
}

/// One custom field with its value (`WoCustomFieldsResultDto`).
pub(super) fn custom_field(order: &WorkOrder, field: &CustomField) -> Value {
    json!({
        "id": field.id,
        "name": field.name,
        "tip": "",
        "type": field.kind.word(),
        "role": field.role.word(),
        "dependency": {},
        "options": field.options,
        "flags": field.flags,
        "value": order.custom_value(field.id),
        "category": "",
        "order": 0,
        "actions": [],
    })
}

/// `WoCustomFieldsDto`: two groups, and the Internal Ticket Number apart.
pub(super) fn custom_fields(order: &WorkOrder) -> Value {
    let group = |id: u64, name: &str, role: FieldRole| {
        let of_role = |field: &&CustomField| field.role == role;
        let fields = CUSTOM_FIELDS.iter().filter(of_role);
        let results: Vec<_> = fields.map(|field| custom_field(order, field)).collect();
        json!({
            "id": id,
            "name": name,
            "order": id,
            "role": role.word(),
            "metadata": metadata(results.len()),
            "results": results,
        })
    };
    let internal = CUSTOM_FIELDS.iter().find(|field| field.is_internal_id());
    let internal = internal.map_or_else(
        || json!({}),
        |field| {
            json!({
                "id": field.id,
                "name": field.name,
                "value": order.custom_value(field.id),
                "role": field.role.word(),
            })
        },
    );
    json!({
        "internal": internal,
        "metadata": metadata(2),
        "results": [
            group(1, "Buyer Custom Fields", FieldRole::Buyer),
            group(2, "Provider Custom Fields", FieldRole::Provider),
        ],
        "correlation_id": "",
        "actions": [],
    })
}

fn manager(manager: &Person) -> Value {
    json!({
        "id": manager.id,
        "first_name": manager.first_name,
        "last_name": manager.last_name,
        "name": manager.name(),
        "email": manager.email(),
        "phone": manager.phone,
        "thumbnail": "",
    })
}

fn types_of_work(order: &WorkOrder) -> Value {
    let chosen = order.types_of_work.iter().enumerate();
    let shown = chosen.filter_map(|(position, id)| {
        let kind = company::by_id(&company::TYPES_OF_WORK, *id)?;
        Some(json!({"id": kind.id, "name": kind.name, "isPrimary": position == 0}))
    });
    shown.collect()
}

fn assignee(order: &WorkOrder) -> Value {
    let Some(provider) = &order.assignee else {
        return json!({});
    };
    json!({
        "user": {
            "id": provider.id,
            "first_name": provider.first_name,
            "last_name": provider.last_name,
            "country": "US",
            "cell": provider.phone,
            "phone": provider.phone,
            "phone_ext": "",
            "thumbnail": "",
        },
        "status_id": order.status.id(),
        "work_order_id": order.id,
        "in_confirmation_window": false,
    })
}

/// `MilestonesDto`.
pub(super) fn milestones(order: &WorkOrder) -> Value {
    let zone = order.zone();
    let reached = &order.milestones;
    json!({
        "created": moment(order.created, zone),
        "published": maybe(reached.published, zone),
        "routed": maybe(reached.routed, zone),
        "assigned": maybe(reached.assigned, zone),
        "workdone": maybe(reached.work_done, zone),
        "approved": maybe(reached.approved, zone),
        "paid": maybe(reached.paid, zone),
        "canceled": maybe(reached.cancelled, zone),
    })
}

fn message(message: &Message, all: &[Message], zone: &TimeZone) -> Value {
    let replies = all.iter().filter(|reply| reply.parent == Some(message.id));
    let replies: Vec<_> = replies
        .map(|reply| self::message(reply, &[], zone))
        .collect();
    json!({
        "msg_id": message.id.to_string(),
        "parent_id": message.parent.map(|id| id.to_string()),
        "from": {
            "id": message.author.id,
            "name": message.author.name(),
            "thumbnail": "",
            "role": message.side.role(),
        },
        "to": {},
        "role": message.kind,
        "message": message.text,
        "read": false,
        "created": moment(message.created, zone),
        "problem": {},
        "replies": replies,
        "actions": [],
    })
}

/// `AllMessagesDto`: threads, oldest first.
pub(super) fn messages(order: &WorkOrder) -> Value {
    let zone = order.zone();
    let threads = order
        .messages
        .iter()
        .filter(|message| message.parent.is_none());
    let results: Vec<_> = threads
        .map(|thread| message(thread, &order.messages, zone))
        .collect();
    json!({"metadata": metadata(results.len()), "results": results, "correlation_id": "", "actions": []})
}

fn file(file: &File, order: &WorkOrder, folder: &Folder, base_url: &str) -> Value {
    let link = format!("{base_url}/storage/{}/{}/{}", order.id, file.id, file.key);
    json!({
        "id": file.id,
        "author": person(&file.author),
        "file": {
            "name": file.name,
            "mime": file.mime,
            "size_bytes": file.content.len(),
            "thumbnail": "",
            "link": link,
            "description": file.notes,
            "type": "file",
            "icon": "",
            "preview": "",
        },
        "created": moment(file.created, order.zone()),
        "notes": file.notes,
        "status": file.status,
        "status_description": "",
        "task": {},
        "show_before_assignment": false,
        "folder_id": folder.id,
        "workorder_id": order.id,
        "actions": [],
    })
}

/// `AttachmentsDto`: folders with their files.
pub(super) fn attachments(order: &WorkOrder, base_url: &str) -> Value {
    let folder = |folder: &Folder| {
        let files = folder.files.iter();
        let results: Vec<_> = files
            .map(|each| file(each, order, folder, base_url))
            .collect();
        json!({
            "id": folder.id,
            "name": folder.name,
            "type": folder.kind,
            "task": {},
            "metadata": metadata(results.len()),
            "results": results,
            "actions": [],
        })
    };
    let results: Vec<_> = order.folders.iter().map(folder).collect();
    json!({
        "sum": {"unreviewed": 0},
        "metadata": metadata(results.len()),
        "results": results,
        "correlation_id": "",
        "actions": [],
    })
}

/// `TasksDto`.
pub(super) fn tasks(order: &WorkOrder) -> Value {
    let zone = order.zone();
    let task = |task: &Task| {
        json!({
            "id": task.id,
            "label": task.label,
            "description": "",
            "type": {"id": task.id, "key": task.key, "name": task.label},
            "group": {"id": "onsite", "label": "On site"},
            "status": if task.completed.is_some() { "complete" } else { "incomplete" },
            "completed": maybe(task.completed, zone),
            "alerts": [],
            "actions": [],
        })
    };
    let results: Vec<_> = order.tasks.iter().map(task).collect();
    json!({"metadata": metadata(results.len()), "results": results, "correlation_id": "", "actions": []})
}

/// `TimeLogsDto`.
pub(super) fn time_logs(order: &WorkOrder) -> Value {
    let zone = order.zone();
    let hours = |log: &TimeLog| {
        let worked = log
            .checked_out
            .map(|out| out.duration_since(log.checked_in));
        worked.map_or(0.0, |worked| worked.as_secs_f64() / 3_600.0)
    };
    let log = |log: &TimeLog| {
        json!({
            "id": log.id,
            "in": {"created": moment(log.checked_in, zone), "verified": false, "actions": []},
            "out": {"created": maybe(log.checked_out, zone), "verified": false, "actions": []},
            "hours": hours(log),
            "status": if log.checked_out.is_some() { "checked_out" } else { "checked_in" },
            "verified": false,
            "edited": false,
            "was_late": false,
            "actions": [],
        })
    };
    let results: Vec<_> = order.time_logs.iter().map(log).collect();
    let total: f64 = order.time_logs.iter().map(hours).sum();
    json!({
        "metadata": metadata(results.len()),
        "results": results,
        "hours": total,
        "correlation_id": "",
        "actions": [],
    })
}

/// `ProblemsDto`.
pub(super) fn problems(order: &WorkOrder) -> Value {
    let zone = order.zone();
    let problem = |problem: &Problem| {
        json!({
            "id": problem.id,
            "type": {"id": 1, "name": "Other"},
            "comments": problem.comments,
            "created": moment(problem.created, zone),
            "resolution": {"status": if problem.is_resolved { "resolved" } else { "pending" }},
            "actions": [],
        })
    };
    let results: Vec<_> = order.problems.iter().map(problem).collect();
    let resolved = order
        .problems
        .iter()
        .filter(|problem| problem.is_resolved)
        .count();
    json!({
        "metadata": metadata(results.len()),
        "sum": {"active": results.len() - resolved, "resolved": resolved},
        "results": results,
        "types": [],
        "correlation_id": "",
        "actions": [],
    })
}

/// `TagsDto`.
pub(super) fn tags(order: &WorkOrder) -> Value {
    let tag = |id: &u64| {
        let tag = company::by_id(&company::TAGS, *id)?;
        Some(json!({"id": tag.id, "label": tag.name, "hex_color": "#336699", "actions": []}))
    };
    let results: Vec<_> = order.tags.iter().filter_map(tag).collect();
    json!({"metadata": metadata(results.len()), "results": results, "correlation_id": "", "actions": []})
}
