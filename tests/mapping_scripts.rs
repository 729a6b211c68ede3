//! Scripts in their child processes: styles, conditions, imports, traces, and errors in words.

use std::time::Duration;

use serde_json::{Value, json};

use fieldbridge::mapping::{
    Evaluate, Evaluation, Evaluator, How, Limits, Mapping, MappingProblem, Required, Severity,
    WorkerProgram, check,
};
use fieldbridge::model::{Category, Direction};

/// Deadlines that hold on a loaded machine: these tests are about results.
fn evaluator() -> Evaluator {
    let limits = Limits {
        deadline: Duration::from_secs(20),
        preparation: Duration::from_secs(20),
        ..Limits::default()
    };
    Evaluator::new(limits, WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge")))
}

fn request(input: &Value) -> Evaluate<'_> {
    Evaluate {
        direction: Direction::Inbound,
        event: None,
        input,
        target: None,
        require: Required::None,
    }
}

async fn run(text: &str, input: &Value) -> Evaluation {
    let mapping = Mapping::parse(text, "m.toml", None).expect("the mapping is read");
    evaluator().evaluate(&mapping, request(input)).await
}

#[tokio::test]
async fn object_style_fills_several_targets() {
    let text = r#"
[[inbound]]
action = "set_static"
target = "location.state"
value = "MA"

[[inbound]]
action = "custom"
script = '''
local city = $.input.site.city;
{
  title: 'At ' + city,
  location: { city: city, zip: null },
  "schedule.note": '',
  custom_fields: { "Site #": 5 },
}
'''
"#;
    let done = run(text, &json!({"site": {"city": "Boston"}})).await;
    assert_eq!(done.problems, []);
    assert_eq!(
        Value::Object(done.output),
        json!({
            "title": "At Boston",
            "location": {"state": "MA", "city": "Boston"},
            "custom_fields": {"Site #": 5},
        })
    );
    let unset = done.fields.iter().filter(|field| field.how == How::Unset);
    let mut unset: Vec<&str> = unset.map(|field| &*field.target).collect();
    unset.sort_unstable();
    assert_eq!(unset, ["location.zip", "schedule.note"]);
}

#[tokio::test]
async fn a_null_result_is_empty_and_conditions_hold_or_not() {
    let text = r#"
[[inbound]]
action = "custom"
target = "a"
script = "null"
default = "d"

[[inbound]]
action = "set_static"
target = "b"
value = 1
when = "$.input.n > 1"

[[inbound]]
action = "set_static"
target = "c"
value = 1
when = "$.input.n > 5"

[[inbound]]
action = "custom"
target = "d"
script = "error 'never evaluated'"
when = "false"

[[inbound]]
action = "set_static"
target = "e"
value = 1
when = "'yes'"

[[inbound]]
action = "set_static"
target = "f"
value = 1
when = "$.input.absent == 1"
"#;
    let done = run(text, &json!({"n": 3})).await;
    assert_eq!(Value::Object(done.output), json!({"a": "d", "b": 1}));
    let told: Vec<String> = done.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "rule 5 (e): `when` must give true or false, and gave a text",
            "rule 6 (f): `$.input` has no field `absent` on this record",
        ]
    );
    assert_eq!(done.fields[2].how, How::WhenFalse);
    assert_eq!(done.fields[3].how, How::WhenFalse);
}

#[tokio::test]
async fn a_failing_script_hides_no_other_and_says_where() {
    let text = r#"
[[inbound]]
action = "custom"
target = "a"
script = '''
local x = {
  b: $.input.deep.er,
};
x
'''

[[inbound]]
action = "custom"
target = "b"
script = "1 + 1"

[[inbound]]
action = "custom"
target = "c"
script = '''
local y = 1;
std.parseInt('4x')
'''

[[inbound]]
action = "custom"
target = "d"
script = '''
{ a: 1
  b: 2 }
'''

[[inbound]]
action = "custom"
target = "e"
script = "local tittle = 1; title"
"#;
    let done = run(text, &json!({"deep": null})).await;
    assert_eq!(Value::Object(done.output), json!({"b": 2}));
    let rules: Vec<_> = done.problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Some(1), Some(3), Some(4), Some(5)]);
    let reason = |index: usize| done.problems[index].reason.as_str();
    let position = |index: usize| done.problems[index].position.as_ref().unwrap().to_string();
    assert_eq!(
        reason(0),
        "`$.input.deep` is null on this record, so `er` can't be read from it (in the result's field `b`)"
    );
    assert!(
        done.problems[0]
            .hint
            .as_deref()
            .unwrap()
            .contains("lookup_field")
    );
    assert_eq!(reason(1), "\"4x\" is not a base 10 integer");
    assert_eq!(position(1), "m.toml:22:13");
    assert!(reason(2).starts_with("syntax error"), "{}", reason(2));
    assert_eq!(position(2), "m.toml:30:3");
    assert!(
        reason(3).contains("undefined local: title"),
        "{}",
        reason(3)
    );
    assert_eq!(position(3), "m.toml:36:29");
    let all = done.problems.iter();
    assert!(
        all.clone()
            .all(|problem| problem.category == Category::Transformation)
    );
}

