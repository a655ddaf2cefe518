//! From a destination to its next hop.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cpim_adapter::{
    Address, Code, Endpoint, ImUri, NextHop, Operation, PeerHop, PresUri, Retry, Standing, Uri,
};

use super::policy::Policy;
use super::refusal::Refusal;
use super::target::Target;
use super::{Port, Router};
use crate::resolver::{Resolution, ResolveError};
use crate::rules::Decision;

/// A next hop, and the operation as it goes there.
pub(super) struct Leg {
    pub(super) port: usize,
    pub(super) hop: NextHop,
    pub(super) operation: Arc<Operation>,
    /// From which inbox to which other it is forwarded, one after the other: for the trace.
    pub(super) forwarded: Vec<String>,
}

/// Why there is no next hop now.
pub(super) enum Missed {
    /// There never will be.
    Never(Refusal),
    /// Whoever serves it is not in contact.
    OutOfContact,
    /// Address resolution could not say.
    Later(String),
}

/// Why there is no leg, before the store was asked who was here.
enum NoLeg {
    Missed(Missed),
    /// Nothing leads to this address; that may be because it is out of contact.
    Unknown(Address, Refusal),
}

impl From<Missed> for NoLeg {
    fn from(missed: Missed) -> Self {
        Self::Missed(missed)
    }
}

impl Missed {
    /// As presence sees it, which is told once: whether trying again can help, and why there is none.
    pub(super) fn for_presence(self) -> (Retry, String) {
        match self {
            Self::Never(Refusal { code: Code::NoRoute | Code::Unreachable, words, .. }) => {
                (Retry::OnContact, words.into_owned())
            }
            Self::Never(refusal) => (Retry::Never, refusal.words.into_owned()),
            Self::OutOfContact => (Retry::OnContact, "out of contact".to_owned()),
            Self::Later(detail) => (Retry::Later, detail),
        }
    }
}

impl Router {
    /// What a next hop is found by, in a number that is another as soon as any of it changes: who is in contact, what
    /// the configuration says, what principals have said. Read before looking, and compared with later.
    pub(super) fn circumstances(&self) -> u64 {
        self.contacts.changes() + self.policies.load(Ordering::Acquire) + self.book.changed()
    }

    /// The next hop of an operation. Asks the store for aliases and for who was here, and DNS for domains.
    pub(super) async fn next_leg(
        &self,
        operation: &Arc<Operation>,
        standing: Standing,
    ) -> Result<Leg, Missed> {
        match self.leg_now(operation, standing).await {
            Ok(leg) => Ok(leg),
            Err(NoLeg::Unknown(address, _)) if self.was_seen(&address).await => Err(Missed::OutOfContact),
            Err(NoLeg::Unknown(_, refusal)) => Err(Missed::Never(refusal)),
            Err(NoLeg::Missed(missed)) => Err(missed),
        }
    }

    /// The same for presence, which is told once, and to whom nothing leads once something does: whether trying again can
    /// help where there is none, and why there is none. Does not ask who was here, which may be asked for very many.
    pub(super) async fn next_leg_of_presence(
        &self,
        operation: &Arc<Operation>,
        standing: Standing,
    ) -> Result<Leg, (Retry, String)> {
        self.leg_now(operation, standing).await.map_err(|no_leg| match no_leg {
            NoLeg::Unknown(_, refusal) => Missed::Never(refusal).for_presence(),
            NoLeg::Missed(missed) => missed.for_presence(),
        })
    }

