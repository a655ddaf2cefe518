//! The commit point: nothing before it, no error behind it.

use cpim_adapter::{Delivery, Operation, Response, Status};

use crate::bench::{Bench, End};
use crate::case::{Case, Failed, Verdict, brief, case, ensure, same};
use crate::commit::Log;

pub(super) const CASES: &[Case] = &[
    case!(
        "commit.before",
        before,
        "While the journal is still writing, not one octet of the operation reaches the peer; then it does.",
        "contract 3.1"
    ),
    case!(
        "commit.withdrawn",
        withdrawn,
        "An operation that was withdrawn at its commit point is never sent.",
        "contract 3.2"
    ),
    case!(
        "commit.dropped",
        dropped,
        "A delivery that is dropped before its commit point leaves nothing behind that is sent later.",
        "contract 3.3"
    ),
    case!(
        "commit.behind",
        behind,
        "Cut off behind its commit point, a delivery is unknown: no error, no failure, and not sent again.",
        "contract 3.5"
    ),
    case!(
        "commit.again",
        again,
        "What may have been sent goes again only to one that recalls it, and then under the same transID.",
        "contract 3.6"
    ),
    case!(
        "commit.passed",
        passed,
        "Every operation that arrives has passed its commit point.",
        "contract 3.4"
    ),
];

async fn before(bench: &mut Bench) -> Verdict {
    let log = Log::shut();
    let leg = bench.depart(bench.delivery(Operation::Message(bench.message("not yet"))), log.clone());
    bench.until_asked(&leg).await;
    ensure(log.asked(), || "the adapter never came to the commit point".to_owned())?;
    bench.see_nothing("before the commit point was passed").await?;
    log.release();
    let seen = bench.see().await?;
    ensure(bench.shows(&seen, "not yet"), || format!("what came is {seen}"))?;
    bench.reply(&seen, &Response::success()).await?;
    drop(leg);
    bench.see_nothing("sent once").await
}

async fn withdrawn(bench: &mut Bench) -> Verdict {
    let leg = bench.depart(bench.delivery(Operation::Message(bench.message("withdrawn"))), Log::withdrawn());
    let end = bench.end(leg).await?;
    ensure(matches!(end, End::Refused(_)), || format!("withdrawn, and its end is {end}"))?;
    bench.see_nothing("it was withdrawn").await?;
    bench.still_works("a withdrawn operation").await
}

async fn dropped(bench: &mut Bench) -> Verdict {
    let log = Log::shut();
    let leg = bench.depart(bench.delivery(Operation::Message(bench.message("dropped"))), log.clone());
    bench.until_asked(&leg).await;
    bench.see_nothing("before the commit point was passed").await?;
    leg.task.abort();
    drop(leg.task.await);
    log.withdraw();
    bench.see_nothing("the delivery was dropped").await?;
    bench.still_works("a dropped delivery").await
}

async fn behind(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("in doubt"));
    let seen = bench.see().await?;
    ensure(leg.log.passed(), || "it arrived before its commit point was passed".to_owned())?;
    bench.peer.leave().await;
    // Without a word by then, the gateway's own wait ends it as `indeterminant`: that is as true.
    let end = bench.end_within(leg, bench.timing.patience.min(bench.timing.quiet * 10)).await?;
    let truthful = match &end {
        None | Some(End::Unknown | End::Delegated) => true,
        Some(End::Answered(response)) => {
            response.status() == Status::Indeterminant
                || response.status() == Status::Success && !bench.knows_outcomes()
        }
        Some(End::Refused(_) | End::NotSent) => false,
    };
    ensure(truthful, || format!("the peer had it ({}), and its end is {}", seen.ticket, brief(&end)))?;
    bench.arrive().await?;
    bench.see_nothing("it may not be sent again").await?;
    // Whoever sends again does so by itself, and not in the order of what is delivered.
    match bench.seen_within(bench.timing.quiet).await? {
        None => Ok(()),
        Some(seen) => Err(Failed(format!("it may not be sent again: the peer got {}", brief(&seen)))),
    }
}

async fn again(bench: &mut Bench) -> Verdict {
    let mut delivery = bench.delivery(Operation::Message(bench.message("perhaps again")));
    delivery.again = true;
    let recalls = bench.adapter.recalls(&delivery.hop);
    let leg = bench.depart(delivery.clone(), Log::open());
    if recalls.is_none() {
        let end = bench.end(leg).await?;
        ensure(matches!(end, End::Refused(_)), || format!("nobody recalls it, and its end is {end}"))?;
        return bench.see_nothing("nobody recalls it").await;
    }
    let first = bench.see().await?;
    ensure(leg.log.passed(), || "it arrived before its commit point was passed".to_owned())?;
    bench.peer.leave().await;
    bench.arrive().await?;
    let leg = bench.depart(Delivery { leg: bench.core.number(), ..delivery }, Log::open());
    let second = bench.see().await?;
    same("what the peer recognises it by", &second.ticket, &first.ticket)?;
    bench.reply(&second, &Response::success()).await?;
    drop(leg);
    Ok(())
}

async fn passed(bench: &mut Bench) -> Verdict {
    for number in 0..5_u8 {
        let leg = bench.deliver(bench.message(&format!("message {number}")));
        let seen = bench.see().await?;
        ensure(leg.log.passed(), || "it arrived, and its commit point was not passed".to_owned())?;
        bench.reply(&seen, &Response::success()).await?;
        if !bench.knows_outcomes() {
            continue;
        }
        match bench.end(leg).await? {
            End::Answered(response) => same("status", &response.status(), &Status::Success)?,
            other => return Err(Failed(format!("its end is {other}"))),
        }
    }
    Ok(())
}
