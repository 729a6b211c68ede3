//! The kinds of objects and their fields, as `entityInformation` describes them.

use serde_json::{Value, json};

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Decimal,
    Boolean,
    Moment,
    /// Text of at most so many characters.
    Text(usize),
}

/// How a field may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A new object needs it.
    Required,
    Optional,
    /// What a caller sends is ignored without a word.
    ReadOnly,
}

/// A value of a picklist: the value, its label, and the parent's value it belongs to.
pub(super) type Choice = (u64, &'static str, Option<u64>);

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) usage: Use,
    /// Whether a filter may name it.
    pub(super) queryable: bool,
    pub(super) choices: &'static [Choice],
    /// The field that the choices depend on.
    pub(super) parent: &'static str,
    /// The kind of object that it refers to.
    pub(super) refers_to: &'static str,
    /// Whether a webhook can report it.
    pub(super) reported: bool,
}

impl Spec {
    pub(super) fn is_writable(&self) -> bool {
        self.usage != Use::ReadOnly
    }

    const fn of(mut self, refers_to: &'static str) -> Self {
        self.refers_to = refers_to;
        self
    }

    const fn choosing(mut self, choices: &'static [Choice]) -> Self {
        self.choices = choices;
        self
    }

    const fn under(mut self, parent: &'static str) -> Self {
        self.parent = parent;
        self
    }

    const fn reported(mut self) -> Self {
        self.reported = true;
        self
    }

    const fn required(mut self) -> Self {
        self.usage = Use::Required;
        self
    }

    const fn read_only(mut self) -> Self {
        self.usage = Use::ReadOnly;
        self
    }

    const fn unqueryable(mut self) -> Self {
        self.queryable = false;
        self
    }

    /// Its description.
    pub(super) fn shown(&self) -> Value {
        let data_type = match self.kind {
            Kind::Integer => "integer",
            Kind::Decimal => "decimal",
            Kind::Boolean => "boolean",
            Kind::Moment => "datetime",
            Kind::Text(_) => "string",
        };
        let length = match self.kind {
            Kind::Text(length) => length,
            _ => 0,
        };
        let choice = |(order, (value, label, parent)): (usize, &Choice)| {
            json!({
                "value": value.to_string(),
                "label": label,
                "isDefaultValue": false,
                "sortOrder": order,
                "parentValue": parent.map(|parent| parent.to_string()).unwrap_or_default(),
                "isActive": true,
                "isSystem": false,
            })
        };
        json!({
            "name": self.name,
            "dataType": data_type,
            "length": length,
            "isRequired": self.usage == Use::Required,
            "isReadOnly": !self.is_writable(),
            "isQueryable": self.queryable,
            "isReference": !self.refers_to.is_empty(),
            "referenceEntityType": self.refers_to,
            "isPickList": !self.choices.is_empty(),
            "picklistValues": self.choices.iter().enumerate().map(choice).collect::<Vec<_>>(),
            "picklistParentValueField": self.parent,
            "isSupportedWebhookField": self.reported,
        })
    }
}

const fn field(name: &'static str, kind: Kind) -> Spec {
    Spec {
        name,
        kind,
        usage: Use::Optional,
        queryable: true,
        choices: &[],
        parent: "",
        refers_to: "",
        reported: false,
    }
}

const fn integer(name: &'static str) -> Spec {
    field(name, Kind::Integer)
}

const fn words(name: &'static str, length: usize) -> Spec {
    field(name, Kind::Text(length))
}

const fn moment(name: &'static str) -> Spec {
    field(name, Kind::Moment)
}

const fn decimal(name: &'static str) -> Spec {
    field(name, Kind::Decimal)
}

const fn flag(name: &'static str) -> Spec {
    field(name, Kind::Boolean)
}

const ID: Spec = integer("id").read_only();

/// A kind of object.
#[derive(Debug)]
pub(super) struct Shape {
    /// Its name in addresses.
    pub(super) name: &'static str,
    /// What errors call it.
    pub(super) noun: &'static str,
    pub(super) fields: &'static [Spec],
    /// Whether its own address takes new and changed objects; children are written through their parents.
    pub(super) root: bool,
    /// Whether reading a missing one is answered with 200 and nothing in it.
    pub(super) null_when_missing: bool,
    pub(super) deletable: bool,
}

