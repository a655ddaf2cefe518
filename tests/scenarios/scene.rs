//! A scene, read: who is in it, and what they do and see. The language is described in README.md beside this file.

use std::collections::BTreeMap;
use std::fmt;

/// One scene.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) title: String,
    /// Who is in it, by name.
    pub(crate) cast: BTreeMap<String, Address>,
    /// How long the gateway waits for an answer, where the scene says so.
    pub(crate) waits: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// How somebody is addressed, and so by which protocol he talks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    /// `alice is on IRC`
    Irc(String),
    /// `bob has mail bob@mail.example`
    Mail(String),
    /// `fred is im:fred@a.example`
    Native(String),
}

/// Something that somebody does or sees.
#[derive(Debug)]
pub(crate) struct Step {
    /// The line of the file, from 1.
    pub(crate) line: usize,
    pub(crate) who: String,
    pub(crate) what: What,
}

/// What somebody does or sees.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum What {
    Away(String),
    Back,
    /// The server of a mail user reports that it could not deliver what he saw last.
    Bounces(String),
    IsTold(String),
    Joins,
    Leaves,
    /// Takes the next message, and refuses it.
    Refuses {
        from: String,
        text: String,
    },
    Sees {
        from: String,
        text: String,
    },
    SeesNothing,
    SeesPresence {
        of: String,
        open: bool,
        text: String,
    },
    StopsWatching(String),
    /// From now on, the server of a mail user answers this to whoever has mail for him.
    TakesNone(String),
    Watches(String),
    Writes {
        to: String,
        text: String,
    },
}

/// What is wrong with a scene, and where.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

const SENTENCES: &str = "is away, is back, bounces, is told, joins, leaves, refuses from, sees from, sees nothing, \
                         sees NAME open, sees NAME closed, stops watching, takes no mail, watches, writes to";

impl Scene {
    /// Reads a scene.
    ///
    /// # Errors
    /// The first line that means nothing.
    pub(crate) fn read(text: &str) -> Result<Self, Wrong> {
        let mut scene = Self { title: String::new(), cast: BTreeMap::new(), waits: None, steps: Vec::new() };
        for (line, sentence) in sentences(text)? {
            scene.take(line, &sentence).map_err(|what| Wrong { line, what })?;
        }
        match scene.title.is_empty() {
            true => Err(Wrong { line: 1, what: "no title; `Scene: what it shows` is accepted".to_owned() }),
            false => Ok(scene),
        }
    }

    fn take(&mut self, line: usize, sentence: &str) -> Result<(), String> {
        if let Some(title) = sentence.strip_prefix("Scene:") {
            self.title = title.trim().to_owned();
            return Ok(());
        }
        if let Some(waits) = sentence.strip_prefix("The gateway waits ") {
            self.waits = Some(waits.to_owned());
            return Ok(());
        }
        let (who, rest) = sentence.split_once(' ').ok_or("a sentence begins with a name")?;
        if let Some(address) = introduced(who, rest) {
            if self.cast.insert(who.to_owned(), address).is_some() {
                return Err(format!("{who} is in the scene already"));
            }
            return Ok(());
        }
        if !self.cast.contains_key(who) {
            return Err(format!(
                "nobody is called {who}; `{who} is im:{who}@a.example`, `{who} is on IRC` or \
                 `{who} has mail {who}@mail.example` introduces him"
            ));
        }
        let what = What::read(rest).ok_or_else(|| format!("`{rest}`: {SENTENCES} is accepted"))?;
        self.steps.push(Step { line, who: who.to_owned(), what });
        Ok(())
    }
}

fn introduced(who: &str, rest: &str) -> Option<Address> {
    match rest.strip_prefix("has mail ") {
        Some(mail) => Some(Address::Mail(mail.to_owned())),
        None if rest == "is on IRC" => Some(Address::Irc(who.to_owned())),
        None => rest
            .strip_prefix("is ")
            .filter(|uri| uri.starts_with("im:"))
            .map(|uri| Address::Native(uri.to_owned())),
    }
}

