//! Presence in words: what a tuple's text says, and how a person is told.

use crate::xml::{Event, Reader, Rules, Writer, XmlError};
use crate::{Basic, Presence, Tuple};

/// A tuple's markup came through a reader with limits of its own; these only keep a mistake from going far.
const RULES: Rules = Rules { depth: 64, attributes: 1_024, comments: false, any_encoding: false };

impl Tuple {
    /// A tuple that holds nothing.
    #[must_use]
    pub fn new(destination: &str, status: Basic) -> Self {
        Self { destination: destination.into(), status, markup: "".into(), namespaces: Vec::new() }
    }

    /// With this text and nothing else in it. What XML cannot hold of it is replaced by U+FFFD.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        let mut markup = String::with_capacity(text.len());
        Writer::new(&mut markup).text(text);
        self.markup = markup.into();
        self.namespaces.clear();
        self
    }

    /// The text directly in it, without that of elements; nothing where there is none but white space.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let text = match self.markup.contains(['<', '&', '\r']) {
            true => self.character_data().unwrap_or_default(),
            false => self.markup.to_string(),
        };
        (!text.trim().is_empty()).then_some(text)
    }

    /// The markup as an element of its own, with the namespaces it relies on.
    pub(crate) fn wrapped(&self) -> String {
        let mut out = String::with_capacity(self.markup.len() + 128);
        let mut writer = Writer::new(&mut out);
        writer.start("tuple");
        for (prefix, name) in &self.namespaces {
            writer.namespace(prefix, name);
        }
        writer.open().raw(&self.markup).close("tuple");
        out
    }

    fn character_data(&self) -> Result<String, XmlError> {
        let wrapped = self.wrapped();
        let mut reader = Reader::new(wrapped.as_bytes(), &RULES)?;
        reader.root()?;
        let mut text = String::new();
        loop {
            match reader.event()? {
                Event::Text(piece) => text.push_str(&piece),
                Event::Start(_) => {
                    reader.inner()?;
                }
                Event::End => break,
            }
        }
        reader.finish().map(|()| text)
    }
}

impl Presence {
    /// The words that come with the presence: those of the first tuple that has its [status](Self::basic) and says something, on one
    /// line and without the white space around them.
    #[must_use]
    pub fn note_text(&self) -> Option<String> {
        let basic = self.basic();
        let spoken = self.tuples().iter().filter(|tuple| tuple.status == basic).find_map(Tuple::text)?;
        Some(spoken.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The presence as a person is told it: `fred is open: at my desk`.
    #[must_use]
    pub fn summary(&self, who: &str) -> String {
        match self.note_text() {
            Some(note) => format!("{who} is {}: {note}", self.basic()),
            None => format!("{who} is {}", self.basic()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(status: Basic, markup: &str) -> Tuple {
        Tuple { markup: markup.into(), ..Tuple::new("im:fred@a.example", status) }
    }

    #[test]
    fn the_text_of_a_tuple_is_what_stands_directly_in_it() {
        let namespaces = vec![("x".into(), "urn:x".into())];
        for (markup, text) in [
            ("at my desk", Some("at my desk")),
            ("a &lt; b &#38; <![CDATA[<c>]]>", Some("a < b & <c>")),
            ("one<x:b>not this</x:b> two", Some("one two")),
            ("line\r\nline", Some("line\nline")),
            ("", None),
            (" \n ", None),
            ("<x:b>not this</x:b>", None),
            ("broken & text", None),
            ("ends</tuple>", None),
        ] {
            let tuple = Tuple { namespaces: namespaces.clone(), ..tuple(Basic::Open, markup) };
            assert_eq!(tuple.text().as_deref(), text, "{markup}");
        }
    }

    #[test]
    fn text_is_put_in_so_that_it_comes_out() {
        let text = "<b>&amp;\r\n]]> 'x' \u{1F600}";
        assert_eq!(
            Tuple::new("im:fred@a.example", Basic::Open).with_text(text).text().as_deref(),
            Some(text)
        );
        assert_eq!(
            Tuple::new("im:f@a.example", Basic::Open).with_text("\u{2}x").text().as_deref(),
            Some("\u{FFFD}x")
        );
    }

    #[test]
    fn a_person_is_told_the_status_and_the_words_that_go_with_it() {
        for (tuples, expected) in [
            (vec![tuple(Basic::Open, "at my\r\n desk ")], "fred is open: at my desk"),
            (vec![tuple(Basic::Closed, "")], "fred is closed"),
            (vec![tuple(Basic::Closed, "asleep"), tuple(Basic::Open, "")], "fred is open"),
            (
                vec![tuple(Basic::Closed, "asleep"), tuple(Basic::Open, ""), tuple(Basic::Open, "up")],
                "fred is open: up",
            ),
        ] {
            assert_eq!(Presence::from_tuples(tuples).unwrap().summary("fred"), expected);
        }
    }
}
