//! One client on the network: one task that joins its wire, the gateway, and whoever writes to it.
//!
//! # Why two clients that flood each other cannot block each other
//! A line that asks for an operation is taken when there is a place for it, whose answer has room by then. Until then it
//! waits, and those behind it, while reading goes on: the pong that confirms what the client was sent itself comes behind
//! them, and is taken at once. Only when [`AHEAD_OCTETS`] wait is the client read no further, which is how IRC paces it;
//! and not for ever: after [`PLACE_WAIT`] the first of them is refused, and reading goes on.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cpim_adapter::{
    Address, Answer, Arrival, Authority, Class, ImUri, Inlet, Mapper, Operation, Place, PresUri, Response,
    Scope, SessionFacts, Standing, TransId, Uri,
};
use cpim_irc_proto::{Origin, Trailing, Verb, text};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::accounts::hex;
use super::client::{Client, End};
use super::departure::{Departure, Letter};
use super::messages::{self, Sent};
use super::nick::fold;
use super::presence::{self, Status};
use super::queries::Query;
use super::registration::Entered;
use super::users::{Face, User};
use super::watches::{Ask, Watch};
use crate::config::Guests;
use crate::leg::Leg;
use crate::line::{Line, Request};

/// Requests and departures taken before the wire has its turn again: enough to fill one write.
const BATCH: usize = 64;

/// Octets of lines that wait for a place, of one client, before it is read no further: a long paste.
const AHEAD_OCTETS: usize = 64 * 1_024;

/// Questions of one client that wait to be put to the gateway (`MONITOR`, `WHOIS`) before it is read no further: more than
/// any line brings about.
const ASKS: usize = 1_024;

/// How long a client is read no further before the first of its lines that wait is refused.
const PLACE_WAIT: Duration = Duration::from_secs(2);

/// Foreign nicks that the client has seen, and would miss if they changed.
const ACQUAINTED: usize = 512;

/// What an answer is awaited for.
pub(super) enum Asked {
    /// Whether somebody is there, once.
    Fetch(Address),
    /// A message.
    Message(Sent),
    /// Presence, from now on.
    Subscribe(Address),
    /// No presence any more.
    Unsubscribe,
}

/// A message that was sent to the client and waits for the pong behind it.
struct Flying {
    leg: Leg,
    /// The ping behind it.
    fence: u64,
    /// Octets that were sent before it.
    begin: u64,
    /// Octets that were sent when each of its lines was.
    ends: Vec<u64>,
    /// Since when all of it is out, of the first that waits.
    out_since: Option<Instant>,
}

/// Who the client is.
pub(super) struct Me {
    /// Its person: what stands in its address.
    pub(super) person: String,
    pub(super) im: ImUri,
    pub(super) pres: PresUri,
}

/// A client on the network.
pub(crate) struct Session {
    pub(super) client: Client,
    pub(super) user: Arc<User>,
    pub(super) me: Me,
    departures: mpsc::Receiver<Departure>,
    inlet: Inlet,
    answers: mpsc::Receiver<Answer>,
    /// What makes the transIDs of this connection unlike those of any other.
    draw: String,
    last_id: u64,
    pub(super) asked: HashMap<TransId, Asked>,
    /// Requests that wait: the first for a place, the others for those before them.
    held: VecDeque<Request>,
    held_octets: usize,
    /// Since when so many wait that the client is read no further.
    stopped: Option<Instant>,
    /// Messages whose echo is due, in the order in which it is.
    pub(super) echoes: VecDeque<(Instant, TransId)>,
    /// What is to be asked of the gateway as soon as there are places.
    pub(super) asks: VecDeque<Ask>,
    pub(super) watches: HashMap<String, Watch>,
    pub(super) queries: Vec<Query>,
    /// It has written to the gateway's inbox, as whoever it is now.
    pub(super) commands: bool,
    /// What has been told by notices of whom.
    pub(super) told: HashMap<Address, Status>,
    acquainted: HashSet<String>,
    flying: VecDeque<Flying>,
    last_fence: u64,
    fence_due: bool,
    heard: Instant,
    pinged: Option<Instant>,
    drain_until: Option<Instant>,
}

/// What a turn of the loop came to.
enum Turn {
    Answer(Answer),
    Departure(Departure),
    Draining,
    Due,
    Forced,
    Moved,
    Place(Option<Place>),
    Lost(String),
}

