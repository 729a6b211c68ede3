//! The made-up company's setup tables: boards, statuses, priorities, members, companies, sites and the like.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::places::PLACES;

/// The member the API keys belong to.
pub(super) const API_MEMBER: &str = "FNIntegration";
/// The member who works the tickets in the vendor's own application.
pub(super) const TECHNICIAN: &str = "mdispatch";
/// The board where field work is dispatched.
pub(super) const BOARD: u64 = 1;
/// The status that asks for a field technician.
pub(super) const TRIGGER_STATUS: &str = "Dispatch to FN";
/// The customer company.
pub(super) const CUSTOMER: u64 = 20;

/// Captions of the custom fields of a ticket: id, caption, type, entry method, options.
pub(super) const CUSTOM_FIELDS: [(u64, &str, &str, &str, &[&str]); 6] = [
    (1, "Site code", "Text", "EntryField", &[]),
    (2, "FN Work Order", "Text", "EntryField", &[]),
    (
        3,
        "Service Level",
        "Text",
        "List",
        &[
            "Standard",
            "Next Day",
            "Same Day",
            "Emergency",
            "White Glove",
        ],
    ),
    (4, "Lift needed", "Checkbox", "EntryField", &[]),
    (5, "Budget limit", "Number", "EntryField", &[]),
    (6, "Technician arrived", "Text", "EntryField", &[]),
];

/// The setup tables, as the API shows them.
pub(super) struct Setup {
    tables: BTreeMap<&'static str, Vec<Value>>,
    by_board: BTreeMap<(&'static str, u64), Vec<Value>>,
    sites: Vec<Value>,
}

impl Setup {
    /// The tables of a stand-in whose REST base is this.
    pub(super) fn new(base: &str) -> Self {
        let tables = BTreeMap::from([
            ("service/boards", boards(base)),
            ("service/priorities", priorities(base)),
            ("service/sources", sources(base)),
            ("service/severities", levels()),
            ("service/impacts", levels()),
            (
                "service/locations",
                named(&[(1, "On-Site"), (2, "Remote"), (3, "In-House")]),
            ),
            ("schedule/types", schedule_types()),
            ("schedule/statuses", schedule_statuses()),
            ("system/members", members()),
            ("company/companies", companies(base)),
            ("company/companies/statuses", company_statuses()),
            ("company/contacts", contacts()),
            ("system/userDefinedFields", user_defined_fields()),
            ("system/locations", named(&[(2, "Main Office")])),
        ]);
        let mut by_board = BTreeMap::new();
        for (board, name) in BOARDS {
            by_board.insert(("statuses", board), statuses(board, name));
            for (table, rows) in BOARD_TABLES {
                by_board.insert((table, board), board_rows(board, name, rows));
            }
        }
        Self {
            tables,
            by_board,
            sites: sites(base),
        }
    }

    /// A table by its path.
    pub(super) fn table(&self, path: &str) -> Option<&[Value]> {
        self.tables.get(path).map(Vec::as_slice)
    }

    /// The paths of all tables.
    pub(super) fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.tables.keys().copied()
    }

    /// A board's statuses, types, subtypes, items or teams.
    pub(super) fn of_board(&self, table: &'static str, board: u64) -> &[Value] {
        self.by_board
            .get(&(table, board))
            .map_or(&[], Vec::as_slice)
    }

    /// The sites of a company.
    pub(super) fn sites(&self, company: u64) -> Vec<&Value> {
        let of_company = |site: &&Value| site["company"]["id"] == company;
        self.sites.iter().filter(of_company).collect()
    }

    /// A site by id.
    pub(super) fn site(&self, id: u64) -> Option<&Value> {
        self.sites.iter().find(|site| site["id"] == id)
    }
}

const BOARDS: [(u64, &str); 2] = [(BOARD, "Field Services"), (2, "Help Desk")];

/// Names and whether they close, per board. The same name has another id on another board.
const STATUSES: [(u64, &str, bool, u64); 12] = [
    (101, "New", false, 1),
    (102, "Dispatch to FN", false, 1),
    (103, "Scheduled", false, 1),
    (104, "In Progress", false, 1),
    (105, "Waiting on Parts", false, 1),
    (106, "Completed", false, 1),
    (107, ">Closed", true, 1),
    (108, ">Cancelled", true, 1),
    (201, "New", false, 2),
    (202, "In Progress", false, 2),
    (203, "Completed", false, 2),
    (204, ">Closed", true, 2),
];

