//! The signature of webhooks: `X-Hook-Signature: sha1=` and the base64 of an HMAC-SHA1 over the body.
//!
//! What the vendor signs is its own serialisation, in which texts have `& < > ' " +`, the backtick and everything
//! beyond ASCII as `\uXXXX`. The body as sent is thought to be in that form already; a proxy in between may have
//! written the letters out. So the raw bytes are tried first, then the escaped form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha1::Sha1;

/// Whether a header's value is the signature of a body.
pub(super) fn holds(secret: &SecretString, header: &str, body: &[u8]) -> bool {
    let header = header.trim();
    let Some((algorithm, encoded)) = header.split_once('=') else {
        return false;
    };
    if !algorithm.trim().eq_ignore_ascii_case("sha1") {
        return false;
    }
    let Ok(given) = STANDARD.decode(encoded.trim()) else {
        return false;
    };
    let signs = |text: &[u8]| {
        // HMAC takes keys of any length.
        Hmac::<Sha1>::new_from_slice(secret.expose_secret().as_bytes()).is_ok_and(|mut mac| {
            mac.update(text);
            mac.verify_slice(&given).is_ok()
        })
    };
    if signs(body) {
        return true;
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    if signs(escaped(text).as_bytes()) {
        return true;
    }
    // White space between members goes too when a proxy has written the JSON anew.
    match serde_json::from_str::<Value>(text) {
        Ok(value) => signs(escaped(&value.to_string()).as_bytes()),
        Err(_) => false,
    }
}

/// JSON with the letters in its texts escaped as the vendor does it.
pub(super) fn escaped(json: &str) -> String {
    let mut written = String::with_capacity(json.len() + json.len() / 8);
    let mut letters = json.chars();
    let mut in_text = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                in_text = !in_text;
                written.push('"');
            }
            '\\' if in_text => match letters.next() {
                Some('"') => push_unit(&mut written, u16::from(b'"')),
                Some('/') => written.push('/'),
                Some('u') => {
                    let digits: String = letters.by_ref().take(4).collect();
                    written.push_str("\\u");
                    written.push_str(&digits.to_ascii_uppercase());
                }
                Some(other) => {
                    written.push('\\');
                    written.push(other);
                }
                None => written.push('\\'),
            },
            '&' | '<' | '>' | '\'' | '+' | '`' if in_text => push_letter(&mut written, letter),
            letter if in_text && !letter.is_ascii() => push_letter(&mut written, letter),
            letter => written.push(letter),
        }
    }
    written
}

fn push_letter(written: &mut String, letter: char) {
    let mut units = [0; 2];
    for unit in letter.encode_utf16(&mut units) {
        push_unit(written, *unit);
    }
}

fn push_unit(written: &mut String, unit: u16) {
    use std::fmt::Write as _;
    // Writing to a String can't fail.
    let _ = write!(written, "\\u{unit:04X}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> SecretString {
        "not-a-real-secret".into()
    }

    fn signature(text: &str) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(b"not-a-real-secret").unwrap();
        mac.update(text.as_bytes());
        format!("sha1={}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn a_known_vector_holds() {
        // The vector that every description of HMAC-SHA1 gives.
        let key: SecretString = "key".into();
        let mut mac = Hmac::<Sha1>::new_from_slice(b"key").unwrap();
        mac.update(b"The quick brown fox jumps over the lazy dog");
        assert_eq!(
            hex::encode(mac.finalize().into_bytes()),
            "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"
        );
        assert!(holds(
            &key,
            "sha1=3nybhbi3iqa8ino29wqQcBydtNk=",
            b"The quick brown fox jumps over the lazy dog"
        ));
    }

    #[test]
    fn the_raw_body_and_its_escaped_form_hold() {
        let plain = "{\"Id\":1,\"Fields\":{\"title\":\"R&D <'a' + `b`> \\\"é\\\" \u{1F600}\"}}";
        let signed = "{\"Id\":1,\"Fields\":{\"title\":\"R\\u0026D \\u003C\\u0027a\\u0027 \\u002B \\u0060b\\u0060\\u003E \\u0022\\u00E9\\u0022 \\uD83D\\uDE00\"}}";
        assert_eq!(escaped(plain), signed);
        assert_eq!(escaped(signed), signed);
        for sent in [plain, signed] {
            assert!(
                holds(&secret(), &signature(signed), sent.as_bytes()),
                "{sent}"
            );
        }
        assert!(holds(&secret(), &signature(plain), plain.as_bytes()));
        let spread = "{ \"Id\": 1 }";
        assert!(holds(
            &secret(),
            &signature("{\"Id\":1}"),
            spread.as_bytes()
        ));
    }

    #[test]
    fn anything_else_does_not() {
        let body = b"{\"Id\":1}";
        let good = signature("{\"Id\":1}");
        assert!(holds(&secret(), &good, body));
        assert!(!holds(&secret(), &good, b"{\"Id\":2}"));
        assert!(!holds(&"another".into(), &good, body));
        for header in [
            "",
            "sha1=",
            "sha1",
            good.trim_start_matches("sha1="),
            &good.replace("sha1", "sha256"),
            "sha1=!!!",
        ] {
            assert!(!holds(&secret(), header, body), "{header}");
        }
        assert!(!holds(&secret(), &good, b"\xff\xfe"));
    }

    proptest! {
        #[test]
        fn escaping_is_done_once(text in any::<String>()) {
            let json = Value::from(text).to_string();
            let once = escaped(&json);
            prop_assert_eq!(escaped(&once), once.clone());
            let back: Value = serde_json::from_str(&once).unwrap();
            prop_assert_eq!(back, serde_json::from_str::<Value>(&json).unwrap());
        }

        #[test]
        fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..300), header in any::<String>()) {
            let _ = holds(&secret(), &header, &body);
        }
    }
}
