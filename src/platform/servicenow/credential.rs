//! How calls sign in.

use secrecy::{ExposeSecret, SecretString};

/// How each call signs in.
#[derive(Debug)]
pub(super) enum Credential {
    /// `Authorization: Basic`.
    Basic { password: SecretString },
    /// A bearer token by the resource owner's password.
    OauthPassword {
        client: OauthClient,
        password: SecretString,
    },
    /// A bearer token by the application's own name.
    ClientCredentials { client: OauthClient },
    /// The header `x-sn-apikey`.
    ApiKey { key: SecretString },
}

/// An entry of the instance's application registry.
#[derive(Debug)]
pub(super) struct OauthClient {
    pub(super) id: SecretString,
    pub(super) secret: SecretString,
}

impl Credential {
    /// Everything that must never be shown.
    pub(super) fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::Basic { password } => vec![password],
            Self::OauthPassword { client, password } => vec![&client.secret, password],
            Self::ClientCredentials { client } => vec![&client.secret],
            Self::ApiKey { key } => vec![key],
        }
    }

    /// What tells the account that signs in from others.
    pub(super) fn identity<'a>(&'a self, root: &'a str, user: &'a str) -> Vec<&'a str> {
        let who = match self {
            Self::Basic { .. } => "",
            Self::OauthPassword { client, .. } | Self::ClientCredentials { client } => {
                client.id.expose_secret()
            }
            Self::ApiKey { key } => key.expose_secret(),
        };
        vec![root, user, who]
    }

    /// What people call it.
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "Basic authentication",
            Self::OauthPassword { .. } => "OAuth, password grant",
            Self::ClientCredentials { .. } => "OAuth, client credentials grant",
            Self::ApiKey { .. } => "API key",
        }
    }
}
