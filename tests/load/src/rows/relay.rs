//! The native relay: one operation is a message in, a message out, a response in, a response out.

use std::io;
use std::process::Command;

use crate::Setting;
use crate::gateway::Site;
use crate::process::Process;
use crate::report::{Goal, Row};
use crate::rows::chat::{self, Load, Pair};
use crate::stats::{Samples, quantile};
use crate::yardstick::committing;

/// Octets of a body.
const BODY: usize = 100;

/// Pairs at saturation, and messages that each keeps under way.
const PAIRS: usize = 10;
const WINDOW: usize = 100;

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
pub(crate) async fn rows(setting: &Setting) -> io::Result<Vec<Row>> {
    let operations = setting.scaled(40_000);
    let (mut copying, mut volatile, mut durable) =
        (Through::default(), Through::default(), Through::default());
    let (mut committing, mut committing_cpu, mut two_commits) =
        (Samples::default(), Samples::default(), Samples::default());
    let (mut half, mut half_committing) = (Samples::default(), Samples::default());

    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--copying");
    let mut yardstick = Process::start(command, setting.core)?;
    let port: u16 = yardstick.first_line()?.trim().parse().map_err(io::Error::other)?;
    let (none, full) = (Site::new(setting, false, "")?, Site::new(setting, true, "")?);
    let (none_gateway, full_gateway) = (none.start().await?, full.start().await?);

    let mut bare = Vec::new();
    let mut none_pairs = Vec::new();
    let mut full_pairs = Vec::new();
    for index in 0..PAIRS {
        bare.push(Pair::bare(port, index).await?);
        none_pairs.push(Pair::sessions(none.port, index).await?);
        full_pairs.push(Pair::sessions(full.port, index).await?);
    }
    for _ in 0..setting.repetitions {
        through(&mut bare, operations, &yardstick, &mut copying).await?;
        through(&mut none_pairs, operations, &none_gateway, &mut volatile).await?;
        through(&mut full_pairs, operations, &full_gateway, &mut durable).await?;
        let figures = committing::run(&setting.folder, operations, BODY)?;
        committing.push(figures.per_s);
        committing_cpu.push(1.0 / figures.cpu_s);
        two_commits.push(2.0 * figures.commit_s * 1e6);

        let rate = durable.per_s.median() / 2.0;
        let content = chat::content(BODY);
        let figures = chat::run(&mut full_pairs, Load::Rate(rate, 3.0), &content).await?;
        half.push(quantile(&figures.latencies, 0.99) * 1e3);
        half_committing.push(quantile(&committing::at_rate(&setting.folder, rate, 3.0, BODY)?, 0.99) * 1e3);
    }

    let added: Samples =
        [(durable.single_s.median() - copying.single_s.median()) * 1e6].into_iter().collect();
    let budget = two_commits.median() + 200.0;
    Ok(vec![
        Row {
            what: "native relay, durability none, 10 pairs with a window of 100".to_owned(),
            ours: (volatile.per_cpu_s, "operations per CPU second"),
            yardstick: Some((copying.per_cpu_s, "copying")),
            goal: Goal::AtLeast(0.5),
        },
        Row {
            what: "native relay, full durability, the same".to_owned(),
            ours: (durable.per_s, "operations per second"),
            yardstick: Some((committing, "committing")),
            goal: Goal::AtLeast(0.6),
        },
        Row {
            what: "the same, by processor time".to_owned(),
            ours: (durable.per_cpu_s, "operations per CPU second"),
            yardstick: Some((committing_cpu, "committing")),
            goal: Goal::None,
        },
        Row {
            what: "one operation at a time, full durability: added to the copying yardstick's".to_owned(),
            ours: (added, "µs"),
            yardstick: Some(([budget].into_iter().collect(), "two commits and 200 µs")),
            goal: Goal::AtMost(1.0),
        },
        Row {
            what: "at half of saturation, full durability: 99 of 100 answered within".to_owned(),
            ours: (half, "ms"),
            yardstick: Some((half_committing, "committing")),
            goal: Goal::AtMost(2.0),
        },
    ])
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
