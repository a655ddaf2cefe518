//! Paths: what stands in the angle brackets of MAIL and RCPT (RFC 5321 section 4.1.2, RFC 6531 section 3.3).

use std::fmt;

/// Octets of a local-part at most. RFC 5321 section 4.5.3.1.1 asks for 64; over-escaped forms of our own addresses are
/// longer.
const LOCAL_MAX: usize = 512;

/// Octets of a domain at most (RFC 5321 section 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;

/// Who a mail is from, or for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Path {
    /// `<>`: of a report, which nobody may answer.
    Null,
    /// `<postmaster>`, without a domain (RFC 5321 section 4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// A mailbox, taken apart.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Mailbox {
    local: String,
    domain: String,
    written: String,
}

impl Mailbox {
    /// The local-part as a value: without quotes.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain, or the address literal with its brackets, as it was written.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The mailbox as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Postmaster => f.write_str("<postmaster>"),
            Self::Mailbox(mailbox) => write!(f, "<{}>", mailbox.written),
        }
    }
}

/// Reads a path at the beginning of a text, and gives what is behind it. A source route before the mailbox is
/// accepted and ignored (RFC 5321 section 4.1.1.3).
pub(super) fn take(text: &str) -> Option<(Path, &str)> {
    let inner = text.strip_prefix('<')?;
    if let Some(behind) = inner.strip_prefix('>') {
        return Some((Path::Null, behind));
    }
    let inner = match inner.strip_prefix('@') {
        Some(route) => {
            let (hosts, mailbox) = route.split_once(':')?;
            if !hosts.split(",@").all(is_domain) {
                return None;
            }
            mailbox
        }
        None => inner,
    };
    let (local, behind) = take_local(inner)?;
    if local.is_empty() || local.len() > LOCAL_MAX {
        return None;
    }
    let Some(behind) = behind.strip_prefix('@') else {
        let behind = behind.strip_prefix('>')?;
        return local.eq_ignore_ascii_case("postmaster").then_some((Path::Postmaster, behind));
    };
    let (domain, after) = behind.split_once('>')?;
    if !is_domain(domain) && !is_literal(domain) {
        return None;
    }
    let written = inner.get(..inner.len() - after.len() - 1)?.to_owned();
    Some((Path::Mailbox(Mailbox { local, domain: domain.to_owned(), written }), after))
}

/// The value of a dot-string or quoted string, and what is behind it.
fn take_local(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['@', '>'])?;
        let (local, behind) = text.split_at_checked(end)?;
        let atoms = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext));
        return atoms.then(|| (local.to_owned(), behind));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next().filter(|c| matches!(c, ' '..='~'))?),
            c if c.is_control() => return None,
            c => value.push(c),
        }
    }
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| {
                c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (!c.is_ascii() && !c.is_control())
            })
    };
    text.len() <= DOMAIN_MAX && text.split('.').all(label)
}

/// An address literal (RFC 5321 section 4.1.3).
fn is_literal(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|address| match address.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => {
            address.get(5..).is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
        }
        _ => address.parse::<std::net::Ipv4Addr>().is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, String)> {
        match take(text)? {
            (Path::Mailbox(mailbox), behind) => Some((mailbox.local, mailbox.domain, behind.to_owned())),
            (other, behind) => Some((other.to_string(), String::new(), behind.to_owned())),
        }
    }

    fn is(text: &str, local: &str, domain: &str, behind: &str) {
        assert_eq!(read(text), Some((local.into(), domain.into(), behind.into())), "{text}");
    }

    #[test]
    fn a_domain_may_have_marks_that_are_no_letters() {
        let domain =
            "\u{909}\u{926}\u{93e}\u{939}\u{930}\u{923}.\u{92a}\u{930}\u{940}\u{915}\u{94d}\u{937}\u{93e}";
        assert_eq!(read(&format!("<a@{domain}>")).unwrap().1, domain);
    }

    #[test]
    fn paths() {
        is("<fred@a.example> SIZE=1", "fred", "a.example", " SIZE=1");
        is("<im=fred~40a.example@gw.example>", "im=fred~40a.example", "gw.example", "");
        is("<\"a\\\" b>@\"@x.example>", "a\" b>@", "x.example", "");
        is("<@relay.example,@b.example:fred@a.example>", "fred", "a.example", "");
        is("<fred@[192.0.2.1]>", "fred", "[192.0.2.1]", "");
        is("<fred@[IPv6:2001:db8::1]>", "fred", "[IPv6:2001:db8::1]", "");
        is("<\u{fc}ber@\u{fc}.example>", "\u{fc}ber", "\u{fc}.example", "");
        is("<>", "<>", "", "");
        is("<Postmaster>", "<postmaster>", "", "");
    }

    #[test]
    fn what_is_none() {
        for bad in [
            "fred@a.example",
            "<fred>",
            "<fred@>",
            "<@a.example>",
            "<fred@a..example>",
            "<.fred@a.example>",
            "<fr ed@a.example>",
            "<fred@a.example",
            "<\"fred@a.example>",
            "<fred@[192.0.2]>",
            "<fred@-a.example>",
            "<a@b@c.example>",
            "<a\tb@c.example>",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let long = format!("<{}@a.example>", "a".repeat(LOCAL_MAX + 1));
        assert_eq!(read(&long), None);
    }
}
