//! The nine platforms: what each is driven with, its description, and the deviations that its pages justify.

use std::io::Write as _;

use fieldbridge::model::{PlatformKind, SideRecordKind};
use fieldbridge::openapi::Document;
use fieldbridge::sandbox::REST_DESCRIPTION;
use serde_json::json;

use super::descriptions;
use super::drive::{Subject, every_verb};
use super::judge::{Known, judge};

/// Drives one and judges what it sent; the operations that were called are kept as a snapshot, so that none gets lost.
async fn hold(name: &str, descriptions_of: &[&str], known: &[Known], subject: Subject) {
    let Some(documents) = descriptions(descriptions_of) else {
        return;
    };
    let mount = subject.mount;
    let exchanges = every_verb(subject).await;
    let called = judge(&documents, mount, &exchanges, known);
    insta::assert_snapshot!(name, called);
}

const AUTOTASK: &[Known] = &[Known {
    operation: "GET /atservicesrest/v1.0/zoneInformation",
    place: "operation",
    why: "The vendor's pages write this one path in small letters, and no host distinguishes.",
    page: "platforms-psa-itsm-crm.md §2.1",
}];

#[tokio::test]
async fn autotask() {
    let known = AUTOTASK;
    let subject = Subject {
        platform: PlatformKind::Autotask,
        mount: "",
        settings: "default_resource_id = 11\ndefault_role_id = 8\nexpense_sync_target = \"charge\"\n",
        create: json!({"title": "Site visit", "status": "New", "priority": "Medium", "companyID": 174,
            "queueID": "Field Services", "dueDateTime": "2026-03-05 15:00:00",
            "udf": {"Site Code": "HB-0101"}, "internalNote": "Made by us"}),
        updates: vec![json!({"status": "In Progress", "udf": {"FN Technician": "Sam"}})],
        sides: vec![
            (
                SideRecordKind::Schedule,
                json!({"startDateTime": "2026-03-05T15:00:00Z", "description": "Visit"}),
                json!({"startDateTime": "2026-03-05T16:00:00Z", "description": "Visit"}),
            ),
            (
                SideRecordKind::Time,
                json!({"startDateTime": "2026-03-05T15:00:00Z", "endDateTime": "2026-03-05T17:30:00Z",
                    "summaryNotes": "Replaced the switch"}),
                json!({"startDateTime": "2026-03-05T15:00:00Z", "endDateTime": "2026-03-05T18:30:00Z",
                    "summaryNotes": "Replaced the switch"}),
            ),
            (
                SideRecordKind::Charge,
                json!({"name": "Parking", "billingCodeID": 3, "unitPrice": 12}),
                json!({"name": "Parking", "billingCodeID": 3, "unitPrice": 15.5}),
            ),
        ],
        refused_sides: Vec::new(),
    };
    hold(
        "autotask",
        &["autotask-subset.json", "autotask.json"],
        known,
        subject,
    )
    .await;
}

const AUTOTASK_EXPENSES: &[Known] = &[
    Known {
        operation: "GET /ATServicesRest/V1.0/ExpenseItems/entityInformation",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "GET /ATServicesRest/V1.0/ExpenseItems/entityInformation/fields",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "PATCH /ATServicesRest/V1.0/Expenses/{}/Items",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/ExpenseItems/query",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/ExpenseReports",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/ExpenseReports/query",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/Expenses/{}/Items",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "GET /atservicesrest/v1.0/zoneInformation",
        place: "operation",
        why: "The vendor's pages write this one path in small letters, and no host distinguishes.",
        page: "platforms-psa-itsm-crm.md §2.1",
    },
];

#[tokio::test]
async fn autotask_expenses() {
    let known = AUTOTASK_EXPENSES;
    let subject = Subject {
        platform: PlatformKind::Autotask,
        mount: "",
        settings: "default_resource_id = 11\ndefault_role_id = 8\nexpense_sync_target = \"expense\"\n",
        create: json!({"title": "Site visit", "status": "New", "priority": "Medium", "companyID": 174,
            "queueID": "Field Services", "dueDateTime": "2026-03-05 15:00:00"}),
        updates: Vec::new(),
        sides: vec![
            (
                SideRecordKind::Schedule,
                json!({"startDateTime": "2026-03-05T15:00:00Z"}),
                json!({"startDateTime": "2026-03-05T16:00:00Z"}),
            ),
            (
                SideRecordKind::Time,
                json!({"startDateTime": "2026-03-05T15:00:00Z", "hoursWorked": 2, "summaryNotes": "x"}),
                json!({"hoursWorked": 3}),
            ),
            (
                SideRecordKind::Charge,
                json!({"description": "Parking", "expenseCategory": "Parking", "paymentType": "Cash", "expenseCurrencyExpenseAmount": 12}),
                json!({"description": "Parking", "expenseCategory": "Parking", "paymentType": "Cash", "expenseCurrencyExpenseAmount": 14}),
            ),
        ],
        refused_sides: Vec::new(),
    };
    hold(
        "autotask_expenses",
        &["autotask-subset.json", "autotask.json"],
        known,
        subject,
    )
    .await;
}

