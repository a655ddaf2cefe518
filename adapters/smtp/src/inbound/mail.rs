//! One mail: an operation for each recipient, and one reply for all of them (RFC 5321 section 4.2.5).
//!
//! The reply is 250 once every recipient's operation is accepted, or refused for reasons that a stranger is not to
//! tell apart at the reply: whoever is there, is not, or does not want to hear from him. What is not delivered after a
//! 250 is reported.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use cpim_adapter::{
    Answer, Arrival, Authority, Code, Inlet, Kind, MemoryError, Operation, Place, Receipt, Response,
    Standing, Status, TransId,
};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::{Incoming, Mail, Thread};
use cpim_smtp_proto::session::{Path, Received, Reply};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::Inbound;
use super::author::Author;
use super::bounces::now_s;
use super::owed::{Owed, Owner, Stage, Wanted};
use super::recipient::Taken;
use super::replays;

const LATER: Reply = Reply::fixed(451, "4.3.0", "nothing can be taken at present");
const LOOP: Reply = Reply::fixed(554, "5.4.6", "it has crossed too many servers");

/// A mail that is about to be given to the gateway.
pub(super) struct Letter {
    pub(super) received: Received,
    pub(super) mail: Mail,
    pub(super) author: Author,
    /// The author proved who he is to us, and is no stranger.
    pub(super) is_submitter: bool,
    /// Who brought it, for the trace.
    pub(super) client: String,
}

/// What is about to be given to the gateway.
struct Parcel {
    /// One for each recipient.
    ready: Vec<Ready>,
    /// The outcomes that somebody wants to hear of, by transID.
    wanted: HashMap<TransId, Wanted>,
    /// Nobody among those who sent it is a stranger.
    is_trusted: bool,
    /// A peer gateway sent it, which gets each answer by a mail of its own.
    is_of_peer: bool,
}

/// An operation that has its place.
struct Ready {
    /// For as long as its answer is awaited.
    inlet: Inlet,
    place: Place,
    incoming: Incoming,
    trans_id: TransId,
    owed: Option<Owed>,
}

/// A note on its way into the store: whose, and whether it is the first.
type Noting = Pin<Box<dyn Future<Output = (TransId, Result<bool, MemoryError>)> + Send>>;

/// Gives a mail to the gateway. `Ok`: it is taken, and what is not delivered of it is reported.
pub(super) async fn hand_over(
    inbound: &Arc<Inbound>,
    letter: Letter,
    taken: Vec<Taken>,
) -> Result<(), Reply> {
    let open = Arc::clone(&inbound.open).try_acquire_owned().map_err(|_| LATER)?;
    let deadline = Instant::now() + inbound.terms().settings.limits.acceptance;
    let (sender, mut answers) = mpsc::channel(taken.len().max(1));
    let Parcel { mut ready, mut wanted, is_trusted, is_of_peer } = prepare(inbound, &letter, taken, &sender)?;
    drop(sender);
    let header = Owed::header_of(&letter.received.octets);
    let presence = ready.iter().filter(|ready| ready.incoming.operation.kind() != Kind::Message);
    let proofs: Vec<_> = presence.filter_map(|ready| ready.incoming.proof().copied()).collect();
    let notes = ready.iter_mut().filter_map(|ready| note(inbound, ready, &header)).collect();
    let (mut inlets, mut notices) = (Vec::new(), Vec::new());
    // Given up, it goes on by itself: whatever is accepted of it is known again when it comes again.
    for ready in ready {
        let (inlet, notice) = submit(inbound, ready);
        inlets.push(inlet);
        notices.extend(notice);
    }
    // All is on its way before anything is waited for, so that one commit takes it.
    let (noted, refused) =
        tokio::join!(noted(notes, deadline), decided(&mut notices, &mut answers, deadline));
    for again in noted? {
        wanted.remove(&again);
    }
    let refused = refused?;
    let is_temporary = |answer: &Answer| matches!(answer.response.code(), Some(Code::Busy | Code::Internal));
    if refused.values().any(is_temporary) {
        // Whatever was accepted of it is known again when it comes again.
        return Err(LATER);
    }
    // Only now: what is to come again must not be taken for a replay.
    for proof in &proofs {
        replays::note(&inbound.peers, proof, &*inbound.cx.memory).await;
    }
    let failed = refused.values().filter(|answer| answer.response.status() == Status::Failure).count();
    let all_failed = failed > 0 && failed == notices.len();
    let may_say = is_trusted || !inbound.outbound.can_report();
    if all_failed
        && !is_of_peer
        && (may_say || !refused.values().any(|answer| is_about_people(&answer.response)))
    {
        let mut replies = Vec::new();
        for (trans_id, answer) in refused {
            replies.push(reply(&answer.response, is_trusted));
            inbound.owe_nothing(&trans_id);
            answer.receipt.into_iter().for_each(Receipt::handed_over);
        }
        return Err(replies.into_iter().min_by_key(Reply::code).unwrap_or(LATER));
    }
    let mut open_answers = notices.len().saturating_sub(refused.len());
    for answer in refused.into_values() {
        if !settle(inbound, &wanted, answer).await {
            return Err(LATER);
        }
    }
    let shared = Arc::clone(inbound);
    inbound.tasks.spawn(async move {
        let (_open, _inlets) = (open, inlets);
        while open_answers > 0 {
            tokio::select! {
                answer = answers.recv() => match answer {
                    Some(answer) => {
                        settle(&shared, &wanted, answer).await;
                        open_answers -= 1;
                    }
                    None => return,
                },
                // The answers are kept, and asked for after the next start.
                () = shared.draining() => return,
            }
        }
    });
    Ok(())
}

