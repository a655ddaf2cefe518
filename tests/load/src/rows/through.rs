//! One direction of a chain: at saturation, one message at a time, and at half of saturation.

use std::io;
use std::rc::Rc;

use crate::chain::{self, Board, Load, Sender};
use crate::process::Process;
use crate::stats::Samples;

/// Seconds at half of saturation.
const HALF_S: f64 = 2.0;

/// What was measured of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Through {
    /// Microseconds of processor time of each message.
    pub(crate) cpu_us: Samples,
    /// Messages a second.
    pub(crate) per_s: Samples,
    /// Microseconds of processor time of each, one at a time.
    pub(crate) single_cpu_us: Samples,
    /// Microseconds until it has arrived, one at a time.
    pub(crate) single_us: Samples,
    /// The same at half of saturation, in milliseconds.
    pub(crate) half_ms: Samples,
}

impl Through {
    /// Measures once more: `window` is each sender's, `total` of all.
    ///
    /// # Errors
    /// Where something is lost or refused.
    pub(crate) async fn measure(
        &mut self,
        (board, senders): (&Rc<Board>, &[Rc<Sender>]),
        process: &Process,
        (window, total): (usize, usize),
    ) -> io::Result<()> {
        let cpu = process.cpu_s();
        let figures = chain::run(board, senders, Load::Window(window, total)).await?;
        self.cpu_us.push((process.cpu_s() - cpu) / figures.count * 1e6);
        self.per_s.push(figures.per_s);

        let one = senders.get(..1).unwrap_or_default();
        let cpu = process.cpu_s();
        let figures = chain::run(board, one, Load::Window(1, (total / 20).clamp(50, 2_000))).await?;
        self.single_cpu_us.push((process.cpu_s() - cpu) / figures.count * 1e6);
        self.single_us.push(figures.median_s * 1e6);

        let half = Load::Rate(self.per_s.median() / 2.0, HALF_S);
        self.half_ms.push(chain::run(board, senders, half).await?.median_s * 1e3);
        Ok(())
    }
}
