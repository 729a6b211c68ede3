//! Messages of a work order.

use serde_json::{Value, json};

use super::client::FieldNation;
use super::moment;
use super::session::feature_success;
use super::work_order::{id_of, text_of};
use crate::http::{Call, Request};
use crate::model::{Category, Failure, Note, NoteVisibility, WorkOrderId};

/// Deeper replies than this are not read.
const DEEPEST: u8 = 8;

impl FieldNation {
    /// The messages of a work order with their replies, oldest first.
    ///
    /// # Errors
    /// What the call fails with; a missing right is `configuration`.
    pub async fn messages(&self, call: &Call, id: WorkOrderId) -> Result<Vec<Note>, Failure> {
        let request = Request::get(self.session.rest(&format!("/workorders/{id}/messages")));
        let what = format!("list the messages of work order {id}");
        let body = self
            .session
            .expect_feature(call, &what, "messages", request)
            .await?;
        let rows = body.get("results").and_then(Value::as_array);
        if rows.is_none_or(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let own = self.identify(call).await?;
        let mut notes = Vec::new();
        gather(rows, own, 0, &mut notes);
        notes.sort_by_key(|note| note.created_at);
        Ok(notes)
    }

    /// Posts a message. An internal one goes to our own staff; a public one to the assigned provider, and to our staff
    /// as long as nobody is assigned, so that it is kept and reaches nobody it is not meant for. Answers its id.
    ///
    /// # Errors
    /// What a call fails with; a missing right is `configuration`.
    pub async fn post_message(
        &self,
        call: &Call,
        id: WorkOrderId,
        note: &Note,
    ) -> Result<Option<String>, Failure> {
        let to_provider =
            note.visibility == NoteVisibility::Public && self.is_assigned(call, id).await?;
        let first = if to_provider {
            "ASSIGNEDTECH"
        } else {
            "STAFF_NOTE"
        };
        match self.post(call, id, note, first).await {
            // Companies without staff notes have internal messages, read by the same people.
            Err(failure) if !to_provider && failure.category == Category::Validation => {
                self.post(call, id, note, "INTERNAL").await
            }
            outcome => outcome,
        }
    }

    async fn is_assigned(&self, call: &Call, id: WorkOrderId) -> Result<bool, Failure> {
        let work_order = self.fetch_columns(call, id, "id,assignee,status").await?;
        let assignee = work_order
            .as_ref()
            .and_then(|order| order.pointer("/assignee/user/id"));
        Ok(assignee.and_then(id_of).is_some_and(|user| user > 0))
    }

    async fn post(
        &self,
        call: &Call,
        id: WorkOrderId,
        note: &Note,
        kind: &str,
    ) -> Result<Option<String>, Failure> {
        let request = Request::post(self.session.rest(&format!("/workorders/{id}/messages")))
            .query("async", "false")
            .json(json!({"message": note.text, "type": kind}));
        let response = self.session.send(call, request).await?;
        let what = format!("post a message to work order {id}");
        let body = feature_success(&what, "messages", &response)?;
        let ours = newest_with(&body, &note.text);
        self.learn_id(ours.and_then(|message| id_of(message.pointer("/from/id")?)));
        Ok(ours.and_then(message_id))
    }
}

fn gather(rows: Option<&Vec<Value>>, own: Option<u64>, depth: u8, notes: &mut Vec<Note>) {
    for row in rows.into_iter().flatten() {
        if let Some(id) = message_id(row) {
            notes.push(Note {
                id,
                text: plain(
                    row.get("message")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                ),
                visibility: visibility(row),
                author: row.pointer("/from/name").and_then(text_of),
                created_at: row.get("created").and_then(moment::of_object),
                by_us: own.is_some() && row.pointer("/from/id").and_then(id_of) == own,
            });
        }
        if depth < DEEPEST {
            gather(
                row.get("replies").and_then(Value::as_array),
                own,
                depth + 1,
                notes,
            );
        }
    }
}

fn message_id(message: &Value) -> Option<String> {
    ["msg_id", "id"]
        .iter()
        .find_map(|name| text_of(message.get(*name)?))
}

fn visibility(message: &Value) -> NoteVisibility {
    let role = ["role", "type"]
        .iter()
        .find_map(|name| text_of(message.get(*name)?));
    match role.as_deref() {
        Some("INTERNAL" | "STAFF_NOTE") => NoteVisibility::Internal,
        _ => NoteVisibility::Public,
    }
}

/// The newest message of this text; the answer of a post is the whole list, or the one message.
fn newest_with<'a>(body: &'a Value, text: &str) -> Option<&'a Value> {
    let words = |text: &str| {
        plain(text)
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let wanted = words(text);
    let rows = body.get("results").and_then(Value::as_array);
    let all = rows.map_or_else(|| vec![body], |rows| rows.iter().collect());
    all.into_iter()
        .filter(|row| {
            row.get("message")
                .and_then(Value::as_str)
                .is_some_and(|text| words(text) == wanted)
        })
        .max_by_key(|row| message_id(row).and_then(|id| id.parse::<u64>().ok()))
}

