//! Dispatchers at the screen, acted by the sandbox.

use async_trait::async_trait;
use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};

use super::backend::{Actor, Content, DISPATCHER, TalkPlace};
use super::cells::{self, Writer};
use super::problem::Problem;
use super::sheet::{MARKER, SHEET, TRIGGER};
use super::webhooks::Status;
use super::{AccessLevel, Smartsheet};
use crate::model::PlatformKind;
use crate::sandbox::desk::{Case, Flaw, ServiceDesk};
use crate::sandbox::places::zone_of;
use crate::sandbox::{Fault, Faults, Journal};

/// Why the sheet did not take what somebody entered.
#[derive(Debug, thiserror::Error)]
#[error("Smartsheet: {0}")]
pub struct SheetProblem(String);

impl From<Problem> for SheetProblem {
    fn from(problem: Problem) -> Self {
        Self(problem.to_string())
    }
}

impl Smartsheet {
    /// Somebody fills in a new row, by the columns' titles. Its number.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such column, or it does not take the value.
    pub fn open_row(&self, cells: &Value) -> Result<u64, SheetProblem> {
        let parsed = self.parsed(cells)?;
        Ok(self.backend().add_row(&Actor::person(), parsed).id)
    }

    /// Somebody changes cells of a row, by the columns' titles.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such row or column, or it does not take the value.
    pub fn change_row(&self, row: u64, cells: &Value) -> Result<(), SheetProblem> {
        let parsed = self.parsed(cells)?;
        self.backend().change_row(row, &Actor::person(), parsed)?;
        Ok(())
    }

    /// Somebody deletes a row.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such row.
    pub fn delete_row(&self, row: u64) -> Result<(), SheetProblem> {
        Ok(self.backend().remove_row(row, &Actor::person())?)
    }

    /// Somebody puts a formula into a cell.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such row or column.
    pub fn put_formula(&self, row: u64, title: &str, formula: &str) -> Result<(), SheetProblem> {
        let column = self.column(title)?;
        let cell = json!({"columnId": column.id, "formula": formula});
        let cell = cell.as_object().cloned().unwrap_or_default();
        let parsed = cells::parse(&column, &cell, Writer { is_admin: true })?;
        self.backend()
            .change_row(row, &Actor::person(), vec![(column.id, parsed)])?;
        Ok(())
    }

    /// Somebody comments on a row. The comment's number.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such row.
    pub fn add_comment(&self, row: u64, text: &str) -> Result<u64, SheetProblem> {
        let (_, comment) = self
            .backend()
            .comment(&Actor::person(), TalkPlace::Row(row), text)?;
        Ok(comment.id)
    }

    /// Somebody attaches a file to a row. Its number.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such row.
    pub fn attach(
        &self,
        row: u64,
        name: &str,
        mime: &str,
        bytes: Bytes,
    ) -> Result<u64, SheetProblem> {
        let content = Content::File {
            mime: mime.to_owned(),
            bytes,
        };
        Ok(self
            .backend()
            .attach(&Actor::person(), row, name, content)?
            .id)
    }

    /// Somebody attaches a link to a row. Its number.
    ///
    /// # Errors
    /// [`SheetProblem`] when there is no such row.
    pub fn attach_link(&self, row: u64, name: &str, url: &str) -> Result<u64, SheetProblem> {
        let content = Content::Link {
            url: url.to_owned(),
        };
        Ok(self
            .backend()
            .attach(&Actor::person(), row, name, content)?
            .id)
    }

    /// What a row shows in a column, as text; `None` when there is no such row.
    #[must_use]
    pub fn cell(&self, row: u64, title: &str) -> Option<String> {
        let found = self.backend().books().rows.get(&row).cloned()?;
        Some(self.backend().text_of(&found, title))
    }

    /// The comments on a row, oldest first, with their authors' addresses.
    #[must_use]
    pub fn comments(&self, row: u64) -> Vec<(String, String)> {
        let books = self.backend().books();
        let of_row = books
            .discussions
            .values()
            .filter(|discussion| discussion.row == row);
        let mut comments: Vec<_> = of_row
            .flat_map(|discussion| discussion.comments.clone())
            .collect();
        drop(books);
        comments.sort_by_key(|comment| comment.id);
        comments
            .into_iter()
            .map(|comment| (comment.by.email.to_owned(), comment.text))
            .collect()
    }

    /// The names of a row's attachments.
    #[must_use]
    pub fn files(&self, row: u64) -> Vec<String> {
        let books = self.backend().books();
        let of_row = books
            .attachments
            .values()
            .filter(|attachment| attachment.row == row);
        of_row.map(|attachment| attachment.name.clone()).collect()
    }