/// What became of a recipient after all. `true`: whoever wants to know is told, or will be.
async fn settle(inbound: &Arc<Inbound>, wanted: &HashMap<TransId, Wanted>, answer: Answer) -> bool {
    let wanted = wanted.get(&answer.trans_id).copied();
    let is_noted = inbound.settled(&answer.trans_id, wanted, &answer.response).await;
    if is_noted {
        answer.receipt.into_iter().for_each(Receipt::handed_over);
    }
    is_noted
}

/// What the mail is for each of its recipients, each with a place for its answer.
fn prepare(
    inbound: &Arc<Inbound>,
    letter: &Letter,
    all: Vec<Taken>,
    answers: &mpsc::Sender<Answer>,
) -> Result<Parcel, Reply> {
    let mapper = inbound.cx.mapper();
    let own = Arc::new(letter.author.authority(&letter.client));
    let mut parcel = Parcel {
        ready: Vec::new(),
        wanted: HashMap::new(),
        is_trusted: letter.is_submitter,
        is_of_peer: false,
    };
    let mut known = HashSet::new();
    for taken in all {
        let to = (&taken.mailbox, taken.destination.clone());
        let mut incoming =
            letter.mail.incoming(letter.author.source.clone(), to, &mapper, &inbound.peers, now_s());
        if let (Operation::Message(message), None) = (&mut incoming.operation, &incoming.peer) {
            // Whoever wants no report wants no answer: whom `From` names may have written nothing (RFC 3834 section 2).
            message.metadata.automatic |= letter.received.envelope.sender.path == Path::Null;
        }
        let trans_id = trans_id(letter, &taken).ok_or(LATER)?;
        // The same recipient twice is one.
        if incoming.is_replay || !known.insert(trans_id.clone()) {
            continue;
        }
        parcel.is_trusted |= incoming.peer.is_some();
        parcel.is_of_peer |= incoming.peer.is_some();
        let is_answered = incoming.operation.kind() != Kind::Notify;
        let owed = owed(letter, &taken, &incoming).filter(|_| is_answered);
        parcel.wanted.extend(owed.as_ref().map(|owed| (trans_id.clone(), owed.wanted)));
        let authority = match &incoming.peer {
            Some(peer) => Arc::new(Authority {
                peer: Some(peer.clone()),
                scopes: inbound.scopes(peer),
                standing: Standing::Verified,
                label: format!("mail of {peer}"),
            }),
            None => Arc::clone(&own),
        };
        let inlet = inbound.cx.open_briefly(authority, answers);
        let place = inlet.try_reserve().ok_or(LATER)?;
        parcel.ready.push(Ready { inlet, place, incoming, trans_id, owed });
    }
    Ok(parcel)
}

/// Notes what is owed for a recipient.
fn note(inbound: &Arc<Inbound>, ready: &mut Ready, header: &Bytes) -> Option<Noting> {
    let owed = Owed { header: header.clone(), ..ready.owed.take()? };
    let (inbound, trans_id) = (Arc::clone(inbound), ready.trans_id.clone());
    Some(Box::pin(async move {
        let noted = inbound.owe(&trans_id, &owed).await;
        (trans_id, noted)
    }))
}

/// Gives the gateway one operation. The receiver is told once it is accepted; of a notify nothing is.
fn submit(inbound: &Arc<Inbound>, ready: Ready) -> (Inlet, Option<(TransId, oneshot::Receiver<()>)>) {
    let Ready { inlet, place, incoming, trans_id, owed: _ } = ready;
    if let (Operation::Message(message), None) = (&incoming.operation, &incoming.peer)
        && let Some(thread) = Thread::of(&message.metadata)
    {
        let between = [message.source.address(), message.destination.address()];
        inbound.outbound.threads.note(between, &inbound.cx.mapper(), thread);
    }
    let is_answered = incoming.operation.kind() != Kind::Notify;
    let arrival = Arrival {
        operation: incoming.operation,
        trans_id: trans_id.clone(),
        hops: incoming.hops,
        via: incoming.via,
        id: incoming.id,
        wait: incoming.wait,
        standing: incoming.standing,
        held: false,
    };
    if !is_answered {
        place.submit(arrival);
        return (inlet, None);
    }
    (inlet, Some((trans_id, place.submit_noticed(arrival))))
}

