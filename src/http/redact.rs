//! Taking secrets out of whatever is shown or stored.

use std::sync::Arc;

/// Knows what must not be shown: the values of secrets, and the names under which secrets travel.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Arc<[String]>,
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

impl Redactor {
    /// A redactor that also hides these values wherever they appear. Values under 4 characters are left out:
    /// hiding them would hide half of everything.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= 4)
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self {
            secrets: secrets.into(),
        }
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
        let mut shown = text.to_owned();
        for secret in self.secrets.iter() {
            if shown.contains(secret.as_str()) {
                shown = shown.replace(secret.as_str(), HIDDEN);
            }
        }
        hide_parameters(&hide_members(&shown))
    }
}

fn is_secret_name(name: &str) -> bool {
    SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str())
}

/// Hides the text values of JSON members with secret names, without parsing: a body may be cut short.
fn hide_members(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let after = &rest[start + 1..];
        let Some(length) = after.find('"') else { break };
        let name = &after[..length];
        let tail = &after[length + 1..];
        shown.push_str(&rest[..start + length + 2]);
        rest = tail;
        let value = tail.trim_start();
        if !is_secret_name(name) || !value.starts_with(':') {
            continue;
        }
        let value = value[1..].trim_start();
        let Some(inner) = value.strip_prefix('"') else {
            continue;
        };
        shown.push_str(":\"");
        shown.push_str(HIDDEN);
        rest = match end_of_text(inner) {
            Some(end) => {
                // Past the closing mark, or it would be taken for the beginning of a name.
                shown.push('"');
                inner.get(end + 1..).unwrap_or_default()
            }
            None => "",
        };
    }
    shown.push_str(rest);
    shown
}

/// Hides tokens in addresses that stand within a text, e.g. a list of registered callbacks.
fn hide_parameters(text: &str) -> String {
    const NAMES: [&str; 2] = ["client_token=", "access_token="];
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, name)) = NAMES
        .iter()
        .filter_map(|name| Some((rest.find(name)?, *name)))
        .min()
    {
        let (before, value) = rest.split_at(start + name.len());
        let end = value
            .find(|character: char| !(character.is_alphanumeric() || "._-%•".contains(character)));
        shown.push_str(before);
        shown.push_str(HIDDEN);
        rest = value.get(end.unwrap_or(value.len())..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
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
            format!(r#"{{"password":"{HIDDEN}", "name":"x", "note":"{HIDDEN}"}}"#)
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
    }
}
