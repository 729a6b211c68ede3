//! What the vendor sends: signed webhooks, and extension callouts from workflow rules.
//!
//! A webhook reports changes of its subscribed fields by anybody but its excluded resources; a delivery has ten seconds
//! and five attempts in two minutes, the events of one webhook go in order, and 25 failed in a row switch it off.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha1::Sha1;

use super::WebhookBody;
use super::backend::{Actor, Backend, Row};
use super::clean;
use super::shape::{Choice, NOTE_FIELDS, Shape, Spec, TICKET_FIELDS, named};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// How long a delivery may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// The waits before the second to the fifth attempt.
const WAITS: [Duration; 4] = [Duration::from_secs(30); 4];
/// A webhook is switched off after so many failures in a row.
const MOST_FAILURES: u32 = 25;
/// A callout is tried again every minute for ten minutes.
const CALLOUT_WAITS: [Duration; 10] = [Duration::from_secs(60); 10];

/// Something that happened to an object.
pub(super) struct Event {
    shape: &'static Shape,
    action: &'static str,
    row: Row,
    changed: Vec<&'static str>,
    actor: Actor,
}

impl Event {
    pub(super) fn created(shape: &'static Shape, row: &Row, actor: Actor) -> Self {
        Self {
            shape,
            action: "Create",
            row: row.clone(),
            changed: Vec::new(),
            actor,
        }
    }

    pub(super) fn updated(
        shape: &'static Shape,
        row: &Row,
        changed: &[&'static str],
        actor: Actor,
    ) -> Self {
        Self {
            shape,
            action: "Update",
            row: row.clone(),
            changed: changed.to_vec(),
            actor,
        }
    }

    fn id(&self) -> u64 {
        self.row
            .get("id")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }
}

/// An extension callout for tickets, with the workflow rule that fires it.
#[derive(Clone, Debug)]
pub(super) struct Callout {
    pub(super) url: String,
    pub(super) credentials: Option<(String, String)>,
}

/// The parts of webhooks for one kind of object.
struct Family {
    hooks: &'static str,
    fields: &'static str,
    excluded: &'static str,
    choices: &'static [Choice],
}

fn family(shape: &Shape) -> Option<Family> {
    match shape.name {
        "Tickets" | "TicketWebhooks" => Some(Family {
            hooks: "TicketWebhooks",
            fields: "TicketWebhookFields",
            excluded: "TicketWebhookExcludedResources",
            choices: TICKET_FIELDS,
        }),
        "TicketNotes" | "TicketNoteWebhooks" => Some(Family {
            hooks: "TicketNoteWebhooks",
            fields: "TicketNoteWebhookFields",
            excluded: "TicketNoteWebhookExcludedResources",
            choices: NOTE_FIELDS,
        }),
        _ => None,
    }
}

/// The field that a label of the picklist means.
fn labelled(shape: &Shape, choices: &[Choice], id: u64) -> Option<&'static Spec> {
    let plain = |text: &str| {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters
            .map(|letter| letter.to_ascii_lowercase())
            .collect::<String>()
    };
    let (_, label, _) = choices.iter().find(|(choice, _, _)| *choice == id)?;
    let mut fields = shape.fields.iter();
    fields.find(|field| plain(field.name) == plain(label))
}

struct Delivery {
    key: String,
    hook: u64,
    url: String,
    body: String,
    signature: String,
}

fn flag(row: &Row, name: &str) -> bool {
    row.get(name) == Some(&Value::Bool(true))
}

