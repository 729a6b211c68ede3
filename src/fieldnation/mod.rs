//! Field Nation: the REST client of one company, its webhooks, its events and its fields.
//!
//! Everything that is peculiar to Field Nation's interface stays in here: the token in the query string, writes
//! that answer 200 and store nothing, sections that have to be written whole, names that are only known to the
//! hosted broker. No platform, no store and no transaction is known in this room.

mod address;
mod catalogue;
mod client;
mod complaint;
mod directory;
mod discover;
mod event;
mod file;
mod message;
mod moment;
mod order;
mod read_back;
mod search;
mod section;
mod session;
mod shape;
mod target;
mod webhook;
mod work_order;

pub use client::FieldNation;
pub use event::{Event, EventRefusal, mapping_input, read_event};
pub use order::CreatedWorkOrder;
pub use search::{Found, Likeness};
pub use webhook::{Webhook, WebhookStatus};
pub use work_order::is_complete;
