//! NetSuite: two ways to sign in, messages by script or in a field, records with and without an external id.

use fieldbridge::model::{
    Exchange, Marker, Note, NoteVisibility, PlatformKind, SideRecordKind, Timestamp, WorkOrderId,
};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{
    Deliveries, Fault, FaultKind, NetSuite, NetSuiteCertificate, NetSuiteSettings,
};
use serde_json::{Value, json};

use super::super::drive::{Subject, object};
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::{forms, has_header};
use super::super::stage::{Stage, clock};
use super::Vendor;

const NETSUITE: Vendor = Vendor {
    platform: PlatformKind::NetSuite,
    descriptions: &["netsuite-supportcase-derived.json"],
    mount: "",
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "{}/services/rest{}",
            why: "What goes before every path.",
        },
        Unsent {
            text: "/record/v1/",
            why: "What is looked for in a link of an answer.",
        },
    ],
};

const KNOWN: &[Known] = &[
    Known {
        operation: "PATCH /record/v1/supportCase/{id}",
        place: "body /phone",
        why: "Null empties a field.",
        page: "platforms-helpdesk-erp-rest.md §2.4",
    },
    Known {
        operation: "GET /services/rest/record/v1/customer/{}",
        place: "operation",
        why: "Other records have the same calls as supportCase, which alone is described.",
        page: "platforms-helpdesk-erp-rest.md §2.4",
    },
    Known {
        operation: "POST /services/rest/auth/{}/v1/token",
        place: "operation",
        why: "The token endpoint is a service of its own; its form is held against the page.",
        page: "platforms-helpdesk-erp-rest.md §2.3",
    },
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

const KEY: &str = include_str!("../../netsuite/keys/not-a-real-key-ec.pem");
const PUBLIC_KEY: &str = include_str!("../../netsuite/keys/not-a-real-key-ec.pub.pem");

/// What TBA needs and a certificate does not.
const NO_TBA: &str =
    "consumer_key = \"\"\nconsumer_secret = \"\"\ntoken_id = \"\"\ntoken_secret = \"\"\n";

async fn set(settings: &str) -> Stage<NetSuite> {
    let clock = clock();
    let stand_in = NetSuiteSettings {
        certificate: Some(NetSuiteCertificate {
            id: "fake-certificate".to_owned(),
            public_key: PUBLIC_KEY.to_owned(),
        }),
        deliveries: Deliveries::Paced(0.0),
        ..NetSuiteSettings::default()
    };
    let desk = NetSuite::start(stand_in, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, settings)
}

fn visit(day: u32) -> Value {
    json!({"custrecord_fn_visit_start": format!("2026-03-0{day}T15:00:00Z")})
}

async fn signing_in() -> Vec<Exchange> {
    let stage = set("schedule_record = { record_type = \"customrecord_fn_visit\", parent_field = \"custrecord_fn_visit_case\" }\n\
        follow = [\"company\", \"contact\"]\n").await;
    let subject = Subject {
        create: json!({"title": "Site visit", "company": {"id": "931"}}),
        updates: vec![
            json!({"status": "In Progress", "priority": "High"}),
            json!({"phone": null}),
        ],
        sides: vec![(SideRecordKind::Schedule, visit(3), visit(4))],
        refused_sides: Vec::new(),
    };
    stage.every_verb(&subject).await;
    let refused = |desk: &NetSuite| desk.faults().push(Fault::once(FaultKind::Unauthorized));
    let certificate = format!(
        "authentication = \"oauth2\"\n{NO_TBA}client_id = \"not-a-real-client-id\"\ncertificate_id = \"fake-certificate\"\nprivate_key = '''\n{KEY}'''\n"
    );
    stage.sign_in(&certificate, refused).await;
    stage.take().await
}

/// Messages gather in a field where no script is deployed; other records are upserted by their external id.
async fn otherwise() -> Vec<Exchange> {
    let stage = set("restlet_script = \"\"\nrestlet_deployment = \"\"\nmessage_field = \"custevent_fn_messages\"\n").await;
    let record = stage.ticket();
    let note = Note {
        id: String::new(),
        text: "On my way".to_owned(),
        visibility: NoteVisibility::Internal,
        author: None,
        created_at: None,
        by_us: true,
    };
    let add = stage.platform.add_note(&stage.call, &record, &note);
    add.await.unwrap();
    let wish = Wish {
        notes: true,
        files: false,
    };
    let read = stage.platform.fetch(&stage.call, &record, wish).await;
    assert_eq!(read.unwrap().unwrap().notes.len(), 1);
    let other = stage.another("record_type = \"customrecord_fn_visit\"\nmarker_field = \"\"\nmessage_field = \"\"\ntrigger_on_status = \"\"\n");
    let marker = Marker::of_work_order(WorkOrderId(4713));
    for name in ["Visit", "Visit, later"] {
        let fields = json!({"name": name});
        let create = other.create(&stage.call, object(&fields), &marker);
        create.await.unwrap();
    }
    other
        .find(&stage.call, &marker, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    stage.take().await
}

#[tokio::test]
async fn netsuite() {
    let mut exchanges = signing_in().await;
    exchanges.extend(otherwise().await);
    // §2.3: a form with these members; the assertion alone says who asks.
    let told: Vec<Vec<String>> = forms(&exchanges, "/oauth2/v1/token").into_iter().collect();
    assert_eq!(
        told,
        [vec![
            "client_credentials",
            "client_assertion",
            "client_assertion_type"
        ]]
    );
    for exchange in &exchanges {
        let is_login = exchange.url.ends_with("/oauth2/v1/token");
        let is_signed = has_header(exchange, "authorization");
        assert_eq!(is_signed, !is_login, "{}", exchange.url);
    }
    NETSUITE.hold(&exchanges);
}
