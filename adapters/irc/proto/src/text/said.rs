//! What somebody typed, as content.

use bytes::Bytes;
use cpim_adapter::Content;

use super::format::{Style, plain, to_html};
use crate::decode;

/// The text of a PRIVMSG or NOTICE.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Said {
    /// Words for a person, perhaps formatted. An ACTION is words that begin with `/me `.
    Text(String),
    /// A question or an answer of the Client-To-Client Protocol, never words: `VERSION`, `DCC`.
    Ctcp {
        /// What is asked, in capitals.
        command: String,
        /// What follows it.
        rest: String,
    },
}

impl Said {
    /// Reads the last parameter. What is not UTF-8 is read as Windows-1252.
    #[must_use]
    pub fn read(octets: &[u8]) -> Self {
        let text = decode(octets);
        match text.strip_prefix('\u{1}') {
            Some(ctcp) => {
                let ctcp = ctcp.strip_suffix('\u{1}').unwrap_or(ctcp);
                let (command, rest) = ctcp.split_once(' ').unwrap_or((ctcp, ""));
                match command.to_ascii_uppercase() {
                    action if action == "ACTION" => Self::Text(format!("/me {}", visible(rest))),
                    command => Self::Ctcp { command, rest: rest.to_owned() },
                }
            }
            None => Self::Text(visible(&text)),
        }
    }
}

/// 0x01 within a text is no mark, and no other protocol wants it.
fn visible(text: &str) -> String {
    text.replace('\u{1}', "\u{2401}")
}

/// Words as content: plain text, or both plain text and HTML where they are formatted.
#[must_use]
pub fn content(text: &str) -> Content {
    if !Style::is_used(text) {
        return Content::text(text);
    }
    let (plain, html) = (Content::text(&plain(text)), to_html(text));
    // Its own octets choose it, so that one and the same line is always the same entity.
    let boundary = (0_u32..)
        .map(|number| format!("irc-{number}"))
        .find(|boundary| !html.contains(boundary.as_str()) && !text.contains(boundary.as_str()));
    let boundary = boundary.unwrap_or_default();
    let mut entity =
        format!("Content-Type: multipart/alternative; boundary={boundary}\r\n\r\n--{boundary}\r\n")
            .into_bytes();
    entity.extend_from_slice(plain.octets());
    entity.extend_from_slice(
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--{boundary}--\r\n"
        )
        .as_bytes(),
    );
    Content::new(Bytes::from(entity))
}

#[cfg(test)]
mod tests {
    use cpim_adapter::Metadata;
    use proptest::prelude::*;

    use super::*;
    use crate::text::{lines, show};

    #[test]
    fn actions_are_words_and_ctcp_is_not() {
        assert_eq!(Said::read(b"\x01ACTION waves\x01"), Said::Text("/me waves".into()));
        assert_eq!(Said::read(b"\x01ACTION waves"), Said::Text("/me waves".into()));
        assert_eq!(Said::read(b"\x01action  waves\x01"), Said::Text("/me  waves".into()));
        assert_eq!(Said::read(b"\x01ACTION\x01"), Said::Text("/me ".into()));
        let version = Said::Ctcp { command: "VERSION".into(), rest: String::new() };
        assert_eq!(Said::read(b"\x01version\x01"), version);
        assert_eq!(Said::read(b"a\x01b"), Said::Text("a␁b".into()));
        assert_eq!(Said::read(b"gr\xfcn"), Said::Text("grün".into()));
    }

    #[test]
    fn formatted_words_are_two_alternatives() {
        let entity = content("\u{2}a\u{2} b");
        assert!(entity.media_type().unwrap().is("multipart/alternative"));
        let shown = show(&entity, &Metadata::default());
        assert_eq!((&*shown.text, shown.whole), ("\u{2}a\u{f} b", true));
        assert_eq!(content("a"), Content::text("a"));
    }

    proptest! {
        /// What was said on one network and is said on another is the same line.
        #[test]
        fn plain_lines_cross(text in "[!-~é👍]([ -~é👍]{0,60}[!-~])?") {
            let shown = show(&content(&text), &Metadata::default());
            prop_assert!(shown.whole);
            let again = lines(&shown.text, 400);
            prop_assert_eq!(again.len(), 1);
            prop_assert_eq!(Said::read(again[0].as_str().as_bytes()), Said::Text(text));
        }
    }
}
