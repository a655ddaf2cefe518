//! How fast, how much, how many: starts the gateway and its yardsticks in one run, repeats, and prints medians, spreads
//! and ratios. Figures of one machine say little; ratios of one run say more. See README.md.

mod chain;
mod flame;
mod gateway;
mod native;
mod peers;
mod process;
mod report;
mod rows;
mod setting;
mod stats;
mod table;
mod yardstick;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use setting::Setting;
use table::Table;

/// One part of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// Native sessions among themselves.
    Relay,
    /// Memory of what says nothing.
    Idle,
    /// Native sessions to clients of the IRC listener and back, beside biboumi.
    Irc,
    /// Foreign users on an IRC network that others run.
    Puppets,
    /// Mail in and out, beside Postfix and smtp-sink.
    Mail,
    /// A presentity and its watchers, beside ejabberd.
    Fanout,
    /// A million subscriptions in the store.
    Leases,
    /// The same at a hundredth, a tenth and the whole of its size.
    Growth,
    /// Instead of figures: in which functions the gateway's time is, by `perf`. Only where it is named.
    Profile,
}

impl Part {
    /// Seconds that it may take in all: together a quarter of an hour without profiles. It ends with what it has by then.
    const fn at_most_s(self) -> u64 {
        match self {
            Self::Relay | Self::Growth => 120,
            Self::Idle | Self::Mail | Self::Fanout => 80,
            Self::Irc => 160,
            Self::Puppets => 100,
            Self::Leases => 160,
            Self::Profile => 180,
        }
    }
}

/// Measures the gateway beside its yardsticks.
#[derive(Debug, Parser)]
struct Arguments {
    /// The parts to measure; all where none is named.
    parts: Vec<Part>,
    /// How often each is measured, where its time is enough.
    #[arg(long, default_value_t = 5)]
    repetitions: usize,
    /// Everything at so many hundredths of its size.
    #[arg(long, default_value_t = 100)]
    percent: usize,
    /// The gateway to measure: a release build.
    #[arg(long, default_value = "target/release/cpim-gateway")]
    gateway: PathBuf,
    /// Where stores are made: on the disk that is to be measured.
    #[arg(long, default_value = "target")]
    folder: PathBuf,
    /// Everything on this core alone: less is done, and the spreads are smaller.
    #[arg(long)]
    core: Option<u32>,
    /// Writes the table between the marks of this page.
    #[arg(long)]
    page: Option<PathBuf>,
    /// Puts the flame graphs of `profile` into this folder.
    #[arg(long)]
    flames: Option<PathBuf>,
    /// Instead of measuring: be the copying yardstick.
    #[arg(long, hide = true)]
    copying: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    if arguments.copying {
        return runtime
            .block_on(yardstick::copying::run())
            .map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS);
    }
    let mut table = Table::default();
    let measured = measure(&arguments, &runtime, &mut table);
    let written = measured.and_then(|()| match &arguments.page {
        Some(page) => table.write(page),
        None => Ok(()),
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &io::Error) -> ExitCode {
    eprintln!("cpim-load: {error}");
    ExitCode::FAILURE
}

fn measure(arguments: &Arguments, runtime: &tokio::runtime::Runtime, table: &mut Table) -> io::Result<()> {
    let all: Vec<Part> =
        Part::value_variants().iter().copied().filter(|part| *part != Part::Profile).collect();
    let parts = if arguments.parts.is_empty() { &all } else { &arguments.parts };
    for part in parts {
        let (name, begun) = (format!("{part:?}").to_lowercase(), Instant::now());
        let limit = Duration::from_secs(part.at_most_s());
        // The last third is for what a repetition that has begun still takes.
        let setting = Setting {
            gateway: arguments.gateway.canonicalize()?,
            folder: arguments.folder.canonicalize()?,
            core: arguments.core,
            repetitions: arguments.repetitions,
            percent: arguments.percent,
            until: begun + limit * 2 / 3,
        };
        eprintln!("cpim-load: {name}, {} s at most", limit.as_secs());
        // What a part has left running ends with its local set, whether it is done or is cut off.
        let local = tokio::task::LocalSet::new();
        let result = local.block_on(runtime, async {
            let cut = || Err(io::Error::other(format!("not done after {} s", limit.as_secs())));
            tokio::time::timeout(limit, run(*part, &setting, table, arguments.flames.as_deref()))
                .await
                .unwrap_or_else(|_| cut())
        });
        if let Err(error) = result {
            table.not_run(&name, &error);
        }
        eprintln!("cpim-load: {name} took {} s", begun.elapsed().as_secs());
    }
    Ok(())
}

async fn run(part: Part, setting: &Setting, table: &mut Table, flames: Option<&Path>) -> io::Result<()> {
    match part {
        Part::Relay => rows::relay::rows(setting, table).await,
        Part::Idle => rows::idle::rows(setting, table).await,
        Part::Irc => rows::irc::rows(setting, table).await,
        Part::Puppets => rows::puppets::rows(setting, table).await,
        Part::Mail => rows::mail::rows(setting, table).await,
        Part::Fanout => rows::fanout::rows(setting, table).await,
        Part::Leases => rows::leases::rows(setting, table).await,
        Part::Growth => rows::growth::rows(setting, table).await,
        Part::Profile => rows::profile::texts(setting, table, flames).await,
    }
}
