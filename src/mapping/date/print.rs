//! Date to text.

use std::fmt::Write;

use jiff::Zoned;

use super::format::{Format, Token};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(super) fn print(format: &Format, moment: &Zoned) -> String {
    let mut text = String::with_capacity(format.text().len() + 8);
    for token in format.tokens() {
        // Writing to a String can't fail.
        let _ = push(&mut text, token, moment);
    }
    text
}

fn push(text: &mut String, token: &Token, moment: &Zoned) -> std::fmt::Result {
    match token {
        Token::Literal(literal) => text.push_str(literal),
        Token::Year4 => write!(text, "{:04}", moment.year())?,
        Token::Year2 => write!(text, "{:02}", moment.year().rem_euclid(100))?,
        Token::Month => write!(text, "{}", moment.month())?,
        Token::Month2 => write!(text, "{:02}", moment.month())?,
        Token::MonthLong => text.push_str(month(moment)),
        Token::MonthShort => text.push_str(&month(moment)[..3]),
        Token::Day => write!(text, "{}", moment.day())?,
        Token::Day2 => write!(text, "{:02}", moment.day())?,
        Token::DayOrdinal => write!(text, "{}{}", moment.day(), ordinal(moment.day()))?,
        Token::DayOfYear => write!(text, "{}", moment.day_of_year())?,
        Token::DayOfYear3 => write!(text, "{:03}", moment.day_of_year())?,
        Token::WeekdayLong => text.push_str(weekday(moment)),
        Token::WeekdayShort => text.push_str(&weekday(moment)[..3]),
        _ => push_time(text, token, moment)?,
    }
    Ok(())
}

fn push_time(text: &mut String, token: &Token, moment: &Zoned) -> std::fmt::Result {
    let half_day_hour = || (moment.hour() + 11) % 12 + 1;
    let afternoon = moment.hour() >= 12;
    match token {
        Token::Hour => write!(text, "{}", moment.hour()),
        Token::Hour2 => write!(text, "{:02}", moment.hour()),
        Token::HalfDayHour => write!(text, "{}", half_day_hour()),
        Token::HalfDayHour2 => write!(text, "{:02}", half_day_hour()),
        Token::Minute => write!(text, "{}", moment.minute()),
        Token::Minute2 => write!(text, "{:02}", moment.minute()),
        Token::Second => write!(text, "{}", moment.second()),
        Token::Second2 => write!(text, "{:02}", moment.second()),
        Token::Fraction(digits) => {
            let width = usize::from(*digits);
            let fraction = moment.subsec_nanosecond() / 10_i32.pow(9 - u32::from(*digits));
            write!(text, "{fraction:0width$}")
        }
        Token::MeridiemUpper => write!(text, "{}", if afternoon { "PM" } else { "AM" }),
        Token::MeridiemLower => write!(text, "{}", if afternoon { "pm" } else { "am" }),
        Token::OffsetWithColon => push_offset(text, moment, ":"),
        Token::Offset => push_offset(text, moment, ""),
        Token::ZoneAbbreviation => {
            write!(
                text,
                "{}",
                moment
                    .time_zone()
                    .to_offset_info(moment.timestamp())
                    .abbreviation()
            )
        }
        Token::UnixSeconds => write!(text, "{}", moment.timestamp().as_second()),
        Token::UnixMilliseconds => write!(text, "{}", moment.timestamp().as_millisecond()),
        // All others were written above.
        _ => Ok(()),
    }
}

fn push_offset(text: &mut String, moment: &Zoned, separator: &str) -> std::fmt::Result {
    let seconds = moment.offset().seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    write!(
        text,
        "{sign}{:02}{separator}{:02}",
        minutes / 60,
        minutes % 60
    )
}

fn month(moment: &Zoned) -> &'static str {
    usize::try_from(moment.month() - 1)
        .ok()
        .and_then(|index| MONTHS.get(index))
        .copied()
        .unwrap_or("   ")
}

fn weekday(moment: &Zoned) -> &'static str {
    let index = usize::try_from(moment.weekday().to_sunday_zero_offset()).ok();
    index
        .and_then(|index| WEEKDAYS.get(index))
        .copied()
        .unwrap_or("   ")
}

fn ordinal(day: i8) -> &'static str {
    match (day / 10, day % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}
