//! What was seen, in words that whoever wrote the adapter reads, in whatever language he writes.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{
    Authority, Basic, Code, Content, DeliveryError, Domain, Feature, ForeignAddress, Health, Kind, LangTag,
    Metadata, Operation, OperationId, Outcome, Passage, Presence, PresenceSupport, Response, Status,
    SubscriptId, Support, TransId, Word,
};

use crate::bench::End;
use crate::subject::Seen;

/// A value as a report shows it.
pub(crate) trait InWords {
    /// It in words; text stands in quotes.
    fn in_words(&self) -> String;
}

/// What there is none of.
const NOTHING: &str = "nothing";

/// Text in quotes, with what cannot be seen written as JSON writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                // Writing to a string does not fail.
                let _written = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Octets: as text where they are some, else in hexadecimal.
fn octets(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => quoted(text),
        Err(_) => octets.iter().fold("octets".to_owned(), |mut all, octet| {
            let _written = write!(all, " {octet:02x}");
            all
        }),
    }
}

impl InWords for str {
    fn in_words(&self) -> String {
        quoted(self)
    }
}

impl InWords for Cow<'_, str> {
    fn in_words(&self) -> String {
        quoted(self)
    }
}

impl InWords for String {
    fn in_words(&self) -> String {
        quoted(self)
    }
}

impl InWords for Arc<str> {
    fn in_words(&self) -> String {
        quoted(self)
    }
}

impl InWords for [u8] {
    fn in_words(&self) -> String {
        octets(self)
    }
}

impl InWords for Bytes {
    fn in_words(&self) -> String {
        octets(self)
    }
}

impl InWords for Content {
    fn in_words(&self) -> String {
        octets(self.octets())
    }
}

impl InWords for bool {
    fn in_words(&self) -> String {
        if *self { "set" } else { "not set" }.to_owned()
    }
}

impl InWords for Duration {
    fn in_words(&self) -> String {
        format!("{} s", self.as_secs_f64())
    }
}

impl InWords for LangTag {
    fn in_words(&self) -> String {
        quoted(self.as_str())
    }
}

/// What has a form for people already.
macro_rules! as_displayed {
    ($($of:ty),+) => {
        $(impl InWords for $of {
            fn in_words(&self) -> String {
                self.to_string()
            }
        })+
    };
}
as_displayed!(
    u8,
    u32,
    usize,
    Basic,
    Code,
    DeliveryError,
    Domain,
    End,
    ForeignAddress,
    Kind,
    OperationId,
    Seen,
    Status,
    SubscriptId,
    TransId
);

impl<T: InWords + ?Sized> InWords for &T {
    fn in_words(&self) -> String {
        (**self).in_words()
    }
}

impl<T: InWords> InWords for Option<T> {
    fn in_words(&self) -> String {
        self.as_ref().map_or_else(|| NOTHING.to_owned(), InWords::in_words)
    }
}

impl<T: InWords> InWords for Vec<T> {
    fn in_words(&self) -> String {
        match self.is_empty() {
            true => NOTHING.to_owned(),
            false => self.iter().map(InWords::in_words).collect::<Vec<_>>().join(", "),
        }
    }
}

impl InWords for Feature {
    fn in_words(&self) -> String {
        self.name().to_owned()
    }
}

impl InWords for Support {
    fn in_words(&self) -> String {
        match self {
            Self::Full => "whole".to_owned(),
            Self::Degraded(how) => format!("in another form ({how})"),
            Self::Dropped => "left out".to_owned(),
            Self::Rejected => "refused".to_owned(),
        }
    }
}

impl InWords for PresenceSupport {
    fn in_words(&self) -> String {
        match self {
            Self::None => "none",
            Self::Observe => "observed",
            Self::PassThrough => "passed through",
        }
        .to_owned()
    }
}

impl InWords for Health {
    fn in_words(&self) -> String {
        match self {
            Self::Degraded(trouble) => format!("up, with trouble: {trouble}"),
            Self::Down(why) => format!("down: {why}"),
            Self::Starting => "starting".to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::Up => "up".to_owned(),
        }
    }
}

