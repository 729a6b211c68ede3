//! Checking the credential and what is switched on. Nothing here writes.
//!
//! A user without a right may get an empty list instead of a refusal, so rights are read from what the vendor says of
//! each kind of object, and a template ticket must really be found.

use serde_json::{Value, json};

use super::Autotask;
use super::ask::{Ask, Right, condition};
use super::fields::Fields;
use super::session::Freshness;
use super::settings::ExpenseTarget;
use super::write::MARKER_FIELD;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::{at, number, text_at};
use crate::platform::{Check, Probe};

/// What one may do with a kind of object, as the vendor names it.
#[derive(Clone, Copy, Debug)]
struct Need {
    what: &'static str,
    entity: &'static str,
    deed: Deed,
    right: Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Query,
    Create,
    Update,
}

impl Deed {
    /// The member that says whether it can be done at all.
    fn allowed(self) -> &'static str {
        match self {
            Self::Query => "canQuery",
            Self::Create => "canCreate",
            Self::Update => "canUpdate",
        }
    }

    /// The member that says whether this user may: 0 no, 1 what is its own, 2 everything.
    fn access(self) -> &'static str {
        match self {
            Self::Query => "userAccessForQuery",
            Self::Create => "userAccessForCreate",
            Self::Update => "userAccessForUpdate",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Query => "read",
            Self::Create => "create",
            Self::Update => "change",
        }
    }
}

fn need(what: &'static str, entity: &'static str, deed: Deed, right: Right) -> Need {
    Need {
        what,
        entity,
        deed,
        right,
    }
}

