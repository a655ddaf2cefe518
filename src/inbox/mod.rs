//! The gateway's own inbox, `im:gateway@RELAY-DOMAIN`: commands as messages, from any adapter, answered in kind.
//!
//! It is a port of the router like an adapter's, so that what is written to it has the journal, an outcome and the
//! recognition of retransmissions like any other message. Its answers are ordinary messages that say of themselves
//! that no person wrote them; what says so itself is never answered, and so two gateways never talk to each other.
//!
//! Nobody commands for somebody else: what a command is about is whoever sent it. Whoever is not proven to be who he
//! says he is must confirm what changes anything with a word that is sent to him.

mod adapter;
mod command;
mod confirm;
mod desk;
mod help;
mod letter;
mod pace;
mod presence;
mod reading;
mod rules;
#[cfg(test)]
mod tests;
mod words;

pub use adapter::Inbox;
pub(crate) use rules::for_somebody;
