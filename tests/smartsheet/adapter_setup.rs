//! Settings, probe, fields, webhooks.

use std::sync::Arc;

use fieldbridge::model::{Category, FieldKind, ManualClock};
use fieldbridge::platform::{Probe, Standing, SubscriptionPlan, TriggerReading};
use fieldbridge::sandbox::{AccessLevel, CallbackAddresses, Fault, FaultKind, SmartsheetSettings};
use serde_json::json;

use super::scene::{DoorBell, NOW, Scene, adapter, connector, fast, settled};

fn failed(probe: &Probe, what: &str) -> String {
    let check = probe
        .checks
        .iter()
        .find(|check| check.what == what && check.failure.is_some());
    let check = check.unwrap_or_else(|| panic!("{what} did not fail: {probe:?}"));
    let failure = check.failure.as_ref().unwrap();
    format!(
        "{} | {}",
        failure.cause,
        failure.hint.as_deref().unwrap_or_default()
    )
}

fn detail(probe: &Probe, what: &str) -> String {
    let check = probe.checks.iter().find(|check| check.what == what);
    let check = check.unwrap_or_else(|| panic!("{what} was not checked: {probe:?}"));
    assert_eq!(check.failure, None, "{what}");
    check.detail.clone()
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once() {
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let text = "platform = \"smartsheet\"\n[settings]\naccess_token = \" \"\ntemplate_sheet_id = \"acme\"\ntrigger_value = \"x\"\nmarker_column = \"\"\ninternal_notes = \"show\"\nbase_url = \"ftp://x\"\n";
    let Err(problems) = adapter(text, &clock) else {
        panic!("built")
    };
    let told: Vec<String> = problems
        .iter()
        .map(|problem| problem.what.clone())
        .collect();
    for setting in [
        "access_token",
        "template_sheet_id",
        "trigger_value",
        "marker_column",
        "internal_notes",
        "base_url",
    ] {
        let name = format!("settings.{setting}: ");
        assert!(
            told.iter().any(|what| what.starts_with(&name)),
            "{setting}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_probe_checks_the_token_the_sheet_and_what_is_switched_on() {
    let scene = Scene::open("[features]\nmessages = \"both\"\nfiles = \"both\"\n").await;
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.is_good(), "{probe:?}");
    assert_eq!(
        detail(&probe, "access token"),
        "Field Broker <broker@example.com>"
    );
    assert_eq!(detail(&probe, "sheet"), "\"Field jobs\", as EDITOR");
    assert_eq!(detail(&probe, "trigger column"), "Send to FN");
    assert_eq!(detail(&probe, "marker column"), "FN work order");
    assert!(detail(&probe, "internal messages").contains("not written"));
    for feature in ["write rows", "comments", "attachments", "webhooks"] {
        detail(&probe, feature);
    }
    let written = scene
        .calls()
        .into_iter()
        .filter(|call| !call.starts_with("GET "));
    assert_eq!(written.count(), 0);
}

#[tokio::test]
async fn only_a_refused_token_concerns_the_credential() {
    let scene = Scene::open("access_token = \"another-made-up-token\"\n").await;
    let probe = scene.platform.probe(&scene.call).await;
    let failure = probe.credential_failure().unwrap();
    assert_eq!(failure.category, Category::Authentication);
    assert!(failed(&probe, "access token").contains("1002"));

    let scene = Scene::open("").await;
    scene.desk.share(AccessLevel::Viewer);
    let probe = scene.platform.probe(&scene.call).await;
    assert_eq!(probe.credential_failure(), None);
    assert!(failed(&probe, "write rows").contains("as Editor or Admin"));
    scene.desk.share(AccessLevel::None);
    let probe = scene.platform.probe(&scene.call).await;
    assert_eq!(probe.credential_failure(), None);
    assert!(failed(&probe, "sheet").contains("template_sheet_id"));

    let fault = Fault::once(FaultKind::ServerError { status: 503 });
    scene.desk.faults().push(fault);
    let probe = scene.platform.probe(&scene.call).await;
    assert_eq!(probe.credential_failure(), None);
    assert!(!probe.is_good());
}

#[tokio::test]
async fn columns_that_are_not_there_are_named() {
    let settings = "trigger_column = \"Send\"\nmarker_column = \"Status\"\nsubscope_columns = [\"Nothing\"]\ninternal_notes = \"column:Created\"\n[features]\nmessages = \"outbound\"\n";
    let scene = Scene::open(settings).await;
    let probe = scene.platform.probe(&scene.call).await;
    assert!(failed(&probe, "trigger column").contains("no column \"Send\""));
    assert!(failed(&probe, "marker column").contains("Text/Number"));
    assert!(failed(&probe, "webhook columns").contains("\"Nothing\""));
    assert!(failed(&probe, "internal messages").contains("\"Created\""));
}

#[tokio::test]
async fn fields_are_the_columns_by_their_titles() {
    let scene = Scene::open("").await;
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    let field = |path: &str| catalogue.field(path).unwrap_or_else(|| panic!("no {path}"));
    assert_eq!(field("Visit date").kind, FieldKind::Date);
    assert_eq!(field("Send to FN").kind, FieldKind::Boolean);
    assert_eq!(field("Skills").kind, FieldKind::List);
    assert_eq!(field("Status").picklist.len(), 6);
    assert_eq!(field("Task Name").max_length, Some(4000));
    for read_only in [
        "Created",
        "Job",
        "Pay and half",
        "Budget code",
        "Site contact (name)",
        "Row.url",
        "Sheet.id",
    ] {
        assert!(field(read_only).read_only, "{read_only}");
    }
    assert!(!field("Status").read_only);
    // An admin of the sheet may write what is locked for editors.
    scene.desk.share(AccessLevel::Admin);
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    assert!(!catalogue.field("Budget code").unwrap().read_only);
}

#[tokio::test]
async fn a_webhook_is_made_switched_on_and_found_again() {
    let scene = Scene::open("").await;
    let bell = DoorBell::of(&scene.platform).await;
    let SubscriptionPlan::ByApi(plan) = scene.platform.subscription_plan(&bell.url) else {
        panic!("by hand")
    };
    assert!(plan.contains("Send to FN"), "{plan}");
    assert_eq!(
        scene
            .platform
            .subscriptions(&scene.call, &bell.url)
            .await
            .unwrap(),
        []
    );
    let made = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!(made.standing, Standing::Alive);
    assert!(made.what.contains("1 column"), "{}", made.what);
    // The challenge was answered, both ways at once.
    let answered = bell.readings.lock().unwrap().clone();
    let [Ok(TriggerReading::Answer(answer))] = answered.as_slice() else {
        panic!("{answered:?}")
    };
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[0].0, "smartsheet-hook-response");
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["smartsheetHookResponse"], answer.headers[0].1);

    let again = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!(again, made);
    let found = scene
        .platform
        .subscriptions(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!(found, std::slice::from_ref(&made));
    let others = scene
        .platform
        .subscriptions(&scene.call, "http://127.0.0.1/other")
        .await;
    assert_eq!(others.unwrap(), []);
    scene
        .platform
        .unsubscribe(&scene.call, &made.id)
        .await
        .unwrap();
    // What is gone already is as removed as it can be.
    scene
        .platform
        .unsubscribe(&scene.call, &made.id)
        .await
        .unwrap();
    assert_eq!(
        scene
            .platform
            .subscriptions(&scene.call, &bell.url)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn another_choice_of_columns_takes_another_webhook() {
    let scene = Scene::open("").await;
    let bell = DoorBell::of(&scene.platform).await;
    let narrow = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    let text = connector(&scene.desk, "subscope_columns = []\n");
    let wide = adapter(&text, &scene.clock).unwrap();
    let made = wide.subscribe(&scene.call, &bell.url).await.unwrap();
    assert_ne!(made.id, narrow.id);
    assert!(made.what.contains("all columns"), "{}", made.what);
    // The old one would only call twice.
    let left = wide.subscriptions(&scene.call, &bell.url).await.unwrap();
    assert_eq!(left, [made]);
}

#[tokio::test]
async fn a_webhook_that_was_switched_off_is_switched_on_again() {
    let scene = Scene::with(fast(), "").await;
    let bell = DoorBell::of(&scene.platform).await;
    let made = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    // A door that answers 410 once: the vendor gives up for good.
    let row = scene.job();
    let mut gone = super::sandbox_support::Subscriber::answering(&[200, 410]).await;
    let other = scene.platform.subscribe(&scene.call, &gone.url).await;
    // A subscriber that does not answer the challenge is not taken.
    let failure = other.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(
        failure.cause.contains("DISABLED_VERIFICATION_FAILED"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("https"));
    drop(gone.next().await);

    scene.desk.share(AccessLevel::None);
    settled(&scene.desk).await;
    let found = scene
        .platform
        .subscriptions(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!(found[0].standing, Standing::Disabled);
    assert!(
        found[0].what.contains("DISABLED_SCOPE_INACCESSIBLE"),
        "{}",
        found[0].what
    );
    let failure = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("by itself"));
    scene.desk.share(AccessLevel::Editor);
    settled(&scene.desk).await;
    let found = scene
        .platform
        .subscriptions(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!(found[0].standing, Standing::Alive);

    scene.desk.switch_off_by_support(made.id.parse().unwrap());
    let failure = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("api@smartsheet.com"));
    assert!(
        scene
            .desk
            .change_row(row, &json!({"Send to FN": true}))
            .is_ok()
    );
    settled(&scene.desk).await;
    assert!(bell.take().is_empty(), "a webhook that is off calls nobody");
}

#[tokio::test]
async fn a_lost_answer_leaves_one_webhook() {
    let scene = Scene::open("").await;
    let bell = DoorBell::of(&scene.platform).await;
    scene
        .desk
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&axum::http::Method::POST, "/webhooks"));
    let failure = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Network);
    let left = scene
        .platform
        .subscriptions(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!((left.len(), left[0].standing), (1, Standing::Disabled));
    let made = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    assert_eq!(
        (made.id.as_str(), made.standing),
        (left[0].id.as_str(), Standing::Alive)
    );
}

#[tokio::test]
async fn an_address_that_smartsheet_would_not_call_is_told_with_what_to_do() {
    let settings = SmartsheetSettings {
        callback_addresses: CallbackAddresses::Public,
        ..SmartsheetSettings::default()
    };
    let scene = Scene::with(settings, "").await;
    let failure = scene
        .platform
        .subscribe(&scene.call, "http://fb.example.com/x")
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(failure.cause.contains("1152"), "{failure}");
    assert!(failure.hint.unwrap().contains("server.public_url"));
}
