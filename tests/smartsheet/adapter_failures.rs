//! What goes wrong on the way, and what is made of it.

use std::time::Duration;

use axum::http::Method;
use fieldbridge::model::{Category, Effect, Failure, Priority};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{AccessLevel, Fault, FaultKind, RateLimit, SmartsheetSettings};
use serde_json::json;

use super::scene::{Scene, fields};

async fn update_after(scene: &Scene, fault: FaultKind) -> Failure {
    let row = scene.job();
    let base = scene.fetch(row).await;
    scene
        .desk
        .faults()
        .push(Fault::once(fault).on(&Method::PUT, "/rows"));
    let changes = fields(json!({"Status": "Scheduled"}));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn trouble_is_told_by_its_kind_and_by_whether_it_took_effect() {
    let scene = Scene::open("").await;
    for (fault, category, effect) in [
        (
            FaultKind::Unauthorized,
            Category::Authentication,
            Effect::None,
        ),
        (
            FaultKind::ServerError { status: 503 },
            Category::Server,
            Effect::None,
        ),
        (
            FaultKind::ServerError { status: 500 },
            Category::Server,
            Effect::Unknown,
        ),
        (
            FaultKind::ServerError { status: 502 },
            Category::Server,
            Effect::Unknown,
        ),
        (FaultKind::ResetBefore, Category::Network, Effect::Unknown),
        (FaultKind::LostResponse, Category::Network, Effect::Unknown),
    ] {
        let failure = update_after(&scene, fault).await;
        assert_eq!(
            (failure.category, failure.effect),
            (category, effect),
            "{fault:?}: {failure}"
        );
    }
}

#[tokio::test]
async fn a_rate_limit_keeps_the_whole_connector_still_for_a_minute() {
    let scene = Scene::open("").await;
    let fault = FaultKind::RateLimited {
        retry_after_seconds: 1,
    };
    let failure = update_after(&scene, fault).await;
    assert_eq!(
        (failure.category, failure.effect),
        (Category::RateLimited, Effect::None)
    );
    assert_eq!(failure.retry_after, Some(Duration::from_secs(60)));
    assert!(failure.cause.contains("4003"), "{failure}");
    assert!(scene.platform.ready_in(Priority::Live) > Duration::from_secs(55));
    // The next call is not even sent.
    drop(scene.calls());
    let id = scene.id(scene.desk.row_ids()[0]);
    let held = scene
        .platform
        .fetch(&scene.call, &id, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(
        (held.category, held.effect),
        (Category::RateLimited, Effect::Unsent)
    );
    assert!(scene.calls().is_empty());
}

#[tokio::test]
async fn the_published_limit_is_kept_without_meeting_it() {
    let settings = SmartsheetSettings {
        rate_limit: Some(RateLimit::per_minute(20)),
        ..SmartsheetSettings::default()
    };
    // The connector's share is set below what the token has.
    let scene = Scene::with(settings, "[limits]\ncalls_per_minute = 15\n").await;
    let row = scene.job();
    let mut refused = 0;
    for _ in 0..4 {
        // Each reads the row, and once the sheet and the account.
        match scene
            .platform
            .fetch(&scene.call, &scene.id(row), Wish::default())
            .await
        {
            Ok(record) => assert!(record.is_some()),
            Err(failure) => {
                assert_eq!(failure.effect, Effect::Unsent, "{failure}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 0);
    assert_eq!(scene.platform.quota()[0].limit, 15);
    assert!(scene.platform.quota()[0].left <= 15 - 4);
}

#[tokio::test]
async fn two_writers_who_meet_are_tried_again() {
    let settings = SmartsheetSettings {
        save_time: Duration::from_millis(20),
        ..SmartsheetSettings::default()
    };
    let scene = Scene::with(settings, "").await;
    let row = scene.job();
    let base = scene.fetch(row).await;
    // Somebody else with the same token writes in the same moment.
    let http = super::sandbox_support::client();
    let url = format!(
        "{}/sheets/{}/rows",
        scene.desk.rest_url(),
        scene.desk.sheet_id()
    );
    let other = http
        .put(url)
        .bearer_auth(scene.desk.credentials())
        .json(&json!([{"id": row, "cells": []}]))
        .send();
    let changes = fields(json!({"Status": "Scheduled"}));
    let ours = scene.platform.update(&scene.call, &base, &changes);
    let (other, ours) = tokio::join!(other, ours);
    let other = other.unwrap().status().as_u16();
    match ours {
        // Whoever comes second collides.
        Ok(()) => assert_eq!(other, 500),
        Err(failure) => {
            assert_eq!(other, 200);
            assert_eq!(
                (failure.category, failure.effect),
                (Category::Server, Effect::None)
            );
            assert!(failure.cause.contains("4004"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_missing_right_names_itself_and_does_not_pause_the_connector() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let base = scene.fetch(row).await;
    scene.desk.share(AccessLevel::Viewer);
    let changes = fields(json!({"Status": "Scheduled"}));
    let failure = scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("as Editor or Admin"));
    let note = super::scene::note("Hello.", fieldbridge::model::NoteVisibility::Public);
    let failure = scene
        .platform
        .add_note(&scene.call, &base.id, &note)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("Commenter"));
}

#[tokio::test]
async fn a_row_that_went_away_meanwhile_can_not_be_written() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let base = scene.fetch(row).await;
    scene.desk.delete_row(row).unwrap();
    let changes = fields(json!({"Status": "Scheduled"}));
    let failure = scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Validation, Effect::None)
    );
    assert!(failure.cause.contains("not there"), "{failure}");
}

#[tokio::test]
async fn no_secret_stands_in_what_is_recorded() {
    let scene = Scene::open("").await;
    let bell = super::scene::DoorBell::of(&scene.platform).await;
    scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    let exchanges = format!("{:?}", scene.call.take_exchanges());
    assert!(!exchanges.contains(scene.desk.credentials()));
    assert!(exchanges.contains("sharedSecret"));
    let shown: Vec<&str> = exchanges.split("sharedSecret").skip(1).collect();
    assert!(
        shown
            .iter()
            .all(|rest| rest.chars().take(8).collect::<String>().contains('•')),
        "{shown:?}"
    );
}
