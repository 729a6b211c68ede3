//! The Field Nation client against the stand-in, which was built from the vendor's documents and not from it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldbridge::config::{FieldNationSettings, Secrets};
use fieldbridge::fieldnation::{FieldNation, Found, Likeness};
use fieldbridge::http::Call;
use fieldbridge::model::{
    Category, Clock, ConnectorId, Effect, FileContent, ManualClock, Marker, Note, NoteVisibility,
    RecordId,
};
use fieldbridge::sandbox::{self, Deliveries, Fault, FaultKind, InlineSchedule, NewFile, Status};
use serde_json::{Map, Value, json};

/// A started stand-in and our client of it.
struct Rehearsal {
    theirs: sandbox::FieldNation,
    ours: FieldNation,
    clock: Arc<ManualClock>,
    call: Call,
}

impl Rehearsal {
    async fn start() -> Self {
        Self::with(sandbox::FieldNationSettings::default()).await
    }

    async fn with(settings: sandbox::FieldNationSettings) -> Self {
        let clock = Arc::new(ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap()));
        let settings = sandbox::FieldNationSettings {
            deliveries: Deliveries::Off,
            ..settings
        };
        let theirs = sandbox::FieldNation::start(settings, clock.clone(), 1)
            .await
            .unwrap();
        let who = theirs.credentials();
        let settings: FieldNationSettings = toml::from_str(&format!(
            "base_url = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n\
             calls_per_minute = 60000\n",
            theirs.base_url(),
            who.client_id,
            who.client_secret,
            who.username,
            who.password
        ))
        .unwrap();
        let file = Path::new("fieldbridge.toml");
        let ours = FieldNation::new(&settings, &Secrets::default(), clock.clone(), file).unwrap();
        Self {
            theirs,
            ours,
            clock,
            call: Call::default(),
        }
    }

    async fn create(&self) -> fieldbridge::model::WorkOrderId {
        let created = self
            .ours
            .create(&self.call, &output(), &marker())
            .await
            .unwrap();
        assert_eq!((created.not_stored, created.unchecked), (Vec::new(), None));
        created.id
    }

    fn order(&self, id: fieldbridge::model::WorkOrderId) -> Value {
        self.theirs.work_order(id.0).unwrap()
    }
}

fn marker() -> Marker {
    Marker::of_record(&ConnectorId::new("cw-main").unwrap(), &RecordId::new("69"))
}

/// What the shipped mapping makes of a ticket.
fn output() -> Map<String, Value> {
    let output = json!({
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
    });
    output.as_object().unwrap().clone()
}

#[tokio::test]
async fn a_work_order_is_stored_as_it_was_sent() {
    let rehearsal = Rehearsal::start().await;
    let id = rehearsal.create().await;
    assert_eq!(rehearsal.theirs.work_orders_with(marker().as_str()), [id.0]);
    let fetched = rehearsal
        .ours
        .fetch(&rehearsal.call, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rehearsal.ours.marker_of(&fetched), Some(marker()));
    assert!(fieldbridge::fieldnation::is_complete(&fetched));
    assert_eq!(fetched["location"]["country"], "US");
    assert_eq!(
        fetched["schedule"]["service_window"]["start"]["utc"],
        "2026-07-10 09:00:00"
    );
}

#[tokio::test]
async fn a_schedule_that_a_create_ignores_is_stored_all_the_same() {
    let settings = sandbox::FieldNationSettings {
        inline_schedule: InlineSchedule::Ignored,
        ..sandbox::FieldNationSettings::default()
    };
    let rehearsal = Rehearsal::with(settings).await;
    let id = rehearsal.create().await;
    assert_eq!(
        rehearsal.order(id)["schedule"]["service_window"]["start"]["utc"],
        "2026-07-10 09:00:00"
    );
}

#[tokio::test]
async fn changes_reach_every_section() {
    let rehearsal = Rehearsal::start().await;
    let id = rehearsal.create().await;
    let changes = json!({
        "title": "Replace two routers",
        "location": {"address1": "125 Test St"},
        "schedule": {"service_window": {"start": {"utc": "2026-07-11 10:00:00"}}},
        "pay": {"base": {"amount": 150}},
        "custom_fields": {"Site Code": "S-43"},
        "contact": {"name": "Other Contact"},
    });
    rehearsal
        .ours
        .update(&rehearsal.call, id, changes.as_object().unwrap())
        .await
        .unwrap();
    let order = rehearsal.order(id);
    assert_eq!(order["title"], "Replace two routers");
    assert_eq!(
        (&order["location"]["address1"], &order["location"]["zip"]),
        (&json!("125 Test St"), &json!("55401"))
    );
    assert_eq!(
        order["schedule"]["service_window"]["start"]["utc"],
        "2026-07-11 10:00:00"
    );
    assert_eq!(order["contacts"]["results"][0]["name"], "Other Contact");
    assert_eq!(
        rehearsal.theirs.work_orders_with(marker().as_str()),
        [id.0],
        "the link stays"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_reason() {
    let rehearsal = Rehearsal::start().await;
    let mut wrong = output();
    wrong.insert(
        "custom_fields".to_owned(),
        json!({"Service Level": "Impossible"}),
    );
    let failure = rehearsal
        .ours
        .create(&rehearsal.call, &wrong, &marker())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None),
        "{failure}"
    );
    let mut wrong = output();
    wrong.insert(
        "location".to_owned(),
        json!({"mode": "custom", "country": "US"}),
    );
    let failure = rehearsal
        .ours
        .create(&rehearsal.call, &wrong, &marker())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(failure.cause.contains("address1"), "{failure}");
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let rehearsal = Rehearsal::start().await;
    let since = rehearsal.clock.now();
    let output = output();
    let likeness = Likeness {
        output: &output,
        since,
    };
    let marker = marker();
    let find = || rehearsal.ours.find(&rehearsal.call, &marker, likeness);
    assert_eq!(
        find().await.unwrap_err().category,
        Category::Server,
        "too early to tell"
    );
    rehearsal.clock.advance(Duration::from_secs(6));
    assert_eq!(find().await.unwrap(), Found::Absent);
    rehearsal
        .theirs
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&http::Method::POST, "/workorders"));
    let failure = rehearsal
        .ours
        .create(&rehearsal.call, &output, &marker)
        .await
        .unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown, "{failure}");
    let made = rehearsal.theirs.work_order_ids();
    assert_eq!(made.len(), 1);
    assert_eq!(
        find().await.unwrap(),
        Found::WorkOrders(vec![fieldbridge::model::WorkOrderId(made[0])])
    );
}

