//! Which words of a script an error means, where the interpreter does not tell.
//!
//! It gives no place for a field that is read from null or is not there. What the script reads from its input is
//! written in it, though, and the record is at hand: the paths that lead nowhere on this record are looked up.

use serde_json::Value;

use crate::mapping::functions::{HELPERS, STANDARD};
use crate::mapping::rule::WORK_ORDER;
use crate::mapping::suggest;
use crate::model::Direction;

/// Something that a script names and that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suspect {
    /// What kind of thing.
    pub(super) kind: SuspectKind,
    /// What is not there, in words.
    pub(super) what: String,
    /// Where in the script it is named, in bytes.
    pub(super) offset: usize,
}

/// The kinds of things that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SuspectKind {
    /// A field of the record.
    Field,
    /// A function.
    Function,
}

/// A chain of names such as `$.input.site.city`, and where it begins.
struct Chain {
    offset: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// The paths into the input that read a member of null on this record.
pub(super) fn nulls(script: &str, record: &Value, direction: Direction) -> Vec<Suspect> {
    let suspect = |chain: &Chain, steps: &[Step]| {
        let (read, member) = broken(record, steps, direction, Breach::Null)?;
        Some(Suspect {
            kind: SuspectKind::Field,
            what: format!(
                "`{}` is null on this record, so `{}` can't be read from it",
                shown(read),
                shown_step(member)
            ),
            offset: chain.offset,
        })
    };
    of_input(script, suspect)
}

/// The paths into the input whose member of this name is not there on this record.
pub(super) fn missing(
    script: &str,
    record: &Value,
    direction: Direction,
    name: &str,
) -> Vec<Suspect> {
    let wanted = Step::Name(name.to_owned());
    let suspect = |chain: &Chain, steps: &[Step]| {
        let (read, member) = broken(record, steps, direction, Breach::Missing)?;
        (*member == wanted).then(|| Suspect {
            kind: SuspectKind::Field,
            what: format!("`{}` has no field `{name}` on this record", shown(read)),
            offset: chain.offset,
        })
    };
    of_input(script, suspect)
}

/// A function of `std` or `$.util` that there is not.
pub(super) fn unknown_function(script: &str, name: &str) -> Option<Suspect> {
    chains(script).into_iter().find_map(|chain| {
        let (library, names): (&str, Vec<&str>) = match chain.steps.as_slice() {
            [Step::Name(std), Step::Name(member), ..] if std == "std" && member == name => {
                ("std", STANDARD.iter().map(|(name, _)| *name).collect())
            }
            [Step::Name(root), Step::Name(util), Step::Name(member), ..]
                if root == "$" && util == "util" && member == name =>
            {
                ("$.util", HELPERS.iter().map(|helper| helper.name).collect())
            }
            _ => return None,
        };
        let nearest = suggest::nearest(name, names);
        let nearest = nearest.map(|nearest| format!("{library}.{nearest}"));
        Some(Suspect {
            kind: SuspectKind::Function,
            what: format!(
                "there is no function `{library}.{name}`{}",
                suggest::clause(nearest.as_deref())
            ),
            offset: chain.offset,
        })
    })
}

fn of_input(script: &str, suspect: impl Fn(&Chain, &[Step]) -> Option<Suspect>) -> Vec<Suspect> {
    let chains = chains(script);
    let aliases = aliases(script, &chains);
    let mut found: Vec<Suspect> = Vec::new();
    for chain in &chains {
        let steps = resolved(chain, &aliases);
        let Some(new) = steps.and_then(|steps| suspect(chain, &steps)) else {
            continue;
        };
        if found.iter().all(|known| known.what != new.what) {
            found.push(new);
        }
    }
    found
}

/// The steps of a chain behind `$.input`, also where a local stands for the beginning.
fn resolved(chain: &Chain, aliases: &[(String, Vec<Step>)]) -> Option<Vec<Step>> {
    let (first, rest) = chain.steps.split_first()?;
    let Step::Name(first) = first else {
        return None;
    };
    if first == "$" {
        let (input, rest) = rest.split_first()?;
        return (*input == Step::Name("input".to_owned())).then(|| rest.to_vec());
    }
    let (_, begins) = aliases.iter().find(|(name, _)| name == first)?;
    Some([begins.as_slice(), rest].concat())
}

/// The locals that stand for a path into the input: `local t = $.input.ticket;`
fn aliases(script: &str, chains: &[Chain]) -> Vec<(String, Vec<Step>)> {
    let mut aliases: Vec<(String, Vec<Step>)> = Vec::new();
    for chain in chains {
        let before = script.get(..chain.offset).unwrap_or_default().trim_end();
        let Some(before) = before.strip_suffix('=').map(str::trim_end) else {
            continue;
        };
        let name_start = before
            .rfind(|character: char| !is_name_part(character))
            .map_or(0, |at| at + 1);
        let name = before.get(name_start..).unwrap_or_default();
        let word = before.get(..name_start).unwrap_or_default().trim_end();
        if name.is_empty() || !(word.ends_with("local") || word.ends_with(',')) {
            continue;
        }
        if let Some(steps) = resolved(chain, &aliases) {
            aliases.push((name.to_owned(), steps));
        }
    }
    aliases
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Breach {
    Null,
    Missing,
}

/// Where following the steps breaks in this way: the steps that were read, and the one that could not be.
fn broken<'s>(
    record: &Value,
    steps: &'s [Step],
    direction: Direction,
    breach: Breach,
) -> Option<(&'s [Step], &'s Step)> {
    let mut value = record;
    for (index, step) in steps.iter().enumerate() {
        let next = match step {
            Step::Name(name) if index == 0 => of_root(record, name, direction),
            Step::Name(name) => value.get(name),
            Step::Index(number) => value.get(number),
        };
        let how = match (value, next) {
            (_, Some(next)) => {
                value = next;
                continue;
            }
            (Value::Null, None) => Breach::Null,
            (_, None) => Breach::Missing,
        };
        return (how == breach).then(|| (steps.get(..index).unwrap_or_default(), step));
    }
    None
}

/// A member of the input as scripts see it; see [`super::interpreter`].
fn of_root<'v>(record: &'v Value, name: &str, direction: Direction) -> Option<&'v Value> {
    let found = record.get(name);
    if direction == Direction::Inbound || found.is_some() {
        return found;
    }
    match record.get(WORK_ORDER) {
        Some(work_order) => work_order.get(name),
        None if name == WORK_ORDER => Some(record),
        None => None,
    }
}

