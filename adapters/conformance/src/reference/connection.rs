//! One connection: a reader and a writer, so that neither waits for the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpim_adapter::{
    AdapterContext, Address, Answer, Arrival, Authority, Basic, Class, Code, Delivery, ForeignAddress, Inlet,
    Kind, LegRef, Mapper, Observation, Passage, Presence, Report, Response, Scope, SessionFacts, Standing,
    TransId, Tuple, Word,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc};

use super::adapter::{Route, Shared};
use super::wire::{Garbage, Line, Lines};
use super::{Manner, map};
use crate::mutant::Mutant;

/// Operations that wait for the writer; more wait with whoever delivers them.
const DEPARTURES: usize = 8;

/// Operations of the peer that wait for their answer; more are not read.
const ANSWERS: usize = 64;

/// For a peer to say who it is.
const HELLO: Duration = Duration::from_secs(10);

/// An operation past its commit point. It always has a last word.
pub(super) struct Departure {
    leg: u64,
    trans_id: TransId,
    operation: Arc<cpim_adapter::Operation>,
    passage: Passage,
    cx: AdapterContext,
    last_word: Option<Word>,
}

impl Departure {
    /// `answered`: an answer will come, so that its end must be told.
    pub(super) fn new(delivery: &Delivery, answered: bool, cx: AdapterContext) -> Self {
        Self {
            leg: delivery.leg,
            trans_id: delivery.trans_id.clone(),
            operation: Arc::clone(&delivery.operation),
            passage: delivery.passage.clone(),
            cx,
            last_word: answered.then_some(Word::NotSent),
        }
    }

    fn may_be_sent(&mut self) {
        self.last_word = self.last_word.take().map(|_| Word::Unknown);
    }

    fn settle(mut self, response: Response) {
        self.last_word = Some(Word::Answered(response));
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some(word) = self.last_word.take() {
            self.cx.report(Report { leg: LegRef::Number(self.leg), word });
        }
    }
}

/// Presence of somebody of whom only this is known.
pub(super) fn bare_presence(whose: &ForeignAddress, is_there: bool) -> Presence {
    let status = if is_there { Basic::Open } else { Basic::Closed };
    let tuple =
        Tuple { destination: whose.to_string().into(), status, markup: "".into(), namespaces: Vec::new() };
    Presence::new(tuple, Vec::new())
}

/// What reader and writer share.
struct Open {
    authority: Arc<Authority>,
    users: Vec<String>,
    mapper: Arc<Mapper>,
    manner: Manner,
    fault: Option<Mutant>,
    cx: AdapterContext,
    shared: Arc<Shared>,
    legs: Mutex<HashMap<TransId, Departure>>,
    /// Operations of the peer that wait for their answer.
    owed: Mutex<usize>,
    /// Something was settled or answered: perhaps nothing is open any more.
    settled: Notify,
}

