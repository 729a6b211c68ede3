//! Field Nation's own client: its REST API and its webhooks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldbridge::config::{FieldNationSettings, Secrets};
use fieldbridge::fieldnation::{FieldNation, Likeness};
use fieldbridge::http::Call;
use fieldbridge::model::{
    Clock, ConnectorId, Exchange, FileContent, ManualClock, Marker, Note, NoteVisibility, RecordId,
    WorkOrderId,
};
use fieldbridge::sandbox::{self, Deliveries, Fault, FaultKind, InlineSchedule, NewFile};
use serde_json::{Value, json};

use super::descriptions;
use super::judge::{Known, judge};
use super::net::{Unsent, every_request_was_sent};
use super::tap::Tap;

const KNOWN: &[Known] = &[
    Known {
        operation: "POST /authentication/api/oauth/token",
        place: "body",
        why: "A refresh token stands for name and password; where it is refused, they are sent.",
        page: "fieldnation.md §6.2",
    },
    Known {
        operation: "GET /storage/{}/{}/{}",
        place: "operation",
        why: "Where a file lies is told by the attachment; it is no part of the API.",
        page: "fieldnation.md §6.4",
    },
    Known {
        operation: "PUT /api/rest/v2/workorders/{work_order_id}/schedule",
        place: "body /service_window/start",
        why: "A mapping's UTC goes as UTC alone: no page says how to make the site's own time of it, and a wrong one would send people at the wrong hour.",
        page: "fieldnation.md §6.3, §6.4",
    },
    Known {
        operation: "PUT /api/rest/v2/workorders/{work_order_id}/schedule",
        place: "body /service_window/end",
        why: "A mapping's UTC goes as UTC alone: no page says how to make the site's own time of it, and a wrong one would send people at the wrong hour.",
        page: "fieldnation.md §6.3, §6.4",
    },
];

/// Why a text with a slash is no path of a request.
const POINTER: &str = "A pointer into an answer.";

const UNSENT: &[Unsent] = &[
    Unsent {
        text: "/{name}/id",
        why: POINTER,
    },
    Unsent {
        text: "/errors",
        why: POINTER,
    },
    Unsent {
        text: "/error/details",
        why: POINTER,
    },
    Unsent {
        text: "/error/errors",
        why: POINTER,
    },
    Unsent {
        text: "/detail",
        why: POINTER,
    },
    Unsent {
        text: "/message",
        why: POINTER,
    },
    Unsent {
        text: "/error/message",
        why: POINTER,
    },
    Unsent {
        text: "/error_description",
        why: POINTER,
    },
    Unsent {
        text: "/title",
        why: POINTER,
    },
    Unsent {
        text: "/code",
        why: POINTER,
    },
    Unsent {
        text: "/error/code",
        why: POINTER,
    },
    Unsent {
        text: "/errors/0/code",
        why: POINTER,
    },
    Unsent {
        text: "/p",
        why: "The end of a paragraph in HTML.",
    },
    Unsent {
        text: "/div",
        why: "The end of a block in HTML.",
    },
    Unsent {
        text: "/li",
        why: "The end of an item in HTML.",
    },
    Unsent {
        text: "/api/rest/v2",
        why: "What is cut off an address in the settings.",
    },
    Unsent {
        text: "{}/api/rest/v2{path}",
        why: "What goes before every path.",
    },
    Unsent {
        text: "/custom_fields",
        why: "What the paths of one kind begin with.",
    },
];

/// A started stand-in and our client of it.
struct Stage {
    theirs: sandbox::FieldNation,
    ours: FieldNation,
    clock: Arc<ManualClock>,
    call: Call,
}

