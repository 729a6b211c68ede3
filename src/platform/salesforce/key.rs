//! The RSA key that signs JWT assertions.

use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::SecretString;
use serde::Serialize;

use crate::platform::private_key::PrivateKey;

/// A key that signs by RS256.
#[derive(Clone)]
pub(super) struct SigningKey(EncodingKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a key.
    ///
    /// # Errors
    /// Why it can't be used, without a word of what it holds.
    pub(super) fn read(pem: &SecretString) -> Result<Self, String> {
        let PrivateKey::Rsa(key) = PrivateKey::read(pem)? else {
            return Err("the private key is no RSA key".to_owned());
        };
        let key = Self(key);
        // Signing once shows whether the bytes are a key at all.
        key.sign(&serde_json::json!({}))
            .map_err(|_| "the private key is damaged".to_owned())?;
        Ok(key)
    }

    /// The claims as a signed assertion.
    pub(super) fn sign<T: Serialize>(
        &self,
        claims: &T,
    ) -> Result<SecretString, jsonwebtoken::errors::Error> {
        encode(&Header::new(Algorithm::RS256), claims, &self.0).map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(pem: &str) -> String {
        SigningKey::read(&pem.into()).map(drop).unwrap_err()
    }

    #[test]
    fn what_can_not_sign_is_told_apart() {
        // An elliptic curve's key, as far as its name goes.
        let curve =
            "-----BEGIN PRIVATE KEY-----\nMBICAQAwCQYHKoZIzj0CAQQCAQI=\n-----END PRIVATE KEY-----";
        assert!(why(curve).contains("no RSA key"), "{}", why(curve));
        let damaged = "-----BEGIN RSA PRIVATE KEY-----\nMAMCAQA=\n-----END RSA PRIVATE KEY-----";
        assert!(why(damaged).contains("damaged"));
    }
}
