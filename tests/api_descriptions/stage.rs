//! A started stand-in and the adapter that talks to it, built as the engine builds it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fieldbridge::config::{ConnectorConfig, Secrets};
use fieldbridge::http::{Call, KeepsInMemory, QuotaBook};
use fieldbridge::model::{Clock, Exchange, Priority, RecordId, Timestamp, TokioClock};
use fieldbridge::platform::registry::{Setup, build};
use fieldbridge::platform::{Platform, TriggerReading, TriggerRequest, Wish};
use fieldbridge::sandbox::{Case, Picture, ServiceDesk};

/// A started stand-in and the adapter that talks to it.
pub struct Stage<D> {
    pub desk: D,
    pub platform: Arc<dyn Platform>,
    pub clock: Arc<dyn Clock>,
    pub call: Call,
    settings: String,
}

/// The clock that a stand-in and its adapter share.
pub fn clock() -> Arc<dyn Clock> {
    drop(rustls::crypto::ring::default_provider().install_default());
    Arc::new(TokioClock::start())
}

impl<D: ServiceDesk> Stage<D> {
    /// `settings` are lines of the connector's settings besides those that the stand-in names. One that stands in both
    /// is taken from here, and one that is empty here is left out.
    pub fn set(desk: D, clock: Arc<dyn Clock>, settings: &str) -> Self {
        Self {
            platform: adapter(&desk, &clock, settings),
            desk,
            clock,
            call: Call::new(Priority::Live),
            settings: settings.to_owned(),
        }
    }

    /// Another connector of the same stand-in, these settings beside or instead of the first one's.
    pub fn another(&self, settings: &str) -> Arc<dyn Platform> {
        let mut both: toml::Table = toml::from_str(&self.settings).unwrap();
        both.extend(toml::from_str::<toml::Table>(settings).unwrap());
        adapter(&self.desk, &self.clock, &both.to_string())
    }

    /// Somebody's ticket, with a note and a file.
    pub fn ticket(&self) -> RecordId {
        let tomorrow = self.clock.now().as_second() + 86_400;
        let mut case = Case::plain(1, Timestamp::from_second(tomorrow).unwrap());
        case.note = Some("The door code is not written here.".to_owned());
        case.picture = Some(Picture {
            name: "before.png".to_owned(),
            media_type: "image/png".to_owned(),
            bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n not much"),
        });
        let ticket = self.desk.open(&case).unwrap();
        self.desk.dispatch(ticket).unwrap();
        RecordId::new(self.desk.record_id(ticket))
    }

    /// Signs in with these settings instead, and reads a ticket, once more after the vendor refused what it gave.
    pub async fn sign_in(&self, settings: &str, refuse: impl Fn(&D)) {
        let record = self.ticket();
        let platform = self.another(settings);
        let probe = platform.probe(&self.call).await;
        assert!(probe.is_good(), "{settings}: {probe:#?}");
        refuse(&self.desk);
        let read = platform.fetch(&self.call, &record, Wish::default()).await;
        assert!(read.unwrap().is_some(), "{settings}");
    }

    /// All that was sent, once the stand-in is stopped.
    pub async fn take(self) -> Vec<Exchange> {
        self.desk.stop().await;
        let exchanges = self.call.take_exchanges();
        assert!(!exchanges.is_empty());
        exchanges
    }
}

fn adapter<D: ServiceDesk>(desk: &D, clock: &Arc<dyn Clock>, settings: &str) -> Arc<dyn Platform> {
    let mut all: toml::Table = toml::from_str(&desk.connector_settings()).unwrap();
    all.extend(toml::from_str::<toml::Table>(settings).unwrap());
    all.retain(|_, value| value.as_str() != Some(""));
    let mut features: toml::Table = toml::from_str(
        "messages = \"both\"\nmessage_visibility = \"internal\"\nfiles = \"both\"\n",
    )
    .unwrap();
    if desk.note_call().is_none() {
        features.insert("messages".to_owned(), "off".into());
    }
    let mut file = toml::Table::new();
    file.insert("platform".to_owned(), desk.platform().to_string().into());
    file.insert("outbound_create".to_owned(), true.into());
    file.insert("features".to_owned(), features.into());
    let limits = toml::from_str::<toml::Table>("calls_per_minute = 100000").unwrap();
    file.insert("limits".to_owned(), limits.into());
    file.insert("settings".to_owned(), all.into());
    let config = ConnectorConfig::parse(Path::new("connectors/one.toml"), &file.to_string());
    let platform = build(&Setup {
        config: &config.unwrap(),
        secrets: &Secrets::default(),
        clock: clock.clone(),
        tokens: Arc::new(KeepsInMemory::default()),
        quotas: &QuotaBook::default(),
    });
    platform.unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A listener that answers as intake does: with what the adapter reads in a trigger. Its address.
pub async fn listen(platform: Arc<dyn Platform>) -> String {
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
