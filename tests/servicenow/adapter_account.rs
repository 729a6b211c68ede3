//! Signing in, checking, discovering, and what answers mean.

use std::time::Duration;

use axum::http::Method;
use fieldbridge::http::Call;
use fieldbridge::model::{Category, Effect, Failure, FieldKind, Priority, RecordId};
use fieldbridge::platform::{Check, Probe, SubscriptionPlan};
use fieldbridge::sandbox::{Fault, FaultKind, ServiceNowSettings};
use serde_json::json;

use crate::bench::{PASSWORD, Scene, adapter, connector, simple, still};

const OAUTH: &str = "auth = \"oauth_password\"\nclient_id = \"not-a-real-client-id\"\nclient_secret = \"not-a-real-client-secret\"\npassword = \"not-a-real-password\"\n";

async fn read(scene: &Scene) -> Result<(), Failure> {
    let (_, id) = scene.incident(&simple());
    scene
        .platform
        .fetch(&scene.call, &id, fieldbridge::platform::Wish::default())
        .await
        .map(drop)
}

fn check<'p>(probe: &'p Probe, what: &str) -> &'p Check {
    let found = probe.checks.iter().find(|check| check.what == what);
    found.unwrap_or_else(|| panic!("no check {what} among {:?}", probe.checks))
}

#[tokio::test]
async fn each_way_to_sign_in_reaches_the_instance() {
    let credentials = "auth = \"client_credentials\"\nclient_id = \"not-a-real-client-id\"\nclient_secret = \"not-a-real-client-secret\"\n";
    let key = "auth = \"api_key\"\napi_key = \"not-a-real-api-key\"\n";
    for settings in [PASSWORD, OAUTH, credentials, key] {
        let scene = Scene::open(ServiceNowSettings::default(), "", settings).await;
        read(&scene).await.unwrap();
        let shown = format!("{:?}", scene.call.take_exchanges());
        for secret in [
            "not-a-real-password",
            "not-a-real-token",
            "not-a-real-client-secret",
            "not-a-real-api-key",
        ] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        for wrong in [settings
            .replace("not-a-real-password", "guess")
            .replace("real-client-secret", "good-one")
            .replace("real-api-key", "good-one")]
        {
            let scene = Scene::open(ServiceNowSettings::default(), "", &wrong).await;
            let failure = read(&scene).await.unwrap_err();
            assert_eq!(failure.category, Category::Authentication, "{wrong}");
            assert!(failure.hint.unwrap().starts_with("Check "));
        }
    }
}

#[tokio::test]
async fn a_token_is_kept_renewed_and_asked_for_anew() {
    let scene = Scene::open(ServiceNowSettings::default(), "", OAUTH).await;
    read(&scene).await.unwrap();
    read(&scene).await.unwrap();
    assert_eq!(scene.instance.tokens_made(), 1);
    let _ = scene.call.take_exchanges();
    // Its time runs out: the refresh token gets the next one.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1_800)).await;
    tokio::time::resume();
    scene.clock.advance(Duration::from_secs(1_800));
    read(&scene).await.unwrap();
    assert_eq!(scene.instance.tokens_made(), 2);
    let grants = grants(&scene);
    assert!(grants[0].contains("refresh_token"), "{grants:?}");
    // It is refused before its time, or everything is revoked: the password gets the next one.
    scene.instance.expire_access_token();
    read(&scene).await.unwrap();
    assert_eq!(scene.instance.tokens_made(), 3);
    scene.instance.revoke_tokens();
    read(&scene).await.unwrap();
    assert_eq!(scene.instance.tokens_made(), 4);
}

/// The grants that were asked for since the last look.
fn grants(scene: &Scene) -> Vec<String> {
    let exchanges = scene.call.take_exchanges();
    let asked = exchanges
        .into_iter()
        .filter(|one| one.url.ends_with("/oauth_token.do"));
    asked.filter_map(|one| one.request_body).collect()
}

#[tokio::test]
async fn a_burst_of_401_on_a_good_credential_is_tried_once_more_and_no_more() {
    let scene = Scene::plain().await;
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::Unauthorized));
    read(&scene).await.unwrap();
    scene
        .instance
        .faults()
        .push(Fault::times(FaultKind::Unauthorized, 2));
    let failure = read(&scene).await.unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    read(&scene).await.unwrap();
}

