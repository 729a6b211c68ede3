//! Reading records, with the fields of related objects that mappings want.
//!
//! One query brings all fields and the parents', one level up; where the query would be longer than an address may
//! be, the record is read by its id and the query asks for the parents alone.

use std::sync::Arc;

use serde_json::Value;

use super::ask::{Ask, Right};
use super::describe::{Describe, Kind};
use super::session::{Freshness, refusal};
use super::{Salesforce, failure, ids, soql};
use crate::http::Call;
use crate::model::{Category, Failure, Record, RecordId, Timestamp};
use crate::platform::Wish;
use crate::platform::basics::text_at;

/// The vendor takes addresses of about 16 KB; this leaves room for host and path.
const LONGEST_QUERY: usize = 14_000;

/// The fields of related objects that can be had, and those that can't.
#[derive(Debug, Default)]
pub(super) struct Parents {
    /// Those that come along.
    pub(super) known: Vec<String>,
    /// Those that are not there, or hidden from us.
    pub(super) missing: Vec<String>,
}

impl Salesforce {
    /// Reads a record as mappings see it. `None`: deleted, or hidden from us.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let key = ids::checked(id)?;
        let Some(fields) = self.read_fields(call, &key).await? else {
            return Ok(None);
        };
        let changed_by = text_at(&fields, &["LastModifiedById"]);
        let mut record = Record {
            id: id.clone(),
            label: label(&fields, &key),
            changed_at: text_at(&fields, &["SystemModstamp"]).and_then(moment),
            changed_by_us: self.session.is_us(call, changed_by).await?,
            fields,
            notes: Vec::new(),
            files: Vec::new(),
        };
        if wish.notes {
            record.notes = self.read_messages(call, &key).await?;
        }
        if wish.files {
            record.files = self.list_files(call, &key).await?;
        }
        Ok(Some(record))
    }

    /// A record's fields. A field that was taken away since the object was described is noticed, once.
    async fn read_fields(&self, call: &Call, key: &str) -> Result<Option<Value>, Failure> {
        match self.try_fields(call, key, Freshness::Recent).await? {
            Tried::Read(fields) => Ok(fields),
            Tried::Outdated(_) => match self.try_fields(call, key, Freshness::Fresh).await? {
                Tried::Read(fields) => Ok(fields),
                Tried::Outdated(failure) => Err(failure),
            },
        }
    }

    async fn try_fields(
        &self,
        call: &Call,
        key: &str,
        freshness: Freshness,
    ) -> Result<Tried, Failure> {
        let object = &self.settings.object;
        let describe = self.session.describe(call, object, freshness).await?;
        let parents = self.parents(call, &describe, freshness).await?.known;
        let readable = describe
            .fields
            .iter()
            .filter(|field| field.kind != Kind::Bytes);
        let own: Vec<&str> = readable.map(|field| field.name.as_str()).collect();
        let query = |names: &[&str]| {
            format!(
                "SELECT {} FROM {object} WHERE Id = {}",
                names.join(","),
                soql::text(key)
            )
        };
        let related: Vec<&str> = parents.iter().map(String::as_str).collect();
        let whole = query(&[own.as_slice(), related.as_slice()].concat());
        if encoded_length(&whole) <= LONGEST_QUERY {
            return self.try_query(call, key, &whole).await;
        }
        let ask = Ask::get(
            self.session.path(&format!("sobjects/{object}/{key}")),
            Right::read(object),
            format!("read {object} {key}"),
        );
        let Some(fields) = self.session.json_if_there(call, &ask).await? else {
            return Ok(Tried::Read(None));
        };
        if related.is_empty() {
            return Ok(Tried::Read(Some(soql::bare(fields))));
        }
        let tried = self.try_query(call, key, &query(&related)).await?;
        Ok(match (tried, soql::bare(fields)) {
            (Tried::Read(Some(Value::Object(parents))), Value::Object(mut fields)) => {
                fields.extend(parents);
                Tried::Read(Some(Value::Object(fields)))
            }
            (tried, _) => tried,
        })
    }

    async fn try_query(&self, call: &Call, key: &str, query: &str) -> Result<Tried, Failure> {
        let object = &self.settings.object;
        let ask = self
            .session
            .query(query, Right::read(object), &format!("read {object} {key}"));
        let response = self.session.respond(call, &ask).await?;
        if failure::is_unknown_field(&response) {
            return Ok(Tried::Outdated(refusal(&ask, &response)));
        }
        if !response.is_success() {
            return Err(refusal(&ask, &response));
        }
        let answer = super::session::read_json(&ask, &response)?;
        let rows = answer
            .get("records")
            .and_then(Value::as_array)
            .ok_or_else(|| {
                Failure::new(
                    Category::Server,
                    "Salesforce answered a query without records",
                )
            })?;
        Ok(Tried::Read(rows.first().cloned().map(soql::bare)))
    }

    /// Which fields of related objects can be had. What several objects may stand behind (an owner is a user or a
    /// queue) has a name in common, and is asked for as it is set.
    pub(super) async fn parents(
        &self,
        call: &Call,
        describe: &Arc<Describe>,
        freshness: Freshness,
    ) -> Result<Parents, Failure> {
        let mut parents = Parents::default();
        for path in &self.settings.parents {
            let Some((relation, name)) = path.split_once('.') else {
                continue;
            };
            let refers_to = describe
                .relation(relation)
                .map(|field| field.refers_to.as_slice());
            let is_there = match refers_to {
                None | Some([]) => false,
                Some([one]) => match self.session.describe(call, one, freshness).await {
                    Ok(parent) => parent
                        .field(name)
                        .is_some_and(|field| field.kind != Kind::Bytes),
                    // Hidden from us as a whole.
                    Err(failure) if failure.category == Category::Configuration => false,
                    Err(failure) => return Err(failure),
                },
                Some(_) => true,
            };
            let list = if is_there {
                &mut parents.known
            } else {
                &mut parents.missing
            };
            list.push(path.clone());
        }
        Ok(parents)
    }
}

/// What came of reading a record by a description that may be old.
enum Tried {
    Read(Option<Value>),
    Outdated(Failure),
}

fn encoded_length(query: &str) -> usize {
    url::form_urlencoded::byte_serialize(query.as_bytes())
        .map(str::len)
        .sum()
}

/// What to call a record in a list.
fn label(fields: &Value, key: &str) -> String {
    let named = ["Subject", "Name", "CaseNumber"]
        .iter()
        .find_map(|name| text_at(fields, &[name]));
    named.unwrap_or(key).to_owned()
}

/// A moment as the vendor writes it: `2015-08-14T18:27:02.000+0000`, or with a `Z`.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    // An offset without a colon, where the reader wants one.
    let split = text.len().checked_sub(2)?;
    let (start, minutes) = (text.get(..split)?, text.get(split..)?);
    format!("{start}:{minutes}").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_have_two_spellings() {
        let expected: Timestamp = "2015-08-14T18:27:02Z".parse().unwrap();
        for text in [
            "2015-08-14T18:27:02.000+0000",
            "2015-08-14T18:27:02.000Z",
            "2015-08-14T20:27:02.000+0200",
        ] {
            assert_eq!(moment(text), Some(expected), "{text}");
        }
        for text in ["", "soon", "2015-08-14", "é"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_has_a_name_in_lists() {
        assert_eq!(
            label(&json!({"Subject": "Printer", "CaseNumber": "1"}), "500"),
            "Printer"
        );
        assert_eq!(
            label(&json!({"Subject": null, "CaseNumber": "00001026"}), "500"),
            "00001026"
        );
        assert_eq!(label(&json!({}), "500"), "500");
    }
}
