//! Reading tickets, with all that hangs on them.
//!
//! A ticket carries only ids; company, location, contact and resource are read by their own. Picklist values are put
//! into words under `labels`, user-defined fields under `udf` by their names.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Autotask;
use super::ask::{Ask, Right};
use super::fields::{Fields, Origin, moment};
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure, Record, RecordId, Timestamp};
use crate::platform::Wish;
use crate::platform::basics::{digits, is_empty, text, text_at};

/// What a ticket refers to: its field, where that is read, and where it stands on the record.
const RELATED: [(&str, &str, &str); 4] = [
    ("companyID", "Companies", "company"),
    ("companyLocationID", "CompanyLocations", "companyLocation"),
    ("contactID", "Contacts", "contact"),
    ("assignedResourceID", "Resources", "assignedResource"),
];

/// What is told of the place of the work.
pub(super) const SITE: [&str; 8] = [
    "name",
    "phone",
    "address1",
    "address2",
    "city",
    "state",
    "postalCode",
    "countryID",
];

/// How soon a ticket that we made a moment ago is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Autotask {
    /// Reads a ticket as mappings see it.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let number = ticket_id(id)?;
        let Some(ticket) = self.read_ticket(call, number).await? else {
            if self.session.is_just_created(number) {
                // Answers may lag behind a creation; the engine must not take it for a deletion.
                return Err(Failure::new(
                    Category::Server,
                    format!(
                        "Autotask does not show ticket {number} yet, which was created a moment ago"
                    ),
                )
                .retry_after(Some(LOOK_AGAIN)));
            }
            return Ok(None);
        };
        let fields = self
            .session
            .ticket_fields(&self.api, call, Freshness::Recent)
            .await;
        let fields = described(fields)?;
        let changed_at = text_at(&ticket, &["lastActivityDate"]).and_then(moment);
        let mut ticket = object(ticket)?;
        put_into_words(&mut ticket, &fields);
        put_into_one_form(&mut ticket);
        self.add_related(call, &mut ticket).await?;
        let own = self.session.own_resource(&self.api, call).await?;
        let mut record = Record {
            id: id.clone(),
            label: String::new(),
            fields: Value::Object(ticket),
            notes: Vec::new(),
            files: Vec::new(),
            changed_at,
            changed_by_us: false,
        };
        record.label = label(&record.fields, number);
        let last = record
            .fields
            .get("lastActivityResourceID")
            .and_then(Value::as_u64);
        record.changed_by_us = last.is_some() && last == own;
        if wish.notes {
            record.notes = self.read_notes(call, number, own).await?;
        }
        if wish.files {
            record.files = self.read_files(call, number, own).await?;
        }
        Ok(Some(record))
    }

    /// Reads a ticket as it is.
    pub(super) async fn read_ticket(
        &self,
        call: &Call,
        number: u64,
    ) -> Result<Option<Value>, Failure> {
        let ask = Ask::get(
            format!("Tickets/{number}"),
            Right::ViewTickets,
            format!("read ticket {number}"),
        );
        self.api.item(call, &ask).await
    }

    async fn add_related(
        &self,
        call: &Call,
        ticket: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        for (field, entity, name) in RELATED {
            // 0 is the database's own company.
            let Some(id) = ticket.get(field).and_then(Value::as_u64) else {
                continue;
            };
            let related = self.session.related(&self.api, call, entity, id).await?;
            if let Some(related) = related {
                let mut related = Value::clone(&related);
                postal_code_as_text(&mut related);
                ticket.insert(name.to_owned(), related);
            }
        }
        put_site(ticket);
        Ok(())
    }
}

/// Where the work is: the ticket's location, else the company's own address. Never a mixture of both, for a gap in a
/// location's address must be seen and not be filled with another place.
fn put_site(ticket: &mut Map<String, Value>) {
    let (place, name) = match (ticket.get("companyLocation"), ticket.get("company")) {
        (Some(location), _) => (location, "name"),
        (None, Some(company)) => (company, "companyName"),
        (None, None) => return,
    };
    let mut site = Map::new();
    for member in SITE {
        let source = if member == "name" { name } else { member };
        let value = place.get(source).cloned().unwrap_or_default();
        site.insert(member.to_owned(), value);
    }
    ticket.insert("site".to_owned(), site.into());
}

/// A description of fields that may not be read costs the labels, not the ticket.
pub(super) fn described(fields: Result<Arc<Fields>, Failure>) -> Result<Arc<Fields>, Failure> {
    match fields {
        Err(failure) if failure.category == Category::Configuration => Ok(Arc::default()),
        other => other,
    }
}

/// The ticket's id that a record id stands for.
pub(super) fn ticket_id(id: &RecordId) -> Result<u64, Failure> {
    digits(id.as_str().as_bytes()).ok_or_else(|| {
        Failure::new(
            Category::Validation,
            format!("`{id}` is no Autotask ticket id"),
        )
        .hint("Look at what the trigger sends: it must be the ticket's id, not its number T2024….")
    })
}

fn object(ticket: Value) -> Result<Map<String, Value>, Failure> {
    match ticket {
        Value::Object(map) => Ok(map),
        other => Err(Failure::new(
            Category::Server,
            format!(
                "Autotask was asked for a ticket and answered {}",
                text(&other).chars().take(80).collect::<String>()
            ),
        )),
    }
}

