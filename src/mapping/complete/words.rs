//! The words of mapping files: keys, actions, events, formats, zones.

use super::place::Slot;
use super::{Candidate, Writing};
use crate::mapping::compile::{ActionKind, COMMON_KEYS};
use crate::mapping::date::zone_names;
use crate::model::{Direction, EventName};

pub(super) fn headers() -> Vec<Candidate> {
    vec![
        Candidate::new("[[inbound]]", "a rule from the platform to Field Nation"),
        Candidate::new("[[outbound]]", "a rule from Field Nation to the platform"),
    ]
}

pub(super) fn actions() -> Vec<Candidate> {
    let what = |kind| match kind {
        ActionKind::Sync => "copies the source",
        ActionKind::SetStatic => "writes a fixed value",
        ActionKind::ArrayMap => "looks the source up in a list",
        ActionKind::RangeMap => "finds the range that the source lies in",
        ActionKind::DateConvert => "writes a date another way",
        ActionKind::Concat => "joins fields and texts",
        ActionKind::Custom => "evaluates Jsonnet",
    };
    ActionKind::ALL
        .into_iter()
        .map(|kind| Candidate::new(kind.word(), what(kind)))
        .collect()
}

/// The keys that can be added to a rule, or to an element of one of its lists.
pub(super) fn keys(
    action: Option<&str>,
    list: Option<&str>,
    direction: Direction,
    taken: &[&str],
) -> Vec<Candidate> {
    let known: Vec<&str> = match list {
        Some("parts") => vec!["type", "value"],
        Some(_) => vec!["compare", "value"],
        None => own_keys(action),
    };
    let has_script = taken.contains(&"script") || taken.contains(&"script_file");
    let is_fit = |key: &&str| {
        let is_second_script = has_script && key.starts_with("script");
        let is_foreign = *key == "events" && direction == Direction::Inbound;
        !taken.contains(key) && !is_second_script && !is_foreign
    };
    known
        .into_iter()
        .filter(is_fit)
        .map(|key| Candidate::new(key, key_meaning(key)))
        .collect()
}

/// The keys of an action, those it can't do without first; without an action, those of all.
fn own_keys(action: Option<&str>) -> Vec<&'static str> {
    let kinds = match action.and_then(ActionKind::named) {
        Some(kind) => vec![kind],
        None => ActionKind::ALL.to_vec(),
    };
    let mut keys: Vec<&str> = vec!["action"];
    let special = kinds.into_iter().flat_map(ActionKind::keys).copied();
    let (later, first): (Vec<&str>, Vec<&str>) = special.partition(|key| {
        matches!(
            *key,
            "default" | "no_match" | "timezone_in" | "timezone_out"
        )
    });
    for key in first
        .into_iter()
        .chain(["target"])
        .chain(later)
        .chain(COMMON_KEYS)
    {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn key_meaning(key: &str) -> &'static str {
    match key {
        "action" => "what the rule does",
        "source" => "the field that is read",
        "target" => "the field that is written",
        "value" => "what is written",
        "compare" => "what the source must equal, or the end of the range",
        "mappings" => "the values with what they become",
        "ranges" => "the ends of the ranges with what they become",
        "parts" => "the fields and texts that are joined",
        "type" => "field or static",
        "default" => "what is written when the source is empty",
        "no_match" => "what happens when no entry fits",
        "input_format" => "how the source writes its date",
        "output_format" => "how the target wants it",
        "timezone_in" => "the zone of a source that says none",
        "timezone_out" => "the zone of the target",
        "script" => "Jsonnet",
        "script_file" => "Jsonnet in a file beside the mapping",
        "events" => "the events for which the rule holds; without it, all",
        "when" => "the condition on which the rule holds, in Jsonnet",
        "note" => "why the rule is there",
        _ => "",
    }
}

/// A new element of a list of tables.
pub(super) fn elements(list: &str) -> Vec<Candidate> {
    match list {
        "parts" => vec![
            Candidate::new("{ type = \"field\", value = \"\" },", "a field's text"),
            Candidate::new("{ type = \"static\", value = \"\" },", "fixed text"),
        ],
        "ranges" => vec![Candidate::new("{ compare = 1, value = \"\" },", "a range")],
        _ => vec![Candidate::new(
            "{ compare = \"\", value = \"\" },",
            "an entry",
        )],
    }
}

