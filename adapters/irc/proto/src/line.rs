//! Lines that are written: only of parts that can stand there.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use bytes::Bytes;

use crate::limits::{CLIENT_TAGS_OCTETS, LINE_OCTETS, TAGS_OCTETS};
use crate::names::{Nick, Origin, Param, Trailing};
use crate::numeric::Numeric;
use crate::tags::{TagKey, TagValue, escape};

/// A line that would be longer than one may be. Nothing is ever cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LineTooLong {
    /// The tags.
    #[error("the tags would take {octets} octets; {most} are accepted")]
    Tags {
        /// Octets that they would take, with `@` and space.
        octets: usize,
        /// How many they may.
        most: usize,
    },
    /// The rest.
    #[error("the line would take {octets} octets; {LINE_OCTETS} are accepted")]
    Line {
        /// Octets that it would take, with CRLF.
        octets: usize,
    },
}

/// A command: letters or three digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verb(Cow<'static, str>);

macro_rules! verbs {
    ($($name:ident)*) => {
        impl Verb {
            $(#[doc = concat!("`", stringify!($name), "`.")]
            pub const $name: Self = Self(Cow::Borrowed(stringify!($name)));)*
        }
    };
}

verbs! {
    ACCOUNT AUTHENTICATE AWAY ACK BATCH CAP CHGHOST ERROR FAIL ISON JOIN MODE MONITOR NICK NOTE NOTICE PASS PING PONG
    PRIVMSG QUIT SETNAME TAGMSG USER USERHOST WARN WEBIRC WHO WHOIS
}

impl Verb {
    /// Reads a command (RFC 2812 section 2.3.1). `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 3 && text.bytes().all(|octet| octet.is_ascii_digit());
        let letters = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphabetic());
        (digits || letters).then(|| Self(text.to_owned().into()))
    }
}

impl From<Numeric> for Verb {
    fn from(numeric: Numeric) -> Self {
        Self(numeric.to_string().into())
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line that is being written.
///
/// ```
/// use cpim_irc_proto::{LineBuilder, Param, Trailing, Verb};
///
/// let line = LineBuilder::new(Verb::PRIVMSG).param(&Param::new("alice")?).last(&Trailing::new("Yabba, dabba!")?)?;
/// assert_eq!(&line[..], b"PRIVMSG alice :Yabba, dabba!\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LineBuilder {
    tags: String,
    source: Option<String>,
    line: String,
}

impl LineBuilder {
    /// A line with this command.
    #[must_use]
    pub fn new(verb: impl Into<Verb>) -> Self {
        Self { tags: String::new(), source: None, line: verb.into().0.into_owned() }
    }

    /// A numeric reply (RFC 2812 section 5): from this server, to this client, whose nick comes first.
    #[must_use]
    pub fn reply(server: &Origin, numeric: Numeric, to: &Param) -> Self {
        Self::new(numeric).from(server).param(to)
    }

    /// With a tag; an empty value is left out.
    #[must_use]
    pub fn tag(mut self, key: &TagKey, value: &TagValue) -> Self {
        self.tags.push(if self.tags.is_empty() { '@' } else { ';' });
        self.tags.push_str(key.as_str());
        if !value.as_str().is_empty() {
            self.tags.push('=');
            escape(value.as_str(), &mut self.tags);
        }
        self
    }

    /// With who says it, as a server writes.
    #[must_use]
    pub fn from(mut self, origin: &Origin) -> Self {
        self.source = Some(origin.to_string());
        self
    }

    /// With a parameter that is not the last.
    #[must_use]
    pub fn param(mut self, param: &Param) -> Self {
        self.line.push(' ');
        self.line.push_str(param.as_str());
        self
    }

    /// With a nick as a parameter.
    #[must_use]
    pub fn nick(self, nick: &Nick) -> Self {
        self.param(&Param::from(nick))
    }

