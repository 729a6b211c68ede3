//! Schedules: a service call, the ticket on it, and the resource on that: three objects, one after the other.
//!
//! A service call carries no marker field, so its description ends with one; by it a call that an interrupted attempt
//! left half made is found and finished.

use http::Method;
use serde_json::{Map, Value, json};

use super::Autotask;
use super::ask::{Ask, Right, condition};
use super::body::{refusal, side};
use super::fields::moment;
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Category, Failure, SideRecord, SideSource};
use crate::platform::basics::{digits, is_empty, number, text_at};

/// How long a visit is taken to last when nobody says: an exact appointment has no end at Field Nation.
const VISIT: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// The system's own "New".
const STATUS_NEW: u64 = 1;

impl Autotask {
    /// Writes the service call of a ticket.
    pub(super) async fn put_service_call(
        &self,
        call: &Call,
        ticket: u64,
        record: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let deed = format!("keep the service call of ticket {ticket}");
        let mut mapped = record.fields.as_object().cloned().unwrap_or_default();
        let resource = mapped.remove("resourceID").filter(|value| !is_empty(value));
        let resource = match resource {
            None => self.settings.default_resource,
            Some(value) => Some(number(&value).ok_or_else(|| {
                refusal(
                    &deed,
                    &[format!(
                        "schedule.resourceID can't be {value}: it takes a resource's id"
                    )],
                )
            })?),
        };
        let fields = self
            .session
            .fields(
                &self.api,
                call,
                "ServiceCalls",
                Right::Schedule,
                Freshness::Recent,
            )
            .await?;
        let mut body = side(&mapped, &fields).map_err(|problems| refusal(&deed, &problems))?;
        add_end(&mut body);
        let mark = mark(ticket, &record.source);
        let own = text_at(&Value::Object(body.clone()), &["description"])
            .unwrap_or_default()
            .to_owned();
        let known = match existing.and_then(|id| digits(id.as_bytes())) {
            Some(id) if self.has_service_call(call, id).await? => Some(id),
            _ => None,
        };
        let known = match known {
            Some(id) => Some(id),
            None => self.find_service_call(call, &mark).await?,
        };
        let id = if let Some(id) = known {
            if !own.is_empty() {
                body.insert("description".to_owned(), format!("{own} {mark}").into());
            }
            self.change_service_call(call, id, body).await?;
            id
        } else {
            self.session.wait_for_lag(record)?;
            require(&deed, &body)?;
            body.insert(
                "description".to_owned(),
                format!("{own} {mark}").trim().into(),
            );
            self.add_service_call(call, ticket, body).await?
        };
        let on_call = self.put_ticket_on(call, id, ticket).await?;
        if let Some(resource) = resource {
            self.put_resource_on(call, on_call, resource).await?;
        }
        Ok(id.to_string())
    }

    async fn has_service_call(&self, call: &Call, id: u64) -> Result<bool, Failure> {
        let ask = Ask::get(
            format!("ServiceCalls/{id}"),
            Right::Schedule,
            format!("read service call {id}"),
        );
        Ok(self.api.item(call, &ask).await?.is_some())
    }

    async fn find_service_call(&self, call: &Call, mark: &str) -> Result<Option<u64>, Failure> {
        let filter = json!([condition("contains", "description", mark)]);
        let deed = format!("find the service call marked {mark}");
        let ask = Ask::query("ServiceCalls", &filter, Right::Schedule, deed);
        let found = self.api.items(call, &ask).await?;
        let marked = found
            .iter()
            .find(|found| text_at(found, &["description"]).is_some_and(|text| text.contains(mark)));
        Ok(marked.and_then(|found| number(found.get("id")?)))
    }

