//! An adapter, driven through every verb of its contract.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fieldbridge::config::{ConnectorConfig, Secrets};
use fieldbridge::http::{Call, QuotaBook};
use fieldbridge::model::{
    Clock, Exchange, Failure, FileContent, Marker, Note, NoteVisibility, PlatformKind, Priority,
    RecordId, SideRecord, SideRecordKind, SideSource, Timestamp, TokioClock, WorkOrderId,
};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, TriggerReading, TriggerRequest, Wish};
use fieldbridge::sandbox::{Case, Deliveries, Picture, Sandbox, SandboxSettings, ServiceDesk};
use serde_json::{Map, Value};

/// What a platform is driven with.
pub struct Subject {
    pub platform: PlatformKind,
    /// Where the stand-in has what the description has at the root, if other than the description's server.
    pub mount: &'static str,
    /// Lines of the connector's settings besides those that the stand-in names.
    pub settings: &'static str,
    /// The fields of a new record.
    pub create: Value,
    /// What is changed on a record, one update each.
    pub updates: Vec<Value>,
    /// The side records, each as it is made first and as it is changed to.
    pub sides: Vec<(SideRecordKind, Value, Value)>,
    /// Side records that the stand-in does not take; what was asked of it is judged all the same.
    pub refused_sides: Vec<(SideRecordKind, Value)>,
}

/// A started stand-in and the adapter that talks to it.
struct Stage {
    sandbox: Sandbox,
    subject: Subject,
    platform: Arc<dyn Platform>,
    clock: Arc<dyn Clock>,
    call: Call,
}

/// Everything that the adapter sent on the way through its verbs.
pub async fn every_verb(subject: Subject) -> Vec<Exchange> {
    let stage = Stage::set(subject).await;
    let record = stage.read().await;
    stage.write(&record).await;
    stage.create().await;
    stage.subscribe().await;
    stage.sandbox.stop().await;
    let exchanges = stage.call.take_exchanges();
    assert!(!exchanges.is_empty());
    exchanges
}

impl Stage {
    async fn set(subject: Subject) -> Self {
        let settings = SandboxSettings {
            deliveries: Deliveries::Paced(0.0),
            ..SandboxSettings::of(&[subject.platform])
        };
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
        let sandbox = Sandbox::start(settings).await.unwrap();
        let desk = sandbox.desk(subject.platform).unwrap();
        let text = format!(
            "platform = \"{}\"\noutbound_create = true\n[features]\nmessages = \"{}\"\nmessage_visibility = \"internal\"\n\
             files = \"both\"\n[limits]\ncalls_per_minute = 100000\n[settings]\n{}{}",
            subject.platform,
            desk.note_call().map_or("off", |_| "both"),
            desk.connector_settings(),
            subject.settings
        );
        let config = ConnectorConfig::parse(Path::new("connectors/one.toml"), &text).unwrap();
        let platform = build(&Setup {
            config: &config,
            secrets: &Secrets::default(),
            clock: clock.clone(),
            tokens: Arc::new(fieldbridge::http::KeepsInMemory::default()),
            quotas: &QuotaBook::default(),
        });
        Self {
            platform: platform.unwrap_or_else(|problems| panic!("{problems:?}")),
            sandbox,
            clock,
            subject,
            call: Call::new(Priority::Live),
        }
    }

    fn desk(&self) -> &dyn ServiceDesk {
        self.sandbox.desk(self.subject.platform).unwrap()
    }

    /// Somebody's ticket, with a note and a file.
    fn ticket(&self) -> RecordId {
        let tomorrow = self.clock.now().as_second() + 86_400;
        let mut case = Case::plain(1, Timestamp::from_second(tomorrow).unwrap());
        case.note = Some("The door code is not written here.".to_owned());
        case.picture = Some(Picture {
            name: "before.png".to_owned(),
            media_type: "image/png".to_owned(),
            bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n not much"),
        });
        let ticket = self.desk().open(&case).unwrap();
        self.desk().dispatch(ticket).unwrap();
        RecordId::new(self.desk().record_id(ticket))
    }

    /// All that only reads.
    async fn read(&self) -> RecordId {
        let (platform, call) = (&self.platform, &self.call);
        let able = platform.capabilities();
        let record = self.ticket();
        let probe = platform.probe(call).await;
        assert!(probe.is_good(), "{probe:#?}");
        platform.discover(call).await.unwrap();
        for wish in [
            Wish::default(),
            Wish {
                notes: able.read_notes,
                files: able.read_files,
            },
        ] {
            let read = platform.fetch(call, &record, wish).await.unwrap().unwrap();
            assert_eq!(read.notes.is_empty(), !wish.notes);
            assert_eq!(read.files.is_empty(), !wish.files);
            for file in &read.files {
                platform.download(call, &record, file).await.unwrap();
            }
        }
        if able.changed_since {
            self.list_changed(&record).await;
        }
        record
    }

