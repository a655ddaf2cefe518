//! Who somebody is: one WHOIS, and what it came to.

use bytes::Bytes;

use crate::casemapping::Casemapping;
use crate::line::{LineBuilder, Verb};
use crate::message::Message;
use crate::names::Nick;
use crate::numeric::Numeric;

/// A question about one nick.
#[derive(Debug)]
pub struct Inquiry {
    nick: Nick,
    found: Found,
}

/// What the network says of a nick.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// Somebody has it.
    pub is_there: bool,
    /// The account that whoever has it is logged in to.
    pub account: Option<String>,
    /// When whoever has it connected, in seconds since 1970 by the network's clock.
    pub signed_on: Option<u64>,
    /// His user name and host, as others see them: `user@host`.
    pub mask: Option<String>,
    /// What whoever has it says of being away.
    pub away: Option<String>,
}

impl Inquiry {
    /// A question.
    #[must_use]
    pub fn new(nick: Nick) -> Self {
        Self { nick, found: Found::default() }
    }

    /// About whom.
    #[must_use]
    pub const fn nick(&self) -> &Nick {
        &self.nick
    }

    /// The line that asks. With the nick twice it goes to the server that its owner is on, which alone knows since
    /// when he is there (RFC 2812 section 3.6.2).
    #[must_use]
    pub fn line(&self) -> Option<Bytes> {
        LineBuilder::new(Verb::WHOIS).nick(&self.nick).nick(&self.nick).end().ok()
    }

    /// Takes a line; gives the answer, once all of it has come. `None` within it: the server does not say now.
    pub fn hear(&mut self, message: &Message, mapping: Casemapping) -> Option<Option<Found>> {
        let numeric = message.numeric()?;
        if numeric == Numeric::RPL_TRYAGAIN && message.str(1).is_some_and(|of| of == "WHOIS") {
            return Some(None);
        }
        if !message.str(1).is_some_and(|name| mapping.same(name, self.nick.as_str())) {
            return None;
        }
        let found = &mut self.found;
        match numeric {
            // `nick user host * :real name`.
            Numeric::RPL_WHOISUSER => {
                found.is_there = true;
                let user_host = message.str(2).zip(message.str(3));
                found.mask = user_host.map(|(user, host)| format!("{user}@{host}"));
            }
            Numeric::RPL_AWAY => found.away = Some(message.words().into_owned()),
            Numeric::RPL_WHOISACCOUNT => {
                // `nick account :is logged in as`.
                found.account = message.str(2).filter(|_| message.params().len() > 3).map(str::to_owned);
            }
            Numeric::RPL_WHOISIDLE => found.signed_on = message.str(3).and_then(|at| at.parse().ok()),
            // The nick in the place of a server is nobody's, so there is none to ask.
            Numeric::ERR_NOSUCHSERVER => return Some(Some(Found::default())),
            Numeric::RPL_ENDOFWHOIS => return Some(Some(std::mem::take(found))),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(lines: &[&'static str]) -> Option<Option<Found>> {
        let mut inquiry = Inquiry::new(Nick::parse("alice").unwrap());
        assert_eq!(&inquiry.line().unwrap()[..], b"WHOIS alice alice\r\n");
        lines.iter().find_map(|line| {
            inquiry.hear(&Message::parse(&Bytes::from_static(line.as_bytes())).unwrap(), Casemapping::Rfc1459)
        })
    }

    #[test]
    fn an_answer_is_all_that_was_said_up_to_its_end() {
        let found = ask(&[
            ":s 311 me Alice ~a host * :Alice A",
            ":s 301 me Alice :At lunch",
            ":s 330 me Alice wonder :is logged in as",
            ":s 317 me Alice 17 1700000000 :seconds idle, signon time",
            ":s 330 me bob builder :is logged in as",
            ":s 318 me alice :End of WHOIS",
        ]);
        let expected = Found {
            is_there: true,
            account: Some("wonder".into()),
            signed_on: Some(1_700_000_000),
            mask: Some("~a@host".into()),
            away: Some("At lunch".into()),
        };
        assert_eq!(found, Some(Some(expected)));
    }

    #[test]
    fn nobody_and_not_now() {
        let nobody = ask(&[":s 401 me alice :No such nick", ":s 318 me alice :End of WHOIS"]);
        assert_eq!(nobody, Some(Some(Found::default())));
        assert_eq!(ask(&[":s 402 me alice :No such server"]), Some(Some(Found::default())));
        assert_eq!(ask(&[":s 263 me WHOIS :Please wait"]), Some(None));
        assert_eq!(ask(&[":s 318 me bob :End", ":s 318", "318 a", ":s 317 me alice x y :z"]), None);
    }
}
