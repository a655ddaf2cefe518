//! What a `Content-Type` field says: type, subtype, parameters (RFC 2045 section 5.1).

use crate::content::unfold;

/// A media type that was read from an entity, for looking at only: entities are relayed as they came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Largest field value that is looked at, in octets. Real ones stay under 200; what is longer is opaque.
    pub const MAX_OCTETS: usize = 8_192;
    /// Most parameters of one field. Real ones have fewer than five.
    pub const MAX_PARAMETERS: usize = 32;

    /// Reads a field's value, folded or not (RFC 2045 section 5.1).
    ///
    /// `None` where it is not well formed, over a limit, holds a comment, or names a parameter twice:
    /// two readers could take such a field for two different things, and then it is safer to take it for none.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.len() > Self::MAX_OCTETS {
            return None;
        }
        let unfolded = unfold(value)?;
        let (essence, mut rest) = unfolded.split_once(';').unwrap_or((&unfolded, ""));
        let (kind, subtype) = trim(essence).split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        // A `;` with nothing behind it is common, and can mean nothing else.
        while !trim(rest).is_empty() {
            let (name, value, after) = parameter(rest)?;
            if parameters.len() == Self::MAX_PARAMETERS || parameters.iter().any(|(known, _)| *known == name)
            {
                return None;
            }
            parameters.push((name, value));
            rest = after;
        }
        Some(Self { essence: format!("{kind}/{subtype}").to_ascii_lowercase(), parameters })
    }

    /// Type and subtype in lower case: `text/plain`.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The type in lower case: `text` of `text/plain`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.essence.split_once('/').map_or("", |(kind, _)| kind)
    }

    /// Whether it is this type and subtype, in any case.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// The value of the parameter of this name (in any case), as it was written but for quotes.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The `charset` parameter; its value means the same in any case (RFC 2045 section 5.1).
    #[must_use]
    pub fn charset(&self) -> Option<&str> {
        self.parameter("charset")
    }
}

/// One parameter, up to and including the `;` behind it: its name in lower case, its value, and the rest.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let name = trim(name);
    if !is_token(name) {
        return None;
    }
    let rest = rest.trim_start_matches(BLANK);
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted)?,
        None => {
            let (token, rest) = rest.split_at(rest.find(|c| !is_token_char(c)).unwrap_or(rest.len()));
            (is_token(token).then(|| token.to_owned())?, rest)
        }
    };
    let rest = rest.trim_start_matches(BLANK);
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix(';')? };
    Some((name.to_ascii_lowercase(), value, rest))
}

/// What stands before the closing quote, without its backslashes, and the rest (RFC 2045 section 5.1, RFC 5322 section 3.2.4).
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            plain => value.push(plain),
        }
    }
}

const BLANK: [char; 2] = [' ', '\t'];

fn trim(text: &str) -> &str {
    text.trim_matches(BLANK)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// A character of a MIME `token`: printable US-ASCII but the `tspecials`.
fn is_token_char(c: char) -> bool {
    c.is_ascii_graphic() && !r#"()<>@,;:\"/[]?="#.contains(c)
}
