//! What a description offers, as data that travels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::credential::Credential;
use super::fields::{answer, record};
use super::{Choice, Proposal, Purpose, name, whole_addresses};
use crate::openapi::{Document, Operation, Parameter, Place};

/// How many fields are told of an operation.
const FIRST_FIELDS: usize = 12;

/// All that can be chosen of a description, and what is proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What the API is called.
    pub title: String,
    /// Its own version.
    pub version: String,
    /// The version of the specification that describes it.
    pub edition: String,
    /// Where it answers: whole addresses.
    pub servers: Vec<String>,
    /// The ways to prove who one is that can be used.
    pub credentials: Vec<OfferedCredential>,
    /// All its operations.
    pub operations: Vec<OfferedOperation>,
    /// The names of the likely operations for each purpose, the likeliest first.
    pub candidates: BTreeMap<Purpose, Vec<String>>,
    /// The members of an answer that may hold the record.
    #[serde(default)]
    pub envelopes: Vec<String>,
    /// The record's fields.
    #[serde(default)]
    pub fields: OfferedFields,
    /// What of the description can't be used.
    pub problems: Vec<String>,
    /// What is proposed.
    pub choice: Choice,
}

/// A way to prove who one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedCredential {
    /// The security scheme's name.
    pub scheme: String,
    /// What it is, in a few words.
    pub words: String,
    /// What its account is called, where it has one: user name, client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedOperation {
    /// The name to choose it by.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// The name that the description gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it does, in a line.
    #[serde(default)]
    pub summary: String,
    /// Whether it is about to go.
    #[serde(default)]
    pub deprecated: bool,
    /// What it is called with.
    #[serde(default)]
    pub parameters: Vec<OfferedParameter>,
    /// The first fields of what it answers, or of what it takes if it writes.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// A parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedParameter {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header` or `cookie`.
    #[serde(rename = "in")]
    pub place: String,
    /// Whether a value must be given.
    #[serde(default)]
    pub required: bool,
}

/// The fields of a record, by what they may be good for; the likeliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedFields {
    /// May be the record's id.
    pub id: Vec<String>,
    /// May be what to call it.
    pub label: Vec<String>,
    /// May say when it last changed.
    pub changed_at: Vec<String>,
    /// May hold our marker.
    pub marker: Vec<String>,
    /// All of them.
    pub all: Vec<String>,
}

impl Offer {
    /// The operation of a name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&OfferedOperation> {
        self.operations.iter().find(|one| one.name == name)
    }

    /// The likely operations for a purpose, the likeliest first.
    #[must_use]
    pub fn candidates(&self, purpose: Purpose) -> &[String] {
        self.candidates.get(&purpose).map_or(&[], Vec::as_slice)
    }

    /// The way in that a choice names.
    #[must_use]
    pub fn credential(&self, choice: &Choice) -> Option<&OfferedCredential> {
        let scheme = choice.credential.as_ref()?;
        self.credentials.iter().find(|one| one.scheme == *scheme)
    }

    /// The parameters that the chosen operations need besides the record's id.
    #[must_use]
    pub fn open_parameters(&self, choice: &Choice) -> Vec<String> {
        let chosen = Purpose::ALL.into_iter().filter_map(|purpose| {
            let operation = self.operation(choice.operation(purpose)?)?;
            Some((purpose, operation.parameters.clone()))
        });
        open_parameters(&chosen.collect::<Vec<_>>())
    }
}

impl Proposal<'_> {
    /// All that there is to choose from.
    #[must_use]
    pub fn offer(&self) -> Offer {
        let document = self.document;
        let envelope = self.fields.envelope.as_deref();
        let operations = document.operations.iter();
        let operations = operations.map(|one| OfferedOperation::of(document, one, envelope));
        let candidates = Purpose::ALL.into_iter().map(|purpose| {
            let names = self.candidates(purpose).iter();
            let names = names.map(|one| name(document, one)).collect();
            (purpose, names)
        });
        let fields = &self.fields;
        Offer {
            title: document.title.clone(),
            version: document.version.clone(),
            edition: document.edition.word().to_owned(),
            servers: whole_addresses(document),
            credentials: Credential::all(document)
                .iter()
                .map(OfferedCredential::of)
                .collect(),
            operations: operations.collect(),
            candidates: candidates.collect(),
            envelopes: fields.envelopes.clone(),
            fields: OfferedFields {
                id: fields.id.clone(),
                label: fields.label.clone(),
                changed_at: fields.changed_at.clone(),
                marker: fields.marker.clone(),
                all: fields.all.clone(),
            },
            problems: document.problems.clone(),
            choice: self.choice(),
        }
    }
}

