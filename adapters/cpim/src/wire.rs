//! The wire under a session: moves octets and time between a stream and the sans-io session.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use cpim_adapter::Receipt;
use cpim_native_proto::{Closure, Event, Open, Session};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Octets read at once at most: many small operations.
const READ_OCTETS: usize = 16_384;

/// Octets read at once at first: little, for the many sessions that are silent. Each read that fills its room doubles it.
const FIRST_READ_OCTETS: usize = 256;

/// Pieces written at once; the session coalesces what is small before it comes here.
const PIECES: usize = 32;

/// For the other side to read the last words and hang up. To hang up on unread input would make the system
/// take them back.
const LINGER: Duration = Duration::from_secs(2);

/// A stream of octets, whatever is below it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a response carries along: the word to say once the peer has it, where one is wanted.
pub(crate) type Token = Option<Receipt>;

/// A session and its stream.
///
/// It reads whenever the session takes input, also while what it writes is not taken; see
/// [`connection`](crate::connection) for why two sides cannot block each other.
pub(crate) struct Wire {
    pub(crate) session: Session<Token>,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    input: BytesMut,
    /// Room that the next read is given, in octets.
    room: usize,
    output: VecDeque<Bytes>,
    /// Octets that the stream took and has not passed on: TLS keeps some to itself until flushed.
    unflushed: usize,
    /// Goes off when the session has something to do, or before: it is put forward, and never back.
    alarm: Pin<Box<Sleep>>,
    /// The peer ended the stream itself, having been sent everything.
    heard_out: bool,
}

/// What is left of the stream when its session is over.
pub(crate) struct End {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
}

impl Wire {
    /// Boxed, because it goes from hand to hand, and a task keeps room for all that it once held.
    pub(crate) fn new(stream: Box<dyn Stream>, session: Session<Token>) -> Box<Self> {
        let (reader, writer) = tokio::io::split(stream);
        Box::new(Self {
            session,
            reader,
            writer,
            input: BytesMut::new(),
            room: FIRST_READ_OCTETS,
            output: VecDeque::new(),
            unflushed: 0,
            alarm: Box::pin(sleep_until(far())),
            heard_out: false,
        })
    }

    /// Moves octets or time once: waits until some were read, some were taken, or something is due.
    ///
    /// # Cancel safety
    /// Cancelled, no octet is lost and none is sent twice.
    pub(crate) async fn turn(&mut self) {
        let Self { session, reader, writer, input, room, output, unflushed, alarm, heard_out } = self;
        if output.is_empty() {
            output.extend(std::iter::from_fn(|| session.poll_transmit()));
        }
        let due = session.poll_timeout().map(Instant::from_std);
        // The time is due a little later after each turn. That a session looks at it once too often costs less than to
        // set it each time.
        if alarm.is_elapsed() || due.is_some_and(|due| due < alarm.deadline()) {
            alarm.as_mut().reset(due.unwrap_or_else(far));
        }
        input.reserve(*room);
        tokio::select! {
            read = reader.read_buf(input), if session.wants_input() => match read {
                Ok(0) => end_of_input(session, output.is_empty() && *unflushed == 0, heard_out),
                Ok(octets) => {
                    if octets >= *room {
                        *room = (2 * *room).min(READ_OCTETS);
                    }
                    session.handle_input(now(), input);
                }
                // Many a TLS peer just hangs up. For what it has heard, that is as good as a goodbye.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    end_of_input(session, output.is_empty() && *unflushed == 0, heard_out);
                }
                Err(_) => session.handle_loss(now()),
            },
            taken = write(writer, output, unflushed), if !output.is_empty() || *unflushed > 0 => match taken {
                Ok(octets) => session.transmitted(now(), octets),
                Err(_) => session.handle_loss(now()),
            },
            () = alarm => session.handle_timeout(now()),
        }
    }

    /// Waits for the other side's `open`; the session keeps the time.
    ///
    /// # Errors
    /// How the session ended instead.
    pub(crate) async fn opened(&mut self) -> Result<Open, Closure> {
        loop {
            match self.session.poll_event() {
                Some(Event::Opened(open)) => return Ok(open),
                Some(Event::Closed(closure)) => return Err(closure),
                Some(_) => {}
                None if self.is_finished() => return Err(Closure::Lost),
                None => self.turn().await,
            }
        }
    }

    /// Whether the session is over and its last words are out.
    pub(crate) fn is_finished(&self) -> bool {
        self.session.is_finished(now())
    }

    /// Sends the last words of a session that never began, and hangs up.
    pub(crate) async fn dismiss(mut self: Box<Self>) {
        while !self.is_finished() {
            self.turn().await;
        }
        self.end().hang_up().await;
    }

    /// Ends the session, over or not. The answers that the peer may not have got are kept, unless it ended
    /// the stream itself and had been sent everything by then.
    pub(crate) fn end(self) -> End {
        let Self { session, reader, writer, heard_out, .. } = self;
        let in_doubt = session.into_remains().in_doubt.into_iter();
        let receipts = in_doubt.filter_map(|(_, token)| token);
        if heard_out {
            receipts.for_each(Receipt::handed_over);
        }
        End { reader, writer }
    }
}

impl End {
    /// Ends the stream: ours first, then the peer's, which it is given a moment for.
    pub(crate) async fn hang_up(mut self) {
        let ended = async {
            if self.writer.shutdown().await.is_ok() {
                let mut rest = BytesMut::with_capacity(READ_OCTETS);
                while self.reader.read_buf(&mut rest).await.is_ok_and(|octets| octets > 0) {
                    rest.clear();
                }
            }
        };
        // Whether it took the chance makes no difference.
        timeout(LINGER, ended).await.unwrap_or_default();
    }
}

/// The time, by the clock that tests can stop.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// So far ahead that something else comes first.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}

fn end_of_input(session: &mut Session<Token>, all_taken: bool, heard_out: &mut bool) {
    *heard_out = all_taken;
    session.handle_end(now());
}

/// Writes what the stream takes, and has it passed on; how much that was.
async fn write(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    output: &mut VecDeque<Bytes>,
    unflushed: &mut usize,
) -> io::Result<usize> {
    if *unflushed == 0 {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let filled =
            pieces.iter_mut().zip(&*output).map(|(piece, chunk)| *piece = IoSlice::new(chunk)).count();
        let octets = writer.write_vectored(pieces.get(..filled).unwrap_or_default()).await?;
        if octets == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        advance(output, octets);
        *unflushed = octets;
    }
    writer.flush().await?;
    Ok(std::mem::take(unflushed))
}

fn advance(output: &mut VecDeque<Bytes>, mut octets: usize) {
    while let Some(chunk) = output.front_mut() {
        let taken = octets.min(chunk.len());
        chunk.advance(taken);
        octets -= taken;
        if !chunk.is_empty() {
            return;
        }
        output.pop_front();
    }
}

/// A session's limits and times, as the settings have them.
pub(crate) fn session_config(
    limits: &crate::Limits,
    open_within: Duration,
) -> Arc<cpim_native_proto::Config> {
    Arc::new(cpim_native_proto::Config {
        limits: limits.frame,
        max_inbound: limits.operations,
        max_outbound: limits.operations,
        max_queued_octets: limits.outgoing_octets,
        open_within,
        silence: limits.idle,
        ping_answer: limits.silence,
        stall: limits.silence,
        drain: limits.drain,
        ..cpim_native_proto::Config::default()
    })
}
