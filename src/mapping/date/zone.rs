//! Time zones by IANA name, Windows name or offset.

use jiff::tz::TimeZone;

use crate::mapping::suggest;

/// A time zone and the name by which it was asked for.
#[derive(Clone, Debug)]
pub struct Zone {
    name: Box<str>,
    time_zone: TimeZone,
}

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no time zone{}; take an IANA name such as America/New_York", suggest::clause(.nearest.as_deref()))]
pub struct UnknownZone {
    /// The text.
    pub name: String,
    /// The name that was probably meant.
    pub nearest: Option<String>,
}

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".into(),
            time_zone: TimeZone::UTC,
        }
    }

    /// The zone of a name: IANA (`America/New_York`), Windows (`Eastern Standard Time`) or an offset (`+02:00`).
    ///
    /// # Errors
    /// [`UnknownZone`] with the nearest name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let found = match name {
            "" => None,
            "UTC" | "utc" | "Z" | "GMT" => Some(TimeZone::UTC),
            _ => TimeZone::get(iana_name(name)).ok().or_else(|| offset(name)),
        };
        match found {
            Some(time_zone) => Ok(Self {
                name: name.into(),
                time_zone,
            }),
            None => Err(UnknownZone {
                name: name.chars().take(60).collect(),
                nearest: nearest(name),
            }),
        }
    }

    /// The name by which it was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }
}

/// The names that a zone can have: those of IANA, then those of Windows, each with the IANA name it stands for.
pub fn names() -> impl Iterator<Item = (String, Option<&'static str>)> {
    let iana = jiff::tz::db()
        .available()
        .map(|zone| (zone.as_str().to_owned(), None));
    iana.chain(
        WINDOWS
            .iter()
            .map(|(windows, iana)| ((*windows).to_owned(), Some(*iana))),
    )
}

fn offset(text: &str) -> Option<TimeZone> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let two_digits = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
    let (hours, minutes) = (
        two_digits(hours)?,
        two_digits(minutes).filter(|minutes| *minutes < 60)?,
    );
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    jiff::tz::Offset::from_seconds(seconds)
        .ok()
        .map(TimeZone::fixed)
}

fn nearest(name: &str) -> Option<String> {
    let known: Vec<String> = names().map(|(name, _)| name).collect();
    suggest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

fn iana_name(name: &str) -> &str {
    WINDOWS
        .iter()
        .find(|(windows, _)| windows.eq_ignore_ascii_case(name))
        .map_or(name, |(_, iana)| iana)
}

/// The Windows names that platforms of the Microsoft world give, with the IANA zone that Unicode's CLDR names first for each.
const WINDOWS: [(&str, &str); 60] = [
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("China Standard Time", "Asia/Shanghai"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Eastern Standard Time (Mexico)", "America/Cancun"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Greenland Standard Time", "America/Godthab"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Calcutta"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Mountain Standard Time", "America/Denver"),
    ("Mountain Standard Time (Mexico)", "America/Mazatlan"),
    ("Myanmar Standard Time", "Asia/Rangoon"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("UTC-11", "Etc/GMT+11"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_windows_name_is_a_zone() {
        for (windows, iana) in WINDOWS {
            assert!(Zone::named(windows).is_ok(), "{windows} → {iana}");
        }
    }

    #[test]
    fn offsets_and_old_names_work() {
        for name in [
            "US/Eastern",
            "+02:00",
            "-05:30",
            "UTC",
            "Z",
            "eastern standard time",
        ] {
            assert!(Zone::named(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn an_unknown_zone_suggests_the_nearest() {
        assert_eq!(
            Zone::named("America/NewYork")
                .unwrap_err()
                .nearest
                .as_deref(),
            Some("America/New_York")
        );
        for name in ["", "+2", "+99:00", "Nowhere/At_All"] {
            assert!(Zone::named(name).is_err(), "{name}");
        }
    }
}
