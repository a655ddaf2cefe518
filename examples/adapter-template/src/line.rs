//! LINES without I/O: what a line means. In a larger protocol this is a crate of its own, `proto`.

use cpim_adapter::{Response, Status};

/// Octets of a line at most, without its end; a longer one ends the connection.
pub(crate) const LINE_OCTETS: usize = 1_000;

/// What a user says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Said<'a> {
    /// `I wilma`: who he is, in lower case.
    Name(String),
    /// `to im:fred@a.example 1 Yabba!`
    Message { to: &'a str, number: &'a str, text: &'a str },
    /// `got 7`
    Got(u64),
    /// `here` and `away`.
    Here(bool),
    /// Anything else.
    Unknown,
}

impl<'a> Said<'a> {
    pub(crate) fn read(line: &'a str) -> Self {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "I" if is_name(&rest.to_ascii_lowercase()) => Self::Name(rest.to_ascii_lowercase()),
            "to" => match rest.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
                [to, number, text] => Self::Message { to, number, text },
                _ => Self::Unknown,
            },
            "got" => rest.parse().map_or(Self::Unknown, Self::Got),
            "here" => Self::Here(true),
            "away" => Self::Here(false),
            _ => Self::Unknown,
        }
    }
}

/// Whether a name in lower case is one: 1 to 20 letters, digits and `-`.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=20).contains(&name.len())
        && name.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
}

/// A line that can be sent: it holds no end of a line but its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line(String);

impl Line {
    /// Nothing where the text does not fit into one line.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let fits = text.len() <= LINE_OCTETS && !text.contains(['\r', '\n', '\0']);
        fits.then(|| Self(format!("{text}\n")))
    }

    /// What its sender is told of a message.
    pub(crate) fn answer(number: &str, response: &Response) -> Option<Self> {
        let word = match response.status() {
            Status::Success => "ok",
            Status::Failure => "no",
            Status::Indeterminant => "maybe",
        };
        // The words of a response are for people, and may have been another system's.
        let text = response.text().replace(['\r', '\n', '\0'], " ");
        Self::new(format!("{word} {number} {text}").trim_end())
    }

    pub(crate) fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use cpim_adapter::Code;

    use super::*;

    #[test]
    fn lines_are_understood() {
        assert_eq!(Said::read("I Wilma"), Said::Name("wilma".into()));
        assert_eq!(Said::read("got 7"), Said::Got(7));
        let message = Said::Message { to: "im:fred@a.example", number: "1", text: "a b c" };
        assert_eq!(Said::read("to im:fred@a.example 1 a b c"), message);
        for other in ["", "I", "I wilma flintstone", "to im:fred@a.example", "got one", "shout"] {
            assert_eq!(Said::read(other), Said::Unknown, "{other}");
        }
    }

    #[test]
    fn what_is_two_lines_cannot_be_built() {
        assert_eq!(Line::new("one\ntwo"), None);
        assert_eq!(Line::new(&"x".repeat(LINE_OCTETS + 1)), None);
        let refused = Response::failure(Code::Refused, "not\r\ntoday");
        assert_eq!(Line::answer("1", &refused).unwrap().octets(), b"no 1 refused: not  today\n");
    }
}
