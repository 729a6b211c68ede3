//! References: those to other files bring the files in, all are made to point into the one tree, and those that
//! lead nowhere are taken out with a word to people.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::files::Files;
use super::pointer;
use super::problems::{Problems, short};
use super::tree::{Tree, target};

/// What stands where a reference stood that could not be followed.
pub(super) const UNRESOLVED: &str = "x-unresolved";

/// Members that hold data and no references, where they are keywords.
const DATA: [&str; 5] = ["example", "default", "enum", "const", "value"];

/// Members whose own members are names that people chose, so that `default` or `example` is no keyword there.
const NAMES: [&str; 17] = [
    "properties",
    "patternProperties",
    "definitions",
    "$defs",
    "schemas",
    "parameters",
    "responses",
    "requestBodies",
    "headers",
    "examples",
    "links",
    "callbacks",
    "pathItems",
    "paths",
    "securitySchemes",
    "dependentSchemas",
    "content",
];

/// Visits every object that may be a reference or a schema, with its pointer, the deepest first.
pub(super) fn visit(
    value: &mut Value,
    pointer: &str,
    act: &mut dyn FnMut(&str, &mut Map<String, Value>),
) {
    visit_in(value, pointer, false, act);
}

fn visit_in(
    value: &mut Value,
    pointer: &str,
    names: bool,
    act: &mut dyn FnMut(&str, &mut Map<String, Value>),
) {
    match value {
        Value::Object(object) => {
            for (name, member) in object.iter_mut() {
                let is_data = !names && (DATA.contains(&name.as_str()) || name.starts_with("x-"));
                if is_data || !(member.is_object() || member.is_array()) {
                    continue;
                }
                let below = !names && NAMES.contains(&name.as_str()) && member.is_object();
                visit_in(member, &pointer::child(pointer, name), below, act);
            }
            if !names || object.get("$ref").is_some_and(Value::is_string) {
                act(pointer, object);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                visit_in(item, &format!("{pointer}/{place}"), false, act);
            }
        }
        _ => {}
    }
}

/// Brings all files together into one tree whose references all lead somewhere.
pub(super) fn bundle(mut files: Files, problems: &mut Problems) -> Tree {
    let mut number = 0;
    while number < files.values.len() {
        let mut value = files
            .values
            .get_mut(number)
            .map(Value::take)
            .unwrap_or_default();
        let own = format!("/{number}");
        visit(&mut value, &own, &mut |place, object| {
            let Some(reference) = object.get("$ref").and_then(Value::as_str) else {
                return;
            };
            match located(&mut files, number, reference) {
                Ok((file, fragment)) => {
                    // The fragment is kept as it stands until all files are there to look it up in.
                    let joint = if fragment.is_empty() || fragment.starts_with('/') {
                        ""
                    } else {
                        "/"
                    };
                    object.insert(
                        "$ref".to_owned(),
                        format!("#/{file}{joint}{fragment}").into(),
                    );
                }
                Err(why) => {
                    problems.note(format!(
                        "{} {}: the reference {} can't be followed: {why}",
                        files.name(number),
                        pointer::shown(place),
                        short(reference)
                    ));
                    take_out(object);
                }
            }
        });
        if let Some(place) = files.values.get_mut(number) {
            *place = value;
        }
        number += 1;
    }
    let names: Vec<String> = (0..number).map(|number| files.name(number)).collect();
    let mut tree = Tree::new(files.values);
    settle(&mut tree, &names, problems);
    tree
}

/// The file that a reference names, and the fragment in it.
fn located<'a>(
    files: &mut Files,
    from: usize,
    reference: &'a str,
) -> Result<(usize, &'a str), String> {
    let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    if file.is_empty() {
        return Ok((from, fragment));
    }
    let scheme = file.split_once(':').map(|(scheme, _)| scheme);
    if file.starts_with("//")
        || scheme.is_some_and(|scheme| scheme.len() > 1 && !scheme.contains('/'))
    {
        return Err(
            "remote references are not followed; save the file beside the description".to_owned(),
        );
    }
    Ok((files.beside(from, file)?, fragment))
}

fn take_out(object: &mut Map<String, Value>) {
    let reference = object.remove("$ref").unwrap_or_default();
    object.insert(UNRESOLVED.to_owned(), reference);
}

/// Gives every reference its canonical form, and takes out those that point nowhere or only at each other.
fn settle(tree: &mut Tree, names: &[String], problems: &mut Problems) {
    let mut root = tree.root_mut().take();
    let mut all = Vec::new();
    visit(&mut root, "", &mut |place, object| {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            all.push((place.to_owned(), reference.to_owned()));
        }
    });
    let mut targets = HashMap::new();
    for (place, reference) in all {
        let candidates = pointer::of_fragment(reference.trim_start_matches('#'));
        let found = candidates
            .into_iter()
            .find(|pointer| root.pointer(pointer).is_some());
        targets.insert(place, (found, reference));
    }
    let mut bad: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut places = HashSet::new();
    for (place, (found, reference)) in &targets {
        let why = if found.is_none() {
            "points at nothing"
        } else if circles(place, &targets) {
            "only leads back to itself"
        } else {
            continue;
        };
        let told = format!("the reference {} {why}", told(reference, names));
        bad.entry(told).or_default().push(place);
        places.insert(place.clone());
    }
    for (told, mut at) in bad {
        at.sort_unstable();
        let first = at.first().copied().unwrap_or_default();
        let others = match at.len() {
            0 | 1 => String::new(),
            count => format!(" and {} other places", count - 1),
        };
        problems.note(format!(
            "{told}; left out at {}{others}",
            told_place(first, names)
        ));
    }
    visit(&mut root, "", &mut |place, object| {
        if places.contains(place) {
            take_out(object);
        } else if let Some((Some(pointer), _)) = targets.get(place) {
            object.insert("$ref".to_owned(), pointer::as_reference(pointer).into());
        }
    });
    *tree.root_mut() = root;
}

