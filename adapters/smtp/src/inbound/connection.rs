//! One connection: moves octets between a socket and its session, and answers what the session asks.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpim_smtp_proto::session::{Decision, Event, Login, Offers, Recipient, Reply, Session};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::Inbound;
use super::rates::Connected;
use super::reception::{self, Bringer};
use super::recipient::{self, Taken};
use super::unsubscribe::WayOut;
use crate::outbound::{Forged, Keyed};

/// Octets read at once.
const PIECE: usize = 16 * 1_024;

/// For a reply to be taken, or a TLS handshake to be done: whoever does not read holds nothing for long.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// For what is still on its way when a connection is closed: closed at once, the last reply may be lost with it.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_OCTETS: u64 = 65_536;

const TOO_MANY_CONNECTIONS: &[u8] = b"421 4.7.0 too many connections\r\n";
const SHUTTING_DOWN: Reply = Reply::fixed(421, "4.3.2", "shutting down");
const TOO_MANY_MAILS: Reply = Reply::fixed(450, "4.7.1", "too many mails; try again later");
const NO_ROOM: Reply = Reply::fixed(452, "4.3.1", "no room for a mail at present");
const FORGED: Reply = Reply::fixed(550, "5.1.1", "no such address of this gateway");
const NOT_DURABLE: Reply = Reply::fixed(451, "4.3.0", "the report is not kept yet");
// RFC 4954 section 6.
const TOO_MANY_PASSWORDS: Reply = Reply::fixed(454, "4.7.0", "too many wrong passwords; try again later");
const WRONG_PASSWORD: Reply = Reply::fixed(535, "5.7.8", "wrong name or password");

const SUBMITTERS_ONLY: Reply = Reply::fixed(530, "5.7.0", "authenticate first");

/// What a connection must know of the place where it was accepted.
#[derive(Clone)]
pub(crate) struct Listening {
    /// Its TLS, where it has any.
    pub(crate) tls: Option<Tls>,
    /// From the first octet.
    pub(crate) implicit: bool,
    /// Passwords are taken without TLS.
    pub(crate) login_in_the_clear: bool,
    /// Nobody else can send anything.
    pub(crate) submitters_only: bool,
}

/// The TLS of a place. A new certificate is that of all connections to come.
#[derive(Clone)]
pub(crate) struct Tls(Arc<Mutex<Arc<ServerConfig>>>);

impl Tls {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(Mutex::new(config)))
    }

    pub(crate) fn get(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, config: Arc<ServerConfig>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

/// A connection's octets, encrypted or not.
trait Octets: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Octets for T {}

/// Serves one connection until it ends.
pub(crate) async fn serve(inbound: Arc<Inbound>, mut stream: TcpStream, from: SocketAddr, at: Listening) {
    let place = Arc::clone(&inbound.connections).try_acquire_owned().ok();
    let counted = inbound.rates.connect(from.ip(), Instant::now());
    let (Some(_place), Some(counted)) = (place, counted) else {
        let _gone = timeout(WRITE_TIME, stream.write_all(TOO_MANY_CONNECTIONS)).await;
        return;
    };
    let shutdown = inbound.cx.shutdown.clone();
    tokio::select! {
        done = run(&inbound, stream, from, at, counted) => {
            if let Err(error) = done {
                tracing::debug!(%from, %error, "the connection broke");
            }
        }
        () = shutdown.forced() => {}
    }
}

async fn run(
    inbound: &Arc<Inbound>,
    stream: TcpStream,
    from: SocketAddr,
    at: Listening,
    counted: Connected,
) -> io::Result<()> {
    let mut stream: Box<dyn Octets> = Box::new(stream);
    if at.implicit {
        stream = encrypted(stream, &at).await?;
    }
    let terms = inbound.terms();
    let offers = Offers {
        starttls: at.tls.is_some() && !at.implicit,
        login: !terms.settings.submitters.is_empty(),
        login_in_the_clear: at.login_in_the_clear,
    };
    let limits = terms.settings.limits.session.clone();
    let session = Session::new(inbound.relay.as_str(), offers, at.implicit, limits, Instant::now());
    let mut connection = Connection {
        inbound,
        session,
        counted,
        client: from.ip().to_canonical(),
        submitters_only: at.submitters_only,
        taken: Vec::new(),
        legs: Vec::new(),
        ways_out: Vec::new(),
        room: None,
    };
    let mut piece = vec![0; PIECE];
    // What is waited for is made once: a client that talks has something to say five times for each mail.
    let mut alarm = pin!(sleep_until((Instant::now() + WRITE_TIME).into()));
    let mut draining = pin!(inbound.cx.shutdown.draining());
    loop {
        while let Some(event) = connection.session.poll(Instant::now()) {
            if matches!(event, Event::StartTls) {
                flush(&mut stream, &mut connection.session).await?;
                stream = encrypted(stream, &at).await?;
                connection.session.secured(Instant::now());
                connection.forget();
                continue;
            }
            let decision = connection.answer(event).await;
            connection.session.decide(decision, Instant::now());
        }
        if connection.session.is_idle() {
            // Whatever became of the mail, also where the session refused its text.
            connection.forget();
        }
        flush(&mut stream, &mut connection.session).await?;
        if connection.session.is_closed() {
            return close(stream).await;
        }
        let deadline = connection.session.deadline().unwrap_or_else(Instant::now).into();
        // Put forward and never back: that the session is asked too early harms nobody.
        if alarm.is_elapsed() || deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        tokio::select! {
            read = stream.read(&mut piece) => match read? {
                0 => return Ok(()),
                octets => {
                    let octets = piece.get(..octets).unwrap_or_default();
                    connection.session.receive(octets, Instant::now());
                }
            },
            () = &mut alarm => connection.session.expire(Instant::now()),
            // It closes the session, and is not looked at again.
            () = &mut draining, if connection.session.is_idle() => {
                connection.session.end(&SHUTTING_DOWN);
            }
        }
    }
}

async fn encrypted(stream: Box<dyn Octets>, at: &Listening) -> io::Result<Box<dyn Octets>> {
    let tls = at.tls.as_ref().ok_or_else(|| io::Error::other("no TLS here"))?;
    let encrypted = timeout(WRITE_TIME, TlsAcceptor::from(tls.get()).accept(stream)).await??;
    Ok(Box::new(encrypted))
}

async fn flush(stream: &mut Box<dyn Octets>, session: &mut Session) -> io::Result<()> {
    let output = session.take_output();
    if output.is_empty() {
        return Ok(());
    }
    timeout(WRITE_TIME, async {
        stream.write_all(&output).await?;
        stream.flush().await
    })
    .await?
}

async fn close(mut stream: Box<dyn Octets>) -> io::Result<()> {
    timeout(LINGER_TIME, async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_OCTETS), &mut tokio::io::sink()).await
    })
    .await
    .map_or(Ok(()), |closed| closed.map(drop))
}

