//! The adapters of this build under the conformance kit.

use std::sync::Arc;

use cpim_conformance::Subject;

/// How an adapter is held to the kit.
type Make = fn() -> Arc<dyn Subject>;

/// Every adapter of this build, by the name of its section; one that takes part in several ways, by each of them.
const SUBJECTS: &[(&str, Make)] = &[
    ("cpim", || Arc::new(cpim_native_conform::Native)),
    ("irc", || Arc::new(cpim_irc_conform::IrcListener)),
    ("irc-network", || Arc::new(cpim_irc_conform::IrcNetwork::Cautious)),
    ("irc-network-trusting", || Arc::new(cpim_irc_conform::IrcNetwork::Trusting)),
    ("smtp", || Arc::new(cpim_smtp_conform::Mail)),
];

/// The adapter of this name, with its peer.
#[must_use]
pub fn subject(name: &str) -> Option<Arc<dyn Subject>> {
    SUBJECTS.iter().find(|(known, _)| *known == name).map(|(_, make)| make())
}

/// An adapter in a process of its own, for this selector, with a program that plays its peer.
///
/// # Errors
/// What is wrong with the selector.
pub fn external(selector: &str, adapter: &str, peer: &str) -> Result<Arc<dyn Subject>, String> {
    Ok(Arc::new(cpim_native_conform::External::new(selector, adapter, peer)?))
}

/// The names of the adapters, for whoever asks for another.
#[must_use]
pub fn names() -> Vec<&'static str> {
    SUBJECTS.iter().map(|(name, _)| *name).collect()
}
