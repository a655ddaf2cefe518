//! What the far side answers, and what the gateway is told of it.

use cpim_adapter::{Code, LegRef, Report, Response, Status, Word};

use crate::bench::{Bench, End};
use crate::case::{Case, Failed, Verdict, brief, case, ensure, same};
use crate::core::Event;
use crate::subject::PeerError;

pub(super) const CASES: &[Case] = &[
    case!(
        "answer.success",
        success,
        "`success` is told when the far side has said so, and not before.",
        "contract 4.1, 4.2; RFC 3860 section 3.4.1"
    ),
    case!(
        "answer.failure",
        failure,
        "`failure` is told when the far side refused, with its code and words where it gave any.",
        "contract 4.1, 4.3; RFC 3860 section 3.4.1"
    ),
    case!(
        "answer.indeterminant",
        indeterminant,
        "`indeterminant` stays what it is, and becomes neither of the others.",
        "contract 4.1; RFC 3860 section 3.4.1"
    ),
    case!(
        "answer.attributes",
        attributes,
        "What an answer says besides, duration, subscription, language and words, reaches the gateway.",
        "contract 4.3; RFC 3859 section 3.4.1"
    ),
    case!(
        "answer.own",
        own,
        "Answers in another order than the operations settle the right ones.",
        "contract 4.4"
    ),
    case!(
        "answer.duplicate",
        duplicate,
        "A second and different answer changes nothing: one leg has one word.",
        "contract 4.5"
    ),
    case!(
        "answer.nobody",
        nobody,
        "An answer to something that was never sent harms nobody.",
        "contract 4.5"
    ),
    case!(
        "answer.late",
        late,
        "An answer after the connection was lost and came back never turns into another leg's, nor into a failure.",
        "contract 4.5, 3.5"
    ),
    case!(
        "answer.forged",
        forged,
        "An answer of somebody who may not answer for it settles nothing.",
        "contract 4.6"
    ),
    case!(
        "answer.private",
        private,
        "What a sender is told gives no host, address or secret of the peer away.",
        "contract 4.7; RFC 2779 section 5"
    ),
];

async fn success(bench: &mut Bench) -> Verdict {
    let mut leg = bench.deliver(bench.message("one"));
    let seen = bench.see().await?;
    if !bench.knows_outcomes() {
        // Whatever it says must not be more than what is known.
        let end = bench.end_within(leg, bench.timing.patience.min(std::time::Duration::from_secs(2))).await?;
        return match end {
            None | Some(End::Delegated | End::Answered(_)) => Ok(()),
            Some(other) => Err(Failed(format!("it arrived, and its outcome is {other}"))),
        };
    }
    let quiet = bench.timing.quiet;
    match tokio::time::timeout(quiet, &mut leg.task).await {
        Ok(Ok(Ok(cpim_adapter::Outcome::Pending))) => {
            let early = bench.core.word(leg.number, quiet).await;
            ensure(early.is_none(), || {
                format!("before the far side answered, the word was {}", brief(&early))
            })?;
            bench.reply(&seen, &Response::success()).await?;
            let word = bench.core.word(leg.number, bench.timing.patience).await;
            let fits =
                matches!(&word, Some(Word::Answered(response)) if response.status() == Status::Success);
            ensure(fits, || format!("after it answered, the word was {}", brief(&word)))
        }
        Ok(Ok(Ok(early))) => {
            Err(Failed(format!("before the far side answered, the outcome was {}", brief(&early))))
        }
        Ok(Ok(Err(error))) => Err(Failed(format!("it arrived, and was refused (`{error}`)"))),
        Ok(Err(panic)) => Err(Failed(format!("`deliver` panicked: {panic}"))),
        // It waits for the answer within `deliver`.
        Err(_) => {
            bench.reply(&seen, &Response::success()).await?;
            let end = bench.end(leg).await?;
            ensure(crate::bench::is_success(&end), || format!("after it answered: {end}"))
        }
    }
}