fn label(ticket: &Value, number: u64) -> String {
    let title = text_at(ticket, &["title"]);
    match (text_at(ticket, &["ticketNumber"]), title) {
        (Some(shown), Some(title)) => format!("{shown} {title}"),
        (Some(shown), None) => shown.to_owned(),
        (None, Some(title)) => title.to_owned(),
        (None, None) => format!("ticket {number}"),
    }
}

/// Puts labels beside picklist values, and user-defined fields under their names.
pub(super) fn put_into_words(ticket: &mut Map<String, Value>, fields: &Fields) {
    let mut labels = Map::new();
    for field in &fields.all {
        if field.origin == Origin::Standard
            && !field.choices.is_empty()
            && let Some(value) = ticket.get(&field.name).filter(|value| !is_empty(value))
            && let Some(label) = fields.label(&field.name, value)
        {
            labels.insert(field.name.clone(), label.into());
        }
    }
    ticket.insert("labels".to_owned(), labels.into());
    let mut custom = Map::new();
    let listed = ticket.get("userDefinedFields").and_then(Value::as_array);
    for field in listed.into_iter().flatten() {
        if let Some(name) = text_at(field, &["name"]) {
            let value = field.get("value").cloned().unwrap_or_default();
            custom.insert(name.to_owned(), value);
        }
    }
    ticket.insert("udf".to_owned(), custom.into());
}

/// Moments come with and without a fraction and a `Z`; mappings find them all to the second and in UTC.
fn put_into_one_form(ticket: &mut Map<String, Value>) {
    for (name, value) in ticket.iter_mut() {
        if !(name.ends_with("DateTime") || name.ends_with("Date")) {
            continue;
        }
        let told = value.as_str().and_then(moment);
        let second = told.and_then(|told| Timestamp::from_second(told.as_second()).ok());
        if let Some(second) = second {
            *value = second.to_string().into();
        }
    }
}

/// A postal code is text to everybody else; some answers have it as a number.
fn postal_code_as_text(related: &mut Value) {
    if let Some(code) = related.get_mut("postalCode")
        && code.is_number()
    {
        *code = text(code).into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_id_is_a_tickets_id() {
        assert_eq!(ticket_id(&RecordId::new("7865")).unwrap(), 7865);
        for wrong in ["", "T20191029.0002", "12/Notes", "0", "-1"] {
            assert!(ticket_id(&RecordId::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_put_into_words_and_user_defined_fields_under_their_names() {
        let mut fields = Fields::default();
        fields.add(
            &json!({"fields": [{"name": "status", "dataType": "integer", "picklistValues": [{"value": "5", "label": "Complete"}]}]}),
            Origin::Standard,
        );
        let mut ticket =
            json!({"status": 5, "userDefinedFields": [{"name": "Site Code", "value": "A12"}]});
        put_into_words(ticket.as_object_mut().unwrap(), &fields);
        assert_eq!(ticket["labels"], json!({"status": "Complete"}));
        assert_eq!(ticket["udf"], json!({"Site Code": "A12"}));
        for absent in [
            json!({}),
            json!({"userDefinedFields": {}}),
            json!({"userDefinedFields": null}),
        ] {
            let mut ticket = absent;
            put_into_words(ticket.as_object_mut().unwrap(), &fields);
            assert_eq!(ticket["udf"], json!({}));
        }
    }

    #[test]
    fn the_site_is_the_location_or_the_company_and_no_mixture() {
        let company = json!({"companyName": "Harborlight", "city": "Albany", "state": "NY"});
        let mut ticket = json!({"company": company, "companyLocation": {"name": "HB-1", "city": "Tulsa", "state": ""}});
        put_site(ticket.as_object_mut().unwrap());
        assert_eq!(ticket["site"]["name"], "HB-1");
        assert_eq!(
            (&ticket["site"]["city"], &ticket["site"]["state"]),
            (&json!("Tulsa"), &json!(""))
        );
        let mut ticket = json!({"company": company});
        put_site(ticket.as_object_mut().unwrap());
        assert_eq!(
            (&ticket["site"]["name"], &ticket["site"]["state"]),
            (&json!("Harborlight"), &json!("NY"))
        );
        let mut ticket = json!({});
        put_site(ticket.as_object_mut().unwrap());
        assert_eq!(ticket, json!({}));
    }

    #[test]
    fn moments_are_put_into_one_form() {
        let mut ticket = json!({"dueDateTime": "2012-09-07T01:00:00.000Z", "createDate": "2019-08-18T01:00:00.5",
            "completedDate": null, "title": "2019-08-18T01:00:00.5"});
        put_into_one_form(ticket.as_object_mut().unwrap());
        assert_eq!(
            ticket,
            json!({"dueDateTime": "2012-09-07T01:00:00Z", "createDate": "2019-08-18T01:00:00Z",
                "completedDate": null, "title": "2019-08-18T01:00:00.5"})
        );
    }

    #[test]
    fn a_postal_code_is_text() {
        let mut company = json!({"postalCode": 12061});
        postal_code_as_text(&mut company);
        assert_eq!(company, json!({"postalCode": "12061"}));
    }
}
