//! Side records: schedules, times and charges that the mapping writes beside a record. Each stands for something of the
//! work order and keeps the id it was given, so that it is edited and not doubled; before the first is sent, that
//! it is about to be is on disk, so that a lost answer is looked up and not written again.

use serde_json::{Map, Value};

use super::attempt::{Attempt, Stepped};
use super::changes::{self, Targets};
use crate::model::{
    Attempted, Catalogue, Category, Effect, Failure, Field, FieldKind, RecordId, SideRecord,
    SideRecordKind, SideSource, Step, Timestamp, WorkOrderId,
};
use crate::store::Correlation;

/// Targets that are side records of their own rather than fields of the record.
const KINDS: [(&str, SideRecordKind); 3] = [
    ("schedule", SideRecordKind::Schedule),
    ("time_entry", SideRecordKind::Time),
    ("charge", SideRecordKind::Charge),
];

/// The member of a mapped side record that names the Field Nation object it stands for; no field of the platform's.
const SOURCE: &str = "fieldNationID";

/// A side record as the mapping made it.
#[derive(Debug)]
pub(super) struct Side {
    name: &'static str,
    kind: SideRecordKind,
    source: SideSource,
    fields: Value,
    alone: Alone,
}

/// Whether the mapping makes one side record of the kind, or a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alone {
    Single,
    Listed,
}

impl Side {
    fn new(
        (name, kind): (&'static str, SideRecordKind),
        mut fields: Map<String, Value>,
        order: WorkOrderId,
        alone: Alone,
    ) -> Self {
        let told = fields.remove(SOURCE).as_ref().and_then(id_text);
        Self {
            name,
            kind,
            source: told.map_or(SideSource::WorkOrder(order), SideSource::Object),
            fields: Value::Object(fields),
            alone,
        }
    }

    /// Under which the correlation keeps what was sent.
    fn sent_key(&self) -> String {
        match &self.source {
            SideSource::Object(id) => format!("{}:{id}", self.name),
            SideSource::WorkOrder(_) => self.name.to_owned(),
        }
    }

    /// Under which the correlation keeps its id on the platform.
    fn key(&self) -> String {
        format!("side:{}", self.sent_key())
    }

    /// Under which the correlation keeps since when it may stand on the platform without our knowing its id.
    fn tried_key(&self) -> String {
        format!("side-tried:{}", self.sent_key())
    }

    /// Under which the correlation keeps when it was last tried, of the attempts of which nothing is known.
    fn last_tried_key(&self) -> String {
        format!("side-last-tried:{}", self.sent_key())
    }

    /// Whether what the platform was sent last is the same.
    fn is_sent(&self, correlation: &Correlation) -> bool {
        let sent = correlation.sent_to_record.get(&self.sent_key());
        sent == Some(&self.fields)
    }

    /// Its key, and where it stands alone the key that it had before the mapping told what it stands for.
    fn known_as(&self) -> impl Iterator<Item = String> {
        let before = match (&self.source, self.alone) {
            (SideSource::Object(_), Alone::Single) => Some(format!("side:{}", self.name)),
            _ => None,
        };
        std::iter::once(self.key()).chain(before)
    }
}

fn id_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    (!text.is_empty()).then_some(text)
}

/// Adds to the fields of a platform the member that names what a side record stands for.
pub(super) fn tell(catalogue: &mut Catalogue, able: &[SideRecordKind]) {
    for (name, _) in KINDS.iter().filter(|(_, kind)| able.contains(kind)) {
        let path = format!("{name}.{SOURCE}");
        let label = format!("{name}: id of the Field Nation object it stands for");
        let field = Field::new(path, label, FieldKind::Any);
        catalogue.fields.push(field);
    }
}

