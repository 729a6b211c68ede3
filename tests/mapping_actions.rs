//! The actions and paths as they are specified, on records of every platform's shape. No script runs here.

use fieldbridge::mapping::{
    Evaluate, Evaluation, Evaluator, How, Limits, Mapping, Required, WorkerProgram,
};
use fieldbridge::model::{Direction, EventName};
use serde_json::{Value, json};

async fn evaluate(
    text: &str,
    direction: Direction,
    event: Option<EventName>,
    input: &Value,
) -> Evaluation {
    let mapping =
        Mapping::parse(text, "m.toml", None).unwrap_or_else(|problems| panic!("{problems:?}"));
    // No rule here has a script, so no worker is started.
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::at("/nonexistent"));
    let request = Evaluate {
        direction,
        event,
        input,
        target: None,
        require: Required::None,
    };
    evaluator.evaluate(&mapping, request).await
}

/// What a path reads, by a rule that copies it.
async fn read(direction: Direction, path: &str, input: &Value) -> Option<Value> {
    let path = json!(path);
    let text = format!(
        "[[{}]]\naction = \"sync\"\nsource = {path}\ntarget = \"out\"\n",
        direction.word()
    );
    let done = evaluate(&text, direction, None, input).await;
    assert_eq!(done.problems, [], "{path}");
    done.output.get("out").cloned()
}

/// What a path makes when a rule writes to it.
async fn written(direction: Direction, path: &str) -> Value {
    let path = json!(path);
    let text = format!(
        "[[{}]]\naction = \"set_static\"\nvalue = \"v\"\ntarget = {path}\n",
        direction.word()
    );
    let done = evaluate(&text, direction, None, &json!({})).await;
    assert_eq!(done.problems, [], "{path}");
    Value::Object(done.output)
}

