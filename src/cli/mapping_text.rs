//! A preview as text for people: rule by rule, what was read and what it became.

use serde_json::Value;

use super::output::{Look, Output};
use super::table::{Side, Table};
use super::text::{cut, push_line, safe};
use crate::engine::PreviewResult;
use crate::mapping::Severity;

/// Values longer than this are cut; `--json` has them whole.
const LONGEST: usize = 48;

pub(super) fn preview_text(output: &Output, preview: &PreviewResult) -> String {
    let mut table = Table::new(&[
        ("rule", Side::Right),
        ("target", Side::Left),
        ("action", Side::Left),
        ("source", Side::Left),
        ("read", Side::Left),
        ("written", Side::Left),
        ("how", Side::Left),
    ]);
    for field in &preview.fields {
        let how = match (&field.problem, &field.was) {
            (Some(problem), _) => format!("✗ {problem}"),
            (None, Some(was)) => format!("≠ was {} {}", shown(Some(was)), field.how),
            (None, None) => field.how.clone(),
        };
        table.row([
            field.rule.to_string(),
            field.target.clone(),
            field.action.clone(),
            field.source.clone().unwrap_or_default(),
            shown(field.read.as_ref()),
            shown(field.written.as_ref()),
            how,
        ]);
    }
    let mut text = format!("{}\n{}", safe(&preview.label), output.table(&table));
    for line in &preview.trace {
        push_line(&mut text, &format!("trace: {}", safe(line)));
    }
    for warning in &preview.warnings {
        push_line(
            &mut text,
            &output.paint(Look::Waiting, &format!("▲ {}", safe(warning))),
        );
    }
    for finding in &preview.findings {
        let (look, glyph) = match finding.severity {
            Severity::Error => (Look::Bad, "✗"),
            Severity::Warning => (Look::Waiting, "▲"),
        };
        let told = format!("{glyph} {}", safe(&finding.to_string()));
        push_line(&mut text, &output.paint(look, &told));
    }
    for (rule, problem) in &preview.problems {
        let place = rule
            .map(|rule| format!("rule {rule}: "))
            .unwrap_or_default();
        push_line(
            &mut text,
            &output.paint(Look::Bad, &format!("✗ {place}{}", safe(problem))),
        );
    }
    text
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "∅".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    cut(&safe(&text), LONGEST).into_owned()
}
