//! What a message to the gateway asks for: the lines of its text that may be commands.

use std::sync::Arc;

use cpim_adapter::message_cpim::{MAX_DEPTH, MessageCpim, Mode};
use cpim_adapter::{Content, Message, Metadata, Subject};
use mail_parser::MessageParser;

/// Commands of one message; more are refused, not cut.
pub(super) const MAX_COMMANDS: usize = 20;

/// What a message says, as far as the inbox looks at it.
#[derive(Debug, Default)]
pub(super) struct Letter {
    /// No person wrote it: it is never answered (RFC 3834 section 2).
    pub(super) automatic: bool,
    /// Lines that should be commands.
    pub(super) lines: Vec<String>,
    /// It has a text at all.
    pub(super) has_text: bool,
    subject: Option<Arc<str>>,
    message_ref: Option<Arc<str>>,
}

impl Letter {
    /// Reads a message: the best text of it, without quotations and signature. A reply to a confirmation says
    /// `confirm WORD` in its subject, and then the rest of it does not matter; where there is no text, a subject is a
    /// command.
    pub(super) fn read(message: &Message) -> Self {
        let (content, metadata) = unwrapped(&message.content, message.metadata.clone());
        let text = text_of(&content);
        let mut letter = Self {
            automatic: metadata.automatic,
            lines: text.as_deref().map(lines).unwrap_or_default(),
            has_text: text.is_some(),
            subject: metadata.subjects.into_iter().next().map(|subject| subject.text),
            message_ref: metadata.message_ref,
        };
        let subject = letter.subject.as_deref().map(without_reply_marks).unwrap_or_default();
        if is_confirmation(subject) || letter.lines.is_empty() && !subject.is_empty() {
            letter.lines = vec![subject.to_owned()];
            letter.has_text = true;
        }
        letter
    }

    /// What an answer to it says of itself. It has a subject where the letter is of a kind that does.
    pub(super) fn answer(&self) -> Metadata {
        let subject = match (&self.subject, &self.message_ref) {
            (Some(subject), _) => Some(format!("Re: {}", without_reply_marks(subject))),
            (None, Some(_)) => Some("Your message to the gateway".to_owned()),
            (None, None) => None,
        };
        Metadata {
            subjects: subject.map(|text| Subject { lang: None, text: text.into() }).into_iter().collect(),
            references: self.message_ref.clone().into_iter().collect(),
            automatic: true,
            ..Metadata::default()
        }
    }

    /// The same, with another subject, where there is one.
    pub(super) fn answer_about(&self, subject: &str) -> Metadata {
        let mut metadata = self.answer();
        metadata.subjects.iter_mut().for_each(|known| known.text = subject.into());
        metadata
    }
}

/// The entity within what was put around it on the way, and what that says of it.
fn unwrapped(content: &Content, mut metadata: Metadata) -> (Content, Metadata) {
    let mut content = content.clone();
    for _ in 0..MAX_DEPTH {
        if !content.is("message/cpim") {
            break;
        }
        let Ok(within) = MessageCpim::read(&content, Mode::Tolerant) else { break };
        let said = within.metadata();
        metadata.automatic |= said.automatic;
        metadata.message_ref = metadata.message_ref.or(said.message_ref);
        if metadata.subjects.is_empty() {
            metadata.subjects = said.subjects;
        }
        content = within.content().clone();
    }
    (content, metadata)
}

fn text_of(content: &Content) -> Option<String> {
    let parsed = MessageParser::new().with_mime_headers().parse(content.octets().as_ref())?;
    parsed.body_text(0).map(std::borrow::Cow::into_owned)
}

