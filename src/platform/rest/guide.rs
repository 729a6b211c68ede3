//! What an admin does by hand so that changes reach us.

use super::settings::TriggerSettings;

/// The steps, with the very address to be pasted.
pub(super) fn steps(trigger_url: &str, settings: &TriggerSettings) -> Vec<String> {
    let joint = if trigger_url.contains('?') { '&' } else { '?' };
    let mut steps = vec![
        "In the other system, make a webhook (or a rule, a flow, a script) that is called when a record is created or changed.".to_owned(),
        format!("URL: {trigger_url}{joint}external_id=<the record's id>. If the URL can't hold the id, use {trigger_url} and put the id into the body."),
        match &settings.id_field {
            Some(path) => format!("Method POST, JSON, with the record's id at {}.", path.text()),
            None => "Method POST, JSON, for example {\"record_id\": \"<the record's id>\"}; ids are also found as ticket_id, id and within data, record or ticket.".to_owned(),
        },
    ];
    steps.push(match (&settings.secret, &settings.signature_header) {
        (None, _) => "The token in the URL is the key: keep the URL secret. Set trigger_secret to ask for more.".to_owned(),
        (Some(_), Some(header)) => format!("Have it sign the body with trigger_secret (HMAC-SHA256) in the header {header}."),
        (Some(_), None) => format!("Have it send trigger_secret in the header {}, or as the password of Basic authentication.", settings.secret_header),
    });
    steps.extend([
        "Exclude changes made by the account that this connector uses, if the system can."
            .to_owned(),
        format!(
            "It is answered with {} once the call is on disk; 503 means: try again later.",
            settings.accepted.as_u16()
        ),
        "Change a record, and look for its transaction here.".to_owned(),
    ]);
    steps
}