#[test]
fn all_that_is_wrong_with_settings_is_told_at_once() {
    let text = connector(
        "",
        "auth = \"oauth_password\"\nobject_name = \"Incident\"\ncorrelation_field = \"a.b\"\ntrigger_query = \"state=\"\nrelated_fields = [\"city\"]\ntime_table = \"time_card\"\nbase_url = \"nowhere\"\n",
    )
    .replace("\"dev00000\"", "\"https://x.example.com/\"");
    let problems = adapter(&text, &still()).err().unwrap();
    let told: Vec<&str> = problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    for setting in [
        "instance_name",
        "base_url",
        "client_id",
        "client_secret",
        "password",
        "object_name",
        "correlation_field",
        "trigger_query",
        "related_fields",
        "time_parent_field",
    ] {
        let key = format!("settings.{setting}: ");
        assert!(
            told.iter().any(|what| what.starts_with(&key)),
            "{setting}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_good_account_passes_every_check() {
    let top = "outbound_create = true\n[features]\nmessages = \"both\"\nfiles = \"both\"\n";
    let settings = format!(
        "{PASSWORD}template_object_id = \"INC0010001\"\ntrigger_on_state = [\"in progress\"]\ntrigger_query = \"u_send_to_fn=true\"\ntime_table = \"time_card\"\ntime_parent_field = \"task\"\n"
    );
    let scene = Scene::open(ServiceNowSettings::default(), top, &settings).await;
    let (ticket, _) = scene.incident(&simple());
    scene
        .instance
        .change_record(ticket, &json!({"comments": "hello"}))
        .unwrap();
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.is_good(), "{:?}", probe.checks);
    assert!(check(&probe, "credential").credential);
    assert!(
        check(&probe, "fields")
            .detail
            .contains("from sys_dictionary")
    );
    assert_eq!(check(&probe, "read notes").detail, "from sys_journal_field");
    assert!(
        check(&probe, "related fields")
            .detail
            .starts_with("24 of 24")
            || check(&probe, "related fields").detail.contains(" of 24")
    );
    for what in [
        "read incident",
        "template record",
        "correlation field",
        "trigger_query",
        "attachments",
        "table time_card",
        "write records",
    ] {
        check(&probe, what);
    }
    let writes = scene.calls();
    assert!(
        writes.iter().all(|call| call.starts_with("GET ")),
        "{writes:?}"
    );
}

#[tokio::test]
async fn a_missing_right_is_named_and_only_the_credential_pauses() {
    let top = "[features]\nmessages = \"both\"\nfiles = \"both\"\n";
    let scene = Scene::open(
        ServiceNowSettings::default(),
        top,
        &format!("{PASSWORD}trigger_on_state = \"Dispatched\"\ntrigger_query = \"u_typo=1\"\n"),
    )
    .await;
    scene.incident(&simple());
    let probe = scene.platform.probe(&scene.call).await;
    assert!(
        check(&probe, "trigger_on_state")
            .failure
            .as_ref()
            .unwrap()
            .cause
            .contains("In Progress (2)")
    );
    assert!(
        check(&probe, "trigger_query")
            .failure
            .as_ref()
            .unwrap()
            .cause
            .contains("u_typo")
    );
    scene.instance.forbid("incident");
    scene.instance.forbid("attachment");
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.credential_failure().is_none());
    let failure = check(&probe, "read incident").failure.clone().unwrap();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("itil"));
    let failure = check(&probe, "attachments").failure.clone().unwrap();
    assert_eq!(failure.category, Category::Configuration);
    scene.instance.forbid("sys_user");
    assert!(
        scene
            .platform
            .probe(&scene.call)
            .await
            .credential_failure()
            .is_none()
    );
    let wrong = Scene::open(ServiceNowSettings::default(), "", "password = \"guess\"\n").await;
    let probe = wrong.platform.probe(&wrong.call).await;
    assert_eq!(
        probe.credential_failure().unwrap().category,
        Category::Authentication
    );
    assert_eq!(probe.checks.len(), 1);
}

