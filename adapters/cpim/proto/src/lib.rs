//! The native CPIM binding, version 1, without I/O.

mod element;
mod frame;
mod limits;
mod session;
mod xml;

pub use element::{
    Claim, Close, Element, Open, PlainUris, ReadUri, Reason, Refusal, Rejection, Secret, Violation,
    write_operation, write_ping, write_response,
};
pub use frame::{Decoder, EncodeError, Frame, FrameError, LineFault, Parameters, encode_head};
pub use limits::{Limits, START_LINE_OCTETS};
pub use session::{Closure, Config, Event, Incoming, Remains, SendError, Session};
pub use xml::{XmlError, XmlFault};