#[tokio::test]
async fn checking_tells_what_is_wrong_with_scripts() {
    let text = r#"[[inbound]]
action = "custom"
target = "a"
script = "1 +"
[[inbound]]
action = "set_static"
value = 1
target = "b"
when = "tru"
"#;
    let mapping = Mapping::parse(text, "m.toml", None).unwrap();
    let evaluator = evaluator();
    let problems = check(&mapping, Direction::Inbound, None, None, Some(&evaluator)).await;
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems
            .iter()
            .all(|problem| problem.severity == Severity::Error)
    );
    assert_eq!(problems[0].position.line, 4);
    assert_eq!(problems[1].position.to_string(), "m.toml:9:9");
}

const IMPORTING: &str = r#"
[[inbound]]
action = "custom"
target = "name"
script = "local names = import 'lib/names.libsonnet'; names.full($.input.first, $.input.last)"

[[inbound]]
action = "custom"
target = "text"
script = "importstr 'text.txt'"

[[inbound]]
action = "custom"
target = "file"
script_file = "rule.jsonnet"
"#;

#[tokio::test]
async fn imports_come_from_the_mappings_own_directory_and_are_part_of_its_version() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    std::fs::create_dir(directory.path().join("lib")).unwrap();
    write(
        "lib/names.libsonnet",
        "local inner = import 'inner.libsonnet'; { full(a, b): a + inner.glue + b }",
    );
    write("lib/inner.libsonnet", "{ glue: ' ' }");
    write("text.txt", "plain");
    write(
        "rule.jsonnet",
        "(import 'lib/names.libsonnet').full($.input.first, $.input.last)",
    );
    let parse = || Mapping::parse(IMPORTING, "m.toml", Some(directory.path())).unwrap();
    let mapping = parse();
    let input = json!({"first": "John", "last": "Technician"});
    let evaluator = evaluator();
    let expected = json!({"name": "John Technician", "text": "plain", "file": "John Technician"});
    let done = evaluator.evaluate(&mapping, request(&input)).await;
    assert_eq!(done.problems, []);
    assert_eq!(Value::Object(done.output), expected);

    write("lib/inner.libsonnet", "{ glue: '-' }");
    let changed = parse();
    assert_ne!(mapping.version(), changed.version());
    let done = evaluator.evaluate(&changed, request(&input)).await;
    assert_eq!(done.output["name"], "John-Technician");

    // The old version still means what it meant, from what was kept of it.
    let kept = serde_json::to_value(mapping.sources()).unwrap();
    let again = Mapping::from_sources(&serde_json::from_value(kept).unwrap()).unwrap();
    assert_eq!(again.version(), mapping.version());
    let done = evaluator.evaluate(&again, request(&input)).await;
    assert_eq!(Value::Object(done.output), expected);
}

#[test]
fn nothing_is_imported_from_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    for escape in [
        "import '/etc/hostname'",
        "importstr '../secret'",
        "importbin '/proc/self/environ'",
    ] {
        let text =
            format!("[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = \"{escape}\"\n");
        let problems = Mapping::parse(&text, "m.toml", Some(directory.path())).unwrap_err();
        assert_eq!(problems[0].position.line, 4, "{escape}");
    }
}

#[tokio::test]
async fn traces_are_caught_with_their_rule() {
    let text = r#"
[[inbound]]
action = "set_static"
target = "a"
value = 1
when = "std.trace('looking', true)"

[[inbound]]
action = "custom"
target = "b"
script = '''
local month = $.util.date_convert('2025-01-15', 'YYYY-MM-DD', 'MMM');
std.trace('made', std.trace('two
lines', month))
'''
"#;
    let done = run(text, &json!({})).await;
    assert_eq!(done.problems, []);
    assert_eq!(done.output["b"], "Jan");
    assert_eq!(
        done.trace,
        [
            "rule 1, condition: looking",
            "rule 2: made",
            "rule 2: two\nlines",
        ]
    );
}

