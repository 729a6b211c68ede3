//! What only the company itself knows: its custom fields, types of work and managers, by name and id.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::session::Session;
use super::work_order::{has_flag, id_of, text_of};
use crate::http::{Call, Request};
use crate::model::{Category, Failure};

/// How long a list is believed.
const FRESH: Duration = Duration::from_secs(3600);

/// How long a list is believed when something was not found in it.
const FRESH_ENOUGH: Duration = Duration::from_secs(60);

/// More pages than this are not read of a list.
const MOST_PAGES: u64 = 20;

/// A custom field of the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CompanyField {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) is_required: bool,
    pub(super) is_internal: bool,
    pub(super) options: Vec<String>,
}

/// The company's custom fields.
#[derive(Debug, Default)]
pub(super) struct CompanyFields(pub(super) Vec<CompanyField>);

/// Named things with an id.
#[derive(Debug, Default)]
pub(super) struct Names(pub(super) Vec<(u64, String)>);

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    TypesOfWork,
    Managers,
    Projects,
    Clients,
    Templates,
}

impl List {
    fn path(self) -> &'static str {
        match self {
            Self::TypesOfWork => "/types-of-work",
            Self::Managers => "/company/managers",
            Self::Projects => "/projects",
            Self::Clients => "/clients",
            Self::Templates => "/templates",
        }
    }

    /// The word for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::TypesOfWork => "types of work",
            Self::Managers => "managers",
            Self::Projects => "projects",
            Self::Clients => "clients",
            Self::Templates => "templates",
        }
    }
}

type Kept<T> = Mutex<Option<(Instant, Arc<T>)>>;

/// The lists, each fetched once for all who wait and then believed for an hour.
#[derive(Debug, Default)]
pub(super) struct Directory {
    fields: Kept<CompanyFields>,
    types_of_work: Kept<Names>,
    managers: Kept<Names>,
}

/// How old a list may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Age {
    /// As it is kept.
    Any,
    /// Read anew, unless that was a minute ago.
    Renewed,
    /// Read now.
    Now,
}

impl Age {
    fn allows(self, read_at: Instant) -> bool {
        match self {
            Self::Any => read_at.elapsed() < FRESH,
            Self::Renewed => read_at.elapsed() < FRESH_ENOUGH,
            Self::Now => false,
        }
    }
}

impl Directory {
    /// The company's custom fields.
    pub(super) async fn fields(
        &self,
        session: &Session,
        call: &Call,
        age: Age,
    ) -> Result<Arc<CompanyFields>, Failure> {
        keep(&self.fields, age, async {
            let what = "list the company's custom fields";
            let rows = rows(session, call, what, "custom fields", "/custom-fields").await?;
            Ok(CompanyFields(
                rows.iter().filter_map(company_field).collect(),
            ))
        })
        .await
    }

    /// A list by name and id; only those that mappings look up are kept.
    pub(super) async fn names(
        &self,
        session: &Session,
        call: &Call,
        list: List,
        age: Age,
    ) -> Result<Arc<Names>, Failure> {
        let fetch = async {
            let what = format!("list the {}", list.word());
            let rows = rows(session, call, &what, list.word(), list.path()).await?;
            Ok(Names(rows.iter().filter_map(named).collect()))
        };
        match list {
            List::TypesOfWork => keep(&self.types_of_work, age, fetch).await,
            List::Managers => keep(&self.managers, age, fetch).await,
            List::Projects | List::Clients | List::Templates => fetch.await.map(Arc::new),
        }
    }
}

async fn keep<T>(
    kept: &Kept<T>,
    age: Age,
    fetch: impl Future<Output = Result<T, Failure>>,
) -> Result<Arc<T>, Failure> {
    let mut kept = kept.lock().await;
    if let Some((read_at, list)) = kept.as_ref()
        && age.allows(*read_at)
    {
        return Ok(Arc::clone(list));
    }
    let list = Arc::new(fetch.await?);
    *kept = Some((Instant::now(), Arc::clone(&list)));
    Ok(list)
}

/// All rows of a list, over its pages where it has any.
async fn rows(
    session: &Session,
    call: &Call,
    what: &str,
    feature: &str,
    path: &str,
) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for page in 1..=MOST_PAGES {
        let mut request = Request::get(session.rest(path));
        if page > 1 {
            request = request.query("page", page.to_string());
        }
        let mut body = session.expect_feature(call, what, feature, request).await?;
        let pages = body.pointer("/metadata/pages").and_then(id_of).unwrap_or(1);
        let rows = match body.get_mut("results") {
            Some(results) => results.take(),
            None => body,
        };
        let Value::Array(rows) = rows else { break };
        let done = rows.is_empty() || page >= pages;
        all.extend(rows);
        if done {
            break;
        }
    }
    Ok(all)
}