const CONNECTWISE: &[Known] = &[
    Known {
        operation: "GET /login/companyinfo/sandboxmsp",
        place: "operation",
        why: "The codebase is asked of the site itself, before the API is known.",
        page: "platforms-psa-itsm-crm.md §1.1",
    },
    Known {
        operation: "POST /service/tickets",
        place: "body",
        why: "The test of the connection asks for the right by an empty ticket, which is refused for what it lacks.",
        page: "platforms-psa-itsm-crm.md §1.3, §1.10",
    },
    Known {
        operation: "POST /service/tickets",
        place: "body /customFields/*/value",
        why: "The description calls any value an object; it follows the field's type.",
        page: "platforms-psa-itsm-crm.md §1.8",
    },
];

fn connectwise_with(settings: &'static str, charge: serde_json::Value) -> Subject {
    let time = |hours: f64| json!({"timeStart": "2026-05-01T08:00:00Z", "actualHours": hours, "internalNotes": "on site"});
    Subject {
        platform: PlatformKind::ConnectWise,
        // The codebase that the stand-in's site names.
        mount: "/v2024_1/apis/3.0",
        settings,
        create: json!({"summary": "Site visit", "company": {"identifier": "Harborlight"}, "initialDescription": "Bring a ladder",
            "internalAnalysis": "rack 4", "requiredDate": "2026-05-01 08:00:00",
            "customFields": [{"caption": "Site code", "value": "HB-0101"}]}),
        updates: vec![json!({"status": {"name": "Completed"}})],
        sides: vec![
            (
                SideRecordKind::Schedule,
                json!({"dateStart": "2026-05-01T08:00:00Z", "dateEnd": "2026-05-01T12:00:00Z"}),
                json!({"dateStart": "2026-05-01T09:00:00Z", "dateEnd": "2026-05-01T12:00:00Z"}),
            ),
            (SideRecordKind::Time, time(2.5), time(3.0)),
        ],
        refused_sides: vec![(SideRecordKind::Charge, charge)],
    }
}

#[tokio::test]
async fn connectwise() {
    let settings = "side_records = [\"schedule\", \"time\", \"charge\"]\n";
    let product = json!({"catalogItem": "FN-LABOUR", "billableOption": "Billable", "price": 120, "quantity": 1});
    let names = ["connectwise-subset.json", "connectwise.json"];
    hold(
        "connectwise",
        &names,
        CONNECTWISE,
        connectwise_with(settings, product),
    )
    .await;
}

#[tokio::test]
async fn connectwise_expenses() {
    let settings = "charges = \"expense\"\nside_records = [\"schedule\", \"time\", \"charge\"]\n";
    let expense = json!({"type": "Mileage", "amount": 12.5, "date": "2026-05-01"});
    let names = ["connectwise-subset.json", "connectwise.json"];
    hold(
        "connectwise_expenses",
        &names,
        CONNECTWISE,
        connectwise_with(settings, expense),
    )
    .await;
}

#[tokio::test]
async fn servicenow() {
    let known = &[];
    let subject = Subject {
        platform: PlatformKind::ServiceNow,
        mount: "",
        settings: "time_table = \"time_card\"\ntime_parent_field = \"task\"\n",
        create: json!({"short_description": "From Field Nation", "impact": 1, "category": "Hardware", "work_notes": "first note",
            "caller_id": {"email": "store.manager@example.com"}, "location": {"name": "HB-0103"}}),
        updates: vec![json!({"state": "In Progress", "work_notes": "Assigned"})],
        sides: vec![(
            SideRecordKind::Time,
            json!({"total": 1.5, "comments": "On site"}),
            json!({"total": 2.0, "comments": "On site"}),
        )],
        refused_sides: Vec::new(),
    };
    let names = [
        "servicenow-table-records.yaml",
        "servicenow-attachments.yaml",
        "servicenow-aggregate-statistics.yaml",
    ];
    hold("servicenow", &names, known, subject).await;
}