impl Session {
    /// Runs a client to its end, whichever that is.
    pub(crate) async fn run(client: Client, entered: Entered) -> (Client, End) {
        let Entered { user, departures } = entered;
        let face = user.face();
        let mapper = client.live.cx.mapper();
        let Some(me) = Me::of(&client, &face, &mapper) else {
            client.server.users().leave(&user);
            return (client, End::Said("You have no address here".to_owned()));
        };
        let limits = client.loaded().settings.limits.clone();
        let facts = facts(&client, &me);
        let (inlet, answers) = client.live.cx.open(facts, limits.operations);
        let mut session = Self {
            client,
            user,
            me,
            departures,
            inlet,
            answers,
            draw: draw(),
            last_id: 0,
            asked: HashMap::new(),
            held: VecDeque::new(),
            held_octets: 0,
            stopped: None,
            echoes: VecDeque::new(),
            asks: VecDeque::new(),
            watches: HashMap::new(),
            queries: Vec::new(),
            commands: false,
            told: HashMap::new(),
            acquainted: HashSet::new(),
            flying: VecDeque::new(),
            last_fence: 0,
            fence_due: false,
            heard: Instant::now(),
            pinged: None,
            drain_until: None,
        };
        session.tell_presence(&face);
        let end = match session.serve().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        (session.leave().await, end)
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        let shutdown = self.client.live.cx.shutdown.clone();
        // Made once: each takes a place in a list that all clients share.
        let (mut stops, mut forced) = (pin!(shutdown.draining()), pin!(shutdown.forced()));
        let mut alarm = pin!(sleep_until(self.wake()));
        loop {
            self.pass_on().await?;
            self.look_what_is_out();
            let limits = self.client.loaded().settings.limits.clone();
            let room = self.client.wire.queued() < limits.send_queue;
            let takes = room && self.flying.len() < limits.unconfirmed;
            let wants_place = !self.held.is_empty() || !self.asks.is_empty();
            let reads = room && self.stopped.is_none() && self.asks.len() < ASKS;
            let draining = self.drain_until.is_some();
            // Put forward, and never back: to look once too often at what is due costs less than to set it each time.
            let wake = self.wake();
            if alarm.is_elapsed() || wake < alarm.deadline() {
                alarm.as_mut().reset(wake);
            }
            let Self { client, departures, inlet, answers, .. } = self;
            let turn = tokio::select! {
                turn = client.wire.turn(reads) => match turn {
                    Ok(()) => Turn::Moved,
                    Err(error) => Turn::Lost(error.to_string()),
                },
                Some(answer) = answers.recv() => Turn::Answer(answer),
                Some(departure) = departures.recv(), if takes => Turn::Departure(departure),
                place = inlet.reserve(), if wants_place => Turn::Place(place),
                () = &mut alarm => Turn::Due,
                () = &mut stops, if !draining => Turn::Draining,
                () = &mut forced => Turn::Forced,
            };
            match turn {
                Turn::Answer(answer) => self.answered(answer).await,
                Turn::Departure(departure) => {
                    self.depart(departure).await;
                    // Where others run, they may have more for this client: then one write takes it all.
                    tokio::task::yield_now().await;
                }
                Turn::Draining => self.drain_until = Some(Instant::now() + limits.drain),
                Turn::Due => self.due().await?,
                Turn::Forced => return Err(End::Said("Server is shutting down".to_owned())),
                Turn::Moved => {}
                Turn::Place(Some(place)) => self.placed(place).await?,
                Turn::Place(None) => return Err(End::Said("The gateway is gone".to_owned())),
                Turn::Lost(why) => return Err(End::Lost(why)),
            }
        }
    }

    /// Passes on everything that can be, without waiting for the client.
    async fn pass_on(&mut self) -> Result<(), End> {
        let limits = self.client.loaded().settings.limits.clone();
        self.take_held().await?;
        for _ in 0..BATCH {
            let waits = self.held_octets >= AHEAD_OCTETS || self.asks.len() >= ASKS;
            if waits || self.client.wire.queued() >= limits.send_queue {
                break;
            }
            let Some(request) = self.client.wire.next() else { break };
            self.heard = Instant::now();
            self.pinged = None;
            match request {
                // Confirms what went out, or asks whether we are there, whatever waits to come in.
                Ok(request) if ["PING", "PONG"].contains(&&*request.command) => {
                    self.do_now(&request, None).await?;
                }
                Ok(request) if self.held.is_empty() => self.take(request).await?,
                Ok(request) => self.hold(request),
                Err(bad) => self.client.refuse_line(bad),
            }
        }
        self.stopped = (self.held_octets >= AHEAD_OCTETS).then(|| self.stopped.unwrap_or_else(Instant::now));
        for _ in 0..BATCH {
            if self.flying.len() >= limits.unconfirmed || self.client.wire.queued() >= limits.send_queue {
                break;
            }
            let Ok(departure) = self.departures.try_recv() else { break };
            self.depart(departure).await;
        }
        if self.fence_due {
            self.ping();
        }
        if self.drain_until.is_some() && self.flying.is_empty() && self.asked.is_empty() {
            return Err(End::Said("Server is shutting down".to_owned()));
        }
        Ok(())
    }

