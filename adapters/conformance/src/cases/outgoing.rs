//! Operations from the gateway to the foreign side, and what of them arrives.

use cpim_adapter::{
    Code, Content, Feature, Kind, Message, Metadata, Operation, Passage, Response, Status, Subject, Support,
};

use crate::bench::{Bench, End, is_success, lines_of, ours_im};
use crate::case::{Case, Failed, Verdict, brief, case, ensure, same};
use crate::commit::Log;
use crate::examples::{self, INJECTIONS};
use crate::subject::{PeerError, Seen};
use crate::words::InWords;

pub(super) const CASES: &[Case] = &[
    case!(
        "out.message",
        message,
        "A message arrives once, for whom it is meant, from whom it is, and with its text.",
        "contract 2.1; RFC 3860 section 3.4.1"
    ),
    case!(
        "out.contents",
        contents,
        "Content of every kind arrives octet for octet, or is refused where that is the claim; never changed.",
        "contract 2.2; RFC 3860 section 3.3"
    ),
    case!(
        "out.features",
        features,
        "Each feature arrives, is missing, or has the operation refused, as it was claimed.",
        "contract 2.3, 1.2"
    ),
    case!(
        "out.automatic",
        automatic,
        "What no person wrote is marked so where the protocol has a mark for it, and nothing else is.",
        "contract 2.9; RFC 3834 section 2"
    ),
    case!(
        "out.addresses",
        addresses,
        "Whatever our users are called, a reply to what the peer is shown comes back to exactly them.",
        "contract 2.4"
    ),
    case!(
        "out.injection",
        injection,
        "Text that looks like protocol arrives as text, and nothing follows from it.",
        "contract 2.5; RFC 3860 section 5"
    ),
    case!(
        "out.passage",
        passage,
        "An operation's name, hops and way cross where that is claimed, and no peer sees them else.",
        "contract 2.6; RFC 3860 section 3.4.2"
    ),
    case!(
        "out.oversize",
        oversize,
        "Content up to the claimed size arrives; one octet more is refused as `too-large`, before the commit point.",
        "contract 2.7"
    ),
    case!(
        "out.kinds",
        kinds,
        "An operation that users of the protocol cannot be told is refused before the commit point.",
        "contract 2.8; RFC 3859 section 3.4"
    ),
];

async fn message(bench: &mut Bench) -> Verdict {
    let leg = bench.deliver(bench.message("one message"));
    let seen = bench.see().await?;
    ensure(bench.shows(&seen, "one message"), || format!("what came is {seen}"))?;
    same("its text", lines_of(&bench.shown(&seen)).as_str(), "one message")?;
    same("for whom", seen.to.as_str(), bench.user(0).spelled())?;
    bench.reply(&seen, &Response::success()).await?;
    if bench.knows_outcomes() {
        let end = bench.end(leg).await?;
        ensure(is_success(&end), || format!("its outcome is {end}"))?;
    }
    bench.see_nothing("after the one message").await
}

/// Delivers a message, answers it where it arrives, and gives back what was seen or why it was refused.
async fn across(bench: &mut Bench, message: Message) -> Result<Result<Seen, End>, Failed> {
    let knows_outcome = match message.metadata.automatic {
        true => bench.subject.knows_automatic_outcomes(),
        false => bench.knows_outcomes(),
    };
    let leg = bench.deliver(message);
    let (quiet, patience) = (bench.timing.quiet, bench.timing.patience);
    let mut waited = std::time::Duration::ZERO;
    while waited < patience {
        if let Some(seen) = bench.seen_within(quiet).await? {
            bench.reply(&seen, &Response::success()).await?;
            if knows_outcome {
                let end = bench.end(leg).await?;
                ensure(is_success(&end), || format!("it arrived, and its outcome is {end}"))?;
            }
            return Ok(Ok(seen));
        }
        let is_refused = match leg.log.passed() {
            true => bench.subject.is_asked() && bench.has_failed(leg.number),
            false => leg.task.is_finished(),
        };
        if is_refused {
            return Ok(Err(bench.end(leg).await?));
        }
        waited += quiet;
    }
    Err(Failed("it neither arrived nor was refused".to_owned()))
}

