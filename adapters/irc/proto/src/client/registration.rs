//! A client's registration: capabilities, SASL, nick, and what the server says of itself.

use bytes::Bytes;

use crate::isupport::Isupport;
use crate::line::{LineBuilder, Verb};
use crate::message::Message;
use crate::names::{Nick, Param, Trailing, User};
use crate::numeric::Numeric;

/// Octets of one AUTHENTICATE (IRCv3 SASL).
const SASL_OCTETS: usize = 400;

/// Who registers.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// The nick that is wanted, and others in the order to try; none of them twice.
    pub nicks: Vec<Nick>,
    /// The user name.
    pub user: User,
    /// The real name.
    pub real_name: Trailing,
    /// The server's password (PASS).
    pub password: Option<Trailing>,
    /// What WEBIRC says, where the network trusts this gateway to name its users' hosts.
    pub webirc: Option<[Param; 4]>,
    /// How it logs in to its account. With it, whoever is not let in gives up.
    pub sasl: Option<Sasl>,
}

/// How a client logs in (IRCv3 SASL).
#[derive(Clone, Eq, PartialEq)]
pub enum Sasl {
    /// By name and password: the response in base64 (RFC 4616).
    Plain(String),
    /// By the certificate that TLS showed (RFC 4422 appendix A).
    External,
}

impl std::fmt::Debug for Sasl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.mechanism())
    }
}

impl Sasl {
    const fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain(_) => "PLAIN",
            Self::External => "EXTERNAL",
        }
    }
}

/// Why a connection did not come about, or ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// The network wants nothing of this client: until somebody changes something, trying again serves nothing.
    Banned,
    /// What this client proves itself by is not accepted; trying again serves nothing.
    Refused,
    /// An operator ended it, or a collision of nicks did.
    Killed,
    /// Every nick was somebody's.
    NickTaken,
    /// Anything that may be different the next time.
    Dropped,
}

impl Ending {
    /// What an `ERROR` means, by its words: there is nothing else to tell it by.
    #[must_use]
    pub fn of_error(words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
        // `K-lined`, `G-Line by`, `zline`; but not `off-line`.
        let is_line = |word: &str| {
            let word = word.replacen('-', "", 1);
            word.get(1..).is_some_and(|rest| rest == "line" || rest == "lined")
        };
        let has_line = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(is_line);
        if has_line || says(&["banned", "akill", "autokill", "not welcome"]) {
            Self::Banned
        } else if says(&["(killed", "killed by", "kill by", "killed ("]) || words.starts_with("kill") {
            Self::Killed
        } else {
            Self::Dropped
        }
    }
}

/// What a line came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// More is to come.
    Going,
    /// Registered, with this nick.
    Registered(Nick),
    /// It cannot be, and why, in the server's words or ours.
    Refused {
        /// Why.
        why: String,
        /// What that means for trying again.
        ending: Ending,
    },
}

/// One registration.
#[derive(Debug)]
pub struct Registration {
    applicant: Applicant,
    tried: usize,
    wanted: &'static [&'static str],
    offered: String,
    welcomed: Option<Nick>,
    /// What the server says of itself.
    pub isupport: Isupport,
    /// Capabilities that are switched on.
    pub capabilities: Vec<&'static str>,
}