#[tokio::test]
async fn an_expired_token_is_replaced_behind_the_scenes() {
    let rehearsal = Rehearsal::start().await;
    let id = rehearsal.create().await;
    rehearsal.theirs.expire_tokens();
    assert!(
        rehearsal
            .ours
            .fetch(&rehearsal.call, id)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(rehearsal.theirs.tokens_issued(), 2);
}

#[tokio::test]
async fn a_work_order_lives_its_life() {
    let rehearsal = Rehearsal::start().await;
    let (ours, theirs, call) = (&rehearsal.ours, &rehearsal.theirs, &rehearsal.call);
    let id = rehearsal.create().await;
    ours.publish(call, id).await.unwrap();
    ours.publish(call, id).await.unwrap();
    assert_eq!(theirs.status_of(id.0), Some(Status::Published));
    let note = |text: &str, visibility| Note {
        id: String::new(),
        text: text.to_owned(),
        visibility,
        author: None,
        created_at: None,
        by_us: false,
    };
    ours.post_message(
        call,
        id,
        &note("Nobody is assigned yet", NoteVisibility::Public),
    )
    .await
    .unwrap();
    theirs.assign(id.0).unwrap();
    let ours_id = ours
        .post_message(call, id, &note("See you there", NoteVisibility::Public))
        .await
        .unwrap();
    theirs.post_message(id.0, "On my way").unwrap();
    let messages = ours.messages(call, id).await.unwrap();
    let told: Vec<_> = messages
        .iter()
        .map(|note| (note.text.as_str(), note.visibility, note.by_us))
        .collect();
    for wanted in [
        ("Nobody is assigned yet", NoteVisibility::Internal, true),
        ("See you there", NoteVisibility::Public, true),
        ("On my way", NoteVisibility::Public, false),
    ] {
        assert!(told.contains(&wanted), "{told:?}");
    }
    assert!(
        messages
            .iter()
            .any(|note| Some(&note.id) == ours_id.as_ref())
    );
    let file = FileContent {
        name: "plan.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        bytes: Bytes::from_static(b"two cables"),
    };
    let attached = ours.attach(call, id, &file).await.unwrap();
    let upload = NewFile {
        name: "photo.txt".to_owned(),
        mime: "text/plain".to_owned(),
        content: Bytes::from_static(b"a photo"),
    };
    theirs.upload(id.0, upload).unwrap();
    let files = ours.files(call, id).await.unwrap();
    let named = |name: &str| files.iter().find(|file| file.name == name).unwrap();
    assert_eq!(Some(&named("plan.txt").id), attached.as_ref());
    assert!(named("plan.txt").by_us && !named("photo.txt").by_us);
    let photo = ours.download(call, named("photo.txt")).await.unwrap();
    assert_eq!(&photo.bytes[..], b"a photo");
}

#[tokio::test]
async fn the_company_is_known() {
    let rehearsal = Rehearsal::start().await;
    let said = rehearsal.ours.probe(&rehearsal.call).await.unwrap();
    assert!(said.contains("Ticket Number"), "{said}");
    let catalogue = rehearsal.ours.discover(&rehearsal.call).await.unwrap();
    let choices = |path: &str| catalogue.field(path).unwrap().picklist.len();
    assert_eq!(choices("types_of_work[0].id"), 6);
    assert!(choices("manager.id") >= 3 && choices("project.id") == 1);
    assert!(catalogue.field("custom_fields[\"Site Code\"]").is_some());
}

#[tokio::test]
async fn a_webhook_comes_and_goes() {
    let rehearsal = Rehearsal::start().await;
    let (ours, call) = (&rehearsal.ours, &rehearsal.call);
    let url = "https://broker.example.com/v1/fieldnation/events";
    let made = ours.register_webhook(call, url, None).await.unwrap();
    assert!(made.has_all_events() && made.secret.is_some());
    let again = ours
        .register_webhook(call, url, made.secret.as_ref())
        .await
        .unwrap();
    assert_eq!(again.id, made.id);
    assert_eq!(ours.webhooks(call).await.unwrap().len(), 1);
    ours.remove_webhook(call, &made.id).await.unwrap();
    ours.remove_webhook(call, &made.id).await.unwrap();
}
