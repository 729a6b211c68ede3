//! What comes of failing calls, and keeping within the vendor's limits.

use std::sync::Arc;
use std::time::Duration;

use fieldbridge::model::{Category, Effect, Marker, Priority, WorkOrderId};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{AutotaskAccess, AutotaskSettings, Fault, FaultKind, RateLimit};
use http::Method;
use serde_json::json;

use crate::samples::sample;
use crate::stage::{Stage, Wanted, id, map};

#[tokio::test]
async fn a_refusal_with_500_is_judged_by_its_sentence() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let base = stage.fetch(ticket).await.unwrap();
    // A contact who has left: the vendor's reference check, which nothing on our side can know.
    let left = map(json!({"contactID": 29_683_590}));
    let failure = stage
        .platform
        .update(&stage.call, &base, &left)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    assert!(
        failure
            .cause
            .contains("contactID of type: Contact does not exist or is invalid")
    );
    assert!(failure.hint.unwrap().contains("inactive"));
    stage.autotask.deny("Tickets", AutotaskAccess::Update);
    let failure = stage
        .platform
        .update(&stage.call, &base, &map(json!({"status": 5})))
        .await
        .unwrap_err();
    assert_eq!(
        failure.category,
        Category::Configuration,
        "a missing right pauses nobody"
    );
    assert!(failure.hint.unwrap().contains("Tickets: Edit"));
}

#[tokio::test]
async fn failing_servers_and_lines_are_told_apart() {
    for (fault, category, effect) in [
        (
            FaultKind::ServerError { status: 500 },
            Category::Server,
            Effect::Unknown,
        ),
        (
            FaultKind::ServerError { status: 503 },
            Category::Server,
            Effect::Unknown,
        ),
        (
            FaultKind::RateLimited {
                retry_after_seconds: 30,
            },
            Category::RateLimited,
            Effect::None,
        ),
        (
            FaultKind::Unauthorized,
            Category::Authentication,
            Effect::None,
        ),
        (FaultKind::LostResponse, Category::Network, Effect::Unknown),
        (FaultKind::ResetBefore, Category::Network, Effect::Unknown),
    ] {
        let stage = Stage::plain().await;
        let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
        let base = stage.fetch(ticket).await.unwrap();
        stage
            .autotask
            .faults()
            .push(Fault::once(fault).on(&Method::PATCH, "/Tickets"));
        let failure = stage
            .platform
            .update(&stage.call, &base, &map(json!({"status": 5})))
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (category, effect),
            "{fault:?}: {failure:?}"
        );
        if category == Category::RateLimited {
            assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
            assert!(
                stage.platform.ready_in(Priority::Live) > Duration::from_secs(20),
                "everybody waits"
            );
        }
    }
}

#[tokio::test]
async fn never_more_than_three_calls_at_once_for_a_kind_of_object() {
    let stage = Arc::new(Stage::plain().await);
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    stage.fetch(ticket).await.unwrap();
    stage.autotask.faults().push(Fault::lasting(
        FaultKind::Latency { milliseconds: 40 },
        Duration::from_secs(600),
    ));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let stage = Arc::clone(&stage);
        calls.spawn(async move {
            let call = fieldbridge::http::Call::default();
            stage
                .platform
                .fetch(
                    &call,
                    &id(ticket),
                    Wish {
                        notes: true,
                        files: true,
                    },
                )
                .await
        });
    }
    let mut done = 0;
    while let Some(outcome) = calls.join_next().await {
        // The stand-in refuses the fourth; that nobody was refused is the proof.
        assert!(outcome.unwrap().unwrap().is_some());
        done += 1;
    }
    assert_eq!(done, 12);
}

#[tokio::test]
async fn the_hours_count_is_the_vendors_own() {
    let settings = AutotaskSettings {
        rate_limit: Some(RateLimit::per_minute(2)),
        ..AutotaskSettings::default()
    };
    let stage = Stage::with(Wanted::default(), settings).await;
    assert_eq!(
        stage.platform.quota()[0].limit,
        10_000,
        "what the vendor publishes, until it says otherwise"
    );
    stage.fetch(7).await;
    let view = stage.platform.quota();
    assert_eq!(
        (view[0].name.as_str(), view[0].limit),
        ("database, per hour", 120)
    );
    assert!(view[0].left < 120);
    let counted = |calls: Vec<String>| {
        calls
            .iter()
            .filter(|call| call.contains("ThresholdInformation"))
            .count()
    };
    assert_eq!(counted(stage.calls()), 1);
    stage.fetch(7).await;
    assert_eq!(
        counted(stage.calls()),
        0,
        "it is not asked for with every call"
    );
    stage.clock.advance(Duration::from_secs(301));
    stage.fetch(7).await;
    assert_eq!(counted(stage.calls()), 1);
}

