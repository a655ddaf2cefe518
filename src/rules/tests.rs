//! Rules as tables, and that their order is total.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    Address, Basic, Content, Domain, ForeignAddress, Mapper, Memory, Presence, Selectors, Standing, Tuple,
    VolatileMemory,
};
use proptest::prelude::*;

use super::*;
use crate::clock::UnixMs;

const FRED: &str = "im:fred@a.example";

fn address(text: &str) -> Address {
    names().read(text).unwrap()
}

fn names() -> Names {
    let mapper = Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default());
    // IRC folds case, as its networks do.
    Names::new(
        Arc::new(mapper),
        Arc::new(|foreign: ForeignAddress| match foreign.selector().as_str() {
            "irc" => Ok(foreign.with_value(&foreign.value().to_ascii_lowercase()).unwrap()),
            _ => Ok(foreign),
        }),
    )
}

async fn book_in(memory: &Arc<VolatileMemory>) -> Arc<RuleBook> {
    RuleBook::load(Arc::clone(memory) as _, names(), Defaults::default()).await.unwrap()
}

async fn book() -> Arc<RuleBook> {
    book_in(&Arc::default()).await
}

fn who(text: &str) -> Who {
    names().who(text).unwrap()
}

async fn say(book: &Arc<RuleBook>, decision: Decision, about: &str) {
    mark(book, decision, about, Topic::Everything, None).await;
}

async fn mark(
    book: &Arc<RuleBook>,
    decision: Decision,
    about: &str,
    topic: Topic,
    standing: Option<Standing>,
) {
    let mark = Mark { who: who(about), standing, topic, decision };
    book.change(&address(FRED), move |sheet| sheet.mark(mark)).await.unwrap();
}

fn asked(book: &RuleBook, ask: Ask, other: &str) -> Decision {
    book.decide(ask, &address(FRED), &address(other), Standing::Verified)
}

#[tokio::test]
async fn the_most_exact_holds_and_then_the_strictest() {
    let book = book().await;
    say(&book, Decision::Deny, "*").await;
    say(&book, Decision::Polite, "*@b.example").await;
    say(&book, Decision::Allow, "*@*.b.example").await;
    say(&book, Decision::Allow, "im:bob@b.example").await;
    say(&book, Decision::Allow, "irc://irc.b.example/*").await;
    say(&book, Decision::Deny, "irc://irc.b.example/Eve").await;
    for (other, expected) in [
        ("im:x@c.example", Decision::Deny),
        ("im:x@b.example", Decision::Polite),
        ("pres:bob@b.example", Decision::Allow),
        ("im:x@deep.b.example", Decision::Allow),
        // Below `*@*.b.example` too, and the foreign wildcard is the more exact.
        ("im:irc=irc.b.example/someone@gw.example", Decision::Allow),
        ("im:irc=irc.b.example/EVE@gw.example", Decision::Deny),
        // A foreign address is at its domain as well.
        ("im:mailto=x~40b.example@gw.example", Decision::Polite),
        // A route through us to a native address is that address.
        ("im:im=bob~40b.example@gw.example", Decision::Allow),
    ] {
        for ask in [Ask::Write, Ask::Subscribe, Ask::Fetch] {
            assert_eq!(asked(&book, ask, other), expected, "{ask:?} {other}");
        }
    }
}

#[tokio::test]
async fn one_thing_and_one_standing_come_before_everything_and_anybody() {
    let book = book().await;
    mark(&book, Decision::Allow, "im:bob@b.example", Topic::Everything, None).await;
    mark(&book, Decision::Deny, "im:bob@b.example", Topic::One(Ask::Subscribe), None).await;
    mark(&book, Decision::Polite, "im:bob@b.example", Topic::Everything, Some(Standing::Claimed)).await;
    let decide = |ask, standing| book.decide(ask, &address(FRED), &address("im:bob@b.example"), standing);
    assert_eq!(decide(Ask::Write, Standing::Verified), Decision::Allow);
    assert_eq!(decide(Ask::Fetch, Standing::Verified), Decision::Allow);
    assert_eq!(decide(Ask::Subscribe, Standing::Verified), Decision::Deny);
    assert_eq!(decide(Ask::Subscribe, Standing::Claimed), Decision::Polite);
    assert_eq!(decide(Ask::Winfo, Standing::Verified), Decision::Deny, "everything is not who watches");
    assert_eq!(decide(Ask::Publish, Standing::Verified), Decision::Deny);
}

