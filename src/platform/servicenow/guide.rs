//! What an admin does by hand in ServiceNow so that changes reach us: the vendor has no webhook, a business rule calls a REST message.
//!
//! The vendor's rule that this follows: a query that stands in a message's endpoint may be stripped, so that token and id go as
//! query *parameters* of the method; a rule that calls within the save would block whoever saves, so that it is asynchronous.

use super::settings::Checked;

/// The steps, with the very address and script to be pasted.
pub(super) fn steps(trigger_url: &str, settings: &Checked) -> Vec<String> {
    let table = &settings.table;
    let (endpoint, token) = endpoint(trigger_url);
    let mut steps = vec![
        "In ServiceNow, open System Web Services › Outbound › REST Message and choose New. Name: Field Nation Webhook.".to_owned(),
        format!("Endpoint: {endpoint} (nothing after it: ServiceNow may strip a query that stands here)."),
        "Add an HTTP method. Name: Default POST; HTTP method: POST; the same endpoint.".to_owned(),
    ];
    steps.push(match token {
        Some(token) => format!("HTTP Query Parameters of that method: client_token = {token}; external_id = ${{sys_id}}; table = {table}."),
        None => format!("HTTP Query Parameters of that method: external_id = ${{sys_id}}; table = {table}."),
    });
    if settings.trigger_secret.is_some() {
        steps.push(
            "HTTP Headers of that method: X-Fieldbridge-Secret = the connector's trigger_secret."
                .to_owned(),
        );
    }
    steps.push(format!(
        "Open System Definition › Business Rules and choose New. Table: {table}. Advanced: on. When: async. Insert and Update: on.{}",
        condition(settings)
    ));
    steps.push(format!(
        "Condition: gs.getUserName() != '{}' (or our own changes come back as triggers).",
        settings.user.replace('\'', "\\'")
    ));
    steps.push(format!("Script:\n{}", script()));
    steps.extend([
        "For notes and files to be carried at once, let the rule run on every update, not only on a change of state.".to_owned(),
        "Change a record that meets the condition, and look for its transaction here. Nothing is sent again when the call fails: what was missed is found by catch-up.".to_owned(),
    ]);
    steps
}

fn condition(settings: &Checked) -> String {
    let mut wanted = Vec::new();
    if !settings.conditions.states().is_empty() {
        wanted.push(format!(
            "State is {}",
            settings.conditions.states().join(" or ")
        ));
    }
    if let Some(filter) = settings.conditions.filter() {
        let fields: Vec<&str> = filter.fields().collect();
        wanted.push(format!("{} as in trigger_query", fields.join(", ")));
    }
    if wanted.is_empty() {
        " Filter conditions: those of the records that need field work, e.g. State is Pending Dispatch.".to_owned()
    } else {
        format!(
            " Filter conditions: {}; the connector drops other records anyway.",
            wanted.join(" and ")
        )
    }
}

/// The address up to its query, and the token in that.
fn endpoint(trigger_url: &str) -> (&str, Option<&str>) {
    let Some((endpoint, query)) = trigger_url.split_once('?') else {
        return (trigger_url, None);
    };
    let token = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("client_token="));
    (endpoint, token)
}

fn script() -> &'static str {
    "(function executeRule(current, previous) {
    var message = new sn_ws.RESTMessageV2('Field Nation Webhook', 'Default POST');
    message.setStringParameterNoEscape('sys_id', current.getUniqueValue());
    message.execute();
})(current, previous);"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_taken_out_of_the_endpoint() {
        let url = "https://fb.example/v1/broker/inbound?client_token=abc&x=1";
        assert_eq!(
            endpoint(url),
            ("https://fb.example/v1/broker/inbound", Some("abc"))
        );
        let url = "https://fb.example/integrations/trigger/abc";
        assert_eq!(endpoint(url), (url, None));
    }
}
