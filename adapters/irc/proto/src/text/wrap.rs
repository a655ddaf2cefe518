//! Text to lines: cut by what a line really has room for, between words where they fit, never inside a character.

use unicode_segmentation::UnicodeSegmentation;

use super::format::Style;
use crate::limits::LINE_OCTETS;
use crate::names::Trailing;

/// Octets of text at least: a line that could not hold the longest character would have no end of pieces.
pub const LEAST_ROOM: usize = 16;

/// Octets that are left for the text of a line `:SOURCE VERB TARGET :TEXT` CRLF, as those who get it see it: the
/// server that hands it on puts the source before it and cuts what is too long then. `source` is the length of
/// `nick!user@host` as that server knows it.
#[must_use]
pub const fn room(source: usize, verb: &str, target: &str) -> usize {
    // Around them stand `:`, three spaces, `:` and CRLF.
    LINE_OCTETS.saturating_sub(source + verb.len() + target.len() + 7)
}

/// Cuts a text to lines of at most `room` octets (but of [`LEAST_ROOM`] at least), in order.
///
/// Each line of the text becomes one line, or several; a blank one becomes a space, since IRC has no empty message.
/// Blank ones at the end, which mail programs leave there, say nothing and are left out.
/// What is cut is cut behind a space, where one is there, else between characters as people see them (grapheme
/// clusters, UAX 29), and put together again it is the same text. Formatting that is open at a cut is opened again
/// behind it. NUL and the mark of CTCP (0x01) cannot stand in text and become the pictures of themselves. A text that
/// begins with `/me ` begins with an ACTION.
#[must_use]
pub fn lines(text: &str, room: usize) -> Vec<Trailing> {
    let room = room.max(LEAST_ROOM);
    let text = text.replace("\r\n", "\n").replace('\0', "\u{2400}").replace('\u{1}', "\u{2401}");
    let text = without_blank_end(&text);
    let mut out = Vec::new();
    for (number, line) in text.split(['\n', '\r']).enumerate() {
        match line.strip_prefix("/me ").filter(|what| number == 0 && !what.trim().is_empty()) {
            Some(what) => {
                let room = room.saturating_sub(ACTION.len() + 1).max(LEAST_ROOM);
                out.extend(pieces(what, room).map(|piece| Trailing::lossy(&format!("{ACTION}{piece}\u{1}"))));
            }
            None => out.extend(pieces(line, room).map(|piece| Trailing::lossy(&piece))),
        }
    }
    out
}

/// A line that was cut by [`lines`], cut once more where there is less room now.
pub fn refit(line: Trailing, room: usize) -> Vec<Trailing> {
    if line.as_str().len() <= room {
        return vec![line];
    }
    match line.as_str().strip_prefix(ACTION).and_then(|what| what.strip_suffix('\u{1}')) {
        Some(what) => lines(&format!("/me {what}"), room),
        None => lines(line.as_str(), room),
    }
}

/// A text up to the end of its last line that says something.
fn without_blank_end(text: &str) -> &str {
    let last = text.trim_end().len();
    let end = text.get(last..).and_then(|blank| blank.find(['\n', '\r']));
    text.get(..last + end.unwrap_or(text.len() - last)).unwrap_or(text)
}

/// How an action begins (CTCP, "ACTION").
const ACTION: &str = "\u{1}ACTION ";

/// Octets that are kept for opening again what was open at a cut: each code, and two colours or what ends one.
const STYLE_OCTETS: usize = 12;

/// The pieces of one line.
fn pieces(line: &str, room: usize) -> impl Iterator<Item = String> {
    let mut rest = match line.is_empty() {
        true => " ",
        false => line,
    };
    let styled = Style::is_used(line);
    let room = if styled && room > LEAST_ROOM + STYLE_OCTETS { room - STYLE_OCTETS } else { room };
    let mut style = Style::default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, behind) = rest.split_at_checked(cut(rest, room))?;
        rest = behind;
        let opened = style.opening();
        style.follow(piece);
        Some(format!("{opened}{piece}"))
    })
}

