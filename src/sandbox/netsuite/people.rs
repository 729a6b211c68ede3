//! Support representatives at the screen, acted by the sandbox.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::NetSuite;
use super::backend::{Actor, CUSTOMER, Name};
use super::problem::Problem;
use super::triggers::UserEventScript;
use super::types::{self, STATUSES};
use super::values::{self, Names};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::{Faults, Journal};

/// Why the account did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("NetSuite: {0}")]
pub struct ScreenProblem(String);

impl From<Problem> for ScreenProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

/// The status that asks for a field technician.
const DISPATCH: u64 = 6;
/// The status of a case that is done.
const CLOSED: u64 = 5;

impl NetSuite {
    /// A representative opens a case, with the members that `POST /record/v1/supportCase` takes; the company has a usual
    /// value. Its id.
    ///
    /// # Errors
    /// [`ScreenProblem`] when the account does not take it.
    pub fn open_case(&self, members: &Value) -> Result<u64, ScreenProblem> {
        let record_type = types::named("supportCase").ok_or_else(Problem::no_record)?;
        let mut members = members.as_object().cloned().unwrap_or_default();
        members
            .entry("company")
            .or_insert(json!({"id": CUSTOMER.to_string()}));
        let backend = self.backend();
        let fields = values::check(&backend.books(), record_type, &members, Names::Checked)?;
        Ok(backend.create(record_type, Actor::STAFF, fields, None)?)
    }

    /// A representative changes members of a case.
    ///
    /// # Errors
    /// [`ScreenProblem`] when the case does not exist or does not take them.
    pub fn change_case(&self, id: u64, members: &Value) -> Result<(), ScreenProblem> {
        let record_type = types::named("supportCase").ok_or_else(Problem::no_record)?;
        let members = members.as_object().cloned().unwrap_or_default();
        let backend = self.backend();
        let fields = values::check(&backend.books(), record_type, &members, Names::Checked)?;
        Ok(backend.change(record_type, id, Actor::STAFF, fields)?)
    }

    /// A representative moves a case to a status, by its id.
    ///
    /// # Errors
    /// [`ScreenProblem`] when the case or the status does not exist.
    pub fn set_status(&self, id: u64, status: u64) -> Result<(), ScreenProblem> {
        self.change_case(id, &json!({"status": {"id": status}}))
    }

    /// A representative deletes a case.
    ///
    /// # Errors
    /// [`ScreenProblem`] when the case does not exist.
    pub fn delete_case(&self, id: u64) -> Result<(), ScreenProblem> {
        let record_type = types::named("supportCase").ok_or_else(Problem::no_record)?;
        Ok(self.backend().remove(record_type, id, Actor::STAFF)?)
    }

    /// A representative adds a message that the customer may read. Its id.
    ///
    /// # Errors
    /// [`ScreenProblem`] when the case does not exist.
    pub fn add_message(&self, id: u64, text: &str) -> Result<u64, ScreenProblem> {
        self.case(id).ok_or_else(Problem::no_record)?;
        let backend = self.backend();
        Ok(backend.add_message(id, Actor::STAFF, text, false))
    }

    /// A representative attaches a file to a case. Its id.
    ///
    /// # Errors
    /// [`ScreenProblem`] when the case does not exist.
    pub fn attach(&self, id: u64, name: &str, content: Bytes) -> Result<u64, ScreenProblem> {
        self.case(id).ok_or_else(Problem::no_record)?;
        let backend = self.backend();
        let file = backend.store_file(name, content, None, Actor::STAFF);
        if let Some(stored) = backend.books().files.get_mut(&file) {
            stored.attached.insert(id);
        }
        Ok(file)
    }

    /// A record as the API shows it, by its type and id.
    #[must_use]
    pub fn record(&self, record_type: &str, id: u64) -> Option<Value> {
        let record_type = types::named(record_type)?;
        let backend = self.backend();
        let record = backend.find(record_type, &Name::Internal(id)).ok()?;
        Some(values::show(backend, record_type, &record, None))
    }

    /// A case as the API shows it.
    #[must_use]
    pub fn case(&self, id: u64) -> Option<Value> {
        self.record("supportCase", id)
    }

    /// The ids of all cases, oldest first.
    #[must_use]
    pub fn case_ids(&self) -> Vec<u64> {
        let cases = types::named("supportCase").map(|cases| self.backend().all(cases));
        cases.into_iter().flatten().map(|case| case.id).collect()
    }

    /// The messages of a case, oldest first: their texts, and whether only staff reads them.
    #[must_use]
    pub fn messages(&self, id: u64) -> Vec<(String, bool)> {
        let books = self.backend().books();
        let messages = books.messages.get(&id).into_iter().flatten();
        messages
            .map(|message| (message.text.clone(), message.internal_only))
            .collect()
    }

    /// The files attached to a case: their names and contents.
    #[must_use]
    pub fn files(&self, id: u64) -> Vec<(String, Bytes)> {
        let books = self.backend().books();
        let files = books.files.values();
        files
            .filter(|file| file.attached.contains(&id))
            .map(|file| (file.name.clone(), file.content.clone()))
            .collect()
    }

    /// How many files the File Cabinet holds, attached or not.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.backend().books().files.len()
    }
}

fn told(problem: ScreenProblem) -> String {
    problem.to_string()
}

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
        let id = self.open_case(&fields(case)).map_err(told)?;
        if let Some(note) = &case.note {
            self.add_message(id, note).map_err(told)?;
        }
        if let Some(picture) = &case.picture {
            self.attach(id, &picture.name, picture.bytes.clone())
                .map_err(told)?;
        }
        Ok(id)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        self.set_status(ticket, DISPATCH).map_err(told)
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        self.add_message(ticket, text).map(drop).map_err(told)
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
