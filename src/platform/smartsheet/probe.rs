//! Checking the credential and what is switched on, without writing anything.

use std::sync::Arc;

use super::Smartsheet;
use super::api::Ask;
use super::columns::{Columns, Kind};
use super::failure::Right;
use super::notes::{InternalNotes, missing_column};
use super::session::{Freshness, Me, who};
use crate::http::Call;
use crate::model::{Category, Failure, NoteVisibility};
use crate::platform::{Check, Probe};

/// The access levels that may write rows, comments and attachments.
const WRITERS: [&str; 4] = ["OWNER", "ADMIN", "EDITOR_SHARE", "EDITOR"];

impl Smartsheet {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        // Asked anew each time: the session's answer may be from before the token was revoked.
        let me = self.api.json(call, &who()).await;
        match me.and_then(|answer| Me::read(&answer)) {
            Ok(me) => probe.checks.push(done("access token", me.told, true)),
            Err(failure) => {
                let about_token = failure.category == Category::Authentication;
                probe
                    .checks
                    .push(failed("access token", failure, about_token));
                return probe;
            }
        }
        if !self.probe_sheet(call, &mut probe).await {
            return probe;
        }
        match self.session.columns(&self.api, call, Freshness::Now).await {
            Ok(columns) => self.probe_columns(&columns, &mut probe),
            Err(failure) => probe.checks.push(failed("columns", failure, false)),
        }
        self.probe_features(call, &mut probe).await;
        let ask = Ask::get("/webhooks", Right::Webhooks, "list the webhooks")
            .query("page", 1)
            .query("pageSize", 1);
        probe.checks.push(self.tried(call, "webhooks", &ask).await);
        probe
    }

    /// Whether the sheet can be read at all, and whether its access level is enough.
    async fn probe_sheet(&self, call: &Call, probe: &mut Probe) -> bool {
        let head = match self.session.head(&self.api, call, Freshness::Now).await {
            Ok(head) => head,
            Err(failure) => {
                let failure = if failure.category == Category::Validation {
                    Failure {
                        category: Category::Configuration,
                        ..failure
                    }
                    .hint(format!(
                        "Share sheet {} (template_sheet_id) with the token's account, or correct the number.",
                        self.settings.sheet
                    ))
                } else {
                    failure
                };
                probe.checks.push(failed("sheet", failure, false));
                return false;
            }
        };
        probe.checks.push(done(
            "sheet",
            format!("\"{}\", as {}", head.name, head.access_level),
            false,
        ));
        let may_write = WRITERS.contains(&head.access_level.as_str());
        // Outbound rules may be there at any time, so writing is checked whatever is switched on.
        probe.checks.push(if may_write {
            done("write rows", "", false)
        } else {
            let level = if head.access_level.is_empty() { "no level told" } else { &head.access_level };
            let failure = Failure::new(
                Category::Configuration,
                format!("the token's account may not write to the sheet (access level {level})"),
            )
            .hint("Share the sheet with the token's account as Editor or Admin; locked columns and rows take Admin.");
            failed("write rows", failure, false)
        });
        true
    }

    fn probe_columns(&self, columns: &Arc<Columns>, probe: &mut Probe) {
        probe.checks.push(done(
            "columns",
            format!("{} columns", columns.list.len()),
            false,
        ));
        match &self.settings.trigger {
            Some(trigger) => probe.checks.push(match columns.titled(&trigger.column) {
                Some(_) => done("trigger column", trigger.column.clone(), false),
                None => failed(
                    "trigger column",
                    missing_column("trigger_column", &trigger.column, &columns.titles()),
                    false,
                ),
            }),
            None => probe.checks.push(done(
                "trigger column",
                "not set: every row is made into a work order, and every change calls the webhook",
                false,
            )),
        }
        for title in self
            .settings
            .subscope
            .iter()
            .filter(|title| columns.titled(title).is_none())
        {
            // The trigger column was told already.
            if self
                .settings
                .trigger
                .as_ref()
                .is_none_or(|trigger| trigger.column != **title)
            {
                let failure = missing_column("subscope_columns", title, &columns.titles());
                probe.checks.push(failed("webhook columns", failure, false));
            }
        }
        self.probe_marker(columns, probe);
        self.probe_internal_notes(columns, probe);
    }

    fn probe_marker(&self, columns: &Columns, probe: &mut Probe) {
        let check = "marker column";
        match &self.settings.marker_column {
            Some(title) => probe.checks.push(match columns.titled(title) {
                Some(column) if column.kind == Kind::TextNumber && column.fixed.is_none() => {
                    done(check, title.clone(), false)
                }
                Some(_) => {
                    let failure = Failure::new(
                        Category::Configuration,
                        format!("the column \"{title}\", which marker_column names, takes no free text"),
                    )
                    .hint("Use a column of the type Text/Number without a formula, not locked.");
                    failed(check, failure, false)
                }
                None => failed(check, missing_column("marker_column", title, &columns.titles()), false),
            }),
            None if self.outbound_create => probe.checks.push(done(
                check,
                "marker_column is not set: when the creation of a row ends in doubt, a person is asked",
                false,
            )),
            None => {}
        }
    }

    fn probe_internal_notes(&self, columns: &Columns, probe: &mut Probe) {
        let are_written = self.features.messages.outbound()
            && self.features.message_visibility == NoteVisibility::Internal;
        if !are_written {
            return;
        }
        let check = "internal messages";
        probe.checks.push(match &self.settings.internal_notes {
            InternalNotes::Skip => done(
                check,
                "not written: Smartsheet has no private comments (set message_visibility = \"public\", or internal_notes)",
                false,
            ),
            InternalNotes::Publish => done(check, "written as comments, which everybody sees", false),
            InternalNotes::Column(title) => match columns.titled(title) {
                Some(column) if column.kind == Kind::TextNumber && column.fixed.is_none() => {
                    done(check, format!("appended to the column {title}"), false)
                }
                Some(_) => {
                    let failure = Failure::new(
                        Category::Configuration,
                        format!("the column \"{title}\", which internal_notes names, takes no free text"),
                    )
                    .hint("Use a column of the type Text/Number without a formula, not locked.");
                    failed(check, failure, false)
                }
                None => failed(check, missing_column("internal_notes", title, &columns.titles()), false),
            },
        });
    }

    async fn probe_features(&self, call: &Call, probe: &mut Probe) {
        let sheet = self.settings.sheet;
        let messages = self.features.messages;
        if messages.inbound() || messages.outbound() {
            let ask = Ask::get(
                format!("/sheets/{sheet}/discussions"),
                Right::Comment,
                "list the sheet's discussions",
            )
            .query("page", 1)
            .query("pageSize", 1);
            probe.checks.push(self.tried(call, "comments", &ask).await);
        }
        let files = self.features.files;
        if files.inbound() || files.outbound() {
            let ask = Ask::get(
                format!("/sheets/{sheet}/attachments"),
                Right::View,
                "list the sheet's attachments",
            )
            .query("page", 1)
            .query("pageSize", 1);
            probe
                .checks
                .push(self.tried(call, "attachments", &ask).await);
        }
    }

    async fn tried(&self, call: &Call, what: &str, ask: &Ask) -> Check {
        match self.api.json(call, ask).await {
            Ok(_) => done(what, "", false),
            Err(failure) => failed(what, failure, false),
        }
    }
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
