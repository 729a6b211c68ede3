//! What can be chosen, row by row: what it is called, what is chosen now, what there is besides.

use super::chooser::{Chooser, Item, Likelihood, Typing};
use crate::platform::{Choice, Offer, OfferedOperation, Purpose};

/// A row of the second step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The operation for a purpose.
    Operation(Purpose),
    /// Where the API answers.
    BaseUrl,
    /// How the connector proves who it is.
    Credential,
    /// The user name or the client's id.
    Account,
    /// The value of a parameter.
    Parameter(String),
    /// Where in an answer the record is.
    Envelope,
    /// The record's id.
    IdField,
    /// What to call a record.
    LabelField,
    /// When it last changed.
    ChangedAtField,
    /// The field for our marker.
    MarkerField,
}

/// The rows for a choice: what only some choices need stands among them when it is needed.
pub(super) fn rows(offer: &Offer, choice: &Choice) -> Vec<Row> {
    let mut rows: Vec<Row> = Purpose::ALL.into_iter().map(Row::Operation).collect();
    let parameters = offer.open_parameters(choice);
    rows.extend(parameters.into_iter().map(Row::Parameter));
    rows.extend([Row::BaseUrl, Row::Credential]);
    let credential = offer.credential(choice);
    if credential.is_some_and(|credential| credential.account.is_some()) {
        rows.push(Row::Account);
    }
    rows.extend([
        Row::Envelope,
        Row::IdField,
        Row::LabelField,
        Row::ChangedAtField,
        Row::MarkerField,
    ]);
    rows
}

/// How a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This is chosen.
    Chosen(String),
    /// Nothing is, and that is meant so; says what it comes to.
    Unset(String),
    /// Something must be said before the connector can work; says what.
    Needed(String),
}

impl Row {
    /// What it is called.
    #[must_use]
    pub fn title(&self, offer: &Offer, choice: &Choice) -> String {
        match self {
            Self::Operation(purpose) => purpose.word().to_owned(),
            Self::BaseUrl => "address".to_owned(),
            Self::Credential => "credential".to_owned(),
            Self::Account => {
                let credential = offer.credential(choice);
                let account = credential.and_then(|credential| credential.account.clone());
                account.unwrap_or_else(|| "account".to_owned())
            }
            Self::Parameter(name) => name.clone(),
            Self::Envelope => "record at".to_owned(),
            Self::IdField => "id field".to_owned(),
            Self::LabelField => "label field".to_owned(),
            Self::ChangedAtField => "changed at".to_owned(),
            Self::MarkerField => "marker field".to_owned(),
        }
    }

