//! Every request that we can send, and the right it takes.

use http::Method;
use url::Url;

use crate::http::Request;

/// What an agent must be allowed to do, for saying what is missing. All agents may read the tickets in their
/// scope and add private notes; the rest depends on roles (Freshdesk's own guide to custom roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To be an active agent at all.
    BeAnAgent,
    /// To see the ticket.
    SeeTickets,
    /// To read contacts and companies.
    SeeContacts,
    /// To create tickets.
    CreateTickets,
    /// To edit ticket properties.
    EditTickets,
    /// To write notes.
    WriteNotes,
    /// To track time.
    TrackTime,
    /// To administer ticket fields.
    AdministerFields,
}

impl Right {
    /// What to do when the right is missing.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::BeAnAgent => {
                "Check that the API key belongs to an active agent (Admin › Team › Agents) and that the account is not suspended."
            }
            Self::SeeTickets => {
                "Give the agent of the API key the ticket scope \"Global\" (Admin › Team › Agents), or make it a member of the ticket's group."
            }
            Self::SeeContacts => {
                "Give the agent of the API key a role that may view contacts and companies (Admin › Team › Roles › Customers)."
            }
            Self::CreateTickets => {
                "Give the agent of the API key a role that may create tickets (Admin › Team › Roles › Tickets)."
            }
            Self::EditTickets => {
                "Give the agent of the API key a role that may edit ticket properties (Admin › Team › Roles › Tickets)."
            }
            Self::WriteNotes => {
                "Give the agent of the API key a role that may reply to tickets and add notes (Admin › Team › Roles › Tickets); writing in another agent's name (note_author_id) needs more than that."
            }
            Self::TrackTime => {
                "Give the agent of the API key a role that may edit time entries (Admin › Team › Roles › Tickets), and check that the plan has time tracking."
            }
            Self::AdministerFields => {
                "Only roles that administer ticket fields may read this; nothing but the names of dependent fields needs it."
            }
        }
    }
}

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The method.
    pub(super) method: Method,
    /// The path under the root; `{id}` stands for a number.
    pub(super) path: &'static str,
    /// The right it takes.
    pub(super) right: Right,
}

impl Endpoint {
    /// A request to this endpoint.
    pub(super) fn request(&self, root: &Url) -> Request {
        Request::new(self.method.clone(), format!("{root}{}", self.path))
    }

    /// A request to this endpoint for the object of a number.
    pub(super) fn request_for(&self, root: &Url, id: u64) -> Request {
        let path = self.path.replace("{id}", &id.to_string());
        Request::new(self.method.clone(), format!("{root}{path}"))
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
    /// The agent whose key we use.
    ME = GET "/agents/me", BeAnAgent;
    /// Lists tickets.
    LIST_TICKETS = GET "/tickets", SeeTickets;
    /// Creates a ticket.
    CREATE_TICKET = POST "/tickets", CreateTickets;
    /// Reads a ticket.
    READ_TICKET = GET "/tickets/{id}", SeeTickets;
    /// Changes the given fields of a ticket.
    UPDATE_TICKET = PUT "/tickets/{id}", EditTickets;
    /// Lists a ticket's replies and notes.
    LIST_CONVERSATIONS = GET "/tickets/{id}/conversations", SeeTickets;
    /// Adds a note.
    ADD_NOTE = POST "/tickets/{id}/notes", WriteNotes;
    /// Lists a ticket's time entries.
    LIST_TIME_ENTRIES = GET "/tickets/{id}/time_entries", TrackTime;
    /// Adds a time entry.
    ADD_TIME_ENTRY = POST "/tickets/{id}/time_entries", TrackTime;
    /// Changes a time entry.
    UPDATE_TIME_ENTRY = PUT "/time_entries/{id}", TrackTime;
    /// Searches tickets.
    SEARCH_TICKETS = GET "/search/tickets", SeeTickets;
    /// Reads a contact.
    READ_CONTACT = GET "/contacts/{id}", SeeContacts;
    /// Reads a company.
    READ_COMPANY = GET "/companies/{id}", SeeContacts;
    /// Describes the fields of tickets.
    TICKET_FIELDS = GET "/ticket_fields", SeeTickets;
    /// Describes the fields of tickets to admins, dependent fields named.
    ADMIN_TICKET_FIELDS = GET "/admin/ticket_fields", AdministerFields;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The operations of an API description, read by its indentation: no more of YAML is needed here.
    fn described(text: &str) -> Vec<(String, String)> {
        let mut path = String::new();
        let mut operations = Vec::new();
        for line in text.lines() {
            if let Some(name) = line
                .strip_prefix("  /")
                .and_then(|rest| rest.strip_suffix(':'))
            {
                path = format!("/{name}");
            } else if let Some(word) = line
                .strip_prefix("    ")
                .and_then(|rest| rest.strip_suffix(':'))
                && matches!(word, "get" | "post" | "put" | "delete" | "patch")
            {
                operations.push((word.to_uppercase(), path.clone()));
            }
        }
        operations
    }

    fn matches(template: &str, path: &str) -> bool {
        let parts = (template.split('/'), path.split('/'));
        parts.0.clone().count() == parts.1.clone().count()
            && parts
                .0
                .zip(parts.1)
                .all(|(one, other)| one == other || one.starts_with('{'))
    }

    #[test]
    fn the_vendors_description_knows_every_request() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let Ok(text) = std::fs::read_to_string(format!("{shared}/openapi/freshdesk.yaml")) else {
            println!("skipped: the API description is not here");
            return;
        };
        let operations = described(&text);
        assert!(operations.len() > 60, "{}", operations.len());
        let unknown = ALL.iter().filter(|endpoint| {
            !operations.iter().any(|(method, path)| {
                method == endpoint.method.as_str() && matches(path, endpoint.path)
            })
        });
        // The community's description leaves the admin's field list out; the vendor has it.
        let unknown: Vec<_> = unknown.map(|endpoint| endpoint.path).collect();
        assert_eq!(unknown, ["/admin/ticket_fields"]);
    }

    #[test]
    fn a_request_carries_the_number() {
        let root = Url::parse("https://acme.freshdesk.com/api/v2").unwrap();
        assert_eq!(
            ADD_NOTE.request_for(&root, 12).url,
            "https://acme.freshdesk.com/api/v2/tickets/12/notes"
        );
        assert_eq!(
            ME.request(&root).url,
            "https://acme.freshdesk.com/api/v2/agents/me"
        );
    }
}
