//! What an operation is as a mail: to whom it goes, from whom it is, and what stands in it.

use std::time::{SystemTime, UNIX_EPOCH};

use cpim_adapter::{ALIAS_SPACE, Address, Code, Delivery, DeliveryError, Domain, Mapper, NextHop, Operation};
use cpim_smtp_proto::address::{Mailbox, MailboxError, Written, written};
use cpim_smtp_proto::mail::{Letter, Notice, Parcel, Post, Slip, Thread};

use super::{Outbound, Running};
use crate::config::PeerSettings;

/// A mail that is ready to go.
pub(super) struct Posted {
    pub(super) post: Post,
    /// The name of its envelope, by which a peer gateway answers; none for a person.
    pub(super) name: String,
    /// What it is to a person who answers it.
    pub(super) thread: Option<Thread>,
}

/// To whom a mail goes.
pub(super) enum To<'a> {
    /// A person.
    Person(Mailbox),
    /// A configured peer gateway.
    Peer(Mailbox, &'a Domain),
}

impl Outbound {
    /// The mailbox that an operation goes to, and whether a peer gateway is behind it.
    pub(super) fn recipient(&self, delivery: &Delivery) -> Result<To<'_>, DeliveryError> {
        let address = delivery.operation.goes_to().address();
        let bad = |error: &dyn std::fmt::Display| {
            let refused =
                DeliveryError::refused(Code::BadAddress, "that address cannot be written to by mail");
            DeliveryError { detail: error.to_string(), ..refused }
        };
        let to = match &delivery.hop {
            NextHop::Foreign(foreign) => {
                To::Person(Mailbox::of_foreign(foreign).map_err(|error| bad(&error))?)
            }
            NextHop::Peer(hop) => {
                let serves =
                    |peer: &&PeerSettings| peer.domain == hop.domain || peer.serves.contains(&hop.domain);
                let peer = self.known.iter().find(serves);
                match peer.filter(|peer| self.peers.key_to(&peer.domain).is_some()) {
                    Some(peer) => {
                        To::Peer(at_peer(address, &peer.domain).map_err(|error| bad(&error))?, &peer.domain)
                    }
                    None => {
                        let mailbox = Mailbox::new(address.local(), address.domain().clone());
                        To::Person(mailbox.map_err(|error| bad(&error))?)
                    }
                }
            }
            NextHop::Served(_) => return Err(DeliveryError::out_of_contact()),
        };
        match (&*delivery.operation, &to) {
            (Operation::Message(_) | Operation::Notify(_), _) | (_, To::Peer(..)) => Ok(to),
            (Operation::Publish(_) | Operation::Subscribe(_) | Operation::Unsubscribe(_), To::Person(_)) => {
                Err(DeliveryError::refused(
                    Code::Unsupported,
                    "people who have mail only have no presence there",
                ))
            }
        }
    }

    /// The mailbox that leads back to the source. An alias is kept before it is written anywhere.
    pub(super) async fn sender(
        &self,
        running: &Running,
        delivery: &Delivery,
        mapper: &Mapper,
    ) -> Result<Written, DeliveryError> {
        let source = delivery.operation.speaks_for().address();
        let unchanged = self.unchanged.lets(source.domain(), &self.signers).await;
        let from = written(source, mapper, unchanged.as_slice())
            .ok_or_else(|| DeliveryError::refused(Code::BadAddress, "the source has no address in mail"))?;
        if let Some(address) = &from.alias_of {
            let candidates = vec![from.mailbox.local().to_owned()];
            let kept = running.cx.memory.alias(ALIAS_SPACE, address, candidates).await;
            kept.map_err(|error| DeliveryError::transport(error.to_string()))?;
        }
        Ok(from)
    }

    pub(super) fn post(
        &self,
        delivery: &Delivery,
        to: &To<'_>,
        from: &Written,
        (unsubscribe, after): (Option<&Mailbox>, Option<&Thread>),
        eight_bit: bool,
    ) -> Result<Posted, DeliveryError> {
        let (To::Person(mailbox) | To::Peer(mailbox, _)) = to;
        let slip = Slip {
            from: &from.mailbox,
            alias_of: from.alias_of.as_ref(),
            to: mailbox,
            passage: &delivery.passage,
            relay: &self.relay,
            now_s: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        };
        if let To::Peer(_, peer) = to {
            let key =
                self.peers.key_to(peer).ok_or_else(|| DeliveryError::transport("no key for the peer"))?;
            let parcel = Parcel { slip, operation: &delivery.operation, standing: delivery.standing, key };
            return match parcel.write(eight_bit) {
                Ok((post, name)) => Ok(Posted { post, name, thread: None }),
                Err(error) => Err(DeliveryError::refused(Code::TooLarge, error.to_string())),
            };
        }
        let (post, thread) = match (&*delivery.operation, unsubscribe) {
            (Operation::Message(message), _) => Letter { slip, message, after }
                .write(eight_bit)
                .map_err(|error| DeliveryError::refused(Code::Lossy, error.to_string()))?,
            (Operation::Notify(notify), Some(unsubscribe)) => {
                (Notice { slip, notify, unsubscribe }.write(), None)
            }
            _ => return Err(DeliveryError::refused(Code::Unsupported, "mail knows no such operation")),
        };
        Ok(Posted { post, name: String::new(), thread })
    }
}

/// Where a peer gateway receives what is for an address: under the address itself, or, where that is too long for mail,
/// in its own inbox; the envelope says for whom it is.
fn at_peer(address: &Address, peer: &Domain) -> Result<Mailbox, MailboxError> {
    let elsewhere = Mapper::new(peer.clone(), cpim_adapter::Selectors::default());
    match written(address, &elsewhere, &[]) {
        Some(Written { mailbox, alias_of: None }) => Ok(mailbox),
        _ => Mailbox::new("gateway", peer.clone()),
    }
}
