//! Presence: what is asked, told and observed.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    Basic, Code, Content, Feature, ImUri, Kind, NextHop, Notify, Observation, Operation, PresUri, Presence,
    PresenceSupport, Publish, Response, Subscribe, SubscriptId, Support, Tuple, Unsubscribe,
};

use crate::bench::{Bench, End, ours_im};
use crate::case::{Case, Failed, Verdict, case, ensure, same};
use crate::core::Event;

pub(super) const CASES: &[Case] = &[
    case!(
        "presence.out",
        out,
        "What the protocol's users can be told of presence arrives with every attribute; the rest is refused.",
        "contract 11.1; RFC 3859 section 3.4"
    ),
    case!(
        "presence.notify",
        notify,
        "A notification is told without waiting for an answer, because it never gets one.",
        "contract 11.2; RFC 3859 section 3.4.2"
    ),
    case!(
        "presence.observe",
        observe,
        "Where presence is observed, the present state is told at once and each change after it; else it is refused.",
        "contract 11.3"
    ),
    case!(
        "presence.unobserve",
        unobserve,
        "Observing twice tells nothing twice, and after the end of an observation nothing is told.",
        "contract 11.4"
    ),
];

/// The same URI as a presentity.
fn pres(uri: &ImUri) -> Option<PresUri> {
    PresUri::parse(&uri.spelled().replacen("im:", "pres:", 1)).ok()
}

fn presence(status: Basic) -> Presence {
    let tuple = |destination: &str, status, markup: &str| Tuple {
        destination: Arc::from(destination),
        status,
        markup: Arc::from(markup),
        namespaces: Vec::new(),
    };
    Presence::new(
        tuple("im:fred@a.example", status, "at his desk &amp; busy"),
        vec![tuple("tel:+15550100", Basic::Closed, "")],
    )
}

/// Each operation on presence, both ways: ours to theirs, and theirs to ours.
pub(super) fn operations(theirs: &ImUri, ours: &ImUri) -> Vec<(Operation, Operation)> {
    let (Some(theirs), Some(ours)) = (pres(theirs), pres(ours)) else {
        return Vec::new();
    };
    let document = Content::new("Content-Type: application/pidf+xml\r\n\r\n<presence/>".into());
    let subscribe = |watcher: &PresUri, target: &PresUri| {
        Operation::Subscribe(Subscribe {
            watcher: watcher.clone(),
            target: target.clone(),
            duration: 3_600,
            subscript_id: SubscriptId::parse("sub-7").ok(),
        })
    };
    let unsubscribe = |watcher: &PresUri, target: &PresUri| {
        Operation::Unsubscribe(Unsubscribe { watcher: watcher.clone(), target: target.clone() })
    };
    let notify = |watcher: &PresUri, target: &PresUri| {
        Operation::Notify(Notify {
            watcher: watcher.clone(),
            target: target.clone(),
            presence: presence(Basic::Open),
            document: Some(document.clone()),
        })
    };
    let publish = |target: &PresUri| {
        Operation::Publish(Publish {
            target: target.clone(),
            presence: presence(Basic::Open),
            document: Some(document.clone()),
            duration: Some(600),
        })
    };
    vec![
        (subscribe(&ours, &theirs), subscribe(&theirs, &ours)),
        (unsubscribe(&ours, &theirs), unsubscribe(&theirs, &ours)),
        (notify(&theirs, &ours), notify(&ours, &theirs)),
        (publish(&theirs), publish(&theirs)),
    ]
}

/// Wants one operation to be the other, attribute by attribute.
pub(super) async fn same_operation(bench: &Bench, came: &Operation, wanted: &Operation) -> Verdict {
    let kind = wanted.kind();
    same("kind", &came.kind(), &kind)?;
    for (one, other) in [(came.speaks_for(), wanted.speaks_for()), (came.goes_to(), wanted.goes_to())] {
        ensure(bench.is_same(one, other).await, || format!("{kind}: {one}, not {other}"))?;
    }
    match (came, wanted) {
        (Operation::Subscribe(came), Operation::Subscribe(wanted)) => {
            same("duration", &came.duration, &wanted.duration)?;
            same("subscriptID", &came.subscript_id, &wanted.subscript_id)
        }
        (Operation::Publish(came), Operation::Publish(wanted)) => {
            same("presence", &came.presence, &wanted.presence)?;
            same("duration", &came.duration, &wanted.duration)?;
            same("document", &came.document, &wanted.document)
        }
        (Operation::Notify(came), Operation::Notify(wanted)) => {
            same("presence", &came.presence, &wanted.presence)?;
            same("document", &came.document, &wanted.document)
        }
        _ => Ok(()),
    }
}

/// What an address is without its class.
fn unclassed(uri: &str) -> &str {
    uri.split_once(':').map_or(uri, |(_, rest)| rest)
}

