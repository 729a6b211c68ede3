//! `GET /workorders`: lists, filters, sticky filters, columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::backend::{Backend, Books};
use super::render;
use super::work_order::{Status, WorkOrder};
use crate::model::Timestamp;

/// What the vendor remembers of a user's last list: it leaks into the next request unless told not to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sticky {
    list: Option<String>,
    filters: Filters,
}

type Filters = BTreeMap<String, String>;

/// The lists, with the statuses they show; none means all.
const LISTS: [(&str, &str, &[Status]); 8] = [
    (
        "workorders_in_flight",
        "In Flight",
        &[
            Status::Published,
            Status::Routed,
            Status::Assigned,
            Status::WorkDone,
        ],
    ),
    ("workorders_draft", "Draft", &[Status::Draft]),
    (
        "workorders_published_routed",
        "Published / Routed",
        &[Status::Published, Status::Routed],
    ),
    ("workorders_assigned", "Assigned", &[Status::Assigned]),
    ("workorders_problem", "Problem", &[]),
    ("workorders_work_done", "Work Done", &[Status::WorkDone]),
    (
        "workorders_approved",
        "Approved",
        &[Status::Approved, Status::Paid],
    ),
    ("workorders_all", "All", &[]),
];

/// The list shown to a user who never chose one.
const DEFAULT_LIST: &str = "workorders_assigned";

/// The filters this stand-in knows, under both generations of names. Others are ignored, as the vendor
/// ignores what it does not know.
const FILTERS: [&str; 16] = [
    "f_search",
    "f_work_order_id",
    "f_manager",
    "f_client",
    "f_project",
    "f_templates",
    "f_template",
    "f_type_of_work",
    "f_city",
    "f_state",
    "f_postal_code",
    "f_zip",
    "f_created",
    "f_created_date",
    "f_schedule",
    "f_service_schedule",
];

const PER_PAGE: usize = 25;
const MOST_PER_PAGE: usize = 100;

/// What a caller asks for.
struct Wish {
    list: Option<String>,
    filters: Filters,
    clears: bool,
    is_sticky: bool,
    columns: Vec<String>,
    page: usize,
    per_page: usize,
    ascending: bool,
}

impl Wish {
    fn read(query: &str) -> Self {
        let mut wish = Self {
            list: None,
            filters: Filters::new(),
            clears: false,
            is_sticky: true,
            columns: Vec::new(),
            page: 1,
            per_page: PER_PAGE,
            ascending: false,
        };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "list" if !value.is_empty() => wish.list = Some(value.into_owned()),
                "sticky" => wish.is_sticky = !matches!(value.as_ref(), "false" | "0"),
                "columns" => {
                    let names = value
                        .split(',')
                        .map(str::trim)
                        .filter(|name| !name.is_empty());
                    wish.columns = names.map(str::to_owned).collect();
                }
                "page" => wish.page = value.parse().unwrap_or(1).max(1),
                "per_page" => {
                    wish.per_page = value.parse().unwrap_or(PER_PAGE).clamp(1, MOST_PER_PAGE);
                }
                "order" => wish.ascending = value.eq_ignore_ascii_case("asc"),
                "f_" => wish.clears = true,
                name if FILTERS.contains(&name) && !value.is_empty() => {
                    wish.filters.insert(name.to_owned(), value.into_owned());
                }
                _ => {}
            }
        }
        wish
    }

    /// Mixes in what is remembered, and remembers what is asked.
    fn stick(&mut self, memory: &mut Sticky) {
        if !self.is_sticky {
            return;
        }
        if self.clears {
            memory.filters.clear();
        }
        if self.list.is_some() {
            memory.list.clone_from(&self.list);
        } else {
            self.list.clone_from(&memory.list);
        }
        memory.filters.append(&mut self.filters.clone());
        self.filters = memory.filters.clone();
    }
}

/// Answers the request.
pub(super) fn answer(backend: &Backend, query: &str) -> Value {
    let mut wish = Wish::read(query);
    let now = backend.now();
    let (list, total, shown) = {
        let mut books = backend.books();
        wish.stick(&mut books.sticky);
        let list = wish.list.clone().unwrap_or_else(|| DEFAULT_LIST.to_owned());
        let newest = now
            .checked_sub(backend.settings.search_lag)
            .unwrap_or(Timestamp::MIN);
        let hits = find(&books, &list, &wish, newest);
        let first = (wish.page - 1).saturating_mul(wish.per_page);
        let total = hits.len();
        let shown: Vec<_> = hits.into_iter().skip(first).take(wish.per_page).collect();
        (list, total, shown)
    };
    let results: Vec<_> = shown
        .iter()
        .map(|order| columns(order, &wish.columns, &backend.base_url))
        .collect();
    page(&list, total, &wish, &results)
}

