//! Publishing: what a presentity says of itself, by one of its sessions or by a command.

use std::sync::Arc;

use cpim_adapter::{Code, Publish, Response};

use super::super::Router;
use super::super::refusal::Refusal;
use super::ask::{Answered, Asked};
use super::place::Place;
use crate::presence::{BY_COMMAND, Kind, Publication, State};

impl Router {
    /// Replaces what this session published before (native-cpim.md, Presence over a session). Answered once it is
    /// durable.
    pub(super) async fn publish(
        self: &Arc<Self>,
        publish: &Publish,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let written = publish.target.address();
        let presentity = match self.place(written, written, asked.standing).await {
            Ok(Place::Hosted(presentity)) => presentity,
            // Whose own system knows no presence may still have some here.
            Err(refusal) if asked.session.is_none() && refusal.code == Code::Unsupported => written.clone(),
            Ok(_) => return Err(Refusal::new(Code::Unsupported, "its presence is not kept here", "")),
            Err(refusal) => return Err(refusal),
        };
        let session = asked.session.unwrap_or(BY_COMMAND);
        let state = State { presence: publish.presence.clone(), document: publish.document.clone() };
        self.presence.with(|book, now| {
            let name = book.presentity(&presentity, Kind::Hosted);
            match publish.duration {
                // For no time at all: what was published is taken back.
                Some(0) => book.withdraw(session, name),
                duration => {
                    let until = duration.map(|seconds| now + i64::from(seconds) * 1_000);
                    book.publish(session, name, Publication { state: Arc::new(state), until })
                }
            }
        });
        // The session may have gone meanwhile, and what it published with it.
        if asked.session.is_some_and(|session| self.contacts.session(session).is_none()) {
            self.presence_close(session);
        }
        if !self.note_presence(&presentity).await {
            return Err(Refusal::busy("nothing can be written down at present"));
        }
        Ok(Answered::alone(Response::success().with_duration(publish.duration)))
    }
}
