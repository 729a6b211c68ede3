//! Reading a ticket whole: its own fields, the company, site and contact it refers to, its texts, notes and files.

use serde_json::{Map, Value};

use super::ConnectWise;
use super::error::Right;
use super::notes::{self, Scope};
use super::session::Ask;
use super::settings::{Related, ScheduleReading};
use super::{documents, side};
use crate::http::Call;
use crate::model::{Category, Failure, FileReference, Record, RecordId};
use crate::platform::Wish;
use crate::platform::basics::{at, moment_at, text_at};

/// The number of a ticket.
///
/// # Errors
/// `validation` when the id is no number, which also keeps anything else out of addresses.
pub(super) fn number(id: &RecordId) -> Result<u64, Failure> {
    id.as_str()
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("`{id}` is no ConnectWise ticket number"),
            )
            .hint("Ticket numbers are whole numbers, as shown after # in ConnectWise.")
        })
}

/// The numeric id of what a ticket refers to.
pub(super) fn reference_id(fields: &Value, name: &str) -> Option<i64> {
    at(fields, &[name, "id"])?.as_i64()
}

impl ConnectWise {
    pub(super) async fn read_ticket(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let ticket = number(id)?;
        let ask = Ask::get(
            format!("service/tickets/{ticket}"),
            Right::ReadTickets,
            format!("read ticket {ticket}"),
        );
        let Some(mut fields) = self.session.json_if_any(call, &ask).await? else {
            return Ok(None);
        };
        if !fields.is_object() {
            return Err(Failure::new(
                Category::Server,
                format!("ConnectWise answered with something else than ticket {ticket}"),
            ));
        }
        let scope = if wish.notes {
            Scope::All
        } else {
            Scope::Ticket
        };
        let (company, site, contact, notes, files, schedule) = tokio::try_join!(
            self.related(call, &fields, Related::Company),
            self.related(call, &fields, Related::Site),
            self.related(call, &fields, Related::Contact),
            notes::read(&self.session, call, ticket, scope),
            self.files(call, ticket, wish),
            self.schedule(call, ticket),
        )?;
        lay(&mut fields, "company", company);
        lay(&mut fields, "site", site);
        lay(&mut fields, "contact", contact);
        lay(&mut fields, "schedule", schedule);
        for (name, text) in notes::tab_texts(&notes) {
            lay(&mut fields, name, text.map(Value::from));
        }
        Ok(Some(Record {
            id: id.clone(),
            label: text_at(&fields, &["summary"])
                .unwrap_or("(no summary)")
                .to_owned(),
            notes: if wish.notes {
                notes::understood(&self.session, &notes)
            } else {
                Vec::new()
            },
            files,
            changed_at: moment_at(&fields, &["_info", "lastUpdated"]),
            changed_by_us: self
                .session
                .is_us(text_at(&fields, &["_info", "updatedBy"])),
            fields,
        }))
    }

    async fn related(
        &self,
        call: &Call,
        ticket: &Value,
        which: Related,
    ) -> Result<Option<Value>, Failure> {
        if !self.related.contains(&which) {
            return Ok(None);
        }
        let company = reference_id(ticket, "company");
        let ask = match which {
            Related::Company => company.map(|company| {
                Ask::get(
                    format!("company/companies/{company}"),
                    Right::ReadCompanies,
                    format!("read company {company}"),
                )
            }),
            Related::Site => company
                .zip(reference_id(ticket, "site"))
                .map(|(company, site)| {
                    let path = format!("company/companies/{company}/sites/{site}");
                    Ask::get(
                        path,
                        Right::ReadCompanies,
                        format!("read site {site} of company {company}"),
                    )
                }),
            Related::Contact => reference_id(ticket, "contact").map(|contact| {
                Ask::get(
                    format!("company/contacts/{contact}"),
                    Right::ReadContacts,
                    format!("read contact {contact}"),
                )
            }),
        };
        match ask {
            // Gone meanwhile: the reference that the ticket itself has must do.
            Some(ask) => self.session.json_if_any(call, &ask).await,
            None => Ok(None),
        }
    }

    async fn files(
        &self,
        call: &Call,
        ticket: u64,
        wish: Wish,
    ) -> Result<Vec<FileReference>, Failure> {
        if wish.files {
            documents::list(&self.session, call, ticket).await
        } else {
            Ok(Vec::new())
        }
    }

    async fn schedule(&self, call: &Call, ticket: u64) -> Result<Option<Value>, Failure> {
        match self.read_schedule {
            ScheduleReading::On => Ok(side::schedule_entries(&self.session, call, ticket)
                .await?
                .into_iter()
                .next()),
            ScheduleReading::Off => Ok(None),
        }
    }
}

/// Lays an object over the member of that name: what both have comes from the object, the rest stays.
fn lay(fields: &mut Value, name: &str, value: Option<Value>) {
    let (Value::Object(fields), Some(value)) = (fields, value) else {
        return;
    };
    let member = fields.entry(name).or_insert(Value::Null);
    match (member, value) {
        (Value::Object(member), Value::Object(value)) => over(member, value),
        (member, value) => *member = value,
    }
}

fn over(member: &mut Map<String, Value>, value: Map<String, Value>) {
    for (name, value) in value {
        if !value.is_null() || !member.contains_key(&name) {
            member.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_numbers_and_nothing_else() {
        assert_eq!(number(&RecordId::new("69")).unwrap(), 69);
        for hostile in [
            "",
            "0",
            "-1",
            "69/notes",
            "../system/info",
            "69?x=1",
            "٦٩",
            "6.9",
        ] {
            assert!(number(&RecordId::new(hostile)).is_err(), "{hostile}");
        }
    }

    #[test]
    fn a_related_object_is_laid_over_its_reference() {
        let mut fields = json!({"contact": {"id": 2, "name": "A B"}, "site": null});
        lay(
            &mut fields,
            "contact",
            Some(json!({"id": 2, "firstName": "A", "name": null})),
        );
        lay(&mut fields, "site", Some(json!({"id": 1})));
        lay(&mut fields, "company", None);
        assert_eq!(
            fields,
            json!({"contact": {"id": 2, "name": "A B", "firstName": "A"}, "site": {"id": 1}})
        );
    }
}
