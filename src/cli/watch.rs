//! `watch`: the presence of somebody, once or as it changes.

use std::time::Duration;

use clap::Args;
use cpim_adapter::{
    Kind, Operation, PresUri, Response, Status, Subscribe, SubscriptId, TransId, Unsubscribe,
};
use cpim_native_proto::{Claim, Closure, Event, Parameters};
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::{self, Answered};
use super::arrival::Arrived;
use super::client::{Claims, Client, exit_of};
use super::exit::{Exit, Failed};
use super::out::Out;
use super::server::Server;
use super::signals::Signals;
use crate::clock::UnixMs;
use crate::ids;

/// Seconds that are asked for where none are named; the subscription is renewed for as long as it is watched.
const LEASE_S: u32 = 3_600;

/// For the notification that follows the response to a fetch, and for the response to an unsubscribe.
const PATIENCE: Duration = Duration::from_secs(10);

/// Subscribes to the presence of somebody, and prints each notification
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway watch --from pres:fred@a.example pres:barney@b.example
  cpim-gateway watch --from pres:fred@a.example pres:barney@b.example --duration 0 --json
  cpim-gateway watch --from pres:fred@a.example pres:barney@b.example --duration 600 --server gw.example:5870 --tls

SIGINT and SIGTERM end the subscription. When the connection is lost, it connects again and goes on with it.
Exit codes: 0 ended, 1 failure, 2 bad usage, 3 indeterminant, 75 cannot connect, or busy: try again.")]
pub(super) struct Watch {
    /// Who watches
    #[arg(long, value_name = "URI", value_parser = PresUri::parse)]
    from: PresUri,
    /// Whose presence
    #[arg(value_name = "TARGET", value_parser = PresUri::parse)]
    target: PresUri,
    /// For how many seconds; 0 fetches it once [default: until it is stopped]
    #[arg(long, value_name = "S")]
    duration: Option<u32>,
    /// End when the connection is lost, instead of connecting again
    #[arg(long)]
    no_reconnect: bool,
    #[command(flatten)]
    server: Server,
}

/// A subscription under way.
struct Watching<'a> {
    watch: &'a Watch,
    client: Client,
    /// When it is enough, where it ever is.
    until: Option<Instant>,
    /// The subscribe that waits for its response.
    asked: TransId,
    /// The subscription's name. It is ours, so that it is known also where the first response was lost; none for a
    /// fetch, and once it has been refused.
    subscript_id: Option<SubscriptId>,
    /// When it must be renewed, or when it has run out.
    due: Option<Instant>,
}

impl Watch {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let mut signals = Signals::new()?;
        let client = Client::open(&self.server, self.claims()).await?;
        let span = self.duration.map(|seconds| Duration::from_secs(seconds.into()));
        let mut watching = Watching {
            watch: self,
            client,
            until: span.filter(|span| !span.is_zero()).map(|span| Instant::now() + span),
            asked: TransId::from_draw(ids::draw()),
            subscript_id: if self.is_fetch() { None } else { SubscriptId::parse(&ids::word()).ok() },
            due: None,
        };
        watching.subscribe(self.duration.unwrap_or(LEASE_S))?;
        let exit = tokio::select! {
            exit = watching.run(out) => exit?,
            () = signals.asked() => Exit::Done,
        };
        watching.leave().await;
        Ok(exit)
    }

    fn claims(&self) -> Claims {
        let serves = vec![Claim::Uri(self.from.as_uri().clone())];
        Claims { serves, ..Claims::default() }
    }

    fn is_fetch(&self) -> bool {
        self.duration == Some(0)
    }
}

