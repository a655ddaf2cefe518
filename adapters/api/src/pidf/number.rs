//! Priorities and timestamps: read as the schema has them, or not at all.

use std::fmt;

use jiff::Timestamp;

use crate::message_cpim::DateTime;

/// How much a contact is preferred, in thousandths from 0 to 1000 (RFC 3863 section 4.1.5).
///
/// A contact without one comes after all that have one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Priority(u16);

impl Priority {
    /// Reads the attribute: `0(\.[0-9]{0,3})?` or `1(\.0{0,3})?`, which is the schema with erratum 1606.
    ///
    /// What is anything else counts as absent.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 3 || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
        match whole {
            "0" => Some(Self(thousandths)),
            "1" if thousandths == 0 => Some(Self(1_000)),
            _ => None,
        }
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1_000 => f.write_str("1"),
            thousandths => write!(f, "0.{thousandths:03}"),
        }
    }
}

/// Reads a tuple's timestamp: RFC 3339 with capital `T` and `Z`, and with an offset (RFC 3863 section 4.1.7).
#[must_use]
pub fn timestamp(text: &str) -> Option<Timestamp> {
    match text.contains(['t', 'z']) {
        true => None,
        false => Some(DateTime::parse(text)?.timestamp()),
    }
}
