//! The org: signing in, what is allowed, what is left of its calls, its fields, the settings.

use fieldbridge::model::{Category, Effect, Priority, SideRecordKind};
use fieldbridge::platform::{SubscriptionPlan, Wish};
use fieldbridge::sandbox::{Fault, FaultKind, SalesforceSettings};
use http::Method;
use serde_json::json;
use std::time::Duration;

use super::bench::{Bench, CLIENT, KEY, KEY_PKCS1, adapter, connector, org, still};

const USER: &str = "user_name = \"integration@example.com\"\npassword = \"not-a-real-password\"\ntoken = \"NotARealSecurityToken\"\n";

fn jwt(key: &str) -> String {
    format!(
        "grant_type = \"jwt_bearer\"\nclient_id = \"not-a-real-consumer-key\"\nuser_name = \"integration@example.com\"\nprivate_key = '''\n{key}'''\n"
    )
}

#[tokio::test]
async fn every_grant_signs_in_and_shows_no_secret() {
    let refresh = format!(
        "grant_type = \"refresh_token\"\n{CLIENT}refresh_token = \"not-a-real-refresh-token\"\n"
    );
    for settings in [
        CLIENT.to_owned(),
        jwt(KEY),
        jwt(KEY_PKCS1),
        format!("{}instance_type = \"test\"\n", jwt(KEY)),
        refresh,
        format!("grant_type = \"password\"\n{CLIENT}{USER}"),
        format!("grant_type = \"soap_login\"\n{USER}"),
    ] {
        let bench = Bench::open(org(), &settings).await;
        let probe = bench.platform.probe(&bench.call).await;
        assert!(probe.is_good(), "{settings}: {probe:?}");
        let sign_in = probe.checks.iter().find(|check| check.credential).unwrap();
        assert!(sign_in.detail.contains(bench.org.organization()));
        assert_eq!(
            sign_in.detail.contains("Summer '27"),
            settings.contains("soap_login")
        );
        let shown = format!("{:?}", bench.call.take_exchanges());
        assert!(shown.contains("/limits"));
        for secret in [
            "not-a-real-consumer-secret",
            "not-a-real-session",
            "not-a-real-refresh",
            "not-a-real-password",
            "eyJ",
            "not-a-real-consumer-key",
        ] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_refused_sign_in_is_about_the_credential_and_says_what_to_do() {
    for (settings, hint) in [
        (
            format!("grant_type = \"password\"\n{CLIENT}{USER}")
                .replace("NotARealSecurityToken", "Old"),
            "token changes with the password",
        ),
        (CLIENT.replace("consumer-key", "key"), "client_id"),
        (CLIENT.replace("consumer-secret", "secret"), "client_secret"),
        (
            format!("grant_type = \"soap_login\"\n{USER}").replace("not-a-real-password", "x"),
            "user_name",
        ),
    ] {
        let bench = Bench::open(org(), &settings).await;
        let probe = bench.platform.probe(&bench.call).await;
        let failure = probe.credential_failure().unwrap();
        assert_eq!(failure.category, Category::Authentication);
        assert!(failure.hint.as_ref().unwrap().contains(hint), "{failure:?}");
    }
    let bench = Bench::open(org(), &jwt(KEY)).await;
    bench.org.approve(false);
    let probe = bench.platform.probe(&bench.call).await;
    assert!(
        probe
            .credential_failure()
            .unwrap()
            .hint
            .as_ref()
            .unwrap()
            .contains("Pre-authorise")
    );
    // A failed sign-in is not kept: the next call tries anew.
    bench.org.approve(true);
    assert!(bench.platform.probe(&bench.call).await.is_good());
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_and_never_in_a_loop() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    bench.fetch(&id).await;
    bench.lines();
    bench.org.end_sessions();
    bench.fetch(&id).await;
    let sign_ins = |lines: &[String]| {
        lines
            .iter()
            .filter(|line| line.contains("/oauth2/token"))
            .count()
    };
    assert_eq!(sign_ins(&bench.lines()), 1);
    bench.org.faults().push(
        Fault::lasting(FaultKind::Unauthorized, Duration::from_secs(3600))
            .on(&Method::GET, "/services/data"),
    );
    let failure = bench
        .platform
        .fetch(&bench.call, &id, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    let lines = bench.lines();
    assert_eq!((sign_ins(&lines), lines.len()), (1, 3), "{lines:?}");
}

#[tokio::test]
async fn many_callers_share_one_sign_in() {
    let bench = Bench::plain().await;
    let id = bench.case(&json!({}));
    let fetches = (0..20).map(|_| bench.platform.fetch(&bench.call, &id, Wish::default()));
    for fetched in futures_util::future::join_all(fetches).await {
        assert!(fetched.unwrap().is_some());
    }
    let lines = bench.lines();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("/oauth2/token"))
            .count(),
        1
    );
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("/Case/describe"))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_followed() {
    let settings = format!(
        "grant_type = \"refresh_token\"\n{CLIENT}refresh_token = \"not-a-real-refresh-token\"\n"
    );
    let bench = Bench::open(
        SalesforceSettings {
            rotates_refresh_tokens: true,
            ..org()
        },
        &settings,
    )
    .await;
    for _ in 0..3 {
        assert!(bench.platform.probe(&bench.call).await.is_good());
        bench.org.end_sessions();
    }
}

#[tokio::test]
async fn the_orgs_calls_are_counted_with_a_reserve_for_people() {
    let bench = Bench::open(
        SalesforceSettings {
            daily_calls: 1_000,
            ..org()
        },
        &format!("{CLIENT}api_reserve_percent = 20\n"),
    )
    .await;
    bench.platform.probe(&bench.call).await;
    let used = bench
        .lines()
        .iter()
        .filter(|line| line.contains("/services/data"))
        .count();
    let quota = bench.platform.quota();
    assert_eq!(quota[0].limit, 1_000);
    let left = 1_000 - u32::try_from(used).unwrap() - 200;
    assert_eq!(quota[0].left, left);
}

#[tokio::test]
async fn used_up_calls_are_waited_out() {
    let bench = Bench::open(
        SalesforceSettings {
            daily_calls: 0,
            ..org()
        },
        &format!("{CLIENT}api_reserve_percent = 0\n"),
    )
    .await;
    let id = bench.case(&json!({}));
    let failure = bench
        .platform
        .fetch(&bench.call, &id, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(failure.effect, Effect::None);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(900)));
    assert!(bench.platform.ready_in(Priority::Live) > Duration::from_secs(800));
    bench.lines();
    let failure = bench
        .platform
        .fetch(&bench.call, &id, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.effect, Effect::Unsent);
    assert!(bench.lines().is_empty(), "nothing is sent meanwhile");
}

