//! Salesforce: the stand-in over raw HTTP as the vendor's documents say, and the adapter against the stand-in.

mod account;
mod bench;
mod inbound;
mod mapping;
mod outbound;
mod stand_in;
mod trigger;
mod wide;
