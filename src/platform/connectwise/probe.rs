//! Testing the connection: the credential first, then each feature that is switched on, with the cell of the role that
//! is missing. Nothing is changed: a right to write is tried on ticket 0, which never exists.

use http::Method;
use serde_json::{Value, json};

use super::ConnectWise;
use super::error::Right;
use super::session::{Ask, quoted};
use super::settings::{Charges, Related, ScheduleReading};
use super::tables::Table;
use super::ticket::reference_id;
use crate::config::NoteFlow;
use crate::http::Call;
use crate::model::{Category, Failure, SideRecordKind};
use crate::platform::basics::text_at;
use crate::platform::{Check, Probe};

impl ConnectWise {
    pub(super) async fn run_probe(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        let signed_in = self.sign_in(call).await;
        let refused = signed_in.is_err();
        probe.checks.push(Check {
            credential: true,
            ..check("sign in", signed_in)
        });
        if refused {
            return probe;
        }
        let tickets = self.read_ok(
            call,
            Ask::get("service/tickets", Right::ReadTickets, "read tickets").query("fields", "id"),
        );
        probe.checks.push(check("read tickets", tickets.await));
        let template = self.probe_template(call, &mut probe).await;
        self.probe_related(call, template.as_ref(), &mut probe)
            .await;
        self.probe_writing(call, &mut probe).await;
        self.probe_features(call, template.as_ref(), &mut probe)
            .await;
        probe.checks.push(check(
            "read setup tables",
            self.read_ok(
                call,
                Ask::get("service/boards", Right::ReadSetupTables, "list the boards"),
            )
            .await,
        ));
        if let Some(status) = &self.trigger_on_status {
            probe.checks.push(check(
                "trigger on status",
                self.known_status(call, status, template.as_ref()).await,
            ));
        }
        let callbacks = Ask::get("system/callbacks", Right::Callbacks, "list the callbacks");
        probe
            .checks
            .push(check("callbacks", self.read_ok(call, callbacks).await));
        self.learn_member_by_description(call).await;
        probe
    }

    /// Whether the credential works, and what the site says of itself.
    async fn sign_in(&self, call: &Call) -> Result<String, Failure> {
        self.session.sign_in(call).await?;
        let codebase = self.session.codebase(call).await?;
        let ask = Ask::get(
            "system/info",
            Right::SystemInformation,
            "read the system's version",
        );
        // Many roles may not read this; that says nothing about the rest.
        let info = self.session.json_if_any(call, &ask).await.ok().flatten();
        let version = info
            .as_ref()
            .and_then(|info| text_at(info, &["version"]))
            .map(|version| format!(", version {version}"));
        Ok(format!(
            "codebase {}{}",
            codebase.trim_end_matches('/'),
            version.unwrap_or_default()
        ))
    }

    async fn read_ok(&self, call: &Call, ask: Ask) -> Result<String, Failure> {
        self.session
            .send(call, &ask.query("pageSize", 1))
            .await
            .map(|_| String::new())
    }

    async fn probe_template(&self, call: &Call, probe: &mut Probe) -> Option<Value> {
        let ticket = self.template_ticket?;
        let ask = Ask::get(
            format!("service/tickets/{ticket}"),
            Right::ReadTickets,
            format!("read the template ticket {ticket}"),
        );
        let read = self.session.json_if_any(call, &ask).await.and_then(|found| {
            found.ok_or_else(|| {
                Failure::new(Category::Configuration, format!("the template ticket {ticket} does not exist, or the API member may not see it"))
                    .hint("Set template_ticket_id to a ticket that has as many fields filled in as possible.")
            })
        });
        let told = read
            .as_ref()
            .map(|fields| text_at(fields, &["summary"]).unwrap_or_default().to_owned());
        probe
            .checks
            .push(check("template ticket", told.map_err(Clone::clone)));
        read.ok()
    }

    async fn probe_related(&self, call: &Call, template: Option<&Value>, probe: &mut Probe) {
        for related in &self.related {
            let (what, ask) = match related {
                Related::Company => (
                    "read companies",
                    Ask::get("company/companies", Right::ReadCompanies, "list companies"),
                ),
                Related::Contact => (
                    "read contacts",
                    Ask::get("company/contacts", Right::ReadContacts, "list contacts"),
                ),
                Related::Site => {
                    match template.and_then(|template| reference_id(template, "company")) {
                        Some(company) => {
                            let path = format!("company/companies/{company}/sites");
                            (
                                "read sites",
                                Ask::get(
                                    path,
                                    Right::ReadCompanies,
                                    "list the sites of the template ticket's company",
                                ),
                            )
                        }
                        None => continue,
                    }
                }
            };
            probe
                .checks
                .push(check(what, self.read_ok(call, ask).await));
        }
    }

