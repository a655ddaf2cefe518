//! Many at once: order, and what happens where there is no room.

use std::collections::HashSet;

use cpim_adapter::{Code, Content, Message, Operation, Response, Status};

use crate::bench::{Bench, End, Leg, text_of};
use crate::case::{Case, Verdict, case, ensure, same};
use crate::commit::Log;
use crate::run::Timing;

pub(super) const CASES: &[Case] = &[
    case!(
        "order.out",
        order,
        "Operations of one pair arrive in the order in which they passed their commit points, each once.",
        "docs/native-cpim.md: operations of one pair are delivered in the order sent"
    ),
    case!(
        "pressure.out",
        slow_peer,
        "A peer that reads slowly loses nothing that passed its commit point, and the adapter piles nothing up.",
        "the contract: bounded memory; DESIGN: admission is a place in the journal"
    ),
    case!(
        "pressure.in",
        slow_gateway,
        "While the gateway answers nothing, a bounded number is handed in; the rest waits or is told `busy`.",
        "the contract: `Inlet`; docs/native-cpim.md: busy, before it is accepted"
    ),
];

/// The number that a text ends with.
fn number_in(text: &str) -> Option<usize> {
    let (_, number) = text.trim_end().rsplit_once('#')?;
    number.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

async fn order(bench: &mut Bench) -> Verdict {
    const MESSAGES: usize = 40;
    let mut legs: Vec<Leg> = Vec::new();
    for number in 0..MESSAGES {
        let log = Log::open();
        let leg = bench.depart(bench.delivery(Operation::Message(bench.message(&format!("#{number}")))), log);
        // As the gateway does: the next one starts when this one has passed its commit point.
        while !leg.log.passed() && !leg.task.is_finished() {
            tokio::task::yield_now().await;
        }
        legs.push(leg);
    }
    for wanted in 0..MESSAGES {
        let seen = bench.see().await?;
        ensure(bench.shows(&seen, &format!("#{wanted}")), || {
            let text = seen.text.clone().or_else(|| seen.content.as_ref().map(|c| format!("{:?}", c.body())));
            format!("at place {wanted} came {text:?}")
        })?;
        bench.reply(&seen, &Response::success()).await?;
    }
    bench.see_nothing("after the last of them").await
}

async fn slow_peer(bench: &mut Bench) -> Verdict {
    /// Octets in all: more than the buffers of a connection hold, and little enough for any machine.
    const MESSAGES: usize = 96;
    const OCTETS: usize = 256 << 10;
    /// What an adapter may have taken on for a peer that reads nothing: its own queue, and the system's buffers.
    const MOST_TAKEN: usize = 20 << 20;
    let most = bench.subject.capabilities().max_content_octets.unwrap_or(OCTETS);
    let octets = OCTETS.min(most.saturating_sub(256)).max(1);
    let mut legs = Vec::new();
    for number in 0..MESSAGES {
        let mut text = "slow and steady ".repeat(octets / 16);
        text.push_str(&format!("#{number}"));
        let message = Message {
            // Pairs of their own, so that none has to wait for another.
            source: crate::bench::ours_im(u8::try_from(number).unwrap_or_default()),
            content: Content::text(&text),
            ..bench.message("")
        };
        legs.push((number, bench.deliver(message)));
    }
    tokio::time::sleep(bench.timing.quiet * 3).await;
    let taken = legs.iter().filter(|(_, leg)| leg.log.passed()).count();
    ensure(taken * octets <= MOST_TAKEN, || {
        format!(
            "the peer reads nothing, and {taken} messages of {octets} octets have passed their commit point"
        )
    })?;
    let mut arrived = HashSet::new();
    let mut silent = 0;
    while arrived.len() < MESSAGES && silent < 5 {
        let Some(seen) = bench.seen_within(bench.timing.quiet * 5).await? else {
            silent += 1;
            continue;
        };
        silent = 0;
        let text = seen.text.clone().or_else(|| {
            seen.content.as_ref().map(|content| String::from_utf8_lossy(&content.body()).into_owned())
        });
        if let Some(number) = text.as_deref().and_then(number_in) {
            ensure(arrived.insert(number), || format!("message {number} came twice"))?;
        }
        bench.reply(&seen, &Response::success()).await?;
    }
    for (number, leg) in legs {
        let (passed, came) = (leg.log.passed(), arrived.contains(&number));
        ensure(!passed || came, || format!("message {number} passed its commit point, and never came"))?;
        if came && bench.knows_outcomes() {
            let end = bench.end(leg).await?;
            let success = matches!(&end, End::Answered(r) if r.status() == Status::Success);
            ensure(success, || format!("message {number} came and was answered: {end:?}"))?;
        }
    }
    ensure(!arrived.is_empty(), || "nothing came at all".to_owned())
}

async fn slow_gateway(bench: &mut Bench) -> Verdict {
    /// More than a connection may have waiting.
    const MESSAGES: usize = 300;
    let Timing { quiet, .. } = bench.timing;
    let peer_sends = async {
        for number in 0..MESSAGES {
            let sent = bench.sent(&format!("flood #{number}"));
            bench.peer.send(&sent).await?;
        }
        Ok::<(), crate::subject::PeerError>(())
    };
    // Where the adapter paces its peer, the peer may well be stopped in the middle.
    let _paced = tokio::time::timeout(quiet * 5, peer_sends).await;
    let mut held = Vec::new();
    while let Some(submission) = bench.submitted_within(bench.timing.quiet).await {
        held.push(submission);
    }
    ensure(!held.is_empty(), || "nothing was handed in".to_owned())?;
    let mut numbers = HashSet::new();
    let mut unanswered = held;
    let mut rounds = 0;
    // Each answer makes room for one more.
    while !unanswered.is_empty() && rounds < MESSAGES {
        rounds += 1;
        for submission in unanswered.drain(..) {
            let text = text_of(&submission.arrival.operation);
            if let Some(number) = number_in(&text) {
                ensure(numbers.insert(number), || format!("message {number} was handed in twice"))?;
            }
            drop(bench.core.answer(submission, Response::failure(Code::Refused, "at last")));
        }
        while let Some(submission) = bench.submitted_within(bench.timing.quiet).await {
            unanswered.push(submission);
        }
    }
    let (mut refused, mut busy) = (0, 0);
    while let Some(told) = bench.heard_within(bench.timing.quiet * 2).await? {
        match told.response.code() {
            Some(Code::Busy) => busy += 1,
            _ => refused += 1,
        }
    }
    if bench.subject.tells(Status::Failure) && bench.subject.tells_words() {
        same("told of those that were handed in", &refused, &numbers.len())?;
        ensure(busy + numbers.len() <= MESSAGES, || format!("{busy} were told `busy`"))?;
    }
    Ok(())
}
