//! What is learned of an account once and used by many calls: the record type's description and its lists.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::NetSuite;
use super::api::Ask;
use super::right::Right;
use super::schema::{Schema, select_options};
use super::settings::is_support_case;
use crate::http::Call;
use crate::model::{Category, Failure, PicklistValue, Timestamp};

/// How fresh what is known must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Read within the last quarter of an hour.
    Recent,
    /// Read within the last minute: for a second look after a value was not found.
    Fresh,
    /// Read now.
    Now,
}

impl Freshness {
    fn longest_age(self) -> Duration {
        match self {
            Self::Recent => Duration::from_secs(900),
            Self::Fresh => Duration::from_secs(60),
            Self::Now => Duration::ZERO,
        }
    }
}

/// The choices of a field; none where the account's list is too long to be one.
pub(super) type Choices = Option<Arc<[PicklistValue]>>;

/// What is known, with when it was read.
#[derive(Debug, Default)]
pub(super) struct Session {
    // Held while it is read, so that many who need it make one call.
    schema: tokio::sync::Mutex<Option<(Arc<Schema>, Timestamp)>>,
    choices: tokio::sync::Mutex<HashMap<String, (Choices, Timestamp)>>,
}

impl NetSuite {
    fn is_younger(&self, read_at: Timestamp, freshness: Freshness) -> bool {
        let age = self.api.now().duration_since(read_at);
        Duration::try_from(age).unwrap_or_default() < freshness.longest_age()
    }

    /// The record type's description.
    pub(super) async fn schema(
        &self,
        call: &Call,
        freshness: Freshness,
    ) -> Result<Arc<Schema>, Failure> {
        let mut known = self.session.schema.lock().await;
        if let Some((schema, read_at)) = known.as_ref()
            && self.is_younger(*read_at, freshness)
        {
            return Ok(Arc::clone(schema));
        }
        let record_type = &self.settings.record_type;
        let ask = Ask::get(
            format!("/record/v1/metadata-catalog/{record_type}"),
            Right::Metadata,
            format!("describe the record type {record_type}"),
        )
        .header("accept", "application/schema+json");
        let answer = self.api.json(call, &ask).await?;
        let schema = Arc::new(Schema::read(&answer, is_support_case(record_type)));
        *known = Some((Arc::clone(&schema), self.api.now()));
        Ok(schema)
    }

    /// The description, or nothing where the role may not read it: much is done without.
    pub(super) async fn schema_if_allowed(
        &self,
        call: &Call,
    ) -> Result<Option<Arc<Schema>>, Failure> {
        match self.schema(call, Freshness::Recent).await {
            Ok(schema) => Ok(Some(schema)),
            Err(failure) if is_refused(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The choices of a field.
    pub(super) async fn choices(
        &self,
        call: &Call,
        field: &str,
        freshness: Freshness,
    ) -> Result<Choices, Failure> {
        let mut known = self.session.choices.lock().await;
        if let Some((choices, read_at)) = known.get(field)
            && self.is_younger(*read_at, freshness)
        {
            return Ok(choices.clone());
        }
        let record_type = &self.settings.record_type;
        let ask = Ask::rest(
            Method::POST,
            format!("/record/v1/{record_type}"),
            Right::Metadata,
            format!("list the choices of {field}"),
        )
        .query("fields", field)
        .header(
            "accept",
            "application/vnd.oracle.resource+json; type=select-options",
        )
        .json(serde_json::json!({}));
        let answer = self.api.json(call, &ask).await?;
        let choices: Choices = select_options(&answer, field).map(Into::into);
        known.insert(field.to_owned(), (choices.clone(), self.api.now()));
        Ok(choices)
    }
}

/// Whether a failure says no for good rather than not now.
pub(super) fn is_refused(failure: &Failure) -> bool {
    matches!(
        failure.category,
        Category::Configuration | Category::Validation
    )
}