impl Shape {
    /// The field of a name, whatever the case of its letters.
    pub(super) fn field(&self, name: &str) -> Option<&'static Spec> {
        let mut fields = self.fields.iter();
        fields.find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

const fn shape(name: &'static str, noun: &'static str, fields: &'static [Spec]) -> Shape {
    Shape {
        name,
        noun,
        fields,
        root: false,
        null_when_missing: false,
        deletable: false,
    }
}

const fn root(name: &'static str, noun: &'static str, fields: &'static [Spec]) -> Shape {
    let mut made = shape(name, noun, fields);
    made.root = true;
    made
}

const fn deletable(mut made: Shape) -> Shape {
    made.deletable = true;
    made
}

const fn null_when_missing(mut made: Shape) -> Shape {
    made.null_when_missing = true;
    made
}

/// The statuses of tickets; 1 and 5 are the system's own.
pub(super) const STATUSES: &[Choice] = &[
    (1, "New", None),
    (5, "Complete", None),
    (8, "In Progress", None),
    (9, "Waiting Materials", None),
    (10, "Scheduled", None),
    (11, "Escalate", None),
    (12, "Waiting Vendor", None),
    (42, "Dispatch to Field", None),
];

const PRIORITIES: &[Choice] = &[
    (4, "Critical", None),
    (1, "High", None),
    (2, "Medium", None),
    (3, "Low", None),
];

const QUEUES: &[Choice] = &[
    (5, "Client Portal", None),
    (29_682_833, "Field Services", None),
];

const PUBLISH: &[Choice] = &[
    (1, "All Autotask Users", None),
    (2, "Internal Project Team", None),
    (4, "Internal & Co-Managed", None),
];

const TICKET: &[Spec] = &[
    ID,
    integer("companyID").required().of("Company").reported(),
    integer("companyLocationID")
        .of("CompanyLocation")
        .reported(),
    integer("contactID").of("Contact").reported(),
    integer("assignedResourceID").of("Resource").reported(),
    integer("assignedResourceRoleID").of("Role"),
    integer("billingCodeID").of("BillingCode"),
    integer("queueID").choosing(QUEUES).reported(),
    integer("status").required().choosing(STATUSES).reported(),
    integer("priority")
        .required()
        .choosing(PRIORITIES)
        .reported(),
    integer("issueType")
        .choosing(&[(2, "Hardware", None), (3, "Network", None)])
        .reported(),
    integer("subIssueType")
        .choosing(&[
            (20, "Printer", Some(2)),
            (21, "Other", Some(2)),
            (30, "Router", Some(3)),
            (31, "Other", Some(3)),
        ])
        .under("issueType")
        .reported(),
    integer("ticketType").choosing(&[(1, "Service Request", None), (2, "Incident", None)]),
    integer("ticketCategory").choosing(&[(3, "Standard", None)]),
    integer("source").choosing(&[(2, "Insourced", None), (6, "Other", None)]),
    words("ticketNumber", 50).read_only(),
    words("title", 255).required().reported(),
    words("description", 8000).reported(),
    words("resolution", 32_000),
    words("purchaseOrderNumber", 50),
    words("externalID", 50),
    moment("createDate").read_only(),
    moment("dueDateTime").required().reported(),
    moment("completedDate").read_only(),
    moment("lastActivityDate").read_only(),
    decimal("estimatedHours"),
    integer("creatorResourceID").read_only().of("Resource"),
    integer("creatorType").read_only().unqueryable(),
    integer("lastActivityResourceID").read_only().of("Resource"),
    integer("lastActivityPersonType").read_only().unqueryable(),
];

const NOTE: &[Spec] = &[
    ID,
    integer("ticketID").required().of("Ticket").reported(),
    words("title", 250).required().reported(),
    words("description", 32_000).required().reported(),
    integer("noteType").required().choosing(&[
        (1, "Task Summary", None),
        (2, "Task Detail", None),
        (3, "Task Notes", None),
    ]),
    integer("publish").required().choosing(PUBLISH),
    integer("creatorResourceID").read_only().of("Resource"),
    moment("createDateTime").read_only(),
    moment("lastActivityDate").read_only(),
];

const ATTACHMENT: &[Spec] = &[
    ID,
    integer("parentID").read_only(),
    words("attachmentType", 30).required(),
    words("fullPath", 255).required(),
    words("title", 255).required(),
    integer("publish").required().choosing(PUBLISH),
    words("contentType", 100).read_only(),
    integer("fileSize").read_only().unqueryable(),
    integer("attachedByResourceID").read_only(),
    moment("attachDate").read_only(),
    words("data", usize::MAX).unqueryable(),
];

const CHARGE: &[Spec] = &[
    ID,
    integer("ticketID").required().of("Ticket"),
    words("name", 100).required(),
    words("description", 2000),
    words("notes", 2000),
    integer("chargeType")
        .required()
        .choosing(&[(1, "Operational", None), (2, "Capitalized", None)]),
    integer("billingCodeID").of("BillingCode"),
    integer("productID"),
    decimal("unitQuantity").required(),
    decimal("unitCost"),
    decimal("unitPrice"),
    decimal("billableAmount"),
    moment("datePurchased").required(),
    integer("status").choosing(&[(7, "Delivered/Shipped Full", None)]),
    flag("isBillableToCompany"),
    flag("isBilled").read_only(),
    integer("creatorResourceID").read_only(),
    moment("createDate").read_only(),
];

const SERVICE_CALL: &[Spec] = &[
    ID,
    integer("companyID").required().of("Company"),
    integer("companyLocationID").of("CompanyLocation"),
    moment("startDateTime").required(),
    moment("endDateTime").required(),
    integer("status").required().choosing(&[
        (1, "New", None),
        (2, "Complete", None),
        (CANCELED, "Canceled", None),
    ]),
    words("description", 2000),
    integer("isComplete"),
    decimal("duration").read_only(),
    integer("creatorResourceID").read_only(),
    moment("createDateTime").read_only(),
    moment("lastModifiedDateTime").read_only(),
];

/// The status of a service call whose times are locked.
pub(super) const CANCELED: u64 = 3;

const TIME_ENTRY: &[Spec] = &[
    ID,
    integer("ticketID").of("Ticket"),
    integer("taskID"),
    integer("resourceID").required().of("Resource"),
    integer("roleID").of("Role"),
    integer("billingCodeID").of("BillingCode"),
    integer("internalBillingCodeID"),
    integer("timeEntryType").choosing(&[(2, "Ticket", None), (6, "Task", None)]),
    moment("dateWorked").required(),
    moment("startDateTime"),
    moment("endDateTime"),
    decimal("hoursWorked"),
    decimal("hoursToBill").read_only(),
    decimal("offsetHours"),
    words("summaryNotes", 8000).required(),
    words("internalNotes", 8000),
    flag("isNonBillable"),
    flag("showOnInvoice"),
    integer("creatorUserID").read_only(),
    moment("createDateTime").read_only(),
    moment("lastModifiedDateTime").read_only(),
];

const EXPENSE_REPORT: &[Spec] = &[
    ID,
    words("name", 100).required(),
    integer("submitterID").required().of("Resource"),
    moment("weekEnding").required(),
    integer("status")
        .read_only()
        .choosing(&[(1, "In Progress", None), (2, "Submitted", None)]),
    moment("submitDate").read_only(),
];

const EXPENSE_ITEM: &[Spec] = &[
    ID,
    integer("expenseReportID").required().of("ExpenseReport"),
    integer("ticketID").of("Ticket"),
    integer("companyID").of("Company"),
    words("description", 128).required(),
    integer("expenseCategory")
        .required()
        .choosing(&[(3, "Parking", None), (4, "Materials", None)]),
    integer("paymentType")
        .required()
        .choosing(&[(14, "Cash", None), (15, "Company Credit Card", None)]),
    moment("expenseDate").required(),
    decimal("expenseCurrencyExpenseAmount"),
    flag("haveReceipt").required(),
    flag("isBillableToCompany").required(),
];

const COMPANY: &[Spec] = &[
    ID,
    words("companyName", 100).required(),
    words("companyNumber", 50),
    integer("companyType")
        .required()
        .choosing(&[(1, "Customer", None)]),
    words("phone", 25),
    words("address1", 128),
    words("address2", 128),
    words("city", 50),
    words("state", 40),
    words("postalCode", 10),
    integer("countryID"),
    flag("isActive"),
    moment("lastActivityDate").read_only(),
];

const LOCATION: &[Spec] = &[
    ID,
    integer("companyID").required().of("Company"),
    words("name", 100).required(),
    words("phone", 25),
    words("address1", 128),
    words("address2", 128),
    words("city", 50),
    words("state", 40),
    words("postalCode", 20),
    integer("countryID"),
    flag("isActive"),
    flag("isPrimary"),
];

const CONTACT: &[Spec] = &[
    ID,
    integer("companyID").of("Company"),
    words("firstName", 50).required(),
    words("lastName", 50).required(),
    words("emailAddress", 254),
    words("phone", 25),
    words("mobilePhone", 25),
    integer("isActive").required(),
];

const RESOURCE: &[Spec] = &[
    ID,
    words("firstName", 50),
    words("lastName", 50),
    words("email", 254),
    words("userName", 32),
    words("officePhone", 25),
    flag("isActive"),
];

const ROLE: &[Spec] = &[ID, words("name", 200), flag("isActive")];

const BILLING_CODE: &[Spec] = &[
    ID,
    words("name", 200),
    decimal("unitCost"),
    decimal("unitPrice"),
    flag("isActive"),
];

const ON_CALL: &[Spec] = &[
    ID,
    integer("serviceCallID").required().of("ServiceCall"),
    integer("ticketID").required().of("Ticket"),
];

const ON_CALL_RESOURCE: &[Spec] = &[
    ID,
    integer("serviceCallTicketID")
        .required()
        .of("ServiceCallTicket"),
    integer("resourceID").required().of("Resource"),
];

const WEBHOOK: &[Spec] = &[
    ID,
    flag("isActive").required(),
    words("name", 50).required(),
    words("webhookUrl", 2000).required(),
    words("deactivationUrl", 2000).required(),
    words("secretKey", 64).required().unqueryable(),
    flag("isSubscribedToCreateEvents"),
    flag("isSubscribedToUpdateEvents"),
    flag("isSubscribedToDeleteEvents"),
    flag("sendThresholdExceededNotification").required(),
    words("notificationEmailAddress", 2000),
    integer("ownerResourceID").read_only(),
    words("webhookGUID", 50).read_only(),
    flag("isReady").read_only(),
];

const WEBHOOK_FIELD: &[Spec] = &[
    ID,
    integer("webhookID").required(),
    integer("fieldID").required().choosing(TICKET_FIELDS),
    flag("isSubscribedField").required(),
    flag("isDisplayAlwaysField").required(),
];

const NOTE_WEBHOOK_FIELD: &[Spec] = &[
    ID,
    integer("webhookID").required(),
    integer("fieldID").required().choosing(NOTE_FIELDS),
    flag("isSubscribedField").required(),
    flag("isDisplayAlwaysField").required(),
];

const WEBHOOK_UDF: &[Spec] = &[
    ID,
    integer("webhookID").required(),
    integer("udfFieldID").required().choosing(UDF_FIELDS),
    flag("isSubscribedField").required(),
    flag("isDisplayAlwaysField").required(),
];

const EXCLUDED: &[Spec] = &[
    ID,
    integer("webhookID").required(),
    integer("resourceID").required().of("Resource"),
];

const ERROR_LOG: &[Spec] = &[
    ID,
    integer("webhookID").read_only(),
    words("errorMessage", 2000).read_only(),
    moment("createDateTime").read_only(),
];

/// The fields that a ticket's webhook can report, by the labels under which its picklist has them.
pub(super) const TICKET_FIELDS: &[Choice] = &[
    (101, "Company ID", None),
    (102, "Company Location ID", None),
    (103, "Contact ID", None),
    (104, "Assigned Resource ID", None),
    (105, "Queue ID", None),
    (106, "Status", None),
    (107, "Priority", None),
    (108, "Issue Type", None),
    (109, "Sub-Issue Type", None),
    (110, "Title", None),
    (111, "Description", None),
    (112, "Due Date Time", None),
];

/// The fields that a note's webhook can report.
pub(super) const NOTE_FIELDS: &[Choice] = &[
    (201, "Ticket ID", None),
    (202, "Title", None),
    (203, "Description", None),
];

/// The user-defined fields that a webhook can report.
pub(super) const UDF_FIELDS: &[Choice] = &[
    (29_682_851, "Site Code", None),
    (29_682_852, "FN Technician", None),
];

/// The user-defined fields of tickets: name and length.
pub(super) const UDFS: [(&str, usize); 3] = [
    ("Site Code", 100),
    ("FN Technician", 100),
    ("Service Level", 100),
];

/// The values of the one user-defined field that is a list.
pub(super) const SERVICE_LEVELS: [&str; 4] = ["Standard", "Next Day", "Same Day", "Emergency"];

/// All kinds of objects.
pub(super) const SHAPES: &[Shape] = &[
    null_when_missing(root("Tickets", "Ticket", TICKET)),
    null_when_missing(shape("TicketNotes", "TicketNote", NOTE)),
    shape("TicketAttachments", "TicketAttachment", ATTACHMENT),
    shape("TicketCharges", "TicketCharge", CHARGE),
    deletable(null_when_missing(root(
        "ServiceCalls",
        "ServiceCall",
        SERVICE_CALL,
    ))),
    shape("ServiceCallTickets", "ServiceCallTicket", ON_CALL),
    shape(
        "ServiceCallTicketResources",
        "ServiceCallTicketResource",
        ON_CALL_RESOURCE,
    ),
    deletable(root("TimeEntries", "TimeEntry", TIME_ENTRY)),
    root("ExpenseReports", "ExpenseReport", EXPENSE_REPORT),
    shape("ExpenseItems", "ExpenseItem", EXPENSE_ITEM),
    root("Companies", "Company", COMPANY),
    shape("CompanyLocations", "CompanyLocation", LOCATION),
    shape("Contacts", "Contact", CONTACT),
    shape("Resources", "Resource", RESOURCE),
    shape("Roles", "Role", ROLE),
    shape("BillingCodes", "BillingCode", BILLING_CODE),
    deletable(root("TicketWebhooks", "TicketWebhook", WEBHOOK)),
    shape("TicketWebhookFields", "TicketWebhookField", WEBHOOK_FIELD),
    shape(
        "TicketWebhookUdfFields",
        "TicketWebhookUdfField",
        WEBHOOK_UDF,
    ),
    shape(
        "TicketWebhookExcludedResources",
        "TicketWebhookExcludedResource",
        EXCLUDED,
    ),
    deletable(root("TicketNoteWebhooks", "TicketNoteWebhook", WEBHOOK)),
    shape(
        "TicketNoteWebhookFields",
        "TicketNoteWebhookField",
        NOTE_WEBHOOK_FIELD,
    ),
    shape(
        "TicketNoteWebhookExcludedResources",
        "TicketNoteWebhookExcludedResource",
        EXCLUDED,
    ),
    shape("WebhookEventErrorLogs", "WebhookEventErrorLog", ERROR_LOG),
];

/// The kind of a name, whatever the case of its letters.
pub(super) fn named(name: &str) -> Option<&'static Shape> {
    SHAPES
        .iter()
        .find(|shape| shape.name.eq_ignore_ascii_case(name))
}