pub(super) fn events() -> Vec<Candidate> {
    EventName::ALL
        .iter()
        .map(|event| Candidate {
            also: event.webhook_name().to_owned(),
            ..Candidate::new(event.as_str(), event.webhook_name())
        })
        .collect()
}

pub(super) fn no_match() -> Vec<Candidate> {
    vec![
        Candidate::new("default", "the default, or else the target stays unset"),
        Candidate::new("error", "the record is not delivered"),
    ]
}

pub(super) fn part_types() -> Vec<Candidate> {
    vec![
        Candidate::new("field", "a field's text"),
        Candidate::new("static", "fixed text"),
    ]
}

pub(super) fn booleans() -> Vec<Candidate> {
    ["true", "false"]
        .map(|word| Candidate {
            writing: Writing::Bare,
            ..Candidate::new(word, "")
        })
        .to_vec()
}

/// The zones that most work orders are in.
const COMMON_ZONES: [&str; 8] = [
    "UTC",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
];

pub(super) fn zones() -> Vec<Candidate> {
    let rest = zone_names().filter(|(name, _)| !COMMON_ZONES.contains(&name.as_str()));
    let rest = rest.map(|(name, stands_for)| {
        let detail = stands_for.map(|iana| format!("Windows' name of {iana}"));
        Candidate::new(name, detail.unwrap_or_default())
    });
    COMMON_ZONES
        .map(|zone| Candidate::new(zone, ""))
        .into_iter()
        .chain(rest)
        .collect()
}

const FORMATS: [(&str, &str); 9] = [
    (
        "YYYY-MM-DD HH:mm:ss",
        "2025-01-20 09:05:00, as Field Nation writes UTC",
    ),
    ("YYYY-MM-DDTHH:mm:ssZ", "2025-01-20T09:05:00+00:00"),
    ("YYYY-MM-DDTHH:mm:ss[Z]", "2025-01-20T09:05:00Z"),
    ("YYYY-MM-DD", "2025-01-20"),
    ("MM/DD/YYYY", "01/20/2025"),
    ("MM/DD/YYYY h:mm:ss A", "01/20/2025 9:05:00 AM"),
    ("h:mm A", "9:05 AM"),
    ("X", "seconds since 1970"),
    ("x", "milliseconds since 1970"),
];

const TOKENS: [(&str, &str); 30] = [
    ("YYYY", "year: 2025"),
    ("YY", "year: 25"),
    ("MM", "month: 01"),
    ("M", "month: 1"),
    ("MMM", "month: Jan"),
    ("MMMM", "month: January"),
    ("DD", "day: 05"),
    ("D", "day: 5"),
    ("Do", "day: 5th"),
    ("DDD", "day of the year: 5"),
    ("DDDD", "day of the year: 005"),
    ("ddd", "weekday: Mon"),
    ("dddd", "weekday: Monday"),
    ("HH", "hour of 24: 09"),
    ("H", "hour of 24: 9"),
    ("hh", "hour of 12: 09"),
    ("h", "hour of 12: 9"),
    ("mm", "minute: 05"),
    ("m", "minute: 5"),
    ("ss", "second: 07"),
    ("s", "second: 7"),
    ("SSS", "milliseconds: 250"),
    ("A", "AM or PM"),
    ("a", "am or pm"),
    ("Z", "offset: +01:00"),
    ("ZZ", "offset: +0100"),
    ("z", "zone: EST"),
    ("X", "seconds since 1970"),
    ("x", "milliseconds since 1970"),
    ("[ ]", "text in brackets stands for itself"),
];

/// Whole formats that begin as typed, then tokens in place of the run of letters before the cursor.
pub(super) fn formats(slot: &Slot) -> Vec<Candidate> {
    let typed = slot.typed.as_str();
    let whole = FORMATS
        .into_iter()
        .filter(|(format, _)| slot.behind.is_empty() && format.starts_with(typed))
        .map(|(format, example)| Candidate::new(format, example));
    let run_start = typed.chars().last().map_or(0, |last| {
        let before = typed.trim_end_matches(last);
        if last.is_ascii_alphabetic() {
            before.len()
        } else {
            typed.len()
        }
    });
    let (before, run) = typed.split_at_checked(run_start).unwrap_or((typed, ""));
    let tokens = TOKENS
        .into_iter()
        .filter(|(token, _)| token.starts_with(run))
        .map(|(token, meaning)| Candidate {
            text: format!("{before}{token}{}", slot.behind),
            ..Candidate::new(token, meaning)
        });
    whole.chain(tokens).collect()
}
