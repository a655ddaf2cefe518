//! What LINES can carry, how its addresses look, and how a message becomes a line.

use cpim_adapter::{
    BadAddress, Capabilities, Code, Content, DeliveryError, Feature, ForeignAddress, Message,
    PresenceSupport, Support,
};

use crate::line::{Line, is_name};

/// The claims. The kit holds the adapter to them.
pub(crate) const fn capabilities() -> Capabilities {
    Capabilities {
        support,
        presence: PresenceSupport::Observe,
        // With its header, and with the longest that may stand before it, it fits into a line.
        max_content_octets: Some(900),
    }
}

const fn support(feature: Feature) -> Support {
    match feature {
        Feature::Outcome | Feature::Unicode => Support::Full,
        Feature::AnyContent | Feature::MultiLine => Support::Rejected,
        Feature::Date
        | Feature::DisplayNames
        | Feature::RichPresence
        | Feature::Subject
        | Feature::Threads => Support::Dropped,
    }
}

/// The canonical form of `lines:Wilma`: names are folded to lower case.
pub(crate) fn canonical(foreign: &ForeignAddress) -> Result<ForeignAddress, BadAddress> {
    let bad = || BadAddress {
        address: foreign.clone(),
        what: "expected a name of 1 to 20 letters, digits and `-`, such as `lines:wilma`".to_owned(),
    };
    let name = foreign.value().to_ascii_lowercase();
    if !is_name(&name) {
        return Err(bad());
    }
    foreign.with_value(&name).map_err(|_| bad())
}

/// The line by which a user is shown a message.
///
/// # Errors
/// LINES cannot carry it: `unsupported` or `too-large`.
pub(crate) fn shown(message: &Message, number: u64) -> Result<Line, DeliveryError> {
    let max = capabilities().max_content_octets.unwrap_or(usize::MAX);
    if message.content.len() > max {
        let words = format!("{} octets; {max} are taken", message.content.len());
        return Err(DeliveryError::refused(Code::TooLarge, words));
    }
    let text = text(&message.content)
        .ok_or_else(|| DeliveryError::refused(Code::Unsupported, "only plain text in UTF-8 is taken"))?;
    if text.contains(['\r', '\n', '\0']) {
        return Err(DeliveryError::refused(
            Code::Unsupported,
            "one line, without control characters, is taken",
        ));
    }
    Line::new(&format!("from {} {number} {text}", message.source))
        .ok_or_else(|| DeliveryError::refused(Code::TooLarge, "more than a line holds"))
}

/// The text of an entity that is plain text in UTF-8, and is not encoded once more.
fn text(content: &Content) -> Option<String> {
    let media_type = content.media_type()?;
    let charset = media_type.charset().unwrap_or("us-ascii");
    let is_known = ["utf-8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known));
    if !media_type.is("text/plain") || !is_known {
        return None;
    }
    let encoding = content.field("Content-Transfer-Encoding").unwrap_or_else(|| "8bit".to_owned());
    if !["7bit", "8bit", "binary"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
        return None;
    }
    let body = content.body();
    std::str::from_utf8(&body).ok().map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{ImUri, Metadata, Selectors, Shape};

    use super::*;

    fn message(content: Content) -> Message {
        Message {
            source: ImUri::parse("im:fred@a.example").unwrap(),
            destination: ImUri::parse("im:lines=wilma@gw.example").unwrap(),
            content,
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn a_message_becomes_a_line_or_is_refused() {
        let line = shown(&message(Content::text("Yabba, dabbä!\n")), 7).unwrap();
        assert_eq!(line.octets(), "from im:fred@a.example 7 Yabba, dabbä!\n".as_bytes());
        for (content, code) in [
            (Content::text("one\ntwo"), Code::Unsupported),
            (Content::new("Content-Type: text/html\r\n\r\n<p>".into()), Code::Unsupported),
            (Content::new("Content-Type: text/plain; charset=latin1\r\n\r\nx".into()), Code::Unsupported),
            (Content::text(&"x".repeat(900)), Code::TooLarge),
        ] {
            assert_eq!(shown(&message(content), 1).unwrap_err().code, code);
        }
    }

    #[test]
    fn names_are_folded() {
        let mut selectors = Selectors::default();
        selectors.add("lines", Shape::Opaque).unwrap();
        let read = |text| ForeignAddress::parse(text, &selectors).unwrap();
        assert_eq!(canonical(&read("lines:Wilma")).unwrap(), read("lines:wilma"));
        assert!(canonical(&read("lines:wilma flintstone")).is_err());
    }
}
