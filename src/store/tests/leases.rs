//! Subscriptions in the store.

use rusqlite::Connection;

use super::*;

fn lease(watcher: &str, presentity: &str, since: i64) -> LeaseRow {
    LeaseRow {
        watcher: format!("pres:{watcher}@a.example"),
        presentity: format!("pres:{presentity}@b.example"),
        spelled: None,
        kind: "hosted".into(),
        standing: "verified".into(),
        since,
        until: since + 60_000,
        id: Some("id".to_owned()),
        far: None,
        ended: None,
        told: None,
        asked: Some("fred 1".to_owned()),
        forget_at: since + 120_000,
    }
}

impl Bench {
    async fn set_lease(&mut self, lease: &LeaseRow) -> bool {
        self.write(Write::Lease { ticket: 7, lease: Box::new(lease.clone()) });
        match self.done().await {
            Done::Noted { ticket: 7, kept } => kept == Kept::Now,
            other => panic!("{other:?} in answer to a lease"),
        }
    }

    async fn lease(&self, of: &LeaseRow) -> Option<LeaseRow> {
        self.journal.lease(&of.watcher, &of.presentity).await.unwrap()
    }
}

async fn one_is_kept_for_each_pair(mut bench: Bench) {
    let spelled = Some(("pres:One@a.example".to_owned(), "pres:b@B.example".to_owned()));
    let first = LeaseRow { spelled, ..lease("one", "b", NOW) };
    let far = LeaseRow { far: Some((None, NOW + 5)), ..lease("two", "b", NOW) };
    let third = LeaseRow { id: None, asked: None, ..lease("one", "c", NOW) };
    for lease in [&first, &far, &third] {
        assert!(bench.set_lease(lease).await);
        assert_eq!(bench.lease(lease).await.as_ref(), Some(lease));
    }
    assert_eq!(bench.lease(&lease("two", "c", NOW)).await, None);

    // A renewal tells nothing new of what was told, and of what began it only where it says so.
    bench.write(told(&first, -5));
    bench.flush().await;
    let longer = LeaseRow { until: NOW + 99_000, asked: None, ..first.clone() };
    bench.set_lease(&longer).await;
    let kept = bench.lease(&first).await.unwrap();
    assert_eq!((kept.told, kept.asked.as_deref(), kept.until), (Some(-5), Some("fred 1"), NOW + 99_000));
    // Another one of the same pair begins with nothing told.
    let next = LeaseRow { asked: None, ..lease("one", "b", NOW + 1) };
    bench.set_lease(&next).await;
    assert_eq!(bench.lease(&next).await.as_ref(), Some(&next));

    assert_eq!(bench.journal.leases_held().await.unwrap(), 3);
    let mut all = Vec::new();
    let mut after = 0;
    while let Some((number, lease)) = bench.journal.leases(after, 1).await.unwrap().pop() {
        after = number;
        all.push(lease);
    }
    // For starts, which need not know what asked for them.
    assert_eq!(all, [next, LeaseRow { asked: None, ..far }, third]);
    bench.journal.prune(NOW + 120_000, RETENTION).await.unwrap();
    let left = bench.journal.leases(0, 9).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
}

fn told(lease: &LeaseRow, digest: i64) -> Write {
    Write::Told { watcher: lease.watcher.clone(), presentity: lease.presentity.clone(), digest }
}

#[tokio::test]
async fn one_is_kept_for_each_pair_in_memory() {
    one_is_kept_for_each_pair(Bench::memory()).await;
}

#[tokio::test]
async fn one_is_kept_for_each_pair_in_the_file() {
    one_is_kept_for_each_pair(Bench::sqlite()).await;
}

