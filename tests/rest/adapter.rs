//! The adapter against the made-up service: everything it does, and everything that goes wrong.

use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use fieldbridge::model::{
    Category, Effect, FieldKind, FileContent, Note, NoteVisibility, Timestamp,
};
use fieldbridge::platform::{
    Found, SubscriptionPlan, TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
use fieldbridge::sandbox::{
    Deed, Deliveries, Doer, Fault, FaultKind, Rest, RestSettings, ServiceDesk, Thing,
};
use serde_json::json;

use super::sandbox_support::Subscriber;
use super::scene::{Scene, build, id, marker, object};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

#[tokio::test]
async fn a_record_is_created_read_and_changed() {
    let scene = Scene::plain().await;
    let fields = json!({"subject": "Printer jams", "site": {"city": "Austin"}, "wantedAt": "2026-01-02T03:04:05Z"});
    let created = scene.create(fields, 7).await;
    assert_eq!(created, id("TK-1001"), "the id is in Location alone");
    let record = scene
        .platform
        .fetch(&scene.call, &created, Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.label, "Printer jams");
    assert_eq!(record.fields["externalReference"], "FN-7");
    assert!(record.changed_at.is_some());
    let changes = object(json!({"status": "assigned", "site": {"zip": "78701"}}));
    scene
        .platform
        .update(&scene.call, &record, &changes)
        .await
        .unwrap();
    let after = scene.read("TK-1001").await;
    assert_eq!(
        after["site"],
        json!({"name": null, "street": null, "city": "Austin", "state": null, "zip": "78701"})
    );
    assert_eq!(
        (&after["status"], &after["subject"]),
        (&json!("assigned"), &json!("Printer jams"))
    );
    let gone = scene
        .platform
        .fetch(&scene.call, &id("TK-9"), Wish::default())
        .await
        .unwrap();
    assert!(gone.is_none());
    let hostile = scene
        .platform
        .fetch(&scene.call, &id("../../x?y#z"), Wish::default())
        .await
        .unwrap();
    assert!(hostile.is_none(), "an id can't leave its place in the path");
    let exchanges = scene.call.take_exchanges();
    assert!(!format!("{exchanges:?}").contains("not-a-real-harbour-key"));
}

#[tokio::test]
async fn a_put_sends_the_whole_record_without_what_is_only_read() {
    let scene = Scene::with("", |settings| {
        settings.replace("\"changeTicket\"", "\"replaceTicket\"")
    })
    .await;
    let created = scene
        .create(
            json!({"subject": "x", "description": "kept", "site": {"city": "Austin"}}),
            7,
        )
        .await;
    let record = scene
        .platform
        .fetch(&scene.call, &created, Wish::default())
        .await
        .unwrap()
        .unwrap();
    let changes = object(json!({"status": "done", "site": {"zip": "78701"}}));
    scene
        .platform
        .update(&scene.call, &record, &changes)
        .await
        .unwrap();
    let after = scene.read("TK-1001").await;
    assert_eq!(
        (&after["description"], &after["status"]),
        (&json!("kept"), &json!("done"))
    );
    assert_eq!(
        (&after["site"]["city"], &after["site"]["zip"]),
        (&json!("Austin"), &json!("78701"))
    );
    assert_eq!(after["externalReference"], "FN-7");
}

#[tokio::test]
async fn a_refusal_tells_what_is_wrong() {
    let scene = Scene::plain().await;
    let fields = object(json!({"subject": "", "status": "open", "colour": "red"}));
    let failure = scene
        .platform
        .create(&scene.call, &fields, &marker(7))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    for part in [
        "422",
        "status: must be one of new",
        "colour: is not a member",
        "subject: must not be empty",
    ] {
        assert!(failure.cause.contains(part), "{part}: {}", failure.cause);
    }
    let hint = failure.hint.unwrap();
    assert!(hint.contains("departs from the description"), "{hint}");
}

#[tokio::test]
async fn a_strict_connector_sends_nothing_that_departs() {
    let scene = Scene::with("", |settings| {
        format!("{settings}validate_requests = \"enforce\"\n")
    })
    .await;
    let fields = object(json!({"subject": "x", "status": "open"}));
    let failure = scene
        .platform
        .create(&scene.call, &fields, &marker(7))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    assert!(
        failure.cause.contains("was not sent") && failure.cause.contains("/ticket/status"),
        "{}",
        failure.cause
    );
    assert!(scene.call.take_exchanges().is_empty());
    // What does not depart goes through, envelope, key and all.
    assert_eq!(
        scene
            .create(json!({"subject": "x", "status": "new"}), 7)
            .await,
        id("TK-1001")
    );
}

#[tokio::test]
async fn faults_are_told_apart() {
    let scene = Scene::plain().await;
    let created = scene.create(json!({"subject": "x"}), 7).await;
    let record = scene
        .platform
        .fetch(&scene.call, &created, Wish::default())
        .await
        .unwrap()
        .unwrap();
    let changes = object(json!({"status": "done"}));
    for (kind, category, effect) in [
        (
            FaultKind::Unauthorized,
            Category::Authentication,
            Effect::None,
        ),
        (
            FaultKind::ServerError { status: 503 },
            Category::Server,
            Effect::Unknown,
        ),
        (
            FaultKind::ServerError { status: 500 },
            Category::Server,
            Effect::Unknown,
        ),
        (FaultKind::ResetBefore, Category::Network, Effect::Unknown),
        (FaultKind::LostResponse, Category::Network, Effect::Unknown),
    ] {
        scene.service.faults().push(Fault::once(kind));
        let failure = scene
            .platform
            .update(&scene.call, &record, &changes)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (category, effect),
            "{kind:?}: {failure}"
        );
    }
    scene
        .service
        .faults()
        .push(Fault::once(FaultKind::RateLimited {
            retry_after_seconds: 30,
        }));
    let failure = scene
        .platform
        .update(&scene.call, &record, &changes)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.retry_after),
        (Category::RateLimited, Some(Duration::from_secs(30)))
    );
    assert!(scene.platform.ready_in(fieldbridge::model::Priority::Live) > Duration::from_secs(20));
}

