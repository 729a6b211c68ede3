//! The client token in a trigger address.
//!
//! An HS256 JWT with the claims of the hosted broker's own (`iat`, `aud` "integrations", `iss` "`FieldNation`",
//! `sub` "<connector number>:<generation>"). Rotation gives a later `iat` and a higher generation; whatever differs
//! from the one token now in force is refused, compared by digest, so that the time it takes tells nothing.

use std::path::Path;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::TriggerToken;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iat: i64,
    aud: String,
    iss: String,
    sub: String,
}

/// The key that signs trigger tokens; made on the first start and kept in the data directory.
pub(crate) struct TokenKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

const LENGTH: usize = 32;
const AUDIENCE: &str = "integrations";
const ISSUER: &str = "FieldNation";

impl TokenKey {
    /// Reads the key's file, or makes it (mode 0600).
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        match std::fs::read(path) {
            Ok(key) if key.len() == LENGTH => Ok(Self::of(&key)),
            Ok(_) => Err(std::io::Error::other(format!(
                "{} is no trigger key (it must have {LENGTH} bytes); remove it to make a new one, which invalidates all trigger addresses",
                path.display()
            ))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error),
        }
    }

    fn create(path: &Path) -> std::io::Result<Self> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut key = [0_u8; LENGTH];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&key)?;
        file.sync_all()?;
        Ok(Self::of(&key))
    }

    fn of(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        validation.required_spec_claims = ["aud", "iss", "sub"]
            .iter()
            .map(ToString::to_string)
            .collect();
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
        }
    }

    /// The token that is in force for what the store keeps.
    pub(crate) fn sign(&self, token: TriggerToken) -> String {
        let claims = Claims {
            iat: token.issued_at,
            aud: AUDIENCE.to_owned(),
            iss: ISSUER.to_owned(),
            sub: format!("{}:{}", token.number, token.issued_at),
        };
        // HS256 with a key of our own can't fail; an empty token matches nothing.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .unwrap_or_default()
    }

    /// The connector's number that a presented token names, if its signature is ours.
    pub(crate) fn number(&self, presented: &str) -> Option<u64> {
        let claims = jsonwebtoken::decode::<Claims>(presented, &self.decoding, &self.validation)
            .ok()?
            .claims;
        claims.sub.split(':').next()?.parse().ok()
    }
}

/// What stands for a token where tokens are looked up: comparing digests tells nothing of the tokens themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token.
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_connector_and_a_rotated_one_differs() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trigger.key");
        let key = TokenKey::open(&path).unwrap();
        let old = key.sign(TriggerToken {
            number: 7,
            issued_at: 1_700_000_000,
        });
        let new = key.sign(TriggerToken {
            number: 7,
            issued_at: 1_700_000_001,
        });
        assert_eq!(key.number(&old), Some(7));
        assert_ne!(TokenDigest::of(&old), TokenDigest::of(&new));
        let again = TokenKey::open(&path).unwrap();
        assert_eq!(again.number(&new), Some(7));
    }

    #[test]
    fn a_foreign_or_broken_token_names_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let ours = TokenKey::open(&directory.path().join("a")).unwrap();
        let theirs = TokenKey::open(&directory.path().join("b")).unwrap();
        let token = theirs.sign(TriggerToken {
            number: 7,
            issued_at: 1,
        });
        assert_eq!(ours.number(&token), None);
        assert_eq!(ours.number(""), None);
        assert_eq!(ours.number("a.b.c"), None);
        assert_eq!(ours.number(&"x".repeat(1_000_000)), None);
    }
}
