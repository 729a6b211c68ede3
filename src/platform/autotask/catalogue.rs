//! The catalogue that mappings are written against, laid out as tickets are fetched.

use super::body::NOTES;
use super::fields::{EntityField, Fields, Origin};
use super::read::SITE;
use crate::model::{Catalogue, Field, FieldKind, PicklistValue, Timestamp};

/// Members of related objects that mappings use most; only read.
const RELATED: [(&str, &str, FieldKind); 35] = [
    ("company", "Company", FieldKind::Object),
    ("company.companyName", "Company's name", FieldKind::Text),
    ("company.companyNumber", "Company's number", FieldKind::Text),
    ("company.phone", "Company's phone", FieldKind::Text),
    ("company.address1", "Company's address", FieldKind::Text),
    (
        "company.address2",
        "Company's address, second line",
        FieldKind::Text,
    ),
    ("company.city", "Company's city", FieldKind::Text),
    ("company.state", "Company's state", FieldKind::Text),
    (
        "company.postalCode",
        "Company's postal code",
        FieldKind::Text,
    ),
    ("company.countryID", "Company's country", FieldKind::Integer),
    ("companyLocation", "Location", FieldKind::Object),
    ("companyLocation.name", "Location's name", FieldKind::Text),
    ("companyLocation.phone", "Location's phone", FieldKind::Text),
    (
        "companyLocation.address1",
        "Location's address",
        FieldKind::Text,
    ),
    (
        "companyLocation.address2",
        "Location's address, second line",
        FieldKind::Text,
    ),
    ("companyLocation.city", "Location's city", FieldKind::Text),
    ("companyLocation.state", "Location's state", FieldKind::Text),
    (
        "companyLocation.postalCode",
        "Location's postal code",
        FieldKind::Text,
    ),
    (
        "companyLocation.countryID",
        "Location's country",
        FieldKind::Integer,
    ),
    (
        "companyLocation.description",
        "Location's description",
        FieldKind::Text,
    ),
    ("contact", "Contact", FieldKind::Object),
    ("contact.firstName", "Contact's first name", FieldKind::Text),
    ("contact.lastName", "Contact's last name", FieldKind::Text),
    (
        "contact.emailAddress",
        "Contact's mail address",
        FieldKind::Text,
    ),
    ("contact.phone", "Contact's phone", FieldKind::Text),
    (
        "contact.mobilePhone",
        "Contact's mobile phone",
        FieldKind::Text,
    ),
    (
        "contact.alternatePhone",
        "Contact's other phone",
        FieldKind::Text,
    ),
    ("assignedResource", "Assigned resource", FieldKind::Object),
    (
        "assignedResource.firstName",
        "Resource's first name",
        FieldKind::Text,
    ),
    (
        "assignedResource.lastName",
        "Resource's last name",
        FieldKind::Text,
    ),
    (
        "assignedResource.email",
        "Resource's mail address",
        FieldKind::Text,
    ),
    (
        "assignedResource.officePhone",
        "Resource's phone",
        FieldKind::Text,
    ),
    ("labels", "Labels of picklist values", FieldKind::Object),
    ("udf", "User-defined fields by name", FieldKind::Object),
    (
        "userDefinedFields",
        "User-defined fields, as Autotask lists them",
        FieldKind::List,
    ),
];

/// Side records that a mapping writes beside a ticket.
const SIDES: [(&str, &str, FieldKind); 20] = [
    (
        "schedule.startDateTime",
        "Service call: start",
        FieldKind::DateTime,
    ),
    (
        "schedule.endDateTime",
        "Service call: end",
        FieldKind::DateTime,
    ),
    (
        "schedule.description",
        "Service call: description",
        FieldKind::Text,
    ),
    (
        "schedule.status",
        "Service call: status",
        FieldKind::Integer,
    ),
    (
        "schedule.resourceID",
        "Service call: resource",
        FieldKind::Integer,
    ),
    (
        "time_entry.startDateTime",
        "Time entry: start",
        FieldKind::DateTime,
    ),
    (
        "time_entry.endDateTime",
        "Time entry: end",
        FieldKind::DateTime,
    ),
    (
        "time_entry.dateWorked",
        "Time entry: day",
        FieldKind::DateTime,
    ),
    (
        "time_entry.hoursWorked",
        "Time entry: hours worked",
        FieldKind::Number,
    ),
    (
        "time_entry.summaryNotes",
        "Time entry: summary notes",
        FieldKind::Text,
    ),
    (
        "time_entry.internalNotes",
        "Time entry: internal notes",
        FieldKind::Text,
    ),
    (
        "time_entry.resourceID",
        "Time entry: resource",
        FieldKind::Integer,
    ),
    ("time_entry.roleID", "Time entry: role", FieldKind::Integer),
    ("charge.name", "Charge: name", FieldKind::Text),
    (
        "charge.billingCodeID",
        "Charge: category (material code)",
        FieldKind::Integer,
    ),
    ("charge.unitPrice", "Charge: amount", FieldKind::Number),
    ("charge.unitQuantity", "Charge: quantity", FieldKind::Number),
    (
        "charge.description",
        "Charge or expense: description",
        FieldKind::Text,
    ),
    (
        "charge.expenseCategory",
        "Expense: category",
        FieldKind::Integer,
    ),
    (
        "charge.expenseCurrencyExpenseAmount",
        "Expense: amount",
        FieldKind::Number,
    ),
];