/// The kind that a reference names.
pub(super) fn of_noun(noun: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.noun == noun)
}

/// What may be done with a child through its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// New ones, and taking away.
    PostDelete,
    /// New ones and changes.
    PostPatch,
}

/// A child's place in its parent's address.
#[derive(Debug)]
pub(super) struct Child {
    /// The parent's name in the address.
    pub(super) parent: &'static str,
    /// The kind that must have the parent's id.
    pub(super) parent_shape: &'static str,
    /// The child's name in the address.
    pub(super) segment: &'static str,
    /// Its kind.
    pub(super) shape: &'static str,
    /// The field that holds the parent's id.
    pub(super) field: &'static str,
    pub(super) through: Through,
}

const fn child(
    parent: &'static str,
    segment: &'static str,
    shape: &'static str,
    field: &'static str,
    through: Through,
) -> Child {
    Child {
        parent,
        parent_shape: parent,
        segment,
        shape,
        field,
        through,
    }
}

const CHILDREN: &[Child] = &[
    child(
        "Tickets",
        "Notes",
        "TicketNotes",
        "ticketID",
        Through::PostPatch,
    ),
    child(
        "Tickets",
        "Attachments",
        "TicketAttachments",
        "parentID",
        Through::PostDelete,
    ),
    child(
        "Tickets",
        "Charges",
        "TicketCharges",
        "ticketID",
        Through::PostPatch,
    ),
    child(
        "ServiceCalls",
        "Tickets",
        "ServiceCallTickets",
        "serviceCallID",
        Through::PostDelete,
    ),
    child(
        "ServiceCallTickets",
        "Resources",
        "ServiceCallTicketResources",
        "serviceCallTicketID",
        Through::PostDelete,
    ),
    Child {
        parent: "Expenses",
        parent_shape: "ExpenseReports",
        segment: "Items",
        shape: "ExpenseItems",
        field: "expenseReportID",
        through: Through::PostPatch,
    },
    child(
        "TicketWebhooks",
        "Fields",
        "TicketWebhookFields",
        "webhookID",
        Through::PostPatch,
    ),
    child(
        "TicketWebhooks",
        "UdfFields",
        "TicketWebhookUdfFields",
        "webhookID",
        Through::PostPatch,
    ),
    child(
        "TicketWebhooks",
        "ExcludedResources",
        "TicketWebhookExcludedResources",
        "webhookID",
        Through::PostDelete,
    ),
    child(
        "TicketNoteWebhooks",
        "Fields",
        "TicketNoteWebhookFields",
        "webhookID",
        Through::PostPatch,
    ),
    child(
        "TicketNoteWebhooks",
        "ExcludedResources",
        "TicketNoteWebhookExcludedResources",
        "webhookID",
        Through::PostDelete,
    ),
];

