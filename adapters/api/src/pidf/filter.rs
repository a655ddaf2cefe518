//! Showing somebody a part of a document.

use thiserror::Error;

use super::{Document, PidfError, content};
use crate::{Address, Class, Content};

/// What is left of a document for somebody who may not see all of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Filtered {
    /// Every tuple may be seen: the document goes as it came, octet for octet.
    Whole,
    /// A document of the tuples that may be seen, each octet for octet as it came, and of nothing else.
    Part(Content),
    /// None of it goes; the draft's form has to do.
    Withheld(Withheld),
}

/// Why a document is not shown in part.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum Withheld {
    /// Not one tuple may be seen.
    #[error("no tuple of the document may be seen")]
    Nothing,
    /// It is signed: in part, it would be a forgery.
    #[error("the document is signed, and cannot be shown in part")]
    Signed,
    /// It cannot be read, so nobody knows what it would give away.
    #[error("the document cannot be read, and so not be shown in part: {0}")]
    Unknown(#[from] PidfError),
}

/// Leaves of a document what may be seen by who does not see all of it: the tuples whose contact `shows` (a tuple without one has the
/// `im:` form of the presentity, as in the draft's form).
///
/// If one tuple must not be seen, then nor may what is said of the presentity as a whole: its notes, the persons and devices of
/// the data model (RFC 4479), comments. Nobody has said that these may be seen, and a device is a tuple by another name.
#[must_use]
pub fn filter(content: &Content, presentity: &Address, mut shows: impl FnMut(&str) -> bool) -> Filtered {
    let document = match Document::read(content) {
        Ok(document) => document,
        Err(error) => return Filtered::Withheld(error.into()),
    };
    let inbox = presentity.with_class(Class::Im).to_string();
    let shown: Vec<_> =
        document.tuples().iter().filter(|tuple| shows(tuple.contact.as_deref().unwrap_or(&inbox))).collect();
    if shown.len() == document.tuples().len() && !document.replaced {
        return Filtered::Whole;
    }
    if document.signed {
        return Filtered::Withheld(Withheld::Signed);
    }
    if shown.is_empty() {
        return Filtered::Withheld(Withheld::Nothing);
    }
    let part = |place: &std::ops::Range<usize>| document.xml.get(place.clone()).unwrap_or_default();
    let mut xml = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n".to_vec();
    xml.extend_from_slice(part(&document.root));
    for tuple in shown {
        xml.extend_from_slice(part(&tuple.place));
    }
    xml.extend_from_slice(format!("</{}>", document.root_name).as_bytes());
    // Each part is a part of a text, cut where a tag begins or ends.
    Filtered::Part(content::entity(&String::from_utf8(xml).unwrap_or_default()))
}
