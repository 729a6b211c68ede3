//! What the adapter makes of trouble: which kind it is, and whether something may have happened.

use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::{Category, Effect, Failure, NoteVisibility, Priority};
use fieldbridge::sandbox::{Fault, FaultKind, NetSuiteSettings};
use serde_json::json;

use crate::bench::{Bench, TBA, WHOLE, note, quiet, record_id};

fn verdict(failure: &Failure) -> (Category, Effect) {
    (failure.category, failure.effect)
}

#[tokio::test]
async fn trouble_with_records_is_classified() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench.update(id, json!({"phone": "0"})).await.unwrap();
    for (kind, expected) in [
        (
            FaultKind::ServerError { status: 500 },
            (Category::Server, Effect::Unknown),
        ),
        (
            FaultKind::ServerError { status: 502 },
            (Category::Server, Effect::Unknown),
        ),
        (
            FaultKind::ServerError { status: 503 },
            (Category::Server, Effect::Unknown),
        ),
        (FaultKind::ResetBefore, (Category::Network, Effect::Unknown)),
        (
            FaultKind::LostResponse,
            (Category::Network, Effect::Unknown),
        ),
        (
            FaultKind::Unauthorized,
            (Category::Authentication, Effect::None),
        ),
    ] {
        bench
            .netsuite
            .faults()
            .push(Fault::once(kind).on(&Method::PATCH, "/supportCase/"));
        let phone = format!("{kind:?}");
        let failure = bench.update(id, json!({"phone": phone})).await.unwrap_err();
        assert_eq!(verdict(&failure), expected, "{kind:?}: {failure}");
        let took = bench.netsuite.case(id).unwrap()["phone"] == phone.as_str();
        assert_eq!(took, kind == FaultKind::LostResponse);
    }
}

#[tokio::test]
async fn trouble_with_the_script_is_classified() {
    let bench = Bench::open().await;
    let id = bench.case();
    let write = async |kind: FaultKind| {
        bench
            .netsuite
            .faults()
            .push(Fault::once(kind).on(&Method::POST, "restlet.nl"));
        let note = note("x", NoteVisibility::Public);
        bench
            .platform
            .add_note(&bench.call, &record_id(id), &note)
            .await
            .unwrap_err()
    };
    let failed = write(FaultKind::ServerError { status: 500 }).await;
    assert_eq!(verdict(&failed), (Category::Server, Effect::Unknown));
    // REST lets the same token in, so it is the role's access to scripts that was refused.
    let refused = write(FaultKind::Unauthorized).await;
    assert_eq!(verdict(&refused), (Category::Configuration, Effect::None));
    // A 400, unlike REST web services' 429.
    let full = write(FaultKind::RateLimited {
        retry_after_seconds: 5,
    })
    .await;
    assert_eq!(verdict(&full), (Category::RateLimited, Effect::None));
    assert!(bench.netsuite.messages(id).is_empty());
    let view = &bench.platform.quota()[0];
    assert_eq!(
        (view.limit, view.left),
        (4, 2),
        "a full pool makes us modest for a while"
    );
}

#[tokio::test]
async fn a_full_pool_is_waited_for() {
    let settings = NetSuiteSettings {
        requests_at_once: Some(0),
        ..quiet()
    };
    let bench = Bench::with(settings, &format!("{TBA}{WHOLE}"), "").await;
    let failure = bench
        .platform
        .fetch(
            &bench.call,
            &record_id(1),
            fieldbridge::platform::Wish::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(verdict(&failure), (Category::RateLimited, Effect::None));
    assert!(failure.hint.unwrap().contains("limits.concurrency"));
    assert!(bench.platform.ready_in(Priority::Live) > Duration::from_secs(5));
    assert_eq!(bench.platform.quota()[0].left, 2);
}

#[tokio::test]
async fn as_many_calls_as_the_pool_holds_are_made_and_no_more() {
    let settings = NetSuiteSettings {
        requests_at_once: Some(2),
        ..quiet()
    };
    let limits = "[limits]\nconcurrency = 2\n";
    let bench = Bench::with(settings, &format!("{TBA}{WHOLE}"), limits).await;
    let id = bench.case();
    let other = bench.another(&format!("{TBA}{WHOLE}"));
    let again = {
        // The connector built last says how many the account's pool holds.
        let settings = format!("base_url = \"{}\"\n{TBA}", bench.netsuite.base_url());
        crate::bench::adapter(limits, &settings, &bench.clock).unwrap()
    };
    let slow = FaultKind::Latency { milliseconds: 5 };
    bench.netsuite.faults().push(Fault::times(slow, 60));
    let (one, wish) = (record_id(id), fieldbridge::platform::Wish::default());
    let fetches = (0..60).map(|number| {
        let platform = match number % 3 {
            0 => &bench.platform,
            1 => &other,
            _ => &again,
        };
        platform.fetch(&bench.call, &one, wish)
    });
    let done = futures_util::future::join_all(fetches).await;
    let refused = done.iter().filter(|fetched| fetched.is_err()).count();
    assert_eq!(refused, 0, "two connectors of one account share its pool");
}

#[tokio::test]
async fn nobody_at_the_address_is_a_certain_failure() {
    let bench = Bench::open().await;
    bench.netsuite.stop().await;
    let failure = bench
        .platform
        .fetch(
            &bench.call,
            &record_id(1),
            fieldbridge::platform::Wish::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(verdict(&failure), (Category::Network, Effect::None));
}
