//! Who sends and receives while the gateway is killed again and again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::kills::Draws;
use crate::support::gateway::{PATIENCE, breathe};
use crate::support::native::{Answer, Client, Frame, Open, Silence};

/// Messages that a sender has under way.
const WINDOW: usize = 12;

/// One connection in so many answers is lost with its answer.
const MISHAP: usize = 150;

/// How long a thread waits for a frame before it looks around.
const GLANCE: Duration = Duration::from_millis(20);

/// Settled messages that a sender repeats at the end.
const REPEATS: usize = 200;

/// What all threads share.
pub(super) struct World {
    pub(super) port: u16,
    receivers: usize,
    /// When to give up.
    pub(super) deadline: Instant,
    /// Messages taken and answers got: how far the load has come.
    progress: AtomicUsize,
    /// There are no new messages.
    pub(super) winding_up: AtomicBool,
    /// There is nothing more to receive.
    pub(super) over: AtomicBool,
}

impl World {
    pub(super) fn new(port: u16, receivers: usize, deadline: Instant) -> Self {
        let (progress, winding_up, over) =
            (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { port, receivers, deadline, progress, winding_up, over }
    }

    /// Waits until so much has happened, but not for ever: after a start there may be little to do.
    pub(super) fn wait_for_progress(&self, steps: usize, within: Duration) {
        let (goal, until) = (self.progress.load(Ordering::Relaxed) + steps, Instant::now() + within);
        while self.progress.load(Ordering::Relaxed) < goal && Instant::now() < until {
            breathe();
        }
    }

    pub(super) fn wind_up(&self) {
        self.winding_up.store(true, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(super) fn step(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }
}

fn sender(nth: usize) -> String {
    format!("im:sender{nth}@a.example")
}

fn receiver(nth: usize) -> String {
    format!("im:receiver{nth}@b.example")
}

/// One who receives.
pub(super) struct Receiver {
    nth: usize,
    heard: Heard,
    mishaps: Option<Draws>,
}

/// What a receiver saw.
pub(super) struct Heard {
    pub(super) remembers: bool,
    /// It has lost connections by itself.
    pub(super) is_clumsy: bool,
    pub(super) texts: HashMap<String, Seen>,
    /// The operations of the messages as they first came, by sender.
    pub(super) in_order: BTreeMap<String, Vec<String>>,
}

/// What a receiver saw of one text.
pub(super) struct Seen {
    /// The transIDs that it came with.
    pub(super) trans_ids: HashSet<String>,
    /// How often it came.
    pub(super) times: usize,
    /// What was answered, whether or not the answer got through.
    pub(super) said: &'static str,
}

impl Receiver {
    /// With mishaps, it sometimes loses its connection with an answer.
    pub(super) fn new(nth: usize, remembers: bool, mishaps: Option<Draws>) -> Self {
        let is_clumsy = mishaps.is_some();
        let heard = Heard { remembers, is_clumsy, texts: HashMap::new(), in_order: BTreeMap::new() };
        Self { nth, heard, mishaps }
    }

    /// Receives over one session after the other, until it is over.
    pub(super) fn run(mut self, world: &World) -> Heard {
        let uri = receiver(self.nth);
        let is_over = || world.over.load(Ordering::Relaxed) || Instant::now() > world.deadline;
        while !is_over() {
            let open = Open { serves: &uri, remembers: self.heard.remembers, ..Open::default() };
            let Some(mut session) = Client::try_open(world.port, open) else {
                breathe();
                continue;
            };
            while !is_over() {
                match session.next(GLANCE) {
                    Ok(frame) => {
                        let status = self.heard.take(&frame);
                        world.step();
                        let lost = self.mishaps.as_mut().is_some_and(|draws| draws.below(MISHAP) == 0);
                        if lost || session.try_respond(&frame, status, "").is_err() {
                            break;
                        }
                    }
                    Err(Silence::Time) => {}
                    Err(Silence::Over) => break,
                }
            }
        }
        self.heard
    }
}

impl Heard {
    /// What is answered: the same whenever it comes again.
    fn take(&mut self, frame: &Frame) -> &'static str {
        assert_eq!(frame.element(), "message", "{frame:?}");
        let text = frame.body();
        let said = if text.ends_with('7') { "failure" } else { "success" };
        let new = || Seen { trans_ids: HashSet::new(), times: 0, said };
        let seen = self.texts.entry(text.to_owned()).or_insert_with(new);
        seen.times += 1;
        seen.trans_ids.insert(frame.trans_id());
        if seen.times == 1 {
            let (from, _) = text.split_once(' ').expect("a text of ours");
            let id = frame.parameter("id").expect("the operation's name");
            self.in_order.entry(from.to_owned()).or_default().push(id.to_owned());
        }
        said
    }
}

/// One who sends.
pub(super) struct Sender {
    nth: usize,
    sent: Sent,
    /// The numbers of letters without an answer.
    open: Vec<usize>,
    draws: Draws,
}

/// What a sender has sent.
pub(super) struct Sent {
    from: String,
    /// With the answers; a letter's place is its transID.
    pub(super) letters: Vec<(Letter, Option<Answer>)>,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) receiver: usize,
    pub(super) text: String,
}

impl Sender {
    pub(super) fn new(nth: usize, draws: Draws) -> Self {
        Self { nth, sent: Sent { from: sender(nth), letters: Vec::new() }, open: Vec::new(), draws }
    }

