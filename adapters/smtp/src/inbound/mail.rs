//! One mail: an operation for each recipient, and one reply for all of them (RFC 5321 section 4.2.5).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use cpim_adapter::{Answer, Arrival, Authority, Code, Response, SessionFacts, Status, TransId};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::dsn::{Bounce, Returned};
use cpim_smtp_proto::mail::Mail;
use cpim_smtp_proto::session::{Path, Received, Reply};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Inbound;
use super::author;
use super::recipient::Taken;
use crate::config::SubmitterSettings;

const UNREADABLE: Reply = Reply::fixed(554, "5.6.0", "a header over the limits");
const LOOP: Reply = Reply::fixed(554, "5.4.6", "it has crossed too many servers");
const LATER: Reply = Reply::fixed(451, "4.3.0", "nothing can be taken at present");
const NOT_DELIVERED: Reply = Reply::fixed(550, "5.7.1", "not deliverable");

/// Gives a mail to the gateway. `Ok`: it is taken, and what is not delivered of it is reported.
pub(super) async fn hand_over(
    inbound: &Arc<Inbound>,
    received: Received,
    taken: Vec<Taken>,
    submitter: Option<&SubmitterSettings>,
    client: &str,
) -> Result<(), Reply> {
    let mail = Mail::read(&received.octets).map_err(|_| UNREADABLE)?;
    if mail.received() > inbound.settings.incoming.limits.received {
        return Err(LOOP);
    }
    let mapper = inbound.cx.mapper();
    let sender = &received.envelope.sender;
    let author = author::find(&mail, sender, submitter, &mapper)?;
    let open = Arc::clone(&inbound.open).try_acquire_owned().map_err(|_| LATER)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let deadline = Instant::now() + inbound.settings.incoming.limits.acceptance;
    let (sender_answers, mut answers) = mpsc::channel(taken.len().max(1));
    let mut waiting = HashMap::new();
    let mut notices = Vec::new();
    for taken in taken {
        let destination = taken.destination.clone();
        let to = (&taken.mailbox, destination);
        let incoming = mail.incoming(author.source.clone(), to, &mapper, &inbound.peers, now_s);
        if incoming.is_replay {
            continue;
        }
        let authority = match &incoming.peer {
            Some(peer) => Authority {
                peer: Some(peer.clone()),
                scopes: inbound.scopes(peer),
                standing: cpim_adapter::Standing::Verified,
                label: format!("mail of {peer}"),
            },
            None => author.authority(client),
        };
        let trans_id = trans_id(&received, &taken, &mail).ok_or(LATER)?;
        let facts = SessionFacts { authority: Arc::new(authority), serves: Vec::new(), home: false };
        let (inlet, mut own) = inbound.cx.open(facts, 1);
        let place = inlet.reserve().await.ok_or(LATER)?;
        inbound.peers.note(&incoming);
        notices.push(place.submit_noticed(Arrival {
            operation: incoming.operation,
            trans_id: trans_id.clone(),
            hops: incoming.hops,
            via: incoming.via,
            id: incoming.id,
            wait: incoming.wait,
            standing: incoming.standing,
            held: false,
        }));
        waiting.insert(trans_id, taken);
        let to = sender_answers.clone();
        inbound.tasks.spawn(async move {
            // The connection lasts as long as its answer is awaited.
            let _inlet = inlet;
            if let Some(answer) = own.recv().await {
                let _nobody = to.send(answer).await;
            }
        });
    }
    drop(sender_answers);
    let all = waiting.len();
    let (mut accepted, mut undecided) = (0, 0);
    for notice in notices {
        match timeout_at(deadline, notice).await {
            Ok(Ok(())) => accepted += 1,
            Ok(Err(_)) => {}
            Err(_) => undecided += 1,
        }
    }
    // What was refused unaccepted is answered already, or is about to be.
    let mut refused = Vec::new();
    while accepted + undecided + refused.len() < all {
        match timeout_at(deadline, answers.recv()).await {
            Ok(Some(answer)) => refused.push(answer),
            Ok(None) | Err(_) => undecided += 1,
        }
    }
    if undecided > 0 {
        // Whatever was accepted of it is known again when it comes again.
        return Err(LATER);
    }
    if accepted == 0 && all > 0 {
        let replies = refused.into_iter().map(|answer| {
            let reply = reply(&answer.response);
            answer.receipt.into_iter().for_each(cpim_adapter::Receipt::handed_over);
            reply
        });
        // Once more helps as long as it may help with one.
        return Err(replies.min_by_key(Reply::code).unwrap_or(LATER));
    }
    let (shared, followed) = (Arc::clone(inbound), received);
    inbound.tasks.spawn(async move {
        let _open = open;
        for answer in refused {
            settle(&shared, &followed, &mut waiting, answer).await;
        }
        loop {
            tokio::select! {
                answer = answers.recv() => match answer {
                    Some(answer) => settle(&shared, &followed, &mut waiting, answer).await,
                    None => return,
                },
                () = shared.cx.shutdown.draining() => return,
            }
        }
    });
    Ok(())
}

