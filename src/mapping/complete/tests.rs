use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Field, FieldKind, PicklistValue, Timestamp};

fn catalogue(fields: Vec<Field>) -> Catalogue {
    Catalogue {
        fields,
        read_at: Timestamp::UNIX_EPOCH,
    }
}

fn picklist(mut field: Field, values: &[(&str, &str)]) -> Field {
    field.picklist = values
        .iter()
        .map(|(value, label)| PicklistValue {
            value: (*value).to_owned(),
            label: (*label).to_owned(),
        })
        .collect();
    field
}

fn source() -> Catalogue {
    catalogue(vec![
        Field::new("summary", "Summary", FieldKind::Text),
        picklist(
            Field::new("status.name", "Status", FieldKind::Text),
            &[("New", "New"), ("Closed", "Closed")],
        ),
        Field::new("custom_field_12", "Rack", FieldKind::Text),
    ])
}

fn target() -> Catalogue {
    catalogue(vec![
        Field::new("notes", "Notes", FieldKind::Text),
        Field::new("id", "Id", FieldKind::Integer).read_only(),
        Field::new("title", "Title", FieldKind::Text).required(),
        picklist(
            Field::new("priority", "Priority", FieldKind::Integer),
            &[("1", "Low"), ("2", "High")],
        ),
        Field::new("is_urgent", "Urgent", FieldKind::Boolean),
    ])
}

fn sample() -> Value {
    json!({
        "summary": "Printer broken",
        "status": {"name": "Closed"},
        "odd key": {"x": 1},
        "contacts": [{"email": "a@example.com"}],
        "customFields": [{"id": 4, "caption": "Site code", "value": "S-9"}],
    })
}

/// Completes at `|`, and tells what the text becomes with each offer.
fn completed(text: &str) -> (String, Completions) {
    let cursor = text.find('|').expect("a place is marked");
    let text = text.replacen('|', "", 1);
    let (source, target, sample) = (source(), target(), sample());
    let completions = complete(&Completing {
        text: &text,
        cursor,
        direction: Direction::Inbound,
        source: Some(&source),
        target: Some(&target),
        sample: Some(&sample),
    });
    (text, completions)
}

fn labels(text: &str) -> Vec<String> {
    let (_, completions) = completed(text);
    completions
        .offered
        .into_iter()
        .map(|offer| offer.label)
        .collect()
}

fn first(text: &str) -> String {
    let (mut text, completions) = completed(text);
    let offer = completions.offered.first().expect("something is offered");
    text.replace_range(completions.replaces, &offer.text);
    text
}

#[test]
fn keys_are_those_that_the_action_takes_and_that_are_missing() {
    assert_eq!(
        labels("[[inbound]]\naction = \"sync\"\nsource = \"a\"\n|"),
        ["target", "default", "when", "note"]
    );
    assert_eq!(
        labels("[[outbound]]\naction = \"array_map\"\n|\n"),
        [
            "source", "mappings", "target", "default", "no_match", "events", "when", "note"
        ]
    );
    assert_eq!(first("[[inbound]]\nact|"), "[[inbound]]\naction = ");
    assert_eq!(
        first("[[inbound]]\ntar| = \"x\""),
        "[[inbound]]\ntarget = \"x\""
    );
    assert_eq!(
        labels("[[inbound]]\naction = \"concat\"\nparts = [{ type = \"field\", | }]"),
        ["value"]
    );
    assert_eq!(
        labels("[[inbound]]\naction = \"array_map\"\n[[inbound.mappings]]\n|"),
        ["compare", "value"]
    );
    assert_eq!(first("|"), "action = ");
    assert_eq!(first("[[inb|"), "[[inbound]]");
}

#[test]
fn fields_of_both_sides_are_offered() {
    assert_eq!(
        labels("[[inbound]]\nsource = \"|\""),
        [
            "summary",
            "status.name",
            "custom_field_12",
            "odd key.x",
            "contacts[0].email",
            "contacts[*].email",
            "customFields[caption=\"Site code\"].id",
            "customFields[caption=\"Site code\"].caption",
            "customFields[caption=\"Site code\"].value",
            "customFields[*].id",
            "customFields[*].caption",
            "customFields[*].value",
        ]
    );
    assert_eq!(
        labels("[[inbound]]\ntarget = \"|"),
        ["title", "notes", "priority", "is_urgent"]
    );
    assert_eq!(
        first("[[inbound]]\nsource = site|\n"),
        "[[inbound]]\nsource = 'customFields[caption=\"Site code\"].id'\n"
    );
    let (_, completions) = completed("[[inbound]]\nsource = 'summ|'");
    assert_eq!(completions.offered[0].text, "'summary'");
    assert_eq!(
        completions.offered[0].detail,
        "text · Summary · \"Printer broken\""
    );
}

