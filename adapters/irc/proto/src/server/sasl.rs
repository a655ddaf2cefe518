//! SASL PLAIN as a server hears it (IRCv3 SASL, RFC 4616).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Octets of one piece: a full one is followed by another (IRCv3 SASL, "The AUTHENTICATE Command").
const PIECE_OCTETS: usize = 400;

/// Octets of all pieces together: three names of a few hundred octets.
const MOST_OCTETS: usize = 1_600;

/// An exchange of a server with one client.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The mechanism has been named.
    chosen: bool,
    heard: String,
}

/// What a word leads to.
#[derive(Debug)]
pub enum SaslStep {
    /// The client gave up.
    Aborted,
    /// Neither base64 nor PLAIN.
    Broken,
    /// The mechanism is fine: let it go on.
    Go(Exchange),
    /// Another piece follows.
    More(Exchange),
    /// A name and a password.
    Plain {
        /// Who it says it is (`authcid`).
        name: String,
        /// What is to prove that.
        password: String,
    },
    /// More than anybody needs.
    TooLong,
    /// No such mechanism.
    Unknown,
}

impl Exchange {
    /// Takes the next word of the client.
    #[must_use]
    pub fn take(mut self, word: &str) -> SaslStep {
        if word == "*" {
            return SaslStep::Aborted;
        }
        if !self.chosen {
            return match word.eq_ignore_ascii_case("PLAIN") {
                true => SaslStep::Go(Self { chosen: true, heard: String::new() }),
                false => SaslStep::Unknown,
            };
        }
        if word.len() > PIECE_OCTETS || self.heard.len() + word.len() > MOST_OCTETS {
            return SaslStep::TooLong;
        }
        if word != "+" {
            self.heard.push_str(word);
        }
        if word.len() == PIECE_OCTETS {
            return SaslStep::More(self);
        }
        read(&self.heard).unwrap_or(SaslStep::Broken)
    }
}

/// RFC 4616 section 2: `[authzid] NUL authcid NUL passwd`.
fn read(heard: &str) -> Option<SaslStep> {
    let octets = STANDARD.decode(heard).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let mut parts = text.split('\0');
    let (act_as, name, password) = (parts.next()?, parts.next()?, parts.next()?);
    let one = act_as.is_empty() || act_as == name;
    (one && parts.next().is_none() && !name.is_empty() && !password.is_empty())
        .then(|| SaslStep::Plain { name: name.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(words: &[&str]) -> SaslStep {
        let mut exchange = Exchange::default();
        for word in words {
            match exchange.take(word) {
                SaslStep::Go(next) | SaslStep::More(next) => exchange = next,
                end => return end,
            }
        }
        panic!("it goes on")
    }

    #[test]
    fn plain_is_a_name_and_a_password() {
        let plain = |text: &str| STANDARD.encode(text);
        let step = say(&["plain", &plain("\0alice\0sesame")]);
        assert!(
            matches!(step, SaslStep::Plain { name, password } if name == "alice" && password == "sesame")
        );
        assert!(matches!(say(&["PLAIN", &plain("alice\0alice\0x")]), SaslStep::Plain { .. }));
        for broken in ["\0alice", "bob\0alice\0x", "\0alice\0x\0y", "\0\0x", "\0alice\0"] {
            assert!(matches!(say(&["PLAIN", &plain(broken)]), SaslStep::Broken), "{broken:?}");
        }
        assert!(matches!(say(&["PLAIN", &plain("\0gw.a.example\0x")]), SaslStep::Plain { .. }));
        assert!(matches!(say(&["PLAIN", "!"]), SaslStep::Broken));
        assert!(matches!(say(&["PLAIN", "+"]), SaslStep::Broken));
        assert!(matches!(say(&["PLAIN", "*"]), SaslStep::Aborted));
        assert!(matches!(say(&["EXTERNAL"]), SaslStep::Unknown));
    }

    #[test]
    fn a_full_piece_is_followed_by_another() {
        // 300 octets are 400 of base64: an exact multiple ends with `+`.
        let text = format!("\0alice\0{}", "p".repeat(293));
        let encoded = STANDARD.encode(text);
        assert_eq!(encoded.len(), PIECE_OCTETS);
        assert!(
            matches!(say(&["PLAIN", &encoded, "+"]), SaslStep::Plain { password, .. } if password.len() == 293)
        );
        assert!(matches!(say(&["PLAIN", &"a".repeat(401)]), SaslStep::TooLong));
        let piece = "a".repeat(400);
        assert!(matches!(say(&["PLAIN", &piece, &piece, &piece, &piece, &piece]), SaslStep::TooLong));
    }
}