    async fn list_changed(&self, record: &RecordId) {
        let since = self.clock.now().as_second() - 3_600;
        let since = Timestamp::from_second(since).unwrap();
        let mut page = None;
        let mut ids = Vec::new();
        loop {
            let changed = self.platform.changed_since(&self.call, since, page);
            let changed = changed.await.unwrap();
            ids.extend(changed.records.into_iter().map(|(id, _)| id));
            page = changed.next;
            if page.is_none() {
                break;
            }
        }
        assert!(ids.contains(record), "{ids:?} should hold {record}");
    }

    /// All that is written on a record that is there.
    async fn write(&self, record: &RecordId) {
        let (platform, call) = (&self.platform, &self.call);
        let able = platform.capabilities();
        for changes in &self.subject.updates {
            let base = platform.fetch(call, record, Wish::default());
            let base = base.await.unwrap().unwrap();
            let update = platform.update(call, &base, object(changes));
            update.await.unwrap();
        }
        if able.write_notes {
            for (text, visibility) in [
                ("On my way.", NoteVisibility::Public),
                ("Gate code needed.", NoteVisibility::Internal),
            ] {
                let note = Note {
                    id: String::new(),
                    text: text.to_owned(),
                    visibility,
                    author: None,
                    created_at: None,
                    by_us: true,
                };
                platform.add_note(call, record, &note).await.unwrap();
            }
        }
        if able.write_files {
            let file = FileContent {
                name: "after.png".to_owned(),
                media_type: "image/png".to_owned(),
                bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n done"),
            };
            platform.attach(call, record, &file).await.unwrap();
        }
        for kind in &able.side_records {
            let mut taken = self.subject.sides.iter().map(|(kind, ..)| kind);
            let mut refused = self.subject.refused_sides.iter().map(|(kind, _)| kind);
            let is_driven = taken.any(|known| known == kind) || refused.any(|known| known == kind);
            assert!(is_driven, "{kind:?} is not driven");
        }
        for (kind, made, changed) in &self.subject.sides {
            let id = self.put_side(record, *kind, made, None).await.unwrap();
            // Once more without its id, as after an answer that was lost.
            self.put_side(record, *kind, made, None).await.unwrap();
            let same = self.put_side(record, *kind, changed, Some(&id)).await;
            assert_eq!(same.unwrap(), id, "{kind:?}");
        }
        for (kind, fields) in &self.subject.refused_sides {
            let id = self.put_side(record, *kind, fields, None).await;
            assert!(id.is_err(), "{kind:?} was taken: {id:?}");
            let id = self.put_side(record, *kind, fields, Some("1")).await;
            assert!(id.is_err(), "{kind:?} was taken: {id:?}");
        }
    }

    async fn put_side(
        &self,
        record: &RecordId,
        kind: SideRecordKind,
        fields: &Value,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let source = SideSource::Object("881".to_owned());
        let side = SideRecord::new(kind, fields.clone(), source);
        let platform = &self.platform;
        let put = platform.put_side_record(&self.call, record, &side, existing);
        put.await
    }

    async fn create(&self) {
        let (platform, call) = (&self.platform, &self.call);
        let marker = Marker::of_work_order(WorkOrderId(4711));
        platform
            .find(call, &marker, Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        let create = platform.create(call, object(&self.subject.create), &marker);
        create.await.unwrap();
        platform
            .find(call, &marker, Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
    }

    async fn subscribe(&self) {
        let (platform, call) = (&self.platform, &self.call);
        if !platform.capabilities().subscriptions {
            return;
        }
        let url = listen(platform.clone()).await;
        platform.subscriptions(call, &url).await.unwrap();
        let made = platform.subscribe(call, &url).await.unwrap();
        let there = platform.subscriptions(call, &url).await.unwrap();
        assert!(there.iter().any(|one| one.id == made.id), "{there:?}");
        platform.subscribe(call, &url).await.unwrap();
        platform.unsubscribe(call, &made.id).await.unwrap();
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

/// A listener that answers as intake does: with what the adapter reads in a trigger. Its address.
async fn listen(platform: Arc<dyn Platform>) -> String {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(answer).with_state(platform);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/v1/broker/inbound?client_token=not-a-real-token")
}

async fn answer(State(platform): State<Arc<dyn Platform>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let trigger = TriggerRequest {
        method: parts.method,
        query: Vec::new(),
        headers: parts.headers,
        body,
    };
    match platform.read_trigger(&trigger).await {
        Ok(TriggerReading::Answer(answer)) => {
            let mut response = (answer.status, answer.body).into_response();
            for (name, value) in answer.headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Ok(_) => StatusCode::OK.into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
