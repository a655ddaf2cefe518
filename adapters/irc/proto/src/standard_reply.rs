//! Standard replies: FAIL, WARN and NOTE (IRCv3 standard-replies).

use crate::line::{LineBuilder, Verb};
use crate::message::Message;
use crate::names::{Origin, Param};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// The command was not carried out.
    Fail,
    /// It was, and something is to be known.
    Warn,
    /// Something that has nothing to do with success.
    Note,
}

/// A standard reply that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandardReply {
    /// How bad it is.
    pub severity: Severity,
    /// The command it is about, or `*`.
    pub command: String,
    /// A word for programs: `INVALID_UTF8`.
    pub code: String,
    /// What it is about.
    pub context: Vec<String>,
    /// Words for people.
    pub words: String,
}

impl StandardReply {
    /// Reads one. `None` where the line is none.
    #[must_use]
    pub fn read(message: &Message) -> Option<Self> {
        let severity = match message.command().to_ascii_uppercase().as_str() {
            "FAIL" => Severity::Fail,
            "WARN" => Severity::Warn,
            "NOTE" => Severity::Note,
            _ => return None,
        };
        let mut params = message.params().iter().map(|param| String::from_utf8_lossy(param).into_owned());
        let (command, code) = (params.next()?, params.next()?);
        let mut context: Vec<String> = params.collect();
        let words = context.pop()?;
        Some(Self { severity, command, code, context, words })
    }
}

/// A standard reply that is written: end it with its words.
#[must_use]
pub fn standard_reply(
    server: &Origin,
    severity: Severity,
    command: &Param,
    code: &Param,
    context: &[Param],
) -> LineBuilder {
    let verb = match severity {
        Severity::Fail => Verb::FAIL,
        Severity::Warn => Verb::WARN,
        Severity::Note => Verb::NOTE,
    };
    context
        .iter()
        .fold(LineBuilder::new(verb).from(server).param(command).param(code), |line, param| line.param(param))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, Trailing};

    #[test]
    fn what_is_written_is_read_back() {
        let param = |text| Param::new(text).unwrap();
        let server = Origin::Server(Host::parse("irc.example").unwrap());
        let line =
            standard_reply(&server, Severity::Fail, &param("PRIVMSG"), &param("NO_ROUTE"), &[param("fred")])
                .last(&Trailing::new("no way there").unwrap())
                .unwrap();
        assert_eq!(&line[..], b":irc.example FAIL PRIVMSG NO_ROUTE fred :no way there\r\n");
        let message = Message::parse(&line.slice(..line.len() - 2)).unwrap();
        let read = StandardReply::read(&message).unwrap();
        assert_eq!((read.severity, &*read.command, &*read.code), (Severity::Fail, "PRIVMSG", "NO_ROUTE"));
        assert_eq!((read.context, &*read.words), (vec!["fred".to_owned()], "no way there"));
        assert!(StandardReply::read(&Message::parse(&"FAIL *".into()).unwrap()).is_none());
    }
}
