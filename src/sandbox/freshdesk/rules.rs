//! Automation rules: webhooks whose bodies an administrator typed, sent without any signature.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::backend::{API_AGENT, Actor, Backend, plain};
use super::fields::{self, CUSTOM_FIELDS};
use super::lookups;
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// What a rule listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleEvent {
    /// A ticket is opened.
    TicketCreated,
    /// A ticket changes in any way, notes included.
    TicketUpdated,
    /// A ticket's status changes.
    StatusChanged,
    /// A note or reply is added.
    NoteAdded,
}

/// Whose doings a rule listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Performer {
    /// Everybody's: changes by the API fire the rule as well.
    #[default]
    Anyone,
    /// Everybody's but the agent's whose API key the integration uses.
    ExceptApiAgent,
}

/// What a rule sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleContent {
    /// The ticked boxes, wrapped as `{"freshdesk_webhook": {…}}`: keys like `ticket_id`, `ticket_cf_x`.
    Simple(Vec<String>),
    /// A text with placeholders like `{{ticket.id}}`, pasted without any escaping.
    Advanced(String),
}

impl RuleContent {
    /// The boxes most administrators tick.
    #[must_use]
    pub fn usual() -> Self {
        let keys = [
            "ticket_id",
            "ticket_subject",
            "ticket_description",
            "ticket_url",
            "ticket_portal_url",
            "ticket_status",
            "ticket_priority",
            "ticket_contact_name",
            "ticket_contact_email",
        ];
        Self::Simple(keys.map(str::to_owned).to_vec())
    }
}

/// How a rule's content is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleEncoding {
    /// As JSON, or as what is meant to be JSON.
    #[default]
    Json,
    /// URL-encoded.
    Form,
}

/// An automation rule with the action *Trigger Webhook*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomationRule {
    /// Where it sends; may carry placeholders, e.g. `…&external_id={{ticket.id}}`.
    pub url: String,
    /// What it sends.
    pub content: RuleContent,
    /// How.
    pub encoding: RuleEncoding,
    /// What it listens to.
    pub events: Vec<RuleEvent>,
    /// Only tickets in these statuses; in any when empty.
    pub statuses: Vec<u64>,
    /// Whose doings it listens to.
    pub performer: Performer,
    /// User name and password, if it sends any.
    pub basic_auth: Option<(String, String)>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl AutomationRule {
    /// A rule for new and changed tickets in any status, by anyone.
    #[must_use]
    pub fn new(url: impl Into<String>, content: RuleContent) -> Self {
        Self {
            url: url.into(),
            content,
            encoding: RuleEncoding::Json,
            events: vec![RuleEvent::TicketCreated, RuleEvent::TicketUpdated],
            statuses: Vec::new(),
            performer: Performer::Anyone,
            basic_auth: None,
            headers: Vec::new(),
        }
    }
}

/// What happened to a ticket.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Created,
    Changed,
    Status { from: u64, to: u64 },
    Noted { is_private: bool },
}

impl Happening {
    /// What an update amounts to.
    pub(super) fn between(before: &Value, after: &Value) -> Self {
        let status = |ticket: &Value| ticket["status"].as_u64().unwrap_or_default();
        let (from, to) = (status(before), status(after));
        if from == to {
            Self::Changed
        } else {
            Self::Status { from, to }
        }
    }

    fn fires(&self, event: RuleEvent) -> bool {
        match self {
            Self::Created => event == RuleEvent::TicketCreated,
            Self::Changed => event == RuleEvent::TicketUpdated,
            Self::Status { .. } => {
                matches!(event, RuleEvent::TicketUpdated | RuleEvent::StatusChanged)
            }
            Self::Noted { .. } => matches!(event, RuleEvent::TicketUpdated | RuleEvent::NoteAdded),
        }
    }

    /// `{{triggered_event}}`, which is not JSON.
    fn triggered_event(&self) -> String {
        match self {
            Self::Created => "{ticket_action:created}".to_owned(),
            Self::Changed => "{ticket_action:updated}".to_owned(),
            Self::Status { from, to } => format!("{{status:{{from:{from},to:{to}}}}}"),
            Self::Noted { is_private: true } => "{note_type:private}".to_owned(),
            Self::Noted { is_private: false } => "{note_type:public}".to_owned(),
        }
    }
}

/// The rules of the account.
#[derive(Default)]
pub(super) struct Rules(Mutex<Vec<AutomationRule>>);

impl Rules {
    pub(super) fn set(&self, rules: Vec<AutomationRule>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    fn concerned(
        &self,
        ticket: &Value,
        happening: &Happening,
        actor: Actor,
    ) -> Vec<AutomationRule> {
        let status = ticket["status"].as_u64().unwrap_or_default();
        let fires = |rule: &&AutomationRule| {
            rule.events.iter().any(|event| happening.fires(*event))
                && (rule.statuses.is_empty() || rule.statuses.contains(&status))
                && (rule.performer == Performer::Anyone || actor.user != API_AGENT)
        };
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().filter(fires).cloned().collect()
    }
}

/// The waits before the retries, after which the administrators get a mail.
const WAITS: [Duration; 3] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(60 * 60),
];

/// A call on its way.
struct Call {
    ticket: u64,
    url: String,
    content_type: &'static str,
    headers: Vec<(String, String)>,
    body: String,
}

