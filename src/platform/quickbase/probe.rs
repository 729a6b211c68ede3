//! Checking the credential and what is switched on.

use std::sync::Arc;

use super::Quickbase;
use super::endpoint::APP;
use super::notes::check_append_only;
use super::query::Selection;
use super::session::{Freshness, who_we_are};
use super::settings::{Child, Documents, InternalNotes, Messages, SideTable};
use super::side;
use super::table::{Kind, RECORD_ID, Table};
use super::write::check_merge_field;
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::text_at;
use crate::platform::{Check, Probe};

impl Quickbase {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        let request = self.api.request(&APP, &[&self.settings.app]);
        let deed = format!("open app {}", self.settings.app);
        match self.api.json(call, &APP, &deed, request).await {
            Ok(app) => {
                let name = text_at(&app, &["name"]).unwrap_or("an app without name");
                probe
                    .checks
                    .push(done("user token and app", name.to_owned(), true));
            }
            Err(failure) => {
                let about_token = failure.category == Category::Authentication;
                let check = failed("user token and app", failure, about_token);
                probe.checks.push(check);
                return probe;
            }
        }
        self.probe_user(call, &mut probe).await;
        if let Some(table) = self.probe_table(call, &mut probe).await {
            self.probe_records(call, &mut probe).await;
            probe.checks.extend(self.check_settings(&table));
            self.probe_messages(call, &table, &mut probe).await;
            self.probe_documents(call, &table, &mut probe).await;
        }
        for place in &self.settings.sides {
            self.probe_side(call, place, &mut probe).await;
        }
        probe.checks.push(done(
            "write records",
            "can't be tried without writing: the token's user needs a role that may add and modify",
            false,
        ));
        probe
    }

    async fn probe_user(&self, call: &Call, probe: &mut Probe) {
        let check = "whose token";
        let table = &self.settings.table;
        probe
            .checks
            .push(match who_we_are(&self.api, call, table).await {
                Ok(name) if !name.is_empty() => done(check, name, false),
                Err(failure) if failure.category == Category::Authentication => {
                    failed(check, failure, true)
                }
                Err(failure) if failure.category.is_passing() => failed(check, failure, false),
                _ => done(
                    check,
                    "not told by Quickbase; our own entries are recognised from our first write on",
                    false,
                ),
            });
    }

    async fn fresh(&self, call: &Call, table: &str) -> Result<Arc<Table>, Failure> {
        self.session
            .table(&self.api, call, table, Freshness::Now)
            .await
    }

    async fn probe_table(&self, call: &Call, probe: &mut Probe) -> Option<Arc<Table>> {
        let check = "fields of the table";
        match self.fresh(call, &self.settings.table).await {
            Ok(table) if table.fields.is_empty() => {
                let why = "Quickbase shows no field of the table".to_owned();
                let failure = Failure::new(Category::Configuration, why)
                    .hint("Give the token's user a role that may view this table and its fields.");
                probe.checks.push(failed(check, failure, false));
                None
            }
            Ok(table) => {
                let key = match table.key {
                    RECORD_ID => String::new(),
                    key => format!(", key field {}", table.name(key)),
                };
                let detail = format!("{} fields{key}", table.fields.len());
                probe.checks.push(done(check, detail, false));
                Some(table)
            }
            Err(failure) => {
                let about_token = failure.category == Category::Authentication;
                probe.checks.push(failed(check, failure, about_token));
                None
            }
        }
    }

    async fn probe_records(&self, call: &Call, probe: &mut Probe) {
        let check = "read records";
        let selection = Selection {
            table: &self.settings.table,
            fields: vec![RECORD_ID],
            // None has this number; the right to ask is what is tried.
            filter: format!("{{{RECORD_ID}.EX.0}}"),
            sort: &[],
        };
        let page = self.page(call, "read records", &selection, 0).await;
        probe.checks.push(match page {
            Ok(_) => done(check, "", false),
            Err(failure) => failed(check, failure, false),
        });
    }

    /// What the settings say of the table of records.
    fn check_settings(&self, table: &Table) -> Vec<Check> {
        let mut checks = Vec::new();
        let check = "find by marker";
        checks.push(match self.settings.merge {
            Some(merge) => {
                let usable = check_merge_field(table, merge, "merge_field_id")
                    .and_then(|()| is_modifiable(table, merge));
                told(check, usable, table.name(merge))
            }
            None => done(
                check,
                "merge_field_id is not set: when the creation of a record ends in doubt, a person is asked",
                false,
            ),
        });
        if let Some(condition) = &self.settings.condition {
            let usable = has_values(table, condition.field, &condition.values);
            checks.push(told("trigger field", usable, table.name(condition.field)));
        }
        checks
    }

    async fn probe_messages(&self, call: &Call, table: &Table, probe: &mut Probe) {
        let check = "messages";
        if let InternalNotes::Field(field) = self.settings.internal_notes {
            let usable = check_append_only(table, field);
            probe
                .checks
                .push(told("internal notes", usable, table.name(field)));
        }
        match &self.settings.messages {
            None => {}
            Some(Messages::Field(field)) => {
                let usable = check_append_only(table, *field);
                let usable = usable.and_then(|()| is_modifiable(table, *field));
                probe.checks.push(told(check, usable, table.name(*field)));
            }
            Some(Messages::Rows {
                child,
                text,
                internal,
            }) => {
                let usable = self.fresh(call, &child.table).await.and_then(|table| {
                    has_kind(
                        &table,
                        *text,
                        &[Kind::Text, Kind::RichText],
                        "message_field_id",
                    )?;
                    refers(&table, child, "message_related_record_id")?;
                    if let Some(internal) = internal {
                        has_kind(
                            &table,
                            *internal,
                            &[Kind::Checkbox],
                            "message_internal_field_id",
                        )?;
                    }
                    is_modifiable(&table, *text)?;
                    Ok(table.name(*text))
                });
                probe.checks.push(told_of(check, usable));
            }
        }
    }

    async fn probe_documents(&self, call: &Call, table: &Table, probe: &mut Probe) {
        let check = "files";
        match &self.settings.documents {
            None => {}
            Some(Documents::Field(field)) => {
                let usable = has_kind(table, *field, &[Kind::File], "document_field_id");
                let usable = usable.and_then(|()| is_modifiable(table, *field));
                probe.checks.push(told(check, usable, table.name(*field)));
            }
            Some(Documents::Rows { child, file }) => {
                let usable = self.fresh(call, &child.table).await.and_then(|table| {
                    has_kind(&table, *file, &[Kind::File], "document_field_id")?;
                    refers(&table, child, "document_related_record_id")?;
                    is_modifiable(&table, *file)?;
                    Ok(table.name(*file))
                });
                probe.checks.push(told_of(check, usable));
            }
        }
    }

    async fn probe_side(&self, call: &Call, place: &SideTable, probe: &mut Probe) {
        let usable = self.fresh(call, &place.child.table).await;
        let usable = usable.and_then(|table| {
            check_merge_field(&table, place.merge, "merge_field_id of its table")?;
            refers(&table, &place.child, "related_record_id of its table")?;
            is_modifiable(&table, place.merge)?;
            Ok(format!("table {}", place.child.table))
        });
        let check = side::word(place.kind).replace('_', " ");
        probe.checks.push(told_of(&check, usable));
    }
}

