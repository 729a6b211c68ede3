//! Work orders: read, create, update, publish.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::client::FieldNation;
use super::complaint::refusal;
use super::directory::{Age, List};
use super::read_back::{Mismatch, Section, compare, covers};
use super::section;
use super::session::success;
use super::shape::{CustomWrite, Draft, Lookups, Purpose, Shaped};
use super::work_order::{text_of, work_order_id};
use crate::http::{Call, Request};
use crate::model::{Category, Failure, Marker, WorkOrderId};

/// The sections that mappings, read-back and messages need; without the parameter Field Nation may answer a stub.
const COLUMNS: &str = "id,work_order_id,title,status,description,confidential,policy_and_procedures,\
standard_instructions,location,schedule,eta,pay,contacts,custom_fields,assignee,manager,client,project,template,company,\
type_of_work,types_of_work,service_types,tasks,time_logs,shipments,tags,problems,signatures,milestones,closing_notes,\
integration,integrations,networks,equipments,attachments,messages,invoice,publish_stats,site_revisit,incident_id,\
require_gps,allow_counter_offers,printable,import_id,w2";

/// What shows whether a work order is managed by us.
pub(super) const IDENTITY_COLUMNS: &str = "id,manager";

/// A work order that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedWorkOrder {
    /// Its id. It must be linked whatever else is said here, or the work order is lost to us.
    pub id: WorkOrderId,
    /// What was sent and is not stored, a sentence for each field: Field Nation answers 200 to shapes it ignores.
    pub not_stored: Vec<String>,
    /// Why it could not be checked what was stored, if it could not.
    pub unchecked: Option<Failure>,
}

impl FieldNation {
    /// Reads a whole work order. `None`: there is none of this id, or it is not ours to see.
    ///
    /// # Errors
    /// What the call fails with.
    pub async fn fetch(&self, call: &Call, id: WorkOrderId) -> Result<Option<Value>, Failure> {
        self.fetch_columns(call, id, COLUMNS).await
    }

    /// Reads some sections of a work order.
    pub(super) async fn fetch_columns(
        &self,
        call: &Call,
        id: WorkOrderId,
        columns: &str,
    ) -> Result<Option<Value>, Failure> {
        let request = Request::get(self.session.rest(&format!("/workorders/{id}")));
        let response = self
            .session
            .send(call, request.query("columns", columns))
            .await?;
        if matches!(response.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(None);
        }
        let work_order = success(&format!("read work order {id}"), &response)?;
        if work_order_id(&work_order).is_none() {
            return Err(Failure::new(
                Category::Server,
                format!("Field Nation answered the reading of work order {id} with something else"),
            )
            .hint("Check base_url in fieldbridge.toml; a proxy may have answered."));
        }
        self.learn(&work_order);
        Ok(Some(work_order))
    }

    /// Creates a draft from a mapping's output, with the marker in the correlation field, and checks what was stored.
    /// What the create did not take is written once more by the section's own call before it counts as not stored.
    ///
    /// # Errors
    /// Before anything is sent: `validation` with everything that does not fit, `configuration` for the correlation
    /// field. Thereafter the refusal; its effect is unknown when the work order may exist all the same.
    pub async fn create(
        &self,
        call: &Call,
        output: &Map<String, Value>,
        marker: &Marker,
    ) -> Result<CreatedWorkOrder, Failure> {
        let mut shaped = self.shape(call, output, Purpose::Create).await?;
        self.mark(call, &mut shaped, marker).await?;
        let request = Request::post(self.session.rest("/workorders"))
            .query("async", "false")
            .json(shaped.create_body());
        let response = self.session.send(call, request).await?;
        let answer = success("create the work order", &response)?;
        let id = work_order_id(&answer).ok_or_else(|| {
            Failure::new(
                Category::Server,
                "Field Nation answered the creation of the work order without its id",
            )
            .effect_unknown()
        })?;
        self.learn(&answer);
        Ok(match self.check(call, id, &shaped, answer).await {
            Ok(mismatches) => CreatedWorkOrder {
                id,
                not_stored: self.mend(call, id, &shaped, mismatches).await,
                unchecked: None,
            },
            Err(failure) => CreatedWorkOrder {
                id,
                not_stored: Vec::new(),
                unchecked: Some(failure),
            },
        })
    }

    /// Writes changed fields, each section by its own call, and checks what was stored. Safe to repeat.
    ///
    /// # Errors
    /// `validation` when something does not fit, was not stored, or the work order is gone; else what a call fails with.
    pub async fn update(
        &self,
        call: &Call,
        id: WorkOrderId,
        changes: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let shaped = self.shape(call, changes, Purpose::Update).await?;
        self.refuse_correlation(call, &shaped).await?;
        let mut answers = Map::new();
        for section in sections(&shaped) {
            let answer = self.write(call, id, section, &shaped).await?;
            if let Value::Object(parts) = answer {
                answers.extend(parts);
            }
        }
        let mismatches = self
            .check(call, id, &shaped, Value::Object(answers))
            .await?;
        if mismatches.is_empty() {
            return Ok(());
        }
        let lost: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
        Err(not_stored(id, &lost))
    }

