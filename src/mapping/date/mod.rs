//! Dates as mapping rules and scripts convert them: moment's tokens, IANA and Windows zones.

mod format;
mod parse;
mod print;
mod zone;

use jiff::Zoned;
use jiff::tz::TimeZone;

pub use format::{Format, FormatError};
pub use parse::Unparsable;
pub use zone::{UnknownZone, Zone, names as zone_names};

/// Field Nation's way to write a moment in UTC.
pub const FIELD_NATION_UTC: &str = "YYYY-MM-DD HH:mm:ss";

/// What tries are made when a script names no format, in this order.
const GUESSES: [&str; 5] = [
    FIELD_NATION_UTC,
    "YYYY-MM-DD",
    "YYYY-MM-DDTHH:mm:ssZ",
    "YYYY-MM-DDTHH:mm:ss.SSSZ",
    "YYYY-MM-DDTHH:mm:ss",
];

/// A conversion, with everything that can be prepared done once.
#[derive(Clone, Debug)]
pub struct DateConversion {
    /// How the source is written.
    pub input: Format,
    /// How the target is written.
    pub output: Format,
    /// The zone of a source that says none.
    pub zone_in: Zone,
    /// The zone of the target.
    pub zone_out: Zone,
}

/// Why a pair of formats can't be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitFormats {
    /// The day is needed and not given.
    #[error("the input format has no {missing}, which the output needs")]
    Missing {
        /// What is missing.
        missing: &'static str,
    },
}

/// Why a date could not be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text is not written as the format says.
    #[error(transparent)]
    Unparsable(#[from] Unparsable),
    /// There is no such day or moment.
    #[error("`{text}` is no date that exists")]
    Impossible {
        /// The text.
        text: String,
    },
    /// The format is wrong.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The zone is wrong.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// The formats don't go together.
    #[error(transparent)]
    Unfit(#[from] UnfitFormats),
    /// No format was named and none of the usual ones fits.
    #[error(
        "`{text}` is written in none of the usual ways: say the format, such as \"{FIELD_NATION_UTC}\""
    )]
    NoGuess {
        /// The text.
        text: String,
    },
}

impl DateConversion {
    /// A conversion, if the input says what the output needs.
    ///
    /// # Errors
    /// [`UnfitFormats`] when the input lacks the year, or the day where it is needed.
    pub fn new(
        input: Format,
        output: Format,
        zone_in: Zone,
        zone_out: Zone,
    ) -> Result<Self, UnfitFormats> {
        let given = input.given();
        let same_zone = zone_in.name() == zone_out.name();
        if !given.year {
            // A time of day alone can be rewritten, but not carried to another zone.
            let missing = if given.any_date { "year" } else { "date" };
            if given.any_date || output.needs_date() || !same_zone {
                return Err(UnfitFormats::Missing { missing });
            }
        }
        Ok(Self {
            input,
            output,
            zone_in,
            zone_out,
        })
    }

    /// Converts a text.
    ///
    /// A local time that the clocks jump over is moved forward, one that occurs twice is the earlier.
    ///
    /// # Errors
    /// [`DateError`] when the text is not written as the input format says, or names no moment.
    pub fn convert(&self, text: &str) -> Result<String, DateError> {
        let moment = self.moment(text)?;
        Ok(print::print(
            &self.output,
            &moment.with_time_zone(self.zone_out.time_zone().clone()),
        ))
    }

    fn moment(&self, text: &str) -> Result<Zoned, DateError> {
        read(&self.input, text, self.zone_in.time_zone())
    }
}

/// Converts with formats and zones given as text, as scripts do.
///
/// # Errors
/// [`DateError`] when anything of it is wrong.
pub fn convert(
    text: &str,
    formats: (&str, &str),
    zones: (&str, &str),
) -> Result<String, DateError> {
    let input = Format::parse(formats.0)?;
    let output = Format::parse(formats.1)?;
    let (zone_in, zone_out) = (Zone::named(zones.0)?, Zone::named(zones.1)?);
    DateConversion::new(input, output, zone_in, zone_out)?.convert(text)
}

/// The same time on the next day, written the same way; an empty format means one of the usual ones.
///
/// # Errors
/// [`DateError`] when the text can't be read.
pub fn add_day(text: &str, format: &str) -> Result<String, DateError> {
    if format.is_empty() {
        let fitting = GUESSES.iter().find_map(|guess| add_day(text, guess).ok());
        return fitting.ok_or_else(|| DateError::NoGuess {
            text: text.to_owned(),
        });
    }
    let format = Format::parse(format)?;
    if !format.given().year {
        return Err(UnfitFormats::Missing { missing: "year" }.into());
    }
    let moment = read(&format, text, &TimeZone::UTC)?;
    let next = moment
        .checked_add(jiff::Span::new().days(1))
        .map_err(|_| impossible(text))?;
    Ok(print::print(&format, &next))
}

fn impossible(text: &str) -> DateError {
    DateError::Impossible {
        text: text.chars().take(60).collect(),
    }
}

