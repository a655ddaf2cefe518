//! The inbox as a port of the router: who may command, what is answered, and to whom.

use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::kept::{KeptId, Shelf};
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, Address, Authority, BadAddress, Capabilities, Class, Code,
    CommitPoint, Content, Delivery, DeliveryError, Fault, ForeignAddress, Health, Local, Metadata, NextHop,
    Operation, Outcome, PresenceSupport, Response, Retry, Scope, SessionFacts, Standing, Support,
};
use tokio::time::Instant;
use tracing::{debug, info};

use super::command::Command;
use super::confirm::{Confirmations, Found};
use super::help::help;
use super::letter::{Letter, MAX_COMMANDS};
use super::pace::{Pace, Paces};
use super::presence::Asker;
use super::rules;
use super::words::{shown, when};
use crate::clock::UnixMs;
use crate::router::Router;
use crate::sync::lock;

/// For how long a message that is delivered again does no harm: commands done twice change nothing the second time, and
/// their answers are recognised.
const RECALL: Duration = Duration::from_secs(3_600);

/// Messages of one sender. Whoever is faster waits: they are tried again like any other.
const COMMANDS_PACE: Pace = Pace { at_once: 30, one_each: Duration::from_secs(2) };

/// Confirmations that one address is asked for. More would be a nuisance to somebody whose address is misused.
const CONFIRMATIONS_PACE: Pace = Pace { at_once: 5, one_each: Duration::from_secs(600) };

/// The gateway's own inbox.
#[derive(Default)]
pub struct Inbox {
    router: OnceLock<Weak<Router>>,
    tools: OnceLock<Tools>,
    paces: Mutex<Paces>,
    asked: Mutex<Paces>,
}

/// What is there once it runs.
struct Tools {
    kept: Arc<Shelf>,
    confirmations: Confirmations,
}

/// A message of the gateway's to whoever wrote to it.
struct Answer {
    content: Content,
    metadata: Metadata,
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
        let desk =
            Desk { inbox: self, router, tools, letter, asker, operation: delivery.passage.id.as_str() };
        desk.answers().await
    }
}

/// One message being answered.
struct Desk<'a> {
    inbox: &'a Inbox,
    router: &'a Arc<Router>,
    tools: &'a Tools,
    letter: &'a Letter,
    asker: Asker,
    operation: &'a str,
}

