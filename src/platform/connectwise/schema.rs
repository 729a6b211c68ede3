//! The fields of a service ticket as the vendor's API description has them, for what a template ticket can't show:
//! empty fields are left out of answers, and some are only ever written.

use crate::model::{Field, FieldKind};

/// What can be done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Needed to create a ticket.
    Required,
    /// Read and written.
    Both,
    /// Only read.
    Read,
}

/// One field: path, label, kind, use, longest text.
pub(super) struct Known(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) FieldKind,
    pub(super) Use,
    pub(super) Option<usize>,
);

use FieldKind::{Boolean, DateTime, Integer, Number, Text};
use Use::{Both, Read, Required};

/// Source: the vendor's API description, schema `Ticket`.
pub(super) const TICKET: &[Known] = &[
    Known("id", "Ticket number", Integer, Read, None),
    Known("summary", "Summary", Text, Required, Some(100)),
    Known("company.identifier", "Company ID", Text, Required, None),
    Known("company.name", "Company", Text, Both, None),
    Known("company.id", "Company (number)", Integer, Both, None),
    Known("board.name", "Board", Text, Both, None),
    Known("status.name", "Status", Text, Both, None),
    Known("priority.name", "Priority", Text, Both, None),
    Known("type.name", "Type", Text, Both, None),
    Known("subType.name", "Subtype", Text, Both, None),
    Known("item.name", "Item", Text, Both, None),
    Known("team.name", "Team", Text, Both, None),
    Known("owner.identifier", "Owner", Text, Both, None),
    Known("source.name", "Source", Text, Both, None),
    Known("serviceLocation.name", "Service location", Text, Both, None),
    Known("site.name", "Site", Text, Both, None),
    Known("contact.id", "Contact (number)", Integer, Both, None),
    Known("contact.name", "Contact", Text, Both, None),
    Known(
        "initialDescription",
        "Initial description",
        Text,
        Both,
        None,
    ),
    Known("internalAnalysis", "Internal analysis", Text, Both, None),
    Known("resolution", "Resolution", Text, Both, None),
    Known("requiredDate", "Required date", DateTime, Both, None),
    Known(
        "estimatedStartDate",
        "Estimated start",
        DateTime,
        Both,
        None,
    ),
    Known("budgetHours", "Budget hours", Number, Both, None),
    Known("severity", "Severity", Text, Both, None),
    Known("impact", "Impact", Text, Both, None),
    Known("poNumber", "PO number", Text, Both, Some(50)),
    Known("externalXRef", "External reference", Text, Both, Some(100)),
    Known("siteName", "Site name", Text, Both, Some(156)),
    Known("addressLine1", "Address line 1", Text, Both, Some(50)),
    Known("addressLine2", "Address line 2", Text, Both, Some(50)),
    Known("city", "City", Text, Both, Some(50)),
    Known("stateIdentifier", "State", Text, Both, Some(50)),
    Known("zip", "Postal code", Text, Both, Some(12)),
    Known("country.name", "Country", Text, Both, None),
    Known("contactName", "Contact name", Text, Both, Some(62)),
    Known("contactPhoneNumber", "Contact phone", Text, Both, Some(20)),
    Known(
        "contactPhoneExtension",
        "Contact phone extension",
        Text,
        Both,
        Some(15),
    ),
    Known(
        "contactEmailAddress",
        "Contact e-mail",
        Text,
        Both,
        Some(250),
    ),
    Known("automaticEmailCc", "Mail copies to", Text, Both, Some(1000)),
    Known(
        "automaticEmailContactFlag",
        "Mail the contact",
        Boolean,
        Both,
        None,
    ),
    Known(
        "automaticEmailResourceFlag",
        "Mail the resources",
        Boolean,
        Both,
        None,
    ),
    Known(
        "automaticEmailCcFlag",
        "Mail the copies",
        Boolean,
        Both,
        None,
    ),
    Known(
        "allowAllClientsPortalView",
        "All see it in the portal",
        Boolean,
        Both,
        None,
    ),
    Known(
        "customerUpdatedFlag",
        "Customer updated",
        Boolean,
        Both,
        None,
    ),
    Known("agreement.name", "Agreement", Text, Both, None),
    Known("billTime", "Bill time", Text, Both, None),
    Known("billExpenses", "Bill expenses", Text, Both, None),
    Known("billProducts", "Bill products", Text, Both, None),
    Known("recordType", "Record type", Text, Read, None),
    Known("resources", "Resources", Text, Read, None),
    Known("closedFlag", "Closed", Boolean, Read, None),
    Known("closedDate", "Closed at", Text, Read, None),
    Known("closedBy", "Closed by", Text, Read, None),
    Known("actualHours", "Actual hours", Number, Read, None),
    Known("approved", "Approved", Boolean, Read, None),
    Known("dateResolved", "Resolved at", Text, Read, None),
    Known("resolvedBy", "Resolved by", Text, Read, None),
    Known("isInSla", "Within SLA", Boolean, Read, None),
    Known("slaStatus", "SLA status", Text, Read, None),
    Known("_info.dateEntered", "Entered at", DateTime, Read, None),
    Known("_info.enteredBy", "Entered by", Text, Read, None),
    Known("_info.lastUpdated", "Changed at", DateTime, Read, None),
    Known("_info.updatedBy", "Changed by", Text, Read, None),
];

