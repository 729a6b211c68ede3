//! The published vectors of the hosted broker: every action, and every helper of `$.util`.

use serde_json::{Value, json};

use fieldbridge::mapping::{
    Evaluate, Evaluator, Limits, Mapping, Required, WorkerProgram, from_hosted_json,
};
use fieldbridge::model::Direction;

fn evaluator() -> Evaluator {
    // Deadlines that hold on a loaded machine: these tests are about results.
    let limits = Limits {
        deadline: std::time::Duration::from_secs(20),
        preparation: std::time::Duration::from_secs(20),
        ..Limits::default()
    };
    Evaluator::new(limits, WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge")))
}

fn request(input: &Value) -> Evaluate<'_> {
    Evaluate {
        direction: Direction::Outbound,
        event: None,
        input,
        target: None,
        require: Required::None,
    }
}

/// Evaluates one hosted rule, outbound, on every input and compares.
async fn assert_maps(rule: Value, cases: &[(Value, Value)]) {
    let hosted = json!({"outbound": [rule]}).to_string();
    let text = from_hosted_json(&hosted, "vector.json").expect("the rule is read");
    let mapping = Mapping::parse(&text, "vector.toml", None).expect("it is written to read back");
    let evaluator = evaluator();
    for (input, expected) in cases {
        let done = evaluator.evaluate(&mapping, request(input)).await;
        assert_eq!(done.problems, []);
        let got = done.output.get("out").unwrap_or(&Value::Null);
        assert_eq!(got, expected, "{hosted} on {input}");
    }
}

fn array_map(source: &str, pairs: &[(&str, &str)], default: Option<&str>) -> Value {
    let mappings: Vec<Value> = pairs
        .iter()
        .map(|(compare, value)| json!({"compare": compare, "value": value}))
        .collect();
    let mut rule =
        json!({"source": source, "target": "out", "action": "array_map", "mappings": mappings});
    if let Some(default) = default {
        rule["default"] = default.into();
    }
    rule
}

#[tokio::test]
async fn array_map_looks_up() {
    let pay = array_map(
        "pay.type",
        &[
            ("fixed", "Fixed Price"),
            ("hourly", "Hourly Rate"),
            ("blended", "Blended Rate"),
        ],
        Some("Unknown"),
    );
    assert_maps(
        pay,
        &[
            (json!({"pay": {"type": "fixed"}}), json!("Fixed Price")),
            (
                json!({"workorder": {"pay": {"type": "hourly"}}}),
                json!("Hourly Rate"),
            ),
            (json!({"pay": {"type": "device"}}), json!("Unknown")),
            (json!({}), json!("Unknown")),
        ],
    )
    .await;
    let status = array_map(
        "status.id",
        &[("1", "Open"), ("2", "In Progress"), ("5", "Closed")],
        None,
    );
    assert_maps(
        status,
        &[
            (json!({"status": {"id": 1}}), json!("Open")),
            (json!({"status": {"id": "5"}}), json!("Closed")),
            (json!({"status": {"id": 9}}), json!(null)),
        ],
    )
    .await;
    let code = array_map(
        "status_code",
        &[
            ("1", "Low"),
            ("2", "Medium"),
            ("3", "High"),
            ("4", "Critical"),
        ],
        Some("Medium"),
    );
    assert_maps(
        code,
        &[
            (json!({"status_code": 3}), json!("High")),
            (json!({"status_code": " 3"}), json!("Medium")),
            (json!({"status_code": "4"}), json!("Critical")),
        ],
    )
    .await;
}

#[tokio::test]
async fn range_map_finds_the_leftmost() {
    let hours = json!({
        "source": "time_logs.hours", "target": "out", "action": "range_map", "default": "4+ Hours",
        "ranges": [
            {"compare": 0.5, "value": "15-30 Minutes"}, {"compare": 1, "value": "31-60 Minutes"},
            {"compare": 2, "value": "1-2 Hours"}, {"compare": 4, "value": "2-4 Hours"},
        ],
    });
    let cases = [
        (json!(0.3), "15-30 Minutes"),
        (json!(0.5), "15-30 Minutes"),
        (json!(1), "31-60 Minutes"),
        (json!(1.5), "1-2 Hours"),
        (json!("2"), "1-2 Hours"),
        (json!(4), "2-4 Hours"),
        (json!(4.01), "4+ Hours"),
        (json!(5), "4+ Hours"),
        (json!(null), "4+ Hours"),
    ];
    let cases = cases.map(|(hours, out)| (json!({"time_logs": {"hours": hours}}), json!(out)));
    assert_maps(hours, &cases).await;
}

