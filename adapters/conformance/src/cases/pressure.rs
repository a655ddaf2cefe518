//! Many at once: order, and what happens where there is no room.

use std::collections::HashSet;

use cpim_adapter::{Code, Content, Message, Operation, Response, Status};

use crate::bench::{Bench, End, Leg, text_of};
use crate::case::{Case, Verdict, brief, case, ensure, same};
use crate::commit::Log;
use crate::core::Submission;

pub(super) const CASES: &[Case] = &[
    case!(
        "order.out",
        order,
        "Operations of one pair arrive in the order in which they passed their commit points, each once.",
        "contract 8.1"
    ),
    case!(
        "order.pressure",
        order_under_pressure,
        "Also while the peer reads nothing, operations of one pair keep the order of their commit points.",
        "contract 8.1"
    ),
    case!(
        "pressure.out",
        slow_peer,
        "A peer that reads slowly loses nothing that passed its commit point, and the adapter piles nothing up.",
        "contract 8.2"
    ),
    case!(
        "pressure.in",
        slow_gateway,
        "While the gateway answers nothing, a bounded number is handed in; the rest waits or is told `busy`.",
        "contract 8.3"
    ),
];

/// The number that a text ends with.
fn number_in(text: &str) -> Option<usize> {
    let (_, number) = text.trim_end().rsplit_once('#')?;
    number.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

/// A text of about so many octets that ends with its number.
fn large(octets: usize, number: usize) -> Content {
    let words = "one-after-the-other-".repeat(octets / 20);
    Content::new(format!("Content-Type: text/plain\r\n\r\n{words}#{number}").into())
}

async fn order(bench: &mut Bench) -> Verdict {
    const MESSAGES: usize = 40;
    let mut legs: Vec<Leg> = Vec::new();
    let mut taken = 0;
    for number in 0..MESSAGES {
        let log = Log::open();
        let leg = bench.depart(bench.delivery(Operation::Message(bench.message(&format!("#{number}")))), log);
        if bench.subject.one_at_a_time() && taken < number {
            at_its_place(bench, taken).await?;
            taken += 1;
        }
        // As the gateway does: the next one starts when this one has passed its commit point.
        bench.until_passed(&leg).await;
        legs.push(leg);
    }
    for wanted in taken..MESSAGES {
        at_its_place(bench, wanted).await?;
    }
    bench.see_nothing("after the last of them").await
}

/// Wants the message of this number next, and answers it.
async fn at_its_place(bench: &mut Bench, wanted: usize) -> Verdict {
    let seen = bench.see().await?;
    ensure(bench.shows(&seen, &format!("#{wanted}")), || format!("at place {wanted} came {}", brief(&seen)))?;
    bench.reply(&seen, &Response::success()).await
}

async fn order_under_pressure(bench: &mut Bench) -> Verdict {
    /// More than the buffers of a connection hold.
    const MESSAGES: usize = 60;
    const OCTETS: usize = 200 << 10;
    let most = bench.subject.max_content_octets().unwrap_or(OCTETS);
    let octets = OCTETS.min(most.saturating_sub(256)).min(bench.subject.readable_octets()).max(1);
    let (sender, mut legs) = tokio::sync::mpsc::channel(MESSAGES);
    let deliveries: Vec<_> = (0..MESSAGES)
        .map(|number| {
            let content = large(octets, number);
            bench.delivery(Operation::Message(Message { content, ..bench.message("") }))
        })
        .collect();
    let adapter = std::sync::Arc::clone(&bench.adapter);
    let delivering = tokio::spawn(async move {
        for delivery in deliveries {
            let log = Log::open();
            let task = tokio::spawn(log.clone().deliver(std::sync::Arc::clone(&adapter), delivery));
            while !log.is_behind() && !task.is_finished() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            // As many as there are have room.
            drop(sender.send((log, task)).await);
        }
    });
    tokio::time::sleep(bench.timing.quiet).await;
    for wanted in 0..MESSAGES {
        let seen = bench.see().await?;
        let text = seen.text.clone().or_else(|| {
            seen.content.as_ref().map(|content| String::from_utf8_lossy(&content.body()).into_owned())
        });
        same("at its place", &text.as_deref().and_then(number_in), &Some(wanted))?;
        bench.reply(&seen, &Response::success()).await?;
    }
    delivering.abort();
    while let Ok((log, task)) = legs.try_recv() {
        ensure(log.passed(), || "it arrived, and its commit point was not passed".to_owned())?;
        task.abort();
    }
    Ok(())
}

async fn slow_peer(bench: &mut Bench) -> Verdict {
    /// Octets in all: more than the buffers of a connection hold, and little enough for any machine.
    const MESSAGES: usize = 96;
    const OCTETS: usize = 256 << 10;
    /// What an adapter may have taken on for a peer that reads nothing: its own queue, and the system's buffers.
    const MOST_TAKEN: usize = 20 << 20;
    let most = bench.subject.max_content_octets().unwrap_or(OCTETS);
    let octets = OCTETS.min(most.saturating_sub(256)).min(bench.subject.readable_octets()).max(1);
    let mut legs = Vec::new();
    for number in 0..MESSAGES {
        let message = Message {
            // Pairs of their own, so that none has to wait for another.
            source: crate::bench::ours_im(u8::try_from(number).unwrap_or_default()),
            content: large(octets, number),
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
            ensure(success, || format!("message {number} came and was answered: {end}"))?;
        }
    }
    ensure(!arrived.is_empty(), || "nothing came at all".to_owned())
}

async fn slow_gateway(bench: &mut Bench) -> Verdict {
    /// Messages beyond those that may wait for the gateway.
    const MORE: usize = 32;
    let quiet = bench.timing.quiet;
    let most = bench.subject.most_waiting();
    for number in 0..most + MORE {
        let sent = bench.sent(&format!("flood #{number}"));
        // One that takes its time is paced.
        match tokio::time::timeout(quiet * 3, bench.peer.send(&sent)).await {
            Ok(sent) => sent?,
            Err(_) => break,
        }
    }
    let mut held = vec![bench.submitted().await?];
    while let Some(submission) = bench.submitted_within(quiet).await {
        held.push(submission);
    }
    ensure(held.len() <= most, || format!("{} wait for their answer; {most} may", held.len()))?;
    let mut numbers = HashSet::new();
    let mut answer = |bench: &Bench, submission: Submission| {
        let text = text_of(&submission.arrival.operation);
        if let Some(number) = number_in(&text) {
            ensure(numbers.insert(number), || format!("message {number} was handed in twice"))?;
        }
        drop(bench.core.answer(submission, Response::failure(Code::Refused, "at last")));
        Ok::<(), crate::case::Failed>(())
    };
    for submission in held {
        answer(bench, submission)?;
    }
    // Each answer makes room for one more.
    while let Some(submission) = bench.submitted_within(quiet * 2).await {
        answer(bench, submission)?;
    }
    let (mut refused, mut busy) = (0, 0);
    let tells = bench.subject.tells(Status::Failure) && bench.subject.tells_words();
    loop {
        // Word of what was handed in must come; there should be no more.
        let within = if tells && refused < numbers.len() { bench.timing.patience } else { quiet * 2 };
        let Some(told) = bench.heard_within(within).await? else { break };
        match told.response.code() {
            Some(Code::Busy) => busy += 1,
            _ => refused += 1,
        }
    }
    if tells {
        same("told of those that were handed in", &refused, &numbers.len())?;
        ensure(busy + numbers.len() <= most + MORE, || format!("{busy} were told `busy`"))?;
    }
    Ok(())
}