/// Where to cut: behind the last space that fits, else behind the last character that does.
fn cut(text: &str, room: usize) -> usize {
    if text.len() <= room {
        return text.len();
    }
    let within = text.get(..text.floor_char_boundary(room)).unwrap_or(text);
    if let Some(space) = within.rfind(' ')
        && within.get(..space).is_some_and(|before| !before.trim().is_empty())
    {
        return space + 1;
    }
    let mut end = 0;
    // A cluster that ends beyond `within` is seen only in the whole text; the window bounds what is looked at.
    let window = text.get(..text.ceil_char_boundary((room * 2).min(text.len()))).unwrap_or(text);
    for cluster in window.graphemes(true) {
        if end + cluster.len() > room {
            break;
        }
        end += cluster.len();
    }
    // One cluster that fills a line is cut between code points.
    if end == 0 { within.len() } else { end }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut_to(text: &str, room: usize) -> Vec<String> {
        lines(text, room).iter().map(|line| line.as_str().to_owned()).collect()
    }

    /// standards.md I05: two lines, and never a command.
    #[test]
    fn each_line_is_one_and_a_blank_one_a_space() {
        assert_eq!(cut_to("a\r\nQUIT :x\n\nb\n", 100), ["a", "QUIT :x", " ", "b"]);
        assert_eq!(cut_to("a\0b", 100), ["a␀b"]);
    }

    #[test]
    fn blank_lines_at_the_end_are_left_out() {
        assert_eq!(cut_to("\na \n\nb  \r\n \t\n\r\n\n", 100), [" ", "a ", " ", "b  "]);
        for blank in ["", "\n", " \n\n"] {
            assert_eq!(cut_to(blank, 100).concat().trim(), "", "{blank:?}");
            assert_eq!(cut_to(blank, 100).len(), 1, "{blank:?}");
        }
    }

    /// standards.md I06.
    #[test]
    fn ctcp_is_neutralised_and_an_action_is_mapped() {
        assert_eq!(cut_to("\u{1}DCC SEND x\u{1}", 100), ["␁DCC SEND x␁"]);
        assert_eq!(cut_to("/me waves", 100), ["\u{1}ACTION waves\u{1}"]);
        assert_eq!(cut_to("/me \u{1}DCC\u{1}\n/me b", 100), ["\u{1}ACTION ␁DCC␁\u{1}", "/me b"]);
        assert_eq!(cut_to("/meat", 100), ["/meat"]);
    }

    /// standards.md I09.
    #[test]
    fn characters_stay_whole() {
        let euros = "€".repeat(200);
        let lines = cut_to(&euros, 100);
        assert!(lines.iter().all(|line| line.len() == 99 || line.len() == 600 % 99), "{lines:?}");
        assert_eq!(lines.concat(), euros);
        let family = "👨‍👩‍👧‍👦".repeat(10);
        for line in cut_to(&family, 60) {
            assert_eq!(line.len() % "👨‍👩‍👧‍👦".len(), 0);
        }
    }

    #[test]
    fn words_stay_together_where_they_fit() {
        assert_eq!(cut_to("yabba dabba doo, said Fred", 17), ["yabba dabba doo, ", "said Fred"]);
        assert_eq!(cut_to("x yabbadabbadoooooooooo", 16), ["x ", "yabbadabbadooooo", "ooooo"]);
    }

    #[test]
    fn formatting_is_opened_again() {
        let text = format!("\u{2}{}\u{3}04,05{}\u{f}{}", "a".repeat(40), "b".repeat(40), "c".repeat(40));
        let lines = cut_to(&text, 50);
        assert!(lines[1].starts_with('\u{2}') && lines[2].starts_with("\u{2}\u{3}04,05"), "{lines:?}");
        assert!(lines.last().unwrap().starts_with('c'));
    }

    #[test]
    fn what_was_cut_is_cut_again() {
        for text in ["yabba dabba doo, said Fred", "/me says yabba dabba doo", "/me", &"€".repeat(20)] {
            let cut = lines(text, 60);
            assert_eq!(refit(cut[0].clone(), 60), cut);
            let again: Vec<Trailing> = cut.into_iter().flat_map(|line| refit(line, 26)).collect();
            assert_eq!(again, lines(text, 26), "{text}");
        }
    }

    /// modern IRC, "Messages": `:nick!user@host PRIVMSG target :` and CRLF.
    #[test]
    fn the_room_is_what_is_left() {
        let line = format!(":n!u@h PRIVMSG alice :{}\r\n", "x".repeat(room(5, "PRIVMSG", "alice")));
        assert_eq!(line.len(), LINE_OCTETS);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_too_long(text in "[ a-cé€👍\u{301}\u{200d}\n]{0,300}", room in 16_usize..60) {
            let cut = cut_to(&text, room);
            prop_assert!(cut.iter().all(|line| line.len() <= room && !line.is_empty()));
            let ended = without_blank_end(&text);
            let blank = |line: &str| if line.is_empty() { " ".to_owned() } else { line.to_owned() };
            let expected: Vec<String> = ended.split('\n').map(blank).collect();
            prop_assert_eq!(cut.concat(), expected.concat());
        }
    }
}