struct Connection<'a> {
    inbound: &'a Arc<Inbound>,
    session: Session,
    counted: Connected,
    client: IpAddr,
    submitters_only: bool,
    /// Recipients of the mail under way.
    taken: Vec<Taken>,
    /// Legs that it reports on.
    legs: Vec<u64>,
    /// Subscriptions that it ends.
    ways_out: Vec<WayOut>,
    /// Room for its text.
    room: Option<OwnedSemaphorePermit>,
}

impl Connection<'_> {
    fn forget(&mut self) {
        self.taken.clear();
        self.legs.clear();
        self.ways_out.clear();
        self.room = None;
    }

    async fn answer(&mut self, event: Event) -> Decision {
        match event {
            Event::StartTls => Decision::Accept,
            Event::Login(login) => self.login(&login),
            Event::Sender(_) if self.submitters_only && self.session.user().is_none() => {
                Decision::Refuse(SUBMITTERS_ONLY)
            }
            Event::Sender(_) => {
                self.forget();
                match self.counted.may_send(Instant::now()) {
                    true => Decision::Accept,
                    false => Decision::Refuse(TOO_MANY_MAILS),
                }
            }
            Event::Recipient(said) => {
                if let Some(decision) = self.keyed(&said).await {
                    return decision;
                }
                let mapper = self.inbound.cx.mapper();
                let is_submitter = self.session.user().is_some();
                let terms = self.inbound.terms();
                match recipient::take(said, is_submitter, &self.inbound.relay, &terms.settings, &mapper) {
                    Ok(taken) => {
                        self.taken.push(taken);
                        Decision::Accept
                    }
                    Err(reply) => Decision::Refuse(reply),
                }
            }
            Event::Data => {
                self.room = Arc::clone(&self.inbound.mails).try_acquire_owned().ok();
                if self.room.is_some() { Decision::Accept } else { Decision::Refuse(NO_ROOM) }
            }
            Event::Mail(received) => {
                let taken = std::mem::take(&mut self.taken);
                for leg in std::mem::take(&mut self.legs) {
                    let outbound = &self.inbound.outbound;
                    if !outbound.take_word(leg, &received.octets, &self.inbound.cx).await {
                        return Decision::Refuse(NOT_DURABLE);
                    }
                }
                for way_out in std::mem::take(&mut self.ways_out) {
                    if let Err(reply) = way_out.take(self.inbound).await {
                        return Decision::Refuse(reply);
                    }
                }
                if taken.is_empty() {
                    return Decision::Accept;
                }
                let bringer = Bringer {
                    ip: self.client,
                    helo: self.session.client().to_owned(),
                    user: self.session.user().map(str::to_owned),
                };
                match reception::take(self.inbound, received, taken, &bringer).await {
                    Ok(()) => Decision::Accept,
                    Err(reply) => Decision::Refuse(reply),
                }
            }
        }
    }

    /// What a keyed address of ours is answered; nothing where it is none.
    async fn keyed(&mut self, said: &Recipient) -> Option<Decision> {
        let mailbox = said.mailbox.as_ref()?;
        if !mailbox.domain().eq_ignore_ascii_case(self.inbound.relay.as_str()) {
            return None;
        }
        match self.inbound.keys.read(mailbox.local())? {
            Ok(Keyed::Leg(leg)) => {
                self.legs.push(leg);
                Some(Decision::Accept)
            }
            Ok(Keyed::Notices) => Some(Decision::Accept),
            Ok(Keyed::Unsubscribe(key)) => Some(match WayOut::of(&key, self.inbound).await {
                Ok(Some(way_out)) => {
                    self.ways_out.push(way_out);
                    Decision::Accept
                }
                Ok(None) => Decision::Refuse(FORGED),
                Err(reply) => Decision::Refuse(reply),
            }),
            Err(Forged) => Some(Decision::Refuse(FORGED)),
        }
    }

    fn login(&self, login: &Login) -> Decision {
        let terms = self.inbound.terms();
        let known = terms.settings.submitters.iter().find(|submitter| submitter.name == login.name);
        let is_right = || known.is_some_and(|submitter| submitter.password.is(&login.password));
        match self.counted.may_log_in(is_right, Instant::now()) {
            Some(true) => Decision::Accept,
            Some(false) => {
                tracing::info!(client = %self.client, name = login.name, "wrong name or password");
                Decision::Refuse(WRONG_PASSWORD)
            }
            None => Decision::Refuse(TOO_MANY_PASSWORDS),
        }
    }
}
