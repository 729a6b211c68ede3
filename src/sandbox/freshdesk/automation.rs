//! The automation rule: on a change it calls a webhook, with whatever the admin typed.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::desk::{Desk, Ticket, plain};
use super::fields::{priority_label, status_label};

/// A rule with the action *Trigger webhook*, method POST.
#[derive(Clone, Debug)]
pub struct AutomationRule {
    /// Where it calls; placeholders are substituted in it.
    pub url: String,
    /// What it sends.
    pub content: Content,
    /// When it calls.
    pub when: When,
    /// Whether changes made through the API set it off too.
    pub includes_api: bool,
}

/// What a rule sends.
#[derive(Clone, Debug)]
pub enum Content {
    /// *Simple*: the vendor's own JSON wrapper, with labels for status and priority.
    Simple,
    /// *Advanced*: a text with placeholders, which are not escaped.
    Advanced(String),
    /// Nothing: the address says it all.
    Nothing,
}

/// When a rule calls.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// On every creation and update.
    AnyChange,
    /// When a ticket's status has become this one.
    StatusBecomes(u64),
    /// On every change of a ticket that has, or had before the change, one of these statuses.
    StatusIsOrWas(&'static [u64]),
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Performer {
    /// A person on the desk.
    Person,
    /// The agent whose key the integration uses.
    Api,
}

/// One delivery, at its end.
#[derive(Clone, Debug, Serialize)]
pub struct Delivered {
    /// The ticket.
    pub ticket: u64,
    /// The status of the last answer; 0 when none came.
    pub status: u16,
    /// How often it was sent.
    pub attempts: u32,
}

/// The waits after failed attempts: 5, 30 and 60 minutes.
const WAITS: [Duration; 3] = [
    Duration::from_secs(300),
    Duration::from_secs(1800),
    Duration::from_secs(3600),
];

/// Calls, if the rule holds for this change. `before` is the status before it; none for a new ticket.
pub(super) fn fire(desk: &Arc<Desk>, ticket: &Ticket, before: Option<u64>, performer: Performer) {
    if !desk.outbox.is_open() {
        return;
    }
    let rule = desk
        .rule
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(rule) = rule else { return };
    if performer == Performer::Api && !rule.includes_api {
        return;
    }
    let holds = match rule.when {
        When::AnyChange => true,
        When::StatusBecomes(status) => ticket.status == status && before != Some(status),
        When::StatusIsOrWas(statuses) => {
            statuses.contains(&ticket.status)
                || before.is_some_and(|before| statuses.contains(&before))
        }
    };
    if !holds {
        return;
    }
    let url = substitute(&rule.url, ticket, desk);
    let body = match &rule.content {
        Content::Simple => simple(ticket, desk),
        Content::Advanced(template) => substitute(template, ticket, desk),
        Content::Nothing => String::new(),
    };
    desk.outbox
        .send(deliver(desk.clone(), ticket.id, url, body));
}

async fn deliver(desk: Arc<Desk>, ticket: u64, url: String, body: String) {
    let mut attempts = 0;
    let mut status = 0;
    for wait in WAITS.iter().map(Some).chain([None]) {
        let request = desk
            .outbox
            .client()
            .post(&url)
            .header("content-type", "application/json")
            .body(body.clone());
        status = desk.outbox.call(request).await;
        attempts += 1;
        if (200..300).contains(&status) {
            break;
        }
        if let Some(wait) = wait {
            desk.outbox.wait(*wait).await;
        }
    }
    let mut delivered = desk
        .delivered
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    delivered.push(Delivered {
        ticket,
        status,
        attempts,
    });
}

fn simple(ticket: &Ticket, desk: &Desk) -> String {
    let books = desk.books();
    let contact = books.contacts.get(&ticket.requester);
    json!({ "freshdesk_webhook": {
        "ticket_id": ticket.id,
        "ticket_subject": ticket.subject,
        "ticket_description": ticket.description,
        "ticket_url": format!("{}/helpdesk/tickets/{}", desk.base_url, ticket.id),
        "ticket_status": status_label(ticket.status),
        "ticket_priority": priority_label(ticket.priority),
        "ticket_contact_name": contact.map(|contact| contact.name.clone()),
        "ticket_contact_email": contact.and_then(|contact| contact.email.clone()),
    }})
    .to_string()
}

/// Placeholders, put in as they are: a quotation mark in a subject breaks the JSON around it.
fn substitute(template: &str, ticket: &Ticket, desk: &Desk) -> String {
    let id = ticket.id.to_string();
    let url = format!("{}/helpdesk/tickets/{id}", desk.base_url);
    let description = plain(&ticket.description);
    let values = [
        ("{{ticket.id}}", id.as_str()),
        ("{{ticket.url}}", &url),
        ("{{ticket.subject}}", &ticket.subject),
        ("{{ticket.description}}", &description),
        ("{{ticket.status}}", status_label(ticket.status)),
        ("{{ticket.priority}}", priority_label(ticket.priority)),
    ];
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        })
}
