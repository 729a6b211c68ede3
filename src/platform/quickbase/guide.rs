//! What an admin does by hand in Quickbase so that changes reach us.

use super::filter::Condition;
use super::settings::{Child, Messages};

/// The steps, with the very address to be pasted.
pub(super) fn steps(
    trigger_url: &str,
    table: &str,
    condition: Option<&Condition>,
    messages: Option<&Messages>,
) -> Vec<String> {
    let mut steps = vec![
        format!("In Quickbase, open the app and its table {table}, then Settings › Webhooks › Create a webhook."),
        "Trigger: a record is added or modified. Fields: any, or those that are mapped; leave out \"FN work order\" and the other fields that this connector writes.".to_owned(),
    ];
    let ours = "and Last Modified By is not the connector's user, or our own changes come back as triggers";
    steps.push(match condition {
        Some(condition) => format!(
            "Criteria: field {} is \"{}\", as the connector is set (it drops other records anyway), {ours}.",
            condition.field,
            condition.values.join("\" or \"")
        ),
        None => format!("Criteria: those of the records that need field work, {ours}."),
    });
    steps.extend([
        format!("Endpoint URL: {trigger_url}"),
        "HTTP method POST; message format JSON; message body: {\"record_id\":\"[Record ID#]\",\"table_id\":\"%dbid%\",\"action\":\"%action%\"}".to_owned(),
        "Message headers: none are needed (the token in the URL is the key), unless trigger_secret is set: then X-Fieldbridge-Secret with its value.".to_owned(),
    ]);
    if let Some(Messages::Rows { child, .. }) = messages {
        steps.push(message_step(child));
    }
    steps.extend([
        "Save. Quickbase tries a call that failed hardly again; what is missed is found by looking for changed records.".to_owned(),
        "Change a record that meets the criteria, and look for its transaction here.".to_owned(),
    ]);
    steps
}

fn message_step(child: &Child) -> String {
    format!(
        "So that new messages are carried over at once: a second webhook on table {}, for added records, to the same URL with the body {{\"table_id\":\"%dbid%\",\"related_record_id\":\"[…]\"}}, where […] is the label of field {} in brackets.",
        child.table, child.related
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_ready_to_paste() {
        let condition = Condition {
            field: 11,
            values: vec!["Dispatch".into()],
        };
        let messages = Messages::Rows {
            child: Child {
                table: "bck7gp3q3".into(),
                related: 8,
            },
            text: 6,
            internal: None,
        };
        let url = "https://fb.example/v1/broker/inbound?client_token=abc";
        let told = steps(url, "bck7gp3q2", Some(&condition), Some(&messages)).join("\n");
        for part in [
            "Endpoint URL: https://fb.example/v1/broker/inbound?client_token=abc\n",
            "{\"record_id\":\"[Record ID#]\",\"table_id\":\"%dbid%\",\"action\":\"%action%\"}",
            "field 11 is \"Dispatch\"",
            "label of field 8",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(
            !steps(url, "b", None, None)
                .join("\n")
                .contains("second webhook")
        );
    }
}
