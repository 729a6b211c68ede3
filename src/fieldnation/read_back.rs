//! Whether Field Nation stored what was sent: wrong shapes are answered with 200 and stored as nothing.
//!
//! Field Nation may write things its own way (HTML, zip+4, phone numbers), and a false alarm costs a person's time;
//! so a field counts as not stored when what matters of it is missing, not when its dress differs.

use std::fmt;

use serde_json::{Map, Value};

use super::moment;
use super::shape::{CustomWrite, Shaped};
use super::work_order::{custom_values, id_of, text_of};

/// A part of a work order that has a call of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    General,
    Schedule,
    Location,
    Pay,
    Custom(u64),
}

/// A field that is not stored as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) section: Section,
    field: String,
    sent: String,
    stored: Option<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`{}`: sent `{}`, stored ",
            self.field,
            short(&self.sent)
        )?;
        match &self.stored {
            Some(stored) => write!(formatter, "`{}`", short(stored)),
            None => formatter.write_str("nothing"),
        }
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Whether an answer holds every part that was sent, so that it can be compared at all.
pub(super) fn covers(stored: &Value, sent: &Shaped) -> bool {
    let has = |name: &str| stored.get(name).is_some();
    let general = sent.general.keys().filter(|name| is_comparable(name));
    general
        .into_iter()
        .all(|name| has(name) || name == "types_of_work" && has("type_of_work"))
        && (sent.schedule.is_empty() || has("schedule"))
        && (sent.location.is_empty() || has("location"))
        && (sent.pay.is_empty() || has("pay"))
        && (sent.custom.is_empty() || has("custom_fields"))
}

/// Members of the response that mirror what the request says.
fn is_comparable(name: &str) -> bool {
    matches!(
        name,
        "title"
            | "description"
            | "confidential"
            | "client"
            | "project"
            | "template"
            | "manager"
            | "types_of_work"
            | "contacts"
            | "incident_id"
            | "printable"
            | "allow_counter_offers"
            | "require_gps"
    )
}

/// Everything that was sent and is not stored.
pub(super) fn compare(sent: &Shaped, stored: &Value) -> Vec<Mismatch> {
    let mut found = Comparison(Vec::new());
    found.general(&sent.general, stored);
    let part = |name: &str| stored.get(name).unwrap_or(&Value::Null);
    found.schedule(&sent.schedule, part("schedule"));
    found.location(&sent.location, part("location"));
    found.pay(&sent.pay, part("pay"));
    found.custom(&sent.custom, stored);
    found.0
}

struct Comparison(Vec<Mismatch>);

impl Comparison {
    fn hold(
        &mut self,
        section: Section,
        field: &str,
        sent: &Value,
        stored: &Value,
        alike: fn(&str, &str) -> bool,
    ) {
        let Some(sent) = text_of(sent) else { return };
        let stored = text_of(stored);
        if !stored.as_deref().is_some_and(|stored| alike(&sent, stored)) {
            self.0.push(Mismatch {
                section,
                field: field.to_owned(),
                sent,
                stored,
            });
        }
    }

    fn general(&mut self, sent: &Map<String, Value>, stored: &Value) {
        let section = Section::General;
        for (name, sent) in sent {
            if !is_comparable(name) {
                continue;
            }
            let there = stored.get(name).unwrap_or(&Value::Null);
            match name.as_str() {
                "description" | "confidential" => {
                    let field = format!("{name}.html");
                    self.hold(
                        section,
                        &field,
                        member(sent, "html"),
                        member(there, "html"),
                        same_words,
                    );
                }
                "client" | "project" | "template" | "manager" => {
                    let field = format!("{name}.id");
                    self.hold(
                        section,
                        &field,
                        member(sent, "id"),
                        member(there, "id"),
                        same_value,
                    );
                }
                "types_of_work" => self.types_of_work(sent, stored),
                "contacts" => self.contacts(sent, there),
                _ => self.hold(section, name, sent, there, same_text),
            }
        }
    }

