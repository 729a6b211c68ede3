//! Where a description says that its API answers.

use serde_json::Value;
use url::Url;

/// The addresses of a `servers` member, variables replaced by their defaults, without a slash at the end.
pub(super) fn of_list(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    let address = |server: &Value| {
        let mut address = server.get("url")?.as_str()?.to_owned();
        let variables = server.get("variables").and_then(Value::as_object);
        for (name, variable) in variables.into_iter().flatten() {
            let default = match variable.get("default") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                _ => continue,
            };
            address = address.replace(&format!("{{{name}}}"), &default);
        }
        Some(address.trim_end_matches('/').to_owned())
    };
    list.filter_map(address).collect()
}

/// The addresses that 2.0 spells as `schemes`, `host` and `basePath`. The host may hold a path, against the
/// rules (Quickbase's own does).
pub(super) fn of_host(root: &Value) -> Vec<String> {
    let text = |name: &str| root.get(name).and_then(Value::as_str);
    let path = text("basePath").unwrap_or("").trim_matches('/');
    let joint = if path.is_empty() { "" } else { "/" };
    let Some(host) = text("host") else {
        return if path.is_empty() {
            Vec::new()
        } else {
            vec![format!("/{path}")]
        };
    };
    let host = host.trim_end_matches('/');
    let schemes = root.get("schemes").and_then(Value::as_array);
    let mut schemes: Vec<&str> = schemes
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if schemes.is_empty() {
        schemes.push("https");
    }
    // Encrypted first: it is the one to be proposed.
    schemes.sort_by_key(|scheme| *scheme != "https");
    schemes
        .iter()
        .map(|scheme| format!("{scheme}://{host}{joint}{path}"))
        .collect()
}

/// The path below the host that an address stands for, without a slash at the end; for a relative address, itself.
pub(super) fn base_path(address: &str) -> String {
    let path = match Url::parse(address) {
        Ok(url) => url.path().to_owned(),
        Err(_) => address.to_owned(),
    };
    let path = path.trim_matches('/');
    if path.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_made_whole() {
        let servers = json!([{"url": "https://{a}.x/v{n}/", "variables": {"a": {"default": "acme"}, "n": {"default": 2}}}, {"url": "/api"}, {}]);
        assert_eq!(of_list(Some(&servers)), ["https://acme.x/v2", "/api"]);
        let host =
            json!({"host": "api.quickbase.com/v1", "basePath": "/", "schemes": ["http", "https"]});
        assert_eq!(
            of_host(&host),
            [
                "https://api.quickbase.com/v1",
                "http://api.quickbase.com/v1"
            ]
        );
        assert_eq!(of_host(&json!({"basePath": "/v1"})), ["/v1"]);
        assert_eq!(base_path("https://h/v1/"), "/v1");
        assert_eq!(base_path("https://h"), "");
    }
}
