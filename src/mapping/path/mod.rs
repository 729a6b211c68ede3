//! Paths: how rules name a place in a record or an output.
//!
//! `location.city` · `contacts[0].email` · `["odd key"]` · `customFields[caption="Site code"].value` ·
//! `[id=5]` · `tasks[*].label` · `custom_fields["Site #"]` · `custom_field_123`.

mod custom_field;
mod flatten;
mod parse;
mod read;
mod write;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use custom_field::CustomField;
pub use flatten::flatten;
pub use parse::PathError;
pub use write::WriteError;

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// A member of an object.
    Key(Box<str>),
    /// An element of an array, counted from 0.
    Index(usize),
    /// All elements of an array.
    Each,
    /// The first element of an array of objects whose member has this value.
    Select {
        /// The member that is compared.
        key: Box<str>,
        /// The value it must have; a number also equals its decimal text.
        value: Value,
    },
}

/// A parsed path.
#[derive(Clone, Debug)]
pub struct Path {
    segments: Box<[Segment]>,
    text: Arc<str>,
    collects: bool,
    custom_field: Option<CustomField>,
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// [`PathError`] with the place and the mend when the text is no path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::segments(text).map(Self::from_segments)
    }

    /// The path of a sequence of steps; `segments` must not be empty to be of use.
    #[must_use]
    pub fn from_segments(segments: Vec<Segment>) -> Self {
        Self {
            text: display(&segments).into(),
            collects: segments.contains(&Segment::Each),
            custom_field: CustomField::named_by(&segments),
            segments: segments.into(),
        }
    }

    /// Its steps.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Its text, written the one canonical way.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether it gives a list of all values found.
    pub(super) fn collects(&self) -> bool {
        self.collects
    }

    /// Whether it names a custom field of Field Nation without regard to its group.
    pub(super) fn names_custom_field(&self) -> bool {
        self.custom_field.is_some()
    }

    /// The path without its first step, when that is the member `key` and something follows.
    #[must_use]
    pub fn without_leading(&self, key: &str) -> Option<Self> {
        match self.segments.split_first() {
            Some((Segment::Key(first), rest)) if &**first == key && !rest.is_empty() => {
                Some(Self::from_segments(rest.to_vec()))
            }
            _ => None,
        }
    }

    /// Whether both name the same field, any element of an array being as good as any other.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len() && self.begins_like(other)
    }

    /// Whether `other` names the same field or one that contains this one.
    #[must_use]
    pub fn begins_like(&self, other: &Self) -> bool {
        let any_element = |segment: &Segment| matches!(segment, Segment::Index(_) | Segment::Each);
        self.segments.len() >= other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|(mine, theirs)| mine == theirs || (any_element(mine) && any_element(theirs)))
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.segments == other.segments
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

/// Whether a member can be written without quotes.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.trim() == key
        && !key.contains(['.', '[', ']', '"', '\'', '\\'])
        && !key.contains(char::is_control)
}

fn display(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        push_segment(&mut text, segment);
    }
    text
}

fn push_segment(text: &mut String, segment: &Segment) {
    use fmt::Write;
    match segment {
        Segment::Key(key) => push_key(text, key),
        // Writing to a String can't fail.
        Segment::Index(index) => drop(write!(text, "[{index}]")),
        Segment::Each => text.push_str("[*]"),
        Segment::Select { key, value } => drop(write!(text, "[{key}={value}]")),
    }
}

fn push_key(text: &mut String, key: &str) {
    if is_plain(key) {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(key);
    } else {
        text.push_str("[\"");
        for character in key.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push_str("\"]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_canonical_text() {
        for (written, canonical) in [
            ("location.city", "location.city"),
            ("contacts[0].email", "contacts[0].email"),
            ("['odd key']", "odd key"),
            ("a[\"b.c\"]", "a[\"b.c\"]"),
            (
                "f[caption='Site code'].value",
                "f[caption=\"Site code\"].value",
            ),
            ("f[id=5]", "f[id=5]"),
            ("f[id=\"5\"]", "f[id=\"5\"]"),
            ("tasks[*].label", "tasks[*].label"),
            ("custom_fields[\"Site #\"]", "custom_fields.Site #"),
            ("[0].x", "[0].x"),
        ] {
            let path = Path::parse(written).unwrap();
            assert_eq!(path.to_string(), canonical);
            assert_eq!(Path::parse(canonical).unwrap(), path, "{canonical}");
        }
    }

    #[test]
    fn elements_of_an_array_are_alike_and_a_whole_contains_its_parts() {
        let path = |text| Path::parse(text).unwrap();
        assert!(path("contacts[2].email").is_like(&path("contacts[*].email")));
        assert!(!path("contacts[2].email").is_like(&path("contacts[2].phone")));
        assert!(path("location.city").begins_like(&path("location")));
        assert!(!path("location").begins_like(&path("location.city")));
    }

    #[test]
    fn a_leading_key_can_be_left_off() {
        let path = Path::parse("workorder.title").unwrap();
        assert_eq!(
            path.without_leading("workorder"),
            Some(Path::parse("title").unwrap())
        );
        assert_eq!(path.without_leading("title"), None);
        assert_eq!(
            Path::parse("workorder")
                .unwrap()
                .without_leading("workorder"),
            None
        );
    }
}
