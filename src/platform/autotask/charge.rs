//! Additional charges: Field Nation's expenses become charges of the ticket, or items of an expense report, or nothing.
//!
//! A charge can be changed until it is billed. An expense item belongs to a report of the API user; ours are kept one
//! for each ticket, under a name by which they are found again.

use http::Method;
use serde_json::{Map, Value, json};

use super::Autotask;
use super::ask::{Ask, Right, condition};
use super::body::{refusal, side};
use super::session::Freshness;
use super::settings::ExpenseTarget;
use super::time::{Stand, add_tag, tag, tagged};
use crate::http::Call;
use crate::model::{Category, Failure, SideRecord};
use crate::platform::basics::{digits, is_empty, is_true, number, text_at};

/// A charge that is neither capitalized nor anything else.
const TYPE_OPERATIONAL: u64 = 1;

/// The name of a ticket's expense report is no longer than the vendor's field.
fn report_name(ticket: u64) -> String {
    format!("Field Nation ticket {ticket}")
}

impl Autotask {
    /// Writes the charge or expense of a Field Nation expense.
    pub(super) async fn put_charge(
        &self,
        call: &Call,
        ticket: u64,
        record: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        match self.settings.expense_target {
            ExpenseTarget::Charge => self.put_ticket_charge(call, ticket, record, existing).await,
            ExpenseTarget::Expense => self.put_expense(call, ticket, record, existing).await,
            ExpenseTarget::None => Err(Failure::new(
                Category::Configuration,
                "a charge is mapped and expense_sync_target is \"none\"",
            )
            .hint("Set expense_sync_target to \"charge\" or \"expense\", or take the charge rules out of the mapping.")),
        }
    }

    async fn put_ticket_charge(
        &self,
        call: &Call,
        ticket: u64,
        record: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let mut mapped = record.fields.as_object().cloned().unwrap_or_default();
        let tag = tag(&record.source);
        let path = format!("Tickets/{ticket}/Charges");
        let deed = format!("list the charges of ticket {ticket}");
        let there = self
            .api
            .items(call, &Ask::get(path.clone(), Right::Charge, deed))
            .await?;
        let field = self.settings.charge_field.name();
        let known = existing
            .and_then(|id| digits(id.as_bytes()))
            .or_else(|| tagged(&there, &[field], &tag));
        let held = there
            .iter()
            .find(|charge| known.is_some() && charge.get("id").and_then(number) == known);
        let deed = match held {
            Some(_) => format!("change the charge of ticket {ticket}"),
            None => format!("add a charge to ticket {ticket}"),
        };
        if held.is_some_and(|charge| is_true(charge, "isBilled")) {
            return Err(Failure::new(
                Category::Validation,
                format!("can't {deed}: it is billed already"),
            )
            .hint("Autotask locks billed charges: correct it by hand, by a second charge or in the invoice."));
        }
        add_tag(&mut mapped, field, &tag, stand(held));
        if held.is_none() {
            self.session.wait_for_lag(record)?;
        }
        let fields = self
            .session
            .fields(
                &self.api,
                call,
                "TicketCharges",
                Right::Charge,
                Freshness::Recent,
            )
            .await?;
        let mut body = side(&mapped, &fields).map_err(|problems| refusal(&deed, &problems))?;
        if let (Some(_), Some(id)) = (held, known) {
            body.insert("id".to_owned(), id.into());
            let ask = Ask::new(Method::PATCH, path, Right::Charge, deed).json(body.into());
            self.api.json(call, &ask).await?;
            return Ok(id.to_string());
        }
        require(
            &deed,
            &body,
            &["name", "billingCodeID"],
            &["unitPrice", "unitCost", "billableAmount"],
        )?;
        let mut put = |name: &str, value: Value| {
            body.entry(name).or_insert(value);
        };
        put("chargeType", TYPE_OPERATIONAL.into());
        put("unitQuantity", 1.into());
        put("datePurchased", self.session.now().to_string().into());
        let ask = Ask::new(Method::POST, path, Right::Charge, deed).json(body.into());
        Ok(self.api.created(call, &ask).await?.to_string())
    }

