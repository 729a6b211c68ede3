use serde_json::Value;

use crate::mapping::Mapping;
use crate::mapping::rule::Action;
use crate::model::{Direction, EventName};

fn problems(text: &str) -> Vec<String> {
    let result = Mapping::parse(text, "cw.toml", None);
    result
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let text = r#"
[[inbound]]
sorce = "summary"
target = "title"
action = "sync"

[[inbound]]
source = "a["
target = "b[*].c"
action = "sync"

[[inbound]]
action = "snyc"

[[inbound]]
source = "dateEntered"
target = "x"
action = "date_convert"
input_format = "YYYY-Qo"
output_format = "YYYY"
timezone_in = "America/NewYork"
ranges = []

[[outbound]]
target = "status"
action = "array_map"
source = "status.name"
events = ["FN_WO_ASIGNED"]
mappings = [{ compare = "a", vale = "b" }]
"#;
    let found = problems(text);
    let expected = [
        "cw.toml:2:1: rule 1 has no `source`",
        "cw.toml:3:1: `sorce` is no key of a rule (did you mean `source`?)",
        "cw.toml:8:10: `a[` is no path",
        "cw.toml:9:10: `b[*].c` can't be a target",
        "cw.toml:13:10: `snyc` is no action (did you mean `sync`?)",
        "cw.toml:19:16: `input_format`: `Q`",
        "cw.toml:21:15: `timezone_in`: `America/NewYork` is no time zone (did you mean `America/New_York`?)",
        "cw.toml:22:1: `ranges` means nothing to the action `date_convert`",
        "cw.toml:28:11: `FN_WO_ASIGNED` is no Field Nation event (did you mean `FN_WO_ASSIGNED`?)",
        "cw.toml:29:13: this element of `mappings` has no `value`",
        "cw.toml:29:30: `vale` is not known in `mappings` (did you mean `value`?)",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn broken_toml_and_json_say_where() {
    assert!(problems("[[inbound]]\nsource = \n")[0].starts_with("cw.toml:2:"));
    let json =
        Mapping::parse("{\"inbound\": [\n {\"source\" \"x\"}]}", "cw.json", None).unwrap_err();
    assert_eq!(json[0].position.line, 2);
    assert!(problems("[inbound]\nsource = 1")[0].contains("must be a list"));
    assert!(problems("inbund = []")[0].contains("did you mean `inbound`"));
}

#[test]
fn rules_of_every_action_are_read() {
    let text = r#"
[[inbound]]
source = "summary"
target = "workorder.title"
action = "sync"
default = "Untitled"
note = "the dispatcher wants it"

[[inbound]]
target = "manager.id"
action = "set_static"
value = 12

[[outbound]]
source = "workorder.time_logs.hours"
target = "bucket"
action = "range_map"
ranges = [{ compare = 0.5, value = "short" }, { compare = "1", value = "long" }]

[[outbound]]
target = "name"
action = "concat"
parts = [{ type = "field", value = "assignee.user.first_name" }, { type = "static", value = " " }]
events = ["FN_WO_ASSIGNED"]

[[outbound]]
action = "custom"
when = "$.input.id > 1"
script = '''
{ a: 1 }
'''
"#;
    let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
    let inbound = mapping.rules(Direction::Inbound);
    assert_eq!(inbound[0].target.as_ref().unwrap().to_string(), "title");
    assert_eq!((inbound[0].line, inbound[1].line), (2, 9));
    let outbound = mapping.rules(Direction::Outbound);
    assert!(
        matches!(&outbound[0].action, Action::RangeMap { ranges, .. } if ranges[1].compare > 0.9)
    );
    assert!(outbound[2].target.is_none() && outbound[2].when.is_some());
    assert!(mapping.listens_to(EventName::Paid));

    let other = Mapping::parse(&text.replace("Untitled", "None"), "cw.toml", None).unwrap();
    assert_ne!(mapping.version(), other.version());
    let again = Mapping::from_sources(mapping.sources()).unwrap();
    assert_eq!(mapping.version(), again.version());
}

#[test]
fn a_mapping_listens_only_to_the_events_of_its_rules() {
    let text = "[[outbound]]\ntarget = \"a\"\naction = \"set_static\"\nvalue = 1\nevents = \"FN_WO_DONE\"\n";
    let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
    assert!(mapping.listens_to(EventName::Done));
    assert!(!mapping.listens_to(EventName::Paid));
}

#[test]
fn places_in_a_script_are_places_in_the_file() {
    let text =
        "[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = '''\nlocal x = 1;\n  x\n'''\n";
    let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
    let Action::Custom { script } = &mapping.rules(Direction::Inbound)[0].action else {
        panic!("not custom")
    };
    let position = script.origin.locate(2, 3);
    assert_eq!((position.line, position.column), (6, 3));
    let text = "[[inbound]]\naction = \"custom\"\ntarget = \"a\"\nscript = \"$.x\"\n";
    let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
    let Action::Custom { script } = &mapping.rules(Direction::Inbound)[0].action else {
        panic!("not custom")
    };
    assert_eq!(script.origin.locate(1, 3).column, 13);
}

#[test]
fn a_value_is_any_json_or_toml_value() {
    let text = "[[inbound]]\naction = \"set_static\"\ntarget = \"a\"\nvalue = { b = [1, 2.5, true], c = 2025-01-01 }\n";
    let mapping = Mapping::parse(text, "cw.toml", None).unwrap();
    let Action::SetStatic { value } = &mapping.rules(Direction::Inbound)[0].action else {
        panic!("not static")
    };
    assert_eq!(
        *value,
        serde_json::json!({"b": [1, 2.5, true], "c": "2025-01-01"})
    );
    assert!(matches!(value, Value::Object(_)));
}
