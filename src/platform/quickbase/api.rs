//! The way to Quickbase: one realm, one token, one reading of refusals.
//!
//! Every call carries `QB-Realm-Hostname` (the full host) and `Authorization: QB-USER-TOKEN …`.

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::endpoint::Endpoint;
use super::failure;
use crate::http::{Call, Client, Request, Response};
use crate::model::{Category, Effect, Failure, RecordId};
use crate::platform::basics::digits;

/// Calls of one realm.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    root: Url,
    realm: String,
    authorization: SecretString,
}

impl Api {
    pub(super) fn new(client: Client, root: Url, realm: String, token: &SecretString) -> Self {
        Self {
            client,
            root,
            realm,
            authorization: format!("QB-USER-TOKEN {}", token.expose_secret()).into(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// A request to an endpoint, its ids filled in from left to right.
    pub(super) fn request(&self, endpoint: &Endpoint, ids: &[&str]) -> Request {
        endpoint.request(&self.root, ids)
    }

    /// Sends a request; whatever is no success is a failure.
    pub(super) async fn send(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        deed: &str,
        request: Request,
    ) -> Result<Response, Failure> {
        let response = self.answer(call, endpoint, request).await?;
        if response.is_success() {
            Ok(response)
        } else {
            Err(failure::read(endpoint, deed, &response))
        }
    }

    /// Sends a request and reads the answer as JSON.
    pub(super) async fn json(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        deed: &str,
        request: Request,
    ) -> Result<Value, Failure> {
        let response = self.send(call, endpoint, deed, request).await?;
        read_json(endpoint, &response)
    }

    /// Sends a request; `None` if there is no such object.
    pub(super) async fn send_if_there(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        deed: &str,
        request: Request,
    ) -> Result<Option<Response>, Failure> {
        let response = self.answer(call, endpoint, request).await?;
        match response.status {
            StatusCode::NOT_FOUND if !failure::is_page(&response) => Ok(None),
            status if status.is_success() => Ok(Some(response)),
            _ => Err(failure::read(endpoint, deed, &response)),
        }
    }

    async fn answer(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        request: Request,
    ) -> Result<Response, Failure> {
        let request = request
            .header("qb-realm-hostname", self.realm.as_str())
            .header("authorization", self.authorization.expose_secret())
            .header("accept", "application/json");
        let answer = self.client.send(call, request).await;
        // What only reads leaves nothing in doubt, however it ends.
        answer.map_err(|failure| if_read(endpoint, failure))
    }
}

/// A failure of a call that changes nothing never leaves an effect in doubt.
pub(super) fn if_read(endpoint: &Endpoint, failure: Failure) -> Failure {
    if endpoint.writes() || failure.effect != Effect::Unknown {
        failure
    } else {
        Failure {
            effect: Effect::None,
            ..failure
        }
    }
}

/// The body as JSON. The vendor's delivery network answers with a page now and then, even with status 200.
pub(super) fn read_json(endpoint: &Endpoint, response: &Response) -> Result<Value, Failure> {
    response
        .json()
        .map_err(|failure| if_read(endpoint, failure.effect_unknown()))
}

/// The Record ID# that a record id stands for.
pub(super) fn record_number(id: &RecordId) -> Result<u64, Failure> {
    digits(id.as_str().as_bytes()).ok_or_else(|| {
        Failure::new(
            Category::Validation,
            format!("`{id}` is no Quickbase Record ID#"),
        )
        .hint("Look at what the webhook sends: record_id must be the value of [Record ID#].")
    })
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::{QUERY, UPSERT};
    use super::*;

    #[test]
    fn a_record_id_is_a_number() {
        assert_eq!(record_number(&RecordId::new("12")).unwrap(), 12);
        for wrong in ["", "12/7", "0", "-1", "[Record ID#]"] {
            assert!(record_number(&RecordId::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_write_leaves_its_effect_in_doubt() {
        let lost = || Failure::new(Category::Network, "no answer in time").effect_unknown();
        assert_eq!(if_read(&QUERY, lost()).effect, Effect::None);
        assert_eq!(if_read(&UPSERT, lost()).effect, Effect::Unknown);
        let unsent = Failure::new(Category::RateLimited, "quota").unsent();
        assert_eq!(if_read(&QUERY, unsent).effect, Effect::Unsent);
    }
}
