//! Token-based authentication: OAuth 1.0a with HMAC-SHA256, the only method NetSuite takes.
//!
//! The parameters of the query are signed with those of the header; a JSON body and the realm never are. Each
//! attempt has a nonce of its own, for NetSuite refuses a nonce that it has seen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::Url;

use crate::model::{Category, Failure};

/// What RFC 3986 leaves as it is besides letters and digits.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as both the signature and our own query strings write it.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// The four values of an integration's access token.
#[derive(Debug)]
pub(super) struct TokenKeys {
    /// The integration's key.
    pub(super) consumer_key: SecretString,
    /// Its secret.
    pub(super) consumer_secret: SecretString,
    /// The token's id.
    pub(super) token_id: SecretString,
    /// Its secret.
    pub(super) token_secret: SecretString,
}

/// What tells one attempt from another.
#[derive(Debug)]
pub(super) struct Stamp {
    /// Never used twice.
    pub(super) nonce: String,
    /// Seconds since 1970, within five minutes of NetSuite's clock.
    pub(super) timestamp: i64,
}

impl Stamp {
    /// A stamp with a fresh nonce.
    pub(super) fn new(timestamp: i64) -> Result<Self, Failure> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Failure::new(
                Category::Network,
                format!("the system gives no random numbers: {error}"),
            )
            .unsent()
        })?;
        Ok(Self {
            nonce: hex::encode(bytes),
            timestamp,
        })
    }
}

/// The value of the `Authorization` header of one attempt.
pub(super) fn authorization(
    keys: &TokenKeys,
    realm: &str,
    method: &Method,
    url: &Url,
    stamp: &Stamp,
) -> SecretString {
    let mut parameters = vec![
        (
            "oauth_consumer_key",
            keys.consumer_key.expose_secret().to_owned(),
        ),
        ("oauth_nonce", stamp.nonce.clone()),
        ("oauth_signature_method", "HMAC-SHA256".to_owned()),
        ("oauth_timestamp", stamp.timestamp.to_string()),
        ("oauth_token", keys.token_id.expose_secret().to_owned()),
        ("oauth_version", "1.0".to_owned()),
    ];
    let base = base_string(method, url, &parameters);
    parameters.push(("oauth_signature", signature(keys, &base)));
    let mut header = format!("OAuth realm=\"{}\"", encoded(realm));
    for (name, value) in &parameters {
        header.push_str(&format!(", {name}=\"{}\"", encoded(value)));
    }
    header.into()
}

fn base_string(method: &Method, url: &Url, parameters: &[(&str, String)]) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.extend(
        parameters
            .iter()
            .map(|(name, value)| (encoded(name), encoded(value))),
    );
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut place = url.clone();
    place.set_query(None);
    place.set_fragment(None);
    format!(
        "{method}&{}&{}",
        encoded(place.as_str()),
        encoded(&pairs.join("&"))
    )
}

fn signature(keys: &TokenKeys, base: &str) -> String {
    let key = SecretString::from(format!(
        "{}&{}",
        encoded(keys.consumer_secret.expose_secret()),
        encoded(keys.token_secret.expose_secret())
    ));
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Option<Value> {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let text =
            std::fs::read_to_string(format!("{shared}/samples/netsuite/tba_test_vectors.json"))
                .ok();
        if text.is_none() {
            println!("skipped: the samples are not here");
        }
        Some(serde_json::from_str(&text?).unwrap())
    }

    fn keys(told: &Value) -> TokenKeys {
        let text = |name: &str| SecretString::from(told[name].as_str().unwrap());
        TokenKeys {
            consumer_key: text("consumer_key"),
            consumer_secret: text("consumer_secret"),
            token_id: text("token"),
            token_secret: text("token_secret"),
        }
    }

    #[test]
    fn the_vendors_vectors_are_met() {
        let Some(told) = vectors() else { return };
        let stamp = Stamp {
            nonce: told["nonce"].as_str().unwrap().to_owned(),
            timestamp: told["timestamp"].as_str().unwrap().parse().unwrap(),
        };
        let mut met = 0;
        for vector in told["vectors"].as_array().unwrap() {
            let (Some(url), Some(method)) = (vector["url"].as_str(), vector["method"].as_str())
            else {
                continue;
            };
            let header = authorization(
                &keys(&told),
                told["realm"].as_str().unwrap(),
                &method.parse().unwrap(),
                &url.parse().unwrap(),
                &stamp,
            );
            let wanted = encoded(vector["signature"].as_str().unwrap());
            let header = header.expose_secret();
            assert!(
                header.contains(&format!("oauth_signature=\"{wanted}\"")),
                "{url}: {header}"
            );
            assert!(header.starts_with("OAuth realm=\"123456\", "));
            met += 1;
        }
        assert_eq!(met, 3);
    }

    #[test]
    fn a_query_is_signed_as_it_reads_and_not_as_it_is_written() {
        let keys = TokenKeys {
            consumer_key: "c".into(),
            consumer_secret: "cs".into(),
            token_id: "t".into(),
            token_secret: "ts".into(),
        };
        let base = |url: &str| base_string(&Method::GET, &url.parse().unwrap(), &[]);
        assert_eq!(
            base("https://H.example/a?q=x%20IS%20%22~%22&b=1"),
            base("https://h.example/a?b=1&q=x+IS+%22%7E%22")
        );
        assert!(base("https://h.example/a?q=x%20y").ends_with("&q%3Dx%2520y"));
        assert_eq!(signature(&keys, "x").len(), 44);
        let stamps = [Stamp::new(1).unwrap(), Stamp::new(1).unwrap()];
        assert_ne!(stamps[0].nonce, stamps[1].nonce);
    }
}