    /// Publishes a draft; one that is published or further on already is left as it is.
    ///
    /// # Errors
    /// What the call fails with.
    pub async fn publish(&self, call: &Call, id: WorkOrderId) -> Result<(), Failure> {
        let request = Request::post(self.session.rest(&format!("/workorders/{id}/publish")));
        let response = self
            .session
            .send(call, request.query("async", "false"))
            .await?;
        if response.is_success() {
            return Ok(());
        }
        let failure = refusal(&format!("publish work order {id}"), &response);
        if failure.category != Category::Validation {
            return Err(failure);
        }
        let stands = self.fetch_columns(call, id, "id,status").await?;
        let status = stands
            .as_ref()
            .and_then(|order| order.pointer("/status/name"));
        match status.and_then(text_of) {
            Some(status) if !status.eq_ignore_ascii_case("draft") => Ok(()),
            _ => Err(failure),
        }
    }

    async fn shape(
        &self,
        call: &Call,
        output: &Map<String, Value>,
        purpose: Purpose,
    ) -> Result<Shaped, Failure> {
        let draft = Draft::new(output, purpose);
        let mut lookups = self.lookups(call, &draft, Age::Any).await?;
        if lookups_may_be_stale(&draft) {
            // A name that is not known may have been added since the list was read.
            if let Ok(shaped) = Draft::new(output, purpose).shape(&lookups) {
                return Ok(shaped);
            }
            lookups = self.lookups(call, &draft, Age::Renewed).await?;
        }
        draft.shape(&lookups)
    }

