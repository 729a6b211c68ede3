//! Logging in, and what is checked when an admin tests the connector.

use std::time::Duration;

use axum::http::Method;
use fieldbridge::http::Call;
use fieldbridge::model::{Category, Priority};
use fieldbridge::platform::{Platform, Probe, SubscriptionPlan, Wish};
use fieldbridge::sandbox::{Fault, FaultKind, NetSuiteRight, NetSuiteSettings, Restlet};

use crate::bench::{
    Bench, KEY_EC, KEY_EC_PUBLIC, KEY_P384, KEY_P384_PUBLIC, KEY_RSA, KEY_RSA_PUBLIC, TBA, WHOLE,
    adapter, certified, quiet, record_id, with_certificate,
};

async fn probe(platform: &dyn Platform) -> Probe {
    platform.probe(&Call::new(Priority::Live)).await
}

fn failed(probe: &Probe) -> Vec<&str> {
    let failed = probe.checks.iter().filter(|check| check.failure.is_some());
    failed.map(|check| check.what.as_str()).collect()
}

fn detail<'p>(probe: &'p Probe, what: &str) -> &'p str {
    let check = probe.checks.iter().find(|check| check.what == what);
    &check
        .unwrap_or_else(|| panic!("no {what}: {probe:?}"))
        .detail
}

const ALL_ON: &str = "outbound_create = true\n[features]\nmessages = \"both\"\nfiles = \"both\"\n";

#[tokio::test]
async fn everything_is_checked_and_good() {
    let settings = format!(
        "{TBA}{WHOLE}trigger_on_status = [\"Field Service Required\", \"3\"]\nfollow = [\"company\"]\ntime_zone = \"America/Los_Angeles\"\nschedule_record = {{ record_type = \"customrecord_fn_visit\", parent_field = \"custrecord_fn_visit_case\" }}"
    );
    let bench = Bench::with(quiet(), &settings, ALL_ON).await;
    let probe = probe(&*bench.platform).await;
    assert!(probe.is_good(), "{probe:?}");
    assert_eq!(detail(&probe, "login"), "sandbox account 1234567_SB1");
    for what in [
        "record type",
        "read records",
        "find by marker",
        "RESTlet for messages and files",
        "catch-up by SuiteQL",
        "schedule records",
        "write records",
    ] {
        detail(&probe, what);
    }
    assert!(bench.netsuite.login_audit_trail().is_empty());
    assert!(bench.netsuite.case_ids().is_empty(), "nothing is written");
}

