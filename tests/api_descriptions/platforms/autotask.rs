//! Autotask: one way to sign in, two places for what a technician spends, webhooks with and without user-defined fields.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, StatusCode};
use fieldbridge::model::{Category, Exchange, PlatformKind, SideRecordKind, Timestamp};
use fieldbridge::platform::{Platform, TriggerReading, TriggerRequest, Wish};
use fieldbridge::sandbox::{
    Autotask, AutotaskSettings, Deliveries, Fault, FaultKind, NotePublish, ServiceDesk,
};
use serde_json::{Value, json};

use super::super::drive::{Subject, object};
use super::super::judge::Known;
use super::super::net::Unsent;
use super::super::sent::has_header;
use super::super::stage::{Stage, clock, listen};
use super::super::tap::Tap;
use super::Vendor;

const AUTOTASK: Vendor = Vendor {
    platform: PlatformKind::Autotask,
    descriptions: &["autotask-subset.json", "autotask.json"],
    mount: "",
    known: KNOWN,
    unsent: &[
        Unsent {
            text: "/atservices",
            why: "What is cut off an address in the settings.",
        },
        Unsent {
            text: "{told}{slash}V1.0/",
            why: "What goes before every path.",
        },
    ],
};

const KNOWN: &[Known] = &[
    Known {
        operation: "PATCH /V1.0/Tickets",
        place: "body /description",
        why: "An emptied field is null, as what is empty in the vendor's own requests; the description has no null at all.",
        page: "samples/autotask/vendor-postman-requests.json (Tickets/…/Attachments)",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/Tickets/query/next",
        place: "operation",
        why: "The address of a next page is followed as it stands, with the same body.",
        page: "platforms-psa-itsm-crm.md §2.3",
    },
    Known {
        operation: "GET /ATServicesRest/V1.0/ExpenseItems/entityInformation",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "GET /ATServicesRest/V1.0/ExpenseItems/entityInformation/fields",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "PATCH /ATServicesRest/V1.0/Expenses/{}/Items",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/ExpenseItems/query",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/ExpenseReports",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/ExpenseReports/query",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "POST /ATServicesRest/V1.0/Expenses/{}/Items",
        place: "operation",
        why: "The description ends before the expenses; the paths follow the rule for children of a parent.",
        page: "platforms-psa-itsm-crm.md §2.5",
    },
    Known {
        operation: "GET /atservicesrest/v1.0/zoneInformation",
        place: "operation",
        why: "The vendor's pages write this one path in small letters, and no host distinguishes.",
        page: "platforms-psa-itsm-crm.md §2.1",
    },
];

async fn set(settings: AutotaskSettings, more: &str) -> Stage<Autotask> {
    let clock = clock();
    let settings = AutotaskSettings {
        deliveries: Deliveries::Paced(0.0),
        ..settings
    };
    let desk = Autotask::start(settings, clock.clone(), 1).await.unwrap();
    let usual = "default_resource_id = 11\ndefault_role_id = 8\n";
    Stage::set(desk, clock, &format!("{usual}{more}"))
}

fn new_ticket() -> Value {
    json!({"title": "Site visit", "status": "New", "priority": "Medium", "companyID": 174,
        "queueID": "Field Services", "dueDateTime": "2026-03-05 15:00:00",
        "udf": {"Site Code": "HB-0101"}, "internalNote": "Made by us"})
}

fn schedule() -> (SideRecordKind, Value, Value) {
    (
        SideRecordKind::Schedule,
        json!({"startDateTime": "2026-03-05T15:00:00Z", "description": "Visit"}),
        json!({"startDateTime": "2026-03-05T16:00:00Z", "description": "Visit"}),
    )
}

async fn with_charges() -> Vec<Exchange> {
    let stage = set(
        AutotaskSettings::default(),
        "expense_sync_target = \"charge\"\n",
    )
    .await;
    let time = |end: &str| json!({"startDateTime": "2026-03-05T15:00:00Z", "endDateTime": end, "summaryNotes": "Replaced the switch"});
    let subject = Subject {
        create: new_ticket(),
        updates: vec![
            json!({"status": "In Progress", "udf": {"FN Technician": "Sam"}}),
            json!({"description": null, "udf": {"FN Technician": null}}),
        ],
        sides: vec![
            schedule(),
            (
                SideRecordKind::Time,
                time("2026-03-05T17:30:00Z"),
                time("2026-03-05T18:30:00Z"),
            ),
            (
                SideRecordKind::Charge,
                json!({"name": "Parking", "billingCodeID": 3, "unitPrice": 12}),
                json!({"name": "Parking", "billingCodeID": 3, "unitPrice": 15.5}),
            ),
        ],
        refused_sides: Vec::new(),
    };
    stage.every_verb(&subject).await;
    // After a 401 the zone is asked for anew, in case the database has moved.
    let record = stage.ticket();
    let refused = Fault::once(FaultKind::Unauthorized);
    stage.desk.faults().push(refused);
    let read = stage
        .platform
        .fetch(&stage.call, &record, Wish::default())
        .await;
    assert_eq!(read.unwrap_err().category, Category::Authentication);
    stage.take().await
}

async fn with_expenses() -> Vec<Exchange> {
    let stage = set(
        AutotaskSettings::default(),
        "expense_sync_target = \"expense\"\n",
    )
    .await;
    let parking = |amount: u32| json!({"description": "Parking", "expenseCategory": "Parking", "paymentType": "Cash", "expenseCurrencyExpenseAmount": amount});
    let subject = Subject {
        create: new_ticket(),
        sides: vec![
            schedule(),
            (
                SideRecordKind::Time,
                json!({"startDateTime": "2026-03-05T15:00:00Z", "hoursWorked": 2, "summaryNotes": "x"}),
                json!({"hoursWorked": 3}),
            ),
            (SideRecordKind::Charge, parking(12), parking(14)),
        ],
        ..Subject::default()
    };
    stage.every_verb(&subject).await;
    stage.take().await
}

