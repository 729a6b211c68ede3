//! The stand-in as the traffic, the demo and the journeys see it.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::Quickbase;
use super::people::MessageVisibility;
use super::schema::{
    APP, CLOSED, CONTENT, DISPATCH, DOCUMENTS, EIGHT, JOBS, MESSAGES, RELATED, STATUS, TIMES,
    WORK_ORDER,
};
use super::webhooks::{Editor, MessageFormat, RowEvent, TableWebhook};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::{Fault, Faults, Journal};

/// What the vendor's and our own documents recommend for a table's webhook.
const MESSAGE: &str = r#"{"record_id":"[Record ID#]","table_id":"%dbid%","action":"%action%"}"#;
/// What a webhook of the message table sends.
const CHILD_MESSAGE: &str = r#"{"table_id":"%dbid%","related_record_id":"[Related Job]"}"#;

#[async_trait]
impl ServiceDesk for Quickbase {
    fn platform(&self) -> PlatformKind {
        PlatformKind::Quickbase
    }

    fn base_url(&self) -> &str {
        self.base_url()
    }

    fn connector_settings(&self) -> String {
        let settings = &self.backend().settings;
        format!(
            r#"qb_hostname = "{realm}"
app_id = "{APP}"
default_table_id = "{JOBS}"
user_token = "{token}"
merge_field_id = {WORK_ORDER}
trigger_on_field_id = {STATUS}
trigger_on_values = ["{DISPATCH}"]
message_table_id = "{MESSAGES}"
message_field_id = {CONTENT}
message_related_record_id = {RELATED}
message_internal_field_id = {EIGHT}
document_table_id = "{DOCUMENTS}"
document_field_id = {CONTENT}
document_related_record_id = {RELATED}
time_table = {{ table_id = "{TIMES}", related_record_id = {RELATED}, merge_field_id = {EIGHT} }}
base_url = "{url}"
"#,
            realm = settings.realm,
            token = settings.user_token,
            url = self.rest_url(),
        )
    }

    fn credentials(&self) -> Value {
        let settings = &self.backend().settings;
        json!({
            "qb_hostname": settings.realm,
            "user_token": settings.user_token,
            "app_id": APP,
            "default_table_id": JOBS,
            "message_table_id": MESSAGES,
            "document_table_id": DOCUMENTS,
            "time_table_id": TIMES,
        })
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/v1/records")
    }

    /// A message is a row like any other, written by the one call that writes rows.
    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::POST, "/v1/records"))
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
        let except = Editor::ExceptTokenUser;
        let jobs = TableWebhook {
            editor: except,
            ..TableWebhook::new(trigger_url).with_message(MessageFormat::Json, MESSAGE)
        };
        let messages = TableWebhook {
            table: MESSAGES.to_owned(),
            events: vec![RowEvent::Added],
            editor: except,
            ..TableWebhook::new(trigger_url).with_message(MessageFormat::Json, CHILD_MESSAGE)
        };
        self.set_webhooks(vec![jobs, messages]);
    }

    fn open(&self, case: &Case) -> Result<u64, String> {
        let place = case.place;
        // Somebody typed the state by hand, as people do.
        let state = match case.flaw {
            Some(Flaw::NoState) => "",
            Some(Flaw::UnknownValue) => "Minn.",
            None => place.state,
        };
        let values = json!({
            "6": case.summary,
            "7": case.description,
            "8": place.street,
            "9": place.city,
            "10": state,
            "12": place.code,
            "13": place.zip,
            "14": case.start.to_string(),
            "15": 150 + 25 * (case.number % 5),
            "16": "Store Manager",
            "17": "555-0100",
            "19": if case.number.is_multiple_of(4) { "High" } else { "Normal" },
            "23": case.number.is_multiple_of(6),
        });
        let text = |problem: super::people::TableProblem| problem.to_string();
        let job = self.open_job(&values).map_err(text)?;
        if let Some(note) = &case.note {
            self.add_message(job, note, MessageVisibility::Public)
                .map_err(text)?;
        }
        if let Some(picture) = &case.picture {
            self.add_document(job, &picture.name, &picture.bytes)
                .map_err(text)?;
        }
        Ok(job)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        let status = json!({STATUS.to_string(): DISPATCH});
        self.change_job(ticket, &status)
            .map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        let added = self.add_message(ticket, text, MessageVisibility::Public);
        added.map(drop).map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        Some(self.job(ticket)?[STATUS.to_string()] == CLOSED)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::QuickbaseSettings;
    use super::*;
    use crate::model::{ManualClock, Timestamp};
    use crate::sandbox::Picture;
    use crate::sandbox::places::PLACES;

    fn case(number: u64, flaw: Option<Flaw>) -> Case {
        let picture = Picture {
            name: "case.png".into(),
            media_type: "image/png".into(),
            bytes: b"PNG"[..].into(),
        };
        Case {
            number,
            place: &PLACES[0],
            summary: "HB-0101 - Store is offline".into(),
            description: "The router blinks \"red\".".into(),
            start: Timestamp::UNIX_EPOCH,
            flaw,
            note: Some("Please call".into()),
            picture: Some(picture),
        }
    }

    #[tokio::test]
    async fn a_case_becomes_a_job_with_its_message_and_document() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let desk = Quickbase::start(QuickbaseSettings::default(), clock, 1)
            .await
            .unwrap();
        let job = desk.open(&case(1, None)).unwrap();
        let shown = desk.job(job).unwrap();
        assert_eq!((&shown["10"], &shown["11"]), (&json!("MN"), &json!("New")));
        assert_eq!(desk.rows(MESSAGES).len(), 1);
        assert_eq!(desk.rows(DOCUMENTS).len(), 1);
        ServiceDesk::dispatch(&desk, job).unwrap();
        assert_eq!(desk.job(job).unwrap()["11"], DISPATCH);
        assert_eq!(desk.is_closed(job), Some(false));
        desk.change_job(job, &json!({"11": CLOSED})).unwrap();
        assert_eq!(desk.is_closed(job), Some(true));
        assert_eq!(desk.is_closed(99), None);
        assert_eq!(desk.ticket_of(&desk.record_id(job)), Some(job));
        let state = |flaw| {
            let job = desk.open(&case(2, Some(flaw))).unwrap();
            desk.job(job).unwrap()["10"].clone()
        };
        assert_eq!(state(Flaw::NoState), "");
        assert_eq!(state(Flaw::UnknownValue), "Minn.");
    }
}
