//! ISUPPORT (005): what a network says of itself. All of it is a claim, and none of it can do harm.

use crate::casemapping::Casemapping;
use crate::message::Message;

/// What of it matters here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Isupport {
    /// How names are folded; absent, as [`Casemapping::default`].
    pub casemapping: Casemapping,
    /// Octets of a nick at most.
    pub nick_octets: usize,
    /// Nicks that can be monitored; absent: there is no MONITOR, 0: no limit was told.
    pub monitor: Option<usize>,
    /// Characters that channels begin with.
    pub channel_types: String,
}

impl Default for Isupport {
    /// What is meant by who says nothing (RFC 2812 section 1.2.1, RFC 1459 section 1.3).
    fn default() -> Self {
        Self {
            casemapping: Casemapping::default(),
            nick_octets: 9,
            monitor: None,
            channel_types: "#&".into(),
        }
    }
}

impl Isupport {
    /// Takes one line of it. What is not known, or makes no sense, is passed over; a `-` in front takes a token back.
    pub fn take(&mut self, message: &Message) {
        // The client's nick comes first, and words for people last.
        let tokens = message.params().iter().skip(1).take(message.params().len().saturating_sub(2));
        for token in tokens.filter_map(|token| std::str::from_utf8(token).ok()) {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            match name {
                "CASEMAPPING" => self.casemapping = Casemapping::from_word(value).unwrap_or_default(),
                // A lie beyond what a nick can have is no use to anybody.
                "NICKLEN" => {
                    if let Some(octets) = value.parse().ok().filter(|octets| (1..=64).contains(octets)) {
                        self.nick_octets = octets;
                    }
                }
                "MONITOR" => self.monitor = Some(value.parse().unwrap_or(0)),
                "-MONITOR" => self.monitor = None,
                "CHANTYPES" if value.len() <= 8 => self.channel_types = value.into(),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_and_lies_are_not() {
        let mut isupport = Isupport::default();
        let mut take = |line: &'static str| {
            isupport.take(&Message::parse(&line.into()).unwrap());
            isupport.clone()
        };
        let read = take(":s 005 me CASEMAPPING=ascii NICKLEN=30 MONITOR=100 CHANTYPES=# FOO :are supported");
        assert_eq!((read.casemapping, read.nick_octets, read.monitor), (Casemapping::Ascii, 30, Some(100)));
        let lies =
            take(":s 005 me NICKLEN=0 NICKLEN=99999999999999999999 CASEMAPPING=x -MONITOR :are supported");
        assert_eq!((lies.casemapping, lies.nick_octets, lies.monitor), (Casemapping::Rfc1459, 30, None));
        take(":s 005");
    }
}
