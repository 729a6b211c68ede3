//! `fieldbridge init`

use serde_json::json;

use super::arguments::InitArguments;
use super::context::Context;
use super::failure::CliError;
use crate::config::{CreatedFiles, initialise};
use crate::model::{ConnectorId, PlatformKind};

pub(super) fn init(context: &Context, arguments: &InitArguments) -> Result<(), CliError> {
    context.may_change()?;
    let id = match (&arguments.id, arguments.platform) {
        (Some(id), _) => Some(id.clone()),
        (None, Some(platform)) => ConnectorId::new(platform.word()).ok(),
        (None, None) => None,
    };
    let connector = arguments.platform.zip(id.as_ref());
    let done = initialise(&context.directory, connector)?;
    let value = json!({"written": done.written, "kept": done.kept});
    context.output.result(&value, |_| text(&done, connector))
}

fn text(done: &CreatedFiles, connector: Option<(PlatformKind, &ConnectorId)>) -> String {
    let mut lines: Vec<_> = done
        .written
        .iter()
        .map(|file| format!("written  {}", file.display()))
        .collect();
    let kept = done.kept.iter();
    lines.extend(kept.map(|file| format!("kept     {} (it was there already)", file.display())));
    lines.push(String::new());
    lines.push(match connector {
        Some((platform, id)) => format!(
            "Next: fill in [settings] of connectors/{id}.toml, keep its secrets (fieldbridge secret set NAME), and \
             see whether {} lets us in: fieldbridge check, fieldbridge serve, fieldbridge connector test {id}",
            platform.title()
        ),
        None => "Next: fill in [field_nation], then make a connector: fieldbridge init --platform connectwise"
            .to_owned(),
    });
    lines.join("\n") + "\n"
}
