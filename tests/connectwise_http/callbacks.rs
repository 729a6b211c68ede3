//! Callbacks: registering them, and reading what they bring.

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use fieldbridge::platform::{
    DeliveryForm, Platform, Standing, TriggerReading, TriggerRefusal, TriggerRequest,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::site::{Reply, Site, call};

const TRIGGER: &str = "https://fb.example/v1/broker/inbound?client_token=fake.token.value";
const CALLBACKS: &str = "system/callbacks";
const KEY: &str = "system/callbacks/keys/1";

#[tokio::test]
async fn a_callback_is_registered_once_and_switched_on_again() {
    let site = Site::start().await;
    site.on(Method::GET, CALLBACKS, 200, &json!([{"id": 1, "url": "https://fb.example/other", "level": "owner", "objectId": 1, "type": "ticket"}]));
    site.on(
        Method::POST,
        CALLBACKS,
        201,
        &json!({"id": 12, "memberId": 176, "type": "ticket", "level": "owner", "objectId": 1}),
    );
    site.on(
        Method::GET,
        "system/info/members/176",
        200,
        &json!({"id": 176, "identifier": "FNIntegration"}),
    );
    let adapter = site.adapter("");
    assert!(
        adapter
            .subscriptions(&call(), TRIGGER)
            .await
            .unwrap()
            .is_empty()
    );
    let made = adapter.subscribe(&call(), TRIGGER).await.unwrap();
    assert_eq!((made.id.as_str(), made.standing), ("12", Standing::Alive));
    let url = format!("{TRIGGER}&recordId=");
    assert_eq!(
        site.asked(&Method::POST, CALLBACKS)[0].json(),
        json!({
            "url": url, "objectId": 1, "type": "ticket", "level": "owner", "description": "Fieldbridge cw-main",
            "inactiveFlag": false, "isSelfSuppressedFlag": true
        })
    );
    assert_eq!(
        site.asked(&Method::GET, CALLBACKS)[0].parameter("conditions"),
        Some("url contains \"fb.example\"")
    );
    site.on(Method::GET, CALLBACKS, 200, &json!([{"id": 12, "url": url, "type": "ticket", "level": "owner", "objectId": 1, "inactiveFlag": true}]));
    site.on(
        Method::PATCH,
        "system/callbacks/12",
        200,
        &json!({"id": 12}),
    );
    assert_eq!(
        adapter.subscriptions(&call(), TRIGGER).await.unwrap()[0].standing,
        Standing::Disabled
    );
    assert_eq!(adapter.subscribe(&call(), TRIGGER).await.unwrap().id, "12");
    assert_eq!(
        site.asked(&Method::PATCH, "system/callbacks/12")[0].json(),
        json!([{"op": "replace", "path": "inactiveFlag", "value": false}])
    );
    assert_eq!(site.asked(&Method::POST, CALLBACKS).len(), 1);
}

#[tokio::test]
async fn a_callback_is_removed_even_if_it_is_gone() {
    let site = Site::start().await;
    site.on(Method::DELETE, "system/callbacks/12", 204, &Value::Null);
    let adapter = site.adapter("");
    adapter.unsubscribe(&call(), "12").await.unwrap();
    adapter.unsubscribe(&call(), "13").await.unwrap();
    assert!(adapter.unsubscribe(&call(), "../members/1").await.is_err());
    let failure = adapter
        .subscribe(&call(), "not an address")
        .await
        .unwrap_err();
    assert!(failure.hint.unwrap().contains("public_url"));
    site.seen();
}

#[tokio::test]
async fn a_board_can_be_listened_to_alone() {
    let site = Site::start().await;
    site.on(Method::GET, CALLBACKS, 200, &json!([]));
    site.on(Method::POST, CALLBACKS, 201, &json!({"id": 12}));
    let adapter = site.adapter("callback_level = \"status\"\ncallback_object_id = 42");
    adapter.subscribe(&call(), TRIGGER).await.unwrap();
    let sent = site.asked(&Method::POST, CALLBACKS)[0].json();
    assert_eq!(
        (&sent["level"], &sent["objectId"]),
        (&json!("status"), &json!(42))
    );
}

fn body(site: &Site) -> String {
    let key_url = format!("{}/v2024_1/apis/3.0/{KEY}", site.base);
    json!({
        "MessageId": "m-1", "Action": "updated", "Type": "ticket", "ID": 69, "MemberId": "User1",
        "Entity": "{\"id\":69,\"recordType\":\"ServiceTicket\"}", "metadata": {"Key_Url": key_url}
    })
    .to_string()
}

fn signature(key: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(key.as_bytes())).unwrap();
    mac.update(body.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

fn request(body: &str, signature: Option<&str>) -> TriggerRequest {
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert("x-content-signature", signature.parse().unwrap());
    }
    TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers,
        body: body.to_owned().into(),
    }
}

