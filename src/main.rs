//! The binary: everything is in the library, where it can be tested.

use std::process::ExitCode;

/// A gateway that is busy allocates and frees some dozens of times for each operation, most of it on another thread than
/// it came from: that is what this allocator is quick at, and it gives memory back that is not needed any more. Without huge
/// pages: of two megabytes that are touched at once, most are never used where little is kept for each of many sessions.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cpim_gateway::cli::main()
}