    fn types_of_work(&mut self, sent: &Value, stored: &Value) {
        let list = stored.get("types_of_work").and_then(Value::as_array);
        let there = list.into_iter().flatten().chain(stored.get("type_of_work"));
        let ids: Vec<u64> = there
            .flat_map(|kind| [kind.get("id"), kind.get("legacyTypeOfWorkId")])
            .filter_map(|id| id_of(id?))
            .collect();
        for id in sent
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|kind| id_of(kind.get("id")?))
        {
            if !ids.contains(&id) {
                let stored = ids
                    .iter()
                    .map(u64::to_string)
                    .collect::<Vec<_>>()
                    .join(", ");
                self.0.push(Mismatch {
                    section: Section::General,
                    field: "types_of_work".to_owned(),
                    sent: id.to_string(),
                    stored: (!stored.is_empty()).then_some(stored),
                });
            }
        }
    }

    fn contacts(&mut self, sent: &Value, stored: &Value) {
        let results = |contacts: &Value| {
            contacts
                .get("results")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let there = results(stored);
        for contact in results(sent) {
            let same = |other: &Value, name: &str, alike: fn(&str, &str) -> bool| {
                let wanted = text_of(member(&contact, name));
                wanted.is_none_or(|wanted| {
                    text_of(member(other, name)).is_some_and(|have| alike(&wanted, &have))
                })
            };
            let stands = there.iter().any(|other| {
                same(other, "name", same_text)
                    && same(other, "email", same_text)
                    && same(other, "phone", same_digits)
            });
            if !stands {
                let shown = ["name", "email", "phone"]
                    .iter()
                    .filter_map(|name| text_of(member(&contact, name)));
                let names = there
                    .iter()
                    .filter_map(|other| text_of(member(other, "name")));
                let names = names.collect::<Vec<_>>().join(", ");
                self.0.push(Mismatch {
                    section: Section::General,
                    field: "contacts".to_owned(),
                    sent: shown.collect::<Vec<_>>().join(", "),
                    stored: (!names.is_empty()).then_some(names),
                });
            }
        }
    }

    fn schedule(&mut self, sent: &Map<String, Value>, stored: &Value) {
        let section = Section::Schedule;
        if let Some(note) = sent.get("schedule_note") {
            self.hold(
                section,
                "schedule.schedule_note",
                note,
                member(stored, "schedule_note"),
                same_words,
            );
        }
        let Some(window) = sent.get("service_window") else {
            return;
        };
        let there = member(stored, "service_window");
        let mode = member(window, "mode");
        self.hold(
            section,
            "schedule.service_window.mode",
            mode,
            member(there, "mode"),
            same_text,
        );
        for name in ["start", "end"] {
            // A time of arrival has no end, whatever was sent for it.
            if name == "end" && mode.as_str() == Some("exact") {
                continue;
            }
            if let Some(sent) = window.get(name) {
                self.moment(
                    &format!("schedule.service_window.{name}"),
                    sent,
                    member(there, name),
                );
            }
        }
    }

    fn moment(&mut self, field: &str, sent: &Value, stored: &Value) {
        let section = Section::Schedule;
        if let Some(wanted) = moment::of_object(sent) {
            if moment::of_object(stored) != Some(wanted) {
                let mismatch = Mismatch {
                    section,
                    field: format!("{field}.utc"),
                    sent: moment::written(wanted),
                    stored: text_of(member(stored, "utc")),
                };
                self.0.push(mismatch);
            }
            return;
        }
        for part in ["date", "time"] {
            let (sent, stored) = (
                member(member(sent, "local"), part),
                member(member(stored, "local"), part),
            );
            self.hold(
                section,
                &format!("{field}.local.{part}"),
                sent,
                stored,
                same_beginning,
            );
        }
    }

    fn location(&mut self, sent: &Map<String, Value>, stored: &Value) {
        for (name, sent) in sent {
            let there = member(stored, name);
            let alike: fn(&str, &str) -> bool = match name.as_str() {
                "address1" | "address2" | "city" | "display_name" => same_words,
                "state" | "country" | "mode" => same_text,
                "zip" => same_beginning,
                "type" | "saved_location" => {
                    let field = format!("location.{name}.id");
                    self.hold(
                        Section::Location,
                        &field,
                        member(sent, "id"),
                        member(there, "id"),
                        same_value,
                    );
                    continue;
                }
                _ => continue,
            };
            self.hold(
                Section::Location,
                &format!("location.{name}"),
                sent,
                there,
                alike,
            );
        }
    }

    fn pay(&mut self, sent: &Map<String, Value>, stored: &Value) {
        for (name, sent) in sent {
            let there = member(stored, name);
            match name.as_str() {
                "type" => self.hold(Section::Pay, "pay.type", sent, there, same_text),
                "hours" => self.hold(Section::Pay, "pay.hours", sent, there, same_value),
                "base" | "additional" => {
                    for part in ["amount", "units"] {
                        let field = format!("pay.{name}.{part}");
                        self.hold(
                            Section::Pay,
                            &field,
                            member(sent, part),
                            member(there, part),
                            same_value,
                        );
                    }
                }
                _ => {}
            }
        }
    }

    fn custom(&mut self, sent: &[CustomWrite], stored: &Value) {
        if sent.is_empty() {
            return;
        }
        let there = custom_values(stored);
        for write in sent {
            let field = there.iter().find(|field| field.id == Some(write.id));
            let value = field.and_then(|field| field.value.clone());
            // Dates and phone numbers come back in the account's own manner.
            let alike: fn(&str, &str) -> bool = match field.map(|field| field.kind) {
                Some("date" | "date_time" | "time") => |_, _| true,
                Some("phone") => same_digits,
                _ => same_value,
            };
            let stands = match &value {
                Some(value) => !write.value.is_empty() && alike(&write.value, value),
                None => write.value.is_empty(),
            };
            if !stands {
                self.0.push(Mismatch {
                    section: Section::Custom(write.id),
                    field: format!("custom_fields[\"{}\"]", write.name),
                    sent: write.value.clone(),
                    stored: value,
                });
            }
        }
    }
}

