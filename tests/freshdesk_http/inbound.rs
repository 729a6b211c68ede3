//! Reading tickets, files and triggers.

use super::desk::{Scene, adapter, connector, id, ok, record, reply, still, ticket, unknown};
use axum::body::Bytes;
use fieldbridge::model::{Category, FileReference, NoteVisibility, Timestamp};
use fieldbridge::platform::{TriggerRefusal, TriggerRequest, Wish};
use serde_json::json;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_ticket_comes_whole() {
    let scene = Scene::open("", |seen| match seen.line().as_str() {
        "GET /api/v2/tickets/12" => ok(&ticket()),
        "GET /api/v2/tickets/12/conversations" => match seen.parameter("page") {
            Some("1") => ok(&json!([
                {"id": 2, "body_text": "by us", "private": true, "user_id": 1, "incoming": false, "created_at": "2026-03-01T10:00:00Z",
                 "attachments": [{"id": 92, "name": "b.txt", "file_size": 5, "attachment_url": "https://files.example/b"}]},
            ]))
            .header("link", "<https://acme.freshdesk.com/api/v2/tickets/12/conversations?page=2>; rel=\"next\""),
            _ => ok(&json!([
                {"id": 1, "body": "<p>Hello &amp; thanks</p>", "private": false, "user_id": 7, "incoming": true, "created_at": "2026-03-01T09:00:00Z"},
            ])),
        },
        _ => unknown(),
    })
    .await;
    let wish = Wish {
        notes: true,
        files: true,
    };
    let record = scene
        .platform
        .fetch(&scene.call, &id("12"), wish)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.label, "Router down");
    assert_eq!(record.fields["status_name"], "Field Service Required");
    assert_eq!(record.fields["priority_name"], "High");
    assert_eq!(record.fields["description_text"], "No light");
    assert_eq!(
        record.changed_at,
        Some("2026-03-01T11:00:00Z".parse().unwrap())
    );
    assert!(!record.fields.to_string().contains("sig=secret"));
    let notes: Vec<_> = record
        .notes
        .iter()
        .map(|note| {
            (
                note.id.as_str(),
                note.text.as_str(),
                note.visibility,
                note.by_us,
            )
        })
        .collect();
    assert_eq!(
        notes,
        [
            ("1", "Hello & thanks", NoteVisibility::Public, false),
            ("2", "by us", NoteVisibility::Internal, true),
        ]
    );
    let files: Vec<_> = record
        .files
        .iter()
        .map(|file| (file.id.as_str(), file.size, file.by_us))
        .collect();
    assert_eq!(files, [("91", Some(3), false), ("92", Some(5), true)]);
    let read = scene.last("GET /api/v2/tickets/12");
    assert_eq!(read.parameter("include"), Some("requester,company,stats"));
    for seen in scene.seen() {
        assert_eq!(
            seen.authorization.as_deref(),
            Some("Basic dGVzdC1rZXk6WA=="),
            "{}",
            seen.line()
        );
    }
    // Nothing of the key is left in what is shown.
    let shown = format!("{:?}", scene.call.take_exchanges());
    assert!(!shown.contains("test-key") && !shown.contains("dGVzdC1rZXk6WA"));
}

#[tokio::test]
async fn what_is_gone_is_no_failure() {
    let scene = Scene::open("", |seen| match seen.path.as_str() {
        "/api/v2/tickets/2" => ok(&json!({"id": 2, "deleted": true})),
        "/api/v2/tickets/3" => ok(&json!({"id": 3, "spam": true})),
        "/api/v2/tickets/4" => reply(404, "<html>no such help desk</html>"),
        _ => unknown(),
    })
    .await;
    for number in ["1", "2", "3"] {
        let fetched = scene
            .platform
            .fetch(&scene.call, &id(number), Wish::default())
            .await;
        assert_eq!(fetched.unwrap(), None, "{number}");
    }
    let failure = scene
        .platform
        .fetch(&scene.call, &id("4"), Wish::default())
        .await
        .unwrap_err();
    assert_eq!(failure.category, Category::Configuration);
    let failure = scene
        .platform
        .fetch(&scene.call, &id("../agents/me"), Wish::default())
        .await;
    assert_eq!(failure.unwrap_err().category, Category::Validation);
}

