//! From a content to the part of a mail that it is sent as.

use bytes::Bytes;
use cpim_adapter::{Content, MediaType};

use super::ENTITY_TYPE;
use super::body::{base64_lines, decoded, is_plain, quoted_printable};
use super::header::{Field, fields};

/// A mail cannot carry the content without breaking what its author put around it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("signed or encrypted content that mail cannot carry as it is")]
pub struct Lossy;

/// A content as a part of a mail: its fields with their line ends, and its body.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) fields: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Its body needs RFC 6152.
    pub(super) eight_bit: bool,
}

/// How a content can cross.
enum Way {
    /// As it is.
    AsItIs { eight_bit: bool },
    /// As a leaf whose octets are encoded.
    Encoded(Bytes),
    /// Not as an entity of this mail.
    Not,
}

impl Part {
    /// The content for a person: as it is where that can be, else encoded, else as an attachment that holds it whole.
    ///
    /// # Errors
    /// [`Lossy`] where that would break a signature or an encryption.
    pub(super) fn for_person(content: &Content, eight_bit: bool, boundary: &str) -> Result<Self, Lossy> {
        let media = content.media_type();
        match way(content, media.as_ref(), eight_bit) {
            Way::AsItIs { eight_bit } => Ok(Self::as_it_is(content, eight_bit)),
            Way::Encoded(octets) => Ok(Self::encoded(content, media.as_ref(), &octets)),
            Way::Not if media.as_ref().is_some_and(is_sealed) => Err(Lossy),
            Way::Not => Ok(Self::attached(content, media.as_ref(), boundary)),
        }
    }

    /// The content for a gateway, which puts it together again: never a loss.
    pub(super) fn for_gateway(content: &Content, eight_bit: bool) -> Self {
        let media = content.media_type();
        match way(content, media.as_ref(), eight_bit) {
            Way::AsItIs { eight_bit } => Self::as_it_is(content, eight_bit),
            Way::Encoded(octets) if octets == content.body() => {
                Self::encoded(content, media.as_ref(), &octets)
            }
            Way::Encoded(_) | Way::Not => Self::whole(content),
        }
    }

    /// The whole entity, header and all, as the octets of a part.
    pub(super) fn whole(content: &Content) -> Self {
        let fields = format!("Content-Type: {ENTITY_TYPE}\r\nContent-Transfer-Encoding: base64\r\n");
        Self { fields: fields.into(), body: base64_lines(content.octets()).into(), eight_bit: false }
    }

    /// Words of our own.
    pub(super) fn text(text: &str) -> Self {
        let fields =
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n";
        Self { fields: fields.into(), body: quoted_printable(text.as_bytes()).into(), eight_bit: false }
    }

    /// Several parts in one. The boundary can be in none of them: neither encoding makes `=_`.
    pub(super) fn several(subtype: &str, boundary: &str, parts: &[Self]) -> Self {
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            body.extend_from_slice(&part.fields);
            body.extend_from_slice(b"\r\n");
            body.extend_from_slice(&part.body);
            if !part.body.ends_with(b"\r\n") {
                body.extend_from_slice(b"\r\n");
            }
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let fields = format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n");
        Self { fields: fields.into(), body, eight_bit: parts.iter().any(|part| part.eight_bit) }
    }

    fn as_it_is(content: &Content, eight_bit: bool) -> Self {
        let mut fields = own_fields(content, |field| !field.is(ENCODING) || !says_nothing(field));
        if eight_bit {
            fields.extend_from_slice(b"Content-Transfer-Encoding: 8bit\r\n");
        }
        Self { fields, body: content.body().into(), eight_bit }
    }

    fn encoded(content: &Content, media: Option<&MediaType>, octets: &[u8]) -> Self {
        let mut fields = own_fields(content, |field| !field.is(ENCODING));
        let (name, body) = match media.is_none_or(|media| media.kind() == "text") {
            true => ("quoted-printable", with_end(quoted_printable(octets))),
            false => ("base64", base64_lines(octets)),
        };
        fields.extend_from_slice(format!("{ENCODING}: {name}\r\n").as_bytes());
        Self { fields, body: body.into(), eight_bit: false }
    }

