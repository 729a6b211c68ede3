//! Reading tickets, with all that hangs on them.

use serde_json::{Map, Value};

use super::api::{MOST_PAGES, ticket_number};
use super::catalogue::put_into_words;
use super::endpoint::{LIST_CONVERSATIONS, READ_COMPANY, READ_CONTACT, READ_TICKET};
use super::session::{Agent, Freshness};
use super::{Freshdesk, html, json};
use crate::http::Call;
use crate::model::{Category, Failure, FileReference, Note, NoteVisibility, Record, RecordId};
use crate::platform::Wish;
use crate::platform::basics::{is_true, moment_at, text_at};

/// The related objects that come with a ticket; each costs credit of the rate limit.
pub(super) const INCLUDES: &str = "requester,company,stats";

impl Freshdesk {
    /// Reads a ticket as mappings see it. Deleted tickets and spam count as gone.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let number = ticket_number(id)?;
        let Some(mut ticket) = self.read_related(call, number).await? else {
            return Ok(None);
        };
        if is_gone(&ticket) {
            return Ok(None);
        }
        let fields = self
            .session
            .fields(&self.api, call, Freshness::Recent)
            .await?;
        put_into_words(&mut ticket, &fields);
        complete_description(&mut ticket);
        let mut record = Record {
            id: id.clone(),
            label: String::new(),
            fields: Value::Null,
            notes: Vec::new(),
            files: Vec::new(),
            changed_at: None,
            changed_by_us: false,
        };
        if wish.notes || wish.files {
            self.add_conversations(call, number, wish, &ticket, &mut record)
                .await?;
        }
        hide_links(&mut ticket);
        record.fields = Value::Object(ticket);
        record.label = text_at(&record.fields, &["subject"])
            .map_or_else(|| format!("ticket {id}"), str::to_owned);
        record.changed_at = moment_at(&record.fields, &["updated_at"]);
        Ok(Some(record))
    }

    /// Reads a ticket as it is, with its related objects where the account lets us.
    async fn read_related(
        &self,
        call: &Call,
        number: u64,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        if !self.session.reads_without_includes() {
            let deed = format!("read ticket {number}");
            let request = self
                .api
                .request_for(&READ_TICKET, number)
                .query("include", INCLUDES);
            match self
                .api
                .json_if_there(call, &READ_TICKET, &deed, request)
                .await
            {
                Ok(ticket) => return ticket.map(object).transpose(),
                Err(failure)
                    if matches!(
                        failure.category,
                        Category::Validation | Category::Configuration
                    ) => {}
                Err(failure) => return Err(failure),
            }
        }
        let Some(mut ticket) = self.read_bare(call, number).await? else {
            return Ok(None);
        };
        // The ticket itself is readable, so it was the includes that were refused.
        self.session.give_up_includes();
        if let Some(id) = ticket.get("requester_id").and_then(json::number) {
            let deed = format!("read contact {id}");
            let request = self.api.request_for(&READ_CONTACT, id);
            let contact = self
                .api
                .json_if_there(call, &READ_CONTACT, &deed, request)
                .await;
            put_if_allowed(&mut ticket, "requester", contact)?;
        }
        let company = ticket.get("company_id").and_then(json::number);
        let company = company.or_else(|| {
            let requester = ticket.get("requester")?;
            json::number(requester.get("company_id")?)
        });
        if let Some(id) = company {
            let deed = format!("read company {id}");
            let request = self.api.request_for(&READ_COMPANY, id);
            let company = self
                .api
                .json_if_there(call, &READ_COMPANY, &deed, request)
                .await;
            put_if_allowed(&mut ticket, "company", company)?;
        }
        Ok(Some(ticket))
    }

    /// Reads a ticket without its related objects.
    pub(super) async fn read_bare(
        &self,
        call: &Call,
        number: u64,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        let deed = format!("read ticket {number}");
        let request = self.api.request_for(&READ_TICKET, number);
        let ticket = self
            .api
            .json_if_there(call, &READ_TICKET, &deed, request)
            .await?;
        ticket.map(object).transpose()
    }

    /// Reads all replies and notes of a ticket, oldest first.
    pub(super) async fn read_conversations(
        &self,
        call: &Call,
        number: u64,
    ) -> Result<Vec<Value>, Failure> {
        let deed = format!("list the conversations of ticket {number}");
        let mut conversations = Vec::new();
        for page in 1..=MOST_PAGES {
            let request = self.api.request_for(&LIST_CONVERSATIONS, number);
            let page = self
                .api
                .page(call, &LIST_CONVERSATIONS, &deed, request, page)
                .await?;
            conversations.extend(page.items);
            if !page.more {
                break;
            }
        }
        conversations.sort_by_key(|conversation| moment_at(conversation, &["created_at"]));
        Ok(conversations)
    }

    async fn add_conversations(
        &self,
        call: &Call,
        number: u64,
        wish: Wish,
        ticket: &Map<String, Value>,
        record: &mut Record,
    ) -> Result<(), Failure> {
        let agent = self.session.agent(&self.api, call).await?;
        let conversations = self.read_conversations(call, number).await?;
        if wish.files {
            let own = ticket.get("attachments").and_then(Value::as_array);
            record.files = own
                .into_iter()
                .flatten()
                .filter_map(|file| reference(file, false))
                .collect();
        }
        for conversation in &conversations {
            let by_us = self.wrote(agent, conversation);
            if wish.notes
                && let Some(note) = note(conversation, ticket, agent, by_us)
            {
                record.notes.push(note);
            }
            if wish.files {
                record
                    .files
                    .extend(attachments(conversation).filter_map(|file| reference(file, by_us)));
            }
        }
        Ok(())
    }

    /// Whether the account we use (or the agent in whose name it writes) wrote a conversation.
    pub(super) fn wrote(&self, agent: &Agent, conversation: &Value) -> bool {
        let author = conversation.get("user_id").and_then(json::number);
        let incoming = is_true(conversation, "incoming");
        !incoming
            && author.is_some_and(|id| id == agent.id || self.settings.note_author == Some(id))
    }
}