    /// Takes a request, or holds it until there is a place for what it asks.
    async fn take(&mut self, request: Request) -> Result<(), End> {
        if !messages::submits(&request) {
            return self.do_now(&request, None).await;
        }
        match self.inlet.try_reserve() {
            Some(place) => self.do_now(&request, Some(place)).await,
            None => {
                self.hold(request);
                Ok(())
            }
        }
    }

    fn hold(&mut self, request: Request) {
        self.held_octets += request.octets;
        self.held.push_back(request);
    }

    /// Takes what has waited, as far as there are places.
    async fn take_held(&mut self) -> Result<(), End> {
        let send_queue = self.client.loaded().settings.limits.send_queue;
        while let Some(request) = self.held.front() {
            let place = match messages::submits(request) {
                true => self.inlet.try_reserve(),
                false => None,
            };
            let waits = messages::submits(request) && place.is_none();
            if waits || self.client.wire.queued() >= send_queue {
                break;
            }
            self.take_first(place).await?;
        }
        Ok(())
    }

    /// Takes the first of what has waited, with a place or without.
    async fn take_first(&mut self, place: Option<Place>) -> Result<(), End> {
        let Some(request) = self.held.pop_front() else { return Ok(()) };
        self.held_octets = self.held_octets.saturating_sub(request.octets);
        self.do_now(&request, place).await
    }

    async fn do_now(&mut self, request: &Request, place: Option<Place>) -> Result<(), End> {
        self.client.begin(request);
        let done = self.command(request, place).await;
        self.client.finish();
        done
    }

    async fn placed(&mut self, place: Place) -> Result<(), End> {
        if !self.held.is_empty() {
            return self.take_first(Some(place)).await;
        }
        if let Some(ask) = self.asks.pop_front() {
            self.ask(ask, place);
        }
        Ok(())
    }

