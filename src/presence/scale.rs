//! What a crowd costs. The figures are printed; only what is far off fails.

use std::time::Instant;

use cpim_adapter::{Address, Basic, Standing};

use super::book::{Book, Item, Told};
use super::leases::{LeaseId, NewLease, Stage};
use super::presentity::{How, Kind};
use super::state::State;

/// Octets that this process has in memory, where the system says so.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4_096)
}

/// A million subscriptions of a million watchers to a thousand presentities: 400 octets each at most.
#[test]
#[ignore = "takes a while without optimisation; run with --release -- --ignored --nocapture"]
fn a_million_subscriptions() {
    const MANY: u32 = 1_000_000;
    let before = resident();
    let mut book = Book::default();
    let presentities: Vec<_> = (0..1_000)
        .map(|at| {
            let address = Address::parse(&format!("pres:presentity{at}@a.example")).unwrap();
            book.presentity(&address, Kind::Hosted)
        })
        .collect();
    let began = Instant::now();
    let keys: Vec<_> = (0..MANY)
        .map(|at| {
            let watcher = Address::parse(&format!("pres:watcher{at}@b.example")).unwrap();
            let presentity = presentities[at as usize % 1_000];
            book.enter(&watcher, presentity, |watcher| NewLease {
                watcher,
                presentity,
                since: 0,
                expires: i64::from(at) + 1,
                id: LeaseId::mint((at, at)),
                spelled: None,
                standing: Standing::Verified,
                stage: Stage::Idle,
            })
        })
        .collect();
    println!("entered: {:?} each", began.elapsed() / MANY);
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = (after - before).saturating_sub(keys.capacity() * size_of_val(&keys[0])) / MANY as usize;
        println!("memory: {each} octets each");
        assert!(each <= 400, "{each}");
    }
    let began = Instant::now();
    let address = Address::parse("pres:presentity0@a.example").unwrap();
    let open = State::of_inbox(&address, Basic::Open, "");
    let published = super::state::Publication { state: std::sync::Arc::new(open), until: None };
    book.publish(1, presentities[0], published);
    let mut told = 0;
    while let Some(Item::Lease(key)) = book.next_ready() {
        let telling = book.begin(key).unwrap();
        drop(telling);
        book.finish(key, Told::This(1));
        told += 1;
    }
    println!("one change, {told} watchers: {:?} each", began.elapsed() / told);
    let began = Instant::now();
    let mut ended = 0;
    while let Some(key) = book.expired(i64::from(MANY)) {
        book.end(key, How::Expired, i64::from(MANY));
        ended += 1;
    }
    println!("{ended} ends: {:?} each", began.elapsed() / ended);
    assert_eq!(ended, MANY);
}
