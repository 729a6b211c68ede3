//! NetSuite: the stand-in driven as the vendor's documents say, and the adapter against it.

#[path = "../sandbox_support/mod.rs"]
mod sandbox_support;

mod adapter_finding;
mod adapter_login;
mod adapter_messages;
mod adapter_reading;
mod adapter_trouble;
mod adapter_writing;
mod bench;
mod integrator;
mod mapping;
mod stand_in;
mod stand_in_login;
