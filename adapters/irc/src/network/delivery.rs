//! From the gateway to somebody of the network: whose seat, whose nick, whose turn; then the commit point.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cpim_adapter::{Code, CommitPoint, DeliveryError, Fault, Notify, Retry};
use cpim_irc_proto::client::{Found, Letter};
use cpim_irc_proto::{LineBuilder, LineTooLong, NameKey, Nick, Trailing, Verb};
use tokio::time::{Instant, timeout};

use super::joined::Joined;
use super::mailbox::{NoTurn, Posted};
use super::people::{Judgement, Noted};
use super::seat::Seat;
use crate::net::nobody_there;
use crate::outgoing::Outgoing;
use crate::shown::{Most, Reader};
use crate::sync::lock;

/// Lines of one message at most: at the pace of networks, minutes.
const MOST: Most = Most { shown: 100, whole: 100 };

/// A puppet that was not used for so long makes room for another.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// How long a message waits for its seat to be on the network before the gateway is told that it is not.
const OUT_OF_REACH: Duration = Duration::from_secs(60);

/// How long the network has to say who somebody is, while nobody else waits for that.
const WHO: Duration = Duration::from_secs(20);

/// How long it has while a message holds its seat: time for a question at the pace of networks, and its answer.
const WHO_AT_ONCE: Duration = Duration::from_secs(5);

/// Hands a message to whoever a target means: whose seat, whose nick, whose turn; then the commit point.
pub(super) async fn letter(
    joined: &Arc<Joined>,
    target: &str,
    letter: Outgoing<'_>,
    commit: &CommitPoint,
) -> Result<(), DeliveryError> {
    let Outgoing { message, delivery } = letter;
    let live = joined.live().ok_or_else(|| DeliveryError::transport("the gateway is just starting"))?;
    let key = joined.key(target);
    let nick =
        Nick::parse(target).map_err(|error| DeliveryError::refused(Code::BadAddress, error.to_string()))?;
    if joined.is_ours(&key) {
        // What came back to us would go round and round (standards.md I18).
        let words = "that nick is this gateway's own there; write to the address behind it";
        return Err(DeliveryError::refused(Code::Loop, words));
    }
    let (seat, is_own) = joined.seat_for(&message.source)?;
    // The seat is made ready while its target is looked at, and held by nobody meanwhile.
    let wanted = seat.mailbox.wanted();
    judge(joined, &key, delivery.accepted_at, WHO).await?;
    // Only the relay tries whether the network is there, and no other seat comes before it is.
    if !joined.is_in_sight() && seat.nick().is_none() {
        return Err(out_of_sight());
    }
    let turn = match timeout(OUT_OF_REACH, seat.mailbox.turn()).await {
        Ok(Ok(turn)) => turn,
        Ok(Err(NoTurn::Full)) => return Err(busy()),
        Ok(Err(NoTurn::Closed)) => return Err(closed(&seat)),
        Err(_) => return Err(DeliveryError::transport("off the network")),
    };
    drop(wanted);
    // Waiting may have taken long. Others wait for this now: where the network is slow to say, they go first.
    judge(joined, &key, delivery.accepted_at, WHO_AT_ONCE).await?;
    let before = match is_own || joined.is_gateways(message.source.address()) {
        true => String::new(),
        false => format!("<{}> ", message.source.to_string().trim_start_matches("im:")),
    };
    // The relay takes what is for the gateway itself.
    let inbox =
        joined.relay.nick().map_or_else(|| "this network's relay".to_owned(), |nick| nick.to_string());
    // How long the network lets him be who he is, nobody knows.
    let reader = Reader { inbox: &inbox, is_guest: true };
    let frame = (turn.source_octets, target, &*before);
    let lines = letter.lines(&live.cx, frame, MOST, reader).await?;
    let line = |text| LineBuilder::new(letter.verb()).nick(&nick).last(text);
    let octets: Result<Vec<Bytes>, LineTooLong> = lines.iter().map(line).collect();
    let octets = octets.map_err(|error| DeliveryError::refused(Code::TooLarge, error.to_string()))?;
    commit.pass(None).await?;
    let posted = Posted {
        letter: Letter::new(turn.mapping.key(target), octets),
        leg: letter.leg(&live.cx),
        is_notice: message.metadata.automatic,
    };
    // Should the connection have ended meanwhile, the leg is dropped, which says that nothing was sent.
    drop(turn.slot.send(posted));
    Ok(())
}

