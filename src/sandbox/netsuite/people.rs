//! Support representatives at the screen, acted by the sandbox.

use bytes::Bytes;
use serde_json::{Value, json};

use super::NetSuite;
use super::backend::{Actor, CUSTOMER, Name};
use super::problem::Problem;
use super::types;
use super::values::{self, Names};

/// Why the account did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("NetSuite: {0}")]
pub struct ScreenProblem(String);

impl From<Problem> for ScreenProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

impl From<ScreenProblem> for String {
    fn from(problem: ScreenProblem) -> Self {
        problem.to_string()
    }
}

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
