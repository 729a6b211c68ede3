//! Webhooks: made by the API, switched on by a second call during which Smartsheet asks our address for a challenge's value.
//!
//! What a webhook listens to is settled when it is made; another choice takes another webhook. Listings are read page by
//! page, for `includeAll` ended there in June 2026.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::Smartsheet;
use super::api::{Ask, result};
use super::failure::Right;
use super::notes::{PAGE, missing_column};
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::{digits, id, is_true, number, text_at};
use crate::platform::{Standing, Subscription, SubscriptionPlan};

/// The ports that Smartsheet calls.
const PORTS: [u16; 5] = [443, 8000, 8008, 8080, 8443];

impl Smartsheet {
    pub(super) fn webhook_plan(&self) -> SubscriptionPlan {
        let what = match self.settings.subscope.as_slice() {
            [] => "any column".to_owned(),
            titles => format!("the column {}", titles.join(", ")),
        };
        SubscriptionPlan::ByApi(format!(
            "a Smartsheet webhook on sheet {}, called when {what} changes; it is made, then switched on, and Smartsheet calls the address meanwhile to see that it answers",
            self.settings.sheet
        ))
    }

    pub(super) async fn webhooks(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure> {
        let found = self.our_webhooks(call, trigger_url).await?;
        Ok(found.iter().filter_map(subscription).collect())
    }

    async fn our_webhooks(&self, call: &Call, trigger_url: &str) -> Result<Vec<Value>, Failure> {
        let ask = Ask::get("/webhooks", Right::Webhooks, "list the webhooks");
        let all = self.api.list(call, &ask, PAGE).await?;
        let leads_here = |webhook: &Value| text_at(webhook, &["callbackUrl"]) == Some(trigger_url);
        Ok(all.into_iter().filter(leads_here).collect())
    }

    /// Makes the webhook, or switches on the one that is there; then removes those that listen to something else.
    pub(super) async fn register_webhook(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Subscription, Failure> {
        if self.settings.is_vendors {
            check_address(trigger_url)?;
        }
        let columns = self.subscope(call).await?;
        let present = self.our_webhooks(call, trigger_url).await?;
        let fits = |webhook: &&Value| {
            webhook.get("scopeObjectId").and_then(number) == Some(self.settings.sheet)
                && listens_to(webhook) == columns
        };
        let webhook = match present.iter().find(fits) {
            Some(webhook) if is_true(webhook, "enabled") => webhook.clone(),
            Some(webhook) => self.switch_on(call, webhook).await?,
            None => {
                let made = self.make_webhook(call, trigger_url, &columns).await?;
                self.switch_on(call, &made).await?
            }
        };
        let kept = id(&webhook, "id");
        // A webhook of the same address that listens to something else would only call twice.
        for other in present.iter().filter(|other| !fits(other)) {
            if let Some(other) = id(other, "id").filter(|other| Some(other) != kept.as_ref()) {
                self.remove_webhook(call, &other).await?;
            }
        }
        subscription(&webhook).ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Smartsheet made a webhook and did not say its number",
            )
            .effect_unknown()
        })
    }

    /// The numbers of the columns that the webhook listens to.
    async fn subscope(&self, call: &Call) -> Result<BTreeSet<u64>, Failure> {
        let titles = &self.settings.subscope;
        if titles.is_empty() {
            return Ok(BTreeSet::new());
        }
        let columns = self
            .session
            .columns(&self.api, call, Freshness::Fresh)
            .await?;
        let numbered = |title: &String| {
            let column = columns.titled(title);
            column.map(|column| column.id).ok_or_else(|| {
                missing_column(
                    "subscope_columns (or trigger_column)",
                    title,
                    &columns.titles(),
                )
            })
        };
        titles.iter().map(numbered).collect()
    }

    async fn make_webhook(
        &self,
        call: &Call,
        trigger_url: &str,
        columns: &BTreeSet<u64>,
    ) -> Result<Value, Failure> {
        let mut body = json!({
            "name": format!("Fieldbridge {}", self.connector),
            "callbackUrl": trigger_url,
            "scope": "sheet",
            "scopeObjectId": self.settings.sheet,
            "events": ["*.*"],
            "version": 1,
        });
        if !columns.is_empty() {
            body["subscope"] = json!({"columnIds": columns});
        }
        let ask = Ask::new(Method::POST, "/webhooks", Right::Webhooks, "make a webhook").json(body);
        self.api.json(call, &ask).await.map(result)
    }

    /// Switches a webhook on; Smartsheet answers after it has called our address.
    async fn switch_on(&self, call: &Call, webhook: &Value) -> Result<Value, Failure> {
        let Some(number) = id(webhook, "id") else {
            return Err(Failure::new(
                Category::Server,
                "Smartsheet made a webhook and did not say its number",
            )
            .effect_unknown());
        };
        if let Some(hint) = hopeless(text_at(webhook, &["status"]).unwrap_or_default()) {
            let status = text_at(webhook, &["status"]).unwrap_or_default();
            return Err(Failure::new(
                Category::Configuration,
                format!("webhook {number} is {status} and can't be switched on by us"),
            )
            .hint(hint));
        }
        let path = format!("/webhooks/{number}");
        let deed = format!("switch webhook {number} on");
        let ask = Ask::new(Method::PUT, path, Right::Webhooks, deed).json(json!({"enabled": true}));
        let answer = result(self.api.json(call, &ask).await?);
        if is_true(&answer, "enabled") {
            return Ok(answer);
        }
        let status = text_at(&answer, &["status"]).unwrap_or("off");
        let details = text_at(&answer, &["disabledDetails"]).unwrap_or("no details given");
        Err(Failure::new(
            Category::Configuration,
            format!("Smartsheet called our address and was not content: webhook {number} is {status} ({details})"),
        )
        .hint(REACH_HINT))
    }

    pub(super) async fn remove_webhook(&self, call: &Call, id: &str) -> Result<(), Failure> {
        let number = digits(id.as_bytes()).ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("`{id}` is no number of a Smartsheet webhook"),
            )
        })?;
        let deed = format!("remove webhook {number}");
        let ask = Ask::new(
            Method::DELETE,
            format!("/webhooks/{number}"),
            Right::Webhooks,
            deed,
        );
        // What is gone already is as removed as it can be.
        self.api.json_if_there(call, &ask).await.map(drop)
    }
}

