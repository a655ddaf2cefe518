//! Content as a person on IRC sees it: the best text form that it has, and what could not be shown.

use cpim_adapter::{Content, MessageCpim, Metadata, Subject, message_cpim::Mode};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{from_html, plain};
use crate::decode;

/// Content as text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown {
    /// The text, its lines parted by LF, formatted by IRC's codes.
    pub text: String,
    /// Whether it says all that there was. Otherwise the whole is to be kept and offered.
    pub whole: bool,
    /// What could not be shown and stands in the text by name, type and size, in brackets: each as it stands in them.
    pub named: Vec<String>,
}

impl Shown {
    /// Text that says it all.
    const fn all(text: String) -> Self {
        Self { text, whole: true, named: Vec::new() }
    }

    /// The text before its end, and what is named there alone: a picture, or words with one attachment behind them.
    #[must_use]
    pub fn split_last_named(&self) -> Option<(&str, &str)> {
        let [only] = &*self.named else { return None };
        let before = self.text.trim_end_matches('\n').strip_suffix(']')?.strip_suffix(only.as_str())?;
        Some((before.strip_suffix('[')?, only))
    }
}

/// Parts within parts that are looked into; what is deeper is named as an attachment.
const MAX_DEPTH: usize = 8;

/// The best text form of a message: its subject in brackets before it, where it has one, then its content.
///
/// Plain text is shown as it is, HTML as text with formatting. Of alternatives the plain text is shown, or the HTML
/// where it differs by formatting only; of several parts each, in order. What is no text is named, in brackets. Within a
/// Message/CPIM it is the content that is shown; of its fields, the subject.
#[must_use]
pub fn show(content: &Content, metadata: &Metadata) -> Shown {
    let (content, within) = unwrapped(content);
    let mut shown = show_content(&content);
    let subjects = if metadata.subjects.is_empty() { within } else { metadata.subjects.clone() };
    if let Some(subject) = subjects.first().filter(|subject| !subject.text.trim().is_empty()) {
        let words = subject.text.split_whitespace().collect::<Vec<_>>().join(" ");
        shown.text = format!("[{words}] {}", shown.text);
        shown.whole &= subjects.len() == 1;
    }
    shown
}

/// The text of an entity that is nothing else, as it came: also the source of HTML. `None` for everything else.
#[must_use]
pub fn source(content: &Content) -> Option<String> {
    let (content, _) = unwrapped(content);
    let media_type = content.media_type();
    if media_type.is_none() && is_bare(&content) {
        return Some(with_lf(&decode(content.octets())));
    }
    let is_text = media_type.is_none_or(|media_type| media_type.kind() == "text");
    let message = is_text.then(|| MessageParser::new().parse(&content.octets()[..])).flatten()?;
    match &message.part(0)?.body {
        PartType::Text(text) | PartType::Html(text) => Some(with_lf(text)),
        _ => None,
    }
}

/// What a Message/CPIM is around, and the subjects that it gives it.
fn unwrapped(content: &Content) -> (Content, Vec<Subject>) {
    let (mut content, mut subjects) = (content.clone(), Vec::new());
    for _ in 0..MAX_DEPTH {
        let is_around = content.is("message/cpim");
        let Some(around) = is_around.then(|| MessageCpim::read(&content, Mode::Tolerant).ok()).flatten()
        else {
            break;
        };
        if subjects.is_empty() {
            subjects = around.metadata().subjects;
        }
        content = around.content().clone();
    }
    (content, subjects)
}

/// Whether what has no media type has no blank line either: it is no entity, and taken for text.
fn is_bare(content: &Content) -> bool {
    !content.is_empty() && content.header().len() == content.len()
}