#[tokio::test]
async fn a_record_whose_creation_got_lost_is_found_again() {
    let scene = Scene::plain().await;
    assert!(scene.platform.capabilities().find);
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(7), LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    scene
        .service
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/tickets"));
    let fields = object(json!({"subject": "x"}));
    let failure = scene
        .platform
        .create(&scene.call, &fields, &marker(7))
        .await
        .unwrap_err();
    assert_eq!(failure.effect, Effect::Unknown);
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(7), LONG_AGO)
            .await
            .unwrap(),
        Found::Records(vec![id("TK-1001")])
    );
    assert_eq!(
        scene
            .service
            .journal()
            .count(Deed::Created, Thing::Ticket, Doer::Api),
        1
    );
    scene.create(json!({"subject": "doubled"}), 7).await;
    let Found::Records(both) = scene
        .platform
        .find(&scene.call, &marker(7), LONG_AGO)
        .await
        .unwrap()
    else {
        panic!("found")
    };
    assert_eq!(both.len(), 2);
}

#[tokio::test]
async fn a_list_without_a_filter_is_read_to_its_end_and_proves_no_absence() {
    let scene = Scene::with("", |settings| {
        settings.replace(
            "marker_parameter = \"externalReference\"\n",
            "parameters = { pageSize = 2 }\n",
        )
    })
    .await;
    for number in 0..5 {
        scene.create(json!({"subject": "x"}), number).await;
    }
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(4), LONG_AGO)
            .await
            .unwrap(),
        Found::Records(vec![id("TK-1005")])
    );
    assert_eq!(
        scene
            .platform
            .find(&scene.call, &marker(99), LONG_AGO)
            .await
            .unwrap(),
        Found::CannotTell
    );
}