#[tokio::test]
async fn ones_own_is_ones_own_if_it_is_ones_own() {
    let book = book().await;
    say(&book, Decision::Deny, "*").await;
    for ask in Ask::ALL {
        assert_eq!(asked(&book, ask, "pres:fred@a.example"), Decision::Allow, "{ask:?}");
    }
    let fred = address(FRED);
    assert_eq!(book.decide(Ask::Publish, &fred, &fred, Standing::Claimed), Decision::Deny);
    assert_eq!(book.decide(Ask::Winfo, &fred, &fred, Standing::Anonymous), Decision::Deny);
}

#[tokio::test]
async fn nobody_publishes_for_another_unless_he_is_named() {
    let book = book().await;
    say(&book, Decision::Allow, "*").await;
    let secretary = "im:secretary@a.example";
    assert_eq!(asked(&book, Ask::Publish, secretary), Decision::Deny);
    let delegate = address(secretary);
    book.change(&address(FRED), move |sheet| sheet.set_delegate(&delegate, true)).await.unwrap();
    assert_eq!(asked(&book, Ask::Publish, secretary), Decision::Allow);
    assert_eq!(book.delegates(&address("pres:fred@a.example")), [address(secretary)]);
    let claimed = book.decide(Ask::Publish, &address(FRED), &address(secretary), Standing::Claimed);
    assert_eq!(claimed, Decision::Deny, "whoever only says that he is");
}

#[tokio::test]
async fn what_the_administrator_sets_holds_where_nothing_is_said() {
    let memory = Arc::new(VolatileMemory::default());
    let defaults = Defaults { subscribe: Standard::Verified, fetch: Standard::Polite, ..Defaults::default() };
    let book = RuleBook::load(memory, names(), defaults).await.unwrap();
    let decide = |ask, standing| book.decide(ask, &address(FRED), &address("im:bob@b.example"), standing);
    for (ask, standing, expected) in [
        (Ask::Write, Standing::Anonymous, Decision::Allow),
        (Ask::Subscribe, Standing::Verified, Decision::Allow),
        (Ask::Subscribe, Standing::Claimed, Decision::Deny),
        (Ask::Fetch, Standing::Verified, Decision::Polite),
        (Ask::Winfo, Standing::Verified, Decision::Deny),
        (Ask::Publish, Standing::Verified, Decision::Deny),
    ] {
        assert_eq!(decide(ask, standing), expected, "{ask:?} {standing}");
    }
}

fn presence(destinations: &[&str]) -> Presence {
    let tuple = |destination: &&str| Tuple {
        destination: (*destination).into(),
        status: Basic::Open,
        markup: "in".into(),
        namespaces: Vec::new(),
    };
    Presence::from_tuples(destinations.iter().map(tuple).collect()).unwrap()
}

