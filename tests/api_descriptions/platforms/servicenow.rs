//! ServiceNow: four ways to sign in, fields by three ways, time and charges in tables of their own.

use axum::http::{HeaderMap, Method};
use fieldbridge::model::{
    Exchange, Marker, PlatformKind, SideRecord, SideRecordKind, SideSource, Timestamp, WorkOrderId,
};
use fieldbridge::platform::{TriggerReading, TriggerRequest, Wish};
use fieldbridge::sandbox::{
    Deliveries, Fault, FaultKind, ServiceDesk, ServiceNow, ServiceNowSettings,
};
use serde_json::json;

use super::super::drive::{Subject, object};
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::{forms, has_header};
use super::super::stage::{Stage, clock};
use super::super::tap::Tap;
use super::Vendor;

const SERVICENOW: Vendor = Vendor {
    platform: PlatformKind::ServiceNow,
    descriptions: &[
        "servicenow-table-records.yaml",
        "servicenow-attachments.yaml",
        "servicenow-aggregate-statistics.yaml",
    ],
    mount: "",
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "Etc/UTC",
            why: "The name of a time zone.",
        },
        Unsent {
            text: "Etc/GMT",
            why: "The name of a time zone.",
        },
    ],
};

const KNOWN: &[Known] = &[
    Known {
        operation: "GET /api/now/ui/meta/incident",
        place: "operation",
        why: "The forms' own look-up, undocumented by the vendor: the last resort of those who may not read the dictionary.",
        page: "platforms-psa-itsm-crm.md §3.8",
    },
    Known {
        operation: "POST /oauth_token.do",
        place: "operation",
        why: "The token endpoint is none of the described APIs; its form is held against the page.",
        page: "platforms-psa-itsm-crm.md §3.2",
    },
];

const TIME: &str = "time_table = \"time_card\"\ntime_parent_field = \"task\"\n";

async fn set(settings: &str) -> Stage<ServiceNow> {
    let clock = clock();
    let stand_in = ServiceNowSettings {
        deliveries: Deliveries::Paced(0.0),
        ..ServiceNowSettings::default()
    };
    let desk = ServiceNow::start(stand_in, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, &format!("{TIME}{settings}"))
}

fn subject() -> Subject {
    let time = |total: f64| json!({"total": total, "comments": "On site"});
    Subject {
        create: json!({"short_description": "From Field Nation", "impact": 1, "category": "Hardware", "work_notes": "first note",
            "caller_id": {"email": "store.manager@example.com"}, "location": {"name": "HB-0103"}}),
        updates: vec![
            json!({"state": "In Progress", "work_notes": "Assigned"}),
            json!({"description": null}),
        ],
        sides: vec![(SideRecordKind::Time, time(1.5), time(2.0))],
        refused_sides: Vec::new(),
    }
}

/// Every way to sign in, each tried once more after a 401, and a token after it ran out.
async fn signing_in() -> Vec<Exchange> {
    let stage = set("").await;
    stage.every_verb(&subject()).await;
    let refused = |desk: &ServiceNow| desk.faults().push(Fault::once(FaultKind::Unauthorized));
    let client =
        "client_id = \"not-a-real-client-id\"\nclient_secret = \"not-a-real-client-secret\"\n";
    let no_password = "password = \"\"\n";
    stage.sign_in("", refused).await;
    let key = "auth = \"api_key\"\napi_key = \"not-a-real-api-key\"\n";
    stage.sign_in(&format!("{key}{no_password}"), refused).await;
    let own = format!("auth = \"client_credentials\"\n{client}{no_password}");
    stage.sign_in(&own, refused).await;
    let password = format!("auth = \"oauth_password\"\n{client}");
    stage
        .sign_in(&password, ServiceNow::expire_access_token)
        .await;
    stage.sign_in(&password, ServiceNow::revoke_tokens).await;
    let exchanges = stage.take().await;
    for name in ["authorization", "x-sn-apikey"] {
        assert!(exchanges.iter().any(|one| has_header(one, name)), "{name}");
    }
    exchanges
}

/// Another table than that of incidents, with charges in a table of their own.
async fn of_another_table() -> Vec<Exchange> {
    let stage = set("object_name = \"wm_task\"\ntrigger_query = \"\"\n\
        charge_table = \"time_card\"\ncharge_parent_field = \"task\"\n")
    .await;
    let (platform, call) = (&stage.platform, &stage.call);
    platform.discover(call).await.unwrap();
    let marker = Marker::of_work_order(WorkOrderId(4714));
    let fields = json!({"short_description": "From Field Nation"});
    let create = platform.create(call, object(&fields), &marker);
    let record = create.await.unwrap().id;
    platform
        .find(call, &marker, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let base = platform.fetch(call, &record, Wish::default()).await;
    let changes = json!({"short_description": "Two switches", "work_start": "2026-03-05 15:00:00"});
    let base = base.unwrap().unwrap();
    let update = platform.update(call, &base, object(&changes));
    update.await.unwrap();
    let fields = json!({"total": 1.5, "comments": "Parking"});
    let source = SideSource::Object("881".to_owned());
    let charge = SideRecord::new(SideRecordKind::Charge, fields, source);
    let put = platform.put_side_record(call, &record, &charge, None);
    put.await.unwrap();
    stage.take().await
}

/// Fields without the dictionary, then without forms too; notes without the journal's table; a trigger by number.
async fn with_fewer_rights() -> Vec<Exchange> {
    let stage = set("").await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let record = stage.ticket();
    let shown = stage
        .desk
        .record(stage.desk.ticket_of(record.as_str()).unwrap());
    let number = shown["number"].as_str().unwrap();
    let platform = stage.another(&format!(
        "base_url = \"{}\"\ntemplate_object_id = \"{number}\"\n",
        tap.url
    ));
    stage.desk.forbid("sys_dictionary");
    platform.discover(&stage.call).await.unwrap();
    stage.desk.forbid("ui/meta");
    platform.discover(&stage.call).await.unwrap();
    stage.desk.forbid("sys_journal_field");
    let wish = Wish {
        notes: true,
        files: true,
    };
    let read = platform.fetch(&stage.call, &record, wish).await;
    assert!(!read.unwrap().unwrap().notes.is_empty());
    let trigger = TriggerRequest {
        method: Method::POST,
        query: vec![("number".to_owned(), number.to_owned())],
        headers: HeaderMap::new(),
        body: axum::body::Bytes::new(),
    };
    let reading = platform.read_trigger(&trigger).await.unwrap();
    assert!(matches!(reading, TriggerReading::Records { ids, .. } if ids == [record]));
    stage.desk.stop().await;
    tap.take()
}

#[tokio::test]
async fn servicenow() {
    let mut exchanges = signing_in().await;
    exchanges.extend(of_another_table().await);
    exchanges.extend(with_fewer_rights().await);
    // The page of the token endpoint (§3.2) knows these grants with these members, as a form.
    let told: Vec<Vec<String>> = forms(&exchanges, "/oauth_token.do").into_iter().collect();
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
        ]
    );
    SERVICENOW.hold(&exchanges);
}
