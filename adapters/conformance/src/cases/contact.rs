//! A peer that is away, and comes back.

use std::sync::Arc;

use cpim_adapter::{Code, Delivery, Memory, Operation, Response, Retry, Status, VolatileMemory};

use crate::bench::{Bench, End};
use crate::case::{Case, Failed, Verdict, case, ensure, same};
use crate::commit::Log;

pub(super) const CASES: &[Case] = &[
    case!(
        "contact.away",
        away,
        "With nobody there, a delivery is refused as `unreachable`, for now, and before its commit point.",
        "contract 9.1"
    ),
    case!(
        "contact.back",
        back,
        "Whoever comes back gets and sends again, as if nothing had been.",
        "contract 9.2"
    ),
    case!(
        "contact.restart",
        restart,
        "After a restart with the same memory, somebody of ours is shown as the same, and a reply reaches them.",
        "contract 9.3"
    ),
];

async fn away(bench: &mut Bench) -> Verdict {
    // Accepted while it was there: what comes later may be told at once that nobody is.
    let accepted_at = std::time::SystemTime::now();
    bench.peer.leave().await;
    // It may take a moment until the adapter knows: until then, what it takes is in doubt, and nothing else.
    for _ in 0..20 {
        let delivery = bench.delivery(Operation::Message(bench.message("anybody there?")));
        let leg = bench.depart(Delivery { accepted_at, ..delivery }, Log::open());
        match bench.end_within(leg, bench.timing.quiet * 10).await? {
            Some(End::Refused(error)) => {
                same("code", &error.code, &Code::Unreachable)?;
                return ensure(error.retry != Retry::Never, || format!("never tried again: {error}"));
            }
            None | Some(End::Unknown | End::NotSent | End::Delegated) => {}
            Some(End::Answered(response)) if response.status() == Status::Indeterminant => {}
            Some(End::Answered(response))
                if bench.subject.is_asked() && response.status() == Status::Failure =>
            {
                // Both say that nothing was accepted: one for good, the other for now.
                let fits = matches!(response.code(), Some(Code::Unreachable | Code::Busy));
                return ensure(fits, || format!("nobody is there, and the outcome is `{response}`"));
            }
            Some(End::Answered(response)) => {
                return Err(Failed(format!("nobody is there, and the outcome is `{response}`")));
            }
        }
        tokio::time::sleep(bench.timing.quiet / 10).await;
    }
    Err(Failed("nobody is there, and deliveries are taken".to_owned()))
}

async fn back(bench: &mut Bench) -> Verdict {
    for _ in 0..3 {
        bench.still_works("coming back").await?;
        while bench.heard_within(bench.timing.quiet / 4).await?.is_some() {}
        bench.peer.leave().await;
        bench.arrive().await?;
    }
    bench.still_works("coming back").await
}

async fn restart(bench: &Bench) -> Verdict {
    let memory: Arc<dyn Memory> = Arc::new(VolatileMemory::default());
    let mut shown = Vec::new();
    for _ in 0..2 {
        let subject = Arc::clone(&bench.subject);
        let mut again = Bench::start_with(subject, bench.timing, Arc::clone(&memory)).await?;
        again.arrive().await?;
        drop(again.deliver(again.message("do you know me?")));
        let seen = again.see().await?;
        again.reply(&seen, &Response::success()).await?;
        let mut reply = again.sent("I do");
        reply.reply_to = Some(shown.first().cloned().unwrap_or_else(|| seen.from.clone()));
        if let Operation::Message(message) = &mut reply.operation {
            message.destination = crate::bench::ours_im(0);
        }
        again.peer.send(&reply).await?;
        let came = again.submitted().await?.arrival.operation.goes_to().clone();
        let reaches = again.is_same(&came, crate::bench::ours_im(0).as_uri()).await;
        ensure(reaches, || format!("a reply reaches {came}"))?;
        shown.push(seen.from);
        again.stop().await;
    }
    let [first, second] = shown.as_slice() else { return Err(Failed("not shown twice".to_owned())) };
    same("shown after the restart", second, first)
}
