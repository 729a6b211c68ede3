//! ServiceNow: the stand-in as the vendor's documents have it, and the adapter against it.

mod adapter_account;
mod adapter_inbound;
mod adapter_outbound;
mod bench;
mod mapping;
mod samples;
#[path = "../sandbox_support/mod.rs"]
mod sandbox_support;
mod stand_in;
