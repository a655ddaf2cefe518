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
        let seen = server.users().presence(target);
        // Whoever is gone looks like whoever hides.
        let destination = match seen {
            Seen::Gone => destination.address().to_string(),
            Seen::Here | Seen::Away(_) => destination.to_string(),
        };
        let presence = presence_of(&seen, &destination);
        live.cx.observed(Observation { presentity, presence, document: None });
    }
}

/// One tuple: open while on the network, also while away, since a message is taken then as well; the words of `AWAY`
/// stand in it, and that it is away.
fn presence_of(seen: &Seen, destination: &str) -> Presence {
    let tuple = match seen {
        Seen::Here => Tuple::new(destination, Basic::Open),
        Seen::Away(words) => {
            // Formatting, which is no part of what is said.
            let words: String = words.chars().filter(|c| !c.is_control()).collect();
            Tuple::new(destination, Basic::Open).with_text(&words).away()
        }
        Seen::Gone => Tuple::new(destination, Basic::Closed),
    };
    Presence::new(tuple, Vec::new())
}

/// What a client is shown of somebody's presence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Status {
    pub(super) open: bool,
    /// There, and not looking.
    pub(super) away: bool,
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
        Self { open: basic == Basic::Open, away: presence.is_away(), note }
    }

    /// Nobody is there.
    pub(super) const fn closed() -> Self {
        Self { open: false, away: false, note: None }
    }

    /// The words of `AWAY`, while it is away.
    pub(super) fn away_words(&self) -> Option<&str> {
        self.away.then(|| self.note.as_deref().unwrap_or("away"))
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
        let note = Some("out & <about>".to_owned());
        assert_eq!(away.note_text(), note);
        assert_eq!(Status::of(&away), Status { open: true, away: true, note });
        let here = Status { open: true, away: false, note: None };
        assert_eq!(Status::of(&presence_of(&Seen::Here, uri)), here);
        assert_eq!(Status::of(&presence_of(&Seen::Gone, uri)), Status::closed());
        let desk = Presence::new(Tuple::new(uri, Basic::Open).with_text("at my desk"), Vec::new());
        assert_eq!(Status::of(&desk).away_words(), None, "a note is no absence");
    }

    #[test]
    fn words_are_what_people_read() {
        assert_eq!(words("<note xml:lang='en'>At\r\nlunch</note> &amp;lt;"), "At lunch &lt;");
        assert_eq!(words("<a><b/></a>"), "");
    }
}
