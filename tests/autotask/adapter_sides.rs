//! Service calls, time entries, charges and expenses.

use std::time::Duration;

use fieldbridge::model::{
    Attempted, Category, Clock, SideRecord, SideRecordKind, SideSource, Timestamp, WorkOrderId,
};
use fieldbridge::sandbox::{AutotaskSettings, Fault, FaultKind};
use http::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, Wanted, id};

fn side(kind: SideRecordKind, fields: Value, source: Option<&str>) -> SideRecord {
    let source = source.map(|id| SideSource::Object(id.to_owned()));
    let source = source.unwrap_or(SideSource::WorkOrder(WorkOrderId(9001)));
    SideRecord::new(kind, fields, source)
}

fn visit() -> SideRecord {
    let fields = json!({"startDateTime": "2026-03-05T15:00:00Z", "description": "Visit"});
    side(SideRecordKind::Schedule, fields, None)
}

#[tokio::test]
async fn a_schedule_is_a_service_call_with_ticket_and_resource() {
    let stage = Stage::set("default_resource_id = 11\n").await;
    let ticket = stage
        .autotask
        .open_ticket(&json!({"companyLocationID": 500}))
        .unwrap();
    let made = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &visit(), None)
        .await
        .unwrap();
    let calls = stage.autotask.objects("ServiceCalls");
    assert_eq!(calls[0]["id"].to_string(), made);
    assert_eq!(
        (
            calls[0]["companyID"].clone(),
            calls[0]["companyLocationID"].clone()
        ),
        (json!(174), json!(500))
    );
    assert_eq!(
        calls[0]["endDateTime"], "2026-03-05T16:00:00.000Z",
        "a visit without an end takes an hour"
    );
    assert_eq!(
        calls[0]["description"],
        format!("Visit [Field Nation, ticket {ticket}]")
    );
    assert_eq!(
        stage.autotask.objects("ServiceCallTickets")[0]["ticketID"],
        ticket
    );
    assert_eq!(
        stage.autotask.objects("ServiceCallTicketResources")[0]["resourceID"],
        11
    );
    let later = side(
        SideRecordKind::Schedule,
        json!({"startDateTime": "2026-03-06T15:00:00Z"}),
        None,
    );
    let again = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &later, Some(&made))
        .await
        .unwrap();
    assert_eq!(again, made);
    let calls = stage.autotask.objects("ServiceCalls");
    assert_eq!(
        (calls.len(), calls[0]["startDateTime"].clone()),
        (1, json!("2026-03-06T15:00:00.000Z"))
    );
    assert_eq!(
        stage.autotask.objects("ServiceCallTicketResources").len(),
        1
    );
}

#[tokio::test]
async fn a_half_made_schedule_is_finished_and_not_doubled() {
    for path in ["/ServiceCalls", "/Tickets", "/Resources"] {
        let stage = Stage::set("default_resource_id = 11\n").await;
        let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
        stage.fetch(ticket).await;
        // The answer to the first new object under this address is lost after it was made.
        let path = if path == "/Tickets" {
            "/ServiceCalls/"
        } else {
            path
        };
        stage
            .autotask
            .faults()
            .push(Fault::once(FaultKind::LostResponse).on(&Method::POST, path));
        let first = stage
            .platform
            .put_side_record(&stage.call, &id(ticket), &visit(), None)
            .await;
        // A query is a POST too: if that was hit, the attempt may not have got as far.
        stage.autotask.faults().clear();
        assert!(first.is_err(), "{path}");
        stage
            .platform
            .put_side_record(&stage.call, &id(ticket), &visit(), None)
            .await
            .unwrap();
        for entity in [
            "ServiceCalls",
            "ServiceCallTickets",
            "ServiceCallTicketResources",
        ] {
            assert_eq!(stage.autotask.objects(entity).len(), 1, "{path}: {entity}");
        }
    }
}

#[tokio::test]
async fn a_cancelled_service_call_says_why_it_can_not_move() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let made = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &visit(), None)
        .await
        .unwrap();
    stage
        .autotask
        .cancel_service_call(made.parse().unwrap())
        .unwrap();
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &visit(), Some(&made))
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    assert!(
        failure
            .cause
            .contains("cannot be edited if status is of type"),
        "{}",
        failure.cause
    );
    let nothing = side(
        SideRecordKind::Schedule,
        json!({"description": "x", "status": "Someday"}),
        None,
    );
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &nothing, None)
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("it allows: New (1)"),
        "{}",
        failure.cause
    );
}

