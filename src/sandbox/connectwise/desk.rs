//! The stand-in for ConnectWise as the traffic knows it.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::{ConnectWise, EntryProblem, NotePlacement, setup};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::places::PLACES;
use crate::sandbox::{Fault, Faults, Journal};

/// Strict about a picklist: some tickets carry a value that is not on it.
const SERVICE_LEVEL: &str = r#"
[[inbound]]
note = "The service level must be one that was agreed upon"
source = 'customFields[caption="Service Level"].value'
target = 'custom_fields["Service Level"]'
action = "array_map"
no_match = "error"
mappings = [
  { compare = "Standard", value = "Standard" },
  { compare = "Next Day", value = "Next Day" },
  { compare = "Same Day", value = "Same Day" },
  { compare = "Emergency", value = "Emergency" },
]
"#;

const SERVICE_LEVELS: [&str; 4] = ["Standard", "Next Day", "Same Day", "Emergency"];

#[async_trait]
impl ServiceDesk for ConnectWise {
    fn platform(&self) -> PlatformKind {
        PlatformKind::ConnectWise
    }

    fn base_url(&self) -> &str {
        self.base_url()
    }

    fn connector_settings(&self) -> String {
        let keys = self.credentials();
        format!(
            r#"base_url = "{}"
site = "na.myconnectwise.net"
company = "{}"
public_key = "{}"
private_key = "{}"
client_id = "{}"
template_ticket_id = {}
trigger_on_status = "{}"
"#,
            self.base_url(),
            keys.company_id,
            keys.public_key,
            keys.private_key,
            keys.client_id,
            self.template_ticket(),
            self.trigger_status(),
        )
    }

    fn credentials(&self) -> Value {
        let keys = self.credentials();
        json!({
            "base_url": self.base_url(), "company": keys.company_id, "public_key": keys.public_key,
            "private_key": keys.private_key, "client_id": keys.client_id,
            "template_ticket_id": self.template_ticket(), "trigger_on_status": self.trigger_status(),
        })
    }

    fn demo_rules(&self) -> &'static str {
        SERVICE_LEVEL
    }

    fn own_names(&self) -> &'static [(&'static str, &'static str)] {
        &[("YourCompany", "Harborlight")]
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/service/tickets")
    }

    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::POST, "/notes"))
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

    fn listen_by_hand(&self, _trigger_url: &str) {}

    fn open(&self, case: &Case) -> Result<u64, String> {
        self.enter(case).map_err(|problem| problem.to_string())
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        self.set_status(ticket, self.trigger_status())
            .map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        self.add_note(ticket, text, NotePlacement::Discussion)
            .map(drop)
            .map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        Some(self.ticket(ticket)?["status"]["name"] == "Completed")
    }

    fn record_id(&self, ticket: u64) -> String {
        ticket.to_string()
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        record.parse().ok()
    }

    async fn stop(&self) {
        self.stop().await;
    }
}

impl ConnectWise {
    fn enter(&self, case: &Case) -> Result<u64, EntryProblem> {
        let place = PLACES
            .iter()
            .position(|place| place.code == case.place.code);
        let offset = place.and_then(|place| u64::try_from(place).ok());
        let site = match case.flaw {
            Some(Flaw::NoState) => self.site_without_state(),
            _ => setup::FIRST_SITE + offset.unwrap_or_default(),
        };
        let turn = usize::try_from(case.number).unwrap_or_default() % SERVICE_LEVELS.len();
        let service_level = match case.flaw {
            Some(Flaw::UnknownValue) => "White Glove",
            _ => SERVICE_LEVELS.get(turn).unwrap_or(&"Standard"),
        };
        let start = case.start.to_string();
        let members = json!({
            "summary": case.summary,
            "initialDescription": case.description,
            "site": {"id": site},
            "contact": {"id": 77},
            "type": {"name": "Break/Fix"},
            "priority": {"id": if case.number.is_multiple_of(4) { 6 } else { 4 }},
            "requiredDate": start,
            "estimatedStartDate": start,
            "budgetHours": 2,
            "customFields": [
                {"id": 1, "value": case.place.code},
                {"id": 3, "value": service_level},
                {"id": 4, "value": case.number.is_multiple_of(6)},
                {"id": 5, "value": 150 + 25 * (case.number % 5)},
            ],
        });
        let ticket = self.open_ticket(&members)?;
        if let Some(note) = &case.note {
            self.add_note(ticket, note, NotePlacement::Discussion)?;
        }
        if let Some(picture) = &case.picture {
            let bytes = picture.bytes.clone();
            self.attach(ticket, &picture.name, &picture.media_type, bytes)?;
        }
        Ok(ticket)
    }
}
