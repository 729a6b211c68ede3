//! The stand-in's memory: rows, discussions, attachments, webhooks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::cells::{Parsed, Stored, Writer};
use super::problem::Problem;
use super::sheet::{self, Column, MARKER, Nature, SHEET};
use super::webhooks::{Happening, Webhook};
use super::{AccessLevel, SmartsheetSettings};
use crate::model::{Clock, Timestamp};
use crate::sandbox::journal::{Deed, Doer, Journal, Thing, Write};
use crate::sandbox::outbox::Outbox;
use crate::sandbox::quota::Meter;

/// Somebody with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

/// Whose token the API is used with.
pub(super) const BROKER: User = User {
    id: 789_168_465_962_884,
    name: "Field Broker",
    email: "broker@example.com",
};

/// Somebody at the screen.
pub(super) const DISPATCHER: User = User {
    id: 789_168_465_962_885,
    name: "Desk Dispatcher",
    email: "dispatcher@example.com",
};

impl User {
    pub(super) fn shown(self) -> Value {
        json!({"name": self.name, "email": self.email})
    }
}

/// Who writes, and under which name.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) user: User,
    pub(super) doer: Doer,
    /// `Smartsheet-Change-Agent`.
    pub(super) agent: Option<String>,
}

impl Actor {
    pub(super) fn api(agent: Option<String>) -> Self {
        Self {
            user: BROKER,
            doer: Doer::Api,
            agent,
        }
    }

    pub(super) fn person() -> Self {
        Self {
            user: DISPATCHER,
            doer: Doer::Person,
            agent: None,
        }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) cells: BTreeMap<u64, Stored>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) created_by: User,
    pub(super) modified_by: User,
}

/// A thread of comments.
#[derive(Clone, Debug)]
pub(super) struct Discussion {
    pub(super) id: u64,
    pub(super) row: u64,
    pub(super) by: User,
    pub(super) comments: Vec<Comment>,
}

/// A comment.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) text: String,
    pub(super) by: User,
    pub(super) at: Timestamp,
}

/// What is attached to a row.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) id: u64,
    pub(super) row: u64,
    pub(super) name: String,
    pub(super) by: User,
    pub(super) at: Timestamp,
    pub(super) content: Content,
}

/// A file, or a link to one.
#[derive(Clone, Debug)]
pub(super) enum Content {
    File { mime: String, bytes: Bytes },
    Link { url: String },
}

/// Everything a request may touch.
pub(super) struct Backend {
    pub(super) settings: SmartsheetSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) meter: Option<Meter>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    /// What file links are signed with.
    pub(super) link_key: String,
    pub(super) columns: Vec<Column>,
    /// Held while a call saves the sheet: a second one collides with it.
    pub(super) saving: tokio::sync::Mutex<()>,
    books: Mutex<Books>,
}

/// What was entered.
pub(super) struct Books {
    pub(super) rows: IndexMap<u64, Row>,
    pub(super) discussions: BTreeMap<u64, Discussion>,
    pub(super) attachments: BTreeMap<u64, Attachment>,
    pub(super) webhooks: BTreeMap<u64, Webhook>,
    pub(super) version: u64,
    pub(super) access: AccessLevel,
    next: u64,
    next_job: u64,
}

/// What a backend is made of.
pub(super) struct Parts {
    pub(super) settings: SmartsheetSettings,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
}

