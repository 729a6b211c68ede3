//! The vendors' own bodies, held against what their descriptions say of them.
//!
//! What a description leaves out of an answer is seen by the REST connector in a real record only; what it has wrong of
//! a request, nowhere. Both are kept as snapshots of what departs, so that a reader of descriptions that loses something
//! is noticed on bodies that nobody here made up.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fieldbridge::openapi::{Document, Schema};
use http::Method;
use serde_json::Value;

use super::checking::check;
use super::shared;

/// A vendor's description, and samples of what its operations answer.
type Answers = (&'static str, &'static [(&'static str, &'static str)]);

const AUTOTASK: Answers = (
    "autotask-subset.json",
    &[
        (
            "GET /V1.0/TicketNotes/entityInformation/fields",
            "autotask/ticketnote-entityinformation-fields.json",
        ),
        (
            "POST /V1.0/BillingCodes/query",
            "autotask/billingcodes-query.json",
        ),
        (
            "POST /V1.0/CompanyLocations/query",
            "autotask/companylocations-query.json",
        ),
        ("POST /V1.0/Contacts/query", "autotask/contacts-query.json"),
        (
            "POST /V1.0/Resources/query",
            "autotask/resources-query.json",
        ),
        ("POST /V1.0/Roles/query", "autotask/roles-query.json"),
        (
            "POST /V1.0/ServiceCallTicketResources/query",
            "autotask/servicecallticketresources-query.json",
        ),
        (
            "POST /V1.0/ServiceCallTickets/query",
            "autotask/servicecalltickets-query.json",
        ),
        (
            "POST /V1.0/ServiceCalls/query",
            "autotask/servicecalls-query.json",
        ),
        (
            "POST /V1.0/TicketCategories/query",
            "autotask/ticketcategories-query.json",
        ),
        ("POST /V1.0/Tickets/query", "autotask/tickets-query.json"),
        (
            "POST /V1.0/TimeEntries/query",
            "autotask/timeentries-query.json",
        ),
    ],
);

const CONNECTWISE: Answers = (
    "connectwise-subset.json",
    &[
        (
            "GET /company/companies/{parentId}/sites",
            "connectwise/company-sites-list.json",
        ),
        ("GET /company/contacts", "connectwise/contacts-list.json"),
        (
            "GET /schedule/entries/{id}",
            "connectwise/schedule-entry-ticket.json",
        ),
        (
            "GET /schedule/statuses",
            "connectwise/schedule-statuses-list.json",
        ),
        (
            "GET /schedule/types",
            "connectwise/schedule-types-list.json",
        ),
        (
            "GET /service/boards/{parentId}/items",
            "connectwise/board-items-list.json",
        ),
        (
            "GET /service/boards/{parentId}/subtypes",
            "connectwise/board-subtypes-list.json",
        ),
        (
            "GET /service/boards/{parentId}/teams",
            "connectwise/board-teams-list.json",
        ),
        (
            "GET /service/boards/{parentId}/types",
            "connectwise/board-types-list.json",
        ),
        (
            "GET /service/priorities",
            "connectwise/priorities-list.json",
        ),
        ("GET /service/sources", "connectwise/sources-list.json"),
        (
            "GET /system/callbacks/{id}",
            "connectwise/callback-entry.json",
        ),
        ("GET /system/info", "connectwise/system-info.json"),
        ("GET /time/entries/{id}", "connectwise/time-entry.json"),
    ],
);

const CONNECTWISE_PROJECTS: Answers = (
    "connectwise.json",
    &[(
        "GET /project/tickets/{id}",
        "connectwise/project-ticket.json",
    )],
);

