//! What holds for any input: no panic, the same result twice, paths that read back what they wrote.

use proptest::prelude::*;
use serde_json::{Map, Value};

use fieldbridge::mapping::path::Segment;
use fieldbridge::mapping::{
    Evaluate, Evaluator, Limits, Mapping, Path, Required, WorkerProgram, date, flatten,
    from_hosted_json, to_hosted_json,
};
use fieldbridge::model::{Catalogue, Direction, Field, FieldKind, Timestamp};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9 .:/-]{0,12}".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]",
        "\\PC{1,5}",
        Just("custom_fields".to_owned()),
        Just("results".to_owned())
    ]
}

fn segment() -> impl Strategy<Value = Segment> {
    let value = prop_oneof![
        any::<i32>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    prop_oneof![
        4 => key().prop_map(|key| Segment::Key(key.into())),
        1 => (0_usize..5).prop_map(Segment::Index),
        1 => ("[abc]{1,3}", value).prop_map(|(key, value)| Segment::Select { key: key.into(), value }),
    ]
}

fn target() -> impl Strategy<Value = Path> {
    (key(), prop::collection::vec(segment(), 0..4)).prop_map(|(first, rest)| {
        let first = Segment::Key(first.into());
        Path::from_segments(std::iter::once(first).chain(rest).collect())
    })
}

/// Every declarative action, on sources that have any type.
const RULES: &str = r#"
[[inbound]]
action = "sync"
source = "a"
target = "x.y"
[[inbound]]
action = "sync"
source = "b[*].c"
target = "list"
default = "none"
[[inbound]]
action = "array_map"
source = "a.b"
target = "x.z"
mappings = [{ compare = 1, value = "one" }, { compare = "true", value = 2 }]
[[inbound]]
action = "range_map"
source = "c"
target = "f[id=4].v"
ranges = [{ compare = 10, value = "low" }, { compare = 20, value = 3 }]
[[inbound]]
action = "date_convert"
source = "a"
target = "when"
input_format = "YYYY-MM-DD"
output_format = "X"
timezone_in = "America/New_York"
[[inbound]]
action = "concat"
target = "joined"
parts = [{ type = "field", value = "a" }, { type = "static", value = "-" }, { type = "field", value = "custom_fields.b" }]
[[inbound]]
action = "set_static"
target = "x"
value = { y = 1 }
"#;

proptest! {
    #[test]
    fn a_path_reads_back_what_it_wrote(path in target(), value in json()) {
        prop_assume!(!value.is_null());
        // What is written right at a selector, or onto the member it selects by, replaces what it selects by.
        let replaces = path.segments().iter().zip(path.segments().iter().skip(1).map(Some).chain([None]));
        let replaces = replaces.into_iter().any(|(segment, next)| match (segment, next) {
            (Segment::Select { key, .. }, Some(Segment::Key(next))) => key == next,
            (Segment::Select { .. }, None) => true,
            _ => false,
        });
        prop_assume!(!replaces);
        let mut root = Map::new();
        if path.write(&mut root, value.clone()).is_ok() {
            let root = Value::Object(root);
            let read = path.read(&root).map(std::borrow::Cow::into_owned);
            prop_assert_eq!(read, Some(value));
        } else {
            // Only an array step on the object that a selector has just made can fail in an empty output.
            let fails = path.segments().windows(2).any(|pair| {
                matches!(pair, [Segment::Select { .. }, Segment::Index(_) | Segment::Select { .. }])
            });
            prop_assert!(fails, "{}", path);
        }
    }

    #[test]
    fn a_paths_text_parses_to_the_same_path(path in target()) {
        let text = path.to_string();
        let parsed = Path::parse(&text);
        prop_assert_eq!(parsed.as_ref(), Ok(&path), "{}", text);
    }

    #[test]
    fn any_text_is_a_path_or_an_error(text in "\\PC{0,30}") {
        if let Ok(path) = Path::parse(&text) {
            prop_assert_eq!(Path::parse(path.text()).unwrap(), path);
        }
    }

    #[test]
    fn writing_what_was_flattened_makes_the_same_output(
        members in prop::collection::vec((key(), json()), 0..5)
    ) {
        let output: Map<String, Value> = members.into_iter().collect();
        let mut again = Map::new();
        for (path, value) in flatten(&output) {
            Path::parse(&path).unwrap().write(&mut again, value).unwrap();
        }
        prop_assert_eq!(again, output);
    }

    #[test]
    fn any_text_is_a_mapping_or_problems(text in "\\PC{0,200}") {
        for name in ["m.toml", "m.json"] {
            if let Err(problems) = Mapping::parse(&text, name, None) {
                prop_assert!(!problems.is_empty());
            }
        }
    }

    #[test]
    fn mutilated_mappings_are_read_or_refused(
        at in 0_usize..RULES.len(),
        length in 0_usize..20,
        put in "[\\[\\]\"'={},.a-z0-9\n]{0,6}",
    ) {
        let end = (at + length).min(RULES.len());
        let text = format!("{}{put}{}", &RULES[..at], &RULES[end..]);
        if let Err(problems) = Mapping::parse(&text, "m.toml", None) {
            prop_assert!(!problems.is_empty());
            let placed = |problem: &fieldbridge::mapping::Problem| {
                problem.position.line >= 1 && problem.position.column >= 1
            };
            prop_assert!(problems.iter().all(placed));
        }
    }

    #[test]
    fn any_date_and_format_converts_or_fails(
        text in "\\PC{0,20}",
        input in "[YMDdHhmsSAaZXx\\[\\] :/-]{0,12}",
        output in "\\PC{0,12}",
    ) {
        let _ = date::convert(&text, (&input, &output), ("UTC", "America/New_York"));
        let _ = date::add_day(&text, &input);
    }

    #[test]
    fn a_written_moment_reads_back(seconds in -60_000_000_000_i64..250_000_000_000) {
        let format = "YYYY-MM-DDTHH:mm:ssZ";
        let zones = ("UTC", "+09:30");
        let written = date::convert(&seconds.to_string(), ("X", format), zones).unwrap();
        let read = date::convert(&written, (format, "X"), zones).unwrap();
        prop_assert_eq!(read, seconds.to_string());
    }
}

#[test]
fn declarative_rules_never_panic_and_give_the_same_result_twice() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::at("/nonexistent"));
    let mapping = Mapping::parse(RULES, "m.toml", None).unwrap();
    let kinds = [
        FieldKind::Text,
        FieldKind::Integer,
        FieldKind::Number,
        FieldKind::Boolean,
        FieldKind::DateTime,
        FieldKind::Object,
        FieldKind::List,
        FieldKind::Any,
    ];
    proptest!(|(input in json(), first in 0_usize..8, second in 0_usize..8)| {
        let target = Catalogue {
            fields: vec![
                Field::new("x.y", "Y", kinds[first]).required(),
                Field::new("list", "List", kinds[second]),
            ],
            read_at: Timestamp::UNIX_EPOCH,
        };
        let request = Evaluate {
            direction: Direction::Inbound,
            event: None,
            input: &input,
            target: Some(&target),
            require: Required::All,
        };
        let one = runtime.block_on(evaluator.evaluate(&mapping, request));
        let two = runtime.block_on(evaluator.evaluate(&mapping, request));
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(one.problems.is_empty(), one.failure().is_none());
    });
}

