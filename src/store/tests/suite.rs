//! The suite that every store passes.

use super::*;

/// Runs each case against both stores.
macro_rules! on_every_store {
    ($($case:ident),* $(,)?) => {
        mod memory {
            use super::super::Bench;
            $(#[tokio::test]
            async fn $case() {
                super::$case(&mut Bench::memory()).await;
            })*
        }
        mod sqlite {
            use super::super::Bench;
            $(#[tokio::test]
            async fn $case() {
                super::$case(&mut Bench::sqlite()).await;
            })*
        }
    };
}

on_every_store![
    a_closed_store_takes_nothing,
    a_loop_is_recognised,
    a_note_is_added_where_none_is,
    a_number_is_never_given_twice,
    a_retransmission_is_recognised,
    a_retransmission_is_recognised_until_it_is_forgotten,
    a_retransmission_of_an_answer_not_handed_over_is_always_recognised,
    addresses_once_seen_are_known,
    aliases_are_kept_both_ways,
    answers_are_kept_for_their_owners,
    attempts_stand_until_they_are_taken_back,
    completions_come_in_order,
    notes_are_kept_until_they_expire,
    only_what_was_accepted_can_be_worked_on,
    pages_of_unsettled_operations_are_bounded,
    pruning_keeps_what_must_stay,
    pruning_is_done_in_pieces,
    the_first_outcome_stands,
    what_is_unsettled_comes_back_whole,
    what_is_known_of_an_operation_can_be_told,
];

async fn a_retransmission_is_recognised(bench: &mut Bench) {
    assert_eq!(bench.accept(acceptance(1)).await, Verdict::New);
    let again = |number| Acceptance { number, id: format!("id-{number}"), ..acceptance(1) };
    assert_eq!(bench.accept(again(2)).await, Verdict::Retransmission { first: 1 });
    // Native binding, "Operations": asked before the loop, for the id is the same when a peer sends it again.
    let same_id = Acceptance { number: 3, ..acceptance(1) };
    assert_eq!(bench.accept(same_id).await, Verdict::Retransmission { first: 1 });

    let found = bench.journal.recall("im:fred@a.example", "in-1", &acceptance(1).digest, NOW).await.unwrap();
    assert_eq!(found, Some(Recalled { number: 1, id: "id-1".to_owned(), outcome: None }));
    bench.settle(1, NOW).await;
    assert_eq!(bench.accept(again(4)).await, Verdict::Retransmission { first: 1 });
    let found = bench.journal.recall("im:fred@a.example", "in-1", &acceptance(1).digest, NOW).await.unwrap();
    assert_eq!(found.unwrap().outcome, Some(outcome(1)));

    // The same transID with anything else different is a new operation.
    assert_eq!(bench.accept(Acceptance { digest: [7; 32], ..again(5) }).await, Verdict::New);
    let other_owner = Acceptance { owner: "peer:gw-b.example".to_owned(), ..again(6) };
    assert_eq!(bench.accept(other_owner).await, Verdict::New);
    assert_eq!(bench.accept(Acceptance { trans_id: "other".to_owned(), ..again(7) }).await, Verdict::New);
    assert_eq!(bench.numbers_unsettled().await, [5, 6, 7]);
}

async fn a_retransmission_is_recognised_until_it_is_forgotten(bench: &mut Bench) {
    bench.accept(acceptance(1)).await;
    let later = |number, ms| Acceptance {
        number,
        id: format!("id-{number}"),
        accepted_at: NOW + ms,
        ..acceptance(1)
    };
    let limit = i64::from(REMEMBERS_S) * 1_000;
    // While the first is open there is no limit.
    assert_eq!(bench.accept(later(2, 10 * limit)).await, Verdict::Retransmission { first: 1 });
    bench.settle(1, NOW).await;
    bench.write(Write::HandedOver { number: 1 });
    assert_eq!(bench.accept(later(3, limit - 1)).await, Verdict::Retransmission { first: 1 });
    let digest = acceptance(1).digest;
    let recall = |now| bench.journal.recall("im:fred@a.example", "in-1", &digest, now);
    assert!(recall(NOW + limit - 1).await.unwrap().is_some());
    assert!(recall(NOW + limit).await.unwrap().is_none());
    assert_eq!(bench.accept(later(4, limit)).await, Verdict::New);
    // Both stories are told, and the second one is now the first of further retransmissions.
    assert_eq!(bench.journal.trace("in-1").await.unwrap().len(), 2);
    assert_eq!(bench.accept(later(5, limit)).await, Verdict::Retransmission { first: 4 });
}

