//! A trigger that can't be judged just now is answered so that its vendor sends it again, and vendors differ in what
//! they send again for.

use fieldbridge::engine::Control;
use fieldbridge::model::PlatformKind;
use fieldbridge::sandbox::{Fault, FaultKind};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::rig::Rig;

/// What the engine answers to a trigger.
async fn answered(rig: &Rig, trigger: impl Fn(RequestBuilder) -> RequestBuilder) -> u16 {
    let url = rig.engine.trigger_url(&rig.id).await.unwrap();
    let request = trigger(reqwest::Client::new().post(url));
    request.send().await.unwrap().status().as_u16()
}

/// `ConnectWise` sends again for 404, 409, 419 and 429 only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connectwise_is_told_429() {
    let platform = PlatformKind::ConnectWise;
    let mapping = fieldbridge::config::default_mapping(platform);
    let rig = Rig::beside(platform, "require_callback_signature = true\n", mapping).await;
    let keys = "/system/callbacks/keys/1";
    let down = Fault::lasting(
        FaultKind::ServerError { status: 503 },
        std::time::Duration::from_secs(60),
    );
    rig.desk().faults().push(down.on(&Method::GET, keys));
    let ticket = rig.desk().record_id(rig.dispatch(1));
    let base = rig.desk().base_url();
    let body = json!({
        "Action": "updated", "Type": "ticket", "ID": ticket.parse::<u64>().unwrap(),
        "Metadata": {"key_url": format!("{base}/v4_6_release/apis/3.0{keys}")},
    });
    let signed = |request: RequestBuilder| {
        request
            .header("content-type", "application/json")
            .header("x-content-signature", "bm90IGNoZWNrZWQ=")
            .body(body.to_string())
    };
    assert_eq!(answered(&rig, signed).await, 429);
    rig.stop().await;
}

/// `ServiceNow` names a record by its number, which has to be looked up; most vendors take 503 for "later".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servicenow_is_told_503() {
    let rig = Rig::start(PlatformKind::ServiceNow).await;
    let down = Fault::lasting(
        FaultKind::ServerError { status: 500 },
        std::time::Duration::from_secs(60),
    );
    let down = down.on(&Method::GET, "/table/incident");
    rig.desk().faults().push(down);
    let by_number = |request: RequestBuilder| request.query(&[("external_id", "INC0010099")]);
    assert_eq!(answered(&rig, by_number).await, 503);
    rig.stop().await;
}
