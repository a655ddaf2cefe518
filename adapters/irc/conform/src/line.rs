//! Lines of IRC, as a client reads them.

/// A line, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    tags: Vec<(String, String)>,
    /// Who it is from, whole.
    pub(crate) source: String,
    /// The command or numeric.
    pub(crate) command: String,
    /// Its parameters.
    pub(crate) params: Vec<String>,
}

impl Line {
    /// Reads a line without its end.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (tags, text) = match text.strip_prefix('@') {
            Some(rest) => rest.split_once(' ')?,
            None => ("", text),
        };
        let tags = tags.split(';').filter(|tag| !tag.is_empty()).map(|tag| {
            let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
            (name.to_owned(), value.to_owned())
        });
        let text = text.trim_start_matches(' ');
        let (source, text) = match text.strip_prefix(':') {
            Some(rest) => rest.split_once(' ')?,
            None => ("", text),
        };
        let (head, last) = match text.split_once(" :") {
            Some((head, last)) => (head, Some(last)),
            None => (text, None),
        };
        let mut words = head.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        let command = words.next()?;
        let params = words.chain(last.map(str::to_owned)).collect();
        Some(Self { tags: tags.collect(), source: source.to_owned(), command, params })
    }

    /// The value of a tag.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The nick of whoever it is from.
    pub(crate) fn nick(&self) -> &str {
        self.source.split('!').next().unwrap_or_default()
    }

    /// A parameter, counted from 0.
    pub(crate) fn param(&self, at: usize) -> &str {
        self.params.get(at).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let line = Line::read("@label=t1;msgid=x :fred!f@h.example PRIVMSG user0 :hello : there").unwrap();
        assert_eq!((line.tag("label"), line.nick(), line.command.as_str()), (Some("t1"), "fred", "PRIVMSG"));
        assert_eq!((line.param(0), line.param(1), line.param(2)), ("user0", "hello : there", ""));
        assert_eq!(Line::read("PING token").unwrap().param(0), "token");
    }
}
