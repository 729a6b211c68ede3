//! The sandbox's traffic, with the smallest broker that can stand between: it creates a work order for every
//! dispatched ticket and carries nothing back.

mod sandbox_support;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fieldbridge::model::PlatformKind;
use fieldbridge::sandbox::{
    Deliveries, Prospect, Sandbox, SandboxSettings, Status, Traffic, TrafficSettings, Trouble,
};
use sandbox_support::{Subscriber, client};
use serde_json::{Value, json};

fn marker(desk: PlatformKind, ticket: u64) -> String {
    format!("{desk:?}-{ticket}")
}

/// ConnectWise's REST base.
const CONNECTWISE: &str = "/v4_6_release/apis/3.0";

/// A broker that believes every trigger and looks nothing up.
struct Broker {
    sandbox: Arc<Sandbox>,
    subscriber: Subscriber,
    http: reqwest::Client,
    token: String,
    known: HashSet<(PlatformKind, u64)>,
}

impl Broker {
    async fn start(sandbox: Arc<Sandbox>) -> Self {
        let subscriber = Subscriber::answering(&[]).await;
        let http = client();
        let connectwise = sandbox.desk(PlatformKind::ConnectWise).unwrap();
        let keys = connectwise.credentials();
        let text = |name: &str| keys[name].as_str().unwrap().to_owned();
        let callback = json!({
            "url": format!("{}/connectwise", subscriber.url),
            "objectId": 1,
            "type": "ticket",
            "level": "owner",
        });
        let api = format!("{}{CONNECTWISE}", connectwise.base_url());
        let registered = http
            .post(format!("{api}/system/callbacks"))
            .basic_auth(
                format!("{}+{}", text("company"), text("public_key")),
                Some(text("private_key")),
            )
            .header("clientId", text("client_id"))
            .json(&callback);
        assert_eq!(registered.send().await.unwrap().status(), 201);
        let freshdesk = sandbox.desk(PlatformKind::Freshdesk).unwrap();
        freshdesk.listen_by_hand(&format!("{}/freshdesk?from=rule", subscriber.url));
        let credentials = sandbox.field_nation.credentials();
        let grant = json!({
            "grant_type": "password",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "username": credentials.username,
            "password": credentials.password,
        });
        let url = format!(
            "{}/authentication/api/oauth/token",
            sandbox.field_nation.base_url()
        );
        let token: Value = http
            .post(url)
            .json(&grant)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        Self {
            token: token["access_token"].as_str().unwrap().to_owned(),
            sandbox,
            subscriber,
            http,
            known: HashSet::new(),
        }
    }

    /// Handles the next trigger; the ticket when it became a work order now.
    async fn handle(&mut self) -> Option<(PlatformKind, u64)> {
        let trigger = self.subscriber.next().await;
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(trigger.uri.query().unwrap().as_bytes())
                .into_owned()
                .collect();
        let (desk, id) = match trigger.uri.path() {
            "/connectwise" => (PlatformKind::ConnectWise, &query["id"]),
            _ => (PlatformKind::Freshdesk, &query["external_id"]),
        };
        let ticket = id.parse().unwrap();
        let Some(shown) = self.ticket(desk, ticket).await else {
            // Careless: what can't be read now is never asked for again.
            self.known.insert((desk, ticket));
            return None;
        };
        let wanted = shown["status"]["name"] == "Dispatch to FN" || shown["status"] == 8;
        if !wanted || !self.known.insert((desk, ticket)) {
            return None;
        }
        let text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| shown.pointer(name)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        let order = json!({
            "title": text(["/summary", "/subject"]),
            "location": {
                "mode": "custom",
                "address1": text(["/addressLine1", "/custom_fields/cf_site_address"]),
                "city": text(["/city", "/custom_fields/cf_site_city"]),
                "state": text(["/stateIdentifier", "/custom_fields/cf_site_state"]),
                "zip": text(["/zip", "/custom_fields/cf_site_zip"]),
                "country": "US",
            },
            "schedule": {"service_window": {"mode": "exact", "start": {"utc": "2026-12-01 15:00:00"}}},
            "custom_fields": {"results": [{"results": [{"id": 129, "value": marker(desk, ticket)}]}]},
        });
        self.create(&order).await;
        Some((desk, ticket))
    }

