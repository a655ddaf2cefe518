//! The layers before acceptance, in the order in which they are asked (RFC 3860 section 3.4.1).
//!
//! Each looks at one operation and passes it or refuses it. None of them knows a protocol, and none of
//! them waits for anything.

use cpim_adapter::{Address, Arrival, Code, Local, Passage, Scope, SessionFacts, Standing};

use super::contacts::Contacts;
use super::policy::Policy;
use super::refusal::Refusal;
use super::target::Target;

/// An operation that asks to be accepted, with what the checks look at.
pub(crate) struct Candidate<'a> {
    pub(crate) facts: &'a SessionFacts,
    pub(crate) arrival: &'a Arrival,
    pub(crate) policy: &'a Policy,
    pub(crate) contacts: &'a Contacts,
    pub(crate) target: &'a Target,
}

impl Candidate<'_> {
    fn source(&self) -> &Address {
        self.arrival.operation.speaks_for().address()
    }

    fn destination(&self) -> &Address {
        self.arrival.operation.goes_to().address()
    }

    /// How well the source is known: a peer's own word for it, where it is a peer, and never more than
    /// the connection is worth.
    pub(crate) fn standing(&self) -> Standing {
        let own = self.facts.authority.standing;
        match &self.facts.authority.peer {
            Some(_) => self.arrival.standing.map_or(own, |said| said.min(own)),
            None => own,
        }
    }
}

/// One layer.
type Check = fn(&Candidate<'_>) -> Result<(), Refusal>;

const IN_ORDER: [Check; 3] = [hops, rules, destination];

/// Asks every layer behind [`source`], in order.
pub(crate) fn admit(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    IN_ORDER.iter().try_for_each(|check| check(candidate))
}

/// The source must be the sender's to use. Asked before anything else: to whom it is not, nothing is told.
pub(crate) fn source(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let (source, authority) = (candidate.source(), &candidate.facts.authority);
    let denied = |why: &str| {
        Err(Refusal::new(Code::Denied, "the source is not yours to use", format!("{source}: {why}")))
    };
    if candidate.policy.mapper.is_ours(source.domain()) {
        return match candidate.policy.mapper.resident(source) {
            Ok(Some(Local::Route(foreign)))
                if authority.scopes.contains(&Scope::Selector(foreign.selector().clone())) =>
            {
                Ok(())
            }
            _ => denied("it is at our relay domain"),
        };
    }
    if !authority.covers(source) {
        return denied("the session claimed nothing that covers it");
    }
    let borrowed =
        authority.peer.is_some() && !candidate.facts.serves.iter().any(|scope| scope.covers(source));
    if borrowed {
        if candidate.policy.hosts(source) {
            return denied("it is hosted here");
        }
        if is_served_by_another(candidate, source) {
            return denied("somebody else serves it here");
        }
    }
    Ok(())
}

fn is_served_by_another(candidate: &Candidate<'_>, source: &Address) -> bool {
    candidate
        .contacts
        .serving(&[Scope::Address(source.clone())])
        .is_some_and(|contact| contact.facts.authority.peer != candidate.facts.authority.peer)
}

/// It must have hops left, and room to say that it was here (RFC 3860 section 3.4.2).
fn hops(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    if candidate.arrival.hops == Some(0) {
        return Err(Refusal::new(Code::Loop, "no hops left", ""));
    }
    let believed = candidate.facts.authority.peer.is_some();
    if believed && candidate.arrival.via.len() >= Passage::MAX_VIA {
        return Err(Refusal::new(Code::Loop, "it has crossed too many gateways", ""));
    }
    Ok(())
}

/// The rules must let it pass: to the address that was written, and to the one that a route within it means.
fn rules(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let (policy, standing) = (candidate.policy, candidate.standing());
    let inner = match candidate.target {
        Target::Inner(inner) => Some(inner),
        _ => None,
    };
    [candidate.destination()]
        .into_iter()
        .chain(inner)
        .try_for_each(|to| policy.let_pass(candidate.source(), standing, to))
}

/// There must be a way to it, as far as can be told at once, and it must be an operation we know.
fn destination(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    match candidate.target {
        Target::Nowhere(refusal) => Err(refusal.clone()),
        // What stands behind an alias is asked about when it is known.
        Target::Alias(_)
        | Target::Elsewhere
        | Target::Foreign { .. }
        | Target::Inner(_)
        | Target::Served { .. } => Ok(()),
    }
}
