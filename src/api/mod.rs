//! The control API: how people reach a running engine.
//!
//! HTTP and JSON over a Unix socket: `wire` says what is spoken, `server` serves any
//! [`Control`](crate::engine::Control), `client` is what the console and the command line use. Roles are checked on
//! the server's side only. Nothing here decides anything about syncing, and nothing here draws.

mod client;
mod updates;
pub mod wire;

pub use client::{Access, Client, ClientError};
pub use updates::Updates;
pub use wire::{Change, Hello, Role, Update, UpdateBody, apply};
