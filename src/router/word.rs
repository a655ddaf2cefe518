//! Words on legs that were handed over: answers, ends of connections, the end of the wait.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    Address, Authority, Code, LegRef, Mapper, Report, Response, Scope, Status, TransId, Word,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::Router;
use super::flight::{Attempt, Stage};
use super::presence;
use super::rows;
use crate::clock::UnixMs;
use crate::fault;
use crate::store::Story;
use crate::sync::lock;

/// How exactly the end of a wait is kept, and how soon kept answers are offered.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Why nobody can know.
pub(super) const NO_WORD: &str = "handed over, but no answer came";

impl Router {
    /// A word on a leg, from somebody who waits until it is durable.
    pub(super) fn report_and_tell(self: &Arc<Self>, report: Report, done: oneshot::Sender<()>) {
        let number = self.number_of(&report.leg);
        let mut table = lock(&self.table);
        match number.and_then(|number| table.get_mut(number)) {
            Some(flight) => flight.told.push(done),
            // It has its outcome already. Whoever does not wait any more need not be told.
            None => drop(done.send(())),
        }
        drop(table);
        self.report(report);
    }

    /// A word on a leg.
    pub(super) fn report(self: &Arc<Self>, report: Report) {
        if let LegRef::Number(number) = report.leg
            && presence::is_ours(number)
        {
            return self.presence_word(number, report.word);
        }
        let number = self.number_of(&report.leg);
        let stage = number.and_then(|number| {
            lock(&self.table).get(number).map(|flight| (number, flight.stage.clone(), flight.attempt))
        });
        match (stage, report.word) {
            (Some((number, Stage::Committed | Stage::Queued, _)), Word::Answered(response)) => {
                self.on_answer(number, response);
            }
            (Some((number, Stage::Committed, _)), Word::NotSent) => {
                self.call_back(number);
                self.step(number, "not sent", "the connection ended first");
                self.requeue(number, Duration::ZERO);
            }
            (Some((number, Stage::Committed, attempt)), Word::Unknown) => self.on_unknown(number, attempt),
            (Some(_), _) => {}
            (None, Word::Answered(response)) => self.on_late_word(report.leg, response),
            (None, Word::NotSent | Word::Unknown) => {}
        }
    }

    fn number_of(&self, leg: &LegRef) -> Option<i64> {
        match leg {
            LegRef::Number(leg) => i64::try_from(*leg).ok(),
            LegRef::Stray { trans_id, authority } => self.stray_in_flight(trans_id, authority),
        }
    }

    fn stray_in_flight(&self, trans_id: &TransId, authority: &Authority) -> Option<i64> {
        let policy = self.policy();
        let table = lock(&self.table);
        let number = table.by_leg(trans_id)?;
        let flight = table.get(number)?;
        // An answer from somebody who cannot answer for the destination is no answer.
        (flight.answer_by.is_some() && answers_for(authority, &flight.pair.destination, &policy.mapper))
            .then_some(number)
    }

    fn on_answer(self: &Arc<Self>, number: i64, response: Response) {
        fault::point("answered");
        if response.status() == Status::Failure && response.code() == Some(Code::Busy) {
            // Nothing was accepted there: a transport fault like another.
            self.step(number, "busy", response.words());
            self.call_back(number);
            self.requeue(number, self.pause_of(number));
            return;
        }
        self.settle(number, response.or_code(Code::Refused));
    }

    /// The connection ended, and what was sent on it may or may not have arrived.
    fn on_unknown(self: &Arc<Self>, number: i64, attempt: Attempt) {
        if attempt.is_over(UnixMs::now()) {
            self.step(number, "connection lost", "");
            self.settle(number, Response::indeterminant(Code::Timeout, NO_WORD));
            return;
        }
        self.step(number, "connection lost", "to be sent again: the next hop recognises it");
        if let Some(flight) = lock(&self.table).get_mut(number) {
            flight.again = true;
        }
        self.requeue(number, Duration::ZERO);
    }

    /// A word on what is settled already. It changes nothing, but a failure after `indeterminant` is told.
    fn on_late_word(self: &Arc<Self>, leg: LegRef, response: Response) {
        metrics::counter!("cpim_stray_responses_total").increment(1);
        if response.status() != Status::Failure {
            return;
        }
        let Ok(looking) = Arc::clone(&self.looking).try_acquire_owned() else { return };
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            let _looking = looking;
            let story = match leg {
                LegRef::Number(number) => {
                    router.journal.story(i64::try_from(number).unwrap_or_default()).await
                }
                LegRef::Stray { trans_id, authority } => router
                    .journal
                    .find_leg(trans_id.as_str())
                    .await
                    .map(|stories| stories.into_iter().find(|story| router.may_tell(story, &authority))),
            };
            match story {
                Ok(Some(story)) if was_indeterminant(&story) => {
                    if lock(&router.table).tells_first(story.number) {
                        router.tell_late_failure(&story, &response);
                    }
                }
                Ok(_) => debug!("a response that nobody waits for was dropped"),
                Err(error) => debug!(%error, "a late response could not be looked up"),
            }
        });
    }

    fn may_tell(&self, story: &Story, authority: &Authority) -> bool {
        let mapper = &self.policy().mapper;
        let destination = mapper.read_any(&story.destination);
        destination.is_ok_and(|destination| answers_for(authority, destination.address(), mapper))
    }

    /// Settles what was handed over, and had no answer in time; offers what was kept.
    pub(super) async fn watch_deadlines(self: Arc<Self>) {
        loop {
            sleep(TICK).await;
            let overdue = lock(&self.table).overdue(Instant::now());
            for number in overdue {
                self.settle(number, Response::indeterminant(Code::Timeout, NO_WORD));
            }
            self.make_offers();
        }
    }
}

/// Whether somebody may answer for a destination: it is his own, by name; that he may send for others is not
/// enough.
fn answers_for(authority: &Authority, destination: &Address, mapper: &Mapper) -> bool {
    let foreign = mapper.unmap(destination).ok();
    authority.scopes.iter().any(|scope| match scope {
        Scope::Address(_) | Scope::Domain(_) => scope.covers(destination),
        Scope::Selector(selector) => foreign.as_ref().is_some_and(|foreign| foreign.selector() == selector),
        Scope::Any | Scope::Under(_) => false,
    })
}

fn was_indeterminant(story: &Story) -> bool {
    story
        .settled
        .as_ref()
        .is_some_and(|settled| rows::response(&settled.outcome).status() == Status::Indeterminant)
}
