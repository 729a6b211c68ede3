//! The Field Nation client against a small server on loopback.

#[path = "fieldnation_http/features.rs"]
mod features;
#[path = "fieldnation_http/orders.rs"]
mod orders;
#[path = "fieldnation_http/stub.rs"]
mod stub;
