//! A million subscriptions of a hundred thousand watchers, in the store: what they take, how long a restart takes, and what
//! a change and an end cost among them.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params, types::Value};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use crate::gateway::Site;
use crate::native::{self, Reader, Writer};
use crate::process::Process;
use crate::report::{Goal, Row};
use crate::setting::Setting;
use crate::stats::{Samples, quantile};
use crate::table::Table;

/// Subscriptions; each watcher has ten, and each presentity.
const LEASES: usize = 1_000_000;
const EACH: usize = 10;

/// Octets of each in memory.
const MOST: f64 = 400.0;

/// Changes of one presentity that are told after the first.
const CHANGES: usize = 100;

/// Subscriptions that end, for the cost of an end: so many that they cost more than what else the gateway does meanwhile.
const ENDS: usize = 4_000;

/// For one answer or notification.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was measured at one size.
#[derive(Default)]
struct Figures {
    octets: Samples,
    ready_s: Samples,
    sql_s: Samples,
    first_us: Samples,
    later_us: Samples,
    change_us: Samples,
    end_us: Samples,
}

/// The rows, and how they grow.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let whole = setting.scaled(LEASES).next_multiple_of(EACH * 100);
    let mut sizes = Vec::new();
    for size in [whole / 100, whole / 10, whole] {
        eprintln!("cpim-load: {size} subscriptions");
        sizes.push(measure(&setting.sized(setting.percent, 2), size).await?);
    }
    let Some(figures) = sizes.last() else { return Ok(()) };
    let row = |what: &str, ours, yardstick, goal| Row {
        what: format!("{whole} subscriptions: {what}"),
        ours,
        yardstick,
        goal,
    };
    table.push(&row("memory of each", (figures.octets.clone(), "octets"), None, Goal::AtMost(MOST)));
    table.push(&row(
        "restart to ready",
        (figures.ready_s.clone(), "s"),
        Some((figures.sql_s.clone(), "reading the rows by SQL")),
        Goal::AtMost(3.0),
    ));
    table.push(&row(
        "the first change after a restart is told after",
        (figures.first_us.clone(), "µs"),
        Some((figures.later_us.clone(), "the slowest of 100 later ones")),
        Goal::AtMost(1.0),
    ));
    for (what, unit, of) in [
        ("memory of a subscription", "octets", (|one| &one.octets) as fn(&Figures) -> &Samples),
        ("CPU of a change that ten are told", "µs", |one| &one.change_us),
        ("CPU of the end of a subscription", "µs", |one| &one.end_us),
    ] {
        let costs: Vec<Samples> = sizes.iter().map(|one| of(one).clone()).collect();
        for row in Row::grown(&format!("{what}, among {whole}"), unit, &costs) {
            table.push(&row);
        }
    }
    Ok(())
}

async fn measure(setting: &Setting, count: usize) -> io::Result<Figures> {
    let mut figures = Figures::default();
    let site = Site::new(setting, true, "")?;
    // One is made over the wire, and the others are copies of its row.
    let mut gateway = site.start().await?;
    let mut watcher = native::open(site.port, "serves='pres:watcher@a.example'").await?;
    let mut target = native::open(site.port, "serves='pres:target@b.example'").await?;
    subscribe(&mut watcher, &["pres:watcher@a.example".to_owned()], "pres:target@b.example", 86_400).await?;
    publish(&mut target, "pres:target@b.example", 0).await?;
    drop((watcher, target));
    gateway.kill();
    let database = site.path().join("gateway.db");
    gateway = site.start().await?;
    sleep(Duration::from_millis(500)).await;
    let empty = gateway.memory();
    gateway.kill();
    fill(&database, count).map_err(io::Error::other)?;
    // Every watcher is told once, as in a gateway that has run for a while. This start is not counted.
    gateway = site.start().await?;
    tell_all(&site, count).await?;
    settled(&gateway).await;
    gateway.kill();
    let mut done = 0;
    while setting.goes_on(done) {
        figures.sql_s.push(read(&database).map_err(io::Error::other)?);
        let start = Instant::now();
        gateway = site.start().await?;
        figures.ready_s.push(start.elapsed().as_secs_f64());
        changes(&site, &gateway, &mut figures).await?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        figures.octets.push((gateway.memory() - empty) / count as f64);
        ends(&site, &gateway, &mut figures, done).await?;
        gateway.kill();
        done += 1;
    }
    Ok(figures)
}

