//! The public key of an integration's certificate, as an administrator uploads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;

/// A public key.
#[derive(Clone)]
pub(super) struct PublicKey(pub(super) DecodingKey);

impl PublicKey {
    /// Reads a key in PEM form: `SEQUENCE { SEQUENCE { kind, … }, BIT STRING key }`.
    pub(super) fn read(pem: &str) -> Option<Self> {
        let body = pem.split_once("-----BEGIN PUBLIC KEY-----")?.1;
        let body = body.split_once("-----END")?.0;
        let der = STANDARD
            .decode(body.split_whitespace().collect::<String>())
            .ok()?;
        let info = contents(&der, 0x30)?.0;
        let (algorithm, rest) = contents(info, 0x30)?;
        let kind = contents(algorithm, 0x06)?.0;
        // The first byte of a bit string counts its unused bits.
        let key = contents(rest, 0x03)?.0.get(1..)?;
        let is_curve = kind == [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        Some(Self(if is_curve {
            DecodingKey::from_ec_der(key)
        } else {
            DecodingKey::from_rsa_der(key)
        }))
    }
}

fn contents(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let count = if *first < 0x80 {
        0
    } else {
        usize::from(first & 0x7f)
    };
    let (bytes, rest) = rest.split_at_checked(count)?;
    let length = if count == 0 {
        usize::from(*first)
    } else {
        bytes
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte))
    };
    rest.split_at_checked(length)
}
