//! Dates as Field Nation wants and gives them: `{"utc": "YYYY-MM-DD HH:mm:ss"}`, or local date and time of the site.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::work_order::text_of;
use crate::model::Timestamp;

/// How Field Nation writes a moment.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// A moment as Field Nation writes it, in UTC.
pub(super) fn written(moment: Timestamp) -> String {
    moment.strftime(FORMAT).to_string()
}

/// Reads a moment with or without an offset; one without is UTC.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let zoneless = text.parse::<DateTime>().ok()?;
    zoneless
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// The moment of a `{utc}` object.
pub(super) fn of_object(value: &Value) -> Option<Timestamp> {
    read(value.get("utc")?.as_str()?)
}

/// Turns what a mapping gives for a date into the object that Field Nation stores. A date without time is midnight
/// at the site, because a day has no moment in UTC.
pub(super) fn shape(value: &Value) -> Result<Value, String> {
    match value {
        Value::Object(parts) => shape_object(parts),
        other => {
            let text = text_of(other).ok_or("it is empty")?;
            if let Ok(date) = text.parse::<Date>()
                && !text.contains(':')
            {
                return Ok(local(date, Time::midnight()));
            }
            utc(&text)
        }
    }
}

fn shape_object(parts: &Map<String, Value>) -> Result<Value, String> {
    if let Some(text) = parts.get("utc").and_then(text_of) {
        return utc(&text);
    }
    let part = |name: &str| parts.get("local")?.get(name).and_then(text_of);
    let date = part("date").ok_or("neither utc nor local.date is given")?;
    let date = date
        .parse::<Date>()
        .map_err(|_| format!("`{date}` is no date; write YYYY-MM-DD"))?;
    let time = part("time").unwrap_or_else(|| "00:00:00".to_owned());
    let time = time
        .parse::<Time>()
        .map_err(|_| format!("`{time}` is no time; write HH:MM:SS"))?;
    Ok(local(date, time))
}

fn utc(text: &str) -> Result<Value, String> {
    let moment = read(text).ok_or_else(|| {
        format!(
            "`{text}` is no date; convert it to YYYY-MM-DD HH:mm:ss in UTC (action date_convert)"
        )
    })?;
    Ok(json!({ "utc": written(moment) }))
}

fn local(date: Date, time: Time) -> Value {
    json!({"local": {"date": date.strftime("%Y-%m-%d").to_string(), "time": time.strftime("%H:%M:%S").to_string()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_what_strict_fields_take() {
        for (given, wanted) in [
            (
                json!("2026-07-01 09:00:00"),
                json!({"utc": "2026-07-01 09:00:00"}),
            ),
            (
                json!("2026-07-01T09:00:00Z"),
                json!({"utc": "2026-07-01 09:00:00"}),
            ),
            (
                json!("2026-07-01T09:00:00-05:00"),
                json!({"utc": "2026-07-01 14:00:00"}),
            ),
            (
                json!({"utc": "2026-07-01T09:00:00Z"}),
                json!({"utc": "2026-07-01 09:00:00"}),
            ),
            (
                json!("2026-07-01"),
                json!({"local": {"date": "2026-07-01", "time": "00:00:00"}}),
            ),
            (
                json!({"local": {"date": "2026-07-07", "time": "09:00"}}),
                json!({"local": {"date": "2026-07-07", "time": "09:00:00"}}),
            ),
        ] {
            assert_eq!(shape(&given).unwrap(), wanted, "{given}");
        }
    }

    #[test]
    fn what_is_no_date_is_said_so() {
        for given in [
            json!("tomorrow"),
            json!(""),
            json!({}),
            json!({"local": {"date": "07/01/2026"}}),
        ] {
            assert!(shape(&given).is_err(), "{given}");
        }
    }
}
