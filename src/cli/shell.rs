//! `fieldbridge completions` and `fieldbridge man`

use std::fs;

use clap::CommandFactory;
use clap_mangen::Man;
use serde_json::json;

use super::arguments::{Arguments, CompletionsArguments, ManualArguments};
use super::context::Context;
use super::failure::CliError;

pub(super) fn completions(
    context: &Context,
    arguments: &CompletionsArguments,
) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "fieldbridge",
        &mut script,
    );
    let script = String::from_utf8_lossy(&script);
    let value = json!({"shell": arguments.shell.to_string(), "script": script});
    context.output.result(&value, |_| script.to_string())
}

pub(super) fn manual(context: &Context, arguments: &ManualArguments) -> Result<(), CliError> {
    let Some(directory) = &arguments.directory else {
        let mut page = Vec::new();
        let rendered = Man::new(Arguments::command()).render(&mut page);
        rendered.map_err(|error| CliError::failed(format!("the page can't be made: {error}")))?;
        let page = String::from_utf8_lossy(&page);
        return context
            .output
            .result(&json!({"page": page}), |_| page.to_string());
    };
    let failed =
        |error| CliError::failed(format!("{} can't be written: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), directory).map_err(failed)?;
    let written = json!({"directory": directory});
    context.output.result(&written, |_| {
        format!("written to {}\n", directory.display())
    })
}
