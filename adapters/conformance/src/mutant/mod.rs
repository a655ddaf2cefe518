//! Mutants: any adapter, with one fault. The judge is judged by them.
//!
//! Most faults stand between the adapter and the gateway, so that any adapter can have them. What only the encoder
//! or the reader of a protocol can do wrong ([`Mutant::is_within`]) is within the reference adapter.

mod adapter;
mod exchange;
mod faults;
mod outgoing;

pub use adapter::Mutated;
pub use faults::Mutant;

impl Mutant {
    /// Whether the fault is within the reference adapter, and not between an adapter and the gateway.
    #[must_use]
    pub const fn is_within(self) -> bool {
        matches!(
            self,
            Self::EndsAtBadAddress
                | Self::InjectsByName
                | Self::InjectsBySubject
                | Self::InjectsByText
                | Self::StopsAtGarbage
                | Self::TakesHalves
        )
    }
}
