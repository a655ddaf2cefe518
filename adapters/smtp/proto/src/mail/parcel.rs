//! From an operation to a mail for a peer gateway.

use cpim_adapter::envelope::{Departure, EnvelopeError, Key, name_of};
use cpim_adapter::{Content, Metadata, Operation, Standing, Subject};

use super::letter::{Post, Slip, submitted};
use super::part::Part;
use super::text::Header;
use super::{ENVELOPE_TYPE, field};

/// Octets of an envelope in the header at most. Some servers take 32 KiB of header in all, and others add to it.
const IN_HEADER: usize = 8 * 1_024;
/// Octets of an envelope in one line of its field.
const LINE: usize = 76;

/// An operation to a peer gateway, which has it whole from the envelope.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// Who to whom.
    pub slip: Slip<'a>,
    /// The operation.
    pub operation: &'a Operation,
    /// How well its source is known.
    pub standing: Standing,
    /// What proves the envelope to the peer.
    pub key: &'a Key,
}

impl Parcel<'_> {
    /// The mail, and the name of its envelope, by which the peer's answer says what it answers. `eight_bit`: the server
    /// offers 8BITMIME.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`].
    pub fn write(&self, eight_bit: bool) -> Result<(Post, String), EnvelopeError> {
        let Self { slip, operation, standing, key } = *self;
        let departure = Departure { operation, passage: slip.passage, standing, sent_at_s: slip.now_s };
        let envelope = departure.seal(key)?;
        let name = name_of(&envelope).unwrap_or_default().to_owned();
        let content = operation.content().map(|content| (content, eight_bit));
        let metadata = metadata(operation);
        let header = slip.header(&metadata, submitted(&metadata));
        Ok((in_envelope(header, &envelope, content, &slip.boundary()), name))
    }
}

/// A mail with this envelope: in the header where it is small enough, else as a part. With the content, where there is
/// one, for a server that offers 8BITMIME or does not.
pub(super) fn in_envelope(
    mut header: Header,
    envelope: &str,
    content: Option<(&Content, bool)>,
    boundary: &str,
) -> Post {
    if envelope.len() <= IN_HEADER {
        header.folded(field::ENVELOPE, &lines(envelope));
        let part = match content {
            Some((content, eight_bit)) => Part::for_gateway(content, eight_bit),
            None => Part::text(NOTE),
        };
        return Post { eight_bit: part.eight_bit, octets: part.under(header) };
    }
    let mut parts = vec![Part::text(NOTE)];
    parts.extend(content.map(|(content, _)| Part::whole(content)));
    parts.push(Part {
        fields: format!("Content-Type: {ENVELOPE_TYPE}\r\n").into(),
        body: lines(envelope).join("\r\n").into(),
        eight_bit: false,
    });
    let part = Part::several("mixed", boundary, &parts);
    Post { eight_bit: part.eight_bit, octets: part.under(header) }
}

const NOTE: &str = "This mail is from one instant messaging gateway to another.\r\n";

fn lines(envelope: &str) -> Vec<String> {
    // It is ASCII, so that every chunk is text.
    envelope.as_bytes().chunks(LINE).map(|line| line.iter().copied().map(char::from).collect()).collect()
}

/// What a person sees who looks into the mail.
fn metadata(operation: &Operation) -> Metadata {
    match operation {
        Operation::Message(message) => message.metadata.clone(),
        Operation::Notify(_)
        | Operation::Publish(_)
        | Operation::Subscribe(_)
        | Operation::Unsubscribe(_) => {
            let subject = Subject { lang: None, text: operation.kind().as_str().into() };
            Metadata { subjects: vec![subject], automatic: true, ..Metadata::default() }
        }
    }
}
