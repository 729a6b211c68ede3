//! Smartsheet: the stand-in driven as the vendor's documents say, and the adapter against the stand-in.

mod adapter_failures;
mod adapter_inbound;
mod adapter_mapping;
mod adapter_outbound;
mod adapter_setup;
#[path = "../sandbox_support/mod.rs"]
mod sandbox_support;
mod scene;
mod stand_in;