/// A schedule entry; source: schema `ScheduleEntry`.
pub(super) const SCHEDULE: &[Known] = &[
    Known(
        "schedule.dateStart",
        "Schedule: start",
        DateTime,
        Both,
        None,
    ),
    Known("schedule.dateEnd", "Schedule: end", DateTime, Both, None),
    Known("schedule.name", "Schedule: name", Text, Both, Some(250)),
    Known(
        "schedule.member.identifier",
        "Schedule: member",
        Text,
        Both,
        None,
    ),
    Known("schedule.status.name", "Schedule: status", Text, Both, None),
    Known("schedule.where.name", "Schedule: where", Text, Both, None),
    Known("schedule.doneFlag", "Schedule: done", Boolean, Both, None),
];

/// A time entry; source: schema `TimeEntry`.
pub(super) const TIME: &[Known] = &[
    Known("time_entry.timeStart", "Time: start", DateTime, Both, None),
    Known("time_entry.timeEnd", "Time: end", DateTime, Both, None),
    Known("time_entry.actualHours", "Time: hours", Number, Both, None),
    Known("time_entry.notes", "Time: notes", Text, Both, None),
    Known(
        "time_entry.internalNotes",
        "Time: internal notes",
        Text,
        Both,
        None,
    ),
    Known(
        "time_entry.member.identifier",
        "Time: member",
        Text,
        Both,
        None,
    ),
    Known(
        "time_entry.workType.name",
        "Time: work type",
        Text,
        Both,
        None,
    ),
    Known(
        "time_entry.workRole.name",
        "Time: work role",
        Text,
        Both,
        None,
    ),
    Known(
        "time_entry.billableOption",
        "Time: billing",
        Text,
        Both,
        None,
    ),
];

/// A product on a ticket; source: schema `ProductItem`.
pub(super) const PRODUCT: &[Known] = &[
    Known(
        "charge.catalogItem.identifier",
        "Charge: catalogue item",
        Text,
        Both,
        None,
    ),
    Known("charge.billableOption", "Charge: billing", Text, Both, None),
    Known("charge.quantity", "Charge: quantity", Number, Both, None),
    Known("charge.price", "Charge: price", Number, Both, None),
    Known("charge.cost", "Charge: cost", Number, Both, None),
    Known(
        "charge.description",
        "Charge: description",
        Text,
        Both,
        Some(2000),
    ),
    Known(
        "charge.internalNotes",
        "Charge: internal notes",
        Text,
        Both,
        Some(1000),
    ),
];

/// The site of a ticket, which is read with it; source: schema `CompanySite`, and `state` as older versions have it.
pub(super) const SITE: &[Known] = &[
    Known(
        "site.addressLine1",
        "Site: address line 1",
        Text,
        Read,
        None,
    ),
    Known(
        "site.addressLine2",
        "Site: address line 2",
        Text,
        Read,
        None,
    ),
    Known("site.city", "Site: city", Text, Read, None),
    Known(
        "site.stateReference.identifier",
        "Site: state",
        Text,
        Read,
        None,
    ),
    Known(
        "site.stateReference.name",
        "Site: state's name",
        Text,
        Read,
        None,
    ),
    Known(
        "site.state",
        "Site: state (older versions)",
        Text,
        Read,
        None,
    ),
    Known("site.zip", "Site: postal code", Text, Read, None),
    Known("site.country.name", "Site: country", Text, Read, None),
    Known("site.phoneNumber", "Site: phone", Text, Read, None),
    Known("site.timeZone.name", "Site: time zone", Text, Read, None),
];

/// An expense; source: schema `ExpenseEntry`.
pub(super) const EXPENSE: &[Known] = &[
    Known("charge.type.name", "Charge: expense type", Text, Both, None),
    Known("charge.amount", "Charge: amount", Number, Both, None),
    Known("charge.date", "Charge: date", DateTime, Both, None),
    Known("charge.notes", "Charge: notes", Text, Both, None),
    Known(
        "charge.member.identifier",
        "Charge: member",
        Text,
        Both,
        None,
    ),
    Known("charge.billableOption", "Charge: billing", Text, Both, None),
];

impl Known {
    /// The catalogue's entry.
    pub(super) fn field(&self) -> Field {
        let Self(path, label, kind, used, longest) = self;
        let mut field = Field::new(*path, *label, *kind);
        field.required = *used == Use::Required;
        field.read_only = *used == Use::Read;
        field.max_length = *longest;
        field
    }
}

/// A field by the name of its first step.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    TICKET
        .iter()
        .find(|Known(path, ..)| path.split('.').next() == Some(name))
}
