//! How a description says that callers prove who they are.

use serde::Serialize;
use serde_json::Value;

use super::problems::Problems;

/// A named way to prove who one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scheme {
    /// The name by which requirements mention it.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: SchemeKind,
}

/// The ways there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SchemeKind {
    /// User name and password.
    Basic,
    /// A token in the `Authorization` header.
    Bearer,
    /// A key in a header, a query parameter or a cookie.
    ApiKey {
        /// `header`, `query` or `cookie`.
        #[serde(rename = "in")]
        place: KeyPlace,
        /// The header's, parameter's or cookie's name.
        #[serde(rename = "key")]
        name: String,
    },
    /// OAuth 2.
    OAuth2 {
        /// The flows it offers.
        flows: Vec<Flow>,
    },
    /// `OpenID` Connect; its tokens are sent as bearer tokens.
    OpenIdConnect,
    /// One we don't know (mutual TLS, digest, …), by the description's own word.
    Other {
        /// The word.
        word: String,
    },
}

/// Where a key travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In a header.
    Header,
    /// In the query.
    Query,
    /// In a cookie.
    Cookie,
}

/// One of OAuth 2's flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// `client_credentials`, `authorization_code`, `implicit` or `password`.
    pub grant: &'static str,
    /// Where tokens come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// The scopes it knows.
    pub scopes: Vec<String>,
}

/// Schemes that are needed together; an empty one means that none is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// The schemes' names, each with the scopes it needs.
    pub schemes: Vec<(String, Vec<String>)>,
}

/// Reads the schemes of `securityDefinitions` or `components.securitySchemes`.
pub(super) fn schemes<'a>(
    named: impl Iterator<Item = (&'a String, &'a Value)>,
    problems: &mut Problems,
) -> Vec<Scheme> {
    let mut schemes = Vec::new();
    for (name, value) in named {
        match kind(value) {
            Some(kind) => {
                if let SchemeKind::Other { word } = &kind {
                    problems.note(format!(
                        "the security scheme {name} is of type {word}, which can't be used; headers of one's own can"
                    ));
                }
                schemes.push(Scheme {
                    name: name.clone(),
                    kind,
                });
            }
            None => problems.note(format!("the security scheme {name} has no type; left out")),
        }
    }
    schemes
}

fn kind(value: &Value) -> Option<SchemeKind> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    Some(match text("type")?.to_ascii_lowercase().as_str() {
        "basic" => SchemeKind::Basic,
        "http" => match text("scheme").unwrap_or("").to_ascii_lowercase().as_str() {
            "basic" => SchemeKind::Basic,
            "bearer" => SchemeKind::Bearer,
            other => SchemeKind::Other {
                word: format!("http {other}"),
            },
        },
        "apikey" => SchemeKind::ApiKey {
            place: match text("in")? {
                "query" => KeyPlace::Query,
                "cookie" => KeyPlace::Cookie,
                _ => KeyPlace::Header,
            },
            name: text("name")?.to_owned(),
        },
        "oauth2" => SchemeKind::OAuth2 {
            flows: flows(value),
        },
        "openidconnect" => SchemeKind::OpenIdConnect,
        other => SchemeKind::Other {
            word: other.to_owned(),
        },
    })
}

/// OAuth 2 flows: 2.0 has one beside the scheme, 3.x a member for each.
fn flows(value: &Value) -> Vec<Flow> {
    let flow = |grant: &'static str, value: &Value| Flow {
        grant,
        token_url: value
            .get("tokenUrl")
            .and_then(Value::as_str)
            .map(str::to_owned),
        scopes: value
            .get("scopes")
            .and_then(Value::as_object)
            .map(|scopes| scopes.keys().cloned().collect())
            .unwrap_or_default(),
    };
    let grant = |name: &str| match name {
        "application" | "clientCredentials" => Some("client_credentials"),
        "accessCode" | "authorizationCode" => Some("authorization_code"),
        "implicit" => Some("implicit"),
        "password" => Some("password"),
        _ => None,
    };
    if let Some(name) = value.get("flow").and_then(Value::as_str) {
        return grant(name)
            .map(|grant| flow(grant, value))
            .into_iter()
            .collect();
    }
    let several = value.get("flows").and_then(Value::as_object);
    let several = several.into_iter().flatten();
    several
        .filter_map(|(name, value)| grant(name).map(|grant| flow(grant, value)))
        .collect()
}

/// Reads a `security` member: any one of the requirements is enough.
pub(super) fn requirements(value: &Value) -> Option<Vec<Requirement>> {
    let one = |value: &Value| {
        let schemes = value.as_object().into_iter().flatten();
        let scopes = |value: &Value| {
            let scopes = value.as_array().into_iter().flatten();
            scopes
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        Requirement {
            schemes: schemes
                .map(|(name, value)| (name.clone(), scopes(value)))
                .collect(),
        }
    };
    Some(value.as_array()?.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let all = json!({
            "a": {"type": "basic"},
            "b": {"type": "http", "scheme": "Bearer"},
            "c": {"type": "apiKey", "in": "cookie", "name": "sid"},
            "d": {"type": "oauth2", "flow": "application", "tokenUrl": "https://x/t", "scopes": {"r": ""}},
            "e": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t"}, "implicit": {}}},
            "f": {"type": "mutualTLS"},
            "g": {"flow": "?"},
        });
        let mut problems = Problems::default();
        let found = schemes(all.as_object().unwrap().iter(), &mut problems);
        assert_eq!(found.len(), 6);
        assert_eq!(problems.into_texts().len(), 2);
        let SchemeKind::OAuth2 { flows } = &found[3].kind else {
            panic!("{found:?}")
        };
        assert_eq!(
            (flows[0].grant, flows[0].scopes.len()),
            ("client_credentials", 1)
        );
        let shown = serde_json::to_value(&found[2]).unwrap();
        assert_eq!(
            shown,
            json!({"name": "c", "type": "api_key", "in": "cookie", "key": "sid"})
        );
        let any = requirements(&json!([{"a": []}, {}])).unwrap();
        assert_eq!((any.len(), any[1].schemes.len()), (2, 0));
    }
}
