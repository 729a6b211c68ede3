//! The RSA key that signs JWT assertions, read from PEM.
//!
//! OpenSSL writes such keys in two wrappings: PKCS#1 (`RSA PRIVATE KEY`) and PKCS#8 (`PRIVATE KEY`), which holds the
//! former inside. Both are taken; an encrypted one is not.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

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
        let (label, der) = unwrapped(pem.expose_secret())?;
        let pkcs1 = match label {
            "RSA PRIVATE KEY" => der,
            "PRIVATE KEY" => inner(&der)
                .ok_or_else(|| "the private key is no RSA key".to_owned())?
                .to_vec(),
            "ENCRYPTED PRIVATE KEY" => return Err("the private key is encrypted".to_owned()),
            other => {
                return Err(format!(
                    "a private key is needed, and this is a {}",
                    other.to_ascii_lowercase()
                ));
            }
        };
        let key = Self(EncodingKey::from_rsa_der(&pkcs1));
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

/// The first PEM block: its label and its bytes.
fn unwrapped(text: &str) -> Result<(&str, Vec<u8>), String> {
    let missing = || "it is no PEM: the line -----BEGIN PRIVATE KEY----- is missing".to_owned();
    let (_, rest) = text.split_once("-----BEGIN ").ok_or_else(missing)?;
    let (label, rest) = rest.split_once("-----").ok_or_else(missing)?;
    let (body, _) = rest
        .split_once("-----END ")
        .ok_or_else(|| "it is cut short: the line -----END … is missing".to_owned())?;
    if body.contains("ENCRYPTED") {
        return Err("the private key is encrypted".to_owned());
    }
    let body: String = body.split_whitespace().collect();
    let der = STANDARD
        .decode(body)
        .map_err(|_| "the private key is damaged: its lines are no base64".to_owned())?;
    Ok((label, der))
}

/// The PKCS#1 key in a PKCS#8 one: `SEQUENCE { INTEGER 0, SEQUENCE { OID rsaEncryption, NULL }, OCTET STRING key }`.
fn inner(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    const OBJECT: u8 = 0x06;
    const OCTETS: u8 = 0x04;
    const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let (info, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(info, INTEGER)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (object, _) = element(algorithm, OBJECT)?;
    let (key, _) = element(rest, OCTETS)?;
    (object == RSA).then_some(key)
}

/// The content of a DER element of a tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let count = usize::from(*length & 0x7f);
        if count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (
            bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
            rest,
        )
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn why(pem: &str) -> String {
        SigningKey::read(&pem.into()).map(drop).unwrap_err()
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        assert!(why("not a key").contains("no PEM"));
        assert!(why("-----BEGIN PRIVATE KEY-----\nAAAA\n").contains("cut short"));
        assert!(
            why("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
                .contains("certificate")
        );
        assert!(
            why("-----BEGIN PRIVATE KEY-----\n%%\n-----END PRIVATE KEY-----").contains("base64")
        );
        assert!(
            why("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----")
                .contains("encrypted")
        );
        assert!(
            why("-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----")
                .contains("no RSA key")
        );
        assert!(
            why("-----BEGIN RSA PRIVATE KEY-----\nMAMCAQA=\n-----END RSA PRIVATE KEY-----")
                .contains("damaged")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(der in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = inner(&der);
        }
    }
}