async fn a_retransmission_of_an_answer_not_handed_over_is_always_recognised(bench: &mut Bench) {
    bench.accept(acceptance(1)).await;
    bench.settle(1, NOW).await;
    let much_later = NOW + 100 * i64::from(REMEMBERS_S) * 1_000;
    let again = Acceptance { number: 2, accepted_at: much_later, ..acceptance(1) };
    assert_eq!(bench.accept(again).await, Verdict::Retransmission { first: 1 });
}

async fn a_loop_is_recognised(bench: &mut Bench) {
    bench.accept(acceptance(1)).await;
    let again = |number| Acceptance { id: "id-1".to_owned(), ..acceptance(number) };
    assert_eq!(bench.accept(again(2)).await, Verdict::Loop);
    let elsewhere = Acceptance { destination_key: "im:wilma@b.example".to_owned(), ..again(3) };
    assert_eq!(bench.accept(elsewhere).await, Verdict::New, "an id may go to several destinations");
    bench.settle(1, NOW).await;
    assert_eq!(bench.accept(again(4)).await, Verdict::Loop);
    assert!(bench.story(2).await.is_none(), "nothing is kept of it");
}

async fn a_number_is_never_given_twice(bench: &mut Bench) {
    assert_eq!(bench.journal.last_number().await.unwrap(), 0);
    bench.accept(acceptance(7)).await;
    assert_eq!(bench.journal.last_number().await.unwrap(), 7);
    let other = Acceptance { number: 7, ..acceptance(8) };
    bench.write(Write::Accept(Box::new(other)));
    assert_eq!(bench.done().await, Done::Failed { number: 7 });

    bench.settle(7, NOW).await;
    bench.write(Write::HandedOver { number: 7 });
    bench.flush().await;
    while bench.journal.prune(NOW + 1_000_000_000_000, RETENTION).await.unwrap().more {}
    assert_eq!(bench.journal.last_number().await.unwrap(), 7, "whatever was forgotten since");
}

async fn completions_come_in_order(bench: &mut Bench) {
    for number in 1..=2_000 {
        bench.write(Write::Accept(Box::new(acceptance(number))));
    }
    for number in 1..=2_000 {
        assert_eq!(bench.done().await, Done::Accepted { number, verdict: Verdict::New });
    }
}

async fn the_first_outcome_stands(bench: &mut Bench) {
    bench.accept(acceptance(1)).await;
    assert_eq!(bench.settle(1, NOW + 5).await, Done::Settled { number: 1, first: true });
    let other = Outcome { status: "success".into(), ..outcome(2) };
    bench.write(Write::Settle {
        number: 1,
        outcome: other,
        at: NOW + 6,
        steps: String::new(),
        awaited: true,
    });
    assert_eq!(bench.done().await, Done::Settled { number: 1, first: false });
    let settled = bench.story(1).await.unwrap().settled.unwrap();
    assert_eq!(
        (settled.outcome, settled.at, settled.steps.as_str()),
        (outcome(1), NOW + 5, "[\"delivered\"]")
    );
    assert!(!settled.handed_over);
}

async fn only_what_was_accepted_can_be_worked_on(bench: &mut Bench) {
    assert_eq!(bench.settle(1, NOW).await, Done::Lost { number: 1 });
    assert_eq!(bench.attempt(1, "out-1").await, Done::Lost { number: 1 });
    bench.write(Write::Withdraw { number: 1 });
    bench.write(Write::HandedOver { number: 1 });
    assert_eq!(bench.accept(acceptance(1)).await, Verdict::New, "it left no trace");
    assert!(bench.journal.find_leg("out-1").await.unwrap().is_empty());
}

