//! `fieldbridge mapping test`: the regression cases beside mappings; needs no engine.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::context::{Context, text_of};
use super::failure::CliError;
use super::mapping::{evaluator, parsed};
use super::output::{Look, Output};
use super::text::{push_line, safe};
use crate::config::{Problem, replace_file};
use crate::mapping::{CASES_ENDING, Case, Difference, Evaluator, Mapping};

/// What came of all cases.
#[derive(Debug, Default, Serialize)]
struct Report {
    passed: usize,
    failed: Vec<Failed>,
    /// Cases that expect from now on what came out.
    accepted: Vec<PathBuf>,
    /// Mappings and cases that can't be read.
    problems: Vec<Problem>,
    /// Mappings that have no cases.
    without_cases: Vec<PathBuf>,
}

/// A case that did not pass.
#[derive(Debug, Serialize)]
struct Failed {
    file: PathBuf,
    about: String,
    differences: Vec<Difference>,
}

/// What is done about a case that does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// It is told.
    Fail,
    /// It expects from now on what came out.
    Accept,
}

pub(super) async fn test(
    context: &Context,
    file: Option<&Path>,
    otherwise: Otherwise,
) -> Result<(), CliError> {
    if otherwise == Otherwise::Accept {
        context.may_change()?;
    }
    let mappings: Vec<PathBuf> = match file {
        Some(file) => vec![file.to_owned()],
        None => {
            let connectors = context.loaded().connectors.iter();
            connectors.map(|one| one.mapping.clone()).collect()
        }
    };
    let evaluator = evaluator(context);
    let mut report = Report::default();
    for mapping in &mappings {
        test_mapping(mapping, &evaluator, otherwise, &mut report).await?;
    }
    context
        .output
        .result(&report, |output| report_text(output, &report))?;
    if report.failed.is_empty() && report.problems.is_empty() {
        Ok(())
    } else {
        Err(CliError::Told(1))
    }
}

async fn test_mapping(
    file: &Path,
    evaluator: &Evaluator,
    otherwise: Otherwise,
    report: &mut Report,
) -> Result<(), CliError> {
    let text = text_of(file)?;
    let cases = cases_of(file);
    if cases.is_empty() {
        report.without_cases.push(file.to_owned());
        return Ok(());
    }
    let mapping = match parsed(file, &text) {
        Ok(mapping) => mapping,
        Err(problems) => {
            report.problems.extend(problems);
            return Ok(());
        }
    };
    for case in cases {
        test_case(&case, &mapping, evaluator, otherwise, report).await;
    }
    Ok(())
}

async fn test_case(
    file: &Path,
    mapping: &Mapping,
    evaluator: &Evaluator,
    otherwise: Otherwise,
    report: &mut Report,
) {
    let mut case = match read(file) {
        Ok(case) => case,
        Err(problem) => return report.problems.push(problem),
    };
    let differences = case.run(mapping, evaluator).await;
    if differences.is_empty() {
        report.passed += 1;
        return;
    }
    match otherwise {
        Otherwise::Fail => report.failed.push(Failed {
            file: file.to_owned(),
            about: case.about,
            differences,
        }),
        Otherwise::Accept => {
            case.accept(mapping, evaluator).await;
            match write(file, &case) {
                Ok(()) => report.accepted.push(file.to_owned()),
                Err(problem) => report.problems.push(problem),
            }
        }
    }
}

fn write(file: &Path, case: &Case) -> Result<(), Problem> {
    let failed = |why: String| Problem::new(file, format!("the case can't be written: {why}"), "");
    let text = serde_json::to_string_pretty(case).map_err(|error| failed(error.to_string()))?;
    replace_file(file, &format!("{text}\n")).map_err(|error| failed(error.to_string()))
}

fn read(file: &Path) -> Result<Case, Problem> {
    let text = fs::read_to_string(file)
        .map_err(|error| Problem::new(file, format!("the case can't be read: {error}"), ""))?;
    serde_json::from_str(&text).map_err(|error| {
        let place = crate::config::Place {
            line: error.line(),
            column: error.column(),
        };
        let mend = "record it anew with `fieldbridge mapping record`, or mend it by hand";
        Problem::new(file, format!("this is no case: {error}"), mend).at(Some(place))
    })
}

/// The cases beside a mapping, by name.
fn cases_of(mapping: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(mapping.with_extension(CASES_ENDING)) else {
        return Vec::new();
    };
    let files = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    files
}

fn report_text(output: &Output, report: &Report) -> String {
    let mut text = String::new();
    for failed in &report.failed {
        let head = format!("✗ {} ({})", failed.file.display(), safe(&failed.about));
        push_line(&mut text, &output.paint(Look::Bad, &head));
        for difference in &failed.differences {
            push_line(&mut text, &format!("    {}", safe(&difference.to_string())));
        }
    }
    for problem in &report.problems {
        let line = format!("✗ {problem}");
        push_line(&mut text, &output.paint(Look::Bad, &safe(&line)));
    }
    for mapping in &report.without_cases {
        let line = format!("▲ {} has no cases", mapping.display());
        push_line(&mut text, &output.paint(Look::Waiting, &line));
    }
    for file in &report.accepted {
        let line = format!("≠ {} expects from now on what came out", file.display());
        push_line(&mut text, &output.paint(Look::Waiting, &line));
    }
    let wrong = report.failed.len() + report.problems.len();
    let look = if wrong == 0 { Look::Good } else { Look::Bad };
    let summary = format!("{} passed, {wrong} failed", report.passed);
    push_line(&mut text, &output.paint(look, &summary));
    text
}
