//! How parameters are spelt: the styles of OpenAPI 3 and the collection formats of 2.0.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use super::operation::Place;

/// The spelling of lists and objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `a,b`
    Simple,
    /// `.a,b`
    Label,
    /// `;name=a,b`
    Matrix,
    /// `name=a,b`
    Form,
    /// `name=a b`
    SpaceDelimited,
    /// `name=a<tab>b` (2.0 only)
    TabDelimited,
    /// `name=a|b`
    PipeDelimited,
    /// `name[member]=a`
    DeepObject,
    /// The value as JSON (3.x: parameters with `content`)
    Json,
}

/// How a parameter is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The style.
    pub style: Style,
    /// Whether each item or member stands for itself.
    pub explode: bool,
    /// Whether reserved characters stay as they are.
    pub reserved: bool,
}

/// What is encoded: everything but RFC 3986's unreserved characters.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// With reserved characters left alone. `&`, `=`, `+` and `#` would change the query's meaning all the same.
const RESERVED: &AsciiSet = &STRICT
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';');

/// A value taken apart.
enum Shape<'a> {
    One(String),
    List(Vec<String>),
    Members(Vec<(&'a str, &'a Value)>),
}

/// A scalar as text; what holds more as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn shape(value: &Value) -> Shape<'_> {
    match value {
        Value::Array(items) => Shape::List(items.iter().map(text).collect()),
        Value::Object(object) => Shape::Members(
            object
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
        ),
        one => Shape::One(text(one)),
    }
}

impl Encoded {
    /// The spelling of a parameter that says nothing of it.
    #[must_use]
    pub fn usual(place: Place) -> Self {
        let (style, explode) = match place {
            Place::Path | Place::Header => (Style::Simple, false),
            Place::Query | Place::Cookie => (Style::Form, true),
        };
        Self {
            style,
            explode,
            reserved: false,
        }
    }

    fn encode(self, text: &str) -> String {
        let set = if self.reserved { RESERVED } else { STRICT };
        utf8_percent_encode(text, set).to_string()
    }

    /// The value as it stands in a path.
    #[must_use]
    pub fn in_path(self, name: &str, value: &Value) -> String {
        let encode = |text: &String| self.encode(text);
        let pair = |(name, value): &(&str, &Value), joint: &str| {
            format!("{}{joint}{}", self.encode(name), self.encode(&text(value)))
        };
        let listed = |texts: &[String]| texts.iter().map(encode).collect::<Vec<_>>();
        match (self.style, shape(value)) {
            (Style::Json, _) => self.encode(&value.to_string()),
            (Style::Label, Shape::One(one)) => format!(".{}", self.encode(&one)),
            (Style::Label, Shape::List(list)) => {
                format!(
                    ".{}",
                    listed(&list).join(if self.explode { "." } else { "," })
                )
            }
            (Style::Label, Shape::Members(members)) => {
                let (inner, outer) = if self.explode { ("=", ".") } else { (",", ",") };
                let pairs: Vec<_> = members.iter().map(|one| pair(one, inner)).collect();
                format!(".{}", pairs.join(outer))
            }
            (Style::Matrix, Shape::One(one)) => format!(";{name}={}", self.encode(&one)),
            (Style::Matrix, Shape::List(list)) if self.explode => {
                let items: Vec<_> = listed(&list)
                    .iter()
                    .map(|item| format!(";{name}={item}"))
                    .collect();
                items.concat()
            }
            (Style::Matrix, Shape::List(list)) => format!(";{name}={}", listed(&list).join(",")),
            (Style::Matrix, Shape::Members(members)) if self.explode => {
                let pairs: Vec<_> = members
                    .iter()
                    .map(|one| format!(";{}", pair(one, "=")))
                    .collect();
                pairs.concat()
            }
            (Style::Matrix, Shape::Members(members)) => {
                let pairs: Vec<_> = members.iter().map(|one| pair(one, ",")).collect();
                format!(";{name}={}", pairs.join(","))
            }
            (_, Shape::One(one)) => self.encode(&one),
            (_, Shape::List(list)) => listed(&list).join(","),
            (_, Shape::Members(members)) => {
                let joint = if self.explode { "=" } else { "," };
                let pairs: Vec<_> = members.iter().map(|one| pair(one, joint)).collect();
                pairs.join(",")
            }
        }
    }

