//! Numbers and times as people read them.

use std::time::Duration;

use crate::model::Timestamp;

/// A count; beyond 9,999 in thousands (`12.3k`) and beyond 999,999 in millions.
#[must_use]
pub fn count(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_949 => scaled(number, 1_000, 'k'),
        _ => scaled(number, 1_000_000, 'M'),
    }
}

fn scaled(number: u64, unit: u64, letter: char) -> String {
    let tenths = (number + unit / 20) / (unit / 10);
    format!("{}.{}{letter}", tenths / 10, tenths % 10)
}

/// How long ago, under an hour; the time of day after that, and the day with it when it is another one. UTC.
#[must_use]
pub fn ago(now: Timestamp, moment: Timestamp) -> String {
    match between(moment, now).as_secs() {
        seconds @ 0..=59 => format!("{seconds}s ago"),
        seconds @ 60..=3599 => format!("{}m ago", seconds / 60),
        _ => at(now, moment),
    }
}

/// The time of day, with the day before it when it is not today. UTC.
#[must_use]
pub fn at(now: Timestamp, moment: Timestamp) -> String {
    let same_day = now.strftime("%F").to_string() == moment.strftime("%F").to_string();
    let pattern = if same_day { "%H:%M" } else { "%m-%d %H:%M" };
    moment.strftime(pattern).to_string()
}

/// The time of day to the second, UTC.
#[must_use]
pub fn clock(moment: Timestamp) -> String {
    moment.strftime("%H:%M:%S").to_string()
}

/// The time of day to the millisecond, UTC.
#[must_use]
pub fn precise(moment: Timestamp) -> String {
    moment.strftime("%H:%M:%S.%3f").to_string()
}

/// The whole moment to the second, UTC.
#[must_use]
pub fn full(moment: Timestamp) -> String {
    moment.strftime("%F %H:%M:%S UTC").to_string()
}

/// The time from one moment to a later one; nothing when it is not later.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// The time until a moment, as a countdown (`0:28`), or `now`.
#[must_use]
pub fn countdown(now: Timestamp, moment: Timestamp) -> String {
    match between(now, moment).as_secs() {
        0 => "now".to_owned(),
        seconds @ 1..=3599 => format!("{}:{:02}", seconds / 60, seconds % 60),
        seconds => span(Duration::from_secs(seconds)),
    }
}

/// A stretch of time in its two greatest units: `0.4 s`, `28 s`, `3m 5s`, `1d 2h`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("0.{} s", duration.subsec_millis() / 100),
        1..=59 => format!("{seconds} s"),
        60..=3599 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// How long a step or call took, given in microseconds.
#[must_use]
pub fn took(microseconds: u64) -> String {
    match microseconds {
        0..=999 => format!("{microseconds} µs"),
        1_000..=9_999_999 => format!("{} ms", microseconds / 1_000),
        _ => format!("{} s", microseconds / 1_000_000),
    }
}

/// A size in bytes.
#[must_use]
pub fn bytes(size: usize) -> String {
    match size {
        0..=1_023 => format!("{size} B"),
        1_024..=1_048_575 => format!("{} KiB", size / 1_024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn counts_shorten_beyond_four_digits() {
        assert_eq!(count(9_999), "9999");
        assert_eq!(count(12_345), "12.3k");
        assert_eq!(count(999_960), "1.0M");
        assert_eq!(count(2_450_000), "2.5M");
    }

    #[test]
    fn times_are_relative_under_an_hour() {
        let now = moment("2026-07-22T14:02:11Z");
        assert_eq!(ago(now, moment("2026-07-22T14:02:09Z")), "2s ago");
        assert_eq!(ago(now, moment("2026-07-22T13:40:00Z")), "22m ago");
        assert_eq!(ago(now, moment("2026-07-22T11:02:00Z")), "11:02");
        assert_eq!(ago(now, moment("2026-07-21T11:02:00Z")), "07-21 11:02");
        assert_eq!(ago(now, moment("2026-07-22T14:02:20Z")), "0s ago");
    }

    #[test]
    fn spans_name_their_two_greatest_units() {
        assert_eq!(span(Duration::from_millis(430)), "0.4 s");
        assert_eq!(span(Duration::from_secs(93_600)), "1d 2h");
        let now = moment("2026-07-22T14:02:11Z");
        assert_eq!(countdown(now, moment("2026-07-22T14:02:39Z")), "0:28");
        assert_eq!(countdown(now, moment("2026-07-22T14:02:01Z")), "now");
    }
}
