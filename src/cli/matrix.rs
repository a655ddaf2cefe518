//! `matrix`: what crosses between any two adapters.

use clap::Args;

use super::exit::{Exit, Failed};
use super::out::Out;
use crate::matrix;

/// Largest content of the native protocol that is taken without a configuration, in octets.
const CONTENT_OCTETS: usize = 1_024 * 1_024;

/// Shows what crosses from any adapter to any other, and in what form
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway matrix
  cpim-gateway matrix --json

whole: as it was. changed: in the form that is named below. lost: without it, and the loss is logged.
refused: the operation fails. -: nobody can say it there.

Exit codes: 0 shown, 1 failure.")]
pub(super) struct Matrix {}

impl Matrix {
    pub(super) fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let sides = matrix::sides(CONTENT_OCTETS);
        match out.is_json() {
            true => matrix::cells(&sides).iter().try_for_each(|cell| out.object(cell))?,
            false => out.line(&matrix::tables(&sides))?,
        }
        Ok(Exit::Done)
    }
}