#[tokio::test]
async fn related_objects_are_read_one_by_one_where_includes_are_refused() {
    let scene = Scene::open("", |seen| match seen.path.as_str() {
        "/api/v2/tickets/12" if seen.parameter("include").is_some() => reply(
            400,
            r#"{"description":"Validation failed","errors":[{"field":"include","message":"Unexpected/invalid field in request","code":"invalid_field"}]}"#,
        ),
        "/api/v2/tickets/12" => ok(&json!({"id": 12, "requester_id": 7, "subject": "x"})),
        "/api/v2/contacts/7" => ok(&json!({"id": 7, "name": "Sample Customer", "company_id": 9})),
        "/api/v2/companies/9" => reply(403, r#"{"code":"access_denied","message":"You are not authorized to perform this action."}"#),
        _ => unknown(),
    })
    .await;
    for _ in 0..2 {
        let record = scene
            .platform
            .fetch(&scene.call, &id("12"), Wish::default())
            .await;
        let record = record.unwrap().unwrap();
        assert_eq!(record.fields["requester"]["name"], "Sample Customer");
        assert_eq!(record.fields.get("company"), None);
    }
    let asked = scene.seen();
    let asked = asked
        .iter()
        .filter(|seen| seen.parameter("include").is_some());
    assert_eq!(asked.count(), 1, "the refusal is remembered");
}

fn reference(url: Option<String>) -> FileReference {
    FileReference {
        id: "91".into(),
        name: "a.txt".into(),
        media_type: Some("text/plain".into()),
        size: Some(3),
        url,
        by_us: false,
    }
}

#[tokio::test]
async fn a_file_is_read_by_its_link_and_without_the_key() {
    let scene = Scene::open("", |seen| match seen.path.as_str() {
        "/files/a" if seen.parameter("sig") == Some("new") => reply(200, "abc"),
        "/files/a" => reply(403, "<Error>Request has expired</Error>"),
        "/files/moved" => reply(302, "").header("location", "/files/a?sig=new"),
        "/files/away" => reply(302, "").header("location", "http://192.0.2.1/files/a"),
        "/api/v2/tickets/12" => ok(&json!({"id": 12, "attachments": [{"id": 91,
            "attachment_url": seen.parameter("base").unwrap_or("PLACE")}]})),
        _ => unknown(),
    })
    .await;
    // The help desk's own address is known only now.
    let exchange = scene
        .platform
        .fetch(&scene.call, &id("12"), Wish::default())
        .await;
    exchange.unwrap();
    let base = scene.call.take_exchanges().remove(0).url;
    let base = base.split("/api/").next().unwrap().to_owned();
    let link = |path: &str| reference(Some(format!("{base}{path}")));
    for path in ["/files/a?sig=new", "/files/moved"] {
        let content = scene
            .platform
            .download(&scene.call, &id("12"), &link(path))
            .await
            .unwrap();
        assert_eq!(
            (&content.bytes[..], content.media_type.as_str()),
            (&b"abc"[..], "text/plain")
        );
    }
    for seen in scene
        .seen()
        .iter()
        .filter(|seen| seen.path.starts_with("/files"))
    {
        assert_eq!(seen.authorization, None, "{}", seen.path);
    }
    for (path, category) in [
        ("/files/away", Category::Validation),
        ("/files/a?sig=old", Category::Validation),
    ] {
        let failure = scene
            .platform
            .download(&scene.call, &id("12"), &link(path))
            .await
            .unwrap_err();
        assert_eq!(failure.category, category, "{path}: {}", failure.cause);
    }
    for elsewhere in ["http://192.0.2.1/x?sig=y", "file:///etc/passwd", "nonsense"] {
        let failure = scene
            .platform
            .download(&scene.call, &id("12"), &reference(Some(elsewhere.into())))
            .await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.category, Category::Validation, "{elsewhere}");
        assert!(!failure.cause.contains("sig=y"), "{}", failure.cause);
    }
}

