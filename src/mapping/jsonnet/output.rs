//! The interpreter's values to JSON.

use jrsonnet_evaluator::error::ErrorKind;
use jrsonnet_evaluator::{Error, Result, Val, in_description_frame};
use serde_json::{Map, Number, Value};

use crate::mapping::value::LARGEST_EXACT;

/// What one script may give.
const MOST_VALUES: usize = 200_000;
const MOST_TEXT: usize = 8 * 1024 * 1024;
const DEEPEST: usize = 100;

/// Evaluates a value to its end and turns it into JSON. Errors carry a frame for every field on the way, as the
/// interpreter itself can't tell the place of a wrong field access.
pub(super) fn to_json(value: &Val) -> Result<Value> {
    Budget { values: 0, text: 0 }.convert(value, 0)
}

struct Budget {
    values: usize,
    text: usize,
}

impl Budget {
    fn convert(&mut self, value: &Val, depth: usize) -> Result<Value> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(too_much(&format!(
                "the result has more than {MOST_VALUES} values"
            )));
        }
        if depth > DEEPEST {
            return Err(too_much(&format!(
                "the result is nested more than {DEEPEST} deep"
            )));
        }
        Ok(match value {
            Val::Null => Value::Null,
            Val::Bool(truth) => Value::Bool(*truth),
            Val::Num(number) => to_number(number.get()),
            Val::Str(text) => Value::String(self.text(&text.clone().into_flat())?),
            Val::Arr(elements) => {
                let mut values = Vec::new();
                for (index, element) in elements.iter().enumerate() {
                    values.push(in_description_frame(
                        || format!("element {index}"),
                        || self.convert(&element?, depth + 1),
                    )?);
                }
                Value::Array(values)
            }
            Val::Obj(object) => {
                object.run_assertions()?;
                let mut members = Map::new();
                for (key, member) in object.iter() {
                    let value = in_description_frame(
                        || format!("field {key}"),
                        || self.convert(&member?, depth + 1),
                    )?;
                    members.insert(self.text(&key)?, value);
                }
                Value::Object(members)
            }
            Val::Func(_) => {
                return Err(too_much("the result is a function; call it to get a value"));
            }
        })
    }

    fn text(&mut self, text: &str) -> Result<String> {
        self.text += text.len();
        if self.text > MOST_TEXT {
            return Err(too_much(&format!(
                "the result has more than {} MiB of text",
                MOST_TEXT / 1024 / 1024
            )));
        }
        Ok(text.to_owned())
    }
}

fn too_much(what: &str) -> Error {
    ErrorKind::RuntimeError(what.into()).into()
}

/// A whole number where `f64` is one exactly.
fn to_number(number: f64) -> Value {
    // 2^53 itself is exact in f64.
    #[expect(clippy::cast_precision_loss)]
    let is_exact = number.fract() == 0.0 && number.abs() <= LARGEST_EXACT as f64;
    if is_exact {
        // Checked just above.
        #[expect(clippy::cast_possible_truncation)]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
