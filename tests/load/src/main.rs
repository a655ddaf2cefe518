//! How fast, how much, how many: starts the gateway and its yardsticks in one run, repeats, and prints medians, spreads
//! and ratios. Figures of one machine say little; ratios of one run say more. See README.md.

mod gateway;
mod native;
mod process;
mod report;
mod rows;
mod stats;
mod yardstick;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use report::Row;

/// One part of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// Native sessions among themselves.
    Relay,
    /// Memory of what says nothing.
    Idle,
    /// Native sessions to clients of the IRC listener.
    Irc,
    /// Mail to a native session.
    Mail,
    /// A presentity and its watchers.
    Fanout,
}

/// Measures the gateway beside its yardsticks.
#[derive(Debug, Parser)]
struct Arguments {
    /// The parts to measure; all where none is named.
    parts: Vec<Part>,
    /// How often each is measured.
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
    /// Instead of measuring: be the copying yardstick.
    #[arg(long, hide = true)]
    copying: bool,
}

/// What every row needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    gateway: PathBuf,
    folder: PathBuf,
    core: Option<u32>,
    repetitions: usize,
    percent: usize,
}

impl Setting {
    /// This many, at the size that was asked for; at least 10.
    fn scaled(&self, count: usize) -> usize {
        (count * self.percent / 100).max(10)
    }
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
    let local = tokio::task::LocalSet::new();
    match local.block_on(&runtime, measure(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &io::Error) -> ExitCode {
    eprintln!("cpim-load: {error}");
    ExitCode::FAILURE
}

async fn measure(arguments: &Arguments) -> io::Result<()> {
    let setting = Setting {
        gateway: arguments.gateway.canonicalize()?,
        folder: arguments.folder.canonicalize()?,
        core: arguments.core,
        repetitions: arguments.repetitions,
        percent: arguments.percent,
    };
    let parts = if arguments.parts.is_empty() { Part::value_variants() } else { &arguments.parts };
    println!("{}", report::HEAD);
    let mut lines = Vec::new();
    for part in parts {
        let rows: Vec<Row> = match part {
            Part::Relay => rows::relay::rows(&setting).await?,
            Part::Idle => rows::idle::rows(&setting).await?,
            Part::Irc => rows::irc::rows(&setting).await?,
            Part::Mail => rows::mail::rows(&setting).await?,
            Part::Fanout => rows::fanout::rows(&setting).await?,
        };
        for row in rows {
            println!("{}", row.line());
            lines.push(row.line());
        }
    }
    match &arguments.page {
        Some(page) => report::write(page, &lines),
        None => Ok(()),
    }
}
