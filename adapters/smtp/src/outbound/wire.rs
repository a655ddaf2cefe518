//! The octets of one connection, below lettre and below TLS.
//!
//! Two things that lettre does not say, or not see to, are found out here:
//!
//! - **Whether everything that was written went out.** When a connection breaks in DATA, lettre tells the same error
//!   whether it broke before or behind the final dot; but what the system did not take, the other side cannot have.
//! - **That nothing is read ahead before TLS begins.** lettre keeps what it has read across STARTTLS, so that replies which
//!   somebody slipped in in the clear would count as the server's own. Read octet by octet until then, they stay where
//!   they are, and spoil the handshake.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The stream that lettre is given.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    seen: Arc<Seen>,
}

/// What is known of the stream while lettre has it.
#[derive(Debug)]
pub(super) struct Seen {
    /// One octet is read at a time.
    careful: AtomicBool,
    /// The last octets that were written were not taken.
    stuck: AtomicBool,
}

impl Seen {
    /// From here on, as much as there is may be read at once.
    pub(super) fn trust(&self) {
        self.careful.store(false, Ordering::Relaxed);
    }

    /// Whether everything that was written went out.
    pub(super) fn is_all_out(&self) -> bool {
        !self.stuck.load(Ordering::Relaxed)
    }
}

impl Wire {
    /// The stream, and what is seen of it. `careful`: TLS may begin on it.
    pub(super) fn new(stream: TcpStream, careful: bool) -> (Self, Arc<Seen>) {
        let seen = Arc::new(Seen { careful: AtomicBool::new(careful), stuck: AtomicBool::new(false) });
        (Self { stream, seen: Arc::clone(&seen) }, seen)
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let stuck = !matches!(written, Poll::Ready(Ok(_)));
        self.seen.stuck.store(stuck, Ordering::Relaxed);
        written
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.seen.careful.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let mut one = [0];
        let mut read = ReadBuf::new(&mut one);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, octets);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