    /// The numbers of all rows, from the top.
    #[must_use]
    pub fn row_ids(&self) -> Vec<u64> {
        self.backend().books().rows.keys().copied().collect()
    }

    /// The number of the sheet.
    #[must_use]
    pub fn sheet_id(&self) -> u64 {
        SHEET
    }

    /// The number of a column.
    #[must_use]
    pub fn column_id(&self, title: &str) -> Option<u64> {
        self.backend().titled(title).map(|column| column.id)
    }

    /// Shares the sheet with the token's account at another level.
    pub fn share(&self, access: AccessLevel) {
        self.backend().change_access(access);
    }

    /// A webhook of somebody else's account that leads to this address and is switched on. Its number and secret.
    pub async fn foreign_webhook(&self, url: &str) -> (u64, String) {
        let webhook = self.backend().keep_webhook(
            DISPATCHER,
            "Another account's",
            url,
            std::collections::BTreeSet::new(),
        );
        self.backend().verify(webhook.id).await;
        (webhook.id, webhook.secret)
    }

    /// Smartsheet's support switches a webhook off.
    pub fn switch_off_by_support(&self, webhook: u64) {
        self.backend()
            .update_webhook(webhook, |webhook| webhook.status = Status::Administrative);
    }

    fn column(&self, title: &str) -> Result<super::sheet::Column, SheetProblem> {
        let column = self.backend().titled(title).copied();
        column.ok_or_else(|| SheetProblem(format!("there is no column {title}")))
    }

    /// At the screen whatever fits is taken, and the rest is kept as text.
    fn parsed(&self, cells: &Value) -> Result<Vec<(u64, cells::Parsed)>, SheetProblem> {
        let mut parsed = Vec::new();
        for (title, value) in cells.as_object().into_iter().flatten() {
            let column = self.column(title)?;
            let member = if value.is_object() {
                "objectValue"
            } else {
                "value"
            };
            let mut cell = json!({"columnId": column.id, "strict": false});
            cell[member] = value.clone();
            let cell = cell.as_object().cloned().unwrap_or_default();
            parsed.push((
                column.id,
                cells::parse(&column, &cell, Writer { is_admin: true })?,
            ));
        }
        Ok(parsed)
    }
}

#[async_trait]
impl ServiceDesk for Smartsheet {
    fn platform(&self) -> PlatformKind {
        PlatformKind::Smartsheet
    }

    fn base_url(&self) -> &str {
        Smartsheet::base_url(self)
    }

    fn connector_settings(&self) -> String {
        format!(
            "access_token = \"{}\"\ntemplate_sheet_id = {SHEET}\ntrigger_column = \"{TRIGGER}\"\nsubscope_columns = []\nmarker_column = \"{MARKER}\"\ninternal_notes = \"publish\"\nbase_url = \"{}\"\n",
            Smartsheet::credentials(self),
            Smartsheet::base_url(self),
        )
    }

    fn credentials(&self) -> Value {
        json!({"access_token": Smartsheet::credentials(self), "template_sheet_id": SHEET})
    }

    fn on_create(&self, fault: Fault) -> Fault {
        fault.on_end(&Method::POST, "/rows")
    }

    fn note_call(&self) -> Option<(Method, &'static str)> {
        Some((Method::POST, "/discussions"))
    }

    fn journal(&self) -> &Journal {
        Smartsheet::journal(self)
    }

    fn faults(&self) -> &Faults {
        Smartsheet::faults(self)
    }

    fn deliveries_under_way(&self) -> usize {
        Smartsheet::deliveries_under_way(self)
    }

    /// Nothing: webhooks can be made by the API alone.
    fn listen_by_hand(&self, _: &str) {}

