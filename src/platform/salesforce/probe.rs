//! Checking the credential and what is switched on, without writing anything.
//!
//! A good credential says little about the rest: each object that a feature touches is asked what we may do with it,
//! and what field-level security hides shows by its absence.

use std::sync::Arc;

use serde_json::Value;

use super::ask::{Ask, Right};
use super::describe::{Describe, Kind};
use super::session::Freshness;
use super::settings::{Audience, Grant};
use super::side::setting;
use super::{Salesforce, soap};
use crate::http::Call;
use crate::model::{Category, Failure};
use crate::platform::basics::at;
use crate::platform::{Check, Probe};

impl Salesforce {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        if !self.probe_credential(call, &mut probe).await {
            return probe;
        }
        self.probe_object(call, &mut probe).await;
        if self.features.messages.inbound() || self.features.messages.outbound() {
            self.probe_messages(call, &mut probe).await;
        }
        if self.features.files.inbound() || self.features.files.outbound() {
            self.probe_files(call, &mut probe).await;
        }
        self.probe_sides(call, &mut probe).await;
        probe
    }

    /// Signs in and asks for the limits, which takes no right but the API's.
    async fn probe_credential(&self, call: &Call, probe: &mut Probe) -> bool {
        let check = "sign in";
        let ask = Ask::get(self.session.path("limits"), Right::api(), "tell its limits");
        let limits = match self.session.json(call, &ask).await {
            Ok(limits) => limits,
            Err(failure) => {
                let about_credential = failure.category == Category::Authentication;
                probe.checks.push(failed(check, failure, about_credential));
                return false;
            }
        };
        let detail = match self.session.signed(call).await {
            Ok(signed) => {
                let organization = signed.login.organization.as_deref().unwrap_or("unknown");
                format!("{}, organization {organization}", signed.login.instance)
            }
            Err(failure) => failure.cause,
        };
        let detail = match self.settings.grant {
            Grant::SoapLogin { .. } => format!("{detail}; {}", soap::WARNING),
            Grant::Password { .. } => {
                format!(
                    "{detail}; the password grant is off in new orgs: move to jwt_bearer or client_credentials"
                )
            }
            _ => detail,
        };
        probe.checks.push(done(check, detail, true));
        let number = |name: &str| at(&limits, &["DailyApiRequests", name]).and_then(Value::as_u64);
        if let (Some(most), Some(left)) = (number("Max"), number("Remaining")) {
            probe.checks.push(done(
                "API calls",
                format!("{left} of {most} left in these 24 hours"),
                false,
            ));
        }
        true
    }

    async fn described(&self, call: &Call, object: &str) -> Result<Arc<Describe>, Failure> {
        self.session.describe(call, object, Freshness::Now).await
    }

    async fn probe_object(&self, call: &Call, probe: &mut Probe) {
        let object = &self.settings.object;
        let check = format!("read {object}");
        let describe = match self.described(call, object).await {
            Ok(describe) => describe,
            Err(failure) => {
                probe.checks.push(failed(&check, failure, false));
                return;
            }
        };
        let detail = format!("{} fields", describe.fields.len());
        probe.checks.push(done(&check, detail, false));
        probe.checks.push(allowed(
            &format!("edit {object}"),
            describe.updateable,
            &Right::edit(object),
        ));
        if self.outbound_create {
            probe.checks.push(allowed(
                &format!("create {object}"),
                describe.createable,
                &Right::create(object),
            ));
        }
        if let Some(check) = self.external_id_check(&describe) {
            probe.checks.push(check);
        }
        self.probe_conditions(&describe, probe);
        let check = "related objects";
        match self.parents(call, &describe, Freshness::Recent).await {
            Ok(parents) if parents.missing.is_empty() => {
                probe
                    .checks
                    .push(done(check, parents.known.join(", "), false));
            }
            Ok(parents) if self.parents_are_set => {
                let failure = Failure::new(
                    Category::Configuration,
                    format!("these are not there or hidden: {}", parents.missing.join(", ")),
                )
                .hint("Correct parent_fields, or give the integration user Read on those objects and fields.");
                probe.checks.push(failed(check, failure, false));
            }
            Ok(parents) => {
                let detail = format!(
                    "without {} (not there, or hidden from the integration user)",
                    parents.missing.join(", ")
                );
                probe.checks.push(done(check, detail, false));
            }
            Err(failure) => probe.checks.push(failed(check, failure, false)),
        }
    }

    fn external_id_check(&self, describe: &Describe) -> Option<Check> {
        let check = "external id field";
        let Some(name) = &self.settings.external_id else {
            return self.outbound_create.then(|| {
                done(
                    check,
                    "none is set: a record whose creation ended in doubt will be left to a person",
                    false,
                )
            });
        };
        let wrong = |why: String| {
            let failure = Failure::new(Category::Configuration, why).hint(
                "Make a text field of the object, tick External ID and Unique (case-sensitive), give the integration user's permission set Edit on it, and name it in external_id_field.",
            );
            Some(failed(check, failure, false))
        };
        match describe.field(name) {
            None => wrong(format!(
                "{} has no field {name} that the integration user may see",
                describe.name
            )),
            Some(field) if !field.external_id => wrong(format!("{name} is not marked External ID")),
            Some(field) if field.kind != Kind::Text => wrong(format!("{name} is no text field")),
            Some(field) if !field.createable => {
                wrong(format!("the integration user may not write {name}"))
            }
            Some(field) if !field.unique => wrong(format!(
                "{name} is not marked Unique: two records could carry one mark"
            )),
            Some(field) => Some(done(check, field.label.clone(), false)),
        }
    }

    fn probe_conditions(&self, describe: &Describe, probe: &mut Probe) {
        let conditions = &self.settings.conditions;
        let mut complain = |check: &str, why: String, hint: &str| {
            let failure = Failure::new(Category::Configuration, why).hint(hint);
            probe.checks.push(failed(check, failure, false));
        };
        if !conditions.statuses().is_empty() {
            let check = "trigger_on_status";
            match describe.field("Status") {
                None => complain(
                    check,
                    format!("{} has no Status field", describe.name),
                    "Use trigger_on_checkbox instead.",
                ),
                Some(field) => {
                    let is_unknown = |status: &&String| {
                        !field.picklist.iter().any(|(value, _)| value == *status)
                    };
                    let unknown: Vec<&str> = conditions
                        .statuses()
                        .iter()
                        .filter(is_unknown)
                        .map(String::as_str)
                        .collect();
                    if !unknown.is_empty() {
                        let known: Vec<&str> = field
                            .picklist
                            .iter()
                            .map(|(value, _)| value.as_str())
                            .collect();
                        let why = format!(
                            "there is no status {}; there are: {}",
                            unknown.join(", "),
                            known.join(", ")
                        );
                        complain(
                            check,
                            why,
                            "Correct trigger_on_status: it takes the value, where that differs from the label.",
                        );
                    }
                }
            }
        }
        if let Some(name) = conditions.checkbox() {
            let is_checkbox = describe
                .field(name)
                .is_some_and(|field| field.kind == Kind::Boolean);
            if !is_checkbox {
                let why = format!(
                    "{} has no checkbox {name} that the integration user may see",
                    describe.name
                );
                complain(
                    "trigger_on_checkbox",
                    why,
                    "Correct the API name, or give the integration user Read on the field.",
                );
            }
        }
    }

    async fn probe_messages(&self, call: &Call, probe: &mut Probe) {
        let messages = &self.settings.messages;
        let check = format!("messages in {}", messages.object);
        let describe = match self.described(call, &messages.object).await {
            Ok(describe) => describe,
            Err(failure) => {
                probe.checks.push(failed(&check, failure, false));
                return;
            }
        };
        let audience = match &messages.audience {
            Audience::Checkbox(field) => field.as_str(),
            Audience::Visibility => "Visibility",
        };
        let needed = [messages.body.as_str(), messages.parent.as_str(), audience];
        let missing: Vec<&str> = needed
            .into_iter()
            .filter(|name| describe.field(name).is_none())
            .collect();
        if !missing.is_empty() {
            let failure = Failure::new(
                Category::Configuration,
                format!("{} has no field {} that the integration user may see", messages.object, missing.join(", ")),
            )
            .hint("Correct the message_object settings, or give the integration user Read on the fields.");
            probe.checks.push(failed(&check, failure, false));
            return;
        }
        if self.features.messages.outbound() {
            probe.checks.push(allowed(
                &check,
                describe.createable,
                &Right::create(&messages.object),
            ));
        } else {
            probe.checks.push(done(&check, "", false));
        }
    }

    async fn probe_files(&self, call: &Call, probe: &mut Probe) {
        let check = "files";
        match self.described(call, "ContentVersion").await {
            Ok(describe) if self.features.files.outbound() => {
                probe.checks.push(allowed(
                    check,
                    describe.createable,
                    &Right::create("ContentVersion"),
                ));
            }
            Ok(_) => probe.checks.push(done(check, "", false)),
            Err(failure) => probe.checks.push(failed(check, failure, false)),
        }
    }

    async fn probe_sides(&self, call: &Call, probe: &mut Probe) {
        for side in &self.settings.sides {
            let check = format!("{} in {}", setting(side.kind), side.object);
            let describe = match self.described(call, &side.object).await {
                Ok(describe) => describe,
                Err(failure) => {
                    probe.checks.push(failed(&check, failure, false));
                    continue;
                }
            };
            let needed = [Some(side.parent.as_str()), side.external_id.as_deref()];
            let is_missing =
                |name: &&str| describe.field(name).is_none_or(|field| !field.createable);
            let missing: Vec<&str> = needed.into_iter().flatten().filter(is_missing).collect();
            if missing.is_empty() {
                let may = describe.createable && describe.updateable;
                probe
                    .checks
                    .push(allowed(&check, may, &Right::create(&side.object)));
            } else {
                let failure = Failure::new(
                    Category::Configuration,
                    format!("{} has no field {} that the integration user may write", side.object, missing.join(", ")),
                )
                .hint("Correct the object's settings, or give the integration user Edit on the fields.");
                probe.checks.push(failed(&check, failure, false));
            }
        }
    }
}

fn allowed(check: &str, may: bool, right: &Right) -> Check {
    if may {
        return done(check, "", false);
    }
    let failure = Failure::new(
        Category::Configuration,
        format!("the integration user may not {check}"),
    );
    failed(check, failure.hint(right.hint()), false)
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
