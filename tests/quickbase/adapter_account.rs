//! The account: settings, probe, discovery, classification, quotas, secrets.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::{Category, Effect, FieldKind, ManualClock, Priority, Timestamp};
use fieldbridge::platform::{Probe, SubscriptionPlan, Wish};
use fieldbridge::sandbox::{FaultKind, QuickbaseSettings, TableRight};
use serde_json::json;

use super::scene::{JOBS, MESSAGES, NOW, Scene, adapter, connector, job, map, marker, record_id};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn failing(probe: &Probe) -> Vec<String> {
    let failed = probe.checks.iter().filter_map(|check| {
        let failure = check.failure.as_ref()?;
        Some(format!("{}: {}", check.what, failure.cause))
    });
    failed.collect()
}

#[tokio::test]
async fn a_good_account_passes_every_check() {
    let scene = Scene::open().await;
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.is_good(), "{:?}", failing(&probe));
    let whats: Vec<_> = probe
        .checks
        .iter()
        .map(|check| check.what.as_str())
        .collect();
    for what in [
        "user token and app",
        "whose token",
        "fields of the table",
        "read records",
        "find by marker",
        "trigger field",
        "messages",
        "files",
        "time entry",
    ] {
        assert!(whats.contains(&what), "{what} in {whats:?}");
    }
    assert!(
        !scene.sent().iter().any(|line| line == "POST /v1/records"),
        "a probe never writes"
    );
}

#[tokio::test]
async fn a_token_that_is_not_assigned_is_a_matter_of_the_credential() {
    let scene = Scene::open().await;
    scene.desk.unassign_token();
    let probe = scene.platform.probe(&scene.call).await;
    let failure = probe.credential_failure().unwrap();
    assert_eq!(failure.category, Category::Authentication);
    assert!(
        failure
            .hint
            .as_ref()
            .unwrap()
            .contains("assigned to the app")
    );
    assert_eq!(probe.checks.len(), 1, "nothing else is tried");
}

#[tokio::test]
async fn a_missing_right_is_named_and_pauses_nothing() {
    let scene = Scene::open().await;
    scene.desk.refuse(MESSAGES, TableRight::View);
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.credential_failure().is_none());
    let failed = failing(&probe);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].starts_with("messages: "), "{failed:?}");
    let check = probe.checks.iter().find(|check| check.what == "messages");
    let failure = check.unwrap().failure.as_ref().unwrap();
    assert_eq!(failure.category, Category::Configuration);
    assert!(
        failure
            .hint
            .as_ref()
            .unwrap()
            .contains("may view this table")
    );
}

#[tokio::test]
async fn settings_that_do_not_fit_the_app_are_found() {
    let keys = [
        "merge_field_id",
        "trigger_on_values",
        "message_field_id",
        "document_field_id",
    ];
    let more = "merge_field_id = 6\ntrigger_on_values = [\"Despatch\"]\nmessage_field_id = 8\ndocument_field_id = 99";
    let scene = Scene::without(&keys, more).await;
    let probe = scene.platform.probe(&scene.call).await;
    let failed = failing(&probe).join("\n");
    for part in [
        "find by marker: Title (6), which merge_field_id names, is not unique",
        "trigger field: Status (11) has no choice Despatch; it has: New, Dispatch to FN",
        "messages: Internal (8), which message_field_id names, is of another type",
        "files: there is no field 99",
    ] {
        assert!(failed.contains(part), "{part} in {failed}");
    }
}

#[tokio::test]
async fn discovery_shows_labels_beside_ids() {
    let scene = Scene::open().await;
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    let title = catalogue.field("6").unwrap();
    assert_eq!(
        (title.label.as_str(), title.required, title.max_length),
        ("Title", true, Some(200))
    );
    let status = catalogue.field("11").unwrap();
    assert_eq!(status.picklist.len(), 6);
    assert_eq!(catalogue.field("14").unwrap().kind, FieldKind::DateTime);
    for read_only in ["1", "3", "22", "27", "28", "29.email"] {
        assert!(catalogue.field(read_only).unwrap().read_only, "{read_only}");
    }
    assert_eq!(
        catalogue.field("time_entry.6").unwrap().label,
        "Hours (time entry)"
    );
    assert!(
        catalogue.field("time_entry.8").is_none(),
        "the mark is ours"
    );
}

#[tokio::test]
async fn all_problems_of_the_settings_come_at_once() {
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let text = connector(
        "qb_hostname = \"acme.example.com\"\napp_id = \"BAD\"\ndefault_table_id = \"bck7gp3q2\"\nuser_token = \"a b\"\n\
         merge_field_id = \"Title\"\ntrigger_on_values = [\"x\"]\nmessage_table_id = \"bck7gp3q3\"\ninternal_notes = \"perhaps\"\n",
    );
    let problems = adapter(&text, &clock).err().unwrap();
    let told: Vec<String> = problems
        .iter()
        .map(|problem| problem.what.clone())
        .collect();
    let told = told.join("\n");
    for setting in [
        "settings.qb_hostname",
        "settings.app_id",
        "settings.user_token",
        "settings.merge_field_id: `Title` is no field id",
        "settings.trigger_on_field_id",
        "settings.message_field_id",
        "settings.message_related_record_id",
        "settings.internal_notes: `perhaps` is none of its values",
        "settings.document_field_id",
    ] {
        assert!(told.contains(setting), "{setting} in {told}");
    }
    assert!(!told.contains("a b\n"), "a secret is not told");
}