#[tokio::test]
async fn each_watcher_has_his_own_view() {
    let book = book().await;
    let shows = [
        ("*", Show::Only(vec!["im:".to_owned()])),
        ("*@b.example", Show::Basic(Basic::Closed, Some("<away> & so on".to_owned()))),
        ("im:bob@b.example", Show::All),
    ];
    for (about, show) in shows {
        let appearance = Appearance { who: who(about), show };
        book.change(&address(FRED), move |sheet| sheet.appear(appearance)).await.unwrap();
    }
    say(&book, Decision::Polite, "im:eve@b.example").await;
    let whole = presence(&["im:fred@a.example", "mailto:fred@a.example"]);
    let document = Content::text("all of it");
    let fred = address("pres:fred@a.example");
    let seen = |watcher: &str| {
        let view = book.view(Ask::Subscribe, &fred, &address(watcher), Standing::Verified).unwrap();
        view.apply(&fred, &whole, Some(&document))
    };
    assert_eq!(seen("pres:bob@b.example"), (whole.clone(), Some(document.clone())));
    assert_eq!(seen("pres:fred@a.example"), (whole.clone(), Some(document.clone())), "himself");
    let (shown, with) = seen("pres:x@c.example");
    assert_eq!((shown, with), (presence(&["im:fred@a.example"]), None));
    let (shown, with) = seen("pres:x@b.example");
    assert_eq!(
        (shown.basic(), &*shown.tuples()[0].markup, with),
        (Basic::Closed, "&lt;away&gt; &amp; so on", None)
    );
    assert_eq!(seen("pres:eve@b.example"), (closed_presence(&fred), None));
    // Of a document that cannot be read nobody knows what it would tell.
    let part = presence(&["im:fred@a.example"]);
    let only = View::Only(vec!["im:".to_owned()]);
    assert_eq!(only.apply(&fred, &part, Some(&document)), (part.clone(), None));
    // One that can be read goes whole where all of it may be seen, octet for octet, and else in part.
    let tuple = |id: &str, contact: &str| {
        format!("<tuple id='{id}'><status><basic>open</basic></status><contact>{contact}</contact></tuple>")
    };
    let pidf = |tuples: &str| {
        let (mime, xml) = ("Content-Type: application/pidf+xml\r\n\r\n", "<?xml version='1.0'?>");
        let root = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:fred@a.example'>";
        Content::new(format!("{mime}{xml}{root}{tuples}</presence>").into_bytes().into())
    };
    let (shown, hidden) = (tuple("a", "im:fred@a.example"), tuple("b", "tel:+1"));
    let document = pidf(&shown);
    assert_eq!(only.apply(&fred, &part, Some(&document)), (part.clone(), Some(document)));
    let (_, with) = only.apply(&fred, &whole, Some(&pidf(&format!("{shown}{hidden}<note>at home</note>"))));
    let with = String::from_utf8(with.unwrap().octets().to_vec()).unwrap();
    assert!(with.contains(&shown) && !with.contains("tel:") && !with.contains("at home"), "{with}");
    assert_eq!(only.apply(&fred, &whole, Some(&pidf(&hidden))).1, None);
    let nothing = View::Only(vec!["tel:".to_owned()]).apply(&fred, &whole, None);
    assert_eq!(nothing.0, closed_presence(&fred));
}

#[tokio::test]
async fn a_watcher_hides_from_third_parties_only() {
    let book = book().await;
    let [fred, bob, carol] = [FRED, "im:bob@b.example", "im:carol@c.example"].map(address);
    assert!(book.shows_watcher(&fred, &bob, &carol));
    book.change(&fred, |sheet| sheet.show_itself(Who::Any, false)).await.unwrap();
    assert!(!book.shows_watcher(&fred, &bob, &carol));
    assert!(book.shows_watcher(&fred, &bob, &bob), "the presentity");
    assert!(book.shows_watcher(&fred, &bob, &fred), "the watcher");
    let close = who("im:carol@c.example");
    book.change(&fred, move |sheet| sheet.show_itself(close, true)).await.unwrap();
    assert!(book.shows_watcher(&fred, &bob, &carol));
}

