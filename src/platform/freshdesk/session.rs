//! What is learned of an account once and used by many calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;

use super::api::Api;
use super::endpoint::{ADMIN_TICKET_FIELDS, ME, TICKET_FIELDS};
use super::fields::TicketFields;
use super::json;
use crate::http::Call;
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::text_at;

/// The agent whose key we use.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// Its number, which stands as author in what it writes.
    pub(super) id: u64,
    /// Its name and address, for people.
    pub(super) name: String,
    /// Which tickets it sees.
    pub(super) scope: Scope,
}

/// An agent's ticket scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All tickets.
    Global,
    /// Those of its groups and its own.
    Group,
    /// Its own.
    Restricted,
    /// The vendor did not say.
    Unknown,
}

impl Agent {
    pub(super) fn read(answer: &Value) -> Result<Self, Failure> {
        let id = answer.get("id").and_then(json::number).ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Freshdesk answered who the API key's agent is without its number",
            )
        })?;
        let contact = answer.get("contact").unwrap_or(answer);
        let name = text_at(contact, &["name"]).unwrap_or("the agent");
        let name = match text_at(contact, &["email"]) {
            Some(email) => format!("{name} <{email}>"),
            None => name.to_owned(),
        };
        let scope = match answer.get("ticket_scope").and_then(json::number) {
            Some(1) => Scope::Global,
            Some(2) => Scope::Group,
            Some(3) => Scope::Restricted,
            _ => Scope::Unknown,
        };
        Ok(Self { id, name, scope })
    }
}

/// How fresh the fields must be.
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

/// How long the search index may lag behind, by the vendor's word "a few seconds" and a margin.
const INDEX_LAG: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Known {
    fields: Arc<TicketFields>,
    read_at: Timestamp,
}

/// What is learned of an account.
pub(super) struct Session {
    clock: Arc<dyn Clock>,
    agent: OnceCell<Agent>,
    // Held while the list is read, so that many who need it make one call.
    fields: tokio::sync::Mutex<Option<Known>>,
    without_includes: AtomicBool,
}

impl Session {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            agent: OnceCell::new(),
            fields: tokio::sync::Mutex::new(None),
            without_includes: AtomicBool::new(false),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The agent whose key we use, asked for once.
    pub(super) async fn agent(&self, api: &Api, call: &Call) -> Result<&Agent, Failure> {
        self.agent
            .get_or_try_init(|| async {
                let deed = "say whose API key this is";
                let answer = api.json(call, &ME, deed, api.request(&ME)).await?;
                Agent::read(&answer)
            })
            .await
    }

    /// The account's ticket fields. Where the agent may not read them, what all accounts have.
    pub(super) async fn fields(
        &self,
        api: &Api,
        call: &Call,
        freshness: Freshness,
    ) -> Result<Arc<TicketFields>, Failure> {
        let mut known = self.fields.lock().await;
        let now = self.clock.now();
        if let Some(known) = known.as_ref() {
            let age = Duration::try_from(now.duration_since(known.read_at)).unwrap_or_default();
            if age < freshness.longest_age() {
                return Ok(Arc::clone(&known.fields));
            }
        }
        let fields = match read_fields(api, call).await {
            Ok(fields) => fields,
            Err(failure)
                if failure.category == Category::Configuration && freshness != Freshness::Now =>
            {
                TicketFields::built_in()
            }
            Err(failure) => return Err(failure),
        };
        let fields = Arc::new(fields);
        *known = Some(Known {
            fields: Arc::clone(&fields),
            read_at: now,
        });
        Ok(fields)
    }

    /// Whether reading a ticket with its related objects was refused before.
    pub(super) fn reads_without_includes(&self) -> bool {
        self.without_includes.load(Ordering::Relaxed)
    }

    /// Remembers that it was.
    pub(super) fn give_up_includes(&self) {
        self.without_includes.store(true, Ordering::Relaxed);
    }

    /// How long the search index may still lag behind an attempt to create a ticket; nothing once it shows it for sure.
    pub(super) fn lag_after(&self, attempted_at: Timestamp) -> Option<Duration> {
        let rest = INDEX_LAG.checked_sub(age(attempted_at, self.clock.now()))?;
        (!rest.is_zero()).then_some(rest)
    }
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

async fn read_fields(api: &Api, call: &Call) -> Result<TicketFields, Failure> {
    let deed = "describe its ticket fields";
    let answer = api
        .json(call, &TICKET_FIELDS, deed, api.request(&TICKET_FIELDS))
        .await?;
    let mut fields = TicketFields::read(&answer);
    if fields.lacks_dependents() {
        let deed = "describe its dependent ticket fields";
        let request = api.request(&ADMIN_TICKET_FIELDS);
        match api.json(call, &ADMIN_TICKET_FIELDS, deed, request).await {
            Ok(answer) => fields.add_unknown(TicketFields::read(&answer)),
            // Only admins may; agents do without these names.
            Err(failure) if failure.category == Category::Configuration => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ManualClock;

    #[test]
    fn an_agent_is_read_with_its_scope() {
        let answer = json!({"id": 1, "ticket_scope": 2, "contact": {"name": "Sample", "email": "s@example.com"}});
        let agent = Agent::read(&answer).unwrap();
        assert_eq!((agent.id, agent.scope), (1, Scope::Group));
        assert_eq!(agent.name, "Sample <s@example.com>");
        assert!(Agent::read(&json!({"contact": {}})).is_err());
    }

    #[test]
    fn the_lag_counts_from_the_attempt() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let session = Session::new(clock.clone());
        let tried = session.now();
        clock.advance(Duration::from_secs(40));
        assert_eq!(session.lag_after(tried), Some(Duration::from_secs(20)));
        clock.advance(Duration::from_secs(20));
        assert_eq!(session.lag_after(tried), None);
    }
}