/// The lines that somebody wrote himself; one more than is taken, so that it is seen.
fn lines(text: &str) -> Vec<String> {
    let own = text.lines().take_while(|line| *line != "-- ").map(str::trim_end);
    let mut lines: Vec<&str> = Vec::new();
    for line in own {
        match line.starts_with('>') {
            // What introduces a quotation is no command either.
            true if lines.last().is_some_and(|before| before.ends_with(':')) => drop(lines.pop()),
            true => {}
            false if line.trim().is_empty() => {}
            false => lines.push(line),
        }
        if lines.len() > MAX_COMMANDS {
            break;
        }
    }
    lines.into_iter().map(|line| line.trim().to_owned()).collect()
}

fn is_confirmation(subject: &str) -> bool {
    let mut words = subject.split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("confirm"))
        && words.next().is_some()
        && words.next().is_none()
}

/// A subject without what programs put before it when one replies, in whatever language: `Re:`, `AW:`, `Sv:`.
fn without_reply_marks(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some((mark, after)) = rest.split_once(':')
        && (1..=3).contains(&mark.chars().count())
        && mark.chars().all(char::is_alphabetic)
    {
        rest = after.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpim_adapter::ImUri;

    fn message(entity: &str, metadata: Metadata) -> Message {
        Message {
            source: ImUri::parse("im:fred@a.example").unwrap(),
            destination: ImUri::parse("im:gateway@gw.example").unwrap(),
            content: Content::new(entity.to_owned().into()),
            metadata,
        }
    }

    fn subject(text: &str) -> Metadata {
        Metadata { subjects: vec![Subject { lang: None, text: text.into() }], ..Metadata::default() }
    }

    fn lines_of(entity: &str) -> Vec<String> {
        Letter::read(&message(entity, Metadata::default())).lines
    }

    #[test]
    fn quotations_and_signatures_are_no_commands() {
        let text = "Content-Type: text/plain\r\n\r\nhelp\r\n\r\nOn Monday, the gateway wrote:\r\n> block x\r\n\
                    whoami\r\n-- \r\nFred\r\n";
        assert_eq!(lines_of(text), ["help", "whoami"]);
    }

    #[test]
    fn the_best_text_of_a_mail_is_read() {
        let entity = "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
                      <p>rules</p>\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
                      Content-Transfer-Encoding: base64\r\n\r\naGVscA==\r\n--b--\r\n";
        assert_eq!(lines_of(entity), ["help"]);
        assert!(!Letter::read(&message("Content-Type: image/png\r\n\r\n\0", Metadata::default())).has_text);
    }

    #[test]
    fn a_reply_to_a_confirmation_is_one_whatever_it_quotes() {
        let said = "Content-Type: text/plain\r\n\r\nYes, it was me.\r\n> confirm x\r\n";
        let letter = Letter::read(&message(said, subject("AW: Re: confirm abc123")));
        assert_eq!(letter.lines, ["confirm abc123"]);
        let empty = "Content-Type: text/plain\r\n\r\n\r\n";
        assert_eq!(Letter::read(&message(empty, subject("whoami"))).lines, ["whoami"]);
        assert_eq!(
            Letter::read(&message("Content-Type: text/plain\r\n\r\nhelp", subject("hello"))).lines,
            ["help"]
        );
    }

    #[test]
    fn what_was_put_around_a_message_says_whether_a_person_wrote_it() {
        let inner = message("Content-Type: text/plain\r\n\r\nhelp", Metadata::default());
        let metadata = Metadata { automatic: true, ..subject("x") };
        let around = Message { metadata, ..inner }.with_metadata_around().unwrap();
        let entity = std::str::from_utf8(around.octets()).unwrap();
        let letter = Letter::read(&message(entity, Metadata::default()));
        assert!(letter.automatic);
        assert_eq!(letter.lines, ["help"]);
        assert_eq!(&*letter.answer().subjects[0].text, "Re: x");
    }

    #[test]
    fn more_commands_than_are_taken_are_seen() {
        let text = format!("Content-Type: text/plain\r\n\r\n{}", "help\r\n".repeat(50));
        assert_eq!(lines_of(&text).len(), MAX_COMMANDS + 1);
    }
}
