//! Path templates: literal text and variables in braces.

/// The names of a template's variables, in their order.
pub(super) fn variables(template: &str) -> Vec<&str> {
    pieces(template)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Literal(_) => None,
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

fn pieces(template: &str) -> Vec<Piece<'_>> {
    // Some descriptions put the query into the path; it is no part of it.
    let mut rest = template.split(['?', '#']).next().unwrap_or("");
    let mut pieces = Vec::new();
    while let Some(open) = rest.find('{') {
        let Some(close) = rest.get(open..).and_then(|rest| rest.find('}')) else {
            break;
        };
        let (literal, variable) = (&rest[..open], &rest[open + 1..open + close]);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        pieces.push(Piece::Variable(variable));
        rest = &rest[open + close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

/// How specific a template is: the more literal text, the more.
pub(super) fn weight(template: &str) -> usize {
    pieces(template)
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Variable(_) => 0,
        })
        .sum()
}

/// The variables' values, as they stand in a path that has the template's form.
pub(super) fn read<'a, 'b>(template: &'a str, path: &'b str) -> Option<Vec<(&'a str, &'b str)>> {
    let pieces = pieces(template);
    let mut values = Vec::new();
    let mut budget = 10_000;
    matches(&pieces, path, &mut values, &mut budget).then_some(values)
}

/// Matches from the left, trying the shortest value of a variable first. A value is never empty nor holds a slash.
fn matches<'a, 'b>(
    pieces: &[Piece<'a>],
    path: &'b str,
    values: &mut Vec<(&'a str, &'b str)>,
    budget: &mut u32,
) -> bool {
    *budget = budget.saturating_sub(1);
    if *budget == 0 {
        return false;
    }
    match pieces.split_first() {
        None => path.is_empty() || path == "/",
        Some((Piece::Literal(text), rest)) => match path.strip_prefix(text) {
            Some(path) => matches(rest, path, values, budget),
            // A template's slash at the end is as good as none.
            None => rest.is_empty() && text.strip_suffix('/') == Some(path),
        },
        Some((Piece::Variable(name), rest)) => {
            let longest = path.find('/').unwrap_or(path.len());
            let ends = path
                .char_indices()
                .map(|(start, char)| start + char.len_utf8());
            for end in ends.take_while(|end| *end <= longest) {
                values.push((name, &path[..end]));
                if matches(rest, &path[end..], values, budget) {
                    return true;
                }
                values.pop();
            }
            false
        }
    }
}

/// Fills a template with values that are encoded already.
///
/// # Errors
/// The name of a variable that has no value.
pub(super) fn fill(
    template: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut path = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Literal(text) => path.push_str(text),
            Piece::Variable(name) => {
                path.push_str(&value(name).ok_or_else(|| name.to_owned())?);
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_by_their_templates() {
        assert_eq!(
            read("/sheets/{s}/rows/{r}", "/sheets/1/rows/22"),
            Some(vec![("s", "1"), ("r", "22")])
        );
        assert_eq!(read("/a/{x}.json", "/a/b.c.json"), Some(vec![("x", "b.c")]));
        assert_eq!(
            read("/a/{x},{y}", "/a/1,2"),
            Some(vec![("x", "1"), ("y", "2")])
        );
        assert_eq!(read("/a/{x}", "/a/b/c"), None);
        assert_eq!(read("/a/{x}", "/a/"), None);
        assert_eq!(read("/a/", "/a"), Some(vec![]));
        assert_eq!(read("/a?x={x}", "/a"), Some(vec![]));
        assert_eq!(read("/a/{x", "/a/{x"), Some(vec![]));
    }

    #[test]
    fn a_hostile_template_ends_soon() {
        let template = "/{a}".to_owned() + &"{a}x".repeat(40);
        assert_eq!(read(&template, &format!("/{}", "xa".repeat(200))), None);
    }

    #[test]
    fn templates_are_filled() {
        let value = |name: &str| (name == "id").then(|| "7".to_owned());
        assert_eq!(fill("/t/{id}/x", value), Ok("/t/7/x".to_owned()));
        assert_eq!(fill("/t/{no}", value), Err("no".to_owned()));
    }
}