fn company_field(row: &Value) -> Option<CompanyField> {
    let truthy = |name: &str| match row.get(name) {
        Some(Value::Bool(truth)) => *truth,
        Some(other) => id_of(other).is_some_and(|number| number != 0),
        None => false,
    };
    let option = |option: &Value| {
        text_of(option).or_else(|| {
            ["value", "name", "label"]
                .iter()
                .find_map(|name| text_of(option.get(*name)?))
        })
    };
    let options = row.get("options").and_then(Value::as_array);
    Some(CompanyField {
        id: id_of(row.get("id")?)?,
        name: text_of(row.get("name")?)?,
        kind: row.get("type").and_then(text_of).unwrap_or_default(),
        is_required: truthy("required") || has_flag(row, "required"),
        is_internal: truthy("internal") || has_flag(row, "internal_id"),
        options: options.map_or_else(Vec::new, |options| {
            options.iter().filter_map(option).collect()
        }),
    })
}

fn named(row: &Value) -> Option<(u64, String)> {
    let text = |name: &str| row.get(name).and_then(text_of);
    let name = text("name")
        .or_else(|| match (text("first_name"), text("last_name")) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (one, other) => one.or(other),
        })
        .or_else(|| text("label"))
        .or_else(|| text("title"))?;
    Some((id_of(row.get("id")?)?, name))
}

impl CompanyFields {
    /// The field that a mapping or the settings name, by id or by name.
    pub(super) fn find(&self, name: &str) -> Option<&CompanyField> {
        let name = name.trim();
        let id = name.parse().ok();
        let fields = &self.0;
        fields
            .iter()
            .find(|field| field.name == name)
            .or_else(|| fields.iter().find(|field| Some(field.id) == id))
            .or_else(|| {
                let mut alike = fields
                    .iter()
                    .filter(|field| field.name.eq_ignore_ascii_case(name));
                // Two that differ in case only must be named exactly.
                alike.next().filter(|_| alike.next().is_none())
            })
    }

    /// The field marked as Internal Ticket Number.
    pub(super) fn internal(&self) -> Option<&CompanyField> {
        self.0.iter().find(|field| field.is_internal)
    }

    /// The refusal of a name that no field has.
    pub(super) fn unknown(&self, name: &str) -> String {
        unknown(
            "custom field",
            name,
            self.0.iter().map(|field| field.name.as_str()),
        )
    }

    /// Checks that a field can hold a marker.
    pub(super) fn as_correlation(field: &CompanyField) -> Result<&CompanyField, Failure> {
        if field.kind.is_empty() || field.kind == "text" {
            return Ok(field);
        }
        Err(Failure::new(
            Category::Configuration,
            format!(
                "the correlation field `{}` is of type {} and can't hold connector and record id",
                field.name, field.kind
            ),
        )
        .hint("Name a text field in correlation_field of fieldbridge.toml."))
    }
}

impl Names {
    /// The id of a name.
    pub(super) fn id(&self, name: &str) -> Option<u64> {
        let names = &self.0;
        let exact = names.iter().find(|(_, known)| known == name);
        exact
            .or_else(|| {
                names
                    .iter()
                    .find(|(_, known)| known.eq_ignore_ascii_case(name))
            })
            .map(|(id, _)| *id)
    }
}

/// Says that there is no such name, and which one is nearest.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("there is no {what} `{name}`; the nearest is `{nearest}`"),
        None => format!("there is no {what} `{name}`"),
    }
}

/// The known name that is most like this one.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of characters to insert, remove or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (place, letter) in one.chars().take(80).enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> CompanyFields {
        let rows = [
            json!({"id": 129, "name": "Site #", "type": "text", "flags": []}),
            json!({"id": 35, "name": "Ticket Number", "type": "text", "internal": 1}),
            json!({"id": 36, "name": "Region", "type": "predefined", "options": ["North", {"value": "South"}]}),
        ];
        CompanyFields(rows.iter().filter_map(company_field).collect())
    }

    #[test]
    fn a_field_is_found_by_name_and_by_id() {
        let fields = fields();
        for name in ["Site #", "site #", "129", " Site # "] {
            assert_eq!(fields.find(name).unwrap().id, 129, "{name}");
        }
        assert_eq!(fields.internal().unwrap().id, 35);
        assert_eq!(fields.find("Region").unwrap().options, ["North", "South"]);
        assert!(CompanyFields::as_correlation(fields.find("Region").unwrap()).is_err());
    }

    #[test]
    fn an_unknown_name_brings_up_the_nearest() {
        assert_eq!(
            fields().unknown("Sit #"),
            "there is no custom field `Sit #`; the nearest is `Site #`"
        );
    }

    #[test]
    fn people_are_named_by_first_and_last_name() {
        let row = json!({"id": 7, "first_name": "Sample", "last_name": "Manager"});
        let names = Names(named(&row).into_iter().collect());
        assert_eq!(names.id("sample manager"), Some(7));
        assert_eq!(names.id("nobody"), None);
    }
}
