//! Whose say it is to whom an inbox is open, as the path of a message asks.

use cpim_adapter::{Address, Class, Operation, Scope, Standing};

use super::Router;
use super::contacts::Contacts;
use super::policy::Policy;
use super::target::Target;
use crate::clock::UnixMs;
use crate::rules::{Ask, Decision, RuleBook};

/// The name of the port at which the gateway's own inbox is.
pub const GATEWAY: &str = "gateway";

/// Asks the rules of inboxes.
pub(super) struct Inboxes<'a> {
    pub(super) book: &'a RuleBook,
    pub(super) policy: &'a Policy,
    pub(super) contacts: &'a Contacts,
}

impl Inboxes<'_> {
    /// What the owner of an inbox says to whoever writes to it. Of an inbox whose home is another server, only what
    /// its owner has said here counts: the rest is that server's to say.
    pub(super) fn says(
        &self,
        operation: &Operation,
        standing: Standing,
        inbox: &Address,
        target: &Target,
    ) -> Decision {
        let Operation::Message(message) = operation else { return Decision::Allow };
        let source = message.source.as_uri().address();
        let is_elsewhere = match target {
            Target::Elsewhere => true,
            Target::Served { .. } => self.contacts.is_at_a_peer(inbox),
            Target::Inner(_) | Target::Forwarded(_) => self.is_elsewhere(&self.book.principal(inbox)),
            _ => false,
        };
        if self.is_gateway(source)
            || self.is_gateway(inbox)
            || is_elsewhere && self.book.rules_of(inbox).is_none()
        {
            return Decision::Allow;
        }
        self.book.decide(Ask::Write, inbox, source, standing)
    }

    /// The same of an address that is reached by way of another.
    fn is_elsewhere(&self, inbox: &Address) -> bool {
        let is_here = self.policy.mapper.is_ours(inbox.domain()) || self.policy.hosts(inbox);
        let is_served = || self.contacts.serves(&[Scope::Address(inbox.clone())]);
        !is_here && (self.contacts.is_at_a_peer(inbox) || !is_served())
    }

    fn is_gateway(&self, address: &Address) -> bool {
        self.policy.mapper.is_gateway(address)
    }
}

impl Router {
    pub(super) fn inboxes<'a>(&'a self, policy: &'a Policy) -> Inboxes<'a> {
        Inboxes { book: &self.book, policy, contacts: &self.contacts }
    }

    /// Where a message lies for whoever may not know better: with somebody who is out of contact, where the owner of
    /// the inbox blocks him politely. And what he says, whichever it is.
    pub(super) fn target_for(
        &self,
        operation: &Operation,
        standing: Standing,
        policy: &Policy,
    ) -> (Target, Decision) {
        let inbox = operation.goes_to().address();
        let target = self.target(inbox, policy);
        match self.inboxes(policy).says(operation, standing, inbox, &target) {
            Decision::Polite => (self.target_out_of_contact(inbox, policy), Decision::Polite),
            says @ (Decision::Allow | Decision::Deny) => (target, says),
        }
    }

    /// To whom the owner of an inbox forwards what comes for it now.
    pub(super) fn forwarded(&self, address: &Address) -> Option<Address> {
        match address.class() {
            Class::Im => self.book.forward_of(address, UnixMs::now()).map(|forward| forward.to),
            Class::Pres => None,
        }
    }

    /// The port of the gateway's own inbox, where it has one.
    pub(super) fn own_inbox(&self) -> Option<usize> {
        self.ports.iter().position(|port| port.name == GATEWAY)
    }
}
