//! Checking the description, the credential and what is switched on.

use super::Rest;
use super::binding::Binding;
use super::call::Filling;
use crate::http::Call;
use crate::model::{Category, Failure, RecordId};
use crate::platform::{Check, Probe};

impl Rest {
    /// Checks everything that can be checked without writing.
    pub(super) async fn probe_all(&self, call: &Call) -> Probe {
        let mut probe = Probe::default();
        let document = &self.settings.document;
        probe.checks.push(done(
            "description",
            format!(
                "{} {}: {} operations, {} problems; calls go to {}",
                document.title,
                document.version,
                document.operations.len(),
                document.problems.len(),
                self.settings.base
            ),
            false,
        ));
        self.probe_credential(call, &mut probe).await;
        if probe.credential_failure().is_some() {
            return probe;
        }
        self.probe_reading(call, &mut probe).await;
        self.probe_writing(&mut probe);
        probe
    }

    /// The credential, by the cheapest call that there is.
    async fn probe_credential(&self, call: &Call, probe: &mut Probe) {
        let authentication = &self.settings.authentication;
        if let Some(oauth) = &authentication.oauth {
            let token = self
                .tokens
                .get(oauth, &self.settings.base, &self.client, call)
                .await;
            if let Err(failure) = token {
                let about_credential = failure.category == Category::Authentication;
                probe
                    .checks
                    .push(failed("credential", failure, about_credential));
                return;
            }
        }
        let bindings = &self.settings.bindings;
        let outcome = if let Some(binding) = &bindings.metadata {
            self.try_reading(call, binding, "describe the fields").await
        } else if let Some(id) = &self.settings.template_record {
            let id = RecordId::new(id.clone());
            self.read_record(call, &id).await.map(|_| ())
        } else if let Some(binding) = &bindings.list {
            self.try_reading(call, binding, "list records").await
        } else {
            probe.checks.push(done(
                "credential",
                format!("{}; it can't be tried without template_record_id, record_metadata or record_list", authentication.words()),
                true,
            ));
            return;
        };
        probe.checks.push(match outcome {
            // What is refused for another reason says that the credential was taken.
            Err(failure) if failure.category == Category::Authentication => {
                failed("credential", failure, true)
            }
            Err(failure) if failure.category.is_passing() => {
                failed("reach the API", failure, false)
            }
            _ => done("credential", authentication.words(), true),
        });
    }

    async fn try_reading(&self, call: &Call, binding: &Binding, deed: &str) -> Result<(), Failure> {
        let prepared = self.prepare(binding, &Filling::default(), None)?;
        self.succeed(call, &prepared, deed).await.map(|_| ())
    }

    async fn probe_reading(&self, call: &Call, probe: &mut Probe) {
        let bindings = &self.settings.bindings;
        let what = format!("read records ({})", bindings.fetch.operation.name());
        let Some(id) = &self.settings.template_record else {
            probe.checks.push(done(
                &what,
                format!(
                    "not tried: set template_record_id; {}",
                    self.settings.envelope.words()
                ),
                false,
            ));
            return;
        };
        match self.read_record(call, &RecordId::new(id.clone())).await {
            Ok(Some(record)) => {
                let detail = format!("{}; {}", record.label, self.settings.envelope.words());
                probe.checks.push(done(&what, detail, false));
                self.probe_id(&record.fields, probe);
            }
            Ok(None) => probe.checks.push(failed(
                &what,
                Failure::new(Category::Configuration, format!("the template record {id} is not there"))
                    .hint("Set template_record_id to a record that exists; if it does, check base_url and the credential's rights."),
                false,
            )),
            Err(failure) => probe.checks.push(failed(&what, failure, false)),
        }
        for (binding, deed) in [
            (&bindings.metadata, "describe the fields"),
            (&bindings.list, "list records"),
        ] {
            let Some(binding) = binding else { continue };
            let what = format!("{deed} ({})", binding.operation.name());
            probe
                .checks
                .push(match self.try_reading(call, binding, deed).await {
                    Ok(()) => done(&what, String::new(), false),
                    Err(failure) => failed(&what, failure, false),
                });
        }
    }

    /// The id's place matters for creates and lists.
    fn probe_id(&self, fields: &serde_json::Value, probe: &mut Probe) {
        let bindings = &self.settings.bindings;
        let matters = bindings.create.is_some() || bindings.list.is_some();
        if !matters || self.id_of(fields).is_some() {
            return;
        }
        let path = self.settings.id_field.text();
        probe.checks.push(failed(
            "the record's id",
            Failure::new(
                Category::Configuration,
                format!("the template record has no id at {path}"),
            )
            .hint("Set id_field to where the record holds its id."),
            false,
        ));
    }

    /// Writes can't be tried; the description and the settings are looked at.
    fn probe_writing(&self, probe: &mut Probe) {
        let bindings = &self.settings.bindings;
        if self.outbound_create {
            probe.checks.push(match (&bindings.create, self.can_find()) {
                (None, _) => failed(
                    "create records",
                    Failure::new(Category::Configuration, "outbound_create is on, and record_create is not set")
                        .hint("Name the operation that creates a record, or switch outbound_create off."),
                    false,
                ),
                (Some(binding), true) => done(&format!("create records ({})", binding.operation.name()), "not tried: that would write".to_owned(), false),
                (Some(binding), false) => done(
                    &format!("create records ({})", binding.operation.name()),
                    "not tried: that would write. After an unknown outcome a person is asked: set marker_field, record_list and marker_parameter to have the record looked for".to_owned(),
                    false,
                ),
            });
        }
        if self.features.files.outbound() {
            probe.checks.push(match &bindings.attach {
                Some(binding) => done(
                    &format!("attach files ({})", binding.operation.name()),
                    "not tried: that would write".to_owned(),
                    false,
                ),
                None => failed(
                    "attach files",
                    Failure::new(
                        Category::Configuration,
                        "files go out, and attachment_upload is not set",
                    )
                    .hint(
                        "Name the operation that attaches a file, or set features.files otherwise.",
                    ),
                    false,
                ),
            });
        }
        if self.features.messages != crate::config::NoteFlow::Off {
            probe.checks.push(failed(
                "messages",
                Failure::new(Category::Configuration, "features.messages is on, and this connector has no notes")
                    .hint("Set features.messages to \"off\"; a message can be mapped to a field of the update."),
                false,
            ));
        }
    }
}

fn done(what: &str, detail: String, credential: bool) -> Check {
    Check {
        what: what.to_owned(),
        detail,
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
