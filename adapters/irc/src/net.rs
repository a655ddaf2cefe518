//! A network, whichever way the gateway has part in it.

use async_trait::async_trait;
use cpim_adapter::{AdapterContext, AdapterError, CommitPoint, Delivery, DeliveryError, Outcome};

use crate::address::NetworkName;

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

    /// Hands an operation to whoever the target is.
    async fn deliver(
        &self,
        target: &str,
        delivery: Delivery,
        commit: &CommitPoint,
    ) -> Result<Outcome, DeliveryError>;

    /// Begins to observe a target, and tells its presence by [`AdapterContext::observed`].
    async fn observe(&self, target: &str) -> Result<(), DeliveryError>;

    /// Ends the observation.
    async fn unobserve(&self, target: &str);
}
