//! The presence of this network's people, as watchers elsewhere see it, and of others, as clients do.

use cpim_adapter::{Basic, Class, Observation, Presence, Tuple};

use super::server::Server;
use super::users::Seen;
use crate::sync::lock;

/// Tells the presence of these targets to the gateway, of those that are observed.
pub(super) fn tell(server: &Server, targets: &[String]) {
    let Some(live) = server.live() else { return };
    // One after the other, so that the last that is told is the last that was true.
    let _telling = lock(&server.telling);
    for (nth, target) in targets.iter().enumerate() {
        if targets.iter().take(nth).any(|before| before == target) || !server.users().is_observed(target) {
            continue;
        }
        let Some(presentity) = server.foreign(target) else { continue };
        let mapper = live.cx.mapper();
        let Ok(destination) = mapper.map_foreign(&presentity, Class::Im) else { continue };
        let presence = presence_of(&server.users().presence(target), &destination.to_string());
        live.cx.observed(Observation { presentity, presence, document: None });
    }
}

/// One tuple: open while on the network, also while away, since a message is taken then as well; the words of `AWAY`
/// stand in it.
fn presence_of(seen: &Seen, destination: &str) -> Presence {
    let (status, text) = match seen {
        Seen::Here => (Basic::Open, String::new()),
        Seen::Away(words) => (Basic::Open, escape(words)),
        Seen::Gone => (Basic::Closed, String::new()),
    };
    let tuple =
        Tuple { destination: destination.into(), status, markup: text.into(), namespaces: Vec::new() };
    Presence::new(tuple, Vec::new())
}

/// Text as XML has it. What XML cannot have at all is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// What a client is shown of somebody's presence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Status {
    pub(super) open: bool,
    /// What the presentity says of it, on one line.
    pub(super) note: Option<String>,
}

impl Status {
    /// The first tuple's words count, of those that agree with the whole.
    pub(super) fn of(presence: &Presence) -> Self {
        let basic = presence.basic();
        let note = presence
            .tuples()
            .iter()
            .filter(|tuple| tuple.status == basic)
            .map(|tuple| words(&tuple.markup))
            .find(|words| !words.is_empty());
        Self { open: basic == Basic::Open, note }
    }
}

/// The text within a piece of XML, on one line.
fn words(markup: &str) -> String {
    let mut text = String::new();
    let mut within_tag = false;
    for c in markup.chars() {
        match c {
            '<' => within_tag = true,
            '>' if within_tag => {
                within_tag = false;
                text.push(' ');
            }
            c if !within_tag => text.push(if c.is_control() { ' ' } else { c }),
            _ => {}
        }
    }
    let text = ["&lt;", "&gt;", "&quot;", "&apos;", "&amp;"]
        .into_iter()
        .zip(["<", ">", "\"", "'", "&"])
        .fold(text, |text, (reference, c)| text.replace(reference, c));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn away_is_open_with_its_words() {
        let uri = "im:irc=irc.example/alice@gw.example";
        let away = presence_of(&Seen::Away("out & <about>\u{2}".into()), uri);
        assert_eq!(&*away.tuples()[0].markup, "out &amp; &lt;about&gt;");
        assert_eq!(Status::of(&away), Status { open: true, note: Some("out & <about>".to_owned()) });
        assert_eq!(Status::of(&presence_of(&Seen::Here, uri)), Status { open: true, note: None });
        assert_eq!(Status::of(&presence_of(&Seen::Gone, uri)), Status { open: false, note: None });
    }

    #[test]
    fn words_are_what_people_read() {
        assert_eq!(words("<note xml:lang='en'>At\r\nlunch</note> &amp;lt;"), "At lunch &lt;");
        assert_eq!(words("<a><b/></a>"), "");
    }
}
