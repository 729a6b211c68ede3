//! Which of the vendor's data centres ("zones") holds the database, and where that zone is.
//!
//! The zone is asked for with the API user's name alone and without credentials; the `url` in the answer is used
//! exactly as it stands, for one zone's paths are case-sensitive. It may be kept for half a day, and is asked for
//! anew after a 401, because a database can be moved.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::failure;
use crate::http::{Call, Client, Request, Response, classify};
use crate::model::{Category, Clock, Failure, Timestamp};
use crate::platform::basics::text_at;

/// How long an answer is believed.
const KEPT: Duration = Duration::from_secs(12 * 3600);

/// A zone as the vendor names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Where the API is, up to and with `V1.0/`.
    pub(super) base: String,
    /// Where people open the database, with a slash at the end.
    pub(super) web: Option<String>,
    /// Its name, for people.
    pub(super) name: String,
}

struct Known {
    zone: Arc<Zone>,
    read_at: Timestamp,
}

/// Looks the zone up and remembers it.
pub(super) struct Zones {
    /// Any zone's host answers for all.
    lookup: Url,
    username: String,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
    // Held while it is asked for, so that many who need it make one call.
    asking: tokio::sync::Mutex<()>,
}

impl Zones {
    pub(super) fn new(lookup: Url, username: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            lookup,
            username: username.to_owned(),
            clock,
            known: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
        }
    }

    /// The zone as last learned, however old.
    pub(super) fn last(&self) -> Option<Arc<Zone>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| Arc::clone(&known.zone))
    }

    /// The zone, asked for unless it is known.
    pub(super) async fn zone(&self, client: &Client, call: &Call) -> Result<Arc<Zone>, Failure> {
        if let Some(zone) = self.fresh() {
            return Ok(zone);
        }
        let _alone = self.asking.lock().await;
        if let Some(zone) = self.fresh() {
            return Ok(zone);
        }
        self.ask(client, call).await
    }

    /// Asks anew after `refused` was refused; the zone that somebody else has learned meanwhile will do.
    pub(super) async fn renewed(
        &self,
        client: &Client,
        call: &Call,
        refused: &Arc<Zone>,
    ) -> Result<Arc<Zone>, Failure> {
        let _alone = self.asking.lock().await;
        match self.fresh() {
            Some(zone) if zone != *refused => Ok(zone),
            _ => self.ask(client, call).await,
        }
    }

    /// Asks now, whatever is known.
    pub(super) async fn asked(&self, client: &Client, call: &Call) -> Result<Arc<Zone>, Failure> {
        let _alone = self.asking.lock().await;
        self.ask(client, call).await
    }

    fn fresh(&self) -> Option<Arc<Zone>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let age = self.clock.now().duration_since(known.read_at);
        let is_fresh = Duration::try_from(age).unwrap_or_default() < KEPT;
        is_fresh.then(|| Arc::clone(&known.zone))
    }

    async fn ask(&self, client: &Client, call: &Call) -> Result<Arc<Zone>, Failure> {
        let root = self.lookup.as_str().trim_end_matches('/');
        let address = format!("{root}/atservicesrest/v1.0/zoneInformation");
        let request = Request::get(address)
            .query("user", self.username.as_str())
            .header("accept", "application/json");
        let response = client.send(call, request).await?;
        if !response.is_success() {
            return Err(self.refused(&response));
        }
        let zone = Arc::new(read(&response.json()?, &self.lookup)?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            zone: Arc::clone(&zone),
            read_at: self.clock.now(),
        });
        Ok(zone)
    }

    /// An unknown user is answered with 500 and a sentence, not with 404.
    fn refused(&self, response: &Response) -> Failure {
        let said = failure::said(&response.body);
        if failure::is_thread_limit(&said) {
            return Failure::new(Category::RateLimited, format!("Autotask: {said}"));
        }
        match response.status {
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_REQUEST if !said.is_empty() => {
                Failure::new(
                    Category::Authentication,
                    format!("Autotask knows no zone for the user {}: {said}", self.username),
                )
                .hint("Check username: it is the API user's \"Username (Key)\", which looks like a mail address.")
            }
            StatusCode::NOT_FOUND => Failure::new(
                Category::Configuration,
                "there is no Autotask zone look-up at this address",
            )
            .hint("Check base_url, or take it out."),
            _ => classify("Autotask failed to say in which zone the user is", response),
        }
    }
}

/// Reads the answer. Credentials will be sent to the address in it, so it must be the vendor's, or where we asked.
fn read(answer: &Value, asked: &Url) -> Result<Zone, Failure> {
    let told = text_at(answer, &["url"]).unwrap_or_default().trim();
    let odd = |why: &str| {
        Failure::new(
            Category::Configuration,
            format!("the zone look-up answered `{told}`, which {why}"),
        )
        .hint("Check base_url: the look-up must be answered by Autotask itself.")
    };
    let url = Url::parse(told).map_err(|_| odd("is no address"))?;
    let is_vendors = url.scheme() == "https"
        && url
            .host_str()
            .is_some_and(|host| host.ends_with(".autotask.net"));
    if !is_vendors && url.origin() != asked.origin() {
        return Err(odd("is not Autotask's"));
    }
    let slash = if told.ends_with('/') { "" } else { "/" };
    let web = text_at(answer, &["webUrl"]).filter(|web| web.starts_with("http"));
    Ok(Zone {
        base: format!("{told}{slash}V1.0/"),
        web: web.map(|web| format!("{}/", web.trim_end_matches('/'))),
        name: text_at(answer, &["zoneName"])
            .unwrap_or("unnamed")
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> Url {
        Url::parse("https://webservices.autotask.net").unwrap()
    }

    #[test]
    fn the_url_is_used_as_it_stands() {
        for (told, base) in [
            (
                "https://webservices15.autotask.net/ATServicesRest/",
                "https://webservices15.autotask.net/ATServicesRest/V1.0/",
            ),
            (
                "https://webservices5.autotask.net/atservicesrest",
                "https://webservices5.autotask.net/atservicesrest/V1.0/",
            ),
        ] {
            let answer =
                json!({"zoneName": "x", "url": told, "webUrl": "https://ww15.autotask.net"});
            let zone = read(&answer, &asked()).unwrap();
            assert_eq!(zone.base, base);
            assert_eq!(zone.web.as_deref(), Some("https://ww15.autotask.net/"));
        }
    }

    #[test]
    fn credentials_go_to_the_vendor_only() {
        for told in [
            "https://webservices15.autotask.net.example/ATServicesRest/",
            "http://webservices15.autotask.net/ATServicesRest/",
            "https://evilautotask.net/",
            "not an address",
            "",
        ] {
            assert!(read(&json!({"url": told}), &asked()).is_err(), "{told}");
        }
        let here = Url::parse("http://127.0.0.1:7000").unwrap();
        let there = json!({"url": "http://127.0.0.1:7000/ATServicesRest/"});
        assert!(read(&there, &here).is_ok());
        let elsewhere = json!({"url": "http://127.0.0.1:7001/ATServicesRest/"});
        assert!(read(&elsewhere, &here).is_err());
    }
}
