//! Settings, zone, probe, fields.

use std::sync::Arc;

use fieldbridge::model::{Category, FieldKind, ManualClock, RecordId};
use fieldbridge::platform::{Check, Probe, Wish};
use fieldbridge::sandbox::{AutotaskAccess, AutotaskSettings, Fault, FaultKind};
use http::Method;

use crate::stage::{NOW, Stage, Wanted, adapter, id};

fn check<'p>(probe: &'p Probe, what: &str) -> &'p Check {
    let found = probe.checks.iter().find(|check| check.what == what);
    found.unwrap_or_else(|| panic!("no check `{what}` among {:?}", probe.checks))
}

#[tokio::test]
async fn wrong_settings_are_all_told_at_once() {
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let text = format!(
        "platform = \"autotask\"\n[settings]\nusername = \" \"\nsecret = \"a\\nb\"\nintegration_code = \"x\"\nresource_id = \"ten\"\nwebhook_secret = \"{}\"\nbase_url = \"ftp://x\"\n",
        "x".repeat(65)
    );
    let problems = adapter(&text, clock.clone()).err().unwrap();
    let told: Vec<&str> = problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    for setting in [
        "username",
        "secret",
        "resource_id",
        "webhook_secret",
        "base_url",
    ] {
        let named = format!("settings.{setting}:");
        assert!(
            told.iter().any(|told| told.starts_with(&named)),
            "{setting}: {told:?}"
        );
    }
    let wrong = "platform = \"autotask\"\n[settings]\nusername = \"a\"\nsecret = \"b\"\nintegration_code = \"c\"\nexpense_sync_target = \"charges\"\n";
    assert!(adapter(wrong, clock).is_err());
}

#[tokio::test]
async fn the_zone_is_asked_for_once_and_again_after_a_move() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&serde_json::json!({})).unwrap();
    assert_eq!(
        stage.platform.record_url(&id(ticket)),
        None,
        "the zone is not known yet"
    );
    assert!(stage.fetch(ticket).await.is_some());
    assert!(stage.fetch(ticket).await.is_some());
    let asked = |calls: &[String]| {
        calls
            .iter()
            .filter(|call| call.contains("zoneInformation"))
            .count()
    };
    assert_eq!(asked(&stage.calls()), 1);
    let url = stage.platform.record_url(&id(ticket)).unwrap();
    assert!(
        url.ends_with(&format!(
            "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID={ticket}"
        )),
        "{url}"
    );
    assert_eq!(stage.platform.record_url(&RecordId::new("x")), None);
    stage.autotask.move_zone();
    assert!(
        stage.fetch(ticket).await.is_some(),
        "a database that moved is followed"
    );
    assert_eq!(asked(&stage.calls()), 1);
}

#[tokio::test]
async fn a_refused_credential_is_authentication_and_the_zone_is_asked_once_more() {
    let stage = Stage::plain().await;
    stage
        .autotask
        .faults()
        .push(Fault::once(FaultKind::Unauthorized).on(&Method::GET, "/Tickets/"));
    let failure = stage
        .platform
        .fetch(&stage.call, &id(7), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    assert!(failure.hint.unwrap().contains("integration_code"));
    let calls = stage.calls();
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.contains("zoneInformation"))
            .count(),
        2,
        "{calls:?}"
    );
    let other = "platform = \"autotask\"\n[settings]\nusername = \"nobody@sandbox.example\"\nsecret = \"x\"\nintegration_code = \"y\"\n";
    let text = format!("{other}base_url = \"{}\"\n", stage.autotask.base_url());
    let nobody = adapter(&text, stage.clock.clone()).unwrap();
    let failure = nobody
        .fetch(&stage.call, &id(7), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    assert!(failure.cause.contains("knows no zone"), "{}", failure.cause);
    let probe = nobody.probe(&stage.call).await;
    assert!(probe.credential_failure().is_some());
}

