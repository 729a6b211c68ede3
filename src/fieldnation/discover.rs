//! Refresh Custom Fields: the catalogue of this company.

use serde_json::Value;

use super::catalogue;
use super::client::FieldNation;
use super::directory::{Age, CompanyField, List};
use crate::http::Call;
use crate::model::{Catalogue, Failure, Field, FieldKind, PicklistValue};

/// Lists that give a field its picklist, with the field.
const PICKLISTS: [(List, &[&str]); 5] = [
    (
        List::TypesOfWork,
        &["types_of_work[0].id", "type_of_work.id"],
    ),
    (List::Managers, &["manager.id"]),
    (List::Projects, &["project.id"]),
    (List::Clients, &["client.id"]),
    (List::Templates, &["template.id"]),
];

impl FieldNation {
    /// Reads the company's custom fields and the lists that fields choose from, and puts them to the fields that every
    /// company has. A list that we may not read is left out: any value is taken there.
    ///
    /// # Errors
    /// What reading the custom fields fails with, and whatever passes (network, quota): a catalogue with holes would
    /// refuse good mappings.
    pub async fn discover(&self, call: &Call) -> Result<Catalogue, Failure> {
        let custom = self.directory.fields(&self.session, call, Age::Now).await?;
        let correlation = self.correlation_field(call).await?.map(|field| field.id);
        let mut fields: Vec<Field> = catalogue::fields().to_vec();
        for (list, paths) in PICKLISTS {
            match self
                .directory
                .names(&self.session, call, list, Age::Now)
                .await
            {
                Ok(names) => {
                    let choices: Vec<PicklistValue> = names
                        .0
                        .iter()
                        .map(|(id, name)| PicklistValue {
                            value: id.to_string(),
                            label: name.clone(),
                        })
                        .collect();
                    let mine = fields.iter_mut().filter(|field| !field.read_only);
                    for field in mine.filter(|field| paths.contains(&field.path.as_str())) {
                        field.picklist.clone_from(&choices);
                    }
                }
                Err(failure) if failure.category.is_passing() => return Err(failure),
                Err(failure) => {
                    tracing::info!(list = list.word(), cause = %failure.cause, "left out of the catalogue");
                }
            }
        }
        fields.extend(
            custom
                .0
                .iter()
                .map(|field| custom_field(field, correlation)),
        );
        Ok(Catalogue {
            fields,
            read_at: self.clock.now(),
        })
    }
}

fn custom_field(custom: &CompanyField, correlation: Option<u64>) -> Field {
    let kind = match custom.kind.as_str() {
        "numeric" => FieldKind::Number,
        "date" => FieldKind::Date,
        "date_time" => FieldKind::DateTime,
        _ => FieldKind::Text,
    };
    // `Value` writes the name with its quotation marks escaped.
    let path = format!("custom_fields[{}]", Value::from(custom.name.as_str()));
    let mut field = Field::new(
        path,
        format!("{} (custom field {})", custom.name, custom.id),
        kind,
    );
    // What the correlation field holds is ours to write; a rule must not.
    field.read_only = correlation == Some(custom.id);
    field.required = custom.is_required && !field.read_only;
    field.picklist = custom
        .options
        .iter()
        .map(|option| PicklistValue {
            value: option.clone(),
            label: option.clone(),
        })
        .collect();
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_field_is_not_for_rules() {
        let custom = CompanyField {
            id: 35,
            name: "Ticket \"#\"".to_owned(),
            kind: "text".to_owned(),
            is_required: true,
            is_internal: true,
            options: Vec::new(),
        };
        let field = custom_field(&custom, Some(35));
        assert_eq!(field.path, r##"custom_fields["Ticket \"#\""]"##);
        assert!(field.read_only && !field.required);
        let field = custom_field(&custom, None);
        assert!(field.required && !field.read_only);
    }
}