const FRESHDESK: Answers = (
    "freshdesk.yaml",
    &[
        ("GET /agents", "freshdesk/python-freshdesk_agents.json"),
        (
            "GET /agents/{agent_id}",
            "freshdesk/python-freshdesk_agent_1.json",
        ),
        (
            "GET /companies/{company_id}",
            "freshdesk/python-freshdesk_company.json",
        ),
        (
            "GET /contacts/{contact_id}",
            "freshdesk/python-freshdesk_contact.json",
        ),
        (
            "GET /email_configs",
            "freshdesk/amp-connectors_mailboxes.json",
        ),
        (
            "GET /groups/{group_id}",
            "freshdesk/python-freshdesk_group_1.json",
        ),
        (
            "GET /search/tickets",
            "freshdesk/python-freshdesk_search_tickets.json",
        ),
        ("GET /tickets", "freshdesk/amp-connectors_tickets.json"),
        (
            "GET /tickets",
            "freshdesk/python-freshdesk_all_tickets.json",
        ),
        (
            "GET /tickets/{ticket_id}",
            "freshdesk/python-freshdesk_ticket_1.json",
        ),
        (
            "GET /tickets/{ticket_id}/conversations",
            "freshdesk/python-freshdesk_conversations.json",
        ),
        (
            "GET /tickets/{ticket_id}/time_entries",
            "freshdesk/python-freshdesk_time_entry_1.json",
        ),
        (
            "POST /contacts",
            "freshdesk/amp-connectors_create-contacts.json",
        ),
        (
            "POST /tickets/{ticket_id}/notes",
            "freshdesk/python-freshdesk_note_1.json",
        ),
        (
            "POST /tickets/{ticket_id}/reply",
            "freshdesk/python-freshdesk_reply_1.json",
        ),
        (
            "PUT /tickets/{ticket_id}",
            "freshdesk/amp-connectors_update-ticket.json",
        ),
        (
            "PUT /tickets/{ticket_id}",
            "freshdesk/python-freshdesk_ticket_1_updated.json",
        ),
    ],
);

const NETSUITE: Answers = (
    "netsuite-supportcase-derived.json",
    &[
        ("GET /system/v1/serverTime", "netsuite/doc_server_time.json"),
        (
            "POST /query/v1/suiteql",
            "netsuite/doc_suiteql_response_shape.json",
        ),
    ],
);

const QUICKBASE: Answers = (
    "quickbase.json",
    &[
        (
            "GET /apps/{appId}",
            "quickbase/tkutcher_get_app_abcdef.json",
        ),
        (
            "GET /fields",
            "quickbase/quickbase-spec_fields_get-fields_response.200.json",
        ),
        (
            "GET /tables",
            "quickbase/quickbase-spec_tables_get-app-tables_response.200.json",
        ),
        (
            "GET /tables",
            "quickbase/tkutcher_get_tables_for_app_abcdef.json",
        ),
        (
            "POST /records/query",
            "quickbase/quickbase-spec_records_run-query_response.200.json",
        ),
        (
            "POST /records/query",
            "quickbase/tkutcher_get_records_for_table_aaaaaa.json",
        ),
    ],
);

const SALESFORCE: Answers = (
    "salesforce-subset.json",
    &[(
        "GET /services/data/v64.0/limits",
        "salesforce/limits-response.json",
    )],
);

const SERVICENOW: Answers = (
    "servicenow-attachments.yaml",
    &[
        ("GET /attachment", "servicenow/attachment-list.json"),
        ("GET /attachment/{sys_id}", "servicenow/attachment-get.json"),
        (
            "POST /attachment/file",
            "servicenow/attachment-post-upload-response.json",
        ),
    ],
);

fn sample(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(shared(&format!("samples/{name}"))?).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
    // Quickbase's description keeps its examples with their status beside them.
    Some(match body.get("_meta") {
        Some(_) => body["body"].clone(),
        None => body,
    })
}

/// The members of a body, those of a list's rows once, by whether the description names them.
#[derive(Default)]
struct Members {
    named: BTreeSet<String>,
    unnamed: BTreeSet<String>,
}

