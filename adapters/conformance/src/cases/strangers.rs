//! Whoever means no good: forged envelopes, other people's names, octets that are no protocol.

use std::sync::Arc;

use cpim_adapter::{Code, ImUri, Operation, OperationId, Passage, Response, Scope, Status};

use crate::bench::{Bench, ours_im};
use crate::case::{Case, Failed, Verdict, brief, case, ensure, same};
use crate::subject::{PeerError, Sent, Told};

pub(super) const CASES: &[Case] = &[
    case!(
        "stranger.envelope",
        envelope,
        "An envelope that nothing proves is not believed: no gateway, no name, no way, no standing by it.",
        "contract 7.1"
    ),
    case!(
        "stranger.source",
        source,
        "Nobody may speak for somebody else's address.",
        "contract 7.2; RFC 2779 section 5.2"
    ),
    case!(
        "stranger.ours",
        ours,
        "Nobody from outside may speak for the gateway's own domain.",
        "contract 7.3"
    ),
    case!(
        "stranger.address",
        address,
        "A user who writes to what is no address is told so, or says nothing by it; others, and he himself, go on.",
        "contract 7.5, 5.3"
    ),
    case!(
        "stranger.garbage",
        garbage,
        "Octets that are no protocol harm nobody: nothing is handed in, and others go on.",
        "contract 7.4"
    ),
];

/// What the forger sends, and whether what is handed in of it could deceive the gateway.
async fn forged(bench: &mut Bench, sent: &Sent, source: &ImUri) -> Verdict {
    match bench.peer.forge(sent).await {
        Ok(()) | Err(PeerError::Unutterable) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(submission) = bench.submitted_within(bench.timing.quiet * 3).await {
        let Some(facts) = &submission.facts else {
            return Err(Failed("handed in on a connection that was never announced".to_owned()));
        };
        let authority = &facts.authority;
        ensure(authority.peer.is_none(), || format!("it counts as the gateway {}", brief(&authority.peer)))?;
        let speaks = submission.arrival.operation.speaks_for().address().clone();
        let deceived = speaks == *source.address()
            && (authority.covers(&speaks) || authority.scopes.contains(&Scope::Any));
        ensure(!deceived, || format!("{} may speak for {speaks}", authority.label))?;
        drop(bench.core.answer(submission, Response::success()));
    }
    bench.still_works("a forgery").await
}

fn passage() -> Result<Passage, Failed> {
    let id = OperationId::parse("forged-1").map_err(|error| Failed(error.to_string()))?;
    Ok(Passage { id, hops: 200, via: vec![crate::subject::relay()], wait: None })
}

fn with_source(bench: &mut Bench, source: &ImUri) -> Sent {
    let mut sent = bench.sent("believe me");
    if let Operation::Message(message) = &mut sent.operation {
        message.source = source.clone();
    }
    sent
}

async fn envelope(bench: &mut Bench) -> Verdict {
    let source = ours_im(1);
    let mut sent = with_source(bench, &source);
    sent.passage = Some(passage()?);
    forged(bench, &sent, &source).await
}

async fn source(bench: &mut Bench) -> Verdict {
    let source = ours_im(1);
    let sent = with_source(bench, &source);
    forged(bench, &sent, &source).await
}

async fn ours(bench: &mut Bench) -> Verdict {
    let source = ImUri::parse("im:gateway@gw.example").map_err(|error| Failed(error.to_string()))?;
    let sent = with_source(bench, &source);
    forged(bench, &sent, &source).await
}

async fn address(bench: &mut Bench) -> Verdict {
    // What neither XML nor a line of text can hold, what ends a word, and what ends an address early.
    for to in [
        "im:fr\u{1}ed@a.example",
        "im:fr\u{fffe}ed@a.example",
        "im:'<fred>\"&@a.example",
        "im:",
        "nobody",
        "im:@",
    ] {
        let mut sent = bench.sent("who is that?");
        sent.reply_to = Some(to.to_owned());
        match bench.peer.send(&sent).await {
            Ok(()) => {}
            Err(PeerError::Unutterable) => continue,
            Err(error) => return Err(error.into()),
        }
        let nobody = Response::failure(Code::BadAddress, "no such address");
        if bench.subject.tells(Status::Failure) {
            // Handed in, it is the gateway's to say that there is nobody.
            let (core, patience) = (Arc::clone(&bench.core), bench.timing.patience);
            let answering = async {
                if let Some(submission) = core.submitted(patience).await {
                    drop(core.answer(submission, nobody));
                }
                std::future::pending::<()>().await;
            };
            let told = tokio::select! {
                () = answering => continue,
                told = told_of(bench, &sent.tag) => told?,
            };
            same("what is told of it", &told.response.status(), &Status::Failure)?;
        } else {
            for submission in bench.all_submitted().await? {
                drop(bench.core.answer(submission, nobody.clone()));
            }
        }
        bench.still_works(&format!("a message to {}", brief(&to))).await?;
    }
    bench.still_works("addresses that are none").await
}

/// The word on a message; that on what was sent before it may still be under way.
async fn told_of(bench: &mut Bench, tag: &str) -> Result<Told, Failed> {
    loop {
        let told = bench.hear().await?;
        if told.tag == tag || told.response.status() != Status::Success {
            return Ok(told);
        }
    }
}

async fn garbage(bench: &mut Bench) -> Verdict {
    let endless: Vec<u8> = std::iter::repeat_n(b'x', 3 << 20).collect();
    let octets: [&[u8]; 5] = [
        b"\0\x01\x02\xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: gw.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\n\n\n\n=\n = \n==\n",
        &endless,
    ];
    for octets in octets {
        bench.peer.send_raw(octets).await?;
        ensure(!bench.running.is_finished(), || "the adapter stopped".to_owned())?;
    }
    bench.nothing_submitted("octets that are no protocol").await?;
    bench.still_works("octets that are no protocol").await
}
