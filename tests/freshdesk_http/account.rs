//! The account: its key, its allowance, its fields, its settings.

use super::desk::{NOW, Scene, adapter, connector, id, ok, reply, still, ticket, unknown};
use fieldbridge::model::{Category, Priority};
use fieldbridge::platform::{SubscriptionPlan, Wish};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_accounts_allowance_is_followed() {
    let scene = Scene::open("", |seen| match seen.path.as_str() {
        "/api/v2/tickets/1" => reply(404, "")
            .header("x-ratelimit-total", "400.0")
            .header("x-ratelimit-remaining", "7.0"),
        "/api/v2/tickets/2" => {
            reply(429, r#"{"message":"You have exceeded the limit"}"#).header("retry-after", "45")
        }
        _ => unknown(),
    })
    .await;
    assert_eq!(scene.platform.quota()[0].limit, 50);
    scene
        .platform
        .fetch(&scene.call, &id("1"), Wish::default())
        .await
        .unwrap();
    let quota = scene.platform.quota();
    assert_eq!((quota[0].limit, quota[0].left), (400, 7));
    let failure = scene
        .platform
        .fetch(&scene.call, &id("2"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(45)));
    assert!(scene.platform.ready_in(Priority::Live) > Duration::from_secs(40));
    let before = scene.seen().len();
    let failure = scene
        .platform
        .fetch(&scene.call, &id("1"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(
        scene.seen().len(),
        before,
        "nothing is sent while the account asks for quiet"
    );
}

#[tokio::test]
async fn a_probe_names_what_is_missing() {
    let denied =
        r#"{"code":"access_denied","message":"You are not authorized to perform this action."}"#;
    let settings = "marker_field = \"cf_none\"\ntrigger_on_status = [\"Dispatch\"]\ntemplate_ticket_id = 99\n\
        [features]\nmessages = \"both\"";
    let scene = Scene::open(settings, move |seen| match seen.path.as_str() {
        "/api/v2/agents/me" => {
            ok(&json!({"id": 1, "ticket_scope": 3, "contact": {"name": "Sample Agent"}}))
        }
        "/api/v2/tickets" => ok(&json!([{"id": 12}])),
        "/api/v2/tickets/12" => ok(&ticket()),
        "/api/v2/tickets/12/conversations" => reply(403, denied),
        _ => unknown(),
    })
    .await;
    let probe = scene.platform.probe(&scene.call).await;
    assert!(!probe.is_good() && probe.credential_failure().is_none());
    let failed: Vec<_> = probe
        .checks
        .iter()
        .filter_map(|check| {
            check
                .failure
                .as_ref()
                .map(|failure| (check.what.as_str(), failure.category))
        })
        .collect();
    assert_eq!(
        failed,
        [
            ("marker field", Category::Configuration),
            ("trigger_on_status", Category::Configuration),
            ("template ticket", Category::Configuration),
            ("read notes and files", Category::Configuration),
        ]
    );
    let scope = probe
        .checks
        .iter()
        .find(|check| check.what == "ticket scope")
        .unwrap();
    assert!(scope.detail.contains("only tickets assigned to it"));
    assert!(
        scene.lines().iter().all(|line| line.starts_with("GET ")),
        "a probe writes nothing"
    );
}

#[tokio::test]
async fn a_refused_key_is_about_the_credential() {
    let refused = r#"{"code":"invalid_credentials","message":"You have to be logged in to perform this action."}"#;
    let scene = Scene::open("", move |_| reply(401, refused)).await;
    let probe = scene.platform.probe(&scene.call).await;
    assert_eq!(
        probe.credential_failure().unwrap().category,
        Category::Authentication
    );
    let scene = Scene::open("", |_| unknown()).await;
    let probe = scene.platform.probe(&scene.call).await;
    assert!(probe.is_good(), "{probe:?}");
}

#[tokio::test]
async fn the_catalogue_is_the_accounts_own() {
    let scene = Scene::open("template_ticket_id = \"12\"", |seen| {
        match seen.path.as_str() {
            "/api/v2/tickets/12" => ok(&json!({"id": 12, "sentiment_score": 44})),
            _ => unknown(),
        }
    })
    .await;
    let catalogue = scene.platform.discover(&scene.call).await.unwrap();
    let status = catalogue.field("status").unwrap();
    assert!(status.required && status.picklist.iter().any(|value| value.value == "8"));
    assert_eq!(
        catalogue
            .field("custom_fields.cf_site")
            .unwrap()
            .picklist
            .len(),
        2
    );
    assert!(catalogue.field("sentiment_score").is_some());
    assert_eq!(catalogue.read_at, NOW.parse().unwrap());
}

#[test]
fn all_wrong_settings_are_told_at_once() {
    let text = "platform = \"freshdesk\"\n[settings]\napi_url = \"support.example.com\"\napi_key = \" \"\n\
        template_ticket_id = \"INC-1\"\nmarker_field = \"FN Work Order\"\nbase_url = \"ftp://x\"\n\
        default_requester_email = \"nobody\"\n";
    let problems = adapter(text, &still()).map(drop).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for key in [
        "api_url",
        "api_key",
        "template_ticket_id",
        "marker_field",
        "base_url",
        "default_requester_email",
    ] {
        assert!(
            told.iter()
                .any(|line| line.contains(&format!("settings.{key}:"))),
            "{key}: {told:?}"
        );
    }
    let problems = adapter(&connector("apikey = \"x\""), &still())
        .map(drop)
        .unwrap_err();
    assert!(
        problems[0].to_string().contains("apikey"),
        "{}",
        problems[0]
    );
}

#[test]
fn people_are_led_to_the_ticket_and_to_the_rule() {
    let platform = adapter(&connector("base_url = \"http://127.0.0.1:1/\""), &still()).unwrap();
    assert_eq!(
        platform.record_url(&id("12")).as_deref(),
        Some("https://acme.freshdesk.com/a/tickets/12")
    );
    let plan = platform.subscription_plan("https://fb.example/v1/broker/inbound?client_token=t");
    let SubscriptionPlan::ByHand(steps) = plan else {
        panic!("{plan:?}")
    };
    let steps = steps.join("\n");
    assert!(steps.contains("client_token=t&external_id={{ticket.id}}"));
    assert!(steps.contains("{\"ticket_id\":\"{{ticket.id}}\"}"));
}

#[test]
fn every_setting_is_in_the_guide() {
    let guide = include_str!("../../docs/platforms/freshdesk.md");
    for key in [
        "api_url",
        "api_key",
        "template_ticket_id",
        "marker_field",
        "trigger_on_status",
        "trigger_on_tag",
        "note_author_id",
        "trigger_secret",
        "default_requester_email",
        "tags",
        "base_url",
    ] {
        assert!(guide.contains(&format!("| `{key}` |")), "{key}");
    }
}
