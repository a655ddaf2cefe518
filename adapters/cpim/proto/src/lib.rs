//! The native CPIM binding, version 1, without I/O: octets and the time go in, events and octets come out.
//!
//! CPIM (draft-mrose-impp-common-00, RFC 3859 to 3863) leaves the transport of its operations to each system.
//! This crate is ours: small, text-based, the same from either side. It is used by whoever listens, whoever
//! connects, and the command line.
//!
//! ```text
//!   octets ──► Decoder ──► Frame ──► Element::read ──► Session ──► Event ──► application
//!   octets ◄── encode_head ◄──────── write_* ◄──────── Session ◄── send, respond, accept, close
//! ```
//!
//! Each layer can be used alone. [`Decoder`] and [`encode_head`] know frames; [`Element`] and the `write_*`
//! functions know what their XML says; [`Session`] knows when it may be said, and what it means for what was
//! said before.
//!
//! What this crate is not: it opens no socket, reads no clock, starts no task, and decides nothing that is
//! policy: whether a claim is granted, an `id` believed or an operation delivered again is for the application
//! to say. It never waits, so everything in it can be tested in virtual time; and it holds no more than
//! [`Config`] allows, whatever the peer sends or does not read.
//!
//! # Example
//! Two sessions, joined by hand:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use bytes::BytesMut;
//! use cpim_adapter::{Content, ImUri, Message, Metadata, Operation, Response, TransId};
//! use cpim_native_proto::{Config, Event, Open, Parameters, PlainUris, Session};
//!
//! /// Carries everything that one has to say to the other.
//! fn carry(from: &mut Session, to: &mut Session, now: Instant) {
//!     while let Some(octets) = from.poll_transmit() {
//!         from.transmitted(now, octets.len());
//!         to.handle_input(now, &mut BytesMut::from(&octets[..]));
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (config, now) = (Arc::new(Config::default()), Instant::now());
//! let open = Open::default();
//! let mut fred = Session::connect(config.clone(), Arc::new(PlainUris), &open, now)?;
//! let mut gateway = Session::listen(config, Arc::new(PlainUris), now);
//!
//! carry(&mut fred, &mut gateway, now);
//! assert!(matches!(gateway.poll_event(), Some(Event::Opened(_))));
//! gateway.accept(now, &open)?;
//! carry(&mut gateway, &mut fred, now);
//! assert!(matches!(fred.poll_event(), Some(Event::Opened(_))));
//!
//! let message = Operation::Message(Message {
//!     source: ImUri::parse("im:fred@a.example")?,
//!     destination: ImUri::parse("im:irc=irc.demo.example/alice@gw.example")?,
//!     content: Content::text("Yabba, dabba!"),
//!     metadata: Metadata::default(),
//! });
//! fred.send(now, &TransId::parse("1")?, &Parameters::default(), &message)?;
//! carry(&mut fred, &mut gateway, now);
//! let Some(Event::Operation(incoming)) = gateway.poll_event() else { panic!("no operation") };
//!
//! gateway.respond(now, &incoming.trans_id, &Response::success(), ()).expect("open");
//! carry(&mut gateway, &mut fred, now);
//! let Some(Event::Response { response, .. }) = fred.poll_event() else { panic!("no response") };
//! assert_eq!(response, Response::success());
//! # Ok(())
//! # }
//! ```

mod element;
mod frame;
mod limits;
mod session;

pub use cpim_adapter::xml::{XmlError, XmlFault};
pub use element::{
    CharacterSet, Claim, Claimed, Close, Description, Element, Fold, Grammar, Open, PlainUris, ReadUri,
    Reason, Refusal, Rejection, Secret, Violation, write_operation, write_ping, write_response,
};
pub use frame::{Decoder, EncodeError, Frame, FrameError, LineFault, Parameters, encode_head};
pub use limits::{Limits, START_LINE_OCTETS};
pub use session::{Closure, Config, Event, Incoming, Remains, SendError, Session};
