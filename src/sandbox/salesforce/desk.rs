//! The stand-in for Salesforce as the traffic knows it. Tickets are cases by their number.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::Salesforce;
use super::backend::ORGANIZATION;
use super::flows::{Flow, FlowAction};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, ServiceDesk};
use crate::sandbox::{Fault, Faults, Journal};

/// The status that asks for a field technician.
const TRIGGER_STATUS: &str = "Dispatch Required";

#[async_trait]
impl ServiceDesk for Salesforce {
    fn platform(&self) -> PlatformKind {
        PlatformKind::Salesforce
    }

    fn base_url(&self) -> &str {
        self.base_url()
    }

    fn connector_settings(&self) -> String {
        let credentials = self.credentials();
        format!(
            r#"instance_name = "demo"
base_url = "{}"
grant_type = "client_credentials"
client_id = "{}"
client_secret = "{}"
external_id_field = "FN_Work_Order__c"
trigger_on_status = "{TRIGGER_STATUS}"
"#,
            self.base_url(),
            credentials.client_id,
            credentials.client_secret,
        )
    }

    fn credentials(&self) -> Value {
        let credentials = self.credentials();
        json!({
            "base_url": self.base_url(),
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "user_name": credentials.user_name,
            "password": credentials.password,
            "token": credentials.security_token,
            "organization_id": ORGANIZATION,
        })
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on(&Method::PATCH, "/sobjects/Case/")
    }

    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::POST, "/sobjects/CaseComment"))
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

    /// Changes by the integration user start the flows too, as they do unless somebody thinks of it: the echoes are ours
    /// to know.
    fn listen_by_hand(&self, trigger_url: &str) {
        let statuses = [TRIGGER_STATUS, "Working", "Escalated", "Closed"]
            .map(str::to_owned)
            .to_vec();
        let cases = Flow {
            statuses: statuses.clone(),
            ..Flow::outbound("Case", trigger_url)
        };
        let comments = Flow {
            statuses,
            action: FlowAction::OutboundMessage {
                url: trigger_url.to_owned(),
                fields: vec!["Id".to_owned(), "ParentId".to_owned()],
                sends_session: false,
            },
            ..Flow::outbound("CaseComment", trigger_url)
        };
        self.set_flows(vec![cases, comments]);
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        self.open_case(case).map_err(|problem| problem.to_string())
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        let id = self.record_id(ticket);
        self.change("Case", &id, &json!({"Status": TRIGGER_STATUS}))
            .map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        let comment =
            json!({"ParentId": self.record_id(ticket), "CommentBody": text, "IsPublished": true});
        self.enter("CaseComment", &comment)
            .map(drop)
            .map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        let books = self.backend().books();
        Some(books.numbered("Case", ticket)?.text("Status") == "Closed")
    }

    fn record_id(&self, ticket: u64) -> String {
        let books = self.backend().books();
        books
            .numbered("Case", ticket)
            .map(|row| row.id().to_owned())
            .unwrap_or_default()
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        let books = self.backend().books();
        Some(books.row("Case", record).ok()?.number)
    }

    async fn stop(&self) {
        self.stop().await;
    }
}