impl Watching<'_> {
    fn subscribe(&mut self, duration: u32) -> Result<(), Failed> {
        self.asked = TransId::from_draw(ids::draw());
        let subscribe = Operation::Subscribe(Subscribe {
            watcher: self.watch.from.clone(),
            target: self.watch.target.clone(),
            duration,
            subscript_id: self.subscript_id.clone(),
        });
        let sent = self.client.send(&self.asked, &Parameters::default(), &subscribe);
        sent.map_err(Failed::try_again)
    }

    /// Prints what comes until it is enough.
    async fn run(&mut self, out: &mut Out) -> Result<Exit, Failed> {
        let mut lost = Closure::Lost;
        let (mut granted, mut told) = (false, false);
        loop {
            if out.is_closed() || (self.watch.is_fetch() && granted && told) {
                return Ok(Exit::Done);
            }
            let due = self.due;
            let event = tokio::select! {
                event = self.client.next() => event,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    match self.on_due()? {
                        Some(exit) => return Ok(exit),
                        None => continue,
                    }
                }
            };
            match event {
                Some(Event::Response { trans_id, response }) if trans_id == self.asked => {
                    out.show(&Answered::new(&trans_id, &response))?;
                    if response.status() != Status::Success {
                        self.subscript_id = None;
                        return Ok(answer::exit_of(&response));
                    }
                    self.granted(&response);
                    granted = true;
                }
                // Of somebody else whom the watcher watches elsewhere: it comes to his newest session, which is this.
                Some(Event::Operation(incoming)) if incoming.operation.kind() == Kind::Notify => {
                    if self.is_of_target(&incoming.operation) {
                        out.show(&Arrived::new(UnixMs::now(), &incoming))?;
                        told = true;
                    }
                }
                Some(Event::Operation(incoming)) => {
                    let words = "this session only watches";
                    let refusal = Response::failure(cpim_adapter::Code::Unsupported, words);
                    self.client.respond(&incoming.trans_id, &refusal);
                }
                Some(Event::Closed(closure)) => lost = closure,
                Some(_) => {}
                None => {
                    let closure = std::mem::replace(&mut lost, Closure::Lost);
                    if let Some(exit) = self.go_on(&closure, out).await? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    fn is_of_target(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Notify(told) if told.target.as_uri().address() == self.watch.target.as_uri().address())
    }

    /// Connects again and asks for the same subscription, or says that its time was over before that.
    async fn go_on(&mut self, closure: &Closure, out: &Out) -> Result<Option<Exit>, Failed> {
        let Watch { server, no_reconnect, .. } = self.watch;
        if *no_reconnect || self.watch.is_fetch() || exit_of(closure) != Exit::TryAgain {
            return Err(Failed::failure(format_args!("{}: {closure}", server.place())));
        }
        out.note(format_args!("{}: {closure}; connecting again", server.place()));
        let (claims, until) = (self.watch.claims(), self.until);
        self.client = tokio::select! {
            again = Client::open_again(server, &claims) => again?,
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                return Ok(Some(Exit::Done));
            }
        };
        out.note(format_args!("{}: connected", server.place()));
        self.on_due()
    }

    /// Notes what was granted, and when something is to be done about it.
    fn granted(&mut self, response: &Response) {
        if self.watch.is_fetch() {
            self.due = Some(Instant::now() + PATIENCE);
            return;
        }
        // At least a second, whatever is granted: asking is not to become a flood.
        let granted = Duration::from_secs(response.duration().unwrap_or(LEASE_S).max(1).into());
        self.subscript_id = response.subscript_id().cloned().or_else(|| self.subscript_id.take());
        // Renewed with a quarter of it left, which is time enough for a retry by whoever is asked.
        let renewal = Instant::now() + granted * 3 / 4;
        self.due = Some(self.until.map_or(renewal, |until| until.min(renewal)));
    }

    /// Renews the subscription, or says that it is enough.
    fn on_due(&mut self) -> Result<Option<Exit>, Failed> {
        if self.watch.is_fetch() {
            let words = format!("no notification came within {} s of the response", PATIENCE.as_secs());
            return Err(Failed::failure(words));
        }
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if left.is_zero() => return Ok(Some(Exit::Done)),
            Some(left) => self.subscribe(u32::try_from(left.as_secs()).unwrap_or(u32::MAX).max(1))?,
            None => self.subscribe(LEASE_S)?,
        }
        self.due = self.until;
        Ok(None)
    }

    /// Ends the subscription, where there is one, and the session.
    async fn leave(mut self) {
        if self.subscript_id.is_some() {
            let trans_id = TransId::from_draw(ids::draw());
            let unsubscribe = Operation::Unsubscribe(Unsubscribe {
                watcher: self.watch.from.clone(),
                target: self.watch.target.clone(),
            });
            if self.client.send(&trans_id, &Parameters::default(), &unsubscribe).is_ok() {
                let answered = async {
                    while let Some(event) = self.client.next().await {
                        if matches!(event, Event::Response { trans_id: answered, .. } if answered == trans_id)
                        {
                            break;
                        }
                    }
                };
                // Unanswered, the subscription runs out by itself.
                drop(timeout(PATIENCE, answered).await);
            }
        }
        self.client.leave().await;
    }
}
