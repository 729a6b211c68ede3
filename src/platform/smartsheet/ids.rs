//! What names a row: `<SHEET_ID>-<ROW_ID>`. Both are 64-bit numbers, some beyond what a floating-point number holds
//! exactly, so they are whole numbers or text everywhere and nothing between.

use std::fmt;

use crate::model::{Category, Failure, RecordId};
use crate::platform::basics::digits;

/// A row of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowPlace {
    pub(super) sheet: u64,
    pub(super) row: u64,
}

impl RowPlace {
    /// Reads `<SHEET_ID>-<ROW_ID>`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sheet, row) = text.trim().split_once('-')?;
        Some(Self {
            sheet: digits(sheet.as_bytes())?,
            row: digits(row.as_bytes())?,
        })
    }

    /// The record id that stands for it.
    pub(super) fn record_id(self) -> RecordId {
        RecordId::new(self.to_string())
    }

    /// The row that a record id names, which must be on this sheet.
    pub(super) fn on(sheet: u64, id: &RecordId) -> Result<Self, Failure> {
        match Self::parse(id.as_str()) {
            Some(place) if place.sheet == sheet => Ok(place),
            Some(place) => Err(Failure::new(
                Category::Validation,
                format!(
                    "`{id}` is a row of sheet {}, and this connector carries sheet {sheet}",
                    place.sheet
                ),
            )
            .hint("One connector carries one sheet: make another connector for the other sheet.")),
            None => Err(
                Failure::new(Category::Validation, format!("`{id}` is no Smartsheet row"))
                    .hint("A row is named by its sheet's and its own number: <SHEET_ID>-<ROW_ID>."),
            ),
        }
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.sheet, self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_named_by_two_whole_numbers() {
        let place = RowPlace::parse("4583173393803140-9007199254740993").unwrap();
        assert_eq!(place.row, 9_007_199_254_740_993);
        assert_eq!(
            place.record_id().as_str(),
            "4583173393803140-9007199254740993"
        );
        for wrong in [
            "",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "0-1",
            "1-x",
            "1.5-2",
            "1-9999999999999999999",
        ] {
            assert_eq!(RowPlace::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_row_of_another_sheet_is_not_ours() {
        let id = RecordId::new("1-2");
        assert!(RowPlace::on(1, &id).is_ok());
        let failure = RowPlace::on(3, &id).unwrap_err();
        assert!(failure.cause.contains("sheet 1"), "{failure}");
    }
}
