//! Creating and changing records, and the records that hang on them.

use fieldbridge::model::{
    Category, Effect, Marker, SideRecord, SideRecordKind, SideSource, WorkOrderId,
};
use fieldbridge::sandbox::{Deed, Doer, NetSuiteRight, Thing};
use serde_json::json;

use crate::bench::{Bench, TBA, WHOLE, map, quiet, record_id};

fn marker() -> Marker {
    Marker::from_text("FN-12345")
}

#[tokio::test]
async fn a_case_is_created_with_its_marker_in_one_call() {
    let bench = Bench::open().await;
    let fields = map(json!({
        "title": "Router down",
        "company": {"id": 931},
        "status": {"refName": "in progress"},
        "priority": "High",
        "phone": "",
        "contact": {"id": null},
        "custevent_fn_start": "2026-03-03T15:00:00Z",
    }));
    let created = bench
        .platform
        .create(&bench.call, &fields, &marker())
        .await
        .unwrap();
    let id: u64 = created.id.as_str().parse().unwrap();
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(case["status"]["refName"], "In Progress");
    assert_eq!(case["priority"]["refName"], "High");
    assert_eq!(case["custevent_fn_work_order"], "FN-12345");
    let writes = bench
        .calls()
        .into_iter()
        .filter(|call| call == "POST /record/v1/supportCase");
    assert_eq!(writes.count(), 1);
    assert_eq!(
        bench.netsuite.cases_by_correlation_value()["FN-12345"],
        [id]
    );
}

#[tokio::test]
async fn what_the_account_refuses_is_told_with_the_field() {
    let bench = Bench::open().await;
    let create = async |fields| {
        bench
            .platform
            .create(&bench.call, &map(fields), &marker())
            .await
            .unwrap_err()
    };
    let missing = create(json!({"title": "t"})).await;
    assert_eq!(
        (missing.category, missing.effect),
        (Category::Validation, Effect::None)
    );
    assert!(missing.cause.contains("Company"), "{missing}");
    let unknown = create(json!({"title": "t", "company": "931", "custevent_x": 1})).await;
    assert_eq!(unknown.category, Category::Validation);
    assert!(unknown.cause.contains("custevent_x"), "{unknown}");
    let value = create(json!({"title": "t", "company": "931", "status": {"id": "9999"}})).await;
    assert!(value.cause.contains("Invalid Field Value 9999"), "{value}");
    bench.calls();
    let name = create(json!({"title": "t", "status": "Done", "caseNumber": "7"})).await;
    assert!(name.cause.contains("Closed (5)"), "{name}");
    assert!(name.cause.contains("caseNumber can only be read"), "{name}");
    let sent = bench
        .calls()
        .into_iter()
        .any(|call| call == "POST /record/v1/supportCase");
    assert!(!sent, "what is known to be wrong is not sent");
    assert!(bench.netsuite.case_ids().is_empty());
}

#[tokio::test]
async fn only_what_changed_is_written() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench
        .update(id, json!({"status": {"refName": "Closed"}, "phone": ""}))
        .await
        .unwrap();
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(case["status"]["id"], "5");
    assert!(case.get("phone").is_none(), "empty clears");
    assert_eq!(case["custevent_site_city"], "Minneapolis");
    let journal = bench.netsuite.journal();
    let last = journal.entries_after(0).pop().unwrap();
    assert_eq!(last.detail, "status, phone");
    let failure = bench
        .update(id, json!({"custevent_x": "1"}))
        .await
        .unwrap_err();
    assert_eq!(
        failure.category,
        Category::Validation,
        "a name that is unknown never vanishes"
    );
}

#[tokio::test]
async fn the_marker_of_a_case_of_ours_stays() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench
        .update(id, json!({"custevent_fn_work_order": "FN-5"}))
        .await
        .unwrap();
    bench.calls();
    bench
        .update(id, json!({"custevent_fn_work_order": "something"}))
        .await
        .unwrap();
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(case["custevent_fn_work_order"], "FN-5");
    let writes = bench
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("PATCH"));
    assert_eq!(writes.count(), 0);
}