fn hours(source: Option<&str>) -> SideRecord {
    let fields = json!({"startDateTime": "2026-03-05T15:00:00Z", "endDateTime": "2026-03-05T17:30:00Z",
        "summaryNotes": "Replaced HVAC unit and tested airflow"});
    side(SideRecordKind::Time, fields, source)
}

#[tokio::test]
async fn a_time_log_is_one_entry_with_its_number() {
    let stage = Stage::set("default_resource_id = 11\ndefault_role_id = 8\n").await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let made = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &hours(Some("103")), None)
        .await
        .unwrap();
    let entries = stage.autotask.objects("TimeEntries");
    assert_eq!(
        entries[0]["summaryNotes"],
        "(#103) Replaced HVAC unit and tested airflow"
    );
    assert_eq!(
        (
            entries[0]["hoursWorked"].clone(),
            entries[0]["dateWorked"].clone()
        ),
        (json!(2.5), json!("2026-03-05T00:00:00.000Z"))
    );
    assert_eq!(
        (
            entries[0]["resourceID"].clone(),
            entries[0]["ticketID"].clone()
        ),
        (json!(11), json!(ticket))
    );
    // Known by its id, and, where an earlier attempt made it unheard, by its number.
    let edited = side(
        SideRecordKind::Time,
        json!({"hoursWorked": "3"}),
        Some("103"),
    );
    for existing in [Some(made.as_str()), None] {
        let again = stage
            .platform
            .put_side_record(&stage.call, &id(ticket), &edited, existing)
            .await
            .unwrap();
        assert_eq!(again, made);
    }
    let entries = stage.autotask.objects("TimeEntries");
    assert_eq!(
        (entries.len(), entries[0]["hoursWorked"].clone()),
        (1, json!(3.0))
    );
    assert_eq!(
        entries[0]["summaryNotes"],
        "(#103) Replaced HVAC unit and tested airflow"
    );
    stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &hours(Some("104")), None)
        .await
        .unwrap();
    assert_eq!(stage.autotask.objects("TimeEntries").len(), 2);
}

#[tokio::test]
async fn what_an_earlier_attempt_made_is_waited_for_until_it_must_be_shown() {
    let stage = Stage::set("default_resource_id = 11\ndefault_role_id = 8\n").await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let again = SideRecord {
        // The first attempt would be shown by now, were it there; the last need not be.
        attempted: Some(Attempted {
            first: Timestamp::UNIX_EPOCH,
            last: stage.clock.now(),
        }),
        ..hours(Some("103"))
    };
    let put = async || {
        stage
            .platform
            .put_side_record(&stage.call, &id(ticket), &again, None)
            .await
    };
    stage.clock.advance(Duration::from_secs(20));
    let failure = put().await.unwrap_err();
    assert_eq!(
        (failure.category, failure.retry_after),
        (Category::Server, Some(Duration::from_secs(40)))
    );
    assert!(stage.autotask.objects("TimeEntries").is_empty());
    stage.clock.advance(Duration::from_secs(40));
    put().await.unwrap();
    assert_eq!(stage.autotask.objects("TimeEntries").len(), 1);
}

#[tokio::test]
async fn the_number_may_stand_in_the_internal_notes() {
    let stage = Stage::set(
        "default_resource_id = 11\ndefault_role_id = 8\ntime_log_id_field = \"internal\"\n",
    )
    .await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &hours(Some("104")), None)
        .await
        .unwrap();
    let entry = &stage.autotask.objects("TimeEntries")[0];
    assert_eq!(entry["internalNotes"], "(#104)");
    assert_eq!(
        entry["summaryNotes"],
        "Replaced HVAC unit and tested airflow"
    );
    let silent = side(
        SideRecordKind::Time,
        json!({"dateWorked": "2026-03-05", "hoursWorked": 1}),
        Some("105"),
    );
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &silent, None)
        .await
        .unwrap_err();
    assert!(
        failure
            .cause
            .contains("time_entry.summaryNotes is required"),
        "{}",
        failure.cause
    );
    assert!(failure.hint.unwrap().contains("rule of its own"));
}