#[tokio::test]
async fn a_link_that_ran_out_is_asked_for_anew() {
    let place = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&place);
    let scene = Scene::open("", move |seen| match seen.path.as_str() {
        "/files/a" if seen.parameter("sig") == Some("new") => reply(200, "abc"),
        "/files/a" => reply(403, "<Error>Request has expired</Error>"),
        "/api/v2/tickets/12" => ok(&json!({"id": 12})),
        "/api/v2/tickets/12/conversations" => ok(&json!([{"id": 2, "attachments": [{"id": 91,
            "attachment_url": format!("{}/files/a?sig=new", known.lock().unwrap())}]}])),
        _ => unknown(),
    })
    .await;
    scene
        .platform
        .fetch(&scene.call, &id("12"), Wish::default())
        .await
        .unwrap();
    let address = scene.call.take_exchanges().remove(0).url;
    let base = address.split("/api/").next().unwrap();
    base.clone_into(&mut place.lock().unwrap());
    for old in [None, Some(format!("{base}/files/a?sig=old"))] {
        let content = scene
            .platform
            .download(&scene.call, &id("12"), &reference(old))
            .await
            .unwrap();
        assert_eq!(&content.bytes[..], b"abc");
    }
}

#[tokio::test]
async fn changed_tickets_are_listed_as_the_conditions_want() {
    let settings = "trigger_on_status = \"Field Service Required\"\ntrigger_on_tag = [\"on-site\"]";
    let scene = Scene::open(settings, |seen| match seen.path.as_str() {
        "/api/v2/tickets" => ok(&json!([
            {"id": 1, "status": 8, "tags": [], "updated_at": "2026-03-01T10:00:00Z"},
            {"id": 2, "status": 2, "tags": ["On-Site"], "updated_at": "2026-03-01T10:01:00Z"},
            {"id": 3, "status": 2, "tags": [], "updated_at": "2026-03-01T10:02:00Z"},
            {"id": 4, "status": 2, "updated_at": "2026-03-01T10:03:00Z"},
            {"id": 5, "status": 8, "deleted": true, "updated_at": "2026-03-01T10:04:00Z"},
        ]))
        .header(
            "link",
            "<https://acme.freshdesk.com/api/v2/tickets?page=2>; rel=\"next\"",
        ),
        _ => unknown(),
    })
    .await;
    let since: Timestamp = "2026-03-01T09:00:00.5Z".parse().unwrap();
    let changed = scene
        .platform
        .changed_since(&scene.call, since, None)
        .await
        .unwrap();
    let numbers: Vec<_> = changed.records.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(numbers, ["1", "2", "4"]);
    assert_eq!(
        changed.records[0].1,
        Some("2026-03-01T10:00:00Z".parse().unwrap())
    );
    let list = scene.last("GET /api/v2/tickets");
    for (name, value) in [
        ("updated_since", "2026-03-01T09:00:00Z"),
        ("order_by", "updated_at"),
        ("order_type", "asc"),
        ("per_page", "100"),
        ("page", "1"),
    ] {
        assert_eq!(list.parameter(name), Some(value), "{name}");
    }
    scene
        .platform
        .changed_since(&scene.call, since, changed.next)
        .await
        .unwrap();
    let list = scene.last("GET /api/v2/tickets");
    assert_eq!(
        list.parameter("updated_since"),
        Some("2026-03-01T10:03:59Z")
    );
    let record = record(json!({"status": 2, "status_name": "Open", "tags": []}));
    let why = scene.platform.wants(&record).unwrap_err();
    assert!(
        why.contains("Field Service Required") && why.contains("on-site"),
        "{why}"
    );
}

#[tokio::test]
async fn a_trigger_must_carry_the_secret_if_one_is_set() {
    let platform = adapter(&connector("trigger_secret = \"fake-secret\""), &still()).unwrap();
    let read = async |name: &'static str, value: &'static str| {
        let request = TriggerRequest {
            method: http::Method::POST,
            query: vec![("external_id".into(), "12".into())],
            headers: http::HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]),
            body: Bytes::new(),
        };
        platform.read_trigger(&request).await
    };
    for (name, value) in [
        ("x-fieldbridge-secret", "fake-secret"),
        // freshdesk:fake-secret
        ("authorization", "Basic ZnJlc2hkZXNrOmZha2Utc2VjcmV0"),
    ] {
        assert!(read(name, value).await.is_ok(), "{name}");
    }
    for (name, value) in [
        ("x-fieldbridge-secret", "fake"),
        ("authorization", "Basic ZmFrZS1zZWNyZXQ6eA=="),
        ("authorization", "Basic %%%"),
        ("authorization", "Bearer fake-secret"),
        ("x-other", "fake-secret"),
    ] {
        let refusal = read(name, value).await.unwrap_err();
        assert!(
            matches!(refusal, TriggerRefusal::Signature(_)),
            "{name}: {refusal:?}"
        );
    }
}
