//! Mutants: any adapter, with one fault between it and the gateway. The judge is judged by them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, Capabilities, CommitLog, CommitPoint, Content,
    Delivery, DeliveryError, ForeignAddress, HealthReporter, Metadata, NextHop, Operation, Outcome, Response,
    Shutdown, Withdrawn,
};

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident caught by $case:literal;)*) => {
        /// One fault.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Mutant { $($(#[$doc])* $name,)* }

        impl Mutant {
            /// Every fault there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The case that must catch it.
            #[must_use]
            pub const fn caught_by(self) -> &'static str {
                match self { $(Self::$name => $case,)* }
            }
        }
    };
}

mutants! {
    /// Says `success` before the far side did.
    AnswersEarly caught by "answer.success";
    /// Changes the content.
    ChangesContent caught by "out.contents";
    /// Claims another size than its author declared.
    ClaimsMore caught by "claims.kept";
    /// Sends first, and passes the commit point then.
    CommitsLate caught by "commit.before";
    /// Counts hops down on its own.
    CountsHops caught by "out.passage";
    /// Out of contact, it says `success`.
    DeliversToNobody caught by "contact.away";
    /// Delivers twice.
    DeliversTwice caught by "out.message";
    /// Loses what belongs to a message besides its content.
    DropsMetadata caught by "out.features";
    /// Gives an error behind the commit point.
    ErrorAfterCommit caught by "commit.passed";
    /// Takes every spelling of an address as it is.
    FoldsNothing caught by "addresses.canonical";
    /// Does not hear that it is to drain.
    IgnoresDrain caught by "end.idle";
    /// Does not hear that it is to end at once.
    IgnoresForce caught by "end.force";
    /// Never says that it is up.
    SaysNothingOfHealth caught by "health.told";
}

/// An adapter with one fault.
pub struct Mutated {
    adapter: Arc<dyn Adapter>,
    mutant: Mutant,
}

impl Mutated {
    /// This adapter with this fault.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, mutant: Mutant) -> Self {
        Self { adapter, mutant }
    }

    fn mutate(&self, delivery: &mut Delivery) {
        if self.mutant == Mutant::CountsHops {
            delivery.passage.hops = delivery.passage.hops.saturating_sub(1);
        }
        let Operation::Message(message) = &*delivery.operation else { return };
        let mut message = message.clone();
        match self.mutant {
            Mutant::ChangesContent => {
                let octets = message.content.octets().to_ascii_lowercase();
                message.content = Content::new(Bytes::from(octets));
            }
            Mutant::DropsMetadata => message.metadata = Metadata::default(),
            _ => return,
        }
        delivery.operation = Arc::new(Operation::Message(message));
    }
}

/// A commit log that holds nothing up.
struct Free;

#[async_trait]
impl CommitLog for Free {
    async fn commit(&self, _recall: Option<Duration>) -> Result<(), Withdrawn> {
        Ok(())
    }
}

#[async_trait]
impl Adapter for Mutated {
    fn capabilities(&self) -> Capabilities {
        let own = self.adapter.capabilities();
        match self.mutant {
            Mutant::ClaimsMore => Capabilities { max_content_octets: Some(usize::MAX), ..own },
            _ => own,
        }
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        match self.mutant {
            Mutant::FoldsNothing => Ok(foreign),
            _ => self.adapter.canonicalise(foreign),
        }
    }

    fn recalls(&self, hop: &NextHop) -> Option<Duration> {
        self.adapter.recalls(hop)
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        self.adapter.bind().await
    }

    async fn run(&self, mut cx: AdapterContext) -> Result<(), AdapterError> {
        match self.mutant {
            Mutant::IgnoresDrain | Mutant::IgnoresForce => cx.shutdown = Shutdown::default(),
            Mutant::SaysNothingOfHealth => cx.health = HealthReporter::new().0,
            _ => {}
        }
        self.adapter.run(cx).await
    }

    async fn deliver(&self, mut delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        self.mutate(&mut delivery);
        match self.mutant {
            Mutant::CommitsLate => {
                let outcome = self.adapter.deliver(delivery, &CommitPoint::new(Free)).await;
                let passed = commit.pass(None).await;
                passed.map_err(|withdrawn| DeliveryError::transport(withdrawn.to_string()))?;
                outcome
            }
            Mutant::DeliversTwice => {
                let twin = Delivery { trans_id: delivery.trans_id.clone(), ..delivery.clone() };
                drop(self.adapter.deliver(twin, &CommitPoint::new(Free)).await);
                self.adapter.deliver(delivery, commit).await
            }
            Mutant::AnswersEarly => {
                self.adapter.deliver(delivery, commit).await?;
                Ok(Outcome::Delivered(Response::success()))
            }
            Mutant::ErrorAfterCommit => {
                self.adapter.deliver(delivery, commit).await?;
                Err(DeliveryError::transport("in doubt"))
            }
            Mutant::DeliversToNobody => match self.adapter.deliver(delivery, commit).await {
                Err(_) if commit.pass(None).await.is_ok() => Ok(Outcome::Delivered(Response::success())),
                outcome => outcome,
            },
            _ => self.adapter.deliver(delivery, commit).await,
        }
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        self.adapter.observe(presentity).await
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        self.adapter.unobserve(presentity).await;
    }
}
