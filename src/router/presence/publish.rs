//! Publishing: what a presentity says of itself, by one of its sessions or by a command.

use std::sync::Arc;

use cpim_adapter::pidf::{self, PidfError};
use cpim_adapter::{Address, Code, Content, Publish, Response};

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
        if let Some(document) = &publish.document {
            check(document, &presentity)?;
        }
        let session = asked.session.unwrap_or(BY_COMMAND);
        let state = State { presence: publish.presence.clone(), document: publish.document.clone() };
        if asked.session.is_none()
            && !self.note_commanded(&presentity, (publish.duration != Some(0)).then_some(&state)).await
        {
            return Err(Refusal::busy("nothing can be written down at present"));
        }
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
            self.presence_close(session, None);
        }
        if !self.note_presence(&presentity).await {
            return Err(Refusal::busy("nothing can be written down at present"));
        }
        Ok(Answered::alone(Response::success().with_duration(publish.duration)))
    }
}

/// A presence document must be one, and this presentity's, before anybody is told of it; what is in another form is
/// passed on as it is.
fn check(document: &Content, presentity: &Address) -> Result<(), Refusal> {
    if !pidf::is_pidf(document) {
        return Ok(());
    }
    let document = pidf::Document::read(document).map_err(|error| match error {
        PidfError::TooLarge(_) | PidfError::TooManyTuples => {
            Refusal::new(Code::TooLarge, error.to_string(), "")
        }
        error => Refusal::new(Code::Unsupported, error.to_string(), ""),
    })?;
    match document.speaks_for(presentity) {
        true => Ok(()),
        false => Err(Refusal::new(Code::Denied, PidfError::Entity.to_string(), "")),
    }
}
