//! What the ways to somebody on IRC have in common, whichever network he is on. Who has the name, whose turn it is and
//! what stands on the wire is each [`Network`]'s own.

use cpim_adapter::{
    AdapterContext, Code, CommitPoint, Delivery, DeliveryError, Message, Operation, Outcome, Response,
};
use cpim_irc_proto::text::room;
use cpim_irc_proto::{Trailing, Verb};

use crate::leg::Leg;
use crate::net::Network;
use crate::shown::{self, Most, Reader};

/// Hands an operation to whoever a target of a network means.
pub(crate) async fn deliver(
    network: &dyn Network,
    target: &str,
    delivery: Delivery,
    commit: &CommitPoint,
) -> Result<Outcome, DeliveryError> {
    match &*delivery.operation {
        Operation::Message(message) => {
            let letter = Outgoing { message, delivery: &delivery };
            network.letter(target, letter, commit).await?;
            Ok(Outcome::Pending)
        }
        Operation::Notify(notify) => {
            network.news(target, notify, commit).await?;
            Ok(Outcome::Delivered(Response::success()))
        }
        // The gateway observes people there itself, and publishes for none of them.
        Operation::Publish(_) | Operation::Subscribe(_) | Operation::Unsubscribe(_) => {
            Err(DeliveryError::refused(Code::Unsupported, "IRC users take messages and notifications"))
        }
    }
}

/// A message to one person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) message: &'a Message,
    pub(crate) delivery: &'a Delivery,
}

impl Outgoing<'_> {
    /// By which command it goes: what no person wrote must not be answered by a program (RFC 2812 section 3.3.2).
    pub(crate) fn verb(&self) -> Verb {
        if self.message.metadata.automatic { Verb::NOTICE } else { Verb::PRIVMSG }
    }

    /// Its text, in lines that fit behind a source of so many octets, this target, and what stands before each of them.
    ///
    /// # Errors
    /// [`DeliveryError`] where it is too long and cannot be kept.
    pub(crate) async fn lines(
        &self,
        cx: &AdapterContext,
        (source_octets, target, before): (usize, &str, &str),
        most: Most,
        reader: Reader<'_>,
    ) -> Result<Vec<Trailing>, DeliveryError> {
        let room = room(source_octets, &self.verb().to_string(), target).saturating_sub(before.len());
        let lines = shown::lines(cx, self.message, &self.delivery.passage.id, (room, most), reader).await?;
        Ok(match before {
            "" => lines,
            before => lines.iter().map(|line| Trailing::lossy(&format!("{before}{line}"))).collect(),
        })
    }

    /// Its leg, of which nothing has been sent.
    pub(crate) fn leg(&self, cx: &AdapterContext) -> Leg {
        Leg::new(self.delivery.leg, cx.clone())
    }
}