async fn attempts_stand_until_they_are_taken_back(bench: &mut Bench) {
    bench.accept(Acceptance { intent: Some(intent("out-1")), ..acceptance(1) }).await;
    bench.accept(acceptance(2)).await;
    let standing = async |bench: &Bench, number: i64| {
        let page = bench.journal.unsettled(number - 1).await.unwrap();
        page.first().unwrap().attempt.clone().map(|attempt| attempt.intent.leg)
    };
    let found = async |bench: &Bench, leg| {
        let stories = bench.journal.find_leg(leg).await.unwrap();
        stories.iter().map(|story| story.number).collect::<Vec<_>>()
    };
    assert_eq!(standing(bench, 1).await.as_deref(), Some("out-1"));
    assert_eq!(standing(bench, 2).await, None);

    assert_eq!(bench.attempt(1, "out-1b").await, Done::Attempted { number: 1 });
    assert_eq!(bench.attempt(2, "out-2").await, Done::Attempted { number: 2 });
    assert_eq!(bench.attempt(2, "out-2").await, Done::Attempted { number: 2 });
    assert_eq!(standing(bench, 1).await.as_deref(), Some("out-1b"));
    assert_eq!(found(bench, "out-1").await, [1], "an earlier leg is found as well");
    assert_eq!(found(bench, "out-1b").await, [1]);
    assert_eq!(found(bench, "out-2").await, [2], "once");

    bench.write(Write::Withdraw { number: 1 });
    bench.flush().await;
    assert_eq!(standing(bench, 1).await, None);
    assert!(found(bench, "out-1").await.is_empty() && found(bench, "out-1b").await.is_empty());
    assert_eq!(standing(bench, 2).await.as_deref(), Some("out-2"));

    assert_eq!(bench.attempt(1, "out-1c").await, Done::Attempted { number: 1 });
    bench.settle(1, NOW).await;
    assert_eq!(found(bench, "out-1c").await, [1], "for responses that come late");

    for number in [8_191, 8_192, 100_000] {
        bench.accept(Acceptance { intent: Some(intent("out-far")), ..acceptance(number) }).await;
    }
    assert_eq!(found(bench, "out-far").await, [8_191, 8_192, 100_000], "however far apart");
}

async fn what_is_unsettled_comes_back_whole(bench: &mut Bench) {
    let bare = Acceptance {
        content: Default::default(),
        metadata: String::new(),
        via: String::new(),
        wait_until: None,
        ..acceptance(2)
    };
    let forgetful = Intent { recall_until: None, ..intent("out-2") };
    bench.accept(acceptance(1)).await;
    bench.accept(Acceptance { intent: Some(forgetful.clone()), ..bare.clone() }).await;
    bench.accept(acceptance(3)).await;
    bench.accept(acceptance(4)).await;
    bench.settle(3, NOW).await;
    let page = bench.journal.unsettled(0).await.unwrap();
    let expected = [
        Unsettled { acceptance: acceptance(1), attempt: None },
        Unsettled { acceptance: bare, attempt: Some(Attempt { intent: forgetful, at: NOW }) },
        Unsettled { acceptance: acceptance(4), attempt: None },
    ];
    assert_eq!(page, expected);
    assert!(bench.journal.unsettled(4).await.unwrap().is_empty());
    let queue = bench.journal.queue(2).await.unwrap();
    assert_eq!(queue.iter().map(|story| story.number).collect::<Vec<_>>(), [1, 2]);
}

async fn pages_of_unsettled_operations_are_bounded(bench: &mut Bench) {
    let rows = PAGE_ROWS as i64;
    for number in 1..=rows + 1 {
        bench.accept(acceptance(number)).await;
    }
    assert_eq!(bench.journal.unsettled(0).await.unwrap().len(), PAGE_ROWS);
    let large = vec![b'x'; PAGE_OCTETS / 2];
    for number in rows + 2..=rows + 5 {
        bench.accept(Acceptance { content: large.clone().into(), ..acceptance(number) }).await;
    }
    assert_eq!(bench.journal.unsettled(rows + 1).await.unwrap().len(), 2);
    assert_eq!(bench.numbers_unsettled().await, (1..=rows + 5).collect::<Vec<_>>());
}