fn page(list: &str, total: usize, wish: &Wish, results: &[Value]) -> Value {
    let mut answer = json!({
        "results": results,
        "metadata": {
            "total": total,
            "page": wish.page,
            "pages": total.div_ceil(wish.per_page).max(1),
            "per_page": wish.per_page,
            "columns": wish.columns.join(","),
            "view": "list",
            "sort": "id",
            "order": if wish.ascending { "asc" } else { "desc" },
            "list": list,
            "available_filters": FILTERS,
            "available_columns": [],
        },
        "lists": LISTS.map(|(id, label, _)| json!({"id": id, "label": label, "selected": id == list})),
        "saved_filters": {},
        "actions": [],
        "correlation_id": "",
    });
    for (name, value) in &wish.filters {
        answer[name.as_str()] = json!(value);
        let sticky = name.replacen("f_", "fs_", 1);
        answer[sticky.as_str()] = json!(wish.is_sticky);
    }
    answer
}

/// `GET /workorders/lists`.
pub(super) fn lists() -> Value {
    let list = |(id, label, _): &(&str, &str, &[Status])| json!({"id": id, "label": label, "actions": [], "default": *id == DEFAULT_LIST});
    LISTS.iter().map(list).collect()
}

/// The matching work orders in order.
fn find(books: &Books, list: &str, wish: &Wish, newest: Timestamp) -> Vec<Arc<WorkOrder>> {
    let matches = |order: &&Arc<WorkOrder>| {
        order.created <= newest
            && is_listed(list, order)
            && wish
                .filters
                .iter()
                .all(|(name, value)| satisfies(order, name, value))
    };
    // A ticket number searched for in full needs no walk through everything.
    let exact = wish
        .filters
        .get("f_search")
        .map(|text| books.correlated(text));
    let mut hits: Vec<_> = match exact {
        Some(ids) if !ids.is_empty() => {
            let orders = ids.iter().filter_map(|id| books.orders.get(id));
            orders.filter(matches).cloned().collect()
        }
        _ => books.orders.values().filter(matches).cloned().collect(),
    };
    hits.sort_by_key(|order| order.id);
    if !wish.ascending {
        hits.reverse();
    }
    hits
}

fn is_listed(list: &str, order: &WorkOrder) -> bool {
    if list == "workorders_problem" {
        return order.problems.iter().any(|problem| !problem.is_resolved);
    }
    let statuses = LISTS.iter().find(|(id, _, _)| *id == list);
    statuses.is_none_or(|(_, _, statuses)| {
        if statuses.is_empty() {
            order.status != Status::Deleted
        } else {
            statuses.contains(&order.status)
        }
    })
}

fn satisfies(order: &WorkOrder, name: &str, value: &str) -> bool {
    let is_one_of = |actual: Option<u64>| {
        let mut wanted = value.split(',').filter_map(|part| part.trim().parse().ok());
        actual.is_some_and(|actual| wanted.any(|id: u64| id == actual))
    };
    let place = |part: fn(&super::work_order::Location) -> &String| {
        let actual = order.location.as_ref().map(part);
        actual.is_some_and(|actual| actual.eq_ignore_ascii_case(value))
    };
    match name {
        "f_search" => mentions(order, value),
        "f_work_order_id" => is_one_of(Some(order.id)),
        "f_manager" => is_one_of(Some(order.manager.id)),
        "f_client" => is_one_of(order.client),
        "f_project" => is_one_of(order.project),
        "f_templates" | "f_template" => is_one_of(order.template),
        "f_type_of_work" => order.types_of_work.iter().any(|id| is_one_of(Some(*id))),
        "f_city" => place(|location| &location.city),
        "f_state" => place(|location| &location.state),
        "f_postal_code" | "f_zip" => place(|location| &location.zip),
        "f_created" | "f_created_date" => is_within(Some(order.created), value),
        "f_schedule" | "f_service_schedule" => {
            is_within(order.window.map(|window| window.start), value)
        }
        _ => true,
    }
}

fn mentions(order: &WorkOrder, text: &str) -> bool {
    let text = text.to_lowercase();
    let has = |candidate: &str| candidate.to_lowercase().contains(&text);
    order.id.to_string() == text
        || has(&order.title)
        || order.custom_values.values().any(|value| has(value))
        || order.location.as_ref().is_some_and(|location| {
            has(&location.city) || has(&location.address1) || has(&location.display_name)
        })
}

/// Whether a moment lies in "a,b", two UTC days of which either may be missing.
fn is_within(moment: Option<Timestamp>, range: &str) -> bool {
    let Some(moment) = moment else {
        return false;
    };
    let day = TimeZone::UTC.to_datetime(moment).date();
    let (from, to) = range.split_once(',').unwrap_or((range, ""));
    let bound = |text: &str| text.trim().parse::<jiff::civil::Date>().ok();
    bound(from).is_none_or(|from| from <= day) && bound(to).is_none_or(|to| day <= to)
}

/// A work order cut down to the sections asked for; without any, the vendor's stub.
pub(super) fn columns(order: &WorkOrder, columns: &[String], base_url: &str) -> Value {
    if columns.is_empty() {
        return json!({"id": order.id, "schedule": {"status_id": order.status.id()}});
    }
    let mut whole = render::work_order(order, base_url);
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(order.id));
    for column in columns {
        if let Some(section) = whole.shift_remove(column) {
            shown.insert(column.clone(), section);
        }
    }
    Value::Object(shown)
}
