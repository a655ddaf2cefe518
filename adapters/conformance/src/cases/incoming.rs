//! Operations from the foreign side, and how they reach the gateway.

use cpim_adapter::message_cpim::Mode;
use cpim_adapter::{
    Content, Feature, Message, MessageCpim, Metadata, Operation, OperationId, Passage, Response, Support,
};

use crate::bench::{Bench, lines_of, ours_im, text_of};
use crate::case::{Case, Failed, Verdict, brief, case, ensure, same};
use crate::cases::outgoing::same_metadata;
use crate::core::Submission;
use crate::examples;
use crate::subject::{PeerError, Sent};
use crate::words::InWords;

pub(super) const CASES: &[Case] = &[
    case!(
        "in.message",
        message,
        "A message is handed in once, from whom it is, for whom it is, by somebody who may say so.",
        "contract 5.1; RFC 3860 section 3.4.1"
    ),
    case!(
        "in.contents",
        contents,
        "Content of every kind that the protocol can carry is handed in octet for octet.",
        "contract 5.2; RFC 3860 section 3.3"
    ),
    case!(
        "in.features",
        features,
        "What the peer's user said besides the text is handed in with it, where the claim is that it crosses.",
        "contract 5.2"
    ),
    case!(
        "in.automatic",
        automatic,
        "What no person wrote is handed in as that where the protocol has a mark for it.",
        "contract 5.9; RFC 3834 section 2"
    ),
    case!(
        "in.addresses",
        addresses,
        "Whomever of ours a user of the peer writes to, exactly they are addressed, or he is told that he cannot.",
        "contract 5.3"
    ),
    case!(
        "in.order",
        order,
        "What one user says to another is handed in in the order in which it was said, each once.",
        "contract 5.4"
    ),
    case!(
        "in.cut",
        cut,
        "Cut off at any octet, an operation is not handed in at all, and the next connection works.",
        "contract 5.5; RFC 2779 section 2.3"
    ),
    case!(
        "in.repeated",
        repeated,
        "A repetition is recognisable by its transID where the protocol knows any, and two messages are two else.",
        "contract 5.6"
    ),
    case!(
        "in.passage",
        passage,
        "A proven gateway's count of hops, name and way are handed in as they came, 0 hops too; nobody else has any.",
        "contract 5.7; RFC 3860 section 3.4.2"
    ),
    case!(
        "in.unutterable",
        unutterable,
        "What users of the protocol can say is handed in with every attribute; what they cannot, they cannot.",
        "contract 5.8; RFC 3859 section 3.4"
    ),
];

