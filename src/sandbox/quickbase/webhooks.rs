//! Table webhooks: what an administrator typed, with markers filled in without any escaping, and unsigned.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::backend::{Actor, Backend};
use super::schema::{APP, JOBS, TableSpec};
use crate::sandbox::journal::{Deed, Doer, Thing, Write};

/// What a webhook listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowEvent {
    /// A record is added.
    Added,
    /// A record is modified.
    Modified,
    /// A record is deleted.
    Deleted,
}

impl RowEvent {
    fn action(self) -> &'static str {
        match self {
            Self::Added => "Add",
            Self::Modified => "Replace",
            Self::Deleted => "Delete",
        }
    }
}

/// Whose doings a webhook listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Editor {
    /// Everybody's: what the API does fires the webhook as well.
    #[default]
    Anyone,
    /// Everybody's but those of the token's user, by a criterion on Last Modified By.
    ExceptTokenUser,
}

/// The format of a webhook's message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageFormat {
    /// XML, the default.
    #[default]
    Xml,
    /// JSON, or what is meant to be JSON.
    Json,
    /// Text as it is.
    Raw,
}

impl MessageFormat {
    fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Json => "application/json",
            Self::Raw => "text/plain",
        }
    }
}

/// A webhook of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableWebhook {
    /// The table's id.
    pub table: String,
    /// Where it sends.
    pub url: String,
    /// What it listens to.
    pub events: Vec<RowEvent>,
    /// Whose doings it listens to.
    pub editor: Editor,
    /// The format of the message.
    pub format: MessageFormat,
    /// The message; empty unless somebody typed one.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl TableWebhook {
    /// A webhook for added and modified jobs, with the format and the body that it has by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            table: JOBS.to_owned(),
            url: url.into(),
            events: vec![RowEvent::Added, RowEvent::Modified],
            editor: Editor::Anyone,
            format: MessageFormat::Xml,
            body: String::new(),
            headers: Vec::new(),
        }
    }

    /// The same with a message.
    #[must_use]
    pub fn with_message(mut self, format: MessageFormat, body: impl Into<String>) -> Self {
        self.format = format;
        self.body = body.into();
        self
    }

    fn concerns(&self, table: &TableSpec, event: RowEvent, actor: Actor) -> bool {
        self.table == table.id
            && self.events.contains(&event)
            && (self.editor == Editor::Anyone || actor != Actor::Api)
    }
}

/// The webhooks of the app.
#[derive(Default)]
pub(super) struct Webhooks(Mutex<Vec<TableWebhook>>);

impl Webhooks {
    pub(super) fn set(&self, webhooks: Vec<TableWebhook>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = webhooks;
    }

    fn concerned(
        &self,
        table: &TableSpec,
        event: RowEvent,
        actor: Actor,
    ) -> Vec<(usize, TableWebhook)> {
        let webhooks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let numbered = webhooks.iter().enumerate();
        let concerned = numbered.filter(|(_, webhook)| webhook.concerns(table, event, actor));
        concerned
            .map(|(place, webhook)| (place + 1, webhook.clone()))
            .collect()
    }
}

const REPEAT_ON: &str = "%RepeatOn%";
const REPEAT_OFF: &str = "%RepeatOff%";

type Shown = Map<String, Value>;

impl Backend {
    /// Lets the webhooks see what happened to rows.
    pub(super) fn fire(
        self: &Arc<Self>,
        table: &'static TableSpec,
        event: RowEvent,
        rows: &[Shown],
        actor: Actor,
    ) {
        if rows.is_empty() || !self.outbox.is_open() {
            return;
        }
        for (number, webhook) in self.webhooks.concerned(table, event, actor) {
            let message = Message {
                backend: self,
                table,
                event,
                actor,
                number,
            };
            // A message that repeats tells of all records at once; any other tells of each by itself.
            if webhook.body.contains(REPEAT_ON) {
                self.post(&webhook, &message, rows);
            } else {
                for row in rows {
                    self.post(&webhook, &message, std::slice::from_ref(row));
                }
            }
        }
    }

