//! Capabilities (IRCv3 capability negotiation, version 302).

/// A capability that a server of this crate can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Capability {
    /// `account-tag`.
    AccountTag,
    /// `away-notify`.
    AwayNotify,
    /// `batch`.
    Batch,
    /// `cap-notify`.
    ChangesNotify,
    /// `echo-message`.
    EchoMessage,
    /// `extended-monitor`.
    ExtendedMonitor,
    /// `labeled-response`.
    LabeledResponse,
    /// `message-tags`.
    MessageTags,
    /// `draft/account-registration`.
    Registration,
    /// `sasl`.
    Sasl,
    /// `server-time`.
    ServerTime,
    /// `standard-replies`.
    StandardReplies,
}

/// Every capability, and its name.
const ALL: [(Capability, &str); 12] = [
    (Capability::AccountTag, "account-tag"),
    (Capability::AwayNotify, "away-notify"),
    (Capability::Batch, "batch"),
    (Capability::ChangesNotify, "cap-notify"),
    (Capability::EchoMessage, "echo-message"),
    (Capability::ExtendedMonitor, "extended-monitor"),
    (Capability::LabeledResponse, "labeled-response"),
    (Capability::MessageTags, "message-tags"),
    (Capability::Registration, "draft/account-registration"),
    (Capability::Sasl, "sasl"),
    (Capability::ServerTime, "server-time"),
    (Capability::StandardReplies, "standard-replies"),
];

impl Capability {
    fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(cap, _)| *cap)
    }
}

/// What a client has asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// Whether the capability is among them.
    #[must_use]
    pub const fn has(self, cap: Capability) -> bool {
        self.0 & (1 << cap as u8) != 0
    }

    /// Adds a capability, or takes it away.
    const fn set(&mut self, cap: Capability, on: bool) {
        let bit = 1 << cap as u8;
        if on { self.0 |= bit } else { self.0 &= !bit }
    }

    /// Applies a `CAP REQ`: all of it, or nothing where it names what is not on offer.
    #[must_use]
    pub fn request(self, list: &str, offer: &Offer) -> Option<Self> {
        let mut caps = self;
        for word in list.split_ascii_whitespace() {
            let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            let cap = Capability::named(name).filter(|cap| offer.has(*cap))?;
            caps.set(cap, on);
        }
        Some(caps)
    }

    /// Without those of this list.
    #[must_use]
    pub fn without(self, list: &str) -> Self {
        list.split_ascii_whitespace().filter_map(Capability::named).fold(self, |mut caps, cap| {
            caps.set(cap, false);
            caps
        })
    }

    /// Their names.
    #[must_use]
    pub fn names(self) -> String {
        let names: Vec<&str> = ALL.iter().filter(|(cap, _)| self.has(*cap)).map(|(_, name)| *name).collect();
        names.join(" ")
    }
}

/// What a client can ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer {
    /// People can make accounts.
    pub registration: bool,
}

impl Offer {
    const fn has(&self, cap: Capability) -> bool {
        !matches!(cap, Capability::Registration) || self.registration
    }

    /// What can be asked for that could not be before, as in `CAP NEW`, and what no longer can, as in `CAP DEL`.
    #[must_use]
    pub fn changes(&self, before: &Self, with_values: bool) -> (String, String) {
        let only = |one: &Self, other: &Self, with_values: bool| {
            let all = one.list(with_values);
            let name = |word: &str| word.split('=').next().and_then(Capability::named);
            let words = all.split(' ').filter(|word| name(word).is_some_and(|cap| !other.has(cap)));
            words.collect::<Vec<_>>().join(" ")
        };
        (only(self, before, with_values), only(before, self, false))
    }

    /// The list of `CAP LS`; with the values that version 302 knows.
    #[must_use]
    pub fn list(&self, with_values: bool) -> String {
        let words: Vec<String> = ALL
            .iter()
            .filter(|(cap, _)| self.has(*cap))
            .map(|(cap, name)| match cap {
                Capability::Sasl if with_values => format!("{name}=PLAIN"),
                Capability::Registration if with_values => format!("{name}=before-connect"),
                _ => (*name).to_owned(),
            })
            .collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_whole_or_not_at_all() {
        let offer = Offer { registration: false };
        let caps = Capabilities::default().request("echo-message server-time", &offer).unwrap();
        assert!(
            caps.has(Capability::EchoMessage)
                && caps.has(Capability::ServerTime)
                && !caps.has(Capability::Batch)
        );
        assert_eq!(caps.request("batch no-such", &offer), None);
        assert_eq!(caps.request("draft/account-registration", &offer), None);
        assert_eq!(caps.request("-echo-message", &offer).unwrap().names(), "server-time");
        assert!(offer.list(true).contains("sasl=PLAIN") && !offer.list(false).contains('='));
        let more = Offer { registration: true };
        assert!(more.list(false).contains("account-registration"));
        let added = ("draft/account-registration=before-connect".to_owned(), String::new());
        assert_eq!(more.changes(&offer, true), added);
        assert_eq!(offer.changes(&more, true), (String::new(), "draft/account-registration".to_owned()));
        assert_eq!(caps.without("server-time").names(), "echo-message");
    }
}