/// Parts the mapped targets into fields of the record and side records of their own.
///
/// # Errors
/// `validation` when a list does not tell which object each of its side records stands for.
pub(super) fn split(
    able: &[SideRecordKind],
    targets: &Targets,
    order: WorkOrderId,
) -> Result<(Targets, Vec<Side>), Failure> {
    let mut fields = targets.clone();
    let mut sides = Vec::new();
    for (name, kind) in KINDS {
        if !able.contains(&kind) {
            continue;
        }
        let is_own = |path: &str, value: &Value| match path.strip_prefix(name) {
            Some("") => value.is_object() || value.is_array(),
            Some(rest) => rest.starts_with(['.', '[']),
            None => false,
        };
        let mut own = Targets::new();
        fields.retain(|path, value| {
            let kept = !is_own(path, value);
            if !kept {
                own.insert(path.clone(), value.clone());
            }
            kept
        });
        match changes::nested(&own).remove(name) {
            Some(Value::Object(members)) => {
                sides.push(Side::new((name, kind), members, order, Alone::Single));
            }
            Some(Value::Array(items)) => listed((name, kind), items, order, &mut sides)?,
            _ => {}
        }
    }
    Ok((fields, sides))
}

/// Takes the side records of a list, each of which must tell what it stands for: places in a list change.
fn listed(
    kind: (&'static str, SideRecordKind),
    items: Vec<Value>,
    order: WorkOrderId,
    sides: &mut Vec<Side>,
) -> Result<(), Failure> {
    let name = kind.0;
    let count = items.len();
    for (index, item) in items.into_iter().enumerate() {
        let refused = |why: &str| {
            Failure::new(
                Category::Validation,
                format!("{name}[{index}] of {count} {why}"),
            )
            .hint(format!(
                "Map the id of the time log or expense to {name}[…].{SOURCE}, so that each is written once."
            ))
        };
        let Value::Object(members) = item else {
            return Err(refused("is no object"));
        };
        let side = Side::new(kind, members, order, Alone::Listed);
        if matches!(side.source, SideSource::WorkOrder(_)) {
            return Err(refused(&format!("has no {SOURCE}")));
        }
        if sides
            .iter()
            .any(|other| other.kind == side.kind && other.source == side.source)
        {
            return Err(refused(&format!(
                "has the {SOURCE} {} that another one has",
                side.source
            )));
        }
        sides.push(side);
    }
    Ok(())
}

/// Whether there is a side record that the platform was not sent as it is now.
pub(super) fn any_differs(sides: &[Side], correlation: &Correlation) -> bool {
    sides.iter().any(|side| !side.is_sent(correlation))
}

/// Writes those side records of the linked record that differ from what was sent.
pub(super) async fn put(attempt: &mut Attempt, record: &RecordId, sides: Vec<Side>) -> Stepped<()> {
    for side in sides {
        let differs = attempt
            .correlation
            .as_ref()
            .is_none_or(|correlation| !side.is_sent(correlation));
        if differs {
            put_one(attempt, record, side).await?;
        }
    }
    Ok(())
}

async fn put_one(attempt: &mut Attempt, record: &RecordId, side: Side) -> Stepped<()> {
    let known = known(attempt.correlation.as_ref(), &side);
    let tried_before = tried(attempt.correlation.as_ref(), &side);
    // One that is known may be gone there by now, and made anew.
    let now = attempt.shared.now();
    let trying = Attempted {
        first: tried_before.map_or(now, |before| before.first),
        last: now,
    };
    change(attempt, |correlation| {
        remember(correlation, &side, Some(trying));
    });
    attempt.save().await?;
    let wanted = SideRecord {
        kind: side.kind,
        fields: side.fields.clone(),
        source: side.source.clone(),
        others: others(attempt.correlation.as_ref(), &side),
        attempted: tried_before,
    };
    let running = attempt.begin(Step::Deliver);
    let platform = attempt.active.platform.clone();
    let result = platform
        .put_side_record(&running.call, record, &wanted, known.as_deref())
        .await;
    if let Err(failure) = &result
        && failure.effect != Effect::Unknown
    {
        // Refused for certain: the next attempt need not look for what this one made.
        change(attempt, |correlation| {
            remember(correlation, &side, tried_before);
        });
    }
    let name = side.name;
    let id = attempt.end(running, result, |id| {
        format!("{name} {id} of record {record}")
    })?;
    change(attempt, |correlation| {
        remember(correlation, &side, None);
        for key in side.known_as() {
            correlation.carried.remove(&key);
        }
        if side.alone == Alone::Single {
            correlation.sent_to_record.remove(name);
        }
        correlation
            .sent_to_record
            .insert(side.sent_key(), side.fields.clone());
    });
    attempt.carried(side.key(), Some(id)).await
}

/// Changes the correlation; it is written with the next save.
fn change(attempt: &mut Attempt, change: impl FnOnce(&mut Correlation)) {
    if let Some(mut correlation) = attempt.correlation.clone() {
        change(&mut correlation);
        attempt.link(correlation);
    }
}

/// The id that a side record has on the platform, if we were told.
fn known(correlation: Option<&Correlation>, side: &Side) -> Option<String> {
    let carried = &correlation?.carried;
    let mut ids = side.known_as().filter_map(|key| carried.get(&key));
    ids.find(|id| !id.is_empty()).cloned()
}

/// The attempts to write a side record of which it is not known what came of them.
fn tried(correlation: Option<&Correlation>, side: &Side) -> Option<Attempted> {
    let carried = &correlation?.carried;
    let first: Timestamp = carried.get(&side.tried_key())?.parse().ok()?;
    let last = carried.get(&side.last_tried_key());
    let last = last.and_then(|last| last.parse().ok()).unwrap_or(first);
    Some(Attempted { first, last })
}

/// Keeps which attempts to write a side record may have come to something unheard.
fn remember(correlation: &mut Correlation, side: &Side, tried: Option<Attempted>) {
    let moments = tried.map(|tried| (tried.first.to_string(), tried.last.to_string()));
    let (first, last) = moments.unzip();
    for (key, moment) in [(side.tried_key(), first), (side.last_tried_key(), last)] {
        match moment {
            Some(moment) => drop(correlation.carried.insert(key, moment)),
            None => drop(correlation.carried.remove(&key)),
        }
    }
}

/// The ids of the other side records of its kind.
fn others(correlation: Option<&Correlation>, side: &Side) -> Vec<String> {
    let whole = format!("side:{}", side.name);
    let listed = format!("{whole}:");
    let own: Vec<String> = side.known_as().collect();
    let carried = correlation.map(|correlation| &correlation.carried);
    let of_kind = carried.into_iter().flatten().filter(|(key, id)| {
        (**key == whole || key.starts_with(&listed)) && !own.contains(key) && !id.is_empty()
    });
    of_kind.map(|(_, id)| id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::model::ConnectorId;

    const ORDER: WorkOrderId = WorkOrderId(77);
    const ABLE: [SideRecordKind; 2] = [SideRecordKind::Time, SideRecordKind::Charge];

    fn targets(pairs: &[(&str, Value)]) -> Targets {
        let pairs = pairs.iter();
        pairs
            .map(|(path, value)| ((*path).to_owned(), value.clone()))
            .collect()
    }

    fn correlation(carried: &[(&str, &str)]) -> Correlation {
        let carried = carried.iter();
        Correlation {
            connector: ConnectorId::new("one").unwrap(),
            record: RecordId::new("7"),
            work_order: ORDER,
            linked_at: Timestamp::UNIX_EPOCH,
            sent_to_work_order: BTreeMap::new(),
            sent_to_record: BTreeMap::new(),
            carried: carried
                .map(|(key, id)| ((*key).to_owned(), (*id).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn one_of_a_kind_stands_for_what_the_mapping_tells_or_for_the_work_order() {
        let made = targets(&[
            ("status", json!("Done")),
            (
                "schedule.start",
                json!("a field here: no schedules are kept"),
            ),
            ("time_entry.hours", json!(2)),
            ("time_entry.fieldNationID", json!(103)),
            ("charge.amount", json!(12)),
            ("chargeable", json!(true)),
        ]);
        let (fields, sides) = split(&ABLE, &made, ORDER).unwrap();
        assert_eq!(
            fields.keys().collect::<Vec<_>>(),
            ["chargeable", "schedule.start", "status"]
        );
        let [time, charge] = &sides[..] else {
            panic!("{sides:?}");
        };
        assert_eq!(time.source, SideSource::Object("103".into()));
        assert_eq!(
            (time.key(), &time.fields),
            ("side:time_entry:103".into(), &json!({"hours": 2}))
        );
        assert_eq!(charge.source, SideSource::WorkOrder(ORDER));
        assert_eq!(charge.key(), "side:charge");
    }

    #[test]
    fn a_list_makes_one_for_each_and_each_must_tell_what_it_stands_for() {
        let list = |items: Value| targets(&[("charge", items)]);
        let two = json!([
            {"fieldNationID": 5, "amount": 10},
            {"fieldNationID": "6", "amount": 10},
        ]);
        let (fields, sides) = split(&ABLE, &list(two), ORDER).unwrap();
        assert!(fields.is_empty());
        let keys: Vec<String> = sides.iter().map(Side::key).collect();
        assert_eq!(keys, ["side:charge:5", "side:charge:6"]);
        assert!(split(&ABLE, &list(json!([])), ORDER).unwrap().1.is_empty());
        for (wrong, told) in [
            (
                json!([{"amount": 1}]),
                "charge[0] of 1 has no fieldNationID",
            ),
            (json!([3]), "charge[0] of 1 is no object"),
            (
                json!([{"fieldNationID": 5}, {"fieldNationID": 5}]),
                "charge[1] of 2 has the fieldNationID 5 that another one has",
            ),
        ] {
            let failure = split(&ABLE, &list(wrong), ORDER).unwrap_err();
            assert_eq!(failure.cause, told);
        }
        let indexed = targets(&[
            ("charge[0].fieldNationID", json!(5)),
            ("charge[0].amount", json!(10)),
        ]);
        assert_eq!(
            split(&ABLE, &indexed, ORDER).unwrap().1[0].key(),
            "side:charge:5"
        );
        let scalar = list(json!("a field of that name"));
        assert_eq!(split(&ABLE, &scalar, ORDER).unwrap().0, scalar);
    }

    #[test]
    fn the_last_unheard_attempt_is_known_beside_the_first() {
        let side = Side::new(KINDS[2], Map::new(), ORDER, Alone::Single);
        let mut linked = correlation(&[]);
        let at = |second| Timestamp::from_second(second).unwrap();
        let (first, last) = (at(100), at(4000));
        assert_eq!(tried(Some(&linked), &side), None);
        remember(&mut linked, &side, Some(Attempted { first, last }));
        assert_eq!(tried(Some(&linked), &side), Some(Attempted { first, last }));
        // What an attempt may have made unheard is no other side record.
        assert_eq!(others(Some(&linked), &side), Vec::<String>::new());
        remember(&mut linked, &side, None);
        assert!(linked.carried.is_empty());
    }

    #[test]
    fn what_was_written_before_the_mapping_told_its_source_is_still_known() {
        let side = |source: Option<u64>, alone| {
            let members = json!({"fieldNationID": source, "amount": 1});
            let members = members.as_object().cloned().unwrap();
            Side::new(KINDS[2], members, ORDER, alone)
        };
        let linked = correlation(&[("side:charge", "41"), ("side:charge:6", "46")]);
        let known = |side: &Side| known(Some(&linked), side);
        assert_eq!(known(&side(Some(5), Alone::Single)).as_deref(), Some("41"));
        assert_eq!(known(&side(Some(5), Alone::Listed)), None);
        assert_eq!(known(&side(Some(6), Alone::Listed)).as_deref(), Some("46"));
        let others = |side: &Side| others(Some(&linked), side);
        assert_eq!(others(&side(Some(5), Alone::Listed)), ["41", "46"]);
        assert_eq!(others(&side(Some(5), Alone::Single)), ["46"]);
        assert_eq!(others(&side(None, Alone::Single)), ["46"]);
    }
}
