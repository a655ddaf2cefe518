//! The decoder: octets in, frames out, however the octets were cut.

use bytes::{Buf, Bytes, BytesMut};

use super::parameters::{decimal, is_decimal};
use super::{Frame, FrameError, LineFault, PREFIX, Parameters};
use crate::limits::{Limits, START_LINE_OCTETS};

/// Takes frames off the front of a buffer.
///
/// It holds no octets itself and reserves none: what a start line only claims costs nothing.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    /// The start line that was read, while its octets are still to come.
    head: Option<Head>,
}

#[derive(Debug)]
struct Head {
    xml_octets: usize,
    content_octets: usize,
    parameters: Parameters,
}

impl Decoder {
    /// A decoder at the start of a connection.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, head: None }
    }

    /// Takes the next frame, once all of it is there.
    ///
    /// What is left in `input` is the beginning of the next frame: append to it and call again.
    ///
    /// # Errors
    /// [`FrameError`], and the same again on every further call: there is no next frame after a bad one.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let head = match self.head.take() {
            Some(head) => head,
            None => match self.start_line(input)? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        if input.len() < head.xml_octets + head.content_octets {
            self.head = Some(head);
            return Ok(None);
        }
        Ok(Some(Frame {
            xml: take(input, head.xml_octets),
            content: take(input, head.content_octets),
            parameters: head.parameters,
        }))
    }

    /// Takes a start line, once all of it is there; one that cannot become any is refused at once.
    fn start_line(&self, input: &mut BytesMut) -> Result<Option<Head>, FrameError> {
        if let Some(at) = input.iter().zip(PREFIX.as_bytes()).position(|(is, wanted)| is != wanted) {
            return Err(FrameError { fault: LineFault::Prefix, at });
        }
        let within = input.get(..START_LINE_OCTETS).unwrap_or(input);
        let Some(end) = within.iter().position(|octet| *octet == b'\n') else {
            return match within.len() {
                START_LINE_OCTETS => Err(FrameError { fault: LineFault::LineTooLong, at: START_LINE_OCTETS }),
                _ => Ok(None),
            };
        };
        let head = parse(within.get(..end).unwrap_or_default(), &self.limits)?;
        input.advance(end + 1);
        Ok(Some(head))
    }
}

/// Reads a start line, given without its LF.
fn parse(line: &[u8], limits: &Limits) -> Result<Head, FrameError> {
    let Some(line) = line.strip_suffix(b"\r") else {
        return Err(FrameError { fault: LineFault::LineEnd, at: line.len() });
    };
    if let Some((at, octet)) = line.iter().enumerate().find(|(_, octet)| !matches!(octet, b' '..=b'~')) {
        let fault = if *octet == b'\r' { LineFault::LineEnd } else { LineFault::Character(*octet) };
        return Err(FrameError { fault, at });
    }
    // Only ASCII is left, and the prefix has been seen.
    let line = std::str::from_utf8(line).unwrap_or_default();
    let mut fields = line.split(' ').scan(0, |next, field| {
        let at = *next;
        *next += field.len() + 1;
        Some((at, field))
    });
    fields.next();
    let mut count = |max: usize, too_long: LineFault| {
        let (at, field) = fields.next().unwrap_or((line.len(), ""));
        match decimal(field) {
            Some(octets) if octets <= max => Ok(octets),
            None if !is_decimal(field) => Err(FrameError { fault: LineFault::Count, at }),
            _ => Err(FrameError { fault: too_long, at }),
        }
    };
    let xml_octets = count(limits.xml_octets, LineFault::XmlTooLong(limits.xml_octets))?;
    let content_octets = count(limits.content_octets, LineFault::ContentTooLong(limits.content_octets))?;

    let mut parameters = Parameters::default();
    for (at, field) in fields {
        let Some((name, value)) = field.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(FrameError { fault: LineFault::Parameter, at });
        };
        parameters.take(name, value).map_err(|fault| FrameError { fault, at })?;
    }
    Ok(Head { xml_octets, content_octets, parameters })
}

/// An empty part shares no buffer, so it keeps none.
fn take(input: &mut BytesMut, octets: usize) -> Bytes {
    match octets {
        0 => Bytes::new(),
        _ => input.split_to(octets).freeze(),
    }
}
