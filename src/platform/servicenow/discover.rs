//! Finding out which fields the table has.
//!
//! The vendor's rules that this follows: a table's fields stand in `sys_dictionary` under its own name and those of all its
//! parents (`sys_db_object.super_class`), their choices in `sys_choice` likewise; users without the role see neither, by a 403 or by
//! emptiness. Then what the instance tells its forms (`/api/now/ui/meta`, not documented) is asked, and at last a
//! well filled record shows what fields there are.

use http::Method;
use serde_json::Value;

use super::ServiceNow;
use super::api::Listing;
use super::columns::{Column, ColumnKind, Columns, usual_parents};
use super::failure::{Deed, Right};
use super::query::Query;
use super::record::cell;
use super::session::Freshness;
use crate::http::Call;
use crate::model::{Catalogue, Category, Failure, Field, FieldKind};
use crate::platform::Wish;

/// A table's line of parents is no longer than this.
const MOST_PARENTS: usize = 10;

const DICTIONARY_FIELDS: &str =
    "name,element,column_label,internal_type,mandatory,max_length,reference,read_only";
const CHOICE_FIELDS: &str = "name,element,value,label,sequence,inactive,language";

impl ServiceNow {
    /// The fields of the table, with those of the template record that nothing else names.
    pub(super) async fn read_catalogue(&self, call: &Call) -> Result<Catalogue, Failure> {
        let columns = self.columns(call, Freshness::Now).await?;
        let template = match &self.settings.template {
            Some(word) => {
                let id = self.resolve(call, word).await?;
                let id = id.ok_or_else(|| no_template(word))?;
                self.read_record(call, &id, Wish::default()).await?
            }
            None => None,
        };
        if !columns.are_all() && template.is_none() {
            return Err(Failure::new(
                Category::Configuration,
                format!(
                    "the user {} can't read which fields {} has, and there is no template record to tell them",
                    self.api.user(),
                    self.settings.table
                ),
            )
            .hint("Give the user the role personalize_dictionary, or set template_object_id to a well filled record."));
        }
        let mut fields = Vec::new();
        for column in &columns.columns {
            describe(column, &self.settings.related, &mut fields);
        }
        if let Some(template) = &template {
            add_template(&template.fields, &mut fields);
        }
        fields.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Catalogue {
            fields,
            read_at: self.api.now(),
        })
    }

    /// What the instance tells of the table's fields, by whichever way it does.
    pub(super) async fn read_columns(&self, call: &Call) -> Result<Columns, Failure> {
        match self.read_dictionary(call).await {
            Ok(Some(columns)) => return Ok(columns),
            Ok(None) => {}
            Err(failure) if failure.category == Category::Configuration => {}
            Err(failure) => return Err(failure),
        }
        let table = &self.settings.table;
        let deed = Deed::new(
            Right::ReadDictionary,
            format!("describe the form of {table}"),
        );
        let request = self.api.part(Method::GET, &format!("ui/meta/{table}"));
        match self.api.json(call, &deed, request).await {
            Ok(answer) => {
                let told = answer.get("result").and_then(Columns::of_forms);
                Ok(told.unwrap_or_else(|| Columns::built_in(table)))
            }
            // Whatever it says of a path that the vendor does not promise is no news about the instance.
            Err(failure)
                if !matches!(
                    failure.category,
                    Category::Authentication | Category::Network | Category::RateLimited
                ) =>
            {
                Ok(Columns::built_in(table))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The dictionary's word; `None` when it shows nothing of the table, as it does to those without the right.
    async fn read_dictionary(&self, call: &Call) -> Result<Option<Columns>, Failure> {
        let lineage = self.lineage(call).await?;
        let names: Vec<&str> = lineage.iter().map(String::as_str).collect();
        let query = Query::is_one_of("name", &names)?.by("sys_id");
        let deed = Deed::new(Right::ReadDictionary, "read sys_dictionary");
        let listing = Listing::of("sys_dictionary", &query, DICTIONARY_FIELDS);
        let rows = self.api.rows(call, &deed, listing).await?;
        let mut columns = Columns::of_dictionary(&rows, &lineage);
        if columns.columns.is_empty() {
            return Ok(None);
        }
        if let Some(rows) = self.read_choices(call, &names).await? {
            columns.add_choices(&rows, &lineage);
        }
        Ok(Some(columns))
    }

    /// The choices of the tables' fields; `None` when they may not be read.
    pub(super) async fn read_choices(
        &self,
        call: &Call,
        tables: &[&str],
    ) -> Result<Option<Vec<Value>>, Failure> {
        let query = Query::is_one_of("name", tables)?
            .and_is("inactive", "false")?
            .and_is("language", "en")?
            .by("sys_id");
        let deed = Deed::new(Right::ReadDictionary, "read sys_choice");
        let listing = Listing::of("sys_choice", &query, CHOICE_FIELDS);
        match self.api.rows(call, &deed, listing).await {
            Ok(mut rows) => {
                // Compared here as well: a condition that was dropped must not bring in what is switched off.
                rows.retain(|row| {
                    cell(row, "inactive") != "true"
                        && matches!(cell(row, "language").as_str(), "en" | "")
                });
                Ok(Some(rows))
            }
            Err(failure) if failure.category == Category::Configuration => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The table and its parents, nearest first.
    pub(super) async fn lineage(&self, call: &Call) -> Result<Vec<String>, Failure> {
        let mut lineage = vec![self.settings.table.clone()];
        let deed = Deed::new(Right::ReadDictionary, "read sys_db_object");
        for _ in 0..MOST_PARENTS {
            let Some(last) = lineage.last() else { break };
            let query = Query::is("name", last)?;
            let listing = Listing::of("sys_db_object", &query, "name,super_class.name").limit(2);
            let rows = match self.api.page(call, &deed, &listing).await {
                Ok(page) => page.rows,
                Err(failure) if failure.category == Category::Configuration => Vec::new(),
                Err(failure) => return Err(failure),
            };
            let own = rows.iter().find(|row| cell(row, "name") == *last);
            let Some(own) = own else {
                let usual = usual_parents(last).iter().map(|name| (*name).to_owned());
                let usual: Vec<String> = usual.filter(|name| !lineage.contains(name)).collect();
                lineage.extend(usual);
                break;
            };
            let parent = cell(own, "super_class.name");
            if parent.is_empty()
                || lineage.contains(&parent)
                || super::names::table_name(&parent).is_err()
            {
                break;
            }
            lineage.push(parent);
        }
        Ok(lineage)
    }
}

pub(super) fn no_template(word: &str) -> Failure {
    Failure::new(
        Category::Configuration,
        format!("the template record {word} is not there, or an ACL hides it"),
    )
    .hint("Set template_object_id to a record that the connector's user can see.")
}

/// The catalogue's entries of a column: what it holds, what people see of it, what it leads to.
fn describe(column: &Column, related: &[String], fields: &mut Vec<Field>) {
    let name = &column.name;
    let mut field = Field::new(name.clone(), column.label.clone(), kind(&column.kind));
    field.required = column.required && !column.read_only;
    field.read_only = column.read_only || name.starts_with("sys_");
    field.max_length = column
        .max_length
        .filter(|_| column.kind == ColumnKind::Text);
    field.picklist.clone_from(&column.choices);
    let is_choice = !column.choices.is_empty();
    fields.push(field);
    if is_choice {
        let label = format!("{}, as people see it", column.label);
        fields.push(Field::new(format!("dv_{name}"), label, FieldKind::Text).read_only());
    }
    if matches!(column.kind, ColumnKind::Reference(_)) {
        for (part, told) in [("value", "sys_id"), ("display_value", "as people see it")] {
            let label = format!("{}, {told}", column.label);
            let field = Field::new(format!("{name}.{part}"), label, FieldKind::Text);
            fields.push(if part == "value" {
                field
            } else {
                field.read_only()
            });
        }
        for path in related {
            if let Some((_, part)) = path.split_once('.').filter(|(own, _)| own == name) {
                fields.push(Field::new(
                    path.clone(),
                    format!("{}: {part}", column.label),
                    FieldKind::Text,
                ));
            }
        }
    }
}

/// What is read is always text; the kinds say what is meant by it. A reference is written by whatever names what it leads to.
fn kind(kind: &ColumnKind) -> FieldKind {
    match kind {
        ColumnKind::Reference(_) | ColumnKind::List => FieldKind::Any,
        ColumnKind::Boolean => FieldKind::Boolean,
        ColumnKind::Integer => FieldKind::Integer,
        ColumnKind::Number => FieldKind::Number,
        ColumnKind::Date => FieldKind::Date,
        ColumnKind::DateTime => FieldKind::DateTime,
        ColumnKind::Text | ColumnKind::Journal => FieldKind::Text,
    }
}

/// What a well filled record shows besides.
fn add_template(template: &Value, fields: &mut Vec<Field>) {
    let mut add = |path: String, kind: FieldKind| {
        if !fields.iter().any(|field| field.path == path) {
            let is_fixed = path.starts_with("sys_")
                || path.starts_with("dv_")
                || path.ends_with(".display_value");
            let field = Field::new(path.clone(), path.clone(), kind);
            fields.push(if is_fixed { field.read_only() } else { field });
        }
    };
    for (name, value) in template.as_object().into_iter().flatten() {
        match value {
            Value::Object(members) => {
                add(name.clone(), FieldKind::Any);
                for member in members.keys() {
                    add(format!("{name}.{member}"), FieldKind::Text);
                }
            }
            _ => add(name.clone(), FieldKind::Text),
        }
    }
}
