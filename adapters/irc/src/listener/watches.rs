//! `MONITOR`: whom a client watches (IRCv3 monitor, extended-monitor).
//!
//! The gateway keeps the leases and the rules; a client's list is a list of what it asked for, and lasts as long as its
//! connection.

use cpim_adapter::{
    Address, Class, Code, Local, Operation, Place, PresUri, Response, Status as Outcome, Subscribe,
    Unsubscribe, Uri,
};
use cpim_irc_proto::{Numeric, Origin, Verb};

use super::departure::News;
use super::messages::Unresolved;
use super::nick::{fold, is_nick};
use super::presence::Status;
use super::session::{Asked, Session};
use crate::line::{Line, Request};
use cpim_irc_proto::server::Capability as Cap;

/// Seconds that are asked for with each subscription; the gateway renews what is held.
const LEASE_SECONDS: u32 = 3_600;

/// Octets of a list in one line: the longest nick, and the numeric before it, fit beside.
const LIST_OCTETS: usize = 380;

/// Presentities of which a client has been told by notices, so that nothing is told twice; beyond that it begins anew.
const TOLD: usize = 512;

/// Somebody whom the client watches.
pub(super) struct Watch {
    /// As the client wrote it.
    spelling: String,
    target: Address,
    /// What the client has been told.
    pub(super) status: Option<Status>,
}

/// Something to be asked of the gateway.
pub(super) enum Ask {
    /// Whether somebody is there, once.
    Fetch(Address),
    /// Presence, from now on.
    Subscribe(Address),
    /// No presence any more, for this watcher.
    Unsubscribe(Address, PresUri),
}

impl Session {
    /// `MONITOR`.
    pub(super) async fn monitor(&mut self, request: &Request) {
        let list = || -> Vec<&str> {
            request
                .param(1)
                .map(|list| list.split(',').filter(|one| !one.is_empty()).collect())
                .unwrap_or_default()
        };
        match request.param(0).unwrap_or_default() {
            "+" => self.watch(&list()).await,
            "-" => {
                for spelling in list() {
                    if let Some(watch) = self.watches.remove(&fold(spelling)) {
                        self.unwatch(watch);
                    }
                }
            }
            "C" | "c" => {
                let all: Vec<Watch> = self.watches.drain().map(|(_, watch)| watch).collect();
                all.into_iter().for_each(|watch| self.unwatch(watch));
            }
            "L" | "l" => {
                let all: Vec<String> = self.watches.values().map(|watch| watch.spelling.clone()).collect();
                self.say_list(Numeric::RPL_MONLIST, &all);
                self.client.tell(Numeric::RPL_ENDOFMONLIST, "End of MONITOR list");
            }
            "S" | "s" => {
                let known: Vec<String> = self.watches.keys().cloned().collect();
                for key in known {
                    self.say_watch(&key).await;
                }
            }
            _ => self.client.need_more("MONITOR"),
        }
    }

    async fn watch(&mut self, list: &[&str]) {
        let most = self.client.loaded().settings.limits.monitor;
        for (nth, spelling) in list.iter().enumerate() {
            let key = fold(spelling);
            if self.watches.contains_key(&key) {
                self.say_watch(&key).await;
                continue;
            }
            if self.watches.len() >= most {
                let rest = list.get(nth..).unwrap_or_default().join(",");
                let line = self.client.numeric(Numeric::ERR_MONLISTFULL).param(most.to_string()).param(rest);
                self.client.say(line.words("Monitor list is full"));
                return;
            }
            match self.watched(spelling).await {
                Some(target) => {
                    self.asks.push_back(Ask::Subscribe(target.clone()));
                    let watch = Watch { spelling: (*spelling).to_owned(), target, status: None };
                    self.watches.insert(key, watch);
                }
                None => self.say_list(Numeric::RPL_MONOFFLINE, &[(*spelling).to_owned()]),
            }
        }
    }

    /// Whom a client means that wants to watch somebody: also a nick that nobody has yet.
    async fn watched(&self, spelling: &str) -> Option<Address> {
        let mapper = self.client.live.cx.mapper();
        let resolved = match self.resolve(spelling).await {
            Ok(address) => address,
            Err(Unresolved::NoSuchNick) if is_nick(spelling) => {
                let uri = self.client.server.uri_of(&fold(spelling), Class::Pres, &mapper)?;
                uri.address().clone()
            }
            Err(_) => return None,
        };
        Some(resolved.with_class(Class::Pres))
    }

    fn unwatch(&mut self, watch: Watch) {
        let still = self.watches.values().any(|other| other.target == watch.target);
        if !still {
            self.asks.push_back(Ask::Unsubscribe(watch.target, self.me.pres.clone()));
        }
    }

    /// The client is somebody else from now on: what it watches, it watches as that.
    pub(super) fn watch_anew(&mut self, before: &PresUri) {
        let targets: Vec<Address> = self.watches.values().map(|watch| watch.target.clone()).collect();
        for target in targets {
            self.asks.push_back(Ask::Unsubscribe(target.clone(), before.clone()));
            self.asks.push_back(Ask::Subscribe(target));
        }
    }