/// The first change after the start, and some more of the same presentity, whose ten watchers have one session.
async fn changes(site: &Site, gateway: &Process, figures: &mut Figures) -> io::Result<()> {
    let names: Vec<String> = (0..EACH).map(|index| format!("pres:w{index}@a.example")).collect();
    let mut watchers = native::open(site.port, &format!("serves='{}'", names.join(" "))).await?;
    let mut target = native::open(site.port, "serves='pres:t0@b.example'").await?;
    let (mut later, mut cpu) = (Vec::new(), gateway.cpu_s());
    for turn in 0..=CHANGES {
        let start = Instant::now();
        publish(&mut target, "pres:t0@b.example", turn).await?;
        told(&mut watchers.0, EACH, turn).await?;
        let elapsed = start.elapsed().as_secs_f64() * 1e6;
        if turn == 0 {
            figures.first_us.push(elapsed);
            settled(gateway).await;
            cpu = gateway.cpu_s();
        } else {
            later.push(elapsed);
        }
    }
    settled(gateway).await;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    figures.change_us.push((gateway.cpu_s() - cpu) / CHANGES as f64 * 1e6);
    figures.later_us.push(quantile(&later, 1.0));
    Ok(())
}

/// Some subscriptions that all end in the same span, beside a span in which nothing does.
async fn ends(site: &Site, gateway: &Process, figures: &mut Figures, turn: usize) -> io::Result<()> {
    const LASTS_S: u64 = 3;
    let names: Vec<String> = (0..ENDS).map(|index| format!("pres:e{turn}x{index}@a.example")).collect();
    let _target = native::open(site.port, "serves='pres:ended@b.example'").await?;
    let mut sessions = Vec::new();
    for some in names.chunks(100) {
        let mut session = native::open(site.port, &format!("serves='{}'", some.join(" "))).await?;
        subscribe(&mut session, some, "pres:ended@b.example", LASTS_S).await?;
        sessions.push(session);
    }
    let cpu = gateway.cpu_s();
    sleep(Duration::from_secs(LASTS_S + 1)).await;
    let with = gateway.cpu_s() - cpu;
    let cpu = gateway.cpu_s();
    sleep(Duration::from_secs(LASTS_S + 1)).await;
    let without = gateway.cpu_s() - cpu;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    figures.end_us.push((with - without).max(0.0) / ENDS as f64 * 1e6);
    Ok(())
}

/// Reads what everybody is told, as the server of their whole domain.
async fn tell_all(site: &Site, count: usize) -> io::Result<()> {
    let (mut reader, _writer) = native::open(site.port, "serves='a.example'").await?;
    let mut seen = 0;
    while seen < count {
        let read = reader.read(|frame| seen += usize::from(frame.is("notify")));
        let Ok(read) = timeout(PATIENCE, read).await else {
            return Err(io::Error::other(format!("{seen} of {count} were told")));
        };
        read?;
    }
    Ok(())
}

/// Waits until the gateway has nothing more to do, for 20 s at most.
async fn settled(gateway: &Process) {
    for _ in 0..200 {
        let cpu = gateway.cpu_s();
        sleep(Duration::from_millis(100)).await;
        if gateway.cpu_s() - cpu < 0.001 {
            return;
        }
    }
}

