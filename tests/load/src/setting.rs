//! What every part needs to know.

use std::path::PathBuf;
use std::time::Instant;

/// How it is measured.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The program.
    pub(crate) gateway: PathBuf,
    /// Where stores are made.
    pub(crate) folder: PathBuf,
    /// The core for everything that is measured.
    pub(crate) core: Option<u32>,
    /// How often.
    pub(crate) repetitions: usize,
    /// Of the full size.
    pub(crate) percent: usize,
    /// No repetition begins after this.
    pub(crate) until: Instant,
}

impl Setting {
    /// This many, at the size that was asked for; at least 10.
    pub(crate) fn scaled(&self, count: usize) -> usize {
        (count * self.percent / 100).max(10)
    }

    /// Whether there is another repetition after so many: one there is always.
    pub(crate) fn goes_on(&self, done: usize) -> bool {
        done == 0 || (done < self.repetitions && Instant::now() < self.until)
    }

    /// The same at another size and so many repetitions at most.
    pub(crate) fn sized(&self, percent: usize, repetitions: usize) -> Self {
        Self { percent, repetitions: self.repetitions.min(repetitions), ..self.clone() }
    }
}
