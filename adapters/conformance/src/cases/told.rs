//! What the sender on the foreign side is told of what he sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cpim_adapter::{Code, Response, Status};

use crate::bench::Bench;
use crate::case::{Case, Failed, Verdict, case, ensure, same};

pub(super) const CASES: &[Case] = &[
    case!(
        "told.outcomes",
        outcomes,
        "The sender is told each outcome as what it is, of the right operation, with the reason.",
        "contract 6.1, 6.3; RFC 3860 section 3.4.1"
    ),
    case!(
        "told.taken",
        taken,
        "That an operation was taken is said once the gateway has accepted it, and never of one that it has not.",
        "contract 6.5; RFC 5321 section 6.1"
    ),
    case!("told.late", late, "Nothing is told before the gateway has answered.", "contract 6.2"),
    case!(
        "told.own",
        own,
        "Answers in another order than the operations are told of the right ones.",
        "contract 6.1"
    ),
    case!(
        "told.receipt",
        receipt,
        "An answer that was told says so once it was handed over; one that finds nobody says that it was not.",
        "contract 6.3"
    ),
    case!(
        "told.kept",
        kept,
        "An answer that was kept while its owner was away is told when he is back.",
        "contract 6.4"
    ),
];

/// Sends, answers so, and wants the sender told so. The number by which the receipt of the answer comes back; nothing
/// where the protocol tells such an outcome by silence.
async fn outcome(bench: &mut Bench, response: &Response) -> Result<Option<u64>, Failed> {
    let sent = bench.sent("what becomes of me?");
    bench.peer.send(&sent).await?;
    let submission = bench.submitted().await?;
    let answered = bench.core.answer(submission, response.clone());
    let number = answered.map_err(|_| Failed("nobody takes the answer".to_owned()))?;
    if !bench.subject.tells(response.status()) {
        bench.hear_nothing("an outcome that the protocol tells by silence").await?;
        return Ok(None);
    }
    let told = bench.hear().await?;
    same("which", &told.tag, &sent.tag)?;
    same("status", &told.response.status(), &response.status())?;
    if bench.subject.tells_words() {
        same("text", &told.response.text(), &response.text())?;
    }
    if bench.subject.tells_language() {
        same("language", &told.response.lang().cloned(), &response.lang().cloned())?;
    }
    Ok(Some(number))
}

async fn outcomes(bench: &mut Bench) -> Verdict {
    let foreign = Response::failure(Code::Refused, "nein & <danke>");
    let mut responses = vec![
        Response::success(),
        foreign.with_lang(cpim_adapter::LangTag::parse("de")),
        Response::indeterminant(Code::Timeout, "nobody knows"),
    ];
    responses.extend(Code::ALL.iter().map(|code| Response::failure(*code, "in so many words")));
    let mut numbers = Vec::new();
    for response in responses {
        numbers.extend(outcome(bench, &response).await?);
    }
    // A receipt may wait until it is sure that the answer arrived.
    for number in numbers {
        was_handed_over(bench, number).await?;
    }
    Ok(())
}

async fn was_handed_over(bench: &Bench, number: u64) -> Verdict {
    let handed_over = bench.receipt(number).await?;
    ensure(handed_over, || "it was told, and its receipt says that it was not".to_owned())
}

async fn late(bench: &mut Bench) -> Verdict {
    let sent = bench.sent("no answer yet");
    bench.peer.send(&sent).await?;
    let submission = bench.submitted().await?;
    bench.hear_nothing("before the gateway has answered").await?;
    let response = Response::failure(Code::Unreachable, "now there is one");
    let answered = bench.core.answer(submission, response.clone());
    ensure(answered.is_ok(), || "nobody takes the answer".to_owned())?;
    let told = bench.hear().await?;
    same("status", &told.response.status(), &Status::Failure)
}

