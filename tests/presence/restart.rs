//! What is still there after the process was killed: everything is written down before anybody is told.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Basic, Code, Outcome, Response, Standing, Status};
use cpim_gateway::clock::UnixMs;
use cpim_gateway::rules::{Defaults, Standard};
use cpim_gateway::store::{Completions, Journal, SqliteOptions, SqliteStore};

use crate::stage::{nothing_told, publish, subscribe, told, unsubscribe};
use crate::support::toy::{House, Manner, policy};

const FRED: &str = "pres:fred@a.example";
const BARNEY: &str = "pres:barney@b.example";
const ALICE: &str = "pres:pepp=example.com/alice@gw.example";
const WILMA: &str = "pres:wilma@c.example";

/// The store in this file. As after a kill: what was opened before is not closed, its lock is only let go.
fn store(file: &std::path::Path) -> (Arc<dyn Journal>, Completions) {
    let options = SqliteOptions {
        path: file.to_owned(),
        gateway: "gw.example".into(),
        max_octets: None,
        remembers_s: 3_600,
    };
    let (store, done) = SqliteStore::open(&options, UnixMs::now().0).unwrap();
    (Arc::new(store), done)
}

/// A copy of the store as it is on disk at this moment, which is what a killed process leaves.
fn killed(folder: &tempfile::TempDir, from: &str, to: &str) -> std::path::PathBuf {
    for suffix in ["", "-wal"] {
        let (from, to) = (format!("{from}{suffix}"), format!("{to}{suffix}"));
        let from = folder.path().join(from);
        if from.exists() {
            std::fs::copy(from, folder.path().join(to)).unwrap();
        }
    }
    folder.path().join(to)
}

async fn house(file: &std::path::Path) -> House {
    let house = House::with(policy(), store(file)).await;
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    house
}

#[tokio::test]
async fn leases_and_publications_are_there_after_a_kill() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut first = house(&folder.path().join("one.db")).await;
    let mut fred = first.session(&[FRED]);
    let (mut barney, mut wilma) = (first.session(&[BARNEY]), first.session(&[WILMA]));
    fred.ask("1", publish(FRED, Basic::Open, "at home", None)).await;
    let granted = barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    told(&mut first, BARNEY, FRED).await;
    wilma.ask("1", subscribe(WILMA, FRED, 1, "")).await;
    told(&mut first, WILMA, FRED).await;
    let second = killed(&folder, "one.db", "two.db");
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    let mut second = house(&second).await;
    let mut barney = second.session(&[BARNEY]);
    let wilma = second.session(&[WILMA]);
    assert_eq!(
        told(&mut second, BARNEY, FRED).await,
        ["im:fred@a.example open at home"],
        "held until he is back"
    );
    // He never heard the answer, and asks again; another subscribe is another matter.
    assert_eq!(barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await, granted);
    let refused = barney.ask("2", subscribe(BARNEY, FRED, 60, "")).await;
    assert_eq!(refused.code(), Some(Code::AlreadySubscribed));
    let id = granted.subscript_id().unwrap().to_string();
    let renewed = barney.ask("3", subscribe(BARNEY, FRED, 600, &id)).await;
    assert_eq!((renewed.status(), renewed.duration()), (Status::Success, Some(600)));
    told(&mut second, BARNEY, FRED).await;
    let watchers = second.router.watchers_of(&cpim_adapter::Address::parse(FRED).unwrap());
    let ended: Vec<_> =
        watchers.iter().map(|watcher| (&*watcher.watcher, watcher.ended.as_deref())).collect();
    assert_eq!(ended, [(BARNEY, None), (WILMA, Some("expired"))]);
    drop(wilma);

    // He is back, and has not published yet.
    let _fred = second.session(&[FRED]);
    assert_eq!(told(&mut second, BARNEY, FRED).await, ["im:fred@a.example closed"]);
    assert_eq!(barney.ask("4", unsubscribe(BARNEY, FRED)).await.status(), Status::Success);
    let third = killed(&folder, "two.db", "three.db");
    let third = house(&third).await;
    let mut barney = third.session(&[BARNEY]);
    assert_eq!(barney.ask("4", unsubscribe(BARNEY, FRED)).await.status(), Status::Success, "as before");
    let none = barney.ask("5", unsubscribe(BARNEY, FRED)).await;
    assert_eq!(none.code(), Some(Code::NotSubscribed));
}

