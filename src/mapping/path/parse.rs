//! Text to steps.

use serde_json::Value;

use super::Segment;

/// The deepest path and the highest index that make sense; beyond is a slip of the keyboard.
const MOST_SEGMENTS: usize = 64;
const HIGHEST_INDEX: usize = 999;

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: {what}", .position + 1)]
pub struct PathError {
    /// Where in the path, in characters from 0.
    pub position: usize,
    /// What is wrong, and how to mend it.
    pub what: String,
}

pub(super) fn segments(text: &str) -> Result<Vec<Segment>, PathError> {
    let mut reader = Reader {
        rest: text,
        position: 0,
    };
    let mut segments = Vec::new();
    loop {
        match reader.peek() {
            Some('[') => segments.push(reader.bracket()?),
            _ => segments.push(reader.name()?),
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(reader.error(format!("a path has at most {MOST_SEGMENTS} steps")));
        }
        match reader.peek() {
            None => return Ok(segments),
            Some('.') => {
                reader.next();
                if reader.peek().is_none() {
                    return Err(reader.error("the path ends with a dot: a name must follow"));
                }
            }
            Some('[') => {}
            Some(other) => {
                return Err(reader.error(format!(
                    "`{other}` can't stand here: put `.` or `[` before a further step"
                )));
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    position: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        self.position += 1;
        Some(character)
    }

    fn error(&self, what: impl Into<String>) -> PathError {
        PathError {
            position: self.position,
            what: what.into(),
        }
    }

    /// Takes everything up to one of these characters.
    fn until(&mut self, ends: &[char]) -> &'t str {
        let taken = self
            .rest
            .find(ends)
            .map_or(self.rest, |end| &self.rest[..end]);
        self.rest = &self.rest[taken.len()..];
        self.position += taken.chars().count();
        taken
    }

    fn name(&mut self) -> Result<Segment, PathError> {
        let start = self.position;
        let name = self.until(&['.', '[', ']', '"', '\'', '\\']);
        let fault = if name.is_empty() {
            Some("a name must stand here")
        } else if name.trim() != name || name.contains(char::is_control) {
            Some("a name with blanks at its ends must be written [\"like this \"]")
        } else {
            None
        };
        match fault {
            Some(what) => Err(PathError {
                position: start,
                what: what.into(),
            }),
            None => Ok(Segment::Key(name.into())),
        }
    }

    fn bracket(&mut self) -> Result<Segment, PathError> {
        self.next();
        let segment = match self.peek() {
            Some('*') => {
                self.next();
                Segment::Each
            }
            Some('"' | '\'') => Segment::Key(self.quoted()?.into()),
            _ => self.index_or_selector()?,
        };
        match self.next() {
            Some(']') => Ok(segment),
            _ => Err(self.error("the bracket must be closed with `]`")),
        }
    }

    fn index_or_selector(&mut self) -> Result<Segment, PathError> {
        let start = self.position;
        let word = self.until(&['=', ']']).trim();
        let fault = |what: String| PathError {
            position: start,
            what,
        };
        if self.peek() == Some('=') && !word.is_empty() {
            self.next();
            return Ok(Segment::Select {
                key: word.into(),
                value: self.selector_value()?,
            });
        }
        match word.parse::<usize>() {
            Ok(index) if index <= HIGHEST_INDEX => Ok(Segment::Index(index)),
            Ok(_) => Err(fault(format!("an index is at most {HIGHEST_INDEX}"))),
            Err(_) if word.is_empty() => Err(fault(
                "a bracket holds an index, `*`, a quoted key or `key=value`".into(),
            )),
            Err(_) => Err(fault(format!(
                "a key in brackets needs quotes: [\"{word}\"]"
            ))),
        }
    }

    fn selector_value(&mut self) -> Result<Value, PathError> {
        while self.peek() == Some(' ') {
            self.next();
        }
        if matches!(self.peek(), Some('"' | '\'')) {
            return self.quoted().map(Value::String);
        }
        let word = self.until(&[']']).trim();
        match serde_json::from_str::<Value>(word) {
            _ if word.is_empty() => Err(self.error("a value must follow `=`")),
            Ok(value @ (Value::Bool(_) | Value::Number(_))) => Ok(value),
            _ => Ok(Value::String(word.to_owned())),
        }
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.error("the quotes must be closed")),
                character if character == quote => return Ok(text),
                Some('\\') => text.extend(self.next()),
                Some(character) => text.push(character),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_path_is_refused_with_its_place() {
        for (text, position) in [
            ("", 0),
            ("a.", 2),
            (".a", 0),
            ("a..b", 2),
            ("a[", 2),
            ("a[x]", 2),
            ("a[\"x]", 5),
            ("a[0", 3),
            ("a[0]b", 4),
            ("a[id=]", 5),
            ("a[1000]", 2),
            ("a b .c", 0),
            ("a.b ", 2),
            ("a]", 1),
        ] {
            let error = segments(text).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
    }

    #[test]
    fn a_selector_keeps_the_type_of_its_value() {
        let select = |value| {
            vec![Segment::Select {
                key: "id".into(),
                value,
            }]
        };
        assert_eq!(segments("[id=5]").unwrap(), select(5.into()));
        assert_eq!(segments("[id=\"5\"]").unwrap(), select("5".into()));
        assert_eq!(segments("[id=true]").unwrap(), select(true.into()));
        assert_eq!(
            segments("[id=Site code]").unwrap(),
            select("Site code".into())
        );
    }
}
