//! What people of the network write to a seat of ours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cpim_adapter::{
    AdapterContext, AdapterError, Address, Answer, Arrival, Authority, Class, ImUri, Inlet, Local,
    Message as Instant, Metadata, Operation, Scope, Selectors, SessionFacts, Standing, TransId,
};
use cpim_irc_proto::Nick;
use cpim_irc_proto::client::Spoken;
use cpim_irc_proto::text::{Said, content};
use tokio::sync::mpsc;

use super::config::NetworkSettings;
use super::draw;
use super::joined::Joined;
use super::seat::Seat;
use super::telling::{Mention, Waiting};
use crate::listener::is_reserved;
use crate::quote::beginning;
use crate::sync::lock;

/// Messages of all people that wait for their answer.
const WAITING: usize = 1_024;

/// Messages of one person that do: whoever writes more is told so.
const WAITING_EACH: usize = 16;

/// The way in of a network.
pub(super) struct Inbound {
    /// For those whom nobody vouches for, and for those who are logged in.
    inlets: [Inlet; 2],
    sent: Mutex<Sent>,
}

#[derive(Default)]
struct Sent {
    count: u64,
    /// Unlike that of any other run: a retransmission is recognised by source and transID.
    draw: String,
    waiting: HashMap<TransId, Arc<Waiting>>,
}

/// Answers, of each standing.
pub(super) struct Answers(pub(super) [mpsc::Receiver<Answer>; 2]);

impl Inbound {
    /// The way in.
    pub(super) fn open(
        cx: &AdapterContext,
        settings: &NetworkSettings,
    ) -> Result<(Self, Answers), AdapterError> {
        let selector = Selectors::default().find("irc");
        let selector = selector.map_err(|error| AdapterError::Internal(error.to_string()))?;
        let open = |standing, label: &str| {
            let facts = SessionFacts {
                authority: Arc::new(Authority {
                    peer: None,
                    scopes: vec![Scope::Selector(selector.clone())],
                    standing,
                    label: format!("{}: {label}", settings.name),
                }),
                serves: Vec::new(),
                home: false,
            };
            cx.open(facts, WAITING)
        };
        let (people, from_people) = open(Standing::Claimed, "whoever writes there");
        let (owners, from_owners) = open(Standing::Verified, "whoever writes there by his own account");
        let draw = format!("{:08x}{:08x}", bits(), bits());
        let sent = Mutex::new(Sent { draw, ..Sent::default() });
        let answers = Answers([from_people, from_owners]);
        Ok((Self { inlets: [people, owners], sent }, answers))
    }
}

impl Inbound {
    /// Asks something in the relay's own name, which is the gateway's and proven. What comes of it is told by what
    /// happens.
    pub(super) fn ask(&self, operation: Operation) {
        let [_, owners] = &self.inlets;
        let id = {
            let mut sent = lock(&self.sent);
            sent.count += 1;
            format!("{}-{}", sent.draw, sent.count)
        };
        if let (Some(place), Ok(trans_id)) = (owners.try_reserve(), TransId::parse(&id)) {
            let held = matches!(operation, Operation::Subscribe(_));
            place.submit(arrival(operation, trans_id, held));
        }
    }

    /// Who waits for this answer.
    pub(super) fn waiting(&self, trans_id: &TransId) -> Option<Arc<Waiting>> {
        lock(&self.sent).waiting.get(trans_id).cloned()
    }

    /// Nobody waits for it any more.
    pub(super) fn is_told(&self, trans_id: &TransId) {
        lock(&self.sent).waiting.remove(trans_id);
    }
}

