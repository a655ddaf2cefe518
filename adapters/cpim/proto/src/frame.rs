//! Frames: a start line, one XML element, and a content that nobody touches.
//!
//! ```text
//! CPIM/1 <xml-octets> <content-octets>[ <name>=<value>]... CRLF
//! <exactly xml-octets octets: one XML element, UTF-8>
//! <exactly content-octets octets: the MIME entity>
//! ```

mod decode;
mod error;
mod parameters;

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use bytes::{Bytes, BytesMut};

pub use decode::Decoder;
pub use error::{EncodeError, FrameError, LineFault};
pub use parameters::Parameters;
pub(crate) use parameters::{decimal, is_decimal};

use crate::limits::{Limits, START_LINE_OCTETS};

/// How every frame of this version begins.
const PREFIX: &str = "CPIM/1 ";

/// One frame, its three parts told apart and nothing yet understood.
///
/// Both parts are views of the buffer they were read into, not copies. One that is kept for long keeps
/// that buffer: whoever stores a small content for minutes copies it first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// What the start line says of this hop.
    pub parameters: Parameters,
    /// The element.
    pub xml: Bytes,
    /// The MIME entity; empty where there is none.
    pub content: Bytes,
}

/// Appends everything of a frame that precedes its content, which follows it on the wire as it is.
///
/// # Errors
/// [`EncodeError`] where the frame would be larger than `limits`; `out` is then as it was.
pub fn encode_head(
    out: &mut BytesMut,
    parameters: &Parameters,
    xml: &str,
    content_octets: usize,
    limits: &Limits,
) -> Result<(), EncodeError> {
    if xml.len() > limits.xml_octets {
        return Err(EncodeError::Xml { octets: xml.len(), max: limits.xml_octets });
    }
    if content_octets > limits.content_octets {
        return Err(EncodeError::Content { octets: content_octets, max: limits.content_octets });
    }
    let before = out.len();
    let written = write!(out, "{PREFIX}{} {content_octets}{parameters}\r\n", xml.len());
    let octets = out.len() - before;
    if written == Err(fmt::Error) || octets > START_LINE_OCTETS {
        out.truncate(before);
        return Err(EncodeError::StartLine { octets });
    }
    out.extend_from_slice(xml.as_bytes());
    Ok(())
}
