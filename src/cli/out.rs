//! What a command prints: aligned text for people, or one JSON object per line for programs.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use super::exit::Failed;

/// Standard output. A reader that has gone (`| head`) is no error: nothing more is printed for it.
#[derive(Debug)]
pub(super) struct Out {
    json: bool,
    closed: bool,
}

impl Out {
    pub(super) const fn new(json: bool) -> Self {
        Self { json, closed: false }
    }

    /// Whether programs read it.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nobody reads any more.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Prints a report in the form that was asked for.
    pub(super) fn show<T: fmt::Display + Serialize>(&mut self, report: &T) -> Result<(), Failed> {
        match self.json {
            true => self.object(report),
            false => self.line(report),
        }
    }

    /// Prints a JSON object on a line of its own.
    pub(super) fn object(&mut self, object: &impl Serialize) -> Result<(), Failed> {
        let text = serde_json::to_string(object).map_err(Failed::failure)?;
        self.line(&text)
    }

    /// Prints text and a line end.
    pub(super) fn line(&mut self, text: &impl fmt::Display) -> Result<(), Failed> {
        if self.closed {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => return Err(Failed::failure(format_args!("cannot write: {error}"))),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Says on standard error what is no part of the result. There is nobody to tell where that fails.
    pub(super) fn note(&self, words: impl fmt::Display) {
        let mut err = io::stderr().lock();
        drop(match self.json {
            true => writeln!(err, "{}", serde_json::json!({ "note": words.to_string() })),
            false => writeln!(err, "{}", printable(&words.to_string())),
        });
    }

    /// Says on standard error why there is no result.
    pub(super) fn error(&self, words: &str) {
        let mut err = io::stderr().lock();
        drop(match self.json {
            true => writeln!(err, "{}", serde_json::json!({ "error": words })),
            false => writeln!(err, "cpim-gateway: {}", printable(words)),
        });
    }
}

/// Text that came from outside, made harmless for a terminal: what would steer it is shown instead.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(|c| steers(c) || is_bidi(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\r' => {}
            c if steers(c) || is_bidi(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Characters that turn the reading direction of what follows, and so can make text say something else.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown() {
        assert_eq!(printable("two\nlines\tand ü"), "two\nlines\tand ü");
        assert_eq!(printable("\u{1b}[2Jgone\r\n"), "\\u{1b}[2Jgone\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
    }
}
