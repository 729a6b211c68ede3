//! Reading: the site itself, tickets, lists, files, fields.

use axum::http::Method;
use fieldbridge::model::{Category, FileReference, Marker, NoteVisibility, RecordId, Timestamp};
use fieldbridge::platform::{Found, Wish};
use serde_json::{Value, json};

use super::site::{Reply, Site, call, ticket};

/// An attempt that no index can lag behind any more.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

const ALL: Wish = Wish {
    notes: true,
    files: true,
};

fn id() -> RecordId {
    RecordId::new("69")
}

#[tokio::test]
async fn the_codebase_is_looked_up_once_and_used() {
    let site = Site::start().await;
    let adapter = site.adapter("related = []");
    for _ in 0..2 {
        assert!(
            adapter
                .fetch(&call(), &id(), Wish::default())
                .await
                .unwrap()
                .is_some()
        );
    }
    let seen = site.seen();
    assert_eq!(
        seen.iter()
            .filter(|seen| seen.path.starts_with("login/"))
            .count(),
        1
    );
    let tickets = site.asked(&Method::GET, "service/tickets/69");
    assert!(
        tickets
            .iter()
            .all(|seen| seen.codebase.as_deref() == Some("v2024_1"))
    );
}

#[tokio::test]
async fn a_ticket_that_is_gone_is_told_from_a_codebase_that_moved_and_from_wrong_keys() {
    let site = Site::start().await;
    let adapter = site.adapter("related = []");
    assert_eq!(
        adapter
            .fetch(&call(), &RecordId::new("70"), Wish::default())
            .await
            .unwrap(),
        None
    );
    site.move_to("v2024_2");
    let moved = adapter
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap();
    assert!(moved.is_some(), "the new codebase is found by itself");
    site.on(
        Method::GET,
        "service/tickets",
        404,
        &json!({"code": "NotFound"}),
    );
    let failure = adapter
        .fetch(&call(), &RecordId::new("70"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    site.on(
        Method::GET,
        "service/tickets",
        401,
        &json!({"code": "Unauthorized"}),
    );
    let failure = adapter
        .fetch(&call(), &RecordId::new("70"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Authentication);
    site.on(
        Method::GET,
        "service/tickets",
        403,
        &json!({"code": "Forbidden"}),
    );
    assert_eq!(
        adapter
            .fetch(&call(), &RecordId::new("70"), Wish::default())
            .await
            .unwrap(),
        None
    );
    site.seen();
}

#[tokio::test]
async fn an_unknown_company_is_a_matter_of_configuration() {
    let site = Site::start().await;
    site.on(Method::GET, "login/companyinfo/acme", 200, &Value::Null);
    let failure = site
        .adapter("")
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.cause.contains("acme"), "{failure}");
}

#[tokio::test]
async fn a_fixed_codebase_and_version_are_used_as_they_are() {
    let site = Site::start().await;
    site.move_to("v4_6_release");
    let adapter =
        site.adapter("codebase = \"v4_6_release\"\napi_version = \"2024.1\"\nrelated = []");
    adapter
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap()
        .unwrap();
    let seen = site.seen();
    assert!(seen.iter().all(|seen| !seen.path.starts_with("login/")));
    assert_eq!(
        seen[0].headers["accept"],
        "application/vnd.connectwise.com+json; version=2024.1"
    );
}

#[tokio::test]
async fn a_ticket_comes_with_all_that_belongs_to_it() {
    let site = Site::start().await;
    let first = json!([{"id": 3, "text": "Switch is dead", "detailDescriptionFlag": true, "member": {"identifier": "User1", "name": "Training User1"}, "dateCreated": "2026-01-02T10:00:00Z"}]);
    let second = json!([
        {"id": 9, "noteType": "TicketNote", "text": "ours", "internalAnalysisFlag": true, "createdBy": "FNIntegration", "dateCreated": "2026-01-03T10:00:00Z"},
        {"id": 3, "noteType": "TimeEntry", "text": "drove there", "detailDescriptionFlag": true, "timeStart": "2026-01-01T10:00:00Z"}]);
    let notes = "service/tickets/69/allNotes";
    site.once(
        Method::GET,
        notes,
        Reply::json(200, &first).header(
            "link",
            "<https://x/y?page=2>; rel=\"next\", <https://x/y?page=2>; rel=\"last\"",
        ),
    );
    site.once(
        Method::GET,
        notes,
        Reply::json(200, &second).header("link", "<https://x/y?page=1>; rel=\"first\""),
    );
    site.on(
        Method::GET,
        "system/documents",
        200,
        &json!([
        {"id": 11, "title": "Plan", "fileName": "plan.pdf", "size": 3, "owner": "fnintegration"},
        {"id": 12, "title": "A link", "linkFlag": true}]),
    );
    site.on(
        Method::GET,
        "schedule/entries",
        200,
        &json!([{"id": 8, "dateStart": "2026-02-02T09:00:00Z", "dateEnd": "2026-02-02T10:00:00Z"}]),
    );
    let adapter = site.adapter("member = \"FNIntegration\"\nread_schedule = true");
    let record = adapter.fetch(&call(), &id(), ALL).await.unwrap().unwrap();
    assert_eq!(record.label, "Replace switch");
    let fields = &record.fields;
    assert_eq!(fields["company"]["city"], "Tampa");
    assert_eq!(fields["site"]["stateReference"]["identifier"], "FL");
    assert_eq!(
        (&fields["contact"]["name"], &fields["contact"]["lastName"]),
        (&json!("Pat Example"), &json!("Example"))
    );
    assert_eq!(fields["initialDescription"], "Switch is dead");
    assert_eq!(fields["internalAnalysis"], "ours");
    assert_eq!(fields["schedule"]["dateStart"], "2026-02-02T09:00:00Z");
    let told: Vec<_> = record
        .notes
        .iter()
        .map(|note| (note.id.as_str(), note.visibility, note.by_us))
        .collect();
    assert_eq!(
        told,
        [
            ("time-3", NoteVisibility::Public, false),
            ("3", NoteVisibility::Public, false),
            ("9", NoteVisibility::Internal, true),
        ]
    );
    assert_eq!(record.notes[1].author.as_deref(), Some("Training User1"));
    assert_eq!(record.files.len(), 1);
    assert!(record.files[0].by_us && record.files[0].name == "plan.pdf");
    assert!(!record.changed_by_us);
    let documents = &site.asked(&Method::GET, "system/documents")[0];
    assert_eq!(
        (
            documents.parameter("recordType"),
            documents.parameter("recordId")
        ),
        (Some("Ticket"), Some("69"))
    );
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let site = Site::start().await;
    site.on(
        Method::GET,
        "company/contacts/2",
        403,
        &json!({"code": "Forbidden", "message": "no"}),
    );
    let failure = site
        .adapter("")
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(
        failure
            .hint
            .unwrap()
            .contains("Companies → Contacts → Inquire")
    );
    let lean = site
        .adapter("related = [\"company\", \"site\"]")
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap();
    assert!(lean.is_some());
}

#[tokio::test]
async fn only_tickets_in_the_trigger_status_are_wanted() {
    let site = Site::start().await;
    let adapter = site.adapter("trigger_on_status = \"dispatch to fn\"\nrelated = []");
    let mut record = adapter
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(adapter.wants(&record), Ok(()));
    record.fields["status"] = json!({"id": 1, "name": "New"});
    let why = adapter.wants(&record).unwrap_err();
    assert!(
        why.contains("`New`") && why.contains("dispatch to fn"),
        "{why}"
    );
    assert_eq!(site.adapter("").wants(&record), Ok(()));
}

#[tokio::test]
async fn what_changed_is_listed_forward_only_and_by_either_name() {
    let site = Site::start().await;
    let page: Vec<Value> = (1..=1000)
        .map(|id| json!({"id": id, "_info": {"lastUpdated": "2026-03-01T00:00:00Z"}}))
        .collect();
    site.once(Method::GET, "service/tickets", Reply::json(400, &json!({"code": "ApiFindCondition", "message": "lastUpdated is not a recognized name."})));
    site.once(
        Method::GET,
        "service/tickets",
        Reply::json(200, &json!(page)).header("link", "<https://x>; rel=\"next\""),
    );
    site.once(
        Method::GET,
        "service/tickets",
        Reply::json(
            200,
            &json!([{"id": 2000, "_info": {"lastUpdated": "2026-02-01T00:00:00Z"}}]),
        )
        .header("link", "<https://x>; rel=\"next\""),
    );
    let adapter = site.adapter("trigger_on_status = \"Dispatch to FN\"");
    let since = "2026-02-01T10:20:30.9Z".parse().unwrap();
    let first = adapter.changed_since(&call(), since, None).await.unwrap();
    assert_eq!(
        (first.records.len(), first.next.as_deref()),
        (1000, Some("1000"))
    );
    let second = adapter
        .changed_since(&call(), since, first.next)
        .await
        .unwrap();
    assert_eq!((second.records.len(), second.next), (1, None));
    let asked = site.asked(&Method::GET, "service/tickets");
    assert_eq!(
        asked[0].parameter("conditions"),
        Some("lastUpdated > [2026-02-01T10:20:30Z] and status/name=\"Dispatch to FN\"")
    );
    assert_eq!(
        asked[1].parameter("conditions"),
        Some("_info/lastUpdated > [2026-02-01T10:20:30Z] and status/name=\"Dispatch to FN\"")
    );
    assert_eq!(asked[2].parameter("pageId"), Some("1000"));
    assert!(
        asked
            .iter()
            .all(|seen| seen.headers["pagination-type"] == "forward-only")
    );
}

#[tokio::test]
async fn a_marker_finds_its_ticket_and_nothing_else() {
    let site = Site::start().await;
    site.on(Method::GET, "service/tickets", 200, &json!([{"id": 70, "externalXRef": "FN-12"}, {"id": 71, "externalXRef": "FN-123"}, {"id": 72}]));
    let adapter = site.adapter("");
    let found = adapter
        .find(&call(), &Marker::from_text("FN-12"), LONG_AGO)
        .await
        .unwrap();
    assert_eq!(found, Found::Records(vec![RecordId::new("70")]));
    assert_eq!(
        adapter
            .find(&call(), &Marker::from_text("FN-9"), LONG_AGO)
            .await
            .unwrap(),
        Found::Absent
    );
    assert_eq!(
        site.asked(&Method::GET, "service/tickets")[0].parameter("conditions"),
        Some("externalXRef=\"FN-12\"")
    );
}

#[tokio::test]
async fn a_file_comes_byte_for_byte() {
    let site = Site::start().await;
    let path = "system/documents/11/download";
    site.always(
        Method::GET,
        path,
        Reply::bytes(b"\x00\xff\r\n")
            .header("content-disposition", "attachment; filename=plan.bin"),
    );
    let file = FileReference {
        id: "11".into(),
        name: "x".into(),
        media_type: None,
        size: None,
        url: None,
        by_us: false,
    };
    let content = site
        .adapter("")
        .download(&call(), &id(), &file)
        .await
        .unwrap();
    assert_eq!(
        (content.name.as_str(), &content.bytes[..]),
        ("plan.bin", &b"\x00\xff\r\n"[..])
    );
    let hostile = FileReference {
        id: "../info".into(),
        ..file
    };
    assert!(
        site.adapter("")
            .download(&call(), &id(), &hostile)
            .await
            .is_err()
    );
    site.seen();
}

#[tokio::test]
async fn too_many_calls_hold_everybody_back() {
    let site = Site::start().await;
    site.on(Method::GET, "service/tickets/69", 429, &json!({"error": "ConnectWiseAPI", "message": "Too many requests. Please try again in 30 seconds."}));
    site.always(Method::GET, "service/tickets/69", Reply::json(429, &json!({"error": "ConnectWiseAPI", "message": "Too many requests. Please try again in 30 seconds."})).header("retry-after", "30"));
    let adapter = site.adapter("");
    let failure = adapter
        .fetch(&call(), &id(), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::RateLimited);
    assert_eq!(failure.retry_after.unwrap().as_secs(), 30);
    assert!(
        adapter
            .ready_in(fieldbridge::model::Priority::Live)
            .as_secs()
            >= 29
    );
    assert_eq!(adapter.quota()[0].limit, 1000);
}

fn plan_setup_tables(site: &Site) {
    for path in [
        "service/boards/1/types",
        "service/boards/1/subtypes",
        "service/boards/1/items",
        "service/boards/1/teams",
        "service/priorities",
        "service/sources",
        "service/locations",
        "schedule/statuses",
    ] {
        site.on(Method::GET, path, 200, &json!([{"id": 8, "name": format!("one of {path}")}, {"id": 9, "name": "old", "inactiveFlag": true}]));
    }
    site.on(Method::GET, "system/userDefinedFields", 200, &json!([{"id": 7, "caption": "Site code", "requiredFlag": true, "options": [{"optionValue": "S-9"}]}]));
    site.on(
        Method::GET,
        "system/info/members",
        200,
        &json!([{"identifier": "User1", "fullName": "Training User1"}]),
    );
}

#[tokio::test]
async fn fields_come_from_the_template_and_the_setup_tables() {
    let site = Site::start().await;
    plan_setup_tables(&site);
    let adapter = site.adapter("template_ticket_id = 69");
    let catalogue = adapter.discover(&call()).await.unwrap();
    let field = |path: &str| catalogue.field(path).unwrap_or_else(|| panic!("no {path}"));
    let values = |path: &str| {
        field(path)
            .picklist
            .iter()
            .map(|value| value.value.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        values("status.name"),
        ["New", "Dispatch to FN", "Completed"]
    );
    assert_eq!(values("priority.name"), ["one of service/priorities"]);
    assert_eq!(values("impact"), ["Low", "Medium", "High"]);
    assert_eq!(values("owner.identifier"), ["User1"]);
    assert!(field("summary").required && field("summary").max_length == Some(100));
    assert!(field("company.city").read_only && field("site.addressLine1").read_only);
    let custom = field("customFields[caption=\"Site code\"].value");
    assert!(custom.required && custom.picklist.len() == 1);
    site.on(Method::GET, "service/tickets/69", 404, &json!({}));
    let failure = adapter.discover(&call()).await.unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    assert!(failure.hint.unwrap().contains("template_ticket_id"));
}

#[tokio::test]
async fn a_probe_names_each_feature_and_the_right_it_lacks() {
    let site = Site::start().await;
    plan_setup_tables(&site);
    for path in [
        "company/companies",
        "company/contacts",
        "company/companies/2/sites",
        "service/tickets/69/allNotes",
        "system/documents",
        "schedule/entries",
        "system/callbacks",
    ] {
        site.on(Method::GET, path, 200, &json!([]));
    }
    site.on(
        Method::POST,
        "service/tickets",
        400,
        &json!({"code": "InvalidObject", "message": "ticket object is invalid"}),
    );
    site.on(
        Method::GET,
        "system/info",
        200,
        &json!({"version": "v2024.1.99"}),
    );
    let top = "outbound_create = true\n[features]\nmessages = \"both\"\nfiles = \"both\"";
    let adapter = site.adapter_with(
        "template_ticket_id = 69\ntrigger_on_status = \"Dispatch to FN\"",
        top,
    );
    let probe = adapter.probe(&call()).await;
    assert!(probe.is_good(), "{probe:?}");
    assert_eq!(
        probe.checks[0].detail,
        "codebase v2024_1, version v2024.1.99"
    );
    site.on(
        Method::GET,
        "system/documents",
        403,
        &json!({"message": "no"}),
    );
    site.on(
        Method::PATCH,
        "service/tickets/0",
        403,
        &json!({"message": "no"}),
    );
    let probe = adapter.probe(&call()).await;
    assert!(probe.credential_failure().is_none());
    let lacking: Vec<_> = probe
        .checks
        .iter()
        .filter_map(|check| Some((check.what.as_str(), check.failure.as_ref()?.hint.clone()?)))
        .collect();
    assert_eq!(lacking.len(), 2, "{lacking:?}");
    assert!(lacking[0].0 == "update tickets" && lacking[0].1.contains("Service Tickets → Edit"));
    assert!(lacking[1].0 == "documents" && lacking[1].1.contains("Manage Documents → Inquire"));
    let writes = site
        .seen()
        .into_iter()
        .filter(|seen| seen.method != Method::GET);
    assert!(
        writes
            .clone()
            .all(|seen| seen.path.contains("/0") || seen.json() == json!({})),
        "a probe changes nothing"
    );
    site.on(
        Method::GET,
        "service/tickets",
        401,
        &json!({"code": "Unauthorized"}),
    );
    let probe = adapter.probe(&call()).await;
    assert_eq!(
        probe.credential_failure().unwrap().category,
        Category::Authentication
    );
    assert_eq!(probe.checks.len(), 1);
}

#[tokio::test]
async fn secrets_stand_in_no_recorded_exchange() {
    let site = Site::start().await;
    site.on(Method::GET, "service/tickets/69", 200, &{
        let mut ticket = ticket();
        ticket["summary"] = json!("privfake in a text");
        ticket
    });
    let call = call();
    site.adapter("")
        .fetch(&call, &id(), Wish::default())
        .await
        .unwrap();
    let exchanges = format!("{:?}", call.take_exchanges());
    for secret in [
        "privfake",
        "pubfake",
        "fake-client-id",
        "YWNtZStwdWJmYWtlOnByaXZmYWtl",
    ] {
        assert!(!exchanges.contains(secret), "{secret}");
    }
}
