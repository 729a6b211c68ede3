//! Taking secrets out of whatever is shown or stored.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Input, MatchKind};

/// Knows what must not be shown: the values of secrets, and the names under which secrets travel.
///
/// Every body that is journaled goes through here, so each is read once, however many secrets there are.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Secrets,
}

/// The values to hide, ready to be looked for.
#[derive(Clone, Debug, Default)]
enum Secrets {
    #[default]
    None,
    Some(Arc<AhoCorasick>),
    /// They are too large to be looked for, so nothing can be shown.
    Unsearchable,
}

/// What stands where a secret stood.
const HIDDEN: &str = "•••";

/// Headers that carry secrets, lower case.
const SECRET_HEADERS: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "secret",
    "username",
    "apiintegrationcode",
    "clientid",
    "x-api-key",
    "x-sn-apikey",
    "qb-user-token",
    "x-fn-signature",
];

/// Query parameters and JSON members that carry secrets, lower case.
const SECRET_NAMES: [&str; 15] = [
    "access_token",
    "refresh_token",
    "client_token",
    "client_secret",
    "password",
    "secret",
    "secretkey",
    "signing_key",
    "api_key",
    "apikey",
    "token",
    "id_token",
    "assertion",
    "client_assertion",
    "sharedsecret",
];

/// Parameters of addresses that stand within a text, e.g. in a list of registered callbacks.
const SECRET_PARAMETERS: [&str; 2] = ["client_token=", "access_token="];

/// The JSON members with secret names, then the parameters.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let members = SECRET_NAMES.iter().map(|name| format!("\"{name}\""));
    let parameters = SECRET_PARAMETERS.map(str::to_owned);
    automaton()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(members.chain(parameters))
        .ok()
});

/// Finds whichever of these comes first, the longest of those that begin there.
fn automaton() -> AhoCorasickBuilder {
    let mut builder = AhoCorasickBuilder::new();
    builder
        .match_kind(MatchKind::LeftmostLongest)
        // JSON is full of the bytes that a prefilter would stop at.
        .prefilter(false);
    builder
}

impl Redactor {
    /// A redactor that also hides these values wherever they appear. Values under 4 characters are left out:
    /// hiding them would hide half of everything.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let secrets: Vec<String> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= 4)
            .collect();
        let secrets = match automaton().build(&secrets) {
            _ if secrets.is_empty() => Secrets::None,
            Ok(automaton) => Secrets::Some(Arc::new(automaton)),
            Err(_) => Secrets::Unsearchable,
        };
        Self { secrets }
    }

    /// A header's value as it may be shown.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> String {
        if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            HIDDEN.to_owned()
        } else {
            self.text(value)
        }
    }

    /// An address as it may be shown: without user info, and without the values of secret parameters.
    #[must_use]
    pub fn url(&self, address: &str) -> String {
        let Ok(mut url) = url::Url::parse(address) else {
            return self.text(address);
        };
        if url.password().is_some() || !url.username().is_empty() {
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let Some(query) = url.query() else {
            return self.text(url.as_str());
        };
        let shown: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) if is_secret_name(name) => format!("{name}={HIDDEN}"),
                _ => pair.to_owned(),
            })
            .collect();
        url.set_query(None);
        self.text(&format!("{url}?{}", shown.join("&")))
    }

    /// A body or other text as it may be shown: known secrets, and the values of members with secret names.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let text = match &self.secrets {
            Secrets::Some(secrets) if secrets.is_match(text) => {
                let hidden = vec![HIDDEN; secrets.patterns_len()];
                Cow::Owned(secrets.replace_all(text, &hidden))
            }
            Secrets::None | Secrets::Some(_) => Cow::Borrowed(text),
            Secrets::Unsearchable => return HIDDEN.to_owned(),
        };
        hide_named(&text)
    }
}

fn is_secret_name(name: &str) -> bool {
    let mut names = SECRET_NAMES.iter();
    names.any(|secret| secret.eq_ignore_ascii_case(name))
}