#[tokio::test]
async fn sync_static_concat_and_dates() {
    assert_maps(
        json!({"source": "optional_field", "target": "out", "action": "sync", "default": "N/A"}),
        &[
            (json!({}), json!("N/A")),
            (json!({"optional_field": 7}), json!(7)),
        ],
    )
    .await;
    assert_maps(
        json!({"target": "out", "action": "set_static", "value": "High"}),
        &[(json!({}), json!("High"))],
    )
    .await;
    let field = |path: &str| json!({"type": "field", "value": path});
    let text = |text: &str| json!({"type": "static", "value": text});
    assert_maps(
        json!({"target": "out", "action": "concat", "parts": [
            field("location.address1"), text(", "), field("location.city"), text(", "),
            field("location.state"), text(" "), field("location.zip"),
        ]}),
        &[(
            json!({"location": {
                "address1": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102",
            }}),
            json!("123 Main St, San Francisco, CA 94102"),
        )],
    )
    .await;
    let date = |input: &str, output: &str| {
        json!({
            "source": "d", "target": "out", "action": "date_convert", "input_format": input,
            "output_format": output, "timezone_in": "UTC", "timezone_out": "America/New_York",
        })
    };
    assert_maps(
        date("YYYY-MM-DD HH:mm:ss", "MM/DD/YYYY h:mm:ss A"),
        &[(
            json!({"d": "2025-01-20 09:00:00"}),
            json!("01/20/2025 4:00:00 AM"),
        )],
    )
    .await;
    assert_maps(
        date("YYYY-MM-DD", "YYYY-MM-DD HH:mm:ss"),
        &[(json!({"d": "2025-01-15"}), json!("2025-01-14 19:00:00"))],
    )
    .await;
}

/// Evaluates scripts as rules of one mapping and compares what they give.
async fn assert_scripts(input: &Value, scripts: &[(&str, Value)]) {
    let rules: Vec<Value> = scripts
        .iter()
        .enumerate()
        .map(|(index, (script, _))| {
            json!({"target": format!("r{index}"), "action": "custom", "script": script})
        })
        .collect();
    let text = json!({"outbound": rules}).to_string();
    let mapping = Mapping::parse(&text, "scripts.json", None).expect("the rules are read");
    let done = evaluator().evaluate(&mapping, request(input)).await;
    assert_eq!(done.problems, []);
    for (index, (script, expected)) in scripts.iter().enumerate() {
        let got = done.output.get(&format!("r{index}"));
        assert_eq!(got.unwrap_or(&Value::Null), expected, "{script}");
    }
}

#[tokio::test]
async fn documented_scripts_give_the_documented_results() {
    let input = json!({"workorder": {
        "id": 12345, "title": "Test WO", "pay": {"amount": 150.50}, "priority": "urgent",
        "time_logs": {"hours": 3},
        "contacts": [
            {"email": "a@example.com", "is_primary": false},
            {"email": "john@example.com", "is_primary": true},
        ],
        "assignee": {"user": {"first_name": "John", "last_name": "Technician"}},
    }});
    assert_scripts(
        &input,
        &[
            (
                "{ id: $.input.workorder.id, formatted_amount: '$' + std.toString($.input.workorder.pay.amount) }",
                json!({"id": 12345, "formatted_amount": "$150.5"}),
            ),
            (
                "local hours = $.util.lookup_field($.input, 'workorder.time_logs.hours', 0);
                 local urgent = $.util.lookup_field($.input, 'priority') == 'urgent';
                 if urgent && hours > 2 then 'Critical' else if urgent then 'High'
                 else if hours > 4 then 'Medium' else 'Low'",
                json!("Critical"),
            ),
            (
                "local primary = [c for c in $.input.workorder.contacts if c.is_primary == true];
                 if std.length(primary) > 0 then primary[0].email else ''",
                json!("john@example.com"),
            ),
            (
                "$.util.lookup_field($.input, 'assignee.user.first_name', '') + ' '
                 + $.util.lookup_field($.input, 'assignee.user.last_name', '')",
                json!("John Technician"),
            ),
            (
                "local parts = std.split('john@example.com', '@'); if std.length(parts) > 1 then parts[1] else ''",
                json!("example.com"),
            ),
            (
                "local parts = std.split('', '@'); if std.length(parts) > 1 then parts[1] else ''",
                json!(null),
            ),
            ("std.round(12.345 * 100) / 100", json!(12.35)),
            ("std.round((3 / 4) * 100) + '%'", json!("75%")),
            ("std.asciiLower(std.stripChars(' High ', ' '))", json!("high")),
            (
                "local e = ['Missing title', 'Invalid amount'];
                 if std.length(e) > 0 then { valid: false, errors: e } else { valid: true, errors: [] }",
                json!({"valid": false, "errors": ["Missing title", "Invalid amount"]}),
            ),
            ("// a comment before\n'x' // and one at the end", json!("x")),
            ("null", json!(null)),
        ],
    )
    .await;
}

