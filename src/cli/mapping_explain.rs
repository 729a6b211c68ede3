//! A mapping as a table for review: Markdown or HTML.

use std::fmt::Write as _;

use crate::mapping::RuleDescription;
use crate::model::Direction;

const COLUMNS: [&str; 7] = [
    "#",
    "from",
    "what happens",
    "to",
    "when empty",
    "only",
    "why",
];

fn heading(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "Inbound: from the platform to Field Nation",
        Direction::Outbound => "Outbound: from Field Nation to the platform",
    }
}

/// A name with its path, where the two differ.
fn named(label: &str, path: &str) -> String {
    if path.is_empty() || label == path {
        label.to_owned()
    } else {
        format!("{label} ({path})")
    }
}

fn cells(rule: &RuleDescription) -> [String; 7] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        rule.number.to_string(),
        named(&rule.source, &rule.sources.join(", ")),
        rule.action.clone(),
        named(&rule.target_label, rule.target.as_deref().unwrap_or("")),
        or_empty(&rule.default),
        or_empty(&rule.condition),
        or_empty(&rule.note),
    ]
}

fn of(rules: &[RuleDescription], direction: Direction) -> Vec<&RuleDescription> {
    rules
        .iter()
        .filter(|rule| rule.direction == direction)
        .collect()
}

/// The rules as Markdown tables, one for each direction that has any.
pub(super) fn markdown(title: &str, rules: &[RuleDescription]) -> String {
    let mut text = format!("# {}\n", markdown_cell(title));
    for direction in Direction::ALL {
        let rules = of(rules, direction);
        if rules.is_empty() {
            continue;
        }
        // Writing to a String can't fail.
        let _ = write!(
            text,
            "\n## {}\n\n| {} |\n|{}\n",
            heading(direction),
            COLUMNS.join(" | "),
            " --- |".repeat(COLUMNS.len())
        );
        for rule in rules {
            let row = cells(rule).map(|cell| markdown_cell(&cell));
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
    }
    text
}

/// A text that stays in its cell and means nothing to Markdown.
fn markdown_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => cell.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                cell.push('\\');
                cell.push(character);
            }
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            '&' => cell.push_str("&amp;"),
            other if other.is_control() => {}
            other => cell.push(other),
        }
    }
    cell
}

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#222}\
table{border-collapse:collapse;width:100%;margin-bottom:2em}\
th,td{border:1px solid #ccc;padding:.4em .6em;text-align:left;vertical-align:top;white-space:pre-wrap}\
th{background:#f3f3f3}@media print{body{margin:0}}";

/// The rules as a page that needs nothing else.
pub(super) fn html(title: &str, rules: &[RuleDescription]) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for direction in Direction::ALL {
        let rules = of(rules, direction);
        if rules.is_empty() {
            continue;
        }
        page += &format!("<h2>{}</h2>\n<table>\n", heading(direction));
        page += &row("th", &COLUMNS.map(str::to_owned));
        for rule in rules {
            page += &row("td", &cells(rule));
        }
        page += "</table>\n";
    }
    page + "</body>\n</html>\n"
}

fn row(tag: &str, cells: &[String]) -> String {
    let mut row = "<tr>".to_owned();
    for cell in cells {
        row += &format!("<{tag}>{}</{tag}>", escaped(cell));
    }
    row + "</tr>\n"
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> RuleDescription {
        RuleDescription {
            direction: Direction::Inbound,
            number: 1,
            sources: vec!["a.b".to_owned()],
            source: "A | <b>B</b>".to_owned(),
            action: "copied as it is".to_owned(),
            target: Some("t".to_owned()),
            target_label: "t".to_owned(),
            default: Some("\"x\"".to_owned()),
            condition: None,
            note: Some("one\ntwo & 'three'".to_owned()),
        }
    }

    #[test]
    fn nothing_leaves_its_cell() {
        let text = markdown("m.toml", &[rule()]);
        assert!(
            text.ends_with(
                "| 1 | A \\| &lt;b&gt;B&lt;/b&gt; (a.b) | copied as it is | t | \"x\" |  | one two &amp; 'three' |\n"
            ),
            "{text}"
        );
        let page = html("<m>", &[rule()]);
        assert!(page.contains("<title>&lt;m&gt;</title>"));
        assert!(page.contains(
            "<td>A | &lt;b&gt;B&lt;/b&gt; (a.b)</td><td>copied as it is</td><td>t</td><td>&quot;x&quot;</td>"
        ));
        assert!(!page.contains("<b>") && !page.contains("http"));
        assert_eq!(page.matches("<tr>").count(), page.matches("</tr>").count());
    }
}
