//! Record-triggered flows and what they send: outbound messages in batches until they are acknowledged, or a callout, once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header;
use serde_json::Value;

use super::backend::{Backend, ORGANIZATION};
use super::ids;
use super::store::{Books, Row};
use super::values::moment;
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// A flow on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The object whose records start it.
    pub object: String,
    /// Only while the case (or the case that a comment stands on) has one of these statuses; in any when empty.
    pub statuses: Vec<String>,
    /// Whether changes by the integration user are left out, as a condition on `$User` does it.
    pub skips_integration_user: bool,
    /// What it does.
    pub action: FlowAction,
}

/// What a flow does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowAction {
    /// Sends an outbound message.
    OutboundMessage {
        /// Where.
        url: String,
        /// The fields selected.
        fields: Vec<String>,
        /// Whether Send Session ID is checked.
        sends_session: bool,
    },
    /// Makes an HTTP callout; nobody repeats it.
    Callout {
        /// Where.
        url: String,
        /// The body, in which `{!$Record.Id}` stands for the record's id.
        body: String,
        /// Further headers.
        headers: Vec<(String, String)>,
    },
}

impl Flow {
    /// An outbound message with the id alone for every new or changed record of an object.
    #[must_use]
    pub fn outbound(object: &str, url: impl Into<String>) -> Self {
        Self {
            object: object.to_owned(),
            statuses: Vec::new(),
            skips_integration_user: false,
            action: FlowAction::OutboundMessage {
                url: url.into(),
                fields: vec!["Id".to_owned()],
                sends_session: false,
            },
        }
    }
}

/// The most notifications in one message.
const MOST_NOTIFICATIONS: usize = 100;
/// How long a message is sent again, and how long the waits grow. The first wait is not published.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 3_600);
const FIRST_WAIT: Duration = Duration::from_secs(15);

/// The flows of the org.
#[derive(Default)]
pub(super) struct Flows {
    active: Mutex<Vec<Active>>,
    notifications: AtomicU64,
}

#[derive(Clone)]
struct Active {
    flow: Arc<Flow>,
    queue: Arc<Queue>,
}

/// What a flow has yet to send.
#[derive(Default)]
struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    notifications: Vec<Notification>,
    is_being_sent: bool,
}

#[derive(Clone, Debug)]
struct Notification {
    id: String,
    record: String,
}

impl Queue {
    /// Adds a notification; answers whether somebody must begin to send.
    fn push(&self, notification: Notification) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.notifications.push(notification);
        !std::mem::replace(&mut waiting.is_being_sent, true)
    }

    /// The next batch; nothing ends the sending.
    fn batch(&self) -> Option<Vec<Notification>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.notifications.len().min(MOST_NOTIFICATIONS);
        if count == 0 {
            waiting.is_being_sent = false;
            return None;
        }
        Some(waiting.notifications.drain(..count).collect())
    }
}

impl Flows {
    pub(super) fn set(&self, flows: Vec<Flow>) {
        let active = flows.into_iter().map(|flow| Active {
            flow: Arc::new(flow),
            queue: Arc::default(),
        });
        *self.active.lock().unwrap_or_else(PoisonError::into_inner) = active.collect();
    }

    fn of(&self, object: &str) -> Vec<Active> {
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active
            .iter()
            .filter(|one| one.flow.object == object)
            .cloned()
            .collect()
    }
}

impl Backend {
    /// Runs the flows that a change of a record starts.
    pub(super) fn fire(self: &Arc<Self>, object: &str, row: &Row) {
        if !self.outbox.is_open() {
            return;
        }
        for active in self.flows.of(object) {
            let is_ours = row.text("LastModifiedById") == self.api_user();
            if active.flow.skips_integration_user && is_ours || !self.has_status(&active.flow, row)
            {
                continue;
            }
            match &active.flow.action {
                FlowAction::OutboundMessage { .. } => {
                    let number = self.flows.notifications.fetch_add(1, Ordering::AcqRel) + 1;
                    let notification = Notification {
                        id: ids::id("04l", number),
                        record: row.id().to_owned(),
                    };
                    if active.queue.push(notification) {
                        self.outbox.send(send_all(self.clone(), active.clone()));
                    }
                }
                FlowAction::Callout { url, body, headers } => {
                    let mut request = self
                        .outbox
                        .client()
                        .post(url)
                        .header(header::CONTENT_TYPE, "application/json")
                        .body(body.replace("{!$Record.Id}", row.id()));
                    for (name, value) in headers {
                        request = request.header(name, value);
                    }
                    let backend = self.clone();
                    self.outbox.send(async move {
                        backend.outbox.call(request).await;
                    });
                }
            }
        }
    }

