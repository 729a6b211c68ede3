//! Creating and changing tickets.

use http::Method;
use serde_json::{Map, Value, json};

use super::ConnectWise;
use super::custom;
use super::error::Right;
use super::notes::{self, Place, Scope};
use super::session::{Ask, created_id};
use super::settings::OwnCallbacks;
use super::tables::Table;
use super::ticket::{number, reference_id};
use super::write::{Prepared, Scene, operation, refused, unreached};
use crate::http::Call;
use crate::model::{Category, Failure, Marker, Record, RecordId};
use crate::platform::Created;
use crate::platform::basics::{at, text_at};

/// Where the marker stands: free text of up to 100 characters that people may search for.
const MARKER_FIELD: &str = "externalXRef";

impl ConnectWise {
    pub(super) async fn create_ticket(
        &self,
        call: &Call,
        fields: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<Created, Failure> {
        let mut fields = fields.clone();
        if let Some(board) = &self.defaults.board {
            fields
                .entry("board")
                .or_insert_with(|| json!({"name": board}));
        }
        if let Some(other) = fields
            .remove(MARKER_FIELD)
            .filter(|value| value.as_str() != Some(marker.as_str()) && !value.is_null())
        {
            return Err(refused(&[format!(
                "externalXRef is to be {other}, but a ticket made for a work order carries {} there, by which it is found again; remove the rule or use another field",
                marker.as_str()
            )]));
        }
        let mut prepared = self.prepare(call, &fields, Scene::default()).await?;
        check_required(&prepared)?;
        let custom = self.custom_of_new(call, &mut prepared).await?;
        let mut body: Map<String, Value> = prepared
            .fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect();
        if let Some(custom) = custom {
            body.insert("customFields".to_owned(), custom);
        }
        for (place, text) in prepared.notes {
            let name = match place {
                Place::Discussion => "initialDescription",
                Place::Internal => "initialInternalAnalysis",
                Place::Resolution => "initialResolution",
            };
            body.insert(name.to_owned(), text.into());
        }
        body.insert(MARKER_FIELD.to_owned(), marker.as_str().into());
        if self.own_callbacks == OwnCallbacks::Skipped {
            body.insert("skipCallback".to_owned(), Value::Bool(true));
        }
        let what = "create a ticket";
        let ask = Ask::new(Method::POST, "service/tickets", Right::AddTickets, what)
            .json(Value::Object(body));
        let answer = self.session.json(call, &ask).await?;
        Ok(Created {
            id: RecordId::new(created_id(&answer, what)?),
            existed: false,
        })
    }

    /// The custom fields of a ticket that does not exist yet. Their ids come from the template ticket, else from
    /// the definitions.
    async fn custom_of_new(
        &self,
        call: &Call,
        prepared: &mut Prepared,
    ) -> Result<Option<Value>, Failure> {
        let wanted = std::mem::take(&mut prepared.custom);
        if wanted.is_empty() {
            return Ok(None);
        }
        let known = match self.template_ticket {
            Some(template) => self.custom_fields(call, template).await?,
            None => self
                .custom_definitions(call)
                .await?
                .iter()
                .filter_map(custom::from_definition)
                .collect(),
        };
        let merged = custom::merge(&known, &wanted).map_err(|problems| refused(&problems))?;
        // Only what is wanted: the template's own values are no business of the new ticket.
        let ours = merged
            .into_iter()
            .filter(|field| wanted.iter().any(|wish| wish.is_of(field)));
        Ok(Some(ours.collect()))
    }

    /// The custom fields of a ticket as they are now.
    async fn custom_fields(&self, call: &Call, ticket: u64) -> Result<Vec<Value>, Failure> {
        let what = format!("read the custom fields of ticket {ticket}");
        let ask = Ask::get(
            format!("service/tickets/{ticket}"),
            Right::ReadTickets,
            what,
        )
        .query("fields", "id,customFields");
        let answer = self.session.json(call, &ask).await?;
        Ok(at(&answer, &["customFields"])
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default())
    }

    pub(super) async fn custom_definitions(&self, call: &Call) -> Result<Vec<Value>, Failure> {
        let ask = Ask::get(
            "system/userDefinedFields",
            Right::ReadCustomFields,
            "list the custom fields",
        );
        self.session.list(call, &ask).await
    }

    pub(super) async fn update_ticket(
        &self,
        call: &Call,
        base: &Record,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let ticket = number(&base.id)?;
        let scene = Scene {
            board: reference_id(&base.fields, "board"),
            company: reference_id(&base.fields, "company"),
        };
        guard_marker(&base.fields, changes)?;
        let mut prepared = self.prepare(call, changes, scene).await?;
        self.follow_board(call, &mut prepared, base, scene).await?;
        let mut before = base.fields.clone();
        if !prepared.custom.is_empty() {
            // Read at the last moment: whoever changed another custom field since must not lose it.
            let current = self.custom_fields(call, ticket).await?;
            let merged =
                custom::merge(&current, &prepared.custom).map_err(|problems| refused(&problems))?;
            before["customFields"] = Value::Array(current);
            prepared
                .fields
                .push(("customFields".to_owned(), Value::Array(merged)));
        }
        if !prepared.fields.is_empty() {
            self.patch_ticket(call, ticket, &prepared.fields, &before)
                .await?;
        }
        self.add_texts(call, ticket, &prepared.notes).await
    }

    async fn patch_ticket(
        &self,
        call: &Call,
        ticket: u64,
        fields: &[(String, Value)],
        before: &Value,
    ) -> Result<(), Failure> {
        let mut operations: Vec<Value> = fields
            .iter()
            .map(|(name, value)| operation(name, value))
            .collect();
        if self.own_callbacks == OwnCallbacks::Skipped {
            operations.push(operation("skipCallback", &Value::Bool(true)));
        }
        let path = format!("service/tickets/{ticket}");
        let ask = Ask::new(
            Method::PATCH,
            path,
            Right::EditTickets,
            format!("update ticket {ticket}"),
        )
        .json(operations.into());
        let after = self.session.json(call, &ask).await?;
        if !after.is_object() {
            return Ok(());
        }
        let unreached = unreached(fields, before, &after);
        if unreached.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Category::Validation,
            format!("ConnectWise answered 200 to the update of ticket {ticket} but left {} as before", unreached.join(", ")),
        )
        .hint("ConnectWise ignores values it can't use: check that the value exists, is allowed on the ticket's board, and that the field is not locked by a rule."))
    }

    /// A ticket that moves to another board needs a status of that board in the same change.
    async fn follow_board(
        &self,
        call: &Call,
        prepared: &mut Prepared,
        base: &Record,
        scene: Scene,
    ) -> Result<(), Failure> {
        let place = prepared.fields.iter().position(|(name, _)| name == "board");
        let Some(place) = place else { return Ok(()) };
        let board = prepared
            .fields
            .get(place)
            .and_then(|(_, value)| at(value, &["id"])?.as_i64());
        if board.is_none() || board == scene.board {
            prepared.fields.remove(place);
            return Ok(());
        }
        if prepared.fields.iter().any(|(name, _)| name == "status") {
            return Ok(());
        }
        let Some(board) = board else { return Ok(()) };
        let statuses = self
            .tables
            .entries(&self.session, call, Table::Statuses(board))
            .await?;
        let current = text_at(&base.fields, &["status", "name"]);
        let same = statuses
            .iter()
            .find(|status| Some(status.name.as_str()) == current);
        let Some(status) = same.or_else(|| statuses.iter().find(|status| status.is_default)) else {
            return Err(refused(&[format!(
                "the ticket moves to board {board}, which has no status `{}` and no default one; map status.name together with board.name",
                current.unwrap_or_default()
            )]));
        };
        prepared
            .fields
            .insert(place + 1, ("status".to_owned(), json!({"id": status.id})));
        Ok(())
    }

    /// Texts that a ticket holds as notes. One that stands there already is not added again, so that a repeated try
    /// doubles nothing.
    async fn add_texts(
        &self,
        call: &Call,
        ticket: u64,
        texts: &[(Place, String)],
    ) -> Result<(), Failure> {
        if texts.is_empty() {
            return Ok(());
        }
        let present = notes::read(&self.session, call, ticket, Scope::Ticket).await?;
        for (place, text) in texts {
            if !notes::says(&present, *place, text) {
                notes::add(&self.session, call, ticket, *place, text, self.note_mails).await?;
            }
        }
        Ok(())
    }
}

fn check_required(prepared: &Prepared) -> Result<(), Failure> {
    let has = |name: &str| {
        prepared.fields.iter().any(|(field, value)| {
            field == name
                && !value.is_null()
                && value.as_str().is_none_or(|text| !text.trim().is_empty())
        })
    };
    let missing: Vec<String> = ["summary", "company"]
        .into_iter()
        .filter(|name| !has(name))
        .map(|name| format!("{name} is required to create a ticket"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(refused(&missing))
    }
}

/// The marker of a ticket that we made is not to be overwritten: it would be lost, and made a second time.
fn guard_marker(base: &Value, changes: &Map<String, Value>) -> Result<(), Failure> {
    let Some(marker) = text_at(base, &[MARKER_FIELD]) else {
        return Ok(());
    };
    let is_ours = Marker::from_text(marker).work_order().is_some();
    match changes.get(MARKER_FIELD) {
        Some(value) if is_ours && value.as_str() != Some(marker) => Err(refused(&[format!(
            "externalXRef holds {marker}, by which this ticket is found again; map to another field"
        )])),
        _ => Ok(()),
    }
}
