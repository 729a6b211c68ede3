use std::time::Duration;

use serde_json::{Value, json};

use crate::mapping::{
    Evaluate, Evaluation, Evaluator, How, Limits, Mapping, Required, WorkerProgram,
};
use crate::model::{
    Catalogue, Category, Direction, EventName, Field, FieldKind, PicklistValue, Timestamp,
};

/// None of these mappings has a script, so no worker is ever started.
fn evaluator() -> Evaluator {
    let limits = Limits {
        deadline: Duration::from_secs(1),
        ..Limits::default()
    };
    Evaluator::new(limits, WorkerProgram::at("/nonexistent"))
}

async fn evaluate(rules: &str, request: Evaluate<'_>) -> Evaluation {
    let mapping = Mapping::parse(rules, "m.toml", None).unwrap();
    evaluator().evaluate(&mapping, request).await
}

fn inbound(input: &Value) -> Evaluate<'_> {
    Evaluate {
        direction: Direction::Inbound,
        event: None,
        input,
        target: None,
        require: Required::None,
    }
}

fn outbound(input: &Value, event: EventName) -> Evaluate<'_> {
    Evaluate {
        direction: Direction::Outbound,
        event: Some(event),
        ..inbound(input)
    }
}

fn catalogue(fields: Vec<Field>) -> Catalogue {
    Catalogue {
        fields,
        read_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn an_empty_source_takes_the_default_or_leaves_the_target_unset() {
    let rules = r#"
[[inbound]]
action = "sync"
source = "a"
target = "x"
default = "N/A"
[[inbound]]
action = "sync"
source = "a"
target = "y"
"#;
    for input in [json!({}), json!({"a": null}), json!({"a": ""})] {
        let done = evaluate(rules, inbound(&input)).await;
        assert_eq!(Value::Object(done.output), json!({"x": "N/A"}));
        assert_eq!(done.fields[0].how, How::Default);
        assert_eq!(done.fields[1].how, How::Unset);
        assert_eq!(done.problems, []);
    }
    let input = json!({"a": false});
    assert_eq!(
        evaluate(rules, inbound(&input)).await.output["x"],
        json!(false)
    );
}

#[tokio::test]
async fn sync_converts_to_a_known_type_or_fails() {
    let rules = "[[inbound]]\naction = \"sync\"\nsource = \"a\"\ntarget = \"x\"\n";
    let target = catalogue(vec![Field::new("x", "X", FieldKind::Integer)]);
    let input = json!({"a": "5"});
    let request = Evaluate {
        target: Some(&target),
        ..inbound(&input)
    };
    let done = evaluate(rules, request).await;
    assert_eq!(Value::Object(done.output), json!({"x": 5}));
    assert_eq!(done.fields[0].how, How::Converted);
    assert_eq!(done.fields[0].source_value, Some(json!("5")));

    let input = json!({"a": "five"});
    let done = evaluate(
        rules,
        Evaluate {
            target: Some(&target),
            ..inbound(&input)
        },
    )
    .await;
    assert!(done.output.is_empty());
    assert_eq!(done.problems[0].category, Category::Transformation);
    assert_eq!(
        done.problems[0].to_string(),
        "rule 1 (x): \"five\" is a text, and the target takes a whole number"
    );
    let failure = done.failure().unwrap();
    assert_eq!(
        (failure.category, failure.rule),
        (Category::Transformation, Some(1))
    );
}

#[tokio::test]
async fn every_required_target_that_is_missing_is_listed_with_its_reason() {
    let rules = "[[inbound]]\naction = \"sync\"\nsource = \"city\"\ntarget = \"location.city\"\n";
    let target = catalogue(vec![
        Field::new("title", "Title", FieldKind::Text).required(),
        Field::new("location.city", "City", FieldKind::Text).required(),
        Field::new("id", "Id", FieldKind::Integer)
            .required()
            .read_only(),
    ]);
    let input = json!({});
    let request = Evaluate {
        target: Some(&target),
        require: Required::All,
        ..inbound(&input)
    };
    let done = evaluate(rules, request).await;
    let told: Vec<String> = done.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "title: required (Title), and not set: no rule makes it",
            "rule 1 (location.city): required (City), and not set: `city` is empty, and the rule has no default",
        ]
    );
    assert!(
        done.problems
            .iter()
            .all(|problem| problem.category == Category::Validation)
    );
    let request = Evaluate {
        require: Required::None,
        ..request
    };
    assert_eq!(evaluate(rules, request).await.problems, []);
}

#[tokio::test]
async fn what_a_field_does_not_allow_is_a_validation_problem() {
    let mut priority = Field::new("priority", "Priority", FieldKind::Text);
    priority.picklist = [("1", "Low"), ("2", "High")]
        .map(|(value, label)| PicklistValue {
            value: value.into(),
            label: label.into(),
        })
        .to_vec();
    let mut title = Field::new("title", "Title", FieldKind::Text);
    title.max_length = Some(3);
    let target = catalogue(vec![priority, title]);
    let rules = r#"
[[inbound]]
action = "sync"
source = "p"
target = "priority"
[[inbound]]
action = "sync"
source = "t"
target = "title"
"#;
    let input = json!({"p": "High", "t": "äöüß"});
    let done = evaluate(
        rules,
        Evaluate {
            target: Some(&target),
            ..inbound(&input)
        },
    )
    .await;
    assert_eq!(done.problems.len(), 2);
    assert!(
        done.problems[0]
            .reason
            .contains("allowed are `1` (Low), `2` (High)")
    );
    assert_eq!(
        done.problems[0].hint.as_deref(),
        Some("send the value `2` in place of its label")
    );
    assert!(done.problems[1].reason.contains("4 characters"));

    let input = json!({"p": 2, "t": "abc"});
    let done = evaluate(
        rules,
        Evaluate {
            target: Some(&target),
            ..inbound(&input)
        },
    )
    .await;
    assert_eq!(done.problems, []);
    assert_eq!(
        Value::Object(done.output),
        json!({"priority": "2", "title": "abc"})
    );
}

