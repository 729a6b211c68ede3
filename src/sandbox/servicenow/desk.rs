//! The stand-in as the traffic and the demo see it.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::backend::stored;
use super::rules::{BusinessRule, RuleContent};
use super::{NoteJournal, RecordProblem, ServiceNow};
use crate::model::PlatformKind;
use crate::sandbox::{Case, Faults, Flaw, Journal, ServiceDesk};

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
            self.write_note(ticket, note, NoteJournal::Comments).map_err(text)?;
        }
        if let Some(picture) = &case.picture {
            let attached = self.attach(ticket, &picture.name, &picture.media_type, picture.bytes.clone());
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
        books.row(record).map(super::backend::Row::ticket).filter(|ticket| *ticket > 0)
    }

    async fn stop(&self) {
        self.stop().await;
    }
}
