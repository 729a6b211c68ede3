//! OAuth 2.0 client credentials: a signed assertion is exchanged for an access token that lasts an hour.
//!
//! NetSuite takes PS256, PS384, PS512, ES256, ES384 and ES512, and refuses RS256. There is no refresh token: when the
//! hour is over, a new assertion is sent.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::platform::private_key::PrivateKey;

/// How assertions are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum SigningAlgorithm {
    /// RSA-PSS with SHA-256.
    Ps256,
    /// RSA-PSS with SHA-384.
    Ps384,
    /// RSA-PSS with SHA-512.
    Ps512,
    /// The curve P-256.
    Es256,
    /// The curve P-384.
    Es384,
}

impl SigningAlgorithm {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
        }
    }
}

/// How long an assertion is good for; NetSuite allows less than an hour.
const LIFETIME: i64 = 300;

/// What makes assertions for one integration, role and user.
pub(super) struct Assertion {
    client_id: SecretString,
    certificate_id: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl std::fmt::Debug for Assertion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Assertion")
            .field("certificate_id", &self.certificate_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Assertion {
    /// Takes a private key in PEM form, and sees at once whether it can sign.
    ///
    /// # Errors
    /// Why the key is of no use.
    pub(super) fn new(
        client_id: SecretString,
        certificate_id: &str,
        private_key: &SecretString,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<Self, String> {
        let (key, fitting): (_, &[SigningAlgorithm]) = match PrivateKey::read(private_key)? {
            PrivateKey::Rsa(key) => (key, &[SigningAlgorithm::Ps256]),
            PrivateKey::Ec(key) => (key, &[SigningAlgorithm::Es256, SigningAlgorithm::Es384]),
        };
        let candidates = match &algorithm {
            Some(wanted) => std::slice::from_ref(wanted),
            None => fitting,
        };
        let signs = |wanted: &&SigningAlgorithm| {
            let header = Header::new(wanted.algorithm());
            encode(&header, &json!({"trial": true}), &key).is_ok()
        };
        let algorithm = candidates
            .iter()
            .find(signs)
            .ok_or_else(|| match algorithm {
                Some(wanted) => format!("the key can't sign with {wanted:?}").to_ascii_uppercase(),
                None => "the key is damaged, or of another curve than P-256 and P-384".to_owned(),
            })?
            .algorithm();
        Ok(Self {
            client_id,
            certificate_id: certificate_id.trim().to_owned(),
            algorithm,
            key,
        })
    }

    /// An assertion for the token endpoint at this address.
    ///
    /// # Errors
    /// Why it can't be signed.
    pub(super) fn sign(
        &self,
        audience: &str,
        now: i64,
        nonce: &str,
    ) -> Result<SecretString, String> {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.certificate_id.clone());
        let claims = json!({
            "iss": self.client_id.expose_secret(),
            "scope": ["restlets", "rest_webservices"],
            "aud": audience,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": nonce,
        });
        encode(&header, &claims, &self.key)
            .map(SecretString::from)
            .map_err(|error| error.to_string())
    }
}
