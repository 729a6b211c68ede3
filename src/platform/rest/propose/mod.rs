//! What a connector of a description would probably look like, and what it can look like.
//!
//! Names are all there is to go by, so this proposes and decides nothing: for each purpose the operations are ranked,
//! the best is the proposal, and a person may choose any other ([`Choice`]). The file of a connector is made of a
//! choice; the next best stand in it as comments.

mod choice;
mod credential;
mod fields;
mod offer;
mod rank;
mod text;

use std::collections::BTreeMap;

use http::Method;

pub use choice::{Choice, ChoiceProblem, Purpose};
pub use offer::{Offer, OfferedCredential, OfferedFields, OfferedOperation, OfferedParameter};

use self::credential::{CHANGE_ME, Credential};
use self::fields::RecordFields;
use self::offer::{as_id, open_parameters};
use self::rank::{ends_with_variable, has_body, plain, rank, takes_file, tells_fields};
use self::text::FileText;
use crate::config::{connector_text, default_mapping};
use crate::model::{ConnectorId, PlatformKind};
use crate::openapi::{Document, Operation, Place};

/// How many alternatives are shown beside the best.
const MOST: usize = 4;

/// The probable operations of a connector, each with the likeliest first.
#[derive(Debug)]
pub struct Proposal<'a> {
    document: &'a Document,
    /// The fetch that the rest is proposed around.
    fetch: Option<&'a Operation>,
    candidates: BTreeMap<Purpose, Vec<&'a Operation>>,
    fields: RecordFields,
}

impl<'a> Proposal<'a> {
    /// What a description suggests.
    #[must_use]
    pub fn of(document: &'a Document) -> Self {
        let fetches = fetches(document);
        Self::with_fetch(document, fetches.first().copied(), None)
    }

    /// What a description suggests once it is chosen how a record is read, and, if that is said, where in the answer
    /// it is.
    ///
    /// # Errors
    /// When the description has no such operation, or it can't read one record.
    pub fn around(
        document: &'a Document,
        fetch: &str,
        envelope: Option<&str>,
    ) -> Result<Self, ChoiceProblem> {
        let operation = named(document, Purpose::Fetch, fetch)?;
        if as_id(&OfferedParameter::all(operation), None, &[]).is_none() {
            return Err(ChoiceProblem::NoId(fetch.to_owned()));
        }
        Ok(Self::with_fetch(document, Some(operation), envelope))
    }

    fn with_fetch(
        document: &'a Document,
        fetch: Option<&'a Operation>,
        envelope: Option<&str>,
    ) -> Self {
        Self {
            document,
            candidates: candidates(document, fetch),
            fields: RecordFields::of(document, fetch, envelope),
            fetch,
        }
    }

    /// The likely operations for a purpose, the likeliest first.
    #[must_use]
    pub fn candidates(&self, purpose: Purpose) -> &[&'a Operation] {
        self.candidates.get(&purpose).map_or(&[], Vec::as_slice)
    }

