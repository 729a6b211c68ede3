//! The stand-in as the traffic sees it.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::backend::{FIRST_LOCATION, LOCATION_ODD_STATE, LOCATION_WITHOUT_STATE};
use super::{Autotask, COMPLETE, NotePublish, TRIGGER_STATUS};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::places::PLACES;
use crate::sandbox::{Fault, Faults, Journal};

#[async_trait]
impl ServiceDesk for Autotask {
    fn platform(&self) -> PlatformKind {
        PlatformKind::Autotask
    }

    fn base_url(&self) -> &str {
        Self::base_url(self)
    }

    fn connector_settings(&self) -> String {
        let settings = &self.backend().settings;
        format!(
            "username = \"{}\"\nsecret = \"{}\"\nintegration_code = \"{}\"\nwebhook_secret = \"not-a-real-webhook-secret\"\ntrigger_on_status = [\"Dispatch to Field\"]\nbase_url = \"{}\"\n",
            settings.username,
            settings.secret,
            settings.integration_code,
            self.base_url(),
        )
    }

    fn credentials(&self) -> Value {
        let settings = &self.backend().settings;
        json!({
            "base_url": self.base_url(),
            "username": settings.username,
            "secret": settings.secret,
            "integration_code": settings.integration_code,
            "trigger_status": TRIGGER_STATUS,
        })
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/Tickets")
    }

    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::POST, "/Notes"))
    }

    fn journal(&self) -> &Journal {
        Self::journal(self)
    }

    fn faults(&self) -> &Faults {
        Self::faults(self)
    }

    fn deliveries_under_way(&self) -> usize {
        Self::deliveries_under_way(self)
    }

    fn listen_by_hand(&self, _: &str) {
        // Webhooks are made through the API.
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        let position = PLACES
            .iter()
            .position(|place| place.code == case.place.code);
        let offset = position
            .and_then(|position| u64::try_from(position).ok())
            .unwrap_or_default();
        let location = match case.flaw {
            Some(Flaw::NoState) => LOCATION_WITHOUT_STATE,
            Some(Flaw::UnknownValue) => LOCATION_ODD_STATE,
            None => FIRST_LOCATION + offset,
        };
        let members = json!({
            "title": case.summary,
            "description": case.description,
            "companyLocationID": location,
            "dueDateTime": case.start.to_string(),
            "userDefinedFields": [{"name": "Site Code", "value": case.place.code}],
        });
        let ticket = self
            .open_ticket(&members)
            .map_err(|problem| problem.to_string())?;
        if let Some(note) = &case.note {
            Self::add_note(self, ticket, note, NotePublish::All)
                .map_err(|problem| problem.to_string())?;
        }
        if let Some(picture) = &case.picture {
            self.attach(ticket, &picture.name, &picture.bytes)
                .map_err(|problem| problem.to_string())?;
        }
        Ok(ticket)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        self.set_status(ticket, TRIGGER_STATUS)
            .map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        Self::add_note(self, ticket, text, NotePublish::All)
            .map(drop)
            .map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        Some(self.ticket(ticket)?["status"] == COMPLETE)
    }

    fn record_id(&self, ticket: u64) -> String {
        ticket.to_string()
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        record.parse().ok()
    }

    async fn stop(&self) {
        Self::stop(self).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::model::{ManualClock, Timestamp};
    use crate::sandbox::{AutotaskSettings, Picture};

    fn case(flaw: Option<Flaw>) -> Case {
        Case {
            number: 1,
            place: &PLACES[1],
            summary: "Store is offline".into(),
            description: "The router blinks red.".into(),
            start: "2026-03-05T15:00:00Z"
                .parse()
                .unwrap_or(Timestamp::UNIX_EPOCH),
            flaw,
            note: Some("Please call first".into()),
            picture: Some(Picture {
                name: "site.png".into(),
                media_type: "image/png".into(),
                bytes: Bytes::from_static(b"\x89PNG"),
            }),
        }
    }

    #[tokio::test]
    async fn a_case_becomes_a_ticket_at_its_place_with_note_and_file() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let autotask = Autotask::start(AutotaskSettings::default(), clock, 1)
            .await
            .unwrap();
        let desk: &dyn ServiceDesk = &autotask;
        let state_of = |ticket: u64| {
            let location = autotask.ticket(ticket).unwrap()["companyLocationID"].clone();
            let all = autotask.objects("CompanyLocations");
            let found = all.into_iter().find(|place| place["id"] == location);
            found.unwrap()["state"].clone()
        };
        let ticket = desk.open(&case(None)).unwrap();
        assert_eq!(state_of(ticket), "OH");
        assert_eq!(autotask.objects("TicketNotes").len(), 1);
        assert_eq!(autotask.objects("TicketAttachments").len(), 1);
        assert_eq!(desk.is_closed(ticket), Some(false));
        desk.dispatch(ticket).unwrap();
        assert_eq!(autotask.ticket(ticket).unwrap()["status"], TRIGGER_STATUS);
        autotask.set_status(ticket, COMPLETE).unwrap();
        assert_eq!(desk.is_closed(ticket), Some(true));
        assert_eq!(desk.is_closed(1), None);
        assert_eq!(desk.ticket_of(&desk.record_id(ticket)), Some(ticket));
        let stateless = desk.open(&case(Some(Flaw::NoState))).unwrap();
        assert_eq!(state_of(stateless), "");
        let odd = desk.open(&case(Some(Flaw::UnknownValue))).unwrap();
        assert_eq!(state_of(odd), "Minn.");
    }
}
