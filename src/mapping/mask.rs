//! Masking: what of a record is nobody's business outside, replaced so that mappings still work on it.
//!
//! A value is masked by what its field is called, mail addresses and telephone numbers also inside longer texts. The
//! same value becomes the same substitute throughout a document, so that what was equal stays equal; a substitute
//! has the shape of what it stands for, so that a script that takes it apart still can.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What a value is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Secret,
    Mail,
    Telephone,
    Person,
    Street,
    /// Named in the settings.
    Private,
}

/// Which fields are masked, beside those that are known by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// Fields that are masked: the last name of a path, or the whole dotted path without indexes.
    pub also: Vec<String>,
    /// Fields that are left as they are, named likewise.
    pub never: Vec<String>,
}

/// A document with its private values replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Masked {
    /// The document.
    pub value: Value,
    /// The paths at which something was replaced.
    pub paths: Vec<String>,
}

/// Masks a document.
#[must_use]
pub fn mask(value: &Value, masks: &Masks) -> Masked {
    let mut masker = Masker {
        masks,
        known: HashMap::new(),
        paths: Vec::new(),
    };
    let mut path = Vec::new();
    let value = masker.value(value, &mut path);
    Masked {
        value,
        paths: masker.paths,
    }
}

struct Masker<'m> {
    masks: &'m Masks,
    known: HashMap<(Kind, String), usize>,
    paths: Vec<String>,
}

impl Masker<'_> {
    fn value(&mut self, value: &Value, path: &mut Vec<String>) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| {
                    path.push(key.clone());
                    let masked = self.value(value, path);
                    path.pop();
                    (key.clone(), masked)
                })
                .collect(),
            Value::Array(values) => values.iter().map(|value| self.value(value, path)).collect(),
            Value::String(text) if !text.is_empty() => {
                let masked = self.text(text, path);
                if masked != *text {
                    self.paths.push(path.join("."));
                }
                Value::String(masked)
            }
            Value::Number(number) => match self.kind(path) {
                Some(Kind::Telephone | Kind::Secret | Kind::Private) => {
                    self.paths.push(path.join("."));
                    let digits = digits_like(&number.to_string(), 0);
                    serde_json::from_str(&digits).unwrap_or(Value::Null)
                }
                _ => value.clone(),
            },
            _ => value.clone(),
        }
    }

    fn text(&mut self, text: &str, path: &[String]) -> String {
        if is_named(path, &self.masks.never) {
            return text.to_owned();
        }
        match self.kind(path) {
            Some(kind) => self.substitute(kind, text),
            None => self.inside(text),
        }
    }

    fn kind(&self, path: &[String]) -> Option<Kind> {
        if is_named(path, &self.masks.also) {
            return Some(Kind::Private);
        }
        if is_named(path, &self.masks.never) {
            return None;
        }
        let (name, holders) = path.split_last()?;
        kind_of(name, holders.last().map(String::as_str))
    }

    fn substitute(&mut self, kind: Kind, text: &str) -> String {
        let number = self.number(kind, text);
        match kind {
            Kind::Secret => "masked".to_owned(),
            Kind::Mail => format!("person{number}@example.com"),
            Kind::Telephone => digits_like(text, number),
            Kind::Person => format!("Person {number}"),
            Kind::Street => format!("{number} Sample Street"),
            Kind::Private => format!("masked {number}"),
        }
    }

    /// What a value is called by: the first of its kind is 1.
    fn number(&mut self, kind: Kind, text: &str) -> usize {
        let next = self
            .known
            .keys()
            .filter(|(other, _)| *other == kind)
            .count()
            + 1;
        *self.known.entry((kind, text.to_owned())).or_insert(next)
    }

    /// Mail addresses and telephone numbers within a longer text.
    fn inside(&mut self, text: &str) -> String {
        let text = MAIL.replace_all(text, |found: &regex::Captures<'_>| {
            self.substitute(Kind::Mail, &found[0])
        });
        let text = TELEPHONE.replace_all(&text, |found: &regex::Captures<'_>| {
            let digits = found[0].chars().filter(char::is_ascii_digit).count();
            match digits {
                10..=15 => self.substitute(Kind::Telephone, &found[0]),
                _ => found[0].to_owned(),
            }
        });
        text.into_owned()
    }
}

static MAIL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"));

/// Digits in groups with what people write between them; a number without any is no telephone's, nor is a date.
static TELEPHONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:\+\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}\b|\+\d{10,15}\b")
});

fn pattern(text: &str) -> Regex {
    // The patterns are fixed above and compiled by a test.
    #[expect(clippy::expect_used, reason = "fixed text, compiled by a test")]
    Regex::new(text).expect("a valid pattern")
}