type Rows = &'static [(u64, &'static str)];

const BOARD_TABLES: [(&str, Rows); 4] = [
    (
        "types",
        &[(8, "Break/Fix"), (9, "Installation"), (10, "Survey")],
    ),
    (
        "subtypes",
        &[(30, "Point of Sale"), (31, "Network"), (32, "Signage")],
    ),
    ("items", &[(40, "Replace"), (41, "Configure")]),
    ("teams", &[(25, "Dispatch Team")]),
];

fn named(rows: &[(u64, &str)]) -> Vec<Value> {
    rows.iter()
        .map(|(id, name)| json!({"id": id, "name": name}))
        .collect()
}

fn boards(base: &str) -> Vec<Value> {
    let board = |(id, name): (u64, &str)| {
        json!({
            "id": id,
            "name": name,
            "locationId": 2,
            "businessUnitId": 10,
            "inactiveFlag": false,
            "projectFlag": false,
            "billTime": "NoDefault",
            "_info": {"statuses_href": format!("{base}/service/boards/{id}/statuses")},
        })
    };
    BOARDS.map(board).to_vec()
}

fn statuses(board: u64, board_name: &str) -> Vec<Value> {
    let of_board = STATUSES.iter().filter(|(_, _, _, owner)| *owner == board);
    let status = |(order, (id, name, closes, _)): (usize, &(u64, &str, bool, u64))| {
        json!({
            "id": id,
            "name": name,
            "board": {"id": board, "name": board_name},
            "sortOrder": order,
            "displayOnBoard": true,
            "inactive": false,
            "closedStatus": closes,
            "timeEntryNotAllowed": false,
            "defaultFlag": order == 0,
            "customerPortalFlag": false,
        })
    };
    of_board.enumerate().map(status).collect()
}

/// Rows of a board's table; ids differ from board to board.
fn board_rows(board: u64, board_name: &str, rows: Rows) -> Vec<Value> {
    let row = |(id, name): &(u64, &str)| {
        json!({
            "id": id + (board - 1) * 100,
            "name": name,
            "inactiveFlag": false,
            "board": {"id": board, "name": board_name},
        })
    };
    rows.iter().map(row).collect()
}

fn priorities(base: &str) -> Vec<Value> {
    let rows = [
        (6, "Priority 1 - Emergency Response", "red"),
        (5, "Priority 2 - Quick Response", "orange"),
        (4, "Priority 3 - Normal Response", "blue"),
        (3, "Priority 4 - Scheduled Maintenance", "green"),
    ];
    let priority = |(id, name, color): (u64, &str, &str)| {
        json!({
            "id": id,
            "name": name,
            "color": color,
            "sortOrder": id,
            "defaultFlag": id == 4,
            "_info": {"priority_href": format!("{base}/service/priorities/{id}")},
        })
    };
    rows.map(priority).to_vec()
}

fn sources(base: &str) -> Vec<Value> {
    let source = |(id, name): (u64, &str)| {
        json!({
            "id": id,
            "name": name,
            "defaultFlag": id == 2,
            "_info": {"source_href": format!("{base}/service/sources/{id}")},
        })
    };
    [(2, "Call"), (3, "Email"), (4, "Portal")]
        .map(source)
        .to_vec()
}

fn levels() -> Vec<Value> {
    let level = |(id, name): (u64, &str)| json!({"id": id, "name": name, "defaultFlag": id == 2});
    [(1, "Low"), (2, "Medium"), (3, "High")].map(level).to_vec()
}

fn schedule_types() -> Vec<Value> {
    let kind = |(id, name, identifier): (u64, &str, &str)| json!({"id": id, "name": name, "identifier": identifier, "systemFlag": false});
    [(1, "Sales", "C"), (4, "Service", "S")].map(kind).to_vec()
}

fn schedule_statuses() -> Vec<Value> {
    let status = |(id, name): (u64, &str)| json!({"id": id, "name": name, "defaultFlag": id == 2, "showAsTentativeFlag": id == 1});
    [(1, "Tentative"), (2, "Firm")].map(status).to_vec()
}

fn members() -> Vec<Value> {
    let member = |(id, identifier, first, last): (u64, &str, &str, &str)| {
        json!({
            "id": id,
            "identifier": identifier,
            "name": format!("{first} {last}"),
            "firstName": first,
            "lastName": last,
            "inactiveFlag": false,
            "licenseClass": if identifier == API_MEMBER { "A" } else { "F" },
            "officeEmail": format!("{identifier}@example.com"),
            "timeZone": {"id": 1, "name": "US Eastern"},
        })
    };
    let rows = [
        (176, API_MEMBER, "Field", "Integration"),
        (177, TECHNICIAN, "Morgan", "Dispatch"),
        (178, "tsample", "Taylor", "Sample"),
    ];
    rows.map(member).to_vec()
}

