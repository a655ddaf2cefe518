//! The value of `From`, `To` and `cc` (RFC 3862 sections 4.1 to 4.3): an address, and how it is called.

use std::sync::Arc;

use super::Mode;
use super::escape::{Within, escape, split_quoted, unescape};
use super::grammar::{AbsoluteUri, is_token};

/// Somebody a message is from or to: an address, and a name for people to read.
///
/// The name is what the author says. It proves nothing, and may hold any character.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Party {
    /// The formal name, without quotes and escapes.
    pub name: Option<Arc<str>>,
    /// The address; of any scheme, an `im:` URI as a rule.
    pub uri: AbsoluteUri,
}

impl Party {
    /// Reads a header's value as it stands there, escapes and all.
    ///
    /// The grammar has no space between a quoted name and `<`, every example has one: both are taken.
    /// Without quotes the grammar wants one; [`Mode::Tolerant`] takes none as well.
    #[must_use]
    pub fn parse(value: &str, mode: Mode) -> Option<Self> {
        let (name, bracketed) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (inside, rest) = split_quoted(quoted)?;
                (Some(unescape(inside).ok()?.into()), rest.strip_prefix(' ').unwrap_or(rest))
            }
            None => {
                let (phrase, bracketed) = value.split_at(value.find('<')?);
                (if phrase.is_empty() { None } else { Some(tokens(phrase, mode)?.into()) }, bracketed)
            }
        };
        let uri = AbsoluteUri::parse(bracketed.strip_prefix('<')?.strip_suffix('>')?)?;
        Some(Self { name, uri })
    }

    /// Appends the value, the name in quotes where it needs them.
    pub(super) fn write(&self, out: &mut String) {
        if let Some(name) = &self.name {
            if name.split(' ').all(is_token) {
                out.push_str(name);
            } else {
                out.push('"');
                escape(out, name, Within::Quotes);
                out.push('"');
            }
            out.push(' ');
        }
        out.push('<');
        out.push_str(self.uri.as_str());
        out.push('>');
    }
}

impl From<AbsoluteUri> for Party {
    fn from(uri: AbsoluteUri) -> Self {
        Self { name: None, uri }
    }
}

/// The name in `phrase`: tokens, one space behind each.
fn tokens(phrase: &str, mode: Mode) -> Option<&str> {
    let name = match phrase.strip_suffix(' ') {
        Some(name) => name,
        None if mode == Mode::Tolerant => phrase,
        None => return None,
    };
    name.split(' ').all(is_token).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(value: &str, mode: Mode) -> Option<Option<String>> {
        Some(Party::parse(value, mode)?.name.map(|name| name.to_string()))
    }

    #[test]
    fn formal_names() {
        for (value, want) in [
            ("<im:a@x>", None),
            ("MR SANDERS <im:a@x>", Some("MR SANDERS")),
            ("P. Bear <im:a@x>", Some("P. Bear")),
            ("Zoë <im:a@x>", Some("Zoë")),
            (r#""Bear, P." <im:a@x>"#, Some("Bear, P.")),
            (r#""Bear, P."<im:a@x>"#, Some("Bear, P.")),
            (r#""a \"b\" \u00e9 <im:z@x>" <im:a@x>"#, Some("a \"b\" é <im:z@x>")),
            (r#""" <im:a@x>"#, Some("")),
        ] {
            assert_eq!(name(value, Mode::Strict), Some(want.map(str::to_owned)), "{value}");
            assert_eq!(name(value, Mode::Tolerant), Some(want.map(str::to_owned)), "{value}");
        }
    }

    #[test]
    fn malformed() {
        for value in [
            "",
            "im:a@x",
            "<>",
            "<im:a@x",
            "im:a@x>",
            " <im:a@x>",
            "<im:a@x> ",
            "<im:a@x>, <im:b@x>",
            "Bear, P. <im:a@x>",
            "a  b <im:a@x>",
            "a  <im:a@x>",
            r"a\u0020b <im:a@x>",
            r#""a"  <im:a@x>"#,
            r#""a" b <im:a@x>"#,
            r#""a <im:a@x>"#,
            r#""\uD800" <im:a@x>"#,
            "<a@x>",
            "<im:a@x#f>",
            r"<im:a\u0040x>",
        ] {
            assert_eq!(Party::parse(value, Mode::Tolerant), None, "{value}");
        }
    }

    #[test]
    fn no_space_behind_tokens() {
        assert_eq!(name("Bear<im:a@x>", Mode::Strict), None);
        assert_eq!(name("Bear<im:a@x>", Mode::Tolerant), Some(Some("Bear".to_owned())));
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(name in proptest::option::of(any::<String>())) {
            let party = Party { name: name.map(Into::into), uri: AbsoluteUri::parse("im:a@x").unwrap() };
            let mut value = String::new();
            party.write(&mut value);
            prop_assert_eq!(Party::parse(&value, Mode::Strict), Some(party));
        }
    }
}