/// A member of an object; null when there is none.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn same_text(sent: &str, stored: &str) -> bool {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_lowercase)
            .collect::<Vec<_>>()
    };
    words(sent) == words(stored)
}

fn same_value(sent: &str, stored: &str) -> bool {
    match (sent.parse::<f64>(), stored.parse::<f64>()) {
        (Ok(sent), Ok(stored)) => (sent - stored).abs() < 0.005,
        _ => same_text(sent, stored),
    }
}

fn same_digits(sent: &str, stored: &str) -> bool {
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let (sent, stored) = (digits(sent), digits(stored));
    sent.ends_with(&stored) && !stored.is_empty() || stored.ends_with(&sent)
}

/// `55401` and `55401-1234`, `09:00:00` and `09:00`.
fn same_beginning(sent: &str, stored: &str) -> bool {
    let (sent, stored) = (sent.to_lowercase(), stored.to_lowercase());
    !stored.is_empty() && (stored.starts_with(&sent) || sent.starts_with(&stored))
}

/// Whether most words of a text are there: HTML may be cleaned and addresses rewritten, but not lost.
fn same_words(sent: &str, stored: &str) -> bool {
    let (sent, stored) = (words(sent), words(stored));
    let kept = sent.iter().filter(|word| stored.contains(*word)).count();
    sent.is_empty() || kept * 10 >= sent.len() * 7
}