#[tokio::test]
async fn long_numbers_reach_scripts_as_text_with_a_warning_if_one_looks() {
    let text = "[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = \"{ id: $.input.order.id, n: $.input.n }\"\n";
    let input = json!({
        "order": {"id": 9_007_199_254_740_993_u64, "other": 9_007_199_254_740_995_u64},
        "n": 1,
    });
    let done = run(text, &input).await;
    assert_eq!(done.output["a"], json!({"id": "9007199254740993", "n": 1}));
    let told: Vec<String> = done.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("`order.id` is a number beyond 2^53"));
}

#[tokio::test]
async fn a_bad_date_in_a_script_is_its_error() {
    for (call, reason) in [
        (
            "$.util.date_convert('soon', 'YYYY', 'MM')",
            "`soon` is not written as `YYYY`",
        ),
        (
            "$.util.date_convert('2025', 'YYYY', 'MM', 'Nowhere')",
            "`Nowhere` is no time zone",
        ),
        (
            "$.util.date_add('soon')",
            "`soon` is written in none of the usual ways",
        ),
        (
            "$.util.date_convert({}, 'YYYY', 'MM')",
            "the date helpers take texts",
        ),
    ] {
        let text =
            format!("[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = \"{call}\"\n");
        let done = run(&text, &json!({})).await;
        assert_eq!(done.problems.len(), 1, "{call}");
        assert!(
            done.problems[0].reason.starts_with(reason),
            "{:?}",
            done.problems
        );
    }
}

#[tokio::test]
async fn a_function_that_there_is_not_is_told_with_the_nearest() {
    let text = r#"[[inbound]]
action = "custom"
target = "a"
script = '''
local x = $.input.x;
  std.asciiUper(x)
'''
[[inbound]]
action = "custom"
target = "b"
script = "$.util.lookup_feild($.input, 'x')"
"#;
    let mapping = Mapping::parse(text, "m.toml", None).unwrap();
    let input = json!({"x": "a"});
    let request = Evaluate {
        direction: Direction::Inbound,
        event: None,
        input: &input,
        target: None,
        require: Required::None,
    };
    let done = evaluator().evaluate(&mapping, request).await;
    let told: Vec<String> = done.problems.iter().map(MappingProblem::placed).collect();
    assert_eq!(
        told,
        [
            "rule 1 (a): there is no function `std.asciiUper` (did you mean `std.asciiUpper`?) (m.toml:6:3)",
            "rule 2 (b): there is no function `$.util.lookup_feild` (did you mean `$.util.lookup_field`?) (m.toml:11:11)",
        ]
    );
    let failure = done.failure().unwrap();
    assert!(failure.cause.contains("(m.toml:6:3)"), "{}", failure.cause);
}

#[tokio::test]
async fn a_script_that_ends_too_early_is_told_so() {
    let text =
        "[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = \"std.asciiUpper($.input.x\"\n";
    let mapping = Mapping::parse(text, "m.toml", None).unwrap();
    let evaluator = evaluator();
    let found = check(&mapping, Direction::Inbound, None, None, Some(&evaluator)).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let what = &found[0].what;
    assert!(
        what.contains("the script ends too early: expected"),
        "{what}"
    );
    assert!(!what.contains("got"), "{what}");
}

#[tokio::test]
async fn a_look_up_that_is_asked_wrongly_is_told_where() {
    let text = r#"[[inbound]]
action = "custom"
target = "a"
script = "$.util.lookup_field($.input, 5)"
[[inbound]]
action = "custom"
target = "b"
script = "$.util.lookup_field($.input, 'list[first].x')"
[[inbound]]
action = "custom"
target = "c"
script = "$.util.lookup_field($.input, 'x', raw='yes')"
[[inbound]]
action = "custom"
target = "d"
script = "$.util.lookup_field($.input)"
"#;
    let done = run(text, &json!({"list": [], "x": "a"})).await;
    let told: Vec<String> = done.problems.iter().map(MappingProblem::placed).collect();
    assert_eq!(
        told,
        [
            "rule 1 (a): lookup_field takes the path as text, such as 'site.city' (m.toml:4:30)",
            "rule 2 (b): `[first]` in the path `list[first].x` is no index: write a whole number, such as [0] (m.toml:8:30)",
            "rule 3 (c): lookup_field takes raw as true or false (m.toml:12:30)",
            "rule 4 (d): function argument is not passed: path; Function has the following signature: (obj, path, default = null, raw = false) (m.toml:16:30)",
        ]
    );
}