#[tokio::test]
async fn an_org_without_the_api_is_about_the_credential() {
    let bench = Bench::open(
        SalesforceSettings {
            has_api: false,
            ..org()
        },
        CLIENT,
    )
    .await;
    let probe = bench.platform.probe(&bench.call).await;
    assert!(
        probe
            .credential_failure()
            .unwrap()
            .hint
            .as_ref()
            .unwrap()
            .contains("API Enabled")
    );
}

#[tokio::test]
async fn a_probe_names_what_is_missing_and_writes_nothing() {
    let settings = format!(
        "{CLIENT}external_id_field = \"Legacy_Key__c\"\nparent_fields = [\"Account.Nope__c\"]\ntrigger_on_status = [\"Nope\"]\ntrigger_on_checkbox = \"Subject\"\n\
         charge = {{ object_name = \"FN_Charge__c\", parent_field = \"Case__c\" }}\nschedule = {{ object_name = \"Nope__c\", parent_field = \"X__c\" }}\n\
         time_entry = {{ object_name = \"FN_Time__c\", parent_field = \"Nope__c\" }}\n[features]\nmessages = \"both\"\nfiles = \"both\"\n"
    );
    let org = SalesforceSettings {
        read_only_objects: vec!["Case", "FN_Charge__c", "ContentVersion"],
        hidden_fields: vec![("CaseComment", "IsPublished")],
        ..org()
    };
    let bench = Bench::open(org, &settings).await;
    let probe = bench.platform.probe(&bench.call).await;
    assert!(probe.credential_failure().is_none());
    let failed: Vec<_> = probe
        .checks
        .iter()
        .filter(|check| check.failure.is_some())
        .map(|check| check.what.as_str())
        .collect();
    assert_eq!(
        failed,
        [
            "edit Case",
            "create Case",
            "external id field",
            "trigger_on_status",
            "trigger_on_checkbox",
            "related objects",
            "messages in CaseComment",
            "files",
            "schedule in Nope__c",
            "time_entry in FN_Time__c",
            "charge in FN_Charge__c",
        ]
    );
    assert!(
        probe
            .checks
            .iter()
            .filter_map(|check| check.failure.as_ref())
            .all(|failure| failure.category == Category::Configuration && failure.hint.is_some())
    );
    let lines = bench.lines();
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("GET ") || line.contains("/oauth2/token")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_catalogue_is_the_orgs_own() {
    let bench =
        Bench::with("charge = { object_name = \"FN_Charge__c\", parent_field = \"Case__c\" }\n")
            .await;
    let catalogue = bench.platform.discover(&bench.call).await.unwrap();
    let field = |path: &str| catalogue.field(path).unwrap_or_else(|| panic!("{path}"));
    assert_eq!(field("Status").picklist.len(), 5);
    assert_eq!(field("Subject").max_length, Some(255));
    assert!(field("CaseNumber").read_only && !field("Send_to_Field_Nation__c").read_only);
    assert!(field("Account.ShippingCity").read_only && field("Owner.Name").read_only);
    assert!(!field("charge.Amount__c").read_only && !field("private_note").read_only);
    assert_eq!(
        bench.platform.capabilities().side_records,
        [SideRecordKind::Charge]
    );
    // The second time the org says that nothing changed.
    assert_eq!(
        bench
            .platform
            .discover(&bench.call)
            .await
            .unwrap()
            .fields
            .len(),
        catalogue.fields.len()
    );
}

#[test]
fn all_wrong_settings_are_told_at_once() {
    let text = "platform = \"salesforce\"\n[settings]\ninstance_name = \"login.salesforce.com\"\ngrant_type = \"jwt_bearer\"\nprivate_key = \"x\"\n\
        object_name = \"My Case\"\nexternal_id_field = \"FN Work Order\"\nparent_fields = [\"Account.Parent.Name\"]\norganization_id = \"x\"\n\
        api_version = \"20.0\"\nbase_url = \"ftp://x\"\nmessage_object_name = \"Note__c\"\napi_reserve_percent = 99\n\
        charge = { object_name = \"a b\", parent_field = \"x\" }\n";
    let problems = adapter(text, &still()).map(drop).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for key in [
        "instance_name",
        "client_id",
        "user_name",
        "private_key",
        "object_name",
        "external_id_field",
        "parent_fields",
        "organization_id",
        "api_version",
        "base_url",
        "message_object_body_field_name",
        "message_object_parent_field_name",
        "message_object_public_field_name",
        "api_reserve_percent",
        "charge.object_name",
    ] {
        let key = format!("settings.{key}:");
        assert!(
            told.iter().any(|problem| problem.contains(&key)),
            "{key} {told:#?}"
        );
    }
}

#[tokio::test]
async fn the_steps_for_the_admin_and_the_records_address_are_ready_to_use() {
    let platform = adapter(&connector("http://127.0.0.1:1", CLIENT), &still())
        .map_err(|problems| format!("{problems:?}"))
        .unwrap();
    let SubscriptionPlan::ByHand(steps) =
        platform.subscription_plan("https://fb.example/v1/broker/inbound?client_token=abc")
    else {
        panic!()
    };
    assert!(
        steps
            .iter()
            .any(|step| step.ends_with("https://fb.example/v1/broker/inbound?client_token=abc"))
    );
    let url = platform.record_url(&fieldbridge::model::RecordId::new("5003000000D8cuI"));
    assert_eq!(
        url.as_deref(),
        Some("https://acme.my.salesforce.com/lightning/r/Case/5003000000D8cuIAAR/view")
    );
}
