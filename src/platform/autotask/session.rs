//! What is learned of a database once and used by many calls.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use super::ask::{Ask, Right, condition};
use super::fields::{Fields, Origin};
use crate::http::Call;
use crate::model::{Category, Clock, Failure, SideRecord, Timestamp};
use crate::platform::basics::{number, text_at};

/// How fresh a description of fields must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Read within the last quarter of an hour.
    Recent,
    /// Read within the last minute: for a second look after a value was not found.
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

/// How long a new object may be missing from answers. The vendor names no figure; integrators saw moments.
pub(super) const READ_LAG: Duration = Duration::from_secs(60);

/// How long a related object is remembered: a ticket that is looked at twice in a row costs its relations once.
const RELATED_KEPT: Duration = Duration::from_secs(60);

/// So many related objects are remembered.
const MOST_RELATED: usize = 2_000;

/// The bytes of attachments that the vendor takes in five minutes.
const MOST_ATTACHED: u64 = 10_000_000;

/// The time in which they are counted.
const ATTACHED_IN: Duration = Duration::from_secs(300);

/// How long it is remembered that the API user's own resource can't be found.
const NOT_FOUND_KEPT: Duration = Duration::from_secs(900);

struct Dated<T> {
    what: T,
    at: Timestamp,
}

#[derive(Default)]
struct State {
    related: HashMap<String, Dated<Option<Arc<Value>>>>,
    created: HashMap<u64, Timestamp>,
    attached: VecDeque<(Timestamp, u64)>,
    own_resource: Option<Dated<Option<u64>>>,
}

/// What is learned of a database.
pub(super) struct Session {
    clock: Arc<dyn Clock>,
    username: String,
    resource: Option<u64>,
    // Held while they are read, so that many who need them make one call.
    fields: tokio::sync::Mutex<HashMap<&'static str, Dated<Arc<Fields>>>>,
    without_patch: AtomicBool,
    state: Mutex<State>,
}

