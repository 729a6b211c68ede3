//! The stand-in for Freshdesk as the traffic knows it.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::{AutomationRule, DeskProblem, Freshdesk, NoteVisibility, RuleContent};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::{Fault, Faults, Journal};

#[async_trait]
impl ServiceDesk for Freshdesk {
    fn platform(&self) -> PlatformKind {
        PlatformKind::Freshdesk
    }

    fn base_url(&self) -> &str {
        self.base_url()
    }

    fn connector_settings(&self) -> String {
        format!(
            r#"api_url = "demo"
base_url = "{}"
api_key = "{}"
marker_field = "cf_fn_work_order"
trigger_on_status = {}
"#,
            self.base_url(),
            self.credentials(),
            self.trigger_status(),
        )
    }

    fn credentials(&self) -> Value {
        json!({"base_url": self.base_url(), "api_key": self.credentials()})
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/tickets")
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

    /// Changes by the API fire the rule too, as they do unless somebody thinks of it: the echoes are ours to know.
    fn listen_by_hand(&self, trigger_url: &str) {
        let url = format!("{trigger_url}&external_id={{{{ticket.id}}}}");
        self.set_automation_rules(vec![AutomationRule {
            statuses: vec![self.trigger_status(), 3, 4, 5],
            ..AutomationRule::new(url, RuleContent::usual())
        }]);
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        self.enter(case).map_err(|problem| problem.to_string())
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        self.set_status(ticket, self.trigger_status())
            .map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        self.add_note(ticket, text, NoteVisibility::Public)
            .map(drop)
            .map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        Some(self.ticket(ticket)?["status"] == 5)
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

impl Freshdesk {
    fn enter(&self, case: &Case) -> Result<u64, DeskProblem> {
        let mut members = json!({
            "subject": case.summary,
            "description": format!("<div>{}</div>", case.description),
            "type": "Field Service",
            "priority": if case.number.is_multiple_of(4) { 4 } else { 2 },
            "due_by": case.start.to_string(),
            "custom_fields": custom_fields(case),
        });
        if case.number.is_multiple_of(6) {
            members["tags"] = json!(["vip"]);
        }
        let ticket = self.open_ticket(&members)?;
        if let Some(note) = &case.note {
            self.add_note(ticket, note, NoteVisibility::Public)?;
        }
        if let Some(picture) = &case.picture {
            let bytes = picture.bytes.clone();
            self.attach(ticket, &picture.name, &picture.media_type, bytes)?;
        }
        Ok(ticket)
    }
}

fn custom_fields(case: &Case) -> Value {
    let mut fields = json!({
        "cf_site_code": case.place.code,
        "cf_site_address": case.place.street,
        "cf_site_city": case.place.city,
        "cf_site_state": case.place.state,
        "cf_site_zip": case.place.zip,
        "cf_equipment_297457": "Register",
        "cf_lift_needed": case.number.is_multiple_of(6),
        "cf_budget": 150 + 25 * (case.number % 5),
    });
    match case.flaw {
        Some(Flaw::NoState) => fields["cf_site_state"] = Value::Null,
        // Somebody typed the state by hand, as people do.
        Some(Flaw::UnknownValue) => fields["cf_site_state"] = json!("Minn."),
        None => {}
    }
    fields
}