    /// The value as `name=value` pairs of a query, encoded.
    #[must_use]
    pub fn in_query(self, name: &str, value: &Value) -> Vec<String> {
        let name_encoded = utf8_percent_encode(name, STRICT).to_string();
        let pair = |value: &str| format!("{name_encoded}={value}");
        let joined = |list: &[String], separator: &str| {
            let items: Vec<_> = list.iter().map(|item| self.encode(item)).collect();
            vec![pair(&items.join(separator))]
        };
        match (self.style, shape(value)) {
            (Style::Json, _) => vec![pair(&self.encode(&value.to_string()))],
            (_, Shape::One(one)) => vec![pair(&self.encode(&one))],
            (Style::DeepObject, Shape::Members(members)) => {
                let mut pairs = Vec::new();
                for (member, value) in members {
                    self.deep(&format!("{name}[{member}]"), value, &mut pairs);
                }
                pairs
            }
            (Style::SpaceDelimited, Shape::List(list)) if !self.explode => joined(&list, "%20"),
            (Style::TabDelimited, Shape::List(list)) => joined(&list, "%09"),
            (Style::PipeDelimited, Shape::List(list)) if !self.explode => joined(&list, "|"),
            (_, Shape::List(list)) if self.explode => {
                list.iter().map(|item| pair(&self.encode(item))).collect()
            }
            (_, Shape::List(list)) => joined(&list, ","),
            (_, Shape::Members(members)) if self.explode => members
                .iter()
                .map(|(member, value)| {
                    format!("{}={}", self.encode(member), self.encode(&text(value)))
                })
                .collect(),
            (_, Shape::Members(members)) => {
                let flat: Vec<String> = members
                    .iter()
                    .flat_map(|(member, value)| [(*member).to_owned(), text(value)])
                    .collect();
                joined(&flat, ",")
            }
        }
    }

    /// `name[a][b]=c`; lists repeat their name.
    fn deep(self, name: &str, value: &Value, pairs: &mut Vec<String>) {
        let encoded = utf8_percent_encode(name, STRICT);
        match value {
            Value::Object(object) => {
                for (member, value) in object {
                    self.deep(&format!("{name}[{member}]"), value, pairs);
                }
            }
            Value::Array(items) => {
                let items = items.iter().map(|item| self.encode(&text(item)));
                pairs.extend(items.map(|item| format!("{encoded}={item}")));
            }
            one => pairs.push(format!("{encoded}={}", self.encode(&text(one)))),
        }
    }

    /// The value as a header's; headers are not percent-encoded.
    #[must_use]
    pub fn in_header(self, value: &Value) -> String {
        match (self.style, shape(value)) {
            (Style::Json, _) => value.to_string(),
            (_, Shape::One(one)) => one,
            (_, Shape::List(list)) => list.join(","),
            (_, Shape::Members(members)) => {
                let joint = if self.explode { "=" } else { "," };
                let pairs: Vec<_> = members
                    .iter()
                    .map(|(member, value)| format!("{member}{joint}{}", text(value)))
                    .collect();
                pairs.join(",")
            }
        }
    }

    /// The value as a cookie's `name=value`.
    #[must_use]
    pub fn in_cookie(self, name: &str, value: &Value) -> String {
        // Repeated cookies are lost by most servers, so lists stand in one.
        let single = Self {
            explode: false,
            ..self
        };
        single.in_query(name, value).join("; ")
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "a schema may allow any of these types at once"
)]
/// What a value is wanted as: read from a schema, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) list: bool,
    pub(super) object: bool,
    pub(super) number: bool,
    pub(super) boolean: bool,
    pub(super) text: bool,
    /// What a list's items or an object's members are wanted as.
    pub(super) inner: Option<Box<Wanted>>,
    /// An object's members by name.
    pub(super) members: Vec<String>,
}

impl Wanted {
    /// A text as the scalar that is wanted; as itself where nothing else fits.
    pub(super) fn read_text(&self, text: &str) -> Value {
        if self.number
            && let Ok(Value::Number(number)) = serde_json::from_str(text)
        {
            return Value::Number(number);
        }
        match text {
            "true" | "false" if self.boolean => Value::Bool(text == "true"),
            _ => Value::from(text),
        }
    }

