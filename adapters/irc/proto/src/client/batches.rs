//! Batches that a server opens (IRCv3 batch): which lines are news, and which are only told again.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::message::Message;

/// Batches that are open at once. Beyond that the one that was opened first is forgotten, and its lines are news.
const OPEN: usize = 64;

/// The batches of one connection that are open.
#[derive(Debug, Default)]
pub(super) struct Batches(VecDeque<Batch>);

#[derive(Debug)]
struct Batch {
    name: Bytes,
    is_replay: bool,
}

impl Batches {
    /// Whether a line tells what was before: it stands in a batch that plays back, however deep. Lines in a batch of any
    /// other kind are news, as if they stood in none (IRCv3 batch, "Types").
    pub(super) fn is_replay(&mut self, message: &Message) -> bool {
        let within = message.tags.get("batch").map(str::as_bytes);
        let within = within.is_some_and(|name| self.0.iter().any(|open| open.is_replay && open.name == name));
        if message.is("BATCH") {
            self.turn(message, within);
        }
        within
    }

    /// `BATCH +name type ...` opens one, `BATCH -name` closes it.
    fn turn(&mut self, message: &Message, within: bool) {
        let Some(name) = message.param(0) else { return };
        let sign = name.first().copied();
        let name = name.slice(name.len().min(1)..);
        self.0.retain(|open| open.name != name);
        if sign == Some(b'+') {
            if self.0.len() >= OPEN {
                self.0.pop_front();
            }
            let is_replay = within || message.str(1).is_some_and(plays_back);
            self.0.push_back(Batch { name, is_replay });
        }
    }
}

/// `chathistory`, `draft/chathistory`, `history`, `znc.in/playback`: whoever's it is.
fn plays_back(kind: &str) -> bool {
    let kind = kind.rsplit('/').next().unwrap_or(kind);
    ["chathistory", "history", "playback"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_replay(batches: &mut Batches, line: &str) -> bool {
        batches.is_replay(&Message::parse(&Bytes::copy_from_slice(line.as_bytes())).unwrap())
    }

    /// IRCv3 batch: the type says what it is, batches may be nested, and each ends by its own name.
    #[test]
    fn what_is_played_back_is_no_news() {
        let mut batches = Batches::default();
        for (line, expected) in [
            (":s BATCH +a znc.in/playback relay", false),
            ("@batch=a :alice!a@h PRIVMSG relay :before", true),
            (":alice!a@h PRIVMSG relay :now", false),
            (":s BATCH +b netsplit a.example b.example", false),
            ("@batch=b :bob!b@h QUIT :a.example b.example", false),
            ("@batch=a :s BATCH +c something", true),
            ("@batch=c :alice!a@h PRIVMSG relay :before", true),
            (":s BATCH -a", false),
            ("@batch=a :alice!a@h PRIVMSG relay :now", false),
            ("@batch=c :alice!a@h PRIVMSG relay :before", true),
            (":s BATCH -c", false),
            (":s BATCH -never", false),
            (":s BATCH", false),
            (":s BATCH +d chathistory relay", false),
            ("@batch=d :alice!a@h PRIVMSG relay :before", true),
        ] {
            assert_eq!(is_replay(&mut batches, line), expected, "{line}");
        }
    }

    #[test]
    fn batches_without_end_are_bounded() {
        let mut batches = Batches::default();
        for nth in 0..10_000 {
            is_replay(&mut batches, &format!(":s BATCH +{nth} chathistory relay"));
        }
        assert_eq!(batches.0.len(), OPEN);
        assert!(is_replay(&mut batches, "@batch=9999 :alice!a@h PRIVMSG relay :before"));
    }
}
