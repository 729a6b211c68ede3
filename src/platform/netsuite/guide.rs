//! What an admin does by hand in NetSuite so that changes reach us.

use super::settings::Checked;

/// The steps, with the very address to be pasted.
pub(super) fn steps(trigger_url: &str, settings: &Checked) -> Vec<String> {
    let record_type = &settings.record_type;
    let secret = if settings.trigger_secret.is_some() {
        "the value of trigger_secret"
    } else {
        "empty, for no trigger_secret is set"
    };
    let mut steps = vec![
        "In NetSuite, open Customization › Scripting › Scripts › New and upload fieldbridge_trigger.js (docs/platforms/netsuite in Fieldbridge's source). It is a User Event script.".to_owned(),
        format!("Deploy it to the record type {record_type}: status Released, log level Error, execute as Administrator, audience all roles."),
        format!("Script parameter \"Fieldbridge address\": {trigger_url}"),
        format!("Script parameter \"Fieldbridge secret\": {secret}."),
        "Script parameter \"Fieldbridge user\": the internal id of the integration's user, so that our own changes do not come back as triggers.".to_owned(),
        format!("A script of your own does as well: after each create and edit it posts {{\"record_type\":\"{record_type}\",\"id\":\"123\",\"event\":\"edit\"}} to that address by N/https, with the secret in the header X-Fieldbridge-Secret. The address must have a certificate of a public authority and does not lead on."),
    ];
    steps.push(match settings.conditions.summary() {
        Some(summary) => format!("Save a record that meets the connector's condition ({summary}), and look for its transaction here."),
        None => "Save a record, and look for its transaction here.".to_owned(),
    });
    steps
}
