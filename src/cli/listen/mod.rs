//! `listen`: be one or several addresses, by native CPIM.

mod inbox;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use cpim_adapter::{
    Address, Basic, Class, Code, Operation, PresUri, Presence, Publish, Response, TransId, Tuple, Uri,
};
use cpim_native_proto::{Claim, Closure, Event, Incoming, Parameters};
use tokio::time::Instant;

use super::arrival::Arrived;
use super::client::{Claims, Client, exit_of};
use super::exit::{Exit, Failed};
use super::out::Out;
use super::server::Server;
use super::signals::Signals;
use crate::clock::UnixMs;
use crate::ids;
use inbox::{Inbox, Verdict, parse_answer};

/// Receives what is sent to addresses, by native CPIM, and prints it
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway listen im:barney@b.example
  cpim-gateway listen im:barney@b.example pres:barney@b.example --status open --note 'at my desk' --remembers 3600
  cpim-gateway listen im:barney@b.example --answer failure:denied --count 3 --json
  cpim-gateway listen im:barney@b.example --once --server /run/cpim-gateway/cpim.sock

SIGINT and SIGTERM end it in order.
Exit codes: 0 ended, 1 failure, 2 bad usage, 75 cannot connect: try again.")]
pub(super) struct Listen {
    /// The im: and pres: URIs to be
    #[arg(required = true, value_name = "URI", value_parser = Uri::parse)]
    uris: Vec<Uri>,
    /// Publish presence: whether messages are accepted now
    #[arg(long, value_name = "open|closed", value_parser = basic)]
    status: Option<Basic>,
    /// Words to go with the presence
    #[arg(long, value_name = "TEXT", requires = "status")]
    note: Option<String>,
    /// What to answer: success, failure:CODE, indeterminant, none
    #[arg(long, value_name = "ANSWER", default_value = "success", value_parser = Answer::parse)]
    answer: Answer,
    /// Recognise retransmissions for so many seconds: print them once, answer them the same
    #[arg(long, value_name = "S")]
    remembers: Option<u32>,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after one message
    #[arg(long, conflicts_with = "count")]
    once: bool,
    /// End when the connection is lost, instead of connecting again
    #[arg(long)]
    no_reconnect: bool,
    #[command(flatten)]
    server: Server,
}

/// What to answer to messages.
#[derive(Clone, Debug)]
struct Answer(Option<Response>);

impl Answer {
    fn parse(text: &str) -> Result<Self, String> {
        parse_answer(text).map(Self)
    }
}

fn basic(text: &str) -> Result<Basic, String> {
    Basic::from_word(text).ok_or_else(|| "expected open or closed".to_owned())
}

/// Why a session is over.
enum End {
    /// We wanted it so.
    Done,
    /// The other side did, or the connection.
    Lost(Closure),
}

impl Listen {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let mut signals = Signals::new()?;
        let remembers = self.remembers.map(|seconds| Duration::from_secs(seconds.into()));
        let presentities = self.presentities();
        let claims = Claims {
            serves: self.uris.iter().cloned().map(Claim::Uri).collect(),
            speaks: presentities.iter().cloned().map(Claim::Uri).collect(),
            remembers,
        };
        let mut listener = Listener {
            publications: self.publications(&presentities)?,
            inbox: Inbox::new(self.answer.0.clone(), remembers),
            left: if self.once { Some(1) } else { self.count },
            out,
        };
        let mut client = Client::open(&self.server, claims.clone()).await?;
        loop {
            let names: Vec<&str> = self.uris.iter().map(Uri::spelled).collect();
            listener.out.note(format_args!("listening at {} as {}", self.server.place(), names.join(" ")));
            let closure = match listener.session(client, &mut signals).await? {
                End::Done => return Ok(Exit::Done),
                End::Lost(closure) => closure,
            };
            if self.no_reconnect || exit_of(&closure) != Exit::TryAgain {
                return Err(Failed::failure(format_args!("{}: {closure}", self.server.place())));
            }
            listener.out.note(format_args!("{}: {closure}; connecting again", self.server.place()));
            client = tokio::select! {
                again = Client::open_again(&self.server, &claims) => again?,
                () = signals.asked() => return Ok(Exit::Done),
            };
        }
    }

    /// The presentities to publish for that were not named themselves. They are spoken for and not served: what is
    /// told to them as watchers is for whoever watches.
    fn presentities(&self) -> Vec<Uri> {
        if self.status.is_none() {
            return Vec::new();
        }
        let named: BTreeSet<Address> = self.uris.iter().map(|uri| uri.address().clone()).collect();
        let presentities: BTreeSet<Address> = named.iter().map(|one| one.with_class(Class::Pres)).collect();
        presentities.difference(&named).cloned().map(Uri::from).collect()
    }

    /// The presence to publish: of the presentities that were named, and of these.
    fn publications(&self, presentities: &[Uri]) -> Result<Vec<Operation>, Failed> {
        let Some(status) = self.status else {
            return Ok(Vec::new());
        };
        let publish = |uri: &Uri| {
            let inbox = uri.address().with_class(Class::Im).to_string();
            let tuple = Tuple::new(&inbox, status).with_text(self.note.as_deref().unwrap_or_default());
            let target = PresUri::try_from(uri.clone()).map_err(Failed::usage)?;
            let presence = Presence::new(tuple, Vec::new());
            Ok(Operation::Publish(Publish { target, presence, document: None, duration: None }))
        };
        let named = self.uris.iter().filter(|uri| uri.class() == Class::Pres);
        named.chain(presentities).map(publish).collect()
    }
}

