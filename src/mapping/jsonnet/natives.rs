//! What scripts ask of Rust: dates.
//!
//! The helper library finds these by `std.native`; they take texts and give a text.

use std::any::Any;

use jrsonnet_evaluator::error::ErrorKind;
use jrsonnet_evaluator::function::builtin::Builtin;
use jrsonnet_evaluator::function::{
    CallLocation, FuncVal, FunctionSignature, ParamDefault, ParamName, ParamParse,
};
use jrsonnet_evaluator::{Result, Thunk, Val};
use jrsonnet_gcmodule::Trace;

use super::output;
use crate::mapping::date::{self, DateError};
use crate::mapping::value::scalar_text;

/// A function of Rust that scripts may call.
struct Native {
    name: &'static str,
    parameters: &'static [&'static str],
    call: fn(&[String]) -> Option<Result<String, DateError>>,
}

/// The functions by the names under which `std.native` gives them.
pub(super) fn natives() -> [(&'static str, FuncVal); 2] {
    [
        Native {
            name: "date_convert",
            parameters: &["value", "input", "output", "zone_in", "zone_out"],
            call: |texts| match texts {
                [value, input, output, zone_in, zone_out] => {
                    Some(date::convert(value, (input, output), (zone_in, zone_out)))
                }
                _ => None,
            },
        },
        Native {
            name: "date_add_day",
            parameters: &["value", "format"],
            call: |texts| match texts {
                [value, format] => Some(date::add_day(value, format)),
                _ => None,
            },
        },
    ]
    .map(|native| (native.name, FuncVal::builtin(native)))
}

// It holds no values of the interpreter.
impl Trace for Native {}

impl Builtin for Native {
    fn name(&self) -> &str {
        self.name
    }

    fn params(&self) -> FunctionSignature {
        let parameter =
            |name: &&str| ParamParse::new(ParamName::Named((*name).into()), ParamDefault::None);
        FunctionSignature::new(self.parameters.iter().map(parameter).collect())
    }

    fn call(&self, _: CallLocation<'_>, arguments: &[Option<Thunk<Val>>]) -> Result<Val> {
        let texts: Vec<String> = arguments
            .iter()
            .flatten()
            .map(text)
            .collect::<Result<_>>()?;
        match (self.call)(&texts) {
            Some(Ok(text)) => Ok(Val::string(text)),
            Some(Err(error)) => Err(failure(&error.to_string())),
            None => Err(failure("an argument is missing")),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn text(argument: &Thunk<Val>) -> Result<String> {
    let value = output::to_json(&argument.evaluate()?)?;
    let text = scalar_text(&value).ok_or_else(|| failure("the date helpers take texts"))?;
    Ok(text.into_owned())
}

fn failure(what: &str) -> jrsonnet_evaluator::Error {
    ErrorKind::RuntimeError(what.into()).into()
}