fn is_named(path: &[String], names: &[String]) -> bool {
    let whole = path.join(".");
    let last = path.last().map(String::as_str).unwrap_or_default();
    names.iter().any(|name| *name == whole || name == last)
}

/// A text with other digits, everything else as it was. The number tells substitutes apart.
fn digits_like(text: &str, number: usize) -> String {
    let count = text.chars().filter(char::is_ascii_digit).count();
    let tail = number.to_string();
    let tail_from = count.saturating_sub(tail.len());
    let mut place = 0_usize;
    text.chars()
        .map(|character| {
            if !character.is_ascii_digit() {
                return character;
            }
            let digit = match place.checked_sub(tail_from) {
                Some(at) => tail.chars().nth(at).unwrap_or('0'),
                None => "5550100".chars().nth(place % 7).unwrap_or('5'),
            };
            place += 1;
            digit
        })
        .collect()
}

/// What a field is about, by its name and by that of what holds it.
fn kind_of(name: &str, holder: Option<&str>) -> Option<Kind> {
    let name = plain(name);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&[
        "password",
        "secret",
        "token",
        "apikey",
        "privatekey",
        "authorization",
    ]) {
        return Some(Kind::Secret);
    }
    if has(&["email", "mailaddress"]) || name == "mail" {
        return Some(Kind::Mail);
    }
    if has(&["phone", "mobile", "telefax", "faxnumber"]) || matches!(&*name, "fax" | "cell" | "tel")
    {
        return Some(Kind::Telephone);
    }
    if has(&[
        "firstname",
        "lastname",
        "middlename",
        "fullname",
        "contactname",
        "surname",
    ]) || matches!(
        &*name,
        "givenname" | "familyname" | "callername" | "requestername"
    ) {
        return Some(Kind::Person);
    }
    if has(&["street", "addressline", "address1", "address2"]) {
        return Some(Kind::Street);
    }
    if matches!(&*name, "name" | "displayvalue" | "displayname")
        && holder.is_some_and(|holder| is_person(&plain(holder)))
    {
        return Some(Kind::Person);
    }
    None
}

fn is_person(holder: &str) -> bool {
    const PEOPLE: [&str; 13] = [
        "contact",
        "caller",
        "user",
        "requester",
        "responder",
        "assignee",
        "technician",
        "provider",
        "owner",
        "member",
        "resource",
        "person",
        "manager",
    ];
    PEOPLE.iter().any(|word| holder.contains(word))
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|character| character.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn private_values_are_replaced_and_the_rest_stays() {
        let source = json!({
            "summary": "AP down, call Ada at +1 (405) 867-5309 or ada@site.test",
            "contact": {"name": "Ada Example", "emailAddress": "ada@site.test", "id": 12},
            "contactPhoneNumber": "405-867-5309",
            "company": {"name": "Acme"},
            "site": {"addressLine1": "12 Main St", "city": "Tulsa", "zip": "74103"},
            "api_token": "abc",
            "due": "2026-11-29 10:00:00",
            "order": "4058675309",
            "mobile": 4_058_675_309_u64,
        });
        let masked = mask(&source, &Masks::default());
        let expected = json!({
            "summary": "AP down, call Ada at +5 (550) 100-5551 or person1@example.com",
            "contact": {"name": "Person 1", "emailAddress": "person1@example.com", "id": 12},
            "contactPhoneNumber": "555-010-0552",
            "company": {"name": "Acme"},
            "site": {"addressLine1": "1 Sample Street", "city": "Tulsa", "zip": "74103"},
            "api_token": "masked",
            "due": "2026-11-29 10:00:00",
            "order": "4058675309",
            "mobile": 5_550_100_550_u64,
        });
        assert_eq!(masked.value, expected);
        assert_eq!(masked.paths.len(), 7, "{:?}", masked.paths);
    }

    #[test]
    fn settings_name_further_fields_and_exceptions() {
        let source = json!({"badge": "X-12", "site": {"contactName": "Front desk"}});
        let masks = Masks {
            also: vec!["badge".into()],
            never: vec!["site.contactName".into()],
        };
        let masked = mask(&source, &masks);
        let expected = json!({"badge": "masked 1", "site": {"contactName": "Front desk"}});
        assert_eq!(masked.value, expected);
    }

    proptest! {
        #[test]
        fn what_is_masked_is_masked_once(text in "[a-z0-9 .@+-]{0,40}") {
            let source = json!({"email": text, "phone": text, "note": text, "n": [text]});
            let once = mask(&source, &Masks::default());
            if !text.is_empty() {
                prop_assert_ne!(&once.value["email"], &json!(text));
            }
            let equal = once.value["note"] == once.value["n"][0];
            prop_assert!(equal, "what was equal stays equal");
        }
    }
}
