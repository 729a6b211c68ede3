//! ConnectWise: one way to sign in, charges or expenses, callbacks with their keys.

use axum::http::{HeaderMap, Method, StatusCode};
use fieldbridge::model::{Exchange, PlatformKind, SideRecordKind, Timestamp};
use fieldbridge::platform::{TriggerRefusal, TriggerRequest, Wish};
use fieldbridge::sandbox::{ConnectWise, ConnectWiseSettings, Deliveries, Fault, FaultKind};
use serde_json::{Value, json};

use super::super::drive::Subject;
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::has_header;
use super::super::stage::{Stage, clock, listen};
use super::super::tap::Tap;
use super::Vendor;

/// The codebase that the stand-in's site names.
const MOUNT: &str = "/v2024_1/apis/3.0";

const CONNECTWISE: Vendor = Vendor {
    platform: PlatformKind::ConnectWise,
    descriptions: &["connectwise-subset.json", "connectwise.json"],
    mount: MOUNT,
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "v4_6_release/",
            why: "What goes before every path.",
        },
        Unsent {
            text: "apis/3.0",
            why: "What is cut off an address in the settings.",
        },
        Unsent {
            text: "{codebase}apis/3.0/{path}",
            why: "What goes before every path.",
        },
        Unsent {
            text: "services/system_io/Service/fv_sr100_request.rails",
            why: "Where people open a ticket.",
        },
        Unsent {
            text: "_info/lastUpdated",
            why: "The name of a field in a condition.",
        },
    ],
};

