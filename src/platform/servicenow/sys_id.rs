//! The vendor's ids: 32 hexadecimal digits, also of records, users, tables and files.

use std::fmt;

use crate::model::{Category, Failure, RecordId};

/// A `sys_id` that can stand in a path or a query as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SysId(String);

impl SysId {
    /// Reads one, in either case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The one that a record id stands for.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn of(id: &RecordId) -> Result<Self, Failure> {
        Self::parse(id.as_str()).ok_or_else(|| {
            Failure::new(
                Category::Validation,
                format!("`{id}` is no ServiceNow sys_id"),
            )
            .hint("Look at what the trigger sends: it must be the record's sys_id, 32 hexadecimal digits.")
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The record id that it makes.
    pub(super) fn record(&self) -> RecordId {
        RecordId::new(self.0.clone())
    }
}

impl fmt::Display for SysId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_hexadecimal_digits_are_an_id() {
        let id = "A9E30C7DC61122760116894DE7BCC7BD";
        assert_eq!(SysId::parse(id).unwrap().as_str(), id.to_lowercase());
        for text in [
            "",
            "glide.maint",
            "a9e30c7d",
            "a9e30c7dc61122760116894de7bcc7b/",
            "../../sys_user/46c6f9efa9fe19810",
        ] {
            assert!(SysId::parse(text).is_none(), "{text}");
        }
    }
}
