//! From octets to a [`MessageCpim`].

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;

use super::error::{Flag, ReadError};
use super::header::Header;
use super::namespace::{Bindings, CORE, IMDN};
use super::{MAX_DEPTH, MAX_HEADERS, MAX_OCTETS, MessageCpim, Mode};
use crate::Content;

impl MessageCpim {
    /// Reads an entity whose Content-Type is Message/CPIM.
    ///
    /// # Errors
    /// Where the entity is something else or transfer-encoded, and as [`MessageCpim::read_body`].
    pub fn read(entity: &Content, mode: Mode) -> Result<Self, ReadError> {
        if !is_message_cpim(entity) {
            return Err(ReadError::NotMessageCpim);
        }
        let identity = |value: &[u8]| {
            ["7bit", "8bit", "binary"]
                .iter()
                .any(|known| value.trim_ascii().eq_ignore_ascii_case(known.as_bytes()))
        };
        if !entity.values("Content-Transfer-Encoding").all(identity) {
            return Err(ReadError::Encoded);
        }
        Ok(Self { mime_header: entity.header(), ..Self::read_body(&entity.body(), mode)? })
    }

    /// Reads what follows the MIME header and its blank line: message headers, blank line, content.
    ///
    /// # Errors
    /// The first thing that the grammar of RFC 3862 does not allow, or a limit does not.
    pub fn read_body(body: &Bytes, mode: Mode) -> Result<Self, ReadError> {
        if body.len() > MAX_OCTETS {
            return Err(ReadError::TooLarge { octets: body.len() });
        }
        let Block { mut lines, content } = Block::split(body)?;
        let mut flags = Vec::new();
        let content = content.map(|at| Content::new(body.slice(at..)));
        let refusal = content.as_ref().map_or(ReadError::Unfinished, |_| ReadError::NoContentType);
        let content = match content.filter(has_content_type) {
            Some(content) => content,
            None if mode == Mode::Strict => return Err(refusal),
            None => {
                let (count, content) = content_in_block(body, &lines).ok_or(refusal)?;
                lines.truncate(count);
                flags.push(Flag::NoBlankLine);
                content
            }
        };

        let mut bindings = Bindings::new();
        let mut seen = HashSet::new();
        let mut headers = Vec::with_capacity(lines.len());
        let mut required = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            let number = index + 1;
            check_characters(body, &line)?;
            let header = Header::parse(&body.slice(line), number, &bindings)?;
            if header.namespace().is_none() {
                flags.push(Flag::UndeclaredPrefix { line: number });
            }
            if header.is(CORE, "NS") && bindings.declare(header.text()).is_none() {
                flags.push(Flag::BadNamespace { line: number });
            }
            if header.is(CORE, "Require") {
                bindings.require(&header, mode, &mut required)?;
            }
            if let Some(key) = only_once(&header)
                && !seen.insert(key)
            {
                flags.push(Flag::Duplicate { line: number });
            }
            headers.push(header);
        }
        Ok(Self { mime_header: Bytes::new(), headers, required, flags, content, mode })
    }

    /// Reads an entity, the Message/CPIM that is its content, and so on: outermost first, one at least.
    ///
    /// # Errors
    /// As [`MessageCpim::read`] for any of them; [`ReadError::TooDeep`] above [`MAX_DEPTH`] of them.
    pub fn read_nested(entity: &Content, mode: Mode) -> Result<Vec<Self>, ReadError> {
        let mut layers = Vec::new();
        let mut next = entity.clone();
        loop {
            let layer = Self::read(&next, mode)?;
            next = layer.content().clone();
            layers.push(layer);
            if !is_message_cpim(&next) {
                return Ok(layers);
            }
            if layers.len() == MAX_DEPTH {
                return Err(ReadError::TooDeep);
            }
        }
    }
}

/// The lines up to the first blank one, without their ends.
struct Block {
    lines: Vec<Range<usize>>,
    /// Where that which follows the blank line begins; `None` where there is no blank line.
    content: Option<usize>,
}

impl Block {
    fn split(body: &[u8]) -> Result<Self, ReadError> {
        let mut lines = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let start = body.len() - rest.len();
            let length = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(rest.len());
            let (_, end) = rest.split_at(length);
            rest = match end.strip_prefix(b"\r\n") {
                Some(rest) => rest,
                None if end.is_empty() => end,
                None => {
                    return Err(ReadError::BareLineEnd { octet: start + length });
                }
            };
            if length == 0 {
                return Ok(Self { lines, content: Some(body.len() - rest.len()) });
            }
            if lines.len() == MAX_HEADERS {
                return Err(ReadError::TooManyHeaders);
            }
            lines.push(start..start + length);
        }
        Ok(Self { lines, content: None })
    }
}

/// Where the blank line before the content's header is missing: how many lines are message headers, and the content.
///
/// The content begins with the first line named `Content-`something, and must have a Content-Type. Nothing is guessed
/// about what is signed, or may be: a signature must mean one thing to everybody.
fn content_in_block(body: &Bytes, lines: &[Range<usize>]) -> Option<(usize, Content)> {
    let named_content = |line: &Range<usize>| {
        let name = body.get(line.clone()).and_then(|line| line.split_at_checked(8)).map(|(name, _)| name);
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"content-"))
    };
    let count = lines.iter().position(named_content)?;
    let content = Content::new(body.slice(lines.get(count)?.start..));
    let media_type = content.media_type()?;
    let signed = ["multipart/signed", "application/pkcs7-mime", "application/x-pkcs7-mime"];
    (!signed.iter().any(|signed| media_type.is(signed))).then_some((count, content))
}

fn is_message_cpim(entity: &Content) -> bool {
    entity.is("message/cpim")
}

pub(super) fn has_content_type(content: &Content) -> bool {
    content.values("Content-Type").next().is_some()
}

/// UTF-8 without control characters, DEL among them (RFC 3862 sections 2.2 and 2.3).
fn check_characters(body: &[u8], line: &Range<usize>) -> Result<(), ReadError> {
    let octets = body.get(line.clone()).unwrap_or_default();
    if let Some(at) = octets.iter().position(u8::is_ascii_control) {
        let control = octets.get(at).copied().unwrap_or_default();
        return Err(ReadError::Control { octet: line.start + at, control });
    }
    match std::str::from_utf8(octets) {
        Ok(_) => Ok(()),
        Err(error) => Err(ReadError::NotUtf8 { octet: line.start + error.valid_up_to() }),
    }
}

/// What a header may share with no other in the message; `None` where it may stand there again.
///
/// As RFC 4975 section 13 has it, but for `Subject`, once for each language (RFC 3862 section 5.1), and `Require`,
/// which adds up: to pass over a requirement would be wrong.
fn only_once(header: &Header) -> Option<(bool, String, Option<String>)> {
    let imdn = header.namespace() == Some(IMDN);
    if !imdn && header.namespace() != Some(CORE) {
        return None;
    }
    let name = header.name().as_str();
    let lang = match (imdn, name) {
        (false, "From" | "DateTime") => None,
        (false, "Subject") => Some(header.lang_or_default().to_ascii_lowercase()),
        (true, "Message-ID" | "Disposition-Notification" | "Original-To") => None,
        _ => return None,
    };
    Some((imdn, name.to_owned(), lang))
}
