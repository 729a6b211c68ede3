//! What scripts ask of Rust: dates.
//!
//! The interpreter's native functions would need its garbage collector's traits, which it does not hand out in
//! the version we are bound to. So the helper library asks by failing: an error whose text is a question. The
//! worker answers it and evaluates again, with the answer at hand. Jsonnet is pure and can't catch errors, so
//! the second evaluation comes to the same question and goes past it.

use std::collections::BTreeMap;

use jrsonnet_evaluator::error::ErrorKind;
use jrsonnet_evaluator::{Error, ObjValue, ObjValueBuilder, Val};
use serde_json::Value;

use crate::mapping::date;
use crate::mapping::value::scalar_text;

/// How the text of such an error begins; the library has the same.
const QUESTION: &str = "\u{1}question ";

/// The answers given while a record is mapped; most records ask the same few questions in several rules.
#[derive(Default)]
pub(super) struct Answers {
    given: BTreeMap<String, Result<Value, String>>,
}

impl Answers {
    /// Answers the question that an error is; `false` when it is none, or one that was answered before.
    pub(super) fn answer(&mut self, error: &Error) -> bool {
        let ErrorKind::RuntimeError(text) = error.error() else {
            return false;
        };
        let Some(question) = text.strip_prefix(QUESTION) else {
            return false;
        };
        if self.given.contains_key(question) {
            return false;
        }
        let answer = serde_json::from_str::<Vec<Value>>(question)
            .map_err(|_| "the question to the date helper can't be read".to_owned())
            .and_then(|question| answer(&question));
        self.given.insert(question.to_owned(), answer);
        true
    }

    /// The answers as the library looks them up: `{question: {value: …}}` or `{question: {reason: …}}`.
    pub(super) fn to_object(&self) -> ObjValue {
        let mut object = ObjValueBuilder::with_capacity(self.given.len());
        for (question, answer) in &self.given {
            let mut entry = ObjValueBuilder::with_capacity(1);
            match answer {
                Ok(value) => entry
                    .field("value")
                    .value(Val::string(scalar_text(value).unwrap_or_default().as_ref())),
                Err(reason) => entry.field("reason").value(Val::string(reason.as_str())),
            }
            object
                .field(question.as_str())
                .value(Val::Obj(entry.build()));
        }
        object.build()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }
}

fn answer(question: &[Value]) -> Result<Value, String> {
    let text = |index: usize| -> Result<String, String> {
        let value = question.get(index).unwrap_or(&Value::Null);
        let text = scalar_text(value).ok_or("the date helpers take texts")?;
        Ok(text.into_owned())
    };
    let answer = match text(0)?.as_str() {
        "convert" => {
            let (input, output) = (text(2)?, text(3)?);
            let (zone_in, zone_out) = (text(4)?, text(5)?);
            date::convert(&text(1)?, (&input, &output), (&zone_in, &zone_out))
        }
        "add_day" => date::add_day(&text(1)?, &text(2)?),
        other => return Err(format!("`{other}` is no question")),
    };
    answer.map(Value::String).map_err(|error| error.to_string())
}