impl Open {
    fn legs(&self) -> MutexGuard<'_, HashMap<TransId, Departure>> {
        self.legs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owed(&self) -> MutexGuard<'_, usize> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owes_nothing(&self) -> bool {
        self.legs().is_empty() && *self.owed() == 0
    }

    /// Drained: resolves when nothing is open any more.
    async fn drained(&self) {
        self.cx.shutdown.draining().await;
        while !self.owes_nothing() {
            self.settled.notified().await;
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    number: u64,
    shared: Arc<Shared>,
    (manner, fault): (Manner, Option<Mutant>),
    cx: AdapterContext,
) {
    let (mut reader, mut writer) = stream.into_split();
    let mut lines = Lines::default();
    let hello = tokio::time::timeout(HELLO, next(&mut reader, &mut lines));
    let hello = tokio::select! {
        hello = hello => hello,
        () = cx.shutdown.draining() => return,
    };
    let Ok(Ok(Some(hello))) = hello else {
        if fault == Some(Mutant::StopsAtGarbage) {
            shared.beyond_repair.notify_one();
        }
        return;
    };
    let users: Vec<String> = hello.all("user").map(str::to_owned).collect();
    let mapper = cx.mapper();
    let Some(scopes) = scopes(&users, &mapper).filter(|scopes| hello.verb == "HELLO" && !scopes.is_empty())
    else {
        return;
    };
    let authority = Arc::new(Authority {
        peer: None,
        scopes: scopes.clone(),
        standing: Standing::Verified,
        label: format!("toy {number}"),
    });
    let facts = SessionFacts { authority: Arc::clone(&authority), serves: scopes, home: false };
    let (inlet, answers) = cx.open(facts, ANSWERS);
    let (sender, departures) = mpsc::channel(DEPARTURES);
    let remembers = hello.text("remembers").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let route = Route { connection: number, remembers, departures: sender };
    for user in &users {
        shared.enter(user, route.clone());
    }
    drop(route);
    // Whoever is welcome is reached here from then on, and not on an earlier connection.
    if writer.write_all(&Line::new("WELCOME").write()).await.is_err() {
        shared.leave(number);
        return;
    }
    let open = Open {
        authority,
        users,
        mapper,
        manner,
        fault,
        cx: cx.clone(),
        shared: Arc::clone(&shared),
        legs: Mutex::default(),
        owed: Mutex::default(),
        settled: Notify::new(),
    };
    let (say, said) = mpsc::channel(DEPARTURES);
    let mut writing = Writing { writer, departures, answers, said };
    tokio::select! {
        () = read(&open, reader, lines, &inlet, &say) => {}
        () = writing.write(&open) => {}
        () = open.drained() => {}
        () = cx.shutdown.forced() => {}
    }
    shared.leave(number);
    // Whatever is left says itself what became of it; the gateway hears of the connection's end after that.
    drop(open);
    writing.end();
    drop(inlet);
}

fn scopes(users: &[String], mapper: &Mapper) -> Option<Vec<Scope>> {
    let of = |user: &String| {
        let uri = mapper.map(&format!("pepp://{user}"), Class::Im).ok()?;
        let address: Address = uri.address().clone();
        Some([Scope::Address(address.with_class(Class::Pres)), Scope::Address(address)])
    };
    Some(users.iter().map(of).collect::<Option<Vec<_>>>()?.concat())
}

/// The next line; nothing at the end of the stream.
pub(super) async fn next(reader: &mut OwnedReadHalf, lines: &mut Lines) -> Result<Option<Line>, Garbage> {
    loop {
        if let Some(line) = lines.next()? {
            return Ok(Some(line));
        }
        match reader.read_buf(lines.buffer()).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(_) => {}
        }
    }
}

/// The next line; what a mutant takes for one at the end of the stream, besides.
async fn next_or_half(open: &Open, reader: &mut OwnedReadHalf, lines: &mut Lines) -> Option<Line> {
    match next(reader, lines).await {
        Ok(None) if open.fault == Some(Mutant::TakesHalves) => Line::read(&lines.buffer().split()),
        line => line.ok().flatten(),
    }
}