fn shown(steps: &[Step]) -> String {
    let mut text = "$.input".to_owned();
    for step in steps {
        match step {
            Step::Name(name) if name.chars().all(is_name_part) => text += &format!(".{name}"),
            Step::Name(name) => text += &format!("['{name}']"),
            Step::Index(index) => text += &format!("[{index}]"),
        }
    }
    text
}

fn shown_step(step: &Step) -> String {
    match step {
        Step::Name(name) => name.clone(),
        Step::Index(index) => format!("[{index}]"),
    }
}

fn is_name_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// All chains of names in a script, outside of its texts and comments.
fn chains(script: &str) -> Vec<Chain> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = script.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        at += if rest.starts_with("//") || first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if matches!(first, '"' | '\'') {
            text_length(rest)
        } else if first == '$' || first.is_ascii_alphabetic() || first == '_' {
            let (steps, length) = chain(rest);
            found.push(Chain { offset: at, steps });
            length
        } else {
            first.len_utf8()
        };
    }
    found
}

/// The length of the text that begins here, its quotes included.
fn text_length(text: &str) -> usize {
    let quote = text.chars().next();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if Some(character) == quote {
            return at + character.len_utf8();
        }
    }
    text.len()
}

/// The chain that begins here and its length.
fn chain(text: &str) -> (Vec<Step>, usize) {
    let word = |text: &str| {
        text.find(|character| !is_name_part(character))
            .unwrap_or(text.len())
    };
    let first = if text.starts_with('$') { 1 } else { word(text) };
    let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut steps = vec![Step::Name(piece(0, first).to_owned())];
    let mut at = first;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(member) = rest.strip_prefix('.') {
            let length = word(member);
            if length == 0 {
                return (steps, at);
            }
            steps.push(Step::Name(piece(at + 1, at + 1 + length).to_owned()));
            at += 1 + length;
            continue;
        }
        let Some((step, length)) = bracket(rest) else {
            return (steps, at);
        };
        steps.push(step);
        at += length;
    }
}

