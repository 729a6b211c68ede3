//! What a connector being made asks of the engine and the machine, and what comes back.

use std::path::PathBuf;

use crate::console::remote::RemoteResult;
use crate::engine::{DescriptionRequest, MadeConnector, MakeConnector};
use crate::platform::Offer;

/// Something to be done for it; the engine's answers carry the ticket.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Look which descriptions lie in a directory.
    Files(PathBuf),
    /// Read what a description offers.
    Describe(u64, DescriptionRequest),
    /// Say what a connector would be, or make it.
    Make(u64, Box<MakeConnector>),
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// The descriptions that were found, relative to the directory.
    Files(Vec<String>),
    /// What a description offers.
    Described(u64, RemoteResult<Box<Offer>>),
    /// The connector as it would be, or is.
    Made(u64, RemoteResult<Box<MadeConnector>>),
}
