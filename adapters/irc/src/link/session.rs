//! One link, from the moment that both sides know each other: one task that joins its wire and the gateway.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpim_adapter::envelope::Replays;
use cpim_adapter::{AdapterContext, Answer, Inlet, Receipt, Response};
use cpim_irc_proto::{Numeric, Origin, Verb};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::desk::{Came, Desk};
use super::parcel::{Intake, Tag};
use super::peers::Peer;
use crate::leg::Leg;
use crate::line::{Line, Request};
use crate::wire::Wire;

/// Octets that wait for the other side to take them before nothing more is put there.
const SEND_QUEUE: usize = 256 * 1_024;

/// Operations from the other side that wait for their answer; it is told `busy` beyond that.
const OPERATIONS: usize = 256;

/// Until a silent link is pinged.
const IDLE: Duration = Duration::from_secs(60);

/// For the other side to answer a ping, or to take what it is sent.
const SILENCE: Duration = Duration::from_secs(30);

/// Something that goes over the link.
pub(crate) struct Parcel {
    /// The name of its envelope.
    pub(crate) name: String,
    /// Its leg, where a response will come.
    pub(crate) leg: Option<Leg>,
    pub(crate) tags: Vec<Tag>,
}

/// Which side of an IRC connection this gateway is.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// The client.
    Client,
    /// The server, which is so called, of a client with this nick.
    Server { origin: Origin, nick: String },
}

/// A link.
pub(crate) struct Link {
    desk: Desk,
    side: Side,
    wire: Wire,
    cx: AdapterContext,
    room: mpsc::Receiver<Parcel>,
    inlet: Inlet,
    answers: mpsc::Receiver<Answer>,
    intake: Intake,
    /// Answers that are on the wire, and how many octets are taken once each is.
    receipts: VecDeque<(u64, Receipt)>,
    heard: Instant,
    pinged: Option<Instant>,
    drain: Duration,
    drain_until: Option<Instant>,
}

/// What a link is made of, beside its wire.
pub(super) struct Parts {
    pub(super) peer: Arc<Peer>,
    pub(super) side: Side,
    pub(super) replays: Arc<Mutex<Replays>>,
    pub(super) room: mpsc::Receiver<Parcel>,
    pub(super) content_octets: usize,
    pub(super) drain: Duration,
}

enum Turn {
    Answer(Answer),
    Draining,
    Due,
    Forced,
    Moved,
    Parcel(Parcel),
    Lost(String),
}

impl Link {
    pub(super) fn new(parts: Parts, wire: Wire, cx: AdapterContext) -> Self {
        let Parts { peer, side, replays, room, content_octets, drain } = parts;
        let (inlet, answers) = cx.open(peer.facts(), OPERATIONS);
        Self {
            desk: Desk::new(peer, replays),
            side,
            wire,
            cx,
            room,
            inlet,
            answers,
            intake: Intake::new(content_octets),
            receipts: VecDeque::new(),
            heard: Instant::now(),
            pinged: None,
            drain,
            drain_until: None,
        }
    }

    /// Runs the link to its end, and tells what became of everything that was under way.
    pub(crate) async fn run(mut self) {
        let peer = Arc::clone(&self.desk.peer);
        tracing::info!(peer = %peer.domain, client = matches!(self.side, Side::Client), "linked over IRC");
        let why = match self.serve().await {
            Ok(never) => match never {},
            Err(why) => why,
        };
        self.give_receipts();
        let Self { desk, mut wire, mut room, inlet, answers, side, .. } = self;
        desk.close(wire.taken());
        // Nothing of these was sent, which each leg says when it is dropped.
        room.close();
        while room.recv().await.is_some() {}
        drop((inlet, answers));
        let bye = match side {
            Side::Client => Line::bare(Verb::QUIT),
            Side::Server { .. } => Line::bare(Verb::ERROR),
        };
        wire.push(bye.words(&why));
        wire.hang_up().await;
        tracing::info!(peer = %peer.domain, why, "no longer linked over IRC");
    }