/// Reads a moment; it keeps the offset the text gives, else gets the zone.
fn read(format: &Format, text: &str, zone: &TimeZone) -> Result<Zoned, DateError> {
    let parsed = parse::parse(format, text)?;
    if let Some(moment) = parsed.moment() {
        return Ok(moment
            .map_err(|_| impossible(text))?
            .to_zoned(TimeZone::UTC));
    }
    let local = parsed.local().map_err(|_| impossible(text))?;
    let zone = parsed
        .offset()
        .map_or_else(|| zone.clone(), TimeZone::fixed);
    let moment = zone
        .to_ambiguous_zoned(local)
        .compatible()
        .map_err(|_| impossible(text))?;
    if parsed
        .weekday()
        .is_some_and(|said| said != moment.weekday())
    {
        return Err(impossible(text));
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str, input: &str, output: &str) -> Result<String, DateError> {
        convert(text, (input, output), ("UTC", "UTC"))
    }

    #[test]
    fn the_published_vectors_hold() {
        for (text, input, output, zone, expected) in [
            (
                "2025-01-20 09:00:00",
                FIELD_NATION_UTC,
                "MM/DD/YYYY h:mm:ss A",
                "America/New_York",
                "01/20/2025 4:00:00 AM",
            ),
            (
                "2025-07-01 18:05:00",
                FIELD_NATION_UTC,
                "MM/DD/YYYY hh:mm A",
                "America/Chicago",
                "07/01/2025 01:05 PM",
            ),
            (
                "2025-01-15",
                "YYYY-MM-DD",
                FIELD_NATION_UTC,
                "UTC",
                "2025-01-15 00:00:00",
            ),
            (
                "2025-01-15",
                "YYYY-MM-DD",
                FIELD_NATION_UTC,
                "America/New_York",
                "2025-01-14 19:00:00",
            ),
            (
                "2025-01-15",
                "YYYY-MM-DD",
                "MM/DD/YYYY",
                "UTC",
                "01/15/2025",
            ),
        ] {
            assert_eq!(
                convert(text, (input, output), ("UTC", zone)).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn an_offset_in_the_text_wins_over_the_zone() {
        let formats = ("YYYY-MM-DDTHH:mm:ssZ", FIELD_NATION_UTC);
        for (text, expected) in [
            ("2025-01-15T09:00:00Z", "2025-01-15 09:00:00"),
            ("2025-01-15T09:00:00+02:00", "2025-01-15 07:00:00"),
            ("2025-01-15T09:00:00-0530", "2025-01-15 14:30:00"),
        ] {
            assert_eq!(
                convert(text, formats, ("Asia/Tokyo", "UTC")).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn gaps_move_forward_and_folds_are_the_earlier() {
        let formats = (FIELD_NATION_UTC, FIELD_NATION_UTC);
        let zones = ("America/New_York", "UTC");
        assert_eq!(
            convert("2026-03-08 02:30:00", formats, zones).unwrap(),
            "2026-03-08 07:30:00"
        );
        assert_eq!(
            convert("2026-11-01 01:30:00", formats, zones).unwrap(),
            "2026-11-01 05:30:00"
        );
    }

    #[test]
    fn unix_time_reads_and_writes() {
        assert_eq!(
            utc("1737363600", "X", FIELD_NATION_UTC).unwrap(),
            "2025-01-20 09:00:00"
        );
        assert_eq!(
            utc("1737363600123", "x", "YYYY-MM-DDTHH:mm:ss.SSSZ").unwrap(),
            "2025-01-20T09:00:00.123+00:00"
        );
        assert_eq!(
            utc("2025-01-20 09:00:00", FIELD_NATION_UTC, "X").unwrap(),
            "1737363600"
        );
        assert_eq!(
            utc("2025-01-20 09:00:00", FIELD_NATION_UTC, "x").unwrap(),
            "1737363600000"
        );
        assert_eq!(utc("-1.5", "X", "x").unwrap(), "-1500");
    }

    #[test]
    fn what_is_not_written_so_or_does_not_exist_is_refused() {
        for (text, format) in [
            ("2025-1-15", "YYYY-MM-DD"),
            ("2025-01-15 ", "YYYY-MM-DD"),
            ("2025-02-30", "YYYY-MM-DD"),
            ("2025-13-01", "YYYY-MM-DD"),
            ("15/01/2025", "YYYY-MM-DD"),
            ("", "YYYY-MM-DD"),
            ("2025-01-15 24:00", "YYYY-MM-DD HH:mm"),
            ("2025-01-15 13:00 PM", "YYYY-MM-DD hh:mm A"),
            ("2025-01-15T09:00:00+99:00", "YYYY-MM-DDTHH:mm:ssZ"),
            ("Mon 2025-01-15", "ddd YYYY-MM-DD"),
            ("99999999999999999999", "X"),
        ] {
            assert!(utc(text, format, "YYYY").is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_months_and_days_read_and_write() {
        assert_eq!(
            utc(
                "Wednesday, January 15th 2025, 9:05 pm",
                "dddd, MMMM Do YYYY, h:mm a",
                "ddd D MMM YY H:mm [o'clock]"
            )
            .unwrap(),
            "Wed 15 Jan 25 21:05 o'clock"
        );
    }

    #[test]
    fn a_time_of_day_can_be_rewritten_but_not_moved() {
        assert_eq!(utc("13:45", "HH:mm", "h:mm A").unwrap(), "1:45 PM");
        assert!(convert("13:45", ("HH:mm", "h:mm A"), ("UTC", "America/New_York")).is_err());
        assert!(utc("13:45", "HH:mm", "YYYY").is_err());
        assert!(utc("01-15", "MM-DD", "MM-DD").is_err());
    }

    #[test]
    fn a_day_is_added_in_the_same_writing() {
        assert_eq!(add_day("2025-02-28", "").unwrap(), "2025-03-01");
        assert_eq!(
            add_day("2024-12-31 23:00:00", "").unwrap(),
            "2025-01-01 23:00:00"
        );
        assert_eq!(add_day("12/31/2024", "MM/DD/YYYY").unwrap(), "01/01/2025");
        assert_eq!(
            add_day("2025-01-15T09:00:00+02:00", "").unwrap(),
            "2025-01-16T09:00:00+02:00"
        );
        assert!(add_day("soon", "").is_err());
    }
}