    async fn put_expense(
        &self,
        call: &Call,
        ticket: u64,
        record: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let mut mapped = record.fields.as_object().cloned().unwrap_or_default();
        let tag = tag(&record.source);
        let filter = json!([condition("eq", "ticketID", ticket)]);
        let deed = format!("list the expenses of ticket {ticket}");
        let there = self
            .api
            .items(
                call,
                &Ask::query("ExpenseItems", &filter, Right::Expense, deed),
            )
            .await?;
        // An expense item has no notes; its description is all there is.
        let field = "description";
        let known = existing
            .and_then(|id| digits(id.as_bytes()))
            .or_else(|| tagged(&there, &[field], &tag));
        let held = there
            .iter()
            .find(|item| known.is_some() && item.get("id").and_then(number) == known);
        let deed = match held {
            Some(_) => format!("change the expense of ticket {ticket}"),
            None => format!("add an expense to ticket {ticket}"),
        };
        add_tag(&mut mapped, field, &tag, stand(held));
        if held.is_none() {
            self.session.wait_for_lag(record)?;
        }
        let fields = self
            .session
            .fields(
                &self.api,
                call,
                "ExpenseItems",
                Right::Expense,
                Freshness::Recent,
            )
            .await?;
        let mut body = side(&mapped, &fields).map_err(|problems| refusal(&deed, &problems))?;
        if let (Some(item), Some(id)) = (held, known)
            && let Some(report) = item.get("expenseReportID").and_then(number)
        {
            body.insert("id".to_owned(), id.into());
            let path = format!("Expenses/{report}/Items");
            let ask = Ask::new(Method::PATCH, path, Right::Expense, deed).json(body.into());
            self.api.json(call, &ask).await?;
            return Ok(id.to_string());
        }
        require(
            &deed,
            &body,
            &["description", "expenseCategory", "paymentType"],
            &["expenseCurrencyExpenseAmount"],
        )?;
        let report = match body.remove("expenseReportID").as_ref().and_then(number) {
            Some(report) => report,
            None => self.expense_report(call, ticket).await?,
        };
        let mut put = |name: &str, value: Value| {
            body.entry(name).or_insert(value);
        };
        put("expenseDate", self.session.now().to_string().into());
        put("haveReceipt", false.into());
        put("isBillableToCompany", true.into());
        put("ticketID", ticket.into());
        let path = format!("Expenses/{report}/Items");
        let ask = Ask::new(Method::POST, path, Right::Expense, deed).json(body.into());
        Ok(self.api.created(call, &ask).await?.to_string())
    }

    /// The report that holds a ticket's expenses; made unless it is there.
    async fn expense_report(&self, call: &Call, ticket: u64) -> Result<u64, Failure> {
        let name = report_name(ticket);
        let filter = json!([condition("eq", "name", name.as_str())]);
        let deed = format!("find the expense report {name}");
        let ask = Ask::query("ExpenseReports", &filter, Right::Expense, deed);
        let found = self.api.items(call, &ask).await?;
        let open = found.iter().filter(|report| {
            text_at(report, &["name"]) == Some(name.as_str())
                && report.get("submitDate").is_none_or(is_empty)
        });
        if let Some(id) = open.max_by_key(|report| report.get("id").and_then(Value::as_u64))
            && let Some(id) = id.get("id").and_then(number)
        {
            return Ok(id);
        }
        let own = self.session.own_resource(&self.api, call).await?;
        let submitter = own.or(self.settings.default_resource).ok_or_else(|| {
            Failure::new(
                Category::Configuration,
                "an expense report needs a submitter, and the API user's own resource is not known",
            )
            .hint("Set resource_id to the API user's resource id.")
        })?;
        let body = json!({
            "name": name,
            "submitterID": submitter,
            "weekEnding": week_ending(self.session.now()),
        });
        let deed = format!("make the expense report {name}");
        let ask = Ask::new(Method::POST, "ExpenseReports", Right::Expense, deed).json(body);
        self.api.created(call, &ask).await
    }
}

fn stand(held: Option<&Value>) -> Stand {
    held.map_or(Stand::New, |_| Stand::There)
}

/// The Saturday that ends the week of a moment.
fn week_ending(now: jiff::Timestamp) -> String {
    let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let ahead = i64::from(6 - day.weekday().to_sunday_zero_offset());
    let saturday = day
        .checked_add(jiff::Span::new().days(ahead))
        .unwrap_or(day);
    format!("{saturday}T00:00:00Z")
}

fn require(
    deed: &str,
    body: &Map<String, Value>,
    each: &[&str],
    one_of: &[&str],
) -> Result<(), Failure> {
    let has = |name: &str| body.get(name).is_some_and(|value| !is_empty(value));
    let mut missing: Vec<String> = each
        .iter()
        .filter(|name| !has(name))
        .map(|name| format!("charge.{name} is required"))
        .collect();
    if !one_of.iter().any(|name| has(name)) {
        missing.push(format!("charge.{} is required", one_of.join(" or charge.")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(refusal(deed, &missing).hint(
        "Additional charges need their name, category and amount mapped, or they are not synced.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_on_saturday() {
        for (now, end) in [
            ("2026-11-25T18:00:00Z", "2026-11-28T00:00:00Z"),
            ("2026-11-28T23:00:00Z", "2026-11-28T00:00:00Z"),
            ("2026-11-29T00:00:00Z", "2026-12-05T00:00:00Z"),
        ] {
            assert_eq!(week_ending(now.parse().unwrap()), end);
        }
    }

    #[test]
    fn name_category_and_amount_are_needed() {
        let each = ["name", "billingCodeID"];
        let one_of = ["unitPrice", "unitCost"];
        let told = require("x", &Map::new(), &each, &one_of).unwrap_err();
        for part in [
            "charge.name",
            "charge.billingCodeID",
            "charge.unitPrice or charge.unitCost",
        ] {
            assert!(told.cause.contains(part), "{}", told.cause);
        }
        let body = json!({"name": "Parking", "billingCodeID": 3, "unitCost": 12});
        assert!(require("x", body.as_object().unwrap(), &each, &one_of).is_ok());
    }
}