fn text<'r>(row: &'r Row, name: &str) -> &'r str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Backend {
    /// Whether a webhook has what it needs to deliver: a subscribed field.
    pub(super) fn is_ready(&self, shape: &Shape, id: u64) -> bool {
        let Some(family) = family(shape) else {
            return false;
        };
        let fields = self.books().children(family.fields, "webhookID", id);
        fields.iter().any(|field| flag(field, "isSubscribedField"))
    }

    /// Tells everyone concerned.
    pub(super) fn tell(self: &Arc<Self>, event: &Event) {
        if !self.outbox.is_open() {
            return;
        }
        if let Some(family) = family(event.shape) {
            for delivery in self.deliveries(event, &family) {
                self.outbox.send(self.clone().deliver(delivery));
            }
        }
        if event.shape.name == "Tickets" {
            self.call_out(event);
        }
    }

    fn deliveries(&self, event: &Event, family: &Family) -> Vec<Delivery> {
        let mut books = self.books();
        let hooks: Vec<Row> = books.rows(family.hooks).cloned().collect();
        let mut made = Vec::new();
        for hook in hooks {
            let id = hook.get("id").and_then(Value::as_u64).unwrap_or_default();
            let listens = match event.action {
                "Create" => flag(&hook, "isSubscribedToCreateEvents"),
                _ => flag(&hook, "isSubscribedToUpdateEvents"),
            };
            let excluded = books.children(family.excluded, "webhookID", id);
            let is_excluded = excluded
                .iter()
                .any(|row| row.get("resourceID") == Some(&json!(event.actor.resource)));
            if !flag(&hook, "isActive") || !listens || is_excluded {
                continue;
            }
            let told = books.children(family.fields, "webhookID", id);
            let Some(fields) = reported(event, family, &told) else {
                continue;
            };
            books.sequence += 1;
            let body = json!({
                "Action": event.action,
                "Guid": hook.get("webhookGUID"),
                "EntityType": event.shape.noun,
                "Id": event.id(),
                "Fields": fields,
                "EventTime": clean::stamp(self.clock.now()),
                "SequenceNumber": books.sequence,
                "PersonID": event.actor.resource,
            });
            let url = text(&hook, "webhookUrl").to_owned();
            made.push(self.signed(family.hooks, &hook, url, &body));
        }
        made
    }

    fn signed(&self, hooks: &str, hook: &Row, url: String, body: &Value) -> Delivery {
        let id = hook.get("id").and_then(Value::as_u64).unwrap_or_default();
        let plain = body.to_string();
        let escaped = escaped(&plain);
        let signature = signature(text(hook, "secretKey"), &escaped);
        Delivery {
            key: format!("{hooks}/{id}"),
            hook: id,
            url,
            body: match self.settings.webhook_body {
                WebhookBody::Escaped => escaped,
                WebhookBody::Plain => plain,
            },
            signature,
        }
    }

    fn line(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.entry(key.to_owned()).or_default().clone()
    }

    async fn deliver(self: Arc<Self>, delivery: Delivery) {
        let line = self.line(&delivery.key);
        let _turn = line.lock().await;
        if self.post(&delivery).await {
            self.books().failures.remove(&delivery.key);
            return;
        }
        self.log_failure(&delivery);
        let failures = {
            let mut books = self.books();
            let count = books.failures.entry(delivery.key.clone()).or_default();
            *count += 1;
            *count
        };
        if failures >= MOST_FAILURES {
            self.switch_off(&delivery.key).await;
        }
    }

    /// Sends until it is taken or the attempts are used up.
    async fn post(&self, delivery: &Delivery) -> bool {
        let mut waits = WAITS.iter();
        loop {
            let request = self
                .outbox
                .client()
                .post(&delivery.url)
                .header("Content-Type", "application/json")
                .header("X-Hook-Signature", &delivery.signature)
                .body(delivery.body.clone());
            let status = self.outbox.call(request).await;
            if (200..300).contains(&status) {
                return true;
            }
            match waits.next() {
                Some(wait) => self.outbox.wait(*wait).await,
                None => return false,
            }
        }
    }

    fn log_failure(&self, delivery: &Delivery) {
        let mut books = self.books();
        let id = books.take_id();
        let row = json!({"id": id, "webhookID": delivery.hook, "errorMessage": "The webhook was not answered with success.",
            "createDateTime": clean::stamp(self.clock.now())});
        let row = row.as_object().cloned().unwrap_or_default();
        books.insert("WebhookEventErrorLogs", id, row);
        drop(books);
        let write = Write::new(Deed::Removed, Thing::Delivery, delivery.hook, Doer::System);
        self.journal.record(write.called(delivery.key.clone()));
    }

    /// Switches a webhook off, and says so to its own address for that.
    pub(super) async fn switch_off(&self, key: &str) {
        let Some((hooks, id)) = key.split_once('/') else {
            return;
        };
        let (Some(shape), Ok(id)) = (named(hooks), id.parse::<u64>()) else {
            return;
        };
        let Some(mut hook) = self.row(shape, id) else {
            return;
        };
        hook.insert("isActive".to_owned(), json!(false));
        self.books().insert(shape.name, id, hook.clone());
        self.books().failures.remove(key);
        let body = json!({
            "Action": "Deactivated",
            "Guid": hook.get("webhookGUID"),
            "Id": id,
            "EventTime": clean::stamp(self.clock.now()),
        });
        let url = text(&hook, "deactivationUrl").to_owned();
        let delivery = self.signed(shape.name, &hook, url, &body);
        let request = self
            .outbox
            .client()
            .post(&delivery.url)
            .header("Content-Type", "application/json")
            .header("X-Hook-Signature", &delivery.signature)
            .body(delivery.body);
        self.outbox.call(request).await;
    }

    /// The extension callout: a form with the id, the number and malformed dates.
    fn call_out(self: &Arc<Self>, event: &Event) {
        let callout = self
            .callout
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(callout) = callout else {
            return;
        };
        let malformed = |name: &str| {
            let text = text(&event.row, name).trim_end_matches('Z');
            format!("{text}00000-04:00:00")
        };
        let status = event.row.get("status").and_then(Value::as_u64);
        let label = super::shape::STATUSES
            .iter()
            .find(|(value, _, _)| Some(*value) == status);
        let body = format!(
            "id={}&number={}&status={}&created_datetime={}&last_activity_datetime={}",
            event.id(),
            text(&event.row, "ticketNumber"),
            label
                .map(|(_, label, _)| label.replace(' ', "+"))
                .unwrap_or_default(),
            malformed("createDate"),
            malformed("lastActivityDate"),
        );
        self.outbox
            .send(self.clone().deliver_callout(callout, event.id(), body));
    }

    async fn deliver_callout(self: Arc<Self>, callout: Callout, ticket: u64, body: String) {
        let mut waits = CALLOUT_WAITS.iter();
        loop {
            let mut request = self
                .outbox
                .client()
                .post(&callout.url)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(body.clone());
            if let Some((user, password)) = &callout.credentials {
                request = request.basic_auth(user, Some(password));
            }
            let status = self.outbox.call(request).await;
            if (200..300).contains(&status) {
                return;
            }
            match waits.next() {
                Some(wait) => self.outbox.wait(*wait).await,
                None => break,
            }
        }
        let write = Write::new(Deed::Removed, Thing::Delivery, ticket, Doer::System);
        self.journal
            .record(write.called("the callout was given up"));
    }
}