#[tokio::test]
async fn what_changed_is_listed_page_by_page() {
    let scene = Scene::with("", |settings| {
        format!("{settings}parameters = {{ pageSize = 2 }}\n")
    })
    .await;
    for number in 0..3 {
        scene.create(json!({"subject": "x"}), number).await;
    }
    let since: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let first = scene
        .platform
        .changed_since(&scene.call, since, None)
        .await
        .unwrap();
    assert_eq!(first.records.len(), 2);
    let second = scene
        .platform
        .changed_since(&scene.call, since, first.next)
        .await
        .unwrap();
    let ids: Vec<_> = second
        .records
        .iter()
        .map(|(id, at)| (id.as_str(), at.is_some()))
        .collect();
    assert_eq!(ids, [("TK-1003", true)]);
    assert_eq!(second.next, None);
    let later: Timestamp = "2999-01-01T00:00:00Z".parse().unwrap();
    assert!(
        scene
            .platform
            .changed_since(&scene.call, later, None)
            .await
            .unwrap()
            .records
            .is_empty()
    );
    let astray = scene
        .platform
        .changed_since(&scene.call, since, Some("http://192.0.2.1/tickets".into()))
        .await;
    assert!(astray.unwrap_err().cause.contains("not followed"));
}

#[tokio::test]
async fn files_go_up_as_the_description_says() {
    let scene = Scene::with("", |settings| {
        format!("{settings}attachment_limit = 1000\n")
    })
    .await;
    let record = scene.create(json!({"subject": "x"}), 7).await;
    let file = |size: usize| FileContent {
        name: "site photo ä.png".into(),
        media_type: "image/png".into(),
        bytes: Bytes::from(vec![7; size]),
    };
    assert_eq!(
        scene
            .platform
            .attach(&scene.call, &record, &file(3))
            .await
            .unwrap(),
        Some("1".into())
    );
    let ticket = scene.read("TK-1001").await;
    assert_eq!(ticket["attachments"][0]["name"], "site photo ä.png");
    assert_eq!(
        (
            &ticket["attachments"][0]["mediaType"],
            &ticket["attachments"][0]["size"]
        ),
        (&json!("image/png"), &json!(3))
    );
    let failure = scene
        .platform
        .attach(&scene.call, &record, &file(1001))
        .await
        .unwrap_err();
    assert!(failure.cause.contains("attachment_limit") && failure.category == Category::Validation);
    let failure = scene
        .platform
        .attach(&scene.call, &id("TK-9"), &file(1))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn fields_come_from_the_description_and_the_metadata() {
    let scene = Scene::plain().await;
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    let field = |path: &str| catalogue.field(path).unwrap_or_else(|| panic!("{path}"));
    assert!(field("subject").required && !field("subject").read_only);
    assert_eq!(field("subject").max_length, Some(120));
    assert!(field("id").read_only && field("updatedAt").read_only);
    assert_eq!(field("wantedAt").kind, FieldKind::DateTime);
    assert_eq!(field("site.city").kind, FieldKind::Text);
    assert!(!field("site.city").required);
    let statuses: Vec<_> = field("status")
        .picklist
        .iter()
        .map(|one| one.value.as_str())
        .collect();
    assert_eq!(
        statuses,
        ["new", "dispatch", "assigned", "done", "closed", "cancelled"]
    );
    let mut paths: Vec<_> = catalogue.fields.iter().map(|field| &field.path).collect();
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all);
}

#[tokio::test]
async fn a_probe_names_what_is_missing() {
    let good = Scene::with("", |settings| {
        format!("{settings}template_record_id = \"TK-1001\"\n")
    })
    .await;
    good.create(json!({"subject": "A well filled one"}), 7)
        .await;
    let probe = good.platform.probe(&good.call).await;
    assert!(probe.is_good(), "{probe:?}");
    assert!(format!("{probe:?}").contains("A well filled one"));
    assert!(
        probe
            .checks
            .iter()
            .any(|check| check.credential && check.detail.contains("X-Harbour-Key"))
    );

    let wrong = Scene::with("", |settings| {
        settings.replace("not-a-real-harbour-key", "another-unreal-key")
    })
    .await;
    let probe = wrong.platform.probe(&wrong.call).await;
    assert_eq!(
        probe.credential_failure().unwrap().category,
        Category::Authentication
    );

    let more = "outbound_create = true\n[features]\nmessages = \"both\"\nfiles = \"outbound\"";
    let lacking = Scene::with(more, |settings| {
        let kept = settings.lines().filter(|line| {
            !line.starts_with("record_create") && !line.starts_with("attachment_upload")
        });
        kept.collect::<Vec<_>>().join("\n") + "\ntemplate_record_id = \"TK-7\"\n"
    })
    .await;
    let probe = lacking.platform.probe(&lacking.call).await;
    let failed: Vec<_> = probe
        .checks
        .iter()
        .filter(|check| check.failure.is_some())
        .map(|check| check.what.as_str())
        .collect();
    assert_eq!(
        failed,
        [
            "read records (getTicket)",
            "create records",
            "attach files",
            "messages"
        ]
    );
    assert!(probe.credential_failure().is_none());
    assert!(
        !lacking.platform.capabilities().create && !lacking.platform.capabilities().write_files
    );
}

