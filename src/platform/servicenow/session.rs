//! What is learned of an instance once and used by many calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::ServiceNow;
use super::api::Listing;
use super::columns::Columns;
use super::failure::{Deed, Right};
use super::query::Query;
use super::record::cell;
use crate::http::Call;
use crate::model::{Category, Failure, Timestamp};

/// How fresh the knowledge of fields must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Read within the last quarter of an hour.
    Recent,
    /// Read within the last minute: for a second look after something was not found.
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
    columns: Arc<Columns>,
    read_at: Timestamp,
}

/// What is learned of an instance.
#[derive(Default)]
pub(super) struct Session {
    // Held while they are read, so that many who need them make one round of calls.
    columns: tokio::sync::Mutex<Option<Known>>,
    own_name: OnceCell<Option<String>>,
    journal_was_read: AtomicBool,
    marker_field_stands: AtomicBool,
}

impl Session {
    /// Whether the journal table ever showed us a row: only then is its emptiness believed.
    pub(super) fn journal_was_read(&self) -> bool {
        self.journal_was_read.load(Ordering::Relaxed)
    }

    pub(super) fn journal_can_be_read(&self) {
        self.journal_was_read.store(true, Ordering::Relaxed);
    }

    /// Whether the marker's field was seen on a record: only then is it believed that no record carries a marker.
    pub(super) fn marker_field_stands(&self) -> bool {
        self.marker_field_stands.load(Ordering::Relaxed)
    }

    pub(super) fn marker_field_was_seen(&self) {
        self.marker_field_stands.store(true, Ordering::Relaxed);
    }
}

impl ServiceNow {
    /// The table's fields, as far as the user may know them.
    pub(super) async fn columns(
        &self,
        call: &Call,
        freshness: Freshness,
    ) -> Result<Arc<Columns>, Failure> {
        let mut known = self.session.columns.lock().await;
        let now = self.api.now();
        if let Some(known) = known.as_ref() {
            let age = Duration::try_from(now.duration_since(known.read_at)).unwrap_or_default();
            if age < freshness.longest_age() {
                return Ok(Arc::clone(&known.columns));
            }
        }
        let columns = Arc::new(self.read_columns(call).await?);
        *known = Some(Known {
            columns: Arc::clone(&columns),
            read_at: now,
        });
        Ok(columns)
    }

    /// What people call the user in whose name we work, if it may be read: rendered notes name their author so.
    pub(super) async fn own_name(&self, call: &Call) -> Result<Option<&str>, Failure> {
        let name = self
            .session
            .own_name
            .get_or_try_init(|| async {
                let query = Query::is("user_name", self.api.user())?;
                let deed = Deed::new(Right::ReadRelated, "read the connector's own user");
                let listing = Listing::of("sys_user", &query, "user_name,name").limit(2);
                match self.api.page(call, &deed, &listing).await {
                    Ok(page) => {
                        let own = page.rows.iter().find(|row| {
                            super::filter::same(&cell(row, "user_name"), self.api.user())
                        });
                        Ok(own
                            .map(|row| cell(row, "name"))
                            .filter(|name| !name.is_empty()))
                    }
                    Err(failure) if failure.category == Category::Configuration => Ok(None),
                    Err(failure) => Err(failure),
                }
            })
            .await?;
        Ok(name.as_deref())
    }
}