/// Wants a refusal to be one that the contract knows for what cannot be carried. An adapter in a process of its own refuses
/// by an answer.
fn is_refusal(bench: &Bench, what: &str, end: &End) -> Verdict {
    let code = match end {
        End::Refused(error) => Some(error.code),
        End::Answered(response) if bench.subject.is_asked() && response.status() == Status::Failure => {
            response.code()
        }
        other => return Err(Failed(format!("{what}: neither arrived nor refused: {other}"))),
    };
    let fits = matches!(code, Some(Code::Unsupported | Code::Lossy | Code::TooLarge | Code::BadAddress));
    ensure(fits, || format!("{what}: {end}"))
}

async fn contents(bench: &mut Bench) -> Verdict {
    for (what, content) in examples::contents() {
        let mut message = bench.message("");
        message.content = content.clone();
        let support = bench.supports(Feature::AnyContent);
        match (across(bench, message).await?, support) {
            (Ok(seen), Support::Full) => {
                let came = seen.content.map(|content| content.octets().clone());
                same(what, &came, &Some(content.octets().clone()))?;
            }
            (Ok(seen), Support::Degraded(_)) if bench.subject.is_offered(&seen) => {}
            (Ok(seen), _) if examples::is_plain_text(&content) => {
                let (text, shown) =
                    (String::from_utf8_lossy(&content.body()).into_owned(), bench.shown(&seen));
                let is_same = match bench.is_exact(&text) {
                    true => lines_of(&shown) == lines_of(&text),
                    false => squeezed(&shown) == squeezed(&text),
                };
                ensure(is_same, || format!("{what}: shown as {}", brief(&shown)))?;
            }
            // In another form perhaps, but whatever entity there is holds the same.
            (Ok(seen), Support::Degraded(_) | Support::Dropped) => {
                if let Some(came) = seen.content {
                    let ended = |content: &Content| content.body().trim_ascii_end().to_vec();
                    same(what, &ended(&came), &ended(&content))?;
                }
            }
            (Ok(seen), Support::Rejected) => {
                return Err(Failed(format!("{what}: claimed to be rejected, and came as {seen}")));
            }
            (Err(end), Support::Full) => return Err(Failed(format!("{what}: refused: {end}"))),
            (Err(end), _) => is_refusal(bench, what, &end)?,
        }
    }
    Ok(())
}

/// Text without the blanks in which a protocol of lines may differ.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn features(bench: &mut Bench) -> Verdict {
    for feature in Feature::ALL {
        let mut message = bench.message("with a feature");
        match (examples::metadata(feature), feature) {
            (Some(metadata), _) => message.metadata = bench.subject.sayable(&metadata),
            (None, Feature::MultiLine) => message.content = Content::text("one\ntwo\n\nfour"),
            (None, Feature::Unicode) => message.content = Content::text("Größe: \u{1f9e9} ネコ"),
            // Each has cases of its own.
            (None, _) => continue,
        }
        let sent = message.clone();
        let what = feature.in_words();
        match (across(bench, message).await?, bench.supports(feature)) {
            (Ok(seen), Support::Full) => whole(&what, &seen, &sent)?,
            (Ok(seen), Support::Degraded(_)) => {
                same_metadata(&what, &seen.metadata, &bench.subject.reduced(feature, &sent.metadata))?;
                if let Some(pinned) = bench.subject.pinned(feature, &sent) {
                    let shown = seen.text.clone().unwrap_or_default();
                    let pinned = String::from_utf8_lossy(&pinned).into_owned();
                    ensure(shown.contains(&pinned), || {
                        format!("{what}: shown as {}, not {}", brief(&shown), brief(&pinned))
                    })?;
                }
            }
            (Ok(seen), Support::Dropped) => {
                same_metadata(&what, &seen.metadata, &Metadata::default())?;
                ensure(bench.shows(&seen, "with a feature"), || format!("{what}: the text went with it"))?;
            }
            (Ok(_), Support::Rejected) => {
                return Err(Failed(format!("{what}: claimed as rejected, and came")));
            }
            (Err(end), Support::Rejected) => is_refusal(bench, &what, &end)?,
            (Err(end), _) => return Err(Failed(format!("{what}: refused: {end}"))),
        }
    }
    Ok(())
}

/// Wants what was said, and nothing that was not: but for a date and a name of the message, which many protocols
/// give to each.
pub(super) fn same_metadata(what: &str, came: &Metadata, wanted: &Metadata) -> Verdict {
    let added = Metadata {
        date: wanted.date.clone().or_else(|| came.date.clone()),
        message_ref: wanted.message_ref.clone().or_else(|| came.message_ref.clone()),
        ..wanted.clone()
    };
    same(what, came, &added)
}

