//! How records are shown: as they are stored, as people see them, or both; references as objects; dot-walked fields.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::backend::{Backend, seen};
use super::books::{Books, Row};
use super::schema::{self, Column};

/// `sysparm_display_value`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Display {
    #[default]
    Stored,
    Shown,
    Both,
}

/// How a record is to be shown.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) display: Display,
    /// Only these fields; none: all of its table.
    pub(super) fields: Option<Vec<String>>,
    /// Whether references lack their links.
    pub(super) links: Links,
}

/// `sysparm_exclude_reference_link`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Links {
    #[default]
    Given,
    Left,
}

impl Backend {
    /// The record as the API shows it. Fields that do not exist are left out.
    pub(super) fn show(&self, books: &Books, row: &Row, view: &View) -> Value {
        let zone = TimeZone::get(&self.settings.time_zone).unwrap_or(TimeZone::UTC);
        let mut shown = Map::new();
        match &view.fields {
            None => {
                for column in schema::columns(row.table) {
                    let cell = self.cell(books, row, column, view, &zone);
                    shown.insert(column.name.to_owned(), cell);
                }
            }
            Some(names) => {
                for name in names {
                    if let Some(cell) = self.walked(books, row, name, view, &zone) {
                        shown.insert(name.clone(), cell);
                    }
                }
            }
        }
        Value::Object(shown)
    }

    fn walked(
        &self,
        books: &Books,
        row: &Row,
        path: &str,
        view: &View,
        zone: &TimeZone,
    ) -> Option<Value> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let column = schema::column_of(row.table, first)?;
        if rest.is_empty() {
            return Some(self.cell(books, row, column, view, zone));
        }
        schema::column_of(column.reference, rest.split('.').next().unwrap_or(rest))?;
        match books.row(row.value(first)) {
            Some(next) => self.walked(books, next, rest, view, zone),
            None if view.display == Display::Both => {
                Some(json!({"display_value": "", "value": ""}))
            }
            None => Some(json!("")),
        }
    }

    fn cell(
        &self,
        books: &Books,
        row: &Row,
        column: &Column,
        view: &View,
        zone: &TimeZone,
    ) -> Value {
        let value = row.value(column.name);
        let display = display(books, row, column, zone);
        if !column.reference.is_empty() && !value.is_empty() {
            let link = format!(
                "{}/api/now/table/{}/{value}",
                self.base_url, column.reference
            );
            return match (view.display, view.links) {
                (Display::Stored, Links::Given) => json!({"link": link, "value": value}),
                (Display::Stored, Links::Left) => json!(value),
                (Display::Shown, Links::Given) => json!({"display_value": display, "link": link}),
                (Display::Shown, Links::Left) => json!(display),
                (Display::Both, Links::Given) => {
                    json!({"display_value": display, "link": link, "value": value})
                }
                (Display::Both, Links::Left) => json!({"display_value": display, "value": value}),
            };
        }
        match view.display {
            Display::Stored => json!(value),
            Display::Shown => json!(display),
            Display::Both => json!({"display_value": display, "value": value}),
        }
    }
}

/// What people see of a field.
fn display(books: &Books, row: &Row, column: &Column, zone: &TimeZone) -> String {
    let value = row.value(column.name);
    match column.kind {
        "reference" => books
            .row(value)
            .map(|row| row.title().to_owned())
            .unwrap_or_default(),
        "glide_date_time" => seen(value, zone),
        "journal_input" | "journal_list" => rendered(books, row, column.name, zone),
        _ if column.name == "sys_class_name" => schema::find(value)
            .map(|table| table.label.to_owned())
            .unwrap_or_default(),
        _ => {
            let choices = schema::choices(row.table, column.name);
            let choice = choices.iter().find(|choice| choice.value == value);
            choice.map_or(value, |choice| choice.label).to_owned()
        }
    }
}

/// All that was written into a journal field, newest first.
fn rendered(books: &Books, row: &Row, name: &str, zone: &TimeZone) -> String {
    let mut notes: Vec<&Row> = books.notes_of(&row.id).collect();
    notes.reverse();
    let mut text = String::new();
    for note in notes {
        let element = note.value("element");
        if name != "comments_and_work_notes" && name != element {
            continue;
        }
        let kind = if element == "comments" {
            "Additional comments"
        } else {
            "Work notes"
        };
        let author = books.row(&books.user(note.value("sys_created_by")));
        let author = author.map_or(note.value("sys_created_by"), |author| author.value("name"));
        let at = seen(note.value("sys_created_on"), zone);
        text.push_str(&format!(
            "{at} - {author} ({kind})\n{}\n\n",
            note.value("value")
        ));
    }
    text
}
