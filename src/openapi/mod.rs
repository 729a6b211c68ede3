//! Reading OpenAPI descriptions, of version 2.0, 3.0 or 3.1, as they are found in the wild.
//!
//! A description is data that somebody else wrote, often by hand or by a generator with ideas of its own. So it
//! is kept as the untyped tree it is, and only what is needed is read out of it: operations, parameters, bodies,
//! security, servers. What can't be used is told as a problem and left out; the rest stays. Nothing here reaches
//! beyond the files it is given: remote references are never followed.
//!
//! [`Document::load`] reads a file or a directory, [`Document::check_request`] says where a request departs from
//! what the description allows, and [`Document::fields`] flattens a schema into fields that mappings can name.

mod check;
mod document;
mod fields;
mod files;
mod limits;
mod normalise;
mod operation;
mod pointer;
mod problems;
mod read;
mod references;
mod security;
mod servers;
mod style;
mod template;
mod tree;

pub use check::{Departure, Deviation, Sent, SentBody};
pub use document::{Document, Edition};
pub use fields::Purpose;
pub use files::LoadProblem;
pub use limits::Limits;
pub use operation::{Content, Operation, Parameter, Place, RequestBody, Schema};
pub use security::{Flow, KeyPlace, Requirement, Scheme, SchemeKind};
pub use style::{Encoded, Style};