async fn automatic(bench: &mut Bench) -> Verdict {
    for automatic in [false, true] {
        let mut message = bench.message("no person wrote this");
        message.metadata.automatic = automatic;
        match across(bench, message).await? {
            Ok(seen) => {
                let marked = automatic && bench.subject.marks_automatic();
                same("its mark", &seen.metadata.automatic, &marked)?;
            }
            Err(end) => return Err(Failed(format!("refused: {end}"))),
        }
    }
    Ok(())
}

fn whole(what: &str, seen: &Seen, sent: &Message) -> Verdict {
    same_metadata(what, &seen.metadata, &sent.metadata)?;
    let text = String::from_utf8_lossy(&sent.content.body()).into_owned();
    let shown = seen.text.clone().map(|text| text.replace('\n', "\r\n"));
    let entity =
        || seen.content.as_ref().map(|content| String::from_utf8_lossy(&content.body()).into_owned());
    same(what, &shown.or_else(entity), &Some(text))
}

async fn addresses(bench: &mut Bench) -> Verdict {
    let mut shown: Vec<String> = Vec::new();
    for source in examples::awkward() {
        let mut message = bench.message("who am I?");
        message.source = source.clone();
        let seen = match across(bench, message).await? {
            Ok(seen) => seen,
            Err(end) => {
                is_refusal(bench, source.spelled(), &end)?;
                continue;
            }
        };
        ensure(!shown.contains(&seen.from), || format!("{} and another are both {}", source, seen.from))?;
        shown.push(seen.from.clone());
        let mut reply = bench.sent("you are you");
        reply.reply_to = Some(seen.from.clone());
        if let Operation::Message(message) = &mut reply.operation {
            message.destination = source.clone();
        }
        bench.peer.send(&reply).await?;
        let submission = bench.submitted().await?;
        let came = submission.arrival.operation.goes_to().clone();
        ensure(bench.is_same(&came, source.as_uri()).await, || {
            format!("{source} is shown as {}, and a reply to that goes to {came}", seen.from)
        })?;
        let answered = bench.core.answer(submission, Response::success());
        ensure(answered.is_ok(), || "nobody takes the answer".to_owned())?;
    }
    ensure(!shown.is_empty(), || "not one address could be shown".to_owned())
}

async fn injection(bench: &mut Bench) -> Verdict {
    for text in INJECTIONS {
        let mut message = bench.message(text);
        if bench.supports(Feature::DisplayNames) != Support::Rejected {
            message.metadata.source_name = Some("Fred\r\nQUIT :x".into());
            message.metadata.destination_name = Some("Wilma\r\nQUIT :y".into());
        }
        if bench.supports(Feature::Subject) != Support::Rejected {
            let text = "Dinner\r\nBcc: everybody@mail.example\r\n\r\n.".into();
            message.metadata.subjects = vec![Subject { lang: None, text }];
        }
        match across(bench, message).await? {
            Ok(seen) => {
                let wanted = String::from_utf8_lossy(&Content::text(text).body()).into_owned();
                let shown = bench.shown(&seen);
                let is_exact = [Feature::MultiLine, Feature::Unicode]
                    .iter()
                    .all(|feature| bench.supports(*feature) == Support::Full);
                // Control characters may be left out by a protocol that has another use for them; a subject may stand
                // before the text.
                let printable = |text: &str| {
                    // As such, or as the picture of one.
                    let is_control = |c: &char| c.is_control() || ('\u{2400}'..='\u{2421}').contains(c);
                    text.chars().filter(|c| !is_control(c)).collect::<String>()
                };
                let intact = match is_exact {
                    true => lines_of(&shown).ends_with(&lines_of(&wanted)),
                    false => printable(&squeezed(&shown)).ends_with(&printable(&squeezed(&wanted))),
                };
                ensure(intact, || format!("{} is shown as {}", brief(text), brief(&shown)))?;
            }
            Err(end) => is_refusal(bench, text, &end)?,
        }
    }
    bench.see_nothing("what looks like protocol must not become another operation").await?;
    bench.nothing_submitted("nothing was sent").await?;
    bench.still_works("text that looks like protocol").await
}