impl OfferedCredential {
    fn of(credential: &Credential<'_>) -> Self {
        Self {
            scheme: credential.scheme.name.clone(),
            words: credential.words(),
            account: credential.account().map(str::to_owned),
        }
    }
}

impl OfferedOperation {
    fn of(document: &Document, operation: &Operation, envelope: Option<&str>) -> Self {
        let body = operation.body.as_ref().and_then(|body| body.json());
        let taken = body.and_then(|content| content.schema.as_ref());
        let schema = match taken {
            Some(taken) => record(document, taken, None),
            None => answer(operation).and_then(|answer| {
                record(document, answer, envelope).or_else(|| record(document, answer, None))
            }),
        };
        let mut fields = schema.map_or_else(Vec::new, |schema| document.property_names(&schema));
        fields.truncate(FIRST_FIELDS);
        Self {
            name: name(document, operation),
            method: operation.method.to_string(),
            path: operation.path.clone(),
            id: operation.id.clone(),
            summary: operation.summary.clone(),
            deprecated: operation.deprecated,
            parameters: OfferedParameter::all(operation),
            fields,
        }
    }
}

impl OfferedParameter {
    pub(super) fn all(operation: &Operation) -> Vec<Self> {
        operation.parameters.iter().map(Self::of).collect()
    }

    fn of(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            place: parameter.place.word().to_owned(),
            required: parameter.required && parameter.default.is_none(),
        }
    }

    fn is_in(&self, place: Place) -> bool {
        self.place == place.word()
    }
}

/// The parameters that must have a value besides the record's id, as the adapter will look for them.
pub(super) fn open_parameters(chosen: &[(Purpose, Vec<OfferedParameter>)]) -> Vec<String> {
    let fetch = chosen
        .iter()
        .find(|(purpose, _)| *purpose == Purpose::Fetch);
    let id = fetch.and_then(|(_, parameters)| as_id(parameters, None, &[]));
    let mut open: Vec<String> = Vec::new();
    for (purpose, parameters) in chosen {
        let own = if purpose.takes_id() {
            as_id(parameters, id.as_deref(), &open)
        } else {
            None
        };
        let needed = parameters
            .iter()
            .filter(|one| one.required && (one.is_in(Place::Path) || one.is_in(Place::Query)));
        for name in needed.map(|one| &one.name) {
            // A value for what is the id elsewhere would take the id's place there.
            let is_id = Some(name) == own.as_ref() || Some(name) == id.as_ref();
            if !is_id && !open.contains(name) {
                open.push(name.clone());
            }
        }
    }
    open
}

/// The parameter that holds the record's id: the one of this name, else the path's last that has no value, else one
/// of the query that is called like an id.
pub(super) fn as_id(
    parameters: &[OfferedParameter],
    named: Option<&str>,
    given: &[String],
) -> Option<String> {
    let open = || parameters.iter().filter(|one| !given.contains(&one.name));
    let by_name = open().find(|one| named == Some(&*one.name) && !one.is_in(Place::Cookie));
    let last = || open().rfind(|one| one.is_in(Place::Path));
    let usual = || {
        open().find(|one| {
            let name = one.name.to_ascii_lowercase().replace(['_', '-'], "");
            let ids = ["id", "recordid", "ticketid", "externalid", "sysid"];
            one.is_in(Place::Query) && ids.contains(&name.as_str())
        })
    };
    let found = by_name.or_else(last).or_else(usual);
    found.map(|one| one.name.clone())
}