/// Has these watchers subscribe, and waits until each is answered and told.
async fn subscribe(
    (reader, writer): &mut (Reader, Writer),
    names: &[String],
    target: &str,
    for_s: u64,
) -> io::Result<()> {
    let mut out = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let xml =
            format!("<subscribe watcher='{name}' target='{target}' duration='{for_s}' transID='{index}'/>");
        native::put(&mut out, "", &xml, b"");
    }
    writer.write_all(&out).await?;
    let (mut answered, mut seen, mut refused) = (0, 0, None);
    while answered < names.len() || seen < names.len() {
        let read = reader.read(|frame| {
            seen += usize::from(frame.is("notify"));
            if frame.is("response") {
                answered += 1;
                if frame.attribute("status") != Some(b"success") {
                    refused = Some(String::from_utf8_lossy(frame.xml).into_owned());
                }
            }
        });
        timeout(PATIENCE, read).await.map_err(io::Error::other)??;
        if let Some(words) = refused.take() {
            return Err(io::Error::other(words));
        }
    }
    Ok(())
}

/// Publishes a state that names this turn, and waits for the answer.
async fn publish((reader, writer): &mut (Reader, Writer), target: &str, turn: usize) -> io::Result<()> {
    let address = target.trim_start_matches("pres:");
    let xml = format!(
        "<publish target='{target}' transID='{turn}'><presence entityInfo=''><tuple destination='im:{address}' \
         status='open'>turn {turn}.</tuple></presence></publish>"
    );
    let mut out = Vec::new();
    native::put(&mut out, "", &xml, b"");
    writer.write_all(&out).await?;
    let mut answer = None;
    while answer.is_none() {
        let read = reader.read(|frame| {
            if frame.is("response") {
                answer = Some(frame.attribute("status") == Some(b"success"));
            }
        });
        timeout(PATIENCE, read).await.map_err(io::Error::other)??;
    }
    if answer == Some(true) { Ok(()) } else { Err(io::Error::other("a publication is refused")) }
}

/// Waits until so many notifications have named this turn.
async fn told(reader: &mut Reader, count: usize, turn: usize) -> io::Result<()> {
    let (mut seen, words) = (0, format!("turn {turn}."));
    while seen < count {
        let read = reader.read(|frame| {
            let names_it = frame.xml.windows(words.len()).any(|window| window == words.as_bytes());
            seen += usize::from(frame.is("notify") && names_it);
        });
        timeout(PATIENCE, read).await.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Copies the one row that is there for every other pair.
fn fill(database: &Path, count: usize) -> rusqlite::Result<()> {
    let mut connection = Connection::open(database)?;
    let transaction = connection.transaction()?;
    let columns: Vec<String> = {
        let mut ask =
            transaction.prepare("SELECT name FROM pragma_table_info('lease') WHERE name <> 'number'")?;
        let names = ask.query_map([], |row| row.get(0))?;
        names.collect::<rusqlite::Result<_>>()?
    };
    let values: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            // As many watchers as presentities, and every pair once.
            "watcher" => format!("replace(watcher, 'watcher@', 'w' || (n % {}) || '@')", count / EACH),
            "presentity" => format!("replace(presentity, 'target@', 't' || (n / {EACH}) || '@')"),
            "id" => "printf('%016x', n)".to_owned(),
            "asked" => "replace(asked, 'watcher@', 'w' || n || '@')".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    transaction.execute(
        &format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
             INSERT INTO lease ({}) SELECT {} FROM lease, numbers WHERE watcher LIKE '%watcher@%'",
            columns.join(", "),
            values.join(", ")
        ),
        params![i64::try_from(count).unwrap_or(i64::MAX)],
    )?;
    transaction.commit()
}

/// Seconds in which plain SQL reads every row with all of its columns.
fn read(database: &Path) -> rusqlite::Result<f64> {
    let start = Instant::now();
    let connection = Connection::open(database)?;
    let mut ask = connection.prepare("SELECT * FROM lease ORDER BY number")?;
    let columns = ask.column_count();
    let mut rows = ask.query([])?;
    let mut octets = 0;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            // As a value of its own, which a reader has to make of it.
            if let Value::Text(text) = row.get::<_, Value>(column)? {
                octets += text.len();
            }
        }
    }
    if octets == 0 {
        return Err(rusqlite::Error::QueryReturnedNoRows);
    }
    Ok(start.elapsed().as_secs_f64())
}