    /// When there is something to do without anybody's asking.
    fn wake(&self) -> Instant {
        let limits = &self.client.loaded().settings.limits;
        let silence = self.pinged.map_or(self.heard + limits.idle, |pinged| pinged + limits.silence);
        [
            Some(silence),
            self.client.wire.stalled_since().map(|since| since + limits.silence),
            self.stopped.map(|since| since + PLACE_WAIT),
            self.flying.front().and_then(|first| first.out_since).map(|since| since + limits.silence),
            self.echoes.front().map(|(at, _)| *at),
            self.queries.iter().map(|query| query.until).min(),
            self.drain_until,
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(silence)
    }

    /// Does what is due.
    async fn due(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let limits = self.client.loaded().settings.limits.clone();
        if self.client.wire.stalled_since().is_some_and(|since| since + limits.silence <= now) {
            return Err(End::Said("SendQ exceeded: nothing is taken".to_owned()));
        }
        // Whatever else it says: who never confirms is sent no more in the end, and must not look as if he were there.
        let unconfirmed = self.flying.front().and_then(|first| first.out_since);
        if unconfirmed.is_some_and(|since| since + limits.silence <= now) {
            return Err(End::Said(format!("Ping timeout: {} seconds", limits.silence.as_secs())));
        }
        match self.pinged {
            Some(pinged) if pinged + limits.silence <= now => {
                let seconds = (limits.idle + limits.silence).as_secs();
                return Err(End::Said(format!("Ping timeout: {seconds} seconds")));
            }
            None if self.heard + limits.idle <= now => {
                self.pinged = Some(now);
                self.ping();
            }
            _ => {}
        }
        if self.drain_until.is_some_and(|until| until <= now) {
            return Err(End::Said("Server is shutting down".to_owned()));
        }
        if self.stopped.is_some_and(|since| since + PLACE_WAIT <= now) {
            self.stopped = None;
            self.take_first(None).await?;
        }
        while self.echoes.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, id)) = self.echoes.pop_front() {
                self.echo(&id);
            }
        }
        self.give_up_queries(now).await;
        Ok(())
    }

    /// Notes since when the first message that waits for its pong has been out: from then on the client can confirm it.
    fn look_what_is_out(&mut self) {
        let taken = self.client.wire.taken();
        if let Some(first) = self.flying.front_mut()
            && first.out_since.is_none()
            && first.ends.last().is_none_or(|end| *end <= taken)
        {
            first.out_since = Some(Instant::now());
        }
    }

    /// A ping, which fences all that went before it.
    fn ping(&mut self) {
        self.fence_due = false;
        self.last_fence += 1;
        let line = Line::bare(Verb::PING).words(self.last_fence.to_string());
        self.client.wire.push(line);
    }

    /// `PONG`: the client has everything up to the ping that it answers.
    pub(super) fn pong(&mut self, token: &str) {
        let Ok(fence) = token.parse::<u64>() else { return };
        if fence > self.last_fence {
            return;
        }
        let away = self.user.face().away;
        while self.flying.front().is_some_and(|flying| flying.fence <= fence) {
            if let Some(flying) = self.flying.pop_front() {
                flying.leg.arrived(away.as_deref());
            }
        }
    }

    async fn depart(&mut self, departure: Departure) {
        match departure {
            Departure::Letter(letter) => self.write(*letter),
            Departure::News(news) => self.hear(*news).await,
            Departure::Renamed(renamed) => {
                if self.acquainted.remove(&fold(&renamed.old)) {
                    self.acquainted.insert(fold(&renamed.new));
                    let line = Line::new(&renamed.source, Verb::NICK).words(&renamed.new);
                    self.client.wire.push(line);
                }
            }
        }
    }

    fn write(&mut self, letter: Letter) {
        let Letter { leg, verb, source, account, lines, id, at } = letter;
        let room = text::room(source.to_string().len(), &verb.to_string(), &self.client.nick);
        // It may have a longer nick than when they were cut.
        let lines: Vec<Trailing> = lines.into_iter().flat_map(|line| text::refit(line, room)).collect();
        if let Origin::Person { nick, .. } = &source {
            self.meet(nick.as_str());
        }
        let begin = self.client.wire.end_of_queue();
        let mut ends = Vec::with_capacity(lines.len());
        for (nth, text) in lines.iter().enumerate() {
            // A name of its own for each, since each is a message to the client.
            let id = if nth == 0 { id.as_str().to_owned() } else { format!("{}-{}", id.as_str(), nth + 1) };
            let line = Line::new(&source, verb.clone()).param(&self.client.nick).words(text);
            let line = self.client.tagged(line, at, Some(&id), account.as_deref());
            self.client.wire.push(line);
            ends.push(self.client.wire.end_of_queue());
        }
        let fence = self.last_fence + 1;
        self.flying.push_back(Flying { leg, fence, begin, ends, out_since: None });
        self.fence_due = true;
    }

    /// The client has seen somebody by this nick.
    pub(super) fn meet(&mut self, nick: &str) {
        if self.acquainted.len() >= ACQUAINTED {
            self.acquainted.clear();
        }
        self.acquainted.insert(fold(nick));
    }

    /// Hands an operation over.
    pub(super) fn submit(
        &mut self,
        place: Place,
        operation: Operation,
        held: bool,
        asked: Asked,
    ) -> Option<TransId> {
        self.last_id += 1;
        let id = TransId::parse(&format!("{}-{}", self.draw, self.last_id)).ok()?;
        self.asked.insert(id.clone(), asked);
        let name = place.submit_named(Arrival {
            operation,
            trans_id: id.clone(),
            hops: None,
            via: Vec::new(),
            id: None,
            wait: None,
            standing: None,
            held,
        });
        if let Some(Asked::Message(sent)) = self.asked.get_mut(&id) {
            sent.is_called(name);
        }
        Some(id)
    }

    async fn answered(&mut self, answer: Answer) {
        let Answer { trans_id, response, receipt } = answer;
        match self.asked.remove(&trans_id) {
            Some(Asked::Fetch(target)) => self.fetched(&target, &response).await,
            Some(Asked::Message(sent)) => self.message_answered(sent, &response, &trans_id),
            Some(Asked::Subscribe(target)) => self.subscribed(&target, &response).await,
            Some(Asked::Unsubscribe) => {}
            None => self.kept_answer(&response),
        }
        if let Some(receipt) = receipt {
            receipt.handed_over();
        }
    }

    /// An answer that was kept from an earlier connection of this account: of what, it does not know any more.
    fn kept_answer(&mut self, response: &Response) {
        if response.status() != cpim_adapter::Status::Success {
            let words = format!("A message that you sent before you left: {response}");
            let line = Line::new(self.client.server.origin(), Verb::NOTICE).param(&self.client.nick);
            self.client.wire.push(line.words(words));
        }
    }

    /// Gives the client another nick. Whoever has no account is somebody else from now on.
    pub(super) fn renamed(&mut self, before: &Face) {
        let face = self.user.face();
        self.client.nick = face.nick.to_string();
        if let Ok(origin) = origin_of(before, self.client.server.name().as_str()) {
            let line = Line::new(&origin, Verb::NICK).words(&face.nick);
            self.client.say(line);
        }
        let mapper = self.client.live.cx.mapper();
        if before.person() != face.person()
            && let Some(me) = Me::of(&self.client, &face, &mapper)
        {
            let old = std::mem::replace(&mut self.me, me);
            self.commands = false;
            self.watch_anew(&old.pres);
        }
        self.tell_presence(before);
        self.tell_presence(&face);
    }

    /// Has the presence of this client told as it is now, under every name that a face has.
    pub(super) fn tell_presence(&self, face: &Face) {
        presence::tell(&self.client.server, &[face.person(), fold(&face.nick)]);
    }

    /// Says what became of everything that was under way.
    async fn leave(self) -> Client {
        let Self { client, user, mut departures, inlet, answers, flying, .. } = self;
        let face = user.face();
        client.server.users().leave(&user);
        presence::tell(&client.server, &[face.person(), fold(&face.nick)]);
        drop(user);
        departures.close();
        let taken = client.wire.taken();
        for Flying { leg, begin, ends, .. } in flying {
            let out = ends.iter().filter(|end| **end <= taken).count();
            match taken > begin {
                true => leg.cut_off(out, ends.len()),
                // Not an octet of it: it says so itself.
                false => drop(leg),
            }
        }
        // A delivery that is passing its commit point has its place still. What it puts there must be found.
        while let Some(departure) = departures.recv().await {
            drop(departure);
        }
        // What was answered and not told is kept for the owner of an account.
        drop(answers);
        drop(inlet);
        client
    }
}