impl What {
    fn read(rest: &str) -> Option<Self> {
        let (head, text) = match rest.split_once(": ") {
            Some((head, text)) => (head, text.to_owned()),
            None => (rest.trim_end_matches(':'), String::new()),
        };
        let words = |beginning: &str| head.strip_prefix(beginning).map(|rest| rest.trim().to_owned());
        Some(match head {
            "is away" => Self::Away(text),
            "is back" => Self::Back,
            "bounces" => Self::Bounces(text),
            "joins" => Self::Joins,
            "leaves" => Self::Leaves,
            "sees nothing" => Self::SeesNothing,
            "takes no mail" => Self::TakesNone(text),
            _ => {
                if let Some(outcome) = words("is told ") {
                    Self::IsTold(outcome)
                } else if let Some(from) = words("refuses from ") {
                    Self::Refuses { from, text }
                } else if let Some(from) = words("sees from ") {
                    Self::Sees { from, text }
                } else if let Some(to) = words("writes to ") {
                    Self::Writes { to, text }
                } else if let Some(whom) = words("stops watching ") {
                    Self::StopsWatching(whom)
                } else if let Some(whom) = words("watches ") {
                    Self::Watches(whom)
                } else if let Some((of, how)) =
                    head.strip_prefix("sees ").and_then(|rest| rest.rsplit_once(' '))
                {
                    let open = match how {
                        "open" => true,
                        "closed" => false,
                        _ => return None,
                    };
                    Self::SeesPresence { of: of.to_owned(), open, text }
                } else {
                    return None;
                }
            }
        })
    }
}

/// The sentences of a text, each with its line: without comments, and with the lines that follow one and begin with
/// `|` as its text.
fn sentences(text: &str) -> Result<Vec<(usize, String)>, Wrong> {
    let mut sentences: Vec<(usize, String, usize)> = Vec::new();
    for (line, raw) in (1..).zip(text.lines()) {
        let trimmed = raw.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Some(more) = trimmed.strip_prefix('|') {
            let Some((_, sentence, lines)) = sentences.last_mut() else {
                return Err(Wrong { line, what: "a line of text without a sentence before it".to_owned() });
            };
            sentence.push_str(if *lines == 0 { " " } else { "\n" });
            sentence.push_str(more.strip_prefix(' ').unwrap_or(more));
            *lines += 1;
            continue;
        }
        sentences.push((line, trimmed.to_owned(), 0));
    }
    Ok(sentences.into_iter().map(|(line, sentence, _)| (line, sentence)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_understood() {
        let scene = Scene::read(
            "# a comment\nScene: two lines\nfred is im:fred@a.example\nalice is on IRC\n\n\
             alice writes to fred:\n    | one\n    | two: 2\nfred sees alice closed: gone\n",
        )
        .unwrap();
        assert_eq!((scene.title.as_str(), scene.cast.len(), scene.steps.len()), ("two lines", 2, 2));
        assert_eq!(scene.steps[0].what, What::Writes { to: "fred".into(), text: "one\ntwo: 2".into() });
        assert_eq!(scene.steps[0].line, 6);
        let presence = What::SeesPresence { of: "alice".into(), open: false, text: "gone".into() };
        assert_eq!(scene.steps[1].what, presence);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, named) in [
            ("Scene: x\nfred joins", 2, "fred is im:fred@a.example"),
            ("Scene: x\nfred is im:fred@a.example\nfred dances", 3, "writes to"),
            ("Scene: x\nfred is im:fred@a.example\nfred is on IRC", 3, "already"),
            ("| text", 1, "without a sentence"),
            ("fred is im:fred@a.example", 1, "no title"),
        ] {
            let wrong = Scene::read(text).unwrap_err();
            assert!(wrong.line == line && wrong.what.contains(named), "{text}: {wrong}");
        }
    }
}