impl Autotask {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        if !self.probe_credential(call, &mut probe).await {
            return probe;
        }
        self.probe_resource(call, &mut probe).await;
        for need in self.needs() {
            let outcome = self.probe_need(call, need).await;
            probe.checks.push(check(need.what, outcome));
        }
        self.probe_fields(call, &mut probe).await;
        self.probe_ticket(call, &mut probe).await;
        if self.settings.webhook_secret.is_some() {
            let outcome = self.failed_deliveries(call).await.map(|count| match count {
                0 => "no failed deliveries".to_owned(),
                count => format!("{count} failed deliveries are on record in Autotask"),
            });
            probe.checks.push(check("webhooks", outcome));
        }
        probe
    }

    async fn probe_credential(&self, call: &Call, probe: &mut Probe) -> bool {
        let zone = match self.api.fresh_zone(call).await {
            Ok(zone) => zone,
            Err(failure) => {
                probe.checks.push(credential("zone", Err(failure)));
                return false;
            }
        };
        let detail = format!("{} ({})", zone.name, zone.base);
        probe.checks.push(credential("zone", Ok(detail)));
        let outcome = self
            .api
            .threshold(call)
            .await
            .map(|threshold| match threshold {
                Some(threshold) => format!(
                    "{} of {} calls of the hour are used, by all integrations together",
                    threshold.used, threshold.limit
                ),
                None => "accepted".to_owned(),
            });
        let is_good = outcome.is_ok();
        probe.checks.push(credential("API user", outcome));
        is_good
    }

    async fn probe_resource(&self, call: &Call, probe: &mut Probe) {
        let own = self.session.own_resource(&self.api, call).await;
        let outcome = own.map(|own| match own {
            Some(id) => format!("resource {id}: its changes and notes count as ours"),
            None => "not found by its name: set resource_id, or our own changes come back as triggers (they are recognised and dropped, but cost calls)".to_owned(),
        });
        probe.checks.push(check("own resource", outcome));
    }

    /// What is needed for what is switched on.
    fn needs(&self) -> Vec<Need> {
        let mut needs = vec![
            need("read tickets", "Tickets", Deed::Query, Right::ViewTickets),
            need(
                "change tickets",
                "Tickets",
                Deed::Update,
                Right::EditTickets,
            ),
        ];
        if self.outbound_create {
            needs.push(need(
                "create tickets",
                "Tickets",
                Deed::Create,
                Right::AddTickets,
            ));
        }
        let features = &self.features;
        if features.messages.inbound() {
            needs.push(need(
                "read notes",
                "TicketNotes",
                Deed::Query,
                Right::ViewNotes,
            ));
        }
        if features.messages.outbound() {
            needs.push(need(
                "write notes",
                "TicketNotes",
                Deed::Create,
                Right::AddNotes,
            ));
        }
        if features.files.inbound() {
            needs.push(need(
                "read attachments",
                "TicketAttachments",
                Deed::Query,
                Right::ViewFiles,
            ));
        }
        if features.files.outbound() {
            needs.push(need(
                "write attachments",
                "TicketAttachments",
                Deed::Create,
                Right::AddFiles,
            ));
        }
        if self.settings.default_resource.is_some() {
            needs.push(need(
                "service calls",
                "ServiceCalls",
                Deed::Create,
                Right::Schedule,
            ));
            needs.push(need(
                "time entries",
                "TimeEntries",
                Deed::Create,
                Right::TrackTime,
            ));
        }
        match self.settings.expense_target {
            ExpenseTarget::None => {}
            ExpenseTarget::Charge => {
                needs.push(need(
                    "charges",
                    "TicketCharges",
                    Deed::Create,
                    Right::Charge,
                ));
            }
            ExpenseTarget::Expense => {
                needs.push(need(
                    "expenses",
                    "ExpenseItems",
                    Deed::Create,
                    Right::Expense,
                ));
            }
        }
        if self.settings.webhook_secret.is_some() {
            needs.push(need(
                "make webhooks",
                "TicketWebhooks",
                Deed::Create,
                Right::KeepWebhooks,
            ));
        }
        needs
    }

    async fn probe_need(&self, call: &Call, need: Need) -> Result<String, Failure> {
        let ask = Ask::get(
            format!("{}/entityInformation", need.entity),
            need.right,
            format!("say what may be done with {}", need.entity),
        );
        let answer = self.api.json(call, &ask).await?;
        let info = answer.get("info").unwrap_or(&answer);
        let may = info.get(need.deed.allowed()) != Some(&Value::Bool(false))
            && at(info, &[need.deed.access()]).and_then(Value::as_u64) != Some(0);
        if may {
            Ok(String::new())
        } else {
            Err(Failure::new(
                Category::Configuration,
                format!("the API user may not {} {}", need.deed.verb(), need.entity),
            )
            .hint(need.right.hint()))
        }
    }

    async fn probe_fields(&self, call: &Call, probe: &mut Probe) {
        let fields = match self
            .session
            .ticket_fields(&self.api, call, Freshness::Now)
            .await
        {
            Ok(fields) => fields,
            Err(failure) => {
                probe.checks.push(check("ticket fields", Err(failure)));
                return;
            }
        };
        let detail = format!("{} fields", fields.all.len());
        probe.checks.push(check("ticket fields", Ok(detail)));
        for (setting, field, wanted) in self.settings.conditions.each() {
            probe.checks.push(check(
                setting,
                known_values(&fields, setting, field, wanted),
            ));
        }
        if self.outbound_create {
            let findable = fields
                .standard(MARKER_FIELD)
                .is_none_or(|field| field.queryable);
            let outcome = if findable {
                Ok(format!("by {MARKER_FIELD}"))
            } else {
                Err(Failure::new(
                    Category::Configuration,
                    format!("tickets can't be searched by {MARKER_FIELD} in this database"),
                )
                .hint("Leave outbound_create off: a ticket whose creation ended in doubt could not be found again."))
            };
            probe.checks.push(check("find by marker", outcome));
        }
    }

    async fn probe_ticket(&self, call: &Call, probe: &mut Probe) {
        let Some(number) = self.settings.template else {
            let outcome = self.any_ticket(call).await;
            probe.checks.push(check("a ticket", outcome));
            return;
        };
        let outcome = match self.read_ticket(call, number).await {
            Ok(Some(ticket)) => Ok(text_at(&ticket, &["title"]).unwrap_or_default().to_owned()),
            Ok(None) => Err(Failure::new(
                Category::Configuration,
                format!("the template ticket {number} is not shown to the API user"),
            )
            .hint(Right::ViewTickets.hint())),
            Err(failure) => Err(failure),
        };
        probe.checks.push(check("template ticket", outcome));
    }

    async fn any_ticket(&self, call: &Call) -> Result<String, Failure> {
        let filter = json!([condition("gt", "id", 0)]);
        let ask = Ask::new(
            http::Method::POST,
            "Tickets/query",
            Right::ViewTickets,
            "list a ticket",
        )
        .json(json!({"filter": filter, "maxRecords": 1, "includeFields": ["id", "title"]}));
        let page = self.api.page(call, &ask, None).await?;
        let first = page
            .items
            .first()
            .and_then(|ticket| number(ticket.get("id")?));
        Ok(match first {
            Some(id) => format!("ticket {id} is shown"),
            None => "no ticket is shown: there is none, or the API user lacks Tickets: View All (Autotask shows an empty list instead of refusing)".to_owned(),
        })
    }
}

fn known_values(
    fields: &Fields,
    setting: &str,
    field: &str,
    wanted: &[String],
) -> Result<String, Failure> {
    let Some(described) = fields.standard(field) else {
        return Ok(String::new());
    };
    for value in wanted {
        if let Err(why) = described.fit(&Value::from(value.as_str()), None) {
            return Err(Failure::new(
                Category::Configuration,
                format!("this database has no {field} `{value}`; {why}"),
            )
            .hint(format!(
                "Correct {setting}: picklists differ from database to database."
            )));
        }
    }
    Ok(wanted.join(", "))
}

fn check(what: &str, outcome: Result<String, Failure>) -> Check {
    let (detail, failure) = match outcome {
        Ok(detail) => (detail, None),
        Err(failure) => (String::new(), Some(failure)),
    };
    Check {
        what: what.to_owned(),
        detail,
        credential: false,
        failure,
    }
}

/// A check whose refusal is about the credential; that nobody answered is not.
fn credential(what: &str, outcome: Result<String, Failure>) -> Check {
    let about_credential = outcome
        .as_ref()
        .err()
        .is_none_or(|failure| failure.category == Category::Authentication);
    Check {
        credential: about_credential,
        ..check(what, outcome)
    }
}