impl InWords for Response {
    fn in_words(&self) -> String {
        format!("`{self}`")
    }
}

impl InWords for Word {
    fn in_words(&self) -> String {
        match self {
            Self::Answered(response) => response.in_words(),
            Self::NotSent => "that nothing was sent".to_owned(),
            Self::Unknown => "that nobody knows".to_owned(),
        }
    }
}

impl InWords for Outcome {
    fn in_words(&self) -> String {
        match self {
            Self::Delivered(response) => response.in_words(),
            Self::Delegated(response) => format!("{}, and no word to come", response.in_words()),
            Self::Pending => "still to come".to_owned(),
        }
    }
}

impl InWords for Authority {
    fn in_words(&self) -> String {
        let scopes: Vec<String> = self.scopes.iter().map(ToString::to_string).collect();
        format!("{} ({}; speaks for {})", self.label, self.standing, scopes.join(", "))
    }
}

impl InWords for Passage {
    fn in_words(&self) -> String {
        let Self { id, hops, via, wait } = self;
        format!("id {id}, {hops} hops, by way of {}, waiting {}", via.in_words(), wait.in_words())
    }
}

impl InWords for Presence {
    fn in_words(&self) -> String {
        let tuple = |tuple: &cpim_adapter::Tuple| {
            format!("{} {} {}", tuple.destination, tuple.status, quoted(&tuple.markup))
        };
        self.tuples().iter().map(tuple).collect::<Vec<_>>().join(", ")
    }
}

impl InWords for Metadata {
    fn in_words(&self) -> String {
        let mut parts = Vec::new();
        for subject in &self.subjects {
            let lang = subject.lang.as_ref().map(|lang| format!(" ({})", lang.as_str()));
            parts.push(format!("subject {}{}", quoted(&subject.text), lang.unwrap_or_default()));
        }
        for (what, value) in [
            ("date", &self.date),
            ("name of the source", &self.source_name),
            ("name of the destination", &self.destination_name),
            ("name of the message", &self.message_ref),
        ] {
            parts.extend(value.as_ref().map(|value| format!("{what} {}", quoted(value))));
        }
        parts.extend(self.references.iter().map(|other| format!("follows up on {}", quoted(other))));
        if self.automatic {
            parts.push("automatic".to_owned());
        }
        match parts.is_empty() {
            true => NOTHING.to_owned(),
            false => parts.join("; "),
        }
    }
}

impl InWords for Operation {
    fn in_words(&self) -> String {
        let text = self.content().map(|content| format!(" with {}", content.in_words()));
        format!(
            "a {} from {} to {}{}",
            self.kind(),
            self.speaks_for(),
            self.goes_to(),
            text.unwrap_or_default()
        )
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "a refusal (`{error}`)"),
            Self::Answered(response) => write!(f, "the answer `{response}`"),
            Self::Delegated => f.write_str("handed on, with no word to come"),
            Self::NotSent => f.write_str("that nothing was sent"),
            Self::Unknown => f.write_str("that nobody knows"),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} from {} for {}", self.kind, self.from, self.to)?;
        match (&self.text, &self.content) {
            (Some(text), _) => write!(f, ": {}", quoted(text)),
            (None, Some(content)) => write!(f, ": {}", content.in_words()),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_words_of_no_language_of_programs() {
        assert_eq!(Some("#14").in_words(), "\"#14\"");
        assert_eq!(None::<String>.in_words(), "nothing");
        assert_eq!("a\u{1}\n\"".in_words(), "\"a\\u0001\\n\\\"\"");
        assert_eq!([0xff_u8, 0].as_slice().in_words(), "octets ff 00");
        assert_eq!(Vec::<String>::new().in_words(), "nothing");
        assert_eq!(End::Answered(Response::success()).to_string(), "the answer `success`");
        let metadata = Metadata { automatic: true, date: Some("today".into()), ..Metadata::default() };
        assert_eq!(metadata.in_words(), "date \"today\"; automatic");
    }
}
