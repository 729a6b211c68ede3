//! In which order a work order's events happened: they may arrive in another, and an old one must not bring back what
//! has changed since.

use serde_json::Value;

use crate::model::Timestamp;
use crate::store::Correlation;

/// Under this key a correlation keeps when the latest event happened that reached its record.
const LATEST: &str = "event:latest";

/// When an event happened, as it tells.
pub(super) fn moment(event: &Value) -> Option<Timestamp> {
    event["timestamp"].as_str()?.parse().ok()
}

/// Whether a later event has reached the record already. Events of one second can't be told apart.
pub(super) fn is_overtaken(correlation: Option<&Correlation>, at: Option<Timestamp>) -> bool {
    latest(correlation).is_some_and(|latest| at.is_some_and(|at| at < latest))
}

/// Notes that an event of this moment has reached the record.
pub(super) fn reached(correlation: &mut Correlation, at: Option<Timestamp>) {
    if let Some(at) = at.max(latest(Some(correlation))) {
        correlation
            .carried
            .insert(LATEST.to_owned(), at.to_string());
    }
}

fn latest(correlation: Option<&Correlation>) -> Option<Timestamp> {
    correlation?.carried.get(LATEST)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::model::{ConnectorId, RecordId, WorkOrderId};

    fn at(text: &str) -> Option<Timestamp> {
        moment(&json!({"timestamp": text}))
    }

    #[test]
    fn an_older_event_is_overtaken_and_forgets_nothing() {
        let mut correlation = Correlation {
            connector: ConnectorId::new("one").unwrap(),
            record: RecordId::new("7"),
            work_order: WorkOrderId(9),
            linked_at: Timestamp::UNIX_EPOCH,
            sent_to_work_order: BTreeMap::new(),
            sent_to_record: BTreeMap::new(),
            carried: BTreeMap::new(),
        };
        let (early, late) = (at("2026-01-20T08:55:58-06:00"), at("2026-01-20T14:56:00Z"));
        assert!(early < late && early.is_some());
        assert!(!is_overtaken(Some(&correlation), early));
        reached(&mut correlation, late);
        assert!(is_overtaken(Some(&correlation), early));
        assert!(!is_overtaken(Some(&correlation), late));
        reached(&mut correlation, early);
        reached(&mut correlation, None);
        assert!(is_overtaken(Some(&correlation), early));
        assert!(!is_overtaken(Some(&correlation), at("soon")));
        assert!(!is_overtaken(None, early));
    }
}