/// The fields that a webhook shows of an event; `None` when none of its subscribed fields changed, or it has none.
fn reported(event: &Event, family: &Family, told: &[Row]) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    let mut concerned = false;
    for row in told {
        let id = row.get("fieldID").and_then(Value::as_u64)?;
        let Some(field) = labelled(event.shape, family.choices, id) else {
            continue;
        };
        let is_subscribed = flag(row, "isSubscribedField");
        let has_changed = event.action == "Create" || event.changed.contains(&field.name);
        concerned |= is_subscribed && has_changed;
        if (is_subscribed && has_changed) || flag(row, "isDisplayAlwaysField") {
            let value = match event.row.get(field.name) {
                Some(Value::String(text)) => json!(text),
                Some(Value::Null) | None => json!(null),
                Some(other) => json!(other.to_string()),
            };
            fields.insert(field.name.to_owned(), value);
        }
    }
    concerned.then_some(fields)
}

/// Base64 of the HMAC-SHA1.
fn signature(key: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(body.as_bytes());
    format!("sha1={}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// JSON as the vendor's writer makes it: what HTML knows, and all beyond ASCII, as `\uXXXX`.
fn escaped(json: &str) -> String {
    let mut made = String::with_capacity(json.len());
    let mut is_text = false;
    let mut letters = json.chars();
    while let Some(letter) = letters.next() {
        let follows = if letter == '\\' { letters.next() } else { None };
        match (letter, follows) {
            ('\\', Some('"')) => made.push_str("\\u0022"),
            ('\\', Some(other)) => made.extend(['\\', other]),
            ('"', _) => {
                is_text = !is_text;
                made.push('"');
            }
            (letter, _) if is_text && (!letter.is_ascii() || "&<>'+`".contains(letter)) => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    made.push_str(&format!("\\u{unit:04X}"));
                }
            }
            (letter, _) => made.push(letter),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_structure_is_not() {
        let plain = json!({"a": "R&D <\"b\"> é\n", "b": 1}).to_string();
        let made = escaped(&plain);
        assert_eq!(
            made,
            "{\"a\":\"R\\u0026D \\u003C\\u0022b\\u0022\\u003E \\u00E9\\n\",\"b\":1}"
        );
    }

    #[test]
    fn a_label_means_its_field() {
        let tickets = named("Tickets").unwrap();
        for (id, label, _) in TICKET_FIELDS {
            assert!(labelled(tickets, TICKET_FIELDS, *id).is_some(), "{label}");
        }
        let notes = named("TicketNotes").unwrap();
        for (id, label, _) in NOTE_FIELDS {
            assert!(labelled(notes, NOTE_FIELDS, *id).is_some(), "{label}");
        }
    }
}
