//! What hangs on a ticket beside its fields: schedule entries, time entries and charges.

use http::Method;
use serde_json::{Map, Value, json};

use super::ConnectWise;
use super::error::Right;
use super::session::{Ask, Session, created_id};
use super::settings::Charges;
use super::tables::Table;
use super::write::{alike, moment, operation};
use crate::http::Call;
use crate::model::{Category, Failure, SideRecord, SideRecordKind, SideSource};
use crate::platform::basics::{at, id_text, text_at};

/// The object a side record becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Schedule,
    Time,
    Product,
    Expense,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Schedule => "schedule/entries",
            Self::Time => "time/entries",
            Self::Product => "procurement/products",
            Self::Expense => "expense/entries",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Schedule => "schedule entry",
            Self::Time => "time entry",
            Self::Product => "product",
            Self::Expense => "expense",
        }
    }

    fn right(self) -> Right {
        match self {
            Self::Schedule => Right::WriteSchedule,
            Self::Time => Right::WriteTime,
            Self::Product => Right::WriteProducts,
            Self::Expense => Right::WriteExpenses,
        }
    }

    fn reading_right(self) -> Right {
        match self {
            Self::Schedule => Right::ReadSchedule,
            Self::Time => Right::ReadTime,
            Self::Product => Right::ReadProducts,
            Self::Expense => Right::ReadExpenses,
        }
    }

    /// What the vendor's API description requires; a ticket's entry needs its times too.
    fn required(self) -> &'static [&'static str] {
        match self {
            Self::Schedule => &["dateStart", "dateEnd"],
            Self::Time => &["timeStart"],
            Self::Product => &["catalogItem", "billableOption"],
            Self::Expense => &["type", "amount", "date"],
        }
    }

    /// How all of its kind that belong to a ticket are listed.
    fn of_ticket(self, ticket: u64) -> String {
        match self {
            Self::Schedule => format!("objectId={ticket} and type/identifier=\"S\""),
            Self::Time | Self::Expense => {
                format!("chargeToId={ticket} and chargeToType=\"ServiceTicket\"")
            }
            Self::Product => format!("chargeToId={ticket} and chargeToType=\"Ticket\""),
        }
    }

    /// The field that carries the mark of the Field Nation object; staff read it, customers do not.
    fn marked(self) -> Option<&'static str> {
        match self {
            Self::Schedule => None,
            Self::Time | Self::Product => Some("internalNotes"),
            Self::Expense => Some("notes"),
        }
    }
}

/// The service schedule entries of a ticket, earliest first.
pub(super) async fn schedule_entries(
    session: &Session,
    call: &Call,
    ticket: u64,
) -> Result<Vec<Value>, Failure> {
    let mut entries = listed(session, call, Kind::Schedule, ticket).await?;
    entries.sort_by(|one, other| text_at(one, &["dateStart"]).cmp(&text_at(other, &["dateStart"])));
    Ok(entries)
}

async fn listed(
    session: &Session,
    call: &Call,
    kind: Kind,
    ticket: u64,
) -> Result<Vec<Value>, Failure> {
    let what = format!("list the {} records of ticket {ticket}", kind.noun());
    let ask = Ask::get(kind.path(), kind.reading_right(), what)
        .query("conditions", kind.of_ticket(ticket));
    session.list(call, &ask).await
}

/// How long a visit is taken to last when nobody says.
const VISIT: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

fn an_hour_later(start: &str) -> Option<String> {
    let start: jiff::Timestamp = start.parse().ok()?;
    moment(&start.checked_add(VISIT).ok()?.to_string())
}

impl ConnectWise {
    pub(super) async fn write_side_record(
        &self,
        call: &Call,
        ticket: u64,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let kind = match (side.kind, self.charges) {
            (SideRecordKind::Schedule, _) => Kind::Schedule,
            (SideRecordKind::Time, _) => Kind::Time,
            (SideRecordKind::Charge, Charges::Product) => Kind::Product,
            (SideRecordKind::Charge, Charges::Expense) => Kind::Expense,
        };
        let mut fields = self.side_fields(call, kind, side).await?;
        if let Some(existing) = existing.and_then(|id| id.parse::<u64>().ok())
            && self.change_side(call, kind, existing, &fields).await?
        {
            return Ok(existing.to_string());
        }
        check_required(kind, &fields)?;
        if let Some(id) = self.twin(call, kind, ticket, side, &fields).await? {
            return Ok(id);
        }
        self.complete(call, &mut fields, kind, ticket).await?;
        let what = format!("add a {} to ticket {ticket}", kind.noun());
        let ask = Ask::new(Method::POST, kind.path(), kind.right(), what.as_str())
            .json(Value::Object(fields));
        let answer = self.session.json(call, &ask).await?;
        created_id(&answer, &what)
    }

