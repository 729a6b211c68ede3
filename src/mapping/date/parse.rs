//! Text to date, strictly: every character must be as the format says.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::format::{Format, Token};
use super::print::{MONTHS, WEEKDAYS};

/// A text that is not written as its format says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not written as `{format}`: at character {} {expected} was expected", .position + 1)]
pub struct Unparsable {
    /// The text.
    pub text: String,
    /// The format.
    pub format: String,
    /// Where it differs, in characters from 0.
    pub position: usize,
    /// What should stand there.
    pub expected: &'static str,
}

/// What a text said.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    weekday: Option<Weekday>,
    hour: i8,
    half_day_hour: Option<i8>,
    afternoon: Option<bool>,
    minute: i8,
    second: i8,
    nanosecond: i32,
    offset: Option<Offset>,
    since_epoch: Option<SignedDuration>,
}

impl Parsed {
    /// The moment, if the text was Unix time.
    pub(super) fn moment(&self) -> Option<Result<Timestamp, jiff::Error>> {
        self.since_epoch.map(Timestamp::from_duration)
    }

    pub(super) fn offset(&self) -> Option<Offset> {
        self.offset
    }

    pub(super) fn weekday(&self) -> Option<Weekday> {
        self.weekday
    }

    /// The local date and time; what was not said is the beginning (of the year, month, day …).
    pub(super) fn local(&self) -> Result<DateTime, jiff::Error> {
        let year = self.year.unwrap_or(1970);
        let date = match self.day_of_year {
            Some(day) => Date::new(year, 1, 1)?.with().day_of_year(day).build()?,
            None => Date::new(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let hour = match (self.half_day_hour, self.afternoon) {
            (Some(hour), Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            (Some(hour), None) => hour,
            (None, _) => self.hour,
        };
        Ok(date.to_datetime(Time::new(hour, self.minute, self.second, self.nanosecond)?))
    }
}

pub(super) fn parse(format: &Format, text: &str) -> Result<Parsed, Unparsable> {
    let mut reader = Reader { rest: text };
    let mut parsed = Parsed::default();
    let unparsable = |reader: &Reader<'_>, expected| Unparsable {
        text: text.chars().take(60).collect(),
        format: format.text().to_owned(),
        position: text.chars().count() - reader.rest.chars().count(),
        expected,
    };
    for token in format.tokens() {
        if let Err(expected) = reader.take(token, &mut parsed) {
            return Err(unparsable(&reader, expected));
        }
    }
    if reader.rest.is_empty() {
        Ok(parsed)
    } else {
        Err(unparsable(&reader, "the end"))
    }
}

/// What was expected instead.
type Expected = &'static str;

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn take(&mut self, token: &Token, parsed: &mut Parsed) -> Result<(), Expected> {
        match token {
            Token::Literal(literal) => {
                self.rest = self
                    .rest
                    .strip_prefix(&**literal)
                    .ok_or("the format's own text")?;
            }
            Token::Year4 => parsed.year = Some(self.digits(4, 4, "a year of four digits")?),
            Token::Year2 => {
                let year: i16 = self.digits(2, 2, "a year of two digits")?;
                // Moment's pivot.
                parsed.year = Some(if year > 68 { 1900 + year } else { 2000 + year });
            }
            Token::Month => parsed.month = Some(self.digits(1, 2, "a month")?),
            Token::Month2 => parsed.month = Some(self.digits(2, 2, "a month of two digits")?),
            Token::MonthLong | Token::MonthShort => {
                let index = self
                    .name(&MONTHS, *token == Token::MonthShort)
                    .ok_or("a month's name")?;
                parsed.month = i8::try_from(index + 1).ok();
            }
            Token::Day => parsed.day = Some(self.digits(1, 2, "a day")?),
            Token::Day2 => parsed.day = Some(self.digits(2, 2, "a day of two digits")?),
            Token::DayOrdinal => parsed.day = Some(self.ordinal()?),
            Token::DayOfYear => {
                parsed.day_of_year = Some(self.digits(1, 3, "a day of the year")?);
            }
            Token::DayOfYear3 => {
                parsed.day_of_year = Some(self.digits(3, 3, "a day of the year")?);
            }
            Token::WeekdayLong | Token::WeekdayShort => {
                let index = self
                    .name(&WEEKDAYS, *token == Token::WeekdayShort)
                    .ok_or("a weekday's name")?;
                let index = i8::try_from(index).map_err(|_| "a weekday's name")?;
                parsed.weekday = Weekday::from_sunday_zero_offset(index).ok();
            }
            _ => self.take_time(token, parsed)?,
        }
        Ok(())
    }

    fn take_time(&mut self, token: &Token, parsed: &mut Parsed) -> Result<(), Expected> {
        match token {
            Token::Hour => parsed.hour = self.digits(1, 2, "an hour")?,
            Token::Hour2 => parsed.hour = self.digits(2, 2, "an hour of two digits")?,
            Token::HalfDayHour => parsed.half_day_hour = Some(self.half_day_hour(1)?),
            Token::HalfDayHour2 => parsed.half_day_hour = Some(self.half_day_hour(2)?),
            Token::Minute => parsed.minute = self.digits(1, 2, "a minute")?,
            Token::Minute2 => parsed.minute = self.digits(2, 2, "a minute of two digits")?,
            Token::Second => parsed.second = self.digits(1, 2, "a second")?,
            Token::Second2 => parsed.second = self.digits(2, 2, "a second of two digits")?,
            Token::Fraction(digits) => {
                let digits = u32::from(*digits);
                let number: i32 = self.digits(digits, digits, "a fraction of a second")?;
                parsed.nanosecond = number * 10_i32.pow(9 - digits);
            }
            Token::MeridiemUpper | Token::MeridiemLower => {
                let index = self.name(&["AM", "PM"], false).ok_or("AM or PM")?;
                parsed.afternoon = Some(index == 1);
            }
            Token::OffsetWithColon | Token::Offset => parsed.offset = Some(self.offset()?),
            Token::UnixSeconds => parsed.since_epoch = Some(self.unix_seconds()?),
            Token::UnixMilliseconds => {
                let milliseconds: i64 = self.signed("milliseconds since 1970")?;
                parsed.since_epoch = Some(SignedDuration::from_millis(milliseconds));
            }
            _ => return Err("nothing: a zone's abbreviation can't be read, take Z instead of z"),
        }
        Ok(())
    }

    /// At least and at most so many digits.
    fn digits<N: TryFrom<i64>>(
        &mut self,
        least: u32,
        most: u32,
        expected: Expected,
    ) -> Result<N, Expected> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let length = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if u32::try_from(length).unwrap_or(0) < least {
            return Err(expected);
        }
        let number: i64 = self.rest[..length].parse().map_err(|_| expected)?;
        let number = N::try_from(number).map_err(|_| expected)?;
        self.rest = &self.rest[length..];
        Ok(number)
    }