fn object(ticket: Value) -> Result<Map<String, Value>, Failure> {
    match ticket {
        Value::Object(map) => Ok(map),
        other => Err(Failure::new(
            Category::Server,
            format!(
                "Freshdesk was asked for a ticket and answered {}",
                json::text(&other).chars().take(80).collect::<String>()
            ),
        )),
    }
}

/// Deleted tickets are still readable for a while, and spam is nobody's work.
pub(super) fn is_gone(ticket: &Map<String, Value>) -> bool {
    ["deleted", "spam"]
        .iter()
        .any(|name| ticket.get(*name) == Some(&Value::Bool(true)))
}

/// Puts a related object in its place; one that we may not read is left out.
fn put_if_allowed(
    ticket: &mut Map<String, Value>,
    name: &str,
    answer: Result<Option<Value>, Failure>,
) -> Result<(), Failure> {
    match answer {
        Ok(Some(related)) => {
            ticket.insert(name.to_owned(), related);
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(failure) if failure.category == Category::Configuration => Ok(()),
        Err(failure) => Err(failure),
    }
}

fn complete_description(ticket: &mut Map<String, Value>) {
    let has_text = ticket.get("description_text").is_some_and(Value::is_string);
    if !has_text && let Some(html) = ticket.get("description").and_then(Value::as_str) {
        let text = html::to_text(html);
        ticket.insert("description_text".to_owned(), text.into());
    }
}

/// Takes the signed links out of a ticket's fields: they open the file to anyone, and differ at each reading,
/// so that an unchanged ticket would look changed. The file references keep them.
fn hide_links(ticket: &mut Map<String, Value>) {
    ticket.remove("conversations");
    if let Some(files) = ticket.get_mut("attachments").and_then(Value::as_array_mut) {
        for file in files.iter_mut().filter_map(Value::as_object_mut) {
            file.remove("attachment_url");
            file.remove("thumb_url");
        }
    }
}

pub(super) fn attachments(owner: &Value) -> impl Iterator<Item = &Value> {
    owner
        .get("attachments")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// An attachment's size; fixtures have it under either name.
pub(super) fn size(file: &Value) -> Option<u64> {
    let size = file.get("size").or_else(|| file.get("file_size"))?;
    size.as_u64().or_else(|| size.as_str()?.parse().ok())
}

pub(super) fn reference(file: &Value, by_us: bool) -> Option<FileReference> {
    Some(FileReference {
        id: json::id(file, "id")?,
        name: text_at(file, &["name"]).unwrap_or("file").to_owned(),
        media_type: text_at(file, &["content_type"]).map(str::to_owned),
        size: size(file),
        url: text_at(file, &["attachment_url"]).map(str::to_owned),
        by_us,
    })
}

fn note(
    conversation: &Value,
    ticket: &Map<String, Value>,
    agent: &Agent,
    by_us: bool,
) -> Option<Note> {
    let text = match text_at(conversation, &["body_text"]) {
        Some(text) => text.trim().to_owned(),
        None => html::to_text(text_at(conversation, &["body"]).unwrap_or_default()),
    };
    let private = is_true(conversation, "private");
    Some(Note {
        id: json::id(conversation, "id")?,
        text,
        visibility: if private {
            NoteVisibility::Internal
        } else {
            NoteVisibility::Public
        },
        author: author(conversation, ticket, agent),
        created_at: moment_at(conversation, &["created_at"]),
        by_us,
    })
}

/// Who wrote a conversation, as far as it tells without another call.
fn author(conversation: &Value, ticket: &Map<String, Value>, agent: &Agent) -> Option<String> {
    let user = conversation.get("user_id").and_then(json::number);
    if user == Some(agent.id) {
        return Some(agent.name.clone());
    }
    let requester = ticket.get("requester");
    if let Some(requester) = requester
        && user.is_some()
        && requester.get("id").and_then(json::number) == user
        && let Some(name) = text_at(requester, &["name"])
    {
        return Some(name.to_owned());
    }
    text_at(conversation, &["from_email"])
        .map(str::to_owned)
        .or_else(|| user.map(|user| format!("user {user}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::session::Scope;
    use super::*;

    fn agent() -> Agent {
        Agent {
            id: 1,
            name: "Our agent".into(),
            scope: Scope::Global,
        }
    }

    #[test]
    fn a_conversation_becomes_a_note() {
        let ticket = json!({"requester": {"id": 7, "name": "Sample Customer"}});
        let ticket = ticket.as_object().unwrap();
        let private = json!({"id": 1, "private": true, "user_id": 1, "body_text": "This is a private note ",
            "created_at": "2016-05-19T05:36:12Z"});
        let read = note(&private, ticket, &agent(), true).unwrap();
        assert_eq!(read.visibility, NoteVisibility::Internal);
        assert_eq!(
            (read.text.as_str(), read.by_us),
            ("This is a private note", true)
        );
        assert_eq!(read.author.as_deref(), Some("Our agent"));
        let reply =
            json!({"id": "2", "private": false, "user_id": 7, "body": "<div>Hi &amp; bye</div>"});
        let read = note(&reply, ticket, &agent(), false).unwrap();
        assert_eq!(read.visibility, NoteVisibility::Public);
        assert_eq!((read.id.as_str(), read.text.as_str()), ("2", "Hi & bye"));
        assert_eq!(read.author.as_deref(), Some("Sample Customer"));
        assert!(note(&json!({"body": "x"}), ticket, &agent(), false).is_none());
    }

    #[test]
    fn an_attachments_size_has_two_names() {
        for file in [
            json!({"id": 1, "size": 44115}),
            json!({"id": 1, "file_size": 44115}),
        ] {
            assert_eq!(reference(&file, false).unwrap().size, Some(44115));
        }
    }

    #[test]
    fn links_are_not_fields() {
        let ticket = json!({"attachments": [{"id": 1, "attachment_url": "https://x/?sig=y"}], "conversations": []});
        let mut ticket = ticket.as_object().unwrap().clone();
        hide_links(&mut ticket);
        assert_eq!(Value::Object(ticket), json!({"attachments": [{"id": 1}]}));
    }
}