impl Registration {
    /// A registration that asks for these capabilities, where the server has them.
    #[must_use]
    pub fn new(applicant: Applicant, wanted: &'static [&'static str]) -> Self {
        Self {
            applicant,
            tried: 0,
            wanted,
            offered: String::new(),
            welcomed: None,
            isupport: Isupport::default(),
            capabilities: Vec::new(),
        }
    }

    /// The first lines.
    #[must_use]
    pub fn begin(&self) -> Vec<Bytes> {
        let mut out = Out::default();
        if let Some([password, gateway, host, address]) = &self.applicant.webirc {
            let line = LineBuilder::new(Verb::WEBIRC).param(password).param(gateway).param(host);
            out.line(line.param(address));
        }
        if let Some(password) = &self.applicant.password {
            out.last(LineBuilder::new(Verb::PASS), password);
        }
        out.line(LineBuilder::new(Verb::CAP).param(&word("LS")).param(&word("302")));
        if let Some(nick) = self.applicant.nicks.first() {
            out.line(LineBuilder::new(Verb::NICK).nick(nick));
        }
        let user = Param::lossy(self.applicant.user.as_str());
        let line = LineBuilder::new(Verb::USER).param(&user).param(&word("0")).param(&word("*"));
        out.last(line, &self.applicant.real_name);
        out.0
    }

    /// Takes a line of the server; gives what it came to, and what is to be sent.
    pub fn handle(&mut self, message: &Message) -> (Step, Vec<Bytes>) {
        let mut out = Out::default();
        let step = match message.numeric() {
            Some(numeric) => self.numeric(numeric, message, &mut out),
            None => match message.command().to_ascii_uppercase().as_str() {
                "CAP" => self.cap(message, &mut out),
                "AUTHENTICATE" if message.str(0) == Some("+") => {
                    self.authenticate(&mut out);
                    Step::Going
                }
                "ERROR" => {
                    let why = message.words().into_owned();
                    Step::Refused { ending: Ending::of_error(&why), why }
                }
                _ => Step::Going,
            },
        };
        (step, out.0)
    }

    fn numeric(&mut self, numeric: Numeric, message: &Message, out: &mut Out) -> Step {
        let refused = |ending| Step::Refused { why: format!("{numeric} {}", message.words()), ending };
        match numeric {
            Numeric::RPL_WELCOME => {
                self.welcomed = message.str(0).and_then(|nick| Nick::parse(nick).ok());
            }
            Numeric::RPL_ISUPPORT => self.isupport.take(message),
            Numeric::RPL_ENDOFMOTD | Numeric::ERR_NOMOTD => {
                if let Some(nick) = self.welcomed.take() {
                    return Step::Registered(nick);
                }
            }
            Numeric::RPL_SASLSUCCESS => out.line(LineBuilder::new(Verb::CAP).param(&word("END"))),
            Numeric::ERR_NICKLOCKED
            | Numeric::ERR_SASLFAIL
            | Numeric::ERR_SASLTOOLONG
            | Numeric::ERR_SASLABORTED => {
                return refused(Ending::Refused);
            }
            Numeric::ERR_NICKNAMEINUSE
            | Numeric::ERR_ERRONEUSNICKNAME
            | Numeric::ERR_NICKCOLLISION
            | Numeric::ERR_UNAVAILRESOURCE
                if self.welcomed.is_none() =>
            {
                self.tried += 1;
                match self.applicant.nicks.get(self.tried) {
                    Some(nick) => out.line(LineBuilder::new(Verb::NICK).nick(nick)),
                    None => return refused(Ending::NickTaken),
                }
            }
            Numeric::ERR_YOUREBANNEDCREEP => return refused(Ending::Banned),
            Numeric::ERR_PASSWDMISMATCH | Numeric::ERR_NOPERMFORHOST => return refused(Ending::Refused),
            _ => {}
        }
        Step::Going
    }

    fn cap(&mut self, message: &Message, out: &mut Out) -> Step {
        // The client's nick, or `*`, comes first; a `*` behind LS says that more lines follow (302).
        match message.str(1).unwrap_or_default() {
            "LS" if self.welcomed.is_none() => {
                // More than any server offers, and a bound.
                if self.offered.len() < 8_192 {
                    self.offered.push_str(&message.words());
                    self.offered.push(' ');
                }
                if message.str(2) == Some("*") && message.params().len() > 3 {
                    return Step::Going;
                }
                self.choose(out)
            }
            "ACK" => {
                let acknowledged = message.words();
                for name in acknowledged.split_whitespace() {
                    let known = self.wanted.iter().find(|wanted| **wanted == name);
                    if let Some(known) = known.filter(|known| !self.capabilities.contains(known)) {
                        self.capabilities.push(known);
                    }
                }
                self.go_on(out);
                Step::Going
            }
            "NAK" => {
                self.go_on(out);
                Step::Going
            }
            _ => Step::Going,
        }
    }

    fn choose(&self, out: &mut Out) -> Step {
        let offers = |wanted: &str| {
            self.offered.split_whitespace().any(|offer| offer.split('=').next() == Some(wanted))
        };
        if self.applicant.sasl.is_some() && !offers("sasl") {
            // While its services are away a network does not offer it, and soon will again.
            return Step::Refused { why: "the network offers no SASL".into(), ending: Ending::Dropped };
        }
        let sasl = self.applicant.sasl.as_ref().map(|_| "sasl");
        let names: Vec<&str> = self.wanted.iter().copied().filter(|name| offers(name)).chain(sasl).collect();
        match names.is_empty() {
            true => out.line(LineBuilder::new(Verb::CAP).param(&word("END"))),
            false => {
                out.last(LineBuilder::new(Verb::CAP).param(&word("REQ")), &Trailing::lossy(&names.join(" ")))
            }
        }
        Step::Going
    }

    fn go_on(&self, out: &mut Out) {
        match &self.applicant.sasl {
            Some(sasl) => out.line(LineBuilder::new(Verb::AUTHENTICATE).param(&word(sasl.mechanism()))),
            None => out.line(LineBuilder::new(Verb::CAP).param(&word("END"))),
        }
    }

    /// In pieces of 400 octets; a last one of exactly that is followed by `+` (IRCv3 SASL).
    fn authenticate(&self, out: &mut Out) {
        let mut rest = match &self.applicant.sasl {
            Some(Sasl::Plain(response)) => response.as_str(),
            // The certificate says it all.
            Some(Sasl::External) | None => "",
        };
        loop {
            let (piece, behind) = rest.split_at_checked(SASL_OCTETS).unwrap_or((rest, ""));
            let piece_or_end = if piece.is_empty() { "+" } else { piece };
            out.line(LineBuilder::new(Verb::AUTHENTICATE).param(&word(piece_or_end)));
            if piece.len() < SASL_OCTETS {
                return;
            }
            rest = behind;
        }
    }
}

/// A word of ours, which can stand in a line.
fn word(text: &str) -> Param {
    Param::lossy(text)
}