/// Sends, and takes what is handed in; nothing where the protocol cannot say it.
async fn across(bench: &mut Bench, sent: &Sent) -> Result<Option<Submission>, Failed> {
    match bench.peer.send(sent).await {
        Ok(()) => bench.submitted().await.map(Some),
        Err(PeerError::Unutterable) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Answers with success, and lets the peer read it.
async fn done(bench: &Bench, submission: Submission) -> Verdict {
    let answered = bench.core.answer(submission, Response::success());
    ensure(answered.is_ok(), || "nobody takes the answer".to_owned())
}

/// A message as it is meant: what an RFC 3862 wrapper holds counts as the message's own.
fn meant(operation: &Operation) -> Result<Message, Failed> {
    let Operation::Message(message) = operation else {
        return Err(Failed(format!("not a message, but {}", operation.kind())));
    };
    let mut message = message.clone();
    if message.metadata.is_empty()
        && let Ok(cpim) = MessageCpim::read(&message.content, Mode::Strict)
    {
        message.metadata = cpim.metadata();
        message.content = cpim.content().clone();
    }
    Ok(message)
}

async fn message(bench: &mut Bench) -> Verdict {
    let sent = bench.sent("hello from there");
    let Some(submission) = across(bench, &sent).await? else {
        return Err(Failed("not even a message can be sent".to_owned()));
    };
    let arrival = &submission.arrival;
    ensure(bench.is_same(arrival.operation.speaks_for(), sent.operation.speaks_for()).await, || {
        format!("its source is {}", arrival.operation.speaks_for())
    })?;
    ensure(bench.is_same(arrival.operation.goes_to(), sent.operation.goes_to()).await, || {
        format!("its destination is {}", arrival.operation.goes_to())
    })?;
    let text = text_of(&arrival.operation);
    ensure(text.contains("hello from there"), || format!("its text is {}", brief(&text)))?;
    let Some(facts) = &submission.facts else {
        return Err(Failed("it was handed in on a connection that was never announced".to_owned()));
    };
    let source = arrival.operation.speaks_for().address().clone();
    let covers = facts.authority.covers(&source)
        || bench.subject.hop(arrival.operation.speaks_for()).is_within(&facts.authority.scopes);
    ensure(covers, || format!("{} may not speak for {source}", brief(&*facts.authority)))?;
    ensure(facts.authority.peer.is_none(), || "a user counts as a gateway".to_owned())?;
    done(bench, submission).await?;
    bench.nothing_submitted("after the one message").await
}

async fn contents(bench: &mut Bench) -> Verdict {
    let full = bench.supports(Feature::AnyContent) == Support::Full;
    for (what, content) in examples::contents() {
        let mut sent = bench.sent("");
        if let Operation::Message(message) = &mut sent.operation {
            message.content = content.clone();
        }
        let Some(submission) = across(bench, &sent).await? else {
            ensure(!full, || format!("{what}: claimed to cross, and the peer cannot send it"))?;
            continue;
        };
        let came = submission
            .arrival
            .operation
            .content()
            .cloned()
            .unwrap_or_else(|| Content::new(Default::default()));
        if full {
            same(what, came.octets(), content.octets())?;
        } else if examples::is_plain_text(&content) {
            let text = |content: &Content| String::from_utf8_lossy(&content.body()).into_owned();
            let (came, meant) = (text(&came), text(&content));
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            match bench.is_exact(&meant) {
                true => same(what, &lines_of(&came), &lines_of(&meant))?,
                false => same(what, &words(&came), &words(&meant))?,
            }
        }
        done(bench, submission).await?;
    }
    Ok(())
}

async fn features(bench: &mut Bench) -> Verdict {
    for feature in Feature::ALL {
        let mut sent = bench.sent("with a feature");
        let Operation::Message(message) = &mut sent.operation else { continue };
        match (examples::metadata(feature), feature) {
            (Some(metadata), _) => message.metadata = bench.subject.sayable(&metadata),
            (None, Feature::MultiLine) => message.content = Content::text("one\ntwo\n\nfour"),
            (None, Feature::Unicode) => message.content = Content::text("Größe: \u{1f9e9} ネコ"),
            (None, _) => continue,
        }
        let wanted = message.clone();
        let support = bench.supports(feature);
        let Some(submission) = across(bench, &sent).await? else {
            ensure(support != Support::Full, || {
                format!("{}: claimed in full, and the peer cannot say it", feature.in_words())
            })?;
            continue;
        };
        let came = meant(&submission.arrival.operation)?;
        let what = feature.in_words();
        let left = match support {
            Support::Full => wanted.metadata.clone(),
            Support::Degraded(_) => bench.subject.reduced(feature, &wanted.metadata),
            Support::Dropped | Support::Rejected => Metadata::default(),
        };
        same_metadata(&what, &came.metadata, &left)?;
        let ended = |content: &Content| content.body().trim_ascii_end().to_vec();
        if support == Support::Full {
            same(&what, &ended(&came.content), &ended(&wanted.content))?;
        } else {
            ensure(!ended(&came.content).is_empty(), || format!("{what}: the text went with it"))?;
        }
        done(bench, submission).await?;
    }
    Ok(())
}

async fn automatic(bench: &mut Bench) -> Verdict {
    for automatic in [false, true] {
        let mut sent = bench.sent("no person wrote this");
        if let Operation::Message(message) = &mut sent.operation {
            message.metadata.automatic = automatic;
        }
        let Some(submission) = across(bench, &sent).await? else {
            let marks = bench.subject.marks_automatic();
            return ensure(!marks, || "there is a mark, and the peer cannot give it".to_owned());
        };
        let came = meant(&submission.arrival.operation)?;
        let marked = automatic && bench.subject.marks_automatic();
        same("its mark", &came.metadata.automatic, &marked)?;
        done(bench, submission).await?;
    }
    Ok(())
}

async fn addresses(bench: &mut Bench) -> Verdict {
    let mut said = 0_u32;
    for destination in examples::awkward() {
        let mut sent = bench.sent("to exactly you");
        if let Operation::Message(message) = &mut sent.operation {
            message.destination = destination.clone();
        }
        let Some(submission) = across(bench, &sent).await? else { continue };
        let came = submission.arrival.operation.goes_to().clone();
        ensure(bench.is_same(&came, destination.as_uri()).await, || format!("{destination} became {came}"))?;
        said += 1;
        done(bench, submission).await?;
    }
    ensure(said > 0, || "not one address could be written to".to_owned())
}

async fn order(bench: &mut Bench) -> Verdict {
    const MESSAGES: usize = 40;
    // Of more than may wait, some are told `busy`.
    let messages = MESSAGES.min(bench.subject.most_waiting());
    for number in 0..messages {
        let sent = bench.sent(&format!("number {number};"));
        bench.peer.send(&sent).await?;
    }
    for number in 0..messages {
        let submission = bench.submitted().await?;
        let text = text_of(&submission.arrival.operation);
        ensure(text.contains(&format!("number {number};")), || {
            format!("at place {number} came {}", brief(&text))
        })?;
        done(bench, submission).await?;
    }
    bench.nothing_submitted("after the last of them").await
}

async fn cut(bench: &mut Bench) -> Verdict {
    /// More octets than any protocol needs for it.
    const MOST: usize = 4_096;
    let (mut at, mut whole) = (1, 0);
    while at < MOST {
        let sent = bench.sent("cut off before its end");
        match bench.peer.send_cut(&sent, at).await {
            Ok(true) => {}
            Ok(false) => {
                // It was whole, and may be handed in, or be lost with its connection: nothing orders it with what is sent on
                // the next one.
                bench.arrive().await?;
                match bench.submitted_within(bench.timing.quiet * 10).await {
                    Some(submission) => drop(bench.core.answer(submission, Response::success())),
                    None => whole = 1,
                }
                break;
            }
            Err(PeerError::Unutterable) => break,
            Err(error) => return Err(error.into()),
        }
        bench.arrive().await?;
        at += 1;
    }
    let came = bench.all_submitted().await?;
    ensure(came.len() <= whole, || match came.first() {
        Some(one) => {
            format!("cut off before its end: the adapter handed in {}", brief(&one.arrival.operation))
        }
        None => String::new(),
    })?;
    for submission in came {
        drop(bench.core.answer(submission, Response::success()));
    }
    bench.still_works("operations that were cut off").await
}

async fn repeated(bench: &mut Bench) -> Verdict {
    let sent = bench.sent("said twice");
    bench.peer.send(&sent).await?;
    let first = bench.submitted().await?;
    bench.peer.send(&sent).await?;
    // What is another message must come.
    let within = match bench.subject.knows_repetition() {
        true => bench.timing.quiet,
        false => bench.timing.patience,
    };
    let second = bench.submitted_within(within).await;
    match (bench.subject.knows_repetition(), second) {
        // The adapter itself may hold the second back: one answer serves both.
        (true, None) => done(bench, first).await,
        (true, Some(second)) => {
            same("the transID of the repetition", &second.arrival.trans_id, &first.arrival.trans_id)?;
            done(bench, first).await?;
            done(bench, second).await
        }
        (false, Some(second)) => {
            let own = second.arrival.trans_id != first.arrival.trans_id;
            ensure(own, || format!("two messages are both {}", first.arrival.trans_id))?;
            done(bench, first).await?;
            done(bench, second).await
        }
        (false, None) => Err(Failed("the same words again are another message, and it was lost".to_owned())),
    }
}

async fn passage(bench: &mut Bench) -> Verdict {
    for hops in [0, 1, 128, 255] {
        let mut sent = bench.sent("by way of others");
        let id = OperationId::parse(&format!("Far_{hops}.A-b")).map_err(|error| Failed(error.to_string()))?;
        let via = ["zebra.example", "core.example"].map(cpim_adapter::Domain::parse);
        let via = via.into_iter().filter_map(Result::ok).collect();
        let passage = Passage { id, hops, via, wait: Some(std::time::Duration::from_secs(77)) };
        sent.passage = Some(passage.clone());
        let Some(submission) = across(bench, &sent).await? else {
            let carries = bench.subject.carries_passage();
            return ensure(!carries, || "it is claimed to cross, and the peer cannot send it".to_owned());
        };
        let arrival = &submission.arrival;
        if bench.subject.carries_passage() {
            same("hops", &arrival.hops, &Some(hops))?;
            same("id", &arrival.id, &Some(passage.id))?;
            same("via", &arrival.via, &passage.via)?;
            same("for how long its sender waits", &arrival.wait, &passage.wait)?;
        } else {
            let none = (arrival.hops, arrival.id.as_ref(), arrival.via.len()) == (None, None, 0);
            ensure(none, || format!("no gateway sent it, and it came by {}", brief(&arrival.via)))?;
        }
        done(bench, submission).await?;
    }
    Ok(())
}

async fn unutterable(bench: &mut Bench) -> Verdict {
    for (_, operation) in super::presence::operations(&bench.user(0), &ours_im(0)) {
        let kind = operation.kind();
        let sent = bench.sending(operation.clone());
        let submission = match (bench.peer.send(&sent).await, bench.subject.utters(kind)) {
            (Ok(()), true) => bench.submitted().await?,
            (Err(PeerError::Unutterable), false) => continue,
            (Err(PeerError::Unutterable), true) => {
                return Err(Failed(format!("{kind}: the peer cannot say it after all")));
            }
            (Ok(()), false) => return Err(Failed(format!("{kind}: the peer could say it after all"))),
            (Err(error), _) => return Err(error.into()),
        };
        super::presence::same_operation(bench, &submission.arrival.operation, &operation).await?;
        if kind != cpim_adapter::Kind::Notify {
            done(bench, submission).await?;
        }
    }
    Ok(())
}

/// What an adapter's authority covers by its selector.
trait Within {
    fn is_within(&self, scopes: &[cpim_adapter::Scope]) -> bool;
}

impl Within for cpim_adapter::NextHop {
    fn is_within(&self, scopes: &[cpim_adapter::Scope]) -> bool {
        match self {
            Self::Foreign(foreign) => {
                scopes.contains(&cpim_adapter::Scope::Selector(foreign.selector().clone()))
            }
            Self::Peer(_) | Self::Served(_) => false,
        }
    }
}