#[tokio::test]
async fn time_without_a_resource_is_not_sent() {
    let stage = Stage::plain().await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &hours(Some("103")), None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Validation);
    for part in ["time_entry.resourceID", "time_entry.roleID"] {
        assert!(failure.cause.contains(part), "{}", failure.cause);
    }
    assert!(!stage.calls().contains(&"POST TimeEntries".to_owned()));
    let ignored = side(SideRecordKind::Time, json!({"hoursToBill": 3}), None);
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &ignored, None)
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("hoursToBill is read-only"),
        "what the vendor ignores is told: {}",
        failure.cause
    );
}

fn parking(amount: f64) -> SideRecord {
    let fields = json!({"name": "Parking", "billingCodeID": 3, "unitPrice": amount});
    side(SideRecordKind::Charge, fields, Some("9"))
}

#[tokio::test]
async fn an_expense_becomes_a_charge_until_it_is_billed() {
    let stage = Stage::set("expense_sync_target = \"charge\"\n").await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    assert!(
        stage
            .platform
            .capabilities()
            .side_records
            .contains(&SideRecordKind::Charge)
    );
    let made = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &parking(12.0), None)
        .await
        .unwrap();
    let again = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &parking(15.5), None)
        .await
        .unwrap();
    assert_eq!(made, again);
    let charges = stage.autotask.objects("TicketCharges");
    assert_eq!(charges.len(), 1);
    assert_eq!(
        (charges[0]["notes"].clone(), charges[0]["unitPrice"].clone()),
        (json!("(#9)"), json!(15.5))
    );
    assert_eq!(
        (
            charges[0]["chargeType"].clone(),
            charges[0]["unitQuantity"].clone()
        ),
        (json!(1), json!(1))
    );
    stage.autotask.bill_charge(made.parse().unwrap());
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &parking(20.0), Some(&made))
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("billed already"),
        "{}",
        failure.cause
    );
    let nameless = side(SideRecordKind::Charge, json!({"unitPrice": 3}), Some("10"));
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &nameless, None)
        .await
        .unwrap_err();
    assert!(
        failure.cause.contains("charge.name") && failure.cause.contains("charge.billingCodeID"),
        "{}",
        failure.cause
    );
}

#[tokio::test]
async fn a_charges_number_may_stand_in_its_description() {
    let stage =
        Stage::set("expense_sync_target = \"charge\"\ncharge_id_field = \"description\"\n").await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &parking(12.0), None)
        .await
        .unwrap();
    assert_eq!(
        stage.autotask.objects("TicketCharges")[0]["description"],
        "(#9)"
    );
}

#[tokio::test]
async fn an_expense_becomes_an_item_of_the_tickets_report() {
    let stage = Stage::set("expense_sync_target = \"expense\"\n").await;
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let expense = |amount: u64, source: &str| {
        let fields = json!({"description": "Parking", "expenseCategory": "Parking", "paymentType": "Cash", "expenseCurrencyExpenseAmount": amount});
        side(SideRecordKind::Charge, fields, Some(source))
    };
    let made = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &expense(12, "9"), None)
        .await
        .unwrap();
    stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &expense(30, "10"), None)
        .await
        .unwrap();
    let again = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &expense(14, "9"), None)
        .await
        .unwrap();
    assert_eq!(made, again);
    let reports = stage.autotask.objects("ExpenseReports");
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["submitterID"], stage.autotask.api_resource());
    assert_eq!(reports[0]["weekEnding"], "2026-03-07T00:00:00.000Z");
    let items = stage.autotask.objects("ExpenseItems");
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["description"], "(#9) Parking");
    assert_eq!(
        (
            items[0]["expenseCurrencyExpenseAmount"].clone(),
            items[0]["ticketID"].clone()
        ),
        (json!(14), json!(ticket))
    );
}

#[tokio::test]
async fn without_a_target_charges_are_not_offered() {
    let stage = Stage::with(Wanted::default(), AutotaskSettings::default()).await;
    assert!(
        !stage
            .platform
            .capabilities()
            .side_records
            .contains(&SideRecordKind::Charge)
    );
    let ticket = stage.autotask.open_ticket(&json!({})).unwrap();
    let failure = stage
        .platform
        .put_side_record(&stage.call, &id(ticket), &parking(1.0), None)
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("expense_sync_target"));
}