#[tokio::test]
async fn a_role_that_may_not_edit_is_told_and_pauses_nothing() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench.netsuite.withhold(&[NetSuiteRight::EditCases]);
    let failure = bench.update(id, json!({"phone": "1"})).await.unwrap_err();
    assert_eq!(
        (failure.category, failure.effect),
        (Category::Configuration, Effect::None)
    );
    assert!(failure.hint.unwrap().contains("Lists › Cases at Edit"));
}

#[tokio::test]
async fn without_the_right_to_descriptions_much_is_done_all_the_same() {
    let bench = Bench::open().await;
    let id = bench.case();
    bench.netsuite.withhold(&[NetSuiteRight::Metadata]);
    bench
        .update(id, json!({"status": {"refName": "Closed"}, "title": "New"}))
        .await
        .unwrap();
    let case = bench.netsuite.case(id).unwrap();
    assert_eq!(
        (&case["status"]["id"], &case["title"]),
        (&json!("5"), &json!("New"))
    );
}

#[tokio::test]
async fn record_types_with_an_external_id_are_upserted_by_it() {
    let settings = format!("{TBA}record_type = \"customrecord_fn_visit\"");
    let bench = Bench::with(quiet(), &settings, "").await;
    let create = async |name: &str| {
        let fields = map(json!({"name": name, "externalId": "mapped by mistake"}));
        let created = bench
            .platform
            .create(&bench.call, &fields, &marker())
            .await
            .unwrap();
        created.id.as_str().parse::<u64>().unwrap()
    };
    let first = create("Visit").await;
    let again = create("Visit, later").await;
    assert_eq!(
        first, again,
        "the second answer named no place, so the id was asked for"
    );
    let visit = bench
        .netsuite
        .record("customrecord_fn_visit", first)
        .unwrap();
    assert_eq!(
        (&visit["name"], &visit["externalId"]),
        (&json!("Visit, later"), &json!("FN-12345"))
    );
}

#[tokio::test]
async fn a_schedule_is_a_record_of_its_own_and_is_edited() {
    let settings = format!(
        "{TBA}{WHOLE}schedule_record = {{ record_type = \"customrecord_fn_visit\", parent_field = \"custrecord_fn_visit_case\" }}"
    );
    let bench = Bench::with(quiet(), &settings, "").await;
    let case = bench.case();
    let put = async |kind: SideRecordKind, start: &str, existing: Option<&str>| {
        let fields = json!({"custrecord_fn_visit_start": start});
        let side = SideRecord::new(kind, fields, SideSource::WorkOrder(WorkOrderId(9001)));
        bench
            .platform
            .put_side_record(&bench.call, &record_id(case), &side, existing)
            .await
    };
    let schedule = SideRecordKind::Schedule;
    let id = put(schedule, "2026-03-03T15:00:00Z", None).await.unwrap();
    let visit = |id: &str| {
        bench
            .netsuite
            .record("customrecord_fn_visit", id.parse().unwrap())
            .unwrap()
    };
    assert_eq!(
        visit(&id)["custrecord_fn_visit_case"]["id"],
        case.to_string()
    );
    let same = put(schedule, "2026-03-04T15:00:00Z", Some(&id))
        .await
        .unwrap();
    let after_a_crash = put(schedule, "2026-03-05T15:00:00Z", None).await.unwrap();
    let gone = put(schedule, "2026-03-06T15:00:00Z", Some("999"))
        .await
        .unwrap();
    assert_eq!([&same, &after_a_crash, &gone], [&id; 3]);
    assert_eq!(
        visit(&id)["custrecord_fn_visit_start"],
        "2026-03-06T15:00:00Z"
    );
    let journal = bench.netsuite.journal();
    assert_eq!(
        journal.count(Deed::Created, Thing::ScheduleEntry, Doer::Api),
        1
    );
    let failure = put(SideRecordKind::Charge, "x", None).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("charge_record"));
}
