//! Content as a person on IRC sees it, and what such a person writes as content.

use cpim_adapter::message_cpim::Mode;
use cpim_adapter::{Content, Message, MessageCpim};
use cpim_irc_proto::text::plain;
use mail_parser::{MessageParser, MimeHeaders, PartType};

/// Layers of Message/CPIM that are looked into.
const LAYERS: usize = 2;

/// Content in its best text form.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// Nothing of it is missing.
    pub(super) whole: bool,
}

/// The best text form of a message: its subject, its text, and a line for each thing that is no text.
pub(super) fn shown(message: &Message) -> Shown {
    let mut subjects: Vec<String> =
        message.metadata.subjects.iter().map(|subject| subject.text.to_string()).collect();
    let mut content = message.content.clone();
    for _ in 0..LAYERS {
        let Some(wrapped) = unwrapped(&content) else { break };
        if subjects.is_empty() {
            subjects = wrapped.subjects().flatten().map(|subject| subject.text.to_string()).collect();
        }
        content = wrapped.content().clone();
    }
    let Shown { text, whole } = body(&content);
    let subject = subjects.into_iter().next().filter(|subject| !subject.trim().is_empty());
    match subject {
        Some(subject) => Shown { text: format!("[{}] {text}", subject.trim()), whole },
        None => Shown { text, whole },
    }
}

fn unwrapped(content: &Content) -> Option<MessageCpim> {
    let is_wrapped = content.media_type()?.is("message/cpim");
    is_wrapped.then(|| MessageCpim::read(content, Mode::Tolerant).ok()).flatten()
}

fn body(content: &Content) -> Shown {
    let octets = content.octets();
    // What says nothing of itself is plain text (RFC 2045 section 5.2), where it can be.
    let says_nothing = content.media_type().is_none() && content.field("Content-Transfer-Encoding").is_none();
    if says_nothing && let Ok(text) = std::str::from_utf8(&content.body()) {
        return Shown { text: text.to_owned(), whole: true };
    }
    let Some(parsed) = MessageParser::default().parse(&octets[..]) else {
        return Shown { text: unshown("something that cannot be read", octets.len()), whole: false };
    };
    let texts: Vec<String> =
        (0..parsed.text_body_count()).filter_map(|at| parsed.body_text(at)).map(Into::into).collect();
    let mut lines = Vec::new();
    let mut whole = true;
    for text in texts {
        if !text.trim().is_empty() {
            lines.push(text.trim_end_matches(['\r', '\n']).to_owned());
        }
    }
    for part in &parsed.parts {
        let html = matches!(part.body, PartType::Html(_));
        whole &= !html;
    }
    for attachment in parsed.attachments() {
        whole = false;
        let kind = attachment.content_type().map_or_else(
            || "a file".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("*")),
        );
        let name = attachment.attachment_name().map(|name| format!("{name}, ")).unwrap_or_default();
        lines.push(unshown(&format!("{name}{kind}"), attachment.contents().len()));
    }
    if lines.is_empty() {
        // Nothing but blanks is a message as well.
        let text = parsed.body_text(0).map(String::from).unwrap_or_default();
        return Shown { text, whole };
    }
    Shown { text: lines.join("\n"), whole }
}

fn unshown(what: &str, octets: usize) -> String {
    format!("[{what}, {octets} octets, which IRC cannot show]")
}

/// What a client wrote, as content: plain text without formatting codes. An ACTION is `/me` and what is done.
///
/// # Errors
/// Any other CTCP, by its name: it is for programs, and means nothing elsewhere.
pub(super) fn content_of(text: &str) -> Result<Content, String> {
    let Some(ctcp) = text.strip_prefix('\u{1}') else {
        return Ok(Content::text(&plain(text)));
    };
    let ctcp = ctcp.trim_end_matches('\u{1}');
    match ctcp.split_once(' ') {
        Some(("ACTION", what)) => Ok(Content::text(&format!("/me {}", plain(what)))),
        Some((other, _)) => Err(other.to_owned()),
        None => Err(ctcp.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cpim_adapter::{ImUri, Metadata};

    use super::*;

    fn see(entity: &'static str) -> Shown {
        shown(&Message {
            source: ImUri::parse("im:fred@a.example").unwrap(),
            destination: ImUri::parse("im:alice@b.example").unwrap(),
            content: Content::new(Bytes::from_static(entity.as_bytes())),
            metadata: Metadata::default(),
        })
    }

    fn whole(text: &str) -> Shown {
        Shown { text: text.to_owned(), whole: true }
    }

    #[test]
    fn text_is_shown_as_it_is() {
        assert_eq!(
            see("Content-Type: text/plain; charset=utf-8\r\n\r\nYabba, dabba!"),
            whole("Yabba, dabba!")
        );
        assert_eq!(see("\r\nno type"), whole("no type"));
        let encoded =
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw6TDtg==";
        assert_eq!(see(encoded), whole("äö"));
        assert_eq!(see("Content-Type: text/plain\r\n\r\na\r\n\r\nb\r\n"), whole("a\r\n\r\nb"));
    }

    #[test]
    fn what_is_around_it_is_looked_into() {
        let wrapped = "Content-Type: message/cpim\r\n\r\nFrom: <im:fred@a.example>\r\nSubject: lunch\r\n\r\n\
                       Content-Type: text/plain\r\n\r\nhungry?";
        assert_eq!(see(wrapped), whole("[lunch] hungry?"));
    }

    #[test]
    fn what_is_no_text_is_named() {
        let html = see("Content-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>");
        assert!(html.text.contains("Hello you") && !html.whole, "{html:?}");
        let picture = see("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA");
        assert_eq!(picture.text, "[image/png, 3 octets, which IRC cannot show]");
        assert!(!picture.whole);
        let both =
            see("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n\
                        See this\r\n--x\r\nContent-Type: application/pdf; name=a.pdf\r\n\
                        Content-Disposition: attachment; filename=a.pdf\r\n\r\n123\r\n--x--\r\n");
        assert_eq!(both.text, "See this\n[a.pdf, application/pdf, 3 octets, which IRC cannot show]");
    }

    #[test]
    fn what_is_written_is_plain_text() {
        let text =
            |typed| content_of(typed).map(|content| String::from_utf8(content.body().to_vec()).unwrap());
        assert_eq!(text("\u{2}hi\u{f} \u{3}04there"), Ok("hi there".to_owned()));
        assert_eq!(text("\u{1}ACTION waves\u{1}"), Ok("/me waves".to_owned()));
        assert_eq!(text("\u{1}DCC SEND x 1 2\u{1}"), Err("DCC".to_owned()));
        assert_eq!(text("\u{1}VERSION\u{1}"), Err("VERSION".to_owned()));
    }
}
