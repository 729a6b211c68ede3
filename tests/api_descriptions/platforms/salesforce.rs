//! Salesforce: five ways to sign in, comments or posts, files whole or in parts.

use bytes::Bytes;
use fieldbridge::model::{
    Exchange, FileContent, Note, NoteVisibility, PlatformKind, RecordId, SideRecordKind,
};
use fieldbridge::sandbox::{
    Deliveries, Fault, FaultKind, Salesforce, SalesforceCredentials, SalesforceSettings,
};
use serde_json::json;

use super::super::drive::Subject;
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::{forms, has_header};
use super::super::stage::{Stage, clock};
use super::super::tap::Tap;
use super::Vendor;

const SALESFORCE: Vendor = Vendor {
    platform: PlatformKind::Salesforce,
    descriptions: &["salesforce-subset.json"],
    mount: "",
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "{}/lightning/r/{}/{key}/view",
            why: "Where people open a record.",
        },
        Unsent {
            text: "/services/data/",
            why: "What the address of a next page must begin with.",
        },
    ],
};

const KNOWN: &[Known] = &[
    Known {
        operation: "GET /services/data/v64.0/query/{}",
        place: "operation",
        why: "The address of a next page is followed as the answer told it.",
        page: "platforms-psa-itsm-crm.md §4.2",
    },
    Known {
        operation: "POST /services/Soap/u/64.0",
        place: "operation",
        why: "SOAP is described elsewhere; its envelope is held against the page.",
        page: "platforms-psa-itsm-crm.md §4.1",
    },
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

const KEY: &str = include_str!("../../salesforce/fake-key.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("../../salesforce/fake-public-key.der");

const CLIENT: &str =
    "client_id = \"not-a-real-consumer-key\"\nclient_secret = \"not-a-real-consumer-secret\"\n";
const NO_CLIENT: &str = "client_id = \"\"\nclient_secret = \"\"\n";
const USER: &str = "user_name = \"integration@example.com\"\npassword = \"not-a-real-password\"\ntoken = \"NotARealSecurityToken\"\n";

async fn set(settings: &str) -> Stage<Salesforce> {
    with_pages_of(200, settings).await
}

async fn with_pages_of(rows: usize, settings: &str) -> Stage<Salesforce> {
    let clock = clock();
    let org = SalesforceSettings {
        credentials: SalesforceCredentials {
            public_key: Some(PUBLIC_KEY.to_vec()),
            ..SalesforceCredentials::default()
        },
        rotates_refresh_tokens: true,
        query_page: rows,
        deliveries: Deliveries::Paced(0.0),
        ..SalesforceSettings::default()
    };
    let desk = Salesforce::start(org, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, settings)
}

fn subject() -> Subject {
    let visit = |start: &str| json!({"Subject": "Visit", "SchedStartTime": start});
    Subject {
        create: json!({"Subject": "From Field Nation", "private_note": "made by us"}),
        updates: vec![
            json!({"Status": "Working", "private_note": "Assigned"}),
            json!({"Description": null}),
        ],
        sides: vec![
            (
                SideRecordKind::Schedule,
                visit("2026-07-02 08:00:00"),
                visit("2026-07-02 09:00:00"),
            ),
            (
                SideRecordKind::Charge,
                json!({"Amount__c": "125.50"}),
                json!({"Amount__c": "130.50"}),
            ),
        ],
        refused_sides: Vec::new(),
    }
}

/// The verbs, and every grant of the token endpoint, each asked for once more after the session ended.
async fn signing_in() -> Vec<Exchange> {
    let stage = set("schedule = { object_name = \"ServiceAppointment\", parent_field = \"ParentRecordId\" }\n\
        charge = { object_name = \"FN_Charge__c\", parent_field = \"Case__c\", external_id_field = \"FN_Id__c\" }\n").await;
    let record = stage.every_verb(&subject()).await;
    attach_a_large_file(&stage, &record).await;
    let ended = |desk: &Salesforce| desk.faults().push(Fault::once(FaultKind::Unauthorized));
    let jwt = format!(
        "grant_type = \"jwt_bearer\"\nclient_secret = \"\"\nuser_name = \"integration@example.com\"\nprivate_key = '''\n{KEY}'''\n"
    );
    stage.sign_in("", ended).await;
    stage.sign_in(&jwt, ended).await;
    let refresh = "grant_type = \"refresh_token\"\nrefresh_token = \"not-a-real-refresh-token\"\n";
    stage.sign_in(&format!("{CLIENT}{refresh}"), ended).await;
    stage
        .sign_in(&format!("grant_type = \"password\"\n{USER}"), ended)
        .await;
    stage.take().await
}

async fn attach_a_large_file(stage: &Stage<Salesforce>, record: &RecordId) {
    let file = FileContent {
        name: "video.mp4".to_owned(),
        media_type: "video/mp4".to_owned(),
        bytes: Bytes::from(vec![7_u8; 29 * 1_000_000]),
    };
    let attach = stage.platform.attach(&stage.call, record, &file);
    attach.await.unwrap();
}

/// Posts instead of comments, no field for the marker, lists in pages.
async fn with_posts() -> Vec<Exchange> {
    let stage = with_pages_of(
        1,
        "message_object_name = \"FeedItem\"\nexternal_id_field = \"\"\n\
        charge = { object_name = \"FN_Charge__c\", parent_field = \"Case__c\" }\n",
    )
    .await;
    let (record, _) = (stage.ticket(), stage.ticket());
    let since = "2020-01-01T00:00:00Z".parse().unwrap();
    let first = stage.platform.changed_since(&stage.call, since, None).await;
    let next = first.unwrap().next;
    assert!(next.is_some());
    let second = stage.platform.changed_since(&stage.call, since, next).await;
    second.unwrap();
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
    let marker = fieldbridge::model::Marker::of_work_order(fieldbridge::model::WorkOrderId(4712));
    let fields = json!({"Subject": "From Field Nation"});
    let create = stage
        .platform
        .create(&stage.call, super::super::drive::object(&fields), &marker);
    create.await.unwrap();
    stage.take().await
}

/// The one sign-in whose exchange is not recorded.
async fn by_soap() -> Vec<Exchange> {
    let stage = set("").await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let settings = format!(
        "grant_type = \"soap_login\"\n{NO_CLIENT}{USER}base_url = \"{}\"\n",
        tap.url
    );
    let ended = |desk: &Salesforce| desk.faults().push(Fault::once(FaultKind::Unauthorized));
    stage.sign_in(&settings, ended).await;
    stage.desk.stop().await;
    let exchanges = tap.take();
    let mut logins = exchanges
        .iter()
        .filter(|one| one.url.ends_with("/services/Soap/u/64.0"));
    for _ in 0..2 {
        let login = logins.next().unwrap();
        // What the page (§4.1) says of it: text/xml, the header, and name and password with the token behind it.
        assert!(has_header(login, "soapaction"));
        let body = login.request_body.as_deref().unwrap();
        for part in [
            "urn:partner.soap.sforce.com",
            "<n1:username>integration@example.com</n1:username>",
            "<n1:password>not-a-real-passwordNotARealSecurityToken</n1:password>",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }
    exchanges
}

#[tokio::test]
async fn salesforce() {
    let mut exchanges = signing_in().await;
    exchanges.extend(with_posts().await);
    exchanges.extend(by_soap().await);
    // The page of the token endpoint (§4.1) knows these grants with these members, as a form.
    let told: Vec<Vec<String>> = forms(&exchanges, "/services/oauth2/token")
        .into_iter()
        .collect();
    assert_eq!(
        told,
        [
            vec!["client_credentials", "client_id", "client_secret"],
            vec![
                "password",
                "client_id",
                "client_secret",
                "password",
                "username"
            ],
            vec![
                "refresh_token",
                "client_id",
                "client_secret",
                "refresh_token"
            ],
            vec!["urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion"],
        ]
    );
    SALESFORCE.hold(&exchanges);
}
