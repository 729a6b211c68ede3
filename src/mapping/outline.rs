//! A mapping's text as a list of rules, each of which can be replaced, moved, added or taken out as text.
//!
//! Nothing is parsed and written anew: what is not touched stays as it was, byte for byte, comments included.
//! Nothing fails either: a file with mistakes in it is still cut at its `[[inbound]]` and `[[outbound]]` lines.
//!
//! A rule's block begins with the comment lines right above its header and ends with the last line of its keys.
//! Blank lines between blocks, and comments that stand apart, belong to no block: they stay where they are when
//! rules move.

use std::ops::Range;

use super::compile::ActionKind;
use super::sketch::{Pair, Sketch, Within};
use super::tokens::{TokenKind, header, tokens};
use crate::model::Direction;

/// One rule as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// Its direction.
    pub direction: Direction,
    /// Its number among the rules of its direction, from 1.
    pub number: usize,
    /// The bytes of its block, without the end of its last line.
    pub range: Range<usize>,
    /// The line of its header, from 1.
    pub line: usize,
    /// Its action, as written; empty when there is none.
    pub action: String,
    /// What it reads, for a list: a path, the parts, the script's first line, or the fixed value.
    pub source: String,
    /// Its target; empty when there is none.
    pub target: String,
    /// Its condition.
    pub when: Option<String>,
    /// Why it is there.
    pub note: Option<String>,
}

/// The rules of a mapping's text, in the order in which they stand.
#[must_use]
pub fn outline(text: &str) -> Vec<RuleText> {
    let lines = lines(text);
    let mut rules: Vec<RuleText> = Vec::new();
    let mut free_from = 0;
    let headers = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| match line.kind {
            LineKind::Header(direction) => Some((index, direction)),
            _ => None,
        });
    for (index, direction) in headers {
        let above = lines.get(free_from..index).unwrap_or_default().iter().rev();
        let comments = above
            .take_while(|line| line.kind == LineKind::Comment)
            .count();
        let below = lines.get(index + 1..).unwrap_or_default().iter();
        let written = below
            .take_while(|line| !matches!(line.kind, LineKind::Header(_)))
            .zip(1..)
            .filter(|(line, _)| line.kind == LineKind::Content)
            .last()
            .map_or(0, |(_, length)| length);
        let last = index + written;
        let start = lines
            .get(index - comments)
            .map_or(0, |line| line.range.start);
        let end = lines.get(last).map_or(text.len(), |line| line.range.end);
        free_from = last + 1;
        let number = 1 + rules
            .iter()
            .filter(|rule| rule.direction == direction)
            .count();
        let block = text.get(start..end).unwrap_or_default();
        rules.push(described(block, direction, number, start..end, index + 1));
    }
    rules
}

/// Puts another text in a rule's place. An empty one takes the rule out.
#[must_use]
pub fn replace_rule(text: &str, rule: &RuleText, with: &str) -> String {
    let Some((before, block, after)) = parts(text, &rule.range) else {
        return text.to_owned();
    };
    let with = with.trim_end_matches(['\n', '\r']);
    if with.trim().is_empty() {
        return remove_rule(text, rule);
    }
    let line_end = line_end(block).or_else(|| line_end(text)).unwrap_or("\n");
    format!("{before}{}{after}", with_line_ends(with, line_end))
}

/// Adds a rule before the one of this number, or at the end of its direction.
#[must_use]
pub fn insert_rule(text: &str, direction: Direction, before: Option<usize>, block: &str) -> String {
    let line_end = line_end(text).unwrap_or("\n");
    let block = with_line_ends(block.trim_end(), line_end);
    let rules = outline(text);
    let mut mine = rules.iter().filter(|rule| rule.direction == direction);
    let follower = before.and_then(|number| mine.clone().find(|rule| rule.number == number));
    if let Some((above, _, below)) =
        follower.and_then(|rule| parts(text, &(rule.range.start..rule.range.start)))
    {
        return format!("{above}{block}{line_end}{line_end}{below}");
    }
    if let Some(last) = mine.next_back() {
        let next = rules.iter().find(|rule| rule.range.start >= last.range.end);
        let free_until = next.map_or(text.len(), |next| next.range.start);
        let end = end_with_comments(text, last.range.end..free_until);
        let (above, below) = text.split_at_checked(end).unwrap_or((text, ""));
        return format!("{above}{line_end}{line_end}{block}{below}");
    }
    let above = text.trim_end();
    if above.is_empty() {
        return format!("{block}{line_end}");
    }
    format!("{above}{line_end}{line_end}{block}{line_end}")
}

