//! Requests held against descriptions, and what deviates held against what is known.

use std::collections::{BTreeMap, BTreeSet};

use fieldbridge::model::Exchange;
use fieldbridge::openapi::{Departure, Document};

use super::sent::Request;

/// A deviation that the vendor's pages justify.
pub struct Known {
    /// The operation, e.g. `POST /tickets`; where the description has none, the path as far as it does not vary.
    pub operation: &'static str,
    /// Where in the request, e.g. `body /ticket/subject`; members of lists count as one: `body /cells/*`.
    pub place: &'static str,
    /// Why it is right all the same.
    pub why: &'static str,
    /// The page and section that says so.
    pub page: &'static str,
}

/// A deviation by what it is, however often it occurred.
type Key = (String, String);

/// Fails on what is not known, and on what is known and did not occur. Answers the operations that were called.
pub fn judge(
    documents: &[Document],
    mount: &str,
    exchanges: &[Exchange],
    known: &[Known],
) -> String {
    let mut found: BTreeMap<Key, String> = BTreeMap::new();
    let mut called = BTreeSet::new();
    for exchange in exchanges {
        let request = Request::of(exchange, mount);
        let described = documents.iter().find_map(|document| {
            let (operation, _) = document.operation_at(&request.method, &request.path)?;
            Some((document, operation.address()))
        });
        let (document, operation) = described.unwrap_or_else(|| {
            (
                &documents[0],
                format!("{} {}", request.method, steady(&request.path)),
            )
        });
        for deviation in request.against(document) {
            let why = format!("{} ({:?})", deviation.why, deviation.departure);
            let place = match deviation.departure {
                Departure::Operation => "operation".to_owned(),
                _ => without_numbers(&deviation.place),
            };
            found.entry((operation.clone(), place)).or_insert(why);
        }
        called.insert(operation);
    }
    for one in known {
        assert!(
            !one.why.is_empty() && !one.page.is_empty(),
            "{} {}: a reason and its page are wanted",
            one.operation,
            one.place
        );
    }
    let is_known = |(operation, place): &Key| {
        known
            .iter()
            .any(|one| one.operation == operation && one.place == place)
    };
    let unknown: Vec<String> = found
        .iter()
        .filter(|(key, _)| !is_known(key))
        .map(|((operation, place), why)| format!("{operation} | {place} | {why}"))
        .collect();
    let over: Vec<String> = known
        .iter()
        .filter(|one| !found.contains_key(&(one.operation.to_owned(), one.place.to_owned())))
        .map(|one| format!("{} | {}", one.operation, one.place))
        .collect();
    assert!(
        unknown.is_empty() && over.is_empty(),
        "{} deviations that are not listed:\n{}\n{} listed ones that did not occur:\n{}",
        unknown.len(),
        unknown.join("\n"),
        over.len(),
        over.join("\n")
    );
    called.into_iter().collect::<Vec<_>>().join("\n")
}

/// A path with `{}` for what varies: whatever has a digit in it, but for versions.
fn steady(path: &str) -> String {
    let is_version = |part: &str| {
        let rest = part.strip_prefix(['v', 'V']).unwrap_or(part);
        rest.len() < 5 && rest.split('.').all(|number| number.parse::<u32>().is_ok())
    };
    let part = |part: &str| {
        let varies = part.contains(|letter: char| letter.is_ascii_digit()) && !is_version(part)
            || part.parse::<u64>().is_ok();
        if varies {
            "{}".to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A place with `*` for each position in a list.
fn without_numbers(place: &str) -> String {
    let part = |part: &str| {
        if part.parse::<usize>().is_ok() {
            "*".to_owned()
        } else {
            part.to_owned()
        }
    };
    place.split('/').map(part).collect::<Vec<_>>().join("/")
}