#[tokio::test]
async fn a_sleeping_instance_is_no_wrong_credential() {
    let scene = Scene::open(ServiceNowSettings::default(), "", OAUTH).await;
    scene.instance.hibernate();
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.credential_failure().is_none());
    let failure = probe.checks[0].failure.clone().unwrap();
    assert_eq!(failure.category, Category::Server);
    assert!(failure.hint.unwrap().contains("wake it up"));
}

#[tokio::test]
async fn fields_come_from_the_dictionary_with_parents_choices_and_custom_ones() {
    let scene = Scene::plain().await;
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    let state = catalogue.field("state").unwrap();
    assert_eq!(
        state.picklist.len(),
        6,
        "the incident's own, not the task's, not the inactive, not the German"
    );
    assert_eq!(state.picklist[0].label, "New");
    let summary = catalogue.field("short_description").unwrap();
    assert_eq!(
        (summary.max_length, summary.kind),
        (Some(160), FieldKind::Text)
    );
    assert!(catalogue.field("caller_id").unwrap().required);
    assert!(catalogue.field("sys_created_on").unwrap().read_only);
    assert_eq!(
        catalogue.field("u_send_to_fn").unwrap().kind,
        FieldKind::Boolean
    );
    assert!(catalogue.field("dv_state").unwrap().read_only);
    for path in [
        "location.city",
        "caller_id.email",
        "assigned_to.name",
        "assigned_to.value",
        "work_notes",
    ] {
        assert!(catalogue.field(path).is_some(), "{path}");
    }
}

#[tokio::test]
async fn without_the_dictionary_forms_then_the_template_tell_the_fields() {
    let scene = Scene::with("template_object_id = \"INC0010001\"\n").await;
    let caller = scene
        .instance
        .id_of("cmn_location", "name", "HB-0101")
        .unwrap();
    scene
        .incident(&json!({"short_description": "x", "location": caller, "u_site_code": "HB-0101"}));
    scene.instance.forbid("sys_dictionary");
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    assert_eq!(catalogue.field("state").unwrap().picklist.len(), 6);
    scene.instance.forbid("ui/meta");
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    assert!(catalogue.field("u_site_code").is_some());
    assert!(catalogue.field("location.city").is_some());
    // Emptiness instead of a refusal means the same.
    let scene = Scene::plain().await;
    scene.instance.hide("sys_dictionary");
    scene.instance.forbid("ui/meta");
    let failure = scene.platform.discover(&scene.call).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("personalize_dictionary"));
    let scene = Scene::with("template_object_id = \"INC0099999\"\n").await;
    assert!(
        scene
            .platform
            .discover(&scene.call)
            .await
            .unwrap_err()
            .cause
            .contains("INC0099999")
    );
}

#[tokio::test]
async fn what_answers_mean_decides_what_happens_next() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    let fetch = async || {
        let wish = fieldbridge::platform::Wish::default();
        scene
            .platform
            .fetch(&scene.call, &id, wish)
            .await
            .unwrap_err()
    };
    let faults = scene.instance.faults();
    for (fault, category) in [
        (FaultKind::ServerError { status: 500 }, Category::Server),
        (FaultKind::ServerError { status: 503 }, Category::Server),
        (FaultKind::ResetBefore, Category::Network),
    ] {
        faults.push(Fault::once(fault));
        assert_eq!(fetch().await.category, category, "{fault:?}");
    }
    scene.instance.hibernate();
    let asleep = fetch().await;
    assert_eq!(
        (asleep.category, asleep.effect),
        (Category::Server, Effect::None)
    );
    let base = fieldbridge::model::Record {
        id: id.clone(),
        label: String::new(),
        fields: json!({}),
        notes: Vec::new(),
        files: Vec::new(),
        changed_at: None,
        changed_by_us: false,
    };
    let failure = scene
        .platform
        .update(
            &scene.call,
            &base,
            &crate::bench::map(&json!({"state": "2"})),
        )
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Server);
    scene.instance.wake_up();
    scene.instance.forbid("incident");
    let forbidden = fetch().await;
    assert_eq!(
        forbidden.category,
        Category::Configuration,
        "a right, not the credential"
    );
    let other = Scene::with("object_name = \"u_nothing\"\n").await;
    let failure = other
        .platform
        .changed_since(&other.call, crate::bench::NOW.parse().unwrap(), None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("object_name"));
}