    fn open(&self, case: &Case) -> Result<u64, String> {
        let place = case.place;
        let state = match case.flaw {
            Some(Flaw::NoState) => "",
            // Somebody typed it by hand, as people do.
            Some(Flaw::UnknownValue) => "Minn.",
            None => place.state,
        };
        let local = zone_of(place.state).map(|zone| zone.to_datetime(case.start));
        let local = local.unwrap_or_else(|| jiff::tz::TimeZone::UTC.to_datetime(case.start));
        let cells = json!({
            "Task Name": format!("{} - {}", place.code, case.summary),
            "Description": case.description,
            "Status": "Open",
            "Site name": place.code,
            "Site address": place.street,
            "Site city": place.city,
            "Site state": state,
            "Site contact": "store.manager@example.com",
            "Site phone": "555-0100",
            "Visit date": local.date().to_string(),
            "Visit time": local.strftime("%H:%M:%S").to_string(),
            "Pay": 150 + 25 * (case.number % 5),
        });
        let text = |problem: SheetProblem| problem.to_string();
        let row = self.open_row(&cells).map_err(text)?;
        // At the screen a number loses its leading nought unless it is typed as text.
        let zip = self.column("Site zip").map_err(text)?;
        let cell = json!({"columnId": zip.id, "value": place.zip});
        let cell = cell.as_object().cloned().unwrap_or_default();
        let parsed = cells::parse(&zip, &cell, Writer { is_admin: true })
            .map_err(|problem| problem.to_string())?;
        let changed = self
            .backend()
            .change_row(row, &Actor::person(), vec![(zip.id, parsed)]);
        changed.map_err(|problem| problem.to_string())?;
        if let Some(note) = &case.note {
            self.add_comment(row, note).map_err(text)?;
        }
        if let Some(picture) = &case.picture {
            self.attach(
                row,
                &picture.name,
                &picture.media_type,
                picture.bytes.clone(),
            )
            .map_err(text)?;
        }
        Ok(row)
    }

    fn dispatch(&self, ticket: u64) -> Result<(), String> {
        let ticked = json!({TRIGGER: true});
        self.change_row(ticket, &ticked)
            .map_err(|problem| problem.to_string())
    }

    fn add_note(&self, ticket: u64, text: &str) -> Result<(), String> {
        let added = self.add_comment(ticket, text);
        added.map(drop).map_err(|problem| problem.to_string())
    }

    fn is_closed(&self, ticket: u64) -> Option<bool> {
        Some(self.cell(ticket, "Status")? == "Complete")
    }

    fn record_id(&self, ticket: u64) -> String {
        format!("{SHEET}-{ticket}")
    }

    fn ticket_of(&self, record: &str) -> Option<u64> {
        let (sheet, row) = record.split_once('-')?;
        if sheet.parse() != Ok(SHEET) {
            return None;
        }
        row.parse().ok()
    }

    async fn stop(&self) {
        Smartsheet::stop(self).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ManualClock, Timestamp};
    use crate::sandbox::desk::Picture;
    use crate::sandbox::places::PLACES;
    use crate::sandbox::smartsheet::SmartsheetSettings;

    fn case(flaw: Option<Flaw>) -> Case {
        Case {
            number: 3,
            place: &PLACES[6],
            summary: "Store is offline".into(),
            description: "The router blinks red.".into(),
            start: "2026-03-04T15:00:00Z".parse().unwrap(),
            flaw,
            note: Some("Please call first.".into()),
            picture: Some(Picture {
                name: "router.png".into(),
                media_type: "image/png".into(),
                bytes: Bytes::from_static(b"PNG"),
            }),
        }
    }

    #[tokio::test]
    async fn a_case_becomes_a_row_that_a_dispatcher_sends_and_the_mapping_closes() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let desk = Smartsheet::start(SmartsheetSettings::default(), clock, 1)
            .await
            .unwrap();
        let row = desk.open(&case(None)).unwrap();
        for (title, held) in [
            ("Site zip", "02110"),
            ("Site state", "MA"),
            ("Visit date", "2026-03-04"),
            ("Visit time", "10:00:00"),
            ("Send to FN", ""),
        ] {
            assert_eq!(desk.cell(row, title).unwrap(), held, "{title}");
        }
        assert_eq!(desk.comments(row).len(), 1);
        assert_eq!(desk.files(row), ["router.png"]);
        desk.dispatch(row).unwrap();
        assert_eq!(desk.cell(row, "Send to FN").unwrap(), "true");
        assert_eq!(desk.is_closed(row), Some(false));
        desk.change_row(row, &json!({"Status": "Complete"}))
            .unwrap();
        assert_eq!(desk.is_closed(row), Some(true));
        assert_eq!(desk.is_closed(row + 2), None);
        assert_eq!(desk.ticket_of(&desk.record_id(row)), Some(row));
        assert_eq!(desk.ticket_of("1-2"), None);
        let flawed = desk.open(&case(Some(Flaw::NoState))).unwrap();
        assert_eq!(desk.cell(flawed, "Site state").unwrap(), "");
        let flawed = desk.open(&case(Some(Flaw::UnknownValue))).unwrap();
        assert_eq!(desk.cell(flawed, "Site state").unwrap(), "Minn.");
    }
}