#[tokio::test]
async fn no_match_is_unset_with_a_warning_or_an_error_on_request() {
    let rules = r#"
[[inbound]]
action = "array_map"
source = "s"
target = "x"
mappings = [{ compare = "New", value = 1 }]
[[inbound]]
action = "array_map"
source = "s"
target = "y"
no_match = "error"
default = 0
mappings = [{ compare = "New", value = 1 }]
[[inbound]]
action = "range_map"
source = "s"
target = "z"
ranges = [{ compare = 1, value = 1 }]
"#;
    let input = json!({"s": "new"});
    let done = evaluate(rules, inbound(&input)).await;
    assert!(done.output.is_empty());
    assert_eq!(done.fields[0].how, How::NoMatch);
    assert_eq!(done.warnings[0].rule, Some(1));
    assert_eq!(done.problems[0].rule, Some(2));
    assert!(done.problems[0].reason.contains("did you mean `New`"));
    assert!(done.problems[1].reason.contains("is no number"));
    let done = evaluate(rules, inbound(&json!({"s": null}))).await;
    assert_eq!(Value::Object(done.output), json!({"y": 0}));
}

#[tokio::test]
async fn events_filter_and_the_work_order_may_be_named_or_not() {
    let rules = r#"
[[outbound]]
action = "sync"
source = "workorder.title"
target = "a"
events = ["FN_WO_ASSIGNED"]
[[outbound]]
action = "sync"
source = "title"
target = "b"
"#;
    for input in [
        json!({"title": "T"}),
        json!({"workorder": {"title": "T"}, "event": {}}),
    ] {
        let done = evaluate(rules, outbound(&input, EventName::Assigned)).await;
        assert_eq!(Value::Object(done.output), json!({"a": "T", "b": "T"}));
        let done = evaluate(rules, outbound(&input, EventName::Paid)).await;
        assert_eq!(Value::Object(done.output), json!({"b": "T"}));
        assert_eq!(done.fields[0].how, How::OtherEvent);
        let all = Evaluate {
            event: None,
            ..outbound(&input, EventName::Paid)
        };
        assert_eq!(evaluate(rules, all).await.output.len(), 2);
    }
}

#[tokio::test]
async fn an_unparsable_date_is_a_problem_and_never_a_blank() {
    let rules = r#"
[[inbound]]
action = "date_convert"
source = "d"
target = "x"
input_format = "YYYY-MM-DD"
output_format = "MM/DD/YYYY"
default = "never"
"#;
    let done = evaluate(rules, inbound(&json!({"d": "tomorrow"}))).await;
    assert!(done.output.is_empty());
    assert!(
        done.problems[0]
            .reason
            .contains("`tomorrow` is not written as `YYYY-MM-DD`")
    );
    let done = evaluate(rules, inbound(&json!({"d": ""}))).await;
    assert_eq!(Value::Object(done.output), json!({"x": "never"}));
}

#[tokio::test]
async fn concat_takes_missing_parts_as_empty_text_unless_all_are_missing() {
    let rules = r#"
[[inbound]]
action = "concat"
target = "name"
default = "nobody"
parts = [{ type = "field", value = "first" }, { type = "static", value = " " }, { type = "field", value = "last" }]
[[inbound]]
action = "concat"
target = "tags"
parts = [{ type = "field", value = "tags" }]
"#;
    let done = evaluate(rules, inbound(&json!({"first": "John", "tags": ["a", 2]}))).await;
    assert_eq!(
        Value::Object(done.output),
        json!({"name": "John ", "tags": "a, 2"})
    );
    let done = evaluate(rules, inbound(&json!({"first": ""}))).await;
    assert_eq!(Value::Object(done.output), json!({"name": "nobody"}));
    let done = evaluate(rules, inbound(&json!({"first": {"a": 1}}))).await;
    assert_eq!(done.problems[0].rule, Some(1));
}

#[tokio::test]
async fn a_target_inside_another_value_is_a_problem() {
    let rules = r#"
[[inbound]]
action = "set_static"
target = "location"
value = "here"
[[inbound]]
action = "set_static"
target = "location.city"
value = "Boston"
"#;
    let done = evaluate(rules, inbound(&json!({}))).await;
    assert_eq!(Value::Object(done.output), json!({"location": "here"}));
    assert_eq!(done.problems[0].rule, Some(2));
}

#[tokio::test]
async fn a_worker_that_can_not_be_started_is_told_as_trouble_that_may_pass() {
    let rules = "[[inbound]]\naction = \"custom\"\ntarget = \"x\"\nscript = \"1\"\n";
    let done = evaluate(rules, inbound(&json!({}))).await;
    assert_eq!(done.problems[0].category, Category::Server);
    assert_eq!(done.failure().unwrap().category, Category::Server);
}
