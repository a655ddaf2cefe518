//! Names that change hands: what the one before said is not the newcomer's.

use std::sync::Arc;

use cpim_adapter::{Address, Class};
use tracing::warn;

use super::Router;

impl Router {
    /// Ends what was said from an address: its rules, the presence that was set by a command, its subscriptions.
    /// `false`: that cannot be written down at present.
    pub(super) async fn begin_anew(self: &Arc<Self>, address: &Address) -> bool {
        let cleared = self.book.change(address, |sheet| {
            *sheet = Default::default();
            Ok(())
        });
        if let Err(error) = cleared.await {
            warn!(%address, %error, "the rules of whoever had it before cannot be taken back");
            return false;
        }
        self.end_presence_of(&address.with_class(Class::Pres)).await
    }
}
