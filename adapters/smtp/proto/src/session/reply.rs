//! Replies (RFC 5321 section 4.2) with their enhanced codes (RFC 2034).

use std::borrow::Cow;
use std::fmt;

/// One reply of one line. It cannot hold what would end the line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    code: u16,
    enhanced: &'static str,
    text: Cow<'static, str>,
}

impl Reply {
    /// Octets of text at most: with its codes, a line of at most 512 (RFC 5321 section 4.5.3.1.5).
    const TEXT_MAX: usize = 480;

    /// A reply with a text that is known. `enhanced` is empty where RFC 2034 wants none.
    #[must_use]
    pub const fn fixed(code: u16, enhanced: &'static str, text: &'static str) -> Self {
        Self { code, enhanced, text: Cow::Borrowed(text) }
    }

    /// A reply with any text; what is no printable ASCII becomes `?`, and what is too long is left out.
    #[must_use]
    pub fn worded(code: u16, enhanced: &'static str, text: &str) -> Self {
        let text: String =
            text.chars().take(Self::TEXT_MAX).map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
        Self { code, enhanced, text: Cow::Owned(text) }
    }

    /// The code of three digits.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced code, such as `5.1.1`.
    #[must_use]
    pub const fn enhanced(&self) -> &'static str {
        self.enhanced
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it refuses for good: 5yz.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Whether it refuses, for now or for good.
    #[must_use]
    pub const fn refuses(&self) -> bool {
        self.code >= 400
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.enhanced {
            "" => write!(f, "{} {}", self.code, self.text),
            enhanced => write!(f, "{} {enhanced} {}", self.code, self.text),
        }
    }
}
