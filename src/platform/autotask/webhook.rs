//! Our webhooks at Autotask: one for tickets, and one for their notes where messages are carried in.
//!
//! A webhook is several objects: itself, at least one subscribed field (or it never becomes ready), and the resources
//! whose changes it does not report. Ours leaves out the API user's own, so that our writes do not come back. A second
//! webhook of the same kind and address is refused, so those that are there are looked at first; each step looks before
//! it acts, so that an interrupted registration is finished by the next.

use http::Method;
use serde_json::{Value, json};

use super::Autotask;
use super::ask::{Ask, Right, condition};
use super::fields::Fields;
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::{digits, is_true, number, text_at};
use crate::platform::{Standing, Subscription, SubscriptionPlan};

/// A kind of webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tickets,
    Notes,
}

impl Kind {
    fn entity(self) -> &'static str {
        match self {
            Self::Tickets => "TicketWebhooks",
            Self::Notes => "TicketNoteWebhooks",
        }
    }

    /// Whose picklist names the fields that can be reported.
    fn field_entity(self) -> &'static str {
        match self {
            Self::Tickets => "TicketWebhookFields",
            Self::Notes => "TicketNoteWebhookFields",
        }
    }

    fn of_entity(name: &str) -> Option<Self> {
        [Self::Tickets, Self::Notes]
            .into_iter()
            .find(|kind| kind.entity() == name)
    }

    fn what(self) -> &'static str {
        match self {
            Self::Tickets => "tickets created and changed",
            Self::Notes => "notes of tickets",
        }
    }
}

/// The fields of a note that our webhook reports; the ticket is shown with each event, so that it need not be looked up.
const NOTE_FIELDS: [&str; 3] = ["ticketID", "title", "description"];

/// The longest name of a webhook.
const LONGEST_NAME: usize = 50;

impl Autotask {
    fn webhook_kinds(&self) -> impl Iterator<Item = Kind> {
        let notes = self.features.messages.inbound().then_some(Kind::Notes);
        std::iter::once(Kind::Tickets).chain(notes)
    }

    pub(super) fn plan(&self, trigger_url: &str) -> SubscriptionPlan {
        if self.settings.webhook_secret.is_some() {
            let kinds: Vec<&str> = self.webhook_kinds().map(Kind::what).collect();
            return SubscriptionPlan::ByApi(format!(
                "Autotask webhooks, signed with webhook_secret, for {}, not called for the API user's own changes",
                kinds.join(" and for ")
            ));
        }
        let rule = match self.settings.conditions.summary() {
            Some(summary) => format!("Conditions: {summary}, as the connector is set; it drops other tickets anyway."),
            None => "Conditions: those of the tickets that need field work, e.g. status is Dispatch to Field.".to_owned(),
        };
        SubscriptionPlan::ByHand(vec![
            "Either set webhook_secret in the connector's file and register again: the connector then makes its webhooks itself. Or go on by hand:".to_owned(),
            "In Autotask, open Admin › Extensions & Integrations › Other Extensions & Tools › Extension Callout (Tickets) and choose New.".to_owned(),
            format!("Name: Fieldbridge. Active. URL: {trigger_url}"),
            "User name and password: empty (the token in the URL is the key), unless trigger_secret is set: then its value is the password, with any user name.".to_owned(),
            "HTTP Transport Method: POST. Data Format: Name Value Pair.".to_owned(),
            "Open Admin › Automation › Workflow Rules and make a rule for tickets. Events: created by anyone, edited by anyone but the API user.".to_owned(),
            rule,
            "Action: execute the extension callout made before. Save and activate the rule.".to_owned(),
            "Change a ticket that meets the conditions, and look for its transaction here.".to_owned(),
        ])
    }