/// A fixed member or index in brackets, and its length.
fn bracket(text: &str) -> Option<(Step, usize)> {
    let inner = text.strip_prefix('[')?;
    if inner.starts_with(['"', '\'']) {
        let length = text_length(inner);
        let name = inner.get(1..length.checked_sub(1)?)?;
        inner.get(length..)?.strip_prefix(']')?;
        return (!name.contains('\\')).then(|| (Step::Name(name.to_owned()), length + 2));
    }
    let (digits, _) = inner.split_once(']')?;
    let index = digits.trim().parse().ok()?;
    Some((Step::Index(index), digits.len() + 2))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(suspects: Vec<Suspect>) -> Vec<(String, usize)> {
        suspects
            .into_iter()
            .map(|suspect| (suspect.what, suspect.offset))
            .collect()
    }

    #[test]
    fn what_is_read_from_null_is_found_also_behind_a_local() {
        let record = json!({"site": null, "contacts": [null], "a b": null, "ok": {"x": 1}});
        let script = "local t = $.input, s = t.site; // $.input.site.no\n[s.city, '$.input.site.no', $.input.ok.x, t.contacts[0].email, $.input['a b'].c]";
        assert_eq!(
            told(nulls(script, &record, Direction::Inbound)),
            [
                ("`$.input.site` is null on this record, so `city` can't be read from it".to_owned(), script.find("s.city").unwrap()),
                ("`$.input.contacts[0]` is null on this record, so `email` can't be read from it".to_owned(), script.find("t.contacts").unwrap()),
                ("`$.input['a b']` is null on this record, so `c` can't be read from it".to_owned(), script.find("$.input['a b']").unwrap()),
            ]
        );
    }

    #[test]
    fn what_is_not_there_is_found_by_its_name() {
        let event = json!({"event": "x", "workorder": {"title": "T", "pay": {}}});
        let script = "$.input.title + $.input.workorder.title + $.input.pay.amuont + $.input.other";
        assert_eq!(
            told(missing(script, &event, Direction::Outbound, "amuont")),
            [(
                "`$.input.pay` has no field `amuont` on this record".to_owned(),
                script.find("$.input.pay").unwrap()
            )]
        );
        let bare = json!({"title": "T"});
        assert_eq!(
            told(missing(script, &bare, Direction::Outbound, "title")),
            []
        );
    }

    #[test]
    fn functions_that_there_are_not_are_told_with_the_nearest() {
        let found = unknown_function("1 + std.asciiUper('x')", "asciiUper").unwrap();
        assert_eq!(
            (found.what.as_str(), found.offset),
            (
                "there is no function `std.asciiUper` (did you mean `std.asciiUpper`?)",
                4
            )
        );
        let found = unknown_function("$.util.lookup_feild($.input, 'x')", "lookup_feild").unwrap();
        assert!(found.what.contains("did you mean `$.util.lookup_field`?"));
        assert_eq!(unknown_function("x.asciiUper", "asciiUper"), None);
    }

    #[test]
    fn no_script_is_too_strange() {
        for script in [
            "",
            "$",
            "$.",
            "'",
            "\"\\",
            "a[",
            "a['",
            "a['x",
            "/*",
            "$.input.ä",
            "local =",
        ] {
            assert_eq!(told(nulls(script, &json!(null), Direction::Inbound)), []);
        }
    }
}
