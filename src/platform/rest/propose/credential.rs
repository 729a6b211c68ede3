//! The ways in that a description knows, as settings of a connector.

use super::text::FileText;
use crate::model::ConnectorId;
use crate::openapi::{Document, Flow, KeyPlace, Scheme, SchemeKind};

/// A security scheme that a connector can use.
#[derive(Clone, Debug)]
pub(super) struct Credential<'a> {
    pub(super) scheme: &'a Scheme,
    way: Way<'a>,
}

#[derive(Clone, Debug)]
enum Way<'a> {
    Basic,
    Bearer,
    Key(KeyPlace, &'a str),
    /// The client itself is let in.
    Client(&'a Flow),
    /// A person obtains a token once, which is renewed from then on.
    Refresh(&'a Flow),
}

/// What stands where a person must write something.
pub(super) const CHANGE_ME: &str = "CHANGE ME";

impl<'a> Credential<'a> {
    /// The ways in that can be used, in the description's order.
    pub(super) fn all(document: &'a Document) -> Vec<Self> {
        let usable = |scheme: &'a Scheme| {
            let way = way(&scheme.kind)?;
            Some(Self { scheme, way })
        };
        document.schemes.iter().filter_map(usable).collect()
    }

    /// In a few words.
    pub(super) fn words(&self) -> String {
        match &self.way {
            Way::Basic => "user name and password".to_owned(),
            Way::Bearer => "a bearer token".to_owned(),
            Way::Key(place, name) => format!("a key in the {} {name}", place_word(*place)),
            Way::Client(_) => "OAuth 2, client credentials".to_owned(),
            Way::Refresh(_) => "OAuth 2, a refresh token to begin with".to_owned(),
        }
    }

    /// What the account is called, where there is one.
    pub(super) fn account(&self) -> Option<&'static str> {
        match self.way {
            Way::Basic => Some("user name"),
            Way::Client(_) | Way::Refresh(_) => Some("client id"),
            Way::Bearer | Way::Key(..) => None,
        }
    }

    /// The settings that hold secrets, each with the name that its secret is kept by.
    pub(super) fn secrets(&self, id: &ConnectorId) -> Vec<(&'static str, String)> {
        let named = |key, name: &str| (key, format!("{id}-{name}"));
        match self.way {
            Way::Basic => vec![named("password", "password")],
            Way::Bearer => vec![named("bearer_token", "token")],
            Way::Key(..) => vec![named("api_key", "api-key")],
            Way::Client(_) => vec![named("client_secret", "client-secret")],
            Way::Refresh(_) => vec![
                named("client_secret", "client-secret"),
                named("refresh_token", "refresh-token"),
            ],
        }
    }

    /// Writes the settings.
    pub(super) fn write(
        &self,
        text: &mut FileText,
        document: &Document,
        id: &ConnectorId,
        account: Option<&str>,
    ) {
        let account = account.unwrap_or(CHANGE_ME);
        match self.way {
            Way::Basic => text.set_text("username", account),
            Way::Client(flow) | Way::Refresh(flow) => {
                text.set_text("client_id", account);
                let several = || kinds(document, |kind| matches!(kind, SchemeKind::OAuth2 { .. }));
                if let Some(url) = flow.token_url.as_ref().filter(|_| several() > 1) {
                    text.set_text("token_url", url);
                }
            }
            Way::Key(place, name) => {
                // Without these, the key goes where the first scheme of the kind says.
                if kinds(document, |kind| matches!(kind, SchemeKind::ApiKey { .. })) > 1 {
                    text.set_text("api_key_in", place_word(place));
                    text.set_text("api_key_name", name);
                }
            }
            Way::Bearer => {}
        }
        for (key, name) in self.secrets(id) {
            text.set_secret(key, &name);
        }
    }
}

fn way(kind: &SchemeKind) -> Option<Way<'_>> {
    Some(match kind {
        SchemeKind::Basic => Way::Basic,
        SchemeKind::Bearer | SchemeKind::OpenIdConnect => Way::Bearer,
        SchemeKind::ApiKey { place, name } => Way::Key(*place, name),
        SchemeKind::OAuth2 { flows } => {
            let of = |grant: &str| flows.iter().find(|flow| flow.grant == grant);
            match of("client_credentials") {
                Some(flow) => Way::Client(flow),
                None => Way::Refresh(of("authorization_code").or_else(|| of("password"))?),
            }
        }
        SchemeKind::Other { .. } => return None,
    })
}

fn place_word(place: KeyPlace) -> &'static str {
    match place {
        KeyPlace::Header => "header",
        KeyPlace::Query => "query",
        KeyPlace::Cookie => "cookie",
    }
}

fn kinds(document: &Document, wanted: impl Fn(&SchemeKind) -> bool) -> usize {
    let schemes = document.schemes.iter();
    schemes.filter(|scheme| wanted(&scheme.kind)).count()
}
