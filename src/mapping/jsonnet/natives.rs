//! What scripts ask of Rust: dates, and fields that may be absent.
//!
//! The helper library finds these by `std.native`. Looking up a field is what most lines of most scripts do, so that
//! it is worth being a function of Rust.

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
    signature: FunctionSignature,
    call: fn(&[Option<Thunk<Val>>]) -> Result<Val>,
}

/// The functions by the names under which `std.native` gives them.
pub(in crate::mapping) fn natives() -> [(&'static str, FuncVal); 3] {
    use ParamDefault::{Literal, None as Required};
    [
        native(
            "date_convert",
            &["value", "input", "output", "zone_in", "zone_out"].map(|name| (name, Required)),
            |arguments| {
                let [value, input, output, zone_in, zone_out] = texts(arguments)?;
                dated(date::convert(
                    &value,
                    (&input, &output),
                    (&zone_in, &zone_out),
                ))
            },
        ),
        native(
            "date_add_day",
            &["value", "format"].map(|name| (name, Required)),
            |arguments| {
                let [value, format] = texts(arguments)?;
                dated(date::add_day(&value, &format))
            },
        ),
        native(
            "lookup_field",
            &[
                ("obj", Required),
                ("path", Required),
                ("default", Literal("null")),
                ("raw", Literal("false")),
            ],
            lookup_field,
        ),
    ]
}

fn native(
    name: &'static str,
    parameters: &[(&'static str, ParamDefault)],
    call: fn(&[Option<Thunk<Val>>]) -> Result<Val>,
) -> (&'static str, FuncVal) {
    let parameter = |(name, default): &(&'static str, ParamDefault)| {
        ParamParse::new(ParamName::Named((*name).into()), *default)
    };
    let native = Native {
        name,
        signature: FunctionSignature::new(parameters.iter().map(parameter).collect()),
        call,
    };
    (name, FuncVal::builtin(native))
}

// It holds no values of the interpreter.
impl Trace for Native {}

impl Builtin for Native {
    fn name(&self) -> &str {
        self.name
    }

    fn params(&self) -> FunctionSignature {
        self.signature.clone()
    }

    fn call(&self, _: CallLocation<'_>, arguments: &[Option<Thunk<Val>>]) -> Result<Val> {
        (self.call)(arguments)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A field that may be absent: `obj, path, default=null, raw=false`.
fn lookup_field(arguments: &[Option<Thunk<Val>>]) -> Result<Val> {
    let [Some(object), Some(path), default, raw] = arguments else {
        return Err(failure("an argument is missing"));
    };
    let Val::Str(path) = path.evaluate()? else {
        return Err(failure(
            "lookup_field takes the path as text, such as 'site.city'",
        ));
    };
    let path = path.into_flat();
    let object = object.evaluate()?;
    let found = if is_true(raw.as_ref())? {
        member(&object, &path)?
    } else {
        path.split('.')
            .try_fold(object, |at, part| step(at, part, &path))?
    };
    match (found, default) {
        (Val::Null, Some(default)) => default.evaluate(),
        (found, _) => Ok(found),
    }
}

fn is_true(raw: Option<&Thunk<Val>>) -> Result<bool> {
    match raw.map(Thunk::evaluate).transpose()? {
        None | Some(Val::Bool(false)) => Ok(false),
        Some(Val::Bool(true)) => Ok(true),
        Some(_) => Err(failure("lookup_field takes raw as true or false")),
    }
}

/// One dotted part of a path, with any `[n]` behind it.
fn step(at: Val, part: &str, path: &str) -> Result<Val> {
    let (name, indices) = part.split_once('[').unwrap_or((part, ""));
    let begin = if name.is_empty() && part.starts_with('[') {
        at
    } else {
        member(&at, name)?
    };
    let mut indices = indices.split('[').filter(|index| !index.is_empty());
    indices.try_fold(begin, |at, index| {
        let number: i64 = index.trim_end_matches(']').parse().map_err(|_| {
            failure(&format!(
                "`[{index}` in the path `{path}` is no index: write a whole number, such as [0]"
            ))
        })?;
        match (&at, u32::try_from(number)) {
            (Val::Arr(elements), Ok(number)) => Ok(elements.get(number)?.unwrap_or(Val::Null)),
            _ => Ok(Val::Null),
        }
    })
}

/// The member of an object; null where there is none.
fn member(value: &Val, name: &str) -> Result<Val> {
    match value {
        Val::Obj(object) => Ok(object.get(name.into())?.unwrap_or(Val::Null)),
        _ => Ok(Val::Null),
    }
}

fn dated(result: Result<String, DateError>) -> Result<Val> {
    result
        .map(Val::string)
        .map_err(|error| failure(&error.to_string()))
}

fn texts<const N: usize>(arguments: &[Option<Thunk<Val>>]) -> Result<[String; N]> {
    let texts: Vec<String> = arguments
        .iter()
        .flatten()
        .map(text)
        .collect::<Result<_>>()?;
    <[String; N]>::try_from(texts).map_err(|_| failure("an argument is missing"))
}

fn text(argument: &Thunk<Val>) -> Result<String> {
    let value = output::to_json(&argument.evaluate()?)?;
    let text = scalar_text(&value).ok_or_else(|| failure("the date helpers take texts"))?;
    Ok(text.into_owned())
}

fn failure(what: &str) -> jrsonnet_evaluator::Error {
    ErrorKind::RuntimeError(what.into()).into()
}