    fn signed(&mut self, expected: Expected) -> Result<i64, Expected> {
        let negative = self.eat('-');
        let number: i64 = self.digits(1, 19, expected)?;
        Ok(if negative { -number } else { number })
    }

    fn eat(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn half_day_hour(&mut self, least: u32) -> Result<i8, Expected> {
        let before = self.rest;
        let hour = self.digits(least, 2, "an hour from 1 to 12")?;
        if (0..=12).contains(&hour) {
            return Ok(hour);
        }
        self.rest = before;
        Err("an hour from 1 to 12")
    }

    fn ordinal(&mut self) -> Result<i8, Expected> {
        let day = self.digits(1, 2, "a day such as 1st")?;
        self.name(&["st", "nd", "rd", "th"], false)
            .ok_or("st, nd, rd or th")?;
        Ok(day)
    }

    /// The index of the name that stands here, in any case.
    fn name(&mut self, names: &[&str], shortened: bool) -> Option<usize> {
        let length = |name: &str| if shortened { 3 } else { name.len() };
        let index = names.iter().position(|name| {
            let begins = self.rest.get(..length(name));
            begins.is_some_and(|begins| begins.eq_ignore_ascii_case(&name[..length(name)]))
        })?;
        self.rest = &self.rest[length(names[index])..];
        Some(index)
    }

    fn offset(&mut self) -> Result<Offset, Expected> {
        const EXPECTED: Expected = "Z or an offset such as +02:00";
        if self.eat('Z') || self.eat('z') {
            return Ok(Offset::UTC);
        }
        let sign = if self.eat('+') {
            1
        } else if self.eat('-') {
            -1
        } else {
            return Err(EXPECTED);
        };
        let hours: i32 = self.digits(2, 2, EXPECTED)?;
        let colon = self.eat(':');
        let has_minutes = colon || self.rest.starts_with(|next: char| next.is_ascii_digit());
        let minutes: i32 = if has_minutes {
            self.digits(2, 2, EXPECTED)?
        } else {
            0
        };
        if minutes > 59 {
            return Err(EXPECTED);
        }
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| EXPECTED)
    }

    fn unix_seconds(&mut self) -> Result<SignedDuration, Expected> {
        const EXPECTED: Expected = "seconds since 1970";
        let negative = self.eat('-');
        let seconds: i64 = self.digits(1, 18, EXPECTED)?;
        let mut nanoseconds: i32 = 0;
        if self.eat('.') {
            let length = self
                .rest
                .bytes()
                .take(9)
                .take_while(u8::is_ascii_digit)
                .count();
            let length = u32::try_from(length).unwrap_or(0);
            let fraction: i32 = self.digits(1, 9, EXPECTED)?;
            nanoseconds = fraction * 10_i32.pow(9 - length);
        }
        let duration = SignedDuration::new(seconds, nanoseconds);
        Ok(if negative { -duration } else { duration })
    }
}