    fn inner(&self, text: &str) -> Value {
        match &self.inner {
            Some(inner) => inner.read_text(text),
            None => Value::from(text),
        }
    }

    fn listed<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Value {
        Value::Array(texts.map(|text| self.inner(text)).collect())
    }

    /// `a,1,b,2` or `a=1,b=2` as an object.
    fn object(&self, text: &str, separator: char, joint: Option<char>) -> Value {
        let parts: Vec<&str> = text.split(separator).collect();
        let pairs: Vec<(&str, &str)> = match joint {
            Some(joint) => parts
                .iter()
                .filter_map(|part| part.split_once(joint))
                .collect(),
            None => parts
                .chunks(2)
                .filter_map(|pair| match pair {
                    [name, value] => Some((*name, *value)),
                    _ => None,
                })
                .collect(),
        };
        let members = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), self.inner(value)));
        Value::Object(members.collect())
    }
}

impl Encoded {
    /// The value that a text in a path or a header stands for.
    pub(super) fn read_one(self, name: &str, sent: &str, wanted: &Wanted) -> Value {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (text, separator) = match self.style {
            Style::Json => {
                let text = decoded(sent);
                return serde_json::from_str(&text).unwrap_or(Value::String(text));
            }
            Style::Label => {
                let separator = if self.explode { '.' } else { ',' };
                (sent.strip_prefix('.').unwrap_or(sent).to_owned(), separator)
            }
            Style::Matrix => {
                let text = sent.strip_prefix(';').unwrap_or(sent);
                let own = format!("{name}=");
                if wanted.object && self.explode {
                    (text.to_owned(), ';')
                } else {
                    (text.replace(&own, "").replace(';', ","), ',')
                }
            }
            _ => (sent.to_owned(), ','),
        };
        let text = decoded(&text);
        if wanted.list && (!wanted.text || text.contains(separator)) {
            wanted.listed(text.split(separator))
        } else if wanted.object {
            wanted.object(&text, separator, self.explode.then_some('='))
        } else {
            wanted.read_text(&text)
        }
    }

