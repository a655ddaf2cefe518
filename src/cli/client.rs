//! A session of native CPIM from the connecting side, over a connection of any kind.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use cpim_adapter::{Operation, Response, TransId};
use cpim_native_proto::{
    Claim, Close, Closure, Config, Event, Open, Parameters, PlainUris, Reason, SendError, Session,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant as TokioInstant, sleep, sleep_until};

use super::exit::{Exit, Failed};
use super::server::{Server, Stream};

/// Octets that are read at once: many frames of conversation.
const READ_OCTETS: usize = 16 * 1_024;

/// An open session.
pub(super) struct Client {
    session: Session,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    input: BytesMut,
    /// Handed out by the session, and not yet taken by the connection.
    unsent: Bytes,
    /// Taken by the connection, which may hold it back: TLS does.
    unflushed: bool,
    /// The listener sends nothing more.
    ended: bool,
    /// Nothing can be sent any more, but what was sent to us may still be there to be read.
    cut: bool,
}

/// Before the first attempt to connect again; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whom a session speaks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// What it speaks for and receives.
    pub serves: Vec<Claim>,
    /// What it only sends as.
    pub speaks: Vec<Claim>,
    /// For how long it recognises retransmissions.
    pub remembers: Option<Duration>,
}

impl Client {
    /// Connects, and opens the session.
    pub(super) async fn open(server: &Server, claims: Claims) -> Result<Self, Failed> {
        let Claims { serves, speaks, remembers } = claims;
        let open = Open { serves, speaks, remembers, secret: server.secret()?, ..Open::default() };
        let config = Arc::new(Config::default());
        let session = Session::connect(config, Arc::new(PlainUris), &open, now()).map_err(Failed::usage)?;
        let (reader, writer) = tokio::io::split(server.connect().await?);
        let mut client = Self {
            session,
            reader,
            writer,
            input: BytesMut::new(),
            unsent: Bytes::new(),
            unflushed: false,
            ended: false,
            cut: false,
        };
        while let Some(event) = client.next().await {
            match event {
                Event::Opened(_) => return Ok(client),
                Event::Closed(closure) => return Err(not_opened(server, &closure)),
                _ => {}
            }
        }
        Err(Failed::try_again(format_args!("{}: the connection ended", server.place())))
    }

    /// Connects again, however long it takes.
    ///
    /// # Errors
    /// What will not be better later.
    ///
    /// # Cancel safety
    /// May be dropped at any time; a session that was about to open does not.
    pub(super) async fn open_again(server: &Server, claims: &Claims) -> Result<Self, Failed> {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            match Self::open(server, claims.clone()).await {
                Err(failed) if failed.exit == Exit::TryAgain => pause = LONGEST_PAUSE.min(pause * 2),
                opened => return opened,
            }
        }
    }

    /// What happens next; nothing once the session is over and the connection shut.
    ///
    /// # Cancel safety
    /// May be dropped at any time; nothing is lost.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Some(event);
            }
            while self.session.poll_handed_over().is_some() {}
            if self.session.is_finished(now()) || (self.cut && self.session.is_closed()) {
                // It takes the leave as a courtesy: who has hung up already does not mind.
                drop(self.writer.shutdown().await);
                return None;
            }
            if self.unsent.is_empty() && !self.cut {
                self.unsent = self.session.poll_transmit().unwrap_or_default();
            }
            self.exchange().await;
        }
    }

    /// Sends and receives until something of it was done.
    async fn exchange(&mut self) {
        let wants_input = self.session.wants_input() && !self.ended;
        let due = self.session.poll_timeout();
        if wants_input && self.input.capacity() < READ_OCTETS {
            self.input.reserve(READ_OCTETS);
        }
        tokio::select! {
            read = self.reader.read_buf(&mut self.input), if wants_input => match read {
                Ok(0) => {
                    self.ended = true;
                    self.session.handle_end(now());
                }
                Ok(_) => self.session.handle_input(now(), &mut self.input),
                Err(_) => {
                    self.ended = true;
                    self.session.handle_loss(now());
                }
            },
            sent = send(&mut self.writer, &self.unsent), if self.unflushed || !self.unsent.is_empty() => match sent {
                Ok(0) => self.unflushed = false,
                Ok(octets) => {
                    self.unsent.advance(octets);
                    self.unflushed = true;
                    self.session.transmitted(now(), octets);
                }
                Err(_) => self.cannot_write(wants_input),
            },
            () = sleep_until(TokioInstant::from_std(due.unwrap_or_else(now))), if due.is_some() => {
                self.session.handle_timeout(now());
            }
            else => self.session.handle_loss(now()),
        }
    }

    /// A listener that hangs up often says why first: that is still read.
    fn cannot_write(&mut self, may_read: bool) {
        (self.cut, self.unflushed) = (true, false);
        self.unsent.clear();
        if !may_read {
            self.session.handle_loss(now());
        }
    }

    /// Sends an operation.
    pub(super) fn send(
        &mut self,
        trans_id: &TransId,
        parameters: &Parameters,
        operation: &Operation,
    ) -> Result<(), SendError> {
        self.session.send(now(), trans_id, parameters, operation)
    }

    /// Answers an operation. Where the session is over, the answer waits for a retransmission.
    pub(super) fn respond(&mut self, trans_id: &TransId, response: &Response) {
        self.session.respond(now(), trans_id, response, ()).unwrap_or(());
    }

    /// Ends the session in order; [`Client::next`] tells when it is over.
    pub(super) fn close(&mut self) {
        self.session.close(now(), Close::default());
    }

    /// Ends the session in order, and waits until it is over.
    pub(super) async fn leave(mut self) {
        self.close();
        while self.next().await.is_some() {}
    }
}

/// Gives octets to the connection, or where there are none, has it send what it holds back. Cancel safe.
async fn send(writer: &mut WriteHalf<Box<dyn Stream>>, octets: &[u8]) -> io::Result<usize> {
    if octets.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    match writer.write(octets).await {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    }
}

/// The clock that timers run by.
fn now() -> Instant {
    TokioInstant::now().into_std()
}

fn not_opened(server: &Server, closure: &Closure) -> Failed {
    let words = format!("{}: {closure}", server.place());
    Failed::new(exit_of(closure), words)
}

/// Whether to try again where a session ended like this, before anything was accepted.
pub(super) fn exit_of(closure: &Closure) -> Exit {
    match closure {
        Closure::ByPeer(Close { reason: None | Some(Reason::Shutdown | Reason::Timeout), .. })
        | Closure::Lost
        | Closure::Orderly
        | Closure::Silent
        | Closure::Stalled
        | Closure::Unopened => Exit::TryAgain,
        _ => Exit::Failure,
    }
}
