//! The answer to a command with a label: one line, one batch, or `ACK` (IRCv3 labeled-response, batch).

use crate::line::{LineBuilder, Verb};
use crate::names::{Origin, Param};
use crate::tags::{TagKey, TagValue};

/// A key of ours, which is one.
fn key(text: &str) -> Option<TagKey> {
    TagKey::parse(text).ok()
}

/// Answers on one connection.
#[derive(Debug, Default)]
pub struct Answers {
    batches: u64,
}

impl Answers {
    /// Octets of a label at most (labeled-response, "Labels").
    pub const LABEL_OCTETS: usize = 64;

    /// Whether this can be a label: one that is too long, or empty, counts as none.
    #[must_use]
    pub fn is_label(text: &str) -> bool {
        (1..=Self::LABEL_OCTETS).contains(&text.len())
    }

    /// How many lines go before and behind the `count` lines of an answer, and what tag each of them gets:
    /// exactly one line of it all bears the label.
    #[must_use]
    pub fn frame(&mut self, server: &Origin, label: &str, count: usize) -> Frame {
        let tag = |key_text: &str, value: &str| Some((key(key_text)?, TagValue::new(value).ok()?));
        let labelled = |line: LineBuilder| match tag("label", label) {
            Some((key, value)) => line.tag(&key, &value),
            None => line,
        };
        match count {
            0 => Frame {
                before: Some(labelled(LineBuilder::new(Verb::ACK).from(server))),
                each: None,
                behind: None,
            },
            1 => Frame { before: None, each: tag("label", label), behind: None },
            _ => {
                self.batches += 1;
                let name = self.batches.to_string();
                let batch = |sign: char| {
                    LineBuilder::new(Verb::BATCH).from(server).param(&Param::lossy(&format!("{sign}{name}")))
                };
                Frame {
                    before: Some(labelled(batch('+').param(&Param::lossy("labeled-response")))),
                    each: tag("batch", &name),
                    behind: Some(batch('-')),
                }
            }
        }
    }
}

/// What is around an answer.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The line before it.
    pub before: Option<LineBuilder>,
    /// The tag of each of its lines.
    pub each: Option<(TagKey, TagValue)>,
    /// The line behind it.
    pub behind: Option<LineBuilder>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;

    fn text(line: Option<LineBuilder>) -> String {
        line.map(|line| String::from_utf8(line.end().unwrap().to_vec()).unwrap()).unwrap_or_default()
    }

    #[test]
    fn one_line_of_an_answer_bears_the_label() {
        let server = Origin::Server(Host::parse("irc.example").unwrap());
        let mut answers = Answers::default();
        let none = answers.frame(&server, "a", 0);
        assert_eq!((&*text(none.before), none.each), ("@label=a :irc.example ACK\r\n", None));
        let one = answers.frame(&server, "b c", 1);
        assert_eq!((one.before.is_none(), one.each.unwrap().1.as_str()), (true, "b c"));
        let two = answers.frame(&server, "d", 2);
        assert_eq!(text(two.before), "@label=d :irc.example BATCH +1 labeled-response\r\n");
        let (key, value) = two.each.unwrap();
        assert_eq!((key.as_str(), value.as_str()), ("batch", "1"));
        assert_eq!(text(two.behind), ":irc.example BATCH -1\r\n");
        assert!(Answers::is_label("x") && !Answers::is_label("") && !Answers::is_label(&"x".repeat(65)));
    }
}
