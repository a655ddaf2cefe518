//! The native CPIM binding, version 1, without I/O.

mod frame;
mod limits;
mod xml;

pub use frame::{Decoder, EncodeError, Frame, FrameError, LineFault, Parameters, encode_head};
pub use limits::{Limits, START_LINE_OCTETS};
pub use xml::{XmlError, XmlFault};
