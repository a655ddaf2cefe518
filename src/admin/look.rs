//! What the admin interface sees of the gateway.

use async_trait::async_trait;

use crate::inbox;
use crate::router::{AliasView, OperationView, Router, SessionView, SubscriptionView, WatcherView};
use crate::rules::{NobodyError, RuleView};
use crate::store::StoreError;

/// A look into a gateway. The router gives it; a test can give another.
#[async_trait]
pub trait Look: Send + Sync + 'static {
    /// Everything that is known of operations with this id, or this transID on either leg; oldest first.
    async fn trace(&self, text: &str) -> Result<Vec<OperationView>, StoreError>;
    /// The first `limit` operations that are accepted and not settled.
    async fn queue(&self, limit: usize) -> Result<Vec<OperationView>, StoreError>;
    /// The aliases that come after `after` (`SPACE NAME`), by space and name, at most `limit`.
    async fn aliases(&self, after: &str, limit: usize) -> Result<Vec<AliasView>, StoreError>;
    /// Who watches somebody, or did until lately.
    ///
    /// # Errors
    /// [`NobodyError`] where the text names nobody.
    fn watchers(&self, of: &str) -> Result<Vec<WatcherView>, NobodyError>;
    /// Whom somebody watches.
    ///
    /// # Errors
    /// [`NobodyError`] where the text names nobody.
    fn subscriptions(&self, of: &str) -> Result<Vec<SubscriptionView>, NobodyError>;
    /// What somebody has said about himself, or everybody, at most `limit`.
    ///
    /// # Errors
    /// [`NobodyError`] where the text names nobody.
    fn rules(&self, of: Option<&str>, limit: usize) -> Result<Vec<RuleView>, NobodyError>;
    /// Does what a command says to the rules of somebody, and says what holds from now on.
    ///
    /// # Errors
    /// What is wrong with the command, or with whom it is for.
    async fn set_rule(&self, of: &str, command: &str) -> Result<String, String>;
    /// Has an adapter do what an administrator asks, in its own words; gives lines for people back.
    ///
    /// # Errors
    /// What is wrong, and what is accepted.
    async fn manage(
        &self,
        adapter: &str,
        words: &[String],
        secret: Option<&str>,
    ) -> Result<Vec<String>, String>;
    /// The connections that are there now.
    fn sessions(&self) -> Vec<SessionView>;
    /// How many operations are accepted and not settled.
    fn in_flight(&self) -> usize;
    /// Whether nothing new is accepted any more.
    fn is_draining(&self) -> bool;
}

#[async_trait]
impl Look for Router {
    async fn trace(&self, text: &str) -> Result<Vec<OperationView>, StoreError> {
        Self::trace(self, text).await
    }

    async fn queue(&self, limit: usize) -> Result<Vec<OperationView>, StoreError> {
        Self::queue(self, limit).await
    }

    async fn aliases(&self, after: &str, limit: usize) -> Result<Vec<AliasView>, StoreError> {
        Self::aliases(self, after, limit).await
    }

    fn watchers(&self, of: &str) -> Result<Vec<WatcherView>, NobodyError> {
        let names = self.book().names();
        Ok(self.watchers_of(&names.principal(&names.read(of)?)))
    }

    fn subscriptions(&self, of: &str) -> Result<Vec<SubscriptionView>, NobodyError> {
        let names = self.book().names();
        Ok(self.subscriptions_of(&names.principal(&names.read(of)?)))
    }

    fn rules(&self, of: Option<&str>, limit: usize) -> Result<Vec<RuleView>, NobodyError> {
        let book = self.book();
        let owner = of.map(|of| book.names().read(of)).transpose()?;
        Ok(book.views(owner.as_ref(), limit))
    }

    async fn set_rule(&self, of: &str, command: &str) -> Result<String, String> {
        let owner = self.book().names().read(of).map_err(|error| error.to_string())?;
        inbox::for_somebody(self, &owner, command).await
    }

    async fn manage(
        &self,
        adapter: &str,
        words: &[String],
        secret: Option<&str>,
    ) -> Result<Vec<String>, String> {
        match self.adapter_named(adapter) {
            Some(adapter) => adapter.manage(words, secret).await,
            None => Err(format!("there is no adapter `{adapter}`")),
        }
    }

    fn sessions(&self) -> Vec<SessionView> {
        Self::sessions(self)
    }

    fn in_flight(&self) -> usize {
        Self::in_flight(self)
    }

    fn is_draining(&self) -> bool {
        Self::is_draining(self)
    }
}
