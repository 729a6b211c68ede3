//! Record ids: 15 characters that tell capitals from small letters, or 18 that do not need to.
//!
//! The vendor's rule: the last three of the 18 characters say which of the first 15 are capitals. One record has
//! both forms, so only the long one is used inside.

use crate::model::{Category, Failure, RecordId};

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18-character form of an id in either form; `None` for whatever is no id.
pub(super) fn long(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match text.len() {
        18 => Some(text.to_owned()),
        15 => {
            let suffix = text.as_bytes().chunks(5).filter_map(suffix);
            Some(text.chars().chain(suffix).collect())
        }
        _ => None,
    }
}

/// The character that stands for the capitals among five.
fn suffix(five: &[u8]) -> Option<char> {
    let capitals = five.iter().enumerate();
    let number = capitals.fold(0_usize, |sum, (place, byte)| {
        sum | (usize::from(byte.is_ascii_uppercase()) << place)
    });
    DIGITS.get(number).map(|byte| char::from(*byte))
}

/// Whether two ids name the same object, whichever form they have.
pub(super) fn same(one: &str, other: &str) -> bool {
    long(one).is_some_and(|one| long(other) == Some(one))
}

/// The id to be put into an address or a query: nothing but letters and digits.
pub(super) fn checked(id: &RecordId) -> Result<String, Failure> {
    long(id.as_str()).ok_or_else(|| {
        Failure::new(
            Category::Validation,
            format!("`{id}` is no Salesforce record id"),
        )
        .hint("Look at what the trigger sends: it must be the record's Id, 15 or 18 letters and digits.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_widened_and_long_ones_kept() {
        // Pairs that the vendor's pages and fixtures show.
        for (short, wide) in [
            ("0018a00001rBqb8", "0018a00001rBqb8AAC"),
            ("003J800000DeOXj", "003J800000DeOXjIAN"),
            ("00Di0000000icUB", "00Di0000000icUBEAY"),
            ("005i0000002MUqL", "005i0000002MUqLAAW"),
        ] {
            assert_eq!(long(short).as_deref(), Some(wide));
            assert_eq!(long(wide).as_deref(), Some(wide));
            assert!(same(short, wide));
        }
        assert_eq!(
            long(" 0018a00001rBqb8\n").as_deref(),
            Some("0018a00001rBqb8AAC")
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "500",
            "0018a00001rBqb8AACX",
            "0018a00001rBq'8",
            "0018a00001rBqé",
            "00001026",
        ] {
            assert_eq!(long(text), None, "{text}");
        }
        assert!(!same("", ""));
        assert!(!same("0018a00001rBqb8", "0018a00001rBqB8"));
    }
}
