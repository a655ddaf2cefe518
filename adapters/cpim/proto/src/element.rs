//! Elements: what the XML of a frame says, in the words of the model.
//!
//! Reading goes on to the end of the element whatever is found in it, so that XML that is not well formed
//! is always told as that. What is well formed and still cannot be meant is a [`Rejection`]: an operation
//! whose transID can be read is refused and the session goes on; everything else ends the session.

mod adapter;
mod close;
mod fault;
mod ignored;
mod open;
mod operation;
mod presence;
mod response;

#[cfg(test)]
mod tests;

use cpim_adapter::{Class, Mapper, Operation, Response, TransId, Uri, UriError};

pub use adapter::{CharacterSet, Claimed, Description, Fold, Grammar};
pub use close::{Close, Reason};
pub use fault::{Refusal, Rejection, Violation};
pub use open::{Claim, Open, Secret};
pub use operation::write_operation;
pub use response::write_response;

use crate::{Frame, Limits};
use cpim_adapter::xml::{Event, Reader, Tag, Writer};

/// One element, understood.
#[derive(Clone, Debug)]
pub enum Element {
    /// The end of a session, in order or because of a fault.
    Close(Close),
    /// The beginning of a session.
    Open(Open),
    /// An operation.
    Operation {
        /// What its response must echo.
        trans_id: TransId,
        /// What is asked for.
        operation: Operation,
    },
    /// Are you there?
    Ping {
        /// What its response must echo.
        trans_id: TransId,
    },
    /// What became of an operation, or that a ping was heard.
    Response {
        /// Which one.
        trans_id: TransId,
        /// What became of it.
        response: Response,
    },
}

impl Element {
    /// Reads the element and the content of a frame.
    ///
    /// # Errors
    /// [`Rejection`], which says what the peer gets for it.
    pub fn read(frame: &Frame, limits: &Limits, uris: &dyn ReadUri) -> Result<Self, Rejection> {
        let mut reader = Reader::new(&frame.xml, &limits.rules())?;
        let tag = reader.root()?;
        let element = Self::read_as(&tag, &mut reader, frame, uris);
        if !matches!(element, Err(Rejection::Violation(Violation::Xml(_)))) {
            reader.skip_to_end()?;
            reader.finish()?;
        }
        element
    }

    fn read_as(
        tag: &Tag<'_>,
        reader: &mut Reader<'_>,
        frame: &Frame,
        uris: &dyn ReadUri,
    ) -> Result<Self, Rejection> {
        if !frame.content.is_empty()
            && matches!(tag.name, "close" | "open" | "ping" | "response" | "subscribe" | "unsubscribe")
        {
            return Err(Violation::Content { octets: frame.content.len() }.into());
        }
        match tag.name {
            "close" => Close::read(tag, reader).map(Self::Close),
            "open" => Open::read(tag, reader, uris).map(Self::Open),
            "ping" => Ok(Self::Ping { trans_id: trans_id(tag)? }),
            "response" => response::read(tag, reader),
            name => match operation::kind(name) {
                Some(kind) => operation::read(kind, tag, reader, &frame.content, uris),
                None => Err(Violation::UnknownElement { name: excerpt(name).to_owned() }.into()),
            },
        }
    }
}

/// Reads the URIs in a peer's elements: plainly, or as a gateway that knows what lives at its own domain.
pub trait ReadUri {
    /// Reads a URI of this class.
    ///
    /// # Errors
    /// Names the rule that it breaks.
    fn read_uri(&self, text: &str, class: Class) -> Result<Uri, UriError>;
}

/// Takes every URI at its word.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainUris;

impl ReadUri for PlainUris {
    fn read_uri(&self, text: &str, class: Class) -> Result<Uri, UriError> {
        let uri = Uri::parse(text)?;
        match uri.class() == class {
            true => Ok(uri),
            false => Err(UriError::WrongClass { found: uri.class(), wanted: class }),
        }
    }
}

impl ReadUri for Mapper {
    fn read_uri(&self, text: &str, class: Class) -> Result<Uri, UriError> {
        self.read(text, class)
    }
}

/// Writes a ping.
pub fn write_ping(out: &mut String, trans_id: &TransId) {
    Writer::new(out).start("ping").attribute("transID", trans_id.as_str()).empty();
}

/// The transID of an element that must have one. Without it nothing can be answered, so that its absence
/// is a fault of the frame.
fn trans_id(tag: &Tag<'_>) -> Result<TransId, Violation> {
    let trans_id = tag.attribute("transID").map(TransId::parse);
    let malformed = |what| Violation::malformed(tag.name, what);
    match trans_id {
        Some(Ok(trans_id)) => Ok(trans_id),
        Some(Err(error)) => Err(malformed(format!("`transID`: {error}"))),
        None => Err(malformed("`transID` is missing".to_owned())),
    }
}

/// All text of the element whose start was just read; `None` where it holds elements.
fn text(reader: &mut Reader<'_>) -> Result<Option<String>, Rejection> {
    let mut text = Some(String::new());
    loop {
        match reader.event()? {
            Event::Text(piece) => {
                if let Some(text) = &mut text {
                    text.push_str(&piece);
                }
            }
            Event::Start(_) => {
                reader.inner()?;
                text = None;
            }
            Event::End => return Ok(text),
        }
    }
}

/// As much of a peer's text as an explanation needs.
fn excerpt(text: &str) -> &str {
    cut(text, 64)
}

/// At most so many octets of a text, cut between characters.
fn cut(text: &str, octets: usize) -> &str {
    text.get(..text.floor_char_boundary(octets)).unwrap_or_default()
}
