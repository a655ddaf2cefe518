//! Named points on the path of an operation, at which a test can have the process held, and then kill it.
//!
//! Only in builds with debug assertions, and only where the variable `CPIM_FAULT_HOLD` names the point: the
//! task that reaches it says so on standard error (`held at NAME`) and goes no further. A release has none.

/// The variable that names the point.
#[cfg(debug_assertions)]
const HOLD: &str = "CPIM_FAULT_HOLD";

/// Every point there is, in the order in which an operation passes them.
pub const POINTS: [&str; 7] =
    ["received", "accepted", "attempting", "committed", "delivered", "answered", "settled"];

/// The operation has come to a point.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &'static str) {
    debug_assert!(POINTS.contains(&name), "{name} is a point that nobody knows");
    if std::env::var_os(HOLD).is_some_and(|held| held == name) {
        eprintln!("held at {name}");
        let hold = || loop {
            std::thread::park();
        };
        // Only this task is held: the worker's other work, sockets and clocks among it, goes to another thread.
        match tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(hold),
            _ => hold(),
        }
    }
}

/// The operation has come to a point: in a release, nothing happens.
#[cfg(not(debug_assertions))]
pub(crate) const fn point(_name: &'static str) {}