/// The words of a text without its tags and entities.
fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let mut in_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            _ if in_tag => {}
            letter => plain.push(letter),
        }
    }
    // An unclosed `<` is a sign, not a tag.
    let plain = if in_tag { text.to_owned() } else { plain };
    let plain = plain.replace("&amp;", "&").replace("&nbsp;", " ");
    plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty() && !matches!(*word, "lt" | "gt" | "quot"))
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent() -> Shaped {
        let map = |value: Value| value.as_object().unwrap().clone();
        Shaped {
            general: map(json!({
                "title": "Router Installation",
                "description": {"html": "Replace the <b>router</b> &amp; test"},
                "types_of_work": [{"id": 62, "isPrimary": true}],
                "contacts": {"results": [{"name": "Sample Contact", "phone": "+1-555-0100", "role": "Location Contact"}]},
                "require_ontime": true,
            })),
            schedule: map(
                json!({"service_window": {"mode": "exact", "start": {"utc": "2026-07-01 09:00:00"}}}),
            ),
            location: map(
                json!({"mode": "custom", "city": "Minneapolis", "zip": "55401", "country": "US"}),
            ),
            pay: map(json!({"type": "fixed", "base": {"amount": 100, "units": 1}})),
            custom: vec![CustomWrite {
                id: 35,
                name: "Ticket".into(),
                value: "cw-main:69".into(),
            }],
        }
    }

    fn stored() -> Value {
        json!({
            "id": 1, "title": "Router  Installation",
            "description": {"html": "<p>Replace the router &amp; test</p>"},
            "types_of_work": [{"id": 900, "legacyTypeOfWorkId": 62}],
            "contacts": {"results": [{"id": 4, "name": "Sample Contact", "phone": "(1) 555 0100"}]},
            "schedule": {"service_window": {"mode": "exact", "start": {"utc": "2026-07-01 09:00:00", "local": {}}}},
            "location": {"mode": "custom", "city": "MINNEAPOLIS", "zip": "55401-1100", "country": "US"},
            "pay": {"type": "fixed", "base": {"amount": 100.0, "units": 1}},
            "custom_fields": {"results": [{"results": [{"id": 35, "value": "cw-main:69"}]}]},
        })
    }

    #[test]
    fn another_dress_is_no_mismatch() {
        assert_eq!(compare(&sent(), &stored()), []);
        assert!(covers(&stored(), &sent()));
    }

    #[test]
    fn each_lost_field_is_named_with_what_stands_there() {
        for (path, lost, wanted) in [
            (
                "/title",
                json!("Router"),
                "`title`: sent `Router Installation`, stored `Router`",
            ),
            ("/description/html", json!(""), "stored nothing"),
            (
                "/types_of_work",
                json!([]),
                "`types_of_work`: sent `62`, stored nothing",
            ),
            (
                "/contacts/results",
                json!([]),
                "`contacts`: sent `Sample Contact, +1-555-0100`",
            ),
            (
                "/schedule/service_window",
                json!(null),
                "`schedule.service_window.start.utc`: sent `2026-07-01 09:00:00`",
            ),
            (
                "/location/city",
                json!(null),
                "`location.city`: sent `Minneapolis`, stored nothing",
            ),
            (
                "/pay/base/amount",
                json!(10),
                "`pay.base.amount`: sent `100`, stored `10`",
            ),
            (
                "/custom_fields/results",
                json!([]),
                "`custom_fields[\"Ticket\"]`: sent `cw-main:69`, stored nothing",
            ),
        ] {
            let mut stored = stored();
            *stored.pointer_mut(path).unwrap() = lost;
            let found: Vec<String> = compare(&sent(), &stored)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert!(
                found.iter().any(|text| text.contains(wanted)),
                "{path}: {found:?}"
            );
        }
    }

    #[test]
    fn a_stub_can_t_be_compared() {
        assert!(!covers(
            &json!({"id": 998_877, "status": {"id": 1, "name": "Draft"}}),
            &sent()
        ));
    }

    #[test]
    fn an_emptied_custom_field_must_be_empty() {
        let mut sent = sent();
        sent.custom[0].value.clear();
        assert_eq!(compare(&sent, &stored()).len(), 1);
    }
}
