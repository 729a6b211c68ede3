//! The settings as they stand in a connector's file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Strictness;
use crate::config::SecretReference;
use crate::platform::rest::auth::ClientPlace;

/// The `[settings]` of a REST connector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The OpenAPI description: a file or directory, relative to the config directory, or its very text.
    pub(super) document: String,
    /// Where the API answers, if not where the description says.
    #[serde(default)]
    pub(super) base_url: Option<String>,
    /// The operation that reads a record.
    pub(super) record_fetch: String,
    /// The operation that describes a record's fields.
    #[serde(default)]
    pub(super) record_metadata: Option<String>,
    /// The operation that creates a record.
    #[serde(default)]
    pub(super) record_create: Option<String>,
    /// The operation that changes a record.
    #[serde(default)]
    pub(super) record_update: Option<String>,
    /// The operation that attaches a file.
    #[serde(default)]
    pub(super) attachment_upload: Option<String>,
    /// The operation that lists records.
    #[serde(default)]
    pub(super) record_list: Option<String>,
    /// The parameter that holds the record's id.
    #[serde(default)]
    pub(super) id_parameter: Option<String>,
    /// Values of other parameters, by name.
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, toml::Value>,
    /// Where in an answer the record is.
    #[serde(default)]
    pub(super) envelope: Option<String>,
    /// Where in a request the record goes.
    #[serde(default)]
    pub(super) request_envelope: Option<String>,
    /// The record's id, within the record.
    #[serde(default)]
    pub(super) id_field: Option<String>,
    /// What to call the record.
    #[serde(default)]
    pub(super) label_field: Option<String>,
    /// When it last changed.
    #[serde(default)]
    pub(super) changed_at_field: Option<String>,
    /// The field that holds our marker.
    #[serde(default)]
    pub(super) marker_field: Option<String>,
    /// The list operation's parameter that filters by the marker.
    #[serde(default)]
    pub(super) marker_parameter: Option<String>,
    /// The list operation's parameter that filters by the time of change.
    #[serde(default)]
    pub(super) since_parameter: Option<String>,
    /// The name of the upload's part or property that holds the file.
    #[serde(default)]
    pub(super) attachment_field: Option<String>,
    /// The largest file that is sent, in bytes.
    #[serde(default)]
    pub(super) attachment_limit: Option<u64>,
    /// A well filled record.
    #[serde(default)]
    pub(super) template_record_id: Option<Word>,
    /// The field that says which records are wanted.
    #[serde(default)]
    pub(super) trigger_on_field: Option<String>,
    /// Its values, any of which will do.
    #[serde(default)]
    pub(super) trigger_on_values: Vec<Word>,
    /// Where a person opens a record; `{record}` is its id.
    #[serde(default)]
    pub(super) record_page: Option<String>,
    /// Whether requests are held against the description.
    #[serde(default)]
    pub(super) validate_requests: Strictness,
    /// Which of the credentials below are sent. Default: all that are set.
    #[serde(default)]
    pub(super) authentication: Option<Ways>,
    #[serde(default)]
    pub(super) username: Option<String>,
    #[serde(default)]
    pub(super) password: Option<SecretReference>,
    #[serde(default)]
    pub(super) bearer_token: Option<SecretReference>,
    #[serde(default)]
    pub(super) api_key: Option<SecretReference>,
    /// `header`, `query` or `cookie`.
    #[serde(default)]
    pub(super) api_key_in: Option<KeyIn>,
    /// The header's, parameter's or cookie's name.
    #[serde(default)]
    pub(super) api_key_name: Option<String>,
    #[serde(default)]
    pub(super) client_id: Option<String>,
    #[serde(default)]
    pub(super) client_secret: Option<SecretReference>,
    #[serde(default)]
    pub(super) token_url: Option<String>,
    #[serde(default)]
    pub(super) scope: Option<String>,
    /// A refresh token to begin with, where the grant is not that of client credentials.
    #[serde(default)]
    pub(super) refresh_token: Option<SecretReference>,
    /// Where the client's own credentials go when a token is asked for.
    #[serde(default)]
    pub(super) client_credentials_in: ClientPlace,
    /// Headers that go with every call.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, SecretReference>,
    /// Where in a trigger's body the record's id is.
    #[serde(default)]
    pub(super) trigger_id_field: Option<String>,
    /// A secret that triggers prove to know.
    #[serde(default)]
    pub(super) trigger_secret: Option<SecretReference>,
    /// The header that carries it as it is.
    #[serde(default)]
    pub(super) trigger_secret_header: Option<String>,
    /// The header that carries an HMAC-SHA256 of the body made with it.
    #[serde(default)]
    pub(super) trigger_signature_header: Option<String>,
    /// The header that tells one delivery from another.
    #[serde(default)]
    pub(super) trigger_delivery_header: Option<String>,
    /// The status that triggers are answered with.
    #[serde(default)]
    pub(super) trigger_accepted_status: Option<u16>,
}

/// A text or a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Word {
    Number(i64),
    Text(String),
}

impl Word {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.trim().to_owned(),
        }
    }
}

/// A way to prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    None,
    Basic,
    Bearer,
    ApiKey,
    Oauth2,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Ways {
    One(Way),
    Several(Vec<Way>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeyIn {
    Header,
    Query,
    Cookie,
}
