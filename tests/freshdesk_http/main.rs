//! The Freshdesk adapter against a small help desk on loopback: what it sends, and what it makes of the answers.

mod account;
mod desk;
mod inbound;
mod outbound;
