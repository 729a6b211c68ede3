//! Creating and changing tickets.

use serde_json::{Map, Value};
use tracing::warn;

use super::api::ticket_number;
use super::body::{Prepared, Purpose, prepare, refusal};
use super::endpoint::{CREATE_TICKET, UPDATE_TICKET};
use super::session::Freshness;
use super::settings::TagPolicy;
use super::{Freshdesk, json};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Note, NoteVisibility, Record, RecordId};
use crate::platform::Created;
use crate::platform::basics::text_at;

impl Freshdesk {
    /// Creates a ticket that carries the marker in the field that the settings name.
    pub(super) async fn create_ticket(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let purpose = Purpose::Create {
            default_requester: self.settings.default_requester.as_deref(),
        };
        let mut prepared = self
            .prepared(call, fields, purpose, "create a ticket")
            .await?;
        let mut body = std::mem::take(&mut prepared.body);
        if let Some(name) = &self.settings.marker_field {
            self.check_marker_field(call, name).await?;
            let custom = body
                .entry("custom_fields")
                .or_insert_with(|| Map::new().into());
            if let Value::Object(custom) = custom {
                custom.insert(name.clone(), marker.as_str().into());
            }
        }
        let request = self.api.request(&CREATE_TICKET).json(Value::Object(body));
        let ticket = self
            .api
            .json(call, &CREATE_TICKET, "create a ticket", request)
            .await?;
        let id = json::id(&ticket, "id").ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Freshdesk accepted a new ticket and did not say its number",
            )
            .effect_unknown()
        })?;
        let id = RecordId::new(id);
        self.add_first_notes(call, ticket_number(&id)?, prepared)
            .await;
        Ok(Created { id, existed: false })
    }

    /// Writes the given fields of a ticket, then the notes that were mapped beside them.
    pub(super) async fn update_ticket(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let number = ticket_number(&base.id)?;
        let deed = format!("update ticket {number}");
        let adds_tags = changes.contains_key("tags") && self.settings.tags == TagPolicy::Add;
        let as_it_is = if adds_tags && base.fields.get("tags").is_none() {
            // The vendor replaces all tags, so those that are there must be known.
            self.read_bare(call, number).await?.map(Value::Object)
        } else {
            None
        };
        let purpose = Purpose::Update {
            base: as_it_is.as_ref().unwrap_or(&base.fields),
            tags: self.settings.tags,
        };
        let mut prepared = self.prepared(call, changes, purpose, &deed).await?;
        self.keep_marker(base, &mut prepared.body);
        if !prepared.body.is_empty() {
            let request = self.api.request_for(&UPDATE_TICKET, number);
            let body = std::mem::take(&mut prepared.body);
            let request = request.json(Value::Object(body));
            self.api.json(call, &UPDATE_TICKET, &deed, request).await?;
        }
        for (text, visibility) in notes(prepared) {
            self.put_mapped_note(call, number, text, visibility).await?;
        }
        Ok(())
    }

    /// Adds the notes mapped beside a new ticket. The ticket stands by now, so that their failure must not look
    /// like its own, or it would be made again: they are tried twice, and what fails is left to the log.
    async fn add_first_notes(&self, call: &Call, number: u64, prepared: Prepared) {
        for (text, visibility) in notes(prepared) {
            let first = self
                .put_mapped_note(call, number, text.clone(), visibility)
                .await;
            let outcome = match first {
                Err(failure) if failure.category.is_passing() => {
                    self.put_mapped_note(call, number, text, visibility).await
                }
                outcome => outcome,
            };
            if let Err(failure) = outcome {
                warn!(ticket = number, %failure, "a note mapped beside a new Freshdesk ticket could not be added");
            }
        }
    }

    /// Takes a mapped value for the marker's field out of a body: a ticket of ours could not be found again.
    fn keep_marker(&self, base: &Record, body: &mut Map<String, Value>) {
        let Some(name) = &self.settings.marker_field else {
            return;
        };
        let held = text_at(&base.fields, &["custom_fields", name]);
        let is_marked = held.is_some_and(|held| Marker::from_text(held).work_order().is_some());
        let Some(Value::Object(custom)) = body.get_mut("custom_fields").filter(|_| is_marked)
        else {
            return;
        };
        custom.remove(name);
        if custom.is_empty() {
            body.remove("custom_fields");
        }
    }

    /// Prepares a body; when the account's fields are not the newest, a problem is looked at once more with new ones.
    async fn prepared(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        purpose: Purpose<'_>,
        deed: &str,
    ) -> Result<Prepared, Failure> {
        let known = self
            .session
            .fields(&self.api, call, Freshness::Recent)
            .await?;
        if let Ok(prepared) = prepare(fields, &known, purpose) {
            return Ok(prepared);
        }
        let known = self
            .session
            .fields(&self.api, call, Freshness::Fresh)
            .await?;
        prepare(fields, &known, purpose).map_err(|problems| refusal(deed, &problems))
    }

    async fn check_marker_field(&self, call: &Call, name: &str) -> Result<(), Failure> {
        let known = self
            .session
            .fields(&self.api, call, Freshness::Recent)
            .await?;
        if !known.from_account || known.custom(name).is_some() {
            return Ok(());
        }
        let known = self
            .session
            .fields(&self.api, call, Freshness::Fresh)
            .await?;
        match known.custom(name) {
            Some(_) => Ok(()),
            None => Err(missing_marker_field(name)),
        }
    }

    /// Adds a mapped note unless it stands there already: a repeated update must not repeat it.
    async fn put_mapped_note(
        &self,
        call: &Call,
        number: u64,
        text: String,
        visibility: NoteVisibility,
    ) -> Result<(), Failure> {
        let agent = self.session.agent(&self.api, call).await?;
        let wanted = squeezed(&super::html::to_text(&super::html::keep_or_convert(&text)));
        let conversations = self.read_conversations(call, number).await?;
        let private = visibility == NoteVisibility::Internal;
        let stands = conversations.iter().any(|conversation| {
            self.wrote(agent, conversation)
                && conversation.get("private") == Some(&Value::Bool(private))
                && squeezed(&plain_text(conversation)) == wanted
        });
        if stands {
            return Ok(());
        }
        let note = Note {
            id: String::new(),
            text: super::html::to_text(&super::html::keep_or_convert(&text)),
            visibility,
            author: None,
            created_at: None,
            by_us: true,
        };
        self.write_note(call, number, &note).await.map(drop)
    }
}

/// The notes that were mapped beside a ticket's fields.
fn notes(prepared: Prepared) -> impl Iterator<Item = (String, NoteVisibility)> {
    let private = prepared
        .private_note
        .map(|text| (text, NoteVisibility::Internal));
    let public = prepared
        .public_note
        .map(|text| (text, NoteVisibility::Public));
    private.into_iter().chain(public)
}

/// The failure that names a marker field which the account does not have.
pub(super) fn missing_marker_field(name: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("this Freshdesk account has no custom ticket field `{name}`, which marker_field names"),
    )
    .hint("Create a single-line text field for tickets (Admin › Workflows › Ticket Fields) and set marker_field to the name that Refresh Fields lists.")
}

fn plain_text(conversation: &Value) -> String {
    match text_at(conversation, &["body_text"]) {
        Some(text) => text.to_owned(),
        None => super::html::to_text(text_at(conversation, &["body"]).unwrap_or_default()),
    }
}

/// A text without regard to how its white space was kept.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