const SALESFORCE: &[Known] = &[
    Known {
        operation: "PATCH /services/data/v64.0/sobjects/{SOBJECT_API_NAME}/{RECORD_ID}",
        place: "body",
        why: "`field API name` stands for whichever field is changed.",
        page: "platforms-psa-itsm-crm.md §4.2",
    },
    Known {
        operation: "POST /services/data/v64.0/sobjects/{SOBJECT_API_NAME}",
        place: "body",
        why: "`Name` is the description's example of a field; what is required follows the object.",
        page: "platforms-psa-itsm-crm.md §4.2, §4.7",
    },
    Known {
        operation: "POST /services/oauth2/token",
        place: "body",
        why: "`code` belongs to one grant of several; we use others.",
        page: "platforms-psa-itsm-crm.md §4.1",
    },
];

#[tokio::test]
async fn salesforce() {
    let known = SALESFORCE;
    let subject = Subject {
        platform: PlatformKind::Salesforce,
        mount: "",
        settings: "schedule = { object_name = \"ServiceAppointment\", parent_field = \"ParentRecordId\" }\n\
            charge = { object_name = \"FN_Charge__c\", parent_field = \"Case__c\", external_id_field = \"FN_Id__c\" }\n",
        create: json!({"Subject": "From Field Nation", "private_note": "made by us"}),
        updates: vec![json!({"Status": "Working", "private_note": "Assigned"})],
        sides: vec![
            (
                SideRecordKind::Schedule,
                json!({"Subject": "Visit", "SchedStartTime": "2026-07-02 08:00:00"}),
                json!({"Subject": "Visit", "SchedStartTime": "2026-07-02 09:00:00"}),
            ),
            (
                SideRecordKind::Charge,
                json!({"Amount__c": "125.50"}),
                json!({"Amount__c": "130.50"}),
            ),
        ],
        refused_sides: Vec::new(),
    };
    hold("salesforce", &["salesforce-subset.json"], known, subject).await;
}

const FRESHDESK: &[Known] = &[
    Known {
        operation: "GET /agents/{agent_id}",
        place: "path parameter `agent_id`",
        why: "`me` is whoever's key it is.",
        page: "platforms-helpdesk-erp-rest.md §1.1",
    },
    Known {
        operation: "GET /storage/{}",
        place: "operation",
        why: "Where a file lies is told by the attachment; it is no part of the API.",
        page: "platforms-helpdesk-erp-rest.md §1.3",
    },
    Known {
        operation: "GET /tickets/{ticket_id}",
        place: "query parameter `include`",
        why: "Several are asked for at once, with commas.",
        page: "platforms-helpdesk-erp-rest.md §1.2",
    },
    Known {
        operation: "POST /tickets/{ticket_id}/notes",
        place: "body",
        why: "Files go as multipart form data only.",
        page: "platforms-helpdesk-erp-rest.md §1.3",
    },
];

#[tokio::test]
async fn freshdesk() {
    let known = FRESHDESK;
    let subject = Subject {
        platform: PlatformKind::Freshdesk,
        mount: "",
        settings: "",
        create: json!({"email": "customer@example.com", "subject": "Site visit", "description": "<p>Go</p>", "status": "open",
            "priority": "High", "tags": ["on-site"], "private_note": "Made by us"}),
        updates: vec![
            json!({"status": 5, "priority": "Low", "tags": ["later"], "private_note": "Assigned"}),
        ],
        sides: vec![(
            SideRecordKind::Time,
            json!({"time_spent": 1.5, "note": "On site"}),
            json!({"time_spent": 2.0, "note": "On site"}),
        )],
        refused_sides: Vec::new(),
    };
    hold("freshdesk", &["freshdesk.yaml"], known, subject).await;
}

const NETSUITE: &[Known] = &[
    Known {
        operation: "GET /services/rest/record/v1/customrecord_fn_visit/{}",
        place: "operation",
        why: "Custom records have the same calls as supportCase, which alone is described.",
        page: "platforms-helpdesk-erp-rest.md §2.4",
    },
    Known {
        operation: "PATCH /services/rest/record/v1/customrecord_fn_visit/{}",
        place: "operation",
        why: "Custom records have the same calls as supportCase, which alone is described.",
        page: "platforms-helpdesk-erp-rest.md §2.4",
    },
    Known {
        operation: "PUT /services/rest/record/v1/customrecord_fn_visit/{}",
        place: "operation",
        why: "Upsert by external id, which supportCase does not have.",
        page: "platforms-helpdesk-erp-rest.md §2.4",
    },
    Known {
        operation: "GET /services/rest/record/v1/metadata-catalog/customrecord_fn_visit",
        place: "operation",
        why: "The catalogue is a service of its own.",
        page: "platforms-helpdesk-erp-rest.md §2.6",
    },
    Known {
        operation: "GET /services/rest/record/v1/metadata-catalog/supportCase",
        place: "operation",
        why: "The catalogue is a service of its own.",
        page: "platforms-helpdesk-erp-rest.md §2.6",
    },
    Known {
        operation: "POST /record/v1/supportCase",
        place: "query parameter `fields`",
        why: "Picklists are read by a POST that names the fields and asks for select options.",
        page: "platforms-helpdesk-erp-rest.md §2.6",
    },
    Known {
        operation: "POST /app/site/hosting/restlet.nl",
        place: "operation",
        why: "Messages and files go through the customer's RESTlet.",
        page: "platforms-helpdesk-erp-rest.md §2.5, §2.7",
    },
    Known {
        operation: "POST /services/rest/record/v1/supportCase/{}/!attach/file/{}",
        place: "operation",
        why: "A file is attached by a transform of the record service.",
        page: "platforms-helpdesk-erp-rest.md §2.4",
    },
];

