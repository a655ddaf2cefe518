//! The end: drained in order, or forced.

use std::time::Duration;

use cpim_adapter::{Health, Response, Status};
use tokio::time::timeout;

use crate::bench::{Bench, End};
use crate::case::{Case, Failed, Verdict, brief, case, ensure};

pub(super) const CASES: &[Case] = &[
    case!(
        "end.drain",
        drain,
        "While it drains, what is open may finish and nothing new is sent; then it ends, and says that it stopped.",
        "contract 10.1, 1.4"
    ),
    case!("end.idle", idle, "With nothing open, it ends as soon as draining begins.", "contract 10.2"),
    case!(
        "end.force",
        force,
        "When forced, it ends at once, whatever is open; what was handed over is unknown, and never a failure.",
        "contract 10.3"
    ),
];

/// For an adapter to end once nothing keeps it, or once it is forced.
const SOON: Duration = Duration::from_secs(3);

async fn ends(bench: &mut Bench, when: &str) -> Verdict {
    match timeout(SOON, &mut bench.running).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => return Err(Failed(format!("{when}, it ended with an error: {error}"))),
        Ok(Err(panic)) => return Err(Failed(format!("{when}, it panicked: {panic}"))),
        Err(_) => return Err(Failed(format!("{when}, it did not end within {} s", SOON.as_secs()))),
    }
    // It has ended: another look at its task would be a panic.
    bench.running = tokio::spawn(async { Ok(()) });
    Ok(())
}

async fn drain(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("open when it drains"));
    let seen = bench.see().await?;
    let sent = bench.sent("open too");
    bench.peer.send(&sent).await?;
    let submission = bench.submitted().await?;
    bench.shutdown.begin_drain();
    tokio::time::sleep(bench.timing.quiet / 2).await;
    let late = bench.deliver(bench.message_between(1, 1, "too late"));
    let end = bench.end_within(late, bench.timing.quiet * 5).await?;
    ensure(matches!(end, None | Some(End::Refused(_) | End::NotSent)), || {
        format!("it drains, and took another: {}", brief(&end))
    })?;
    drop(bench.core.answer(submission, Response::success()));
    match bench.reply(&seen, &Response::success()).await {
        // The way of its own may be closed by then.
        Err(_) if bench.adapter.hears_later() => {}
        other => other?,
    }
    // A word that comes by a way of its own may come after the end.
    if bench.knows_outcomes() && !bench.adapter.hears_later() {
        let end = bench.end(leg).await?;
        let answered = matches!(&end, End::Answered(r) if r.status() == Status::Success);
        ensure(answered, || format!("answered while it drained: {end}"))?;
    }
    // Whoever waits for the other side to hang up as well sees it do so.
    while let Ok(Some(_)) = bench.heard_within(bench.timing.quiet).await {}
    bench.peer.leave().await;
    ends(bench, "drained").await?;
    let last = bench.health.borrow().clone();
    ensure(last == Health::Stopped, || format!("its last word of its health is {}", brief(&last)))
}

async fn idle(bench: &mut Bench) -> Verdict {
    bench.shutdown.begin_drain();
    // A peer that is told so hangs up as well, as far as its protocol says anything.
    let told = async { while bench.peer.next().await.is_ok() {} };
    let _hung_up = timeout(bench.timing.quiet * 5, told).await;
    ends(bench, "with nothing open").await
}

async fn force(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("open when it is forced"));
    let _seen = bench.see().await?;
    let sent = bench.sent("open too");
    bench.peer.send(&sent).await?;
    let _submission = bench.submitted().await?;
    bench.shutdown.begin_force();
    ends(bench, "forced").await?;
    let end = bench.end_within(leg, bench.timing.quiet * 2).await?;
    let truthful = match &end {
        None | Some(End::Unknown | End::Delegated) => true,
        Some(End::Answered(response)) => match response.status() {
            Status::Indeterminant => true,
            Status::Success => !bench.knows_outcomes(),
            Status::Failure => false,
        },
        Some(End::Refused(_) | End::NotSent) => false,
    };
    ensure(truthful, || format!("it was handed over, and its end is {}", brief(&end)))
}