    /// Ends it with a last parameter, which may hold spaces.
    ///
    /// # Errors
    /// [`LineTooLong`].
    pub fn last(mut self, text: &Trailing) -> Result<Bytes, LineTooLong> {
        self.line.push_str(" :");
        self.line.push_str(text.as_str());
        self.end()
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`LineTooLong`].
    pub fn end(self) -> Result<Bytes, LineTooLong> {
        let source = self.source.as_deref().map_or(0, |source| source.len() + 2);
        let octets = source + self.line.len() + 2;
        if octets > LINE_OCTETS {
            return Err(LineTooLong::Line { octets });
        }
        let most = if self.source.is_some() { TAGS_OCTETS } else { CLIENT_TAGS_OCTETS };
        if self.tags.len() >= most {
            return Err(LineTooLong::Tags { octets: self.tags.len() + 1, most });
        }
        let mut whole = String::with_capacity(self.tags.len() + 1 + octets);
        if !self.tags.is_empty() {
            whole.push_str(&self.tags);
            whole.push(' ');
        }
        if let Some(source) = &self.source {
            // Writing to a string cannot fail.
            write!(whole, ":{source} ").unwrap_or_default();
        }
        whole.push_str(&self.line);
        whole.push_str("\r\n");
        Ok(whole.into())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::{LineReader, Message, ReadLimits};

    fn person() -> Origin {
        let nick = Nick::parse("fred").unwrap();
        let (user, host) = (crate::User::parse("fred").unwrap(), crate::Host::parse("a.example").unwrap());
        Origin::Person { nick, user, host }
    }

    /// standards.md I03; RFC 1459 section 2.3.
    #[test]
    fn what_is_too_long_is_refused() {
        let line = LineBuilder::new(Verb::PRIVMSG).param(&Param::new("a").unwrap());
        let text = |octets: usize| Trailing::new(&"x".repeat(octets)).unwrap();
        assert_eq!(line.clone().last(&text(512 - 13)).unwrap().len(), LINE_OCTETS);
        assert_eq!(line.last(&text(512 - 12)), Err(LineTooLong::Line { octets: 513 }));

        let key = TagKey::parse("+a").unwrap();
        let tag = |octets: usize| {
            LineBuilder::new(Verb::TAGMSG).tag(&key, &TagValue::new(&"v".repeat(octets)).unwrap())
        };
        assert!(tag(4_094 - 3).end().is_ok());
        assert_eq!(tag(4_095 - 3).end(), Err(LineTooLong::Tags { octets: 4_097, most: 4_096 }));
        assert!(tag(8_189 - 3).from(&person()).end().is_ok());
        assert!(tag(8_190 - 3).from(&person()).end().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            params in prop::collection::vec("[a-z#\u{1}ü][a-z:\t]{0,8}", 0..6),
            last in prop::option::of("[ a-z:\tü]{0,30}"),
            value in "[ ;\\\\\r\na-zü]{0,20}",
            sourced in any::<bool>(),
        ) {
            let mut line = LineBuilder::new(Verb::NOTICE)
                .tag(&TagKey::parse("k").unwrap(), &TagValue::new(&value).unwrap());
            if sourced { line = line.from(&person()); }
            for param in &params { line = line.param(&Param::new(param).unwrap()); }
            let octets = match &last {
                Some(last) => line.last(&Trailing::new(last).unwrap()).unwrap(),
                None => line.end().unwrap(),
            };
            let mut input = BytesMut::from(&octets[..]);
            let read = LineReader::new(ReadLimits::SERVER).read(&mut input).unwrap().unwrap();
            let message = Message::parse(&read).unwrap();
            let expected: Vec<String> = params.into_iter().chain(last).collect();
            prop_assert_eq!(message.params(), &expected[..]);
            prop_assert!(message.is("notice"));
            prop_assert_eq!(message.tags.get("k"), Some(&*value));
            prop_assert_eq!(message.source.is_some(), sourced);
        }
    }
}