fn wrong(why: String, hint: &str) -> Failure {
    Failure::new(Category::Configuration, why).hint(hint)
}

/// That a field is there and of one of some kinds.
fn has_kind(table: &Table, id: u64, kinds: &[Kind], setting: &str) -> Result<(), Failure> {
    let hint = "Correct the setting: fid in the field's address is its id.";
    match table.field(id) {
        None => Err(wrong(
            format!("there is no field {id} in the table, which {setting} names"),
            hint,
        )),
        Some(field) if !kinds.contains(&field.kind) || field.derived => Err(wrong(
            format!(
                "{}, which {setting} names, is of another type",
                field.named()
            ),
            hint,
        )),
        Some(_) => Ok(()),
    }
}

/// That a field may refer to records of the main table.
fn refers(table: &Table, child: &Child, setting: &str) -> Result<(), Failure> {
    let kinds = [Kind::Number, Kind::Text, Kind::Choice];
    has_kind(table, child.related, &kinds, setting)
}

/// That somebody may modify a field, as far as the roles' rights are told. Which role is ours is not.
fn is_modifiable(table: &Table, id: u64) -> Result<(), Failure> {
    match table.field(id) {
        Some(field) if field.modifiable_by_none => Err(wrong(
            format!("no role may modify {}", field.named()),
            "Give the role of the token's user modify access to this field (App settings › Roles › the role › Permissions › Fields).",
        )),
        _ => Ok(()),
    }
}

fn has_values(table: &Table, id: u64, values: &[String]) -> Result<(), Failure> {
    let Some(field) = table.field(id) else {
        return Err(wrong(
            format!("there is no field {id} in the table, which trigger_on_field_id names"),
            "Correct the setting: fid in the field's address is its id.",
        ));
    };
    let is_known = |value: &&String| {
        let mut choices = field.choices.iter();
        field.choices.is_empty() || choices.any(|choice| choice.trim().eq_ignore_ascii_case(value))
    };
    let unknown: Vec<&str> = values
        .iter()
        .filter(|value| !is_known(value))
        .map(String::as_str)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(wrong(
        format!(
            "{} has no choice {}; it has: {}",
            field.named(),
            unknown.join(", "),
            field.choices.join(", ")
        ),
        "Correct trigger_on_values.",
    ))
}

fn told(what: &str, usable: Result<(), Failure>, detail: String) -> Check {
    told_of(what, usable.map(|()| detail))
}

fn told_of(what: &str, usable: Result<String, Failure>) -> Check {
    match usable {
        Ok(detail) => done(what, detail, false),
        Err(failure) => failed(what, failure, false),
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
