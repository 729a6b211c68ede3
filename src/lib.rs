//! Fieldbridge: a self-hosted integration broker with a terminal console.
//!
//! The rooms of the house, from the ground up. A room may use those before it in this list and
//! never those after it; `tests/architecture.rs` holds us to it.
//!
//! - [`model`]: plain data and its rules (ids, states, failures, fields). No I/O.
//! - [`config`]: the files a person writes: loading, checking, watching, secrets.
//! - [`mapping`]: rules that turn a source record into an output; Jsonnet in child processes.
//! - [`store`]: the durable state in the engine's verbs, and its redb implementation.
//! - [`http`]: the one outgoing HTTP client: quotas, redaction, recorded exchanges, OAuth.
//! - [`fieldnation`]: Field Nation's REST API, webhooks, signature and field catalogue.
//! - [`openapi`]: reading OpenAPI descriptions, and holding requests against them.
//! - [`platform`]: the contract of a platform adapter, and one folder per platform.
//! - [`sandbox`]: stand-ins for Field Nation and the platforms. Nothing but the command line
//!   knows it, and it knows nothing of the adapters it stands in for.
//! - [`engine`]: intake, scheduler, workers: what makes a trigger become a delivery.
//! - [`api`]: the control API over a Unix socket: wire types, server, client.
//! - [`console`]: the terminal console, only ever a client of [`api`].
//! - [`cli`]: the subcommands; the only room that sees all the others.

pub mod api;
pub mod cli;
pub mod config;
pub mod console;
pub mod engine;
pub mod fieldnation;
pub mod http;
pub mod mapping;
pub mod model;
pub mod openapi;
pub mod platform;
pub mod sandbox;
pub mod store;