#[tokio::test]
async fn a_wrong_key_is_the_credentials_fault_and_leads_to_the_audit_trail() {
    let bench = Bench::open().await;
    let wrong = TBA.replace("not-a-real-token-secret", "fake-guess");
    let platform = bench.another(&wrong);
    let probe = probe(&*platform).await;
    let failure = probe.credential_failure().unwrap();
    assert_eq!(failure.category, Category::Authentication);
    assert!(failure.hint.as_ref().unwrap().contains("Login Audit Trail"));
    assert_eq!(bench.netsuite.login_audit_trail(), ["InvalidSignature"]);
    let production = TBA.replace("1234567-sb1", "1234567");
    let call = Call::new(Priority::Live);
    let failure = bench
        .another(&production)
        .fetch(&call, &record_id(5), Wish::default())
        .await;
    assert_eq!(failure.unwrap_err().category, Category::Authentication);
    assert_eq!(bench.netsuite.login_audit_trail()[1], "InvalidRealm");
    let told = format!("{:?}", call.take_exchanges());
    assert!(!told.contains("not-a-real-token"), "{told}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_allowed_for_and_told() {
    let bench = Bench::open().await;
    let case = bench.case();
    let late = std::sync::Arc::new(fieldbridge::model::ManualClock::at(
        "2026-03-01T11:40:00Z".parse().unwrap(),
    ));
    let settings = format!("base_url = \"{}\"\n{TBA}{WHOLE}", bench.netsuite.base_url());
    let platform = adapter("", &settings, &late).unwrap();
    let call = Call::new(Priority::Live);
    let fetched = platform
        .fetch(&call, &record_id(case), Wish::default())
        .await;
    assert!(fetched.unwrap().is_some());
    assert_eq!(
        call.take_exchanges().len(),
        2,
        "refused once, then with NetSuite's time"
    );
    assert_eq!(bench.netsuite.login_audit_trail(), ["InvalidTimestamp"]);
    platform
        .fetch(&call, &record_id(case), Wish::default())
        .await
        .unwrap();
    assert_eq!(
        call.take_exchanges().len(),
        1,
        "the difference is remembered"
    );
    let probe = probe(&*platform).await;
    assert!(
        detail(&probe, "login").contains("1200 s behind NetSuite's"),
        "{probe:?}"
    );
}

#[tokio::test]
async fn every_kind_of_certificate_gets_in() {
    for (key, public) in [
        (KEY_EC, KEY_EC_PUBLIC),
        (KEY_P384, KEY_P384_PUBLIC),
        (KEY_RSA, KEY_RSA_PUBLIC),
    ] {
        let bench = Bench::with(with_certificate(public), &certified(key, WHOLE), "").await;
        let case = bench.case();
        assert_eq!(
            bench.fetch(case).await.label,
            "HB-0101 - Register 3 does not start"
        );
        bench.fetch(case).await;
        let calls = bench.calls();
        let logins = calls.iter().filter(|call| call.ends_with("/token")).count();
        assert_eq!(logins, 1, "one token serves many calls: {calls:?}");
    }
}

#[tokio::test]
async fn a_token_whose_hour_is_over_is_replaced_once() {
    let settings = certified(KEY_EC, WHOLE);
    let bench = Bench::with(with_certificate(KEY_EC_PUBLIC), &settings, "").await;
    let case = bench.case();
    bench.fetch(case).await;
    bench.netsuite.revoke_tokens();
    bench.calls();
    bench.fetch(case).await;
    let calls = bench.calls();
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(calls[1].ends_with("/token"));
    let faults = bench.netsuite.faults();
    faults.push(Fault::times(FaultKind::Unauthorized, 2).on(&Method::GET, "/record/"));
    let failure = bench
        .platform
        .fetch(&bench.call, &record_id(case), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
}

#[tokio::test]
async fn a_certificate_that_is_not_known_is_the_credentials_fault() {
    let settings = certified(KEY_EC, WHOLE);
    let bench = Bench::with(with_certificate(KEY_P384_PUBLIC), &settings, "").await;
    let failure = bench
        .platform
        .fetch(&bench.call, &record_id(1), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    assert!(failure.hint.unwrap().contains("Login Audit Trail"));
    let told = format!("{:?}", bench.call.take_exchanges());
    assert!(told.contains("client_assertion"), "{told}");
    assert!(
        !told.contains("eyJ"),
        "an assertion opens the door while it lasts"
    );
}

#[tokio::test]
async fn a_key_is_held_against_the_algorithm_it_is_to_sign_with() {
    let clock = std::sync::Arc::new(fieldbridge::model::ManualClock::at(
        crate::bench::NOW.parse().unwrap(),
    ));
    let problems = adapter(
        "",
        &certified(KEY_EC, "signing_algorithm = \"PS256\""),
        &clock,
    );
    let problems = problems.err().unwrap();
    assert!(
        problems[0].what.contains("settings.private_key"),
        "{problems:?}"
    );
    assert!(
        adapter(
            "",
            &certified(KEY_RSA, "signing_algorithm = \"PS512\""),
            &clock
        )
        .is_ok()
    );
    assert!(
        adapter(
            "",
            &certified(KEY_RSA, "signing_algorithm = \"RS256\""),
            &clock
        )
        .is_err()
    );
}

#[tokio::test]
async fn each_missing_right_is_named_and_pauses_nothing() {
    let bench = Bench::with(quiet(), &format!("{TBA}{WHOLE}"), ALL_ON).await;
    for (right, check, words) in [
        (NetSuiteRight::Metadata, "record type", "REST Web Services"),
        (NetSuiteRight::ReadCases, "read records", "Lists › Cases"),
        (
            NetSuiteRight::SuiteQl,
            "catch-up by SuiteQL",
            "SuiteAnalytics Workbook",
        ),
        (
            NetSuiteRight::Restlets,
            "RESTlet for messages and files",
            "Web Services Only",
        ),
    ] {
        bench.netsuite.withhold(&[right]);
        let probe = probe(&*bench.platform).await;
        assert!(probe.credential_failure().is_none(), "{right:?}: {probe:?}");
        let check = probe
            .checks
            .iter()
            .find(|found| found.what == check)
            .unwrap();
        let failure = check.failure.as_ref().unwrap();
        assert_eq!(failure.category, Category::Configuration, "{right:?}");
        assert!(
            failure.hint.as_ref().unwrap().contains(words),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn what_settings_name_must_be_there() {
    let settings = format!(
        "{TBA}marker_field = \"custevent_nothing\"\nmessage_field = \"status\"\nfollow = [\"nobody\"]\ntrigger_on_status = [\"Dispatch\"]\nschedule_record = {{ record_type = \"customrecord_fn_visit\", parent_field = \"custrecord_x\" }}\ntime_record = {{ record_type = \"customrecord_x\", parent_field = \"y\" }}\nsuiteql_table = \"nothing\"\nrestlet_script = \"customscript_other\""
    );
    let bench = Bench::with(quiet(), &settings, ALL_ON).await;
    let probe = probe(&*bench.platform).await;
    assert!(probe.credential_failure().is_none());
    let mut found = failed(&probe);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "RESTlet for messages and files",
            "catch-up by SuiteQL",
            "find by marker",
            "follow",
            "marker_field",
            "message_field",
            "schedule records",
            "time records",
            "trigger_on_status",
        ]
    );
    let statuses = probe
        .checks
        .iter()
        .find(|check| check.what == "trigger_on_status")
        .unwrap();
    let cause = &statuses.failure.as_ref().unwrap().cause;
    assert!(cause.contains("Field Service Required (6)"), "{cause}");
}

#[tokio::test]
async fn what_is_switched_on_needs_a_way() {
    let bench = Bench::with(quiet(), TBA, ALL_ON).await;
    assert_eq!(
        failed(&probe(&*bench.platform).await),
        ["messages", "files"]
    );
    let field = format!("{TBA}message_field = \"custevent_fn_messages\"");
    let outbound = "[features]\nmessages = \"outbound\"\n";
    let bench = Bench::with(quiet(), &field, outbound).await;
    assert_eq!(failed(&probe(&*bench.platform).await), [""; 0]);
    let without_folder = NetSuiteSettings {
        restlet: Restlet {
            has_folder: false,
            ..quiet().restlet
        },
        ..quiet()
    };
    let bench = Bench::with(without_folder, &format!("{TBA}{WHOLE}"), ALL_ON).await;
    let probe = probe(&*bench.platform).await;
    assert_eq!(failed(&probe), ["RESTlet for messages and files"]);
}

#[tokio::test]
async fn what_can_be_done_follows_from_the_settings() {
    let bench = Bench::open().await;
    let whole = bench.platform.capabilities();
    assert!(whole.find && whole.read_notes && whole.write_files && whole.changed_since);
    assert!(!whole.subscriptions && whole.side_records.is_empty());
    let bare = bench.another(TBA).capabilities();
    assert!(!bare.find && !bare.write_notes && !bare.read_files && bare.create);
    let field = bench.another(&format!("{TBA}message_field = \"custevent_fn_messages\""));
    let field = field.capabilities();
    assert!(field.write_notes && !field.read_notes);
    let visits = format!(
        "{TBA}record_type = \"customrecord_fn_visit\"\ncharge_record = {{ record_type = \"customrecord_fn_visit\", parent_field = \"x\" }}"
    );
    let visits = bench.another(&visits).capabilities();
    assert!(visits.find, "custom records have external ids");
    assert_eq!(
        visits.side_records,
        [fieldbridge::model::SideRecordKind::Charge]
    );
}

#[tokio::test]
async fn the_pool_of_the_account_is_shared_and_shown() {
    let bench = Bench::open().await;
    let view = bench.platform.quota();
    assert_eq!((view[0].limit, view[0].left), (4, 4));
    assert_eq!(bench.platform.concurrency(), 4);
    assert_eq!(bench.platform.ready_in(Priority::Live), Duration::ZERO);
    let _other = bench.another(TBA);
    assert_eq!(bench.platform.quota().len(), 1);
}

#[tokio::test]
async fn the_steps_for_the_admin_are_ready_to_paste() {
    let bench = Bench::open().await;
    let address = "https://fb.example/v1/broker/inbound?client_token=fake";
    let SubscriptionPlan::ByHand(steps) = bench.platform.subscription_plan(address) else {
        panic!("NetSuite has no subscriptions");
    };
    let told = steps.join("\n");
    for part in [
        address,
        "fieldbridge_trigger.js",
        "supportCase",
        "X-Fieldbridge-Secret",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        bench
            .platform
            .subscriptions(&bench.call, address)
            .await
            .unwrap()
            .is_empty()
    );
    let failure = bench
        .platform
        .subscribe(&bench.call, address)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert_eq!(
        bench.platform.record_url(&record_id(647)).as_deref(),
        Some("https://1234567-sb1.app.netsuite.com/app/crm/support/supportcase.nl?id=647")
    );
}