    async fn add_service_call(
        &self,
        call: &Call,
        ticket: u64,
        mut body: Map<String, Value>,
    ) -> Result<u64, Failure> {
        let held = self.read_ticket(call, ticket).await?.ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("ticket {ticket} is not there (any more), so it can't be scheduled"),
            )
        })?;
        for name in ["companyID", "companyLocationID"] {
            if let Some(value) = held.get(name).filter(|value| !is_empty(value)) {
                body.entry(name).or_insert_with(|| value.clone());
            }
        }
        body.entry("status").or_insert_with(|| STATUS_NEW.into());
        let ask = Ask::new(
            Method::POST,
            "ServiceCalls",
            Right::Schedule,
            format!("schedule ticket {ticket}"),
        )
        .json(body.into());
        self.api.created(call, &ask).await
    }

    async fn change_service_call(
        &self,
        call: &Call,
        id: u64,
        mut body: Map<String, Value>,
    ) -> Result<(), Failure> {
        if body.is_empty() {
            return Ok(());
        }
        body.insert("id".to_owned(), id.into());
        let ask = Ask::new(
            Method::PATCH,
            "ServiceCalls",
            Right::Schedule,
            format!("change service call {id}"),
        )
        .json(body.into());
        self.api.json(call, &ask).await.map(drop)
    }

    /// The object that puts the ticket on a service call; made unless it is there.
    async fn put_ticket_on(
        &self,
        call: &Call,
        service_call: u64,
        ticket: u64,
    ) -> Result<u64, Failure> {
        let path = format!("ServiceCalls/{service_call}/Tickets");
        let deed = format!("put ticket {ticket} on service call {service_call}");
        let ask = Ask::get(path.clone(), Right::Schedule, deed.as_str());
        let there = self.api.items(call, &ask).await?;
        let ours = there
            .iter()
            .find(|there| there.get("ticketID").and_then(number) == Some(ticket));
        if let Some(id) = ours.and_then(|there| number(there.get("id")?)) {
            return Ok(id);
        }
        let body = json!({"serviceCallID": service_call, "ticketID": ticket});
        let ask = Ask::new(Method::POST, path, Right::Schedule, deed).json(body);
        self.api.created(call, &ask).await
    }

    async fn put_resource_on(
        &self,
        call: &Call,
        on_call: u64,
        resource: u64,
    ) -> Result<(), Failure> {
        let path = format!("ServiceCallTickets/{on_call}/Resources");
        let deed = format!("send resource {resource} on the service call");
        let ask = Ask::get(path.clone(), Right::Schedule, deed.as_str());
        let there = self.api.items(call, &ask).await?;
        let is_there = there
            .iter()
            .any(|there| there.get("resourceID").and_then(number) == Some(resource));
        if is_there {
            return Ok(());
        }
        let body = json!({"serviceCallTicketID": on_call, "resourceID": resource});
        let ask = Ask::new(Method::POST, path, Right::Schedule, deed).json(body);
        self.api.created(call, &ask).await.map(drop)
    }
}

/// What the description of a ticket's service call ends with; a visit is named where a ticket may have several.
fn mark(ticket: u64, source: &SideSource) -> String {
    match source {
        SideSource::WorkOrder(_) => format!("[Field Nation, ticket {ticket}]"),
        SideSource::Object(visit) => format!("[Field Nation, ticket {ticket}, visit {visit}]"),
    }
}

fn require(deed: &str, body: &Map<String, Value>) -> Result<(), Failure> {
    let missing: Vec<String> = ["startDateTime", "endDateTime"]
        .into_iter()
        .filter(|name| !body.contains_key(*name))
        .map(|name| format!("schedule.{name} is required"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(refusal(deed, &missing))
    }
}

fn add_end(body: &mut Map<String, Value>) {
    if body.contains_key("endDateTime") {
        return;
    }
    let start = body
        .get("startDateTime")
        .and_then(Value::as_str)
        .and_then(moment);
    if let Some(end) = start.and_then(|start| start.checked_add(VISIT).ok()) {
        body.insert("endDateTime".to_owned(), end.to_string().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_without_an_end_takes_an_hour() {
        let mut body =
            Map::from_iter([("startDateTime".to_owned(), json!("2030-03-21T09:00:00Z"))]);
        add_end(&mut body);
        assert_eq!(body["endDateTime"], "2030-03-21T10:00:00Z");
        assert!(require("x", &body).is_ok());
        assert!(
            require("x", &Map::new())
                .unwrap_err()
                .cause
                .contains("startDateTime")
        );
    }
}