/// Delivers a message, answers it so, and gives the end.
async fn answered(bench: &mut Bench, response: &Response) -> Result<Option<Response>, Failed> {
    let leg = bench.deliver(bench.message("a question"));
    let seen = bench.see().await?;
    match bench.peer.answer(&seen.ticket, response).await {
        Ok(()) => {}
        Err(PeerError::Unutterable) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    match bench.end(leg).await? {
        End::Answered(response) => Ok(Some(response)),
        // What a text protocol refuses may also be an error before the commit point's octets count.
        End::Refused(error) => Ok(Some(Response::failure(error.code, error.public))),
        other => Err(Failed(format!("answered `{response}`, and its end is {other}"))),
    }
}

async fn failure(bench: &mut Bench) -> Verdict {
    for code in Code::ALL {
        let said = Response::failure(*code, "not here; <&\"'> ~ nein");
        let Some(came) = answered(bench, &said).await? else {
            // Users of some protocols have no way to refuse.
            return bench.still_works("an operation without an answer").await;
        };
        same("status", &came.status(), &Status::Failure)?;
        if bench.subject.tells_words() {
            same("code and words", &came.text(), &said.text())?;
        }
    }
    Ok(())
}

async fn indeterminant(bench: &mut Bench) -> Verdict {
    let said = Response::indeterminant(Code::Timeout, "passed on");
    match answered(bench, &said).await {
        Ok(Some(came)) => same("status", &came.status(), &Status::Indeterminant),
        // A protocol without such an answer says it by silence: then nothing may be told as certain.
        Ok(None) => bench.still_works("an operation without an answer").await,
        Err(failed) => Err(failed),
    }
}

async fn attributes(bench: &mut Bench) -> Verdict {
    let said = Response::success()
        .with_duration(Some(86_400))
        .with_lang(cpim_adapter::LangTag::parse("de-CH"))
        .with_subscript_id(cpim_adapter::SubscriptId::parse("sub-1").ok());
    let said = match bench.subject.takes(cpim_adapter::Kind::Subscribe) {
        true => said,
        // Without subscriptions there is nothing but the words.
        false => Response::success(),
    };
    match answered(bench, &said).await? {
        Some(came) => {
            same("status", &came.status(), &said.status())?;
            same("duration", &came.duration(), &said.duration())?;
            same("subscriptID", &came.subscript_id(), &said.subscript_id())?;
            let knows = bench.subject.tells_words();
            ensure(!knows || came.lang() == said.lang(), || {
                format!("its language is {}", brief(&came.lang()))
            })
        }
        None => bench.still_works("an operation without an answer").await,
    }
}

async fn own(bench: &mut Bench) -> Verdict {
    if !bench.knows_outcomes() {
        return bench.still_works("nothing").await;
    }
    let first = bench.deliver(bench.message_between(0, 0, "first"));
    let seen_first = bench.see().await?;
    let second = bench.deliver(bench.message_between(1, 1, "second"));
    let seen_second = bench.see().await?;
    let refusal = Response::failure(Code::Refused, "only the second");
    match bench.peer.answer(&seen_second.ticket, &refusal).await {
        // One that cannot refuse answers only the second: then the first is still open.
        Err(PeerError::Unutterable) => {
            bench.reply(&seen_second, &Response::success()).await?;
            let second = bench.end(second).await?;
            ensure(crate::bench::is_success(&second), || format!("the second was answered: {second}"))?;
            let first = bench.end_within(first, bench.timing.quiet).await?;
            let end = first.as_ref().map(ToString::to_string).unwrap_or_default();
            return ensure(first.is_none(), || format!("the first was not answered: {end}"));
        }
        other => other?,
    }
    bench.reply(&seen_first, &Response::success()).await?;
    let (first, second) = (bench.end(first).await?, bench.end(second).await?);
    ensure(crate::bench::is_success(&first), || format!("the first was answered with success: {first}"))?;
    let refused = match &second {
        End::Answered(response) => response.status() == Status::Failure,
        End::Refused(_) => true,
        _ => false,
    };
    ensure(refused, || format!("the second was refused: {second}"))
}

async fn duplicate(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("answered twice"));
    let seen = bench.see().await?;
    bench.reply(&seen, &Response::success()).await?;
    if bench.knows_outcomes() {
        let end = bench.end(leg).await?;
        ensure(crate::bench::is_success(&end), || format!("the first answer was success: {end}"))?;
    }
    bench.reply(&seen, &Response::failure(Code::Refused, "second thoughts")).await?;
    bench.still_works("a second answer").await?;
    // Where reports come by a way of their own, the gateway keeps the first.
    match bench.adapter.hears_later() {
        true => Ok(()),
        false => same("more words on a leg that had one", &bench.core.surplus(), &0),
    }
}