/// What came of a recipient after all: a failure is reported, unless nobody wants to know.
async fn settle(
    inbound: &Arc<Inbound>,
    received: &Received,
    waiting: &mut HashMap<TransId, Taken>,
    answer: Answer,
) {
    let reported = match waiting.remove(&answer.trans_id) {
        Some(taken) => report(inbound, received, &taken, &answer.response).await,
        None => true,
    };
    if reported {
        answer.receipt.into_iter().for_each(cpim_adapter::Receipt::handed_over);
    }
}

async fn report(inbound: &Arc<Inbound>, received: &Received, taken: &Taken, response: &Response) -> bool {
    let wanted = match response.status() {
        Status::Failure => taken.said.notify.failure(),
        Status::Success | Status::Indeterminant => taken.said.notify.success(),
    };
    let Path::Mailbox(sender) = &received.envelope.sender.path else { return true };
    let Ok(to) = Mailbox::parse(sender.as_str()) else { return true };
    if !wanted {
        return true;
    }
    // Whoever is a stranger hears no more of people than at the reply.
    let response = match response.status() {
        Status::Failure => Response::failure(Code::Refused, reply(response).text().to_owned()),
        _ => response.clone(),
    };
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let original = taken.said.original.as_ref().map(|(kind, address)| format!("{kind};{address}"));
    let id = trans_text(&[received.octets.as_ref(), taken.mailbox.to_string().as_bytes()]);
    let bounce = Bounce {
        relay: &inbound.settings.relay,
        to: &to,
        id: &id,
        recipient: &taken.mailbox.to_string(),
        original_recipient: original.as_deref(),
        envelope_id: received.envelope.sender.envelope_id.as_deref(),
        response: &response,
        returned: Returned { mail: &received.octets },
        now_s,
    };
    match inbound.outbound.report(&to, &bounce.write()).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "a report could not be sent");
            false
        }
    }
}

/// One mail to one recipient has one transID, so that it is known again when it comes again.
fn trans_id(received: &Received, taken: &Taken, mail: &Mail) -> Option<TransId> {
    let sender = received.envelope.sender.path.to_string();
    let text = trans_text(&[
        sender.as_bytes(),
        taken.mailbox.to_string().as_bytes(),
        mail.message_id().unwrap_or_default().as_bytes(),
        mail.entity().octets(),
    ]);
    TransId::parse(&text).ok()
}

fn trans_text(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(16).fold("m".to_owned(), |text, octet| format!("{text}{octet:02x}"))
}

/// A response in SMTP's words. About people all are told the same.
fn reply(response: &Response) -> Reply {
    match response.code() {
        Some(Code::Busy | Code::Internal) => LATER,
        Some(Code::TooLarge) => Reply::fixed(552, "5.3.4", "too large a mail"),
        Some(Code::Lossy | Code::Unsupported) => Reply::fixed(554, "5.6.1", "not in this form"),
        Some(Code::Loop) => LOOP,
        _ => NOT_DELIVERED,
    }
}