async fn read(
    adapter: &Arc<dyn Platform>,
    body: &str,
    signature: Option<&str>,
) -> Result<TriggerReading, TriggerRefusal> {
    adapter.read_trigger(&request(body, signature)).await
}

#[tokio::test]
async fn a_signed_callback_is_checked_with_a_key_that_is_fetched_once() {
    let site = Site::start().await;
    site.on(
        Method::GET,
        KEY,
        200,
        &json!("{\"signing_key\":\"fake-key\"}"),
    );
    let adapter = site.adapter("require_callback_signature = true");
    let body = body(&site);
    let signed = signature("fake-key", &body);
    for _ in 0..3 {
        let reading = read(&adapter, &body, Some(&signed)).await.unwrap();
        let TriggerReading::Records {
            ids,
            delivery,
            form,
            answer,
        } = reading
        else {
            panic!("{reading:?}")
        };
        assert_eq!((ids.len(), ids[0].as_str()), (1, "69"));
        assert_eq!(
            (delivery.unwrap().as_str(), form),
            ("m-1", DeliveryForm::Json)
        );
        assert!(answer.unwrap().status.is_success());
    }
    let altered = body.replace("69", "70");
    for (body, signature) in [
        (&altered, Some(signed.as_str())),
        (&body, Some("AAAA")),
        (&body, Some("%")),
        (&body, None),
    ] {
        let refusal = read(&adapter, body, signature).await.unwrap_err();
        assert!(matches!(refusal, TriggerRefusal::Signature(_)), "{refusal}");
    }
    let fetched = site.asked(&Method::GET, KEY);
    assert_eq!(fetched.len(), 1);
    assert!(
        fetched[0].headers.get("authorization").is_none(),
        "a public key needs no credential"
    );
}

#[tokio::test]
async fn a_key_elsewhere_is_never_fetched() {
    let site = Site::start().await;
    let other = Site::start().await;
    let adapter = site.adapter("");
    let forged = body(&other);
    let signed = signature("fake-key", &forged);
    let refusal = read(&adapter, &forged, Some(&signed)).await.unwrap_err();
    assert!(
        matches!(&refusal, TriggerRefusal::Signature(why) if why.contains("which is not on")),
        "{refusal}"
    );
    assert!(other.seen().is_empty() && site.seen().is_empty());
}

#[tokio::test]
async fn a_key_that_can_not_be_had_makes_strict_connectors_ask_for_another_try() {
    let site = Site::start().await;
    site.on(Method::GET, KEY, 500, &json!({}));
    let body = body(&site);
    let signed = signature("fake-key", &body);
    let strict = site.adapter("require_callback_signature = true");
    assert!(matches!(
        read(&strict, &body, Some(&signed)).await,
        Err(TriggerRefusal::NotNow(_))
    ));
    let ordinary = site.adapter("");
    assert!(matches!(
        read(&ordinary, &body, Some(&signed)).await,
        Ok(TriggerReading::Records { .. })
    ));
    assert!(matches!(
        read(&ordinary, &body, None).await,
        Ok(TriggerReading::Records { .. })
    ));
}

#[tokio::test]
async fn a_key_behind_the_credential_is_fetched_with_it() {
    let site = Site::start().await;
    site.once(Method::GET, KEY, Reply::json(401, &json!({})));
    site.on(Method::GET, KEY, 200, &json!({"signing_key": "fake-key"}));
    let adapter = site.adapter("");
    let body = body(&site);
    assert!(
        read(&adapter, &body, Some(&signature("fake-key", &body)))
            .await
            .is_ok()
    );
    assert!(
        site.asked(&Method::GET, KEY)[1]
            .headers
            .get("authorization")
            .is_some()
    );
}

#[tokio::test]
async fn a_deleted_ticket_is_accepted_and_other_objects_are_not_ours() {
    let site = Site::start().await;
    let adapter = site.adapter("");
    let deleted = read(
        &adapter,
        r#"{"Action":"deleted","ID":69,"Type":"ticket","Entity":null}"#,
        None,
    )
    .await
    .unwrap();
    assert!(matches!(deleted, TriggerReading::Records { .. }));
    let company = read(
        &adapter,
        r#"{"Action":"updated","ID":2,"Type":"company"}"#,
        None,
    )
    .await
    .unwrap();
    assert!(matches!(company, TriggerReading::NotOurs { .. }));
    let nothing = read(&adapter, "{}", None).await.unwrap_err();
    assert!(matches!(nothing, TriggerRefusal::NoRecord(_)));
    assert_eq!(
        adapter
            .record_url(&fieldbridge::model::RecordId::new("69"))
            .unwrap(),
        format!(
            "{}/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid=69&companyName=acme",
            site.base
        )
    );
    assert_eq!(
        adapter.record_url(&fieldbridge::model::RecordId::new("x\"")),
        None
    );
}
