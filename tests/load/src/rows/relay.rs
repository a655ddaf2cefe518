//! The native relay: one operation is a message in, a message out, a response in, a response out.

use std::io;
use std::process::Command;

use crate::gateway::Site;
use crate::process::Process;
use crate::report::{Goal, Row};
use crate::rows::chat::{self, Load, Pair};
use crate::setting::Setting;
use crate::stats::{Samples, quantile};
use crate::table::Table;
use crate::yardstick::committing;

/// Octets of a body.
const BODY: usize = 100;

/// Pairs at saturation, and messages that each keeps under way.
const PAIRS: usize = 10;
const WINDOW: usize = 100;

/// Operations of one repetition.
const OPERATIONS: usize = 40_000;

/// Seconds at half of saturation.
const HALF_S: f64 = 3.0;

/// What is granted beside two commits, in microseconds.
const GRACE_US: f64 = 200.0;

/// A unit.
const PER_CPU_S: &str = "operations per CPU second";

/// Operations a second of processor time, a second of time, and the round trips one at a time.
#[derive(Default)]
struct Through {
    per_cpu_s: Samples,
    per_s: Samples,
    single_s: Samples,
}

/// All rows of the relay.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let operations = setting.scaled(OPERATIONS);
    let (mut copying, mut volatile, mut durable) =
        (Through::default(), Through::default(), Through::default());
    let mut committing = Committing::default();
    let mut half = Samples::default();

    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--copying");
    let mut yardstick = Process::start(command, setting.core)?;
    let port: u16 = yardstick.first_line()?.trim().parse().map_err(io::Error::other)?;
    let (none, full) = (Site::new(setting, false, "")?, Site::new(setting, true, "")?);
    let (none_gateway, full_gateway) = (none.start().await?, full.start().await?);

    let (mut bare, mut none_pairs, mut full_pairs) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..PAIRS {
        bare.push(Pair::bare(port, index).await?);
        none_pairs.push(Pair::sessions(none.port, index).await?);
        full_pairs.push(Pair::sessions(full.port, index).await?);
    }
    let mut done = 0;
    while setting.goes_on(done) {
        through(&mut bare, operations, &yardstick, &mut copying).await?;
        through(&mut none_pairs, operations, &none_gateway, &mut volatile).await?;
        through(&mut full_pairs, operations, &full_gateway, &mut durable).await?;
        committing.measure(setting, operations)?;

        let rate = durable.per_s.median() / 2.0;
        let content = chat::content(BODY);
        let figures = chat::run(&mut full_pairs, Load::Rate(rate, HALF_S), &content).await?;
        half.push(quantile(&figures.latencies, 0.99) * 1e3);
        for (rate, into) in
            [(committing.per_s.median() / 2.0, &mut committing.half_ms), (rate, &mut committing.same_rate_ms)]
        {
            let latencies = committing::at_rate(&setting.folder, rate, HALF_S, BODY)?;
            into.push(quantile(&latencies, 0.99) * 1e3);
        }
        done += 1;
    }
    let added = durable.single_s.iter().zip(copying.single_s.iter());
    let added = added.map(|(ours, theirs)| (ours - theirs) * 1e6).collect();
    let rows = [
        row(
            "native relay, durability none, 10 pairs with a window of 100",
            (volatile.per_cpu_s.clone(), PER_CPU_S),
            (copying.per_cpu_s.clone(), "copying"),
            Goal::AtLeast(0.5),
        ),
        row(
            "the same: CPU of an operation",
            (inverse_us(&volatile.per_cpu_s), "µs"),
            (inverse_us(&copying.per_cpu_s), "copying"),
            Goal::None,
        ),
        row(
            "native relay, full durability, the same load",
            (durable.per_s, "operations per second"),
            (committing.per_s, "committing"),
            Goal::AtLeast(0.6),
        ),
        row(
            "the same, by processor time",
            (durable.per_cpu_s.clone(), PER_CPU_S),
            (committing.per_cpu_s.clone(), "committing"),
            Goal::None,
        ),
        row(
            "the same: CPU of an operation",
            (inverse_us(&durable.per_cpu_s), "µs"),
            (inverse_us(&committing.per_cpu_s), "committing"),
            Goal::None,
        ),
        row(
            "one operation at a time, full durability: added to the copying yardstick's",
            (added, "µs"),
            (committing.budget_us, "two commits and 200 µs"),
            Goal::AtMost(1.0),
        ),
        row(
            "the same, durability none: answered after",
            (micro(&volatile.single_s), "µs"),
            (micro(&copying.single_s), "copying"),
            Goal::None,
        ),
        row(
            "at half of saturation, full durability: 99 of 100 answered within",
            (half.clone(), "ms"),
            (committing.half_ms, "committing, at half of its own"),
            Goal::AtMost(2.0),
        ),
        row(
            "the same, beside as many a second",
            (half, "ms"),
            (committing.same_rate_ms, "committing"),
            Goal::AtMost(2.0),
        ),
    ];
    for row in rows {
        table.push(&row);
    }
    Ok(())
}

/// What the committing yardstick did.
#[derive(Default)]
struct Committing {
    per_s: Samples,
    per_cpu_s: Samples,
    budget_us: Samples,
    half_ms: Samples,
    same_rate_ms: Samples,
}

impl Committing {
    fn measure(&mut self, setting: &Setting, operations: usize) -> io::Result<()> {
        let figures = committing::run(&setting.folder, operations, BODY)?;
        self.per_s.push(figures.per_s);
        self.per_cpu_s.push(1.0 / figures.cpu_s);
        self.budget_us.push(2.0 * figures.commit_s * 1e6 + GRACE_US);
        Ok(())
    }
}

fn row(what: &str, ours: (Samples, &'static str), yardstick: (Samples, &'static str), goal: Goal) -> Row {
    Row { what: what.to_owned(), ours, yardstick: Some(yardstick), goal }
}

fn inverse_us(per_s: &Samples) -> Samples {
    per_s.iter().map(|per_s| 1e6 / per_s).collect()
}

fn micro(seconds: &Samples) -> Samples {
    seconds.iter().map(|seconds| seconds * 1e6).collect()
}

/// Microseconds of processor time of an operation between so many pairs, durability none.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn cost(setting: &Setting, pairs: usize, operations: usize) -> io::Result<f64> {
    let site = Site::new(setting, false, "")?;
    let gateway = site.start().await?;
    let mut some = Vec::new();
    for index in 0..pairs {
        some.push(Pair::sessions(site.port, index).await?);
    }
    let content = chat::content(BODY);
    // The first finds everything cold.
    chat::run(&mut some, Load::Window(WINDOW, operations / 4), &content).await?;
    let cpu = gateway.cpu_s();
    let figures = chat::run(&mut some, Load::Window(WINDOW, operations), &content).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let answered = figures.answered as f64;
    Ok((gateway.cpu_s() - cpu) / answered * 1e6)
}

async fn through(
    pairs: &mut Vec<Pair>,
    operations: usize,
    process: &Process,
    into: &mut Through,
) -> io::Result<()> {
    let content = chat::content(BODY);
    let cpu = process.cpu_s();
    let figures = chat::run(pairs, Load::Window(WINDOW, operations), &content).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let answered = figures.answered as f64;
    into.per_cpu_s.push(answered / (process.cpu_s() - cpu));
    into.per_s.push(answered / figures.elapsed_s);
    let mut one = pairs.split_off(pairs.len() - 1);
    let figures = chat::run(&mut one, Load::Window(1, operations.min(4000)), &content).await?;
    into.single_s.push(quantile(&figures.latencies, 0.5));
    pairs.append(&mut one);
    Ok(())
}