    fn attached(content: &Content, media: Option<&MediaType>, boundary: &str) -> Self {
        let what = media.map_or("no known type", MediaType::essence);
        let note = format!(
            "This message ({what}) cannot be shown in a mail as it is. It is attached as it came.\r\n"
        );
        let fields = "Content-Type: application/octet-stream; name=\"message.mime\"\r\n\
                      Content-Disposition: attachment; filename=\"message.mime\"\r\n\
                      Content-Transfer-Encoding: base64\r\n";
        let attachment =
            Self { fields: fields.into(), body: base64_lines(content.octets()).into(), eight_bit: false };
        Self::several("mixed", boundary, &[Self::text(&note), attachment])
    }

    /// A mail of this header and this part.
    pub(super) fn under(self, header: super::text::Header) -> Vec<u8> {
        let mut octets = header.into_text().into_bytes();
        octets.extend_from_slice(b"MIME-Version: 1.0\r\n");
        octets.extend_from_slice(&self.fields);
        octets.extend_from_slice(b"\r\n");
        octets.extend_from_slice(&self.body);
        octets
    }
}

/// The last line gets an end on the way (RFC 5321 section 4.1.1.4); so that it is none of the text, it is a soft one.
fn with_end(mut lines: String) -> String {
    if !lines.is_empty() && !lines.ends_with("\r\n") {
        lines.push_str("=\r\n");
    }
    lines
}

const ENCODING: &str = "Content-Transfer-Encoding";

fn way(content: &Content, media: Option<&MediaType>, eight_bit: bool) -> Way {
    let of_entity: Vec<Field> = of_entity(content).collect();
    let typed = of_entity.iter().filter(|field| field.is("Content-Type")).count();
    let is_entity = content.header().len() < content.len()
        && of_entity.iter().all(Field::is_plain)
        && typed == usize::from(media.is_some());
    if !is_entity {
        return Way::Not;
    }
    let body = content.body();
    if is_plain(&body, false) {
        return Way::AsItIs { eight_bit: false };
    }
    if media.is_some_and(|media| matches!(media.kind(), "multipart" | "message")) {
        // RFC 2045 section 6.4: what has parts is not encoded as a whole.
        return match eight_bit && is_plain(&body, true) {
            true => Way::AsItIs { eight_bit: true },
            false => Way::Not,
        };
    }
    let mut encodings = of_entity.iter().filter(|field| field.is(ENCODING));
    match (encodings.next(), encodings.next()) {
        (None, _) => Way::Encoded(body),
        (Some(field), None) if says_nothing(field) => Way::Encoded(body),
        (Some(field), None) => {
            decoded(&body, &field.value().unwrap_or_default()).map_or(Way::Not, Way::Encoded)
        }
        (Some(_), Some(_)) => Way::Not,
    }
}

/// Whether an encoding stands for its octets themselves (RFC 2045 section 6.2).
fn says_nothing(field: &Field) -> bool {
    let value = field.value().unwrap_or_default().to_ascii_lowercase();
    matches!(&*value, "7bit" | "8bit" | "binary")
}

fn of_entity(content: &Content) -> impl Iterator<Item = Field> + use<> {
    fields(&content.header()).into_iter().filter(Field::is_of_entity)
}

fn own_fields(content: &Content, which: impl Fn(&Field) -> bool) -> Vec<u8> {
    of_entity(content).filter(which).fold(Vec::new(), |mut all, field| {
        all.extend_from_slice(field.octets());
        all
    })
}

/// Signed or encrypted: to be left as it is, or not to be sent.
fn is_sealed(media: &MediaType) -> bool {
    ["multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"]
        .iter()
        .any(|sealed| media.is(sealed))
}
