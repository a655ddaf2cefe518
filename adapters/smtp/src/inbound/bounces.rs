//! Reports on mails that were taken (RFC 3464): kept until they are sent, whatever happens in between.
//!
//! What is owed is noted before the 250, beside the operation in the journal. Once the outcome is there it is noted
//! too, and only then does the gateway forget it; a report that no server takes is tried again for five days (RFC 5321
//! section 4.5.4.1).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cpim_adapter::{
    Answer, Authority, DeliveryError, MemoryError, Receipt, Response, Retry, Scope, SessionFacts, Standing,
    TransId,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

use super::Inbound;
use super::owed::{Owed, Owner, Stage, Wanted, told};

/// The space of what is owed, by transID.
const SPACE: &str = "smtp.owed";
/// For how long a report is tried, at most (RFC 5321 section 4.5.4.1: four to five days).
const KEEP: Duration = Duration::from_secs(5 * 24 * 3_600);
/// For how long it is known that a report was sent, should its mail come again.
const KEEP_TOLD: Duration = Duration::from_secs(24 * 3_600);
/// How often it is looked what is due, and who may have been answered.
const ROUND: Duration = Duration::from_secs(60);
/// The longest time between two tries of one report.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// How soon that is done again where more is due than is held in memory.
const SHORT_ROUND: Duration = Duration::from_secs(5);
/// Reports that are sent at once.
const AT_ONCE: usize = 16;
/// Reports that are in memory at once, sent or waiting for their turn: a few MiB. The others are in their notes.
const HELD: usize = 256;
/// What is read of the notes at once.
const PAGE: usize = 64;
/// Answers that are taken up after a restart at once.
const ANSWERS: usize = 256;

/// The reports that are owed.
#[derive(Debug)]
pub(super) struct Bounces {
    sending: Arc<Semaphore>,
    tried: Mutex<Tried>,
}

#[derive(Debug, Default)]
struct Tried {
    /// Those that are being sent.
    now: HashSet<String>,
    /// When those that no server took are tried again.
    next: HashMap<String, Instant>,
}

impl Default for Bounces {
    fn default() -> Self {
        Self { sending: Arc::new(Semaphore::new(AT_ONCE)), tried: Mutex::default() }
    }
}

impl Bounces {
    fn lock(&self) -> MutexGuard<'_, Tried> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl Inbound {
    /// Notes what is owed for a recipient. `false`: it is noted already, because the mail came again.
    ///
    /// # Errors
    /// Where the store cannot take it; then the mail must not be taken.
    pub(super) async fn owe(&self, trans_id: &TransId, owed: &Owed) -> Result<bool, MemoryError> {
        self.cx.memory.add_note(SPACE, trans_id.as_str(), owed.write(), Some(KEEP)).await
    }

    /// What was to be reported was told at the reply.
    pub(super) fn owe_nothing(&self, trans_id: &TransId) {
        self.cx.memory.forget_soon(SPACE, trans_id.as_str());
    }

    /// An outcome is there. `wanted`: of what the sender wants to hear, where that is known without asking the store.
    /// `true`: it is told to whoever wants to know, or will be, also after a restart.
    pub(super) async fn settled(
        self: &Arc<Self>,
        trans_id: &TransId,
        wanted: Option<Wanted>,
        response: &Response,
    ) -> bool {
        // Most mails arrive, and nobody wants to hear of it.
        if wanted.is_some_and(|wanted| !wanted.covers(response.status())) {
            self.owe_nothing(trans_id);
            return true;
        }
        let done = self.note_outcome(trans_id, response).await;
        if let Err(error) = &done {
            warn!(%error, "what became of a mail cannot be noted");
        }
        done.is_ok()
    }

    async fn note_outcome(
        self: &Arc<Self>,
        trans_id: &TransId,
        response: &Response,
    ) -> Result<(), MemoryError> {
        let memory = &self.cx.memory;
        let key = trans_id.as_str();
        let Some(mut owed) = memory.note(SPACE, key).await?.as_ref().and_then(Owed::read) else {
            return Ok(());
        };
        if owed.stage != Stage::Open {
            return Ok(());
        }
        if !owed.wanted.covers(response.status()) {
            memory.forget_soon(SPACE, key);
            return Ok(());
        }
        owed.stage = Stage::Due(told(response, owed.is_trusted));
        memory.set_note(SPACE, key, owed.write(), Some(KEEP)).await?;
        self.send_soon(key.to_owned(), owed);
        Ok(())
    }