#[tokio::test]
async fn netsuite() {
    let known = NETSUITE;
    let subject = Subject {
        platform: PlatformKind::NetSuite,
        mount: "",
        settings: "schedule_record = { record_type = \"customrecord_fn_visit\", parent_field = \"custrecord_fn_visit_case\" }\n",
        create: json!({"title": "Site visit", "company": {"id": "931"}}),
        updates: vec![json!({"status": "In Progress", "priority": "High"})],
        sides: vec![(
            SideRecordKind::Schedule,
            json!({"custrecord_fn_visit_start": "2026-03-03T15:00:00Z"}),
            json!({"custrecord_fn_visit_start": "2026-03-04T15:00:00Z"}),
        )],
        refused_sides: Vec::new(),
    };
    hold(
        "netsuite",
        &["netsuite-supportcase-derived.json"],
        known,
        subject,
    )
    .await;
}

#[tokio::test]
async fn quickbase() {
    let known = &[];
    let subject = Subject {
        platform: PlatformKind::Quickbase,
        mount: "",
        settings: "",
        create: json!({"6": "HB-0101 - Router down", "7": "No light.", "9": "Minneapolis", "14": "2026-03-02T15:00:00Z", "15": 175}),
        updates: vec![json!({"11": "Scheduled", "20": "Replaced"})],
        sides: vec![(
            SideRecordKind::Time,
            json!({"6": 1.5, "9": "On site"}),
            json!({"6": 2.5, "9": "On site"}),
        )],
        refused_sides: Vec::new(),
    };
    hold("quickbase", &["quickbase.json"], known, subject).await;
}

const SMARTSHEET: &[Known] = &[
    Known {
        operation: "GET /sheets/{sheetId}/rows/{rowId}",
        place: "query parameter `include`",
        why: "The schema names two single flags, its text a list of them and more; the pages use objectValue here.",
        page: "platforms-helpdesk-erp-rest.md §4.2",
    },
    Known {
        operation: "GET /storage/{}",
        place: "operation",
        why: "Where a file lies is told by the attachment; it is no part of the API.",
        page: "platforms-helpdesk-erp-rest.md §4.3",
    },
    Known {
        operation: "POST /sheets/{sheetId}/rows/{rowId}/attachments",
        place: "body",
        why: "The raw body goes with the file's own media type.",
        page: "platforms-helpdesk-erp-rest.md §4.3",
    },
];

#[tokio::test]
async fn smartsheet() {
    let known = SMARTSHEET;
    let subject = Subject {
        platform: PlatformKind::Smartsheet,
        mount: "",
        settings: "",
        create: json!({"Task Name": "Replace the switch", "Status": "open", "Visit date": "2026-03-05T10:00:00Z",
            "Skills": ["Cabling"], "Watchers": "a@example.com, b@example.com", "Site zip": "02110", "Send to FN": "true"}),
        updates: vec![
            json!({"Status": "Complete", "FN technician": "Sam", "Skills": ["Cabling"], "Watchers": "a@example.com"}),
        ],
        sides: Vec::new(),
        refused_sides: Vec::new(),
    };
    hold("smartsheet", &["smartsheet.json"], known, subject).await;
}

/// The made-up service's own description needs nobody's files.
#[tokio::test]
async fn rest() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(REST_DESCRIPTION.as_bytes()).unwrap();
    let document = Document::load(file.path()).unwrap();
    let subject = Subject {
        platform: PlatformKind::Rest,
        mount: "",
        settings: "",
        create: json!({"subject": "Printer jams", "site": {"city": "Austin"}, "wantedAt": "2026-01-02T03:04:05Z"}),
        updates: vec![json!({"status": "assigned", "technician": "Sam"})],
        sides: Vec::new(),
        refused_sides: Vec::new(),
    };
    let exchanges = every_verb(subject).await;
    insta::assert_snapshot!("rest", judge(&[document], "", &exchanges, &[]));
}
