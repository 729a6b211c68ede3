//! The way to Freshdesk: one credential, one address, one reading of refusals.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::endpoint::Endpoint;
use super::failure;
use crate::http::{Call, Client, Request, Response};
use crate::model::{Category, Failure, RecordId};
use crate::platform::basics::next_link;

/// Calls of one help desk.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    root: Url,
    authorization: SecretString,
}

/// A page of a listing.
pub(super) struct Page {
    /// Its items.
    pub(super) items: Vec<Value>,
    /// Whether more follow.
    pub(super) more: bool,
}

/// The most items a page may have.
pub(super) const PER_PAGE: usize = 100;

/// The pages that the vendor gives at most; deeper ones are refused.
pub(super) const MOST_PAGES: u32 = 300;

impl Api {
    pub(super) fn new(client: Client, root: Url, key: &SecretString) -> Self {
        Self {
            client,
            root,
            authorization: authorization(key),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// A request to an endpoint.
    pub(super) fn request(&self, endpoint: &Endpoint) -> Request {
        endpoint.request(&self.root)
    }

    /// A request to an endpoint for the object of a number.
    pub(super) fn request_for(&self, endpoint: &Endpoint, id: u64) -> Request {
        endpoint.request_for(&self.root, id)
    }

    /// Sends a request; whatever is no success is a failure.
    pub(super) async fn send(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        deed: &str,
        request: Request,
    ) -> Result<Response, Failure> {
        let response = self.answer(call, request).await?;
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

    /// Sends a request and reads the answer as JSON; `None` if there is no such object.
    pub(super) async fn json_if_there(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        deed: &str,
        request: Request,
    ) -> Result<Option<Value>, Failure> {
        let response = self.answer(call, request).await?;
        match response.status {
            // The API's own 404 has no body; a page comes from somewhere else than a help desk.
            StatusCode::NOT_FOUND if !is_page(&response) => Ok(None),
            StatusCode::NOT_FOUND => Err(failure::no_help_desk(deed)),
            status if status.is_success() => read_json(endpoint, &response).map(Some),
            _ => Err(failure::read(endpoint, deed, &response)),
        }
    }

    async fn answer(&self, call: &Call, request: Request) -> Result<Response, Failure> {
        let request = request
            .header("authorization", self.authorization.expose_secret())
            .header("accept", "application/json");
        self.client.send(call, request).await
    }

    /// Reads one page of a listing, counted from 1.
    pub(super) async fn page(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        deed: &str,
        request: Request,
        page: u32,
    ) -> Result<Page, Failure> {
        let request = request
            .query("per_page", PER_PAGE.to_string())
            .query("page", page.to_string());
        let response = self.send(call, endpoint, deed, request).await?;
        let Value::Array(items) = read_json(endpoint, &response)? else {
            return Err(Failure::new(
                Category::Server,
                format!("Freshdesk was asked to {deed} and answered something else than a list"),
            ));
        };
        // The header stands only where a page follows; a proxy may swallow it, so a full page counts too.
        let linked = next_link(&response.headers).is_some();
        let more = linked || items.len() >= PER_PAGE;
        Ok(Page { items, more })
    }
}

/// `Basic base64(key:X)`; the password is a convention and ignored.
pub(super) fn authorization(key: &SecretString) -> SecretString {
    let pair = SecretString::from(format!("{}:X", key.expose_secret()));
    format!("Basic {}", STANDARD.encode(pair.expose_secret())).into()
}

fn read_json(endpoint: &Endpoint, response: &Response) -> Result<Value, Failure> {
    response.json().map_err(|failure| {
        if endpoint.method == http::Method::GET {
            failure
        } else {
            // A page instead of data: a proxy may have answered before or after Freshdesk did.
            failure.effect_unknown()
        }
    })
}

fn is_page(response: &Response) -> bool {
    response.body.trim_ascii_start().first() == Some(&b'<')
}

/// The ticket's number that a record id stands for.
pub(super) fn ticket_number(id: &RecordId) -> Result<u64, Failure> {
    super::json::digits(id.as_str().as_bytes()).ok_or_else(|| {
        Failure::new(
            Category::Validation,
            format!("`{id}` is no Freshdesk ticket number"),
        )
        .hint("Look at what the trigger sends: it must be the value of {{ticket.id}}.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credential_is_as_the_vendors_vector_has_it() {
        let header = authorization(&"test-key".into());
        assert_eq!(header.expose_secret(), "Basic dGVzdC1rZXk6WA==");
    }

    #[test]
    fn a_record_id_is_a_number() {
        assert_eq!(ticket_number(&RecordId::new("12")).unwrap(), 12);
        for wrong in ["", "12/notes", "../agents/me", "0", "x"] {
            assert!(ticket_number(&RecordId::new(wrong)).is_err(), "{wrong}");
        }
    }
}
