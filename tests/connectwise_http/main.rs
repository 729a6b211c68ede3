//! The `ConnectWise` adapter over HTTP, against a site that answers as it is told and remembers what it was asked.

mod callbacks;
mod reading;
mod site;
mod writing;
