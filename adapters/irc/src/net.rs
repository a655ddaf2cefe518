//! A network, whichever way the gateway has part in it.

use async_trait::async_trait;
use cpim_adapter::{AdapterContext, AdapterError, CommitPoint, DeliveryError, Notify, OwnConnection, Retry};

use crate::address::NetworkName;
use crate::outgoing::Outgoing;

/// One IRC network. What each method promises is what [`cpim_adapter::Adapter`] says of the one of the same name;
/// `target` is what stands behind the network's name in an address, in its canonical form.
#[async_trait]
pub(crate) trait Network: Send + Sync + 'static {
    /// Its name, as it stands in addresses.
    fn name(&self) -> &NetworkName;

    /// The canonical form of a target: folded as this network folds.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    fn canonicalise(&self, target: &str) -> Result<String, String>;

    /// Opens what it listens at, where it listens.
    async fn bind(&self) -> Result<(), AdapterError>;

    /// Runs until drained; called once.
    async fn run(self: std::sync::Arc<Self>, cx: AdapterContext) -> Result<(), AdapterError>;

    /// Hands a message to whoever the target is; its leg tells what becomes of it.
    async fn letter(
        &self,
        target: &str,
        letter: Outgoing<'_>,
        commit: &CommitPoint,
    ) -> Result<(), DeliveryError>;

    /// Tells whoever the target is of somebody's presence.
    async fn news(&self, target: &str, notify: &Notify, commit: &CommitPoint) -> Result<(), DeliveryError>;

    /// Begins to observe a target, and tells its presence by [`AdapterContext::observed`].
    async fn observe(&self, target: &str) -> Result<(), DeliveryError>;

    /// Ends the observation.
    async fn unobserve(&self, target: &str);

    /// The connections to it that are to be shown.
    fn connections(&self) -> Vec<OwnConnection> {
        Vec::new()
    }
}

/// Nobody on the network has that nick. Whoever writes hears what he would hear of somebody who blocks him politely
/// (RFC 2779 section 5.1.15).
pub(crate) fn nobody_there() -> DeliveryError {
    let detail = "nobody on the network has that nick".into();
    DeliveryError { retry: Retry::Never, detail, ..DeliveryError::out_of_contact() }
}
