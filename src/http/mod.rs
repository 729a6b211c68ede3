//! The one outgoing HTTP client.
//!
//! Every call of Field Nation's client and of every platform adapter goes through [`Client`]: it keeps
//! within the quotas, records the exchange with secrets taken out, and turns what can go wrong in
//! transport into a [`Failure`](crate::model::Failure). It knows no vendor: what a status or a body means is for the adapter
//! to say, with [`classify`] as the ordinary answer. It never retries by itself; that is the engine's.

mod allowance;
mod call;
mod client;
mod failure;
mod quota;
mod quota_book;
mod redact;
mod refresh_token;
mod request;
mod token;

pub use allowance::{BucketSettings, Cap};
pub use call::Call;
pub use client::{Client, ClientSettings, TransportProblem};
pub use failure::{classify, retry_after, transport_failure};
pub use quota::{Quota, QuotaView};
pub use quota_book::{AccountKey, QuotaBook, QuotaLimits};
pub use redact::Redactor;
pub use refresh_token::{KeepsInMemory, RefreshToken, TokenKeeper};
pub use request::{Body, Part, Request, Response};
pub use token::{Token, TokenCache};
