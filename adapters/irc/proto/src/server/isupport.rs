//! ISUPPORT as a server writes it (modern IRC, "RPL_ISUPPORT").

use std::fmt::Write as _;

use crate::names::Param;

/// Tokens of one line at most: with the client's nick and the words for people it has fifteen parameters.
const TOKENS: usize = 13;

/// Names and values as the tokens of as many lines as they take. An empty value leaves the name alone.
#[must_use]
pub fn tokens(all: &[(&str, &str)]) -> Vec<Vec<Param>> {
    let token = |(name, value): &(&str, &str)| match value.is_empty() {
        true => Param::lossy(name),
        false => Param::lossy(&format!("{name}={}", escape(value))),
    };
    all.chunks(TOKENS).map(|line| line.iter().map(token).collect()).collect()
}

/// A value, with what would end a token or say something else as `\xHH`.
fn escape(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut escaped, octet| {
        match octet {
            b' ' | b'=' | b'\\' | b'\0' | b'\r' | b'\n' => {
                // Writing to a String cannot fail.
                write!(escaped, "\\x{octet:02X}").unwrap_or_default();
            }
            _ if octet.is_ascii() => escaped.push(char::from(octet)),
            // What is written is UTF-8 already, and none of it is ASCII.
            _ => write!(escaped, "\\x{octet:02X}").unwrap_or_default(),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isupport, LineBuilder, Message, Numeric, Trailing};

    #[test]
    fn what_is_written_is_read_back() {
        let mut all = vec![("CASEMAPPING", "ascii"), ("NICKLEN", "30"), ("MONITOR", "128"), ("UTF8ONLY", "")];
        all.extend([("X", "a b=\\")].repeat(12));
        let lines = tokens(&all);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [13, 3]);
        assert_eq!(lines[0][4].as_str(), "X=a\\x20b\\x3D\\x5C");
        let mut read = Isupport::default();
        for line in lines {
            let begun = LineBuilder::new(Numeric::RPL_ISUPPORT).param(&Param::lossy("me"));
            let line = line.iter().fold(begun, |line, token| line.param(token));
            let octets = line.last(&Trailing::lossy("are supported")).unwrap();
            read.take(&Message::parse(&octets.slice(..octets.len() - 2)).unwrap());
        }
        assert_eq!((read.nick_octets, read.monitor), (30, Some(128)));
    }
}