fn arrival(operation: Operation, trans_id: TransId, held: bool) -> Arrival {
    Arrival { operation, trans_id, hops: None, via: Vec::new(), id: None, wait: None, standing: None, held }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any bits will do")]
fn bits() -> u32 {
    (draw() * f64::from(u32::MAX)) as u32
}

impl Joined {
    /// Takes what somebody wrote to a seat.
    pub(super) fn said(self: &Arc<Self>, seat: &Arc<Seat>, spoken: &Spoken) {
        let Some(nick) = spoken.source.name_str().and_then(|nick| Nick::parse(nick).ok()) else { return };
        let key = self.key(nick.as_str());
        // What a seat of ours says is known already (standards.md I18), and services are no people.
        if self.is_ours(&key) || spoken.notice && (seat.is_relay() || is_reserved(nick.as_str())) {
            return;
        }
        if spoken.replayed && !seat.heard.missed(spoken.time()) {
            // It was heard, or was for whoever was here before.
            tracing::debug!(network = self.name(), %nick, time = spoken.time(), "played back, and no news");
            return;
        }
        if let Some(time) = spoken.time() {
            self.has_heard(seat, time);
        }
        // Questions of programs to programs.
        let Said::Text(text) = Said::read(spoken.text()) else { return };
        if text.trim().is_empty() {
            return;
        }
        if let Err(words) = self.submit(seat, &nick, spoken, &text)
            && !spoken.notice
        {
            self.notices(seat, &nick, &words);
        }
    }

    /// Takes it for whom it is meant; or gives what its author is to be told.
    fn submit(
        self: &Arc<Self>,
        seat: &Arc<Seat>,
        nick: &Nick,
        spoken: &Spoken,
        text: &str,
    ) -> Result<(), String> {
        let is_owner = self.settings.trusts_accounts
            && spoken.account().is_some_and(|account| self.mapping().same(account, nick.as_str()));
        let (to, text) = match seat.is_relay().then(|| self.addressed(text)) {
            Some(Addressed::To(address, rest)) => (Some(address), rest),
            Some(Addressed::Almost(address, rest)) => {
                return Err(format!("To write to {address}, write: {address}: {}", beginning(rest)));
            }
            Some(Addressed::Nobody) if !is_owner => {
                self.speaks(&self.key(nick.as_str()), spoken.account());
                return Err(HELP.to_owned());
            }
            Some(Addressed::Nobody) | None => (None, text),
        };
        let mention = Mention::new(to, text);
        let waiting = Waiting::new(nick.clone(), seat, spoken, mention.clone());
        self.take(waiting, (seat, to, text), spoken, is_owner).map_err(|why| mention.not_delivered(&why))
    }

    fn take(
        self: &Arc<Self>,
        waiting: Waiting,
        (seat, to, text): (&Seat, Option<&str>, &str),
        spoken: &Spoken,
        is_owner: bool,
    ) -> Result<(), String> {
        let live = self.live().ok_or("the gateway is just starting")?;
        let destination = self.destination(seat, to)?;
        if text.trim().is_empty() {
            return Err("nothing to say behind the address".into());
        }
        // What the gateway is told for good would hold for whoever has the nick next.
        if !is_owner && self.is_gateways(destination.address()) {
            return Err("commands are only for people whose account the gateway believes".into());
        }
        let nick = waiting.nick();
        let source = self.uri_of(nick.as_str()).ok_or("your nick cannot be an address")?;
        let [people, owners] = &live.inbound.inlets;
        let busy = "too much is under way; try again in a moment";
        let trans_id = {
            let mut sent = lock(&live.inbound.sent);
            if sent.waiting.values().filter(|waiting| waiting.nick() == nick).count() >= WAITING_EACH {
                return Err(busy.into());
            }
            sent.count += 1;
            let id = format!("{}-{}", sent.draw, sent.count);
            TransId::parse(&id).map_err(|error| error.to_string())?
        };
        let key = self.key(nick.as_str());
        match is_owner && self.is_gateways(destination.address()) {
            true => self.commands(&key),
            false => self.speaks(&key, spoken.account()),
        }
        let inlet = if is_owner { owners } else { people };
        let place = inlet.try_reserve().ok_or(busy)?;
        lock(&live.inbound.sent).waiting.insert(trans_id.clone(), Arc::new(waiting));
        let is_bot = spoken.message.tags.get("bot").is_some();
        let operation = Operation::Message(Instant {
            source,
            destination,
            content: content(text),
            metadata: Metadata {
                automatic: spoken.notice || is_bot,
                // Of what is played back; everything else is written as it comes.
                date: spoken.time().filter(|_| spoken.replayed).map(Into::into),
                ..Metadata::default()
            },
        });
        place.submit(arrival(operation, trans_id, false));
        Ok(())
    }

    /// Whether an address is the gateway's own inbox.
    pub(super) fn is_gateways(&self, address: &Address) -> bool {
        let mapper = self.mapper();
        mapper.is_some_and(|mapper| matches!(mapper.resident(address), Ok(Some(Local::Gateway))))
    }

    /// Whom somebody means who writes to the relay.
    fn addressed<'a>(&self, text: &'a str) -> Addressed<'a> {
        let Some(addressed) = Addressed::read(text) else { return Addressed::Nobody };
        match addressed {
            // A word with `@` in it that is no address is a word.
            Addressed::Almost(address, _) if self.read(address).is_err() => Addressed::Nobody,
            addressed => addressed,
        }
    }

    /// To whom a text is: what is said to a puppet is for its user; at the relay it is for an address, or the gateway
    /// itself.
    fn destination(&self, seat: &Seat, to: Option<&str>) -> Result<ImUri, String> {
        match (&seat.principal, to) {
            (Some(principal), _) => Ok(principal.clone()),
            (None, Some(address)) => self.read(address),
            (None, None) => {
                let mapper = self.mapper().ok_or("the gateway is just starting")?;
                let gateway =
                    mapper.address_of(&Local::Gateway, Class::Im).map_err(|error| error.to_string())?;
                ImUri::try_from(cpim_adapter::Uri::from(gateway)).map_err(|error| error.to_string())
            }
        }
    }

    fn read(&self, address: &str) -> Result<ImUri, String> {
        let mapper = self.mapper().ok_or("the gateway is just starting")?;
        let uri = match address.split_once(':') {
            Some(("im", _)) => mapper.read(address, Class::Im).map_err(|error| error.to_string()),
            Some(_) => mapper.map(address, Class::Im).map_err(|error| error.to_string()),
            None => mapper.read(&format!("im:{address}"), Class::Im).map_err(|error| error.to_string()),
        };
        ImUri::try_from(uri?).map_err(|error| error.to_string())
    }
}