async fn taken(bench: &mut Bench) -> Verdict {
    let (says, quiet, patience) = (bench.subject.says_taken(), bench.timing.quiet, bench.timing.patience);
    bench.core.hold(true);
    for accepts in [true, false] {
        let sent = bench.sent("is it in the journal?");
        let (core, is_decided) = (Arc::clone(&bench.core), AtomicBool::new(false));
        let journal = async {
            let mut submission = core.submitted(patience).await?;
            // It takes its time to write.
            tokio::time::sleep(quiet).await;
            is_decided.store(true, Ordering::Release);
            match accepts {
                true => submission.accept(),
                false => {
                    drop(core.answer(submission, Response::failure(Code::Busy, "no room")));
                    return Some(None);
                }
            }
            Some(Some(submission))
        };
        let telling = async {
            let word = bench.peer.send(&sent).await;
            (word, is_decided.load(Ordering::Acquire))
        };
        let (submission, (word, in_time)) = tokio::join!(journal, telling);
        word?;
        let submission = submission.ok_or_else(|| Failed("the adapter handed nothing in".to_owned()))?;
        ensure(in_time || !says, || "it was said to be taken before it was accepted".to_owned())?;
        if let Some(submission) = submission {
            bench.hear_nothing("accepted, and not answered yet").await?;
            drop(bench.core.answer(submission, Response::success()));
            if bench.subject.tells(Status::Success) {
                same("which succeeded", &bench.hear().await?.tag, &sent.tag)?;
            }
        } else if bench.subject.tells(Status::Failure) {
            let told = bench.hear().await?;
            same("which was not accepted", &told.tag, &sent.tag)?;
            same("status", &told.response.status(), &Status::Failure)?;
        }
    }
    Ok(())
}

async fn own(bench: &mut Bench) -> Verdict {
    let (first, second) = (bench.sent("first"), bench.sent("second"));
    bench.peer.send(&first).await?;
    let first_in = bench.submitted().await?;
    bench.peer.send(&second).await?;
    // Where the protocol has one operation under way at a time, there is no other order.
    let Some(second_in) = bench.submitted_within(bench.timing.quiet * 3).await else {
        drop(bench.core.answer(first_in, Response::success()));
        return bench.submitted().await.map(drop);
    };
    drop(bench.core.answer(second_in, Response::failure(Code::Refused, "the second")));
    let told = bench.hear().await?;
    same("told first", &told.tag, &second.tag)?;
    drop(bench.core.answer(first_in, Response::failure(Code::Denied, "the first")));
    let told = bench.hear().await?;
    same("told second", &told.tag, &first.tag)?;
    if bench.subject.tells_words() {
        same("its code", &told.response.code(), &Some(Code::Denied))?;
    }
    Ok(())
}

async fn receipt(bench: &mut Bench) -> Verdict {
    if let Some(number) = outcome(bench, &Response::failure(Code::NoRoute, "told")).await? {
        was_handed_over(bench, number).await?;
    }
    let sent = bench.sent("gone before the answer");
    bench.peer.send(&sent).await?;
    let submission = bench.submitted().await?;
    let before = bench.core.sessions();
    bench.peer.leave().await;
    // Whoever keeps its connection to the gateway when a peer goes tells the answer by other means.
    for _ in 0..50 {
        if bench.core.sessions() < before {
            break;
        }
        tokio::time::sleep(bench.timing.quiet / 10).await;
    }
    let gone = bench.core.sessions() < before;
    match bench.core.answer(submission, Response::failure(Code::Refused, "too late")) {
        Err(_) => Ok(()),
        Ok(number) if gone => {
            let handed_over = bench.receipt(number).await?;
            ensure(!handed_over, || "nobody was there, and the receipt says that it was told".to_owned())
        }
        Ok(_) => Ok(()),
    }
}

async fn kept(bench: &mut Bench) -> Verdict {
    let sent = bench.sent("answered while away");
    bench.peer.send(&sent).await?;
    let submission = bench.submitted().await?;
    let trans_id = submission.arrival.trans_id.clone();
    let before = bench.core.sessions();
    bench.peer.leave().await;
    for _ in 0..50 {
        if bench.core.sessions() < before {
            break;
        }
        tokio::time::sleep(bench.timing.quiet / 10).await;
    }
    let response = Response::failure(Code::Refused, "while you were away");
    if bench.core.sessions() < before {
        drop(submission);
        bench.core.keep(trans_id, response.clone());
    } else {
        let answered = bench.core.answer(submission, response.clone());
        ensure(answered.is_ok(), || "its connection lives, and nobody takes the answer".to_owned())?;
    }
    bench.arrive().await?;
    if !bench.subject.tells_kept() {
        return bench.still_works("an answer for somebody who was away").await;
    }
    let told = bench.hear().await?;
    if bench.subject.names_kept() {
        same("which", &told.tag, &sent.tag)?;
    }
    same("status", &told.response.status(), &Status::Failure)
}