#[tokio::test]
async fn secrets_are_in_no_record_of_a_call() {
    let stage = Stage::set("webhook_secret = \"not-a-real-webhook-secret\"\n").await;
    stage.platform.probe(&stage.call).await;
    stage
        .platform
        .subscribe(&stage.call, "http://127.0.0.1:9/hook")
        .await
        .unwrap();
    let exchanges = serde_json::to_string(&stage.call.take_exchanges()).unwrap();
    assert!(exchanges.contains("ThresholdInformation"));
    for secret in [
        "not-a-real-secret",
        "NOTAREALTRACKINGIDENTIFIER1",
        "not-a-real-webhook-secret",
    ] {
        assert!(!exchanges.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_good_connector_probes_well() {
    let wanted = Wanted {
        top: "outbound_create = true\n[features]\nmessages = \"both\"\nfiles = \"both\"\n",
        settings: "webhook_secret = \"not-a-real-webhook-secret\"\ntrigger_on_status = \"Dispatch to Field\"\ntrigger_on_queue = 5\ndefault_resource_id = 11\nexpense_sync_target = \"charge\"\n",
    };
    let stage = Stage::with(wanted, AutotaskSettings::default()).await;
    stage.autotask.open_ticket(&serde_json::json!({})).unwrap();
    let probe = stage.platform.probe(&stage.call).await;
    assert!(probe.is_good(), "{:?}", probe.checks);
    assert!(check(&probe, "API user").credential);
    assert!(
        check(&probe, "own resource")
            .detail
            .contains(&stage.autotask.api_resource().to_string())
    );
    assert!(check(&probe, "a ticket").detail.contains("is shown"));
    assert_eq!(check(&probe, "find by marker").detail, "by externalID");
    for what in [
        "create tickets",
        "write notes",
        "write attachments",
        "charges",
        "make webhooks",
        "service calls",
    ] {
        assert_eq!(check(&probe, what).failure, None, "{what}");
    }
    assert!(
        stage
            .calls()
            .iter()
            .all(|call| !call.starts_with("PATCH") && !call.starts_with("PUT"))
    );
    let journal = stage.autotask.journal().entries_after(0);
    assert!(
        journal
            .iter()
            .all(|entry| entry.by != fieldbridge::sandbox::Doer::Api),
        "nothing is written"
    );
}

#[tokio::test]
async fn a_missing_right_is_named_and_pauses_nobody() {
    let wanted = Wanted {
        top: "outbound_create = true\n[features]\nmessages = \"both\"\n",
        settings: "trigger_on_status = \"Dispatch\"\ntemplate_ticket_id = 999\n",
    };
    let stage = Stage::with(wanted, AutotaskSettings::default()).await;
    stage.autotask.deny("Tickets", AutotaskAccess::Create);
    stage.autotask.deny("TicketNotes", AutotaskAccess::Create);
    let probe = stage.platform.probe(&stage.call).await;
    assert!(probe.credential_failure().is_none());
    for (what, part) in [
        ("create tickets", "Tickets: Add"),
        ("write notes", "Ticket Notes: Add"),
        ("template ticket", "Tickets: View All"),
    ] {
        let failure = check(&probe, what).failure.clone().unwrap();
        assert_eq!(failure.category, Category::Configuration);
        assert!(failure.hint.unwrap().contains(part), "{what}");
    }
    let failure = check(&probe, "trigger_on_status").failure.clone().unwrap();
    assert!(
        failure.cause.contains("Dispatch to Field (42)"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn a_database_that_is_down_is_no_matter_of_the_credential() {
    let stage = Stage::plain().await;
    stage
        .autotask
        .faults()
        .push(Fault::once(FaultKind::ServerError { status: 503 }).on(&Method::GET, "Threshold"));
    let probe = stage.platform.probe(&stage.call).await;
    assert!(!probe.is_good());
    assert!(probe.credential_failure().is_none());
}

#[tokio::test]
async fn fields_are_discovered_with_picklists_and_user_defined_ones() {
    let stage = Stage::plain().await;
    let catalogue = stage.platform.discover(&stage.call).await.unwrap();
    let status = catalogue.field("status").unwrap();
    assert!(status.required && status.kind == FieldKind::Integer);
    assert!(
        status
            .picklist
            .iter()
            .any(|choice| choice.value == "42" && choice.label == "Dispatch to Field")
    );
    let level = catalogue.field("udf[\"Service Level\"]").unwrap();
    assert_eq!(level.picklist.len(), 4);
    assert_eq!(
        catalogue.field("udf[\"Site Code\"]").unwrap().max_length,
        Some(100)
    );
    assert!(catalogue.field("lastActivityDate").unwrap().read_only);
    assert!(catalogue.field("companyLocation.city").unwrap().read_only);
    assert!(catalogue.field("schedule.startDateTime").is_some());
}
