//! Lists: conditions, order, fields, pages and their `Link` header.

use std::cmp::Ordering;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::conditions::{Condition, at};
use super::trouble::Trouble;

const PAGE_SIZE: usize = 25;
const LARGEST_PAGE: usize = 1_000;

/// Where the REST base of a call is, for links.
#[derive(Clone, Debug)]
pub(super) struct Base(pub(super) String);

/// Something a list shows.
pub(super) trait Record {
    /// As the API shows it.
    fn shown(&self) -> &Value;
}

impl Record for Value {
    fn shown(&self) -> &Value {
        self
    }
}

impl<T: Record> Record for std::sync::Arc<T> {
    fn shown(&self) -> &Value {
        T::shown(self)
    }
}

impl<T: Record> Record for &T {
    fn shown(&self) -> &Value {
        T::shown(self)
    }
}

/// What a caller wants of a list.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) condition: Option<Condition>,
    pub(super) custom_field_condition: Option<Condition>,
    order: Vec<(String, Ordering)>,
    fields: Vec<String>,
    page: usize,
    page_size: usize,
    /// Forward-only paging: records with a greater id than this.
    after_id: Option<u64>,
    address: String,
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        let base = parts.extensions.get::<Base>();
        let base = base.map_or("", |base| base.0.as_str());
        let address = format!("{base}{}", parts.uri.path());
        let query = parts.uri.query().unwrap_or_default();
        let forward = parts.headers.get("pagination-type");
        let is_forward =
            forward.is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"forward-only"));
        Self::read(&address, query, is_forward)
    }
}