/// Text out of a message's HTML: line breaks and paragraphs stay, tags go, the common entities are resolved.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let tag = &rest[start + 1..];
        let begins = tag.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/');
        if let Some(end) = tag.find('>').filter(|_| begins) {
            let name = tag[..end].to_ascii_lowercase();
            if name.starts_with("br") || matches!(name.as_str(), "/p" | "/div" | "/li") {
                text.push('\n');
            }
            rest = &tag[end + 1..];
        } else {
            text.push('<');
            rest = tag;
        }
    }
    text.push_str(rest);
    for (entity, sign) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        if text.contains('&') {
            text = text.replace(entity, sign);
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_replies_become_notes() {
        let body = json!([
            {"msg_id": "1002", "from": {"id": 7, "name": "Sample Manager"}, "message": "Bring <b>two</b> cables &amp; a tester<br>Thanks",
             "role": "STAFF_NOTE", "created": {"utc": "2025-01-15 09:30:00"}},
            {"msg_id": "1001", "from": {"id": 12345, "name": "Sample Provider", "role": "provider"},
             "message": "On my way to the site now.", "role": "ASSIGNEDTECH", "read": true,
             "created": {"utc": "2025-01-15 08:30:00"},
             "replies": [{"msg_id": "1003", "message": "Good", "role": "REPLY", "from": {"id": 7}}]},
        ]);
        let mut notes = Vec::new();
        gather(body.as_array(), Some(7), 0, &mut notes);
        assert_eq!(notes.len(), 3);
        assert_eq!(notes[0].text, "Bring two cables & a tester\nThanks");
        assert_eq!(
            (notes[0].visibility, notes[0].by_us),
            (NoteVisibility::Internal, true)
        );
        assert_eq!(
            (notes[1].visibility, notes[1].by_us),
            (NoteVisibility::Public, false)
        );
        assert_eq!(
            notes[1].created_at.unwrap().to_string(),
            "2025-01-15T08:30:00Z"
        );
        assert!(notes[2].by_us);
    }

    #[test]
    fn text_that_only_looks_like_html_stays() {
        assert_eq!(plain("temp < 5 and > 2"), "temp < 5 and > 2");
        assert_eq!(plain("<p>one</p><p>two</p>"), "one\ntwo");
    }

    #[test]
    fn the_newest_message_of_our_text_is_ours() {
        let body = json!({"results": [{"msg_id": "9", "message": "hello"}, {"msg_id": "10", "message": "hello"},
                                      {"msg_id": "11", "message": "other"}]});
        assert_eq!(
            newest_with(&body, "hello").and_then(message_id).as_deref(),
            Some("10")
        );
        assert!(newest_with(&json!({"results": []}), "hello").is_none());
    }
}
