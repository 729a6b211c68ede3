//! Triggers as the stand-in's webhooks send them, and hostile ones.

use axum::http::Method;
use fieldbridge::platform::{DeliveryForm, TriggerReading, TriggerRefusal, TriggerRequest};
use fieldbridge::sandbox::{MessageFormat, MessageVisibility, ServiceDesk, TableWebhook};
use serde_json::json;

use super::sandbox_support::{Received, Subscriber};
use super::scene::Scene;

fn request(received: Received) -> TriggerRequest {
    let query = received.uri.query().unwrap_or_default();
    TriggerRequest {
        method: Method::POST,
        query: query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers: received.headers,
        body: received.body.into(),
    }
}

async fn read(
    scene: &Scene,
    received: Received,
) -> Result<(Vec<String>, DeliveryForm), TriggerRefusal> {
    match scene.platform.read_trigger(&request(received)).await? {
        TriggerReading::Records { ids, form, .. } => {
            Ok((ids.iter().map(ToString::to_string).collect(), form))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_format_that_a_webhook_has_is_read() {
    let scene = Scene::open().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    let id = scene.job();
    let expected = |form| Ok((vec![id.to_string()], form));
    for (format, body, form) in [
        (
            MessageFormat::Json,
            r#"{"record_id":"[Record ID#]","table_id":"%dbid%","action":"%action%"}"#,
            DeliveryForm::Json,
        ),
        (
            MessageFormat::Json,
            r#"{"record_id":"[Record ID#]","about":"[Description]","table_id":"%dbid%"}"#,
            DeliveryForm::Salvaged,
        ),
        (
            MessageFormat::Xml,
            "<job><record_id>[Record ID#]</record_id><about>[Description]</about></job>",
            DeliveryForm::Xml,
        ),
        (
            MessageFormat::Raw,
            "record_id=[Record ID#]&table_id=%dbid%",
            DeliveryForm::Form,
        ),
        (MessageFormat::Raw, "[Record ID#]", DeliveryForm::Form),
    ] {
        let webhook = TableWebhook::new(&subscriber.url).with_message(format, body);
        scene.desk.set_webhooks(vec![webhook]);
        scene.desk.change_job(id, &json!({"9": body})).unwrap();
        assert_eq!(
            read(&scene, subscriber.next().await).await,
            expected(form),
            "{body}"
        );
    }
    let address = format!("{}/?external_id=[Record ID#]", subscriber.url);
    scene.desk.set_webhooks(vec![TableWebhook::new(address)]);
    scene.desk.change_job(id, &json!({"9": "Ely"})).unwrap();
    assert_eq!(
        read(&scene, subscriber.next().await).await,
        expected(DeliveryForm::Query)
    );
}

#[tokio::test]
async fn the_default_webhook_is_told_what_to_change() {
    let scene = Scene::open().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    scene
        .desk
        .set_webhooks(vec![TableWebhook::new(&subscriber.url)]);
    scene.job();
    let refusal = read(&scene, subscriber.next().await).await.unwrap_err();
    assert!(
        matches!(&refusal, TriggerRefusal::NoRecord(why) if why.contains("empty body")),
        "{refusal}"
    );
    assert!(refusal.to_string().contains("[Record ID#]"));
}

#[tokio::test]
async fn several_records_come_in_one_message() {
    let scene = Scene::open().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    let jobs = [scene.job(), scene.job(), scene.job()];
    let body =
        r#"{"records":[%RepeatOn%{"record_id":"[Record ID#]","title":"[Title]"},%RepeatOff%]}"#;
    let webhook = TableWebhook::new(&subscriber.url).with_message(MessageFormat::Json, body);
    scene.desk.set_webhooks(vec![webhook]);
    scene
        .desk
        .change_jobs(&jobs, &json!({"6": "say \"hello\""}))
        .unwrap();
    let (ids, form) = read(&scene, subscriber.next().await).await.unwrap();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(form, DeliveryForm::Salvaged);
}

#[tokio::test]
async fn what_the_desk_is_told_to_send_reaches_us() {
    let scene = Scene::open().await;
    let mut subscriber = Subscriber::answering(&[]).await;
    scene.desk.listen_by_hand(&subscriber.url);
    let id = scene.job();
    let expected = Ok((vec![id.to_string()], DeliveryForm::Json));
    assert_eq!(read(&scene, subscriber.next().await).await, expected);
    // A message tells of the record that it belongs to.
    let public = MessageVisibility::Public;
    scene.desk.add_message(id, "hello", public).unwrap();
    assert_eq!(read(&scene, subscriber.next().await).await, expected);
    scene.desk.dispatch(id).unwrap();
    scene.update(id, json!({"9": "Ely"})).await.unwrap();
    assert_eq!(subscriber.waiting(), 0, "our own write fires nothing");
}

#[tokio::test]
async fn a_trigger_without_the_secret_is_refused() {
    let scene = Scene::without(&[], "trigger_secret = \"not-a-real-secret\"").await;
    let mut subscriber = Subscriber::answering(&[]).await;
    let mut webhook = TableWebhook::new(&subscriber.url)
        .with_message(MessageFormat::Json, r#"{"record_id":"[Record ID#]"}"#);
    scene.desk.set_webhooks(vec![webhook.clone()]);
    let id = scene.job();
    let refusal = read(&scene, subscriber.next().await).await.unwrap_err();
    assert!(matches!(refusal, TriggerRefusal::Signature(_)));
    webhook.headers = vec![("X-Fieldbridge-Secret".into(), "not-a-real-secret".into())];
    scene.desk.set_webhooks(vec![webhook]);
    scene.desk.change_job(id, &json!({"9": "Ely"})).unwrap();
    assert!(read(&scene, subscriber.next().await).await.is_ok());
}

#[tokio::test]
async fn another_tables_trigger_is_answered_and_forgotten() {
    let scene = Scene::open().await;
    let request = TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers: axum::http::HeaderMap::new(),
        body: r#"{"record_id":"1","table_id":"bfbtime01"}"#.into(),
    };
    let reading = scene.platform.read_trigger(&request).await.unwrap();
    assert!(matches!(reading, TriggerReading::NotOurs { .. }));
}