async fn read(
    open: &Open,
    mut reader: OwnedReadHalf,
    mut lines: Lines,
    inlet: &Inlet,
    said: &mpsc::Sender<Line>,
) {
    while let Some(line) = next_or_half(open, &mut reader, &mut lines).await {
        match line.verb.as_str() {
            "ANSWER" => answer(open, &line),
            "PRESENCE" => presence(open, &line),
            _ => {
                let Some(trans_id) = line.text("tag").and_then(|tag| TransId::parse(tag).ok()) else {
                    return;
                };
                let Some(operation) = map::operation(&line, &open.mapper) else {
                    // Somebody wrote to what is no address, and is told so.
                    let refused = Response::failure(Code::BadAddress, "not an operation of ours");
                    let refused = map::answer(trans_id.as_str(), &refused);
                    let is_gone = said.send(refused).await.is_err();
                    if is_gone || open.fault == Some(Mutant::EndsAtBadAddress) {
                        return;
                    }
                    continue;
                };
                // Its place is taken before the next line is read: so the peer is paced.
                let Some(place) = inlet.reserve().await else { return };
                let (hops, id, via) = match open.manner {
                    Manner::Whole => map::passage(&line),
                    Manner::Modest => (None, None, Vec::new()),
                };
                if operation.kind() != Kind::Notify {
                    *open.owed() += 1;
                }
                let wait = map::wait(&line).filter(|_| open.manner == Manner::Whole);
                let arrival = Arrival {
                    operation,
                    trans_id: trans_id.clone(),
                    hops,
                    via,
                    id,
                    wait,
                    standing: None,
                    held: false,
                };
                match open.manner {
                    Manner::Whole => place.submit(arrival),
                    // The next line is read once this one is in the journal, or never will be.
                    Manner::Modest => {
                        let is_taken = place.submit_noticed(arrival).await.is_ok();
                        let line = Line::new("TAKEN").with("tag", trans_id.as_str());
                        if is_taken && said.send(line).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// The peer answers. What nobody waits for may be an answer to an earlier connection's.
fn answer(open: &Open, line: &Line) {
    let Some((tag, response)) = map::answered(line) else { return };
    let Ok(trans_id) = TransId::parse(tag) else { return };
    let leg = open.legs().remove(&trans_id);
    match leg {
        Some(leg) => leg.settle(response),
        None => open.cx.report(Report {
            leg: LegRef::Stray { trans_id, authority: Arc::clone(&open.authority) },
            word: Word::Answered(response),
        }),
    }
    open.settled.notify_one();
}

/// One of its users has another presence.
fn presence(open: &Open, line: &Line) {
    let (Some(user), Some(presence)) = (line.text("user"), map::presence(line)) else { return };
    if !open.users.iter().any(|own| own == user) {
        return;
    }
    let foreign = ForeignAddress::parse(&format!("pepp://{user}"), open.mapper.selectors());
    if let (true, Ok(presentity)) = (open.shared.set_presence(user, presence.clone()), foreign) {
        open.cx.observed(Observation { presentity, presence, document: None });
    }
}

struct Writing {
    writer: OwnedWriteHalf,
    departures: mpsc::Receiver<Departure>,
    answers: mpsc::Receiver<Answer>,
    /// What the reader has to say: what was accepted, and what is none.
    said: mpsc::Receiver<Line>,
}

impl Writing {
    async fn write(&mut self, open: &Open) {
        loop {
            let written = tokio::select! {
                biased;
                Some(line) = self.said.recv() => self.writer.write_all(&line.write()).await,
                Some(departure) = self.departures.recv() => self.depart(open, departure).await,
                Some(answer) = self.answers.recv() => self.tell(open, answer).await,
                else => return,
            };
            if written.is_err() {
                return;
            }
        }
    }

    async fn depart(&mut self, open: &Open, mut departure: Departure) -> std::io::Result<()> {
        let line = map::line(&departure.operation, &open.mapper, open.manner);
        let line = line.with("tag", departure.trans_id.as_str());
        let line = match open.manner {
            Manner::Whole => map::with_passage(line, &departure.passage),
            Manner::Modest => line,
        };
        departure.may_be_sent();
        if departure.last_word.is_some() {
            open.legs().insert(departure.trans_id.clone(), departure);
        }
        let octets = match open.fault {
            Some(Mutant::InjectsByText) => line.write_unescaped("content"),
            Some(Mutant::InjectsByName) => line.write_unescaped("fname"),
            Some(Mutant::InjectsBySubject) => line.write_unescaped("subject"),
            _ => line.write(),
        };
        self.writer.write_all(&octets).await
    }

    async fn tell(&mut self, open: &Open, answer: Answer) -> std::io::Result<()> {
        let line = map::answer(answer.trans_id.as_str(), &answer.response);
        self.writer.write_all(&line.write()).await?;
        if let Some(receipt) = answer.receipt {
            receipt.handed_over();
        }
        let owed = open.owed().saturating_sub(1);
        *open.owed() = owed;
        open.settled.notify_one();
        Ok(())
    }

    /// Takes nothing any more: what waits was not sent.
    fn end(mut self) {
        self.departures.close();
        while self.departures.try_recv().is_ok() {}
    }
}
