//! Private keys in PEM form, for vendors that take signed assertions.
//!
//! Only what is needed to hand a key on is read: which kind it is, and the part that signs. Nothing here knows a vendor.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretBox, SecretString};

/// A private key, by its kind.
pub(super) enum PrivateKey {
    /// RSA, PKCS#1 or PKCS#8.
    Rsa(EncodingKey),
    /// An elliptic curve, PKCS#8.
    Ec(EncodingKey),
}

/// The object identifiers of keys, as DER writes them.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;

impl PrivateKey {
    /// Reads a key.
    ///
    /// # Errors
    /// Why it is of no use, without anything of the key itself.
    pub(super) fn read(pem: &SecretString) -> Result<Self, String> {
        // OpenSSL may write attributes before the key.
        let block = pem.expose_secret().split_once("-----BEGIN ");
        let inner = block.and_then(|(_, rest)| rest.split_once("-----"));
        let Some((label, rest)) = inner else {
            return Err("it holds no private key in PEM form".to_owned());
        };
        let Some((body, _)) = rest.split_once("-----END") else {
            return Err("it is cut short: the line -----END … is missing".to_owned());
        };
        if body.contains("ENCRYPTED") {
            return Err("the key is locked with a pass phrase".to_owned());
        }
        let body: SecretString = body.split_whitespace().collect::<String>().into();
        let der = STANDARD
            .decode(body.expose_secret())
            .map_err(|_| "the key's base64 is broken".to_owned())?;
        let der: SecretBox<Vec<u8>> = SecretBox::new(Box::new(der));
        let der = der.expose_secret();
        match label {
            "RSA PRIVATE KEY" => Ok(Self::Rsa(EncodingKey::from_rsa_der(der))),
            "PRIVATE KEY" => pkcs8(der)
                .ok_or_else(|| "the key is neither RSA nor of an elliptic curve".to_owned()),
            "ENCRYPTED PRIVATE KEY" => Err("the key is locked with a pass phrase".to_owned()),
            "EC PRIVATE KEY" => Err(
                "the key is in the SEC 1 form: turn it into PKCS#8 (openssl pkcs8 -topk8 -nocrypt)"
                    .to_owned(),
            ),
            other => {
                let shown: String = other.chars().take(40).collect();
                Err(format!("it holds a {shown}, no private key"))
            }
        }
    }
}

/// `SEQUENCE { version, SEQUENCE { kind, … }, OCTET STRING key }`
fn pkcs8(der: &[u8]) -> Option<PrivateKey> {
    let (info, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(info, INTEGER)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (kind, _) = element(algorithm, OBJECT_ID)?;
    let (key, _) = element(rest, OCTETS)?;
    match kind {
        RSA | RSA_PSS => Some(PrivateKey::Rsa(EncodingKey::from_rsa_der(key))),
        EC => Some(PrivateKey::Ec(EncodingKey::from_ec_der(der))),
        _ => None,
    }
}

/// The contents of an element of this type, and what follows it.
fn element(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(*first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        let length = bytes
            .iter()
            .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
        (length, rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    (*tag == wanted).then_some((contents, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(label: &str, der: &[u8]) -> Result<&'static str, String> {
        let pem = format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            STANDARD.encode(der)
        );
        PrivateKey::read(&pem.into()).map(|key| match key {
            PrivateKey::Rsa(_) => "rsa",
            PrivateKey::Ec(_) => "ec",
        })
    }

    fn wrapped(kind: &[u8]) -> Vec<u8> {
        let part = |tag: u8, contents: &[u8]| {
            let length = u8::try_from(contents.len()).unwrap();
            [&[tag, length], contents].concat()
        };
        let algorithm = part(SEQUENCE, &part(OBJECT_ID, kind));
        let inner = [part(INTEGER, &[0]), algorithm, part(OCTETS, &[1, 2, 3])].concat();
        part(SEQUENCE, &inner)
    }

    #[test]
    fn the_kind_of_a_key_is_seen() {
        assert_eq!(read("PRIVATE KEY", &wrapped(RSA)), Ok("rsa"));
        assert_eq!(read("PRIVATE KEY", &wrapped(RSA_PSS)), Ok("rsa"));
        assert_eq!(read("PRIVATE KEY", &wrapped(EC)), Ok("ec"));
        assert_eq!(read("RSA PRIVATE KEY", &[1, 2, 3]), Ok("rsa"));
    }

    #[test]
    fn what_is_no_usable_key_is_told_without_showing_it() {
        for (label, der, why) in [
            ("PRIVATE KEY", wrapped(&[1, 2]), "neither RSA"),
            ("PRIVATE KEY", vec![0x30, 0x85], "neither RSA"),
            ("ENCRYPTED PRIVATE KEY", vec![], "pass phrase"),
            ("EC PRIVATE KEY", vec![], "PKCS#8"),
            ("CERTIFICATE", vec![], "no private key"),
        ] {
            let told = read(label, &der).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
        let cut = PrivateKey::read(&"-----BEGIN PRIVATE KEY-----\nAAAA\n".into());
        assert!(cut.err().unwrap().contains("cut short"));
        let told = PrivateKey::read(&"NotARealSecret".into()).err().unwrap();
        assert!(!told.contains("NotARealSecret"));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(der in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = pkcs8(&der);
        }
    }
}
