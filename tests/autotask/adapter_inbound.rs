//! Fetching tickets, their notes and files; catch-up; the shipped mapping.

use bytes::Bytes;
use fieldbridge::fieldnation::FieldNation;
use fieldbridge::mapping::{Evaluate, Evaluator, Limits, Mapping, Required, WorkerProgram, check};
use fieldbridge::model::{Catalogue, Category, Direction, NoteVisibility, Timestamp};
use fieldbridge::platform::Wish;
use fieldbridge::sandbox::{AutotaskAccess, AutotaskSettings, Doer, NotePublish};
use serde_json::{Value, json};
use std::time::Duration;

use crate::samples::sample;
use crate::stage::{Stage, Wanted, id};

const ALL: Wish = Wish {
    notes: true,
    files: true,
};

#[tokio::test]
async fn a_ticket_comes_with_what_it_refers_to() {
    let stage = Stage::plain().await;
    let ticket = stage
        .autotask
        .open_ticket(&json!({"title": "Register 3 is dark", "status": 42, "companyLocationID": 500,
            "assignedResourceID": 11, "assignedResourceRoleID": 8, "dueDateTime": "2026-03-05T15:00:00Z",
            "userDefinedFields": [{"name": "Site Code", "value": "HB-0101"}]}))
        .unwrap();
    let record = stage.fetch(ticket).await.unwrap();
    assert_eq!(record.id, id(ticket));
    assert!(
        record.label.starts_with("T2026") && record.label.ends_with("Register 3 is dark"),
        "{}",
        record.label
    );
    assert_eq!(record.fields["labels"]["status"], "Dispatch to Field");
    assert_eq!(record.fields["udf"]["Site Code"], "HB-0101");
    assert_eq!(
        record.fields["company"]["companyName"],
        "Harborlight Retail"
    );
    assert_eq!(record.fields["companyLocation"]["city"], "Minneapolis");
    assert_eq!(record.fields["contact"]["lastName"], "Storekeeper");
    assert_eq!(record.fields["assignedResource"]["lastName"], "Fieldtech");
    assert_eq!(
        record.fields["dueDateTime"], "2026-03-05T15:00:00Z",
        "one form for all moments"
    );
    assert_eq!(record.changed_at, Some(crate::stage::NOW.parse().unwrap()));
    assert!(!record.changed_by_us);
    let first = stage.calls().len();
    stage.fetch(ticket).await.unwrap();
    let again = stage.calls();
    assert_eq!(
        again,
        [format!("GET Tickets/{ticket}")],
        "relations and fields are remembered ({first} calls before)"
    );
}

#[tokio::test]
async fn what_is_not_there_is_gone() {
    let stage = Stage::plain().await;
    assert_eq!(stage.fetch(999_999).await, None);
    let odd = fieldbridge::model::RecordId::new("T20191029.0002");
    let failure = stage
        .platform
        .fetch(&stage.call, &odd, Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
}

#[tokio::test]
async fn notes_are_public_or_internal_and_ours_are_known() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    stage
        .autotask
        .add_note(ticket, "Please call first", NotePublish::All)
        .unwrap();
    stage
        .autotask
        .add_note(ticket, "Key is at the desk", NotePublish::Internal)
        .unwrap();
    let note = fieldbridge::model::Note {
        id: String::new(),
        text: "Provider: on my way".into(),
        visibility: NoteVisibility::Internal,
        author: None,
        created_at: None,
        by_us: true,
    };
    let made = stage
        .platform
        .add_note(&stage.call, &id(ticket), &note)
        .await
        .unwrap();
    let record = stage.fetch_with(ticket, ALL).await.unwrap();
    assert!(record.changed_by_us);
    let told: Vec<_> = record
        .notes
        .iter()
        .map(|note| {
            (
                note.text.as_str(),
                note.visibility,
                note.author.as_deref(),
                note.by_us,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "Please call first",
                NoteVisibility::Public,
                Some("Alex Dispatcher"),
                false
            ),
            (
                "Key is at the desk",
                NoteVisibility::Internal,
                Some("Alex Dispatcher"),
                false
            ),
            ("Provider: on my way", NoteVisibility::Internal, None, true),
        ]
    );
    assert_eq!(made.id(), Some(&*record.notes[2].id));
}