/// A reference as its author wrote it, give or take the file's name.
fn told(reference: &str, names: &[String]) -> String {
    let pointer = reference.trim_start_matches('#');
    told_place(pointer, names)
}

/// A place of the tree for people: the file's name and the pointer within it.
fn told_place(pointer: &str, names: &[String]) -> String {
    let file = pointer.split('/').nth(1).and_then(|part| part.parse().ok());
    let file = file.and_then(|file: usize| names.get(file));
    let file = file.map_or("", String::as_str);
    format!("{file}{}", pointer::shown(pointer))
}

/// Whether following references from a place, one after the other, never arrives.
fn circles(place: &str, targets: &HashMap<String, (Option<String>, String)>) -> bool {
    let mut seen = HashSet::new();
    let mut at = place;
    while let Some((Some(next), _)) = targets.get(at) {
        if !seen.insert(at) {
            return true;
        }
        at = next;
    }
    false
}

/// Schemas that apply to the very value the given one applies to.
fn in_place(pointer: &str, value: &Value) -> Vec<String> {
    let mut next: Vec<String> = target(value).into_iter().collect();
    for name in ["allOf", "anyOf", "oneOf"] {
        let count = value
            .get(name)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        next.extend((0..count).map(|place| format!("{pointer}/{name}/{place}")));
    }
    for name in ["not", "if", "then", "else"] {
        if value.get(name).is_some_and(Value::is_object) {
            next.push(format!("{pointer}/{name}"));
        }
    }
    if let Some(dependent) = value.get("dependentSchemas").and_then(Value::as_object) {
        let base = format!("{pointer}/dependentSchemas");
        next.extend(dependent.keys().map(|name| pointer::child(&base, name)));
    }
    next
}

/// Takes out references by which a schema requires itself of the very same value: nothing could ever be checked
/// against it. (A schema that holds itself one level deeper is fine.)
pub(super) fn cut_self_requirements(root: &mut Value) {
    let mut starts = Vec::new();
    visit(root, "", &mut |place, object| {
        if object.contains_key("$ref") {
            starts.push(place.to_owned());
        }
    });
    let mut done = HashSet::new();
    let mut cut = Vec::new();
    for start in starts {
        search(root, &start, &mut done, &mut cut);
    }
    for place in cut {
        if let Some(object) = root.pointer_mut(&place).and_then(Value::as_object_mut) {
            take_out(object);
        }
    }
}

/// Depth first, with a stack of our own; an edge back into the way taken is cut where it starts.
fn search(root: &Value, start: &str, done: &mut HashSet<String>, cut: &mut Vec<String>) {
    let successors = |pointer: &str| {
        root.pointer(pointer)
            .map(|value| in_place(pointer, value))
            .unwrap_or_default()
    };
    if done.contains(start) {
        return;
    }
    let mut way: HashSet<String> = HashSet::from([start.to_owned()]);
    let mut stack = vec![(start.to_owned(), successors(start))];
    while let Some((pointer, next)) = stack.last_mut() {
        let Some(step) = next.pop() else {
            way.remove(pointer.as_str());
            done.insert(pointer.clone());
            stack.pop();
            continue;
        };
        if way.contains(&step) {
            // A circle has a reference somewhere, though not always on its last step.
            let has_reference =
                |pointer: &&String| root.pointer(pointer).and_then(target).is_some();
            let circle = stack.iter().map(|(pointer, _)| pointer);
            let circle = circle.skip_while(|pointer| **pointer != step);
            cut.extend(circle.filter(has_reference).last().cloned());
        } else if !done.contains(&step) {
            let after = successors(&step);
            way.insert(step.clone());
            stack.push((step, after));
        }
    }
}

/// An object that stands for nothing because its reference led nowhere.
pub(super) fn is_unresolved(value: &Value) -> bool {
    value.get(UNRESOLVED).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_and_names_are_told_apart() {
        let mut value = json!({
            "properties": {"example": {"$ref": "#/a"}, "default": {"default": {"$ref": "#/no"}}},
            "example": {"$ref": "#/no"},
            "items": [{"$ref": "#/b"}],
        });
        let mut seen = Vec::new();
        visit(&mut value, "", &mut |place, object| {
            if object.contains_key("$ref") {
                seen.push(place.to_owned());
            }
        });
        assert_eq!(seen, ["/properties/example", "/items/0"]);
    }

    #[test]
    fn a_schema_that_requires_itself_is_cut_and_one_that_holds_itself_is_not() {
        let mut root = json!({
            "a": {"allOf": [{"$ref": "#/b"}]},
            "b": {"anyOf": [{"$ref": "#/a"}, {"type": "string"}]},
            "c": {"properties": {"c": {"$ref": "#/c"}}},
        });
        cut_self_requirements(&mut root);
        let cut = [&root["a"]["allOf"][0], &root["b"]["anyOf"][0]];
        assert_eq!(cut.iter().filter(|one| is_unresolved(one)).count(), 1);
        assert_eq!(root["c"]["properties"]["c"], json!({"$ref": "#/c"}));
    }
}