impl Desk<'_> {
    async fn answers(&self) -> Vec<Answer> {
        if !self.letter.has_text {
            return vec![self.text(&["Commands are text. Write help for a list of them.".to_owned()])];
        }
        if self.letter.lines.len() > MAX_COMMANDS {
            let words =
                format!("Too many lines: {MAX_COMMANDS} commands are taken at once. Nothing is done.");
            return vec![self.text(&[words])];
        }
        if self.letter.lines.is_empty() {
            return vec![self.text(&[help(None)])];
        }
        let (mut said, mut to_confirm, mut more) = (Vec::new(), Vec::new(), Vec::new());
        for line in &self.letter.lines {
            let command = match Command::read(line, &self.router.book().names(), UnixMs::now()) {
                Ok(command) => command,
                Err(why) => {
                    count("unknown");
                    said.push(sentence(&why.to_string()));
                    // What follows is rather the text of a letter than more commands.
                    if self.letter.lines.len() > 1 {
                        said.push("What follows it was not read.".to_owned());
                    }
                    break;
                }
            };
            count(command.name());
            match self.asker.standing {
                Standing::Anonymous if !matches!(command, Command::Help(_)) => {
                    said.push("Nobody says who you are, so that only help is for you.".to_owned());
                    break;
                }
                Standing::Claimed if command.changes() => to_confirm.push(line.clone()),
                _ => match &command {
                    Command::Show(id) => match self.show(id).await {
                        Ok(answer) => more.push(answer),
                        Err(words) => said.push(words),
                    },
                    Command::Confirm(word) => said.push(self.confirm(word).await),
                    command => said.push(self.perform(command, &self.asker).await),
                },
            }
        }
        let mut answers = Vec::new();
        if !said.is_empty() {
            answers.push(self.text(&said));
        }
        if !to_confirm.is_empty() {
            answers.extend(self.ask(to_confirm).await);
        }
        answers.extend(more);
        answers
    }

    fn text(&self, said: &[String]) -> Answer {
        Answer { content: Content::text(&said.join("\n")), metadata: self.letter.answer() }
    }

    /// Does one command of somebody who may.
    async fn perform(&self, command: &Command, asker: &Asker) -> String {
        if let Some(said) = rules::set(self.router, &asker.owner, command).await {
            info!(owner = %asker.owner, command = command.name(), "rules set by command");
            return said;
        }
        let router = self.router;
        match command {
            Command::Forget(id) => self.forget(id).await,
            Command::Help(about) => help(about.as_deref()),
            Command::Kept => self.kept().await,
            Command::Rules => rules::list(router, &asker.owner),
            Command::Status(status) => asker.status(router, status).await,
            Command::Subscribe { target, duration } => asker.subscribe(router, target, *duration).await,
            Command::Subscriptions => asker.subscriptions(router),
            Command::Unsubscribe(target) => asker.unsubscribe(router, target).await,
            Command::Watchers => asker.watchers(router),
            Command::Whoami => self.whoami(),
            // Rules are set above; these two are answered by more than words, and are never to be confirmed.
            Command::Appear(_)
            | Command::Confirm(_)
            | Command::Delegate { .. }
            | Command::Forward(_)
            | Command::Mark { .. }
            | Command::Seen { .. }
            | Command::Show(_)
            | Command::Unblock(_) => String::new(),
        }
    }

    fn whoami(&self) -> String {
        let (canonical, own) = (self.asker.owner.to_string(), shown(self.router, &self.asker.owner));
        let also = if own == canonical { String::new() } else { format!(" ({own})") };
        let known = match self.asker.standing {
            Standing::Verified => "You are proven to be that.",
            Standing::Claimed => "That is what you say: what you change must be confirmed.",
            Standing::Anonymous => "Nobody says so.",
        };
        format!("You are {canonical}{also}. {known}")
    }

    /// Asks whether it was he.
    async fn ask(&self, lines: Vec<String>) -> Option<Answer> {
        let owner = &self.asker.owner;
        if !lock(&self.inbox.asked).take(owner, CONFIRMATIONS_PACE, Instant::now()) {
            debug!(%owner, "asked for too many confirmations");
            metrics::counter!("cpim_inbox_silent_total", "why" => "confirmations").increment(1);
            return None;
        }
        let listed: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
        let word = match self.tools.confirmations.ask(owner, lines).await {
            Ok(word) => word,
            Err(error) => {
                debug!(%error, "no confirmation can be asked for");
                return Some(self.text(&["That cannot be done at present.".to_owned()]));
            }
        };
        metrics::counter!("cpim_inbox_confirmations_total", "step" => "asked").increment(1);
        let text = format!(
            "Somebody who says he is you asks for:\n{}\nIf it was you, send back within a day:\nconfirm {word}\n\
             If not, do nothing, and nothing is done.",
            listed.join("\n"),
        );
        let metadata = self.letter.answer_about(&format!("confirm {word}"));
        Some(Answer { content: Content::text(&text), metadata })
    }

    /// Does what was confirmed: whoever has the word has read what was sent to the address, and is proven by it.
    async fn confirm(&self, word: &str) -> String {
        let lines = match self.tools.confirmations.find(&self.asker.owner, word, self.operation).await {
            Ok(Found::Commands(lines)) => lines,
            Ok(Found::Done) => return "That was confirmed before.".to_owned(),
            Ok(Found::Unknown) => return "Nothing waits for that word; it may be too old.".to_owned(),
            Err(error) => {
                debug!(%error, "confirmations cannot be read");
                return "That cannot be looked up at present.".to_owned();
            }
        };
        metrics::counter!("cpim_inbox_confirmations_total", "step" => "confirmed").increment(1);
        let asker = Asker { standing: Standing::Verified, ..self.asker.clone() };
        let mut said = Vec::new();
        for line in lines {
            said.push(match Command::read(&line, &self.router.book().names(), UnixMs::now()) {
                Ok(command) => self.perform(&command, &asker).await,
                Err(why) => sentence(&why.to_string()),
            });
        }
        said.join("\n")
    }

    /// Something that is kept, where it is kept for whoever asks: who may not have it learns nothing of it.
    async fn show(&self, id: &KeptId) -> Result<Answer, String> {
        match self.tools.kept.read(id).await {
            Ok(Some(kept)) if self.is_his(kept.message.destination.as_uri().address()) => {
                let metadata = Metadata { automatic: true, ..kept.message.metadata };
                Ok(Answer { content: kept.message.content, metadata })
            }
            Ok(_) => Err(format!("Nothing is kept for you as {id}.")),
            Err(error) => {
                debug!(%error, "what is kept cannot be read");
                Err("That cannot be looked up at present.".to_owned())
            }
        }
    }

    async fn forget(&self, id: &KeptId) -> String {
        match self.tools.kept.read(id).await {
            Ok(Some(kept)) if self.is_his(kept.message.destination.as_uri().address()) => {
                match self.tools.kept.forget(id).await {
                    Ok(()) => format!("{id} is forgotten."),
                    Err(_) => "That cannot be done at present.".to_owned(),
                }
            }
            Ok(_) => format!("Nothing is kept for you as {id}."),
            Err(_) => "That cannot be looked up at present.".to_owned(),
        }
    }

    fn is_his(&self, inbox: &Address) -> bool {
        self.router.book().principal(inbox) == self.asker.owner
    }

    async fn kept(&self) -> String {
        match self.tools.kept.of(&self.asker.owner).await {
            Ok(lines) if lines.is_empty() => "Nothing is kept for you.".to_owned(),
            Ok(lines) => {
                let lines = lines.iter().map(|line| {
                    format!("show {} ({} octets, until {})", line.id, line.octets, when(line.until.into()))
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(_) => "That cannot be looked up at present.".to_owned(),
        }
    }
}

#[async_trait]
impl Adapter for Inbox {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            support: |_| Support::Full,
            presence: PresenceSupport::None,
            max_content_octets: None,
            patience: None,
        }
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
            let paced = lock(&self.paces).take(&who, COMMANDS_PACE, Instant::now());
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
        commit.pass(Some(RECALL)).await.map_err(|withdrawn| DeliveryError {
            fault: Fault::Caller,
            retry: Retry::Never,
            code: Code::Expired,
            public: withdrawn.to_string(),
            detail: String::new(),
        })?;
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

fn count(command: &'static str) {
    metrics::counter!("cpim_inbox_commands_total", "command" => command).increment(1);
}

/// A sentence from what is said within one.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    first.into_iter().flatten().chain(chars).chain(end.chars()).collect()
}