impl Me {
    fn of(client: &Client, face: &Face, mapper: &Mapper) -> Option<Self> {
        let person = face.person();
        let uri = |class| -> Option<Uri> { client.server.uri_of(&person, class, mapper) };
        Some(Self {
            im: ImUri::try_from(uri(Class::Im)?).ok()?,
            pres: PresUri::try_from(uri(Class::Pres)?).ok()?,
            person,
        })
    }
}

/// What the gateway must know of a client. Answers that come too late are kept for an account alone: another guest may
/// have the nick by then.
fn facts(client: &Client, me: &Me) -> SessionFacts {
    let standing = match (&client.account, client.guests) {
        (Some(_), _) | (None, Guests::Verified) => Standing::Verified,
        (None, Guests::Claimed | Guests::Refused) => Standing::Claimed,
    };
    let mut scopes: Vec<Scope> = client
        .server
        .foreign(&me.person)
        .map(|foreign| Scope::Selector(foreign.selector().clone()))
        .into_iter()
        .collect();
    if client.account.is_some() {
        scopes.extend([me.im.as_uri(), me.pres.as_uri()].map(|uri| Scope::Address(uri.address().clone())));
    }
    let label = format!("{} on {}", me.person, client.server.name());
    SessionFacts {
        authority: Arc::new(Authority { peer: None, scopes, standing, label }),
        serves: Vec::new(),
        home: false,
    }
}

/// `nick!user@host` of a client: its host is the network's name, whatever address it has.
///
/// # Errors
/// Nothing that came in can be wrong, since it was checked there.
pub(super) fn origin_of(face: &Face, network: &str) -> Result<Origin, cpim_irc_proto::NameError> {
    use cpim_irc_proto::{Host, Nick, User as UserName};
    Ok(Origin::Person {
        nick: Nick::parse(&face.nick)?,
        user: UserName::parse(&face.user).or_else(|_| UserName::parse("user"))?,
        host: Host::parse(network)?,
    })
}

/// Unlike any other: a retransmission is recognised by its owner and transID.
fn draw() -> String {
    let mut octets = [0; 8];
    if SystemRandom::new().fill(&mut octets).is_err() {
        // Without randomness there is still the time.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        octets = u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap_or_default().to_be_bytes();
    }
    hex(&octets)
}
