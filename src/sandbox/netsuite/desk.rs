//! The stand-in for NetSuite as the traffic knows it.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::types::STATUSES;
use super::{NetSuite, UserEventScript};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::{Fault, Faults, Journal};

/// The status that asks for a field technician.
const DISPATCH: u64 = 6;
/// The status of a case that is done.
const CLOSED: u64 = 5;

fn fields(case: &Case) -> Value {
    let mut members = json!({
        "title": format!("{} - {}", case.place.code, case.summary),
        "status": {"id": STATUSES.first().map_or(1, |(id, _)| *id).to_string()},
        "phone": "555-0100",
        "email": "store.manager@example.com",
        "custevent_fn_scope": case.description,
        "custevent_fn_start": case.start.to_string(),
        "custevent_site_code": case.place.code,
        "custevent_site_address": case.place.street,
        "custevent_site_city": case.place.city,
        "custevent_site_state": case.place.state,
        "custevent_site_zip": case.place.zip,
        "custevent_lift_needed": case.number.is_multiple_of(6),
    });
    match case.flaw {
        Some(Flaw::NoState) => members["custevent_site_state"] = Value::Null,
        // Somebody typed it by hand, as people do.
        Some(Flaw::UnknownValue) => members["custevent_site_state"] = json!("Minn."),
        None => {}
    }
    members
}

#[async_trait]
impl ServiceDesk for NetSuite {
    fn platform(&self) -> PlatformKind {
        PlatformKind::NetSuite
    }

    fn base_url(&self) -> &str {
        NetSuite::base_url(self)
    }

    fn connector_settings(&self) -> String {
        let settings = &self.backend().settings;
        format!(
            "account_id = \"{}\"\nauthentication = \"tba\"\nconsumer_key = \"{}\"\nconsumer_secret = \"{}\"\ntoken_id = \"{}\"\ntoken_secret = \"{}\"\nmarker_field = \"{}\"\ntrigger_on_status = [\"Field Service Required\"]\nrestlet_script = \"{}\"\nrestlet_deployment = \"{}\"\ntime_zone = \"America/Los_Angeles\"\nbase_url = \"{}\"\n",
            settings.account,
            settings.consumer_key,
            settings.consumer_secret,
            settings.token_id,
            settings.token_secret,
            settings.correlation_field,
            settings.restlet.script,
            settings.restlet.deployment,
            NetSuite::base_url(self),
        )
    }

    fn credentials(&self) -> Value {
        let settings = &self.backend().settings;
        json!({
            "account_id": settings.account,
            "consumer_key": settings.consumer_key,
            "consumer_secret": settings.consumer_secret,
            "token_id": settings.token_id,
            "token_secret": settings.token_secret,
            "restlet_script": settings.restlet.script,
            "restlet_deployment": settings.restlet.deployment,
            "marker_field": settings.correlation_field,
        })
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/supportCase")
    }

    /// Messages go through the RESTlet, as do lists of them.
    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::POST, "/restlet.nl"))
    }

    fn journal(&self) -> &Journal {
        NetSuite::journal(self)
    }

    fn faults(&self) -> &Faults {
        NetSuite::faults(self)
    }

    fn deliveries_under_way(&self) -> usize {
        NetSuite::deliveries_under_way(self)
    }

    fn listen_by_hand(&self, trigger_url: &str) {
        self.deploy(vec![UserEventScript::shipped(trigger_url)]);
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        let id = self.open_case(&fields(case)).map_err(String::from)?;
        if let Some(note) = &case.note {
            self.add_message(id, note).map_err(String::from)?;
        }
        if let Some(picture) = &case.picture {
            self.attach(id, &picture.name, picture.bytes.clone())
                .map_err(String::from)?;
        }
        Ok(id)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        self.set_status(ticket, DISPATCH).map_err(String::from)
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        self.add_message(ticket, text)
            .map(drop)
            .map_err(String::from)
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        let case = self.case(ticket)?;
        Some(case["status"]["id"] == CLOSED.to_string().as_str())
    }

    fn record_id(&self, ticket: u64) -> String {
        ticket.to_string()
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        record.parse().ok()
    }

    async fn stop(&self) {
        NetSuite::stop(self).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::model::{ManualClock, Timestamp};
    use crate::sandbox::desk::Picture;
    use crate::sandbox::netsuite::NetSuiteSettings;
    use crate::sandbox::outbox::Deliveries;
    use crate::sandbox::places::PLACES;

    fn case(flaw: Option<Flaw>) -> Case {
        Case {
            number: 6,
            place: &PLACES[0],
            summary: "Store is offline".to_owned(),
            description: "The router blinks red.".to_owned(),
            start: "2026-03-03T15:00:00Z".parse().unwrap(),
            flaw,
            note: Some("Please call the store.".to_owned()),
            picture: Some(Picture {
                name: "case-6.png".to_owned(),
                media_type: "image/png".to_owned(),
                bytes: Bytes::from_static(&[0x89, b'P']),
            }),
        }
    }

    #[tokio::test]
    async fn a_case_is_opened_whole_and_with_the_flaw_it_is_to_have() {
        let settings = NetSuiteSettings {
            deliveries: Deliveries::Off,
            ..NetSuiteSettings::default()
        };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let netsuite = NetSuite::start(settings, clock, 1).await.unwrap();
        let state = |flaw| {
            let id = netsuite.open(&case(flaw)).unwrap();
            let shown = netsuite.case(id).unwrap();
            assert_eq!(shown["custevent_site_address"], PLACES[0].street);
            assert_eq!(
                (netsuite.messages(id).len(), netsuite.files(id).len()),
                (1, 1)
            );
            netsuite.dispatch(id).unwrap();
            let shown = netsuite.case(id).unwrap();
            assert_eq!(shown["status"]["refName"], "Field Service Required");
            assert_eq!(netsuite.ticket_of(&netsuite.record_id(id)), Some(id));
            shown.get("custevent_site_state").cloned()
        };
        assert_eq!(state(None), Some(json!(PLACES[0].state)));
        assert_eq!(state(Some(Flaw::NoState)), None);
        assert_eq!(state(Some(Flaw::UnknownValue)), Some(json!("Minn.")));
        assert!(netsuite.dispatch(5).is_err());
        assert!(netsuite.add_note(5, "x").is_err());
    }
}
