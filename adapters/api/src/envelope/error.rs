//! Why an envelope cannot be made, or is not believed.

use super::MAX_OCTETS;

/// Why an envelope cannot be made, or is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The content is not the one that it was sealed with.
    #[error("the content is not the one that the envelope was made for")]
    Content,
    /// A field that is missing, there twice, or not as it must be.
    #[error("the field `{field}` is missing, there twice, or none")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// Not of the form of an envelope.
    #[error("not an envelope")]
    Form,
    /// Over [`MAX_OCTETS`].
    #[error("an envelope of {octets} octets; {MAX_OCTETS} are accepted")]
    TooLarge {
        /// How large it is.
        octets: usize,
    },
    /// The proof is not that of the peer.
    #[error("the proof is not the peer's")]
    Unproven,
    /// Another version.
    #[error("another version than 1")]
    Version,
}
