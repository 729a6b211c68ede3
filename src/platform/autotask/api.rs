//! The way to Autotask: three headers on each call, the zone's address, three calls at once for a kind of object, and
//! one allowance an hour that the whole database shares.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::ask::{Ask, Right};
use super::failure;
use super::zone::{Zone, Zones};
use crate::http::{Body, Call, Client, Request, Response};
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::{at, number, text_at};

/// The vendor refuses the fourth call at once of one integration code for one kind of object.
const AT_ONCE: usize = 3;

/// How often the vendor's own count of the hour's calls is asked for.
const COUNT_EVERY: Duration = Duration::from_secs(300);

/// No listing is followed further: 500 objects a page.
const MOST_PAGES: usize = 200;

/// Who we are, as the vendor's three headers have it.
pub(super) struct Credential {
    pub(super) username: String,
    pub(super) secret: SecretString,
    pub(super) integration_code: SecretString,
}

/// Calls of one database.
pub(super) struct Api {
    client: Client,
    credential: Credential,
    zones: Zones,
    clock: Arc<dyn Clock>,
    counted_at: Mutex<Option<Timestamp>>,
}

/// The vendor's count of the hour's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Threshold {
    pub(super) limit: u64,
    pub(super) used: u64,
}

/// A page of a listing.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// The next page's address, as the vendor gave it.
    pub(super) next: Option<String>,
}

impl Api {
    pub(super) fn new(
        client: Client,
        credential: Credential,
        zones: Zones,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            credential,
            zones,
            clock,
            counted_at: Mutex::new(None),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The zone as last learned.
    pub(super) fn last_zone(&self) -> Option<Arc<Zone>> {
        self.zones.last()
    }

    /// The zone, asked for anew.
    pub(super) async fn fresh_zone(&self, call: &Call) -> Result<Arc<Zone>, Failure> {
        self.zones.asked(&self.client, call).await
    }

    /// Sends a request and reads the answer as JSON; whatever is no success is a failure, and so is one with `errors`.
    pub(super) async fn json(&self, call: &Call, ask: &Ask) -> Result<Value, Failure> {
        let response = self.answer(call, ask).await?;
        read_json(ask, &response)
    }

    /// Reads one object; `None` if there is none. Its answer is `{"item":{…}}`, `{"item":null}` or a list of one.
    pub(super) async fn item(&self, call: &Call, ask: &Ask) -> Result<Option<Value>, Failure> {
        let response = self.answer(call, ask).await?;
        if response.status == StatusCode::NOT_FOUND && !is_page(&response) {
            return Ok(None);
        }
        let mut answer = read_json(ask, &response)?;
        if let Some(item) = answer.get_mut("item") {
            let item = item.take();
            return Ok((!item.is_null()).then_some(item));
        }
        let first = answer
            .get_mut("items")
            .and_then(Value::as_array_mut)
            .filter(|items| !items.is_empty())
            .map(|items| items.swap_remove(0));
        if first.is_some() || answer.get("items").is_some_and(Value::is_array) {
            return Ok(first.filter(|item| !item.is_null()));
        }
        Err(Failure::new(
            Category::Server,
            format!(
                "Autotask was asked to {} and answered neither `item` nor `items`",
                ask.deed
            ),
        ))
    }

    /// Reads all objects of a listing or query.
    pub(super) async fn items(&self, call: &Call, ask: &Ask) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = self.page(call, ask, next.as_deref()).await?;
            all.extend(page.items);
            next = page.next;
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(Failure::new(
            Category::Server,
            format!(
                "Autotask was asked to {} and its list does not end",
                ask.deed
            ),
        ))
    }