/// A run that was believed dead writes on: another has raised the fence, or another gateway has taken a lease over.
#[tokio::test]
async fn who_was_taken_over_changes_no_lease() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut bench = Bench::open(&path);
    let (mine, taken) = (lease("one", "b", NOW), lease("two", "b", NOW));
    assert!(bench.set_lease(&mine).await && bench.set_lease(&taken).await);
    let other = Connection::open(&path).unwrap();
    let sql = "INSERT INTO gateway (name, fence, started_at) VALUES ('other', 1, 0);
        UPDATE lease SET held_by = (SELECT gateway FROM gateway WHERE name = 'other')
        WHERE watcher LIKE 'pres:two%'";
    other.execute_batch(sql).unwrap();
    assert!(!bench.set_lease(&LeaseRow { until: 1, ..taken.clone() }).await);
    bench.write(told(&taken, 1));
    assert!(bench.set_lease(&mine).await, "the others go on");
    let held = bench.journal.leases(0, 9).await.unwrap();
    assert_eq!(held.len(), 1, "those of another gateway are its own: {held:?}");

    other.execute_batch("UPDATE gateway SET fence = fence + 1").unwrap();
    assert!(!bench.set_lease(&LeaseRow { until: 1, ..mine.clone() }).await);
    assert!(!bench.set_lease(&lease("three", "b", NOW)).await);
    bench.write(told(&mine, 1));
    bench.flush_all().await;
    for lease in [mine, taken] {
        assert_eq!(bench.lease(&lease).await, Some(lease));
    }
}

/// What format 2 kept as notes is there after the step to format 3.
#[tokio::test]
async fn notes_of_the_format_before_become_leases() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let before = Connection::open(&path).unwrap();
    for step in [include_str!("../migrations/0001_journal.sql"), include_str!("../migrations/0002_notes.sql")]
    {
        before.execute_batch(step).unwrap();
    }
    before.pragma_update(None, "application_id", 0x4350_494D).unwrap();
    before.pragma_update(None, "user_version", 2).unwrap();
    let gateway = options(&path).gateway;
    let sql = "INSERT INTO gateway (name, fence, started_at) VALUES (?1, 3, 0)";
    before.execute(sql, [gateway]).unwrap();
    let note = |key: &str, json: &str| {
        let sql = "INSERT INTO note VALUES ('presence.leases', ?1, CAST(?2 AS BLOB), ?3)";
        before.execute(sql, (key, json, NOW + 120_000)).unwrap();
    };
    note(
        "pres:one@a.example pres:b@b.example",
        &format!(
            r#"{{"watcher":"pres:One@a.example","target":"pres:b@b.example","presentity":"pres:b@b.example",
            "kind":"elsewhere","since":{NOW},"until":{},"id":"id","standing":"verified","far":["there",{NOW}]}}"#,
            NOW + 60_000
        ),
    );
    note(
        "pres:two@a.example pres:b@b.example",
        &format!(
            r#"{{"watcher":"pres:two@a.example","target":"pres:b@b.example","presentity":"pres:b@b.example",
            "kind":"hosted","since":{NOW},"until":{NOW},"standing":"anonymous","ended":"fetched"}}"#
        ),
    );
    drop(before);

    let bench = Bench::open(&path);
    let leases: Vec<LeaseRow> =
        bench.journal.leases(0, 9).await.unwrap().into_iter().map(|(_, lease)| lease).collect();
    let spelled = |watcher: &str| Some((watcher.to_owned(), "pres:b@b.example".to_owned()));
    let one = LeaseRow {
        spelled: spelled("pres:One@a.example"),
        kind: "elsewhere".into(),
        far: Some((Some("there".to_owned()), NOW)),
        asked: None,
        ..lease("one", "b", NOW)
    };
    let two = LeaseRow {
        spelled: spelled("pres:two@a.example"),
        standing: "anonymous".into(),
        until: NOW,
        id: None,
        ended: Some("fetched".into()),
        asked: None,
        ..lease("two", "b", NOW)
    };
    assert_eq!(leases, [one, two]);
    assert_eq!(bench.journal.notes("presence.leases", "", 9, NOW).await.unwrap(), []);
}
