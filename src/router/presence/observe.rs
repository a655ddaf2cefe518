//! Presentities of foreign systems, which their adapters observe.

use std::sync::Arc;

use cpim_adapter::{Class, Observation};
use tracing::debug;

use super::super::Router;
use crate::presence::State;

impl Router {
    /// What an adapter sees of a presentity of its system.
    pub(in super::super) fn observed(&self, port: usize, observation: Observation) {
        let Observation { presentity, presence, document } = observation;
        let Ok(uri) = self.policy().mapper.map_foreign(&presentity, Class::Pres) else { return };
        let known = self.presence.with(|book, _| {
            let name = book.name_of(uri.address());
            name.is_some_and(|name| book.observed(name, State { presence, document }))
        });
        if !known {
            debug!(port, %presentity, "observation dropped: nobody watches");
        }
    }

    /// Has observed what was watched before the last start, or before its system was out of reach.
    pub(super) fn observe_again(self: &Arc<Self>) {
        for (name, port, foreign) in self.presence.with(|book, _| book.unknown_foreign()) {
            if self.presence.with(|book, _| book.begins_to_observe(name)) {
                continue;
            }
            let Some(adapter) = self.adapter(port).cloned() else { continue };
            let router = Arc::clone(self);
            self.tasks.spawn(async move {
                if let Err(error) = adapter.observe(foreign.clone()).await {
                    debug!(presentity = %foreign, %error, "cannot be observed yet");
                    // Out of reach is closed; it is asked for again later.
                    router.presence.with(|book, _| book.is_out_of_reach(name));
                }
            });
        }
    }
}
