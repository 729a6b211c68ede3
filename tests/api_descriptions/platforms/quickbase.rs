//! Quickbase: one way to sign in, messages and files in tables of their own or in fields.

use bytes::Bytes;
use fieldbridge::model::{Exchange, FileContent, PlatformKind, SideRecordKind};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{Deliveries, Quickbase, QuickbaseSettings};
use serde_json::json;

use super::super::drive::Subject;
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::has_header;
use super::super::stage::{Stage, clock};
use super::Vendor;

const QUICKBASE: Vendor = Vendor {
    platform: PlatformKind::Quickbase,
    descriptions: &["quickbase.json"],
    mount: "",
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "/v1",
            why: "What goes before every path.",
        },
        Unsent {
            text: "{base}/v1",
            why: "What goes before every path.",
        },
    ],
};

const KNOWN: &[Known] = &[];

async fn set(settings: &str) -> Stage<Quickbase> {
    let clock = clock();
    let stand_in = QuickbaseSettings {
        deliveries: Deliveries::Paced(0.0),
        ..QuickbaseSettings::default()
    };
    let desk = Quickbase::start(stand_in, clock.clone(), 1).await.unwrap();
    Stage::set(desk, clock, settings)
}

fn subject() -> Subject {
    let time = |hours: f64| json!({"6": hours, "9": "On site"});
    Subject {
        create: json!({"6": "HB-0101 - Router down", "7": "No light.", "9": "Minneapolis", "14": "2026-03-02T15:00:00Z", "15": 175}),
        updates: vec![
            json!({"11": "Scheduled", "20": "Replaced"}),
            json!({"9": null}),
        ],
        sides: vec![(SideRecordKind::Time, time(1.5), time(2.5))],
        refused_sides: Vec::new(),
    }
}

/// Internal messages and files in fields of the record itself.
async fn in_fields() -> Vec<Exchange> {
    let stage = set(
        "message_internal_field_id = \"\"\ninternal_notes = \"field:20\"\n\
        document_table_id = \"\"\ndocument_related_record_id = \"\"\ndocument_field_id = 22\n",
    )
    .await;
    let record = stage.ticket();
    for visibility in [
        fieldbridge::model::NoteVisibility::Public,
        fieldbridge::model::NoteVisibility::Internal,
    ] {
        let note = fieldbridge::model::Note {
            id: String::new(),
            text: "On my way".to_owned(),
            visibility,
            author: None,
            created_at: None,
            by_us: true,
        };
        let add = stage.platform.add_note(&stage.call, &record, &note);
        add.await.unwrap();
    }
    let file = FileContent {
        name: "site.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        bytes: Bytes::from_static(b"one"),
    };
    let attach = stage.platform.attach(&stage.call, &record, &file);
    attach.await.unwrap();
    let wish = Wish {
        notes: true,
        files: true,
    };
    let read = stage.platform.fetch(&stage.call, &record, wish).await;
    let file = read.unwrap().unwrap().files.remove(0);
    let download = stage.platform.download(&stage.call, &record, &file);
    download.await.unwrap();
    stage.take().await
}

#[tokio::test]
async fn quickbase() {
    let stage = set("").await;
    stage.every_verb(&subject()).await;
    let mut exchanges = stage.take().await;
    exchanges.extend(in_fields().await);
    for exchange in &exchanges {
        // §3.1: realm and token on each call.
        for name in ["QB-Realm-Hostname", "Authorization"] {
            assert!(has_header(exchange, name), "{name} on {}", exchange.url);
        }
    }
    QUICKBASE.hold(&exchanges);
}