async fn answers_are_kept_for_their_owners(bench: &mut Bench) {
    let from = |number, owner: &str, domain: &str| Acceptance {
        owner: owner.to_owned(),
        owner_domain: domain.to_owned(),
        ..acceptance(number)
    };
    bench.accept(from(1, "im:fred@a.example", "a.example")).await;
    bench.accept(from(2, "im:wilma@a.example", "a.example")).await;
    bench.accept(from(3, "peer:gw-b.example", "peer:gw-b.example")).await;
    bench.accept(from(4, "im:fred@a.example", "a.example")).await;
    bench.accept(from(5, "im:fred@a.example", "a.example")).await;
    bench.accept(from(6, "im:pepp=x/fred@gw.example", "gw.example")).await;
    bench.accept(from(7, "im:peppermint=x/fred@gw.example", "gw.example")).await;
    for number in [1, 2, 3, 4, 6, 7] {
        bench.settle(number, NOW).await;
    }
    bench.write(Write::HandedOver { number: 4 });
    bench.flush().await;

    let owner =
        |owner: &str, domain: &str| OwnerScope::Owner { domain: domain.to_owned(), owner: owner.to_owned() };
    let kept = async |bench: &Bench, scopes: &[OwnerScope], after, limit| {
        let answers = bench.journal.kept(scopes, after, limit).await.unwrap();
        answers.iter().map(|answer| answer.number).collect::<Vec<_>>()
    };
    let fred = owner("im:fred@a.example", "a.example");
    let peer = owner("peer:gw-b.example", "peer:gw-b.example");
    let a_example = OwnerScope::Domain("a.example".to_owned());
    assert_eq!(kept(bench, std::slice::from_ref(&fred), 0, 9).await, [1]);
    assert_eq!(kept(bench, std::slice::from_ref(&a_example), 0, 9).await, [1, 2]);
    assert_eq!(
        kept(bench, &[peer.clone(), a_example.clone(), fred], 0, 9).await,
        [1, 2, 3],
        "each once, in order"
    );
    assert_eq!(kept(bench, &[peer.clone(), a_example.clone()], 1, 1).await, [2], "in pages");
    let pepp = OwnerScope::Route { domain: "gw.example".to_owned(), selector: "pepp".to_owned() };
    assert_eq!(kept(bench, &[pepp], 0, 9).await, [6]);
    let nobody = [OwnerScope::Domain("b.example".to_owned())];
    assert!(kept(bench, &nobody, 0, 9).await.is_empty());
    let answer = KeptAnswer {
        number: 3,
        owner: "peer:gw-b.example".to_owned(),
        trans_id: "in-3".to_owned(),
        outcome: outcome(3),
    };
    assert_eq!(bench.journal.kept(&[peer], 0, 9).await.unwrap(), [answer]);
    assert!(bench.story(4).await.unwrap().settled.unwrap().handed_over);
}

async fn what_is_known_of_an_operation_can_be_told(bench: &mut Bench) {
    bench.accept(Acceptance { intent: Some(intent("out-1")), ..acceptance(1) }).await;
    bench.attempt(1, "out-1b").await;
    bench.settle(1, NOW + 9).await;
    let from = acceptance(1);
    let story = Story {
        number: 1,
        id: from.id,
        owner: from.owner,
        trans_id: from.trans_id,
        kind: from.kind,
        source: from.source,
        destination: from.destination,
        octets: from.content.len() as u64,
        hops: from.hops,
        via: from.via,
        wait_until: from.wait_until,
        standing: from.standing,
        accepted_at: NOW,
        attempts: ["out-1", "out-1b"].map(|leg| Attempt { intent: intent(leg), at: NOW }).into(),
        steps: from.steps,
        settled: Some(Settled {
            outcome: outcome(1),
            at: NOW + 9,
            handed_over: false,
            steps: "[\"delivered\"]".to_owned(),
        }),
    };
    for text in ["id-1", "in-1", "out-1", "out-1b"] {
        assert_eq!(bench.journal.trace(text).await.unwrap(), std::slice::from_ref(&story), "by {text}");
    }
    // A transID that many have used: the newest, oldest first.
    for number in 2..=STORIES as i64 + 9 {
        bench.accept(Acceptance { trans_id: "1".to_owned(), ..acceptance(number) }).await;
    }
    let stories = bench.journal.trace("1").await.unwrap();
    let numbers: Vec<i64> = stories.iter().map(|story| story.number).collect();
    assert_eq!(numbers, (10..=STORIES as i64 + 9).collect::<Vec<_>>());
    assert!(bench.journal.trace("no-such").await.unwrap().is_empty());
    assert!(bench.journal.trace("").await.unwrap().is_empty());
}