    /// Sends a report in the background, unless that is being done.
    fn send_soon(self: &Arc<Self>, key: String, owed: Owed) {
        {
            let now = &mut self.bounces.lock().now;
            if now.len() >= HELD || !now.insert(key.clone()) {
                return;
            }
        }
        let inbound = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = inbound.send(&key, owed) => {}
                // Noted, it is sent after the next start.
                () = inbound.draining() => {}
            }
            inbound.bounces.lock().now.remove(&key);
        });
    }

    async fn send(&self, key: &str, mut owed: Owed) {
        let Ok(_turn) = self.bounces.sending.acquire().await else { return };
        let report = match (&owed.owner, &owed.answers, &owed.stage) {
            (Owner::Peer(peer), Some(answers), Stage::Due(response)) => {
                self.outbound.answer(peer, (&owed.to, answers), key, response)
            }
            _ => owed
                .report(&self.relay, key, now_s())
                .ok_or_else(|| DeliveryError::transport("nothing is due")),
        };
        let sent = match report {
            Ok(report) => self.outbound.report(&owed.to, &report).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => {}
            Err(error) if error.retry == Retry::Never => {
                warn!(%error, "a report is not taken, and not tried again");
                return self.cx.memory.forget_soon(SPACE, key);
            }
            Err(error) => {
                let age = Duration::from_secs(now_s().saturating_sub(owed.since_s));
                let pause = (age / 2).clamp(ROUND, LONGEST_PAUSE);
                warn!(%error, pause_s = pause.as_secs(), "a report cannot be sent yet");
                self.bounces.lock().next.insert(key.to_owned(), Instant::now() + pause);
                return;
            }
        }
        self.bounces.lock().next.remove(key);
        owed.stage = Stage::Told;
        owed.header = bytes::Bytes::new();
        let noted = self.cx.memory.set_note(SPACE, key, owed.write(), Some(KEEP_TOLD)).await;
        match noted {
            Ok(()) => info!(recipient = owed.recipient, "a mail's sender was told what became of it"),
            Err(error) => warn!(%error, "a report was sent, and may be sent again"),
        }
    }

    /// Sends what is due, round after round, and takes up what was open when the gateway last stopped.
    pub(super) async fn keep_promises(self: Arc<Self>) {
        let rounds = async {
            let mut open = self.due(true).await;
            loop {
                let is_more = self.bounces.lock().now.len() >= HELD;
                let until = Instant::now() + if is_more { SHORT_ROUND } else { ROUND };
                self.await_answers(&mut open, until).await;
                tokio::time::sleep_until(until).await;
                self.due(false).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = self.draining() => {}
        }
    }

    /// As [`Self::round`], where the notes can be read.
    async fn due(self: &Arc<Self>, first: bool) -> HashMap<TransId, Owner> {
        let open = self.round(first).await;
        open.unwrap_or_else(|error| {
            warn!(%error, "what is owed to senders of mail cannot be read");
            HashMap::new()
        })
    }

    /// Sends what is due; gives what was open before the restart, where `first`.
    async fn round(self: &Arc<Self>, first: bool) -> Result<HashMap<TransId, Owner>, MemoryError> {
        let (mut open, mut after) = (HashMap::new(), String::new());
        let mut due = HashSet::new();
        loop {
            let page = self.cx.memory.notes(SPACE, &after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            if !first && self.bounces.lock().now.len() >= HELD {
                return Ok(open);
            }
            for (key, note) in page {
                let Some(owed) = Owed::read(&note) else { continue };
                match (&owed.stage, TransId::parse(&key)) {
                    (Stage::Open, Ok(trans_id)) if first => {
                        open.insert(trans_id, owed.owner);
                    }
                    (Stage::Due(_), _) => {
                        due.insert(key.clone());
                        let is_time =
                            self.bounces.lock().next.get(&key).is_none_or(|next| *next <= Instant::now());
                        if is_time {
                            self.send_soon(key, owed);
                        }
                    }
                    _ => {}
                }
            }
        }
        // What expired is not waited for any more.
        self.bounces.lock().next.retain(|key, _| due.contains(key));
        Ok(open)
    }

    /// Takes the answers to mails that were taken before the restart.
    async fn await_answers(self: &Arc<Self>, open: &mut HashMap<TransId, Owner>, until: Instant) {
        if open.is_empty() {
            return;
        }
        debug!(mails = open.len(), "answers to mails of before the restart are awaited");
        let (sender, mut answers) = tokio::sync::mpsc::channel(ANSWERS);
        let mut sessions = Vec::new();
        for facts in facts(open.values()) {
            let (inlet, mut own) = self.cx.open(facts, ANSWERS);
            let to = sender.clone();
            sessions.push(self.tasks.spawn(async move {
                let _inlet = inlet;
                while let Some(answer) = own.recv().await {
                    if to.send(answer).await.is_err() {
                        return;
                    }
                }
            }));
        }
        // A peer may have asked for others over another protocol: those are not ours to take.
        let mut others = Vec::new();
        while !open.is_empty() && others.len() < ANSWERS {
            let Ok(Some(answer)) = timeout_at(until, answers.recv()).await else { break };
            let Answer { trans_id, response, receipt } = answer;
            if !open.contains_key(&trans_id) {
                others.extend(receipt);
            } else if self.settled(&trans_id, None, &response).await {
                open.remove(&trans_id);
                receipt.into_iter().for_each(Receipt::handed_over);
            }
        }
        // What is left is offered again to whoever asks anew.
        sessions.iter().for_each(tokio::task::JoinHandle::abort);
        for trans_id in open.keys().cloned().collect::<Vec<_>>() {
            let note = self.cx.memory.note(SPACE, trans_id.as_str()).await;
            let is_open = note
                .map(|note| note.as_ref().and_then(Owed::read).is_some_and(|owed| owed.stage == Stage::Open));
            if let Ok(false) = is_open {
                open.remove(&trans_id);
            }
        }
    }
}

/// As whom the gateway must be asked for these owners' answers: all authors at once, each peer by itself.
fn facts<'a>(owners: impl Iterator<Item = &'a Owner>) -> Vec<SessionFacts> {
    let (mut authors, mut peers) = (HashSet::new(), HashSet::new());
    for owner in owners {
        match owner {
            Owner::Peer(domain) => {
                peers.insert(domain.clone());
            }
            Owner::Source(address) => {
                authors.insert(address.clone());
            }
        }
    }
    let session = |peer, scopes| {
        let label = "mail of before the restart".to_owned();
        let authority = Authority { peer, scopes, standing: Standing::Claimed, label };
        SessionFacts { authority: Arc::new(authority), serves: Vec::new(), home: false }
    };
    let authors: Vec<Scope> = authors.into_iter().map(Scope::Address).collect();
    let mut all: Vec<SessionFacts> = peers.into_iter().map(|peer| session(Some(peer), Vec::new())).collect();
    if !authors.is_empty() {
        all.push(session(None, authors));
    }
    all
}
