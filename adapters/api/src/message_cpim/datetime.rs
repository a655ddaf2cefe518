//! The value of `DateTime` (RFC 3862 section 4.4): an RFC 3339 date and time, exactly.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

/// A date and time with its offset from UTC, kept as it was written (RFC 3339 section 5.6).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DateTime {
    spelled: Arc<str>,
    timestamp: Timestamp,
}

impl DateTime {
    /// Reads `2001-02-01T12:16:49-05:00`: RFC 3339 section 5.6 and no other of the forms of ISO 8601.
    ///
    /// A leap second is taken where there can be one: in the last minute, by UTC, of a month (RFC 3339 section 5.7).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_at_checked(10)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (clock, rest) = time.strip_prefix(['T', 't'])?.split_at_checked(8)?;
        let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
        let (nanosecond, zone) = fraction(rest)?;
        let offset = offset(zone)?;

        let narrow = |number: i16| i8::try_from(number).ok();
        let leap = second == 60;
        let civil = civil::DateTime::new(
            year,
            narrow(month)?,
            narrow(day)?,
            narrow(hour)?,
            narrow(minute)?,
            narrow(if leap { 59 } else { second })?,
            nanosecond,
        )
        .ok()?;
        let timestamp = offset.to_timestamp(civil).ok()?;
        (!leap || ends_month(timestamp)).then(|| Self { spelled: text.into(), timestamp })
    }

    /// The date and time as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spelled
    }

    /// The moment in time, to the nanosecond; a leap second is the second before it.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled)
    }
}

/// Numbers of exactly so many digits, `separator` between them.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i16; 3]> {
    let mut parts = text.split(separator);
    let mut number = |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(decimal);
    let [first, second, third] = digits;
    let numbers = [number(first)?, number(second)?, number(third)?];
    parts.next().is_none().then_some(numbers)
}

/// Digits alone, without the sign that `str::parse` would take.
fn decimal(text: &str) -> Option<i16> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Nanoseconds of an optional fraction of any length, and what follows it.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(text) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let nanosecond = format!("{digits:0<9.9}").parse().ok()?;
    (!digits.is_empty()).then_some((nanosecond, rest))
}

/// `Z`, or hours and minutes east or west.
fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let [hour, minute, _] = numbers(&format!("{}:00", text.get(1..)?), ':', [2, 2, 2])?;
    let seconds = i32::from(hour) * 3_600 + i32::from(minute) * 60;
    (hour < 24 && minute < 60).then(|| Offset::from_seconds(sign * seconds).ok())?
}

/// Whether the next second is, by UTC, the first of a month.
fn ends_month(timestamp: Timestamp) -> bool {
    let civil = Offset::UTC.to_datetime(timestamp);
    civil.day() == civil.days_in_month() && (civil.hour(), civil.minute(), civil.second()) == (23, 59, 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid() {
        for (text, utc) in [
            ("2000-12-13T13:40:00-08:00", "2000-12-13T21:40:00Z"),
            ("2001-02-01T12:16:49-05:00", "2001-02-01T17:16:49Z"),
            ("2001-02-01T12:16:49.5Z", "2001-02-01T12:16:49.5Z"),
            ("2001-02-01T12:16:49.1234567891234Z", "2001-02-01T12:16:49.123456789Z"),
            ("2001-02-01t12:16:49z", "2001-02-01T12:16:49Z"),
            ("2001-02-01T12:16:49-00:00", "2001-02-01T12:16:49Z"),
            ("2000-02-29T00:00:00+23:59", "2000-02-28T00:01:00Z"),
            ("1990-12-31T23:59:60Z", "1990-12-31T23:59:59Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            let read = DateTime::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.timestamp(), utc.parse().unwrap(), "{text}");
            assert_eq!(read.as_str(), text);
        }
    }

    #[test]
    fn invalid() {
        for text in [
            "",
            "2001-02-01",
            "2001-02-01 12:16:49Z",
            "2001-02-01 12:16:49",
            "2001-02-01T12:16:49",
            "2015-11-07T22:35+0000",
            "2015-11-07T22:35:00+0000",
            "2015-11-07T22:35:00+00",
            "2015-11-07T22:35:00+24:00",
            "2015-11-07T22:35:00+00:60",
            "2015-11-07T22:35:00+00:00:00",
            "2015-11-07T22:35:00 Z",
            "2015-11-07T22:35:00.Z",
            "2015-11-07T22:35:00,5Z",
            "2015-11-07T24:00:00Z",
            "2015-11-07T22:60:00Z",
            "2015-11-07T22:35:61Z",
            "2015-11-07T22:35:60Z",
            "2015-11-30T23:59:60-05:00",
            "2001-02-30T00:00:00Z",
            "2001-13-01T00:00:00Z",
            "2001-00-01T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "+001-02-01T12:16:49Z",
            "2001-+2-01T12:16:49Z",
            "2001-2-001T12:16:49Z",
            "12001-02-01T12:16:49Z",
            "2001-02-01T12:16:49Zx",
            "２００１-02-01T12:16:49Z",
        ] {
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
    }
}