#[tokio::test]
async fn a_count_that_can_not_be_had_holds_nobody_up() {
    let stage = Stage::plain().await;
    stage.autotask.faults().push(
        Fault::lasting(
            FaultKind::ServerError { status: 503 },
            Duration::from_secs(600),
        )
        .on(&Method::GET, "Threshold"),
    );
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    assert!(stage.fetch(ticket).await.is_some());
}

#[tokio::test]
async fn a_connector_keeps_its_own_share() {
    let wanted = Wanted {
        top: "[limits]\ncalls_per_minute = 30\nconcurrency = 2\n",
        settings: "",
    };
    let stage = Stage::with(wanted, AutotaskSettings::default()).await;
    assert_eq!(stage.platform.concurrency(), 2);
    let view = stage.platform.quota();
    assert_eq!(
        (view[1].name.as_str(), view[1].limit),
        ("connector, per minute", 30)
    );
}

#[tokio::test]
async fn an_answer_that_is_none_leaves_a_creation_open() {
    for body in [
        "{}",
        "<html>a proxy</html>",
        "{\"itemId\":null}",
        "{\"itemId\":7,\"errors\":[\"Something odd\"]}",
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let zone = json!({"zoneName": "x", "url": format!("{base}/ATServicesRest/")}).to_string();
        let fields = json!({"fields": [{"name": "title", "dataType": "string"}, {"name": "status", "dataType": "integer"},
            {"name": "priority", "dataType": "integer"}, {"name": "companyID", "dataType": "integer"},
            {"name": "queueID", "dataType": "integer"}, {"name": "dueDateTime", "dataType": "datetime"}]}).to_string();
        let answer = move |request: axum::extract::Request| {
            let path = request.uri().path().to_owned();
            let told = match path.rsplit('/').next().unwrap_or_default() {
                "zoneInformation" => zone.clone(),
                "fields" | "userDefinedFields" => fields.clone(),
                _ => body.to_owned(),
            };
            async move { told }
        };
        tokio::spawn(
            async move { axum::serve(listener, axum::Router::new().fallback(answer)).await },
        );
        let text = format!(
            "platform = \"autotask\"\n[settings]\nusername = \"u\"\nsecret = \"not-a-real-secret\"\nintegration_code = \"c\"\nbase_url = \"{base}\"\n"
        );
        let clock = Arc::new(fieldbridge::model::ManualClock::at(
            crate::stage::NOW.parse().unwrap(),
        ));
        let platform = crate::stage::adapter(&text, clock).unwrap();
        let mapped = map(
            json!({"title": "x", "status": 1, "priority": 1, "companyID": 0, "queueID": 5, "dueDateTime": "2026-03-05T15:00:00Z"}),
        );
        let marker = Marker::of_work_order(WorkOrderId(5));
        let failure = platform
            .create(&fieldbridge::http::Call::default(), &mapped, &marker)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (Category::Server, Effect::Unknown),
            "{body}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn the_vendors_own_refusal_is_understood() {
    let Some(refusal) = sample("error-validation.json") else {
        return;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let zone = json!({"zoneName": "x", "url": format!("{base}/ATServicesRest/")}).to_string();
    let answer = move |request: axum::extract::Request| {
        let is_zone = request.uri().path().ends_with("zoneInformation");
        let told = if is_zone {
            zone.clone()
        } else {
            refusal.clone()
        };
        async move {
            (
                http::StatusCode::from_u16(if is_zone { 200 } else { 500 }).unwrap(),
                told,
            )
        }
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let text = format!(
        "platform = \"autotask\"\n[settings]\nusername = \"u\"\nsecret = \"not-a-real-secret\"\nintegration_code = \"c\"\nbase_url = \"{base}\"\n"
    );
    let clock = Arc::new(fieldbridge::model::ManualClock::at(
        crate::stage::NOW.parse().unwrap(),
    ));
    let platform = crate::stage::adapter(&text, clock).unwrap();
    let failure = platform
        .fetch(&fieldbridge::http::Call::default(), &id(7), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure
            .cause
            .contains("Value does not reference an existing entity for taskType"),
        "{}",
        failure.cause
    );
}
