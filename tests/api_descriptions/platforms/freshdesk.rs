//! Freshdesk: one way to sign in, related objects along with the ticket or one by one.

use axum::http::{Method, StatusCode};
use fieldbridge::model::{Exchange, PlatformKind, SideRecordKind};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{Deliveries, Freshdesk, FreshdeskSettings};
use serde_json::json;

use super::super::drive::Subject;
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::has_header;
use super::super::stage::{Stage, clock};
use super::super::tap::Tap;
use super::Vendor;

const FRESHDESK: Vendor = Vendor {
    platform: PlatformKind::Freshdesk,
    descriptions: &["freshdesk.yaml"],
    mount: "",
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "{}/a/tickets/{number}",
            why: "Where people open a ticket.",
        },
        Unsent {
            text: "/api/v2",
            why: "What goes before every path.",
        },
        Unsent {
            text: "{base}/api/v2",
            why: "What goes before every path.",
        },
    ],
};

const KNOWN: &[Known] = &[
    Known {
        operation: "PUT /tickets/{ticket_id}",
        place: "body /type",
        why: "An emptied field is null, as where nothing stands in the vendor's own tickets; the description has no null at all.",
        page: "platforms-helpdesk-erp-rest.md §1.2, samples/freshdesk/python-freshdesk_ticket_1.json",
    },
    Known {
        operation: "GET /api/v2/admin/ticket_fields",
        place: "operation",
        why: "The community's description leaves the admins' list of fields out.",
        page: "platforms-helpdesk-erp-rest.md §1.4",
    },
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

async fn set() -> Stage<Freshdesk> {
    let clock = clock();
    let settings = FreshdeskSettings {
        deliveries: Deliveries::Paced(0.0),
        ..FreshdeskSettings::default()
    };
    let desk = Freshdesk::start(settings, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, "")
}

fn subject() -> Subject {
    let time = |hours: f64| json!({"time_spent": hours, "note": "On site"});
    Subject {
        create: json!({"email": "customer@example.com", "subject": "Site visit", "description": "<p>Go</p>", "status": "open",
            "priority": "High", "tags": ["on-site"], "private_note": "Made by us"}),
        updates: vec![
            json!({"status": 5, "priority": "Low", "tags": ["later"], "private_note": "Assigned"}),
            json!({"type": null}),
        ],
        sides: vec![(SideRecordKind::Time, time(1.5), time(2.0))],
        refused_sides: Vec::new(),
    }
}

/// An account that refuses the related objects is asked for each, and a ticket without its marker is looked for.
async fn behind_a_tap() -> Vec<Exchange> {
    let stage = set().await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let platform = stage.another(&format!("base_url = \"{}\"\n", tap.url));
    let record = stage.ticket();
    let refused = json!({"description": "Validation failed",
        "errors": [{"field": "include", "message": "Unexpected/invalid field in request", "code": "invalid_field"}]});
    let path = format!("/tickets/{record}");
    tap.tell_instead(Method::GET, &path, StatusCode::BAD_REQUEST, refused);
    let alone = json!({"id": record.as_str().parse::<u64>().unwrap(), "requester_id": 7, "company_id": 9, "subject": "x"});
    tap.tell_instead(Method::GET, &path, StatusCode::OK, alone);
    for (path, told) in [
        (
            "/contacts/7",
            json!({"id": 7, "name": "Sample Customer", "company_id": 9}),
        ),
        ("/companies/9", json!({"id": 9, "name": "Harborlight"})),
    ] {
        tap.tell_instead(Method::GET, path, StatusCode::OK, told);
    }
    let read = platform.fetch(&stage.call, &record, Wish::default()).await;
    assert_eq!(
        read.unwrap().unwrap().fields["company"]["name"],
        "Harborlight"
    );
    let nested = json!([{"name": "cf_country", "label": "Country", "type": "nested_field", "default": false,
        "choices": {"US": {"Texas": []}}}]);
    tap.tell_instead(Method::GET, "/api/v2/ticket_fields", StatusCode::OK, nested);
    platform.discover(&stage.call).await.unwrap();
    stage.desk.stop().await;
    tap.take()
}

#[tokio::test]
async fn freshdesk() {
    let stage = set().await;
    stage.every_verb(&subject()).await;
    let mut exchanges = stage.take().await;
    exchanges.extend(behind_a_tap().await);
    for exchange in &exchanges {
        // The key stands on each call (§1.1), and never goes where a file lies.
        let is_elsewhere = exchange.url.contains("/storage/");
        let has_key = has_header(exchange, "authorization");
        assert_eq!(has_key, !is_elsewhere, "{}", exchange.url);
    }
    FRESHDESK.hold(&exchanges);
}
