//! A record in JSON, read straight into the interpreter's values.
//!
//! The interpreter's numbers are `f64`. A whole number beyond 2^53 would lose digits, which for an id means
//! another object; it is handed to scripts as text, and noted when a script looks at it.

use std::cell::RefCell;
use std::fmt;

use jrsonnet_evaluator::val::MemoizedClosureThunk;
use jrsonnet_evaluator::{NumValue, ObjValueBuilder, Thunk, Val};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::mapping::value::LARGEST_EXACT;

thread_local! {
    /// The paths of long numbers that scripts looked at.
    static LOOKED_AT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Reads a record.
pub(super) fn read(json: &[u8]) -> serde_json::Result<Val> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let path = RefCell::new(String::new());
    let piece = Seed(&path).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(piece.into_value(&path))
}

/// The long numbers that scripts looked at since the last call.
pub(super) fn take_looked_at() -> Vec<String> {
    LOOKED_AT.take()
}

fn look_at(path: String) {
    LOOKED_AT.with_borrow_mut(|paths| {
        if !paths.contains(&path) {
            paths.push(path);
        }
    });
}

enum Piece {
    Value(Val),
    /// The digits of a number that `f64` can't hold.
    LongNumber(String),
}

impl Piece {
    /// The value where it can't be told whether a script looks at it.
    fn into_value(self, path: &RefCell<String>) -> Val {
        match self {
            Self::Value(value) => value,
            Self::LongNumber(digits) => {
                look_at(path.borrow().clone());
                Val::string(digits)
            }
        }
    }
}

struct Seed<'p>(&'p RefCell<String>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Piece;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Piece, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Piece;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Piece, E> {
        Ok(Piece::Value(Val::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Piece, E> {
        Ok(Piece::Value(Val::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Piece, E> {
        if value.unsigned_abs() > LARGEST_EXACT {
            return Ok(Piece::LongNumber(value.to_string()));
        }
        // Checked just above.
        #[expect(clippy::cast_precision_loss)]
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Piece, E> {
        if value > LARGEST_EXACT {
            return Ok(Piece::LongNumber(value.to_string()));
        }
        // Checked just above.
        #[expect(clippy::cast_precision_loss)]
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Piece, E> {
        let number = NumValue::new(value).ok_or_else(|| E::custom("the number is not finite"))?;
        Ok(Piece::Value(Val::Num(number)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Piece, E> {
        Ok(Piece::Value(Val::string(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Piece, A::Error> {
        let mut values = Vec::with_capacity(elements.size_hint().unwrap_or(0));
        while let Some(piece) = elements.next_element_seed(Seed(self.0))? {
            values.push(piece.into_value(self.0));
        }
        Ok(Piece::Value(Val::arr(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Piece, A::Error> {
        let mut object = ObjValueBuilder::new();
        let length = self.0.borrow().len();
        while let Some(key) = members.next_key::<String>()? {
            {
                let mut path = self.0.borrow_mut();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(&key);
            }
            let piece = members.next_value_seed(Seed(self.0))?;
            match piece {
                // JSON allows a key twice, and the last one counts; the interpreter would refuse it.
                Piece::Value(value) => drop(object.field(key.as_str()).try_value(value)),
                Piece::LongNumber(digits) => {
                    let path = self.0.borrow().clone();
                    let noted = |(path, digits): (String, String)| {
                        look_at(path);
                        Ok(Val::string(digits))
                    };
                    let thunk: Thunk<Val> =
                        Thunk::new(MemoizedClosureThunk::new((path, digits), noted));
                    drop(object.field(key.as_str()).try_thunk(thunk));
                }
            }
            self.0.borrow_mut().truncate(length);
        }
        Ok(Piece::Value(Val::Obj(object.build())))
    }
}
