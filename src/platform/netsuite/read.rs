//! Reading records, with the records they refer to.

use serde_json::Value;

use super::NetSuite;
use super::api::{Ask, internal_id, is_internal_id};
use super::body::without_links;
use super::right::Right;
use super::session::is_refused;
use crate::http::Call;
use crate::model::{Category, Failure, Record, RecordId};
use crate::platform::Wish;
use crate::platform::basics::{moment_at, text_at};

/// What to call a record, by the first of these that it has.
const LABELS: [&str; 6] = ["title", "tranId", "name", "altName", "refName", "entityId"];

impl NetSuite {
    /// Reads a record as mappings see it.
    pub(super) async fn read_record(
        &self,
        call: &Call,
        id: &RecordId,
        wish: Wish,
    ) -> Result<Option<Record>, Failure> {
        let number = internal_id(id)?;
        let record_type = &self.settings.record_type;
        let deed = format!("read {record_type} {number}");
        let ask = Ask::get(
            format!("/record/v1/{record_type}/{number}"),
            Right::Read,
            deed.as_str(),
        )
        .query("expandSubResources", "true")
        .query("simpleEnumFormat", "false");
        let Some(mut answer) = self.api.json_if_there(call, &ask).await? else {
            return Ok(None);
        };
        if !answer.is_object() {
            return Err(Failure::new(
                Category::Server,
                format!("NetSuite was asked to {deed} and answered something else than a record"),
            ));
        }
        for name in &self.settings.follow {
            if let Some(reference) = answer.get_mut(name) {
                self.follow(call, name, reference).await?;
            }
        }
        let fields = without_links(&answer);
        let label = LABELS.iter().find_map(|name| text_at(&fields, &[*name]));
        let changed_at = ["lastModifiedDate", "lastModified"]
            .iter()
            .find_map(|name| moment_at(&fields, &[*name]));
        let mut record = Record {
            id: id.clone(),
            label: label.map_or_else(|| format!("{record_type} {number}"), str::to_owned),
            changed_at,
            fields,
            notes: Vec::new(),
            files: Vec::new(),
            // NetSuite does not tell who changed a record last.
            changed_by_us: false,
        };
        self.add_wished(call, &mut record, wish).await?;
        Ok(Some(record))
    }

    /// Puts the members of the record behind a reference beside its id and name. A record that the role may not read
    /// stays a reference.
    async fn follow(&self, call: &Call, name: &str, reference: &mut Value) -> Result<(), Failure> {
        let Some((record_type, id)) = target(reference) else {
            return Ok(());
        };
        let ask = Ask::get(
            format!("/record/v1/{record_type}/{id}"),
            Right::Read,
            format!("read the {name} {record_type} {id}"),
        )
        .query("expandSubResources", "true");
        let found = match self.api.json_if_there(call, &ask).await {
            Ok(found) => found,
            Err(failure) if is_refused(&failure) => None,
            Err(failure) => return Err(failure),
        };
        if let (Some(Value::Object(found)), Some(members)) = (found, reference.as_object_mut()) {
            for (name, value) in found {
                members.entry(name).or_insert(value);
            }
        }
        Ok(())
    }
}

/// The type and id of the record behind a reference, by its link. Only the two words are taken from the address: calls go
/// to the account's own host, whatever a link says.
fn target(reference: &Value) -> Option<(String, String)> {
    let links = reference.get("links")?.as_array()?;
    let own = |link: &&Value| text_at(link, &["rel"]) == Some("self");
    let href = text_at(links.iter().find(own)?, &["href"])?;
    let (_, path) = href.split_once("/record/v1/")?;
    let path = path.split(['?', '#']).next()?;
    let (record_type, id) = path.split_once('/')?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_type = !record_type.is_empty() && record_type.bytes().all(legal);
    (is_type && is_internal_id(id)).then(|| (record_type.to_owned(), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_names_a_type_and_an_id_and_nothing_else() {
        let reference = |href: &str| json!({"id": "1", "links": [{"rel": "other"}, {"rel": "self", "href": href}]});
        let told = target(&reference(
            "https://evil.example/services/rest/record/v1/customer/107?x=1",
        ));
        assert_eq!(told, Some(("customer".to_owned(), "107".to_owned())));
        for href in [
            "https://h/services/rest/record/v1/customer/107/addressBook",
            "https://h/services/rest/record/v1/customer",
            "https://h/services/rest/record/v1/../x/1",
            "https://h/x",
            "",
        ] {
            assert_eq!(target(&reference(href)), None, "{href}");
        }
        assert_eq!(target(&json!({"id": "1"})), None);
    }
}
