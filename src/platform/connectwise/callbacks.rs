//! Callbacks: the site's own subscriptions, which bring changes to us.
//!
//! The vendor calls back with the ticket's number and the action appended to the registered address, gives up on
//! one delivery after seconds, and switches a callback off after three days of failures.

use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::ConnectWise;
use super::error::Right;
use super::session::{Ask, created_id, quoted};
use super::settings::CallbackLevel;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::{id_text, is_true, text_at};
use crate::platform::{Standing, Subscription, SubscriptionPlan};

impl ConnectWise {
    pub(super) fn callback_plan(&self) -> SubscriptionPlan {
        let whose = match self.callback.level {
            CallbackLevel::Owner => "all tickets".to_owned(),
            CallbackLevel::Board => format!("tickets of board {}", self.callback.object_id),
            CallbackLevel::Status => format!("tickets in status {}", self.callback.object_id),
        };
        SubscriptionPlan::ByApi(format!(
            "a ConnectWise callback of type ticket, level {}, for {whose}, not called for our own changes",
            self.callback.level.word()
        ))
    }

    pub(super) async fn callbacks(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure> {
        let found = self.matching_callbacks(call, trigger_url).await?;
        self.learn_from_callbacks(call, &found).await;
        Ok(found.iter().filter_map(subscription).collect())
    }

    async fn matching_callbacks(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Value>, Failure> {
        let url = Url::parse(trigger_url).ok();
        let host = url.as_ref().and_then(Url::host_str).ok_or_else(|| {
            Failure::new(Category::Configuration, format!("`{trigger_url}` is no address that ConnectWise could call"))
                .hint("Set server.public_url in fieldbridge.toml to the address under which this engine is reached from outside.")
        })?;
        let ask = Ask::get("system/callbacks", Right::Callbacks, "list the callbacks")
            .query("conditions", format!("url contains {}", quoted(host)));
        let all = self.session.list(call, &ask).await?;
        let ours = |callback: &Value| {
            text_at(callback, &["url"]).is_some_and(|url| leads_to(url, trigger_url))
        };
        Ok(all.into_iter().filter(ours).collect())
    }

    /// What our callbacks are called at the site.
    pub(super) fn callback_name(&self) -> String {
        format!("Fieldbridge {}", self.connector)
    }

    /// A callback names the member who made it: us.
    pub(super) async fn learn_from_callbacks(&self, call: &Call, callbacks: &[Value]) {
        if self.session.member().is_some() {
            return;
        }
        let Some(member) = callbacks
            .iter()
            .find_map(|callback| callback.get("memberId")?.as_u64())
        else {
            return;
        };
        let ask = Ask::get(
            format!("system/info/members/{member}"),
            Right::ReadMembers,
            format!("read member {member}"),
        );
        // Only the cheap recognition of our own changes depends on it; the role need not allow it.
        if let Ok(Some(answer)) = self.session.json_if_any(call, &ask).await {
            self.session.learn_member(text_at(&answer, &["identifier"]));
        }
    }

    pub(super) async fn register_callback(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Subscription, Failure> {
        let present = self.matching_callbacks(call, trigger_url).await?;
        let fits = |callback: &&Value| {
            text_at(callback, &["level"])
                .is_some_and(|level| level.eq_ignore_ascii_case(self.callback.level.word()))
                && callback.get("objectId").and_then(Value::as_u64) == Some(self.callback.object_id)
        };
        if let Some(callback) = present.iter().find(fits) {
            let id = created_id(callback, "list the callbacks")?;
            if is_true(callback, "inactiveFlag") {
                self.enable_callback(call, &id).await?;
            }
            return Ok(alive(id, callback));
        }
        let body = json!({
            "url": registered(trigger_url),
            "objectId": self.callback.object_id,
            "type": "ticket",
            "level": self.callback.level.word(),
            "description": self.callback_name(),
            "inactiveFlag": false,
            "isSelfSuppressedFlag": true,
        });
        let what = "register a callback";
        let ask = Ask::new(Method::POST, "system/callbacks", Right::Callbacks, what).json(body);
        let answer = self.session.json(call, &ask).await?;
        let id = created_id(&answer, what)?;
        self.learn_from_callbacks(call, std::slice::from_ref(&answer))
            .await;
        Ok(alive(id, &answer))
    }

    async fn enable_callback(&self, call: &Call, id: &str) -> Result<(), Failure> {
        let operations = json!([{"op": "replace", "path": "inactiveFlag", "value": false}]);
        let path = format!("system/callbacks/{id}");
        let ask = Ask::new(
            Method::PATCH,
            path,
            Right::Callbacks,
            format!("switch callback {id} on again"),
        )
        .json(operations);
        self.session.send(call, &ask).await.map(drop)
    }

    pub(super) async fn remove_callback(&self, call: &Call, id: &str) -> Result<(), Failure> {
        let id: u64 = id.parse().map_err(|_| {
            Failure::new(
                Category::Validation,
                format!("`{id}` is no number of a ConnectWise callback"),
            )
        })?;
        let path = format!("system/callbacks/{id}");
        let ask = Ask::new(
            Method::DELETE,
            path,
            Right::Callbacks,
            format!("remove callback {id}"),
        );
        // What is gone already is as removed as it can be.
        self.session.find(call, &ask).await.map(drop)
    }
}

/// The address as registered: it ends in an open parameter, into which the vendor appends the ticket's number.
fn registered(trigger_url: &str) -> String {
    let separator = if trigger_url.contains('?') { '&' } else { '?' };
    format!("{trigger_url}{separator}recordId=")
}

fn leads_to(url: &str, trigger_url: &str) -> bool {
    url == trigger_url || url.trim_end_matches('=') == registered(trigger_url).trim_end_matches('=')
}

fn subscription(callback: &Value) -> Option<Subscription> {
    let standing = if is_true(callback, "inactiveFlag") {
        Standing::Disabled
    } else {
        Standing::Alive
    };
    let id = callback.get("id").and_then(id_text)?;
    Some(Subscription {
        standing,
        ..alive(id, callback)
    })
}

fn alive(id: String, callback: &Value) -> Subscription {
    let text = |name: &str| {
        text_at(callback, &[name])
            .unwrap_or("?")
            .to_ascii_lowercase()
    };
    let object = callback
        .get("objectId")
        .and_then(id_text)
        .unwrap_or_default();
    Subscription {
        id,
        what: format!(
            "{} callbacks, level {} {object}",
            text("type"),
            text("level")
        )
        .trim_end()
        .to_owned(),
        standing: Standing::Alive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_address_ends_in_an_open_parameter() {
        let plain = "https://fb.example/v1/broker/inbound?client_token=abc";
        assert_eq!(registered(plain), format!("{plain}&recordId="));
        assert_eq!(
            registered("https://fb.example/integrations/trigger/abc"),
            "https://fb.example/integrations/trigger/abc?recordId="
        );
        assert!(leads_to(&registered(plain), plain) && leads_to(plain, plain));
        assert!(!leads_to(&registered(&format!("{plain}d")), plain));
    }

    #[test]
    fn a_callback_switched_off_is_told() {
        let callback = json!({"id": 12, "type": "ticket", "level": "owner", "objectId": 1, "inactiveFlag": true});
        let subscription = subscription(&callback).unwrap();
        assert_eq!(subscription.standing, Standing::Disabled);
        assert_eq!(subscription.what, "ticket callbacks, level owner 1");
    }
}