/// Whether what was accepted then is for whoever has the nick now. Who that is, the network is asked where it is not
/// known, and has so long to say it.
async fn judge(
    joined: &Arc<Joined>,
    key: &NameKey,
    accepted_at: SystemTime,
    within: Duration,
) -> Result<(), DeliveryError> {
    joined.meet(key, accepted_at).await;
    let judge = |joined: &Joined| lock(&joined.people).judge(key, accepted_at, SystemTime::now());
    let mut judgement = judge(joined);
    // What is not for him for certain is not for another either, as long as nobody can be asked.
    if judgement != Judgement::Same && !joined.is_in_sight() {
        return Err(out_of_sight());
    }
    if judgement == Judgement::Unclear {
        let answer = joined.who_is(key);
        let Ok(Some(_)) = timeout(within, answer).await else {
            return Err(DeliveryError::transport("the network does not say who has that nick"));
        };
        judgement = judge(joined);
    }
    match judgement {
        _ if lock(&joined.people).is_gone(key) => Err(nobody_there()),
        Judgement::Same => Ok(()),
        Judgement::Other => Err(somebody_else(
            "whoever has that nick now may be somebody else than when the message was accepted",
        )),
        Judgement::Unclear => Err(DeliveryError::transport("who has that nick is not known yet")),
    }
}

impl Joined {
    /// Keeps somebody in mind who is written to, and has him watched.
    async fn meet(self: &Arc<Self>, key: &NameKey, accepted_at: SystemTime) {
        let (at, now) = (SystemTime::now(), Instant::now());
        let (is_new, forgotten) = lock(&self.people).meet(key, at, now);
        if !is_new {
            return;
        }
        self.watches(key, false, forgotten.as_ref());
        let is_old = at.duration_since(accepted_at).unwrap_or_default() > super::people::MOMENT;
        if is_old && let Some((identity, since)) = self.noted(key).await {
            lock(&self.people).recall(key, identity, since);
        } else {
            // Who that is will be of use when something has to wait.
            self.wonders(key);
        }
    }

    /// The network has said who somebody is. Gives what is to be noted of that.
    pub(super) fn found(&self, key: &NameKey, found: &Found) -> Option<Noted> {
        let is_told = lock(&self.watch).as_mut().is_some_and(|watch| {
            watch.found(key, found.away.is_some());
            watch.is_told(key)
        });
        let noted = lock(&self.people).found(key, found, is_told, SystemTime::now(), Instant::now());
        self.told(key);
        noted
    }
}

/// Presence for somebody of the network. For the relay itself it is how a foreign user's puppet is to look; anybody
/// else is told by it in words, as long as he is the one who asked.
pub(super) async fn news(
    joined: &Arc<Joined>,
    target: &str,
    notify: &Notify,
    commit: &CommitPoint,
) -> Result<(), DeliveryError> {
    let key = joined.key(target);
    let is_for_relay = key == joined.key(joined.settings.nick.as_str());
    if !is_for_relay && joined.relay.nick().is_none() {
        return Err(DeliveryError::out_of_contact());
    }
    if !is_for_relay {
        joined.is_owners(&key).await?;
    }
    commit.pass(None).await?;
    if is_for_relay {
        joined.shows_presence(notify);
    } else if let Ok(nick) = Nick::parse(target) {
        let who = notify.target.to_string();
        let words = notify.presence.summary(who.trim_start_matches("pres:"));
        joined.notices(&joined.relay, &nick, &words);
    }
    Ok(())
}

impl Joined {
    /// Has a seat write a notice, which nothing answers.
    pub(super) fn notices(&self, seat: &Seat, to: &Nick, words: &str) {
        let words: String = words.chars().take(300).collect();
        let line = LineBuilder::new(Verb::NOTICE).nick(to).last(&Trailing::lossy(&words));
        if let Ok(line) = line {
            seat.mailbox.line(line);
        }
    }
}

/// Whoever it is for does not have the nick any more.
pub(super) fn somebody_else(words: &str) -> DeliveryError {
    DeliveryError::refused(Code::Unreachable, words)
}

fn out_of_sight() -> DeliveryError {
    DeliveryError::transport("the network is out of reach")
}

fn busy() -> DeliveryError {
    DeliveryError {
        fault: Fault::Transport,
        retry: Retry::Later,
        code: Code::Busy,
        public: "too much is under way to that network".into(),
        detail: String::new(),
    }
}

fn closed(seat: &Seat) -> DeliveryError {
    match (seat.barred(), seat.held()) {
        (Some(why), _) => barred(seat.is_relay(), &why),
        (None, Some(why)) => killed(&why),
        (None, None) => DeliveryError::transport("the connection has just been given up"),
    }
}

/// The network does not let a seat in. Why, is its user's business; where it is the relay's, the administrator's.
pub(super) fn barred(is_relay: bool, why: &str) -> DeliveryError {
    let (public, detail) = match is_relay {
        true => ("the network does not let the gateway in".to_owned(), why.to_owned()),
        false => (format!("the network does not let you in: {why}"), String::new()),
    };
    DeliveryError { fault: Fault::PeerRefused, retry: Retry::Never, code: Code::Refused, public, detail }
}

/// An operator has thrown a puppet out, which comes back later.
fn killed(why: &str) -> DeliveryError {
    DeliveryError {
        fault: Fault::PeerRefused,
        retry: Retry::Later,
        code: Code::Unreachable,
        public: format!("an operator of the network has removed you for a while: {why}"),
        detail: String::new(),
    }
}
