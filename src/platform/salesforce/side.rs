//! Side records: a case has no schedule, time or charge of its own, so the org's admin names an object for each.
//!
//! Service appointments and events, time sheets and work order line items, or objects of the org's own: one shape serves
//! them all, an object with a field that names the record. With an external-id field a side record whose creation
//! ended in doubt is met again instead of doubled; without one it is looked for among those that our user made.

use http::Method;
use serde_json::{Map, Value};

use super::ask::{Ask, Right};
use super::body::{Purpose, is_empty};
use super::settings::SideObject;
use super::write::new_id;
use super::{Salesforce, failure, ids, soql};
use crate::http::Call;
use crate::model::{
    Category, Failure, RecordId, SideRecord, SideRecordKind, SideSource, Timestamp,
};
use crate::platform::basics::text_at;

impl Salesforce {
    /// Writes a side record: a new one, or the one that is known already. Answers its id.
    pub(super) async fn put_side(
        &self,
        call: &Call,
        record: &RecordId,
        side: &SideRecord,
        existing: Option<&str>,
    ) -> Result<String, Failure> {
        let object = self
            .settings
            .sides
            .iter()
            .find(|object| object.kind == side.kind);
        let object = object.ok_or_else(|| {
            let setting = setting(side.kind);
            Failure::new(
                Category::Configuration,
                format!("the connector names no object for `{setting}`"),
            )
            .hint(format!("Set settings.{setting} to the object that carries it, or map these values to fields of the record."))
        })?;
        let key = ids::checked(record)?;
        let fields: Map<String, Value> = side.fields.as_object().cloned().unwrap_or_default();
        if let Some(existing) = existing.and_then(ids::long)
            && self.change_side(call, object, &existing, &fields).await?
        {
            return Ok(existing);
        }
        self.make_side(call, object, &key, side, fields).await
    }

    /// Changes a side record; `false` when somebody deleted it meanwhile.
    async fn change_side(
        &self,
        call: &Call,
        side: &SideObject,
        id: &str,
        fields: &Map<String, Value>,
    ) -> Result<bool, Failure> {
        let object = &side.object;
        let deed = format!("update {object} {id}");
        let prepared = self
            .prepared(call, object, fields, Purpose::Update(&Value::Null), &deed)
            .await?;
        if prepared.body.is_empty() {
            return Ok(true);
        }
        let path = self.session.path(&format!("sobjects/{object}/{id}"));
        let ask = Ask::new(Method::PATCH, path, Right::edit(object), deed)
            .json(Value::Object(prepared.body));
        let response = self.session.respond(call, &ask).await?;
        if failure::is_gone(&response) {
            return Ok(false);
        }
        if response.is_success() {
            Ok(true)
        } else {
            Err(super::session::refusal(&ask, &response))
        }
    }

    async fn make_side(
        &self,
        call: &Call,
        side: &SideObject,
        key: &str,
        record: &SideRecord,
        mut fields: Map<String, Value>,
    ) -> Result<String, Failure> {
        let object = &side.object;
        let deed = format!("create a {object} for {key}");
        let mapped = fields.clone();
        if fields.get(&side.parent).is_none_or(is_empty) {
            fields.insert(side.parent.clone(), key.into());
        }
        let prepared = self
            .prepared(call, object, &fields, Purpose::Create, &deed)
            .await?;
        let mut body = prepared.body;
        if let Some(field) = &side.external_id {
            body.remove(field);
            let mark = match &record.source {
                SideSource::Object(source) => format!("FN-{}-{source}", setting(side.kind)),
                // One of each kind stands beside a record.
                SideSource::WorkOrder(_) => format!("FN-{}-{key}", setting(side.kind)),
            };
            let created = self.upsert(call, object, field, &mark, body).await?;
            return Ok(created.id.as_str().to_owned());
        }
        if let Some(tried) = record.attempted
            && let Some(id) = self
                .orphan(call, side, key, &record.others, tried.first)
                .await?
            && self.change_side(call, side, &id, &mapped).await?
        {
            return Ok(id);
        }
        let path = self.session.path(&format!("sobjects/{object}"));
        let ask =
            Ask::new(Method::POST, path, Right::create(object), deed).json(Value::Object(body));
        let answer = self.session.json(call, &ask).await?;
        Ok(new_id(&answer, object)?.as_str().to_owned())
    }
}

/// Our clock and the org's may differ by so much.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

impl Salesforce {
    /// What an attempt whose answer was lost made: of all that our user has made beside the record since then, the
    /// one that nobody told us of.
    async fn orphan(
        &self,
        call: &Call,
        side: &SideObject,
        key: &str,
        others: &[String],
        tried: Timestamp,
    ) -> Result<Option<String>, Failure> {
        let SideObject { object, parent, .. } = side;
        let uncertain = |why: String| {
            Failure::new(Category::Uncertain, format!("uncertain: check by hand: {why}")).hint(format!(
                "Look for a {object} of {key} that was made twice or not at all. Set settings.{}.external_id_field, and this is told without you.",
                setting(side.kind)
            ))
        };
        let signed = self.session.signed(call).await?;
        let Some(user) = signed.login.user.as_deref() else {
            return Err(uncertain(
                "the org does not say which user we are, so what an earlier attempt made can't be told".to_owned(),
            ));
        };
        let since = tried.checked_sub(SKEW).unwrap_or(tried);
        let query = format!(
            "SELECT Id FROM {object} WHERE {parent} = {} AND CreatedById = {} AND CreatedDate >= {} ORDER BY Id LIMIT 200",
            soql::text(key),
            soql::text(user),
            soql::moment(since)
        );
        let deed = format!("look for the {object} of an earlier attempt beside {key}");
        let rows = self
            .session
            .rows(call, &query, Right::read(object), &deed)
            .await?;
        let unknown: Vec<String> = rows
            .iter()
            .filter_map(|row| text_at(row, &["Id"]).and_then(ids::long))
            .filter(|id| !others.iter().any(|other| ids::same(other, id)))
            .collect();
        match unknown.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => Err(uncertain(format!(
                "{} {object} records of ours beside {key} stand for nothing we know",
                several.len()
            ))),
        }
    }
}

/// The setting that names the object of a kind, which is also the first part of its mapping paths.
pub(super) fn setting(kind: SideRecordKind) -> &'static str {
    match kind {
        SideRecordKind::Schedule => "schedule",
        SideRecordKind::Time => "time_entry",
        SideRecordKind::Charge => "charge",
    }
}