/// Takes a rule out, with the blank lines that parted it from the next.
#[must_use]
pub fn remove_rule(text: &str, rule: &RuleText) -> String {
    let Some((before, _, after)) = parts(text, &rule.range) else {
        return text.to_owned();
    };
    let rest = after.trim_start_matches(['\r', '\n', ' ', '\t']);
    if !rest.is_empty() {
        // The blanks at the beginning of the next line are its own.
        let blanks = after.get(..after.len() - rest.len()).unwrap_or_default();
        let cut = blanks.rfind('\n').map_or(0, |last| last + 1);
        return format!("{before}{}", after.get(cut..).unwrap_or_default());
    }
    let kept = before.trim_end();
    if kept.is_empty() {
        return String::new();
    }
    format!("{kept}{after}")
}

/// Moves a rule to another number of its direction; the rules between move by one.
/// The places stay, and so does everything between them.
#[must_use]
pub fn move_rule(text: &str, direction: Direction, from: usize, to: usize) -> String {
    let mut places: Vec<Range<usize>> = outline(text)
        .into_iter()
        .filter(|rule| rule.direction == direction)
        .map(|rule| rule.range)
        .collect();
    let known = 1..=places.len();
    if from == to || !known.contains(&from) || !known.contains(&to) {
        return text.to_owned();
    }
    let mut blocks: Vec<&str> = places
        .iter()
        .map(|range| text.get(range.clone()).unwrap_or_default())
        .collect();
    let moved = blocks.remove(from - 1);
    blocks.insert(to - 1, moved);
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (place, block) in places.drain(..).zip(blocks) {
        result.push_str(text.get(done..place.start).unwrap_or_default());
        result.push_str(block);
        done = place.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    result
}

/// A rule to begin with: the keys that an action needs, to be filled in.
#[must_use]
pub fn blank_rule(direction: Direction, action: &str) -> String {
    let kind = ActionKind::named(action);
    let word = match kind {
        Some(kind) => kind.word(),
        None => action,
    };
    let needed = match kind {
        Some(ActionKind::Sync) | None => "source = \"\"\ntarget = \"\"\n",
        Some(ActionKind::SetStatic) => "target = \"\"\nvalue = \"\"\n",
        Some(ActionKind::ArrayMap) => {
            "source = \"\"\ntarget = \"\"\nmappings = [\n  { compare = \"\", value = \"\" },\n]\n"
        }
        Some(ActionKind::RangeMap) => {
            "source = \"\"\ntarget = \"\"\nranges = [\n  { compare = 1, value = \"\" },\n]\n"
        }
        Some(ActionKind::DateConvert) => {
            "source = \"\"\ntarget = \"\"\ninput_format = \"YYYY-MM-DD HH:mm:ss\"\noutput_format = \"YYYY-MM-DD HH:mm:ss\"\ntimezone_in = \"UTC\"\ntimezone_out = \"UTC\"\n"
        }
        Some(ActionKind::Concat) => {
            "target = \"\"\nparts = [\n  { type = \"field\", value = \"\" },\n  { type = \"static\", value = \" \" },\n]\n"
        }
        Some(ActionKind::Custom) => {
            "target = \"\"\nscript = '''\n$.util.lookup_field($.input, '')\n'''\n"
        }
    };
    let action = toml_edit::Value::from(word);
    format!("[[{}]]\naction = {action}\n{needed}", direction.word())
}

/// A line, without what ends it.
struct Line {
    range: Range<usize>,
    kind: LineKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    Blank,
    Comment,
    Header(Direction),
    Content,
}

fn lines(text: &str) -> Vec<Line> {
    let mut start = 0;
    let mut lines: Vec<Line> = text
        .split_inclusive('\n')
        .map(|line| {
            let end = start + line.trim_end_matches(['\n', '\r']).len();
            let range = start..end;
            start += line.len();
            Line {
                range,
                kind: LineKind::Blank,
            }
        })
        .collect();
    for token in tokens(text) {
        if token.kind == TokenKind::Break {
            continue;
        }
        let first = lines.partition_point(|line| line.range.start <= token.range.start);
        let end = lines.partition_point(|line| line.range.start < token.range.end);
        let spanned = lines.get_mut(first.saturating_sub(1)..end);
        let Some((line, further)) = spanned.and_then(<[Line]>::split_first_mut) else {
            continue;
        };
        if line.kind == LineKind::Blank {
            let written = text.get(line.range.clone()).unwrap_or_default();
            line.kind = match token.kind {
                TokenKind::Comment => LineKind::Comment,
                TokenKind::Open(_) => header(written).map_or(LineKind::Content, LineKind::Header),
                _ => LineKind::Content,
            };
        }
        for line in further {
            line.kind = LineKind::Content;
        }
    }
    lines
}

fn described(
    block: &str,
    direction: Direction,
    number: usize,
    range: Range<usize>,
    line: usize,
) -> RuleText {
    let sketch = Sketch::of(block);
    let own = |name: &str| sketch.own(name).and_then(|pair| sketch.value_text(pair));
    RuleText {
        direction,
        number,
        range,
        line,
        action: own("action").unwrap_or_default(),
        source: source(&sketch),
        target: own("target").unwrap_or_default(),
        when: own("when"),
        note: own("note"),
    }
}

fn source(sketch: &Sketch<'_>) -> String {
    let own = |name: &str| sketch.own(name).and_then(|pair| sketch.value_text(pair));
    let first_line = |text: String| {
        let mut lines = text.lines().map(str::trim);
        lines
            .find(|line| !line.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    own("source")
        .or_else(|| own("script").map(first_line))
        .or_else(|| own("script_file"))
        .or_else(|| parts_shown(sketch))
        .or_else(|| own("value").map(first_line))
        .unwrap_or_default()
}

/// The parts of a Concat: `first_name + " " + last_name`.
fn parts_shown(sketch: &Sketch<'_>) -> Option<String> {
    let is_part = |pair: &&Pair| {
        let within = pair.within.as_ref();
        pair.name == "value" && within.is_some_and(|within| within.list == "parts")
    };
    let is_static = |within: &Within| {
        let kind = sketch.inside(within, "type");
        kind.and_then(|pair| sketch.value_text(pair)).as_deref() == Some("static")
    };
    let shown: Vec<String> = sketch
        .pairs
        .iter()
        .filter(is_part)
        .filter_map(|pair| {
            let text = sketch.value_text(pair)?;
            Some(if is_static(pair.within.as_ref()?) {
                format!("{text:?}")
            } else {
                text
            })
        })
        .collect();
    (!shown.is_empty()).then(|| shown.join(" + "))
}

/// The text before a range, in it and after it; none when the range is no part of the text.
fn parts<'t>(text: &'t str, range: &Range<usize>) -> Option<(&'t str, &'t str, &'t str)> {
    Some((
        text.get(..range.start)?,
        text.get(range.clone())?,
        text.get(range.end..)?,
    ))
}

/// Where a rule ends with the comment lines right below it; `free` is what lies between it and the next.
fn end_with_comments(text: &str, free: Range<usize>) -> usize {
    let mut end = free.start;
    let mut below = text.get(free).unwrap_or_default().split_inclusive('\n');
    let mut passed = end + below.next().map_or(0, str::len);
    for line in below.take_while(|line| line.trim_start().starts_with('#')) {
        end = passed + line.trim_end_matches(['\n', '\r']).len();
        passed += line.len();
    }
    end
}

/// How a text ends its lines, by its first.
fn line_end(text: &str) -> Option<&'static str> {
    let (line, _) = text.split_once('\n')?;
    Some(if line.ends_with('\r') { "\r\n" } else { "\n" })
}

fn with_line_ends(text: &str, line_end: &str) -> String {
    if text.contains("\r\n") || line_end == "\n" {
        text.to_owned()
    } else {
        text.replace('\n', line_end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "# The file.\n\n# First.\n[[inbound]]\naction = \"sync\"\nsource = \"a.b\"\n\ntarget = 't'\nwhen = \"$.input.x\"\nnote = \"why\"\n# behind\n\n# ── Out ──\n\n[[outbound]]\naction = \"custom\"\ntarget = \"o\"\nscript = '''\n\n[[inbound]]\n# x\n'''\n\n[[inbound]]\naction = \"concat\"\ntarget = \"c\"\n[[inbound.parts]]\ntype = \"static\"\nvalue = \"A \"\n[[inbound.parts]]\ntype = \"field\"\nvalue = \"name\"";

    fn blocks(text: &str) -> Vec<&str> {
        let rules = outline(text);
        rules.iter().map(|rule| &text[rule.range.clone()]).collect()
    }

    #[test]
    fn a_text_is_cut_into_its_rules() {
        let rules = outline(TEXT);
        let told: Vec<_> = rules
            .iter()
            .map(|rule| {
                (
                    rule.direction,
                    rule.number,
                    rule.line,
                    rule.action.as_str(),
                    rule.source.as_str(),
                    rule.target.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Direction::Inbound, 1, 4, "sync", "a.b", "t"),
                (Direction::Outbound, 1, 15, "custom", "[[inbound]]", "o"),
                (Direction::Inbound, 2, 24, "concat", "\"A \" + name", "c"),
            ]
        );
        assert_eq!(rules[0].when.as_deref(), Some("$.input.x"));
        assert_eq!(rules[0].note.as_deref(), Some("why"));
        assert!(blocks(TEXT)[0].starts_with("# First.\n[[inbound]]"));
        assert!(blocks(TEXT)[0].ends_with("note = \"why\""));
        assert!(blocks(TEXT)[2].ends_with("value = \"name\""));
    }

    #[test]
    fn a_broken_text_is_cut_at_its_headers_all_the_same() {
        let text = "[[inbound]]\naction = \"sy\nsource = [\n\n[[inbound]]\nscript = '''\nx\n\n[[outbound]]\nscript = '''\ny\n'''\n";
        let rules = outline(text);
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[0].action, "sy");
        assert_eq!(rules[2].source, "y");
    }

    #[test]
    fn a_rule_can_be_replaced_added_and_taken_out() {
        let text = "[[inbound]]\r\na = 1\r\n\r\n# two\r\n[[inbound]]\r\na = 2\r\n";
        let rules = outline(text);
        let replaced = replace_rule(text, &rules[0], "[[inbound]]\na = 9\n");
        assert_eq!(replaced, text.replace("a = 1", "a = 9"));
        let added = insert_rule(text, Direction::Inbound, Some(2), "[[inbound]]\na = 3\n");
        assert_eq!(
            added,
            text.replace("# two", "[[inbound]]\r\na = 3\r\n\r\n# two")
        );
        assert_eq!(
            remove_rule(text, &rules[0]),
            "# two\r\n[[inbound]]\r\na = 2\r\n"
        );
        assert_eq!(remove_rule(text, &rules[1]), "[[inbound]]\r\na = 1\r\n");
        assert_eq!(
            insert_rule(text, Direction::Outbound, None, "[[outbound]]\nb = 1"),
            format!("{text}\r\n[[outbound]]\r\nb = 1\r\n")
        );
        assert_eq!(
            insert_rule("", Direction::Inbound, None, "[[inbound]]"),
            "[[inbound]]\n"
        );
    }

    #[test]
    fn what_stands_between_rules_stays_when_they_move() {
        let text = "[[inbound]]\na = 1\n\n# ── Apart ──\n\n# own\n[[inbound]]\na = 2\n[[outbound]]\nx = 1\n\n[[inbound]]\na = 3";
        assert_eq!(
            move_rule(text, Direction::Inbound, 3, 1),
            "[[inbound]]\na = 3\n\n# ── Apart ──\n\n[[inbound]]\na = 1\n[[outbound]]\nx = 1\n\n# own\n[[inbound]]\na = 2"
        );
        assert_eq!(move_rule(text, Direction::Inbound, 1, 4), text);
    }

    #[test]
    fn a_blank_rule_has_the_keys_that_its_action_needs() {
        for kind in ActionKind::ALL {
            for direction in Direction::ALL {
                let blank = blank_rule(direction, kind.word());
                let rules = outline(&blank);
                assert_eq!(rules.len(), 1);
                assert_eq!(rules[0].action, kind.word());
                // Filled in, it is a rule.
                let filled = blank.replace("= \"\"", "= \"x\"");
                let parsed = crate::mapping::Mapping::parse(&filled, "m.toml", None);
                assert_eq!(parsed.unwrap().rules(direction).len(), 1, "{filled}");
            }
        }
    }

    fn block() -> impl Strategy<Value = String> {
        let body = prop::sample::select(vec![
            "action = \"sync\"\nsource = \"a\"\ntarget = \"b\"",
            "action = \"custom\"\nscript = '''\n\n# c\n[[outbound]]\n{ a: \"\"\"\" }'''",
            "action = \"set_static\"\n\n# inside\nvalue = \"\"\"\n[[inbound]]\\\"\"\"\n\"\"\"\"",
            "action = \"array_map\"\nmappings = [\n  # why\n\n  { compare = \"[[inbound]]\", value = 1 },\n]",
            "action = \"concat\"\n[[inbound.parts]]\ntype = \"static\"\nvalue = \"ä#\"",
            "a",
        ]);
        let comment = prop::sample::select(vec!["", "# own\n", "# one\n  # two\n"]);
        let header = prop::sample::select(vec!["[[inbound]]", "  [[ outbound ]] # x"]);
        (comment, header, body)
            .prop_map(|(comment, header, body)| format!("{comment}{header}\n{body}"))
    }

    fn file() -> impl Strategy<Value = String> {
        let gap = prop::sample::select(vec![
            "\n",
            "\n\n",
            "\n# behind\n\n",
            "\n\n# ── apart ──\n\n\n",
            "\n  \n",
        ]);
        let start = prop::sample::select(vec!["", "\n", "# The file.\n\n"]);
        let end = prop::sample::select(vec!["", "\n", "\n# end", "\n\n\n"]);
        let blocks = prop::collection::vec((block(), gap), 0..7);
        (start, blocks, end, any::<bool>()).prop_map(|(start, blocks, end, is_windows)| {
            let count = blocks.len();
            let mut text = start.to_owned();
            for (index, (block, gap)) in blocks.into_iter().enumerate() {
                text += &block;
                text += if index + 1 < count { gap } else { end };
            }
            if is_windows {
                text.replace('\n', "\r\n")
            } else {
                text
            }
        })
    }

    proptest! {
        #[test]
        fn ranges_and_gaps_make_the_text(text in prop_oneof![file(), "[\\[\\]a-c'\"#={},\\\\ \n\r]{0,60}", any::<String>()]) {
            let mut done = 0;
            for rule in outline(&text) {
                prop_assert!(done <= rule.range.start && rule.range.start < rule.range.end);
                prop_assert!(text.get(rule.range.clone()).is_some());
                prop_assert_eq!(replace_rule(&text, &rule, &text[rule.range.clone()]), text.clone());
                done = rule.range.end;
            }
            prop_assert!(done <= text.len());
        }

        #[test]
        fn moving_there_and_back_changes_nothing(text in file(), from in 1_usize..7, to in 1_usize..7) {
            for direction in Direction::ALL {
                let moved = move_rule(&text, direction, from, to);
                prop_assert_eq!(&move_rule(&moved, direction, to, from), &text);
                let sorted = |text: &str| {
                    let mut blocks: Vec<String> = blocks(text).into_iter().map(str::to_owned).collect();
                    blocks.sort();
                    blocks
                };
                prop_assert_eq!(sorted(&moved), sorted(&text));
            }
        }

        #[test]
        fn adding_and_taking_out_changes_nothing(text in file(), before in 1_usize..7) {
            for direction in Direction::ALL {
                let count = outline(&text).iter().filter(|rule| rule.direction == direction).count();
                if count == 0 {
                    continue;
                }
                let before = Some(before).filter(|before| *before <= count);
                let added = insert_rule(&text, direction, before, &blank_rule(direction, "custom"));
                let number = before.unwrap_or(count + 1);
                let rules = outline(&added);
                prop_assert_eq!(rules.len(), outline(&text).len() + 1);
                let new = rules.iter().find(|rule| rule.direction == direction && rule.number == number).unwrap();
                prop_assert_eq!(new.action.as_str(), "custom");
                let back = remove_rule(&added, new);
                prop_assert_eq!(blocks(&back), blocks(&text));
            }
        }
    }
}