    /// Whether an output would do for a new work order, as far as can be told without sending it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub async fn check_new(&self, call: &Call, output: &Map<String, Value>) -> Result<(), Failure> {
        self.would_fit(call, output, Purpose::Create).await
    }

    /// Whether an output would do as a change of a work order, as far as can be told without sending it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub async fn check_change(
        &self,
        call: &Call,
        output: &Map<String, Value>,
    ) -> Result<(), Failure> {
        self.would_fit(call, output, Purpose::Update).await
    }

    async fn would_fit(
        &self,
        call: &Call,
        output: &Map<String, Value>,
        purpose: Purpose,
    ) -> Result<(), Failure> {
        match self.shape(call, output, purpose).await {
            Err(failure) if failure.category == Category::Validation => Err(failure),
            // What could not be looked up says nothing about the output.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn lookups(&self, call: &Call, draft: &Draft, age: Age) -> Result<Lookups, Failure> {
        let mut lookups = Lookups::default();
        if draft.needs_fields() {
            lookups.fields = self.directory.fields(&self.session, call, age).await?;
        }
        let names = |list| self.directory.names(&self.session, call, list, age);
        if draft.needs_types_of_work() {
            lookups.types_of_work = names(List::TypesOfWork).await?;
        }
        if draft.needs_managers() {
            lookups.managers = names(List::Managers).await?;
        }
        Ok(lookups)
    }

    /// Puts the marker into the correlation field, where the company has one.
    async fn mark(&self, call: &Call, shaped: &mut Shaped, marker: &Marker) -> Result<(), Failure> {
        let Some(field) = self.refuse_correlation(call, shaped).await? else {
            return Ok(());
        };
        shaped.custom.push(CustomWrite {
            id: field.id,
            name: field.name,
            value: marker.as_str().to_owned(),
        });
        Ok(())
    }

    /// A mapping that writes the correlation field would cut the link between record and work order.
    async fn refuse_correlation(
        &self,
        call: &Call,
        shaped: &Shaped,
    ) -> Result<Option<super::directory::CompanyField>, Failure> {
        let field = self.correlation_field(call).await?;
        let taken = |id| shaped.custom.iter().any(|write| write.id == id);
        if let Some(field) = field.as_ref().filter(|field| taken(field.id)) {
            return Err(Failure::new(
                Category::Configuration,
                format!("a rule writes the custom field `{}`, which holds the link to the record", field.name),
            )
            .hint("Drop the rule, or name another text field in correlation_field of fieldbridge.toml."));
        }
        Ok(field)
    }

    /// Holds what came back, or what a reading shows, against what was sent.
    async fn check(
        &self,
        call: &Call,
        id: WorkOrderId,
        sent: &Shaped,
        answer: Value,
    ) -> Result<Vec<Mismatch>, Failure> {
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        if covers(&answer, sent) {
            let mismatches = compare(sent, &answer);
            if mismatches.is_empty() {
                return Ok(mismatches);
            }
        }
        // A stub shows nothing, and an answer may be older than what it answers: the reading decides.
        let stored = self.fetch(call, id).await?.ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!("work order {id} can't be read right after it was written"),
            )
        })?;
        Ok(compare(sent, &stored))
    }

    /// Writes what a create ignored by the sections' own calls, and tells what is lost even then.
    async fn mend(
        &self,
        call: &Call,
        id: WorkOrderId,
        sent: &Shaped,
        mismatches: Vec<Mismatch>,
    ) -> Vec<String> {
        let mut sections: Vec<Section> = Vec::new();
        for mismatch in &mismatches {
            if mismatch.section != Section::General && !sections.contains(&mismatch.section) {
                sections.push(mismatch.section);
            }
        }
        if sections.is_empty() {
            return mismatches.iter().map(ToString::to_string).collect();
        }
        let mut refusals = Vec::new();
        for section in sections {
            if let Err(failure) = self.write(call, id, section, sent).await {
                refusals.push(failure.cause);
            }
        }
        let left = match self.fetch(call, id).await {
            Ok(Some(stored)) => compare(sent, &stored),
            Ok(None) | Err(_) => mismatches,
        };
        let mut told: Vec<String> = left.iter().map(ToString::to_string).collect();
        if !told.is_empty() {
            told.append(&mut refusals);
        }
        told
    }

    /// Writes one section; the answer comes in the shape of a work order.
    async fn write(
        &self,
        call: &Call,
        id: WorkOrderId,
        section: Section,
        shaped: &Shaped,
    ) -> Result<Value, Failure> {
        match section {
            Section::General => {
                let body = Value::Object(shaped.general.clone());
                self.put(call, id, "", "update", body).await
            }
            Section::Schedule => {
                let current = self.read_section(call, id, "schedule").await?;
                let body = section::schedule(&current, &shaped.schedule);
                let answer = self
                    .put(call, id, "/schedule", "update the schedule of", body)
                    .await?;
                Ok(json!({ "schedule": answer }))
            }
            Section::Location => {
                let current = self.read_section(call, id, "location").await?;
                let body = section::location(&current, &shaped.location);
                let answer = self
                    .put(call, id, "/location", "update the location of", body)
                    .await?;
                Ok(json!({ "location": answer }))
            }
            Section::Pay => {
                let current = self.read_section(call, id, "pay").await?;
                let body = section::pay(&current, &shaped.pay);
                let answer = self
                    .put(call, id, "/pay", "update the pay of", body)
                    .await?;
                Ok(json!({ "pay": answer }))
            }
            Section::Custom(field) => {
                let Some(write) = shaped.custom.iter().find(|write| write.id == field) else {
                    return Ok(Value::Null);
                };
                let path = format!("/custom_fields/{field}");
                let what = format!("write the custom field `{}` of", write.name);
                self.put(call, id, &path, &what, json!({"value": write.value}))
                    .await
            }
        }
    }

    async fn read_section(
        &self,
        call: &Call,
        id: WorkOrderId,
        name: &str,
    ) -> Result<Value, Failure> {
        let request = Request::get(self.session.rest(&format!("/workorders/{id}/{name}")));
        let what = format!("read the {name} of work order {id}");
        self.session.expect(call, &what, request).await
    }

    async fn put(
        &self,
        call: &Call,
        id: WorkOrderId,
        path: &str,
        what: &str,
        body: Value,
    ) -> Result<Value, Failure> {
        let address = self.session.rest(&format!("/workorders/{id}{path}"));
        let mut request = Request::new(http::Method::PUT, address).json(body);
        if path.is_empty() || path.starts_with("/custom_fields") {
            request = request.query("async", "false");
        }
        let what = format!("{what} work order {id}");
        self.session.expect(call, &what, request).await
    }
}

fn lookups_may_be_stale(draft: &Draft) -> bool {
    draft.needs_fields() || draft.needs_types_of_work() || draft.needs_managers()
}

/// The sections that something is to be written to, the general one first.
fn sections(shaped: &Shaped) -> Vec<Section> {
    let parts = [
        (Section::General, &shaped.general),
        (Section::Location, &shaped.location),
        (Section::Schedule, &shaped.schedule),
        (Section::Pay, &shaped.pay),
    ];
    let filled = parts.into_iter().filter(|(_, part)| !part.is_empty());
    let custom = shaped.custom.iter().map(|write| Section::Custom(write.id));
    filled.map(|(section, _)| section).chain(custom).collect()
}

/// The failure of a write that was answered with success and did not do what it said.
fn not_stored(id: WorkOrderId, lost: &[String]) -> Failure {
    Failure::new(
        Category::Validation,
        format!(
            "Field Nation answered success for work order {id} but did not store {}",
            lost.join("; ")
        ),
    )
    .hint("Field Nation ignores values it can't use without a word. Check the rule's target and the value's form (codes, picklists, dates).")
}
