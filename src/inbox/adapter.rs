//! The inbox as a port of the router: what is taken in, how fast, and what is not answered.

use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, Address, Authority, BadAddress, Capabilities, Class, Code,
    CommitPoint, Delivery, DeliveryError, Fault, ForeignAddress, Health, Local, NextHop, Operation, Outcome,
    PresenceSupport, Response, Retry, Scope, SessionFacts, Standing, Support,
};
use tokio::time::Instant;

use super::confirm::Confirmations;
use super::desk::{Answer, Desk, Tools};
use super::letter::Letter;
use super::pace::{Pace, Paces};
use super::presence::Asker;
use crate::router::Router;
use crate::sync::lock;

/// For how long a message that is delivered again does no harm: commands done twice change nothing the second time, and
/// their answers are recognised.
const RECALL: Duration = Duration::from_secs(3_600);

/// Messages of one sender. Whoever is faster waits: they are tried again like any other.
const COMMANDS_PACE: Pace = Pace { at_once: 30, one_each: Duration::from_secs(2) };

/// The same of somebody who is not proven: what he is answered may go to somebody who never asked.
const UNPROVEN_PACE: Pace = Pace { at_once: 15, one_each: Duration::from_secs(20) };

/// The gateway's own inbox.
#[derive(Default)]
pub struct Inbox {
    router: OnceLock<Weak<Router>>,
    tools: OnceLock<Tools>,
    paces: Mutex<Paces>,
    unproven: Mutex<Paces>,
    asked: Mutex<Paces>,
}

impl Inbox {
    /// Lets it act on a gateway, whose port it is.
    pub fn attach(&self, router: &Arc<Router>) {
        // The same one, where it is attached twice.
        let _attached = self.router.set(Arc::downgrade(router));
    }

    fn ready(&self) -> Result<(Arc<Router>, &Tools), DeliveryError> {
        let router = self.router.get().and_then(Weak::upgrade);
        let not_yet = || DeliveryError::transport("the inbox does not run");
        Ok((router.ok_or_else(not_yet)?, self.tools.get().ok_or_else(not_yet)?))
    }

    /// Whether whoever wrote is one of whom no answer is wanted: a gateway, or a program that says it is one.
    fn is_silent(router: &Router, sender: &Address, letter: &Letter) -> bool {
        letter.automatic || router.is_a_gateway(sender)
    }

    async fn answer(
        &self,
        router: &Arc<Router>,
        tools: &Tools,
        letter: &Letter,
        delivery: &Delivery,
    ) -> Vec<Answer> {
        let Operation::Message(message) = &*delivery.operation else { return Vec::new() };
        let sender = message.source.as_uri().address();
        let asker = Asker { owner: router.book().principal(sender), standing: delivery.standing };
        let desk = Desk {
            asked: &self.asked,
            router,
            tools,
            letter,
            asker,
            operation: delivery.passage.id.as_str(),
        };
        desk.answers().await
    }
}

#[async_trait]
impl Adapter for Inbox {
    fn capabilities(&self) -> Capabilities {
        Capabilities { support: |_| Support::Full, presence: PresenceSupport::None, max_content_octets: None }
    }

    /// No foreign address is its.
    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        Ok(foreign)
    }

    fn recalls(&self, _hop: &NextHop) -> Option<Duration> {
        Some(RECALL)
    }

    /// Holds a session that serves the inbox, so that `pres:gateway@RELAY-DOMAIN` is open for as long as it runs.
    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        let tools =
            Tools { kept: Arc::clone(&cx.kept), confirmations: Confirmations::new(Arc::clone(&cx.memory)) };
        if self.tools.set(tools).is_err() {
            return Err(AdapterError::Internal("the inbox runs already".into()));
        }
        let mapper = cx.mapper();
        let forms = [Class::Im, Class::Pres].map(|class| mapper.address_of(&Local::Gateway, class));
        let serves = forms.into_iter().filter_map(Result::ok).map(Scope::Address).collect();
        let authority = Authority {
            peer: None,
            scopes: Vec::new(),
            standing: Standing::Verified,
            label: "the gateway itself".into(),
        };
        let facts = SessionFacts { authority: Arc::new(authority), serves, home: false };
        let (_inlet, _answers) = cx.open(facts, 1);
        cx.health.set(Health::Up);
        cx.shutdown.draining().await;
        cx.health.set(Health::Stopped);
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        let (router, tools) = self.ready()?;
        let Operation::Message(message) = &*delivery.operation else {
            return Err(DeliveryError::refused(Code::Unsupported, "the gateway's inbox takes messages"));
        };
        let sender = message.source.as_uri().address();
        let letter = Letter::read(message);
        let silent = Self::is_silent(&router, sender, &letter);
        let who = router.book().principal(sender);
        // One that is delivered again was let through before.
        if !silent && !delivery.again {
            let pace = match delivery.standing {
                Standing::Verified => COMMANDS_PACE,
                Standing::Claimed | Standing::Anonymous => UNPROVEN_PACE,
            };
            // Each has his own bucket by how well he is known: nobody slows down whom he pretends to be.
            let paces = if delivery.standing == Standing::Verified { &self.paces } else { &self.unproven };
            let paced = lock(paces).take(&who, pace, Instant::now());
            if !paced || !router.has_room_to_say(sender) {
                return Err(DeliveryError {
                    fault: Fault::Caller,
                    retry: Retry::Later,
                    code: Code::Unreachable,
                    public: "too many commands at once".into(),
                    detail: String::new(),
                });
            }
        }
        commit.pass(Some(RECALL)).await?;
        if silent {
            metrics::counter!("cpim_inbox_silent_total", "why" => "automatic").increment(1);
            return Ok(Outcome::Delivered(Response::success()));
        }
        let answers = self.answer(&router, tools, &letter, &delivery).await;
        for (nth, Answer { content, metadata }) in answers.into_iter().enumerate() {
            // By the command's own name, so that one that is delivered again is not answered again.
            let name = format!("{}.{nth}", delivery.passage.id);
            router.say(message.source.clone(), content, metadata, &name);
        }
        Ok(Outcome::Delivered(Response::success()))
    }
}
