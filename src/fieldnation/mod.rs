#![allow(warnings)]
use crate::config::*;
use crate::http::*;
use crate::model::*;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::sync::Arc;
pub struct FieldNation;
pub struct Created {
    pub id: WorkOrderId,
    pub not_stored: Vec<String>,
}
pub struct Likeness<'a> {
    pub output: &'a Map<String, Value>,
    pub since: Timestamp,
}
pub enum Found {
    WorkOrders(Vec<WorkOrderId>),
    Absent,
    Uncertain(String),
}
pub struct Webhook {
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
}
impl Webhook {
    pub fn is_active(&self) -> bool {
        todo!()
    }
}
impl FieldNation {
    pub fn new(
        s: &FieldNationSettings,
        x: &Secrets,
        c: Arc<dyn Clock>,
        f: &std::path::Path,
    ) -> Result<Self, Vec<Problem>> {
        todo!()
    }
    pub fn quota(&self) -> Vec<QuotaView> {
        todo!()
    }
    pub async fn probe(&self, c: &Call) -> Result<String, Failure> {
        todo!()
    }
    pub async fn fetch(&self, c: &Call, id: WorkOrderId) -> Result<Option<Value>, Failure> {
        todo!()
    }
    pub async fn create(
        &self,
        c: &Call,
        o: &Map<String, Value>,
        m: &Marker,
    ) -> Result<Created, Failure> {
        todo!()
    }
    pub async fn update(
        &self,
        c: &Call,
        id: WorkOrderId,
        o: &Map<String, Value>,
    ) -> Result<(), Failure> {
        todo!()
    }
    pub async fn publish(&self, c: &Call, id: WorkOrderId) -> Result<(), Failure> {
        todo!()
    }
    pub async fn find(&self, c: &Call, m: &Marker, l: Likeness<'_>) -> Result<Found, Failure> {
        todo!()
    }
    pub async fn messages(&self, c: &Call, id: WorkOrderId) -> Result<Vec<Note>, Failure> {
        todo!()
    }
    pub async fn post_message(
        &self,
        c: &Call,
        id: WorkOrderId,
        n: &Note,
    ) -> Result<Option<String>, Failure> {
        todo!()
    }
    pub async fn files(&self, c: &Call, id: WorkOrderId) -> Result<Vec<FileReference>, Failure> {
        todo!()
    }
    pub async fn download(&self, c: &Call, f: &FileReference) -> Result<FileContent, Failure> {
        todo!()
    }
    pub async fn attach(
        &self,
        c: &Call,
        id: WorkOrderId,
        f: &FileContent,
    ) -> Result<Option<String>, Failure> {
        todo!()
    }
    pub async fn discover(&self, c: &Call) -> Result<Catalogue, Failure> {
        todo!()
    }
    pub fn work_order_url(&self, id: WorkOrderId) -> Option<String> {
        todo!()
    }
    pub async fn webhooks(&self, c: &Call) -> Result<Vec<Webhook>, Failure> {
        todo!()
    }
    pub async fn register_webhook(
        &self,
        c: &Call,
        u: &str,
        s: Option<&SecretString>,
    ) -> Result<Webhook, Failure> {
        todo!()
    }
    pub async fn remove_webhook(&self, c: &Call, id: &str) -> Result<(), Failure> {
        todo!()
    }
    pub fn webhook_secret(&self) -> Option<&SecretString> {
        todo!()
    }
    pub fn marker_of(&self, w: &Value) -> Option<Marker> {
        todo!()
    }
}
pub fn static_catalogue() -> Catalogue {
    todo!()
}
pub struct Event {
    pub name: EventName,
    pub work_order: WorkOrderId,
    pub delivery: DeliveryKey,
    pub at: Option<Timestamp>,
    pub work_order_body: Value,
    pub params: Value,
    pub marker: Option<Marker>,
}
pub enum EventRefusal {
    Signature,
    Malformed(String),
    UnknownEvent(String),
}
pub fn read_event(h: &http::HeaderMap, b: &[u8], s: &SecretString) -> Result<Event, EventRefusal> {
    todo!()
}
pub fn mapping_input(
    e: EventName,
    at: Option<Timestamp>,
    w: &Value,
    p: &Value,
    m: Option<&Marker>,
) -> Value {
    todo!()
}
pub fn is_complete(w: &Value) -> bool {
    todo!()
}
