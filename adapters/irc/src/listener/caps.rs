//! Capabilities (IRCv3 capability negotiation, version 302).

/// A capability that this server has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Cap {
    AccountTag,
    AwayNotify,
    Batch,
    ChangesNotify,
    EchoMessage,
    ExtendedMonitor,
    LabeledResponse,
    MessageTags,
    Registration,
    Sasl,
    ServerTime,
    StandardReplies,
}

/// Every capability, and its name.
const ALL: [(Cap, &str); 12] = [
    (Cap::AccountTag, "account-tag"),
    (Cap::AwayNotify, "away-notify"),
    (Cap::Batch, "batch"),
    (Cap::ChangesNotify, "cap-notify"),
    (Cap::EchoMessage, "echo-message"),
    (Cap::ExtendedMonitor, "extended-monitor"),
    (Cap::LabeledResponse, "labeled-response"),
    (Cap::MessageTags, "message-tags"),
    (Cap::Registration, "draft/account-registration"),
    (Cap::Sasl, "sasl"),
    (Cap::ServerTime, "server-time"),
    (Cap::StandardReplies, "standard-replies"),
];

impl Cap {
    fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(cap, _)| *cap)
    }
}

/// What a client has asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Caps(u16);

impl Caps {
    /// Whether the capability is among them.
    pub(crate) const fn has(self, cap: Cap) -> bool {
        self.0 & (1 << cap as u8) != 0
    }

    /// Adds a capability, or takes it away.
    const fn set(&mut self, cap: Cap, on: bool) {
        let bit = 1 << cap as u8;
        if on { self.0 |= bit } else { self.0 &= !bit }
    }

    /// Applies a `CAP REQ`: all of it, or nothing where it names what is not on offer.
    pub(crate) fn request(self, list: &str, offer: &Offer) -> Option<Self> {
        let mut caps = self;
        for word in list.split_ascii_whitespace() {
            let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            let cap = Cap::named(name).filter(|cap| offer.has(*cap))?;
            caps.set(cap, on);
        }
        Some(caps)
    }

    /// Their names.
    pub(crate) fn names(self) -> String {
        let names: Vec<&str> = ALL.iter().filter(|(cap, _)| self.has(*cap)).map(|(_, name)| *name).collect();
        names.join(" ")
    }
}

/// What a client can ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// People can make accounts.
    pub(crate) registration: bool,
}

impl Offer {
    const fn has(&self, cap: Cap) -> bool {
        !matches!(cap, Cap::Registration) || self.registration
    }

    /// The list of `CAP LS`; with the values that version 302 knows.
    pub(crate) fn list(&self, with_values: bool) -> String {
        let words: Vec<String> = ALL
            .iter()
            .filter(|(cap, _)| self.has(*cap))
            .map(|(cap, name)| match cap {
                Cap::Sasl if with_values => format!("{name}=PLAIN"),
                Cap::Registration if with_values => format!("{name}=before-connect"),
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
        let caps = Caps::default().request("echo-message server-time", &offer).unwrap();
        assert!(caps.has(Cap::EchoMessage) && caps.has(Cap::ServerTime) && !caps.has(Cap::Batch));
        assert_eq!(caps.request("batch no-such", &offer), None);
        assert_eq!(caps.request("draft/account-registration", &offer), None);
        assert_eq!(caps.request("-echo-message", &offer).unwrap().names(), "server-time");
        assert!(offer.list(true).contains("sasl=PLAIN") && !offer.list(false).contains('='));
        assert!(Offer { registration: true }.list(false).contains("account-registration"));
    }
}
