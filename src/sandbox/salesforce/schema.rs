//! The org's objects and their fields, as `describe` tells them.

use serde_json::{Value, json};

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// The first three characters of its ids.
    pub(super) prefix: &'static str,
    pub(super) fields: Vec<Field>,
}

/// A field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, named as the vendor names them"
)]
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// The vendor's word for its type.
    pub(super) kind: &'static str,
    pub(super) length: usize,
    pub(super) createable: bool,
    pub(super) updateable: bool,
    pub(super) nillable: bool,
    /// What it has when nobody says.
    pub(super) default: Option<Value>,
    pub(super) key: Key,
    pub(super) values: &'static [&'static str],
    pub(super) restricted: bool,
    pub(super) refers_to: &'static [&'static str],
    pub(super) relationship: Option<&'static str>,
}

/// Whether records can be found by a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    None,
    /// An external id that several records may share.
    External,
    /// An external id that no two records share.
    Unique,
}

impl Field {
    fn new(name: &'static str, label: &'static str, kind: &'static str) -> Self {
        Self {
            name,
            label,
            kind,
            length: 0,
            createable: true,
            updateable: true,
            nillable: true,
            default: None,
            key: Key::None,
            values: &[],
            restricted: false,
            refers_to: &[],
            relationship: None,
        }
    }

    fn text(name: &'static str, label: &'static str, length: usize) -> Self {
        Self {
            length,
            ..Self::new(name, label, "string")
        }
    }

    fn area(name: &'static str, label: &'static str, length: usize) -> Self {
        Self {
            length,
            ..Self::new(name, label, "textarea")
        }
    }

    fn picklist(name: &'static str, label: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            length: 255,
            values,
            ..Self::new(name, label, "picklist")
        }
    }

    fn checkbox(name: &'static str, label: &'static str) -> Self {
        Self {
            nillable: false,
            default: Some(json!(false)),
            ..Self::new(name, label, "boolean")
        }
    }

    fn refers(
        name: &'static str,
        label: &'static str,
        to: &'static [&'static str],
        relationship: &'static str,
    ) -> Self {
        Self {
            length: 18,
            refers_to: to,
            relationship: Some(relationship),
            ..Self::new(name, label, "reference")
        }
    }

    fn read_only(mut self) -> Self {
        self.createable = false;
        self.updateable = false;
        self
    }

    fn required(mut self) -> Self {
        self.nillable = false;
        self
    }

    fn fixed(mut self) -> Self {
        self.updateable = false;
        self
    }

    fn defaulting(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    fn restricted(mut self) -> Self {
        self.restricted = true;
        self
    }

    fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// As `describe` tells it.
    fn described(&self) -> Value {
        let values: Vec<_> = self
            .values
            .iter()
            .map(|value| json!({"active": true, "defaultValue": self.default == Some(json!(value)), "label": value, "value": value, "validFor": null}))
            .collect();
        json!({
            "name": self.name,
            "label": self.label,
            "type": self.kind,
            "length": self.length,
            "createable": self.createable,
            "updateable": self.updateable,
            "nillable": self.nillable,
            "defaultedOnCreate": self.default.is_some(),
            "calculated": false,
            "externalId": self.key != Key::None,
            "idLookup": self.key != Key::None || self.name == "Id",
            "unique": self.key == Key::Unique,
            "custom": self.name.ends_with("__c"),
            "restrictedPicklist": self.restricted,
            "dependentPicklist": false,
            "controllerName": null,
            "referenceTo": self.refers_to,
            "relationshipName": self.relationship,
            "precision": 0,
            "scale": 0,
            "picklistValues": values,
        })
    }
}

/// What the API's user may do with an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights {
    pub(super) createable: bool,
    pub(super) updateable: bool,
}

impl Object {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(super) fn relation(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.relationship == Some(name))
    }

    /// The answer of `describe`.
    pub(super) fn described(&self, rights: Rights) -> Value {
        let fields: Vec<_> = self.fields.iter().map(Field::described).collect();
        json!({
            "name": self.name,
            "label": self.label,
            "keyPrefix": self.prefix,
            "createable": rights.createable,
            "updateable": rights.updateable,
            "queryable": true,
            "custom": self.name.ends_with("__c"),
            "fields": fields,
            "recordTypeInfos": [],
            "childRelationships": [],
            "urls": {"sobject": format!("/services/data/v64.0/sobjects/{}", self.name)},
        })
    }
}

