//! One connection: one task that joins a user's socket, the gateway, and whoever delivers to him.

use std::collections::HashMap;
use std::sync::Arc;

use cpim_adapter::{
    AdapterContext, Answer, Arrival, Authority, Class, Content, ForeignAddress, ImUri, Inlet, LegRef,
    Message, Metadata, Operation, Report, Response, Scope, Selector, SessionFacts, Standing, TransId, Word,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::line::{LINE_OCTETS, Line, Said};
use crate::map;
use crate::users::Users;

/// Messages of one user that wait for their answers; of more he is told `busy`. He is always read: what he acknowledges must
/// not wait behind what others owe him.
const WAITING: usize = 64;

/// Messages on their way to one user, and shown to him and not acknowledged; more wait, and only those to him.
pub(crate) const DEPARTURES: usize = 64;

/// A message past its commit point.
pub(crate) struct Departure {
    /// Which leg it is.
    pub(crate) leg: Leg,
    /// What is shown.
    pub(crate) message: Message,
}

/// A leg that has a last word, whatever becomes of its connection.
pub(crate) struct Leg {
    number: u64,
    cx: AdapterContext,
    last_word: Option<Word>,
}

impl Leg {
    pub(crate) const fn new(number: u64, cx: AdapterContext) -> Self {
        Self { number, cx, last_word: Some(Word::NotSent) }
    }

    /// From now on, an octet of it may have been sent.
    fn may_be_sent(&mut self) {
        self.last_word = Some(Word::Unknown);
    }

    fn settle(mut self, word: Word) {
        self.last_word = Some(word);
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        if let Some(word) = self.last_word.take() {
            self.cx.report(Report { leg: LegRef::Number(self.number), word });
        }
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve(stream: TcpStream, users: Arc<Users>, selector: Selector, cx: AdapterContext) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = Lines { reader: BufReader::new(reader), begun: Vec::new() };
    let (departing, departures) = mpsc::channel(DEPARTURES);
    let named = tokio::select! {
        named = name(&mut lines, &mut writer, |name| users.enter(name, departing.clone())) => named,
        () = cx.shutdown.draining() => None,
    };
    let Some(name) = named else { return };
    drop(departing);
    users.tell(&name, &cx);
    if let Some(mut user) = User::new(name.clone(), &users, selector, cx.clone(), writer) {
        user.talk(&mut lines, departures).await;
    }
    users.leave(&name);
    users.tell(&name, &cx);
}

/// Waits until somebody says who he is, by a name that is free.
async fn name(
    lines: &mut Lines,
    writer: &mut OwnedWriteHalf,
    enter: impl Fn(&str) -> bool,
) -> Option<String> {
    loop {
        match Said::read(&lines.next().await?) {
            Said::Name(name) if enter(&name) => return Some(name),
            _ => writer.write_all(b"no: say I and a free name of a-z, 0-9 and -\n").await.ok()?,
        }
    }
}

/// What a user says, line by line.
struct Lines {
    reader: BufReader<OwnedReadHalf>,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Lines {
    /// The next line; nothing where there is none, or it is no text, or too long.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is lost: what has come stays in `begun`.
    async fn next(&mut self) -> Option<String> {
        // With its end, a line has two octets more.
        let most = u64::try_from((LINE_OCTETS + 2).checked_sub(self.begun.len())?).ok()?;
        (&mut self.reader).take(most).read_until(b'\n', &mut self.begun).await.ok()?;
        let line = String::from_utf8(std::mem::take(&mut self.begun)).ok()?;
        let text = line.strip_suffix('\n')?;
        Some(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}

struct User<'a> {
    name: String,
    uri: ImUri,
    users: &'a Users,
    cx: AdapterContext,
    inlet: Inlet,
    answers: mpsc::Receiver<Answer>,
    writer: OwnedWriteHalf,
    /// Shown, and not acknowledged.
    shown: HashMap<u64, Leg>,
    last_shown: u64,
    /// His own messages that have no answer: by transID, the number that he gave.
    waiting: HashMap<TransId, String>,
    /// What makes a transID unlike those of every other connection.
    draw: u64,
    last_sent: u64,
}

impl<'a> User<'a> {
    fn new(
        name: String,
        users: &'a Users,
        selector: Selector,
        cx: AdapterContext,
        writer: OwnedWriteHalf,
    ) -> Option<Self> {
        let foreign = ForeignAddress::new(selector.clone(), &name).ok()?;
        let uri = ImUri::try_from(cx.mapper().map_foreign(&foreign, Class::Im).ok()?).ok()?;
        let authority = Arc::new(Authority {
            peer: None,
            // Addresses of a selector belong to whoever serves it. Were it proven who he is, his own would stand beside it,
            // and what was kept for him would be told to him.
            scopes: vec![Scope::Selector(selector)],
            standing: Standing::Claimed,
            label: format!("lines:{name}"),
        });
        let facts = SessionFacts { authority, serves: Vec::new(), home: false };
        let (inlet, answers) = cx.open(facts, WAITING);
        let draw = getrandom::u64().ok()?;
        let (shown, waiting) = (HashMap::new(), HashMap::new());
        let (last_shown, last_sent) = (0, 0);
        Some(Self {
            name,
            uri,
            users,
            cx,
            inlet,
            answers,
            writer,
            shown,
            last_shown,
            waiting,
            draw,
            last_sent,
        })
    }

    /// Until he goes, or the gateway ends. What was shown and not acknowledged is then unknown: the legs say so. While the
    /// gateway drains, nothing new is shown or taken, and what is open may finish.
    async fn talk(&mut self, lines: &mut Lines, mut departures: mpsc::Receiver<Departure>) {
        let shutdown = self.cx.shutdown.clone();
        let hello = format!("hello {}\n", self.name);
        if self.writer.write_all(hello.as_bytes()).await.is_err() {
            return;
        }
        let mut drains = false;
        loop {
            if drains && self.shown.is_empty() && self.waiting.is_empty() {
                return;
            }
            let may_show = self.shown.len() < DEPARTURES && !drains;
            let went_well = tokio::select! {
                line = lines.next() => match line {
                    Some(line) => self.hear(&line, drains).await,
                    None => false,
                },
                Some(answer) = self.answers.recv() => self.answer(answer).await,
                Some(departure) = departures.recv(), if may_show => self.show(departure).await,
                () = shutdown.draining(), if !drains => {
                    drains = true;
                    // What is still on its way to him was not sent, and each leg says so when it is dropped.
                    departures.close();
                    while departures.try_recv().is_ok() {}
                    true
                }
            };
            if !went_well {
                departures.close();
                return;
            }
        }
    }

    async fn hear(&mut self, line: &str, drains: bool) -> bool {
        match Said::read(line) {
            Said::Got(number) => {
                if let Some(leg) = self.shown.remove(&number) {
                    leg.settle(Word::Answered(Response::success()));
                }
                true
            }
            Said::Here(is_here) => {
                self.users.set_here(&self.name, is_here);
                self.users.tell(&self.name, &self.cx);
                true
            }
            Said::Message { number, .. } if drains => {
                self.write(&format!("no {number} busy: the gateway is about to stop")).await
            }
            Said::Message { to, number, text } => self.send(to, number, text).await,
            Said::Name(_) | Said::Unknown => self.write("no: to, got, away, here").await,
        }
    }

    async fn send(&mut self, to: &str, number: &str, text: &str) -> bool {
        let read = self.cx.mapper().read(to, Class::Im);
        let Some(destination) = read.ok().and_then(|uri| ImUri::try_from(uri).ok()) else {
            return self.write(&format!("no {number} bad-address: not an im: URI")).await;
        };
        let (Some(place), Some(trans_id)) = (self.inlet.try_reserve(), self.mint()) else {
            return self.write(&format!("no {number} busy: no room")).await;
        };
        self.waiting.insert(trans_id.clone(), number.to_owned());
        let (source, content) = (self.uri.clone(), Content::text(text));
        place.submit(Arrival {
            operation: Operation::Message(Message {
                source,
                destination,
                content,
                metadata: Metadata::default(),
            }),
            trans_id,
            hops: None,
            via: Vec::new(),
            id: None,
            wait: None,
            standing: None,
            held: false,
        });
        true
    }

    /// LINES has no name for a message over its connections: each gets one of its own, so that none is taken for
    /// a retransmission of another.
    fn mint(&mut self) -> Option<TransId> {
        self.last_sent += 1;
        TransId::parse(&format!("{:016x}-{}", self.draw, self.last_sent)).ok()
    }

    async fn answer(&mut self, answer: Answer) -> bool {
        let number = self.waiting.remove(&answer.trans_id).unwrap_or_default();
        let Some(line) = Line::answer(&number, &answer.response) else { return true };
        if self.writer.write_all(line.octets()).await.is_err() {
            // Dropped, the receipt has the answer kept.
            return false;
        }
        if let Some(receipt) = answer.receipt {
            receipt.handed_over();
        }
        true
    }

    async fn show(&mut self, departure: Departure) -> bool {
        let Departure { mut leg, message } = departure;
        self.last_shown += 1;
        let line = match map::shown(&message, self.last_shown) {
            Ok(line) => line,
            // Its number has more digits than it was tried with.
            Err(error) => {
                leg.settle(Word::Answered(Response::failure(error.code, error.public)));
                return true;
            }
        };
        leg.may_be_sent();
        self.shown.insert(self.last_shown, leg);
        self.writer.write_all(line.octets()).await.is_ok()
    }

    async fn write(&mut self, text: &str) -> bool {
        match Line::new(text) {
            Some(line) => self.writer.write_all(line.octets()).await.is_ok(),
            None => false,
        }
    }
}
