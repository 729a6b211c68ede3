//! Every request that we can send, and the right it takes.
//!
//! Paths and bodies are those of the vendor's JSON REST API, version 1.

use http::Method;
use url::Url;

use crate::http::Request;

/// What the token's user must be allowed to do, for saying what is missing. Quickbase gives rights by role: to an
/// app as a whole, to each table, and to each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To use the app at all: the token must be assigned to it, and its user have a role in it.
    UseTheApp,
    /// To see which fields a table has.
    SeeFields,
    /// To view records.
    ViewRecords,
    /// To add and modify records.
    WriteRecords,
    /// To run a formula, which tells us who we are.
    RunFormulas,
}

impl Right {
    /// What to do when the right is missing.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::UseTheApp => {
                "Assign the user token to this app (My Preferences › Manage my user tokens › the token › Assign to app) and give its user a role in the app."
            }
            Self::SeeFields => {
                "Give the token's user a role that may view this table (App settings › Roles › the role › Permissions), and check that the table belongs to an app to which the token is assigned."
            }
            Self::ViewRecords => {
                "Give the token's user a role with View = All records on this table, and view access to the fields that are mapped (App settings › Roles › the role › Permissions)."
            }
            Self::WriteRecords => {
                "Give the token's user a role with Add and Modify on this table, and modify access to the fields that are written (App settings › Roles › the role › Permissions › Fields)."
            }
            Self::RunFormulas => {
                "Nothing to do: without it our own entries are recognised from our first write on."
            }
        }
    }
}

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The method.
    pub(super) method: Method,
    /// The path under the root; `{…}` stands for an id.
    pub(super) path: &'static str,
    /// The right it takes.
    pub(super) right: Right,
}

impl Endpoint {
    /// A request to this endpoint, its ids filled in from left to right.
    pub(super) fn request(&self, root: &Url, ids: &[&str]) -> Request {
        let mut ids = ids.iter();
        let parts = self.path.split('/').map(|part| {
            if part.starts_with('{') {
                ids.next().copied().unwrap_or(part)
            } else {
                part
            }
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let address = format!("{}{path}", root.as_str().trim_end_matches('/'));
        Request::new(self.method.clone(), address)
    }

    /// Whether a call may change something. Queries are a `POST` too.
    pub(super) fn writes(&self) -> bool {
        self.right == Right::WriteRecords
    }
}

macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident = $method:ident $path:literal, $right:ident;)*) => {
        $($(#[$doc])* pub(super) const $name: Endpoint =
            Endpoint { method: Method::$method, path: $path, right: Right::$right };)*

        #[cfg(test)]
        const ALL: &[Endpoint] = &[$($name),*];
    };
}

endpoints! {
    /// An app.
    APP = GET "/apps/{appId}", UseTheApp;
    /// The fields of a table.
    FIELDS = GET "/fields", SeeFields;
    /// Reads records.
    QUERY = POST "/records/query", ViewRecords;
    /// Adds and changes records.
    UPSERT = POST "/records", WriteRecords;
    /// A file, as base64 text.
    FILE = GET "/files/{tableId}/{recordId}/{fieldId}/{versionNumber}", ViewRecords;
    /// Runs a formula.
    FORMULA = POST "/formula/run", RunFormulas;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_description_knows_every_request() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let Ok(text) = std::fs::read_to_string(format!("{shared}/openapi/quickbase.json")) else {
            println!("skipped: the API description is not here");
            return;
        };
        let described: serde_json::Value = serde_json::from_str(&text).unwrap();
        for endpoint in ALL {
            let method = endpoint.method.as_str().to_lowercase();
            assert!(
                described["paths"][endpoint.path][&method].is_object(),
                "{}",
                endpoint.path
            );
        }
    }

    #[test]
    fn a_request_carries_the_ids() {
        let root = Url::parse("https://api.quickbase.com/v1").unwrap();
        assert_eq!(
            FILE.request(&root, &["bck7gp3q2", "1", "7", "2"]).url,
            "https://api.quickbase.com/v1/files/bck7gp3q2/1/7/2"
        );
        assert_eq!(
            QUERY.request(&root, &[]).url,
            "https://api.quickbase.com/v1/records/query"
        );
    }

    #[test]
    fn only_the_upsert_writes() {
        let writing: Vec<_> = ALL.iter().filter(|endpoint| endpoint.writes()).collect();
        assert_eq!(writing, [&UPSERT]);
    }
}