    async fn probe_writing(&self, call: &Call, probe: &mut Probe) {
        let harmless = json!([{"op": "replace", "path": "skipCallback", "value": true}]);
        let edit = Ask::new(
            Method::PATCH,
            "service/tickets/0",
            Right::EditTickets,
            "update tickets",
        )
        .json(harmless);
        probe.checks.push(check(
            "update tickets",
            self.not_forbidden(call, edit).await,
        ));
        if self.outbound_create {
            // Without its two required fields nothing can come of it.
            let add = Ask::new(
                Method::POST,
                "service/tickets",
                Right::AddTickets,
                "create tickets",
            )
            .json(json!({}));
            probe
                .checks
                .push(check("create tickets", self.not_forbidden(call, add).await));
        }
        if self.features.messages.outbound() {
            let note = Ask::new(
                Method::POST,
                "service/tickets/0/notes",
                Right::EditTickets,
                "add notes",
            )
            .json(json!({}));
            probe
                .checks
                .push(check("add notes", self.not_forbidden(call, note).await));
        }
    }

    /// Makes a call that can't take effect; being let as far as that is a good sign.
    async fn not_forbidden(&self, call: &Call, ask: Ask) -> Result<String, Failure> {
        match self.session.find(call, &ask).await {
            Err(failure)
                if failure.category != Category::Validation && !is_masked_refusal(&failure) =>
            {
                Err(failure)
            }
            _ => Ok("not refused; certain with the first write".to_owned()),
        }
    }

    async fn probe_features(&self, call: &Call, template: Option<&Value>, probe: &mut Probe) {
        let ticket = template
            .and_then(|template| template.get("id"))
            .and_then(Value::as_u64);
        if self.features.messages.inbound()
            && let Some(ticket) = ticket
        {
            let ask = Ask::get(
                format!("service/tickets/{ticket}/allNotes"),
                Right::ReadTickets,
                "read notes",
            );
            probe
                .checks
                .push(check("read notes", self.read_ok(call, ask).await));
        }
        if self.features.files != NoteFlow::Off {
            let ask = Ask::get("system/documents", Right::ReadDocuments, "list documents")
                .query("recordType", "Ticket")
                .query("recordId", ticket.unwrap_or(0));
            let read = self.read_ok(call, ask).await;
            let told = read.map(|_| {
                if self.features.files.outbound() {
                    format!("uploading needs also: {}", Right::AddDocuments.cell())
                } else {
                    String::new()
                }
            });
            probe.checks.push(check("documents", told));
        }
        let schedule = self.read_schedule == ScheduleReading::On
            || self.side_records.contains(&SideRecordKind::Schedule);
        let enabled = |kind| self.side_records.contains(&kind);
        for (enabled, what, path, right, writing) in [
            (
                schedule,
                "schedule entries",
                "schedule/entries",
                Right::ReadSchedule,
                Right::WriteSchedule,
            ),
            (
                enabled(SideRecordKind::Time),
                "time entries",
                "time/entries",
                Right::ReadTime,
                Right::WriteTime,
            ),
            (
                enabled(SideRecordKind::Charge),
                "charges",
                self.charge_path(),
                self.charge_rights().0,
                self.charge_rights().1,
            ),
        ] {
            if enabled {
                let read = self
                    .read_ok(call, Ask::get(path, right, format!("list {what}")))
                    .await;
                probe.checks.push(check(
                    what,
                    read.map(|_| format!("writing needs also: {}", writing.cell())),
                ));
            }
        }
    }

    fn charge_path(&self) -> &'static str {
        match self.charges {
            Charges::Product => "procurement/products",
            Charges::Expense => "expense/entries",
        }
    }

    fn charge_rights(&self) -> (Right, Right) {
        match self.charges {
            Charges::Product => (Right::ReadProducts, Right::WriteProducts),
            Charges::Expense => (Right::ReadExpenses, Right::WriteExpenses),
        }
    }

    async fn known_status(
        &self,
        call: &Call,
        status: &str,
        template: Option<&Value>,
    ) -> Result<String, Failure> {
        let Some(board) = template.and_then(|template| reference_id(template, "board")) else {
            return Ok(format!(
                "`{status}`; set template_ticket_id to have it checked"
            ));
        };
        match self
            .tables
            .id_of(&self.session, call, Table::Statuses(board), status)
            .await
        {
            Ok(id) => Ok(format!(
                "`{status}` is status {id} of the template ticket's board"
            )),
            Err(failure) if failure.category == Category::Validation => Err(Failure {
                category: Category::Configuration,
                ..failure
            }),
            Err(failure) => Err(failure),
        }
    }

    /// Our callbacks bear our name, and name the member who made them.
    async fn learn_member_by_description(&self, call: &Call) {
        if self.session.member().is_some() {
            return;
        }
        let ask = Ask::get("system/callbacks", Right::Callbacks, "list the callbacks").query(
            "conditions",
            format!("description={}", quoted(&self.callback_name())),
        );
        if let Ok(callbacks) = self.session.list(call, &ask).await {
            self.learn_from_callbacks(call, &callbacks).await;
        }
    }
}

/// An empty object may also be answered with 500, which only says that it was looked at.
fn is_masked_refusal(failure: &Failure) -> bool {
    failure.category == Category::Server && failure.cause.contains("(500")
}

fn check(what: &str, result: Result<String, Failure>) -> Check {
    let (detail, failure) = match result {
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
