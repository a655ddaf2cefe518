//! That nothing came. To wait a while for it proves little on a machine that is busy, and takes that while on every other: so
//! something else is sent by the same way, and what was under way before has come by then.

use cpim_adapter::{Code, Response, Status};

use crate::bench::{Bench, text_of};
use crate::case::{Failed, brief, ensure};
use crate::core::Submission;
use crate::subject::{PeerError, Told};

/// What is sent behind.
const FENCE: &str = "and then this";

/// Whose message it is: nobody's of any case.
const BEHIND: u8 = 9;

impl Bench {
    /// Wants nothing to have come to the peer.
    pub(crate) async fn see_nothing(&mut self, why: &str) -> Result<(), Failed> {
        let leg = self.deliver(self.message_between(BEHIND, 0, FENCE));
        let seen = self.see().await?;
        ensure(self.shows(&seen, FENCE), || format!("{why}: the peer got {}", brief(&seen)))?;
        self.reply(&seen, &Response::success()).await?;
        if self.knows_outcomes() {
            self.end(leg).await?;
        }
        Ok(())
    }

    /// What was handed in of what the peer has sent, nothing left out: all of it where that can be known, else what comes for
    /// a moment.
    pub(crate) async fn all_submitted(&mut self) -> Result<Vec<Submission>, Failed> {
        let sent = self.sent(FENCE);
        let mut before = Vec::new();
        match self.peer.send(&sent).await {
            Ok(()) => {}
            Err(PeerError::Unutterable) => {
                while let Some(submission) = self.submitted_within(self.timing.quiet).await {
                    before.push(submission);
                }
                return Ok(before);
            }
            Err(error) => return Err(error.into()),
        }
        let fence = loop {
            let submission = self.submitted().await?;
            match text_of(&submission.arrival.operation).contains(FENCE) {
                true => break submission,
                false => before.push(submission),
            }
        };
        drop(self.core.answer(fence, Response::success()));
        if self.subject.tells(Status::Success) {
            self.told_of(&sent.tag).await?;
        }
        Ok(before)
    }

    /// The word on this message; what is told of others stays for whoever asks for it.
    async fn told_of(&mut self, tag: &str) -> Result<Told, Failed> {
        let mut others = Vec::new();
        let told = loop {
            let told = self.hear().await?;
            match told.tag == tag {
                true => break told,
                false => others.push(told),
            }
        };
        self.told_before(others);
        Ok(told)
    }

    /// Wants nothing to have been handed in.
    pub(crate) async fn nothing_submitted(&mut self, why: &str) -> Result<(), Failed> {
        let before = self.all_submitted().await?;
        before.first().map_or(Ok(()), |submission| {
            Err(Failed(format!("{why}: the adapter handed in {}", brief(&submission.arrival.operation))))
        })
    }

    /// Wants nothing to have been told to the peer. Where a message is answered before the next can be said, or a refusal is
    /// silence, there is nothing to send behind: then nothing must come for a moment.
    pub(crate) async fn hear_nothing(&mut self, why: &str) -> Result<(), Failed> {
        let instead =
            |told: &Told| Failed(format!("{why}: the sender of {} was told `{}`", told.tag, told.response));
        if self.subject.says_taken() || !self.subject.tells(Status::Failure) {
            let told = self.heard_within(self.timing.quiet).await?;
            return told.map_or(Ok(()), |told| Err(instead(&told)));
        }
        let sent = self.sent(FENCE);
        self.peer.send(&sent).await?;
        let submission = self.submitted().await?;
        drop(self.core.answer(submission, Response::failure(Code::Refused, FENCE)));
        let told = self.hear().await?;
        let fits = told.tag == sent.tag && told.response.status() == Status::Failure;
        ensure(fits, || instead(&told).0)
    }
}
