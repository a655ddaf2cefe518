//! As much XML as the binding has: one element, its attributes, and what is inside.

/// Text as it stands in an attribute or between tags.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&apos;")
        .replace('"', "&quot;")
}

/// What escaped text means.
pub(crate) fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or(("", part));
        let number = |text: &str, radix| u32::from_str_radix(text, radix).ok().and_then(char::from_u32);
        let c = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            other => match (other.strip_prefix("#x"), other.strip_prefix('#')) {
                (Some(hex), _) => number(hex, 16),
                (None, Some(decimal)) => number(decimal, 10),
                (None, None) => None,
            },
        };
        plain.extend(c);
        plain.push_str(rest);
    }
    plain
}

/// One element: its name, its attributes, and what is inside.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    attributes: &'a str,
    /// What is between its tags, as it stands there.
    pub(crate) inner: &'a str,
}

impl<'a> Element<'a> {
    /// The first element of this text, and what follows it.
    pub(crate) fn first(text: &'a str) -> Option<(Self, &'a str)> {
        let (_, text) = text.split_once('<')?;
        let (tag, behind) = text.split_once('>')?;
        let (open, is_empty) = match tag.strip_suffix('/') {
            Some(open) => (open, true),
            None => (tag, false),
        };
        let (name, attributes) = open.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((open, ""));
        if is_empty {
            return Some((Self { name, attributes, inner: "" }, behind));
        }
        let (inner, rest) = behind.split_once(&format!("</{name}>"))?;
        Some((Self { name, attributes, inner }, rest))
    }

    /// An attribute's value.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            let (name, behind) = rest.split_once('=')?;
            let quote = behind.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let (value, behind) = behind.strip_prefix(quote)?.split_once(quote)?;
            if name.trim() == wanted {
                return Some(unescaped(value));
            }
            rest = behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_with_its_attributes_and_its_inside() {
        let text = "<presence a='1'><tuple destination=\"x&amp;y\" status='open'>at &lt;home</tuple><tuple/></presence>";
        let (presence, rest) = Element::first(text).unwrap();
        assert_eq!((presence.name, rest), ("presence", ""));
        let (tuple, rest) = Element::first(presence.inner).unwrap();
        assert_eq!(tuple.attribute("destination").as_deref(), Some("x&y"));
        assert_eq!((tuple.attribute("none"), tuple.inner, rest), (None, "at &lt;home", "<tuple/>"));
        assert_eq!(unescaped(&escaped("<&'\">")), "<&'\">");
        assert_eq!(unescaped("&#65;&#x42;&none;"), "AB");
    }
}
