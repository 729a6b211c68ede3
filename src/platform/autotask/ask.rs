//! A request as we mean it: what, where, for what purpose, and the right it takes.

use http::Method;
use serde_json::Value;

/// What the API user's security level must allow, for saying what is missing (Admin › Resources/Users › Security Levels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To use the API at all.
    UseApi,
    /// To read tickets.
    ViewTickets,
    /// To create tickets.
    AddTickets,
    /// To change tickets.
    EditTickets,
    /// To read notes.
    ViewNotes,
    /// To write notes.
    AddNotes,
    /// To read files.
    ViewFiles,
    /// To write files.
    AddFiles,
    /// To keep service calls.
    Schedule,
    /// To keep time entries.
    TrackTime,
    /// To keep charges.
    Charge,
    /// To keep expenses.
    Expense,
    /// To read companies, locations, contacts and resources.
    ReadDirectory,
    /// To keep webhooks.
    KeepWebhooks,
}

impl Right {
    /// What to do when the right is missing.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::UseApi => {
                "Give the API user a security level of the type \"API User\" and see that the user is active (Admin › Resources/Users)."
            }
            Self::ViewTickets => {
                "Give the API user's security level Service Desk › Tickets: View All."
            }
            Self::AddTickets => "Give the API user's security level Service Desk › Tickets: Add.",
            Self::EditTickets => {
                "Give the API user's security level Service Desk › Tickets: Edit All."
            }
            Self::ViewNotes => {
                "Give the API user's security level Service Desk › Ticket Notes: View All."
            }
            Self::AddNotes => {
                "Give the API user's security level Service Desk › Ticket Notes: Add."
            }
            Self::ViewFiles => {
                "Give the API user's security level Service Desk › Attachments: View."
            }
            Self::AddFiles => "Give the API user's security level Service Desk › Attachments: Add.",
            Self::Schedule => {
                "Give the API user's security level Service Desk › Service Calls: View, Add and Edit."
            }
            Self::TrackTime => {
                "Give the API user's security level access to Time Entries (Contracts and Timesheets), and the right to enter time for the resource."
            }
            Self::Charge => {
                "Give the API user's security level Service Desk › Ticket Charges: View, Add and Edit."
            }
            Self::Expense => {
                "Give the API user's security level access to Expense Reports (Timesheets), and let the user submit expenses."
            }
            Self::ReadDirectory => {
                "Give the API user's security level CRM › Companies and Contacts: View All, and the view of Resources."
            }
            Self::KeepWebhooks => {
                "Give the API user's security level the right to create webhooks (Other › Webhooks)."
            }
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The method.
    pub(super) method: Method,
    /// The path under the zone's `V1.0/`.
    pub(super) path: String,
    /// The right it takes.
    pub(super) right: Right,
    /// What is tried, for people, e.g. `read ticket 12`.
    pub(super) deed: String,
    /// The body, if any.
    pub(super) body: Option<Value>,
}

impl Ask {
    pub(super) fn new(
        method: Method,
        path: impl Into<String>,
        right: Right,
        deed: impl Into<String>,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            right,
            deed: deed.into(),
            body: None,
        }
    }

    pub(super) fn get(path: impl Into<String>, right: Right, deed: impl Into<String>) -> Self {
        Self::new(Method::GET, path, right, deed)
    }

    /// A `POST …/query`, which is a reading.
    pub(super) fn query(
        entity: &str,
        filter: &Value,
        right: Right,
        deed: impl Into<String>,
    ) -> Self {
        Self::new(Method::POST, format!("{entity}/query"), right, deed)
            .json(serde_json::json!({ "filter": filter }))
    }

    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Whether it changes anything.
    pub(super) fn writes(&self) -> bool {
        self.method != Method::GET && !self.path.ends_with("/query")
    }

    /// The kind of object in whose address it goes: the vendor counts calls at once by it.
    pub(super) fn gate(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

/// One condition of a filter.
pub(super) fn condition(op: &str, field: &str, value: impl Into<Value>) -> Value {
    serde_json::json!({"op": op, "field": field, "value": value.into()})
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_is_a_reading_and_a_patch_is_not() {
        let query = Ask::query("Tickets", &json!([]), Right::ViewTickets, "x");
        assert!(!query.writes());
        assert_eq!(query.gate(), "Tickets");
        let note = Ask::new(Method::POST, "Tickets/7/Notes", Right::AddNotes, "x");
        assert!(note.writes());
        assert_eq!(note.gate(), "Tickets");
    }

    /// Every request that the adapter sends, as methods and paths of the vendor's description.
    const SENT: [(&str, &str); 33] = [
        ("get", "/V1.0/ThresholdInformation"),
        ("get", "/V1.0/Tickets/{id}"),
        ("post", "/V1.0/Tickets"),
        ("patch", "/V1.0/Tickets"),
        ("put", "/V1.0/Tickets"),
        ("post", "/V1.0/Tickets/query"),
        ("get", "/V1.0/Tickets/entityInformation"),
        ("get", "/V1.0/Tickets/entityInformation/fields"),
        ("get", "/V1.0/Tickets/entityInformation/userDefinedFields"),
        ("get", "/V1.0/Tickets/{parentId}/Notes"),
        ("post", "/V1.0/Tickets/{parentId}/Notes"),
        ("get", "/V1.0/TicketNotes/{id}"),
        ("get", "/V1.0/Tickets/{parentId}/Attachments"),
        ("post", "/V1.0/Tickets/{parentId}/Attachments"),
        ("get", "/V1.0/Tickets/{parentId}/Attachments/{id}"),
        ("get", "/V1.0/TicketAttachments/{id}"),
        ("get", "/V1.0/Tickets/{parentId}/Charges"),
        ("post", "/V1.0/Tickets/{parentId}/Charges"),
        ("patch", "/V1.0/Tickets/{parentId}/Charges"),
        ("get", "/V1.0/Companies/{id}"),
        ("get", "/V1.0/CompanyLocations/{id}"),
        ("get", "/V1.0/Contacts/{id}"),
        ("get", "/V1.0/Resources/{id}"),
        ("post", "/V1.0/Resources/query"),
        ("post", "/V1.0/ServiceCalls"),
        ("patch", "/V1.0/ServiceCalls"),
        ("post", "/V1.0/ServiceCalls/{parentId}/Tickets"),
        ("post", "/V1.0/ServiceCallTickets/{parentId}/Resources"),
        ("post", "/V1.0/TimeEntries"),
        ("patch", "/V1.0/TimeEntries"),
        ("post", "/V1.0/TicketWebhooks"),
        ("post", "/V1.0/TicketWebhooks/{parentId}/Fields"),
        (
            "post",
            "/V1.0/TicketNoteWebhooks/{parentId}/ExcludedResources",
        ),
    ];

    #[test]
    fn the_vendors_description_knows_every_request() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let Ok(text) = std::fs::read_to_string(format!("{shared}/openapi/autotask-subset.json"))
        else {
            println!("skipped: the API description is not here");
            return;
        };
        let description: Value = serde_json::from_str(&text).unwrap();
        for (method, path) in SENT {
            let found = &description["paths"][path][method];
            assert!(found.is_object(), "{method} {path}");
        }
    }
}
