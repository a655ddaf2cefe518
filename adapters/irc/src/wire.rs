//! The wire under a connection: octets in and out, and nothing of what they mean.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use cpim_irc_proto::{LineBuilder, ReadLimits};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout};

use crate::line::{Bad, Line, Request, Requests};

/// Octets read at once: a few lines, and little for the many clients that are silent.
const READ_OCTETS: usize = 1_024;

/// Octets of room that a silent client's buffers keep.
const KEPT_OCTETS: usize = 2_048;

/// For the other side to read the last words and hang up. To hang up on unread input would make the system take
/// them back.
const LINGER: Duration = Duration::from_secs(1);

/// A stream of octets, whatever is below it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// A client's stream, and what is on its way through it.
pub(crate) struct Wire {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    requests: Requests,
    output: BytesMut,
    unflushed: bool,
    /// Octets that the stream has taken since the beginning.
    taken: u64,
    /// When it last took some, or had nothing to take.
    moved: Instant,
}

impl Wire {
    /// A wire on which lines within these limits are read.
    pub(crate) fn new(stream: Box<dyn Stream>, limits: ReadLimits) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            requests: Requests::new(limits),
            output: BytesMut::new(),
            unflushed: false,
            taken: 0,
            moved: Instant::now(),
        }
    }

    /// The next request that has come.
    pub(crate) fn next(&mut self) -> Option<Result<Request, Bad>> {
        self.requests.next()
    }

    /// Queues octets that are whole lines.
    pub(crate) fn push_octets(&mut self, octets: &[u8]) {
        if self.output.is_empty() {
            self.moved = Instant::now();
        }
        self.output.extend_from_slice(octets);
    }

    /// Queues a line.
    pub(crate) fn push(&mut self, line: Line) {
        if self.output.is_empty() {
            self.moved = Instant::now();
        }
        line.write(&mut self.output);
    }

    /// Queues a line that is built already, where there is one.
    pub(crate) fn push_built(&mut self, line: Option<LineBuilder>) {
        if let Some(line) = line {
            self.push(Line::built(line));
        }
    }

    /// Octets that wait to be taken.
    pub(crate) fn queued(&self) -> usize {
        self.output.len()
    }

    /// How many octets there will have been once everything queued is taken.
    pub(crate) fn end_of_queue(&self) -> u64 {
        self.taken + self.output.len() as u64
    }

    /// Octets that the stream has taken since the beginning.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Since when nothing has been taken of what waits; nothing where nothing waits.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        (!self.output.is_empty()).then_some(self.moved)
    }

    /// Moves octets once: waits until some were read, where that is wanted, or some were taken.
    ///
    /// # Errors
    /// How the stream ended.
    ///
    /// # Cancel safety
    /// Cancelled, no octet is lost and none is sent twice.
    pub(crate) async fn turn(&mut self, read: bool) -> io::Result<()> {
        let Self { reader, writer, requests, output, unflushed, taken, moved } = self;
        let writing = !output.is_empty() || *unflushed;
        let input = requests.input();
        input.reserve(READ_OCTETS / 2);
        tokio::select! {
            octets = reader.read_buf(input), if read => match octets? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(()),
            },
            written = write(writer, output, unflushed, taken), if writing => {
                written?;
                *moved = Instant::now();
                if output.is_empty() && output.capacity() > KEPT_OCTETS {
                    *output = BytesMut::new();
                }
                Ok(())
            }
            () = std::future::pending(), if !read && !writing => Ok(()),
        }
    }

    /// Sends what is queued, as far as the other side takes it in a moment, and hangs up.
    pub(crate) async fn hang_up(mut self) {
        let ended = async {
            while !self.output.is_empty() || self.unflushed {
                if self.turn(false).await.is_err() {
                    return;
                }
            }
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

async fn write(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    output: &mut BytesMut,
    unflushed: &mut bool,
    taken: &mut u64,
) -> io::Result<()> {
    if !output.is_empty() {
        let octets = writer.write(output).await?;
        if octets == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        output.advance(octets);
        *taken += octets as u64;
        *unflushed = true;
    }
    // TLS keeps some to itself until flushed.
    writer.flush().await?;
    *unflushed = false;
    Ok(())
}
