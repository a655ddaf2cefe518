//! From outcome to answer: each operation has one outcome, made durable before anybody is told.

use std::sync::Arc;

use cpim_adapter::{Answer, AnswerSlot, Domain, Exchange, Receipt, Response, Scope, SessionFacts, TransId};
use tokio::sync::mpsc;
use tracing::{debug, info};

use super::contacts::Contact;
use super::counters::Counters;
use super::flight::Stage;
use super::owner::Owner;
use super::rows;
use super::step::Step;
use super::{PortExchange, Router};
use crate::clock::UnixMs;
use crate::fault;
use crate::store::{KeptAnswer, OwnerScope, Write};
use crate::sync::lock;

/// Answers that are read from the store at once for a new connection.
const PAGE: usize = 256;

impl Router {
    /// Gives an operation its outcome: the first one, which stands.
    pub(super) fn settle(&self, number: i64, response: Response) {
        let (steps, awaited) = {
            let mut table = lock(&self.table);
            if !table.settle(number, &response) {
                return;
            }
            let Some(flight) = table.get_mut(number) else {
                return;
            };
            flight.step("settled", response.to_string());
            (std::mem::take(&mut flight.steps), flight.is_awaited())
        };
        let steps = Step::to_text(&steps);
        let (outcome, at) = (rows::outcome(&response), UnixMs::now().0);
        let write = Write::Settle { number, outcome, at, steps, awaited };
        if let Err(error) = self.journal.write(write) {
            // The store is closed: after the next start it is settled anew, from what the journal knows.
            debug!(number, %error, "settled too late to be written");
        }
    }

    /// The outcome is durable: whoever waits may be told.
    pub(super) fn on_settled(self: &Arc<Self>, number: i64) {
        fault::point("settled");
        let flight = {
            let mut table = lock(&self.table);
            let Some(flight) = table.remove(number) else {
                return;
            };
            if !matches!(flight.stage, Stage::Settling(_)) {
                return;
            }
            flight.waiters.iter().for_each(|_| table.take_in_hand(number, &flight.owner));
            flight
        };
        let Stage::Settling(response) = &flight.stage else {
            return;
        };
        info!(
            id = %flight.passage.id,
            from = %flight.pair.source,
            to = %flight.pair.destination,
            ms = UnixMs::now().since(flight.accepted_at).as_millis() as u64,
            "{}", response,
        );
        self.counters.get_or_init(Counters::new).settled(response.status()).increment(1);
        for told in flight.told {
            let _gone = told.send(());
        }
        let mut given = false;
        for slot in flight.waiters {
            given |= self.hand_over(number, &flight.trans_id, response, slot);
        }
        if self.is_ourselves(&flight.owner) {
            // The gateway's own messages: nobody will ever come for their answers.
            let _noted = self.journal.write(Write::HandedOver { number });
        } else if !given {
            self.offer(&flight.owner);
        }
    }

    fn is_ourselves(&self, owner: &Owner) -> bool {
        let Owner::Source(address) = owner else { return false };
        self.is_own(address)
    }

    /// Another gateway has taken the operation over: it is that one's to settle.
    pub(super) fn on_lost(&self, number: i64) {
        let lost = lock(&self.table).remove(number);
        // Not under the lock: what it holds may want the table.
        drop(lost);
    }

    /// Hands an answer to a connection. `false`: it is gone, and the answer stays kept.
    pub(super) fn give(
        self: &Arc<Self>,
        number: i64,
        owner: &Owner,
        trans_id: &TransId,
        response: &Response,
        slot: AnswerSlot,
    ) -> bool {
        lock(&self.table).take_in_hand(number, owner);
        self.hand_over(number, trans_id, response, slot)
    }

    /// The same, for an answer that was taken in hand.
    fn hand_over(
        self: &Arc<Self>,
        number: i64,
        trans_id: &TransId,
        response: &Response,
        slot: AnswerSlot,
    ) -> bool {
        let receipt = Receipt::new(self.plain_exchange(), u64::try_from(number).unwrap_or_default());
        slot.give(Answer { trans_id: trans_id.clone(), response: response.clone(), receipt: Some(receipt) })
    }

    pub(super) fn plain_exchange(self: &Arc<Self>) -> Arc<dyn Exchange> {
        Arc::new(PortExchange { router: Arc::clone(self), port: usize::MAX })
    }