    /// The mapped fields in the vendor's shape.
    async fn side_fields(
        &self,
        call: &Call,
        kind: Kind,
        side: &SideRecord,
    ) -> Result<Map<String, Value>, Failure> {
        let Value::Object(mapped) = &side.fields else {
            return Err(Failure::new(
                Category::Validation,
                format!("a {} needs fields", kind.noun()),
            ));
        };
        let mut fields = Map::new();
        for (name, value) in mapped {
            let value = match (name.as_str(), value) {
                (
                    "dateStart" | "dateEnd" | "timeStart" | "timeEnd" | "date",
                    Value::String(text),
                ) => moment(text).map(Value::from).ok_or_else(|| {
                    Failure::new(
                        Category::Validation,
                        format!("{name}: `{text}` is no date and time"),
                    )
                })?,
                ("status", _) if kind == Kind::Schedule => {
                    self.schedule_status(call, value).await?
                }
                ("member" | "catalogItem", Value::String(identifier)) => {
                    json!({"identifier": identifier})
                }

                ("type" | "workType" | "workRole" | "where", Value::String(text)) => {
                    json!({"name": text})
                }
                ("catalogItem" | "type" | "workType" | "workRole" | "where", Value::Number(id)) => {
                    json!({"id": id})
                }
                _ => value.clone(),
            };
            fields.insert(name.clone(), value);
        }
        if kind == Kind::Schedule && !fields.contains_key("dateEnd") {
            // An exact appointment has no end at Field Nation, and an entry needs one to be seen on the calendar.
            let start = fields.get("dateStart").and_then(Value::as_str);
            if let Some(end) = start.and_then(an_hour_later) {
                fields.insert("dateEnd".to_owned(), end.into());
            }
        }
        if let Some(name) = kind.marked() {
            let text = fields.get(name).and_then(Value::as_str).unwrap_or_default();
            let mark = mark(&side.source);
            let marked = if text.contains(&mark) {
                text.to_owned()
            } else {
                format!("{mark} {text}").trim_end().to_owned()
            };
            fields.insert(name.to_owned(), marked.into());
        }
        Ok(fields)
    }

    async fn schedule_status(&self, call: &Call, value: &Value) -> Result<Value, Failure> {
        let name = value.as_str().or_else(|| text_at(value, &["name"]));
        match name {
            Some(name) if at(value, &["id"]).is_none() => {
                let id = self
                    .tables
                    .id_of(&self.session, call, Table::ScheduleStatuses, name)
                    .await?;
                Ok(json!({"id": id}))
            }
            _ => Ok(value.clone()),
        }
    }

    /// Changes an entry; `false` when it is gone.
    async fn change_side(
        &self,
        call: &Call,
        kind: Kind,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<bool, Failure> {
        let operations: Vec<Value> = fields
            .iter()
            .map(|(name, value)| operation(name, value))
            .collect();
        let path = format!("{}/{id}", kind.path());
        let ask = Ask::new(
            Method::PATCH,
            path,
            kind.right(),
            format!("change {} {id}", kind.noun()),
        )
        .json(operations.into());
        Ok(self.session.find(call, &ask).await?.is_some())
    }

    /// An entry that stands for the same Field Nation object: an earlier try whose answer was lost made it.
    async fn twin(
        &self,
        call: &Call,
        kind: Kind,
        ticket: u64,
        side: &SideRecord,
        fields: &Map<String, Value>,
    ) -> Result<Option<String>, Failure> {
        let mark = mark(&side.source);
        let is_twin = |entry: &Value| match kind.marked() {
            Some(name) => text_at(entry, &[name]).is_some_and(|text| text.contains(&mark)),
            // A schedule entry has no room for a mark: the same times for the same member are the same visit.
            None => ["dateStart", "dateEnd", "member"].iter().all(|name| {
                let wanted = fields.get(*name);
                wanted.is_none_or(|wanted| alike(entry.get(*name).unwrap_or(&Value::Null), wanted))
            }),
        };
        let entries = listed(&self.session, call, kind, ticket).await?;
        let twins = entries.iter().filter(|entry| is_twin(entry));
        let mut ids = twins.filter_map(|entry| entry.get("id").and_then(id_text));
        Ok(ids.find(|id| !side.others.contains(id)))
    }

    /// Adds what ties a new entry to its ticket, and what the settings say where the mapping is silent.
    async fn complete(
        &self,
        call: &Call,
        fields: &mut Map<String, Value>,
        kind: Kind,
        ticket: u64,
    ) -> Result<(), Failure> {
        if kind == Kind::Schedule
            && let Some(status) = &self.defaults.schedule_status
            && !fields.contains_key("status")
        {
            let status = self.schedule_status(call, &json!({"name": status})).await?;
            fields.insert("status".to_owned(), status);
        }
        let mut put = |name: &str, value: Value| {
            fields.entry(name).or_insert(value);
        };
        match kind {
            Kind::Schedule => {
                put("objectId", json!(ticket));
                put("type", json!({"identifier": "S"}));
                put("allowScheduleConflictsFlag", json!(true));
                if let Some(member) = &self.defaults.schedule_member {
                    put("member", json!({"identifier": member}));
                }
            }
            Kind::Time | Kind::Expense => {
                put("chargeToId", json!(ticket));
                put("chargeToType", json!("ServiceTicket"));
            }
            Kind::Product => {
                put("chargeToId", json!(ticket));
                put("chargeToType", json!("Ticket"));
            }
        }
        Ok(())
    }
}

/// How a Field Nation object is named in a note.
fn mark(source: &SideSource) -> String {
    format!("(#{source})")
}

fn check_required(kind: Kind, fields: &Map<String, Value>) -> Result<(), Failure> {
    let is_empty = |name: &&&str| match fields.get(**name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    let missing: Vec<&str> = kind.required().iter().filter(is_empty).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Category::Validation,
        format!("a ConnectWise {} needs {}", kind.noun(), missing.join(", ")),
    )
    .hint("Add mapping rules for what is missing."))
}
