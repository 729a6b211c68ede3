//! `kill -9`: what was acknowledged is delivered, once, whenever it strikes.
//!
//! The engine is the real binary in a process of its own; Field Nation and the platforms are stand-ins in this one, so
//! they outlive it and their journals are the judges.

mod between;
mod engine;
#[path = "../support/outbound_create.rs"]
mod outbound_create;
mod rig;
mod rotated_token;
mod under_load;
