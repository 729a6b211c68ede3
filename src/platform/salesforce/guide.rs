//! What an admin does by hand in Salesforce so that changes reach us: outbound messages are made in Setup alone.

use super::filter::Conditions;

/// The steps, with the very address to be pasted.
pub(super) fn steps(
    trigger_url: &str,
    object: &str,
    conditions: &Conditions,
    messages: &str,
) -> Vec<String> {
    let mut steps = vec![
        format!("In Setup, open Workflow Actions › Outbound Messages and choose New. Object: {object}."),
        format!("Endpoint URL: {trigger_url}"),
        "Select the field Id alone. Leave Send Session ID unchecked. User to send as: the integration user. Save.".to_owned(),
        format!("Open Setup › Flows and make a record-triggered flow on {object}: when a record is created or updated, optimised for Actions and Related Records."),
    ];
    steps.push(match conditions.summary() {
        Some(summary) => format!("Entry conditions: {summary}, as the connector is set; it drops other records anyway."),
        None => "Entry conditions: those of the records that need field work, e.g. Status equals Dispatch Required.".to_owned(),
    });
    steps.extend([
        "Add the condition {!$User.Username} does not equal the integration user's name, or our own changes come back as triggers.".to_owned(),
        "Add the action Outbound Message and choose the one just made. Save and activate the flow.".to_owned(),
        format!("To carry new messages at once, make the same for {messages}, selecting Id and ParentId."),
        "Change a record that meets the conditions, and look for its transaction here; Setup › Outbound Messages › View Queue shows what could not be delivered.".to_owned(),
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_ready_to_paste_and_the_conditions_are_named() {
        let conditions = Conditions::new(vec!["Dispatch Required".into()], None);
        let told = steps(
            "https://fb.example/v1/broker/inbound?client_token=abc",
            "Case",
            &conditions,
            "CaseComment",
        )
        .join("\n");
        assert!(
            told.contains("Endpoint URL: https://fb.example/v1/broker/inbound?client_token=abc\n"),
            "{told}"
        );
        assert!(told.contains("Status equals Dispatch Required"), "{told}");
    }
}