    async fn leg_now(&self, operation: &Arc<Operation>, standing: Standing) -> Result<Leg, NoLeg> {
        let policy = self.policy();
        let mut operation = Arc::clone(operation);
        let mut been: Vec<Address> = Vec::new();
        let mut forwarded = Vec::new();
        // Each round peels what stands before the address that is meant: an alias, then a
        // route, or an inbox that is forwarded.
        for _ in 0..=cpim_adapter::Mapper::MAX_DEPTH {
            let address = operation.goes_to().address().clone();
            if been.contains(&address) {
                let refusal = Refusal::new(Code::Loop, "forwarded in a circle", address.to_string());
                return Err(Missed::Never(refusal).into());
            }
            been.push(address.clone());
            let target = match self.is_own(operation.speaks_for().address()) {
                true => self.target_unforwarded(&address, &policy),
                false => self.target(&address, &policy),
            };
            match self.inboxes(&policy).says(&operation, standing, &address, &target) {
                Decision::Allow => {}
                Decision::Deny => {
                    let detail = format!("the rules of {address} block it");
                    return Err(Missed::Never(Refusal::not_allowed(detail)).into());
                }
                Decision::Polite => return Err(self.as_out_of_contact(&address, &policy).await.into()),
            }
            operation = match target {
                Target::Alias(alias) => {
                    let meant = self.behind_alias(&alias).await?;
                    let source = operation.speaks_for().address();
                    policy.let_pass(source, standing, &meant).map_err(Missed::Never)?;
                    readdressed(&operation, meant)
                }
                Target::Forwarded(to) => {
                    let source = operation.speaks_for().address();
                    policy.let_pass(source, standing, &to).map_err(Missed::Never)?;
                    forwarded.push(format!("from {address} to {to}, as its owner says"));
                    readdressed(&operation, to)
                }
                Target::Inner(inner) => readdressed(&operation, inner),
                Target::Foreign { port, foreign } => {
                    return Ok(Leg { port, hop: NextHop::Foreign(foreign), operation, forwarded });
                }
                Target::Served { port } => {
                    return Ok(Leg { port, hop: NextHop::Served(address), operation, forwarded });
                }
                Target::Nowhere(refusal) => {
                    return Err(match refusal.code {
                        Code::Unreachable => Missed::OutOfContact.into(),
                        Code::NoRoute => NoLeg::Unknown(address, refusal),
                        _ => Missed::Never(refusal).into(),
                    });
                }
                Target::Elsewhere => {
                    let (port, hop) = self.resolve(&address, &policy).await?;
                    return Ok(Leg { port, hop: NextHop::Peer(hop), operation, forwarded });
                }
            };
        }
        Err(Missed::Never(Refusal::new(Code::BadAddress, "nested too deep", "")).into())
    }

    /// The next hop, where it can be told at once.
    pub(super) fn hop_at_hand(
        &self,
        target: &Target,
        address: &Address,
        policy: &Policy,
    ) -> Option<(usize, NextHop)> {
        match target {
            Target::Foreign { port, foreign } => Some((*port, NextHop::Foreign(foreign.clone()))),
            Target::Served { port } => Some((*port, NextHop::Served(address.clone()))),
            Target::Elsewhere => {
                let (port, hop) = self.routes.recent(address.class(), address.domain())?;
                Some((port, NextHop::Peer(hop)))
            }
            // One layer, and what is within is not ours again.
            Target::Inner(inner) => self.hop_at_hand(&self.target(inner, policy), inner, policy),
            Target::Alias(_) | Target::Forwarded(_) | Target::Nowhere(_) => None,
        }
    }

    /// What is missed where the owner of an inbox blocks politely: the same as if he were out of contact, and what
    /// would be asked then is asked, so that it takes as long.
    async fn as_out_of_contact(&self, address: &Address, policy: &Policy) -> Missed {
        if let Target::Elsewhere = self.target_out_of_contact(address, policy) {
            // Where that cannot be said now, it is tried again; whatever it finds, nothing goes there.
            if let Err(Missed::Later(why)) = self.resolve(address, policy).await {
                return Missed::Later(why);
            }
        }
        Missed::Never(Refusal::out_of_contact())
    }

    pub(super) async fn behind_alias(&self, alias: &str) -> Result<Address, Missed> {
        match self.state.alias_named(super::ALIASES, alias).await {
            Ok(Some(row)) => Address::parse(&row.address).map_err(|_| {
                Missed::Never(Refusal::new(Code::Internal, "an alias cannot be read", row.address))
            }),
            Ok(None) => Err(Missed::Never(Refusal::new(Code::BadAddress, "no such alias", alias))),
            Err(error) => Err(Missed::Later(error.to_string())),
        }
    }