/// Waits until all that is owed is noted. Gives those of which something was noted before.
async fn noted(mut notes: Vec<Noting>, deadline: Instant) -> Result<Vec<TransId>, Reply> {
    let mut again = Vec::new();
    let all = poll_fn(|cx| {
        let mut failed = false;
        // All are under way at once.
        notes.retain_mut(|note| match note.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready((trans_id, noted)) => {
                match noted {
                    Ok(true) => {}
                    Ok(false) => again.push(trans_id),
                    Err(_) => failed = true,
                }
                false
            }
        });
        match (failed, notes.is_empty()) {
            (true, _) => Poll::Ready(Err(LATER)),
            (false, true) => Poll::Ready(Ok(())),
            (false, false) => Poll::Pending,
        }
    });
    timeout_at(deadline, all).await.unwrap_or(Err(LATER))?;
    Ok(again)
}

/// Waits until each is accepted or answered. Gives the answers of what was not accepted, and of what is settled
/// already.
async fn decided(
    notices: &mut [(TransId, oneshot::Receiver<()>)],
    answers: &mut mpsc::Receiver<Answer>,
    deadline: Instant,
) -> Result<HashMap<TransId, Answer>, Reply> {
    let mut refused = HashSet::new();
    for (trans_id, notice) in notices {
        match timeout_at(deadline, notice).await {
            Ok(Ok(())) => {}
            // What was not accepted is answered already, or is about to be.
            Ok(Err(_)) => {
                refused.insert(trans_id.clone());
            }
            Err(_) => return Err(LATER),
        }
    }
    let mut answered = HashMap::new();
    while !refused.iter().all(|trans_id| answered.contains_key(trans_id)) {
        let Ok(Some(answer)) = timeout_at(deadline, answers.recv()).await else {
            return Err(LATER);
        };
        answered.insert(answer.trans_id.clone(), answer);
    }
    Ok(answered)
}

/// What the sender is owed for a recipient; nothing where he wants no report, or none can be sent.
fn owed(letter: &Letter, taken: &Taken, incoming: &Incoming) -> Option<Owed> {
    let sender = &letter.received.envelope.sender;
    // A report is never answered by a report (RFC 5321 section 4.5.5).
    let Path::Mailbox(path) = &sender.path else { return None };
    let answers = incoming.name.clone();
    let wanted = Wanted {
        failure: answers.is_some() || taken.said.notify.failure(),
        success: answers.is_some() || taken.said.notify.success(),
    };
    let owner = match &incoming.peer {
        Some(peer) => Owner::Peer(peer.clone()),
        None => Owner::Source(letter.author.source.address().clone()),
    };
    Some(Owed {
        to: Mailbox::parse_long(path.as_str()).ok().filter(|_| wanted.failure || wanted.success)?,
        recipient: taken.mailbox.to_string(),
        original: taken.said.original.as_ref().map(|(kind, address)| format!("{kind};{address}")),
        envelope_id: sender.envelope_id.clone(),
        wanted,
        is_trusted: letter.is_submitter || incoming.peer.is_some(),
        owner,
        answers,
        since_s: now_s(),
        stage: Stage::Open,
        header: Bytes::new(),
    })
}

/// One mail to one recipient has one transID, so that it is known again when it comes again.
fn trans_id(letter: &Letter, taken: &Taken) -> Option<TransId> {
    let sender = letter.received.envelope.sender.path.to_string();
    let recipient = taken.mailbox.to_string();
    let entity = letter.mail.entity();
    let (message_id, content) = match letter.mail.message_id() {
        Some(message_id) => (message_id, entity.octets()),
        // Nothing but all of it tells one from the next: what comes again has the same date and subject, too.
        None => (Default::default(), &letter.received.octets),
    };
    let mut digest = Sha256::new();
    for part in [sender.as_bytes(), recipient.as_bytes(), message_id.as_bytes(), content] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let text = digest.iter().take(16).fold("m".to_owned(), |text, octet| format!("{text}{octet:02x}"));
    TransId::parse(&text).ok()
}

/// Whether the response tells something of somebody, and not of the mail.
fn is_about_people(response: &Response) -> bool {
    super::owed::told(response, false) != *response
}

/// A response in SMTP's words. About people all strangers are told the same.
fn reply(response: &Response, is_trusted: bool) -> Reply {
    match response.code() {
        Some(Code::Busy | Code::Internal) => LATER,
        Some(Code::TooLarge) => Reply::fixed(552, "5.3.4", "too large a mail"),
        Some(Code::Lossy | Code::Unsupported) => Reply::fixed(554, "5.6.1", "not in this form"),
        Some(Code::Loop) => LOOP,
        _ if is_trusted => Reply::worded(550, "5.7.1", &response.text()),
        _ => Reply::fixed(550, "5.7.1", "not deliverable"),
    }
}
