//! The binary: everything is in the library, where it can be tested.

use std::process::ExitCode;

/// A gateway that is busy allocates and frees some dozens of times for each operation, most of it on another thread than
/// it came from: that is what this allocator is quick at, and it gives memory back that is not needed any more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cpim_gateway::cli::main()
}
