//! What is learned of an account and its sheet once and used by many calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;

use super::api::{Api, Ask};
use super::columns::Columns;
use super::failure::Right;
use crate::http::Call;
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::text_at;

/// The account whose token we use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Me {
    /// Its address, by which what it wrote is known.
    pub(super) email: String,
    /// Its name and address, for people.
    pub(super) told: String,
}

impl Me {
    pub(super) fn read(answer: &Value) -> Result<Self, Failure> {
        let email = text_at(answer, &["email"]).ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Smartsheet answered whose access token this is without an email address",
            )
        })?;
        let name = [
            text_at(answer, &["firstName"]),
            text_at(answer, &["lastName"]),
        ];
        let name: Vec<&str> = name.into_iter().flatten().collect();
        let told = if name.is_empty() {
            email.to_owned()
        } else {
            format!("{} <{email}>", name.join(" "))
        };
        Ok(Self {
            email: email.to_owned(),
            told,
        })
    }

    /// Whether an object's author (`createdBy`, `modifiedBy`) is this account.
    pub(super) fn is(&self, author: Option<&Value>) -> bool {
        author
            .and_then(|author| text_at(author, &["email"]))
            .is_some_and(|email| email.eq_ignore_ascii_case(&self.email))
    }
}

/// The sheet itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    /// Where people open it.
    pub(super) permalink: Option<String>,
    /// What the token's account may do there, under the vendor's name.
    pub(super) access_level: String,
}

impl Head {
    fn read(answer: &Value) -> Self {
        Self {
            name: text_at(answer, &["name"]).unwrap_or_default().to_owned(),
            permalink: text_at(answer, &["permalink"]).map(str::to_owned),
            access_level: text_at(answer, &["accessLevel"])
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// Where people talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TalkPlace {
    /// On this row.
    Row(u64),
    /// On the sheet itself, or it is gone.
    Elsewhere,
}

/// How fresh the columns must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Read within the last quarter of an hour.
    Recent,
    /// Read within the last minute: for a second look after a column was not found.
    Fresh,
    /// Read now.
    Now,
}

impl Freshness {
    fn longest_age(self) -> Duration {
        match self {
            Self::Recent => Duration::from_secs(900),
            Self::Fresh => Duration::from_secs(60),
            Self::Now => Duration::ZERO,
        }
    }
}

/// How many rows of comments are remembered.
const MOST_PLACES: usize = 2000;

/// How many columns are asked for at once; a sheet has at most 400.
const COLUMN_PAGE: usize = 400;

struct Known<T> {
    what: Arc<T>,
    read_at: Timestamp,
}

/// Something read now and then.
struct Kept<T>(tokio::sync::Mutex<Option<Known<T>>>);

impl<T> Kept<T> {
    fn new() -> Self {
        Self(tokio::sync::Mutex::new(None))
    }

    /// What is kept if it is fresh enough, else what is read now. Many who need it make one call.
    async fn get(
        &self,
        clock: &dyn Clock,
        freshness: Freshness,
        read: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Arc<T>, Failure> {
        let mut known = self.0.lock().await;
        let now = clock.now();
        if let Some(known) = known.as_ref() {
            let age = Duration::try_from(now.duration_since(known.read_at)).unwrap_or_default();
            if age < freshness.longest_age() {
                return Ok(Arc::clone(&known.what));
            }
        }
        let what = Arc::new(read.await?);
        *known = Some(Known {
            what: Arc::clone(&what),
            read_at: now,
        });
        Ok(what)
    }
}

/// What is learned of an account and its sheet.
pub(super) struct Session {
    clock: Arc<dyn Clock>,
    sheet: u64,
    me: OnceCell<Me>,
    columns: Kept<Columns>,
    head: Kept<Head>,
    /// Where people open the sheet, for a place that can't wait.
    permalink: Mutex<Option<String>>,
    /// Where comments and discussions are whose events did not say so.
    places: Mutex<HashMap<u64, TalkPlace>>,
}

impl Session {
    pub(super) fn new(clock: Arc<dyn Clock>, sheet: u64) -> Self {
        Self {
            clock,
            sheet,
            me: OnceCell::new(),
            columns: Kept::new(),
            head: Kept::new(),
            permalink: Mutex::default(),
            places: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The account whose token we use, asked for once.
    pub(super) async fn me(&self, api: &Api, call: &Call) -> Result<&Me, Failure> {
        self.me
            .get_or_try_init(|| async { Me::read(&api.json(call, &who()).await?) })
            .await
    }

    /// The sheet's columns.
    pub(super) async fn columns(
        &self,
        api: &Api,
        call: &Call,
        freshness: Freshness,
    ) -> Result<Arc<Columns>, Failure> {
        let path = format!("/sheets/{}/columns", self.sheet);
        let read = async {
            let ask = Ask::get(path, Right::View, "list the sheet's columns").query("level", 2);
            Ok(Columns::read(&api.list(call, &ask, COLUMN_PAGE).await?))
        };
        self.columns.get(&*self.clock, freshness, read).await
    }

    /// Forgets the columns, for they changed.
    pub(super) async fn forget_columns(&self) {
        *self.columns.0.lock().await = None;
    }

    /// The sheet itself.
    pub(super) async fn head(
        &self,
        api: &Api,
        call: &Call,
        freshness: Freshness,
    ) -> Result<Arc<Head>, Failure> {
        let path = format!("/sheets/{}", self.sheet);
        let read = async {
            // One row is the least that can be asked for.
            let deed = format!("read sheet {}", self.sheet);
            let ask = Ask::get(path, Right::View, deed)
                .query("page", 1)
                .query("pageSize", 1)
                .query("level", 2);
            Ok(Head::read(&api.json(call, &ask).await?))
        };
        let head = self.head.get(&*self.clock, freshness, read).await?;
        self.permalink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&head.permalink);
        Ok(head)
    }

    /// Where people open the sheet, as far as that was read yet.
    pub(super) fn permalink(&self) -> Option<String> {
        self.permalink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Where a comment or discussion is, as far as it is known.
    pub(super) fn place_of(&self, id: u64) -> Option<TalkPlace> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(&id).copied()
    }

    /// Remembers where a comment or discussion is.
    pub(super) fn remember_place(&self, id: u64, place: TalkPlace) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_PLACES {
            places.clear();
        }
        places.insert(id, place);
    }
}

/// The call that says whose token this is; it works with any scope.
pub(super) fn who() -> Ask {
    Ask::get(
        "/users/me",
        Right::Account,
        "say whose access token this is",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_known_by_its_address() {
        let me = Me::read(&json!({"id": 1, "email": "Broker@example.com", "firstName": "Field", "lastName": "Broker"})).unwrap();
        assert_eq!(me.told, "Field Broker <Broker@example.com>");
        assert!(me.is(Some(&json!({"name": "x", "email": "broker@EXAMPLE.com"}))));
        assert!(!me.is(Some(&json!({"name": "Field Broker"}))));
        assert!(!me.is(None));
        assert!(Me::read(&json!({"id": 1})).is_err());
    }
}
