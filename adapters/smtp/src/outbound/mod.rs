//! The sending side: what the gateway delivers goes out as mail, one transaction for each operation.

mod client;
mod dkim;
pub(crate) mod keys;
mod mx;
mod pace;
mod pairs;
mod pool;
mod post;
mod reports;
mod servers;
mod threads;
mod tls;
mod unchanged;
mod wire;

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cpim_adapter::{
    AdapterContext, BuildError, Code, CommitPoint, Delivery, DeliveryError, Domain, NextHop, Operation,
    Outcome, Response, Schedule,
};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::{Answer, Mail, Peers};
use mail_auth::MessageAuthenticator;

use self::client::{Handed, Transaction};
use self::dkim::Signers;
pub use self::dkim::dkim_record;
pub use self::keys::{Forged, Keyed, Keys};
use self::pace::Pace;
use self::pairs::Pairs;
use self::pool::Pool;
use self::post::{Posted, To};
pub use self::reports::take_report;
use self::reports::{expect_answer, take_answer};
use self::servers::Servers;
pub(crate) use self::threads::Threads;
pub use self::tls::TlsPolicy;
use self::unchanged::Unchanged;
use crate::config::{OutgoingSettings, PeerSettings};

/// The sending side.
pub(crate) struct Outbound {
    relay: Domain,
    settings: OutgoingSettings,
    peers: Arc<Peers>,
    known: Vec<PeerSettings>,
    servers: Servers,
    signers: Signers,
    unchanged: Unchanged,
    pool: Pool,
    pairs: Pairs,
    pace: Pace,
    /// Who talks with whom about what, as mail has it.
    pub(crate) threads: Threads,
    /// Once the adapter runs.
    running: OnceLock<Running>,
}

/// What there is only once the adapter runs.
struct Running {
    cx: AdapterContext,
    keys: Keys,
}