impl Backend {
    /// Lets the rules see what happened.
    pub(super) fn fire(self: &Arc<Self>, ticket: &Arc<Value>, happening: &Happening, actor: Actor) {
        if !self.outbox.is_open() {
            return;
        }
        for rule in self.rules.concerned(ticket, happening, actor) {
            let call = self.compose(&rule, ticket, happening);
            self.outbox.send(self.clone().deliver(call));
        }
    }

    fn compose(&self, rule: &AutomationRule, ticket: &Value, happening: &Happening) -> Call {
        let values = self.placeholders(ticket, happening);
        let body = match (&rule.content, rule.encoding) {
            (RuleContent::Advanced(template), _) => fill(template, &values),
            (RuleContent::Simple(keys), encoding) => simple(keys, &values, encoding),
        };
        let mut headers = rule.headers.clone();
        if let Some((user, password)) = &rule.basic_auth {
            let encoded = STANDARD.encode(format!("{user}:{password}"));
            headers.push(("Authorization".to_owned(), format!("Basic {encoded}")));
        }
        Call {
            ticket: ticket["id"].as_u64().unwrap_or_default(),
            url: fill(&rule.url, &values),
            content_type: match rule.encoding {
                RuleEncoding::Json => "application/json",
                RuleEncoding::Form => "application/x-www-form-urlencoded",
            },
            headers,
            body,
        }
    }

    /// The values of all placeholders, by name.
    fn placeholders(&self, ticket: &Value, happening: &Happening) -> Map<String, Value> {
        let text = |name: &str| ticket[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| ticket[name].as_u64().unwrap_or_default();
        let id = number("id");
        let requester = lookups::requester(self, number("requester_id"));
        let mut values = Map::new();
        let mut put = |name: &str, value: Value| {
            values.insert(name.to_owned(), value);
        };
        put("triggered_event", json!(happening.triggered_event()));
        put("ticket.id", json!(id));
        put(
            "ticket.url",
            json!(format!("{}/helpdesk/tickets/{id}", self.base_url)),
        );
        put(
            "ticket.portal_url",
            json!(format!("{}/support/tickets/{id}", self.base_url)),
        );
        put("ticket.subject", json!(text("subject")));
        put("ticket.description", json!(text("description")));
        put(
            "ticket.description_text",
            json!(plain(&text("description"))),
        );
        put(
            "ticket.status",
            json!(fields::status_label(number("status"))),
        );
        put(
            "ticket.priority",
            json!(fields::priority_label(number("priority"))),
        );
        put("ticket.ticket_type", json!(text("type")));
        put("ticket.requester.name", requester["name"].clone());
        put("ticket.requester.email", requester["email"].clone());
        put("ticket.contact.name", requester["name"].clone());
        put("ticket.contact.email", requester["email"].clone());
        for field in &CUSTOM_FIELDS {
            let value = ticket["custom_fields"][field.name].clone();
            put(&format!("ticket.{}", field.name), value);
        }
        values
    }

    async fn deliver(self: Arc<Self>, call: Call) {
        let mut waits = WAITS.iter();
        loop {
            let mut request = self.outbox.client().post(&call.url);
            for (name, value) in &call.headers {
                request = request.header(name, value);
            }
            let request = request
                .header("Content-Type", call.content_type)
                .body(call.body.clone());
            let status = self.outbox.call(request).await;
            match waits.next() {
                _ if (200..300).contains(&status) => return,
                Some(wait) => self.outbox.wait(*wait).await,
                None => break,
            }
        }
        let write = Write::new(Deed::Removed, Thing::Delivery, call.ticket, Doer::System);
        self.journal
            .record(write.called("the administrators were mailed"));
    }
}

fn pasted(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Pastes values where the placeholders are, quotes, line breaks and all.
fn fill(template: &str, values: &Map<String, Value>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            filled.push_str("{{");
            filled.push_str(after);
            return filled;
        };
        filled.push_str(&values.get(name.trim()).map_or_else(String::new, pasted));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The ticked boxes: `ticket_id` is `{{ticket.id}}`, `ticket_contact_name` is `{{ticket.contact.name}}`.
fn simple(keys: &[String], values: &Map<String, Value>, encoding: RuleEncoding) -> String {
    let value = |key: &String| {
        let name = key
            .replacen("ticket_", "ticket.", 1)
            .replace("contact_", "contact.");
        values.get(&name).cloned().unwrap_or(Value::Null)
    };
    let members: Map<_, _> = keys.iter().map(|key| (key.clone(), value(key))).collect();
    match encoding {
        RuleEncoding::Json => json!({"freshdesk_webhook": members}).to_string(),
        RuleEncoding::Form => {
            let pairs = members.iter().map(|(key, value)| (key, pasted(value)));
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_pasted_without_escaping() {
        let values = Map::from_iter([
            ("ticket.id".to_owned(), json!(11)),
            ("ticket.subject".to_owned(), json!("the \"red\" one")),
        ]);
        let filled = fill(
            r#"{"ticket_id":"{{ticket.id}}","s":"{{ ticket.subject }}","x":"{{unknown}}"}"#,
            &values,
        );
        assert_eq!(filled, r#"{"ticket_id":"11","s":"the "red" one","x":""}"#);
        assert!(serde_json::from_str::<Value>(&filled).is_err());
        assert_eq!(fill("open {{end", &values), "open {{end");
    }
}