impl Session {
    pub(super) fn new(clock: Arc<dyn Clock>, username: &str, resource: Option<u64>) -> Self {
        Self {
            clock,
            username: username.to_owned(),
            resource,
            fields: tokio::sync::Mutex::default(),
            without_patch: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn age(&self, at: Timestamp) -> Duration {
        Duration::try_from(self.clock.now().duration_since(at)).unwrap_or_default()
    }

    /// The fields of a kind of object, user-defined ones too where it has any.
    pub(super) async fn fields(
        &self,
        api: &Api,
        call: &Call,
        entity: &'static str,
        right: Right,
        freshness: Freshness,
    ) -> Result<Arc<Fields>, Failure> {
        let mut known = self.fields.lock().await;
        if let Some(known) = known.get(entity)
            && self.age(known.at) < freshness.longest_age()
        {
            return Ok(Arc::clone(&known.what));
        }
        let mut fields = Fields::default();
        let ask = Ask::get(
            format!("{entity}/entityInformation/fields"),
            right,
            format!("describe the fields of {entity}"),
        );
        fields.add(&api.json(call, &ask).await?, Origin::Standard);
        if entity == "Tickets" {
            let ask = Ask::get(
                format!("{entity}/entityInformation/userDefinedFields"),
                right,
                format!("describe the user-defined fields of {entity}"),
            );
            fields.add(&api.json(call, &ask).await?, Origin::UserDefined);
        }
        let fields = Arc::new(fields);
        let what = Arc::clone(&fields);
        known.insert(
            entity,
            Dated {
                what,
                at: self.now(),
            },
        );
        Ok(fields)
    }

    /// The fields of tickets.
    pub(super) async fn ticket_fields(
        &self,
        api: &Api,
        call: &Call,
        freshness: Freshness,
    ) -> Result<Arc<Fields>, Failure> {
        self.fields(api, call, "Tickets", Right::ViewTickets, freshness)
            .await
    }

    /// The API user's own resource: as set, else found by its name. `None` when it can't be told.
    pub(super) async fn own_resource(
        &self,
        api: &Api,
        call: &Call,
    ) -> Result<Option<u64>, Failure> {
        if self.resource.is_some() {
            return Ok(self.resource);
        }
        if let Some(known) = &self.state().own_resource
            && (known.what.is_some() || self.age(known.at) < NOT_FOUND_KEPT)
        {
            return Ok(known.what);
        }
        let found = self.look_up_resource(api, call).await?;
        self.state().own_resource = Some(Dated {
            what: found,
            at: self.now(),
        });
        Ok(found)
    }

    async fn look_up_resource(&self, api: &Api, call: &Call) -> Result<Option<u64>, Failure> {
        let names = json!([{"op": "or", "items": [
            condition("eq", "email", self.username.as_str()),
            condition("eq", "userName", self.username.as_str()),
        ]}]);
        let ask = Ask::query(
            "Resources",
            &names,
            Right::ReadDirectory,
            "find the API user's own resource",
        );
        let found = match api.items(call, &ask).await {
            Ok(found) => found,
            // Nothing but the recognition of our own writes depends on it.
            Err(failure) if !failure.category.is_passing() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let is_ours = |resource: &&Value| {
            ["email", "userName"].iter().any(|name| {
                text_at(resource, &[name])
                    .is_some_and(|text| text.eq_ignore_ascii_case(&self.username))
            })
        };
        let mut ours = found.iter().filter(is_ours);
        let first = ours.next().and_then(|resource| number(resource.get("id")?));
        // Two of one name are nobody in particular.
        Ok(first.filter(|_| ours.next().is_none()))
    }

    /// A related object by its address, remembered for a moment. One that may not be read counts as absent.
    pub(super) async fn related(
        &self,
        api: &Api,
        call: &Call,
        entity: &str,
        id: u64,
    ) -> Result<Option<Arc<Value>>, Failure> {
        let path = format!("{entity}/{id}");
        if let Some(known) = self.state().related.get(&path)
            && self.age(known.at) < RELATED_KEPT
        {
            return Ok(known.what.clone());
        }
        let ask = Ask::get(path.clone(), Right::ReadDirectory, format!("read {path}"));
        let what = match api.item(call, &ask).await {
            Ok(found) => found.map(Arc::new),
            Err(failure) if failure.category == Category::Configuration => None,
            Err(failure) => return Err(failure),
        };
        let mut state = self.state();
        if state.related.len() >= MOST_RELATED {
            state.related.clear();
        }
        let known = Dated {
            what: what.clone(),
            at: self.now(),
        };
        state.related.insert(path, known);
        Ok(what)
    }

    /// Whether this database refused to change tickets by PATCH before.
    pub(super) fn is_without_patch(&self) -> bool {
        self.without_patch.load(Ordering::Relaxed)
    }

    /// Remembers that it did.
    pub(super) fn give_up_patch(&self) {
        self.without_patch.store(true, Ordering::Relaxed);
    }

    /// How long answers may still lag behind an attempt to make something; nothing once they show it for sure.
    pub(super) fn lag_after(&self, attempted_at: Timestamp) -> Option<Duration> {
        let rest = READ_LAG.checked_sub(self.age(attempted_at))?;
        (!rest.is_zero()).then_some(rest)
    }

    /// Before a side record is made that was not found: whether an earlier attempt's may only not be shown yet.
    ///
    /// # Errors
    /// A `server` failure with the time to wait, while answers may lag behind that attempt.
    pub(super) fn wait_for_lag(&self, side: &SideRecord) -> Result<(), Failure> {
        match side.attempted.and_then(|tried| self.lag_after(tried.last)) {
            Some(rest) => Err(Failure::new(
                Category::Server,
                "an earlier attempt's answer was lost, and Autotask may not show yet what it made",
            )
            .retry_after(Some(rest))),
            None => Ok(()),
        }
    }

    /// Remembers that we created a ticket.
    pub(super) fn created(&self, ticket: u64) {
        let now = self.now();
        let mut state = self.state();
        state.created.retain(|_, at| age(*at, now) < READ_LAG);
        state.created.insert(ticket, now);
    }

    /// Whether we created a ticket so lately that it may not be shown yet.
    pub(super) fn is_just_created(&self, ticket: u64) -> bool {
        let at = self.state().created.get(&ticket).copied();
        at.is_some_and(|at| self.age(at) < READ_LAG)
    }

    /// Takes a file's bytes out of what the vendor accepts in five minutes.
    ///
    /// # Errors
    /// How long to wait until there is room.
    pub(super) fn take_attachment_bytes(&self, bytes: u64) -> Result<(), Duration> {
        let now = self.now();
        let mut state = self.state();
        state.attached.retain(|(at, _)| age(*at, now) < ATTACHED_IN);
        let mut used: u64 = state.attached.iter().map(|(_, bytes)| bytes).sum();
        if used + bytes <= MOST_ATTACHED {
            state.attached.push_back((now, bytes));
            return Ok(());
        }
        let mut wait = ATTACHED_IN;
        for (at, freed) in &state.attached {
            used = used.saturating_sub(*freed);
            wait = ATTACHED_IN.saturating_sub(age(*at, now));
            if used + bytes <= MOST_ATTACHED {
                break;
            }
        }
        Err(wait)
    }
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManualClock;

    fn session() -> (Session, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        (Session::new(clock.clone(), "api@example.com", None), clock)
    }

    #[test]
    fn the_lag_counts_from_our_own_attempt_or_from_the_start() {
        let (session, clock) = session();
        let tried = session.now();
        clock.advance(Duration::from_secs(40));
        assert_eq!(session.lag_after(tried), Some(Duration::from_secs(20)));
        clock.advance(Duration::from_secs(20));
        assert_eq!(session.lag_after(tried), None);
        session.created(7);
        assert!(session.is_just_created(7) && !session.is_just_created(8));
        clock.advance(READ_LAG);
        assert!(!session.is_just_created(7));
    }

    #[test]
    fn attachments_keep_within_ten_million_bytes_in_five_minutes() {
        let (session, clock) = session();
        assert_eq!(session.take_attachment_bytes(6_000_000), Ok(()));
        clock.advance(Duration::from_secs(100));
        assert_eq!(session.take_attachment_bytes(4_000_000), Ok(()));
        assert_eq!(
            session.take_attachment_bytes(1),
            Err(Duration::from_secs(200))
        );
        assert_eq!(
            session.take_attachment_bytes(6_000_001),
            Err(Duration::from_secs(300))
        );
        clock.advance(Duration::from_secs(200));
        assert_eq!(session.take_attachment_bytes(6_000_000), Ok(()));
    }
}
