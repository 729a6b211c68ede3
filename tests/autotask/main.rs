//! Autotask: the stand-in driven over HTTP as the vendor's documents say, and the adapter against the stand-in.

#[path = "../sandbox_support/mod.rs"]
mod sandbox_support;

mod adapter_account;
mod adapter_inbound;
mod adapter_outbound;
mod adapter_sides;
mod adapter_trouble;
mod adapter_webhooks;
mod samples;
mod stage;
mod stand_in;
