//! The terminal console, only ever a client of the control API.
//!
//! State is plain data ([`App`]); [`update()`] is the only place that changes it and answers what is to be done
//! ([`Effect`]); [`view()`] draws it and changes nothing. Effects run beside and come back as [`Message`]s. Nothing
//! here talks to the engine but through [`Remote`], decides anything about syncing, or writes text from outside to
//! the terminal other than through [`brush`].

pub mod action;
pub mod app;
pub mod brush;
mod client;
mod clipboard;
pub mod dialog;
pub mod document;
mod editor;
mod effect;
mod facts;
pub mod filter;
mod format;
pub mod glyph;
mod help;
mod input;
mod json;
pub mod keymap;
mod layout;
pub mod list;
pub mod log;
pub mod message;
pub mod remote;
mod rights;
mod rows;
mod run;
pub mod settings;
mod table;
pub mod terminal;
pub mod text;
pub mod theme;
mod timeline;
mod toml_look;
mod update;
mod view;
mod watch;
pub mod wizard;
pub mod workbench;

pub use action::Action;
pub use app::App;
pub use message::{Effect, Message};
pub use remote::{Feed, Identity, Remote};
pub use run::{ConsoleError, Keyboard, OwnKeyboard, run, run_on};
pub use settings::{ConsoleSettings, Embedded, Exit, Mode};
pub use update::update;
pub use view::view;
