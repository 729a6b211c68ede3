//! Checking the credential and what is switched on. Nothing is written.

use serde_json::Value;

use super::NetSuite;
use super::api::Ask;
use super::right::Right;
use super::schema::{Schema, Shape};
use super::session::{Freshness, is_refused};
use super::settings::SideTable;
use crate::http::Call;
use crate::model::{Category, Failure, FieldKind};
use crate::platform::basics::{id_text, moment_at};
use crate::platform::{Check, Probe};

/// A clock that differs by so many seconds is told.
const NOTABLE: i64 = 60;

impl NetSuite {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        // The one call that takes no right: its refusal is the credential's.
        let ask = Ask::get("/system/v1/serverTime", Right::LogIn, "tell the time");
        match self.api.json(call, &ask).await {
            Ok(answer) => probe.checks.push(done("login", self.clock(&answer), true)),
            Err(failure) => {
                let about_login = failure.category == Category::Authentication;
                probe.checks.push(failed("login", failure, about_login));
                return probe;
            }
        }
        self.probe_type(call, &mut probe).await;
        self.probe_records(call, &mut probe).await;
        self.probe_marker(call, &mut probe).await;
        self.probe_messages(call, &mut probe).await;
        if self.features.catch_up {
            probe.checks.push(match self.try_changed(call).await {
                Ok(()) => done("catch-up by SuiteQL", self.zone(), false),
                Err(failure) => failed("catch-up by SuiteQL", configured(failure), false),
            });
        }
        for (word, table) in [
            ("schedule records", &self.settings.schedule),
            ("time records", &self.settings.time),
            ("charge records", &self.settings.charge),
        ] {
            if let Some(table) = table {
                self.probe_side(call, word, table, &mut probe).await;
            }
        }
        if self.writes() {
            probe.checks.push(done(
                "write records",
                "can't be tried without writing: the role needs the record type's permission at level Edit",
                false,
            ));
        }
        probe
    }

    fn clock(&self, answer: &Value) -> String {
        let account = &self.settings.account;
        let kind = if account.is_sandbox() {
            "sandbox account"
        } else {
            "account"
        };
        let account = format!("{kind} {}", account.realm());
        let Some(theirs) = moment_at(answer, &["serverTime"]) else {
            return account;
        };
        let ahead = self.api.note_time(theirs);
        if ahead.abs() > NOTABLE {
            let side = if ahead > 0 { "behind" } else { "ahead of" };
            format!(
                "{account}; this machine's clock is {} s {side} NetSuite's, which is allowed for: set it right",
                ahead.abs()
            )
        } else {
            account
        }
    }

    fn zone(&self) -> &'static str {
        if self.settings.changes.zone.is_some() {
            ""
        } else {
            "time_zone is not set: catch-up looks back half a day further than it need"
        }
    }

    async fn probe_type(&self, call: &Call, probe: &mut Probe) {
        let check = "record type";
        let schema = match self.schema(call, Freshness::Now).await {
            Ok(schema) => schema,
            Err(failure) => {
                probe.checks.push(failed(check, failure, false));
                return;
            }
        };
        let (record_type, fields) = (&self.settings.record_type, schema.properties.len());
        let detail = format!("{record_type}, {fields} fields");
        probe.checks.push(done(check, detail, false));
        for (setting, field, wanted) in self.named_fields() {
            if let Some(failure) = unfit(&schema, setting, field, wanted) {
                probe.checks.push(failed(setting, failure, false));
            }
        }
        if let Some(failure) = self.unknown_statuses(call).await {
            probe
                .checks
                .push(failed("trigger_on_status", failure, false));
        }
    }

    /// Fields that settings name, and whether they must hold text.
    fn named_fields(&self) -> Vec<(&'static str, &str, Wanted)> {
        let mut named = Vec::new();
        if let Some(field) = &self.settings.marker_field {
            named.push(("marker_field", field.as_str(), Wanted::Text));
        }
        if let Some(field) = &self.settings.message_field {
            named.push(("message_field", field.as_str(), Wanted::Text));
        }
        if !self.settings.conditions.wanted().is_empty() {
            named.push((
                "trigger_field",
                self.settings.conditions.field(),
                Wanted::Any,
            ));
        }
        for field in &self.settings.follow {
            named.push(("follow", field.as_str(), Wanted::Any));
        }
        named
    }

    async fn unknown_statuses(&self, call: &Call) -> Option<Failure> {
        let conditions = &self.settings.conditions;
        if conditions.wanted().is_empty() {
            return None;
        }
        let field = conditions.field();
        let choices = match self.choices(call, field, Freshness::Now).await {
            Ok(choices) => choices?,
            // Not every field has a list, and not every role may read it.
            Err(failure) if is_refused(&failure) => return None,
            Err(failure) => return Some(failure),
        };
        let known = |wanted: &&String| {
            choices.iter().any(|choice| {
                choice.label.trim().eq_ignore_ascii_case(wanted) || choice.value == **wanted
            })
        };
        let unknown: Vec<&str> = conditions
            .wanted()
            .iter()
            .filter(|wanted| !known(wanted))
            .map(String::as_str)
            .collect();
        if unknown.is_empty() {
            return None;
        }
        let listed: Vec<String> = choices
            .iter()
            .take(30)
            .map(|choice| format!("{} ({})", choice.label, choice.value))
            .collect();
        Some(
            Failure::new(
                Category::Configuration,
                format!(
                    "{field} is never {}; it allows: {}",
                    unknown.join(", "),
                    listed.join(", ")
                ),
            )
            .hint("Correct trigger_on_status: the lists are the account's own."),
        )
    }

    async fn probe_records(&self, call: &Call, probe: &mut Probe) {
        let record_type = &self.settings.record_type;
        let ask = Ask::get(
            format!("/record/v1/{record_type}"),
            Right::Read,
            format!("list records of type {record_type}"),
        )
        .query("limit", "1")
        .query("offset", "0");
        let check = "read records";
        probe.checks.push(match self.api.json(call, &ask).await {
            Ok(answer) => {
                let total = answer.get("totalResults").and_then(id_text);
                let detail = total.map_or_else(String::new, |total| format!("{total} are there"));
                done(check, detail, false)
            }
            Err(failure) => failed(check, failure, false),
        });
    }

    async fn probe_marker(&self, call: &Call, probe: &mut Probe) {
        let check = "find by marker";
        if !self.outbound_create {
            return;
        }
        let finds = self.settings.upserts() || self.settings.marker_field.is_some();
        probe.checks.push(if finds {
            let marker = crate::model::Marker::from_text("FN-0");
            match self.find_marked(call, &marker).await {
                Ok(_) => done(check, "", false),
                Err(failure) => failed(check, failure, false),
            }
        } else {
            done(
                check,
                "marker_field is not set: when the creation of a case ends in doubt, a person is asked",
                false,
            )
        });
    }

    async fn probe_messages(&self, call: &Call, probe: &mut Probe) {
        let (messages, files) = (self.features.messages, self.features.files);
        if let Some(script) = &self.settings.script {
            let check = "RESTlet for messages and files";
            match self.ping(call, script).await {
                Ok(ping) if files.outbound() && !ping.stores_files => {
                    let failure = Failure::new(
                        Category::Configuration,
                        "the RESTlet has no folder to store files in",
                    )
                    .hint("Set the parameter \"Fieldbridge folder\" of the RESTlet's deployment to the internal id of a folder in the File Cabinet, or switch outbound files off.");
                    probe.checks.push(failed(check, failure, false));
                }
                Ok(_) => probe.checks.push(done(check, "", false)),
                Err(failure) => probe.checks.push(failed(check, failure, false)),
            }
            return;
        }
        let need = |what: &str, hint: &str| {
            let cause =
                format!("{what} are switched on, but REST reaches none and no RESTlet is set");
            Failure::new(Category::Configuration, cause).hint(hint)
        };
        if messages.inbound() || (messages.outbound() && self.settings.message_field.is_none()) {
            let hint = "Deploy the RESTlet and set restlet_script; message_field alone carries messages from Field Nation only.";
            probe
                .checks
                .push(failed("messages", need("messages", hint), false));
        }
        if files.inbound() || files.outbound() {
            let hint = "Deploy the RESTlet and set restlet_script, or switch files off.";
            probe
                .checks
                .push(failed("files", need("files", hint), false));
        }
    }

    async fn probe_side(&self, call: &Call, check: &str, table: &SideTable, probe: &mut Probe) {
        let record_type = &table.record_type;
        let ask = Ask::get(
            format!("/record/v1/metadata-catalog/{record_type}"),
            Right::Metadata,
            format!("describe the record type {record_type}"),
        )
        .header("accept", "application/schema+json");
        let answer = self.api.json(call, &ask).await;
        probe.checks.push(match answer {
            Ok(answer) => {
                let schema = Schema::read(&answer, false);
                match unfit(&schema, "parent_field", &table.parent_field, Wanted::Any) {
                    Some(failure) => failed(check, failure, false),
                    None => done(check, record_type.as_str(), false),
                }
            }
            Err(failure) => failed(check, failure, false),
        });
    }

    fn writes(&self) -> bool {
        self.outbound_create || self.features.messages.outbound() || self.features.files.outbound()
    }
}

/// What a field that a setting names must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Text,
    Any,
}

fn unfit(schema: &Schema, setting: &str, field: &str, wanted: Wanted) -> Option<Failure> {
    let (cause, hint) = match schema.property(field) {
        None => (
            format!("the record type has no field `{field}`, which {setting} names"),
            "Use the id that Refresh Fields lists, not the label; a field may be missing because the role may not see it.",
        ),
        Some(property)
            if wanted == Wanted::Text && property.shape != Shape::Plain(FieldKind::Text) =>
        {
            (
                format!("the field `{field}`, which {setting} names, holds no free text"),
                "Use a custom field of the type Free-Form Text (marker_field) or Long Text (message_field).",
            )
        }
        Some(_) => return None,
    };
    Some(Failure::new(Category::Configuration, cause).hint(hint))
}

/// A query that is refused is refused for what the settings name.
fn configured(failure: Failure) -> Failure {
    if failure.category == Category::Validation {
        Failure {
            category: Category::Configuration,
            ..failure
        }
        .hint(Right::Query.hint())
    } else {
        failure
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