/// A database that refuses PATCH gets the whole ticket by PUT; lists come in pages.
async fn of_another_database() -> Vec<Exchange> {
    let settings = AutotaskSettings {
        refuses_patch: true,
        page_size: 1,
        ..AutotaskSettings::default()
    };
    let stage = set(settings, "").await;
    let (record, _) = (stage.ticket(), stage.ticket());
    let base = stage
        .platform
        .fetch(&stage.call, &record, Wish::default())
        .await;
    let changes = json!({"status": "In Progress", "udf": {"FN Technician": "Sam"}});
    let base = base.unwrap().unwrap();
    let update = stage.platform.update(&stage.call, &base, object(&changes));
    update.await.unwrap();
    let since = Timestamp::from_second(stage.clock.now().as_second() - 3_600).unwrap();
    let first = stage.platform.changed_since(&stage.call, since, None).await;
    let next = first.unwrap().next;
    assert!(next.is_some());
    let second = stage.platform.changed_since(&stage.call, since, next).await;
    second.unwrap();
    stage.take().await
}

/// Webhooks that report user-defined fields, their removal, the ticket of a note that tells none, and a file whose
/// bytes stand at the second place.
async fn behind_a_tap() -> Vec<Exchange> {
    let stage = set(AutotaskSettings::default(), "").await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let settings = format!(
        "base_url = \"{}\"\nwebhook_fields = [\"status\", \"Site Code\"]\n",
        tap.url
    );
    let platform = stage.another(&settings);
    let url = listen(platform.clone()).await;
    platform.subscribe(&stage.call, &url).await.unwrap();
    let made = platform.subscriptions(&stage.call, &url).await.unwrap();
    assert_eq!(made.len(), 2, "{made:?}");
    for one in made {
        platform.unsubscribe(&stage.call, &one.id).await.unwrap();
    }
    look_up_a_note(
        &stage,
        stage.another(&format!("{settings}webhook_secret = \"\"\n")),
    )
    .await;
    let record = stage.ticket();
    let wish = Wish {
        notes: false,
        files: true,
    };
    let read = platform.fetch(&stage.call, &record, wish).await;
    let file = read.unwrap().unwrap().files.remove(0);
    let none = json!({"item": null});
    let path = format!("/TicketAttachments/{}", file.id);
    tap.tell_instead(Method::GET, &path, StatusCode::OK, none);
    platform
        .download(&stage.call, &record, &file)
        .await
        .unwrap();
    stage.desk.stop().await;
    tap.take()
}

async fn look_up_a_note(stage: &Stage<Autotask>, platform: Arc<dyn Platform>) {
    let ticket = stage.desk.ticket_of(stage.ticket().as_str()).unwrap();
    let note = stage
        .desk
        .add_note(ticket, "Please call first", NotePublish::All)
        .unwrap();
    let bare = json!({"Action": "Create", "Guid": "g", "EntityType": "TicketNote", "Id": note, "Fields": {}, "SequenceNumber": 1});
    let trigger = TriggerRequest {
        method: Method::POST,
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: bare.to_string().into(),
    };
    let reading = platform.read_trigger(&trigger).await.unwrap();
    assert!(
        matches!(reading, TriggerReading::Records { .. }),
        "{reading:?}"
    );
}

#[tokio::test]
async fn autotask() {
    let mut exchanges = with_charges().await;
    exchanges.extend(with_expenses().await);
    exchanges.extend(of_another_database().await);
    exchanges.extend(behind_a_tap().await);
    for exchange in &exchanges {
        // The three headers of §2.2 stand on each call but that for the zone, which has none.
        let is_lookup = exchange.url.contains("zoneInformation");
        for name in ["UserName", "Secret", "ApiIntegrationCode"] {
            assert_eq!(has_header(exchange, name), !is_lookup, "{}", exchange.url);
        }
    }
    AUTOTASK.hold(&exchanges);
}

/// The vendor's own answers to what is asked first: the zone, at the tap's address, and the count of the hour's calls.
#[tokio::test]
async fn the_vendors_zone_and_count_are_read() {
    let home = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let sample = |name: &str| std::fs::read_to_string(format!("{home}/samples/autotask/{name}"));
    let (Ok(zone), Ok(count)) = (
        sample("zoneinformation.constructed.json"),
        sample("thresholdinformation.constructed.json"),
    ) else {
        println!("skipped: the samples are not here");
        return;
    };
    let stage = set(AutotaskSettings::default(), "").await;
    let tap = Tap::before(stage.desk.base_url()).await;
    let platform = stage.another(&format!("base_url = \"{}\"\n", tap.url));
    let zone = zone.replace("https://webservices15.autotask.net", &tap.url);
    for (path, told) in [
        ("/zoneInformation", &zone),
        ("/ThresholdInformation", &count),
    ] {
        let told = serde_json::from_str(told).unwrap();
        tap.tell_instead(Method::GET, path, StatusCode::OK, told);
    }
    let probe = platform.probe(&stage.call).await;
    assert!(probe.is_good(), "{probe:#?}");
    let details: Vec<&str> = probe
        .checks
        .iter()
        .map(|check| check.detail.as_str())
        .collect();
    for told in ["America East 2", "124", "10000"] {
        assert!(
            details.iter().any(|detail| detail.contains(told)),
            "{details:?}"
        );
    }
    let url = platform.record_url(&stage.ticket()).unwrap();
    assert!(
        url.starts_with("https://ww15.autotask.net/Autotask/"),
        "{url}"
    );
    assert!(!tap.take().is_empty());
}