#[tokio::test]
async fn every_form_of_a_step_reads() {
    let record = json!({
        "plain": {"inner": 1},
        "odd key": {"a.b": 2, "q\"": 3, "": 4},
        "list": [{"id": 5, "name": "five", "on": false}, {"id": 6, "name": "six", "on": true}, {"id": 6, "name": "other"}],
        "grid": [{"cells": [{"v": 1}, {"v": 2}]}, {"cells": [{"v": 3}]}, {"none": 0}],
        "text": "5",
    });
    for (path, expected) in [
        ("plain.inner", Some(json!(1))),
        ("[\"plain\"].inner", Some(json!(1))),
        ("odd key[\"a.b\"]", Some(json!(2))),
        ("['odd key']['a.b']", Some(json!(2))),
        (r#"odd key["q\""]"#, Some(json!(3))),
        ("odd key[\"\"]", Some(json!(4))),
        ("list[0].name", Some(json!("five"))),
        ("list[9].name", None),
        ("list[id=6].name", Some(json!("six"))),
        ("list[id=\"6\"].name", Some(json!("six"))),
        ("list[name=six].id", Some(json!(6))),
        ("list[name=\"six\"].id", Some(json!(6))),
        ("list[on=true].id", Some(json!(6))),
        ("list[id=7].name", None),
        ("list[*].name", Some(json!(["five", "six", "other"]))),
        ("list[*].on", Some(json!([false, true]))),
        ("list[*].absent", None),
        ("grid[*].cells[*].v", Some(json!([1, 2, 3]))),
        ("grid[*].cells[0].v", Some(json!([1, 3]))),
        ("grid[1].cells[*].v", Some(json!([3]))),
        // A name on a list finds nothing, and nothing is inside a text.
        ("list.name", None),
        ("text.inner", None),
        ("text[0]", None),
    ] {
        assert_eq!(
            read(Direction::Inbound, path, &record).await,
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_form_of_a_step_writes() {
    for (path, expected) in [
        ("a.b.c", json!({"a": {"b": {"c": "v"}}})),
        ("a[\"b.c\"]", json!({"a": {"b.c": "v"}})),
        ("a[1]", json!({"a": [null, "v"]})),
        ("a[0].b", json!({"a": [{"b": "v"}]})),
        ("a[id=5].b", json!({"a": [{"id": 5, "b": "v"}]})),
        (
            "a[name=\"x y\"].b",
            json!({"a": [{"name": "x y", "b": "v"}]}),
        ),
        // Inbound, the leading name of the work order is left out.
        ("workorder.a", json!({"a": "v"})),
    ] {
        assert_eq!(written(Direction::Inbound, path).await, expected, "{path}");
    }
    assert_eq!(
        written(Direction::Outbound, "workorder.a").await,
        json!({"workorder": {"a": "v"}})
    );
    for refused in ["a[*].b", "[0].a"] {
        let text =
            format!("[[inbound]]\naction = \"set_static\"\nvalue = 1\ntarget = \"{refused}\"\n");
        let problems = Mapping::parse(&text, "m.toml", None).unwrap_err();
        assert_eq!(
            (problems[0].position.line, problems[0].position.column),
            (4, 10)
        );
    }
}

#[tokio::test]
async fn field_nations_custom_fields_go_by_name_and_by_id() {
    let work_order = json!({"title": "T", "custom_fields": {"results": [
        {"id": 1, "name": "Buyer", "results": [
            {"id": 129, "name": "Site #", "value": "5521"},
            {"id": 130, "name": "results", "value": "hidden"},
        ]},
        {"id": 2, "name": "Provider", "results": [{"id": 131, "name": "Serial", "value": 7}]},
    ]}});
    let event = json!({"event": "x", "workorder": work_order});
    for input in [&work_order, &event] {
        for (path, expected) in [
            ("custom_fields[\"Site #\"]", json!("5521")),
            ("workorder.custom_fields[\"Site #\"]", json!("5521")),
            ("custom_fields[129]", json!("5521")),
            ("custom_field_131", json!(7)),
            ("custom_fields.Serial", json!(7)),
            (
                "custom_fields.results[name=\"Buyer\"].results[id=129].value",
                json!("5521"),
            ),
        ] {
            assert_eq!(
                read(Direction::Outbound, path, input).await,
                Some(expected),
                "{path}"
            );
        }
        assert_eq!(
            read(Direction::Outbound, "custom_field_129.value", input).await,
            None
        );
    }
    assert_eq!(
        written(Direction::Inbound, "custom_fields[\"Site #\"]").await,
        json!({"custom_fields": {"Site #": "v"}})
    );
}

#[tokio::test]
async fn every_platforms_own_custom_fields_are_read_and_written() {
    for (record, path, made) in [
        (
            json!({"customFields": [{"id": 4, "caption": "Rack", "value": "v"}]}),
            "customFields[caption=\"Rack\"].value",
            json!({"customFields": [{"caption": "Rack", "value": "v"}]}),
        ),
        (
            json!({"customFields": [{"id": 4, "caption": "Rack", "value": "v"}]}),
            "customFields[id=4].value",
            json!({"customFields": [{"id": 4, "value": "v"}]}),
        ),
        (
            json!({"userDefinedFields": [{"name": "Site Code", "value": "v"}]}),
            "userDefinedFields[name=\"Site Code\"].value",
            json!({"userDefinedFields": [{"name": "Site Code", "value": "v"}]}),
        ),
        (
            json!({"udf": {"Site Code": "v"}}),
            "udf[\"Site Code\"]",
            json!({"udf": {"Site Code": "v"}}),
        ),
        (
            json!({"u_site": {"display_value": "Main", "value": "v"}}),
            "u_site.value",
            json!({"u_site": {"value": "v"}}),
        ),
        (
            json!({"Site_Code__c": "v"}),
            "Site_Code__c",
            json!({"Site_Code__c": "v"}),
        ),
        (
            json!({"custom_fields": {"cf_site": "v"}}),
            "custom_fields.cf_site",
            json!({"custom_fields": {"cf_site": "v"}}),
        ),
        (
            json!({"custevent_site": {"id": "v", "refName": "Main"}}),
            "custevent_site.id",
            json!({"custevent_site": {"id": "v"}}),
        ),
        (
            json!({"6": {"value": "v"}}),
            "6.value",
            json!({"6": {"value": "v"}}),
        ),
        (json!({"Site #": "v"}), "Site #", json!({"Site #": "v"})),
    ] {
        assert_eq!(
            read(Direction::Inbound, path, &record).await,
            Some(json!("v")),
            "{path}"
        );
        assert_eq!(written(Direction::Outbound, path).await, made, "{path}");
    }
}

#[tokio::test]
async fn numbers_stay_exact_however_long_they_are() {
    let long = 9_007_199_254_740_993_u64;
    let input = json!({"id": long, "max": u64::MAX, "min": i64::MIN});
    let text = r#"
[[inbound]]
action = "sync"
source = "id"
target = "id"
[[inbound]]
action = "sync"
source = "max"
target = "max"
[[inbound]]
action = "concat"
target = "text"
parts = [{ type = "field", value = "id" }, { type = "static", value = "/" }, { type = "field", value = "min" }]
[[inbound]]
action = "array_map"
source = "id"
target = "found"
mappings = [{ compare = 9007199254740992, value = "near" }, { compare = "9007199254740993", value = "exact" }]
[[inbound]]
action = "set_static"
target = "fixed"
value = 9007199254740993
"#;
    let done = evaluate(text, Direction::Inbound, None, &input).await;
    assert_eq!(
        Value::Object(done.output),
        json!({"id": long, "max": u64::MAX, "text": format!("{long}/{}", i64::MIN), "found": "exact", "fixed": long})
    );
    assert_eq!(done.warnings, []);
}

fn dated(zone_in: &str, zone_out: &str) -> String {
    format!(
        "[[inbound]]\naction = \"date_convert\"\nsource = \"at\"\ntarget = \"out\"\ninput_format = \"YYYY-MM-DD HH:mm:ss\"\noutput_format = \"YYYY-MM-DD HH:mm:ss\"\ntimezone_in = \"{zone_in}\"\ntimezone_out = \"{zone_out}\"\n"
    )
}

/// Zone in, zone out, the date, and what becomes of it.
const ZONED: [(&str, &str, &str, &str); 17] = [
    // Summer and winter.
    (
        "UTC",
        "America/Chicago",
        "2026-07-01 18:05:00",
        "2026-07-01 13:05:00",
    ),
    (
        "UTC",
        "America/Chicago",
        "2026-01-01 18:05:00",
        "2026-01-01 12:05:00",
    ),
    // Windows' names mean the same, daylight saving included.
    (
        "UTC",
        "Central Standard Time",
        "2026-07-01 18:05:00",
        "2026-07-01 13:05:00",
    ),
    (
        "UTC",
        "central standard time",
        "2026-01-01 18:05:00",
        "2026-01-01 12:05:00",
    ),
    (
        "US Mountain Standard Time",
        "UTC",
        "2026-07-01 12:00:00",
        "2026-07-01 19:00:00",
    ),
    (
        "Mountain Standard Time",
        "UTC",
        "2026-07-01 12:00:00",
        "2026-07-01 18:00:00",
    ),
    (
        "India Standard Time",
        "UTC",
        "2026-07-01 12:00:00",
        "2026-07-01 06:30:00",
    ),
    // In the gap of spring, the clock has moved on; in the fold of autumn, the first time is meant.
    (
        "America/Chicago",
        "UTC",
        "2026-03-08 01:59:59",
        "2026-03-08 07:59:59",
    ),
    (
        "America/Chicago",
        "UTC",
        "2026-03-08 02:30:00",
        "2026-03-08 08:30:00",
    ),
    (
        "America/Chicago",
        "UTC",
        "2026-03-08 03:00:00",
        "2026-03-08 08:00:00",
    ),
    (
        "America/Chicago",
        "UTC",
        "2026-11-01 01:30:00",
        "2026-11-01 06:30:00",
    ),
    (
        "America/Chicago",
        "UTC",
        "2026-11-01 02:00:00",
        "2026-11-01 08:00:00",
    ),
    (
        "UTC",
        "America/Chicago",
        "2026-11-01 06:30:00",
        "2026-11-01 01:30:00",
    ),
    (
        "UTC",
        "America/Chicago",
        "2026-11-01 07:30:00",
        "2026-11-01 01:30:00",
    ),
    // Half an hour of daylight saving.
    (
        "UTC",
        "Australia/Lord_Howe",
        "2026-01-01 00:00:00",
        "2026-01-01 11:00:00",
    ),
    (
        "UTC",
        "Australia/Lord_Howe",
        "2026-07-01 00:00:00",
        "2026-07-01 10:30:00",
    ),
    (
        "+05:45",
        "-03:30",
        "2026-01-01 12:00:00",
        "2026-01-01 02:45:00",
    ),
];

#[tokio::test]
async fn dates_follow_the_zones_rules_by_either_name() {
    for (zone_in, zone_out, at, expected) in ZONED {
        let input = json!({ "at": at });
        let done = evaluate(&dated(zone_in, zone_out), Direction::Inbound, None, &input).await;
        assert_eq!(done.problems, []);
        assert_eq!(done.output["out"], expected, "{at} {zone_in} → {zone_out}");
    }
}

#[tokio::test]
async fn a_date_or_zone_that_is_none_is_told() {
    let impossible = json!({"at": "2026-02-30 00:00:00"});
    let done = evaluate(&dated("UTC", "UTC"), Direction::Inbound, None, &impossible).await;
    assert_eq!(done.problems.len(), 1);
    let problems = Mapping::parse(&dated("UTC", "Central Standart Time"), "m.toml", None);
    let problem = problems.unwrap_err().remove(0);
    assert_eq!((problem.position.line, problem.position.column), (8, 16));
    assert!(
        problem
            .what
            .contains("did you mean `Central Standard Time`"),
        "{}",
        problem.what
    );
}

#[tokio::test]
async fn a_later_rule_wins_unless_it_has_nothing_to_say() {
    let text = r#"
[[outbound]]
action = "sync"
source = "first"
target = "a"
[[outbound]]
action = "sync"
source = "second"
target = "a"
[[outbound]]
action = "set_static"
target = "a"
value = "on done"
events = ["FN_WO_DONE", "FN_WO_APPROVED"]
"#;
    let event = Some(EventName::Assigned);
    for (input, event, expected) in [
        (json!({"first": 1, "second": 2}), event, json!({"a": 2})),
        (json!({"first": 1, "second": ""}), event, json!({"a": 1})),
        (json!({"first": 1, "second": null}), event, json!({"a": 1})),
        (json!({"second": 2}), event, json!({"a": 2})),
        (json!({}), event, json!({})),
        (
            json!({"first": 1}),
            Some(EventName::Approved),
            json!({"a": "on done"}),
        ),
    ] {
        let done = evaluate(text, Direction::Outbound, event, &input).await;
        assert_eq!(Value::Object(done.output), expected, "{input}");
    }
}

#[tokio::test]
async fn what_no_entry_fits_is_the_default_nothing_or_an_error() {
    let rule = |more: &str| {
        format!(
            "[[inbound]]\naction = \"array_map\"\nsource = \"s\"\ntarget = \"t\"\nmappings = [{{ compare = \"New\", value = 1 }}, {{ compare = 5, value = 2 }}]\n{more}"
        )
    };
    for (source, more, expected, how) in [
        (json!("New"), "", Some(json!(1)), How::Entry(1)),
        (json!("5"), "", Some(json!(2)), How::Entry(2)),
        (json!(5.0), "", Some(json!(2)), How::Entry(2)),
        (json!("new"), "", None, How::NoMatch),
        (json!("New "), "", None, How::NoMatch),
        (json!("05"), "", None, How::NoMatch),
        (json!("x"), "default = 9", Some(json!(9)), How::Default),
        (json!(""), "default = 9", Some(json!(9)), How::Default),
        (json!(null), "", None, How::Unset),
        (json!("x"), "no_match = \"default\"", None, How::NoMatch),
        (json!("x"), "no_match = \"error\"", None, How::Failed),
        (
            json!("x"),
            "no_match = \"error\"\ndefault = 9",
            None,
            How::Failed,
        ),
        (
            json!(""),
            "no_match = \"error\"\ndefault = 9",
            Some(json!(9)),
            How::Default,
        ),
    ] {
        let input = json!({ "s": source });
        let done = evaluate(&rule(more), Direction::Inbound, None, &input).await;
        assert_eq!(done.output.get("t"), expected.as_ref(), "{source} {more}");
        assert_eq!(done.fields[0].how, how, "{source} {more}");
        assert_eq!(done.problems.len(), usize::from(how == How::Failed));
        assert_eq!(done.warnings.len(), usize::from(how == How::NoMatch));
    }
}
