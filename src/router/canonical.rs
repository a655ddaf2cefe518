//! One address for everybody: what arrives is brought to the form in which it is compared, kept and authorised, as the
//! adapter of each foreign address says (DESIGN: a nick is folded by its network's casemapping). The spelling stays.

use cpim_adapter::{Address, Operation};

use super::Router;

impl Router {
    /// The operation, with what its URIs mean in canonical form. What an adapter's grammar refuses stays as it was
    /// written, and is refused where it is looked for.
    pub(super) fn canonical_operation(&self, mut operation: Operation) -> Operation {
        let names = self.policy().names.clone();
        let means = |address: &Address| names.folded(address);
        match &mut operation {
            Operation::Message(message) => {
                message.source = message.source.meaning(means(message.source.address()));
                message.destination = message.destination.meaning(means(message.destination.address()));
            }
            Operation::Notify(notify) => {
                notify.watcher = notify.watcher.meaning(means(notify.watcher.address()));
                notify.target = notify.target.meaning(means(notify.target.address()));
            }
            Operation::Publish(publish) => {
                publish.target = publish.target.meaning(means(publish.target.address()));
            }
            Operation::Subscribe(subscribe) => {
                subscribe.watcher = subscribe.watcher.meaning(means(subscribe.watcher.address()));
                subscribe.target = subscribe.target.meaning(means(subscribe.target.address()));
            }
            Operation::Unsubscribe(unsubscribe) => {
                unsubscribe.watcher = unsubscribe.watcher.meaning(means(unsubscribe.watcher.address()));
                unsubscribe.target = unsubscribe.target.meaning(means(unsubscribe.target.address()));
            }
        }
        operation
    }
}
