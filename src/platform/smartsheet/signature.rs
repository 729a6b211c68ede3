//! The signature of a callback: `Smartsheet-Hmac-SHA256` = hexadecimal HMAC-SHA256 of the raw body, keyed with the
//! webhook's `sharedSecret`. The vendor gives that to the webhook's owner whenever asked, so it is asked for and never
//! stored; a webhook of somebody else's account needs the setting `webhook_secret`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Mutex;

use super::api::{Api, Ask};
use super::failure::Right;
use crate::http::Call;
use crate::model::{Clock, Failure, Priority, Timestamp};
use crate::platform::TriggerRefusal;
use crate::platform::basics::text_at;

/// The header that carries it.
pub(super) const HEADER: &str = "smartsheet-hmac-sha256";

/// How long a secret may take to come while the vendor waits for our answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer is believed before a signature that does not fit makes us ask again.
const SETTLED: Duration = Duration::from_secs(60);

/// How many webhooks are remembered; a connector has one, and a forger may name many.
const MOST_KEYS: usize = 64;

/// What is known of a webhook: its secret, or that it shows us none.
struct Known {
    secret: Option<SecretString>,
    read_at: Timestamp,
}

/// The secrets read so far.
pub(super) struct Keys {
    clock: Arc<dyn Clock>,
    /// The secret that an admin set.
    given: Option<SecretString>,
    /// Held while a secret is fetched, so that a burst of callbacks makes one fetch.
    kept: Mutex<HashMap<u64, Known>>,
}

impl Keys {
    pub(super) fn new(clock: Arc<dyn Clock>, given: Option<SecretString>) -> Self {
        Self {
            clock,
            given,
            kept: Mutex::default(),
        }
    }

    /// Checks the signature of a raw body.
    ///
    /// # Errors
    /// A refusal, when it does not fit or can't be checked just now.
    pub(super) async fn check(
        &self,
        api: &Api,
        webhook: u64,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<(), TriggerRefusal> {
        let Some(signature) = signature else {
            return Err(TriggerRefusal::Signature(
                "a callback with events must carry the header Smartsheet-Hmac-SHA256".to_owned(),
            ));
        };
        if self
            .given
            .as_ref()
            .is_some_and(|secret| fits(secret, signature, body))
        {
            return Ok(());
        }
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some(known) = kept.get(&webhook) {
            if known
                .secret
                .as_ref()
                .is_some_and(|secret| fits(secret, signature, body))
            {
                return Ok(());
            }
            let age = Duration::try_from(now.duration_since(known.read_at)).unwrap_or_default();
            if age < SETTLED {
                return Err(forged(known.secret.is_some(), webhook));
            }
        }
        // Not known yet, or perhaps reset since.
        let secret = match tokio::time::timeout(PATIENCE, fetch(api, webhook)).await {
            Ok(Ok(secret)) => secret,
            Ok(Err(failure)) if failure.category.is_passing() => {
                return Err(TriggerRefusal::NotNow(failure.cause));
            }
            Ok(Err(_)) => None,
            Err(_) => {
                return Err(TriggerRefusal::NotNow(
                    "Smartsheet did not give the webhook's secret in time".to_owned(),
                ));
            }
        };
        let is_genuine = secret
            .as_ref()
            .is_some_and(|secret| fits(secret, signature, body));
        let has_secret = secret.is_some();
        if kept.len() >= MOST_KEYS {
            kept.clear();
        }
        kept.insert(
            webhook,
            Known {
                secret,
                read_at: now,
            },
        );
        if is_genuine {
            Ok(())
        } else {
            Err(forged(has_secret, webhook))
        }
    }
}

fn forged(has_secret: bool, webhook: u64) -> TriggerRefusal {
    TriggerRefusal::Signature(if has_secret {
        "it does not fit the body".to_owned()
    } else {
        format!(
            "webhook {webhook} is not one of the access token's account; set webhook_secret if another account owns it"
        )
    })
}

async fn fetch(api: &Api, webhook: u64) -> Result<Option<SecretString>, Failure> {
    let call = Call::new(Priority::Live);
    let deed = format!("read webhook {webhook}");
    let ask = Ask::get(format!("/webhooks/{webhook}"), Right::Webhooks, deed);
    let answer = api.json_if_there(&call, &ask).await?;
    let secret = answer
        .as_ref()
        .and_then(|answer| text_at(answer, &["sharedSecret"]));
    Ok(secret.map(SecretString::from))
}

fn fits(secret: &SecretString, signature: &str, body: &[u8]) -> bool {
    let Ok(signature) = hex::decode(signature.trim()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return false;
    };
    mac.update(body);
    // Compares in constant time.
    mac.verify_slice(&signature).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_signature_worked_out_elsewhere_fits() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let Ok(vector) =
            std::fs::read_to_string(format!("{shared}/samples/smartsheet/hmac_vector.json"))
        else {
            println!("skipped: no sample hmac_vector.json");
            return;
        };
        let vector: Value = serde_json::from_str(&vector).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let secret = SecretString::from(text("sharedSecret"));
        let signature = text("hmac_sha256_hex");
        let body = text("body").as_bytes();
        assert!(fits(&secret, signature, body));
        assert!(fits(&secret, &signature.to_uppercase(), body));
        assert!(!fits(&"another".into(), signature, body));
        assert!(!fits(&secret, signature, &body[1..]));
        for broken in ["", "zz", &signature[..20]] {
            assert!(!fits(&secret, broken, body), "{broken}");
        }
    }
}
