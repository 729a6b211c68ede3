//! The broker's names for what happens to a work order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $broker:literal, $webhook:literal;)*) => {
        /// A Field Nation event under the broker's own name (`FN_WO_…`), as mapping rules filter by it.
        ///
        /// One for each of the 33 public webhook events; the names follow the broker's published list
        /// where it has one, and its manner where it has none.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventName {
            $($(#[$doc])* #[serde(rename = $broker)] $variant,)*
        }

        impl EventName {
            /// All events.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The broker's name, e.g. `FN_WO_ASSIGNED`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $broker,)* }
            }

            /// The name in Field Nation's webhooks, e.g. `workorder.status.assigned`.
            #[must_use]
            pub fn webhook_name(self) -> &'static str {
                match self { $(Self::$variant => $webhook,)* }
            }

            /// The event of a webhook name.
            #[must_use]
            pub fn from_webhook_name(name: &str) -> Option<Self> {
                match name { $($webhook => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

events! {
    /// A work order was created.
    Created = "FN_WO_CREATED", "workorder.created";
    /// A provider was routed; one event for each provider.
    Routed = "FN_WO_ROUTED", "workorder.routed";
    /// A task was completed.
    TaskCompleted = "FN_WO_TASK_COMPLETED", "workorder.task_completed";
    /// A task was reopened.
    TaskIncomplete = "FN_WO_TASK_INCOMPLETE", "workorder.task_incomplete";
    /// The provider uploaded a file.
    ProviderUpload = "FN_WO_PROVIDER_UPLOAD", "workorder.provider_upload";
    /// A message was posted.
    MessagePosted = "FN_WO_MESSAGE_POSTED", "workorder.message_posted";
    /// A provider requested the work order.
    Requested = "FN_WO_REQUESTED", "workorder.requested";
    /// A custom field's value changed.
    CustomFieldValueUpdated = "FN_WO_CUSTOM_FIELD_VALUE_UPDATED", "workorder.custom_field_value_updated";
    /// A provider declined.
    Declined = "FN_WO_DECLINED", "workorder.declined";
    /// A decline was withdrawn.
    Undeclined = "FN_WO_UNDECLINED", "workorder.undeclined";
    /// The schedule changed.
    ScheduleUpdated = "FN_WO_SCHEDULE_UPDATED", "workorder.schedule_updated";
    /// A tag was added.
    TagAdded = "FN_WO_TAG_ADDED", "workorder.tag_added";
    /// A tag was removed.
    TagRemoved = "FN_WO_TAG_REMOVED", "workorder.tag_removed";
    /// Became a draft.
    Draft = "FN_WO_DRAFT", "workorder.status.draft";
    /// Status became routed; fires once.
    StatusRouted = "FN_WO_STATUS_ROUTED", "workorder.status.routed";
    /// Published.
    Published = "FN_WO_PUBLISHED", "workorder.status.published";
    /// The provider confirmed.
    Confirmed = "FN_WO_CONFIRMED", "workorder.status.confirmed";
    /// A provider was assigned.
    Assigned = "FN_WO_ASSIGNED", "workorder.status.assigned";
    /// The assignment was cancelled.
    AssignedCancelled = "FN_WO_ASSIGNED_CANCELLED", "workorder.status.assigned_cancelled";
    /// At risk of not being done in time.
    AtRisk = "FN_WO_AT_RISK", "workorder.status.at_risk";
    /// Delayed.
    Delayed = "FN_WO_DELAYED", "workorder.status.delayed";
    /// The provider is on the way.
    OnMyWay = "FN_WO_ON_MY_WAY", "workorder.status.on_my_way";
    /// The provider checked in.
    CheckedIn = "FN_WO_PROVIDER_CHECKED_IN", "workorder.status.checked_in";
    /// The provider checked out.
    CheckedOut = "FN_WO_PROVIDER_CHECKED_OUT", "workorder.status.checked_out";
    /// The provider marked the work done.
    Done = "FN_WO_DONE", "workorder.status.work_done";
    /// The work was approved.
    Approved = "FN_WO_APPROVED", "workorder.status.approved";
    /// The provider was paid.
    Paid = "FN_WO_PAID", "workorder.status.paid";
    /// Cancelled.
    Cancelled = "FN_WO_CANCELLED", "workorder.status.cancelled";
    /// Deleted.
    Deleted = "FN_WO_DELETED", "workorder.status.deleted";
    /// Postponed.
    Postponed = "FN_WO_POSTPONED", "workorder.status.postponed";
    /// A problem was reported.
    ProblemReported = "FN_WO_PROBLEM_REPORTED", "workorder.problem_reported";
    /// A problem was resolved.
    ProblemResolved = "FN_WO_PROBLEM_RESOLVED", "workorder.problem_resolved";
    /// A part was updated.
    PartUpdated = "FN_WO_PART_UPDATED", "workorder.part_updated";
}

/// A text that names no event.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no Field Nation event")]
pub struct UnknownEvent(pub String);

/// The broker's documentation has two names for some events; the second ones, with what they mean here.
const OTHER_NAMES: [(&str, EventName); 2] = [
    ("FN_WO_MESSAGE_ADDED", EventName::MessagePosted),
    ("FN_WO_ATTACHMENT_ADDED", EventName::ProviderUpload),
];

impl FromStr for EventName {
    type Err = UnknownEvent;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|event| event.as_str() == text)
            .or_else(|| {
                let other = OTHER_NAMES.iter().find(|(name, _)| *name == text);
                other.map(|(_, event)| *event)
            })
            .or_else(|| Self::from_webhook_name(text))
            .ok_or_else(|| UnknownEvent(text.chars().take(80).collect()))
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_33_names_parse_back_in_both_vocabularies() {
        assert_eq!(EventName::ALL.len(), 33);
        for event in EventName::ALL {
            assert_eq!(event.as_str().parse::<EventName>().unwrap(), *event);
            assert_eq!(
                EventName::from_webhook_name(event.webhook_name()),
                Some(*event)
            );
        }
    }

    #[test]
    fn second_names_are_understood() {
        assert_eq!(
            "FN_WO_MESSAGE_ADDED".parse::<EventName>().unwrap(),
            EventName::MessagePosted
        );
    }
}