    /// The mapping that such a connector begins with.
    #[must_use]
    pub fn mapping_text(&self) -> &'static str {
        default_mapping(PlatformKind::Rest)
    }

    /// What is proposed.
    #[must_use]
    pub fn choice(&self) -> Choice {
        let operations = Purpose::ALL.into_iter().filter_map(|purpose| {
            let best = match purpose {
                Purpose::Fetch => self.fetch?,
                _ => *self.candidates(purpose).first()?,
            };
            let concerned = self.may_concern(purpose, best);
            concerned.then(|| (purpose, name(self.document, best)))
        });
        let first = |fields: &[String]| fields.first().cloned();
        let credentials = Credential::all(self.document);
        Choice {
            operations: operations.collect(),
            envelope: self.fields.envelope.clone(),
            id_field: first(&self.fields.id).filter(|field| field != "id"),
            label_field: first(&self.fields.label),
            changed_at_field: first(&self.fields.changed_at),
            credential: credentials.first().map(|one| one.scheme.name.clone()),
            ..Choice::default()
        }
    }

    /// Whether an operation may be about the records that are fetched. What writes to another place certainly writes to
    /// other records; what only tells about them may stand anywhere.
    fn may_concern(&self, purpose: Purpose, operation: &Operation) -> bool {
        let fetched = self.fetch.map(|one| one.path.trim_end_matches('/'));
        let collection = fetched.and_then(|path| Some(path.rsplit_once('/')?.0));
        !purpose.writes()
            || collection.is_none_or(|collection| operation.path.starts_with(collection))
    }

    /// The names that a choice's secrets are kept by.
    #[must_use]
    pub fn secrets(&self, id: &ConnectorId, choice: &Choice) -> Vec<String> {
        let credential = self.credential(choice).ok().flatten();
        let secrets = credential.map(|one| one.secrets(id)).unwrap_or_default();
        secrets.into_iter().map(|(_, name)| name).collect()
    }

    fn credential(&self, choice: &Choice) -> Result<Option<Credential<'a>>, ChoiceProblem> {
        let Some(scheme) = &choice.credential else {
            return Ok(None);
        };
        let mut all = Credential::all(self.document).into_iter();
        all.find(|one| one.scheme.name == *scheme)
            .map(Some)
            .ok_or_else(|| ChoiceProblem::NoSuchCredential(scheme.clone()))
    }

    /// The file of a connector as it is chosen; `document` is how the connector's file names the description.
    ///
    /// # Errors
    /// When the choice names what the description does not have, or nothing that reads a record.
    pub fn connector_text(
        &self,
        id: &ConnectorId,
        document: &str,
        choice: &Choice,
    ) -> Result<String, ChoiceProblem> {
        let chosen = choice.operation(Purpose::Fetch);
        let fetch = chosen.ok_or(ChoiceProblem::NoFetch)?;
        // What is shown beside the choice is what lies around its own fetch.
        let around = Self::around(self.document, fetch, choice.envelope.as_deref())?;
        let credential = around.credential(choice)?;
        let mut text = FileText::new(connector_text(PlatformKind::Rest, id));
        if let Some(name) = &choice.name {
            text.set_text("name", name);
        }
        text.set_text("document", document);
        around.write_operations(&mut text, choice)?;
        let servers = whole_addresses(self.document);
        text.choose("base_url", choice.base_url.as_deref(), &servers);
        around.write_fields(&mut text, choice);
        if let Some(credential) = credential {
            credential.write(&mut text, self.document, id, choice.account.as_deref());
        }
        Ok(text.into_text())
    }

    fn write_operations(&self, text: &mut FileText, choice: &Choice) -> Result<(), ChoiceProblem> {
        let mut chosen = Vec::new();
        for purpose in Purpose::ALL {
            let operation = choice.operation(purpose);
            if let Some(operation) = operation {
                let found = named(self.document, purpose, operation)?;
                chosen.push((purpose, OfferedParameter::all(found)));
            }
            let others = self.candidates(purpose).iter().take(MOST + 1);
            let others: Vec<String> = others.map(|one| name(self.document, one)).collect();
            text.choose(purpose.key(), operation, &others);
        }
        let fetch = self.fetch.into_iter();
        if let Some(id) = fetch.flat_map(|one| one.parameters_in(Place::Path)).last() {
            text.set_text("id_parameter", &id.name);
        }
        let needed = open_parameters(&chosen);
        let values = needed.iter().map(|name| {
            let value = choice.parameters.get(name);
            (name.as_str(), value.map_or(CHANGE_ME, String::as_str))
        });
        text.set_table("parameters", values);
        Ok(())
    }

    fn write_fields(&self, text: &mut FileText, choice: &Choice) {
        let few = |fields: &[String]| fields.iter().take(MOST + 1).cloned().collect::<Vec<_>>();
        let fields = &self.fields;
        text.choose("envelope", choice.envelope.as_deref(), &[]);
        if let Some(id) = &choice.id_field {
            text.choose("id_field", Some(id), &few(&fields.id));
        }
        let label = choice.label_field.as_deref();
        text.choose("label_field", label, &few(&fields.label));
        let changed_at = choice.changed_at_field.as_deref();
        text.choose("changed_at_field", changed_at, &few(&fields.changed_at));
        let marker = choice.marker_field.as_deref();
        text.choose("marker_field", marker, &few(&fields.marker));
        let list = choice.operation(Purpose::List);
        let Some(list) = list.and_then(|list| self.document.operation(list)) else {
            return;
        };
        let parameters = |wanted: fn(&str) -> bool| -> Vec<String> {
            let found = list.parameters_in(Place::Query);
            let found = found.filter(|one| wanted(&plain(&one.name)));
            found.map(|one| one.name.clone()).collect()
        };
        text.choose("since_parameter", None, &parameters(says_since));
        text.choose(
            "marker_parameter",
            None,
            &parameters(fields::may_hold_marker),
        );
    }
}

