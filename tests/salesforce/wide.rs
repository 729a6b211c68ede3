//! An object so wide that a query for all its fields would be longer than an address may be.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Json;
use axum::Router;
use axum::extract::RawQuery;
use axum::routing::{get, post};
use fieldbridge::http::Call;
use fieldbridge::model::{Priority, RecordId};
use fieldbridge::platform::Wish;
use serde_json::{Value, json};

use super::bench::{CLIENT, adapter, connector, still};

const ID: &str = "5003000000D8cuIAAR";

fn field(name: &str, kind: &str) -> Value {
    json!({"name": name, "label": name, "type": kind, "createable": true, "updateable": true, "nillable": true})
}

async fn describe() -> Json<Value> {
    let wide =
        (0..700).map(|number| field(&format!("A_rather_long_custom_field_{number}__c"), "string"));
    let mut fields: Vec<Value> = [field("Id", "id"), field("Subject", "string")]
        .into_iter()
        .chain(wide)
        .collect();
    let mut created = field("CreatedById", "reference");
    created["relationshipName"] = json!("CreatedBy");
    created["referenceTo"] = json!(["Group", "User"]);
    fields.push(created);
    Json(
        json!({"name": "Case", "label": "Case", "createable": true, "updateable": true, "fields": fields}),
    )
}

async fn query(RawQuery(raw): RawQuery) -> Json<Value> {
    let raw = raw.unwrap_or_default();
    assert!(
        raw.len() < 16_000 && raw.contains("CreatedBy.Name"),
        "{raw}"
    );
    Json(json!({"totalSize": 1, "done": true, "records": [
        {"attributes": {"type": "Case"}, "CreatedBy": {"attributes": {"type": "User"}, "Name": "Store Desk"}}]}))
}

#[tokio::test]
async fn it_is_read_by_its_id_and_its_parents_by_a_query() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    // A sign-in that names the vendor's own host: behind an override the calls stay here all the same.
    let token = json!({"access_token": "not-a-real-token", "instance_url": "https://na15.salesforce.com", "id": "https://na15.salesforce.com/id/00Di0000000icUB/0DFi00000008UYO"});
    let whole = json!({"attributes": {"type": "Case"}, "Id": ID, "Subject": "Wide", "A_rather_long_custom_field_7__c": "seven"});
    let routes = Router::new()
        .route("/services/oauth2/token", post(async move || Json(token)))
        .route("/services/data/v64.0/sobjects/Case/describe", get(describe))
        .route(
            &format!("/services/data/v64.0/sobjects/Case/{ID}"),
            get(async move || Json(whole)),
        )
        .route("/services/data/v64.0/query", get(query));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let settings = format!("{CLIENT}parent_fields = [\"CreatedBy.Name\"]\n");
    let platform = adapter(&connector(&base, &settings), &still())
        .map_err(|problems| format!("{problems:?}"))
        .unwrap();
    let call = Call::new(Priority::Live);
    let record = platform
        .fetch(&call, &RecordId::new(ID), Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        record.fields,
        json!({"Id": ID, "Subject": "Wide", "A_rather_long_custom_field_7__c": "seven", "CreatedBy": {"Name": "Store Desk"}})
    );
}
