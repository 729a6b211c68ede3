use super::*;
use crate::model::{FieldKind, PicklistValue, Timestamp};

fn catalogue(fields: Vec<Field>) -> Catalogue {
    Catalogue {
        fields,
        read_at: Timestamp::UNIX_EPOCH,
    }
}

async fn found(text: &str, source: Vec<Field>, target: Vec<Field>) -> Vec<String> {
    let mapping = Mapping::parse(text, "m.toml", None).unwrap();
    let (source, target) = (catalogue(source), catalogue(target));
    let problems = check(
        &mapping,
        Direction::Inbound,
        Some(&source),
        Some(&target),
        None,
    )
    .await;
    problems.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_does_not_fit_the_fields_is_told() {
    let mut priority = Field::new("priority", "Priority", FieldKind::Text);
    priority.picklist = vec![PicklistValue {
        value: "High".into(),
        label: "High".into(),
    }];
    let text = r#"
[[inbound]]
action = "sync"
source = "sumary"
target = "title"

[[inbound]]
action = "array_map"
source = "summary"
target = "priority"
mappings = [{ compare = 1, value = "Hgih" }, { compare = "1", value = "High" }]

[[inbound]]
action = "set_static"
target = "id"
value = 1

[[inbound]]
action = "range_map"
source = "contacts[0].age"
target = "titel"
ranges = [{ compare = 4, value = 1 }, { compare = 2, value = 1 }]

[[inbound]]
action = "set_static"
target = "title"
value = "x"
"#;
    let source = vec![
        Field::new("summary", "Summary", FieldKind::Text),
        Field::new("contacts[*].age", "Age", FieldKind::Number),
    ];
    let target = vec![
        Field::new("title", "Title", FieldKind::Text).required(),
        priority,
        Field::new("id", "Id", FieldKind::Integer).read_only(),
        Field::new("location.city", "City", FieldKind::Text).required(),
    ];
    let found = found(text, source, target).await;
    let expected = [
        "m.toml:2:1: no rule makes `location.city` (City), which is required; add a rule with the target `location.city`",
        "m.toml:4:10: rule 1: the source field `sumary` is not known (did you mean `summary`?)",
        "m.toml:11:36: rule 2: for `priority`, \"Hgih\" is none of the allowed values (did you mean `High`?); allowed are `High`",
        "m.toml:11:58: rule 2: entry 2 compares with \"1\" as entry 1 does",
        "m.toml:15:10: rule 3: the target field `id` can't be written",
        "m.toml:21:10: rule 4: the target field `titel` is not known (did you mean `title`?)",
        "m.toml:22:51: rule 4: range 2 is never reached",
        "m.toml:26:10: rules 1 and 5 both write `title`",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[tokio::test]
async fn parts_of_known_containers_are_known() {
    let text = "[[inbound]]\naction = \"sync\"\nsource = \"company.name\"\ntarget = \"custom_fields.Site\"\n";
    let source = vec![Field::new("company", "Company", FieldKind::Object)];
    let target = vec![Field::new(
        "custom_fields",
        "Custom fields",
        FieldKind::Object,
    )];
    assert_eq!(found(text, source, target).await, Vec::<String>::new());
}

fn picklist(path: &str, kind: FieldKind, values: &[(&str, &str)]) -> Field {
    let mut field = Field::new(path, path, kind);
    field.picklist = values
        .iter()
        .map(|(value, label)| PicklistValue {
            value: (*value).to_owned(),
            label: (*label).to_owned(),
        })
        .collect();
    field
}

#[tokio::test]
async fn kinds_that_can_not_be_copied_are_told_at_the_source() {
    let kinds = [
        ("opened", FieldKind::DateTime),
        ("company", FieldKind::Object),
        ("is_urgent", FieldKind::Boolean),
        ("title", FieldKind::Text),
        ("tags", FieldKind::List),
        ("hours", FieldKind::Number),
    ];
    let rules = [
        (
            "opened",
            "count",
            "a date with time, and the target `count` takes a whole number; use `date_convert`",
        ),
        (
            "company",
            "name",
            "an object, and the target `name` takes a text; name the member",
        ),
        (
            "is_urgent",
            "count",
            "true or false, and the target `count` takes a whole number; use `array_map`",
        ),
        (
            "tags",
            "name",
            "a list, and the target `name` takes a text; name one element",
        ),
        (
            "tags[*].label",
            "name",
            "a list, and the target `name` takes a text",
        ),
        (
            "title",
            "site",
            "a text, and the target `site` takes an object; name the field inside",
        ),
        ("hours", "name", ""),
        ("title", "count", ""),
        ("title", "due", ""),
        ("opened", "due", ""),
    ];
    for (from, to, said) in rules {
        let text =
            format!("[[inbound]]\naction = \"sync\"\nsource = \"{from}\"\ntarget = \"{to}\"\n");
        let mut source = kinds
            .map(|(path, kind)| Field::new(path, path, kind))
            .to_vec();
        source.push(Field::new("tags[*].label", "Label", FieldKind::Text));
        let target = vec![
            Field::new("count", "Count", FieldKind::Integer),
            Field::new("name", "Name", FieldKind::Text),
            Field::new("site", "Site", FieldKind::Object),
            Field::new("due", "Due", FieldKind::DateTime),
        ];
        let found = found(&text, source, target).await;
        if said.is_empty() {
            assert_eq!(found, Vec::<String>::new());
            continue;
        }
        assert_eq!(found.len(), 1, "{found:?}");
        let expected = format!("m.toml:3:10: rule 1: `{from}` is {said}");
        assert!(found[0].starts_with(&expected), "{}\n{expected}", found[0]);
    }
}

#[tokio::test]
async fn values_are_held_against_the_picklists_of_both_sides() {
    let text = r#"[[inbound]]
action = "array_map"
source = "status.name"
target = "state"
default = "Opne"
mappings = [
  { compare = "Nwe", value = "1" },
  { compare = "Work Done", value = "Closed" },
  { compare = "done", value = 2 },
]

[[inbound]]
action = "array_map"
source = "is_urgent"
target = "note"
mappings = [{ compare = "true", value = "far too long" }]

[[inbound]]
action = "sync"
source = "status.name"
target = "stage"

[[inbound]]
action = "concat"
target = "text"
parts = [{ type = "static", value = "a" }, { type = "field", value = "statsu.name" }]
"#;
    let mut note = Field::new("note", "Note", FieldKind::Text);
    note.max_length = Some(5);
    let source = vec![
        picklist(
            "status.name",
            FieldKind::Text,
            &[("new", "Newly made"), ("done", "Work Done")],
        ),
        Field::new("is_urgent", "Urgent", FieldKind::Boolean),
    ];
    let target = vec![
        picklist(
            "state",
            FieldKind::Integer,
            &[("1", "Open"), ("2", "Closed")],
        ),
        picklist("stage", FieldKind::Text, &[("new", "New")]),
        note,
        Field::new("text", "Text", FieldKind::Text),
    ];
    let found = found(text, source, target).await;
    let expected = [
        "m.toml:5:11: rule 1: for `state`, \"Opne\" is a text, and the target takes a whole number",
        "m.toml:7:15: rule 1: \"Nwe\" is none of the values of `status.name` (did you mean `new`?); its values are `new` (Newly made), `done` (Work Done)",
        "m.toml:8:15: rule 1: \"Work Done\" is a label of `status.name` and none of its values; compare with the value `done`",
        "m.toml:8:36: rule 1: for `state`, \"Closed\" is a text, and the target takes a whole number",
        "m.toml:16:25: rule 2: `is_urgent` is true or false and never equals \"true\"; write true or false, without quotes",
        "m.toml:16:41: rule 2: for `note`, the text has 12 characters, and 5 are allowed; shorten it",
        "m.toml:20:10: rule 3: `status.name` may be `done`, which `stage` does not allow; use `array_map`; allowed are `new` (New)",
        "m.toml:26:70: rule 4: the source field `statsu.name` is not known (did you mean `status.name`?)",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[tokio::test]
async fn actions_are_given_what_they_can_work_on() {
    for (rule, said) in [
        (
            "action = \"range_map\"\nsource = \"opened\"\nranges = [{ compare = 1, value = \"a\" }]",
            "`opened` is a date with time, which lies in no range",
        ),
        (
            "action = \"date_convert\"\nsource = \"company\"\ninput_format = \"X\"\noutput_format = \"X\"",
            "`company` is an object, and no date; name the member",
        ),
        (
            "action = \"array_map\"\nsource = \"company\"\nmappings = [{ compare = 1, value = \"a\" }]",
            "`company` is an object, which equals no entry",
        ),
    ] {
        let text = format!("[[inbound]]\ntarget = \"name\"\n{rule}\n");
        let source = vec![
            Field::new("opened", "Opened", FieldKind::DateTime),
            Field::new("company", "Company", FieldKind::Object),
        ];
        let target = vec![Field::new("name", "Name", FieldKind::Text)];
        let found = found(&text, source, target).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("m.toml:4:10: rule 1: {said}")),
            "{}",
            found[0]
        );
    }
}