impl Outbound {
    /// The sending side of the gateway with this relay domain.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub(crate) fn new(
        relay: Domain,
        settings: OutgoingSettings,
        known: Vec<PeerSettings>,
        peers: Arc<Peers>,
        asked: Option<Arc<MessageAuthenticator>>,
    ) -> Result<Self, BuildError> {
        let unchanged = Unchanged::new(settings.unchanged.clone(), asked.clone());
        let servers = Servers::new(&settings, &relay, asked)?;
        let signers = Signers::new(&settings.dkim)?;
        let pace = Pace::new(settings.notice_interval);
        let (pool, pairs, threads) = (Pool::default(), Pairs::default(), Threads::default());
        let running = OnceLock::new();
        Ok(Self {
            relay,
            settings,
            peers,
            known,
            servers,
            signers,
            unchanged,
            pool,
            pairs,
            pace,
            threads,
            running,
        })
    }

    /// How an operation on its way there is tried.
    pub(crate) fn schedule(&self, hop: &NextHop) -> Schedule {
        let mailbox = match hop {
            NextHop::Foreign(foreign) => Mailbox::of_foreign(foreign).ok(),
            NextHop::Peer(_) | NextHop::Served(_) => None,
        };
        mailbox.map_or(self.settings.schedule, |mailbox| self.servers.schedule(mailbox.domain()))
    }

    /// From here on mail can be sent.
    pub(crate) fn start(&self, cx: AdapterContext, keys: Keys) {
        // A second start would be the adapter's own mistake, and changes nothing.
        let _started_before = self.running.set(Running { cx, keys });
    }

    /// Sends an operation on.
    ///
    /// # Errors
    /// The far side has not accepted it.
    pub(crate) async fn deliver(
        self: &Arc<Self>,
        delivery: Delivery,
        commit: &CommitPoint,
    ) -> Result<Outcome, DeliveryError> {
        let Some(running) = self.running.get() else {
            return Err(DeliveryError::transport("the mail adapter does not run yet"));
        };
        if delivery.again {
            return Err(DeliveryError::refused(Code::Internal, "mail is never sent twice"));
        }
        let to = self.recipient(&delivery)?;
        if let (Operation::Notify(_), To::Person(_)) = (&*delivery.operation, &to) {
            commit.pass(None).await?;
            return self.pace.tell(self, delivery);
        }
        self.send(running, &delivery, &to, Some(commit)).await
    }

    /// Sends a notification to a person, now that its time has come.
    pub(in crate::outbound) async fn notify(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let Some(running) = self.running.get() else {
            return Err(DeliveryError::transport("the mail adapter does not run yet"));
        };
        let to = self.recipient(delivery)?;
        self.send(running, delivery, &to, None).await.map(drop)
    }

    /// Sends a report on a mail that was taken here, with the null reverse-path: nothing comes back of it (RFC 5321
    /// section 4.5.5).
    ///
    /// # Errors
    /// No server has said that it has accepted it. One that hung up behind the final dot may have it: sent again, it has
    /// the same name, and no other word on the mail would ever come (RFC 5321 section 6.1).
    pub(crate) async fn report(&self, to: &Mailbox, octets: &[u8]) -> Result<(), DeliveryError> {
        let servers = self.servers.for_domain(to.domain()).await?;
        let octets = &self.signed(&self.relay, octets.to_vec())?;
        let mut client = self.pool.client(&servers, self.relay.as_str()).await?;
        let transaction = Transaction {
            reverse_path: None,
            recipient: &to.to_string(),
            envid: "",
            reports: None,
            octets,
            eight_bit: false,
            utf8: to.needs_utf8(),
        };
        match client.hand_over(&transaction).await {
            Ok(Handed::Unknown) => {
                client.leave().await;
                Err(DeliveryError::transport("the connection ended behind the final dot"))
            }
            Ok(Handed::Reported | Handed::Taken) => {
                self.pool.put_back(&servers, client);
                Ok(())
            }
            Err(error) => {
                client.leave().await;
                Err(error)
            }
        }
    }

    /// Whether there is a way for reports at all; without one, failures are told at the reply or never.
    pub(crate) fn can_report(&self) -> bool {
        self.servers.are_any()
    }

    /// Takes a mail that came to the reverse-path of a leg: a peer gateway's own word on it, or a report on the way to
    /// there. `true`: whatever it changes is durable; `false`: it is to come again.
    pub(crate) async fn take_word(&self, leg: u64, mail: &Bytes, cx: &AdapterContext) -> bool {
        let answer = Mail::read(mail).ok().and_then(|mail| mail.answer(&self.peers));
        match answer {
            Some((peer, answer)) => take_answer(leg, &peer, answer, cx).await,
            None => take_report(leg, mail, cx).await,
        }
    }

    /// A response to an operation that a peer gateway's mail brought, as the mail that goes back.
    ///
    /// # Errors
    /// Where there is no key to the peer, or the response is too large.
    pub(crate) fn answer(
        &self,
        peer: &Domain,
        (to, answers): (&Mailbox, &str),
        id: &str,
        response: &Response,
    ) -> Result<Vec<u8>, DeliveryError> {
        let key = self.peers.key_to(peer).ok_or_else(|| DeliveryError::transport("no key for the peer"))?;
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let answer = Answer { relay: &self.relay, to, answers, id, response, now_s, key };
        answer.write().map_err(|error| DeliveryError::refused(Code::TooLarge, error.to_string()))
    }

    async fn send(
        &self,
        running: &Running,
        delivery: &Delivery,
        to: &To<'_>,
        commit: Option<&CommitPoint>,
    ) -> Result<Outcome, DeliveryError> {
        let mapper = running.cx.mapper();
        let from = self.sender(running, delivery, &mapper).await?;
        let mut unsubscribe = None;
        if let Operation::Notify(notify) = &*delivery.operation {
            let (watcher, target) = (notify.watcher.address(), notify.target.address());
            let local = running.keys.unsubscribe(watcher, target, &*running.cx.memory).await;
            let local = local.map_err(|error| DeliveryError::transport(error.to_string()))?;
            unsubscribe = Mailbox::new(&local, self.relay.clone()).ok();
        }
        let _turn = self.pairs.turn(&delivery.operation).await;
        let (To::Person(mailbox) | To::Peer(mailbox, _)) = to;
        let servers = self.servers.of(&delivery.hop, mailbox.domain()).await?;
        let mut client = self.pool.client(&servers, self.relay.as_str()).await?;
        let between = [delivery.operation.speaks_for().address(), delivery.operation.goes_to().address()];
        let after = self.settings.conversations.then(|| self.threads.last(between, &mapper)).flatten();
        let Posted { post, name, thread } =
            self.post(delivery, to, &from, (unsubscribe.as_ref(), after.as_ref()), client.eight_bit())?;
        let octets = self.signed(from.mailbox.domain(), post.octets)?;
        let keyed = running.keys.leg(delivery.leg);
        // A notification is never answered, and a report on it would answer nothing.
        let is_answered = commit.is_some() && !matches!(&*delivery.operation, Operation::Notify(_));
        let reports = Some(match (to, &*delivery.operation) {
            (To::Person(_), _) if is_answered => "SUCCESS,FAILURE",
            // The peer itself says what became of it; only whoever is between may have to say that it did not get there.
            (To::Peer(..), Operation::Message(_)) => "FAILURE",
            // What is asked for at once is given up before any report comes.
            _ => "NEVER",
        });
        let local = if is_answered { keyed.clone() } else { Keys::notices() };
        let reverse_path = mailbox_of(&local, &self.relay)
            .ok_or_else(|| DeliveryError::refused(Code::Internal, "no reverse-path at the relay domain"))?;
        if let (To::Peer(_, peer), true) = (to, is_answered) {
            expect_answer(delivery.leg, peer, &name, &running.cx).await?;
        }
        if let Some(commit) = commit {
            commit.pass(None).await?;
        }
        let transaction = Transaction {
            reverse_path: Some(&reverse_path),
            recipient: &mailbox.to_string(),
            envid: keyed.trim_start_matches("b="),
            reports,
            octets: &octets,
            eight_bit: post.eight_bit,
            utf8: mailbox.needs_utf8(),
        };
        match client.hand_over(&transaction).await {
            Ok(handed) => {
                match handed {
                    // Its word may still come, and would be taken for the next mail's.
                    Handed::Unknown => client.leave().await,
                    Handed::Reported | Handed::Taken => self.pool.put_back(&servers, client),
                }
                if let Some(thread) = thread {
                    self.threads.note(between, &mapper, thread);
                }
                Ok(match handed {
                    // No word will come on what is never answered.
                    _ if !is_answered => Outcome::Delegated(Response::indeterminant(Code::Timeout, "sent")),
                    Handed::Reported | Handed::Unknown => Outcome::Pending,
                    Handed::Taken if matches!(to, To::Peer(..)) => Outcome::Pending,
                    Handed::Taken => Outcome::Delegated(Response::indeterminant(
                        Code::Timeout,
                        "handed to a mail server that reports nothing",
                    )),
                })
            }
            Err(error) => {
                client.leave().await;
                Err(error)
            }
        }
    }

    /// The mail, signed for the domain of its author.
    fn signed(&self, author: &Domain, mail: Vec<u8>) -> Result<Vec<u8>, DeliveryError> {
        self.signers
            .signed(author, mail)
            .map_err(|error| DeliveryError::transport(format!("not signed: {error}")))
    }
}

fn mailbox_of(local: &str, domain: &Domain) -> Option<String> {
    Mailbox::new(local, domain.clone()).ok().map(|mailbox| mailbox.to_string())
}