/// The child of two names in an address.
pub(super) fn child_of(parent: &str, segment: &str) -> Option<&'static Child> {
    CHILDREN.iter().find(|child| {
        child.parent.eq_ignore_ascii_case(parent) && child.segment.eq_ignore_ascii_case(segment)
    })
}

/// The description of the user-defined fields of tickets.
pub(super) fn user_defined() -> Value {
    let fields: Vec<Value> = UDFS
        .iter()
        .map(|(name, length)| {
            let levels: Vec<Value> = match *name {
                "Service Level" => SERVICE_LEVELS
                    .iter()
                    .enumerate()
                    .map(|(order, level)| {
                        json!({"value": level, "label": level, "isDefaultValue": false, "sortOrder": order,
                            "parentValue": null, "isActive": true, "isSystem": false})
                    })
                    .collect(),
                _ => Vec::new(),
            };
            json!({"name": name, "label": name, "type": "string", "length": length,
                "isPickList": !levels.is_empty(), "picklistValues": levels})
        })
        .collect();
    json!({ "fields": fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_and_every_child_has_its_kind() {
        for shape in SHAPES {
            for field in shape
                .fields
                .iter()
                .filter(|field| !field.refers_to.is_empty())
            {
                assert!(
                    of_noun(field.refers_to).is_some(),
                    "{}.{}",
                    shape.name,
                    field.name
                );
            }
        }
        for child in CHILDREN {
            assert!(named(child.parent_shape).is_some(), "{child:?}");
            let shape = named(child.shape).unwrap();
            assert!(shape.field(child.field).is_some(), "{child:?}");
        }
    }
}