async fn passage(bench: &mut Bench) -> Verdict {
    let mut delivery = bench.delivery(Operation::Message(bench.message("by way of")));
    delivery.passage = Passage {
        id: crate::bench::operation_id("Kit_1.A-b"),
        hops: 117,
        via: vec![ours_im(0).address().domain().clone(), crate::subject::relay()],
        wait: Some(std::time::Duration::from_secs(77)),
    };
    let passage = delivery.passage.clone();
    let _leg = bench.depart(delivery, Log::open());
    let seen = bench.see().await?;
    bench.reply(&seen, &Response::success()).await?;
    match (bench.subject.carries_passage(), seen.passage) {
        (true, Some(came)) => {
            same("its name", &came.id, &passage.id)?;
            same("its hops", &came.hops, &passage.hops)?;
            same("its way", &came.via, &passage.via)?;
            // It may have been on its way for a moment.
            let waits = came
                .wait
                .is_some_and(|wait| wait.abs_diff(std::time::Duration::from_secs(77)).as_secs() < 20);
            ensure(waits, || format!("its sender waits for 77 s, and what came is {}", brief(&came.wait)))
        }
        (true, None) => Err(Failed("nothing of its passage came".to_owned())),
        (false, came) => ensure(came.is_none(), || format!("the peer is told {}", brief(&came))),
    }
}

async fn oversize(bench: &mut Bench) -> Verdict {
    /// As much as every adapter without a claim must take: the default limit of a gateway.
    const MOST: usize = 1_048_576;
    let claimed = bench.subject.max_content_octets();
    let most = claimed.unwrap_or(MOST);
    let sized = |octets: usize| {
        let header = "Content-Type: text/plain\r\n\r\n";
        let mut text = String::with_capacity(octets);
        text.push_str(header);
        while text.len() < octets {
            text.push(if text.len() % 64 == 63 { ' ' } else { 'x' });
        }
        Content::new(text.into_bytes().into())
    };
    let mut message = bench.message("");
    message.content = sized(most);
    match across(bench, message).await? {
        // What is too long to be shown is offered.
        Ok(seen) if bench.subject.is_offered(&seen) => {}
        Ok(seen) => {
            let shown = bench.shown(&seen);
            let octets = seen.content.as_ref().map_or(shown.len(), Content::len);
            // A protocol of lines sets its own between them; what is cut is far shorter.
            let wanted = sized(most).body().len();
            let is_whole = match bench.supports(Feature::MultiLine) {
                Support::Full => lines_of(&shown).len() == wanted,
                _ => octets + most / 8 >= most,
            };
            ensure(is_whole, || format!("{octets} of {most} octets arrived"))?;
        }
        Err(end) => return Err(Failed(format!("{most} octets, as claimed, were refused: {end}"))),
    }
    if claimed.is_some() {
        let mut message = bench.message("");
        message.content = sized(most + 1);
        let Err(end) = across(bench, message).await? else {
            return Err(Failed(format!("{} octets were taken", most + 1)));
        };
        let fits = matches!(&end, End::Refused(error) if error.code == Code::TooLarge);
        ensure(fits, || format!("{} octets: {end}", most + 1))?;
    }
    bench.still_works("an oversize content").await
}

async fn kinds(bench: &mut Bench) -> Verdict {
    for (operation, _) in super::presence::operations(&bench.user(0), &ours_im(0)) {
        let kind = operation.kind();
        if bench.subject.takes(kind) {
            continue;
        }
        let leg = bench.deliver(operation);
        // On a session nothing answers a notification, so nothing can refuse one: that nobody sees it is enough.
        if bench.subject.is_asked() && kind == Kind::Notify {
            drop(bench.end_within(leg, bench.timing.quiet).await?);
            continue;
        }
        match bench.end(leg).await? {
            End::Refused(error) => {
                let fits = matches!(error.code, Code::Unsupported | Code::Unreachable | Code::BadAddress);
                ensure(fits, || format!("{kind}: refused with `{error}`"))?;
            }
            End::Answered(answer) if bench.subject.is_asked() && answer.code() == Some(Code::Unsupported) => {
            }
            other => return Err(Failed(format!("{kind}: not refused: {other}"))),
        }
    }
    // The refusal must not have been said to anybody: nothing was sent.
    bench.see_nothing("a refused operation").await?;
    let unsaid = bench.peer.answer("nobody-asked", &Response::success()).await;
    match unsaid {
        Ok(()) | Err(PeerError::Unutterable) => bench.still_works("an answer to nothing").await,
        Err(error) => Err(error.into()),
    }
}