#[tokio::test]
async fn all_pages_of_notes_are_read() {
    let settings = AutotaskSettings {
        page_size: 2,
        ..AutotaskSettings::default()
    };
    let stage = Stage::with(Wanted::default(), settings).await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    for number in 0..5 {
        stage
            .autotask
            .add_note(ticket, &format!("note {number}"), NotePublish::All)
            .unwrap();
    }
    let record = stage.fetch_with(ticket, ALL).await.unwrap();
    let texts: Vec<&str> = record.notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["note 0", "note 1", "note 2", "note 3", "note 4"]);
}

#[tokio::test]
async fn a_file_is_listed_and_downloaded() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let bytes = Bytes::from_static(&[0x89, b'P', b'N', b'G', 0, 255]);
    stage.autotask.attach(ticket, "site.png", &bytes).unwrap();
    let record = stage.fetch_with(ticket, ALL).await.unwrap();
    let file = &record.files[0];
    assert_eq!(
        (file.name.as_str(), file.size, file.by_us),
        ("site.png", Some(6), false)
    );
    let content = stage
        .platform
        .download(&stage.call, &id(ticket), file)
        .await
        .unwrap();
    assert_eq!(content.bytes, bytes);
    assert_eq!(content.media_type, "image/png");
    let mut gone = file.clone();
    gone.id = "1".into();
    let failure = stage
        .platform
        .download(&stage.call, &id(ticket), &gone)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure.cause.contains("does not have it"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn catch_up_lists_what_changed_and_is_wanted() {
    let settings = AutotaskSettings {
        page_size: 2,
        ..AutotaskSettings::default()
    };
    let wanted = Wanted {
        top: "",
        settings: "trigger_on_status = \"Dispatch to Field\"\n",
    };
    let stage = Stage::with(wanted, settings).await;
    let early = stage.autotask.open_ticket(&json!({"status": 42})).unwrap();
    stage.clock.advance(Duration::from_secs(600));
    let since: Timestamp = "2026-03-01T12:05:00Z".parse().unwrap();
    let mut tickets = Vec::new();
    for number in 0..5 {
        tickets.push(
            stage
                .autotask
                .open_ticket(&json!({"status": if number == 1 { 1 } else { 42 }}))
                .unwrap(),
        );
        stage.clock.advance(Duration::from_secs(1));
    }
    let mut found = Vec::new();
    let mut page = None;
    for _ in 0..10 {
        let changed = stage
            .platform
            .changed_since(&stage.call, since, page)
            .await
            .unwrap();
        assert!(
            changed
                .records
                .iter()
                .all(|(_, at)| at.is_some_and(|at| at >= since))
        );
        found.extend(changed.records.into_iter().map(|(id, _)| id));
        page = changed.next;
        if page.is_none() {
            break;
        }
    }
    tickets.remove(1);
    assert_eq!(
        found,
        tickets.iter().map(|ticket| id(*ticket)).collect::<Vec<_>>()
    );
    assert!(!found.contains(&id(early)));
    let odd = stage
        .platform
        .changed_since(&stage.call, since, Some("nonsense".into()))
        .await;
    assert_eq!(odd.unwrap_err().category, Category::Configuration);
    let elsewhere = format!("1|{since}|http://127.0.0.1:1/ATServicesRest/V1.0/Tickets/query/next");
    let odd = stage
        .platform
        .changed_since(&stage.call, since, Some(elsewhere))
        .await;
    assert!(
        odd.unwrap_err().cause.contains("not in its zone"),
        "credentials never go elsewhere"
    );
}

#[tokio::test]
async fn the_connectors_conditions_are_held_against_a_ticket() {
    let stage = Stage::set(
        "trigger_on_status = [\"Dispatch to Field\"]\ntrigger_on_queue = \"Field Services\"\n",
    )
    .await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let record = stage.fetch(ticket).await.unwrap();
    assert_eq!(
        stage.platform.wants(&record),
        Err("its status is New, and trigger_on_status wants Dispatch to Field".into())
    );
    stage.autotask.set_status(ticket, 42).unwrap();
    let record = stage.fetch(ticket).await.unwrap();
    assert_eq!(stage.platform.wants(&record), Ok(()));
}

#[tokio::test]
async fn an_unreadable_relation_costs_the_relation_and_not_the_ticket() {
    let stage = Stage::plain().await;
    stage.autotask.deny("Contacts", AutotaskAccess::Query);
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let record = stage.fetch(ticket).await.unwrap();
    assert!(record.fields.get("contact").is_none());
    assert!(record.fields.get("company").is_some());
}

fn shipped_text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings/autotask.toml");
    std::fs::read_to_string(path).unwrap()
}

