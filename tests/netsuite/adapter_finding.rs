//! Finding what an attempt in doubt made, and what changed meanwhile.

use axum::http::Method;
use fieldbridge::model::{Category, Effect, Marker, Timestamp};
use fieldbridge::platform::Found;
use fieldbridge::sandbox::{Fault, FaultKind, NetSuiteRight};
use serde_json::json;

use crate::bench::{Bench, NOW, TBA, map, quiet, record_id};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn marker() -> Marker {
    Marker::from_text("FN-12345")
}

#[tokio::test]
async fn a_case_whose_creation_was_not_heard_of_is_found() {
    let bench = Bench::open().await;
    let fields = map(json!({"title": "t", "company": {"id": "931"}}));
    let find = async |text: &str| {
        let marker = Marker::from_text(text);
        bench
            .platform
            .find(&bench.call, &marker, LONG_AGO)
            .await
            .unwrap()
    };
    assert_eq!(find("FN-12345").await, Found::Absent);
    let faults = bench.netsuite.faults();
    faults.push(Fault::once(FaultKind::LostResponse).on(&Method::POST, "/supportCase"));
    let lost = bench
        .platform
        .create(&bench.call, &fields, &marker())
        .await
        .unwrap_err();
    assert_eq!(
        (lost.category, lost.effect),
        (Category::Network, Effect::Unknown)
    );
    let id = bench.netsuite.case_ids()[0];
    assert_eq!(find("FN-12345").await, Found::Records(vec![record_id(id)]));
    assert_eq!(
        find("FN-1234").await,
        Found::Absent,
        "no other marker will do"
    );
    bench
        .platform
        .create(&bench.call, &fields, &marker())
        .await
        .unwrap();
    let Found::Records(both) = find("FN-12345").await else {
        panic!("both are told");
    };
    assert_eq!(both.len(), 2);
    assert_eq!(find("x\" OR title IS \"t").await, Found::CannotTell);
}

#[tokio::test]
async fn a_record_with_an_external_id_is_found_by_it() {
    let settings = format!("{TBA}record_type = \"customrecord_fn_visit\"");
    let bench = Bench::with(quiet(), &settings, "").await;
    let find = async || {
        bench
            .platform
            .find(&bench.call, &marker(), LONG_AGO)
            .await
            .unwrap()
    };
    assert_eq!(find().await, Found::Absent);
    let faults = bench.netsuite.faults();
    faults.push(Fault::once(FaultKind::LostResponse).on(&Method::PUT, "eid:"));
    let fields = map(json!({"name": "Visit"}));
    let lost = bench
        .platform
        .create(&bench.call, &fields, &marker())
        .await
        .unwrap_err();
    assert_eq!(lost.effect, Effect::Unknown);
    let Found::Records(found) = find().await else {
        panic!("it stands");
    };
    let created = bench
        .platform
        .create(&bench.call, &fields, &marker())
        .await
        .unwrap();
    assert_eq!(found, [created.id], "creating it once more changes it");
}

#[tokio::test]
async fn without_a_marker_field_nothing_can_be_told() {
    let bench = Bench::with(quiet(), TBA, "").await;
    let found = bench
        .platform
        .find(&bench.call, &marker(), LONG_AGO)
        .await
        .unwrap();
    assert_eq!(found, Found::CannotTell);
    assert!(bench.calls().is_empty());
    let wrong = bench.another(&format!("{TBA}marker_field = \"custevent_nothing\""));
    let failure = wrong
        .find(&bench.call, &marker(), LONG_AGO)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("marker_field"));
}

#[tokio::test]
async fn what_changed_since_is_listed_in_the_accounts_zone() {
    let settings = format!("{TBA}time_zone = \"America/Los_Angeles\"");
    let bench = Bench::with(quiet(), &settings, "").await;
    let early = bench.case();
    bench.advance(3_600);
    let (late, later) = (bench.case(), bench.case());
    let list = async |since: &str| {
        let changed = bench
            .platform
            .changed_since(&bench.call, since.parse().unwrap(), None)
            .await;
        let changed = changed.unwrap();
        assert_eq!(changed.next, None);
        let ids = changed
            .records
            .into_iter()
            .map(|(id, _)| id.as_str().parse().unwrap());
        ids.collect::<Vec<u64>>()
    };
    assert_eq!(list(NOW).await, [early, late, later]);
    assert_eq!(list("2026-03-01T12:30:00Z").await, [late, later]);
    assert!(list("2026-03-01T13:30:00Z").await.is_empty());
    bench.advance(3_600);
    bench.netsuite.set_status(early, 5).unwrap();
    assert_eq!(list("2026-03-01T13:30:00Z").await, [early]);
}

#[tokio::test]
async fn without_the_accounts_zone_none_is_missed() {
    let bench = Bench::open().await;
    let early = bench.case();
    bench.advance(1_800);
    let since = "2026-03-01T12:30:00Z".parse().unwrap();
    let changed = bench
        .platform
        .changed_since(&bench.call, since, None)
        .await
        .unwrap();
    assert_eq!(
        changed.records,
        [(record_id(early), None)],
        "too many rather than too few"
    );
}

#[tokio::test]
async fn pages_follow_the_last_id_seen() {
    let bench = Bench::open().await;
    let mut cases: Vec<u64> = (0..1_001).map(|_| bench.case()).collect();
    let since = NOW.parse().unwrap();
    let first = bench
        .platform
        .changed_since(&bench.call, since, None)
        .await
        .unwrap();
    assert_eq!(first.records.len(), 1_000);
    // A case that changes between two pages shifts none of the others.
    bench.netsuite.set_status(cases[3], 5).unwrap();
    let second = bench
        .platform
        .changed_since(&bench.call, since, first.next)
        .await
        .unwrap();
    assert_eq!(second.next, None);
    let mut seen: Vec<u64> = first
        .records
        .iter()
        .chain(&second.records)
        .map(|(id, _)| id.as_str().parse().unwrap())
        .collect();
    seen.sort_unstable();
    cases.sort_unstable();
    assert_eq!(seen, cases);
    let wrong = bench
        .platform
        .changed_since(&bench.call, since, Some("1 OR 1=1".to_owned()))
        .await;
    assert_eq!(wrong.unwrap_err().category, Category::Configuration);
}

#[tokio::test]
async fn a_query_that_is_not_allowed_names_the_right() {
    let bench = Bench::open().await;
    bench.netsuite.withhold(&[NetSuiteRight::SuiteQl]);
    let changed = bench
        .platform
        .changed_since(&bench.call, NOW.parse().unwrap(), None)
        .await;
    let failure = changed.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("SuiteAnalytics Workbook"));
}
