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
use super::telling::{Waiting, not_delivered};
use crate::listener::is_reserved;
use crate::sync::lock;

/// Messages of all people that wait for their answer.
const WAITING: usize = 1_024;

/// Messages of one person that do: whoever writes more is told so.
const WAITING_EACH: usize = 16;

/// The way in of a network.
pub(super) struct Inbound {
    /// For those whom nobody vouches for, and for those who are logged in.
    inlets: [Inlet; 3],
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
pub(super) struct Answers(pub(super) [mpsc::Receiver<Answer>; 3]);

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
                    label: format!("{label} of {}", settings.name),
                }),
                serves: Vec::new(),
                home: false,
            };
            cx.open(facts, WAITING)
        };
        // What the gateway is told for good would hold for whoever has the nick next: without an account nobody can say who
        // that is, and so nobody says who this is.
        let (nobody, from_nobody) = open(Standing::Anonymous, "people without an account");
        let (people, from_people) = open(Standing::Claimed, "people");
        let (owners, from_owners) = open(Standing::Verified, "owners of their nicks");
        let draw = format!("{:08x}{:08x}", bits(), bits());
        let sent = Mutex::new(Sent { draw, ..Sent::default() });
        let answers = Answers([from_nobody, from_people, from_owners]);
        Ok((Self { inlets: [nobody, people, owners], sent }, answers))
    }
}

impl Inbound {
    /// Asks something in the relay's own name, which is the gateway's and proven. What comes of it is told by what
    /// happens.
    pub(super) fn ask(&self, operation: Operation) {
        let [_, _, owners] = &self.inlets;
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
            self.notices(seat, &nick, &not_delivered(&words, &text));
        }
    }

    fn submit(
        self: &Arc<Self>,
        seat: &Arc<Seat>,
        nick: &Nick,
        spoken: &Spoken,
        text: &str,
    ) -> Result<(), String> {
        let live = self.live().ok_or("the gateway is just starting")?;
        let (destination, text) = self.destination(seat, text)?;
        let source = self.uri_of(nick.as_str()).ok_or("your nick cannot be an address")?;
        let is_owner = self.settings.trusts_accounts
            && spoken.account().is_some_and(|account| self.mapping().same(account, nick.as_str()));
        let [nobody, people, owners] = &live.inbound.inlets;
        let busy = "too much is under way; try again in a moment";
        let trans_id = {
            let mut sent = lock(&live.inbound.sent);
            if sent.waiting.values().filter(|waiting| waiting.is_of(nick)).count() >= WAITING_EACH {
                return Err(busy.into());
            }
            sent.count += 1;
            let id = format!("{}-{}", sent.draw, sent.count);
            TransId::parse(&id).map_err(|error| error.to_string())?
        };
        let (key, is_command) = (self.key(nick.as_str()), self.is_gateways(destination.address()));
        match is_owner && is_command {
            true => self.commands(&key),
            false => self.speaks(&key, spoken.account()),
        }
        let inlet = match is_owner {
            true => owners,
            false if is_command => nobody,
            false => people,
        };
        let place = inlet.try_reserve().ok_or(busy)?;
        let waiting = Arc::new(Waiting::new(nick.clone(), seat, spoken, text));
        lock(&live.inbound.sent).waiting.insert(trans_id.clone(), waiting);
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

    /// To whom a text is: what is said to a puppet is for its user; at the relay `ADDRESS: TEXT` is for that address,
    /// and all else for the gateway itself.
    fn destination<'a>(&self, seat: &Seat, text: &'a str) -> Result<(ImUri, &'a str), String> {
        if let Some(principal) = &seat.principal {
            return Ok((principal.clone(), text));
        }
        let mapper = self.mapper().ok_or("the gateway is just starting")?;
        let addressed = text
            .split_once(": ")
            .filter(|(address, _)| address.contains('@') && !address.contains(char::is_whitespace));
        let Some((address, rest)) = addressed else {
            let gateway = mapper.address_of(&Local::Gateway, Class::Im).map_err(|error| error.to_string())?;
            let gateway = ImUri::try_from(cpim_adapter::Uri::from(gateway));
            return gateway.map(|uri| (uri, text)).map_err(|error| error.to_string());
        };
        let uri = match address.split_once(':') {
            Some(("im", _)) => mapper.read(address, Class::Im).map_err(|error| error.to_string()),
            Some(_) => mapper.map(address, Class::Im).map_err(|error| error.to_string()),
            None => mapper.read(&format!("im:{address}"), Class::Im).map_err(|error| error.to_string()),
        };
        let uri = ImUri::try_from(uri?).map_err(|error| error.to_string())?;
        match rest.trim().is_empty() {
            true => Err("nothing to say behind the address".into()),
            false => Ok((uri, rest)),
        }
    }
}
