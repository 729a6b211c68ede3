//! The query language: what goes into a query is either an API name or escaped.

use serde_json::Value;

use crate::model::Timestamp;

/// Whether a text is an API name: a field's, an object's, a relationship's. Namespaces are part of it (`ns__X__c`).
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 120
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A text as a literal. The vendor's rule: `'` and `\` are escaped by `\`, and line ends have escapes of their own.
pub(super) fn text(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('\'');
    for character in value.chars() {
        match character {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            character if character.is_control() => {}
            character => literal.push(character),
        }
    }
    literal.push('\'');
    literal
}

/// A moment as a literal, whole seconds, never later than given.
pub(super) fn moment(moment: Timestamp) -> String {
    let seconds = moment.as_nanosecond().div_euclid(1_000_000_000);
    let whole = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    whole.unwrap_or(moment).to_string()
}

/// A value read from JSON as it would be without the `attributes` that the vendor adds to every object.
pub(super) fn bare(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, value)| !(name == "attributes" && value.is_object()))
            .map(|(name, value)| (name, bare(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_can_t_end_early() {
        assert_eq!(text("O'Neil \\ x"), r"'O\'Neil \\ x'");
        assert_eq!(text("a' OR Id != '"), r"'a\' OR Id != \''");
        assert_eq!(text("a\nb\u{0}"), r"'a\nb'");
    }

    #[test]
    fn names_are_told_from_anything_else() {
        for name in ["Id", "FN_Work_Order__c", "ns__Site__r"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1x", "a b", "a.b", "Id FROM User", "x'", "naïve"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_moment_is_cut_to_the_second_before() {
        let moment_: Timestamp = "2026-01-31T10:00:00.999Z".parse().unwrap();
        assert_eq!(moment(moment_), "2026-01-31T10:00:00Z");
    }

    #[test]
    fn attributes_are_taken_out_at_every_depth() {
        let read = json!({"attributes": {"type": "Case"}, "Id": "5", "Account": {"attributes": {}, "Name": "x"}, "Contact": null});
        assert_eq!(
            bare(read),
            json!({"Id": "5", "Account": {"Name": "x"}, "Contact": null})
        );
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_stays_one_literal(value in any::<String>()) {
            let literal = text(&value);
            let inner = &literal[1..literal.len() - 1];
            let mut escaped = false;
            for character in inner.chars() {
                prop_assert!(escaped || character != '\'');
                escaped = !escaped && character == '\\';
            }
            prop_assert!(!escaped);
        }
    }
}