#[test]
fn the_last_rule_that_has_something_to_say_wins() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let evaluator = Evaluator::new(Limits::default(), WorkerProgram::at("/nonexistent"));
    // A rule writes its own number to one of three targets, copies a field that may be empty, or falls back on
    // its number.
    let rule = (0_usize..3, 0_usize..3, 0_usize..4);
    let values = prop::collection::vec(prop::option::of(0_u32..9), 4);
    proptest!(|(rules in prop::collection::vec(rule, 1..12), values in values)| {
        let mut text = String::new();
        let mut expected: Map<String, Value> = Map::new();
        for (number, (kind, target, source)) in rules.iter().enumerate() {
            let own = 100 + number;
            text += &format!("[[inbound]]\ntarget = \"t{target}\"\n");
            text += &match kind {
                0 => format!("action = \"set_static\"\nvalue = {own}\n"),
                1 => format!("action = \"sync\"\nsource = \"s{source}\"\n"),
                _ => format!("action = \"sync\"\nsource = \"s{source}\"\ndefault = {own}\n"),
            };
            let read = values[*source].map(Value::from);
            let made = match kind {
                0 => Some(own.into()),
                1 => read,
                _ => Some(read.unwrap_or_else(|| own.into())),
            };
            if let Some(made) = made {
                expected.insert(format!("t{target}"), made);
            }
        }
        let mapping = Mapping::parse(&text, "m.toml", None).unwrap();
        let fields = values.iter().enumerate().map(|(index, value)| {
            (format!("s{index}"), value.map_or(Value::Null, Value::from))
        });
        let input = Value::Object(fields.collect());
        let request = Evaluate {
            direction: Direction::Inbound,
            event: None,
            input: &input,
            target: None,
            require: Required::None,
        };
        let done = runtime.block_on(evaluator.evaluate(&mapping, request));
        prop_assert_eq!(&done.problems, &[]);
        prop_assert_eq!(Value::Object(done.output), Value::Object(expected));
    });
}

#[test]
fn the_hosted_form_of_a_mapping_means_the_same() {
    let mapping = Mapping::parse(RULES, "m.toml", None).unwrap();
    let hosted = to_hosted_json(&mapping);
    let text = from_hosted_json(&hosted.json.to_string(), "export.json").unwrap();
    let again = Mapping::parse(&text, "m.toml", None).unwrap();
    assert_eq!(to_hosted_json(&again), hosted);
}
