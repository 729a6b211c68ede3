//! Dispatchers at the screen, acted by the sandbox.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Quickbase;
use super::backend::{Actor, TableRight, table};
use super::schema::{CONTENT, DOCUMENTS, EIGHT, JOBS, MESSAGES, RELATED, TITLE};

/// Why the app did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("Quickbase: {0}")]
pub struct TableProblem(String);

/// Who may read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageVisibility {
    /// Staff only.
    Internal,
    /// Everybody who sees the job.
    Public,
}

impl Quickbase {
    /// A dispatcher opens a job, with values by field id. Its Record ID#.
    ///
    /// # Errors
    /// [`TableProblem`] when the table does not take it.
    pub fn open_job(&self, values: &Value) -> Result<u64, TableProblem> {
        let mut values = values.as_object().cloned().unwrap_or_default();
        values.entry("11").or_insert(json!("New"));
        self.enter(JOBS, values)
    }

    /// A dispatcher changes values of a job.
    ///
    /// # Errors
    /// [`TableProblem`] when the job does not exist or does not take them.
    pub fn change_job(&self, job: u64, values: &Value) -> Result<(), TableProblem> {
        self.change_jobs(&[job], values)
    }

    /// A dispatcher changes the same values of several jobs at once.
    ///
    /// # Errors
    /// [`TableProblem`] when one of them does not exist or does not take them.
    pub fn change_jobs(&self, jobs: &[u64], values: &Value) -> Result<(), TableProblem> {
        let values = values.as_object().cloned().unwrap_or_default();
        let table = table(JOBS).map_err(|problem| TableProblem(problem.to_string()))?;
        let rows: Vec<Value> = jobs
            .iter()
            .map(|job| {
                let mut row = cells(values.clone());
                row.insert("3".to_owned(), json!({"value": job}));
                Value::Object(row)
            })
            .collect();
        if let Some(job) = jobs.iter().find(|job| self.job(**job).is_none()) {
            return Err(TableProblem(format!("job {job} does not exist")));
        }
        let outcome = self.backend().write_rows(table, &rows, None, Actor::Person);
        outcome.only().map(drop).map_err(TableProblem)
    }

    /// A dispatcher removes a job; whether it was there.
    pub fn delete_job(&self, job: u64) -> bool {
        table(JOBS).is_ok_and(|table| self.backend().erase(table, job, Actor::Person))
    }

    /// A dispatcher adds a message to a job. Its Record ID#.
    ///
    /// # Errors
    /// [`TableProblem`] when the job does not exist.
    pub fn add_message(
        &self,
        job: u64,
        text: &str,
        visibility: MessageVisibility,
    ) -> Result<u64, TableProblem> {
        let is_internal = visibility == MessageVisibility::Internal;
        self.enter_for(job, MESSAGES, json!(text), Some(json!(is_internal)))
    }

    /// A dispatcher adds a document to a job. Its Record ID#.
    ///
    /// # Errors
    /// [`TableProblem`] when the job does not exist.
    pub fn add_document(&self, job: u64, name: &str, content: &Bytes) -> Result<u64, TableProblem> {
        let file = json!({"fileName": name, "data": STANDARD.encode(content)});
        self.enter_for(job, DOCUMENTS, file, None)
    }

    fn enter_for(
        &self,
        job: u64,
        table: &'static str,
        content: Value,
        eighth: Option<Value>,
    ) -> Result<u64, TableProblem> {
        if self.job(job).is_none() {
            return Err(TableProblem(format!("job {job} does not exist")));
        }
        let mut values = Map::from_iter([
            (CONTENT.to_string(), content),
            (RELATED.to_string(), json!(job)),
        ]);
        values.extend(eighth.map(|value| (EIGHT.to_string(), value)));
        self.enter(table, values)
    }

    fn enter(&self, id: &str, values: Map<String, Value>) -> Result<u64, TableProblem> {
        let table = table(id).map_err(|problem| TableProblem(problem.to_string()))?;
        let row = Value::Object(cells(values));
        let outcome = self
            .backend()
            .write_rows(table, &[row], None, Actor::Person);
        outcome.only().map_err(TableProblem)
    }

    /// A job as a query for all fields shows it, its values by field id.
    #[must_use]
    pub fn job(&self, id: u64) -> Option<Value> {
        self.row(JOBS, id)
    }

    /// A row of a table, its values by field id.
    #[must_use]
    pub fn row(&self, table_id: &str, id: u64) -> Option<Value> {
        let table = table(table_id).ok()?;
        let shown = self.backend().books().shown_row(table, id)?;
        let values = shown
            .into_iter()
            .map(|(field, mut cell)| (field, cell["value"].take()));
        Some(Value::Object(values.collect()))
    }

    /// All rows of a table, oldest first.
    #[must_use]
    pub fn rows(&self, table_id: &str) -> Vec<Value> {
        let ids: Vec<u64> = {
            let books = self.backend().books();
            let rows = books.rows(table_id).map(|rows| rows.rows.keys().copied());
            rows.into_iter().flatten().collect()
        };
        ids.into_iter()
            .filter_map(|id| self.row(table_id, id))
            .collect()
    }

    /// Takes a right to a table away from the token's user.
    pub fn refuse(&self, table_id: &str, right: TableRight) {
        if let Ok(table) = table(table_id) {
            self.backend().books().refuse(table.id, right);
        }
    }

    /// Takes the token's assignment to the app away.
    pub fn unassign_token(&self) {
        self.backend().books().unassigned = true;
    }

    /// Refuses the next so many writes because the table is locked.
    pub fn lock_for(&self, writes: u32) {
        self.backend().books().locks = writes;
    }

    /// The title of a job.
    #[must_use]
    pub fn title(&self, job: u64) -> Option<String> {
        let job = self.job(job)?;
        Some(job[TITLE.to_string()].as_str()?.to_owned())
    }
}

fn cells(values: Map<String, Value>) -> Map<String, Value> {
    values
        .into_iter()
        .map(|(field, value)| (field, json!({"value": value})))
        .collect()
}
