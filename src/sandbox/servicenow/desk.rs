//! The stand-in as the traffic and the demo see it.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::backend::stored;
use super::books::Row;
use super::rules::{BusinessRule, RuleContent};
use super::{NoteJournal, RecordProblem, ServiceNow};
use crate::model::PlatformKind;
use crate::sandbox::{Case, Fault, Faults, Flaw, Journal, ServiceDesk};

#[async_trait]
impl ServiceDesk for ServiceNow {
    fn platform(&self) -> PlatformKind {
        PlatformKind::ServiceNow
    }

    fn base_url(&self) -> &str {
        self.base_url()
    }

    fn connector_settings(&self) -> String {
        let settings = &self.backend().settings;
        format!(
            "instance_name = \"dev00000\"\nuser_name = \"{}\"\npassword = \"{}\"\ntrigger_query = \"u_send_to_fn=true\"\nbase_url = \"{}\"\n",
            settings.user_name,
            settings.password,
            self.base_url()
        )
    }

    fn credentials(&self) -> Value {
        let settings = &self.backend().settings;
        json!({
            "user_name": settings.user_name,
            "password": settings.password,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "api_key": settings.api_key,
        })
    }

    fn own_names(&self) -> &'static [(&'static str, &'static str)] {
        &[("dispatch@example.com", "store.manager@example.com")]
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/table/incident")
    }

    /// Journals are written as fields of their record.
    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::PATCH, "/table/"))
    }

    fn journal(&self) -> &Journal {
        self.journal()
    }

    fn faults(&self) -> &Faults {
        self.faults()
    }

    fn deliveries_under_way(&self) -> usize {
        self.deliveries_under_way()
    }

    fn listen_by_hand(&self, trigger_url: &str) {
        let rule = BusinessRule {
            exempt_user: Some(self.backend().settings.user_name.clone()),
            ..BusinessRule::new(trigger_url, RuleContent::QueryParameters)
        };
        self.set_business_rules(vec![rule]);
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        let location = match case.flaw {
            None => self.id_of("cmn_location", "name", case.place.code),
            // Somebody typed the state by hand, as people do, or not at all.
            Some(flaw) => {
                let state = match flaw {
                    Flaw::NoState => "",
                    Flaw::UnknownValue => "Minn.",
                };
                let members = [
                    ("name", format!("{} annex", case.place.code)),
                    ("street", case.place.street.to_owned()),
                    ("city", case.place.city.to_owned()),
                    ("state", state.to_owned()),
                    ("zip", case.place.zip.to_owned()),
                ];
                Some(self.add_location(&members))
            }
        };
        let members = json!({
            "short_description": case.summary,
            "description": case.description,
            "location": location.unwrap_or_default(),
            "expected_start": stored(case.start),
            "category": "hardware",
            "impact": "2",
            "urgency": "2",
            "u_site_code": case.place.code,
        });
        let text = |problem: RecordProblem| problem.to_string();
        let ticket = self.open_incident(&members).map_err(text)?;
        if let Some(note) = &case.note {
            self.write_note(ticket, note, NoteJournal::Comments)
                .map_err(text)?;
        }
        if let Some(picture) = &case.picture {
            let attached = self.attach(
                ticket,
                &picture.name,
                &picture.media_type,
                picture.bytes.clone(),
            );
            attached.map_err(text)?;
        }
        Ok(ticket)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        let changed = self.change_record(ticket, &json!({"u_send_to_fn": "true"}));
        changed.map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        let written = self.write_note(ticket, text, NoteJournal::Comments);
        written.map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        let record = self.record(ticket);
        record["state"].as_str().map(|state| state == "7")
    }

    fn record_id(&self, ticket: u64) -> String {
        self.sys_id(ticket).unwrap_or_default()
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        let books = self.backend().books();
        books
            .row(record)
            .map(Row::ticket)
            .filter(|ticket| *ticket > 0)
    }

    async fn stop(&self) {
        self.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::model::{ManualClock, Timestamp};
    use crate::sandbox::journal::Thing;
    use crate::sandbox::places::PLACES;
    use crate::sandbox::servicenow::ServiceNowSettings;
    use crate::sandbox::{Deed, Doer, Picture};

    const NOW: &str = "2026-03-01T12:00:00Z";

    async fn stand_in() -> ServiceNow {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        ServiceNow::start(ServiceNowSettings::default(), clock, 1)
            .await
            .unwrap()
    }

    fn case(flaw: Option<Flaw>) -> Case {
        Case {
            number: 1,
            place: &PLACES[0],
            summary: "HB-0101 - Register 3 does not start".to_owned(),
            description: "The screen stays dark.".to_owned(),
            start: "2026-03-02T15:00:00Z".parse::<Timestamp>().unwrap(),
            flaw,
            note: Some("Please call first.".to_owned()),
            picture: Some(Picture {
                name: "case-1.png".to_owned(),
                media_type: "image/png".to_owned(),
                bytes: Bytes::from_static(b"png"),
            }),
        }
    }

    #[tokio::test]
    async fn a_case_becomes_an_incident_with_its_place_note_and_file() {
        let desk = stand_in().await;
        let ticket = desk.open(&case(None)).unwrap();
        let record = desk.record(ticket);
        assert_eq!(record["expected_start"], "2026-03-02 15:00:00");
        assert_eq!(record["u_send_to_fn"], "false");
        let place = desk.id_of("cmn_location", "name", "HB-0101").unwrap();
        assert_eq!(record["location"], place);
        assert_eq!(desk.notes(ticket).len(), 1);
        assert_eq!(
            desk.journal()
                .count(Deed::Created, Thing::File, Doer::Person),
            1
        );
        assert_eq!(desk.ticket_of(&desk.record_id(ticket)), Some(ticket));
        desk.dispatch(ticket).unwrap();
        assert_eq!(desk.record(ticket)["u_send_to_fn"], "true");
    }

    #[tokio::test]
    async fn flaws_are_in_the_place() {
        let desk = stand_in().await;
        for (flaw, state) in [(Flaw::NoState, ""), (Flaw::UnknownValue, "Minn.")] {
            let ticket = desk.open(&case(Some(flaw))).unwrap();
            let location = desk.record(ticket)["location"].as_str().unwrap().to_owned();
            let books = desk.backend().books();
            assert_eq!(books.row(&location).unwrap().value("state"), state);
        }
    }

    #[tokio::test]
    async fn only_a_closed_incident_is_closed() {
        let desk = stand_in().await;
        let ticket = desk.open(&case(None)).unwrap();
        assert_eq!(desk.is_closed(ticket), Some(false));
        let resolved = json!({"state": "6", "close_code": "Solution provided", "close_notes": "x"});
        desk.change_record(ticket, &resolved).unwrap();
        assert_eq!(desk.is_closed(ticket), Some(false));
        desk.change_record(ticket, &json!({"state": "7"})).unwrap();
        assert_eq!(desk.is_closed(ticket), Some(true));
        assert_eq!(desk.is_closed(1), None);
    }
}