    /// Reads one page; `next` is the address that the page before gave, followed as it stands. A query's body goes along
    /// again.
    pub(super) async fn page(
        &self,
        call: &Call,
        ask: &Ask,
        next: Option<&str>,
    ) -> Result<Page, Failure> {
        let response = match next {
            None => self.answer(call, ask).await?,
            Some(address) => self.follow(call, ask, address).await?,
        };
        let mut answer = read_json(ask, &response)?;
        let next = text_at(&answer, &["pageDetails", "nextPageUrl"]).map(str::to_owned);
        let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) else {
            return Err(Failure::new(
                Category::Server,
                format!(
                    "Autotask was asked to {} and answered something else than a list",
                    ask.deed
                ),
            ));
        };
        Ok(Page { items, next })
    }

    /// Makes an object; its id is all that the vendor answers.
    pub(super) async fn created(&self, call: &Call, ask: &Ask) -> Result<u64, Failure> {
        let answer = self.json(call, ask).await?;
        item_id(&answer).ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!(
                    "Autotask was asked to {} and did not say the new id",
                    ask.deed
                ),
            )
            .effect_unknown()
        })
    }

    /// Sends a request to the zone. After a 401 the zone is asked for once more, and the call repeated if it moved.
    pub(super) async fn answer(&self, call: &Call, ask: &Ask) -> Result<Response, Failure> {
        let zone = self.zones.zone(&self.client, call).await?;
        self.count_now_and_then(call, &zone).await;
        let response = self.exchange(call, ask, &zone, None).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.zones.renewed(&self.client, call, &zone).await {
            Ok(moved) if moved.base != zone.base => self.exchange(call, ask, &moved, None).await,
            // That the look-up failed as well says no more than the 401.
            _ => Ok(response),
        }
    }

    async fn follow(&self, call: &Call, ask: &Ask, address: &str) -> Result<Response, Failure> {
        let zone = self.zones.zone(&self.client, call).await?;
        if origin(address).is_none() || origin(address) != origin(&zone.base) {
            return Err(Failure::new(
                Category::Server,
                format!(
                    "Autotask's next page is said to be at {address}, which is not in its zone"
                ),
            ));
        }
        self.exchange(call, ask, &zone, Some(address)).await
    }

    async fn exchange(
        &self,
        call: &Call,
        ask: &Ask,
        zone: &Zone,
        address: Option<&str>,
    ) -> Result<Response, Failure> {
        let _gate = self.gate(ask.gate()).await?;
        let address = address.map_or_else(|| format!("{}{}", zone.base, ask.path), str::to_owned);
        let mut request = Request::new(ask.method.clone(), address)
            .header("UserName", self.credential.username.as_str())
            .header("Secret", self.credential.secret.expose_secret())
            .header(
                "ApiIntegrationCode",
                self.credential.integration_code.expose_secret(),
            )
            .header("Accept", "application/json");
        if let Some(body) = &ask.body {
            request = match body.get("data") {
                // A file in base64 is of no use in the journal.
                Some(Value::String(data)) if data.len() > 4096 => request.body(Body::Bytes(
                    "application/json".to_owned(),
                    body.to_string().into(),
                )),
                _ => request.json(body.clone()),
            };
        } else {
            request = request.header("Content-Type", "application/json");
        }
        self.client.send(call, request).await
    }

    async fn gate(&self, name: &str) -> Result<OwnedSemaphorePermit, Failure> {
        let gate = self.client.quota().gate(name, AT_ONCE);
        gate.acquire_owned()
            .await
            .map_err(|_| Failure::new(Category::Network, "the engine is stopping"))
    }

    /// Keeps the hour's allowance true to the vendor's own count, which others use up as well. A count that can't be had
    /// holds nobody up.
    async fn count_now_and_then(&self, call: &Call, zone: &Zone) {
        let now = self.clock.now();
        {
            let mut counted = self
                .counted_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let is_due = counted.is_none_or(|at| {
                Duration::try_from(now.duration_since(at)).unwrap_or_default() >= COUNT_EVERY
            });
            if !is_due {
                return;
            }
            *counted = Some(now);
        }
        let ask = threshold_ask();
        if let Ok(response) = self.exchange(call, &ask, zone, None).await
            && let Ok(answer) = read_json(&ask, &response)
            && let Some(threshold) = Threshold::read(&answer)
        {
            self.take_count(threshold);
        }
    }

    /// Asks for the vendor's count of the hour's calls.
    pub(super) async fn threshold(&self, call: &Call) -> Result<Option<Threshold>, Failure> {
        let now = self.clock.now();
        *self
            .counted_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(now);
        let answer = self.json(call, &threshold_ask()).await?;
        let threshold = Threshold::read(&answer);
        if let Some(threshold) = threshold {
            self.take_count(threshold);
        }
        Ok(threshold)
    }

    fn take_count(&self, threshold: Threshold) {
        let left = threshold.limit.saturating_sub(threshold.used);
        let headers = HeaderMap::from_iter([
            (
                HeaderName::from_static("x-ratelimit-limit"),
                HeaderValue::from(threshold.limit),
            ),
            (
                HeaderName::from_static("x-ratelimit-remaining"),
                HeaderValue::from(left),
            ),
        ]);
        self.client.quota().observe(200, &headers);
    }
}

fn threshold_ask() -> Ask {
    Ask::get(
        "ThresholdInformation",
        Right::UseApi,
        "say how many calls are left",
    )
}

impl Threshold {
    fn read(answer: &Value) -> Option<Self> {
        Some(Self {
            limit: at(answer, &["externalRequestThreshold"]).and_then(number)?,
            used: answer.get("currentTimeframeRequestCount")?.as_u64()?,
        })
    }
}

/// What an answer says; a failure unless it is a success without `errors`.
pub(super) fn read_json(ask: &Ask, response: &Response) -> Result<Value, Failure> {
    if !response.is_success() {
        return Err(failure::read(ask, response));
    }
    let answer = response.json().map_err(|failure| {
        if ask.writes() {
            // A page instead of data: a proxy may have answered before or after Autotask did.
            failure.effect_unknown()
        } else {
            failure
        }
    })?;
    if failure::sentences(&answer).is_empty() {
        Ok(answer)
    } else {
        Err(failure::read(ask, response))
    }
}

/// The id of what was written: `itemId`, or in one place `item.itemId`.
fn item_id(answer: &Value) -> Option<u64> {
    at(answer, &["itemId"])
        .or_else(|| at(answer, &["item", "itemId"]))
        .and_then(number)
}

fn is_page(response: &Response) -> bool {
    response.body.trim_ascii_start().first() == Some(&b'<')
}

fn origin(address: &str) -> Option<url::Origin> {
    url::Url::parse(address).ok().map(|url| url.origin())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_stands_in_one_of_two_places() {
        assert_eq!(item_id(&json!({"itemId": 128_926})), Some(128_926));
        assert_eq!(item_id(&json!({"item": {"itemId": "7"}})), Some(7));
        assert_eq!(item_id(&json!({"itemId": null})), None);
    }

    #[test]
    fn the_vendors_count_is_read() {
        let answer = json!({"externalRequestThreshold": 10000, "requestThresholdTimeframe": 60,
            "currentTimeframeRequestCount": 0});
        let threshold = Threshold::read(&answer);
        assert_eq!(
            threshold,
            Some(Threshold {
                limit: 10_000,
                used: 0
            })
        );
        assert_eq!(Threshold::read(&json!({})), None);
    }
}
