//! What people do at the service, in the sandbox's common words.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::backend::{Upload, id_of, number_of};
use super::{REST_DESCRIPTION, Rest};
use crate::model::{PlatformKind, Timestamp};
use crate::sandbox::journal::{Doer, Journal};
use crate::sandbox::{Case, Fault, Faults, Flaw, ServiceDesk};

#[async_trait]
impl ServiceDesk for Rest {
    fn platform(&self) -> PlatformKind {
        PlatformKind::Rest
    }

    fn base_url(&self) -> &str {
        Rest::base_url(self)
    }

    fn connector_settings(&self) -> String {
        let settings = &self.backend.settings;
        format!(
            r#"document = '''
{REST_DESCRIPTION}'''
base_url = "{}"
record_fetch = "getTicket"
record_metadata = "describeTicket"
record_create = "createTicket"
record_update = "changeTicket"
attachment_upload = "attachFile"
record_list = "listTickets"
request_envelope = "ticket"
changed_at_field = "updatedAt"
marker_field = "externalReference"
marker_parameter = "externalReference"
since_parameter = "updatedSince"
trigger_on_field = "status"
trigger_on_values = ["dispatch"]
api_key = "{}"
trigger_id_field = "ticket.id"
trigger_secret = "{}"
trigger_signature_header = "X-Harbour-Signature"
trigger_delivery_header = "X-Harbour-Delivery"
"#,
            self.rest_url(),
            settings.api_key,
            settings.hook_secret,
        )
    }

    fn credentials(&self) -> Value {
        let settings = &self.backend.settings;
        json!({
            "base_url": self.rest_url(),
            "description": format!("{}/openapi.yaml", self.rest_url()),
            "api_key": settings.api_key,
            "trigger_secret": settings.hook_secret,
        })
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/tickets")
    }

    /// Its description has no notes.
    fn note_call(&self) -> Option<(Method, &'static str)> {
        None
    }

    fn journal(&self) -> &Journal {
        Rest::journal(self)
    }

    fn faults(&self) -> &Faults {
        Rest::faults(self)
    }

    fn deliveries_under_way(&self) -> usize {
        Rest::deliveries_under_way(self)
    }

    fn listen_by_hand(&self, trigger_url: &str) {
        self.set_hook(trigger_url);
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        let place = case.place;
        let state = match case.flaw {
            Some(Flaw::NoState) => Value::Null,
            // A state as nobody's list has it.
            Some(Flaw::UnknownValue) => json!("Minn."),
            None => json!(place.state),
        };
        let start = Timestamp::from_second(case.start.as_second()).unwrap_or(case.start);
        let fields = json!({
            "subject": case.summary,
            "description": case.description,
            "site": {"name": place.code, "street": place.street, "city": place.city, "state": state, "zip": place.zip},
            "contact": {"name": "Store manager", "phone": "555-0100", "email": "store@example.com"},
            "wantedAt": start.to_string(),
        });
        let fields = fields.as_object().cloned().unwrap_or_default();
        let number = self
            .backend
            .create(Doer::Person, &fields)
            .map_err(|problem| problem.to_string())?;
        if let Some(note) = &case.note {
            self.add_note(number, note)?;
        }
        if let Some(picture) = &case.picture {
            let upload = Upload {
                name: picture.name.clone(),
                media_type: picture.media_type.clone(),
                bytes: picture.bytes.clone(),
                caption: None,
            };
            self.backend
                .attach(Doer::Person, number, &upload)
                .map_err(|problem| problem.to_string())?;
        }
        Ok(number)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        let mut fields = serde_json::Map::new();
        fields.insert("status".to_owned(), "dispatch".into());
        let changed = self.backend.change(Doer::Person, ticket, &fields);
        changed.map(|_| ()).map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        let added = self.backend.comment(ticket, text);
        added.map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        let ticket = self.backend.ticket(ticket).ok()?;
        Some(ticket.get("status").and_then(Value::as_str) == Some("closed"))
    }

    fn record_id(&self, ticket: u64) -> String {
        id_of(ticket)
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        number_of(record)
    }

    async fn stop(&self) {
        Rest::stop(self).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::RestSettings;
    use super::*;
    use crate::model::TokioClock;
    use crate::sandbox::Picture;
    use crate::sandbox::places::PLACES;

    fn case(flaw: Option<Flaw>) -> Case {
        Case {
            number: 1,
            place: &PLACES[0],
            summary: "Printer jams".to_owned(),
            description: "Paper tears.".to_owned(),
            start: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            flaw,
            note: Some("Ring the bell".to_owned()),
            picture: Some(Picture {
                name: "p.png".to_owned(),
                media_type: "image/png".to_owned(),
                bytes: vec![1, 2].into(),
            }),
        }
    }

    #[tokio::test]
    async fn a_case_becomes_a_ticket_with_its_flaw() {
        let clock = Arc::new(TokioClock::start());
        let service = Rest::start(RestSettings::default(), clock, 1)
            .await
            .unwrap();
        for (flaw, state) in [
            (None, json!("MN")),
            (Some(Flaw::NoState), Value::Null),
            (Some(Flaw::UnknownValue), json!("Minn.")),
        ] {
            let number = service.open(&case(flaw)).unwrap();
            let ticket = service.backend.ticket(number).unwrap();
            assert_eq!(ticket["site"]["state"], state);
            assert_eq!(ticket["site"]["street"], PLACES[0].street);
            assert_eq!(ticket["wantedAt"], "2026-01-02T03:04:05Z");
            assert_eq!(ticket["comments"][0]["text"], "Ring the bell");
            assert_eq!(ticket["attachments"][0]["size"], 2);
            service.dispatch(number).unwrap();
            assert_eq!(service.is_closed(number), Some(false));
            assert_eq!(service.ticket_of(&service.record_id(number)), Some(number));
        }
    }
}
