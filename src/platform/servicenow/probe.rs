//! Checking the credential and what is switched on, without writing.

use http::Method;
use serde_json::Value;

use super::ServiceNow;
use super::api::Listing;
use super::columns::{Columns, Origin};
use super::discover::no_template;
use super::failure::{Deed, Right};
use super::filter::same;
use super::query::Query;
use super::record::cell;
use super::session::Freshness;
use super::sys_id::SysId;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::{Check, Probe};

impl ServiceNow {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        if !self.probe_user(call, &mut probe).await {
            return probe;
        }
        let newest = self.probe_table(call, &mut probe).await;
        let columns = self.probe_fields(call, &mut probe).await;
        let sample = self.probe_template(call, &mut probe).await.or(newest);
        if let Some(columns) = &columns {
            self.probe_conditions(columns, &mut probe);
        }
        let checked = self.check_marker_field(call).await;
        probe.checks.push(outcome(
            "correlation field",
            checked.map(|()| self.settings.marker_field.clone()),
        ));
        if let Some(id) = &sample {
            self.probe_related(call, id, &mut probe).await;
        }
        if self.features.messages.inbound() {
            self.probe_journal(call, &mut probe).await;
        }
        if self.features.files.inbound() || self.features.files.outbound() {
            self.probe_files(call, &mut probe).await;
        }
        for side in self.side_tables() {
            let query = Query::default();
            let deed = Deed::new(Right::WriteSide, format!("read {}", side.table));
            let names = format!("sys_id,{}", side.parent);
            let page = self
                .api
                .page(
                    call,
                    &deed,
                    &Listing::of(&side.table, &query, &names).limit(1),
                )
                .await;
            probe.checks.push(outcome(
                &format!("table {}", side.table),
                page.map(|_| "readable; writing is shown by the first entry".to_owned()),
            ));
        }
        if self.writes() {
            probe.checks.push(done(
                "write records",
                "can't be tried without writing: the user needs write access to the table and the mapped fields (itil for incident; wm_dispatcher, and wm_admin to create, for wm_task)",
            ));
        }
        probe
    }

    /// The credential itself. Answers whether there is any point in going on.
    async fn probe_user(&self, call: &Call, probe: &mut Probe) -> bool {
        let what = "credential";
        let deed = Deed::new(Right::ReadRelated, "say who we are");
        let asked = match Query::is("user_name", self.api.user()) {
            Ok(query) => {
                let names = "user_name,name,active,locked_out,time_zone";
                self.api
                    .page(
                        call,
                        &deed,
                        &Listing::of("sys_user", &query, names).limit(1),
                    )
                    .await
            }
            Err(failure) => Err(failure),
        };
        let title = self.api.credential().title();
        match asked {
            Ok(page) => {
                let own = page
                    .rows
                    .iter()
                    .find(|row| same(&cell(row, "user_name"), self.api.user()));
                probe.checks.push(Check {
                    credential: true,
                    ..done(what, &format!("{title}, user {}", self.api.user()))
                });
                probe.checks.push(match own {
                    Some(own) => time_zone(own),
                    None => done("user", "its own entry in sys_user can't be read; rendered notes can't be told to be ours then"),
                });
                true
            }
            // Signed in, but this table is closed to the user.
            Err(failure)
                if failure.category == Category::Configuration && failure.cause.contains("ACL") =>
            {
                probe.checks.push(Check {
                    credential: true,
                    ..done(what, &format!("{title}; sys_user can't be read"))
                });
                true
            }
            Err(failure) => {
                let credential = failure.category == Category::Authentication;
                probe.checks.push(Check {
                    credential,
                    ..failed(what, failure)
                });
                false
            }
        }
    }

    async fn probe_table(&self, call: &Call, probe: &mut Probe) -> Option<SysId> {
        let table = &self.settings.table;
        let query = Query::default();
        let deed = Deed::new(Right::Read, format!("read {table}"));
        let page = self
            .api
            .page(
                call,
                &deed,
                &Listing::of(table, &query, "sys_id,number").limit(1),
            )
            .await;
        let what = format!("read {table}");
        match page {
            Ok(page) => {
                let row = page.rows.first();
                let detail = match row {
                    Some(row) => format!("e.g. {}", cell(row, "number")),
                    None => "no record is to be seen: the table is empty, or ACLs hide its records"
                        .to_owned(),
                };
                probe.checks.push(done(&what, &detail));
                row.and_then(|row| SysId::parse(&cell(row, "sys_id")))
            }
            Err(failure) => {
                probe.checks.push(failed(&what, failure));
                None
            }
        }
    }

    async fn probe_fields(
        &self,
        call: &Call,
        probe: &mut Probe,
    ) -> Option<std::sync::Arc<Columns>> {
        let what = "fields";
        match self.columns(call, Freshness::Now).await {
            Ok(columns) => {
                let count = columns.columns.len();
                let choices = columns
                    .columns
                    .iter()
                    .filter(|column| !column.choices.is_empty())
                    .count();
                probe.checks.push(match columns.origin {
                    Origin::Dictionary => done(what, &format!("{count} from sys_dictionary, {choices} with choices")),
                    Origin::Forms => done(what, &format!("{count} from the form's description; sys_dictionary can't be read (role personalize_dictionary)")),
                    Origin::BuiltIn if self.settings.template.is_some() => done(what, "from the template record; sys_dictionary can't be read (role personalize_dictionary), so that misspelt fields are found only by the first write"),
                    Origin::BuiltIn => failed(
                        what,
                        Failure::new(Category::Configuration, format!("the user can't read which fields {} has", self.settings.table))
                            .hint("Give the user the role personalize_dictionary, or set template_object_id to a well filled record."),
                    ),
                });
                Some(columns)
            }
            Err(failure) => {
                probe.checks.push(failed(what, failure));
                None
            }
        }
    }

    async fn probe_template(&self, call: &Call, probe: &mut Probe) -> Option<SysId> {
        let word = self.settings.template.as_ref()?;
        let what = "template record";
        let found = match self.resolve(call, word).await {
            Ok(Some(id)) => {
                let deed = Deed::new(Right::Read, format!("read the template record {word}"));
                let request = self
                    .api
                    .record(Method::GET, &self.settings.table, &id)
                    .query("sysparm_fields", "sys_id,number,short_description");
                match self.api.result_if_there(call, &deed, request).await {
                    Ok(Some(row)) => Ok((id, cell(&row, "number"))),
                    Ok(None) => Err(no_template(word)),
                    Err(failure) => Err(failure),
                }
            }
            Ok(None) => Err(no_template(word)),
            Err(failure) => Err(failure),
        };
        match found {
            Ok((id, number)) => {
                probe.checks.push(done(what, &number));
                Some(id)
            }
            Err(failure) => {
                probe.checks.push(failed(what, failure));
                None
            }
        }
    }

    fn probe_conditions(&self, columns: &Columns, probe: &mut Probe) {
        let state = columns.get("state");
        let unknown: Vec<String> = self
            .settings
            .conditions
            .states()
            .iter()
            .filter_map(|wanted| state?.choice(wanted).err())
            .collect();
        if !unknown.is_empty() {
            let failure = Failure::new(Category::Configuration, unknown.join("; "))
                .hint("Correct trigger_on_state: each instance has its own states.");
            probe.checks.push(failed("trigger_on_state", failure));
        }
        let Some(filter) = self
            .settings
            .conditions
            .filter()
            .filter(|_| columns.are_all())
        else {
            return;
        };
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let unknown: Vec<String> = filter
            .fields()
            .map(first)
            .filter(|name| columns.get(name).is_none())
            .collect();
        probe.checks.push(if unknown.is_empty() {
            done("trigger_query", "all its fields exist")
        } else {
            failed(
                "trigger_query",
                Failure::new(
                    Category::Configuration,
                    format!("{} has no field {}", self.settings.table, unknown.join(", ")),
                )
                .hint("Use the names that Refresh Fields lists, not the labels; ServiceNow would drop that part of the query and find everything."),
            )
        });
    }

    async fn probe_related(&self, call: &Call, id: &SysId, probe: &mut Probe) {
        if self.settings.related.is_empty() {
            return;
        }
        let deed = Deed::new(Right::ReadRelated, "read related fields");
        let request = self
            .api
            .record(Method::GET, &self.settings.table, id)
            .query("sysparm_fields", self.settings.related.join(","))
            .query("sysparm_exclude_reference_link", "true");
        let answer = self.api.result_if_there(call, &deed, request).await;
        let seen = |answer: Option<Value>| {
            let count = answer
                .as_ref()
                .and_then(Value::as_object)
                .map_or(0, serde_json::Map::len);
            format!(
                "{count} of {} can be read on {id}",
                self.settings.related.len()
            )
        };
        probe
            .checks
            .push(outcome("related fields", answer.map(seen)));
    }

    async fn probe_journal(&self, call: &Call, probe: &mut Probe) {
        let query = match Query::is_one_of("element", &super::journal::ELEMENTS) {
            Ok(query) => query,
            Err(failure) => return probe.checks.push(failed("read notes", failure)),
        };
        let deed = Deed::new(Right::ReadJournal, "read sys_journal_field");
        let page = self
            .api
            .page(
                call,
                &deed,
                &Listing::of("sys_journal_field", &query, "sys_id").limit(1),
            )
            .await;
        let rendered = "from the record's rendered text, for sys_journal_field can't be read; the user's date format must be yyyy-MM-dd";
        probe.checks.push(match page {
            Ok(page) if page.rows.is_empty() => done("read notes", rendered),
            Ok(_) => done("read notes", "from sys_journal_field"),
            Err(failure) if failure.category == Category::Configuration => {
                done("read notes", rendered)
            }
            Err(failure) => failed("read notes", failure),
        });
    }

    async fn probe_files(&self, call: &Call, probe: &mut Probe) {
        let deed = Deed::new(Right::Attach, "list attachments");
        let request = self
            .api
            .part(Method::GET, "attachment")
            .query("sysparm_limit", "1");
        let page = self.api.page_of(call, &deed, request).await;
        probe
            .checks
            .push(outcome("attachments", page.map(|_| "readable".to_owned())));
    }

    fn writes(&self) -> bool {
        self.outbound_create || self.features.messages.outbound() || self.features.files.outbound()
    }
}