impl Stage {
    /// With a company that takes no schedule from a create, so that the section's own call is made too.
    async fn set() -> Self {
        let clock = Arc::new(ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap()));
        let settings = sandbox::FieldNationSettings {
            deliveries: Deliveries::Off,
            inline_schedule: InlineSchedule::Ignored,
            ..sandbox::FieldNationSettings::default()
        };
        let theirs = sandbox::FieldNation::start(settings, clock.clone(), 1)
            .await
            .unwrap();
        let ours = client_at(&theirs, theirs.base_url(), &clock);
        Self {
            theirs,
            ours,
            clock,
            call: Call::default(),
        }
    }

    async fn write(&self) -> WorkOrderId {
        let (ours, call) = (&self.ours, &self.call);
        let (output, since) = (output(), self.clock.now());
        let output = output.as_object().unwrap();
        let created = ours.create(call, output, &marker()).await.unwrap();
        assert_eq!((created.not_stored, created.unchecked), (Vec::new(), None));
        self.clock.advance(Duration::from_secs(60));
        let likeness = Likeness { output, since };
        ours.find(call, &marker(), likeness).await.unwrap();
        let changes = changes();
        let update = ours.update(call, created.id, changes.as_object().unwrap());
        update.await.unwrap();
        let by_the_sites_clock = json!({"schedule": {"service_window": {
            "mode": "between",
            "start": {"local": {"date": "2026-07-12", "time": "09:00:00"}},
            "end": {"local": {"date": "2026-07-12", "time": "11:00:00"}},
        }}});
        let update = ours.update(call, created.id, by_the_sites_clock.as_object().unwrap());
        update.await.unwrap();
        created.id
    }

    /// What comes of a work order once it is out.
    async fn live(&self, id: WorkOrderId) {
        let (ours, theirs, call) = (&self.ours, &self.theirs, &self.call);
        ours.publish(call, id).await.unwrap();
        theirs.assign(id.0).unwrap();
        for visibility in [NoteVisibility::Public, NoteVisibility::Internal] {
            let note = Note {
                id: String::new(),
                text: "See you there".to_owned(),
                visibility,
                author: None,
                created_at: None,
                by_us: true,
            };
            ours.post_message(call, id, &note).await.unwrap();
        }
        ours.messages(call, id).await.unwrap();
        let file = FileContent {
            name: "plan.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: Bytes::from_static(b"two cables"),
        };
        ours.attach(call, id, &file).await.unwrap();
        let upload = NewFile {
            name: "photo.txt".to_owned(),
            mime: "text/plain".to_owned(),
            content: Bytes::from_static(b"a photo"),
        };
        theirs.upload(id.0, upload).unwrap();
        for file in ours.files(call, id).await.unwrap() {
            ours.download(call, &file).await.unwrap();
        }
        assert!(ours.fetch(call, id).await.unwrap().is_some());
    }

    async fn listen(&self) {
        let (ours, call) = (&self.ours, &self.call);
        let url = "https://broker.example.com/v1/fieldnation/events";
        let made = ours.register_webhook(call, url, None).await.unwrap();
        let other = "01999f51-5c66-4449-b441-6b4a053fee6a".into();
        ours.register_webhook(call, url, Some(&other))
            .await
            .unwrap();
        ours.remove_webhook(call, &made.id).await.unwrap();
    }

    async fn every_verb(&self) -> Vec<Exchange> {
        self.ours.probe(&self.call).await.unwrap();
        self.ours.discover(&self.call).await.unwrap();
        let id = self.write().await;
        self.live(id).await;
        self.listen().await;
        self.call.take_exchanges()
    }
}

/// Our client, with the stand-in's credentials, at an address.
fn client_at(theirs: &sandbox::FieldNation, url: &str, clock: &Arc<ManualClock>) -> FieldNation {
    let who = theirs.credentials();
    let settings: FieldNationSettings = toml::from_str(&format!(
        "base_url = \"{url}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n\
         calls_per_minute = 60000\n",
        who.client_id, who.client_secret, who.username, who.password
    ))
    .unwrap();
    let file = Path::new("fieldbridge.toml");
    FieldNation::new(&settings, &Secrets::default(), clock.clone(), file).unwrap()
}

/// The sign-in, which stands in no record of our own, and once more after a token was refused.
async fn signing_in(stage: &Stage) -> Vec<Exchange> {
    let tap = Tap::before(stage.theirs.base_url()).await;
    let ours = client_at(&stage.theirs, &tap.url, &stage.clock);
    ours.probe(&stage.call).await.unwrap();
    let refused = Fault::once(FaultKind::Unauthorized);
    stage.theirs.faults().push(refused);
    ours.probe(&stage.call).await.unwrap();
    tap.take()
}

fn marker() -> Marker {
    Marker::of_record(&ConnectorId::new("cw-main").unwrap(), &RecordId::new("69"))
}

/// What the shipped mapping makes of a ticket.
fn output() -> Value {
    json!({
        "title": "Replace the router",
        "description": {"html": "Bring a ladder\nand a lamp"},
        "confidential": {"html": "ConnectWise ticket #69"},
        "location": {"mode": "custom", "display_name": "Main", "address1": "123 Test St", "city": "Minneapolis",
                     "state": "Minnesota", "zip": "55401", "country": "United States"},
        "contact": {"name": "Sample Contact", "phone": "5550100", "role": "Location Contact"},
        "schedule": {"service_window": {"start": {"utc": "2026-07-10 09:00:00"}, "mode": "exact"}},
        "types_of_work": "Structured Cabling",
        "pay": {"type": "fixed", "base": {"units": 1, "amount": 100}},
        "custom_fields": {"Site Code": "S-42"},
    })
}

/// A change of every section that is written by a call of its own.
fn changes() -> Value {
    json!({
        "title": "Replace two routers",
        "location": {"address1": "125 Test St"},
        "schedule": {"service_window": {"start": {"utc": "2026-07-11 10:00:00"}}},
        "pay": {"base": {"amount": 150}},
        "custom_fields": {"Site Code": "S-43"},
        "contact": {"name": "Other Contact"},
    })
}

#[tokio::test]
async fn every_call_is_described() {
    let names = [
        "fieldnation-rest-v2.openapi.yaml",
        "fieldnation-webhooks-v3.openapi.yaml",
    ];
    let stage = Stage::set().await;
    let mut exchanges = stage.every_verb().await;
    exchanges.extend(signing_in(&stage).await);
    every_request_was_sent("src/fieldnation", &exchanges, UNSENT);
    let Some(documents) = descriptions(&names) else {
        return;
    };
    insta::assert_snapshot!("field_nation", judge(&documents, "", &exchanges, KNOWN));
}