impl Backend {
    pub(super) fn new(parts: Parts) -> Self {
        let clock = parts.clock;
        Self {
            meter: parts
                .settings
                .rate_limit
                .map(|limit| Meter::new(limit, clock.clone())),
            settings: parts.settings,
            base_url: parts.base_url,
            journal: parts.journal,
            outbox: parts.outbox,
            link_key: uuid::Uuid::now_v7().to_string(),
            columns: sheet::columns(),
            saving: tokio::sync::Mutex::new(()),
            books: Mutex::new(Books::new()),
            clock,
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment to the second, as the API shows times.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    pub(super) fn column(&self, id: u64) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    pub(super) fn titled(&self, title: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.title == title)
    }

    /// What the token's account may write to.
    pub(super) fn writer(&self) -> Writer {
        Writer {
            is_admin: self.books().access >= AccessLevel::Admin,
        }
    }

    /// Whether the sheet is there for the token's account, and shared widely enough.
    pub(super) fn admit(&self, sheet: u64, least: AccessLevel) -> Result<(), Problem> {
        let access = self.books().access;
        if sheet != SHEET || access == AccessLevel::None {
            return Err(Problem::not_found());
        }
        if access < least {
            return Err(Problem::not_allowed());
        }
        Ok(())
    }

    /// Adds a row at the bottom.
    pub(super) fn add_row(self: &Arc<Self>, actor: &Actor, cells: Vec<(u64, Parsed)>) -> Row {
        let now = self.now();
        let mut books = self.books();
        let id = books.take_id();
        let mut row = Row {
            id,
            cells: BTreeMap::new(),
            created: now,
            modified: now,
            created_by: actor.user,
            modified_by: actor.user,
        };
        let job = books.next_job;
        books.next_job += 1;
        for column in &self.columns {
            if column.nature == Nature::System("AUTO_NUMBER") {
                row.cells
                    .insert(column.id, Stored::system(&job.to_string()));
            }
        }
        let changed = self.fill(&mut row, cells);
        books.version += 1;
        books.rows.insert(id, row.clone());
        drop(books);
        self.record(Deed::Created, &row, actor, &self.text_of(&row, "Task Name"));
        let mut events = vec![Happening::of("row", "created", Some(id), actor, now)];
        events.extend(
            changed
                .iter()
                .map(|column| Happening::cell(id, *column, actor, now)),
        );
        self.announce(&events);
        row
    }

    /// Changes the given cells of a row.
    pub(super) fn change_row(
        self: &Arc<Self>,
        id: u64,
        actor: &Actor,
        cells: Vec<(u64, Parsed)>,
    ) -> Result<Row, Problem> {
        let now = self.now();
        let mut books = self.books();
        let mut row = books
            .rows
            .get(&id)
            .cloned()
            .ok_or_else(Problem::not_found)?;
        let changed = self.fill(&mut row, cells);
        if changed.is_empty() {
            return Ok(row);
        }
        row.modified = now;
        row.modified_by = actor.user;
        books.version += 1;
        books.rows.insert(id, row.clone());
        drop(books);
        let titles = changed
            .iter()
            .filter_map(|id| Some(self.column(*id)?.title));
        let titles: Vec<_> = titles.collect();
        self.record(Deed::Updated, &row, actor, &titles.join(", "));
        let events = changed
            .iter()
            .map(|column| Happening::cell(id, *column, actor, now));
        self.announce(&events.collect::<Vec<_>>());
        Ok(row)
    }

    /// Removes a row with all that hangs on it.
    pub(super) fn remove_row(self: &Arc<Self>, id: u64, actor: &Actor) -> Result<(), Problem> {
        let mut books = self.books();
        let row = books
            .rows
            .shift_remove(&id)
            .ok_or_else(Problem::not_found)?;
        books
            .discussions
            .retain(|_, discussion| discussion.row != id);
        books
            .attachments
            .retain(|_, attachment| attachment.row != id);
        books.version += 1;
        drop(books);
        self.record(Deed::Removed, &row, actor, "");
        self.announce(&[Happening::of("row", "deleted", Some(id), actor, self.now())]);
        Ok(())
    }

    /// Puts parsed cells into a row; answers which of them changed.
    fn fill(&self, row: &mut Row, cells: Vec<(u64, Parsed)>) -> Vec<u64> {
        let mut changed = Vec::new();
        for (column, parsed) in cells {
            let before = row.cells.get(&column);
            if before == parsed.as_ref() {
                continue;
            }
            match parsed {
                Some(stored) => row.cells.insert(column, stored),
                None => row.cells.remove(&column),
            };
            changed.push(column);
        }
        self.reckon(row);
        changed
    }

    /// Fills what the sheet fills by itself.
    fn reckon(&self, row: &mut Row) {
        let pay = self
            .titled("Pay")
            .and_then(|column| row.cells.get(&column.id)?.value.as_f64());
        for column in &self.columns {
            match column.nature {
                Nature::Formula(formula) => {
                    let value = json!(pay.unwrap_or_default() * 1.5);
                    row.cells.insert(column.id, Stored::formula(formula, value));
                }
                Nature::System("CREATED_DATE") => {
                    row.cells
                        .insert(column.id, Stored::system(&row.created.to_string()));
                }
                _ => {}
            }
        }
    }

    /// Adds a comment in a discussion, or begins one on a row.
    pub(super) fn comment(
        self: &Arc<Self>,
        actor: &Actor,
        place: TalkPlace,
        text: &str,
    ) -> Result<(Discussion, Comment), Problem> {
        let now = self.now();
        let mut books = self.books();
        let id = books.take_id();
        let comment = Comment {
            id,
            text: text.to_owned(),
            by: actor.user,
            at: now,
        };
        let mut events = Vec::new();
        let discussion = match place {
            TalkPlace::Discussion(number) => {
                let discussion = books
                    .discussions
                    .get_mut(&number)
                    .ok_or_else(Problem::not_found)?;
                discussion.comments.push(comment.clone());
                discussion.clone()
            }
            TalkPlace::Row(row) => {
                if !books.rows.contains_key(&row) {
                    return Err(Problem::not_found());
                }
                let number = books.take_id();
                let discussion = Discussion {
                    id: number,
                    row,
                    by: actor.user,
                    comments: vec![comment.clone()],
                };
                books.discussions.insert(number, discussion.clone());
                events.push(Happening::of(
                    "discussion",
                    "created",
                    Some(number),
                    actor,
                    now,
                ));
                discussion
            }
        };
        books.version += 1;
        drop(books);
        let write = Write::new(Deed::Created, Thing::Note, id, actor.doer);
        self.journal
            .record(write.within(discussion.row).called(text));
        events.push(Happening::of("comment", "created", Some(id), actor, now));
        self.announce(&events);
        Ok((discussion, comment))
    }

    /// Attaches something to a row.
    pub(super) fn attach(
        self: &Arc<Self>,
        actor: &Actor,
        row: u64,
        name: &str,
        content: Content,
    ) -> Result<Attachment, Problem> {
        let now = self.now();
        let mut books = self.books();
        if !books.rows.contains_key(&row) {
            return Err(Problem::not_found());
        }
        let attachment = Attachment {
            id: books.take_id(),
            row,
            name: name.to_owned(),
            by: actor.user,
            at: now,
            content,
        };
        books.attachments.insert(attachment.id, attachment.clone());
        books.version += 1;
        drop(books);
        let write = Write::new(Deed::Created, Thing::File, attachment.id, actor.doer);
        self.journal.record(write.within(row).called(name));
        self.announce(&[Happening::of(
            "attachment",
            "created",
            Some(attachment.id),
            actor,
            now,
        )]);
        Ok(attachment)
    }

    /// What a row shows in a column, as text.
    pub(super) fn text_of(&self, row: &Row, title: &str) -> String {
        let stored = self
            .titled(title)
            .and_then(|column| row.cells.get(&column.id));
        match stored.map(|stored| &stored.value) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    fn record(&self, deed: Deed, row: &Row, actor: &Actor, detail: &str) {
        let marker = self.text_of(row, MARKER);
        let write = Write::new(deed, Thing::Ticket, row.id, actor.doer);
        self.journal
            .record(write.marked(Some(&marker)).called(detail));
    }
}

/// Where a comment goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum TalkPlace {
    Row(u64),
    Discussion(u64),
}

impl Books {
    fn new() -> Self {
        Self {
            rows: IndexMap::new(),
            discussions: BTreeMap::new(),
            attachments: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            version: 1,
            access: AccessLevel::Editor,
            // Odd and beyond what a floating-point number holds: who rounds an id finds nothing.
            next: 9_007_199_254_740_993,
            next_job: 1,
        }
    }

    /// A fresh id.
    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 2;
        id
    }
}
