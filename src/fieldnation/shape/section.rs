//! Schedule, location and pay.

use serde_json::{Map, Value, json};

use super::general::{Shaper, name_in, text};
use super::{LOCATION_MODES, PAY_TYPES, Purpose, WINDOW_MODES};
use crate::fieldnation::address::{country_code, state_code};
use crate::fieldnation::directory::unknown;
use crate::fieldnation::moment;
use crate::fieldnation::work_order::text_of;

impl Shaper<'_> {
    pub(super) fn schedule(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            match name.as_str() {
                "service_window" => self.service_window(value),
                "time_zone" => {
                    if let Some(zone) = self.id_object("schedule.time_zone", &value) {
                        self.shaped.schedule.insert(name, zone);
                    }
                }
                "schedule_note" => {
                    self.shaped.schedule.insert(name, text(&value));
                }
                "schedule_option" => {
                    if let Some(number) = self.number("schedule.schedule_option", &value) {
                        self.shaped.schedule.insert(name, number);
                    }
                }
                _ => {
                    let known = [
                        "service_window",
                        "time_zone",
                        "schedule_note",
                        "schedule_option",
                        "start",
                        "end",
                    ];
                    self.problem(format!(
                        "schedule: {}",
                        unknown("field", &name, known.into_iter())
                    ));
                }
            }
        }
    }

    fn service_window(&mut self, value: Value) {
        let Value::Object(members) = value else {
            self.problem("`schedule.service_window` takes an object with mode, start and end");
            return;
        };
        let mut window = Map::new();
        for (name, value) in members {
            if value.is_null() {
                continue;
            }
            let place = format!("schedule.service_window.{name}");
            match name.as_str() {
                "mode" => {
                    if let Some(mode) = self.word(&place, &value, &WINDOW_MODES) {
                        window.insert(name, mode);
                    }
                }
                "start" | "end" => match moment::shape(&value) {
                    Ok(moment) => {
                        window.insert(name, moment);
                    }
                    Err(why) => self.problem(format!("`{place}`: {why}")),
                },
                _ => self.problem(unknown(
                    "field",
                    &place,
                    ["mode", "start", "end"].into_iter(),
                )),
            }
        }
        if window.is_empty() {
            return;
        }
        if self.purpose == Purpose::Create && !window.contains_key("mode") {
            window.insert("mode".to_owned(), json!(default_window_mode(&window)));
        }
        self.shaped
            .schedule
            .insert("service_window".to_owned(), Value::Object(window));
    }

    pub(super) fn location(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            let shaped = match name.as_str() {
                "mode" => self.word("location.mode", &value, &LOCATION_MODES),
                "address1" | "address2" | "city" | "zip" | "display_name" | "save_location" => {
                    Some(text(&value))
                }
                "state" => Some(json!(state_code(&text_of(&value).unwrap_or_default()))),
                "country" => self.country(&value),
                "type" => self.id_object("location.type", &value),
                "saved_location" => self.id_object("location.saved_location", &value),
                "save_location_group" => self.number("location.save_location_group", &value),
                _ => {
                    let known = [
                        "mode",
                        "address1",
                        "address2",
                        "city",
                        "state",
                        "zip",
                        "country",
                        "display_name",
                        "type",
                        "saved_location",
                    ];
                    self.problem(format!(
                        "location: {}",
                        unknown("field", &name, known.into_iter())
                    ));
                    None
                }
            };
            if let Some(shaped) = shaped {
                self.shaped.location.insert(name, shaped);
            }
        }
        let location = &mut self.shaped.location;
        if self.purpose == Purpose::Create && !location.is_empty() && !location.contains_key("mode")
        {
            let mode = if location.contains_key("saved_location") {
                "location"
            } else {
                "custom"
            };
            location.insert("mode".to_owned(), json!(mode));
        }
    }

    fn country(&mut self, value: &Value) -> Option<Value> {
        // ConnectWise and others give an object with a name.
        let text = name_in(value)?;
        let code = country_code(&text);
        if code.is_none() {
            self.problem(format!(
                "`location.country` takes a two-letter code, and `{text}` is no country we know"
            ));
        }
        code.map(Value::String)
    }

    pub(super) fn pay(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            let shaped = match name.as_str() {
                "type" => self.word("pay.type", &value, &PAY_TYPES),
                "hours" => self.number("pay.hours", &value),
                "base" | "additional" => self.rate(&name, value),
                "finance" => self.id_object("pay.finance", &value),
                "bonuses" | "penalties" | "expenses" => Some(value),
                _ => {
                    let known = ["type", "hours", "base", "additional", "finance"];
                    self.problem(format!(
                        "pay: {}",
                        unknown("field", &name, known.into_iter())
                    ));
                    None
                }
            };
            if let Some(shaped) = shaped {
                self.shaped.pay.insert(name, shaped);
            }
        }
    }

    fn rate(&mut self, name: &str, value: Value) -> Option<Value> {
        let Value::Object(members) = value else {
            self.problem(format!(
                "`pay.{name}` takes an object with amount and units"
            ));
            return None;
        };
        let mut rate = Map::new();
        for (part, value) in members {
            let place = format!("pay.{name}.{part}");
            if !matches!(part.as_str(), "amount" | "units") {
                self.problem(unknown("field", &place, ["amount", "units"].into_iter()));
            } else if let Some(number) = self.number(&place, &value) {
                rate.insert(part, number);
            }
        }
        if self.purpose == Purpose::Create
            && rate.contains_key("amount")
            && !rate.contains_key("units")
        {
            rate.insert("units".to_owned(), json!(1));
        }
        (!rate.is_empty()).then_some(Value::Object(rate))
    }
}

/// What a service window without a mode means: a range when it has an end, else a time of arrival.
pub(in crate::fieldnation) fn default_window_mode(window: &Map<String, Value>) -> &'static str {
    if window.contains_key("end") {
        "between"
    } else {
        "exact"
    }
}
