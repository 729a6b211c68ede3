//! What can stand as a name, an address or a credential: nothing that could leave its place in a path, a query or a header.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::query::is_field_name;

/// The instance's name; the whole host or address is understood as well.
pub(super) fn instance(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    let rest = text.strip_prefix("https://").unwrap_or(&text);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let name = rest.strip_suffix(".service-now.com").unwrap_or(rest);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = (1..=63).contains(&name.len())
        && name.bytes().all(legal)
        && !name.starts_with('-')
        && !name.ends_with('-');
    let is_bare_url = rest == name && rest.len() != text.trim_end_matches('/').len();
    if is_label && !is_bare_url {
        Ok(name.to_owned())
    } else {
        Err(format!("`{text}` names no instance"))
    }
}

pub(super) fn root(base: &str) -> Result<String, String> {
    let base = base.trim().trim_end_matches('/');
    let url = Url::parse(base).map_err(|error| format!("`{base}` is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("`{base}` is no http or https address"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("it may hold neither credentials nor a query".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

pub(super) fn user_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    // A colon would end the user name of Basic authentication early, a caret a query.
    if text.is_empty() || text.contains([':', '^']) || text.chars().any(char::is_control) {
        return Err(format!("`{text}` is no user ID"));
    }
    Ok(text.to_owned())
}

pub(super) fn table_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_field_name(text) && !text.contains('.') && text.len() <= 80 {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no table's name"))
    }
}

pub(super) fn field_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_field_name(text) && !text.contains('.') {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no field's name"))
    }
}

pub(super) fn record_word(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() <= 40 && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is neither a number nor a sys_id"))
    }
}

pub(super) fn sendable(secret: &SecretString) -> Result<SecretString, String> {
    let text = secret.expose_secret().trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("it is empty or has characters that no credential has".to_owned());
    }
    Ok(text.into())
}

pub(super) fn extensions(names: &[String]) -> Vec<String> {
    let clean = |name: &String| name.trim().trim_start_matches('.').to_ascii_lowercase();
    names
        .iter()
        .map(clean)
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_named_in_each_usual_way() {
        for text in [
            "dev12345",
            "dev12345.service-now.com",
            " https://DEV12345.service-now.com/ ",
        ] {
            assert_eq!(instance(text).unwrap(), "dev12345", "{text}");
        }
        for text in [
            "",
            "https://dev12345",
            "a b",
            "dev.example.com",
            "-x",
            "http://dev12345.service-now.com",
            "a/b",
        ] {
            assert!(instance(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_that_could_leave_their_place_are_refused() {
        for name in ["incident", "wm_task", "u_field_visit", "x_acme_visit"] {
            assert!(table_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "Incident",
            "incident/..",
            "a.b",
            "incident?x=1",
            "incident^",
        ] {
            assert!(table_name(name).is_err(), "{name}");
        }
        assert!(root("https://user@host").is_err());
        assert!(root("ftp://host").is_err());
        assert_eq!(
            root("http://127.0.0.1:80/x/").unwrap(),
            "http://127.0.0.1/x"
        );
        assert!(record_word("INC0010111").is_ok());
        assert!(record_word("INC^x").is_err());
        assert!(user_name("a:b").is_err());
    }
}
