//! What is learned of an app once and used by many calls: the fields of its tables, and who we are.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::api::Api;
use super::endpoint::{FIELDS, FORMULA};
use super::table::Table;
use crate::http::Call;
use crate::model::{Clock, Failure, Timestamp};
use crate::platform::basics::text_at;

/// How fresh the fields must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Read within the last quarter of an hour.
    Recent,
    /// Read within the last minute: for a second look after a value was refused.
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

struct Known {
    table: Arc<Table>,
    read_at: Timestamp,
}

/// What is learned of an app.
pub(super) struct Session {
    clock: Arc<dyn Clock>,
    // Held while a list is read, so that many who need it make one call.
    tables: tokio::sync::Mutex<HashMap<String, Known>>,
    asked: OnceCell<()>,
    // Every id, address and user name by which the token's user is known so far.
    us: Mutex<BTreeSet<String>>,
}

impl Session {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            tables: tokio::sync::Mutex::default(),
            asked: OnceCell::new(),
            us: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A table's fields.
    pub(super) async fn table(
        &self,
        api: &Api,
        call: &Call,
        id: &str,
        freshness: Freshness,
    ) -> Result<Arc<Table>, Failure> {
        let mut tables = self.tables.lock().await;
        let now = self.clock.now();
        if let Some(known) = tables.get(id) {
            let age = Duration::try_from(now.duration_since(known.read_at)).unwrap_or_default();
            if age < freshness.longest_age() {
                return Ok(Arc::clone(&known.table));
            }
        }
        let request = api
            .request(&FIELDS, &[])
            .query("tableId", id)
            .query("includeFieldPerms", "true");
        let deed = format!("describe the fields of table {id}");
        let answer = api.json(call, &FIELDS, &deed, request).await?;
        let table = Arc::new(Table::read(&answer));
        let known = Known {
            table: Arc::clone(&table),
            read_at: now,
        };
        tables.insert(id.to_owned(), known);
        Ok(table)
    }

    /// What is remembered of a table, however old.
    pub(super) fn remembered(&self, id: &str) -> Option<Arc<Table>> {
        let tables = self.tables.try_lock().ok()?;
        Some(Arc::clone(&tables.get(id)?.table))
    }

    /// Asks who we are, once. No call of the API says so but the formula `User()`; where it is refused, we learn it
    /// from our first write.
    pub(super) async fn learn_who_we_are(
        &self,
        api: &Api,
        call: &Call,
        table: &str,
    ) -> Result<(), Failure> {
        self.asked
            .get_or_try_init(|| async {
                match who_we_are(api, call, table).await {
                    Ok(name) => self.remember(&name),
                    Err(failure) if failure.category.is_passing() => return Err(failure),
                    Err(_) => {}
                }
                Ok(())
            })
            .await
            .map(drop)
    }

    /// Takes in a `Last Modified By` that we certainly are.
    pub(super) fn learn_from_write(&self, user: &Value) {
        for name in names(user) {
            self.remember(name);
        }
    }

    fn remember(&self, name: &str) {
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() {
            let mut us = self.us.lock().unwrap_or_else(PoisonError::into_inner);
            us.insert(name);
        }
    }

    /// Whether a user, as a record shows them, is the token's own.
    pub(super) fn is_us(&self, user: &Value) -> bool {
        let us = self.us.lock().unwrap_or_else(PoisonError::into_inner);
        names(user).any(|name| us.contains(&name.trim().to_ascii_lowercase()))
    }
}

/// By what a user is known. Full names are left out, for two people may share one.
fn names(user: &Value) -> impl Iterator<Item = &str> {
    ["id", "email", "userName"]
        .into_iter()
        .filter_map(|name| text_at(user, &[name]))
}

/// The token's user, as the formula `User()` gives them.
pub(super) async fn who_we_are(api: &Api, call: &Call, table: &str) -> Result<String, Failure> {
    let body = json!({"from": table, "formula": "User()"});
    let request = api.request(&FORMULA, &[]).json(body);
    let deed = "say whose user token this is";
    let answer = api.json(call, &FORMULA, deed, request).await?;
    Ok(text_at(&answer, &["result"]).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    #[test]
    fn we_are_known_by_id_address_or_user_name() {
        let session = Session::new(Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)));
        let user =
            json!({"id": "123456.ab1s", "email": "Bot@example.com", "name": "Bot", "userName": ""});
        assert!(!session.is_us(&user));
        session.remember("bot@example.com");
        assert!(session.is_us(&user));
        assert!(!session.is_us(&json!({"name": "Bot"})));
        session.learn_from_write(&user);
        assert!(session.is_us(&json!({"id": "123456.ab1s"})));
        assert!(!session.is_us(&json!({"id": ""})));
        assert!(!session.is_us(&json!("Bot")));
    }
}