    /// Sends over one session after the other, until everything is answered and nothing more is to be sent.
    pub(super) fn run(mut self, world: &World) -> Sent {
        while !self.is_content(world) {
            match Client::try_open(world.port, Open { serves: &self.sent.from, ..Open::default() }) {
                // How it ends makes no difference: what is not answered is sent again.
                Some(session) => drop(self.session(session, world)),
                None => breathe(),
            }
        }
        self.sent
    }

    fn is_content(&self, world: &World) -> bool {
        assert!(Instant::now() < world.deadline, "{} has no answer to {:?}", self.sent.from, self.open);
        world.winding_up.load(Ordering::Relaxed) && self.open.is_empty()
    }

    fn session(&mut self, mut session: Client, world: &World) -> io::Result<()> {
        for number in &self.open {
            self.sent.send(&mut session, *number)?;
        }
        while !self.is_content(world) {
            while self.open.len() < WINDOW && !world.winding_up.load(Ordering::Relaxed) {
                let number = self.sent.letters.len();
                let letter = Letter {
                    receiver: self.draws.below(world.receivers),
                    text: format!("{} {number}", self.nth),
                };
                self.sent.letters.push((letter, None));
                self.open.push(number);
                self.sent.send(&mut session, number)?;
            }
            match session.next_answer(GLANCE) {
                Ok(answer) if answer.is("failure", "busy") => panic!("there is room: {answer:?}"),
                Ok(answer) => {
                    world.step();
                    let number = self.sent.take(answer);
                    self.open.retain(|open| *open != number);
                }
                Err(Silence::Time) => {}
                Err(Silence::Over) => break,
            }
        }
        Ok(())
    }
}

impl Sent {
    fn send(&self, session: &mut Client, number: usize) -> io::Result<()> {
        let (letter, _) = &self.letters[number];
        session.try_message("", &number.to_string(), &self.from, &receiver(letter.receiver), &letter.text)
    }

    /// Notes an answer: the first, or the same again.
    fn take(&mut self, answer: Answer) -> usize {
        let number: usize = answer.trans_id.parse().expect("a transID of ours");
        let first = self.letters[number].1.get_or_insert_with(|| answer.clone());
        assert_eq!(*first, answer, "answered twice, and differently");
        number
    }

    /// Sends again what was answered last, all but what was refused before acceptance, which is not remembered:
    /// each gets the same answer.
    pub(super) fn repeat_all(&self, port: u16) {
        let is_remembered = |answer: &Answer| !answer.is("failure", "unreachable");
        let letters = self.letters.iter().enumerate().rev();
        let repeated =
            letters.filter(|(_, (_, answer))| answer.as_ref().is_some_and(is_remembered)).take(REPEATS);
        let mut session = Client::serving(port, &self.from, false);
        for (number, (_, answer)) in repeated {
            self.send(&mut session, number).unwrap();
            // What was answered only just before may be given again by itself.
            let again = || session.next_answer(PATIENCE).ok();
            let again = std::iter::from_fn(again).find(|answer| answer.trans_id == number.to_string());
            assert_eq!(again, *answer, "{number}");
        }
    }
}
