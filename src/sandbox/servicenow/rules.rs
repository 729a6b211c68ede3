//! The customer's business rules: a REST message is sent after a record was made or changed. There is no second try.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::backend::{Actor, Backend};
use super::books::Row;
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// What a rule's REST message looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleContent {
    /// The id as the query parameter `external_id`; no body.
    QueryParameters,
    /// `{"sys_id","number","table","state","event","correlation_id"}`.
    Json,
    /// The same as a form.
    Form,
    /// `{"number"}` alone.
    NumberOnly,
    /// JSON into which the summary is pasted as it is, so that a quotation mark breaks it.
    Pasted,
}

/// A business rule.
#[derive(Clone, Debug)]
pub struct BusinessRule {
    /// Where its REST message goes.
    pub url: String,
    /// The table it stands on.
    pub table: String,
    /// What it sends.
    pub content: RuleContent,
    /// It runs only while this field has this value.
    pub condition: Option<(String, String)>,
    /// It does not run for writes of this user.
    pub exempt_user: Option<String>,
    /// Headers of the message.
    pub headers: Vec<(String, String)>,
}

impl BusinessRule {
    /// A rule on incidents that runs after every insert and update.
    #[must_use]
    pub fn new(url: impl Into<String>, content: RuleContent) -> Self {
        Self {
            url: url.into(),
            table: "incident".to_owned(),
            content,
            condition: None,
            exempt_user: None,
            headers: Vec::new(),
        }
    }
}

/// The rules of the instance.
#[derive(Default)]
pub(super) struct Rules(Mutex<Vec<BusinessRule>>);

impl Rules {
    pub(super) fn set(&self, rules: Vec<BusinessRule>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    fn concerned(&self, row: &Row, actor: &Actor) -> Vec<BusinessRule> {
        let runs = |rule: &&BusinessRule| {
            rule.table == row.table
                && rule
                    .condition
                    .as_ref()
                    .is_none_or(|(field, value)| row.value(field) == value)
                && rule
                    .exempt_user
                    .as_ref()
                    .is_none_or(|user| *user != actor.user)
        };
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().filter(runs).cloned().collect()
    }
}

impl Backend {
    /// Lets the rules see what happened.
    pub(super) fn fire(self: &Arc<Self>, before: Option<&Row>, row: &Row, actor: &Actor) {
        if !self.outbox.is_open() {
            return;
        }
        let event = if before.is_some() { "update" } else { "insert" };
        for rule in self.rules.concerned(row, actor) {
            self.outbox
                .send(self.clone().deliver(rule, row.clone(), event));
        }
    }

    async fn deliver(self: Arc<Self>, rule: BusinessRule, row: Row, event: &'static str) {
        let members = [
            ("sys_id", row.id.as_str()),
            ("number", row.value("number")),
            ("table", row.table),
            ("state", row.value("state")),
            ("event", event),
            ("correlation_id", row.value("correlation_id")),
        ];
        let client = self.outbox.client();
        let json = "application/json";
        let request = match rule.content {
            RuleContent::QueryParameters => {
                client.post(&rule.url).query(&[("external_id", &row.id)])
            }
            RuleContent::Json => {
                let members: serde_json::Map<_, _> = members
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), json!(value)))
                    .collect();
                client.post(&rule.url).json(&members)
            }
            RuleContent::Form => client.post(&rule.url).form(&members),
            RuleContent::NumberOnly => client
                .post(&rule.url)
                .json(&json!({"number": row.value("number")})),
            RuleContent::Pasted => {
                let body = format!(
                    r#"{{"short_description":"{}","sys_id":"{}"}}"#,
                    row.value("short_description"),
                    row.id
                );
                client
                    .post(&rule.url)
                    .header("Content-Type", json)
                    .body(body)
            }
        };
        let mut request = request.header("User-Agent", "ServiceNow/1.0");
        for (name, value) in &rule.headers {
            request = request.header(name, value);
        }
        let status = self.outbox.call(request).await;
        if !(200..300).contains(&status) {
            let write = Write::new(Deed::Removed, Thing::Delivery, row.ticket(), Doer::System);
            self.journal
                .record(write.called("the message was not taken, and is not sent again"));
        }
    }
}
