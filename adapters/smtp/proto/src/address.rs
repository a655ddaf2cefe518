//! Mail addresses: mailboxes (RFC 5321 section 4.1.2, with the UTF-8 of RFC 6531), and which of them stand for addresses
//! of the gateway.
//!
//! | address | mailbox |
//! |---|---|
//! | `im:mailto=bob~40mail.example@gw.example` | `bob@mail.example` where it is the far side's own |
//! | `im:fred@a.example` | `im=fred~40a.example@gw.example`; itself where the domain is hosted for mail too |
//! | `im:irc=irc.example.net/alice@gw.example` | the domain mapping's `alice@irc.gw.example`, else the local-part as it is |
//! | anything over 64 octets | `alias=...@gw.example`, to be kept |

use std::fmt;

use cpim_adapter::{
    Address, Class, Domain, ForeignAddress, Local, Mapper, Selectors, Uri, UriError, alias_of,
};

/// Octets in a local-part at most (RFC 5321 section 4.5.3.1.1).
pub const MAX_LOCAL_OCTETS: usize = 64;
/// Octets in a path at most (RFC 5321 section 4.5.3.1.3), brackets not counted.
pub const MAX_OCTETS: usize = 254;
/// Octets of a local-part that are read at most: each of 64 escaped as `~hh`, its quotes, and room for a few `\\`.
const MAX_READ_OCTETS: usize = 512;

/// A mailbox: the value of a local-part, and a domain. `Display` quotes the local-part where it must.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mailbox {
    local: String,
    domain: Domain,
}

/// Why a text is no mailbox.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// What follows the last `@`.
    #[error("the domain: {0}")]
    Domain(String),
    /// What stands before it.
    #[error("the local-part is neither a dot-atom nor a quoted-string")]
    Local,
    /// No `@`.
    #[error("no `@`; expected such as alice@example.org")]
    NoDomain,
    /// Over a limit of RFC 5321 section 4.5.3.1.
    #[error("{octets} octets; {most} are accepted")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        most: usize,
    },
}

impl Mailbox {
    /// Reads what stands within `<` and `>`, without a source route.
    ///
    /// # Errors
    /// [`MailboxError`] names what is wrong.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        Self::parse_long(text)?.within_limits()
    }

    /// Reads a mailbox as somebody else may write it: needlessly escaped forms of our own addresses are longer than we
    /// write any (RFC 5321 section 4.5.3.1.1 lets them be taken).
    ///
    /// # Errors
    /// As [`Self::parse`], but for the length.
    pub fn parse_long(text: &str) -> Result<Self, MailboxError> {
        let (written, domain) = text.rsplit_once('@').ok_or(MailboxError::NoDomain)?;
        let local = value(written).ok_or(MailboxError::Local)?;
        let domain = Domain::parse(domain).map_err(|error| MailboxError::Domain(error.to_string()))?;
        match written.len() {
            ..=MAX_READ_OCTETS => Ok(Self { local, domain }),
            octets => Err(MailboxError::TooLong { octets, most: MAX_READ_OCTETS }),
        }
    }

    /// A mailbox of these parts.
    ///
    /// # Errors
    /// [`MailboxError`] where there is no such mailbox.
    pub fn new(local: &str, domain: Domain) -> Result<Self, MailboxError> {
        if local.is_empty() || local.chars().any(char::is_control) {
            return Err(MailboxError::Local);
        }
        Self { local: local.to_owned(), domain }.within_limits()
    }

    fn within_limits(self) -> Result<Self, MailboxError> {
        let written = self.to_string();
        let local = written.len() - self.domain.as_str().len() - 1;
        match (local, written.len()) {
            (octets, _) if octets > MAX_LOCAL_OCTETS => {
                Err(MailboxError::TooLong { octets, most: MAX_LOCAL_OCTETS })
            }
            (_, octets) if octets > MAX_OCTETS => Err(MailboxError::TooLong { octets, most: MAX_OCTETS }),
            _ => Ok(self),
        }
    }

    /// The value of the local-part.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether it needs SMTPUTF8 (RFC 6531) to be written to.
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// The mailbox that a foreign address of mail is.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_foreign(foreign: &ForeignAddress) -> Result<Self, MailboxError> {
        Self::parse(foreign.value())
    }

    /// The foreign address that this mailbox is; nothing where the gateway knows no `mailto`.
    #[must_use]
    pub fn to_foreign(&self, selectors: &Selectors) -> Option<ForeignAddress> {
        ForeignAddress::new(selectors.find("mailto").ok()?, &self.to_string()).ok()
    }

    /// The address of whoever has this mailbox elsewhere: a source route at the relay domain.
    ///
    /// # Errors
    /// Where it can have none: it is within itself an address of the gateway's.
    pub fn as_stranger(&self, class: Class, mapper: &Mapper) -> Result<Uri, NoAddress> {
        let foreign = self.to_foreign(mapper.selectors()).ok_or(NoAddress)?;
        mapper.map_foreign(&foreign, class).map_err(|_| NoAddress)
    }

    /// What this mailbox means as an address of the gateway's own, or of a domain that it hosts: quoted, percent-encoded
    /// and needlessly escaped forms are read as what they mean.
    ///
    /// # Errors
    /// As [`Mapper::read`].
    pub fn as_resident(&self, class: Class, mapper: &Mapper) -> Result<Uri, UriError> {
        let own = mapper.is_ours(&self.domain);
        let mut uri = format!("{class}:");
        let octets = self.local.as_bytes();
        for (at, octet) in octets.iter().enumerate() {
            let plain = octet.is_ascii_alphanumeric() || b"-._~!$&'*+=/".contains(octet);
            // No canonical local-part of ours has a bare `%`: one is the percent-encoding of another protocol's URI.
            let encoding = own
                && *octet == b'%'
                && octets.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
            match plain && !(at == 0 && *octet == b'/') || encoding {
                true => uri.push(char::from(*octet)),
                false => uri.push_str(&format!("%{octet:02x}")),
            }
        }
        mapper.read(&format!("{uri}@{}", self.domain), class)
    }
}