async fn aliases_are_kept_both_ways(bench: &mut Bench) {
    let (space, fred, barney) = ("irc:irc.demo.example", "im:fred@a.example", "im:barney@b.example");
    let get = async |bench: &mut Bench, space: &str, address: &str, names: &[&str], at| {
        bench.write(Write::Alias {
            space: space.to_owned(),
            address: address.to_owned(),
            candidates: names.iter().map(|name| (*name).to_owned()).collect(),
            at,
        });
        let Done::Aliased { name, space: told, address: of } = bench.done().await else {
            panic!("not an alias")
        };
        assert_eq!((told.as_str(), of.as_str()), (space, address));
        name
    };
    assert_eq!(get(bench, space, fred, &["fred"], NOW).await.as_deref(), Some("fred"));
    assert_eq!(get(bench, space, fred, &["other"], NOW + 1).await.as_deref(), Some("fred"), "it is kept");
    assert_eq!(get(bench, space, barney, &["fred"], NOW).await, None, "it is taken");
    assert_eq!(get(bench, space, barney, &["fred", "fred_"], NOW).await.as_deref(), Some("fred_"));
    assert_eq!(get(bench, "smtp", barney, &["fred"], NOW).await.as_deref(), Some("fred"), "another space");

    let row = AliasRow {
        space: space.to_owned(),
        name: "fred".to_owned(),
        address: fred.to_owned(),
        first_used: NOW,
        last_used: NOW + 1,
    };
    assert_eq!(bench.journal.alias_of(space, fred).await.unwrap(), Some(row.clone()));
    assert_eq!(bench.journal.alias_named(space, "fred").await.unwrap(), Some(row));
    assert_eq!(bench.journal.alias_named(space, "wilma").await.unwrap(), None);
    let names = async |bench: &Bench, space, after, limit| {
        let rows = bench.journal.aliases(space, after, limit).await.unwrap();
        rows.into_iter().map(|row| format!("{} {}", row.space, row.name)).collect::<Vec<_>>()
    };
    let [first, second, third] = ["irc:irc.demo.example fred", "irc:irc.demo.example fred_", "smtp fred"];
    assert_eq!(names(bench, "", "", 9).await, [first, second, third], "of all spaces");
    assert_eq!(names(bench, space, "fred", 9).await, [second, third]);
    assert_eq!(names(bench, space, "fred_", 9).await, [third]);
    assert_eq!(names(bench, "", "", 1).await, [first]);

    // DESIGN: a real user always wins a name against an alias.
    bench.write(Write::Unalias { space: space.to_owned(), name: "fred".to_owned() });
    assert_eq!(get(bench, space, fred, &["fred__"], NOW).await.as_deref(), Some("fred__"));
}

async fn notes_are_kept_until_they_expire(bench: &mut Bench) {
    let note = |ticket, space: &str, key: &str, value: Option<&'static [u8]>, expires_at| Write::Note {
        ticket,
        space: space.to_owned(),
        key: key.to_owned(),
        value: value.map(Bytes::from_static),
        expires_at,
    };
    let kept = |ticket| Done::Noted { ticket, kept: Kept::Now };
    for (ticket, write) in [
        (1, note(1, "a", "one", Some(b"\0first"), None)),
        (2, note(2, "a", "one", Some(b"second"), None)),
        (3, note(3, "a", "two", Some(b"x"), Some(NOW + 10))),
        (4, note(4, "b", "one", Some(b"elsewhere"), None)),
        (5, note(5, "a", "three", Some(b"y"), None)),
        (6, note(6, "a", "three", None, None)),
    ] {
        bench.write(write);
        assert_eq!(bench.done().await, kept(ticket));
    }
    let keys = async |bench: &Bench, after, now| {
        let notes = bench.journal.notes("a", after, 9, now).await.unwrap();
        notes.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(bench.journal.note("a", "one", NOW).await.unwrap().unwrap(), b"second".as_slice());
    assert_eq!(keys(bench, "", NOW).await, ["one", "two"]);
    assert_eq!(keys(bench, "one", NOW).await, ["two"]);
    assert_eq!(keys(bench, "", NOW + 10).await, ["one"]);
    bench.journal.prune(NOW + 10, RETENTION).await.unwrap();
    assert_eq!(bench.journal.note("a", "two", NOW).await.unwrap(), None, "it was forgotten");
}

async fn a_note_is_added_where_none_is(bench: &mut Bench) {
    let add = |ticket, value: &'static [u8], at| Write::AddNote {
        ticket,
        space: "a".to_owned(),
        key: "one".to_owned(),
        value: Bytes::from_static(value),
        expires_at: Some(at + 10),
        at,
    };
    for (ticket, value, at, kept) in [
        (1, b"first", NOW, Kept::Now),
        (2, b"again", NOW + 9, Kept::Before),
        (3, b"later", NOW + 10, Kept::Now),
    ] {
        bench.write(add(ticket, value, at));
        assert_eq!(bench.done().await, Done::Noted { ticket, kept });
    }
    assert_eq!(bench.journal.note("a", "one", NOW).await.unwrap().unwrap(), b"later".as_slice());
    bench.write(Write::Forget { space: "a".to_owned(), key: "one".to_owned() });
    bench.flush().await;
    assert_eq!(bench.journal.note("a", "one", NOW).await.unwrap(), None);
}

