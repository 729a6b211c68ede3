//! Triggers, reading rows, files, what changed.

use std::time::Duration;

use bytes::Bytes;
use fieldbridge::model::{Category, FileReference, NoteVisibility};
use fieldbridge::platform::{DeliveryForm, TriggerReading, TriggerRefusal, Wish};
use fieldbridge::sandbox::{AccessLevel, Fault, FaultKind};
use serde_json::{Value, json};

use super::scene::{
    DoorBell, Scene, adapter, connector, fast, fields, job, sample, settled, trigger,
};

fn ids(reading: &TriggerReading) -> Vec<String> {
    match reading {
        TriggerReading::Records { ids, .. } => ids.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_row_is_read_whole_with_great_numbers_intact() {
    let scene = Scene::open("").await;
    let row = scene.job();
    assert!(
        row > 9_007_199_254_740_992 && row % 2 == 1,
        "the stand-in's ids don't fit a floating-point number"
    );
    scene
        .desk
        .add_comment(row, "Call the store before you leave.")
        .unwrap();
    scene
        .desk
        .attach(row, "register.png", "image/png", Bytes::from_static(b"PNG"))
        .unwrap();
    scene
        .desk
        .attach_link(row, "Manual", "https://manual.example")
        .unwrap();
    let record = scene.fetch(row).await;
    assert_eq!(record.id, scene.id(row));
    assert_eq!(record.label, "HB-0101 - Register 3 does not start");
    let expected = [
        ("Site contact", json!("store.manager@example.com")),
        ("Site contact (name)", json!("Store Manager")),
        ("Send to FN", json!(false)),
        ("Visit date", json!("2026-03-04")),
        ("Pay", json!(150)),
        ("Skills", json!(["Cabling", "Registers"])),
        ("Watchers", json!(["a@example.com", "b@example.com"])),
        ("Watchers (names)", json!(["Shift A", "Shift B"])),
        ("Pay and half", json!(225.0)),
        ("Site zip", Value::Null),
    ];
    for (title, value) in expected {
        assert_eq!(record.fields[title], value, "{title}");
    }
    assert_eq!(record.fields["Row"]["id"], row.to_string());
    assert_eq!(
        record.fields["Row"]["modified_by"],
        "dispatcher@example.com"
    );
    assert_eq!(
        record.fields["Row"]["formula_columns"],
        json!(["Pay and half"])
    );
    assert_eq!(record.fields["Sheet"]["name"], "Field jobs");
    assert!(record.changed_at.is_some() && !record.changed_by_us);
    let [note] = record.notes.as_slice() else {
        panic!("{:?}", record.notes)
    };
    assert_eq!(
        (note.text.as_str(), note.visibility),
        ("Call the store before you leave.", NoteVisibility::Public)
    );
    assert!(!note.by_us);
    let names: Vec<&str> = record.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["register.png"], "a link has no bytes");
    assert!(
        scene
            .platform
            .record_url(&record.id)
            .unwrap()
            .contains("/sheets/")
    );
}

#[tokio::test]
async fn a_row_that_is_gone_is_told_from_a_sheet_that_is_not_shared() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let id = scene.id(row);
    scene.desk.delete_row(row).unwrap();
    let fetched = scene
        .platform
        .fetch(&scene.call, &id, Wish::default())
        .await;
    assert_eq!(fetched.unwrap(), None);
    scene.desk.share(AccessLevel::None);
    scene.clock.advance(Duration::from_secs(3600));
    let failure = scene
        .platform
        .fetch(&scene.call, &id, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration, "{failure}");
    let other = fieldbridge::model::RecordId::new("1-2");
    let failure = scene
        .platform
        .fetch(&scene.call, &other, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn the_trigger_column_decides_which_rows_are_wanted() {
    let scene = Scene::open("").await;
    let row = scene.job();
    let why = scene.platform.wants(&scene.fetch(row).await).unwrap_err();
    assert!(why.contains("Send to FN"), "{why}");
    scene
        .desk
        .change_row(row, &json!({"Send to FN": true}))
        .unwrap();
    assert_eq!(scene.platform.wants(&scene.fetch(row).await), Ok(()));
    let text = connector(
        &scene.desk,
        "trigger_column = \"Status\"\ntrigger_value = [\"Scheduled\", \"On Hold\"]\n",
    );
    let by_status = adapter(&text, &scene.clock).unwrap();
    assert!(by_status.wants(&scene.fetch(row).await).is_err());
    scene
        .desk
        .change_row(row, &json!({"Status": "On Hold"}))
        .unwrap();
    assert_eq!(by_status.wants(&scene.fetch(row).await), Ok(()));
    let text = connector(&scene.desk, "trigger_column = \"\"\n");
    let everything = adapter(&text, &scene.clock).unwrap();
    assert_eq!(everything.wants(&scene.fetch(row).await), Ok(()));
}

#[tokio::test]
async fn a_file_is_fetched_without_our_token() {
    let scene = Scene::open("").await;
    let row = scene.job();
    scene
        .desk
        .attach(row, "a.png", "image/png", Bytes::from_static(b"PNG bytes"))
        .unwrap();
    let record = scene.fetch(row).await;
    drop(scene.calls());
    let file = record.files[0].clone();
    // The storage refuses a call with a token: that this works shows that none went along.
    let content = scene
        .platform
        .download(&scene.call, &record.id, &file)
        .await
        .unwrap();
    assert_eq!(
        (content.name.as_str(), content.media_type.as_str()),
        ("a.png", "image/png")
    );
    assert_eq!(content.bytes, Bytes::from_static(b"PNG bytes"));
    let gone = FileReference {
        id: "77".into(),
        ..file
    };
    let failure = scene
        .platform
        .download(&scene.call, &record.id, &gone)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn what_changed_is_listed_by_the_trigger_column() {
    let scene = Scene::open("").await;
    let early = scene.job();
    scene
        .desk
        .change_row(early, &json!({"Send to FN": true}))
        .unwrap();
    scene.clock.advance(Duration::from_secs(600));
    let late = scene.job();
    let later = scene.job();
    scene
        .desk
        .change_row(late, &json!({"Send to FN": true}))
        .unwrap();
    scene.clock.advance(Duration::from_secs(600));
    scene
        .desk
        .change_row(later, &json!({"Send to FN": true}))
        .unwrap();
    let unwanted = scene.job();
    let since = "2026-03-01T12:05:00.7Z".parse().unwrap();
    let changed = scene
        .platform
        .changed_since(&scene.call, since, None)
        .await
        .unwrap();
    let found: Vec<_> = changed.records.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(found, [scene.id(late), scene.id(later)]);
    assert!(!found.contains(&scene.id(unwanted)));
    assert_eq!(changed.next, None);
    assert!(changed.records[0].1.unwrap() < changed.records[1].1.unwrap());
    let page = Some("2".to_owned());
    let failure = scene
        .platform
        .changed_since(&scene.call, since, page)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
}

#[tokio::test]
async fn signed_events_name_rows_and_our_own_changes_do_not() {
    let scene = Scene::with(fast(), "subscope_columns = []\n").await;
    let bell = DoorBell::of(&scene.platform).await;
    scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    let row = scene.job();
    settled(&scene.desk).await;
    let readings = bell.take();
    let [Ok(reading)] = readings.as_slice() else {
        panic!("{readings:?}")
    };
    assert_eq!(ids(reading), [scene.id(row).to_string()]);
    let TriggerReading::Records {
        delivery,
        form,
        answer,
        ..
    } = reading
    else {
        unreachable!()
    };
    assert!(delivery.is_some());
    assert_eq!(*form, DeliveryForm::Json);
    assert_eq!(
        answer.as_ref().unwrap().status,
        200,
        "anything else switches the webhook off"
    );

    let base = scene.fetch(row).await;
    let changes = fields(json!({"Status": "Scheduled"}));
    scene
        .platform
        .update(&scene.call, &base, &changes)
        .await
        .unwrap();
    settled(&scene.desk).await;
    let readings = bell.take();
    assert!(
        matches!(readings.as_slice(), [Ok(TriggerReading::NotOurs { .. })]),
        "{readings:?}"
    );
    // A person's change beside ours is told all the same.
    scene
        .platform
        .update(&scene.call, &base, &fields(json!({"Status": "On Hold"})))
        .await
        .unwrap();
    scene.desk.change_row(row, &json!({"Pay": 200})).unwrap();
    settled(&scene.desk).await;
    let told: Vec<String> = bell
        .take()
        .iter()
        .flatten()
        .filter_map(|reading| match reading {
            TriggerReading::Records { .. } => Some(ids(reading)),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(told, [scene.id(row).to_string()]);
}

#[tokio::test]
async fn a_challenge_is_answered_for_ever() {
    let scene = Scene::with(fast(), "subscope_columns = []\n").await;
    let bell = DoorBell::of(&scene.platform).await;
    scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    let row = scene.job();
    settled(&scene.desk).await;
    for pay in 0..210 {
        scene.desk.change_row(row, &json!({"Pay": pay})).unwrap();
        settled(&scene.desk).await;
    }
    let readings = bell.readings.lock().unwrap();
    let challenges = readings
        .iter()
        .filter(|reading| matches!(reading, Ok(TriggerReading::Answer(_))));
    assert_eq!(
        challenges.count(),
        3,
        "once when it was switched on, then every hundred calls"
    );
    let records = readings
        .iter()
        .filter(|reading| matches!(reading, Ok(TriggerReading::Records { .. })));
    assert_eq!(records.count(), 211);
}

#[tokio::test]
async fn comments_are_looked_up_where_messages_are_carried() {
    let scene = Scene::with(
        fast(),
        "subscope_columns = []\n[features]\nmessages = \"both\"\n",
    )
    .await;
    let bell = DoorBell::of(&scene.platform).await;
    scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    let row = scene.job();
    settled(&scene.desk).await;
    drop(bell.take());
    scene.desk.add_comment(row, "Bring a ladder.").unwrap();
    settled(&scene.desk).await;
    let readings = bell.take();
    let [Ok(reading)] = readings.as_slice() else {
        panic!("{readings:?}")
    };
    assert_eq!(ids(reading), [scene.id(row).to_string()]);
    // While the vendor can't say where the comment is, it is asked to call again.
    scene.desk.faults().push(
        Fault::once(FaultKind::ServerError { status: 503 })
            .on(&axum::http::Method::GET, "/comments/"),
    );
    scene.desk.add_comment(row, "And a torch.").unwrap();
    settled(&scene.desk).await;
    let readings = bell.take();
    let [Err(TriggerRefusal::NotNow(_)), Ok(reading)] = readings.as_slice() else {
        panic!("{readings:?}")
    };
    assert_eq!(ids(reading), [scene.id(row).to_string()]);

    let deaf = adapter(&connector(&scene.desk, ""), &scene.clock).unwrap();
    let deaf_bell = DoorBell::of(&deaf).await;
    deaf.subscribe(&scene.call, &deaf_bell.url).await.unwrap();
    scene.desk.add_comment(row, "Nobody listens.").unwrap();
    settled(&scene.desk).await;
    let told = deaf_bell.take();
    assert!(
        told.iter()
            .all(|reading| !matches!(reading, Ok(TriggerReading::Records { .. }))),
        "{told:?}"
    );
}

#[tokio::test]
async fn the_vendors_own_callback_is_read_and_its_signature_checked() {
    let (Some(vector), Some(body)) = (
        sample("hmac_vector.json"),
        sample("prismatic_webhook_event_body.json"),
    ) else {
        return;
    };
    let vector: Value = serde_json::from_str(&vector).unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    let scene = Scene::open(&format!(
        "template_sheet_id = 285065612683140\nwebhook_secret = \"{}\"\n",
        text("sharedSecret")
    ))
    .await;
    let signed = [("smartsheet-hmac-sha256", text("hmac_sha256_hex"))];
    let reading = scene
        .platform
        .read_trigger(&trigger(&[], &signed, text("body")))
        .await
        .unwrap();
    assert_eq!(ids(&reading), ["285065612683140-3987537850460036"]);
    let TriggerReading::Records { delivery, .. } = reading else {
        unreachable!()
    };
    assert_eq!(
        delivery.unwrap().as_str(),
        "8951687911106436:1739a3a7-e2fb-43e6-8488-90ca2fcaa3b8"
    );
    // The same events spelt with other blanks are another body: the signature is over the bytes.
    let refusal = scene
        .platform
        .read_trigger(&trigger(&[], &signed, &body))
        .await
        .unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
    let refusal = scene
        .platform
        .read_trigger(&trigger(&[], &[], text("body")))
        .await
        .unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
}

fn signed_events(sheet: u64, webhook: u64, secret: &str) -> (String, String) {
    use hmac::{Hmac, KeyInit, Mac};
    let body =
        json!({"nonce": "n-1", "webhookId": webhook, "scopeObjectId": sheet, "scope": "sheet",
        "events": [{"objectType": "row", "eventType": "updated", "id": 5}]})
        .to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    (body, signature)
}

#[tokio::test]
async fn a_webhooks_secret_is_asked_for_and_asked_for_again_when_it_was_reset() {
    let scene = Scene::open("").await;
    let bell = DoorBell::of(&scene.platform).await;
    let webhook: u64 = scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap()
        .id
        .parse()
        .unwrap();
    let http = super::sandbox_support::client();
    let url = format!("{}/webhooks/{webhook}", scene.desk.rest_url());
    let token = scene.desk.credentials();
    let shown: Value = http
        .get(&url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let secret = shown["sharedSecret"].as_str().unwrap().to_owned();
    let (body, signature) = signed_events(scene.desk.sheet_id(), webhook, &secret);
    let good = trigger(&[], &[("smartsheet-hmac-sha256", &signature)], &body);

    // While the secret can't be had the vendor is asked to call again.
    scene
        .desk
        .faults()
        .push(Fault::once(FaultKind::ServerError { status: 503 }));
    let refusal = scene.platform.read_trigger(&good).await.unwrap_err();
    assert!(matches!(refusal, TriggerRefusal::NotNow(_)), "{refusal:?}");
    assert!(scene.platform.read_trigger(&good).await.is_ok());

    let url = format!("{url}/resetSharedSecret");
    let reset = http
        .post(&url)
        .bearer_auth(token)
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    let reset: Value = reset.json().await.unwrap();
    let secret = reset["result"]["sharedSecret"].as_str().unwrap().to_owned();
    let (body, signature) = signed_events(scene.desk.sheet_id(), webhook, &secret);
    let fresh = trigger(&[], &[("smartsheet-hmac-sha256", &signature)], &body);
    // A signature that does not fit makes us ask at most once a minute.
    let refusal = scene.platform.read_trigger(&fresh).await.unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
    scene.clock.advance(Duration::from_secs(61));
    assert!(scene.platform.read_trigger(&fresh).await.is_ok());
    assert!(scene.platform.read_trigger(&good).await.is_err());
}

#[tokio::test]
async fn a_webhook_of_another_account_takes_the_setting() {
    let scene = Scene::open("").await;
    let bell = DoorBell::of(&scene.platform).await;
    let (webhook, secret) = scene.desk.foreign_webhook(&bell.url).await;
    let (body, signature) = signed_events(scene.desk.sheet_id(), webhook, &secret);
    let call = trigger(&[], &[("smartsheet-hmac-sha256", &signature)], &body);
    let TriggerRefusal::Signature(why) = scene.platform.read_trigger(&call).await.unwrap_err()
    else {
        panic!("not refused for its signature")
    };
    assert!(why.contains("webhook_secret"), "{why}");
    let text = connector(&scene.desk, &format!("webhook_secret = \"{secret}\"\n"));
    let told = adapter(&text, &scene.clock).unwrap();
    assert!(told.read_trigger(&call).await.is_ok());
    // Of another sheet nothing is ours.
    let (body, signature) = signed_events(1, webhook, &secret);
    let call = trigger(&[], &[("smartsheet-hmac-sha256", &signature)], &body);
    let reading = told.read_trigger(&call).await.unwrap();
    assert!(
        matches!(reading, TriggerReading::NotOurs { .. }),
        "{reading:?}"
    );
}

#[tokio::test]
async fn others_may_name_rows_only_where_the_admin_allows_it() {
    let scene = Scene::open("").await;
    let sheet = scene.desk.sheet_id();
    let id = format!("{sheet}-9007199254740995");
    let call = trigger(&[("external_id", &id)], &[], "");
    let refusal = scene.platform.read_trigger(&call).await.unwrap_err();
    assert!(
        matches!(refusal, TriggerRefusal::Signature(_)),
        "{refusal:?}"
    );
    let text = connector(&scene.desk, "require_signature = false\n");
    let open = adapter(&text, &scene.clock).unwrap();
    for call in [
        call,
        trigger(
            &[],
            &[],
            &json!({"sheetId": sheet, "rowId": 9_007_199_254_740_995_u64}).to_string(),
        ),
        trigger(&[], &[], "row_id=9007199254740995"),
    ] {
        let reading = open.read_trigger(&call).await.unwrap();
        assert_eq!(ids(&reading), std::slice::from_ref(&id));
    }
    let elsewhere = open
        .read_trigger(&trigger(&[("external_id", "1-2")], &[], ""))
        .await
        .unwrap();
    assert!(matches!(elsewhere, TriggerReading::NotOurs { .. }));
    // Events must be signed even there.
    let (body, _) = signed_events(sheet, 7, "x");
    assert!(open.read_trigger(&trigger(&[], &[], &body)).await.is_err());
}

#[tokio::test]
async fn news_of_the_webhook_is_answered_and_asks_for_nothing() {
    let scene = Scene::with(fast(), "").await;
    let bell = DoorBell::of(&scene.platform).await;
    scene
        .platform
        .subscribe(&scene.call, &bell.url)
        .await
        .unwrap();
    scene.desk.share(AccessLevel::None);
    settled(&scene.desk).await;
    let readings = bell.readings.lock().unwrap().clone();
    assert_eq!(readings.len(), 2);
    let Ok(TriggerReading::Answer(answer)) = &readings[1] else {
        panic!("{readings:?}")
    };
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_renamed_column_is_known_after_its_event() {
    let scene = Scene::open("").await;
    scene.desk.open_row(&job()).unwrap();
    let since = "2026-03-01T00:00:00Z".parse().unwrap();
    scene
        .platform
        .changed_since(&scene.call, since, None)
        .await
        .unwrap();
    drop(scene.calls());
    scene
        .platform
        .changed_since(&scene.call, since, None)
        .await
        .unwrap();
    assert_eq!(scene.calls().len(), 1, "the columns are remembered");
    let bell = DoorBell::of(&scene.platform).await;
    let (webhook, secret) = scene.desk.foreign_webhook(&bell.url).await;
    let text = connector(&scene.desk, &format!("webhook_secret = \"{secret}\"\n"));
    let told = adapter(&text, &scene.clock).unwrap();
    told.changed_since(&scene.call, since, None).await.unwrap();
    drop(scene.calls());
    let body = json!({"nonce": "n", "webhookId": webhook, "scopeObjectId": scene.desk.sheet_id(),
        "events": [{"objectType": "column", "eventType": "updated", "id": 1}]})
    .to_string();
    let mut mac =
        <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    hmac::Mac::update(&mut mac, body.as_bytes());
    let signature = hex::encode(hmac::Mac::finalize(mac).into_bytes());
    told.read_trigger(&trigger(
        &[],
        &[("smartsheet-hmac-sha256", &signature)],
        &body,
    ))
    .await
    .unwrap();
    told.changed_since(&scene.call, since, None).await.unwrap();
    assert_eq!(scene.calls().len(), 2, "the columns are read anew");
}