    pub(super) async fn resolve(
        &self,
        address: &Address,
        policy: &Policy,
    ) -> Result<(usize, PeerHop), Missed> {
        let (class, domain) = (address.class(), address.domain());
        if let Some(recent) = self.routes.recent(class, domain) {
            return Ok(recent);
        }
        let resolver = self.resolver();
        let resolution = match resolver.resolve(class, domain).await {
            Ok(resolution) => resolution,
            Err(unresolved) => {
                let detail = unresolved.to_string();
                return Err(match unresolved.error {
                    ResolveError::Temporary(_) => Missed::Later(detail),
                    // Known all the same: by configuration, or because it was served here once.
                    ResolveError::NoRoute(_) if policy.expects(domain) || self.was_seen(address).await => {
                        Missed::OutOfContact
                    }
                    ResolveError::NoRoute(_) | ResolveError::Refused(_) => {
                        Missed::Never(Refusal::new(Code::NoRoute, "no route to the domain", detail))
                    }
                });
            }
        };
        self.chosen(address, resolution, policy)
    }

    fn chosen(
        &self,
        address: &Address,
        resolution: Resolution,
        policy: &Policy,
    ) -> Result<(usize, PeerHop), Missed> {
        let protocol = resolution.protocol.as_str();
        let Some(port) = self.ports.iter().position(|port| port.name == protocol) else {
            let detail =
                format!("{} is served by {protocol}, for which there is no adapter", address.domain());
            return Err(Missed::Never(Refusal::new(
                Code::NoRoute,
                "no adapter for the domain's protocol",
                detail,
            )));
        };
        let hop = PeerHop {
            class: address.class(),
            domain: address.domain().clone(),
            endpoints: resolution
                .candidates
                .iter()
                .map(|candidate| Endpoint { host: candidate.host.clone(), address: candidate.address })
                .collect(),
            plain: policy.terms(address.domain()).plain,
        };
        self.routes.keep(port, &hop);
        Ok((port, hop))
    }

    /// Whether an address was served here before.
    pub(super) async fn was_seen(&self, address: &Address) -> bool {
        self.contacts.left_lately(address) || self.state.seen(&address.to_string()).await.unwrap_or(false)
    }
}

/// The operation, addressed to somebody else.
fn readdressed(operation: &Operation, address: Address) -> Arc<Operation> {
    let mut operation = operation.clone();
    let uri = Uri::from(address);
    match &mut operation {
        Operation::Message(message) => set(&mut message.destination, ImUri::try_from(uri)),
        Operation::Notify(notify) => set(&mut notify.watcher, PresUri::try_from(uri)),
        Operation::Publish(publish) => set(&mut publish.target, PresUri::try_from(uri)),
        Operation::Subscribe(subscribe) => set(&mut subscribe.target, PresUri::try_from(uri)),
        Operation::Unsubscribe(unsubscribe) => set(&mut unsubscribe.target, PresUri::try_from(uri)),
    }
    Arc::new(operation)
}

/// Targets keep the class of what they were found for, so there is always something to set.
fn set<T, E>(field: &mut T, value: Result<T, E>) {
    if let Ok(value) = value {
        *field = value;
    }
}

/// A next hop in the journal, once something is handed over: with the adapter, where a word may come after a restart.
pub(super) fn hop_note(hop: &NextHop, port: Option<&Port>) -> String {
    match port.filter(|port| port.adapter.hears_later()) {
        Some(port) => format!("{}{BY}{}", hop_name(hop), port.name),
        None => hop_name(hop),
    }
}

/// The adapter that a note of a next hop names.
pub(super) fn noted_adapter(note: &str) -> Option<&str> {
    note.rsplit_once(BY).map(|(_, name)| name)
}

/// Between a next hop and its adapter in the journal.
const BY: &str = " by ";

/// A next hop's name in the journal.
pub(super) fn hop_name(hop: &NextHop) -> String {
    match hop {
        NextHop::Foreign(foreign) => foreign.to_string(),
        NextHop::Peer(peer) => format!("domain:{}", peer.domain),
        NextHop::Served(address) => address.to_string(),
    }
}