    /// Asks the gateway, now that there is a place for the answer.
    pub(super) fn ask(&mut self, ask: Ask, place: Place) {
        let watcher = self.me.pres.clone();
        let target = |address: &Address| PresUri::try_from(Uri::from(address.clone())).ok();
        let subscribe = |target: PresUri, duration| {
            Operation::Subscribe(Subscribe { watcher: watcher.clone(), target, duration, subscript_id: None })
        };
        let (operation, held, asked) = match ask {
            Ask::Fetch(address) => {
                let Some(target) = target(&address) else { return };
                (subscribe(target, 0), false, Asked::Fetch(address))
            }
            Ask::Subscribe(address) => {
                let Some(target) = target(&address) else { return };
                (subscribe(target, LEASE_SECONDS), true, Asked::Subscribe(address))
            }
            Ask::Unsubscribe(address, watcher) => {
                let Some(target) = target(&address) else { return };
                (Operation::Unsubscribe(Unsubscribe { watcher, target }), false, Asked::Unsubscribe)
            }
        };
        if let Operation::Subscribe(Subscribe { target, .. })
        | Operation::Unsubscribe(Unsubscribe { target, .. }) = &operation
        {
            self.client.server.asked().note(&self.me.person, target.as_uri().address());
        }
        self.submit(place, operation, held, asked);
    }

    /// The gateway's answer to a subscription. Where there is none, nothing is known, and nobody is there.
    pub(super) async fn subscribed(&mut self, target: &Address, response: &Response) {
        match (response.status(), response.code()) {
            (Outcome::Success, _) => {}
            // Another connection of this account has it; what it is told, all of them are. The present state is asked
            // for.
            (Outcome::Failure, Some(Code::AlreadySubscribed)) => {
                self.asks.push_back(Ask::Fetch(target.clone()));
            }
            (Outcome::Failure | Outcome::Indeterminant, _) => {
                self.change(target, Status::closed()).await;
            }
        }
    }

    /// Presence that this person asked for.
    pub(super) async fn hear(&mut self, news: News) {
        let target = news.target.with_class(Class::Pres);
        let status = Status::of(&news.presence);
        self.found(&target, Some(&status)).await;
        let is_watched = self.watches.values().any(|watch| watch.target == target);
        if !is_watched && !self.client.server.asked().lately(&self.me.person, &target) {
            match self.commands || self.client.account.is_some() {
                true => self.tell_status(&target, &status).await,
                // Whoever had this nick before asked for it.
                false => self.asks.push_back(Ask::Unsubscribe(target.clone(), self.me.pres.clone())),
            }
        }
        self.change(&target, status).await;
    }

    /// Presence that this person asked for in another way than by a client's own commands: by a message to the gateway.
    async fn tell_status(&mut self, target: &Address, status: &Status) {
        if self.told.len() >= TOLD {
            self.told.clear();
        }
        if self.told.insert(target.clone(), status.clone()).as_ref() == Some(status) {
            return;
        }
        let Some(gateway) = self.gateway().await else { return };
        let nick = match self.origin(target).await {
            Some(Origin::Person { nick, .. }) => nick.to_string(),
            _ => String::new(),
        };
        let here = match (status.open, status.away) {
            (true, false) => "is here",
            (true, true) => "is away",
            (false, _) => "is not here",
        };
        let note = status.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
        let address = target.clone().with_class(Class::Im);
        let line = Line::new(&gateway, Verb::NOTICE).param(&self.client.nick);
        self.client.say(line.words(format!("{nick} ({address}) {here}{note}")));
    }

    /// As whom the gateway itself writes.
    async fn gateway(&self) -> Option<Origin> {
        let address = self.client.live.cx.mapper().address_of(&Local::Gateway, Class::Im).ok()?;
        self.origin(&address).await
    }

    async fn change(&mut self, target: &Address, status: Status) {
        let keys: Vec<String> = self
            .watches
            .iter()
            .filter(|(_, watch)| watch.target == *target)
            .map(|(key, _)| key.clone())
            .collect();
        let mut is_news = false;
        for key in keys {
            let Some(watch) = self.watches.get_mut(&key) else { continue };
            let before = watch.status.replace(status.clone());
            is_news |= before.as_ref().and_then(Status::away_words) != status.away_words();
            if before.map(|before| before.open) != Some(status.open) {
                self.say_watch(&key).await;
            }
        }
        // Once, by whichever names the client watches him.
        if is_news && status.open {
            self.say_away(target, status.away_words()).await;
        }
    }

    /// Says whether somebody is there whom the client watches. What is not known yet is said when it is.
    async fn say_watch(&mut self, key: &str) {
        let Some(watch) = self.watches.get(key) else { return };
        let (spelling, target) = (watch.spelling.clone(), watch.target.clone());
        match watch.status.as_ref().map(|status| status.open) {
            None => {}
            Some(false) => self.say_list(Numeric::RPL_MONOFFLINE, &[spelling]),
            Some(true) => {
                // A client finds what it wrote before the `!`.
                let whole = match self.origin(&target).await {
                    Some(Origin::Person { user, host, .. }) if is_nick(&spelling) => {
                        format!("{spelling}!{user}@{host}")
                    }
                    _ => spelling,
                };
                self.say_list(Numeric::RPL_MONONLINE, &[whole]);
            }
        }
    }

    /// away-notify, for those whom the client watches (extended-monitor).
    async fn say_away(&mut self, target: &Address, words: Option<&str>) {
        let caps = self.client.caps;
        if !(caps.has(Cap::AwayNotify) && caps.has(Cap::ExtendedMonitor)) {
            return;
        }
        if let Some(origin) = self.origin(target).await {
            let line = Line::new(&origin, Verb::AWAY);
            self.client.say(match words {
                Some(words) => line.words(words),
                None => line,
            });
        }
    }

    /// A list, in as many lines as it takes.
    fn say_list(&mut self, numeric: Numeric, all: &[String]) {
        let mut list = String::new();
        for one in all {
            if !list.is_empty() && list.len() + one.len() > LIST_OCTETS {
                let line = self.client.numeric(numeric).words(&list);
                self.client.say(line);
                list.clear();
            }
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(one);
        }
        if !list.is_empty() {
            let line = self.client.numeric(numeric).words(&list);
            self.client.say(line);
        }
    }
}
