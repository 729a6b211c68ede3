//! Smartsheet: one way to sign in, a thread for messages, signed callbacks.

use fieldbridge::model::{Exchange, PlatformKind};
use fieldbridge::sandbox::{Deliveries, ServiceDesk, Smartsheet, SmartsheetSettings};
use serde_json::json;

use super::super::drive::Subject;
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::has_header;
use super::super::stage::{Stage, clock, listen};
use super::super::tap::Tap;
use super::Vendor;

const SMARTSHEET: Vendor = Vendor {
    platform: PlatformKind::Smartsheet,
    descriptions: &["smartsheet.json"],
    mount: "",
    known: KNOWN,
    unsent: &[Unsent {
        text: "{base}/2.0",
        why: "What goes before every path.",
    }],
};

const KNOWN: &[Known] = &[
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

async fn set() -> Stage<Smartsheet> {
    let clock = clock();
    let settings = SmartsheetSettings {
        deliveries: Deliveries::Paced(0.0),
        ..SmartsheetSettings::default()
    };
    let desk = Smartsheet::start(settings, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, "")
}

fn subject() -> Subject {
    Subject {
        create: json!({"Task Name": "Replace the switch", "Status": "open", "Visit date": "2026-03-05T10:00:00Z",
            "Skills": ["Cabling"], "Watchers": "a@example.com, b@example.com", "Site zip": "02110", "Send to FN": "true"}),
        updates: vec![
            json!({"Status": "Complete", "FN technician": "Sam", "Skills": ["Cabling"], "Watchers": "a@example.com"}),
            json!({"Site zip": null, "Skills": null}),
        ],
        ..Subject::default()
    }
}

/// What is asked while a callback is read: the webhook's secret, and the row of a comment.
async fn behind_a_tap() -> Vec<Exchange> {
    let stage = set().await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let platform = stage.another(&format!("base_url = \"{}\"\n", tap.url));
    let url = listen(platform.clone()).await;
    platform.subscribe(&stage.call, &url).await.unwrap();
    let record = stage.ticket();
    let row = stage.desk.ticket_of(record.as_str()).unwrap();
    stage.desk.add_comment(row, "Bring a ladder.").unwrap();
    while stage.desk.deliveries_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    stage.desk.stop().await;
    tap.take()
}

#[tokio::test]
async fn smartsheet() {
    let stage = set().await;
    stage.every_verb(&subject()).await;
    let mut exchanges = stage.take().await;
    exchanges.extend(behind_a_tap().await);
    for exchange in &exchanges {
        // The token stands on each call (§4.1), and never goes where a file lies.
        let is_elsewhere = exchange.url.contains("/storage/");
        let has_token = has_header(exchange, "authorization");
        assert_eq!(has_token, !is_elsewhere, "{}", exchange.url);
    }
    SMARTSHEET.hold(&exchanges);
}
