//! One presentity and five thousand watchers: how long until the last one knows.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::gateway::Site;
use crate::native::{self, Reader, Writer};
use crate::process::Process;
use crate::report::{Goal, Row};
use crate::rows::fanout_xmpp;
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Watchers.
const WATCHERS: usize = 5_000;

/// The rows, for watchers with a session each and for many on one session.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let watchers = setting.scaled(WATCHERS);
    let theirs = match fanout_xmpp::fan_out(setting, watchers).await {
        Ok(theirs) => Some(theirs),
        Err(error) => {
            table.not_run("ejabberd", &error);
            None
        }
    };
    for (sessions, most_us) in [(watchers, 10.0), (watchers.min(100), 5.0)] {
        let (last, cpu) = fan_out(setting, watchers, sessions).await?;
        let beside = |samples: fn(&(Samples, Samples)) -> &Samples| {
            theirs.as_ref().map(|theirs| (samples(theirs).clone(), "ejabberd"))
        };
        table.push(&Row {
            what: format!(
                "a change told to {watchers} watchers on {sessions} sessions: the last one knows after"
            ),
            ours: (last, "ms"),
            yardstick: beside(|theirs| &theirs.0),
            goal: if theirs.is_some() { Goal::AtMost(1.0 / 3.0) } else { Goal::None },
        });
        table.push(&Row {
            what: format!("the same on {sessions} sessions: CPU of each notification"),
            ours: (cpu, "µs"),
            yardstick: beside(|theirs| &theirs.1),
            goal: Goal::OursAtMost(most_us),
        });
    }
    Ok(())
}

/// Milliseconds until the last one knows, and microseconds of processor time for each.
///
/// # Errors
/// Where a watcher is refused.
pub(crate) async fn fan_out(
    setting: &Setting,
    watchers: usize,
    sessions: usize,
) -> io::Result<(Samples, Samples)> {
    let mut stage = Stage::start(setting, watchers, sessions).await?;
    let (mut last, mut cpu_each) = (Samples::default(), Samples::default());
    // Each takes a fraction of a second; the first is not counted, which finds everything cold.
    for repetition in 0..=setting.repetitions.max(3) {
        let cpu = stage.gateway.cpu_s();
        let elapsed = stage.change(repetition).await?;
        // What is still to be written down after the last one knows belongs to it.
        sleep(Duration::from_millis(200)).await;
        if repetition > 0 {
            last.push(elapsed.as_secs_f64() * 1e3);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            cpu_each.push((stage.gateway.cpu_s() - cpu) / watchers as f64 * 1e6);
        }
    }
    Ok((last, cpu_each))
}

/// A presentity whose watchers all wait.
pub(crate) struct Stage {
    /// It runs.
    pub(crate) gateway: Process,
    _site: Site,
    presentity: (Reader, Writer),
    told: Rc<Cell<usize>>,
    wake: Rc<Notify>,
    watchers: usize,
}

impl Stage {
    /// Starts it, with so many watchers on so many sessions, each of whom was told once.
    ///
    /// # Errors
    /// Where one is refused.
    pub(crate) async fn start(setting: &Setting, watchers: usize, sessions: usize) -> io::Result<Self> {
        let site = Site::new(setting, true, "")?;
        let gateway = site.start().await?;
        let presentity = native::open(site.port, "serves='im:p@b.example pres:p@b.example'").await?;
        let (told, wake) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
        for session in 0..sessions {
            let some = (session..watchers).step_by(sessions);
            let names: Vec<String> = some.map(|index| format!("pres:w{index}@a.example")).collect();
            let opened = native::open(site.port, &format!("serves='{}'", names.join(" "))).await?;
            watch(opened, &names, (Rc::clone(&told), Rc::clone(&wake))).await?;
        }
        wait_for(&told, &wake, watchers).await;
        Ok(Self { gateway, _site: site, presentity, told, wake, watchers })
    }

    /// Publishes once; how long it takes until every watcher knows.
    ///
    /// # Errors
    /// Where the session ends.
    pub(crate) async fn change(&mut self, turn: usize) -> io::Result<Duration> {
        self.told.set(0);
        let start = Instant::now();
        let xml = format!(
            "<publish target='pres:p@b.example' transID='{turn}'><presence entityInfo=''><tuple \
             destination='im:p@b.example' status='open'>{turn}</tuple></presence></publish>"
        );
        let mut out = Vec::new();
        native::put(&mut out, "", &xml, b"");
        let (reader, writer) = &mut self.presentity;
        writer.write_all(&out).await?;
        let mut answered = false;
        while !answered {
            reader.read(|frame| answered |= frame.is("response")).await?;
        }
        wait_for(&self.told, &self.wake, self.watchers).await;
        Ok(start.elapsed())
    }
}

async fn wait_for(told: &Cell<usize>, wake: &Notify, count: usize) {
    while told.get() < count {
        wake.notified().await;
    }
}

/// Subscribes as each of these, waits until all are answered and told once, and goes on counting.
async fn watch(
    (mut reader, mut writer): (Reader, Writer),
    names: &[String],
    (told, wake): (Rc<Cell<usize>>, Rc<Notify>),
) -> io::Result<()> {
    let mut out = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let xml = format!(
            "<subscribe watcher='{name}' target='pres:p@b.example' duration='86400' transID='{index}'/>"
        );
        native::put(&mut out, "", &xml, b"");
    }
    writer.write_all(&out).await?;
    let (mut answered, mut refused) = (0, None);
    let mut seen = 0;
    while answered < names.len() || seen < names.len() {
        reader
            .read(|frame| {
                if frame.is("notify") {
                    seen += 1;
                } else if frame.is("response") {
                    answered += 1;
                    if frame.attribute("status") != Some(b"success") {
                        refused = Some(String::from_utf8_lossy(frame.xml).into_owned());
                    }
                }
            })
            .await?;
        if let Some(words) = refused.take() {
            return Err(io::Error::other(words));
        }
    }
    told.set(told.get() + seen);
    wake.notify_one();
    spawn_local(async move {
        // The session is held open by both of its halves.
        let _writer = writer;
        loop {
            let mut count = 0;
            if reader.read(|frame| count += usize::from(frame.is("notify"))).await.is_err() {
                return;
            }
            told.set(told.get() + count);
            wake.notify_one();
        }
    });
    Ok(())
}
