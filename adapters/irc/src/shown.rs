//! A message as a person on IRC is shown it, in lines; and what becomes of the rest.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpim_adapter::message_cpim::Mode;
use cpim_adapter::{
    AdapterContext, Class, Code, Content, DeliveryError, Local, Mapper, Message, MessageCpim, OperationId,
};
use cpim_irc_proto::Trailing;
use cpim_irc_proto::text::{lines as cut, show, source};

/// Lines that are shown of a message that has too many.
const BEGINNING: usize = 20;

/// How many lines a reader is sent at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Of one message: more than anybody reads, and a bound on what waits.
    pub(crate) shown: usize,
    /// Of what he asked to be shown whole.
    pub(crate) whole: usize,
}

/// Who reads, and is told how to get the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// How he writes to the gateway.
    pub(crate) inbox: &'a str,
    /// Once he has left, whoever comes by his nick is somebody else.
    pub(crate) is_guest: bool,
}

/// Octets in a line of base64: 76 characters, as RFC 2045 section 6.8 and uudecode have it.
const BASE64_OCTETS: usize = 57;

/// A message in lines of at most `room` octets: its best text form, and where that is not all, how to get the whole,
/// which is kept.
///
/// # Errors
/// [`DeliveryError`] where it is too long and cannot be kept.
pub(crate) async fn lines(
    cx: &AdapterContext,
    message: &Message,
    id: &OperationId,
    (room, most): (usize, Most),
    reader: Reader<'_>,
) -> Result<Vec<Trailing>, DeliveryError> {
    let shown = show(&message.content, &message.metadata);
    let mut lines = cut(&shown.text, room);
    let count = lines.len();
    if shown.whole && count <= most.shown {
        return Ok(lines);
    }
    if is_from_gateway(message, &cx.mapper()) {
        return Ok(whole(&message.content, room, most.whole));
    }
    tracing::info!(%id, count, whole = shown.whole, "loss: shown as text, and the whole is kept");
    let is_too_long = count > most.shown;
    let offer = match cx.kept.keep(message, id).await {
        Ok(offer) => offer,
        Err(error) if is_too_long => {
            let words = format!("{count} lines on IRC; {} are taken, and {error}", most.shown);
            return Err(DeliveryError::refused(Code::TooLarge, words));
        }
        Err(error) => {
            lines.extend(cut(&format!("[It cannot be shown whole, and {error}]"), room));
            return Ok(lines);
        }
    };
    // What is named already is named once, by the size that it has for its reader.
    let last_named = shown.split_last_named().filter(|_| !is_too_long);
    let offer = match (last_named, shown.named.is_empty()) {
        (Some((_, only)), _) => offer.called(only),
        (None, true) => offer,
        (None, false) => offer.called("all of it"),
    };
    let offer = match reader.is_guest {
        true => offer.sentence_to_guest(reader.inbox),
        false => offer.sentence(reader.inbox),
    };
    if let Some((before, _)) = last_named {
        return Ok(cut(&format!("{before}{offer}"), room));
    }
    if is_too_long {
        lines.truncate(BEGINNING);
        lines.extend(cut(&format!("[{} lines more]", count - BEGINNING), room));
    }
    lines.extend(cut(&offer, room));
    Ok(lines)
}

/// How whoever writes is called: by the message, or by the Message/CPIM around it (RFC 3862 section 3.1).
pub(crate) fn source_name(message: &Message) -> Option<Arc<str>> {
    let named = message.metadata.source_name.clone().or_else(|| {
        let is_around = message.content.is("message/cpim");
        let around = is_around.then(|| MessageCpim::read(&message.content, Mode::Tolerant).ok()).flatten()?;
        around.metadata().source_name
    });
    named.filter(|name| !name.trim().is_empty())
}

/// What the gateway itself sends is what somebody asked for.
fn is_from_gateway(message: &Message, mapper: &Mapper) -> bool {
    let gateway = mapper.address_of(&Local::Gateway, Class::Im);
    gateway.is_ok_and(|gateway| gateway == *message.source.as_uri().address())
}

/// A content as a whole, in as many lines as it takes: text as it came, everything else as `uudecode` reads it (POSIX,
/// `uuencode -m`).
fn whole(content: &Content, room: usize, most: usize) -> Vec<Trailing> {
    let text = source(content).unwrap_or_else(|| {
        let base64 = content.octets().chunks(BASE64_OCTETS).map(|chunk| STANDARD.encode(chunk));
        let begin = std::iter::once("begin-base64 644 message.eml".to_owned());
        let all: Vec<String> = begin.chain(base64).chain(std::iter::once("====".to_owned())).collect();
        all.join("\n")
    });
    let lines = cut(&text, room);
    match lines.len() {
        count if count <= most => lines,
        count => cut(
            &format!("[It takes {count} lines on IRC, and {most} are sent at most: ask for it by mail]"),
            room,
        ),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn text(lines: &[Trailing]) -> Vec<&str> {
        lines.iter().map(Trailing::as_str).collect()
    }

    #[test]
    fn the_whole_is_text_or_base64() {
        let html = Content::new(Bytes::from_static(b"Content-Type: text/html\r\n\r\n<b>a</b>\r\n<i>b</i>"));
        assert_eq!(text(&whole(&html, 400, 9)), ["<b>a</b>", "<i>b</i>"]);
        let picture =
            Content::new(Bytes::from(["Content-Type: image/png\r\n\r\n", &"x".repeat(100)].concat()));
        let lines = whole(&picture, 400, 9);
        let lines = text(&lines);
        assert_eq!((lines[0], lines.last()), ("begin-base64 644 message.eml", Some(&"====")));
        let base64 = lines[1..lines.len() - 1].concat();
        assert_eq!(STANDARD.decode(base64).unwrap(), &picture.octets()[..]);
        let large = Content::new(Bytes::from(vec![b'x'; 900_000]));
        assert!(text(&whole(&large, 40, 99)).concat().ends_with("ask for it by mail]"));
    }
}