const REACH_HINT: &str = "The address (server.public_url) must be reachable from the internet over https with a certificate of a public authority, on port 443, 8000, 8008, 8080 or 8443, and the engine must be running.";

/// Whether Smartsheet would call an address at all.
fn check_address(trigger_url: &str) -> Result<(), Failure> {
    let url = Url::parse(trigger_url).ok();
    let is_reachable = url.as_ref().is_some_and(|url| {
        let is_public = match url.host() {
            Some(url::Host::Domain(name)) => name != "localhost" && name.contains('.'),
            Some(url::Host::Ipv4(ip)) => {
                !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified())
            }
            Some(url::Host::Ipv6(ip)) => {
                !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local())
            }
            None => false,
        };
        url.scheme() == "https"
            && is_public
            && url
                .port_or_known_default()
                .is_some_and(|port| PORTS.contains(&port))
    });
    if is_reachable {
        return Ok(());
    }
    let shown = trigger_url.split('?').next().unwrap_or_default();
    Err(Failure::new(
        Category::Configuration,
        format!("Smartsheet would not call {shown}"),
    )
    .hint(REACH_HINT))
}

/// What to do about a webhook in a state that we can't end.
fn hopeless(status: &str) -> Option<&'static str> {
    match status {
        "DISABLED_ADMINISTRATIVE" => Some(
            "Smartsheet's support switched it off; only they (api@smartsheet.com) can switch it on.",
        ),
        "DISABLED_APP_REVOKED" => {
            Some("The app that made it lost its rights: remove the webhook and register it anew.")
        }
        "DISABLED_SCOPE_INACCESSIBLE" => Some(
            "Share the sheet with the token's account again; Smartsheet then switches the webhook on by itself.",
        ),
        _ => None,
    }
}

/// The columns a webhook listens to; none means all.
fn listens_to(webhook: &Value) -> BTreeSet<u64> {
    let ids = webhook
        .get("subscope")
        .and_then(|subscope| subscope.get("columnIds")?.as_array());
    ids.into_iter().flatten().filter_map(number).collect()
}

fn subscription(webhook: &Value) -> Option<Subscription> {
    let sheet = id(webhook, "scopeObjectId").unwrap_or_default();
    let listens = match listens_to(webhook).len() {
        0 => "all columns".to_owned(),
        1 => "1 column".to_owned(),
        count => format!("{count} columns"),
    };
    let status = text_at(webhook, &["status"]).unwrap_or("?");
    Some(Subscription {
        id: id(webhook, "id")?,
        what: format!("sheet {sheet}, {listens}, {status}"),
        standing: if is_true(webhook, "enabled") {
            Standing::Alive
        } else {
            Standing::Disabled
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_smartsheet_calls_are_taken() {
        for good in [
            "https://fb.example.com/v1/broker/inbound?client_token=x",
            "https://fb.example.com:8443/x",
            "https://93.184.216.34/x",
        ] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://fb.example.com/x",
            "https://fb.example.com:9000/x",
            "https://10.0.0.5/x",
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://broker/x",
            "https://[::1]/x",
            "x",
        ] {
            let failure = check_address(wrong).unwrap_err();
            assert_eq!(failure.category, Category::Configuration, "{wrong}");
        }
        let failure = check_address("http://x/y?client_token=secret").unwrap_err();
        assert!(!failure.cause.contains("secret"), "{failure}");
    }

    #[test]
    fn a_webhook_is_told_with_its_state() {
        let webhook = json!({"id": 7_u64, "scopeObjectId": 5, "enabled": false, "status": "DISABLED_CALLBACK_FAILED",
            "subscope": {"columnIds": [9_007_199_254_740_993_u64]}});
        let told = subscription(&webhook).unwrap();
        assert_eq!(told.standing, Standing::Disabled);
        assert_eq!(told.what, "sheet 5, 1 column, DISABLED_CALLBACK_FAILED");
        assert_eq!(
            listens_to(&webhook),
            BTreeSet::from([9_007_199_254_740_993])
        );
    }
}
