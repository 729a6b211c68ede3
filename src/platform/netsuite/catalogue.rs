//! The catalogue that mappings are written against, laid out as records are fetched.

use super::NetSuite;
use super::schema::{Property, Schema, Shape};
use super::session::{Freshness, is_refused};
use crate::http::Call;
use crate::model::{Catalogue, Failure, Field, FieldKind, PicklistValue};

/// Standard references whose lists are the account's own and short.
const LISTS: [&str; 8] = [
    "status",
    "priority",
    "origin",
    "category",
    "issue",
    "stage",
    "profile",
    "subsidiary",
];

/// The lists of so many fields are asked for at most.
const MOST_LISTS: usize = 40;

impl NetSuite {
    /// Reads the record type's description and the lists behind its references.
    pub(super) async fn read_catalogue(&self, call: &Call) -> Result<Catalogue, Failure> {
        let schema = self.schema(call, Freshness::Now).await?;
        let mut fields = Vec::with_capacity(schema.properties.len() * 2);
        let mut lists = 0;
        for property in &schema.properties {
            let mut choices = property.choices.clone();
            let has_list = property.custom || LISTS.contains(&property.name.as_str());
            if property.shape == Shape::Reference
                && choices.is_empty()
                && has_list
                && lists < MOST_LISTS
            {
                lists += 1;
                choices = self.listed(call, &property.name).await?;
            }
            describe(property, &choices, &mut fields);
        }
        add_followed(&schema, &self.settings.follow, &mut fields);
        Ok(Catalogue {
            fields,
            read_at: self.api.now(),
        })
    }

    /// The choices of a field; none where the account does not list them.
    async fn listed(&self, call: &Call, field: &str) -> Result<Vec<PicklistValue>, Failure> {
        match self.choices(call, field, Freshness::Now).await {
            Ok(choices) => Ok(choices.map(|choices| choices.to_vec()).unwrap_or_default()),
            Err(failure) if is_refused(&failure) => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }
}

fn describe(property: &Property, choices: &[PicklistValue], fields: &mut Vec<Field>) {
    let field = |path: String, label: String, kind: FieldKind| {
        let mut field = Field::new(path, label, kind);
        field.required = property.required;
        field.read_only = property.read_only;
        field.max_length = property.max_length;
        field
    };
    let (name, label) = (&property.name, &property.label);
    match property.shape {
        Shape::Plain(kind) => {
            let mut field = field(name.clone(), label.clone(), kind);
            field.picklist = choices.to_vec();
            fields.push(field);
        }
        Shape::Reference => {
            let mut id = field(
                format!("{name}.id"),
                format!("{label} (id)"),
                FieldKind::Text,
            );
            id.picklist = choices.to_vec();
            fields.push(id);
            let mut named = field(
                format!("{name}.refName"),
                format!("{label} (name)"),
                FieldKind::Text,
            );
            // Either of the two will do for a new record.
            named.required = false;
            let name_of = |choice: &PicklistValue| PicklistValue {
                value: choice.label.clone(),
                label: choice.label.clone(),
            };
            named.picklist = choices.iter().map(name_of).collect();
            fields.push(named);
        }
        Shape::Subrecord => fields.push(field(name.clone(), label.clone(), FieldKind::Object)),
        Shape::Sublist => fields.push(field(
            format!("{name}.items"),
            label.clone(),
            FieldKind::List,
        )),
    }
}

/// What `follow` brings along, as far as every record of an account has it.
fn add_followed(schema: &Schema, follow: &[String], fields: &mut Vec<Field>) {
    for name in follow {
        let label = schema
            .property(name)
            .map_or(name.as_str(), |property| property.label.as_str());
        for (member, words) in [("email", "email"), ("phone", "phone")] {
            let path = format!("{name}.{member}");
            let label = format!("{label}: {words}");
            fields.push(Field::new(path, label, FieldKind::Text).read_only());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_offered_by_id_and_by_name() {
        let schema = Schema::read(
            &json!({"required": ["status"], "properties": {
                "title": {"title": "Subject", "type": "string"},
                "status": {"title": "Status", "$ref": "x/nsResource"},
                "addressBook": {"title": "Addresses", "$ref": "x/customer-addressBookCollection"},
            }}),
            false,
        );
        let choice = PicklistValue {
            value: "5".into(),
            label: "Closed".into(),
        };
        let mut fields = Vec::new();
        for property in &schema.properties {
            describe(property, std::slice::from_ref(&choice), &mut fields);
        }
        let paths: Vec<_> = fields.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(
            paths,
            ["title", "status.id", "status.refName", "addressBook.items"]
        );
        assert_eq!(fields[1].picklist[0].value, "5");
        assert_eq!(fields[2].picklist[0].value, "Closed");
        assert!(fields[1].required && !fields[2].required);
    }
}