/// A mailbox that can have no address here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no address here")]
pub struct NoAddress;

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_atom(&self.local) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

/// The value that a written local-part stands for.
fn value(written: &str) -> Option<String> {
    let Some(quoted) = written.strip_prefix('"') else {
        return is_dot_atom(written).then(|| written.to_owned());
    };
    let mut chars = quoted.strip_suffix('"')?.chars();
    let mut value = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => value.push(chars.next()?),
            plain => value.push(plain),
        }
    }
    (!value.is_empty() && !value.chars().any(char::is_control)).then_some(value)
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

/// How an address is written on the mail side, so that an answer comes back to this gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// What its alias stands for, where it is one: to be kept before it is written anywhere.
    pub alias_of: Option<Address>,
}

/// The mailbox of an address. `unchanged`: domains whose mail comes to this gateway, so that their addresses stay as
/// they are.
#[must_use]
pub fn written(address: &Address, mapper: &Mapper, unchanged: &[Domain]) -> Option<Written> {
    let inbox = address.with_class(Class::Im);
    let plain = plainly_written(&inbox, mapper, unchanged);
    if let Some(mailbox) = plain.filter(|mailbox| !mailbox.needs_utf8() && is_dot_atom(&mailbox.local)) {
        return Some(Written { mailbox, alias_of: None });
    }
    let mailbox = Mailbox::new(&alias_of(&inbox), mapper.relay_domain().clone()).ok()?;
    Some(Written { mailbox, alias_of: Some(inbox) })
}

fn plainly_written(inbox: &Address, mapper: &Mapper, unchanged: &[Domain]) -> Option<Mailbox> {
    let parts = |address: &Address| Mailbox::new(address.local(), address.domain().clone()).ok();
    match mapper.resident(inbox).ok()? {
        // The closest domain mapping, as the mapper spells it.
        Some(Local::Route(foreign)) => {
            let spelled = mapper.map_foreign(&foreign, Class::Im).ok()?;
            parts(&Address::parse(spelled.spelled()).ok()?)
        }
        Some(_) => parts(inbox),
        None if unchanged.contains(inbox.domain()) => parts(inbox),
        None => parts(mapper.map(&inbox.to_string(), Class::Im).ok()?.address()),
    }
}
