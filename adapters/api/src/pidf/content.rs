//! The MIME entity around a document.

use bytes::Bytes;

use super::{MAX_OCTETS, MEDIA_TYPE, PidfError};
use crate::Content;

/// Whether content says that it is a presence document that can be read. Nothing of it has been read yet.
#[must_use]
pub fn is_pidf(content: &Content) -> bool {
    content.is(MEDIA_TYPE)
}

/// The document within its entity, and whether the entity says that it is UTF-8 whatever the document says.
pub(super) fn body(content: &Content) -> Result<(Bytes, bool), PidfError> {
    let media_type =
        content.media_type().filter(|media_type| media_type.is(MEDIA_TYPE)).ok_or(PidfError::Type)?;
    if let Some(encoding) = content.field("Content-Transfer-Encoding")
        && !["7bit", "8bit", "binary"].iter().any(|plain| encoding.eq_ignore_ascii_case(plain))
    {
        return Err(PidfError::Encoded(encoding.chars().take(40).collect()));
    }
    let charset = media_type.charset().map(ToOwned::to_owned);
    if let Some(other) = charset.as_ref().filter(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return Err(PidfError::Charset(other.chars().take(40).collect()));
    }
    let body = content.body();
    if body.len() > MAX_OCTETS {
        return Err(PidfError::TooLarge(body.len()));
    }
    match body.get(..3).unwrap_or(&body) {
        // A byte order mark ranks above the charset (RFC 7303 section 3.2).
        [0xEF, 0xBB, 0xBF] => Ok((body.slice(3..), true)),
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', ..] | [b'<', 0, ..] => {
            Err(PidfError::Charset("UTF-16".to_owned()))
        }
        _ => Ok((body, charset.is_some())),
    }
}

/// The entity around a document that was written here.
pub(super) fn entity(document: &str) -> Content {
    Content::new(format!("Content-Type: {MEDIA_TYPE}; charset=utf-8\r\n\r\n{document}").into())
}