    fn post(self: &Arc<Self>, webhook: &TableWebhook, message: &Message<'_>, rows: &[Shown]) {
        let url = message.filled(&webhook.url, rows);
        let body = message.filled(&webhook.body, rows);
        let mut request = self.outbox.client().post(&url);
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        let request = request
            .header("Content-Type", webhook.format.media_type())
            .body(body);
        let row = rows.first().and_then(|row| row["3"]["value"].as_u64());
        let backend = self.clone();
        self.outbox.send(async move {
            // Nothing is published of further attempts: there is one.
            let status = backend.outbox.call(request).await;
            if !(200..300).contains(&status) {
                let id = row.unwrap_or_default();
                let write = Write::new(Deed::Removed, Thing::Delivery, id, Doer::System);
                backend.journal.record(write.called("the webhook failed"));
            }
        });
    }
}

/// What the markers of one message stand for.
struct Message<'a> {
    backend: &'a Backend,
    table: &'static TableSpec,
    event: RowEvent,
    actor: Actor,
    number: usize,
}

impl Message<'_> {
    fn filled(&self, template: &str, rows: &[Shown]) -> String {
        let Some((before, rest)) = template.split_once(REPEAT_ON) else {
            return match rows.first() {
                Some(row) => self.with_row(template, row),
                None => template.to_owned(),
            };
        };
        let (repeated, after) = rest.split_once(REPEAT_OFF).unwrap_or((rest, ""));
        let nothing = Map::new();
        let first = rows.first().unwrap_or(&nothing);
        let each = rows.iter().map(|row| self.with_row(repeated, row));
        format!(
            "{}{}{}",
            self.with_row(before, first),
            each.collect::<String>(),
            self.with_row(after, first)
        )
    }

    /// Pastes values where the markers are, quotation marks, line breaks and all.
    fn with_row(&self, template: &str, row: &Shown) -> String {
        let id = pasted(
            &row.get("3")
                .map_or(Value::Null, |cell| cell["value"].clone()),
        );
        let realm = &self.backend.settings.realm;
        let user = self.actor.shown();
        let markers = [
            ("%appid%", APP.to_owned()),
            ("%dbid%", self.table.id.to_owned()),
            ("%dbName%", self.table.name.to_owned()),
            ("%realmHost%", realm.clone()),
            ("%action%", self.event.action().to_owned()),
            ("%curuser%", pasted(&user["email"])),
            ("%curdate%", self.backend.now().to_string()),
            (
                "%reclink%",
                format!("https://{realm}/db/{}?a=dr&rid={id}", self.table.id),
            ),
            ("%webhookid%", self.number.to_string()),
        ];
        let mut text = template.to_owned();
        for (marker, value) in markers {
            text = text.replace(marker, &value);
        }
        fill_labels(&text, |label| {
            let field = self
                .table
                .fields
                .iter()
                .find(|field| field.label == label)?;
            Some(pasted(&row.get(&field.id.to_string())?["value"]))
        })
    }
}

/// Replaces `[Label]` by its value; what is no label stays as it is.
fn fill_labels(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        filled.push_str(before);
        let found = after
            .split_once(']')
            .and_then(|(label, after)| Some((value(label)?, after)));
        if let Some((value, after)) = found {
            filled.push_str(&value);
            rest = after;
        } else {
            filled.push('[');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

fn pasted(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Object(user) => user.get("name").map(pasted).unwrap_or_default(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_pasted_without_escaping() {
        let value = |label: &str| match label {
            "Record ID#" => Some("11".to_owned()),
            "Title" => Some("the \"red\" one".to_owned()),
            _ => None,
        };
        let filled = fill_labels(
            r#"[{"id":"[Record ID#]","t":"[Title]","x":"[Nope]"}]"#,
            value,
        );
        assert_eq!(filled, r#"[{"id":"11","t":"the "red" one","x":"[Nope]"}]"#);
        assert!(serde_json::from_str::<Value>(&filled).is_err());
        assert_eq!(fill_labels("open [end", value), "open [end");
    }
}