/// What lasts over several sessions.
struct Listener<'a> {
    publications: Vec<Operation>,
    inbox: Inbox,
    /// Messages until the end, where there is one.
    left: Option<u64>,
    out: &'a mut Out,
}

impl Listener<'_> {
    /// Serves one session to its end.
    async fn session(&mut self, mut client: Client, signals: &mut Signals) -> Result<End, Failed> {
        self.publish(&mut client);
        let mut leaving = false;
        let mut lost = Closure::Lost;
        loop {
            let event = tokio::select! {
                event = client.next() => event,
                () = signals.asked() => {
                    if std::mem::replace(&mut leaving, true) {
                        return Ok(End::Done);
                    }
                    client.close();
                    continue;
                }
            };
            match event {
                Some(Event::Operation(incoming)) => self.arrived(&mut client, &incoming)?,
                Some(Event::Response { trans_id, response }) if response != Response::success() => {
                    self.out
                        .note(format_args!("presence was not published (transID {trans_id}): {response}"));
                }
                Some(Event::Closed(closure)) => lost = closure,
                Some(_) => {}
                None if leaving => return Ok(End::Done),
                None => return Ok(End::Lost(lost)),
            }
            if !leaving && (self.left == Some(0) || self.out.is_closed()) {
                leaving = true;
                client.close();
            }
        }
    }

    fn publish(&self, client: &mut Client) {
        for operation in &self.publications {
            let trans_id = TransId::from_draw(ids::draw());
            if let Err(error) = client.send(&trans_id, &Parameters::default(), operation) {
                self.out.note(format_args!("presence was not published: {error}"));
            }
        }
    }

    fn arrived(&mut self, client: &mut Client, incoming: &Incoming) -> Result<(), Failed> {
        let answer = match &incoming.operation {
            Operation::Message(_) if self.left == Some(0) => {
                Some(Response::failure(Code::Busy, "the listener is leaving"))
            }
            Operation::Message(message) => {
                match self.inbox.judge(Instant::now().into_std(), &incoming.trans_id, message) {
                    Verdict::Again(answer) => answer,
                    Verdict::NoRoom(busy) => Some(busy),
                    Verdict::New(answer) => {
                        self.left = self.left.map(|left| left.saturating_sub(1));
                        self.out.show(&Arrived::new(UnixMs::now(), incoming))?;
                        match self.out.is_closed() {
                            // Who no longer reads has not got it.
                            true => Some(Response::failure(Code::Unreachable, "nobody reads here any more")),
                            false => answer,
                        }
                    }
                }
            }
            Operation::Notify(_) => {
                self.out.show(&Arrived::new(UnixMs::now(), incoming))?;
                None
            }
            Operation::Publish(_) | Operation::Subscribe(_) | Operation::Unsubscribe(_) => {
                self.out.show(&Arrived::new(UnixMs::now(), incoming))?;
                Some(Response::failure(Code::Unsupported, "this is an inbox, and no presence service"))
            }
        };
        if let Some(answer) = answer {
            client.respond(&incoming.trans_id, &answer);
        }
        Ok(())
    }
}
