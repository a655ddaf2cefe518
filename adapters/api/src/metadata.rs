//! What belongs to a message but not to its body, in no protocol's own spelling.

use std::sync::Arc;

use crate::LangTag;

/// What a protocol says about a message beside its content.
///
/// An adapter whose protocol has a place for one of these fills it and takes it from here; the
/// native binding carries them in Message/CPIM (RFC 3862) around the original entity.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// The subject, once for each language it is given in.
    pub subjects: Vec<Subject>,
    /// When the author says it was written: an RFC 3339 date and time.
    pub date: Option<Arc<str>>,
    /// How the source is called.
    pub source_name: Option<Arc<str>>,
    /// How the destination is called.
    pub destination_name: Option<Arc<str>>,
    /// The message's own name among its author's, for others to refer to.
    pub message_ref: Option<Arc<str>>,
    /// Messages it follows up on, oldest first.
    pub references: Vec<Arc<str>>,
    /// No person wrote it: it must never be answered automatically (RFC 3834 section 2).
    pub automatic: bool,
}

/// A subject in one language.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// Its language, where it was said.
    pub lang: Option<LangTag>,
    /// Its words.
    pub text: Arc<str>,
}

impl Metadata {
    /// Nothing was said beside the content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}
