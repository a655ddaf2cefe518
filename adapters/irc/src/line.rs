//! What the other side of a connection says, and what it is told.

use bytes::{Bytes, BytesMut};
use cpim_irc_proto::{
    LINE_OCTETS, LineBuilder, LineFault, LineReader, LineTooLong, Message, Numeric, Origin, Param,
    ReadLimits, TagKey, TagValue, Trailing, Verb,
};

/// What a client asks for, in UTF-8 throughout.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    message: Message,
    /// The command, in capitals.
    pub(crate) command: String,
    /// How long its line was.
    pub(crate) octets: usize,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Bad {
    /// NUL in it, or a command that can be none.
    Malformed,
    /// Not UTF-8.
    NotUtf8,
    /// Over a limit.
    TooLong,
}

/// Cuts requests off what has come.
#[derive(Debug)]
pub(crate) struct Requests {
    lines: LineReader,
    input: BytesMut,
}

impl Requests {
    /// A reader of lines within these limits.
    pub(crate) fn new(limits: ReadLimits) -> Self {
        Self { lines: LineReader::new(limits), input: BytesMut::new() }
    }

    /// Where octets that come are put.
    pub(crate) fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// The next request, if all of it has come.
    pub(crate) fn next(&mut self) -> Option<Result<Request, Bad>> {
        Some(match self.lines.read(&mut self.input)? {
            Ok(line) => Request::read(&line),
            Err(LineFault::TooLong) => Err(Bad::TooLong),
            Err(LineFault::Nul) => Err(Bad::Malformed),
        })
    }
}

impl Request {
    fn read(line: &Bytes) -> Result<Self, Bad> {
        if std::str::from_utf8(line).is_err() {
            return Err(Bad::NotUtf8);
        }
        let message = Message::parse(line).map_err(|_| Bad::Malformed)?;
        let command = message.command().to_ascii_uppercase();
        Ok(Self { message, command, octets: line.len() })
    }

    /// The line as it was read.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }

    /// A tag's value, if the tag is there.
    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.message.tags.get(key)
    }

    /// A parameter that is there and not empty.
    pub(crate) fn param(&self, at: usize) -> Option<&str> {
        self.message.str(at).filter(|param| !param.is_empty())
    }

    /// The parameters from this one on.
    pub(crate) fn params_from(&self, at: usize) -> impl Iterator<Item = &str> {
        (at..self.message.params().len()).filter_map(|at| self.message.str(at))
    }
}

/// The longest parameter of a reply: behind the longest prefix there is room for it.
const PARAM_OCTETS: usize = 380;

/// A line to a client.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    builder: LineBuilder,
    words: Option<Trailing>,
}

impl Line {
    /// A line that is built already, but for its end.
    pub(crate) const fn built(builder: LineBuilder) -> Self {
        Self { builder, words: None }
    }

    /// A command with its source.
    pub(crate) fn new(source: &Origin, verb: impl Into<Verb>) -> Self {
        Self { builder: LineBuilder::new(verb).from(source), words: None }
    }

    /// A command without a source.
    pub(crate) fn bare(verb: Verb) -> Self {
        Self { builder: LineBuilder::new(verb), words: None }
    }

    /// A numeric reply to somebody of this nick.
    pub(crate) fn reply(server: &Origin, numeric: Numeric, nick: &str) -> Self {
        Self { builder: LineBuilder::reply(server, numeric, &Param::lossy(nick)), words: None }
    }

    /// With one parameter more; what cannot stand in one is shown as `_`, and of a long one, which came in a line that
    /// had less before it, the end is not said.
    pub(crate) fn param(mut self, param: impl AsRef<str>) -> Self {
        let param = param.as_ref();
        let param = param.get(..param.floor_char_boundary(PARAM_OCTETS)).unwrap_or(param);
        self.builder = self.builder.param(&Param::new(param).unwrap_or_else(|_| Param::lossy(param)));
        self
    }

    /// With words for people as the last parameter.
    pub(crate) fn words(mut self, words: impl AsRef<str>) -> Self {
        self.words = Some(Trailing::lossy(words.as_ref()));
        self
    }

    /// With a tag.
    pub(crate) fn tag(mut self, key: &str, value: &str) -> Self {
        if let (Ok(key), Ok(value)) = (TagKey::parse(key), TagValue::new(value)) {
            self.builder = self.builder.tag(&key, &value);
        }
        self
    }

    /// With a tag that is one already.
    pub(crate) fn tagged(mut self, key: &TagKey, value: &TagValue) -> Self {
        self.builder = self.builder.tag(key, value);
        self
    }

    /// The line as it is sent. Of words for people that are too long, the end is not said; nothing else is ever too
    /// long, because it was cut to fit.
    pub(crate) fn write(self, output: &mut BytesMut) {
        let Self { builder, words } = self;
        let written = match &words {
            None => builder.clone().end(),
            Some(words) => builder.clone().last(words),
        };
        let cut = |octets: usize| {
            let words = words.as_ref().map_or("", Trailing::as_str);
            let keep = words.floor_char_boundary(words.len().saturating_sub(octets - LINE_OCTETS));
            let kept = Trailing::lossy(words.get(..keep).unwrap_or_default());
            builder.last(&kept)
        };
        let written = match written {
            Err(LineTooLong::Line { octets }) => cut(octets),
            written => written,
        };
        match written {
            Ok(line) => output.extend_from_slice(&line),
            Err(error) => tracing::error!(%error, "a line was not sent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use cpim_irc_proto::Host;

    use super::*;

    fn read(octets: &[u8]) -> Vec<Result<Request, Bad>> {
        let mut requests = Requests::new(ReadLimits::SERVER);
        requests.input().extend_from_slice(octets);
        std::iter::from_fn(|| requests.next()).collect()
    }

    #[test]
    fn requests_are_in_capitals_and_utf8() {
        let all = read(b"@label=1 privmsg fred :hi there\r\nA \xff\r\nA \0\r\nB\r\n");
        let first = all[0].as_ref().unwrap();
        assert_eq!(
            (&*first.command, first.tag("label"), first.param(1)),
            ("PRIVMSG", Some("1"), Some("hi there"))
        );
        assert_eq!(first.params_from(0).collect::<Vec<_>>(), ["fred", "hi there"]);
        assert_eq!(all[1].as_ref().unwrap_err(), &Bad::NotUtf8);
        assert_eq!(all[2].as_ref().unwrap_err(), &Bad::Malformed);
        assert_eq!(all[3].as_ref().unwrap().command, "B");
        assert_eq!(read(&[b'x'; 600])[0].as_ref().unwrap_err(), &Bad::TooLong);
    }

    #[test]
    fn a_long_parameter_is_answered_in_part() {
        let server = Origin::Server(Host::parse("irc.example").unwrap());
        let mut output = BytesMut::new();
        let reply = Line::reply(&server, Numeric::ERR_NOSUCHNICK, "alice").param("é".repeat(240));
        reply.words("No such nick").write(&mut output);
        assert!(output.ends_with("é :No such nick\r\n".as_bytes()), "{output:?}");
    }

    #[test]
    fn long_words_end_where_the_line_does() {
        let server = Origin::Server(Host::parse("irc.example").unwrap());
        let mut output = BytesMut::new();
        Line::reply(&server, Numeric::RPL_MOTD, "alice").words("é".repeat(400)).write(&mut output);
        assert!(output.len() > LINE_OCTETS - 2 && output.len() <= LINE_OCTETS);
        assert!(std::str::from_utf8(&output).is_ok() && output.ends_with(b"\r\n"));
    }
}
