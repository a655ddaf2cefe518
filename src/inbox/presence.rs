//! Commands about presence: asked of the presence service as by anybody, in the name of whoever commands.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    Address, Basic, Class, Code, Operation, PresUri, Publish, Response, Status, Subscribe, SubscriptId,
    Unsubscribe, Uri,
};

use super::words::{shown, when};
use crate::clock::UnixMs;
use crate::router::{Router, SubscriptionView};
use crate::rules::simple_presence;

use cpim_adapter::Standing;

/// For how long somebody watches who does not say.
const A_DAY: Duration = Duration::from_secs(24 * 3_600);

/// Lines of a list.
const LISTED: usize = 100;

/// Somebody who commands, and how well he is known.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// His inbox, in its one form.
    pub(super) owner: Address,
    pub(super) standing: Standing,
}

impl Asker {
    async fn ask(&self, router: &Arc<Router>, operation: Operation) -> Response {
        router.ask_presence(operation, self.standing).await
    }

    /// Begins to watch, or goes on with it.
    pub(super) async fn subscribe(
        &self,
        router: &Arc<Router>,
        target: &Address,
        duration: Option<Duration>,
    ) -> String {
        let name = shown(router, target);
        let (Some(watcher), Some(presentity)) = (pres(&self.owner), pres(target)) else {
            return format!("{name} is nobody whose presence can be told.");
        };
        let seconds = u32::try_from(duration.unwrap_or(A_DAY).as_secs()).unwrap_or(u32::MAX);
        let subscribe = |subscript_id: Option<SubscriptId>| {
            let (watcher, target) = (watcher.clone(), presentity.clone());
            Operation::Subscribe(Subscribe { watcher, target, duration: seconds.max(1), subscript_id })
        };
        let mut response = self.ask(router, subscribe(None)).await;
        if response.code() == Some(Code::AlreadySubscribed) {
            match self.subscription(router, target) {
                Some(SubscriptionView { until: None, .. }) => {
                    return format!("You watch {name} already, for as long as you are connected.");
                }
                Some(SubscriptionView { id: Some(id), .. }) => {
                    response = self.ask(router, subscribe(SubscriptId::parse(&id).ok())).await;
                }
                _ => {}
            }
        }
        match (response.status(), response.duration()) {
            (Status::Success, Some(granted)) => {
                let until = UnixMs::now().plus(Duration::from_secs(granted.into()));
                format!("You are told of {name} until {}.", when(until))
            }
            (Status::Success, None) => format!("You are told of {name}."),
            _ => format!("You cannot watch {name}: {}.", reason(&response)),
        }
    }

    fn subscription(&self, router: &Router, target: &Address) -> Option<SubscriptionView> {
        let book = router.book();
        let wanted = book.principal(target);
        router.subscriptions_of(&self.owner).into_iter().find(|view| {
            Address::parse(&view.presentity).is_ok_and(|presentity| book.principal(&presentity) == wanted)
        })
    }

    /// Watches no longer.
    pub(super) async fn unsubscribe(&self, router: &Arc<Router>, target: &Address) -> String {
        let name = shown(router, target);
        let (Some(watcher), Some(target)) = (pres(&self.owner), pres(target)) else {
            return format!("{name} is nobody whose presence can be told.");
        };
        let response = self.ask(router, Operation::Unsubscribe(Unsubscribe { watcher, target })).await;
        match response.status() {
            Status::Success => format!("You are told of {name} no longer."),
            _ if response.code() == Some(Code::NotSubscribed) => format!("You do not watch {name}."),
            _ => format!("That cannot be ended: {}.", reason(&response)),
        }
    }

    /// Sets his own presence, or takes back what he set.
    pub(super) async fn status(
        &self,
        router: &Arc<Router>,
        status: &Option<(Basic, Option<String>)>,
    ) -> String {
        let Some(target) = pres(&self.owner) else {
            return "You have no presence here.".to_owned();
        };
        let (basic, note) = match status {
            Some((basic, note)) => (*basic, note.as_deref()),
            None => (Basic::Closed, None),
        };
        let publish = Publish {
            presence: simple_presence(target.address(), basic, note),
            target,
            document: None,
            duration: status.is_none().then_some(0),
        };
        let response = self.ask(router, Operation::Publish(publish)).await;
        match (response.status(), status) {
            (Status::Success, None) => "What you set is taken back.".to_owned(),
            (Status::Success, Some((basic, None))) => format!("You are {basic}."),
            (Status::Success, Some((basic, Some(note)))) => format!("You are {basic}: {note}."),
            _ if response.code() == Some(Code::Unsupported) => {
                "Your presence is not kept here: your own program tells it.".to_owned()
            }
            _ => format!("Nothing is changed: {}.", reason(&response)),
        }
    }

    /// Who watches him.
    pub(super) fn watchers(&self, router: &Router) -> String {
        let views = router.watchers_of(&self.owner);
        let lines = views.iter().map(|view| {
            let watcher = name(router, &view.watcher);
            match (&view.ended, view.until) {
                (Some(how), _) => format!("{watcher} {how} {}", when(view.until.unwrap_or(view.since))),
                (None, Some(until)) => format!("{watcher} since {}, until {}", when(view.since), when(until)),
                (None, None) => format!("{watcher} since {}", when(view.since)),
            }
        });
        list(lines.collect(), "Nobody watches you here.")
    }

    /// Whom he watches.
    pub(super) fn subscriptions(&self, router: &Router) -> String {
        let views = router.subscriptions_of(&self.owner);
        let lines = views.iter().map(|view| {
            let presentity = name(router, &view.presentity);
            match view.until {
                Some(until) => format!("{presentity} until {}", when(until)),
                None => format!("{presentity} for as long as you are connected"),
            }
        });
        list(lines.collect(), "You watch nobody.")
    }
}

fn list(mut lines: Vec<String>, none: &str) -> String {
    if lines.is_empty() {
        return none.to_owned();
    }
    let more = lines.len().saturating_sub(LISTED);
    if more > 0 {
        lines.truncate(LISTED);
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn name(router: &Router, address: &str) -> String {
    Address::parse(address).map_or_else(|_| address.to_owned(), |address| shown(router, &address))
}

fn pres(address: &Address) -> Option<PresUri> {
    PresUri::try_from(Uri::from(address.with_class(Class::Pres))).ok()
}

/// Why not, without the code where there are words.
fn reason(response: &Response) -> String {
    match response.words() {
        "" => response.text().into_owned(),
        words => words.to_owned(),
    }
}