    /// An answer was handed over, or came back: then it is offered to another connection of its owner.
    pub(super) fn receipt(self: &Arc<Self>, number: u64, handed_over: bool) {
        let Ok(number) = i64::try_from(number) else { return self.tell_behind(number) };
        let owner = {
            // At once, so that at no moment the answer seems to be with nobody.
            let mut table = lock(&self.table);
            if handed_over {
                table.note_handed_over(number);
            }
            table.let_go(number)
        };
        if handed_over {
            // Lost in a crash, the answer is given once more, which harms nobody.
            let _noted = self.journal.write(Write::HandedOver { number });
        } else if let Some(owner) = owner {
            self.offer(&owner);
        }
    }

    /// A connection is there: it gets what was kept for it.
    pub(super) fn open(
        self: &Arc<Self>,
        port: usize,
        facts: SessionFacts,
        answers: mpsc::Sender<Answer>,
    ) -> u64 {
        for scope in &facts.serves {
            if let Scope::Address(address) = scope {
                // Not being noted only means that the address is not known while it is out of contact.
                let _noted = self.state.write(Write::Seen {
                    address: address.to_string(),
                    domain: address.domain().as_str().to_owned(),
                    at: UnixMs::now().0,
                });
            }
        }
        let contact = Contact { port, facts: Arc::new(facts), answers };
        let session = self.contacts.open(contact.clone());
        self.presence_open(session, &contact.facts);
        self.give_kept(contact);
        session
    }

    /// Has what is kept for an owner offered to a connection of his, where there is one: at the next tick, and
    /// once for however many answers there are by then.
    fn offer(&self, owner: &Owner) {
        lock(&self.offers).insert(owner.clone());
    }

    /// Offers what was kept since the last tick.
    pub(super) fn make_offers(self: &Arc<Self>) {
        let owners = std::mem::take(&mut *lock(&self.offers));
        let mapper = Arc::clone(&self.policy().mapper);
        owners
            .iter()
            .filter_map(|owner| self.contacts.answering(owner, &mapper))
            .for_each(|contact| self.give_kept(contact));
    }

    fn give_kept(self: &Arc<Self>, contact: Contact) {
        let scopes = kept_scopes(&contact, self.policy().mapper.relay_domain());
        if scopes.is_empty() {
            return;
        }
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            let mut after = 0;
            loop {
                let kept = match router.journal.kept(&scopes, after, PAGE).await {
                    Ok(kept) if !kept.is_empty() => kept,
                    Ok(_) => return,
                    Err(error) => return debug!(%error, "kept answers cannot be read"),
                };
                for answer in kept {
                    after = answer.number;
                    if !router.give_one_kept(&contact, &answer).await {
                        return;
                    }
                }
            }
        });
    }

    /// `false`: the connection is gone.
    async fn give_one_kept(self: &Arc<Self>, contact: &Contact, kept: &KeptAnswer) -> bool {
        let (Some(owner), Ok(trans_id)) = (Owner::parse(&kept.owner), TransId::parse(&kept.trans_id)) else {
            return true;
        };
        if !owner.is(&contact.facts, &self.policy().mapper) || lock(&self.table).is_given(kept.number) {
            return true;
        }
        let Ok(place) = contact.answers.clone().reserve_owned().await else {
            return false;
        };
        {
            // Several may be at it: whoever has a place first looks again, and takes it at once.
            let mut table = lock(&self.table);
            if table.is_given(kept.number) {
                return true;
            }
            table.take_in_hand(kept.number, &owner);
        }
        debug!(number = kept.number, %owner, "a kept answer is given");
        self.hand_over(
            kept.number,
            &trans_id,
            &rows::response(&kept.outcome),
            AnswerSlot::new(contact.answers.clone(), place),
        )
    }
}

/// By which owners the store finds what is kept for a connection.
fn kept_scopes(contact: &Contact, relay: &Domain) -> Vec<OwnerScope> {
    let owner = |owner: &Owner| OwnerScope::Owner {
        domain: owner.domain().as_str().to_owned(),
        owner: owner.to_string(),
    };
    match &contact.facts.authority.peer {
        Some(domain) => vec![owner(&Owner::Peer(domain.clone()))],
        None => contact
            .facts
            .authority
            .scopes
            .iter()
            .filter_map(|scope| match scope {
                Scope::Address(address) => Some(owner(&Owner::Source(address.clone()))),
                Scope::Domain(domain) => Some(OwnerScope::Domain(domain.as_str().to_owned())),
                Scope::Selector(selector) if contact.facts.serves.contains(scope) => {
                    Some(OwnerScope::Route {
                        domain: relay.as_str().to_owned(),
                        selector: selector.as_str().to_owned(),
                    })
                }
                Scope::Any | Scope::Selector(_) | Scope::Under(_) => None,
            })
            .collect(),
    }
}
