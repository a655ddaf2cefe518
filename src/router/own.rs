//! What the gateway itself says: answers of its inbox, and word of a failure that came late.

use std::sync::Arc;

use cpim_adapter::{
    Address, Class, Content, ImUri, Local, Message, Metadata, Operation, Standing, TransId, Uri,
};

use super::Router;
use super::flight::Pair;
use super::owner::Owner;
use super::rows::{self, Entry};
use super::submit::new_leg;
use crate::clock::UnixMs;
use crate::store::Story;
use crate::sync::lock;

impl Router {
    /// The gateway's own inbox.
    fn own_address(&self) -> Option<ImUri> {
        let address = self.policy().mapper.address_of(&Local::Gateway, Class::Im).ok()?;
        ImUri::try_from(Uri::from(address)).ok()
    }

    /// Whether an address is this gateway's own.
    pub(crate) fn is_own(&self, address: &Address) -> bool {
        self.policy().mapper.is_gateway(address)
    }

    /// Whether an address is the inbox of this gateway, or of another that is known.
    #[must_use]
    pub fn is_a_gateway(&self, address: &Address) -> bool {
        let is_at_a_peer = || self.policy().expects(address.domain());
        self.is_own(address) || address.local().eq_ignore_ascii_case("gateway") && is_at_a_peer()
    }

    /// Whether the gateway may write to somebody once more: what it has written to him and is still under way is
    /// bounded like anybody's.
    #[must_use]
    pub fn has_room_to_say(&self, to: &Address) -> bool {
        let Some(own) = self.own_address() else { return false };
        let pair = Pair::new(own.as_uri().address().clone(), to.with_class(Class::Im));
        lock(&self.table).open(&pair) < self.policy().limits.pair_backlog
    }

    /// Writes to somebody as the gateway's inbox. `name`: what this is recognised by, should it be said again after a
    /// crash; 255 characters at most.
    pub fn say(self: &Arc<Self>, to: ImUri, content: Content, metadata: Metadata, name: &str) {
        let Some(source) = self.own_address() else { return };
        let message = Message { source, destination: to, content, metadata };
        self.originate(Operation::Message(message), TransId::parse(name).ok());
    }

    /// Tells a sender who was told `indeterminant` that its message has failed.
    pub(super) fn tell_late_failure(self: &Arc<Self>, story: &Story, response: &cpim_adapter::Response) {
        // As it was spelled, which may be a form that is none elsewhere.
        let Ok(sender) = self.policy().mapper.read_any(&story.source) else { return };
        if self.is_a_gateway(sender.address()) {
            return;
        }
        let Ok(destination) = ImUri::try_from(sender) else { return };
        let text = format!(
            "Your message {} to {}, accepted at {} and answered as indeterminant, has failed: {}",
            story.id,
            story.destination,
            UnixMs(story.accepted_at),
            response.text(),
        );
        let metadata = Metadata { automatic: true, ..Metadata::default() };
        let Some(source) = self.own_address() else { return };
        let message = Message { source, destination, content: Content::text(&text), metadata };
        self.originate(Operation::Message(message), None);
    }

    /// Sends an operation of the gateway's own. Nobody waits for its answer.
    fn originate(self: &Arc<Self>, operation: Operation, trans_id: Option<TransId>) {
        let entry = Entry {
            passage: self.own_passage(),
            standing: Standing::Verified,
            owner: Owner::Source(operation.speaks_for().address().clone()),
            trans_id: trans_id.unwrap_or_else(|| new_leg(&lock(&self.table))),
            digest: rows::digest(&operation),
            operation: Arc::new(operation),
            at: UnixMs::now(),
        };
        self.accept(entry, "the gateway itself", (None, None), Vec::new(), None);
    }
}
