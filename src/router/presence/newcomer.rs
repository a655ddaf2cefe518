//! Somebody new is at an address: the presence that was set there, and the subscriptions that were made, were another's.

use std::sync::Arc;

use cpim_adapter::Address;

use super::super::Router;
use crate::presence::{BY_COMMAND, How};

impl Router {
    /// Ends both. `false`: that cannot be written down at present.
    pub(in super::super) async fn end_presence_of(self: &Arc<Self>, address: &Address) -> bool {
        if let Some(name) = self.presence.with(|book, _| book.commanded(address)) {
            if !self.note_commanded(address, None).await {
                return false;
            }
            self.presence.with(|book, _| book.withdraw(BY_COMMAND, name));
        }
        let ended = self.presence.with(|book, now| {
            let keys = book.leases_by(address);
            keys.into_iter().filter_map(|key| book.end(key, How::Unsubscribed, now)).collect::<Vec<_>>()
        });
        for ended in ended {
            self.write_end(&ended, None).await;
            self.end_far_in_turn(ended);
        }
        true
    }
}