    fn has_status(&self, flow: &Flow, row: &Row) -> bool {
        if flow.statuses.is_empty() {
            return true;
        }
        let own = row.text("Status").to_owned();
        let books = self.books();
        let status = match books.any(row.text("ParentId")) {
            Some(("Case", case)) if own.is_empty() => case.text("Status").to_owned(),
            _ => own,
        };
        flow.statuses.contains(&status)
    }
}

async fn send_all(backend: Arc<Backend>, active: Active) {
    while let Some(batch) = active.queue.batch() {
        let mut wait = FIRST_WAIT;
        let mut waited = Duration::ZERO;
        while let Some(envelope) = envelope(&backend, &active.flow, &batch) {
            if is_acknowledged(&backend, &active.flow, envelope).await {
                break;
            }
            if waited >= PATIENCE {
                let lost = Write::new(Deed::Removed, Thing::Delivery, 0, Doer::System);
                backend
                    .journal
                    .record(lost.called(format!("{} notifications", batch.len())));
                break;
            }
            backend.outbox.wait(wait).await;
            waited += wait;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

async fn is_acknowledged(backend: &Backend, flow: &Flow, envelope: String) -> bool {
    let FlowAction::OutboundMessage { url, .. } = &flow.action else {
        return true;
    };
    let request = backend
        .outbox
        .client()
        .post(url)
        .header(header::CONTENT_TYPE, "text/xml; charset=utf-8")
        .header("soapaction", "\"\"")
        .body(envelope);
    let (status, body) = backend.outbox.exchange(request).await;
    let parts = [
        "Envelope",
        "Body>",
        "notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"",
        "<Ack>true</Ack>",
    ];
    status == 200 && parts.iter().all(|part| body.contains(part))
}

/// The message, with the records as they are now. Nothing when none of them is left.
fn envelope(backend: &Backend, flow: &Flow, batch: &[Notification]) -> Option<String> {
    let FlowAction::OutboundMessage {
        fields,
        sends_session,
        ..
    } = &flow.action
    else {
        return None;
    };
    let books = backend.books();
    let notifications: Vec<String> = batch
        .iter()
        .filter_map(|notification| notified(&books, flow, fields, notification))
        .collect();
    drop(books);
    if notifications.is_empty() {
        return None;
    }
    let session = if *sends_session {
        format!("<SessionId>{}</SessionId>", backend.open_session())
    } else {
        r#"<SessionId xsi:nil="true"/>"#.to_owned()
    };
    let base = &backend.base_url;
    Some(format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n <soapenv:Body>\n  <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\n   <OrganizationId>{ORGANIZATION}</OrganizationId>\n   <ActionId>04kHs0000000001AAA</ActionId>\n   {session}\n   <EnterpriseUrl>{base}/services/Soap/c/64.0/{ORGANIZATION}</EnterpriseUrl>\n   <PartnerUrl>{base}/services/Soap/u/64.0/{ORGANIZATION}</PartnerUrl>\n{}  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n",
        notifications.concat()
    ))
}

fn notified(
    books: &Books,
    flow: &Flow,
    fields: &[String],
    notification: &Notification,
) -> Option<String> {
    let row = books.row(&flow.object, &notification.record).ok()?;
    let object = books.schema.get(flow.object.as_str())?;
    let mut members = String::new();
    for name in fields {
        let kind = object.field(name)?.kind;
        // What is null is left out.
        let text = match row.fields.get(name)? {
            Value::Null => continue,
            Value::String(text) if kind == "datetime" => moment(text)
                .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string())
                .unwrap_or_default(),
            Value::String(text) => escaped(text),
            other => other.to_string(),
        };
        members.push_str(&format!("     <sf:{name}>{text}</sf:{name}>\n"));
    }
    Some(format!(
        "   <Notification>\n    <Id>{}</Id>\n    <sObject xsi:type=\"sf:{}\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\n{members}    </sObject>\n   </Notification>\n",
        notification.id, flow.object
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