const STATUSES: &[&str] = &["New", "Dispatch Required", "Working", "Escalated", "Closed"];

fn object(
    name: &'static str,
    label: &'static str,
    prefix: &'static str,
    own: Vec<Field>,
) -> Object {
    let mut fields = vec![Field::new("Id", "Record ID", "id").required().read_only()];
    fields.extend(own);
    fields.extend([
        Field::checkbox("IsDeleted", "Deleted").read_only(),
        Field::new("CreatedDate", "Created Date", "datetime")
            .required()
            .read_only(),
        Field::refers("CreatedById", "Created By ID", &["User"], "CreatedBy")
            .required()
            .read_only(),
        Field::new("LastModifiedDate", "Last Modified Date", "datetime")
            .required()
            .read_only(),
        Field::refers(
            "LastModifiedById",
            "Last Modified By ID",
            &["User"],
            "LastModifiedBy",
        )
        .required()
        .read_only(),
        Field::new("SystemModstamp", "System Modstamp", "datetime")
            .required()
            .read_only(),
    ]);
    Object {
        name,
        label,
        prefix,
        fields,
    }
}

/// All objects of the org.
pub(super) fn objects() -> Vec<Object> {
    let mut objects = people();
    objects.push(case());
    objects.extend(hung_on_cases());
    objects.extend(files());
    objects
}

fn people() -> Vec<Object> {
    vec![
        object(
            "User",
            "User",
            "005",
            vec![
                Field::text("Name", "Full Name", 121).read_only(),
                Field::text("Username", "Username", 80).read_only(),
            ],
        ),
        object(
            "Account",
            "Account",
            "001",
            vec![
                Field::text("Name", "Account Name", 255).required(),
                Field::new("Phone", "Account Phone", "phone"),
                Field::area("ShippingStreet", "Shipping Street", 255),
                Field::text("ShippingCity", "Shipping City", 40),
                Field::text("ShippingState", "Shipping State/Province", 80),
                Field::text("ShippingPostalCode", "Shipping Zip/Postal Code", 20),
                Field::text("ShippingCountry", "Shipping Country", 80),
                Field::new("ShippingAddress", "Shipping Address", "address").read_only(),
            ],
        ),
        object(
            "Contact",
            "Contact",
            "003",
            vec![
                Field::refers("AccountId", "Account ID", &["Account"], "Account"),
                Field::text("LastName", "Last Name", 80).required(),
                Field::text("Name", "Full Name", 121).read_only(),
                Field::new("Email", "Email", "email"),
                Field::new("Phone", "Business Phone", "phone"),
                Field::new("MobilePhone", "Mobile Phone", "phone"),
            ],
        ),
    ]
}

fn case() -> Object {
    object(
        "Case",
        "Case",
        "500",
        vec![
            Field::text("CaseNumber", "Case Number", 30)
                .required()
                .read_only(),
            Field::refers("ContactId", "Contact ID", &["Contact"], "Contact"),
            Field::refers("AccountId", "Account ID", &["Account"], "Account"),
            Field::refers("ParentId", "Parent Case ID", &["Case"], "Parent"),
            Field::text("SuppliedName", "Name", 80),
            Field::new("SuppliedEmail", "Email Address", "email"),
            Field::picklist(
                "Type",
                "Case Type",
                &["Problem", "Question", "Field Service"],
            ),
            Field::picklist("Status", "Status", STATUSES).defaulting(json!("New")),
            Field::picklist("Reason", "Case Reason", &["Installation", "Breakdown"]),
            Field::picklist("Origin", "Case Origin", &["Phone", "Email", "Web"]),
            Field::text("Subject", "Subject", 255),
            Field::picklist("Priority", "Priority", &["High", "Medium", "Low"])
                .defaulting(json!("Medium")),
            Field::area("Description", "Description", 32_000),
            Field::checkbox("IsClosed", "Closed").read_only(),
            Field::new("ClosedDate", "Closed Date", "datetime").read_only(),
            Field::checkbox("IsEscalated", "Escalated"),
            Field::refers("OwnerId", "Owner ID", &["Group", "User"], "Owner")
                .required()
                .defaulting(json!(null)),
            Field::area("Comments", "Internal Comments", 4_000),
            Field::text("FN_Work_Order__c", "FN Work Order", 255).key(Key::Unique),
            Field::text("Legacy_Key__c", "Legacy Key", 80).key(Key::External),
            Field::checkbox("Send_to_Field_Nation__c", "Send to Field Nation"),
            Field::new("FN_Service_Start__c", "Service Start", "datetime"),
            Field::new("Visit_Date__c", "Visit Date", "date"),
            Field::new("Estimate__c", "Estimate", "currency"),
            Field::picklist(
                "Service_Level__c",
                "Service Level",
                &["Standard", "Next Day"],
            )
            .restricted(),
            Field {
                values: &["Network", "Register", "Cabling"],
                length: 4_099,
                ..Field::new("Skills__c", "Skills", "multipicklist").restricted()
            },
        ],
    )
}