    /// The ticket as the vendor's API shows it; nothing while trouble is planted there.
    async fn ticket(&self, platform: PlatformKind, ticket: u64) -> Option<Value> {
        let desk = self.sandbox.desk(platform).unwrap();
        let keys = desk.credentials();
        let text = |name: &str| keys[name].as_str().unwrap_or_default().to_owned();
        let base = desk.base_url();
        let request = match platform {
            PlatformKind::ConnectWise => self
                .http
                .get(format!("{base}{CONNECTWISE}/service/tickets/{ticket}"))
                .basic_auth(
                    format!("{}+{}", text("company"), text("public_key")),
                    Some(text("private_key")),
                )
                .header("clientId", text("client_id")),
            _ => self
                .http
                .get(format!("{base}/api/v2/tickets/{ticket}"))
                .basic_auth(text("api_key"), Some("X")),
        };
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        answer.json().await.ok()
    }

    async fn create(&self, order: &Value) -> reqwest::StatusCode {
        let url = format!("{}/workorders", self.sandbox.field_nation.rest_url());
        let request = self.http.post(url).bearer_auth(&self.token).json(order);
        request
            .send()
            .await
            .map_or(reqwest::StatusCode::IM_A_TEAPOT, |answer| answer.status())
    }
}

async fn scene(trouble: Trouble) -> (Arc<Sandbox>, Broker, Traffic) {
    let settings = SandboxSettings {
        deliveries: Deliveries::Paced(0.000_01),
        ..SandboxSettings::of(&[PlatformKind::ConnectWise, PlatformKind::Freshdesk])
    };
    let sandbox = Arc::new(Sandbox::start(settings).await.unwrap());
    let broker = Broker::start(sandbox.clone()).await;
    let traffic = Traffic::start(
        sandbox.clone(),
        TrafficSettings {
            seed: 7,
            tickets_per_second: 100.0,
            step: Duration::from_millis(2),
            trouble,
        },
    );
    (sandbox, broker, traffic)
}

/// Waits for the stand-in's journal to show that every work order has come to its end.
async fn until_over(sandbox: &Sandbox) {
    let mut latest = sandbox.field_nation.journal().latest();
    let is_over = || {
        let ids = sandbox.field_nation.work_order_ids();
        ids.iter().all(|id| {
            let status = sandbox.field_nation.status_of(*id);
            matches!(status, Some(Status::Approved | Status::Cancelled))
        })
    };
    while !is_over() {
        latest.changed().await.unwrap();
    }
}

#[tokio::test]
async fn every_dispatched_ticket_is_seen_through_and_reckoned() {
    let (sandbox, mut broker, traffic) = scene(Trouble::None).await;
    let mut done = Vec::new();
    while done.len() < 8 {
        done.extend(broker.handle().await);
    }
    traffic.stop_opening();
    let dispatched = || traffic.story().dispatched.len();
    while dispatched() > broker.known.len() {
        broker.handle().await;
    }
    until_over(&sandbox).await;
    let reckoning = traffic.reckon(marker);
    assert_eq!((reckoning.missing.len(), reckoning.doubled.len()), (0, 0));
    assert_eq!(reckoning.expected, traffic.story().dispatched.len());
    assert_eq!(reckoning.created, reckoning.expected);
    let posted = traffic.story().posted;
    assert!(!posted.is_empty());
    assert_eq!(
        reckoning.messages_missing, posted,
        "this broker carries nothing back"
    );
    assert!(!reckoning.is_even());

    let (desk, ticket) = done[0];
    let again = json!({"title": "twice", "custom_fields": {"results": [{"results": [{"id": 129, "value": marker(desk, ticket)}]}]}});
    assert_eq!(broker.create(&again).await, 200);
    assert_eq!(traffic.reckon(marker).doubled, [(desk, ticket)]);
    traffic.stop().await;
    sandbox.stop().await;
}

#[tokio::test]
async fn planted_trouble_shows_in_the_reckoning_of_a_careless_broker() {
    let (sandbox, mut broker, traffic) = scene(Trouble::Planted).await;
    while traffic.story().dispatched.len() < 16 {
        broker.handle().await;
    }
    traffic.stop_opening();
    while traffic.story().dispatched.len() > broker.known.len() {
        broker.handle().await;
    }
    let story = traffic.story();
    let refused: Vec<_> = story
        .dispatched
        .iter()
        .filter(|ticket| ticket.prospect == Prospect::Refusal)
        .collect();
    assert_eq!(
        (refused[0].platform, refused[1].platform),
        (PlatformKind::ConnectWise, PlatformKind::Freshdesk)
    );
    assert!(
        story
            .trouble
            .contains(&"the answer to a create is lost after it took effect")
    );
    let reckoning = traffic.reckon(marker);
    assert_eq!(
        reckoning.unexpected,
        [],
        "Field Nation refuses what nobody could be sent to"
    );
    assert!(
        !reckoning.missing.is_empty(),
        "a broker that does not try again loses work to a burst of 429"
    );
    traffic.stop().await;
    sandbox.stop().await;
}
