//! What an admin does by hand in Freshdesk so that changes reach us.

use super::filter::Conditions;

/// The steps, with the very address to be pasted.
pub(super) fn steps(trigger_url: &str, conditions: &Conditions) -> Vec<String> {
    let joint = if trigger_url.contains('?') { '&' } else { '?' };
    let address = format!("{trigger_url}{joint}external_id={{{{ticket.id}}}}");
    let mut steps = vec![
        "In Freshdesk, open Admin › Workflows › Automations › Ticket Updates and choose New rule.".to_owned(),
        "Involves: any agent but the one whose API key this connector uses, or our own changes come back as triggers. Requesters and the system may stay.".to_owned(),
        "Events: status is changed (from any to any), tag is added, and whatever else should be carried over, e.g. priority, note is added.".to_owned(),
    ];
    steps.push(match conditions.summary() {
        Some(summary) => format!("Conditions: {summary}, as the connector is set; it drops other tickets anyway."),
        None => "Conditions: those of the tickets that need field work, e.g. status is Field Service Required, or tag contains on-site.".to_owned(),
    });
    steps.extend([
        "Action: Trigger Webhook. Request type POST.".to_owned(),
        format!("URL: {address}"),
        "Authentication: off (the token in the URL is the key), unless trigger_secret is set: then its value is the password, with any user name.".to_owned(),
        "Encoding JSON; content Advanced: {\"ticket_id\":\"{{ticket.id}}\"}".to_owned(),
        "Preview, save and activate the rule. Make the same rule under Ticket Creation if new tickets should be carried over at once.".to_owned(),
        "Change a ticket that meets the conditions, and look for its transaction here.".to_owned(),
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_ready_to_paste() {
        let address = |url: &str| {
            steps(url, &Conditions::default())
                .into_iter()
                .find(|step| step.starts_with("URL"))
        };
        assert_eq!(
            address("https://fb.example/v1/broker/inbound?client_token=abc").as_deref(),
            Some(
                "URL: https://fb.example/v1/broker/inbound?client_token=abc&external_id={{ticket.id}}"
            )
        );
        assert_eq!(
            address("https://fb.example/integrations/trigger/abc").as_deref(),
            Some("URL: https://fb.example/integrations/trigger/abc?external_id={{ticket.id}}")
        );
    }

    #[test]
    fn the_connectors_conditions_are_named() {
        let conditions = Conditions::new(vec!["Open".into()], vec!["on-site".into()]);
        let told = steps("https://fb.example/t", &conditions).join("\n");
        assert!(told.contains("status is Open, or tag is on-site"), "{told}");
    }
}