/// Moments in queries are told in UTC; a user of another time zone may have them taken for its own.
fn time_zone(own: &Value) -> Check {
    let zone = cell(own, "time_zone");
    if cell(own, "locked_out") == "true" || cell(own, "active") == "false" {
        return failed(
            "user",
            Failure::new(
                Category::Configuration,
                "the user is locked out or not active",
            )
            .hint("Unlock and activate it in User Administration › Users."),
        );
    }
    match zone.as_str() {
        "" => done(
            "user",
            "its time zone is the system's; GMT is safest for catch-up",
        ),
        "GMT" | "UTC" | "Etc/UTC" | "Etc/GMT" => done("user", "time zone GMT"),
        other => done(
            "user",
            &format!(
                "its time zone is {other}; GMT is safest for catch-up, for moments are asked for in UTC"
            ),
        ),
    }
}

fn outcome(what: &str, result: Result<String, Failure>) -> Check {
    match result {
        Ok(detail) => done(what, &detail),
        Err(failure) => failed(what, failure),
    }
}

fn done(what: &str, detail: &str) -> Check {
    Check {
        what: what.to_owned(),
        detail: detail.to_owned(),
        credential: false,
        failure: None,
    }
}

fn failed(what: &str, failure: Failure) -> Check {
    Check {
        what: what.to_owned(),
        detail: String::new(),
        credential: false,
        failure: Some(failure),
    }
}
