//! Quickbase: the stand-in driven over HTTP as the vendor's documents say, and the adapter against the stand-in.

#[path = "../sandbox_support/mod.rs"]
mod sandbox_support;

mod adapter_account;
mod adapter_inbound;
mod adapter_outbound;
mod adapter_triggers;
mod scene;
mod stand_in;