async fn out(bench: &mut Bench) -> Verdict {
    let mut all: Vec<Operation> =
        operations(&bench.user(0), &ours_im(0)).into_iter().map(|(one, _)| one).collect();
    // A fetch is no lease, and a lease no fetch (RFC 3859 section 3.4.1).
    let fetch = all.iter().find_map(|operation| match operation {
        Operation::Subscribe(subscribe) => Some(Subscribe { duration: 0, ..subscribe.clone() }),
        _ => None,
    });
    all.extend(fetch.map(Operation::Subscribe));
    for operation in all {
        let kind = operation.kind();
        if !bench.subject.takes(kind) || kind == Kind::Notify {
            continue;
        }
        let leg = bench.deliver(operation.clone());
        let seen = bench.see().await?;
        same("kind", &seen.kind, &kind)?;
        same("for whom", unclassed(&seen.to), unclassed(bench.user(0).spelled()))?;
        match &operation {
            Operation::Subscribe(subscribe) => {
                same("duration", &seen.duration, &Some(subscribe.duration))?;
                same("subscriptID", &seen.subscript_id, &subscribe.subscript_id)?;
            }
            Operation::Publish(publish) => {
                same("presence", &seen.presence, &Some(publish.presence.clone()))?;
                same("how long it holds", &seen.duration, &publish.duration)?;
                same("the full document", &seen.content, &publish.document)?;
            }
            _ => {}
        }
        bench.reply(&seen, &Response::success().with_duration(Some(60))).await?;
        match bench.end(leg).await? {
            End::Answered(response) => {
                same("the duration that was granted", &response.duration(), &Some(60))?
            }
            other => return Err(Failed(format!("{kind} was answered, and its end is {other}"))),
        }
    }
    Ok(())
}

async fn notify(bench: &mut Bench) -> Verdict {
    if !bench.subject.takes(Kind::Notify) {
        return bench.still_works("nothing").await;
    }
    let both_ways = operations(&bench.user(0), &ours_im(0));
    let Some((operation, _)) = both_ways.into_iter().find(|(one, _)| one.kind() == Kind::Notify) else {
        return Ok(());
    };
    bench.peer.watch(&bench.subject.user(0), operation.speaks_for()).await?;
    if let Some(submission) = bench.submitted_within(bench.timing.quiet).await {
        drop(bench.core.answer(submission, Response::success().with_duration(Some(3_600))));
    }
    let Operation::Notify(first) = operation else { return Ok(()) };
    // Each state, in its order: the last one is what holds.
    for status in [Basic::Open, Basic::Closed, Basic::Open] {
        let wanted = match status {
            Basic::Open => first.clone(),
            Basic::Closed => Notify { presence: presence(status), ..first.clone() },
        };
        let leg = bench.deliver(Operation::Notify(wanted.clone()));
        let seen = bench.see().await?;
        let came = seen.presence.clone().ok_or_else(|| Failed("it tells no presence".to_owned()))?;
        same("open or closed", &came.basic(), &status)?;
        if bench.supports(Feature::RichPresence) == Support::Full {
            same("presence", &came, &wanted.presence)?;
            same("the full document", &seen.content, &wanted.document)?;
        }
        // Nobody answers, and its end is told nevertheless.
        let end = bench.end(leg).await?;
        ensure(matches!(end, End::Answered(_) | End::Delegated), || format!("told, and its end is {end}"))?;
    }
    Ok(())
}

/// What is told next, within this time.
async fn observed(bench: &Bench, within: Duration) -> Result<Option<Observation>, Failed> {
    Ok(bench
        .core
        .wait(within, |event| match event {
            Event::Observed(observation) => Ok(*observation),
            other => Err(other),
        })
        .await)
}

async fn observe(bench: &mut Bench) -> Verdict {
    let user = bench.user(0);
    let foreign = match bench.subject.hop(user.as_uri()) {
        NextHop::Foreign(foreign) => foreign,
        // Where its users have no foreign address, there is nobody to observe.
        NextHop::Peer(_) | NextHop::Served(_) => return bench.still_works("nothing").await,
    };
    let begun = bench.adapter.observe(foreign.clone()).await;
    if bench.subject.presence() != PresenceSupport::Observe {
        let refused = begun.err().map(|error| error.code);
        return same("the refusal to observe", &refused, &Some(Code::Unsupported));
    }
    begun.map_err(|error| Failed(format!("refused to observe: {error}")))?;
    let first = observed(bench, bench.timing.patience)
        .await?
        .ok_or_else(|| Failed("the present state was not told".to_owned()))?;
    same("whose", &first.presentity, &foreign)?;
    for status in [Basic::Closed, Basic::Open] {
        bench.peer.show_presence(&user, &presence(status)).await?;
        loop {
            let Some(next) = observed(bench, bench.timing.patience).await? else {
                return Err(Failed(format!("the change to {status} was not told")));
            };
            if next.presence.basic() == status {
                break;
            }
        }
    }
    Ok(())
}

async fn unobserve(bench: &mut Bench) -> Verdict {
    let user = bench.user(0);
    let NextHop::Foreign(foreign) = bench.subject.hop(user.as_uri()) else {
        return bench.still_works("nothing").await;
    };
    if bench.subject.presence() != PresenceSupport::Observe {
        // Asked nevertheless, it does no harm.
        bench.adapter.unobserve(&foreign).await;
        return bench.still_works("an observation that there was not").await;
    }
    let failed = |error| Failed(format!("refused to observe: {error}"));
    bench.adapter.observe(foreign.clone()).await.map_err(failed)?;
    bench.adapter.observe(foreign.clone()).await.map_err(failed)?;
    while observed(bench, bench.timing.quiet * 5).await?.is_some() {}
    bench.adapter.unobserve(&foreign).await;
    bench.peer.show_presence(&user, &presence(Basic::Closed)).await?;
    let late = observed(bench, bench.timing.quiet * 5).await?;
    ensure(late.is_none(), || "nobody watches, and presence is told".to_owned())
}