#[test]
fn values_are_those_that_the_field_allows() {
    let rule = |rest: &str| {
        format!(
            "[[inbound]]\naction = \"array_map\"\nsource = \"status.name\"\ntarget = \"priority\"\n{rest}"
        )
    };
    assert_eq!(labels(&rule("default = |")), ["1", "2"]);
    assert_eq!(first(&rule("default = hi|")), rule("default = 2"));
    assert_eq!(first(&rule("default = \"hi|\"")), rule("default = \"2\""));
    assert_eq!(
        labels(&rule("mappings = [\n  { compare = |")),
        ["Closed", "New"]
    );
    assert_eq!(
        labels(&rule("mappings = [{ compare = \"New\", value = \"|\" }]")),
        ["1", "2"]
    );
    assert_eq!(
        first(&rule("mappings = [\n  |\n]")),
        rule("mappings = [\n  { compare = \"\", value = \"\" },\n]")
    );
    assert_eq!(
        labels("[[inbound]]\naction = \"set_static\"\ntarget = \"is_urgent\"\nvalue = |"),
        ["true", "false"]
    );
}

#[test]
fn words_are_offered_where_they_belong() {
    assert_eq!(
        first("[[inbound]]\naction = \"cust|\""),
        "[[inbound]]\naction = \"custom\""
    );
    assert_eq!(
        first("[[outbound]]\nevents = [\"FN_WO_DONE\", \"assigned|\"]"),
        "[[outbound]]\nevents = [\"FN_WO_DONE\", \"FN_WO_ASSIGNED\"]"
    );
    assert_eq!(
        first("[[inbound]]\ntimezone_in = \"chic|"),
        "[[inbound]]\ntimezone_in = \"America/Chicago\""
    );
    assert_eq!(
        first("[[inbound]]\ntimezone_in = \"Central Standard Time (M|"),
        "[[inbound]]\ntimezone_in = \"Central Standard Time (Mexico)\""
    );
    assert_eq!(
        first("[[inbound]]\ninput_format = \"DD.YYY|\""),
        "[[inbound]]\ninput_format = \"DD.YYYY\""
    );
    assert_eq!(
        labels("[[inbound]]\ninput_format = \"MM/DD|\""),
        ["MM/DD/YYYY", "MM/DD/YYYY h:mm:ss A", "DD", "DDD", "DDDD"]
    );
}

#[test]
fn scripts_know_the_input_and_all_functions() {
    let script = |code: &str| format!("[[inbound]]\nscript = '''\nlocal x = {code}\n'''\n");
    assert_eq!(first(&script("$.input.summ|")), script("$.input.summary"));
    assert_eq!(
        first(&script("$.input.odd|")),
        script("$.input['odd key'].x")
    );
    assert_eq!(first(&script("lookup_f|")), script("$.util.lookup_field("));
    assert_eq!(
        first(&script("$.util.date_con|vert(x)")),
        script("$.util.date_convert(x)")
    );
    assert_eq!(first(&script("std.asciiU|")), script("std.asciiUpper("));
    assert_eq!(
        first(&script("$.util.lookup_field($.input, 'con|')")),
        script("$.util.lookup_field($.input, 'contacts[0].email')")
    );
    assert_eq!(
        first("[[inbound]]\nwhen = '$.input.odd|'"),
        "[[inbound]]\nwhen = '$.input[\"odd key\"].x'"
    );
    assert_eq!(
        first(&script("rack|")),
        script("$.util.lookup_custom_field('12', $.input)")
    );
    for nothing in ["'text |'", "1 // $.in|", "x.foo 1.|"] {
        assert_eq!(labels(&script(nothing)), Vec::<String>::new(), "{nothing}");
    }
    let helpers = labels(&script("$.util.|"));
    assert_eq!(
        helpers
            .iter()
            .filter(|it| it.starts_with("$.util.") && !it.contains('('))
            .count(),
        14
    );
}

#[test]
fn nothing_is_offered_where_nothing_is_known() {
    for text in [
        "[[inbound]] # |",
        "[[inbound]]\nnote = \"|\"",
        "[[inbound]]\naction = \"sync\" |",
        "[[inbound]]\nparts = [{ type = \"static\", value = \"|\" }]",
    ] {
        assert_eq!(labels(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_rule_in_the_middle_of_a_broken_file_is_completed_all_the_same() {
    let text = "[[inbound]]\naction = \"sy\nsource = [\n\n[[inbound]]\naction = \"sync\"\nsource = \"summ|\n\n[[outbound]]\nx";
    assert!(first(text).contains("source = \"summary\"\n\n[[outbound]]"));
}

proptest! {
    #[test]
    fn no_text_and_no_place_is_too_strange(
        text in prop_oneof![
            any::<String>(),
            "([\\[\\]{}=,\"'#\\n $.]|action|source|parts|mappings|compare|script|when|inbound|value|ä){0,40}",
        ],
        cursor in 0_usize..200,
    ) {
        let (source, target, sample) = (source(), target(), sample());
        for direction in Direction::ALL {
            let completions = complete(&Completing {
                text: &text,
                cursor,
                direction,
                source: Some(&source),
                target: Some(&target),
                sample: Some(&sample),
            });
            prop_assert!(text.get(completions.replaces).is_some());
            prop_assert!(completions.offered.len() <= 50);
        }
    }
}
