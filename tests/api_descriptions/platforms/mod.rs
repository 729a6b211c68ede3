//! The nine platforms: what each is driven with, its description, and the deviations that its pages justify.

mod autotask;
mod connectwise;
mod freshdesk;
mod netsuite;
mod quickbase;
mod rest;
mod salesforce;
mod servicenow;
mod smartsheet;

use fieldbridge::model::{Exchange, PlatformKind};

use super::descriptions;
use super::judge::{Known, judge};
use super::net::{Unsent, every_request_was_sent};

/// A vendor, as its requests are held against it.
struct Vendor {
    platform: PlatformKind,
    descriptions: &'static [&'static str],
    /// Where the stand-in has what the description has at the root, if other than the description's server.
    mount: &'static str,
    known: &'static [Known],
    /// What looks like a request in the adapter's source and is none.
    unsent: &'static [Unsent],
}

impl Vendor {
    /// Judges all that was sent to it; the operations that were called are kept as a snapshot, so that none gets lost.
    fn hold(&self, exchanges: &[Exchange]) {
        let room = format!("src/platform/{}", self.platform);
        every_request_was_sent(&room, exchanges, self.unsent);
        let Some(documents) = descriptions(self.descriptions) else {
            return;
        };
        let called = judge(&documents, self.mount, exchanges, self.known);
        insta::assert_snapshot!(self.platform.to_string(), called);
    }
}
