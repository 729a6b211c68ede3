//! Moments, spans and facts in words for people.

use std::time::Duration;

use super::text::{safe, width};
use crate::model::Timestamp;

/// A moment, always in UTC and saying so.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How long ago, under an hour; else when. A dash for never.
pub(super) fn since(at: Option<Timestamp>, now: Timestamp) -> String {
    let Some(at) = at else {
        return "–".to_owned();
    };
    match Duration::try_from(now.duration_since(at)) {
        Ok(ago) if ago < Duration::from_secs(3600) => format!("{} ago", span(ago)),
        _ => moment(at),
    }
}

/// In how long, under an hour; else when.
pub(super) fn until(at: Timestamp, now: Timestamp) -> String {
    match Duration::try_from(at.duration_since(now)) {
        Ok(wait) if wait < Duration::from_secs(3600) => format!("in {}", span(wait)),
        Ok(_) => moment(at),
        Err(_) => "now".to_owned(),
    }
}

/// A span in its largest sensible units.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// Names and values, one pair a line, the values under one another.
pub(super) fn facts<T: AsRef<str>>(facts: &[(&str, T)]) -> String {
    let widest = facts.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in facts {
        let padding = " ".repeat(widest - width(name) + 2);
        text.extend([*name, &padding, &safe(value.as_ref())]);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_under_an_hour_and_absolute_after() {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let before = |seconds| now.checked_sub(Duration::from_secs(seconds)).unwrap();
        assert_eq!(since(Some(before(42)), now), "42 s ago");
        assert_eq!(since(Some(before(3599)), now), "59 min ago");
        assert!(since(Some(before(3600)), now).ends_with("UTC"));
        assert_eq!(since(None, now), "–");
        assert_eq!(until(before(1), now), "now");
        assert_eq!(until(now, before(90)), "in 1 min");
        assert_eq!(span(Duration::from_secs(90_000)), "1 d 1 h");
    }
}