#[tokio::test]
async fn a_forward_ends() {
    let book = book().await;
    let fred = address(FRED);
    let forward = Forward { to: address("im:fred@home.example"), until: Some(UnixMs(1_000)) };
    let set = forward.clone();
    book.change(&fred, move |sheet| {
        sheet.set_forward(Some(set));
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(book.forward_of(&fred, UnixMs(999)), Some(forward));
    assert_eq!(book.forward_of(&fred, UnixMs(1_000)), None);
    let to = fred.clone();
    book.change(&fred, move |sheet| {
        sheet.set_forward(Some(Forward { to, until: None }));
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(book.forward_of(&fred, UnixMs(0)), None, "to himself");
}

#[tokio::test]
async fn rules_are_there_after_a_restart_and_changes_are_told() {
    let memory = Arc::new(VolatileMemory::default());
    let before = book_in(&memory).await;
    let mut changes = before.changes();
    say(&before, Decision::Polite, "im:eve@b.example").await;
    assert_eq!(changes.recv().await.unwrap(), address(FRED));
    say(&before, Decision::Polite, "im:eve@b.example").await;
    assert!(changes.try_recv().is_err(), "nothing is different");
    let everything = |sheet: &mut Sheet| {
        sheet.mark(Mark {
            who: who("*@*.b.example"),
            standing: Some(Standing::Anonymous),
            topic: Topic::One(Ask::Winfo),
            decision: Decision::Deny,
        })?;
        sheet.appear(Appearance { who: who("*@c.example"), show: Show::Basic(Basic::Open, None) })?;
        sheet.appear(Appearance { who: who("irc://x/*"), show: Show::Only(vec!["im:".to_owned()]) })?;
        sheet.show_itself(who("*"), false)?;
        sheet.set_forward(Some(Forward { to: address("im:x@c.example"), until: Some(UnixMs(7)) }));
        sheet.set_delegate(&address("im:x@c.example"), true)
    };
    before.change(&address(FRED), everything).await.unwrap();
    let after = book_in(&memory).await;
    let sheet = after.rules_of(&address(FRED)).unwrap();
    assert_eq!(*sheet, *before.rules_of(&address(FRED)).unwrap());
    assert_eq!((sheet.marks().len(), sheet.appearances().len()), (2, 2));
    assert_eq!(asked(&after, Ask::Write, "im:eve@b.example"), Decision::Polite);
    assert_eq!(after.owners(None, 9), [address(FRED)]);
    after
        .change(&address(FRED), |sheet| {
            *sheet = Sheet::default();
            Ok(())
        })
        .await
        .unwrap();
    assert!(memory.notes(SPACE, "", 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_lets_nobody_in_until_it_is_set_anew() {
    let memory = Arc::new(VolatileMemory::default());
    for octets in [
        &b"{\"v\":2}"[..],
        b"{\"v\":1,\"more\":[]}",
        b"\xff",
        b"{\"v\":1,\"marks\":[{\"who\":\"x\",\"say\":\"allow\"}]}",
    ] {
        memory.set_note(SPACE, FRED, octets.to_vec().into(), None).await.unwrap();
        let book = book_in(&memory).await;
        assert!(book.rules_of(&address(FRED)).unwrap().is_sealed());
        assert_eq!(asked(&book, Ask::Write, "im:bob@b.example"), Decision::Deny);
        assert_eq!(asked(&book, Ask::Write, FRED), Decision::Allow);
        say(&book, Decision::Allow, "im:bob@b.example").await;
        assert_eq!(asked(&book, Ask::Write, "im:carol@b.example"), Decision::Allow);
    }
}

#[tokio::test]
async fn nobody_has_more_rules_than_there_is_room_for() {
    let book = book().await;
    let many = |sheet: &mut Sheet| {
        (0..=MAX_ENTRIES).try_for_each(|n| {
            let who = who(&format!("im:u{n}@b.example"));
            sheet.mark(Mark { who, standing: None, topic: Topic::Everything, decision: Decision::Deny })
        })
    };
    assert_eq!(book.change(&address(FRED), many).await, Err(RuleError::TooMany));
    assert!(book.rules_of(&address(FRED)).is_none(), "nothing is changed");
    let long = |sheet: &mut Sheet| {
        (0..200).try_for_each(|n| {
            let who = who(&format!("im:{}{n}@b.example", "u".repeat(1_000)));
            sheet.mark(Mark { who, standing: None, topic: Topic::Everything, decision: Decision::Deny })
        })
    };
    assert_eq!(book.change(&address(FRED), long).await, Err(RuleError::TooMany));
}

#[test]
fn whom_a_text_means() {
    for text in [
        "*",
        "*@b.example",
        "*@*.b.example",
        "irc://irc.b.example/*",
        "mailto:*@b.example",
        "im:bob@b.example",
    ] {
        assert_eq!(text.parse::<Who>().unwrap().to_string(), text);
    }
    for (text, same) in [
        ("pres:bob@b.example", "im:bob@b.example"),
        ("im:*@B.example", "*@b.example"),
        ("IRC://x/*", "irc://x/*"),
    ] {
        assert_eq!(text.parse::<Who>().unwrap().to_string(), same);
    }
    for bad in [
        "",
        "bob",
        "@b.example",
        "*@",
        "*@*",
        "*.b.example",
        "a*@b.example",
        "x:*y*",
        "mailto:*\r\n",
        "*@b example",
    ] {
        assert!(bad.parse::<Who>().is_err(), "{bad:?}");
    }
}

fn marks() -> impl Strategy<Value = Vec<Mark>> {
    let who = prop::sample::select(vec![
        "*",
        "*@b.example",
        "*@*.example",
        "*@*.b.example",
        "mailto:*",
        "mailto:*@b.example",
        "im:bob@b.example",
    ])
    .prop_map(who);
    let standing = prop::option::of(prop::sample::select(vec![
        Standing::Anonymous,
        Standing::Claimed,
        Standing::Verified,
    ]));
    let topic = prop::option::of(prop::sample::select(Ask::ALL.to_vec()))
        .prop_map(|one| one.map_or(Topic::Everything, Topic::One));
    let decision = prop::sample::select(vec![Decision::Allow, Decision::Deny, Decision::Polite]);
    let mark = (who, standing, topic, decision).prop_map(|(who, standing, topic, decision)| Mark {
        who,
        standing,
        topic,
        decision,
    });
    prop::collection::vec(mark, 0..12)
}

proptest! {
    /// Whatever the order in which the entries stand, the same holds; and a sheet is read as it was written.
    #[test]
    fn the_order_of_entries_decides_nothing(marks in marks(), seed in any::<prop::sample::Index>()) {
        let sheet = Sheet { marks: marks.clone(), ..Sheet::default() };
        let mut turned = marks;
        if !turned.is_empty() {
            let by = seed.index(turned.len());
            turned.rotate_left(by);
        }
        let turned = Sheet { marks: turned, ..Sheet::default() };
        for other in ["im:bob@b.example", "im:x@b.example", "im:x@deep.b.example", "im:x@c.example", "im:mailto=x~40b.example@gw.example"] {
            let other = names().somebody(&address(other));
            for ask in Ask::ALL {
                for standing in [Standing::Anonymous, Standing::Claimed, Standing::Verified] {
                    prop_assert_eq!(sheet.decide(ask, &other, standing), turned.decide(ask, &other, standing));
                }
            }
        }
        if let Some(octets) = note::write(&sheet) {
            prop_assert_eq!(note::read(&octets), (sheet, None));
        }
    }

    /// Nothing that anybody writes makes a panic, or is read back as something else.
    #[test]
    fn any_text_means_somebody_or_nobody(text in "\\PC{0,60}") {
        if let Ok(who) = text.parse::<Who>() {
            prop_assert_eq!(who.to_string().parse::<Who>().unwrap(), who);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_waits_for_is_made_all_the_same() {
    let book = book().await;
    let fred = address(FRED);
    let changing = book.change(&fred, |sheet| sheet.show_itself(Who::Any, false));
    let _dropped = tokio::time::timeout(Duration::ZERO, changing).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(book.rules_of(&address(FRED)).is_some());
}

#[test]
fn an_address_is_compared_in_one_form() {
    let canonical = |text: &str| names().folded(&names().read(text).unwrap()).to_string();
    for text in [
        "im:irc=irc.b.example/Alice@gw.example",
        "im:IRC=irc.b.example/alice@gw.example",
        "im:irc=irc.b.example/~61lice@gw.example",
    ] {
        assert_eq!(canonical(text), "im:irc=irc.b.example/alice@gw.example", "{text}");
    }
    for same in ["pres:Fred@a.example", "im:pres=Fred~40a.example@gw.example", "im:gateway@gw.example"] {
        assert_eq!(canonical(same), same, "a class, and a route through us, are part of an address");
    }
}
