//! The contract of a platform adapter, and one folder per platform.
//!
//! [`Platform`] was designed against all nine platforms (`docs/platform-contract.md`). An adapter knows its
//! vendor's wire and rules and nothing of queues, retries or mappings: it makes one call (or the few calls
//! that make up one effect) and says truthfully what came of it. Adding a platform touches its folder and
//! one line of [`registry`].

mod autotask;
mod basics;
mod connectwise;
mod contract;
mod freshdesk;
mod html;
mod netsuite;
mod private_key;
mod quickbase;
pub mod registry;
mod rest;
mod salesforce;
mod servicenow;
mod smartsheet;

pub use contract::{
    Answer, Capabilities, Changed, Check, Created, DeliveryForm, Found, Noted, Platform, Probe,
    Standing, Subscription, SubscriptionPlan, TriggerReading, TriggerRefusal, TriggerRequest, Wish,
};
pub use rest::{
    Choice, ChoiceProblem, Offer, OfferedCredential, OfferedFields, OfferedOperation,
    OfferedParameter, Proposal, Purpose,
};
