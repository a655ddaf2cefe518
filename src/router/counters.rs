//! The numbers that every operation counts up, looked up once and not by name and label each time.

use cpim_adapter::Status;
use metrics::{Counter, counter};

/// Handles on these numbers.
pub(super) struct Counters {
    /// Operations accepted.
    pub(super) accepted: Counter,
    failed: Counter,
    unknown: Counter,
    succeeded: Counter,
}

impl Counters {
    /// The numbers of the recorder that collects now: made at the first operation, when there is one.
    pub(super) fn new() -> Self {
        let settled = |status: Status| counter!("cpim_settled_total", "status" => status.as_str());
        Self {
            accepted: counter!("cpim_accepted_total"),
            failed: settled(Status::Failure),
            unknown: settled(Status::Indeterminant),
            succeeded: settled(Status::Success),
        }
    }

    /// Operations settled so.
    pub(super) const fn settled(&self, status: Status) -> &Counter {
        match status {
            Status::Failure => &self.failed,
            Status::Indeterminant => &self.unknown,
            Status::Success => &self.succeeded,
        }
    }
}
