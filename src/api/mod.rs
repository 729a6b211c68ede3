//! The control API: how people reach a running engine.
//!
//! HTTP and JSON over a Unix socket: [`wire`] says what is spoken, [`Server`] serves any
//! [`Control`](crate::engine::Control), [`Client`] is what the console and the command line use. Roles are checked on
//! the server's side only. Nothing here decides anything about syncing, and nothing here draws.

mod client;
mod hub;
mod lines;
mod making_client;
mod making_routes;
mod people;
mod routes;
mod server;
mod updates;
pub mod wire;
mod workbench_client;
mod workbench_routes;

pub use client::{Access, Client, ClientError};
pub use people::own_name;
pub use server::{Server, ServerError, ServerSetup};
pub use updates::Updates;
pub use wire::{Change, Hello, Role, Update, UpdateBody, apply};
pub use workbench_client::ImpactRun;

#[cfg(test)]
#[expect(dead_code, reason = "shared with tests outside, which use the rest")]
mod fake_engine {
    use crate as fieldbridge;

    include!("../../tests/support/fake_engine.rs");
}