#[tokio::test]
async fn a_query_that_was_cut_off_is_no_answer() {
    let scene = Scene::plain().await;
    scene.incident(&simple());
    scene.instance.cut_off_next_query();
    let since = crate::bench::NOW.parse().unwrap();
    let failure = scene
        .platform
        .changed_since(&scene.call, since, None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Server);
    assert!(
        failure.cause.contains("Transaction cancelled"),
        "{}",
        failure.cause
    );
    assert_eq!(
        scene
            .platform
            .changed_since(&scene.call, since, None)
            .await
            .unwrap()
            .records
            .len(),
        1
    );
}

#[tokio::test]
async fn a_used_up_limit_holds_calls_back_for_as_long_as_the_instance_says() {
    let scene = Scene::plain().await;
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::RateLimited {
            retry_after_seconds: 600,
        }));
    let failure = read(&scene).await.unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(600)));
    assert_eq!(failure.effect, Effect::None);
    assert!(scene.platform.ready_in(Priority::Live) > Duration::from_secs(500));
    let _ = scene.call.take_exchanges();
    let unsent = read(&scene).await.unwrap_err();
    assert_eq!(unsent.effect, Effect::Unsent);
    assert!(scene.calls().is_empty());
}

#[tokio::test]
async fn the_connectors_own_limit_is_shown() {
    let scene = Scene::open(
        ServiceNowSettings::default(),
        "[limits]\ncalls_per_minute = 30\nconcurrency = 2\n",
        PASSWORD,
    )
    .await;
    read(&scene).await.unwrap();
    let quota = scene.platform.quota();
    assert_eq!((quota[0].limit, scene.platform.concurrency()), (30, 2));
    assert!(quota[0].left < 30);
    assert!(Scene::plain().await.platform.quota().is_empty());
}

#[tokio::test]
async fn the_admin_is_told_what_to_do_by_hand() {
    let scene =
        Scene::with("trigger_on_state = \"In Progress\"\ntrigger_secret = \"not-a-real-secret\"\n")
            .await;
    let url = "https://fb.example/v1/broker/inbound?client_token=abc";
    let SubscriptionPlan::ByHand(steps) = scene.platform.subscription_plan(url) else {
        panic!("ServiceNow has no webhooks of its own");
    };
    let text = steps.join("\n");
    for part in [
        "Endpoint: https://fb.example/v1/broker/inbound (",
        "client_token = abc",
        "external_id = ${sys_id}",
        "RESTMessageV2",
        "X-Fieldbridge-Secret",
        "State is In Progress",
        "gs.getUserName() != 'integration.fieldnation'",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("not-a-real-secret"));
    assert!(
        scene
            .platform
            .subscriptions(&scene.call, url)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        scene
            .platform
            .subscribe(&scene.call, url)
            .await
            .unwrap_err()
            .category,
        Category::Configuration
    );
    assert!(scene.calls().is_empty());
    let id = RecordId::new("a9e30c7dc61122760116894de7bcc7bd");
    assert_eq!(
        scene.platform.record_url(&id).unwrap(),
        "https://dev00000.service-now.com/incident.do?sys_id=a9e30c7dc61122760116894de7bcc7bd"
    );
    assert_eq!(scene.platform.record_url(&RecordId::new("../x")), None);
}

#[tokio::test]
async fn a_lost_connection_is_told_with_what_may_have_happened() {
    let scene = Scene::plain().await;
    let (_, id) = scene.incident(&simple());
    scene
        .instance
        .faults()
        .push(Fault::once(FaultKind::LostResponse).on(&Method::PATCH, "/table/incident"));
    let failure = scene
        .update(&id, &json!({"urgency": "1"}))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Network, Effect::Unknown)
    );
    scene.instance.stop().await;
    let call = Call::new(Priority::Live);
    let wish = fieldbridge::platform::Wish::default();
    let failure = scene.platform.fetch(&call, &id, wish).await.unwrap_err();
    assert_eq!(failure.category, Category::Network);
}
