//! One connection: one task that joins its socket, what waits for it, and what comes in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use bytes::BytesMut;
use cpim_irc_proto::client::{Applicant, Ending, Event, Reason, Session, Terms, Verdict};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::Joined;
use super::connect::Stream;
use super::gate::Pass;
use super::mailbox::Posted;
use super::seat::Seat;
use crate::leg::Leg;

/// For registering: servers look up names and identities before they let one in.
const REGISTRATION: Duration = Duration::from_secs(45);

/// Of silence, until the server is pinged; for its answer; and for it to take what it is sent.
const SILENCE: Duration = Duration::from_secs(60);

/// Octets that are read at once. They are on the stack, so that a connection that waits needs no room for them.
const READ_OCTETS: usize = 2_048;

/// How a connection ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) why: String,
    pub(super) ending: Ending,
    /// It had registered.
    pub(super) was_in: bool,
}

struct Link<'a> {
    joined: &'a Arc<Joined>,
    seat: &'a Arc<Seat>,
    stream: Box<dyn Stream>,
    session: Session,
    input: BytesMut,
    output: BytesMut,
    /// Given back once it has registered.
    pass: Option<Pass>,
    /// A message whose turn it is.
    turn: Option<oneshot::Receiver<Posted>>,
    /// The leg of the message that is under way, and whether no error says anything of it.
    leg: Option<(Leg, bool)>,
    was_in: bool,
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    joined: &Arc<Joined>,
    seat: &Arc<Seat>,
    stream: Box<dyn Stream>,
    applicant: Applicant,
    pass: Pass,
) -> End {
    let (line, ahead) = joined.settings.pace;
    let terms = Terms { line, ahead, registration: REGISTRATION, silence: SILENCE };
    let mut link = Link {
        joined,
        seat,
        stream,
        session: Session::new(applicant, terms, Instant::now().into_std()),
        input: BytesMut::new(),
        output: BytesMut::new(),
        pass: Some(pass),
        turn: None,
        leg: None,
        was_in: false,
    };
    let (why, ending) = link.run().await.unwrap_or_else(|error| (error.to_string(), Ending::Dropped));
    link.leave().await;
    End { why, ending, was_in: link.was_in }
}

type Ended = (String, Ending);