/// Lines to send. One that does not fit is left out: only configured words can make one so long.
#[derive(Default)]
struct Out(Vec<Bytes>);

impl Out {
    fn line(&mut self, line: LineBuilder) {
        self.0.extend(line.end());
    }

    fn last(&mut self, line: LineBuilder, text: &Trailing) {
        self.0.extend(line.last(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applicant(sasl: Option<Sasl>) -> Applicant {
        Applicant {
            nicks: ["fred", "fred_"].map(|nick| Nick::parse(nick).unwrap()).to_vec(),
            user: User::parse("fred").unwrap(),
            real_name: Trailing::new("Fred F").unwrap(),
            password: None,
            webirc: None,
            sasl,
        }
    }

    fn text(lines: &[Bytes]) -> String {
        lines.iter().map(|line| String::from_utf8_lossy(line).replace("\r\n", "|")).collect()
    }

    fn say(registration: &mut Registration, line: &'static str) -> (Step, String) {
        let (step, out) = registration.handle(&Message::parse(&line.into()).unwrap());
        (step, text(&out))
    }

    #[test]
    fn a_nick_that_is_taken_gives_way_to_the_next() {
        let mut registration = Registration::new(applicant(None), &["server-time", "nope"]);
        assert_eq!(text(&registration.begin()), "CAP LS 302|NICK fred|USER fred 0 * :Fred F|");
        assert_eq!(say(&mut registration, ":s CAP * LS * :a=b").1, "");
        assert_eq!(say(&mut registration, ":s CAP * LS :server-time").1, "CAP REQ :server-time|");
        assert_eq!(say(&mut registration, ":s CAP * ACK :server-time").1, "CAP END|");
        assert_eq!(say(&mut registration, ":s 433 * fred :in use").1, "NICK fred_|");
        assert_eq!(say(&mut registration, ":s 001 fred_ :hi").0, Step::Going);
        say(&mut registration, ":s 005 fred_ NICKLEN=20 :ok");
        let step = say(&mut registration, ":s 422 fred_ :no motd").0;
        assert_eq!(step, Step::Registered(Nick::parse("fred_").unwrap()));
        assert_eq!((registration.isupport.nick_octets, registration.capabilities[0]), (20, "server-time"));
    }

    #[test]
    fn no_free_nick_is_worth_another_try_and_a_ban_is_not() {
        let mut registration = Registration::new(applicant(None), &[]);
        say(&mut registration, ":s 433 * fred :in use");
        let last = say(&mut registration, ":s 433 * fred_ :in use").0;
        assert!(matches!(last, Step::Refused { ending: Ending::NickTaken, .. }));
        let banned = say(&mut registration, ":s 465 * :no").0;
        assert!(matches!(banned, Step::Refused { ending: Ending::Banned, .. }));
    }

    #[test]
    fn an_error_is_told_by_its_words() {
        for (words, ending) in [
            ("Closing Link: 10.0.0.1 (K-lined: no bridges)", Ending::Banned),
            ("K-Line by \"op\": \"no bridges\"", Ending::Banned),
            ("Access denied: \"no bridges\" (K-Line)", Ending::Banned),
            ("Closing link: (fred@10.0.0.1) [Z-lined: no]", Ending::Banned),
            ("Server is going off-line", Ending::Dropped),
            ("The gateway was on-line for too long a line", Ending::Dropped),
            ("You are banned from this server", Ending::Banned),
            ("Closing Link: fred[x] (Killed (oper (no)))", Ending::Killed),
            ("Killed by oper", Ending::Killed),
            ("Ping timeout: 180 seconds", Ending::Dropped),
            ("Trying to reconnect too fast", Ending::Dropped),
        ] {
            assert_eq!(Ending::of_error(words), ending, "{words}");
        }
    }

    #[test]
    fn sasl_is_cut_to_pieces_and_demanded() {
        let mut registration = Registration::new(applicant(Some(Sasl::Plain("x".repeat(400)))), &[]);
        assert_eq!(say(&mut registration, ":s CAP * LS :sasl=PLAIN").1, "CAP REQ :sasl|");
        assert_eq!(say(&mut registration, ":s CAP * ACK :sasl").1, "AUTHENTICATE PLAIN|");
        let pieces = format!("AUTHENTICATE {}|AUTHENTICATE +|", "x".repeat(400));
        assert_eq!(say(&mut registration, "AUTHENTICATE +").1, pieces);
        assert_eq!(say(&mut registration, ":s 903 * :ok").1, "CAP END|");
        let mut external = Registration::new(applicant(Some(Sasl::External)), &[]);
        say(&mut external, ":s CAP * LS :sasl");
        assert_eq!(say(&mut external, ":s CAP * ACK :sasl").1, "AUTHENTICATE EXTERNAL|");
        assert_eq!(say(&mut external, "AUTHENTICATE +").1, "AUTHENTICATE +|");
        let mut none = Registration::new(applicant(Some(Sasl::External)), &[]);
        assert!(matches!(say(&mut none, ":s CAP * LS :").0, Step::Refused { ending: Ending::Dropped, .. }));
    }
}