async fn nobody(bench: &mut Bench) -> Verdict {
    let nobody = Response::failure(Code::Refused, "who asked?");
    match bench.peer.answer("999999999", &nobody).await {
        Ok(()) | Err(PeerError::Unutterable) => {}
        Err(error) => return Err(error.into()),
    }
    bench.still_works("an answer to nobody").await?;
    same("words on legs that there are not", &bench.core.surplus(), &0)
}

async fn late(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("no answer yet"));
    let trans_id = leg.trans_id.clone();
    let seen = bench.see().await?;
    bench.peer.leave().await;
    bench.arrive().await?;
    bench.reply(&seen, &Response::success()).await?;
    let end = bench.end_within(leg, bench.timing.quiet).await?;
    let lawful = match &end {
        None | Some(End::Unknown | End::Delegated) => true,
        Some(End::Answered(response)) => response.status() != Status::Failure,
        Some(_) => false,
    };
    ensure(lawful, || format!("it had arrived, and its end is {}", brief(&end)))?;
    bench.still_works("an answer on a later connection").await?;
    let strange = bench.core.count(|event| match event {
        Event::Reported(Report { leg: LegRef::Stray { trans_id: other, .. }, .. }) => *other != trans_id,
        _ => false,
    });
    same("words on other legs", &(strange + bench.core.surplus()), &0)
}

async fn forged(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("whose answer?"));
    let (number, destination) = (leg.number, bench.user(0).address().clone());
    let seen = bench.see().await?;
    match bench.peer.forge_answer(&seen.ticket, &Response::failure(Code::Refused, "forged")).await {
        Ok(()) => {}
        Err(PeerError::Unutterable) => return bench.still_works("nothing").await,
        Err(error) => return Err(error.into()),
    }
    bench.still_works("a forged answer").await?;
    // Where nobody answers, the adapter may have said so by now.
    let is_open = bench.knows_outcomes();
    let fails = |word: &Word| matches!(word, Word::Answered(answer) if answer.status() == Status::Failure);
    let believed = bench.core.count(|event| match event {
        Event::Reported(Report { leg: LegRef::Number(reported), word }) => {
            *reported == number && (is_open || fails(word))
        }
        Event::Reported(Report { leg: LegRef::Stray { authority, .. }, .. }) => {
            authority.covers(&destination)
        }
        _ => false,
    });
    same("words of somebody else that count", &believed, &0)?;
    bench.reply(&seen, &Response::success()).await?;
    if bench.knows_outcomes() {
        let end = bench.end(leg).await?;
        ensure(crate::bench::is_success(&end), || format!("its own answer was success: {end}"))?;
    }
    Ok(())
}

async fn private(bench: &mut Bench) -> Verdict {
    let secrets = bench.peer.private();
    let check = |text: &str| -> Verdict {
        let found = secrets.iter().find(|secret| !secret.is_empty() && text.contains(secret.as_str()));
        ensure(found.is_none(), || format!("the sender is told `{text}`"))
    };
    // Out of contact: the likeliest place for a host to slip out.
    bench.peer.leave().await;
    let quiet = bench.timing.quiet;
    let mut refused = false;
    for _ in 0..10 {
        let leg = bench.deliver(bench.message("nobody there"));
        match bench.end_within(leg, bench.timing.patience.min(quiet * 20)).await? {
            Some(End::Refused(error)) => {
                check(&error.public)?;
                refused = true;
                break;
            }
            Some(End::Answered(response)) => {
                check(&response.text())?;
                refused |= bench.subject.is_asked() && response.status() == Status::Failure;
                if refused {
                    break;
                }
            }
            _ => tokio::time::sleep(quiet / 4).await,
        }
    }
    ensure(refused, || "out of contact, nothing was refused".to_owned())
}