impl Link<'_> {
    async fn run(&mut self) -> io::Result<Ended> {
        let shutdown = self.joined.shutdown();
        loop {
            let now = Instant::now();
            while let Some(event) = self.session.next(&mut self.input, now.into_std()) {
                if let Some(ended) = self.on(event, now) {
                    return Ok(ended);
                }
            }
            if let Some(event) = self.session.tick(now.into_std())
                && let Some(ended) = self.on(event, now)
            {
                self.write(now).await?;
                return Ok(ended);
            }
            let leaving = self.seat.mailbox.is_closed() || shutdown.is_draining();
            self.fill(now, leaving);
            self.write(now).await?;
            if leaving && self.turn.is_none() && self.session.is_idle()
                || self.lingers_until().is_some_and(|until| until <= now)
            {
                self.session.quit("gateway");
                self.write(now).await?;
                return Ok(("left".into(), Ending::Dropped));
            }
            if self.input.is_empty() {
                // A connection that waits holds nothing.
                self.input = BytesMut::new();
            }
            let due = self.due();
            tokio::select! {
                read = read(&mut self.stream, &mut self.input) => if read? == 0 {
                    return Ok(("the server hung up".into(), Ending::Dropped));
                },
                posted = posted(&mut self.turn) => {
                    self.turn = None;
                    if let Ok(Posted { letter, leg, is_notice }) = posted {
                        self.session.begin(letter);
                        self.leg = Some((leg, is_notice));
                    }
                }
                () = self.seat.mailbox.changed() => {}
                () = sleep_until(due) => {}
                () = shutdown.draining(), if !leaving => {}
                () = shutdown.forced() => return Ok(("the gateway stops".into(), Ending::Dropped)),
            }
        }
    }

    /// Takes what waits, as far as there is room for it.
    fn fill(&mut self, now: Instant, leaving: bool) {
        let takes = self.turn.is_none() && !leaving && self.session.takes_letter(now.into_std());
        if takes {
            let (octets, mapping) = (self.session.source_octets(), self.session.casemapping());
            self.turn = self.seat.mailbox.give_turn(octets, mapping);
        }
        while self.was_in && self.session.has_room() {
            let line = self.seat.mailbox.next_line().or_else(|| match self.seat.is_relay() {
                true => self.joined.asks(now),
                false => None,
            });
            let Some(line) = line else { return };
            let _has_room = self.session.queue(line);
        }
    }

    async fn write(&mut self, now: Instant) -> io::Result<()> {
        self.session.flush(&mut self.output, now.into_std());
        if self.output.is_empty() {
            return Ok(());
        }
        let output = std::mem::take(&mut self.output);
        let writing = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        timeout(SILENCE, writing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// When there is something to do without anything coming.
    fn due(&self) -> Instant {
        let session = Instant::from_std(self.session.due());
        let turn = self.turn.is_none().then(|| self.session.letter_at().map(Instant::from_std)).flatten();
        let turn = turn.filter(|_| self.seat.mailbox.has_turns());
        let asks = self.joined.asks_at().filter(|_| self.was_in && self.seat.is_relay());
        [turn, asks, self.lingers_until()].into_iter().flatten().fold(session, Instant::min)
    }

    /// When a puppet that nobody uses leaves.
    fn lingers_until(&self) -> Option<Instant> {
        let is_used = self.seat.is_relay() || self.turn.is_some() || !self.session.is_idle();
        if is_used || self.seat.mailbox.is_waited_for() {
            return None;
        }
        Some(self.seat.mailbox.used()? + self.joined.settings.linger)
    }

    fn on(&mut self, event: Event, now: Instant) -> Option<Ended> {
        match event {
            Event::Registered => {
                self.was_in = true;
                self.pass = None;
                self.joined.enters(self.seat, &self.session);
            }
            Event::Spoken(spoken) => {
                self.seat.mailbox.touch();
                self.joined.said(self.seat, &spoken);
            }
            Event::Verdict(verdict) => self.judged(verdict),
            Event::Renamed { new, .. } => self.joined.is_called(self.seat, Some(new)),
            Event::Other(message) => {
                if self.seat.is_relay() {
                    self.joined.heard(&message, now);
                }
            }
            Event::Over { why, ending } => return Some((why, ending)),
        }
        None
    }

    /// The message that was under way has its outcome.
    fn judged(&mut self, verdict: Verdict) {
        let Some((leg, is_notice)) = self.leg.take() else { return };
        let trusted = self.joined.settings.trusted && !is_notice;
        match verdict {
            Verdict::Taken { away } => leg.taken(trusted, away.as_deref()),
            // Nothing of it was delivered: it may be tried again.
            Verdict::Failed { reason: Reason::Later, of: 1, .. } => drop(leg),
            Verdict::Failed { reason, words, out, of } => leg.failed(reason, &words, out, of),
            Verdict::Unanswered => leg.unanswered(),
        }
    }

    /// Says what became of everything that was under way.
    async fn leave(&mut self) {
        self.joined.leaves(self.seat);
        if let (Some(letter), Some((leg, _))) = (self.session.take_letter(), self.leg.take()) {
            match (letter.failure(), letter.out()) {
                (Some((reason, words)), out) => leg.failed(reason, words, out, letter.of()),
                // Not a line of it: it says so itself.
                (None, 0) => drop(leg),
                (None, out) => leg.cut_off(out, letter.of()),
            }
        }
        // One that is passing its commit point finds its place gone, and says itself that it was not sent.
        self.turn = None;
        // Whatever the server still wants to say is not worth waiting for.
        let _closed = timeout(Duration::from_secs(1), self.stream.shutdown()).await;
    }
}

/// Reads what has come. Cancel safe.
async fn read(stream: &mut Box<dyn Stream>, input: &mut BytesMut) -> io::Result<usize> {
    std::future::poll_fn(|cx| {
        let mut octets = [0; READ_OCTETS];
        let mut buffer = ReadBuf::new(&mut octets);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        input.extend_from_slice(buffer.filled());
        std::task::Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

/// The message whose turn it is, once it has passed its commit point. Cancel safe.
async fn posted(turn: &mut Option<oneshot::Receiver<Posted>>) -> Result<Posted, oneshot::error::RecvError> {
    match turn {
        Some(turn) => turn.await,
        None => std::future::pending().await,
    }
}