    /// Our webhooks, whatever their state.
    pub(super) async fn list_webhooks(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Vec<Subscription>, Failure> {
        let mut found = Vec::new();
        for kind in self.webhook_kinds() {
            let ours = self.webhooks_of(call, kind, trigger_url).await?;
            found.extend(
                ours.iter()
                    .filter_map(|webhook| subscription(kind, webhook)),
            );
        }
        Ok(found)
    }

    async fn webhooks_of(
        &self,
        call: &Call,
        kind: Kind,
        trigger_url: &str,
    ) -> Result<Vec<Value>, Failure> {
        let filter = json!([{"op": "exist", "field": "id"}]);
        let deed = format!("list the webhooks for {}", kind.what());
        let ask = Ask::query(kind.entity(), &filter, Right::KeepWebhooks, deed);
        let all = self.api.items(call, &ask).await?;
        let is_ours = |webhook: &Value| text_at(webhook, &["webhookUrl"]) == Some(trigger_url);
        Ok(all.into_iter().filter(is_ours).collect())
    }

    /// Makes our webhooks, or finishes and re-enables those that are there.
    pub(super) async fn register_webhooks(
        &self,
        call: &Call,
        trigger_url: &str,
    ) -> Result<Subscription, Failure> {
        let mut first = None;
        for kind in self.webhook_kinds() {
            let made = self.register(call, kind, trigger_url).await?;
            first = first.or(Some(made));
        }
        first.ok_or_else(|| {
            Failure::new(Category::Configuration, "there is nothing to subscribe to")
        })
    }

    async fn register(
        &self,
        call: &Call,
        kind: Kind,
        trigger_url: &str,
    ) -> Result<Subscription, Failure> {
        let Some(secret) = &self.settings.webhook_secret else {
            return Err(by_hand());
        };
        let present = self.webhooks_of(call, kind, trigger_url).await?;
        let mut body = json!({
            "isActive": true,
            "name": self.webhook_name(),
            "webhookUrl": trigger_url,
            "deactivationUrl": trigger_url,
            "secretKey": secrecy::ExposeSecret::expose_secret(secret),
            "isSubscribedToCreateEvents": true,
            "isSubscribedToUpdateEvents": true,
            "isSubscribedToDeleteEvents": false,
            "sendThresholdExceededNotification": self.notified.is_some(),
        });
        if let (Some(address), Some(body)) = (&self.notified, body.as_object_mut()) {
            body.insert(
                "notificationEmailAddress".to_owned(),
                address.as_str().into(),
            );
        }
        let known = present
            .first()
            .and_then(|webhook| number(webhook.get("id")?));
        let id = if let Some(id) = known {
            // The secret can't be read back, so it is written each time.
            if let Some(body) = body.as_object_mut() {
                body.insert("id".to_owned(), id.into());
            }
            let deed = format!("switch webhook {id} on again");
            let ask = Ask::new(Method::PATCH, kind.entity(), Right::KeepWebhooks, deed).json(body);
            self.api.json(call, &ask).await?;
            id
        } else {
            let deed = format!("make a webhook for {}", kind.what());
            let ask = Ask::new(Method::POST, kind.entity(), Right::KeepWebhooks, deed).json(body);
            self.api.created(call, &ask).await?
        };
        self.put_fields(call, kind, id).await?;
        self.exclude_ourselves(call, kind, id).await?;
        let ask = Ask::get(
            format!("{}/{id}", kind.entity()),
            Right::KeepWebhooks,
            format!("read webhook {id}"),
        );
        let webhook = self.api.item(call, &ask).await?.unwrap_or_default();
        let made = subscription(kind, &webhook);
        made.filter(|made| made.standing == Standing::Alive)
            .ok_or_else(|| {
                Failure::new(
                    Category::Server,
                    format!("webhook {id} for {} is made and not ready yet", kind.what()),
                )
                .hint(
                    "Register again in a minute; if it stays so, look at the webhook in Autotask.",
                )
            })
    }

    fn webhook_name(&self) -> String {
        let name = format!("Fieldbridge {}", self.connector);
        name.chars().take(LONGEST_NAME).collect()
    }

    /// Subscribes to the fields that are wanted and not there yet.
    async fn put_fields(&self, call: &Call, kind: Kind, webhook: u64) -> Result<(), Failure> {
        let standard = self.reported(call, kind.field_entity()).await?;
        let mut wanted: Vec<&str> = match kind {
            Kind::Tickets => self
                .settings
                .webhook_fields
                .iter()
                .map(String::as_str)
                .collect(),
            Kind::Notes => NOTE_FIELDS.to_vec(),
        };
        let mut ids = Vec::new();
        wanted.retain(|name| match choice(&standard, "fieldID", name) {
            Some(id) => {
                ids.push((*name, id));
                false
            }
            None => true,
        });
        let path = format!("{}/{webhook}/Fields", kind.entity());
        self.put_all(call, &path, "fieldID", webhook, &ids).await?;
        let mut custom = Vec::new();
        if kind == Kind::Tickets && !wanted.is_empty() {
            let reported = self.reported(call, "TicketWebhookUdfFields").await?;
            wanted.retain(|name| match choice(&reported, "udfFieldID", name) {
                Some(id) => {
                    custom.push((*name, id));
                    false
                }
                None => true,
            });
            let path = format!("{}/{webhook}/UdfFields", kind.entity());
            self.put_all(call, &path, "udfFieldID", webhook, &custom)
                .await?;
        }
        if ids.is_empty() && custom.is_empty() {
            return Err(Failure::new(
                Category::Configuration,
                format!("Autotask's webhooks report none of: {}", wanted.join(", ")),
            )
            .hint("Set webhook_fields to names of ticket fields, e.g. status; without one a webhook never becomes ready."));
        }
        Ok(())
    }

    async fn reported(
        &self,
        call: &Call,
        entity: &'static str,
    ) -> Result<std::sync::Arc<Fields>, Failure> {
        self.session
            .fields(
                &self.api,
                call,
                entity,
                Right::KeepWebhooks,
                Freshness::Fresh,
            )
            .await
    }

    async fn put_all(
        &self,
        call: &Call,
        path: &str,
        member: &str,
        webhook: u64,
        wanted: &[(&str, u64)],
    ) -> Result<(), Failure> {
        if wanted.is_empty() {
            return Ok(());
        }
        let deed = format!("list the fields of webhook {webhook}");
        let there = self
            .api
            .items(call, &Ask::get(path, Right::KeepWebhooks, deed))
            .await?;
        for (name, id) in wanted {
            let is_there = there
                .iter()
                .any(|field| field.get(member).and_then(number) == Some(*id));
            if is_there {
                continue;
            }
            let deed = format!("have webhook {webhook} report {name}");
            let mut body = json!({
                "isSubscribedField": true,
                "isDisplayAlwaysField": *name == "ticketID",
                "webhookID": webhook,
            });
            if let Some(body) = body.as_object_mut() {
                body.insert(member.to_owned(), (*id).into());
            }
            let ask = Ask::new(Method::POST, path, Right::KeepWebhooks, deed).json(body);
            self.api.created(call, &ask).await?;
        }
        Ok(())
    }

    /// Our own changes are not to be reported: this is what keeps a circle from closing.
    async fn exclude_ourselves(
        &self,
        call: &Call,
        kind: Kind,
        webhook: u64,
    ) -> Result<(), Failure> {
        let Some(own) = self.session.own_resource(&self.api, call).await? else {
            return Ok(());
        };
        let path = format!("{}/{webhook}/ExcludedResources", kind.entity());
        let deed = format!("leave the API user's own changes out of webhook {webhook}");
        let ask = Ask::get(path.clone(), Right::KeepWebhooks, deed.as_str());
        let there = self.api.items(call, &ask).await?;
        let is_there = there
            .iter()
            .any(|excluded| excluded.get("resourceID").and_then(number) == Some(own));
        if is_there {
            return Ok(());
        }
        let body = json!({"resourceID": own, "webhookID": webhook});
        let ask = Ask::new(Method::POST, path, Right::KeepWebhooks, deed).json(body);
        self.api.created(call, &ask).await.map(drop)
    }

    /// Removes a webhook by the id that [`subscription`] gave it.
    pub(super) async fn remove_webhook(&self, call: &Call, id: &str) -> Result<(), Failure> {
        let unknown = || {
            Failure::new(
                Category::Validation,
                format!("`{id}` is no Autotask webhook; they look like TicketWebhooks/12"),
            )
        };
        let (entity, number) = id.split_once('/').ok_or_else(unknown)?;
        let kind = Kind::of_entity(entity).ok_or_else(unknown)?;
        let number = digits(number.as_bytes()).ok_or_else(unknown)?;
        let ask = Ask::new(
            Method::DELETE,
            format!("{}/{number}", kind.entity()),
            Right::KeepWebhooks,
            format!("remove webhook {number}"),
        );
        let response = self.api.answer(call, &ask).await?;
        if response.is_success() {
            return Ok(());
        }
        let failure = super::failure::read(&ask, &response);
        // Gone is what it was to become.
        if failure
            .cause
            .to_ascii_lowercase()
            .contains("no matching records")
        {
            return Ok(());
        }
        Err(failure)
    }

    /// The ticket that a note stands on.
    pub(super) async fn ticket_of_note(
        &self,
        call: &Call,
        note: u64,
    ) -> Result<Option<u64>, Failure> {
        let ask = Ask::get(
            format!("TicketNotes/{note}"),
            Right::ViewNotes,
            format!("find the ticket of note {note}"),
        );
        let found = self.api.item(call, &ask).await?;
        Ok(found.and_then(|note| number(note.get("ticketID")?)))
    }

    /// Whether the vendor keeps failed deliveries of ours, for the probe.
    pub(super) async fn failed_deliveries(&self, call: &Call) -> Result<usize, Failure> {
        let filter = json!([condition("gt", "id", 0)]);
        let ask = Ask::query(
            "WebhookEventErrorLogs",
            &filter,
            Right::KeepWebhooks,
            "list failed webhook deliveries",
        );
        Ok(self.api.page(call, &ask, None).await?.items.len())
    }
}

/// The failure of whoever asks for webhooks without the secret that they are signed with.
pub(super) fn by_hand() -> Failure {
    Failure::new(
        Category::Configuration,
        "webhooks need webhook_secret, and it is not set",
    )
    .hint(
        "Set webhook_secret in the connector's file, or follow the steps for an extension callout.",
    )
}

/// The value that stands for a field in the picklist of what can be reported; it is named there by its label.
fn choice(fields: &Fields, member: &str, name: &str) -> Option<u64> {
    let plain = |text: &str| {
        let text: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        text.strip_suffix("id").map(str::to_owned).unwrap_or(text)
    };
    let choices = &fields.standard(member)?.choices;
    let exact = choices.iter().find(|choice| choice.label == name);
    let found = exact.or_else(|| {
        choices
            .iter()
            .find(|choice| plain(&choice.label) == plain(name))
    });
    digits(found?.value.as_bytes())
}

fn subscription(kind: Kind, webhook: &Value) -> Option<Subscription> {
    let id = number(webhook.get("id")?)?;
    let is_alive =
        is_true(webhook, "isActive") && webhook.get("isReady") != Some(&Value::Bool(false));
    Some(Subscription {
        id: format!("{}/{id}", kind.entity()),
        what: kind.what().to_owned(),
        standing: if is_alive {
            Standing::Alive
        } else {
            Standing::Disabled
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::fields::Origin;
    use super::*;

    #[test]
    fn a_field_is_found_by_its_label_however_it_is_written() {
        let mut fields = Fields::default();
        fields.add(
            &json!({"fields": [{"name": "FieldID", "dataType": "integer", "picklistValues": [
                {"value": "7", "label": "Status"}, {"value": "8", "label": "Queue"},
                {"value": "9", "label": "Due Date Time"}, {"value": "10", "label": "Ticket ID"}]}]}),
            Origin::Standard,
        );
        for (name, id) in [
            ("status", Some(7)),
            ("queueID", Some(8)),
            ("dueDateTime", Some(9)),
            ("ticketID", Some(10)),
            ("colour", None),
        ] {
            assert_eq!(choice(&fields, "fieldID", name), id, "{name}");
        }
    }

    #[test]
    fn a_webhook_that_is_off_or_not_ready_is_disabled() {
        let standing =
            |webhook: Value| subscription(Kind::Tickets, &webhook).map(|made| made.standing);
        let alive = json!({"id": 12, "isActive": true, "isReady": true});
        assert_eq!(standing(alive), Some(Standing::Alive));
        let off = json!({"id": 12, "isActive": false, "isReady": true});
        assert_eq!(standing(off), Some(Standing::Disabled));
        let unready = json!({"id": 12, "isActive": true, "isReady": false});
        assert_eq!(standing(unready), Some(Standing::Disabled));
        assert_eq!(standing(json!({})), None);
    }
}