#[tokio::test]
async fn only_wanted_records_become_work_orders() {
    let scene = Scene::plain().await;
    let created = scene.create(json!({"subject": "x"}), 7).await;
    let record = scene
        .platform
        .fetch(&scene.call, &created, Wish::default())
        .await
        .unwrap()
        .unwrap();
    let why = scene.platform.wants(&record).unwrap_err();
    assert!(
        why.contains("status is new") && why.contains("dispatch"),
        "{why}"
    );
    scene.service.dispatch(1001).unwrap();
    let record = scene
        .platform
        .fetch(&scene.call, &created, Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(scene.platform.wants(&record), Ok(()));
}

#[tokio::test]
async fn the_services_own_hooks_are_read() {
    let settings = RestSettings {
        deliveries: Deliveries::Paced(0.0),
        ..RestSettings::default()
    };
    let clock = std::sync::Arc::new(fieldbridge::model::TokioClock::start());
    let service = Rest::start(settings, clock, 1).await.unwrap();
    let platform = build("", &service.connector_settings()).unwrap();
    let mut subscriber = Subscriber::answering(&[]).await;
    service.listen_by_hand(&subscriber.url);
    let call = fieldbridge::http::Call::new(fieldbridge::model::Priority::Live);
    platform
        .create(&call, &object(json!({"subject": "x"})), &marker(7))
        .await
        .unwrap();
    let received = subscriber.next().await;
    let request = TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers: received.headers.clone(),
        body: received.body.clone().into(),
    };
    let TriggerReading::Records { ids, delivery, .. } =
        platform.read_trigger(&request).await.unwrap()
    else {
        panic!("records")
    };
    assert_eq!(ids, [id("TK-1001")]);
    assert_eq!(
        delivery.unwrap().as_str(),
        received.header("x-harbour-delivery")
    );
    let forged = TriggerRequest {
        body: Bytes::from_static(b"{\"ticket\":{\"id\":\"TK-1\"}}"),
        ..request
    };
    assert!(matches!(
        platform.read_trigger(&forged).await,
        Err(TriggerRefusal::Signature(_))
    ));
}

#[tokio::test]
async fn what_is_not_offered_says_so() {
    let scene = Scene::plain().await;
    let offered = scene.platform.capabilities();
    assert!(
        !offered.read_notes
            && !offered.write_notes
            && !offered.read_files
            && !offered.subscriptions
    );
    assert!(offered.side_records.is_empty());
    let note = Note {
        id: String::new(),
        text: "x".into(),
        visibility: NoteVisibility::Public,
        author: None,
        created_at: None,
        by_us: false,
    };
    let failure = scene
        .platform
        .add_note(&scene.call, &id("TK-1"), &note)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    let SubscriptionPlan::ByHand(steps) = scene
        .platform
        .subscription_plan("https://fb.example/t?client_token=abc")
    else {
        panic!("by hand")
    };
    let told = steps.join("\n");
    assert!(
        told.contains("client_token=abc&external_id=")
            && told.contains("ticket.id")
            && told.contains("x-harbour-signature"),
        "{told}"
    );
    assert!(
        scene
            .platform
            .subscribe(&scene.call, "https://fb.example/t")
            .await
            .is_err()
    );
    assert_eq!(scene.platform.record_url(&id("TK-1")), None);
    let settings =
        |settings| format!("{settings}record_page = \"https://desk.example/{{record}}\"\n");
    let scene = Scene::with("", settings).await;
    let page = scene.platform.record_url(&id("a/b"));
    assert_eq!(page.as_deref(), Some("https://desk.example/a%2Fb"));
}