const KNOWN: &[Known] = &[
    Known {
        operation: "GET /system/callbacks/keys/{}",
        place: "operation",
        why: "Where a callback's key lies is told by the callback; it is no part of the API.",
        page: "platforms-psa-itsm-crm.md §1.9",
    },
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

async fn set(settings: &str) -> Stage<ConnectWise> {
    let clock = clock();
    let stand_in = ConnectWiseSettings {
        deliveries: Deliveries::Paced(0.0),
        ..ConnectWiseSettings::default()
    };
    let desk = ConnectWise::start(stand_in, clock.clone(), 1)
        .await
        .unwrap();
    let usual = "side_records = [\"schedule\", \"time\", \"charge\"]\n";
    Stage::set(desk, clock, &format!("{usual}{settings}"))
}

fn subject(charge: Value) -> Subject {
    let time = |hours: f64| json!({"timeStart": "2026-05-01T08:00:00Z", "actualHours": hours, "internalNotes": "on site"});
    Subject {
        create: json!({"summary": "Site visit", "company": {"identifier": "Harborlight"}, "initialDescription": "Bring a ladder",
            "internalAnalysis": "rack 4", "requiredDate": "2026-05-01 08:00:00",
            "customFields": [{"caption": "Site code", "value": "HB-0101"}]}),
        updates: vec![
            json!({"status": {"name": "Completed"}}),
            json!({"requiredDate": null}),
        ],
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

async fn with_products() -> Vec<Exchange> {
    let stage = set("").await;
    let product = json!({"catalogItem": "FN-LABOUR", "billableOption": "Billable", "price": 120, "quantity": 1});
    stage.every_verb(&subject(product)).await;
    stage.take().await
}

async fn with_expenses() -> Vec<Exchange> {
    let stage = set("charges = \"expense\"\n").await;
    let expense = json!({"type": "Mileage", "amount": 12.5, "date": "2026-05-01"});
    stage.every_verb(&subject(expense)).await;
    stage.take().await
}

/// A refused key is looked behind, a callback that was switched off is switched on again, and its key is fetched.
async fn behind_a_tap() -> Vec<Exchange> {
    let stage = set("").await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let at = format!("base_url = \"{}\"\n", tap.url);
    let platform = stage.another(&at);
    let record = stage.ticket();
    let missing = Fault::once(FaultKind::Unauthorized);
    platform.probe(&stage.call).await;
    stage.desk.faults().push(missing);
    let refused = platform.fetch(&stage.call, &record, Wish::default()).await;
    refused.unwrap_err();
    // A 404 may be a codebase that moved: the credential is tried, then the codebase asked for anew.
    for end in [record.as_str(), "/service/tickets"] {
        let gone = json!({"code": "NotFound", "message": "x"});
        tap.tell_instead(Method::GET, end, StatusCode::NOT_FOUND, gone);
    }
    let lost = platform.fetch(&stage.call, &record, Wish::default()).await;
    lost.unwrap_err();
    let unknown = json!({"code": "ApiFindCondition", "message": "lastUpdated is unknown"});
    tap.tell_instead(
        Method::GET,
        "/service/tickets",
        StatusCode::BAD_REQUEST,
        unknown,
    );
    let since = Timestamp::from_second(stage.clock.now().as_second() - 3_600).unwrap();
    platform
        .changed_since(&stage.call, since, None)
        .await
        .unwrap();
    let url = listen(platform.clone()).await;
    let made = platform.subscribe(&stage.call, &url).await.unwrap();
    // An adapter that does not know its own member yet learns it from its callback.
    let other = stage.another(&at);
    let there = other.subscriptions(&stage.call, &url).await.unwrap();
    assert_eq!(there.len(), 1);
    let off = json!([{"id": made.id.parse::<u64>().unwrap(), "url": format!("{url}&recordId="), "objectId": 1,
        "level": "Owner", "type": "Ticket", "inactiveFlag": true, "description": "Fieldbridge one"}]);
    tap.tell_instead(Method::GET, "/system/callbacks", StatusCode::OK, off);
    let again = platform.subscribe(&stage.call, &url).await.unwrap();
    assert_eq!(again.id, made.id);
    let key = format!("{}{MOUNT}/system/callbacks/keys/{}", tap.url, made.id);
    let body = json!({"MessageId": "m-1", "Action": "updated", "Type": "ticket", "ID": record.as_str(),
        "Entity": "{}", "Metadata": {"key_url": key}});
    let mut headers = HeaderMap::new();
    headers.insert("x-content-signature", "AAAA".parse().unwrap());
    let trigger = TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers,
        body: body.to_string().into(),
    };
    let refusal = platform.read_trigger(&trigger).await.unwrap_err();
    assert!(matches!(refusal, TriggerRefusal::Signature(_)), "{refusal}");
    stage.desk.stop().await;
    tap.take()
}

#[tokio::test]
async fn connectwise() {
    let mut exchanges = with_products().await;
    exchanges.extend(with_expenses().await);
    exchanges.extend(behind_a_tap().await);
    for exchange in &exchanges {
        // Both stand on each call (§1.2) but where no credential is needed.
        let is_open = exchange.url.contains("companyinfo") || exchange.url.contains("/keys/");
        for name in ["authorization", "clientId"] {
            assert_eq!(has_header(exchange, name), !is_open, "{}", exchange.url);
        }
    }
    CONNECTWISE.hold(&exchanges);
}

/// The codebase that the vendor's own answers name is the one that is called.
#[tokio::test]
async fn the_vendors_codebase_is_used() {
    let home = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    for name in [
        "login-companyinfo.json",
        "login-companyinfo-vendor-doc.json",
    ] {
        let Ok(text) = std::fs::read_to_string(format!("{home}/samples/connectwise/{name}")) else {
            println!("skipped: {name} is not here");
            return;
        };
        let stage = set("").await;
        let tap = Tap::before(stage.desk.base_url()).await;
        let platform = stage.another(&format!("base_url = \"{}\"\n", tap.url));
        let told = serde_json::from_str(&text).unwrap();
        tap.tell_instead(
            Method::GET,
            "/login/companyinfo/sandboxmsp",
            StatusCode::OK,
            told,
        );
        let record = stage.ticket();
        let read = platform.fetch(&stage.call, &record, Wish::default()).await;
        // The stand-in has another codebase: what counts is where it was looked for.
        drop(read);
        let path = format!("/v2017_3/apis/3.0/service/tickets/{record}");
        let asked = tap.take();
        assert!(asked.iter().any(|one| one.url.contains(&path)), "{name}");
    }
}