/// What is said to who has no account, whatever he wanted: one line, since the relay's next must wait for it.
const HELP: &str = "To write to somebody, write ADDRESS: TEXT, such as fred@a.example: hello. Commands for the gateway \
                    are only for people whose account it believes.";

/// Whom a text at the relay is for.
#[derive(Debug, Eq, PartialEq)]
enum Addressed<'a> {
    /// `ADDRESS: TEXT`.
    To(&'a str, &'a str),
    /// What looks as if that were meant: without the colon, or as the relay itself writes it, `<ADDRESS> TEXT`.
    Almost(&'a str, &'a str),
    /// For the gateway itself.
    Nobody,
}

impl<'a> Addressed<'a> {
    /// Reads a text; `None` where its first word is no address.
    fn read(text: &'a str) -> Option<Self> {
        let (word, rest) = text.trim_start().split_once(' ')?;
        let quoted = word.strip_prefix('<').and_then(|word| word.trim_end_matches(':').strip_suffix('>'));
        match (quoted, word.strip_suffix(':')) {
            _ if !word.contains('@') => None,
            (Some(address), _) => Some(Self::Almost(address, rest.trim())),
            (None, Some(address)) => Some(Self::To(address, rest)),
            (None, None) => Some(Self::Almost(word, rest.trim())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_text_is_for_stands_before_it() {
        let to = |text| Addressed::read(text);
        let fred = "fred@a.example";
        assert_eq!(to("fred@a.example: hi: there"), Some(Addressed::To(fred, "hi: there")));
        assert_eq!(to("mailto:fred@a.example: hi"), Some(Addressed::To("mailto:fred@a.example", "hi")));
        for almost in ["fred@a.example hi", "<fred@a.example> hi", " <fred@a.example>: hi "] {
            assert_eq!(to(almost), Some(Addressed::Almost(fred, "hi")), "{almost}");
        }
        for nobody in ["help", "block fred@a.example", "hello?", "fred@a.example"] {
            assert_eq!(to(nobody), None, "{nobody}");
        }
    }
}
