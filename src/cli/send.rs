//! `send`: one message, by native CPIM.

use std::io::IsTerminal;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use cpim_adapter::{Code, Content, ImUri, Kind, MediaType, Message, Metadata, Operation, Response, TransId};
use cpim_native_proto::{Claim, Closure, Event, Limits, Parameters, Reason, SendError};
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use super::answer::{Answered, exit_of};
use super::client::{Claims, Client};
use super::exit::{Exit, Failed};
use super::out::Out;
use super::server::Server;
use crate::ids;

/// What the gateway may take longer than `--wait` for its answer to get here.
const GRACE: Duration = Duration::from_secs(5);

/// How long nothing is said while the response is awaited: most are there by then.
const SILENCE: Duration = Duration::from_secs(2);

/// Sends a message by native CPIM, and prints the response
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway send --from im:fred@a.example --to im:barney@b.example 'Yabba, dabba!'
  date | cpim-gateway send --from im:fred@a.example --to im:irc=irc.demo.example/alice@gw.example -
  cpim-gateway send --from im:fred@a.example --to im:barney@b.example --type text/html --wait 30 '<b>Hi</b>'
  cpim-gateway send --server gw.example:5870 --tls --secret-file a.secret --from im:fred@a.example --to im:barney@b.example Hi

The body is sent octet for octet as it is given.
Exit codes: 0 success, 1 failure, 2 bad usage, 3 indeterminant: nobody can know whether it arrived,
75 nothing was accepted (cannot connect, or busy): try again.")]
pub(super) struct Send {
    /// Who sends
    #[arg(long, value_name = "URI", value_parser = ImUri::parse)]
    from: ImUri,
    /// To whom
    #[arg(long, value_name = "URI", value_parser = ImUri::parse)]
    to: ImUri,
    /// The media type of the body
    #[arg(long = "type", value_name = "MIME", default_value = "text/plain; charset=utf-8", value_parser = media_type)]
    media_type: String,
    /// Gateways that the message may still cross
    #[arg(long, value_name = "N")]
    hops: Option<u8>,
    /// Wait so many seconds for the response [default: until there is one]
    #[arg(long, value_name = "S")]
    wait: Option<u32>,
    /// The transID, to send what was sent before again [default: a new one]
    #[arg(long, value_name = "ID", value_parser = TransId::parse)]
    trans_id: Option<TransId>,
    /// The body; `-`, or none, takes it from standard input
    text: Option<String>,
    #[command(flatten)]
    server: Server,
}

impl Send {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let operation = Operation::Message(Message {
            source: self.from.clone(),
            destination: self.to.clone(),
            content: self.content().await?,
            metadata: Metadata::default(),
        });
        let trans_id = self.trans_id.clone().unwrap_or_else(|| TransId::from_draw(ids::draw()));
        let wait = self.wait.map(|seconds| Duration::from_secs(seconds.into()));
        let parameters = Parameters { hops: self.hops, wait, ..Parameters::default() };

        let speaks = vec![Claim::Uri(self.from.as_uri().clone())];
        let mut client = Client::open(&self.server, Claims { speaks, ..Claims::default() }).await?;
        client.send(&trans_id, &parameters, &operation).map_err(|error| match error {
            SendError::Encode(_) => Failed::failure(error),
            _ => Failed::try_again(error),
        })?;
        let answered = answer(&mut client, &trans_id, out);
        let exit = match wait {
            Some(wait) => timeout(wait + GRACE, answered).await.unwrap_or_else(|_| {
                Err(unknown(&trans_id, format_args!("there was no response within {} s", wait.as_secs())))
            }),
            None => answered.await,
        };
        client.leave().await;
        exit
    }

    /// The MIME entity: one header field, and the body as it was given.
    async fn content(&self) -> Result<Content, Failed> {
        let mut entity = format!("Content-Type: {}\r\n\r\n", self.media_type).into_bytes();
        match self.text.as_deref() {
            Some(text) if text != "-" => entity.extend_from_slice(text.as_bytes()),
            None if std::io::stdin().is_terminal() => {
                return Err(Failed::usage("there is no text: give it, or `-` to type it"));
            }
            _ => {
                let room = Limits::default().content_octets.saturating_add(1);
                let mut input = tokio::io::stdin().take(u64::try_from(room).unwrap_or(u64::MAX));
                let read = input.read_to_end(&mut entity).await;
                read.map_err(|error| Failed::failure(format_args!("standard input: {error}")))?;
            }
        }
        Ok(Content::new(Bytes::from(entity)))
    }
}

/// Waits for the response, and prints it.
async fn answer(client: &mut Client, trans_id: &TransId, out: &mut Out) -> Result<Exit, Failed> {
    let mut lost = String::new();
    let (mut silence, mut waiting) = (pin!(sleep(SILENCE)), false);
    loop {
        let event = tokio::select! {
            event = client.next() => event,
            () = &mut silence, if !waiting => {
                waiting = true;
                out.note(format_args!(
                    "no response yet: `cpim-gateway trace {trans_id}` tells how far it is"
                ));
                continue;
            }
        };
        let Some(event) = event else { break };
        match event {
            // One that was kept from an earlier session answers as well.
            Event::Response { trans_id: answered, response }
            | Event::StrayResponse { trans_id: answered, response } => {
                if answered != *trans_id {
                    out.note(format_args!("late answer to transID {answered}: {response}"));
                    continue;
                }
                out.show(&Answered::new(trans_id, &response))?;
                if !out.is_json() {
                    out.line(&format_args!("{:<10}cpim-gateway trace {trans_id}", "story"))?;
                }
                return Ok(exit_of(&response));
            }
            Event::Operation(asked) if asked.operation.kind() != Kind::Notify => {
                let words = "this session only sends";
                client.respond(&asked.trans_id, &Response::failure(Code::Unsupported, words));
            }
            Event::Unsent { .. } => {
                return Err(Failed::try_again("the session was closed before anything was sent"));
            }
            // Nothing of what was bad is delivered, and nothing else was sent.
            Event::Closed(Closure::ByPeer(close)) if close.reason == Some(Reason::BadFrame) => {
                return Err(Failed::failure(format_args!("the message was not taken: {}", close.text)));
            }
            Event::Closed(closure) => lost = closure.to_string(),
            _ => {}
        }
    }
    Err(unknown(trans_id, format_args!("{lost}, after the message was sent and before the response")))
}

/// It may have arrived, or not. Sent again under the same transID, it arrives once.
fn unknown(trans_id: &TransId, why: impl std::fmt::Display) -> Failed {
    let words = format!("{why}: nobody here knows whether it arrived; `--trans-id {trans_id}` asks again");
    Failed::new(Exit::Indeterminant, words)
}

fn media_type(text: &str) -> Result<String, String> {
    match MediaType::parse(text.as_bytes()) {
        Some(_) if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err("expected a media type such as `text/plain; charset=utf-8`".to_owned()),
    }
}