fn show_content(content: &Content) -> Shown {
    let media_type = content.media_type();
    if media_type.is_none() && is_bare(content) {
        return Shown::all(with_lf(&decode(content.octets())));
    }
    let essence = media_type.as_ref().map_or("text/plain", |media_type| media_type.essence());
    let untyped = content.field("Content-Type").is_none();
    let charset = media_type.as_ref().and_then(|media_type| media_type.charset()).unwrap_or("utf-8");
    let plain_charset = ["utf-8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known));
    let identity = content.field("Content-Transfer-Encoding").is_none_or(|encoding| {
        ["7bit", "8bit", "binary"].iter().any(|known| encoding.eq_ignore_ascii_case(known))
    });
    if essence == "text/plain" && identity && (untyped || plain_charset) {
        return Shown::all(with_lf(&decode(&content.body())));
    }
    match MessageParser::new().parse(&content.octets()[..]) {
        Some(message) => part(&message, 0, 0),
        None => named(essence, None, content.len()),
    }
}

/// One part of a MIME entity, by its number.
fn part(message: &Message<'_>, number: u32, depth: usize) -> Shown {
    let nothing = Shown::all(String::new());
    let Some(part) = message.part(number) else { return nothing };
    match &part.body {
        PartType::Text(text) if !is_attachment(part) => Shown::all(with_lf(text)),
        PartType::Html(html) if !is_attachment(part) => {
            // What a page looks like is more than its text.
            Shown { text: from_html(html), whole: is_simple(html), named: Vec::new() }
        }
        PartType::Multipart(parts) if depth < MAX_DEPTH => match essence(part).as_str() {
            "multipart/alternative" => {
                best(parts.iter().map(|number| self::part(message, *number, depth + 1)))
            }
            _ => parts
                .iter()
                .map(|number| self::part(message, *number, depth + 1))
                .reduce(|one, other| Shown {
                    text: format!("{}\n{}", one.text.trim_end_matches('\n'), other.text),
                    whole: one.whole && other.whole,
                    named: [one.named, other.named].concat(),
                })
                .unwrap_or(nothing),
        },
        _ => named(&essence(part), part.attachment_name(), part.len()),
    }
}

/// The first that is shown whole, unless the last one differs from it by formatting only.
fn best(alternatives: impl Iterator<Item = Shown>) -> Shown {
    let all: Vec<Shown> = alternatives.collect();
    let words = |text: &str| plain(text).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let first = all.iter().find(|shown| shown.whole).or_else(|| all.first());
    match (first, all.last()) {
        (Some(first), Some(last)) if words(&first.text) == words(&last.text) => Shown::all(last.text.clone()),
        // The richer form is what the author saw: what is plain says the same, as its author promised (RFC 2046
        // section 5.1.4).
        (Some(first), _) => first.clone(),
        (None, _) => Shown::all(String::new()),
    }
}

/// Whether HTML is no more than text, line ends and formatting that IRC has.
fn is_simple(html: &str) -> bool {
    let simple =
        ["b", "i", "u", "s", "strong", "em", "code", "mark", "br", "br/", "p", "html", "body", "div", "span"];
    html.split('<').skip(1).all(|tag| {
        let name = tag.trim_start_matches('/').split([' ', '>', '\t', '\r', '\n']).next().unwrap_or_default();
        simple.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

fn is_attachment(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|disposition| disposition.is_attachment())
}

fn essence(part: &MessagePart<'_>) -> String {
    let media_type = part.content_type().map(|media_type| {
        format!("{}/{}", media_type.ctype(), media_type.subtype().unwrap_or("unknown")).to_ascii_lowercase()
    });
    media_type.unwrap_or_else(|| "application/octet-stream".into())
}

/// What cannot be shown, by name.
fn named(essence: &str, name: Option<&str>, octets: usize) -> Shown {
    let name = name
        .map(|name| format!("{}, ", name.chars().filter(|c| !c.is_control()).take(80).collect::<String>()));
    let named = format!("{}{essence}, {octets} octets", name.unwrap_or_default());
    Shown { text: format!("[{named}]"), whole: false, named: vec![named] }
}

fn with_lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use cpim_adapter::Subject;

    use super::*;

    fn shown(entity: &str) -> (String, bool) {
        let entity = Content::new(Bytes::from(entity.replace('\n', "\r\n")));
        let shown = show(&entity, &Metadata::default());
        (shown.text, shown.whole)
    }

    #[test]
    fn plain_text_is_shown_as_it_is() {
        assert_eq!(shown("Content-Type: text/plain; charset=utf-8\n\ngrün\n\nx"), ("grün\n\nx".into(), true));
        assert_eq!(shown("\nno header"), ("no header".into(), true));
        assert_eq!(shown("no entity"), ("no entity".into(), true));
        let coded = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ngr=FCn=\n!";
        assert_eq!(shown(coded), ("grün!".into(), true));
        let metadata = Metadata {
            subjects: vec![Subject { lang: None, text: Arc::from("Rocks") }],
            ..Metadata::default()
        };
        assert_eq!(show(&Content::text("hi"), &metadata).text, "[Rocks] hi");
    }

    #[test]
    fn html_is_shown_as_text() {
        assert_eq!(shown("Content-Type: text/html\n\n<p>a <b>b</b></p>"), ("a \u{2}b".into(), true));
        assert_eq!(shown("Content-Type: text/html\n\n<table><td>a</table>"), ("a".into(), false));
    }

    const ALTERNATIVE: &str = "Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\na b\n\
                               --x\nContent-Type: text/html\n\n<p>a <i>B</i></p>\n--x--\n";

    #[test]
    fn of_alternatives_one_is_shown() {
        assert_eq!(shown(&ALTERNATIVE.replace('B', "b")), ("a \u{1d}b".into(), true));
        assert_eq!(shown(&ALTERNATIVE.replace('B', "c")).0.trim_end(), "a b");
    }

    #[test]
    fn what_is_within_a_message_cpim_is_shown() {
        let wrapped = "Content-Type: message/cpim\n\nFrom: <im:fred@a.example>\nSubject: lunch\n\n\
                       Content-Type: text/plain\n\nhungry?";
        assert_eq!(shown(wrapped), ("[lunch] hungry?".into(), true));
    }

    #[test]
    fn the_source_of_text_is_there_and_of_nothing_else() {
        let entity = |text: &str| Content::new(Bytes::from(text.replace('\n', "\r\n")));
        let html =
            "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPGI+w6Q8L2I+";
        assert_eq!(source(&entity(html)).as_deref(), Some("<b>ä</b>"));
        assert_eq!(source(&entity("\na\nb")).as_deref(), Some("a\nb"));
        assert_eq!(source(&entity("Content-Type: image/png\n\nx")), None);
        assert_eq!(source(&entity(ALTERNATIVE)), None);
    }

    #[test]
    fn attachments_are_named() {
        let mixed = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nlook\n--x\n\
                     Content-Type: image/png\nContent-Disposition: attachment; filename=\"dino.png\"\n\
                     Content-Transfer-Encoding: base64\n\naGVsbG8=\n--x--\n";
        assert_eq!(shown(mixed), ("look\n[dino.png, image/png, 5 octets]".into(), false));
        assert!(!shown("Content-Type: application/x-y\n\nabc").1);
    }

    #[test]
    fn what_is_no_entity_is_no_trouble() {
        for odd in [
            "",
            "\n",
            "Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\n--x",
            "Content-Type: message/cpim\n\nx",
        ] {
            shown(odd);
        }
        let deep: String =
            (0..50).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
        shown(&deep);
    }
}