fn company_statuses() -> Vec<Value> {
    let status = |(id, name): (u64, &str)| json!({"id": id, "name": name, "defaultFlag": id == 1, "inactiveFlag": false});
    [(1, "Active"), (2, "Inactive")].map(status).to_vec()
}

fn companies(base: &str) -> Vec<Value> {
    let company = |(id, identifier, name): (u64, &str, &str)| {
        json!({
            "id": id,
            "identifier": identifier,
            "name": name,
            "status": {"id": 1, "name": "Active"},
            "phoneNumber": "5550100",
            "deletedFlag": false,
            "_info": {"company_href": format!("{base}/company/companies/{id}")},
        })
    };
    let rows = [
        (2, "SandboxMSP", "Sandbox MSP"),
        (CUSTOMER, "Harborlight", "Harborlight Retail"),
    ];
    rows.map(company).to_vec()
}

fn customer() -> Value {
    json!({"id": CUSTOMER, "identifier": "Harborlight", "name": "Harborlight Retail"})
}

/// One site for each place, and one whose address has no state.
fn sites(base: &str) -> Vec<Value> {
    let href = |id: u64| format!("{base}/company/companies/{CUSTOMER}/sites/{id}");
    let mut sites: Vec<_> = (28..)
        .zip(&PLACES)
        .map(|(id, place)| {
            json!({
                "id": id,
                "name": format!("Store {}", place.code),
                "addressLine1": place.street,
                "city": place.city,
                "stateReference": {"id": id, "identifier": place.state, "name": place.state},
                "zip": place.zip,
                "country": {"id": 1, "name": "United States"},
                "phoneNumber": "5550100",
                "primaryAddressFlag": id == 28,
                "inactiveFlag": false,
                "company": customer(),
                "_info": {"site_href": href(id)},
            })
        })
        .collect();
    sites.push(json!({
        "id": SITE_WITHOUT_STATE,
        "name": "Popup store (address incomplete)",
        "addressLine1": "7 Unfinished Way",
        "city": "Springfield",
        "zip": "00000",
        "country": {"id": 1, "name": "United States"},
        "inactiveFlag": false,
        "company": customer(),
        "_info": {"site_href": href(SITE_WITHOUT_STATE)},
    }));
    sites
}

/// The first site; the others follow.
pub(super) const FIRST_SITE: u64 = 28;
/// A site where nobody can be sent.
pub(super) const SITE_WITHOUT_STATE: u64 = 99;

fn contacts() -> Vec<Value> {
    let contact = |(id, first, last): (u64, &str, &str)| {
        let email = format!("{first}.{last}@example.com").to_lowercase();
        json!({
            "id": id,
            "firstName": first,
            "lastName": last,
            "name": format!("{first} {last}"),
            "company": customer(),
            "inactiveFlag": false,
            "defaultPhoneType": "Direct",
            "defaultPhoneNbr": "5550123",
            "communicationItems": [
                {"id": id * 10, "type": {"id": 2, "name": "Direct"}, "value": "5550123", "defaultFlag": true, "communicationType": "Phone"},
                {"id": id * 10 + 1, "type": {"id": 1, "name": "Email"}, "value": email, "defaultFlag": true, "communicationType": "Email"},
            ],
        })
    };
    let rows = [(77, "Store", "Manager"), (78, "Shift", "Lead")];
    rows.map(contact).to_vec()
}

fn user_defined_fields() -> Vec<Value> {
    let field = |(id, caption, kind, entry, options): (u64, &str, &str, &str, &[&str])| {
        let options: Vec<_> = (1..)
            .zip(options)
            .map(|(id, value)| json!({"id": id, "optionValue": value, "defaultFlag": false, "inactiveFlag": false}))
            .collect();
        json!({
            "id": id,
            "podId": 1,
            "caption": caption,
            "sequenceNumber": id,
            "screenId": "ServiceTicket",
            "fieldTypeIdentifier": kind,
            "entryTypeIdentifier": entry,
            "numberDecimals": 0,
            "requiredFlag": false,
            "readOnlyFlag": false,
            "options": options,
        })
    };
    CUSTOM_FIELDS.map(field).to_vec()
}