fn says_since(name: &str) -> bool {
    ["since", "updatedafter", "modifiedafter"]
        .iter()
        .any(|word| name.contains(word))
}

/// The operation of a name, or why there is none.
fn named<'a>(
    document: &'a Document,
    purpose: Purpose,
    operation: &str,
) -> Result<&'a Operation, ChoiceProblem> {
    let found = document.operation(operation);
    found.ok_or_else(|| ChoiceProblem::NoSuchOperation {
        purpose,
        name: operation.to_owned(),
    })
}

/// An operation as settings name it: by its id where that means it alone.
fn name(document: &Document, operation: &Operation) -> String {
    let own = operation.id.as_deref().filter(|id| {
        document
            .operation(id)
            .is_some_and(|found| found.address() == operation.address())
    });
    own.map_or_else(|| operation.address(), str::to_owned)
}

/// The servers that are addresses and not only paths.
fn whole_addresses(document: &Document) -> Vec<String> {
    let servers = document.servers.iter();
    servers.filter(|one| one.contains("://")).cloned().collect()
}

/// The operations that pass, the likeliest first.
fn ranked(document: &Document, wanted: impl Fn(&Operation) -> bool) -> Vec<&Operation> {
    let operations = document.operations.iter();
    let mut found: Vec<&Operation> = operations.filter(|one| wanted(one)).collect();
    found.sort_by_key(|operation| rank(operation));
    found
}

fn fetches(document: &Document) -> Vec<&Operation> {
    ranked(document, |operation| {
        operation.method == Method::GET && ends_with_variable(&operation.path)
    })
}

/// The likely operations for each purpose, around the one that reads a record: its own path first, then that of its
/// collection.
fn candidates<'a>(
    document: &'a Document,
    fetch: Option<&'a Operation>,
) -> BTreeMap<Purpose, Vec<&'a Operation>> {
    let item = fetch.map(|fetch| fetch.path.trim_end_matches('/'));
    let collection = item.and_then(|path| Some(path.rsplit_once('/')?.0));
    let near = |mut found: Vec<&'a Operation>, own: Option<&str>| {
        let distance = |operation: &Operation| match own {
            Some(own) if operation.path.trim_end_matches('/') == own => 0,
            Some(own) if operation.path.starts_with(own) => 1,
            _ => 2,
        };
        found.sort_by_key(|operation| (distance(operation), rank(operation)));
        found
    };
    let metadata = ranked(document, |operation| {
        operation.method == Method::GET
            && tells_fields(operation)
            && !ends_with_variable(&operation.path)
    });
    let create = ranked(document, |operation| {
        operation.method == Method::POST
            && has_body(operation)
            && !ends_with_variable(&operation.path)
            && !takes_file(operation)
    });
    let attach = ranked(document, |operation| {
        operation.method != Method::GET && takes_file(operation)
    });
    let mut lists = ranked(document, |operation| {
        operation.method == Method::GET && !ends_with_variable(&operation.path)
    });
    lists.retain(|operation| {
        collection.is_some_and(|path| operation.path.trim_end_matches('/') == path)
    });
    let update = near(updates(document), item);
    BTreeMap::from([
        (Purpose::Fetch, fetches(document)),
        (Purpose::Metadata, near(metadata, collection)),
        (Purpose::Create, near(create, collection)),
        (Purpose::Update, update),
        (Purpose::Attach, near(attach, item)),
        (Purpose::List, lists),
    ])
}

fn updates(document: &Document) -> Vec<&Operation> {
    let mut found = ranked(document, |operation| {
        matches!(operation.method, Method::PATCH | Method::PUT | Method::POST)
            && has_body(operation)
            && ends_with_variable(&operation.path)
    });
    // What changes a few fields is better than what replaces all.
    found.sort_by_key(|operation| operation.method != Method::PATCH);
    found
}