    /// The value that a query's decoded pairs hold for a parameter; `None` if it is not there.
    pub(super) fn read_query(
        self,
        name: &str,
        pairs: &[(String, String)],
        wanted: &Wanted,
    ) -> Option<Value> {
        let own: Vec<&str> = pairs
            .iter()
            .filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name))
            .map(|(_, value)| value.as_str())
            .collect();
        if self.style == Style::DeepObject || (wanted.object && own.is_empty()) {
            let prefix = format!("{name}[");
            let mut members = Map::new();
            for (key, value) in pairs {
                let deep = key
                    .strip_prefix(&prefix)
                    .and_then(|key| key.strip_suffix(']'));
                let flat = (self.style != Style::DeepObject && wanted.members.contains(key))
                    .then_some(key.as_str());
                if let Some(member) = deep.or(flat) {
                    members.insert(member.to_owned(), wanted.inner(value));
                }
            }
            return (!members.is_empty()).then_some(Value::Object(members));
        }
        let first = own.first()?;
        let separator = match self.style {
            Style::SpaceDelimited => ' ',
            Style::TabDelimited => '\t',
            Style::PipeDelimited => '|',
            _ => ',',
        };
        Some(match self.style {
            Style::Json => serde_json::from_str(first).unwrap_or_else(|_| Value::from(*first)),
            _ if wanted.list && self.explode => wanted.listed(own.iter().copied()),
            _ if wanted.list => wanted.listed(first.split(separator)),
            _ if wanted.object => wanted.object(first, separator, None),
            _ => wanted.read_text(first),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoded(style: Style, explode: bool) -> Encoded {
        Encoded {
            style,
            explode,
            reserved: false,
        }
    }

    #[test]
    fn every_style_spells_as_the_specification_shows() {
        let list = json!(["blue", "black", "brown"]);
        let object = json!({"R": 100, "G": 200});
        let blue = json!("blue");
        for (style, explode, one, many, members) in [
            (
                Style::Matrix,
                false,
                ";color=blue",
                ";color=blue,black,brown",
                ";color=R,100,G,200",
            ),
            (
                Style::Matrix,
                true,
                ";color=blue",
                ";color=blue;color=black;color=brown",
                ";R=100;G=200",
            ),
            (
                Style::Label,
                false,
                ".blue",
                ".blue,black,brown",
                ".R,100,G,200",
            ),
            (
                Style::Label,
                true,
                ".blue",
                ".blue.black.brown",
                ".R=100.G=200",
            ),
            (
                Style::Simple,
                false,
                "blue",
                "blue,black,brown",
                "R,100,G,200",
            ),
            (
                Style::Simple,
                true,
                "blue",
                "blue,black,brown",
                "R=100,G=200",
            ),
        ] {
            let style = encoded(style, explode);
            assert_eq!(style.in_path("color", &blue), one);
            assert_eq!(style.in_path("color", &list), many);
            assert_eq!(style.in_path("color", &object), members);
        }
        for (style, explode, many, members) in [
            (
                Style::Form,
                false,
                "color=blue,black,brown",
                "color=R,100,G,200",
            ),
            (
                Style::Form,
                true,
                "color=blue&color=black&color=brown",
                "R=100&G=200",
            ),
            (
                Style::SpaceDelimited,
                false,
                "color=blue%20black%20brown",
                "color=R,100,G,200",
            ),
            (
                Style::PipeDelimited,
                false,
                "color=blue|black|brown",
                "color=R,100,G,200",
            ),
            (
                Style::DeepObject,
                true,
                "color=blue&color=black&color=brown",
                "color%5BR%5D=100&color%5BG%5D=200",
            ),
        ] {
            let style = encoded(style, explode);
            assert_eq!(style.in_query("color", &list).join("&"), many);
            assert_eq!(style.in_query("color", &object).join("&"), members);
            assert_eq!(style.in_query("color", &blue).join("&"), "color=blue");
        }
        assert_eq!(
            encoded(Style::Simple, false).in_header(&object),
            "R,100,G,200"
        );
        assert_eq!(
            encoded(Style::Form, true).in_cookie("c", &list),
            "c=blue,black,brown"
        );
    }

    #[test]
    fn what_would_change_the_address_is_encoded() {
        let path = Encoded::usual(Place::Path);
        assert_eq!(
            path.in_path("id", &json!("../a b?&#%ä")),
            "..%2Fa%20b%3F%26%23%25%C3%A4"
        );
        let open = Encoded {
            reserved: true,
            ..Encoded::usual(Place::Query)
        };
        assert_eq!(open.in_query("f", &json!("a/b:c&d=e")), ["f=a/b:c%26d%3De"]);
    }

    #[test]
    fn what_was_spelt_is_read_back() {
        let numbers = Wanted {
            list: true,
            inner: Some(Box::new(Wanted {
                number: true,
                ..Wanted::default()
            })),
            ..Wanted::default()
        };
        let value = json!([1, 2, 3]);
        for (style, explode) in [
            (Style::Simple, false),
            (Style::Label, true),
            (Style::Matrix, true),
            (Style::Matrix, false),
        ] {
            let style = encoded(style, explode);
            let sent = style.in_path("n", &value);
            assert_eq!(style.read_one("n", &sent, &numbers), value, "{sent}");
        }
        for (style, explode) in [
            (Style::Form, true),
            (Style::Form, false),
            (Style::PipeDelimited, false),
            (Style::SpaceDelimited, false),
        ] {
            let style = encoded(style, explode);
            let sent = style.in_query("n", &value).join("&");
            let pairs: Vec<_> = url::form_urlencoded::parse(sent.as_bytes())
                .into_owned()
                .collect();
            assert_eq!(
                style.read_query("n", &pairs, &numbers),
                Some(value.clone()),
                "{sent}"
            );
        }
        let object = Wanted {
            object: true,
            members: vec!["a".into()],
            ..Wanted::default()
        };
        let deep = encoded(Style::DeepObject, true);
        let pairs = [("f[a]".to_owned(), "x".to_owned())];
        assert_eq!(
            deep.read_query("f", &pairs, &object),
            Some(json!({"a": "x"}))
        );
        assert_eq!(deep.read_query("g", &pairs, &object), None);
    }
}
