//! The sheet "Field jobs": its columns, and how a caller sees them.

use serde_json::{Value, json};

/// The sheet's number.
pub(super) const SHEET: u64 = 4_583_173_393_803_140;

/// The sheet's name.
pub(super) const NAME: &str = "Field jobs";

/// What the marker stands in.
pub(super) const MARKER: &str = "FN work order";

/// What a dispatcher ticks.
pub(super) const TRIGGER: &str = "Send to FN";

/// A column's type, as the vendor names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    TextNumber,
    Checkbox,
    Picklist(&'static [&'static str]),
    MultiPicklist(&'static [&'static str]),
    Contact,
    MultiContact,
    Date,
    DateTime,
}

impl Type {
    /// The name at a level: without it, what holds several looks like text.
    pub(super) fn name(self, level: u64) -> &'static str {
        match self {
            Self::Checkbox => "CHECKBOX",
            Self::Picklist(_) => "PICKLIST",
            Self::MultiContact if level >= 1 => "MULTI_CONTACT_LIST",
            Self::MultiPicklist(_) if level >= 2 => "MULTI_PICKLIST",
            Self::TextNumber | Self::MultiPicklist(_) | Self::MultiContact => "TEXT_NUMBER",
            Self::Contact => "CONTACT_LIST",
            Self::Date => "DATE",
            Self::DateTime => "DATETIME",
        }
    }

    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Picklist(options) | Self::MultiPicklist(options) => options,
            _ => &[],
        }
    }
}

/// What is special about a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    Plain,
    Primary,
    /// Only admins write it.
    Locked,
    /// A formula fills it.
    Formula(&'static str),
    /// Smartsheet fills it.
    System(&'static str),
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) id: u64,
    pub(super) title: &'static str,
    pub(super) kind: Type,
    pub(super) nature: Nature,
}

const STATUSES: &[&str] = &[
    "Open",
    "Scheduled",
    "Work Done",
    "Complete",
    "Cancelled",
    "On Hold",
];
const SKILLS: &[&str] = &["Cabling", "Printers", "Registers"];

const COLUMNS: [(&str, Type, Nature); 24] = [
    ("Task Name", Type::TextNumber, Nature::Primary),
    ("Description", Type::TextNumber, Nature::Plain),
    (TRIGGER, Type::Checkbox, Nature::Plain),
    ("Status", Type::Picklist(STATUSES), Nature::Plain),
    ("Site name", Type::TextNumber, Nature::Plain),
    ("Site address", Type::TextNumber, Nature::Plain),
    ("Site city", Type::TextNumber, Nature::Plain),
    ("Site state", Type::TextNumber, Nature::Plain),
    ("Site zip", Type::TextNumber, Nature::Plain),
    ("Site contact", Type::Contact, Nature::Plain),
    ("Site phone", Type::TextNumber, Nature::Plain),
    ("Visit date", Type::Date, Nature::Plain),
    ("Visit time", Type::TextNumber, Nature::Plain),
    ("Pay", Type::TextNumber, Nature::Plain),
    ("Skills", Type::MultiPicklist(SKILLS), Nature::Plain),
    ("Watchers", Type::MultiContact, Nature::Plain),
    (MARKER, Type::TextNumber, Nature::Plain),
    ("FN technician", Type::TextNumber, Nature::Plain),
    ("FN visit", Type::TextNumber, Nature::Plain),
    ("FN closing notes", Type::TextNumber, Nature::Plain),
    ("Budget code", Type::TextNumber, Nature::Locked),
    (
        "Pay and half",
        Type::TextNumber,
        Nature::Formula("=Pay@row * 1.5"),
    ),
    ("Created", Type::DateTime, Nature::System("CREATED_DATE")),
    ("Job", Type::TextNumber, Nature::System("AUTO_NUMBER")),
];

/// The sheet's columns. Their numbers are as large as the vendor's.
pub(super) fn columns() -> Vec<Column> {
    let numbered = (0_u64..).map(|place| 2_650_235_767_940_996 + place * 4);
    COLUMNS
        .iter()
        .zip(numbered)
        .map(|((title, kind, nature), id)| Column {
            id,
            title,
            kind: *kind,
            nature: *nature,
        })
        .collect()
}

impl Column {
    /// The column as the API shows it at a level, to somebody who may or may not write locked ones.
    pub(super) fn shown(&self, index: usize, level: u64, is_admin: bool) -> Value {
        let name = self.kind.name(level);
        let version = match name {
            "MULTI_CONTACT_LIST" => 1,
            "MULTI_PICKLIST" => 2,
            _ => 0,
        };
        let mut shown = json!({
            "id": self.id,
            "version": version,
            "index": index,
            "title": self.title,
            "type": name,
            "validation": matches!(self.kind, Type::Picklist(_)),
            "width": 150,
        });
        if !self.kind.options().is_empty() && name != "TEXT_NUMBER" {
            shown["options"] = json!(self.kind.options());
        }
        match self.nature {
            Nature::Plain => {}
            Nature::Primary => shown["primary"] = json!(true),
            Nature::Locked => {
                shown["locked"] = json!(true);
                shown["lockedForUser"] = json!(!is_admin);
            }
            Nature::Formula(formula) => shown["formula"] = json!(formula),
            Nature::System(name) => shown["systemColumnType"] = json!(name),
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_several_looks_like_text_without_the_level() {
        let skills = columns()
            .into_iter()
            .find(|column| column.title == "Skills")
            .unwrap();
        assert_eq!(skills.shown(0, 2, true)["type"], "MULTI_PICKLIST");
        assert_eq!(skills.shown(0, 1, true)["type"], "TEXT_NUMBER");
        assert!(skills.shown(0, 1, true).get("options").is_none());
    }
}