    async fn serve(&mut self) -> Result<Infallible, String> {
        let shutdown = self.cx.shutdown.clone();
        loop {
            while let Some(request) = self.wire.next() {
                self.heard = Instant::now();
                self.pinged = None;
                // What is no line is a fault of the other gateway, and no reason to lose what is under way.
                if let Ok(request) = request {
                    self.hear(&request)?;
                }
            }
            self.give_receipts();
            if self.drain_until.is_some() && self.desk.is_idle() && self.wire.queued() == 0 {
                return Err("the gateway stops".to_owned());
            }
            let (takes, wake) = (self.wire.queued() < SEND_QUEUE, self.wake());
            let takes_new = takes && self.drain_until.is_none();
            let turn = tokio::select! {
                moved = self.wire.turn(true) => match moved {
                    Ok(()) => Turn::Moved,
                    Err(error) => Turn::Lost(error.to_string()),
                },
                Some(answer) = self.answers.recv(), if takes => Turn::Answer(answer),
                Some(parcel) = self.room.recv(), if takes_new => Turn::Parcel(parcel),
                () = sleep_until(wake) => Turn::Due,
                () = shutdown.draining(), if self.drain_until.is_none() => Turn::Draining,
                () = shutdown.forced() => Turn::Forced,
            };
            match turn {
                Turn::Moved => {}
                Turn::Answer(answer) => self.answer(answer),
                Turn::Parcel(parcel) => self.depart(parcel),
                Turn::Due => self.due()?,
                Turn::Draining => {
                    self.room.close();
                    self.drain_until = Some(Instant::now() + self.drain);
                }
                Turn::Forced => return Err("the gateway stops at once".to_owned()),
                Turn::Lost(why) => return Err(why),
            }
        }
    }

    fn hear(&mut self, request: &Request) -> Result<(), String> {
        match request.command.as_str() {
            "TAGMSG" => self.take(request),
            "PING" => {
                let token = request.param(0).unwrap_or_default();
                let line = match &self.side {
                    Side::Client => Line::bare(Verb::PONG),
                    Side::Server { origin, .. } => Line::new(origin, Verb::PONG).param(origin.to_string()),
                };
                self.wire.push(line.words(token));
            }
            "ERROR" | "QUIT" => return Err(request.param(0).unwrap_or("it left").to_owned()),
            "PONG" => {}
            other => {
                if let Side::Server { origin, nick } = &self.side {
                    let line = Line::reply(origin, Numeric::ERR_UNKNOWNCOMMAND, nick);
                    self.wire.push(line.param(other).words("A link between gateways takes TAGMSG only"));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, request: &Request) {
        let Some(arrived) = self.intake.take(|key| request.tag(key)) else { return };
        match self.desk.take(arrived, &self.cx.mapper()) {
            Ok(Came::Operation(arrival)) => match self.inlet.try_reserve() {
                Some(place) => place.submit(*arrival),
                None => {
                    let busy = Response::failure(cpim_adapter::Code::Busy, "too much is under way");
                    let tags = self.desk.reply(arrival.trans_id.as_str(), &busy);
                    self.write(&tags);
                }
            },
            Ok(Came::Refused(tags)) => self.write(&tags),
            Ok(Came::Response) => {}
            Err(error) => tracing::warn!(peer = ?self.desk.peer, %error, "an envelope is not believed"),
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Answer { trans_id, response, receipt } = answer;
        let tags = self.desk.reply(trans_id.as_str(), &response);
        self.write(&tags);
        self.receipts.extend(receipt.map(|receipt| (self.wire.end_of_queue(), receipt)));
    }

    fn depart(&mut self, parcel: Parcel) {
        let Parcel { name, leg, tags } = parcel;
        let begin = self.wire.end_of_queue();
        self.write(&tags);
        if let Some(leg) = leg {
            self.desk.sent(name, leg, begin);
        }
    }

    fn write(&mut self, tags: &[Tag]) {
        for Tag { key, value } in tags {
            let line = match &self.side {
                Side::Client => Line::bare(Verb::TAGMSG).param(crate::GATEWAY_NICK),
                Side::Server { origin, nick } => Line::new(origin, Verb::TAGMSG).param(nick),
            };
            self.wire.push(line.tag(key, value));
        }
    }

    /// What the other side has taken of answers, it has.
    fn give_receipts(&mut self) {
        let taken = self.wire.taken();
        while self.receipts.front().is_some_and(|(end, _)| *end <= taken) {
            if let Some((_, receipt)) = self.receipts.pop_front() {
                receipt.handed_over();
            }
        }
    }

    fn wake(&self) -> Instant {
        let silence = self.pinged.map_or(self.heard + IDLE, |pinged| pinged + SILENCE);
        let stalled = self.wire.stalled_since().map(|since| since + SILENCE);
        [Some(silence), stalled, self.drain_until].into_iter().flatten().min().unwrap_or(silence)
    }

    fn due(&mut self) -> Result<(), String> {
        let now = Instant::now();
        if self.wire.stalled_since().is_some_and(|since| since + SILENCE <= now) {
            return Err("nothing is taken".to_owned());
        }
        if self.drain_until.is_some_and(|until| until <= now) {
            return Err("the gateway stops".to_owned());
        }
        match self.pinged {
            Some(pinged) if pinged + SILENCE <= now => return Err("ping timeout".to_owned()),
            None if self.heard + IDLE <= now => {
                self.pinged = Some(now);
                self.wire.push(Line::bare(Verb::PING).words("link"));
            }
            _ => {}
        }
        Ok(())
    }
}