/// Hides what stands behind secret names, without parsing: a body may be cut short.
fn hide_named(text: &str) -> String {
    let Some(marks) = MARKS.as_ref() else {
        // Not with the names above; but nothing shown is better than everything.
        return HIDDEN.to_owned();
    };
    let mut shown = String::with_capacity(text.len());
    let (mut copied, mut from) = (0, 0);
    while let Some(mark) = marks.find(Input::new(text).span(from..text.len())) {
        from = mark.end();
        let is_member = mark.pattern().as_usize() < SECRET_NAMES.len();
        let value = if is_member {
            member_value(text, from)
        } else {
            Some(parameter_value(text, from))
        };
        if let Some(value) = value {
            shown.push_str(text.get(copied..value.start).unwrap_or_default());
            shown.push_str(HIDDEN);
            copied = value.end;
            from = value.end;
        }
    }
    shown.push_str(text.get(copied..).unwrap_or_default());
    shown
}

/// The text value of the JSON member whose name ends here, without its quotation marks; what is cut short
/// goes on to the end.
fn member_value(text: &str, name_end: usize) -> Option<Range<usize>> {
    let rest = text.get(name_end..)?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let inner = value.strip_prefix('"')?;
    let start = text.len() - inner.len();
    let length = end_of_text(inner).unwrap_or(inner.len());
    Some(start..start + length)
}

/// The value of the address parameter that begins here.
fn parameter_value(text: &str, start: usize) -> Range<usize> {
    let value = text.get(start..).unwrap_or_default();
    let end =
        value.find(|character: char| !(character.is_alphanumeric() || "._-%•".contains(character)));
    start..start + end.unwrap_or(value.len())
}

/// Where the closing quotation mark of a JSON text stands.
fn end_of_text(inner: &str) -> Option<usize> {
    let mut escaped = false;
    for (place, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(place),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_travel() {
        let redactor = Redactor::new(["hunter22-fake".to_owned()]);
        assert_eq!(redactor.header("Authorization", "Basic abc"), HIDDEN);
        assert_eq!(
            redactor.url("https://u:p@host/x?access_token=abc&page=2"),
            format!("https://host/x?access_token={HIDDEN}&page=2")
        );
        assert_eq!(
            redactor.text(r#"{"password": "a\"b", "name":"x", "note":"hunter22-fake"}"#),
            format!(r#"{{"password": "{HIDDEN}", "name":"x", "note":"{HIDDEN}"}}"#)
        );
    }

    #[test]
    fn every_secret_of_a_body_is_hidden_not_only_the_first() {
        let redactor = Redactor::default();
        let shown = redactor.text(
            r#"{"access_token":"aaa-fake","refresh_token":"bbb-fake","scope":"x","password":"ccc-fake"}"#,
        );
        for secret in ["aaa-fake", "bbb-fake", "ccc-fake"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains(r#""scope":"x""#), "{shown}");
    }

    #[test]
    fn tokens_in_addresses_within_a_text_are_hidden() {
        let redactor = Redactor::default();
        let shown = redactor.text(
            r#"[{"url":"https://h/in?client_token=ey.fake-1_2&id="},{"url":"x?client_token=b"}]"#,
        );
        assert_eq!(
            shown,
            format!(
                r#"[{{"url":"https://h/in?client_token={HIDDEN}&id="}},{{"url":"x?client_token={HIDDEN}"}}]"#
            )
        );
    }

    #[test]
    fn a_body_cut_short_is_hidden_to_its_end() {
        let redactor = Redactor::default();
        assert_eq!(
            redactor.text(r#"{"client_secret":"abcd"#),
            format!(r#"{{"client_secret":"{HIDDEN}"#)
        );
        assert_eq!(redactor.text("plain \" text"), "plain \" text");
        assert_eq!(redactor.text(r#"{"password""#), r#"{"password""#);
    }
}