#[tokio::test]
async fn internal_messages_need_a_place_or_a_decision() {
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let settings = |more: &str| {
        connector(&format!(
            "qb_hostname = \"acme\"\napp_id = \"bck7gp3q1\"\ndefault_table_id = \"bck7gp3q2\"\nuser_token = \"t\"\n\
             message_table_id = \"bck7gp3q3\"\nmessage_field_id = 6\nmessage_related_record_id = 7\ndocument_field_id = 22\n{more}"
        ))
    };
    let problems = adapter(&settings(""), &clock).err().unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].what.contains("internal notes"), "{problems:?}");
    for more in [
        "message_internal_field_id = 8",
        "internal_notes = \"skip\"",
        "internal_notes = \"publish\"",
        "internal_notes = \"field:20\"",
    ] {
        assert!(adapter(&settings(more), &clock).is_ok(), "{more}");
    }
}

#[tokio::test]
async fn capabilities_follow_the_settings() {
    let scene = Scene::open().await;
    let able = scene.platform.capabilities();
    assert!(able.create && able.find && able.changed_since && able.read_notes && able.write_files);
    assert_eq!(able.side_records.len(), 1);
    let keys = [
        "merge_field_id",
        "time_table",
        "message_table_id",
        "message_related_record_id",
        "message_internal_field_id",
    ];
    let scene = Scene::with(QuickbaseSettings::default(), |text| {
        let keeps = |line: &&str| !keys.iter().any(|key| line.starts_with(&format!("{key} =")));
        let text: Vec<_> = text.lines().filter(keeps).collect();
        let text = text.join("\n").replace(
            "message_field_id = 6",
            "message_field_id = 20\ninternal_notes = \"publish\"",
        );
        text.replace("messages = \"both\"", "messages = \"outbound\"")
    })
    .await;
    let able = scene.platform.capabilities();
    assert!(!able.find && !able.read_notes && able.write_notes && able.side_records.is_empty());
}

#[tokio::test]
async fn trouble_is_told_in_its_category() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.fetch(id).await;
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
        (FaultKind::ResetBefore, Category::Network, Effect::Unknown),
        (FaultKind::LostResponse, Category::Network, Effect::Unknown),
    ] {
        // A write leaves its effect in doubt, a reading never does.
        scene.strike(&Method::POST, "/v1/records", kind);
        let created = scene
            .platform
            .create(&scene.call, &map(job()), &marker(5))
            .await;
        let failure = created.unwrap_err();
        assert_eq!(
            (failure.category, failure.effect),
            (category, effect),
            "{kind:?}"
        );
        if kind != FaultKind::LostResponse {
            scene.strike(&Method::POST, "/records/query", kind);
            let failure = scene
                .platform
                .find(&scene.call, &marker(5), LONG_AGO)
                .await
                .unwrap_err();
            assert_eq!(
                (failure.category, failure.effect),
                (category, Effect::None),
                "{kind:?}"
            );
        }
    }
    scene.desk.lock_for(1);
    let failure = scene.update(id, json!({"9": "Duluth"})).await.unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Server, Effect::None)
    );
    scene.desk.refuse(JOBS, TableRight::Modify);
    let failure = scene.update(id, json!({"9": "Duluth"})).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("Add and Modify"));
}

#[tokio::test]
async fn a_429_holds_everybody_back_until_its_time() {
    let scene = Scene::open().await;
    let id = scene.job();
    let wait = FaultKind::RateLimited {
        retry_after_seconds: 30,
    };
    scene.strike(&Method::POST, "/records/query", wait);
    let failure = scene
        .platform
        .find(&scene.call, &marker(1), LONG_AGO)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
    assert!(scene.platform.ready_in(Priority::Live) > Duration::from_secs(25));
    scene.sent();
    let read = scene.read(id, Wish::default()).await;
    let failure = read.unwrap_err();
    assert_eq!(failure.effect, Effect::Unsent);
    assert_eq!(scene.sent(), [] as [String; 0]);
}

#[tokio::test]
async fn the_vendors_limit_is_known_beforehand() {
    let scene = Scene::open().await;
    let quota = scene.platform.quota();
    assert_eq!((quota[0].limit, quota.len()), (100, 1));
    assert_eq!(scene.platform.concurrency(), 5);
    let scene = Scene::with(QuickbaseSettings::default(), |text| {
        text.replace(
            "[settings]",
            "[limits]\ncalls_per_minute = 30\nconcurrency = 2\n[settings]",
        )
    })
    .await;
    assert_eq!(scene.platform.quota()[1].limit, 30);
    assert_eq!(scene.platform.concurrency(), 2);
}

#[tokio::test]
async fn the_token_is_in_no_record_of_the_exchanges() {
    let scene = Scene::open().await;
    let id = scene.job();
    scene.fetch(id).await;
    let exchanges = scene.call.take_exchanges();
    assert!(exchanges.len() > 2);
    let told = format!("{exchanges:?}");
    assert!(!told.contains(scene.desk.user_token()));
    assert!(told.contains(scene.desk.realm()));
}

#[tokio::test]
async fn the_webhook_is_made_by_hand() {
    let scene = Scene::open().await;
    let SubscriptionPlan::ByHand(steps) =
        scene.platform.subscription_plan("https://fb.example/t/abc")
    else {
        panic!("Quickbase has no API for webhooks")
    };
    let told = steps.join("\n");
    assert!(told.contains("https://fb.example/t/abc") && told.contains("Dispatch to FN"));
    assert!(scene.platform.subscribe(&scene.call, "x").await.is_err());
    assert!(
        scene
            .platform
            .subscriptions(&scene.call, "x")
            .await
            .unwrap()
            .is_empty()
    );
    let url = scene.platform.record_url(&record_id(12)).unwrap();
    assert_eq!(url, "https://sample.quickbase.com/db/bfbjobs01?a=dr&rid=12");
}
