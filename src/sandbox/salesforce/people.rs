//! Agents and admins at the screen, acted by the sandbox.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::Salesforce;
use super::backend::{Actor, store};
use super::flows::Flow;
use super::problem::Problem;
use super::query;
use crate::sandbox::desk::{Case, Flaw, Picture};

/// Why the org did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("Salesforce: {0}")]
pub struct OrgProblem(String);

impl From<Problem> for OrgProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

impl Salesforce {
    /// An agent enters a record of an object. Its id.
    ///
    /// # Errors
    /// [`OrgProblem`] when the org does not take it.
    pub fn enter(&self, object: &str, fields: &Value) -> Result<String, OrgProblem> {
        Ok(self
            .backend()
            .insert(object, &members(fields), Actor::Agent)?)
    }

    /// An agent changes fields of a record.
    ///
    /// # Errors
    /// [`OrgProblem`] when the record does not exist or does not take them.
    pub fn change(&self, object: &str, id: &str, fields: &Value) -> Result<(), OrgProblem> {
        Ok(self
            .backend()
            .change(object, id, &members(fields), Actor::Agent)?)
    }

    /// An agent deletes a record.
    ///
    /// # Errors
    /// [`OrgProblem`] when the record does not exist.
    pub fn delete(&self, object: &str, id: &str) -> Result<(), OrgProblem> {
        Ok(self.backend().remove(object, id, Actor::Agent)?)
    }

    /// A record as `GET sobjects/…` shows it.
    #[must_use]
    pub fn record(&self, object: &str, id: &str) -> Option<Value> {
        let books = self.backend().books();
        let row = books.row(object, id).ok()?;
        Some(query::whole(books.object(object).ok()?, row))
    }

    /// What a query finds.
    ///
    /// # Errors
    /// [`OrgProblem`] when it is none.
    pub fn query(&self, soql: &str) -> Result<Vec<Value>, OrgProblem> {
        Ok(query::run(&self.backend().books(), soql)?)
    }

    /// An agent attaches a file to a record. The version's id.
    ///
    /// # Errors
    /// [`OrgProblem`] when the record does not exist.
    pub fn attach(&self, record: &str, picture: &Picture) -> Result<String, OrgProblem> {
        let version = json!({
            "Title": picture.name.rsplit_once('.').map_or(picture.name.as_str(), |(stem, _)| stem),
            "PathOnClient": picture.name,
            "VersionData": STANDARD.encode(&picture.bytes),
            "FirstPublishLocationId": record,
        });
        self.enter("ContentVersion", &version)
    }

    /// Replaces the org's flows.
    pub fn set_flows(&self, flows: Vec<Flow>) {
        self.backend().flows.set(flows);
    }

    /// Ends all sessions, as an admin or a policy does: their tokens are refused from now on.
    pub fn end_sessions(&self) {
        self.backend().end_sessions();
    }

    /// Approves the connected app for the integration user, or takes that back.
    pub fn approve(&self, approved: bool) {
        self.backend().approve(approved);
    }

    /// Sets the words of a validation rule that refuses every change of a case by the API, or removes it.
    pub fn set_validation_rule(&self, words: Option<&str>) {
        self.backend().quirks().validation_rule = words.map(str::to_owned);
    }

    /// Lets the next writes by the API meet a row that somebody else has locked.
    pub fn lock_rows(&self, writes: u32) {
        let mut quirks = self.backend().quirks();
        quirks.locks = writes;
        quirks.wrapped = false;
    }

    /// Lets the next writes by the API fail in an Apex trigger that met a locked row.
    pub fn lock_rows_in_a_trigger(&self, writes: u32) {
        let mut quirks = self.backend().quirks();
        quirks.locks = writes;
        quirks.wrapped = true;
    }

    /// An agent opens the case of a customer's call. Its number.
    pub(super) fn open_case(&self, case: &Case) -> Result<u64, OrgProblem> {
        let account = match case.flaw {
            None => self.backend().store(case.place.code).map(str::to_owned),
            Some(Flaw::NoState) => Some(self.odd_store(case, None)?),
            // Somebody typed the state by hand, as people do.
            Some(Flaw::UnknownValue) => Some(self.odd_store(case, Some("Minn."))?),
        };
        let id = self.enter(
            "Case",
            &json!({
                "Subject": case.summary,
                "Description": case.description,
                "AccountId": account,
                "ContactId": self.backend().contact(),
                "Origin": "Phone",
                "Type": "Field Service",
                "Priority": if case.number.is_multiple_of(4) { "High" } else { "Medium" },
                "FN_Service_Start__c": case.start.to_string(),
                "Estimate__c": 150 + 25 * (case.number % 5),
            }),
        )?;
        if let Some(note) = &case.note {
            self.enter(
                "CaseComment",
                &json!({"ParentId": id, "CommentBody": note, "IsPublished": true}),
            )?;
        }
        if let Some(picture) = &case.picture {
            self.attach(&id, picture)?;
        }
        let number = self.backend().books().row("Case", &id)?.number;
        Ok(number)
    }

    fn odd_store(&self, case: &Case, state: Option<&str>) -> Result<String, OrgProblem> {
        let backend = self.backend();
        let user = backend.user(Actor::Agent).to_owned();
        Ok(store(
            &mut backend.books(),
            case.place,
            state,
            &user,
            backend.clock.now(),
        )?)
    }
}