async fn addresses_once_seen_are_known(bench: &mut Bench) {
    let see =
        |address: &str, at| Write::Seen { address: address.to_owned(), domain: "a.example".to_owned(), at };
    assert!(!bench.journal.seen("pres:fred@a.example").await.unwrap());
    bench.write(see("pres:fred@a.example", NOW));
    bench.write(see("pres:wilma@a.example", NOW));
    bench.write(see("pres:wilma@a.example", NOW + 500_000_000));
    bench.flush().await;
    assert!(bench.journal.seen("pres:fred@a.example").await.unwrap());
    bench.journal.prune(NOW + 1_000_000_001, RETENTION).await.unwrap();
    assert!(!bench.journal.seen("pres:fred@a.example").await.unwrap(), "not seen for too long");
    assert!(bench.journal.seen("pres:wilma@a.example").await.unwrap());
}

async fn pruning_keeps_what_must_stay(bench: &mut Bench) {
    for number in 1..=4 {
        bench.accept(acceptance(number)).await;
    }
    bench.settle(1, NOW).await;
    bench.settle(2, NOW).await;
    bench.write(Write::HandedOver { number: 1 });
    bench.flush().await;
    let there = async |bench: &Bench| {
        let mut numbers = Vec::new();
        for number in 1..=4 {
            numbers.extend(bench.story(number).await.map(|story| story.number));
        }
        numbers
    };
    let second = |s: u32| NOW + i64::from(s) * 1_000;
    bench.journal.prune(second(RETENTION.history_s) - 1, RETENTION).await.unwrap();
    assert_eq!(there(bench).await, [1, 2, 3, 4]);
    let short = Retention { history_s: 1, ..RETENTION };
    bench.journal.prune(second(REMEMBERS_S) - 1, short).await.unwrap();
    assert_eq!(there(bench).await, [1, 2, 3, 4], "never before retransmissions are forgotten");
    bench.journal.prune(second(RETENTION.history_s), RETENTION).await.unwrap();
    assert_eq!(there(bench).await, [2, 3, 4]);
    bench.journal.prune(second(RETENTION.keep_answers_s) - 1, RETENTION).await.unwrap();
    assert_eq!(there(bench).await, [2, 3, 4], "an answer waits for its owner");
    bench.journal.prune(second(RETENTION.keep_answers_s), RETENTION).await.unwrap();
    assert_eq!(there(bench).await, [3, 4], "what is not settled stays");
    assert_eq!(bench.numbers_unsettled().await, [3, 4]);
    assert_eq!(bench.accept(Acceptance { number: 5, ..acceptance(1) }).await, Verdict::New);
}

async fn pruning_is_done_in_pieces(bench: &mut Bench) {
    for number in 1..=2_500 {
        bench.write(Write::Accept(Box::new(acceptance(number))));
    }
    for number in (1..=2_500).filter(|number| number % 10 != 0) {
        bench.write(settlement(number, NOW));
        bench.write(Write::HandedOver { number });
    }
    bench.flush_all().await;
    let later = NOW + 1_000_000_000;
    let mut calls = 0;
    loop {
        calls += 1;
        let pruned = bench.journal.prune(later, RETENTION).await.unwrap();
        assert!(pruned.forgotten <= 1_000 && pruned.wiped <= 1_000);
        if !pruned.more {
            break;
        }
    }
    assert!(calls >= 3, "{calls} calls");
    let open: Vec<i64> = (1..=2_500).filter(|number| number % 10 == 0).collect();
    assert_eq!(bench.numbers_unsettled().await, open);
    assert!(bench.story(11).await.is_none());
}

async fn a_closed_store_takes_nothing(bench: &mut Bench) {
    bench.accept(acceptance(1)).await;
    bench.journal.close().await.unwrap();
    assert_eq!(bench.journal.write(settlement(1, NOW)), Err(NotWritten::Closed));
    assert!(matches!(bench.journal.queue(1).await, Err(StoreError::Closed)));
    assert!(matches!(bench.journal.prune(NOW, RETENTION).await, Err(StoreError::Closed)));
    bench.journal.close().await.unwrap();
    assert_eq!(bench.done.recv().await, None, "completions end");
}