/// A watcher who is reached without a session of his own, as by mail, is not told again what he knows.
#[tokio::test]
async fn after_a_kill_is_told_what_changed_and_nothing_else() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut first = house(&folder.path().join("one.db")).await;
    let mut fred = first.session(&[FRED]);
    fred.ask("1", publish(FRED, Basic::Open, "at home", None)).await;
    let asked = first.router.ask_presence(subscribe(ALICE, FRED, 3_600, ""), Standing::Verified).await;
    assert_eq!(asked.status(), Status::Success);
    assert_eq!(told(&mut first, ALICE, FRED).await, ["im:fred@a.example open at home"]);
    // What was told is written without haste, ahead of what is written now.
    tokio::time::sleep(Duration::from_millis(50)).await;
    fred.ask("2", publish(FRED, Basic::Open, "at home", None)).await;

    let mut second = house(&killed(&folder, "one.db", "two.db")).await;
    nothing_told(&mut second, Duration::from_secs(1)).await;
    let mut fred = second.session(&[FRED]);
    assert_eq!(told(&mut second, ALICE, FRED).await, ["im:fred@a.example closed"]);
    // A change that the crash comes in between of.
    second.manner(Manner::Hang);
    fred.ask("1", publish(FRED, Basic::Open, "on the way", None)).await;
    let mut third = house(&killed(&folder, "two.db", "three.db")).await;
    assert_eq!(told(&mut third, ALICE, FRED).await, ["im:fred@a.example open on the way"]);
    nothing_told(&mut third, Duration::from_secs(1)).await;
}

/// DESIGN.md section 5: a publication holds until its presentity is back, 60 s at most.
#[tokio::test]
async fn a_publication_of_who_does_not_come_back_is_held_for_a_minute() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut first = house(&folder.path().join("one.db")).await;
    let mut fred = first.session(&[FRED]);
    fred.ask("1", publish(FRED, Basic::Open, "at home", None)).await;
    let second = killed(&folder, "one.db", "two.db");
    first.delivered.close();

    let mut second = house(&second).await;
    let mut barney = second.session(&[BARNEY]);
    barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    assert_eq!(told(&mut second, BARNEY, FRED).await, ["im:fred@a.example open at home"]);
    tokio::time::pause();
    nothing_told(&mut second, Duration::from_secs(55)).await;
    let lapsed = tokio::time::timeout(Duration::from_secs(10), told(&mut second, BARNEY, FRED)).await;
    assert_eq!(lapsed.unwrap(), ["im:fred@a.example closed"]);
}

/// What a watcher may is asked when he is told, and not only when he asked.
#[tokio::test]
async fn who_may_not_watch_after_a_restart_is_told_so_and_nothing_else() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut first = house(&folder.path().join("one.db")).await;
    let mut fred = first.session(&[FRED]);
    let mut barney = first.session(&[BARNEY]);
    fred.ask("1", publish(FRED, Basic::Open, "at home", None)).await;
    barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    told(&mut first, BARNEY, FRED).await;
    let second = killed(&folder, "one.db", "two.db");
    let mut changed = policy();
    changed.principals = Defaults { subscribe: Standard::Deny, ..changed.principals };
    let mut second = House::with(changed, store(&second)).await;
    second.manner(Manner::Say(Outcome::Delivered(Response::success())));
    let (mut fred, _barney) = (second.session(&[FRED]), second.session(&[BARNEY]));
    fred.ask("2", publish(FRED, Basic::Open, "in secret", None)).await;
    let ended = told(&mut second, BARNEY, FRED).await;
    assert_eq!(ended, ["im:fred@a.example closed the subscription was ended by the presentity"]);
    nothing_told(&mut second, Duration::from_secs(1)).await;
}