fn hung_on_cases() -> Vec<Object> {
    vec![
        object(
            "CaseComment",
            "Case Comment",
            "00a",
            vec![
                Field::refers("ParentId", "Parent ID", &["Case"], "Parent")
                    .required()
                    .fixed(),
                Field::checkbox("IsPublished", "Published"),
                Field::area("CommentBody", "Body", 4_000),
            ],
        ),
        object(
            "FeedItem",
            "Feed Item",
            "0D5",
            vec![
                Field::refers(
                    "ParentId",
                    "Parent ID",
                    &["Account", "Case", "Contact", "User"],
                    "Parent",
                )
                .required()
                .fixed(),
                Field::area("Body", "Body", 10_000),
                Field::picklist("Visibility", "Visibility", &["AllUsers", "InternalUsers"])
                    .restricted()
                    .defaulting(json!("InternalUsers")),
            ],
        ),
        object(
            "ServiceAppointment",
            "Service Appointment",
            "08p",
            vec![
                Field::refers(
                    "ParentRecordId",
                    "Parent Record ID",
                    &["Account", "Case"],
                    "ParentRecord",
                )
                .required()
                .fixed(),
                Field::text("Subject", "Subject", 255),
                Field::new("SchedStartTime", "Scheduled Start", "datetime"),
                Field::new("SchedEndTime", "Scheduled End", "datetime"),
            ],
        ),
        object(
            "FN_Time__c",
            "FN Time",
            "a01",
            vec![
                Field::refers("Case__c", "Case", &["Case"], "Case__r").required(),
                Field::new("Hours__c", "Hours", "double"),
                Field::text("FN_Id__c", "FN Id", 80).key(Key::Unique),
            ],
        ),
        object(
            "FN_Charge__c",
            "FN Charge",
            "a02",
            vec![
                Field::refers("Case__c", "Case", &["Case"], "Case__r").required(),
                Field::new("Amount__c", "Amount", "currency").required(),
                Field::area("Note__c", "Note", 500),
                Field::text("FN_Id__c", "FN Id", 80).key(Key::Unique),
            ],
        ),
    ]
}

fn files() -> Vec<Object> {
    let document =
        |name, label| Field::refers(name, label, &["ContentDocument"], "ContentDocument");
    vec![
        object(
            "ContentVersion",
            "Content Version",
            "068",
            vec![
                document("ContentDocumentId", "ContentDocument ID").fixed(),
                Field::text("Title", "Title", 255),
                Field::text("PathOnClient", "Path On Client", 500)
                    .required()
                    .fixed(),
                Field::new("VersionData", "Version Data", "base64").required(),
                Field::refers(
                    "FirstPublishLocationId",
                    "First Publish Location ID",
                    &["Account", "Case"],
                    "FirstPublishLocation",
                )
                .fixed(),
                Field::text("FileExtension", "File Extension", 40).read_only(),
                Field::new("ContentSize", "Size", "int").read_only(),
            ],
        ),
        object(
            "ContentDocument",
            "Content Document",
            "069",
            vec![
                Field::text("Title", "Title", 255).read_only(),
                Field::text("FileExtension", "File Extension", 40).read_only(),
                Field::new("ContentSize", "Size", "int").read_only(),
                Field::refers(
                    "LatestPublishedVersionId",
                    "Latest Published Version ID",
                    &["ContentVersion"],
                    "LatestPublishedVersion",
                )
                .read_only(),
            ],
        ),
        object(
            "ContentDocumentLink",
            "Content Document Link",
            "06A",
            vec![
                document("ContentDocumentId", "ContentDocument ID")
                    .required()
                    .fixed(),
                Field::refers(
                    "LinkedEntityId",
                    "Linked Entity ID",
                    &["Account", "Case"],
                    "LinkedEntity",
                )
                .required()
                .fixed(),
                Field::picklist("ShareType", "Share Type", &["V", "C", "I"])
                    .restricted()
                    .defaulting(json!("V")),
            ],
        ),
    ]
}
