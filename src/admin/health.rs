//! How the gateway is, summed up from its parts.

use cpim_adapter::Health;
use serde::{Deserialize, Serialize};

use super::AdminState;
use crate::store::StoreHealth;

/// How the gateway is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HealthView {
    /// The sum: `up`, `degraded` (it works, with trouble), `down` or `draining`.
    pub status: String,
    /// Whether operations are accepted.
    pub ready: bool,
    /// Why not, one reason each.
    pub reasons: Vec<String>,
    /// The store.
    pub store: PartView,
    /// The adapters.
    pub adapters: Vec<PartView>,
    /// Operations accepted and not settled.
    pub in_flight: usize,
    /// Whether it is being stopped.
    pub draining: bool,
    /// The release.
    pub version: String,
}

/// How a part of the gateway is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PartView {
    /// Its name.
    pub name: String,
    /// `starting`, `up`, `degraded`, `stopped` or `down`.
    pub status: String,
    /// The trouble it has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl PartView {
    fn new(name: &str, status: &str, detail: &str) -> Self {
        Self { name: name.to_owned(), status: status.to_owned(), detail: detail.to_owned() }
    }

    fn of_store(health: &StoreHealth) -> Self {
        match health {
            StoreHealth::Ok => Self::new("store", "up", ""),
            StoreHealth::Degraded(why) => Self::new("store", "down", why),
        }
    }

    fn of_adapter(name: &str, health: &Health) -> Self {
        match health {
            Health::Starting => Self::new(name, "starting", ""),
            Health::Up => Self::new(name, "up", ""),
            Health::Degraded(why) => Self::new(name, "degraded", why),
            Health::Stopped => Self::new(name, "stopped", ""),
            Health::Down(why) => Self::new(name, "down", why),
        }
    }

    /// Whether it does its work, be it with trouble.
    fn works(&self) -> bool {
        matches!(self.status.as_str(), "up" | "degraded")
    }

    fn reason(&self) -> String {
        let Self { name, status, detail } = self;
        match detail.is_empty() {
            true => format!("{name} is {status}"),
            false => format!("{name} is {status}: {detail}"),
        }
    }
}

impl AdminState {
    /// How the gateway is now.
    #[must_use]
    pub(super) fn health(&self) -> HealthView {
        let store = PartView::of_store(&self.store.borrow());
        let adapters =
            self.adapters.iter().map(|(name, health)| PartView::of_adapter(name, &health.borrow()));
        let adapters: Vec<PartView> = adapters.collect();
        let draining = self.look.is_draining() || self.shutdown.is_draining();

        let parts = || std::iter::once(&store).chain(&adapters);
        let mut reasons: Vec<String> = parts().filter(|part| !part.works()).map(PartView::reason).collect();
        if draining {
            reasons.push("the gateway is being stopped".to_owned());
        }
        let status = match (draining, reasons.is_empty(), parts().all(|part| part.status == "up")) {
            (true, ..) => "draining",
            (false, false, _) => "down",
            (false, true, false) => "degraded",
            (false, true, true) => "up",
        };
        HealthView {
            status: status.to_owned(),
            ready: reasons.is_empty(),
            reasons,
            store,
            adapters,
            in_flight: self.look.in_flight(),
            draining,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