#[tokio::test]
async fn every_helper_gives_the_documented_results() {
    let expenses = json!([
        {"amount": 50, "category": {"name": "Travel"}, "description": "Mileage", "status": "Approved"},
        {"amount": 25, "category": {"name": "Materials"}, "description": "Parts", "status": "approved"},
        {"amount": 10, "category": {"name": "Travel"}, "description": "Toll", "status": "denied"},
        {"amount": 5, "category": {"name": "Lodging"}, "description": "Motel", "status": "approved"},
    ]);
    let input = json!({
        "title": "T", "nothing": null, "a.b": "raw", "list": [{"x": [1, {"y": 2}]}],
        "pay": {"expenses": {"results": expenses}},
        "custom_fields": {"results": [
            {"id": 1, "name": "Buyer", "results": [{"id": 835, "name": "Site #", "value": "S-9"}]},
            {"id": 2, "name": "Provider", "results": [{"id": 836, "name": "Serial", "value": null}]},
        ]},
    });
    let all = "$.input.pay.expenses.results";
    let grouped = format!(
        "local g = $.util.results_group_by({all}, 'category.name', $.util.is_expense_approved_fn, false);
         {{ [k]: std.length(g[k]) for k in std.objectFields(g) }}"
    );
    let values = format!("$.util.results_values({all}, 'category.name', 'Unknown')");
    let unique = format!("$.util.results_values_unique({all}, 'category.name', 'Unknown')");
    let sum = format!("$.util.sum_expense_field({all}, 'amount')");
    let renamed = format!(
        "$.util.object_map_array({all}[0:2],
           {{ amount: 'expense_amount', 'category.name': 'expense_category', description: 'expense_desc' }})"
    );
    let ranges = "local r = [{ cmp: 0.5, val: '15-30 Minutes' }, { cmp: 1, val: '31-60 Minutes' }, { cmp: 2, val: '1-2 Hours' }];
         [$.util.range_map(r, v, '2+ Hours') for v in [0.3, 1.5, 3, '1', null]]";
    assert_scripts(
        &input,
        &[
            ("$.util.lookup_field($.input, 'title', 'd')", json!("T")),
            ("$.util.lookup_field($.input, 'workorder.title', 'd')", json!("T")),
            ("$.util.lookup_field($.input, 'title.deeper', 'd')", json!("d")),
            ("$.util.lookup_field($.input, 'nothing', 'd')", json!("d")),
            ("$.util.lookup_field($.input, 'a.b', 'd')", json!("d")),
            ("$.util.lookup_field($.input, 'a.b', 'd', true)", json!("raw")),
            ("$.util.lookup_field($.input, 'list[0].x[1].y', 'd')", json!(2)),
            ("$.util.lookup_field($.input, 'list[1].x', 'd')", json!("d")),
            ("$.util.lookup_field($.input, 'list[-1]', 'd')", json!("d")),
            ("$.util.lookup_field($.input.list, '[0].x[0].y')", json!(null)),
            ("$.util.lookup_field($.input, path='title', default='d')", json!("T")),
            ("$.util.lookup_field(null, 'title', 'd')", json!("d")),
            ("$.util.lookup_field($.input, 'title', error 'not looked at')", json!("T")),
            ("$.util.lookup_field({ hidden:: 3 }, 'hidden')", json!(3)),
            ("$.util.lookup_custom_field('835', $.input, 'd')", json!("S-9")),
            ("$.util.lookup_custom_field(835, { workorder: $.input })", json!("S-9")),
            ("$.util.lookup_custom_field('836', $.input, 'd')", json!("d")),
            ("$.util.lookup_custom_field('1', $.input, 'd')", json!("d")),
            ("$.util.array_map([{ cmp: 'a', val: 1 }, { cmp: '5', val: 2 }], 5, 0)", json!(2)),
            ("$.util.array_map([{ cmp: 'a', val: 1 }], 'A', 0)", json!(0)),
            (
                ranges,
                json!(["15-30 Minutes", "1-2 Hours", "2+ Hours", "31-60 Minutes", "2+ Hours"]),
            ),
            (
                "$.util.date_convert('2025-01-20 09:00:00', $.util.date_time_format_fn_utc(),
                   'MM/DD/YYYY h:mm:ss A', 'UTC', 'America/New_York')",
                json!("01/20/2025 4:00:00 AM"),
            ),
            ("$.util.date_convert(null, 'YYYY', 'YYYY')", json!(null)),
            (
                "[$.util.date_convert('2025-0' + m + '-01', 'YYYY-MM-DD', 'MMM') for m in [1, 2, 3]]",
                json!(["Jan", "Feb", "Mar"]),
            ),
            ("$.util.date_convert(1737363600, 'X', 'YYYY-MM-DD')", json!("2025-01-20")),
            ("$.util.date_time_format_fn_utc()", json!("YYYY-MM-DD HH:mm:ss")),
            ("$.util.date_add('2025-02-28')", json!("2025-03-01")),
            ("$.util.date_add('12/31/2024', 'MM/DD/YYYY')", json!("01/01/2025")),
            ("$.util.array_sum([10, 22, 4])", json!(36)),
            (
                &renamed,
                json!([
                    {"expense_amount": 50, "expense_category": "Travel", "expense_desc": "Mileage"},
                    {"expense_amount": 25, "expense_category": "Materials", "expense_desc": "Parts"},
                ]),
            ),
            (&values, json!(["Travel", "Materials", "Travel", "Lodging"])),
            (&unique, json!(["Travel", "Materials", "Lodging"])),
            (&grouped, json!({"Travel": 1, "Materials": 1, "Lodging": 1})),
            ("$.util.is_expense_approved_fn({ status: 'denied' })", json!(false)),
            (&sum, json!(90)),
        ],
    )
    .await;
}