fn shipped() -> Mapping {
    Mapping::parse(&shipped_text(), "autotask.toml", None).unwrap()
}

fn work_order_fields() -> Catalogue {
    Catalogue {
        fields: FieldNation::static_catalogue().to_vec(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn the_shipped_mapping_fits_both_sides() {
    let stage = Stage::plain().await;
    let tickets = stage.platform.discover(&stage.call).await.unwrap();
    let orders = work_order_fields();
    for (direction, source, target) in [
        (Direction::Inbound, &tickets, &orders),
        (Direction::Outbound, &orders, &tickets),
    ] {
        let problems = check(&shipped(), direction, Some(source), Some(target), None).await;
        // What a new ticket needs is mapped by those who switch Outbound Create on.
        let told: Vec<_> = problems
            .iter()
            .filter(|problem| !problem.what.contains("which is required"))
            .collect();
        assert!(told.is_empty(), "{direction:?}: {told:?}");
    }
}

#[tokio::test]
async fn the_rules_offered_for_outbound_create_are_all_it_takes() {
    let text = shipped_text();
    let (before, offered) = text.split_once("it needs these six:").unwrap();
    let offered: Vec<&str> = offered
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .collect();
    let mapping = format!("{before}\n{}", offered.join("\n"));
    let mapping = Mapping::parse(&mapping, "autotask.toml", None).unwrap();
    let stage = Stage::plain().await;
    let tickets = stage.platform.discover(&stage.call).await.unwrap();
    let orders = work_order_fields();
    let problems = check(
        &mapping,
        Direction::Outbound,
        Some(&orders),
        Some(&tickets),
        None,
    )
    .await;
    assert!(problems.is_empty(), "{problems:?}");
}

async fn work_order_of(stage: &Stage, ticket: u64) -> (Value, Vec<String>) {
    let record = stage.fetch(ticket).await.unwrap();
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::this_binary());
    let target = work_order_fields();
    let request = Evaluate {
        direction: Direction::Inbound,
        event: None,
        input: &record.fields,
        target: Some(&target),
        require: Required::All,
    };
    let made = evaluator.evaluate(&shipped(), request).await;
    let problems = made
        .problems
        .iter()
        .map(|problem| format!("{problem:?}"))
        .collect();
    (Value::Object(made.output), problems)
}

#[tokio::test]
async fn a_ticket_becomes_a_work_order_by_the_shipped_mapping() {
    let stage = Stage::plain().await;
    let ticket = stage
        .autotask
        .open_ticket(&json!({"title": "Register 3 is dark", "companyLocationID": 500, "dueDateTime": "2026-03-05T15:00:00Z"}))
        .unwrap();
    let (order, problems) = work_order_of(&stage, ticket).await;
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(order["title"], "Register 3 is dark");
    assert_eq!(order["description"]["html"], "See the ticket in Autotask.");
    assert_eq!(
        order["location"],
        json!({"mode": "custom", "display_name": "HB-0101", "address1": "101 Sample Plaza", "city": "Minneapolis",
            "state": "MN", "zip": "55401", "country": "US"})
    );
    assert_eq!(order["contact"]["name"], "Robin Storekeeper");
    assert_eq!(
        order["schedule"]["service_window"]["start"]["utc"],
        "2026-03-05 15:00:00"
    );
    let unfinished = stage
        .autotask
        .open_ticket(&json!({"companyLocationID": 590}))
        .unwrap();
    let (order, _) = work_order_of(&stage, unfinished).await;
    assert_eq!(
        order["location"].get("state"),
        None,
        "an address without a state stays without one"
    );
    let odd = stage
        .autotask
        .open_ticket(&json!({"companyLocationID": 591}))
        .unwrap();
    let (order, _) = work_order_of(&stage, odd).await;
    assert_eq!(order["location"]["state"], "Minn.");
}

/// The vendor's own answers, given by a stand-in of the very least.
#[tokio::test]
async fn the_vendors_samples_are_read() {
    let (Some(ticket), Some(company), Some(notes), Some(empty)) = (
        sample("ticket-by-id.json"),
        sample("companies-query.json"),
        sample("ticket-notes-query.json"),
        sample("empty-query.json"),
    ) else {
        return;
    };
    let (Some(fields), Some(custom)) = (
        sample("ticket-entityinformation-fields.json"),
        sample("ticket-udf-definitions.json"),
    ) else {
        return;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let zone = json!({"zoneName": "x", "url": format!("{base}/ATServicesRest"), "webUrl": "https://ww15.autotask.net/", "ci": 26}).to_string();
    let answer = move |request: axum::extract::Request| {
        let path = request.uri().path().to_owned();
        let body = match path.rsplit("V1.0/").next().unwrap_or_default() {
            path if path.ends_with("zoneInformation") => zone.clone(),
            "Tickets/100" => ticket.clone(),
            "Companies/174" => company.clone(),
            "Tickets/100/Notes" => notes.clone(),
            "Tickets/entityInformation/fields" => fields.clone(),
            "Tickets/entityInformation/userDefinedFields" => custom.clone(),
            _ => empty.clone(),
        };
        async move { ([("content-type", "application/json")], body) }
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let text = format!(
        "platform = \"autotask\"\n[settings]\nusername = \"u@example.com\"\nsecret = \"not-a-real-secret\"\nintegration_code = \"c\"\nbase_url = \"{base}\"\n"
    );
    let clock = std::sync::Arc::new(fieldbridge::model::ManualClock::at(
        crate::stage::NOW.parse().unwrap(),
    ));
    let platform = crate::stage::adapter(&text, clock).unwrap();
    let call = fieldbridge::http::Call::default();
    let record = platform.fetch(&call, &id(100), ALL).await.unwrap().unwrap();
    assert_eq!(record.label, "T20120604.0002.005 Monthy Services Checkup*");
    assert_eq!(record.fields["labels"]["status"], "Scheduled");
    assert_eq!(
        record.fields["udf"],
        json!({}),
        "an empty object instead of a list"
    );
    assert_eq!(
        record.fields["company"]["companyName"], "Autotask Corporation",
        "a list where an item was asked for"
    );
    assert_eq!(record.fields["company"]["postalCode"], "12061");
    assert_eq!(record.notes[0].text, "Note Title\nNote description");
    assert_eq!(
        record.fields.get("contact"),
        None,
        "an empty list is nothing"
    );
    let catalogue = platform.discover(&call).await.unwrap();
    assert_eq!(
        catalogue.field("udf[\"Test UDF\"]").unwrap().picklist[0].label,
        "One"
    );
}

#[tokio::test]
async fn nothing_is_written_by_reading() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    stage.fetch_with(ticket, ALL).await.unwrap();
    let written = stage.autotask.journal().entries_after(0);
    assert!(written.iter().all(|entry| entry.by != Doer::Api));
}
