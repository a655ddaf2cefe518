//! The health of several networks as one: an adapter has one word for all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cpim_adapter::{Health, HealthReporter};

use crate::sync::lock;

/// What every network tells its state to. Cheaply cloned.
#[derive(Clone, Debug, Default)]
pub(crate) struct HealthShare(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Told once the adapter runs.
    reporter: Option<HealthReporter>,
    /// By network, what is wrong with it.
    troubles: BTreeMap<String, String>,
}

impl HealthShare {
    /// From now on the health of all is told here.
    pub(crate) fn begin(&self, reporter: HealthReporter) {
        let mut inner = lock(&self.0);
        inner.reporter = Some(reporter);
        inner.tell();
    }

    /// What is wrong with a network; nothing: it is well.
    pub(crate) fn set(&self, network: &str, trouble: Option<String>) {
        let mut inner = lock(&self.0);
        match trouble {
            Some(trouble) => inner.troubles.insert(network.to_owned(), trouble),
            None => inner.troubles.remove(network),
        };
        inner.tell();
    }
}

impl Inner {
    fn tell(&self) {
        let Some(reporter) = &self.reporter else { return };
        reporter.set(match self.troubles.is_empty() {
            true => Health::Up,
            false => {
                let troubles = self.troubles.iter().map(|(network, trouble)| format!("{network}: {trouble}"));
                Health::Degraded(troubles.collect::<Vec<_>>().join("; "))
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_in_trouble_does_not_hide_the_others() {
        let share = HealthShare::default();
        share.set("b.example", Some("banned".into()));
        let (reporter, health) = HealthReporter::new();
        share.begin(reporter);
        share.set("a.example", Some("out of reach".into()));
        let both = "a.example: out of reach; b.example: banned";
        assert_eq!(*health.borrow(), Health::Degraded(both.into()));
        share.set("a.example", None);
        share.set("b.example", None);
        assert_eq!(*health.borrow(), Health::Up);
    }
}
