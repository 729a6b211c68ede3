//! Reading rows: `POST /records/query`, whose pages are as long as the server likes.
//!
//! A query answers `{data: [{"6": {"value": …}}], fields, metadata: {totalRecords, numRecords, skip}}`. It may return fewer
//! rows than asked for, so that only `totalRecords` says where the end is.

use serde_json::{Map, Value, json};

use super::Quickbase;
use super::endpoint::QUERY;
use super::table::RECORD_ID;
use crate::http::Call;
use crate::model::{Category, Failure};

/// A row: its values by field id.
pub(super) type Row = Map<String, Value>;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Selection<'a> {
    /// The table.
    pub(super) table: &'a str,
    /// The fields wanted.
    pub(super) fields: Vec<u64>,
    /// The filter, in the vendor's query language.
    pub(super) filter: String,
    /// The fields by which rows are sorted, rising.
    pub(super) sort: &'a [u64],
}

/// A page of rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// The rows.
    pub(super) rows: Vec<Row>,
    /// Where the next page begins, if one follows.
    pub(super) next: Option<u64>,
}

/// No query is read further than this many rows.
const MOST_ROWS: u64 = 100_000;

impl Quickbase {
    /// Reads one page of rows.
    pub(super) async fn page(
        &self,
        call: &Call,
        deed: &str,
        selection: &Selection<'_>,
        skip: u64,
    ) -> Result<Page, Failure> {
        let sort: Vec<Value> = selection
            .sort
            .iter()
            .map(|field| json!({"fieldId": field, "order": "ASC"}))
            .collect();
        let mut body = json!({
            "from": selection.table,
            "select": selection.fields,
            "where": selection.filter,
            "options": {"skip": skip},
        });
        if let (Some(body), false) = (body.as_object_mut(), sort.is_empty()) {
            body.insert("sortBy".to_owned(), sort.into());
        }
        let request = self.api.request(&QUERY, &[]).json(body);
        let answer = self.api.json(call, &QUERY, deed, request).await;
        let answer = answer.map_err(|failure| self.with_labels(selection.table, failure))?;
        read_page(&answer, skip).ok_or_else(|| {
            Failure::new(
                Category::Server,
                format!("Quickbase was asked to {deed} and answered something else than rows"),
            )
        })
    }

    /// Reads all rows.
    pub(super) async fn rows(
        &self,
        call: &Call,
        deed: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        let mut skip = 0;
        loop {
            let page = self.page(call, deed, selection, skip).await?;
            rows.extend(page.rows);
            match page.next {
                Some(next) if next < MOST_ROWS => skip = next,
                _ => return Ok(rows),
            }
        }
    }

    /// Puts labels beside the field ids that the vendor names.
    pub(super) fn with_labels(&self, table: &str, failure: Failure) -> Failure {
        match self.session.remembered(table) {
            Some(table) => Failure {
                cause: table.labelled_text(&failure.cause),
                ..failure
            },
            None => failure,
        }
    }
}

/// Reads a query's answer; `None` if it is none.
fn read_page(answer: &Value, skip: u64) -> Option<Page> {
    let data = answer.get("data")?.as_array()?;
    let rows: Vec<Row> = data.iter().filter_map(read_row).collect();
    let number = |name: &str| answer.get("metadata")?.get(name)?.as_u64();
    let read = number("numRecords").unwrap_or(u64::try_from(data.len()).ok()?);
    let end = skip.checked_add(read)?;
    let total = number("totalRecords").unwrap_or(end);
    Some(Page {
        rows,
        // A page without rows would be asked for again and again.
        next: (read > 0 && end < total).then_some(end),
    })
}

/// A row with its values out of their `{"value": …}`.
pub(super) fn read_row(row: &Value) -> Option<Row> {
    let cells = row.as_object()?.iter();
    let value = |cell: &Value| cell.get("value").cloned().unwrap_or(Value::Null);
    Some(
        cells
            .map(|(field, cell)| (field.clone(), value(cell)))
            .collect(),
    )
}

/// What a row holds in a field; null counts as nothing.
pub(super) fn cell(row: &Row, field: u64) -> Option<&Value> {
    row.get(&field.to_string()).filter(|value| !value.is_null())
}

/// A row's Record ID#.
pub(super) fn row_id(row: &Row) -> Option<u64> {
    cell(row, RECORD_ID)?.as_u64().filter(|id| *id > 0)
}

/// The filter for rows that have exactly this value in a field.
///
/// # Errors
/// When the value has characters that would end it early: nothing documents how they are escaped.
pub(super) fn equals(field: u64, value: &Value) -> Result<String, Failure> {
    let refused = |text: &str| {
        Err(Failure::new(
            Category::Validation,
            format!("`{text}` can't be asked for in Quickbase's query language"),
        )
        .hint("Values with quotation marks, braces or backslashes can't be searched for; choose another one."))
    };
    match value {
        Value::Number(number) => Ok(format!("{{{field}.EX.{number}}}")),
        Value::String(text) if text.contains(['\'', '"', '{', '}', '\\']) => refused(text),
        Value::String(text) if !text.is_empty() => Ok(format!("{{{field}.EX.'{text}'}}")),
        other => refused(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_the_vendor_gives_them() {
        let shared = std::env::var("FIELDBRIDGE_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
        let mut skip = 0;
        let mut ids = Vec::new();
        for page in 1..=3 {
            let path = format!(
                "{shared}/samples/quickbase/quickbase-spec__manual_records_run-query_response.200.page{page}.json"
            );
            let Ok(text) = std::fs::read_to_string(path) else {
                println!("skipped: the samples are not here");
                return;
            };
            let sample: Value = serde_json::from_str(&text).unwrap();
            let read = read_page(&sample["body"], skip).unwrap();
            ids.extend(read.rows.iter().filter_map(row_id));
            match read.next {
                Some(next) => skip = next,
                None => assert_eq!(page, 3),
            }
        }
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_page_without_rows_ends_the_reading() {
        let empty = json!({"data": [], "metadata": {"totalRecords": 7, "numRecords": 0}});
        assert_eq!(read_page(&empty, 3).unwrap().next, None);
        assert!(read_page(&json!({"value": {"data": []}}), 0).is_none());
        assert!(read_page(&json!([]), 0).is_none());
        assert!(
            read_page(&json!({"data": [1, null]}), 0)
                .unwrap()
                .rows
                .is_empty()
        );
    }

    #[test]
    fn a_filter_is_never_broken_by_its_value() {
        assert_eq!(equals(3, &json!(12)).unwrap(), "{3.EX.12}");
        assert_eq!(equals(18, &json!("FN-12")).unwrap(), "{18.EX.'FN-12'}");
        for value in [
            json!("a'b"),
            json!("}OR{3.GT.0"),
            json!(""),
            json!(null),
            json!([1]),
        ] {
            assert!(equals(18, &value).is_err(), "{value}");
        }
    }
}
