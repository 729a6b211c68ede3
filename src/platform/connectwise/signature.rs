//! The signature of a callback: `x-content-signature` = base64 of HMAC-SHA256 over the raw body, keyed with the SHA-256
//! of a signing key that the site publishes. The body itself says where, so only the site's own hosts are asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::session::{Identity, Session};
use crate::http::Call;
use crate::model::{Clock, Priority, Timestamp};
use crate::platform::TriggerRefusal;
use crate::platform::basics::text_at;

/// The header that carries it.
pub(super) const HEADER: &str = "x-content-signature";

/// How long a key may take to come; the site waits five seconds for our answer in all.
const PATIENCE: Duration = Duration::from_secs(2);

/// How old a key must be before a signature that does not fit makes us ask for a new one.
const SETTLED: Duration = Duration::from_secs(60);

/// How many keys are kept; a site has one.
const MOST_KEYS: usize = 16;

/// The signing keys read so far.
pub(super) struct Keys {
    clock: Arc<dyn Clock>,
    /// Held while a key is fetched, so that a burst of callbacks makes one fetch.
    kept: Mutex<HashMap<Url, (Timestamp, SecretString)>>,
}

/// What checking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Genuine,
    /// It does not fit: nothing of the callback can be believed.
    Forged(String),
    /// The key can't be had just now.
    Unknown(String),
}

impl Keys {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: Mutex::default(),
        }
    }

    /// Checks a signature over a raw body.
    pub(super) async fn check(
        &self,
        session: &Session,
        key_url: &str,
        signature: &str,
        body: &[u8],
    ) -> Verdict {
        let Some(url) = Url::parse(key_url)
            .ok()
            .filter(|url| session.address().may_hold_keys(url))
        else {
            let shown: String = key_url
                .chars()
                .filter(|letter| !letter.is_control())
                .take(120)
                .collect();
            return Verdict::Forged(format!(
                "its key is said to be at `{shown}`, which is not on {}",
                session.address().key_hosts()
            ));
        };
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some((read_at, key)) = kept.get(&url) {
            if fits(key, signature, body) {
                return Verdict::Genuine;
            }
            let age = Duration::try_from(now.duration_since(*read_at)).unwrap_or_default();
            if age < SETTLED {
                return Verdict::Forged("it does not fit the body".to_owned());
            }
        }
        // Not known yet, or perhaps replaced by the site.
        let key = match tokio::time::timeout(PATIENCE, fetch(session, &url)).await {
            Ok(Ok(key)) => key,
            Ok(Err(why)) => return Verdict::Unknown(why),
            Err(_) => {
                return Verdict::Unknown(
                    "the site did not give the signing key in time".to_owned(),
                );
            }
        };
        let genuine = fits(&key, signature, body);
        if kept.len() >= MOST_KEYS {
            kept.clear();
        }
        kept.insert(url, (now, key));
        if genuine {
            Verdict::Genuine
        } else {
            Verdict::Forged("it does not fit the body".to_owned())
        }
    }
}

/// Fetches a key. It is public as a rule; a site that wants a credential gets ours, but never for a document: that
/// could be anybody's upload.
async fn fetch(session: &Session, url: &Url) -> Result<SecretString, String> {
    let call = Call::new(Priority::Live);
    let ask = |identity| session.fetch_absolute(&call, url.as_str(), identity);
    let mut response = ask(Identity::Nobody)
        .await
        .map_err(|failure| failure.cause)?;
    let refused = matches!(
        response.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
    );
    if refused && !url.path().to_ascii_lowercase().contains("document") {
        response = ask(Identity::Ours).await.map_err(|failure| failure.cause)?;
    }
    if !response.is_success() {
        return Err(format!(
            "the site answered {} when asked for the signing key",
            response.status
        ));
    }
    key_in(&response.body).ok_or_else(|| "the site's answer holds no signing key".to_owned())
}

/// The key out of the answer, which may be JSON inside a JSON text.
fn key_in(body: &[u8]) -> Option<SecretString> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    if let Value::String(text) = &value {
        value = serde_json::from_str(text).ok()?;
    }
    text_at(&value, &["signing_key"]).map(SecretString::from)
}

fn fits(key: &SecretString, signature: &str, body: &[u8]) -> bool {
    let Ok(signature) = BASE64.decode(signature.trim()) else {
        return false;
    };
    let key = Sha256::digest(key.expose_secret().as_bytes());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return false;
    };
    mac.update(body);
    // Compares in constant time.
    mac.verify_slice(&signature).is_ok()
}

impl Verdict {
    /// Whether the callback may pass.
    ///
    /// # Errors
    /// The refusal, when it may not.
    pub(super) fn judged(self, required: bool) -> Result<(), TriggerRefusal> {
        match self {
            Self::Genuine => Ok(()),
            Self::Forged(why) => Err(TriggerRefusal::Signature(why)),
            Self::Unknown(why) if required => Err(TriggerRefusal::NotNow(why)),
            Self::Unknown(why) => {
                tracing::warn!(target: "fieldbridge::connectwise", %why, "a callback's signature could not be checked; its ticket is read all the same");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Worked out apart from this code: base64(hmac_sha256(sha256(b"fake-signing-key"), body)).
    const BODY: &[u8] = b"{\"ID\":69,\"Action\":\"updated\"}";
    const SIGNATURE: &str = "e7LOdooWtKBD/3KHPUeOkhdJQjuTDMD0sbYPrkGgJfs=";

    #[test]
    fn a_signature_worked_out_elsewhere_fits() {
        let key = SecretString::from("fake-signing-key");
        assert!(fits(&key, SIGNATURE, BODY));
        assert!(fits(&key, &format!(" {SIGNATURE} "), BODY));
        assert!(!fits(
            &key,
            SIGNATURE,
            b"{\"ID\":70,\"Action\":\"updated\"}"
        ));
        assert!(!fits(&SecretString::from("another"), SIGNATURE, BODY));
        for broken in ["", "%%%", "AAAA", &SIGNATURE[..20]] {
            assert!(!fits(&key, broken, BODY), "{broken}");
        }
    }

    #[test]
    fn a_key_is_read_out_of_json_in_json() {
        let key = |body: &str| key_in(body.as_bytes()).map(|key| key.expose_secret().to_owned());
        assert_eq!(key(r#"{"signing_key":"k"}"#).as_deref(), Some("k"));
        assert_eq!(key(r#""{\"signing_key\":\"k\"}""#).as_deref(), Some("k"));
        assert_eq!(key(r#"{"signing_key":""}"#), None);
        assert_eq!(key("<html>"), None);
    }
}
