//! Checking the credential and what is switched on.

use serde_json::{Map, Value};

use super::Freshdesk;
use super::endpoint::{LIST_CONVERSATIONS, LIST_TICKETS, ME, READ_TICKET, SEARCH_TICKETS};
use super::fields::{Choices, TicketFields};
use super::json;
use super::session::{Agent, Freshness, Scope};
use super::write::missing_marker_field;
use crate::http::Call;
use crate::model::{Category, Failure, FieldKind};
use crate::platform::{Check, Probe};

impl Freshdesk {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        // Asked anew each time: the session's answer may be from before the key was reset.
        let deed = "say whose API key this is";
        let answer = self.api.json(call, &ME, deed, self.api.request(&ME)).await;
        match answer.and_then(|answer| Agent::read(&answer)) {
            Ok(agent) => {
                probe.checks.push(done("API key", agent.name.clone(), true));
                probe
                    .checks
                    .push(done("ticket scope", scope(agent.scope), false));
            }
            Err(failure) => {
                let about_key = failure.category == Category::Authentication;
                probe.checks.push(failed("API key", failure, about_key));
                return probe;
            }
        }
        let newest = self.probe_tickets(call, &mut probe).await;
        self.probe_fields(call, &mut probe).await;
        let sample = self.probe_template(call, &mut probe).await.or(newest);
        if let Some(number) = sample {
            self.probe_ticket(call, number, &mut probe).await;
        }
        self.probe_marker(call, &mut probe).await;
        if self.writes() {
            probe.checks.push(done(
                "write tickets",
                "can't be tried without writing: the agent's role must allow to create and edit tickets and to add notes",
                false,
            ));
        }
        probe
    }

    async fn probe_tickets(&self, call: &Call, probe: &mut Probe) -> Option<u64> {
        let request = self.api.request(&LIST_TICKETS).query("per_page", "1");
        let answer = self
            .api
            .json(call, &LIST_TICKETS, "list tickets", request)
            .await;
        match answer {
            Ok(tickets) => {
                let newest = tickets
                    .get(0)
                    .and_then(|ticket| json::number(ticket.get("id")?));
                let detail = match newest {
                    Some(number) => format!("the newest is {number}"),
                    None => "none was created in the last 30 days".to_owned(),
                };
                probe.checks.push(done("read tickets", detail, false));
                newest
            }
            Err(failure) => {
                probe.checks.push(failed("read tickets", failure, false));
                None
            }
        }
    }

    async fn probe_fields(&self, call: &Call, probe: &mut Probe) {
        let fields = match self.session.fields(&self.api, call, Freshness::Now).await {
            Ok(fields) => fields,
            Err(failure) => {
                probe.checks.push(failed("ticket fields", failure, false));
                return;
            }
        };
        let detail = format!("{} fields", fields.fields.len());
        probe.checks.push(done("ticket fields", detail, false));
        if let Some(name) = &self.settings.marker_field {
            let check = "marker field";
            probe.checks.push(match fields.custom(name) {
                Some(field) if field.kind == FieldKind::Text && field.choices == Choices::Any => {
                    done(check, field.label.clone(), false)
                }
                Some(_) => failed(check, wrong_marker_field(name), false),
                None => failed(check, missing_marker_field(name), false),
            });
        }
        if let Some(failure) = self.unknown_statuses(&fields) {
            probe
                .checks
                .push(failed("trigger_on_status", failure, false));
        }
    }

    fn unknown_statuses(&self, fields: &TicketFields) -> Option<Failure> {
        let choices = &fields.standard("status")?.choices;
        let unknown: Vec<&str> = self
            .settings
            .conditions
            .statuses()
            .iter()
            .filter(|status| choices.resolve(&Value::from(status.as_str())).is_err())
            .map(String::as_str)
            .collect();
        (!unknown.is_empty()).then(|| {
            Failure::new(
                Category::Configuration,
                format!(
                    "this account has no status {}; it has: {}",
                    unknown.join(", "),
                    choices.listed()
                ),
            )
            .hint("Correct trigger_on_status: statuses can be renamed in each account.")
        })
    }

    async fn probe_template(&self, call: &Call, probe: &mut Probe) -> Option<u64> {
        let number = self.settings.template?;
        let check = "template ticket";
        match self.read_bare(call, number).await {
            Ok(Some(ticket)) => {
                probe.checks.push(done(check, subject(&ticket), false));
                Some(number)
            }
            Ok(None) => {
                let failure = Failure::new(
                    Category::Configuration,
                    format!("the template ticket {number} is not there"),
                )
                .hint("Set template_ticket_id to a ticket that the API key's agent can see.");
                probe.checks.push(failed(check, failure, false));
                None
            }
            Err(failure) => {
                probe.checks.push(failed(check, failure, false));
                None
            }
        }
    }

    async fn probe_ticket(&self, call: &Call, number: u64, probe: &mut Probe) {
        let check = "related objects";
        let request = self.api.request_for(&READ_TICKET, number);
        let request = request.query("include", super::read::INCLUDES);
        let deed = format!("read ticket {number} with requester, company and times");
        probe.checks.push(
            match self.api.json(call, &READ_TICKET, &deed, request).await {
                Ok(_) => done(
                    check,
                    "requester, company and times come with tickets",
                    false,
                ),
                Err(failure)
                    if matches!(
                        failure.category,
                        Category::Validation | Category::Configuration
                    ) =>
                {
                    done(
                        check,
                        "read one by one, for they are not given with tickets",
                        false,
                    )
                }
                Err(failure) => failed(check, failure, false),
            },
        );
        if self.features.messages.inbound() || self.features.files.inbound() {
            let check = "read notes and files";
            let request = self
                .api
                .request_for(&LIST_CONVERSATIONS, number)
                .query("per_page", "1");
            let deed = format!("list the conversations of ticket {number}");
            let answer = self
                .api
                .json(call, &LIST_CONVERSATIONS, &deed, request)
                .await;
            probe.checks.push(match answer {
                Ok(_) => done(check, "", false),
                Err(failure) => failed(check, failure, false),
            });
        }
    }

    async fn probe_marker(&self, call: &Call, probe: &mut Probe) {
        let check = "find by marker";
        let Some(field) = &self.settings.marker_field else {
            if self.outbound_create {
                probe.checks.push(done(
                    check,
                    "marker_field is not set: when the creation of a ticket ends in doubt, a person is asked",
                    false,
                ));
            }
            return;
        };
        let query = format!("\"{field}:'FN-0'\"");
        let request = self.api.request(&SEARCH_TICKETS).query("query", query);
        let deed = "search tickets by their marker";
        probe.checks.push(
            match self.api.json(call, &SEARCH_TICKETS, deed, request).await {
                Ok(_) => done(check, format!("by {field}"), false),
                Err(failure) => failed(check, failure, false),
            },
        );
    }

    fn writes(&self) -> bool {
        self.outbound_create || self.features.messages.outbound() || self.features.files.outbound()
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Global => "all tickets",
        Scope::Group => {
            "only tickets of its groups and its own; others are refused: give it the scope \"Global\" unless that is meant"
        }
        Scope::Restricted => {
            "only tickets assigned to it; others are refused: give it the scope \"Global\" unless that is meant"
        }
        Scope::Unknown => "not told by Freshdesk",
    }
}

fn wrong_marker_field(name: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("the ticket field `{name}`, which marker_field names, holds no free text"),
    )
    .hint("Use a custom field of the type single-line text.")
}

fn subject(ticket: &Map<String, Value>) -> String {
    ticket.get("subject").map(json::text).unwrap_or_default()
}

fn done(what: &str, detail: impl Into<String>, credential: bool) -> Check {
    Check {
        what: what.to_owned(),
        detail: detail.into(),
        credential,
        failure: None,
    }
}

fn failed(what: &str, failure: Failure, credential: bool) -> Check {
    Check {
        what: what.to_owned(),
        detail: String::new(),
        credential,
        failure: Some(failure),
    }
}
