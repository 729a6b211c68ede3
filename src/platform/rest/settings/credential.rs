//! The ways to prove who we are that settings name, completed by what the description says.

use std::sync::Arc;

use super::file::{File, KeyIn, Way, Ways};
use super::problems::Problems;
use crate::http::RefreshToken;
use crate::openapi::{Document, Flow, KeyPlace, SchemeKind};
use crate::platform::rest::auth::{Authentication, Grant, KeyAt, OAuth};

/// The credentials that are to be sent.
pub(super) fn authentication(
    file: &File,
    document: Option<&Document>,
    problems: &mut Problems<'_>,
) -> Authentication {
    let chosen = |way: Way, is_set: bool| match &file.authentication {
        None => is_set,
        Some(Ways::One(one)) => *one == way,
        Some(Ways::Several(several)) => several.contains(&way),
    };
    let mut authentication = Authentication::default();
    if chosen(Way::Basic, file.username.is_some()) {
        let password = problems.secret("password", file.password.as_ref());
        match &file.username {
            Some(username) => {
                let password = password.unwrap_or_else(|| String::new().into());
                authentication.basic = Some((username.clone(), password));
            }
            None => problems.note("username", "it is not set", "Basic authentication needs it"),
        }
    }
    if chosen(Way::Bearer, file.bearer_token.is_some()) {
        authentication.bearer = problems.secret("bearer_token", file.bearer_token.as_ref());
        if file.bearer_token.is_none() {
            problems.note(
                "bearer_token",
                "it is not set",
                "bearer authentication needs it",
            );
        }
    }
    if chosen(Way::ApiKey, file.api_key.is_some()) {
        let key = problems.secret("api_key", file.api_key.as_ref());
        let at = key_at(file, document);
        if file.api_key.is_none() {
            problems.note("api_key", "it is not set", "authentication by key needs it");
        }
        if at.is_none() {
            problems.note(
                "api_key_name",
                "the description does not say where the key goes",
                "set api_key_in and api_key_name",
            );
        }
        authentication.key = at.zip(key);
    }
    if chosen(Way::Oauth2, file.client_id.is_some()) {
        authentication.oauth = oauth(file, document, problems);
    }
    let in_header = [
        authentication.basic.is_some(),
        authentication.bearer.is_some(),
        authentication.oauth.is_some(),
    ];
    if in_header.iter().filter(|set| **set).count() > 1 {
        problems.note(
            "authentication",
            "only one of Basic, bearer and OAuth 2 can be sent",
            "say which, e.g. authentication = \"bearer\"",
        );
    }
    authentication
}

/// Where the key goes: as set, else as the description's first scheme of that kind says.
pub(super) fn key_at(file: &File, document: Option<&Document>) -> Option<KeyAt> {
    let described = document.and_then(|document| {
        document
            .schemes
            .iter()
            .find_map(|scheme| match &scheme.kind {
                SchemeKind::ApiKey { place, name } => Some((*place, name.clone())),
                _ => None,
            })
    });
    let place = file.api_key_in.map(|place| match place {
        KeyIn::Header => KeyPlace::Header,
        KeyIn::Query => KeyPlace::Query,
        KeyIn::Cookie => KeyPlace::Cookie,
    });
    let (described_place, described_name) = described.unzip();
    Some(KeyAt {
        place: place.or(described_place).unwrap_or(KeyPlace::Header),
        name: file.api_key_name.clone().or(described_name)?,
    })
}

pub(super) fn oauth(
    file: &File,
    document: Option<&Document>,
    problems: &mut Problems<'_>,
) -> Option<OAuth> {
    let flows = document.into_iter().flat_map(|document| &document.schemes);
    let flows = flows.filter_map(|scheme| match &scheme.kind {
        SchemeKind::OAuth2 { flows } => Some(flows),
        _ => None,
    });
    let flows: Vec<&Flow> = flows.flatten().collect();
    let refresh = problems.secret("refresh_token", file.refresh_token.as_ref());
    let wanted = if refresh.is_some() {
        "authorization_code"
    } else {
        "client_credentials"
    };
    let with_url = || flows.iter().filter(|flow| flow.token_url.is_some());
    let described = with_url()
        .find(|flow| flow.grant == wanted)
        .or_else(|| with_url().next())
        .and_then(|flow| flow.token_url.clone());
    let token_url = file.token_url.clone().or(described);
    if token_url.is_none() {
        problems.note(
            "token_url",
            "the description does not say where tokens come from",
            "set token_url",
        );
    }
    let secret = problems.secret("client_secret", file.client_secret.as_ref());
    let Some(client_id) = file.client_id.clone() else {
        problems.note("client_id", "it is not set", "OAuth 2 needs it");
        return None;
    };
    Some(OAuth {
        token_url: token_url?,
        client_id,
        client_secret: secret,
        scope: file.scope.clone(),
        grant: refresh.map_or(Grant::ClientCredentials, |token| {
            let keeper = Arc::clone(&problems.setup.tokens);
            Grant::Refresh(RefreshToken::new(token, keeper))
        }),
        place: file.client_credentials_in,
    })
}
