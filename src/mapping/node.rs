//! A mapping file as a tree with places, whether it is written in TOML or in JSON.

use std::borrow::Cow;
use std::ops::Range;

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problems;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Text, number, true, false or null.
    Scalar(Value),
    List(Vec<Node>),
    Table(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(nodes) => nodes.iter().map(Self::to_value).collect(),
            Content::Table(members) => members
                .iter()
                .map(|member| (member.key.clone(), member.node.to_value()))
                .collect(),
        }
    }
}

/// Reads TOML; what can't be read is noted.
pub(super) fn from_toml(text: &str, problems: &mut Problems<'_>) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        problems.error(
            &span,
            format!("this is not TOML: {}", error.message().trim()),
            "",
        );
    }
    errors.is_empty().then(|| Node {
        span: table.span(),
        content: toml_table(table.get_ref()),
    })
}

fn toml_table(table: &DeTable<'_>) -> Content {
    let member = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| Member {
        key: key.get_ref().to_string(),
        key_span: key.span(),
        node: toml_value(value),
    };
    Content::Table(table.iter().map(member).collect())
}

fn toml_value(value: &Spanned<DeValue<'_>>) -> Node {
    let content = match value.get_ref() {
        DeValue::String(text) => Content::Scalar(Value::String(text.to_string())),
        DeValue::Integer(integer) => {
            let signed = i64::from_str_radix(integer.as_str(), integer.radix()).map(Value::from);
            let unsigned =
                || u64::from_str_radix(integer.as_str(), integer.radix()).map(Value::from);
            Content::Scalar(
                signed
                    .or_else(|_| unsigned())
                    .unwrap_or_else(|_| integer.as_str().into()),
            )
        }
        DeValue::Float(float) => {
            let number = float
                .as_str()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64);
            Content::Scalar(number.map_or_else(|| float.as_str().into(), Value::Number))
        }
        DeValue::Boolean(truth) => Content::Scalar(Value::Bool(*truth)),
        DeValue::Datetime(date) => Content::Scalar(Value::String(date.to_string())),
        DeValue::Array(values) => Content::List(values.iter().map(toml_value).collect()),
        DeValue::Table(table) => toml_table(table),
    };
    Node {
        span: value.span(),
        content,
    }
}

/// Reads JSON; what can't be read is noted.
pub(super) fn from_json(text: &str, problems: &mut Problems<'_>) -> Option<Node> {
    // Reading it as a whole first bounds its depth, which raw values alone would not.
    let parsed = serde_json::from_str::<Value>(text)
        .and_then(|_| serde_json::from_str::<&RawValue>(text))
        .and_then(|raw| json_value(raw, text));
    match parsed {
        Ok(node) => Some(node),
        Err(error) => {
            let start: usize = text
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let offset = (start + error.column().saturating_sub(1)).min(text.len());
            problems.error(&(offset..offset), format!("this is not JSON: {error}"), "");
            None
        }
    }
}

fn json_value(raw: &RawValue, whole: &str) -> serde_json::Result<Node> {
    let text = raw.get();
    // A raw value borrows from the whole, so its place is the distance of the two.
    let start = (text.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    let span = start..start + text.len();
    let content = match text.as_bytes().first() {
        Some(b'{') => {
            let members: IndexMap<String, &RawValue> = serde_json::from_str(text)?;
            let member = |(key, raw): (String, &RawValue)| {
                let node = json_value(raw, whole)?;
                Ok(Member {
                    key,
                    key_span: node.span.clone(),
                    node,
                })
            };
            Content::Table(
                members
                    .into_iter()
                    .map(member)
                    .collect::<serde_json::Result<_>>()?,
            )
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            let nodes = elements.into_iter().map(|raw| json_value(raw, whole));
            Content::List(nodes.collect::<serde_json::Result<_>>()?)
        }
        _ => Content::Scalar(serde_json::from_str(text)?),
    };
    Ok(Node { span, content })
}