impl Query {
    fn read(address: &str, query: &str, is_forward: bool) -> Result<Self, Trouble> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let mut wish = Self {
            page: 1,
            page_size: PAGE_SIZE,
            after_id: is_forward.then_some(0),
            address: address.to_owned(),
            pairs: pairs.into_owned().collect(),
            ..Self::default()
        };
        for (key, value) in wish.pairs.clone() {
            match key.as_str() {
                "conditions" => wish.condition = parse(&value)?,
                "customFieldConditions" => wish.custom_field_condition = parse(&value)?,
                "childConditions" if !value.is_empty() => {
                    let message = "childConditions are not supported by this sandbox.";
                    return Err(Trouble::Condition(message.to_owned()));
                }
                "orderBy" => wish.order = value.split(',').filter_map(read_order).collect(),
                "fields" => {
                    let names = value
                        .split(',')
                        .map(str::trim)
                        .filter(|name| !name.is_empty());
                    wish.fields = names.map(str::to_owned).collect();
                }
                "page" => wish.page = read_number(&key, &value)?.max(1),
                "pageSize" => wish.page_size = read_number(&key, &value)?,
                "pageId" if is_forward => wish.after_id = value.parse().ok(),
                _ => {}
            }
        }
        if !(1..=LARGEST_PAGE).contains(&wish.page_size) {
            let message = format!("pageSize must be between 1 and {LARGEST_PAGE}.");
            return Err(Trouble::Condition(message));
        }
        Ok(wish)
    }

    /// Adds what a search sends in its body.
    pub(super) fn with_conditions(mut self, conditions: &str) -> Result<Self, Trouble> {
        self.condition = parse(conditions)?;
        Ok(self)
    }

    /// Refuses names that the records don't have.
    pub(super) fn check_names(&self, knows: &dyn Fn(&str) -> bool) -> Result<(), Trouble> {
        let unknown = self
            .condition
            .as_ref()
            .and_then(|condition| condition.unknown_name(knows));
        let unknown = unknown.or_else(|| {
            let mut paths = self.order.iter().map(|(path, _)| path.as_str());
            paths.find(|path| !knows(path))
        });
        match unknown {
            Some(name) => Err(Trouble::Condition(format!(
                "{name} is not a recognized name."
            ))),
            None => Ok(()),
        }
    }

    /// Whether the records are wanted in the order of their ids, all of them.
    pub(super) fn is_plain(&self) -> bool {
        self.condition.is_none()
            && self.custom_field_condition.is_none()
            && self.order.is_empty()
            && self.after_id.is_none()
    }

    /// How many records to skip and to take.
    pub(super) fn window(&self) -> (usize, usize) {
        (
            (self.page - 1).saturating_mul(self.page_size),
            self.page_size,
        )
    }

    /// Whether a record is wanted.
    pub(super) fn wants(&self, record: &Value) -> bool {
        let holds = |condition: &Option<Condition>| {
            condition
                .as_ref()
                .is_none_or(|condition| condition.holds(record))
        };
        let custom = self.custom_field_condition.as_ref();
        let custom_holds = custom.is_none_or(|condition| {
            let fields = record.get("customFields").and_then(Value::as_array);
            fields
                .into_iter()
                .flatten()
                .any(|field| condition.holds(field))
        });
        let is_ahead = self.after_id.is_none_or(|after| id_of(record) > after);
        is_ahead && holds(&self.condition) && custom_holds
    }

    /// Answers with the wanted ones of these records, which come in the order of their ids.
    pub(super) fn answer<T: Record>(&self, records: impl Iterator<Item = T>) -> Response {
        let mut wanted: Vec<T> = records
            .filter(|record| self.wants(record.shown()))
            .collect();
        if self.after_id.is_some() {
            wanted.truncate(self.page_size);
            return self.forward(&wanted);
        }
        wanted.sort_by(|left, right| self.compare(left.shown(), right.shown()));
        let total = wanted.len();
        let (skip, take) = self.window();
        let page: Vec<_> = wanted.into_iter().skip(skip).take(take).collect();
        self.page(&page, total)
    }

    fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let compared = self.order.iter().map(|(path, direction)| {
            let order = compare_values(at(left, path), at(right, path));
            if direction.is_gt() {
                order.reverse()
            } else {
                order
            }
        });
        compared.fold(Ordering::Equal, Ordering::then)
    }

    /// One page of a list whose length is known.
    pub(super) fn page<T: Record>(&self, page: &[T], total: usize) -> Response {
        let last = total.div_ceil(self.page_size).max(1);
        let mut links = Vec::new();
        let mut link = |page: usize, relation: &str| {
            links.push(self.link("page", &page.to_string(), relation));
        };
        if self.page < last {
            link(self.page + 1, "next");
            link(last, "last");
        }
        if self.page > 1 {
            link(self.page - 1, "prev");
            link(1, "first");
        }
        self.respond(page, &links.join(", "))
    }

    /// One page of forward-only paging: there is always a next link, even after the last record.
    fn forward<T: Record>(&self, page: &[T]) -> Response {
        let last = page.last().map(|record| id_of(record.shown()));
        let after = last.or(self.after_id).unwrap_or_default();
        let link = self.link("pageId", &after.to_string(), "next");
        self.respond(page, &link)
    }

    fn link(&self, key: &str, value: &str, relation: &str) -> String {
        let others = self.pairs.iter().filter(|(name, _)| name != key);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair(key, value)
            .finish();
        format!("<{}?{query}>; rel=\"{relation}\"", self.address)
    }

    fn respond<T: Record>(&self, page: &[T], links: &str) -> Response {
        let shown: Vec<_> = page.iter().map(|record| self.cut(record.shown())).collect();
        let mut response = Json(shown).into_response();
        if let (false, Ok(links)) = (links.is_empty(), HeaderValue::from_str(links)) {
            response.headers_mut().insert(header::LINK, links);
        }
        response
    }

    /// A record cut down to the wanted fields.
    pub(super) fn cut(&self, record: &Value) -> Value {
        if self.fields.is_empty() {
            return record.clone();
        }
        let mut shown = Map::new();
        for field in &self.fields {
            match field.split_once('/') {
                None => {
                    if let Some(value) = record.get(field) {
                        shown.insert(field.clone(), value.clone());
                    }
                }
                Some((parent, child)) => {
                    if let Some(value) = record.get(parent).and_then(|parent| parent.get(child)) {
                        let parent = shown
                            .entry(parent)
                            .or_insert_with(|| Value::Object(Map::new()));
                        if let Value::Object(parent) = parent {
                            parent.insert(child.to_owned(), value.clone());
                        }
                    }
                }
            }
        }
        Value::Object(shown)
    }
}

fn parse(text: &str) -> Result<Option<Condition>, Trouble> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Condition::parse(text).map(Some).map_err(Trouble::Condition)
}

fn read_number(key: &str, value: &str) -> Result<usize, Trouble> {
    let unreadable = |_| Trouble::Condition(format!("{key} must be a number."));
    value.parse().map_err(unreadable)
}

fn read_order(text: &str) -> Option<(String, Ordering)> {
    let mut words = text.split_whitespace();
    let path = words.next()?.to_owned();
    let descends = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("desc"));
    let direction = if descends {
        Ordering::Greater
    } else {
        Ordering::Less
    };
    Some((path, direction))
}

fn compare_values(left: &Value, right: &Value) -> Ordering {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => left
            .as_str()
            .unwrap_or_default()
            .cmp(right.as_str().unwrap_or_default()),
    }
}

/// The id of a record.
pub(super) fn id_of(record: &Value) -> u64 {
    record.get("id").and_then(Value::as_u64).unwrap_or_default()
}