    /// What it is for.
    #[must_use]
    pub fn explanation(&self) -> &'static str {
        match self {
            Self::Operation(purpose) => purpose.explanation(),
            Self::BaseUrl => "Where the API answers: a sandbox, a proxy, your own instance.",
            Self::Credential => {
                "How the connector proves who it is. The secret itself is kept apart."
            }
            Self::Account => "The name that the connector logs in with.",
            Self::Parameter(_) => {
                "A parameter that the chosen operations need besides the record's id."
            }
            Self::Envelope => {
                "Where in an answer the record stands, such as data or result.ticket."
            }
            Self::IdField => "The record's id, within the record.",
            Self::LabelField => "What to call a record in lists.",
            Self::ChangedAtField => "When a record last changed.",
            Self::MarkerField => {
                "A field for our marker. With it and a list, a record is found again whose creation ended in doubt."
            }
        }
    }

    /// What is chosen.
    #[must_use]
    pub fn chosen<'c>(&self, choice: &'c Choice) -> Option<&'c str> {
        match self {
            Self::Operation(purpose) => choice.operation(*purpose),
            Self::BaseUrl => choice.base_url.as_deref(),
            Self::Credential => choice.credential.as_deref(),
            Self::Account => choice.account.as_deref(),
            Self::Parameter(name) => choice.parameters.get(name).map(String::as_str),
            Self::Envelope => choice.envelope.as_deref(),
            Self::IdField => choice.id_field.as_deref(),
            Self::LabelField => choice.label_field.as_deref(),
            Self::ChangedAtField => choice.changed_at_field.as_deref(),
            Self::MarkerField => choice.marker_field.as_deref(),
        }
    }

    /// How it stands, in words.
    #[must_use]
    pub fn value(&self, offer: &Offer, choice: &Choice) -> Value {
        match (self, self.chosen(choice)) {
            (Self::Operation(_), Some(name)) => {
                let found = offer.operation(name);
                Value::Chosen(found.map_or_else(|| name.to_owned(), line))
            }
            (Self::Operation(Purpose::Fetch), None) => {
                Value::Needed("no operation reads one record; choose one".to_owned())
            }
            (Self::Credential, Some(name)) => {
                let words = offer.credential(choice).map(|one| one.words.as_str());
                Value::Chosen(format!("{name}: {}", words.unwrap_or("unknown")))
            }
            (Self::Envelope, Some("")) => Value::Chosen("the answer is the record".to_owned()),
            (_, Some(value)) => Value::Chosen(value.to_owned()),
            (Self::BaseUrl, None) => match offer.servers.first() {
                Some(server) => Value::Unset(format!("as the description says: {server}")),
                None => Value::Needed("the description does not say; write it".to_owned()),
            },
            (Self::Account | Self::Parameter(_), None) => Value::Needed("to be written".to_owned()),
            (_, None) => Value::Unset(self.unset(offer)),
        }
    }

    /// What it comes to when nothing is chosen.
    fn unset(&self, offer: &Offer) -> String {
        match self {
            Self::Envelope if offer.choice.envelope.is_none() => "the answer is the record",
            Self::Envelope => "as the description suggests",
            Self::IdField => "id",
            Self::LabelField => "the record's subject, title, summary or name",
            Self::Credential => "none: the API lets everybody in",
            _ => "none",
        }
        .to_owned()
    }

    /// Chooses a value, or none.
    pub fn choose(&self, choice: &mut Choice, value: Option<String>) {
        match self {
            Self::Operation(purpose) => {
                match value {
                    Some(name) => choice.operations.insert(*purpose, name),
                    None => choice.operations.remove(purpose),
                };
            }
            Self::Parameter(name) => {
                match value {
                    Some(value) => choice.parameters.insert(name.clone(), value),
                    None => choice.parameters.remove(name),
                };
            }
            Self::BaseUrl => choice.base_url = value,
            Self::Credential => choice.credential = value,
            Self::Account => choice.account = value,
            Self::Envelope => choice.envelope = value,
            Self::IdField => choice.id_field = value,
            Self::LabelField => choice.label_field = value,
            Self::ChangedAtField => choice.changed_at_field = value,
            Self::MarkerField => choice.marker_field = value,
        }
    }

    /// The list to choose from, at what is chosen now.
    #[must_use]
    pub fn chooser(&self, offer: &Offer, choice: &Choice) -> Chooser {
        let (items, typing) = match self {
            Self::Operation(purpose) => (operations(offer, *purpose), Typing::Narrows),
            Self::Credential => (self.credentials(offer), Typing::Narrows),
            Self::Account | Self::Parameter(_) => (Vec::new(), Typing::Writes),
            Self::BaseUrl => (addresses(offer), Typing::Writes),
            Self::Envelope => (envelopes(offer), Typing::Writes),
            Self::IdField => (self.fields(offer, &offer.fields.id), Typing::Writes),
            Self::LabelField => (self.fields(offer, &offer.fields.label), Typing::Writes),
            Self::ChangedAtField => (self.fields(offer, &offer.fields.changed_at), Typing::Writes),
            Self::MarkerField => (self.fields(offer, &offer.fields.marker), Typing::Writes),
        };
        let title = match self {
            Self::Operation(purpose) => format!("Operation for {}", purpose.word()),
            other => other.title(offer, choice),
        };
        Chooser::new(self.clone(), title, items, typing, self.chosen(choice))
    }

    fn none(&self, offer: &Offer) -> Item {
        Item {
            value: None,
            text: self.unset(offer),
            likelihood: Likelihood::Likely,
        }
    }

    fn credentials(&self, offer: &Offer) -> Vec<Item> {
        let known = offer.credentials.iter().map(|credential| Item {
            value: Some(credential.scheme.clone()),
            text: format!("{}: {}", credential.scheme, credential.words),
            likelihood: Likelihood::Likely,
        });
        known.chain([self.none(offer)]).collect()
    }

    fn fields(&self, offer: &Offer, likely: &[String]) -> Vec<Item> {
        let likely_items = likely.iter().map(|field| Item::plain(field));
        let others = offer.fields.all.iter();
        let others = others.filter(|field| !likely.contains(field));
        let others = others.map(|field| Item::plain(field).other());
        likely_items
            .chain([self.none(offer)])
            .chain(others)
            .collect()
    }
}

/// The likely operations, none, and all the others.
fn operations(offer: &Offer, purpose: Purpose) -> Vec<Item> {
    let item = |operation: &OfferedOperation| Item {
        value: Some(operation.name.clone()),
        text: line(operation),
        likelihood: Likelihood::Likely,
    };
    let likely = offer.candidates(purpose);
    let mut items: Vec<Item> = likely
        .iter()
        .filter_map(|name| offer.operation(name))
        .map(item)
        .collect();
    if purpose != Purpose::Fetch {
        items.push(Item {
            value: None,
            text: "none".to_owned(),
            likelihood: Likelihood::Likely,
        });
    }
    let others = offer.operations.iter();
    let others = others.filter(|operation| !likely.contains(&operation.name));
    items.extend(others.map(|operation| item(operation).other()));
    items
}

/// An operation on a line.
#[must_use]
pub fn line(operation: &OfferedOperation) -> String {
    let mut line = format!("{} {}", operation.method, operation.path);
    if let Some(id) = &operation.id {
        line = format!("{line}  {id}");
    }
    if !operation.summary.is_empty() {
        line = format!("{line}  \"{}\"", operation.summary);
    }
    if operation.deprecated {
        line.push_str("  (deprecated)");
    }
    line
}

fn addresses(offer: &Offer) -> Vec<Item> {
    let first = offer.servers.first().map(|server| Item {
        value: None,
        text: format!("as the description says: {server}"),
        likelihood: Likelihood::Likely,
    });
    let others = offer.servers.iter().map(|server| Item::plain(server));
    first.into_iter().chain(others).collect()
}

fn envelopes(offer: &Offer) -> Vec<Item> {
    let top = Item {
        value: Some(String::new()),
        text: "the answer is the record".to_owned(),
        likelihood: Likelihood::Likely,
    };
    let named = offer.envelopes.iter().map(|name| Item::plain(name));
    named.chain([top]).collect()
}
