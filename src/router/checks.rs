//! The layers before acceptance, in the order in which they are asked (RFC 3860 section 3.4.1).
//!
//! Each looks at one operation and passes it or refuses it. None of them knows a protocol, and none of
//! them waits for anything.

use cpim_adapter::{Address, Arrival, Code, Local, Passage, Scope, SessionFacts, Standing};

use super::contacts::Contacts;
use super::policy::Policy;
use super::refusal::Refusal;
use super::say::Inboxes;
use super::target::Target;
use crate::rules::Decision;

/// Where presence lies, and what is said of it, as the checks in front are told: both are found out in its turn.
pub(crate) const ANYWHERE: (&Target, Decision) = (&Target::Elsewhere, Decision::Allow);

/// An operation that asks to be accepted, with what the checks look at.
pub(crate) struct Candidate<'a> {
    pub(crate) facts: &'a SessionFacts,
    pub(crate) arrival: &'a Arrival,
    pub(crate) policy: &'a Policy,
    pub(crate) contacts: &'a Contacts,
    pub(crate) target: &'a Target,
    /// What the owner of the inbox that it is addressed to says.
    pub(crate) says: Decision,
    pub(crate) inboxes: &'a Inboxes<'a>,
}

impl Candidate<'_> {
    fn source(&self) -> &Address {
        self.arrival.operation.speaks_for().address()
    }

    fn destination(&self) -> &Address {
        self.arrival.operation.goes_to().address()
    }

    pub(crate) fn standing(&self) -> Standing {
        standing(self.facts, self.arrival)
    }
}

/// How well the source of an arrival is known: a peer's own word for it, where it is a peer, and never more than the
/// connection is worth.
pub(crate) fn standing(facts: &SessionFacts, arrival: &Arrival) -> Standing {
    let own = facts.authority.standing;
    match &facts.authority.peer {
        Some(_) => arrival.standing.map_or(own, |said| said.min(own)),
        None => own,
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
pub(crate) fn hops(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    if candidate.arrival.hops == Some(0) {
        return Err(Refusal::new(Code::Loop, "no hops left", ""));
    }
    let believed = candidate.facts.authority.peer.is_some();
    if believed && candidate.arrival.via.len() >= Passage::MAX_VIA {
        return Err(Refusal::new(Code::Loop, "it has crossed too many gateways", ""));
    }
    Ok(())
}

/// The rules must let it pass: to the address that was written, and to the one that a route within it means, or that
/// it is forwarded to. First those of the administrator, then those of the owners of the inboxes.
fn rules(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let (policy, standing) = (candidate.policy, candidate.standing());
    let inner = match candidate.target {
        Target::Forwarded(inner) | Target::Inner(inner) => Some(inner),
        _ => None,
    };
    let says = |to| candidate.inboxes.says(&candidate.arrival.operation, standing, to, candidate.target);
    let pass = |to, says: Decision| match says {
        // Politely blocked, it lies where nobody is in contact.
        Decision::Allow | Decision::Polite => Ok(()),
        Decision::Deny => Err(Refusal::not_allowed(format!("the rules of {to} block it"))),
    };
    policy.let_pass(candidate.source(), standing, candidate.destination())?;
    pass(candidate.destination(), candidate.says)?;
    inner.map_or(Ok(()), |inner| {
        policy.let_pass(candidate.source(), standing, inner)?;
        pass(inner, says(inner))
    })
}

/// There must be a way to it, as far as can be told at once, and it must be an operation we know.
fn destination(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    match candidate.target {
        Target::Nowhere(refusal) => Err(refusal.clone()),
        // What stands behind an alias is asked about when it is known.
        Target::Alias(_)
        | Target::Elsewhere
        | Target::Forwarded(_)
        | Target::Foreign { .. }
        | Target::Inner(_)
        | Target::Served { .. } => Ok(()),
    }
}
