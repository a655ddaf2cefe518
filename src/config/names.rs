//! Names in the configuration: domains, addresses, patterns of them, and places to connect to. The grammar of
//! domains and addresses is the contract crate's; this file is the only one here that asks it.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

pub use cpim_adapter::{Address, Domain};

/// `a.example`, or `.example` for whatever is below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DomainPattern {
    /// Every domain below this one, itself excepted.
    Below(Domain),
    /// This domain.
    Exactly(Domain),
}

impl DomainPattern {
    /// Whether `domain` is one of these.
    #[must_use]
    pub fn matches(&self, domain: &Domain) -> bool {
        match self {
            Self::Below(above) => domain != above && domain.is_within(above),
            Self::Exactly(exactly) => domain == exactly,
        }
    }

    /// Of what stands beside patterns, that whose pattern describes `domain` most closely: its own before one of
    /// `.suffix`, a longer suffix before a shorter, and of two alike the first.
    pub fn closest<'a, T>(items: impl IntoIterator<Item = (&'a Self, T)>, domain: &Domain) -> Option<T> {
        let close = items.into_iter().filter_map(|(pattern, item)| Some((pattern.closeness(domain)?, item)));
        close.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, item)| item)
    }

    /// How closely it describes `domain`: none where it does not, else larger for closer.
    fn closeness(&self, domain: &Domain) -> Option<usize> {
        self.matches(domain).then_some(match self {
            Self::Below(above) => above.as_str().len(),
            Self::Exactly(_) => usize::MAX,
        })
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(domain) => write!(f, ".{domain}"),
            Self::Exactly(domain) => domain.fmt(f),
        }
    }
}

impl FromStr for DomainPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let accepted = r#"a domain ("a.example") or all below one (".example") is accepted"#;
        let parsed = match text.strip_prefix('.') {
            Some(above) => Domain::parse(above).map(Self::Below),
            None => Domain::parse(text).map(Self::Exactly),
        };
        parsed.map_err(|e| format!("{text:?}: {e}; {accepted}"))
    }
}

/// Which addresses a rule is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Pattern {
    /// `im:fred@a.example`: this address, in this class.
    Address(Address),
    /// `*`: every address.
    #[default]
    Any,
    /// `a.example`, `.example`: the addresses of these domains.
    Domain(DomainPattern),
    /// `irc:`: every source route with this selector at our relay domain.
    Selector(String),
}

impl Pattern {
    /// Whether the pattern holds for `address`. `selector` is that of the foreign address inside, where
    /// `address` is a source route at our own relay domain.
    #[must_use]
    pub fn matches(&self, address: &Address, selector: Option<&str>) -> bool {
        match self {
            Self::Address(exactly) => address == exactly,
            Self::Any => true,
            Self::Domain(domains) => domains.matches(address.domain()),
            Self::Selector(wanted) => selector == Some(wanted),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.starts_with('.') {
            return text.parse().map(Self::Domain);
        }
        let claim = Claim::parse(text, r#""*", a domain ("a.example"), all below one (".example")"#)?;
        Ok(match claim {
            Claim::Address(address) => Self::Address(address),
            Claim::Domain(domain) => Self::Domain(DomainPattern::Exactly(domain)),
            Claim::Selector(selector) => Self::Selector(selector),
        })
    }
}

/// What somebody may speak for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Claim {
    /// One address.
    Address(Address),
    /// Every address of a domain.
    Domain(Domain),
    /// `pepp:`: every source route with this selector at our relay domain, for an external adapter.
    Selector(String),
}

impl Claim {
    /// Whether the claim takes in `address`; `selector` as for [`Pattern::matches`].
    #[must_use]
    pub fn covers(&self, address: &Address, selector: Option<&str>) -> bool {
        match self {
            Self::Address(exactly) => address == exactly,
            Self::Domain(domain) => address.domain() == domain,
            Self::Selector(wanted) => selector == Some(wanted),
        }
    }

    /// `domains` says which forms of a domain are accepted where this stands.
    fn parse(text: &str, domains: &str) -> Result<Self, String> {
        let wrong = |why: &dyn fmt::Display| {
            format!(
                "{text:?}: {why}; {domains}, a URI (\"im:fred@a.example\") or a selector (\"irc:\") is accepted"
            )
        };
        match text.split_once(':') {
            None => Domain::parse(text).map(Self::Domain).map_err(|e| wrong(&e)),
            Some((selector, "")) => Ok(Self::Selector(selector.to_ascii_lowercase())),
            Some(_) => Address::parse(text).map(Self::Address).map_err(|e| wrong(&e)),
        }
    }
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, r#"a domain ("a.example")"#)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
            Self::Selector(selector) => write!(f, "{selector}:"),
        }
    }
}

/// Where to connect to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPort {
    /// A name to look up, or an address.
    pub host: Host,
    /// Never 0.
    pub port: u16,
}

/// A machine, by name or by address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Host {
    /// By address.
    Address(IpAddr),
    /// By name.
    Name(Domain),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Host::Address(address) => write!(f, "{address}:{}", self.port),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &dyn fmt::Display| {
            let accepted =
                r#"a host and its port, such as "gw.b.example:5870" or "[2001:db8::1]:5870", is accepted"#;
            format!("{text:?}: {why}; {accepted}")
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong(&"no port"))?;
        let port = port.parse::<u16>().ok().filter(|port| *port != 0);
        let port = port.ok_or_else(|| wrong(&"the port is a number from 1 to 65535"))?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = match (bracketed, host.parse()) {
            (Some(inside), _) => {
                inside.parse().map(|v6| Host::Address(IpAddr::V6(v6))).map_err(|e| wrong(&e))?
            }
            (None, Ok(v4)) => Host::Address(IpAddr::V4(v4)),
            (None, Err(_)) => Domain::parse(host).map(Host::Name).map_err(|e| wrong(&e))?,
        };
        Ok(Self { host, port })
    }
}

/// Reads one name.
pub(crate) fn one<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    Name::deserialize(from).map(|Name(name)| name)
}

/// Reads a name that may be left out.
pub(crate) fn maybe<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    Option::<Name<T>>::deserialize(from).map(|name| name.map(|Name(name)| name))
}

/// Reads a list of names.
pub(crate) fn several<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let names = Vec::<Name<T>>::deserialize(from)?;
    Ok(names.into_iter().map(|Name(name)| name).collect())
}

/// A name as serde reads it: by its own grammar, with its own words for what is wrong.
pub(crate) struct Name<T>(pub(crate) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
            type Value = Name<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name<T>, E> {
                text.parse().map(Name).map_err(E::custom)
            }
        }

        from.deserialize_str(Text(PhantomData))
    }
}
