//! The words of a command, and what each of them means.

use std::fmt;
use std::str::SplitWhitespace;
use std::time::Duration;

use cpim_adapter::Address;

use super::command::short;
use crate::clock::UnixMs;
use crate::config::units::read_span;
use crate::rules::{Names, Who};

/// Why a line is no command, in words for whoever typed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Misread {
    words: String,
    form: Option<&'static str>,
}

impl Misread {
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), form: None }
    }

    /// With the form of the command that was meant.
    pub(super) fn of(self, form: &'static str) -> Self {
        Self { form: Some(form), ..self }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Some(form) => write!(f, "{} (write: {form})", self.words),
            None => f.write_str(&self.words),
        }
    }
}

/// What is left of a line.
pub(super) struct Words<'a> {
    words: SplitWhitespace<'a>,
    names: &'a Names,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.words.next()
    }
}

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str, names: &'a Names) -> Self {
        Self { words: line.split_whitespace(), names }
    }

    /// All that is left, with one space between words.
    pub(super) fn rest(&mut self) -> Option<String> {
        let rest: Vec<&str> = self.by_ref().collect();
        (!rest.is_empty()).then(|| rest.join(" "))
    }

    /// The next word; `what`: what it should be.
    pub(super) fn expect(&mut self, what: &str) -> Result<&'a str, Misread> {
        self.next().ok_or_else(|| Misread::new(format!("something is missing: {what}")))
    }

    /// Takes the next word where it is this one.
    pub(super) fn takes(&mut self, word: &str) -> bool {
        let mut ahead = self.words.clone();
        let is = ahead.next().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if is {
            self.words = ahead;
        }
        is
    }

    /// An address; some programs put angle brackets around those that one pastes.
    fn address_word(&mut self) -> Result<&'a str, Misread> {
        let word = self.expect("an address")?;
        Ok(word.trim_start_matches('<').trim_end_matches(['>', ',', ';']))
    }

    /// Somebody, as he was written.
    pub(super) fn somebody(&mut self) -> Result<Address, Misread> {
        let word = self.address_word()?;
        match Who::wildcard(word) {
            Some(_) => Err(Misread::new(format!("{:?} is many; one address is taken here", short(word)))),
            None => self.names.read(word).map_err(|_| nobody(word)),
        }
    }

    /// Somebody's inbox, in its one form.
    pub(super) fn principal(&mut self) -> Result<Address, Misread> {
        self.somebody().map(|address| self.names.principal(&address))
    }

    /// Somebody, or a wildcard.
    pub(super) fn who(&mut self) -> Result<Who, Misread> {
        let word = self.address_word()?;
        self.names.who(word).map_err(|_| nobody(word))
    }

    pub(super) fn who_or_any(&mut self) -> Result<Who, Misread> {
        match self.words.clone().next() {
            Some(_) => self.who(),
            None => Ok(Who::Any),
        }
    }

    /// A duration, where there is another word.
    pub(super) fn maybe_span(&mut self) -> Result<Option<Duration>, Misread> {
        let Some(word) = self.rest() else { return Ok(None) };
        let shown = short(&word);
        match read_span(&word.to_ascii_lowercase()).filter(|span| !span.is_zero()) {
            Some(span) => Ok(Some(span)),
            None => {
                Err(Misread::new(format!("{shown:?} is no duration, or too long; 30m, 12h or 7d is one")))
            }
        }
    }

    /// A day, at its beginning in UTC, or a moment.
    pub(super) fn moment(&mut self) -> Result<UnixMs, Misread> {
        let word = self.expect("until when? such as 2026-12-31")?;
        let day = || word.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let moment = word.parse::<jiff::Timestamp>().ok().or_else(|| day().map(|day| day.timestamp()));
        match moment {
            Some(moment) => Ok(UnixMs(moment.as_millisecond())),
            None => Err(Misread::new(format!(
                "{:?} is no day or time; 2026-12-31 or 2026-12-31T18:00:00Z is",
                short(word),
            ))),
        }
    }
}

fn nobody(word: &str) -> Misread {
    let word = short(word);
    Misread::new(format!(
        "{word:?} is no address; im:bob@b.example, bob@b.example or mailto:bob@b.example is, and for rules also \
         *@b.example or *"
    ))
}