impl Members {
    fn add(&mut self, document: &Document, schema: &Schema, body: &Value, at: &str) {
        match body {
            Value::Array(rows) => {
                let items = document.items(schema);
                for (row, items) in rows.iter().zip(items.iter().cycle()) {
                    self.add(document, items, row, at);
                }
            }
            // An object without names may hold anything.
            Value::Object(members) if !document.property_names(schema).is_empty() => {
                for (name, value) in members {
                    let place = format!("{at}/{name}");
                    match document.property(schema, name) {
                        Some(inner) => {
                            self.add(document, &inner, value, &place);
                            self.named.insert(place);
                        }
                        None => drop(self.unnamed.insert(place)),
                    }
                }
            }
            _ => {}
        }
    }
}

fn depart((description, answers): Answers) -> Option<String> {
    let document = Document::load(&shared(&format!("openapi/{description}"))?).unwrap();
    let mut told = String::new();
    for (address, name) in answers {
        let body = sample(name)?;
        let operation = document
            .operations
            .iter()
            .find(|one| one.address() == *address);
        let operation = operation.unwrap_or_else(|| panic!("{description} has no {address}"));
        let schema = operation
            .json_answer()
            .and_then(|answer| answer.schema.as_ref());
        let mut members = Members::default();
        if let Some(schema) = schema {
            members.add(&document, schema, &body, "");
        }
        writeln!(
            told,
            "{address} | {name}: {} are named",
            members.named.len()
        )
        .unwrap();
        for place in members.unnamed {
            writeln!(told, "    not {place}").unwrap();
        }
    }
    Some(told)
}

#[test]
fn what_vendors_answer_is_known_but_for_this() {
    for answers in [
        AUTOTASK,
        CONNECTWISE,
        CONNECTWISE_PROJECTS,
        FRESHDESK,
        NETSUITE,
        QUICKBASE,
        SALESFORCE,
        SERVICENOW,
    ] {
        let Some(told) = depart(answers) else { return };
        insta::assert_snapshot!(answers.0.replace('.', "_"), told);
    }
}

/// A request as a vendor's own tests or collection have it, and what is said against it.
fn judged(document: &Document, method: &str, address: &str, body: Option<&Value>) -> String {
    let method: Method = method.parse().unwrap();
    let found = check(document, &method, address, body);
    let mut told = format!("{method} {}", address.split('?').next().unwrap());
    // Credentials stand apart from the requests in both collections.
    for one in found.iter().filter(|one| !one.place.starts_with("header")) {
        write!(told, "\n    {}: {}", one.place, one.why).unwrap();
    }
    told
}

#[test]
fn what_vendors_send_themselves_is_right_but_for_this() {
    let Some(path) = shared("openapi/smartsheet.json") else {
        return;
    };
    let document = Document::load(&path).unwrap();
    let mut told = Vec::new();
    for subject in ["columns", "header", "misc", "serialization", "sheets"] {
        let Some(scenarios) = sample(&format!("smartsheet/sdk-tests_{subject}_scenarios.json"))
        else {
            return;
        };
        for scenario in scenarios.as_array().unwrap() {
            let request = &scenario["request"];
            let text = |name: &str| request[name].as_str().unwrap();
            told.push(judged(
                &document,
                text("method"),
                text("urlPath"),
                request.get("body"),
            ));
        }
    }
    insta::assert_snapshot!("smartsheet_sends", told.join("\n"));
    let Some(path) = shared("openapi/autotask-subset.json") else {
        return;
    };
    let document = Document::load(&path).unwrap();
    let Some(requests) = sample("autotask/vendor-postman-requests.json") else {
        return;
    };
    let mut told = Vec::new();
    for request in requests.as_array().unwrap() {
        let url = request["url"].as_str().unwrap().trim();
        let (_, path) = url.split_once("/v1.0/").unwrap();
        let body: Option<Value> = serde_json::from_str(request["body"].as_str().unwrap()).ok();
        let address = format!("/V1.0/{path}");
        told.push(judged(
            &document,
            request["method"].as_str().unwrap(),
            &address,
            body.as_ref(),
        ));
    }
    insta::assert_snapshot!("autotask_sends", told.join("\n"));
}
