//! After a start: taking up what the journal holds unsettled (the crash table of the design).
//!
//! What was never attempted is brought to its next hop as if it had just been accepted. What may have been
//! sent is sent again only to a next hop that recognises it; otherwise nobody can know.

use std::sync::Arc;

use cpim_adapter::{Code, Operation, Response, TransId};
use tokio::time::Instant;
use tracing::{error, info};

use super::Router;
use super::flight::{Attempt, Flight};
use super::route::noted_adapter;
use super::rows;
use super::submit::new_leg;
use super::word::NO_WORD;
use crate::clock::UnixMs;
use crate::store::{StoreError, Unsettled};
use crate::sync::lock;

impl Router {
    pub(super) async fn recover(self: &Arc<Self>) -> Result<(), StoreError> {
        let (mut after, mut recovered) = (0, 0_usize);
        loop {
            let page = self.journal.unsettled(after).await?;
            let Some(last) = page.last() else { break };
            after = last.acceptance.number;
            recovered += page.len();
            for row in page {
                self.take_up(row);
            }
        }
        if recovered > 0 {
            info!(recovered, "operations taken up after the start");
        }
        Ok(())
    }

    /// Whether the adapter of a next hop may still hear what became of what it was given before the restart.
    fn hears_later(&self, hop: &str) -> bool {
        let noted = noted_adapter(hop);
        self.ports.iter().any(|port| noted == Some(port.name) && port.adapter.hears_later())
    }

    fn take_up(self: &Arc<Self>, row: Unsettled) {
        let number = row.acceptance.number;
        let policy = self.policy();
        let entry = match rows::recovered(&row.acceptance, &policy.mapper) {
            Ok(entry) => {
                let operation = self.canonical_operation(Operation::clone(&entry.operation));
                rows::Entry { operation: Arc::new(operation), ..entry }
            }
            Err(column) => {
                // Left in the journal for whoever mends it: settling it would be a lie.
                return error!(
                    number,
                    id = row.acceptance.id,
                    column,
                    "an operation in the journal cannot be read"
                );
            }
        };
        let terms = policy.terms(entry.operation.goes_to().address().domain());
        let attempted = row.attempt.as_ref();
        let noted = attempted.and_then(|attempt| TransId::parse(&attempt.intent.leg).ok());
        let address = entry.operation.goes_to().address();
        let hop = self.hop_at_hand(&self.target(address, &policy), address, &policy);
        let schedule = self.schedule_to(hop.as_ref(), terms);
        let mut table = lock(&self.table);
        let leg = noted.unwrap_or_else(|| new_leg(&table));
        let mut flight = Box::new(Flight::new(number, entry, leg, schedule));
        flight.attempt = match attempted.map(|attempt| attempt.intent.recall_until) {
            None => Attempt::None,
            Some(None) => Attempt::Final,
            Some(Some(until)) => Attempt::Recallable(UnixMs(until)),
        };
        flight.expected = true;
        flight.patience = self.patience_to(hop.as_ref());
        if let Some(attempt) = attempted {
            let hop = &attempt.intent.hop;
            flight.step("attempted", format!("{hop}, before the restart: whether it left is not known"));
        }
        flight.step("recovered", "after a restart");
        if flight.attempt != Attempt::None {
            flight.again = true;
            // The wait for its answer begins anew: nobody can say how much of it was over.
            let by = Instant::now() + self.max_wait(&flight);
            flight.answer_by = Some(flight.sender_waits.map_or(by, |until| until.min(by)));
        }
        let (pair, attempt, answer_by) = (flight.pair.clone(), flight.attempt, flight.answer_by);
        table.insert(flight);
        let hears = attempted.is_some_and(|attempt| self.hears_later(&attempt.intent.hop));
        if let (Attempt::Final, true, Some(answer_by)) = (attempt, hears, answer_by) {
            return table.await_word(number, answer_by);
        }
        let lane = table.enqueue(number);
        drop(table);
        if attempt.is_over(UnixMs::now()) {
            self.settle(number, Response::indeterminant(Code::Timeout, NO_WORD));
        }
        if lane {
            self.start_lane(pair);
        }
    }
}
