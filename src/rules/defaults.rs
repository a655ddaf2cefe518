//! What holds where a principal has said nothing.

use cpim_adapter::Standing;
use serde::Deserialize;

use super::{Ask, Decision};

/// What the administrator sets for everybody who has not said otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    /// Everybody may.
    Allow,
    /// Nobody may, and hears so.
    Deny,
    /// Nobody may, and nobody hears so.
    Polite,
    /// Whoever is proven to be who he says he is may.
    Verified,
}

impl Standard {
    const fn decide(self, standing: Standing) -> Decision {
        match (self, standing) {
            (Self::Allow, _) | (Self::Verified, Standing::Verified) => Decision::Allow,
            (Self::Polite, _) => Decision::Polite,
            (Self::Deny | Self::Verified, _) => Decision::Deny,
        }
    }
}

/// `[principals]`: what holds for those who have set no rule of their own that fits.
///
/// Nobody's presence is told without his saying so. Messages are let through, because the administrator's rules have
/// been asked by then, and those deny unless told otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    /// Who may write to an inbox.
    pub write: Standard,
    /// Who may watch a presentity for a time.
    pub subscribe: Standard,
    /// Who may ask for presence once.
    pub fetch: Standard,
    /// Who, besides a presentity itself, may know who watches it.
    pub watchers: Standard,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            write: Standard::Allow,
            subscribe: Standard::Deny,
            fetch: Standard::Deny,
            watchers: Standard::Deny,
        }
    }
}

impl Defaults {
    /// What holds where nothing else does. Nobody publishes for somebody who has not named him.
    #[must_use]
    pub const fn decide(&self, ask: Ask, standing: Standing) -> Decision {
        let standard = match ask {
            Ask::Fetch => self.fetch,
            Ask::Publish => Standard::Deny,
            Ask::Subscribe => self.subscribe,
            Ask::Winfo => self.watchers,
            Ask::Write => self.write,
        };
        standard.decide(standing)
    }
}