/// Makes the catalogue of a database's ticket fields and of what a fetch brings besides.
pub(super) fn of(fields: &Fields, read_at: Timestamp) -> Catalogue {
    let mut catalogue = Catalogue {
        fields: Vec::with_capacity(fields.all.len() * 2 + 64),
        read_at,
    };
    for field in &fields.all {
        catalogue.fields.push(described(field));
    }
    for field in fields
        .all
        .iter()
        .filter(|field| field.origin == Origin::Standard)
    {
        if !field.choices.is_empty() {
            let path = format!("labels.{}", field.name);
            let label = format!("{} (label)", field.label);
            catalogue
                .fields
                .push(Field::new(path, label, FieldKind::Text).read_only());
        }
    }
    catalogue.fields.push(
        Field::new(
            "site",
            "Site: the location, else the company's address",
            FieldKind::Object,
        )
        .read_only(),
    );
    for member in SITE {
        let kind = match member {
            "countryID" => FieldKind::Integer,
            _ => FieldKind::Text,
        };
        let path = format!("site.{member}");
        let label = format!("Site: {member}");
        catalogue
            .fields
            .push(Field::new(path, label, kind).read_only());
    }
    for (path, label, kind) in RELATED {
        catalogue
            .fields
            .push(Field::new(path, label, kind).read_only());
    }
    for (name, _) in NOTES {
        let label = format!("{name}: a note to be added (never read)");
        catalogue
            .fields
            .push(Field::new(name, label, FieldKind::Text));
    }
    for (path, label, kind) in SIDES {
        catalogue.fields.push(Field::new(path, label, kind));
    }
    catalogue
}

/// What the vendor makes compulsory for a new ticket, whatever the database says.
const REQUIRED: [&str; 5] = ["title", "status", "priority", "companyID", "dueDateTime"];

fn described(field: &EntityField) -> Field {
    let path = match field.origin {
        Origin::Standard => field.name.clone(),
        Origin::UserDefined => format!("udf[\"{}\"]", field.name.replace('"', "\\\"")),
    };
    let is_required = field.origin == Origin::Standard
        && !field.read_only
        && field.name != "id"
        && (field.required || REQUIRED.contains(&field.name.as_str()));
    Field {
        path,
        label: field.label.clone(),
        kind: field.kind,
        required: is_required,
        read_only: field.read_only,
        picklist: field
            .choices
            .iter()
            .filter(|choice| choice.active)
            .map(|choice| PicklistValue {
                value: choice.value.clone(),
                label: choice.label.clone(),
            })
            .collect(),
        max_length: field.length,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_laid_out_as_they_are_fetched() {
        let mut fields = Fields::default();
        fields.add(
            &json!({"fields": [{"name": "status", "dataType": "integer", "isRequired": true, "picklistValues": [
                    {"value": "1", "label": "New", "isActive": true}, {"value": "2", "label": "Old", "isActive": false}]},
                {"name": "createDate", "dataType": "datetime", "isReadOnly": true},
                {"name": "companyID", "dataType": "integer"}]}),
            Origin::Standard,
        );
        fields.add(
            &json!({"fields": [{"name": "Site Code", "label": "Site Code", "type": "string", "length": 100}]}),
            Origin::UserDefined,
        );
        let catalogue = of(&fields, Timestamp::UNIX_EPOCH);
        let status = catalogue.field("status").unwrap();
        assert!(status.required && !status.read_only);
        assert_eq!(status.picklist.len(), 1);
        assert!(catalogue.field("companyID").unwrap().required);
        assert!(catalogue.field("createDate").unwrap().read_only);
        assert!(catalogue.field("labels.status").unwrap().read_only);
        assert_eq!(
            catalogue.field("udf[\"Site Code\"]").unwrap().max_length,
            Some(100)
        );
        assert!(catalogue.field("companyLocation.city").unwrap().read_only);
        assert!(!catalogue.field("internalNote").unwrap().read_only);
    }
}
