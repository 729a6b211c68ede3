//! The setup tables: statuses, types, priorities and the like, by which names become ids.
//!
//! A status, type, sub-type, item or team belongs to one board; its name may stand on others with another id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::error::Right;
use super::session::{Ask, Session};
use crate::http::Call;
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::{is_true, text_at};

/// How long a table is taken as read. Setup tables change by an admin's hand.
const FRESH: Duration = Duration::from_secs(600);

/// A setup table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Boards,
    Statuses(i64),
    Types(i64),
    SubTypes(i64),
    Items(i64),
    Teams(i64),
    Priorities,
    Sources,
    Locations,
    ScheduleStatuses,
    Sites(i64),
}

impl Table {
    fn path(self) -> String {
        match self {
            Self::Boards => "service/boards".into(),
            Self::Statuses(board) => format!("service/boards/{board}/statuses"),
            Self::Types(board) => format!("service/boards/{board}/types"),
            Self::SubTypes(board) => format!("service/boards/{board}/subtypes"),
            Self::Items(board) => format!("service/boards/{board}/items"),
            Self::Teams(board) => format!("service/boards/{board}/teams"),
            Self::Priorities => "service/priorities".into(),
            Self::Sources => "service/sources".into(),
            Self::Locations => "service/locations".into(),
            Self::ScheduleStatuses => "schedule/statuses".into(),
            Self::Sites(company) => format!("company/companies/{company}/sites"),
        }
    }

    /// What one entry is called.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Boards => "board",
            Self::Statuses(_) => "status",
            Self::Types(_) => "type",
            Self::SubTypes(_) => "subtype",
            Self::Items(_) => "item",
            Self::Teams(_) => "team",
            Self::Priorities => "priority",
            Self::Sources => "source",
            Self::Locations => "service location",
            Self::ScheduleStatuses => "schedule status",
            Self::Sites(_) => "site",
        }
    }

    /// Whose entries they are, for people.
    fn owner(self) -> String {
        match self {
            Self::Statuses(board)
            | Self::Types(board)
            | Self::SubTypes(board)
            | Self::Items(board)
            | Self::Teams(board) => format!(" of board {board}"),
            Self::Sites(company) => format!(" of company {company}"),
            _ => String::new(),
        }
    }

    fn right(self) -> Right {
        match self {
            Self::Sites(_) => Right::ReadCompanies,
            _ => Right::ReadSetupTables,
        }
    }
}

/// One entry of a setup table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) name: String,
    /// Whether new tickets of the board get it.
    pub(super) is_default: bool,
}

type Entries = Arc<[Entry]>;

/// The setup tables read so far.
pub(super) struct Tables {
    clock: Arc<dyn Clock>,
    read: Mutex<HashMap<Table, (Timestamp, Entries)>>,
}

impl Tables {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            read: Mutex::default(),
        }
    }

    /// The active entries of a table, as read within the last minutes.
    pub(super) async fn entries(
        &self,
        session: &Session,
        call: &Call,
        table: Table,
    ) -> Result<Entries, Failure> {
        match self.kept(table) {
            Some(entries) => Ok(entries),
            None => self.read(session, call, table).await,
        }
    }

    /// The id of the entry of this name.
    ///
    /// # Errors
    /// `validation` that lists the names there are; what reading the table fails with.
    pub(super) async fn id_of(
        &self,
        session: &Session,
        call: &Call,
        table: Table,
        name: &str,
    ) -> Result<i64, Failure> {
        let kept = self.kept(table);
        if let Some(id) = kept.as_ref().and_then(|entries| find(entries, name)) {
            return Ok(id);
        }
        // It may have been added since.
        let entries = self.read(session, call, table).await?;
        find(&entries, name).ok_or_else(|| unknown(table, name, &entries))
    }

    fn kept(&self, table: Table) -> Option<Entries> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, entries) = read.get(&table)?;
        let age = self.clock.now().duration_since(*at);
        (Duration::try_from(age).unwrap_or_default() < FRESH).then(|| Arc::clone(entries))
    }

    async fn read(&self, session: &Session, call: &Call, table: Table) -> Result<Entries, Failure> {
        let what = format!("list the {} names{}", table.noun(), table.owner());
        let ask = Ask::get(table.path(), table.right(), what);
        let items = session.list(call, &ask).await?;
        let entries: Entries = items.iter().filter_map(entry).collect();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(table, (self.clock.now(), Arc::clone(&entries)));
        Ok(entries)
    }
}

fn entry(item: &Value) -> Option<Entry> {
    if is_true(item, "inactive") || is_true(item, "inactiveFlag") {
        return None;
    }
    Some(Entry {
        id: item.get("id")?.as_i64()?,
        name: text_at(item, &["name"])?.trim().to_owned(),
        is_default: is_true(item, "defaultFlag"),
    })
}

fn find(entries: &[Entry], name: &str) -> Option<i64> {
    let name = name.trim();
    let exact = entries.iter().find(|entry| entry.name == name);
    let alike = || {
        entries
            .iter()
            .find(|entry| entry.name.to_lowercase() == name.to_lowercase())
    };
    let by_id = || entries.iter().find(|entry| name.parse() == Ok(entry.id));
    exact.or_else(alike).or_else(by_id).map(|entry| entry.id)
}

fn unknown(table: Table, name: &str, entries: &[Entry]) -> Failure {
    const SHOWN: usize = 40;
    let noun = table.noun();
    let names = entries
        .iter()
        .take(SHOWN)
        .map(|entry| format!("`{}`", entry.name));
    let mut names = names.collect::<Vec<_>>().join(", ");
    if entries.len() > SHOWN {
        names.push_str(", …");
    }
    Failure::new(
        Category::Validation,
        format!("ConnectWise has no {noun} `{name}`{}", table.owner()),
    )
    .hint(if names.is_empty() {
        format!(
            "There are no {noun} names there at all; check the board and the API member's role."
        )
    } else {
        format!("Map to one of: {names}.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::connectwise::samples::sample;

    #[test]
    fn names_are_found_in_the_sample_as_people_write_them() {
        let Some(text) = sample("board-statuses-list.json") else {
            return;
        };
        let items: Vec<Value> = serde_json::from_str(&text).unwrap();
        let entries: Vec<Entry> = items.iter().filter_map(entry).collect();
        assert_eq!(find(&entries, "New"), Some(1));
        assert_eq!(find(&entries, " in progress "), Some(2));
        assert_eq!(find(&entries, "2"), Some(2));
        assert_eq!(find(&entries, "Closed"), None);
        let failure = unknown(Table::Statuses(1), "Closed", &entries);
        assert_eq!(failure.category, Category::Validation);
        assert!(
            failure.cause.contains("status `Closed` of board 1"),
            "{failure}"
        );
        assert_eq!(
            failure.hint.unwrap(),
            "Map to one of: `New`, `In Progress`."
        );
    }

    #[test]
    fn inactive_entries_are_not_offered() {
        let item = serde_json::json!({"id": 3, "name": "Old", "inactiveFlag": true});
        assert_eq!(entry(&item), None);
    }
}
