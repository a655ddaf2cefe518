//! `open`: the beginning of a session, from either side.

use std::fmt;
use std::time::Duration;

use cpim_adapter::{Class, Domain, Uri};

use super::ignored::Ignored;
use super::{Description, ReadUri, Rejection, Violation, excerpt};
use crate::frame::{decimal, is_decimal};
use cpim_adapter::xml::{Reader, Tag, Writer};

/// What a side says of itself when a session begins. Its claims are words: whether they are granted is the
/// application's say.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// What it speaks for and wants to receive.
    pub serves: Vec<Claim>,
    /// What it only sends as.
    pub speaks: Vec<Claim>,
    /// What authenticates it where no certificate does.
    pub secret: Option<Secret>,
    /// Its relay domain, where it is a gateway or home server.
    pub domain: Option<Domain>,
    /// For how long it recognises retransmissions, over all its sessions, in whole seconds; absent, it does
    /// not.
    pub remembers: Option<Duration>,
    /// What it claims as an external adapter, where its extensions say so; written with them, not from here.
    pub adapter: Option<Description>,
    /// Descriptions of extensions: well-formed XML, octet for octet as it came. Its namespaces are those
    /// that it declares itself.
    pub extensions: String,
    /// What of it is not known here and was ignored, in words; not written.
    pub ignored: Vec<String>,
}

/// Something that a side claims to speak for.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Every address of a domain.
    Domain(Domain),
    /// Every source route with this selector, named in lower case (`pepp:`): for an external adapter.
    Selector(String),
    /// One address.
    Uri(Uri),
}

/// A secret on its way to be compared: it is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Open {
    /// The version of the binding that this crate speaks.
    pub const VERSION: &'static str = "1";

    /// Writes the element. Extensions that are not well-formed XML by themselves are left out: nothing
    /// depends on them, as the other side ignores what it does not know.
    pub fn write(&self, out: &mut String) {
        let mut writer = Writer::new(out);
        writer.start("open").attribute("version", Self::VERSION);
        for (name, claims) in [("serves", &self.serves), ("speaks", &self.speaks)] {
            if !claims.is_empty() {
                let items: Vec<String> = claims.iter().map(ToString::to_string).collect();
                writer.attribute(name, &items.join(" "));
            }
        }
        if let Some(secret) = &self.secret {
            writer.attribute("secret", secret.expose());
        }
        if let Some(domain) = &self.domain {
            writer.attribute("domain", domain.as_str());
        }
        if let Some(remembers) = self.remembers {
            writer.number("remembers", remembers.as_secs().min(u32::MAX.into()));
        }
        match self.extensions.is_empty() {
            true => writer.empty(),
            false => writer.open().raw(&self.extensions).close("open"),
        }
    }

    /// Reads the element. The version comes first: of another one, nothing else can be understood.
    pub(super) fn read(
        tag: &Tag<'_>,
        reader: &mut Reader<'_>,
        uris: &dyn ReadUri,
    ) -> Result<Self, Rejection> {
        let extensions = reader.inner()?.to_owned();
        let malformed = |what: String| Violation::malformed("open", what);
        match tag.attribute("version") {
            Some(Self::VERSION) => {}
            Some(version) if is_decimal(version) && version != "0" => {
                return Err(Violation::UnsupportedVersion.into());
            }
            _ => {
                return Err(
                    malformed("`version` is missing or no number; expected version='1'".to_owned()).into()
                );
            }
        }
        let claims = |name: &str| -> Result<Vec<Claim>, Violation> {
            let items = tag.attribute(name).unwrap_or_default().split(' ').filter(|item| !item.is_empty());
            items
                .map(|item| Claim::parse(item, uris).map_err(|why| malformed(format!("`{name}`: {why}"))))
                .collect()
        };
        let domain = tag.attribute("domain").map(Domain::parse).transpose();
        let remembers = match tag.attribute("remembers") {
            Some(seconds) => Some(decimal::<u32>(seconds).ok_or_else(|| {
                malformed("`remembers`: expected a number of seconds, at most 4294967295".to_owned())
            })?),
            None => None,
        };
        let mut ignored = Ignored::default();
        ignored.attributes(tag, &["version", "serves", "speaks", "secret", "domain", "remembers"]);
        Ok(Self {
            adapter: Description::find_noting(&extensions, &mut ignored)?,
            serves: claims("serves")?,
            speaks: claims("speaks")?,
            secret: tag.attribute("secret").map(Secret::new),
            domain: domain.map_err(|error| malformed(format!("`domain`: {error}")))?,
            remembers: remembers.map(|seconds| Duration::from_secs(seconds.into())),
            extensions,
            ignored: ignored.into_words(),
        })
    }
}

impl Claim {
    /// Octets in a selector's name at most.
    const SELECTOR_OCTETS: usize = cpim_adapter::Selector::MAX_OCTETS;

    /// Reads one item of a list: a domain, a URI, or a selector with its colon.
    ///
    /// # Errors
    /// Says what was wrong with it, and what would have been right.
    pub fn parse(item: &str, uris: &dyn ReadUri) -> Result<Self, String> {
        let why = |error: &dyn fmt::Display| format!("{:?}: {error}", excerpt(item));
        let Some((scheme, rest)) = item.split_once(':') else {
            return Domain::parse(item).map(Self::Domain).map_err(|error| why(&error));
        };
        if rest.is_empty() {
            let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.len() <= Self::SELECTOR_OCTETS
                && scheme
                    .bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'));
            return match named {
                true => Ok(Self::Selector(scheme.to_ascii_lowercase())),
                false => Err(why(&"expected a selector such as `pepp:`")),
            };
        }
        let class = match scheme.eq_ignore_ascii_case("pres") {
            true => Class::Pres,
            false => Class::Im,
        };
        uris.read_uri(item, class).map(Self::Uri).map_err(|error| why(&error))
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(f, "{domain}"),
            Self::Selector(name) => write!(f, "{name}:"),
            Self::Uri(uri) => write!(f, "{uri}"),
        }
    }
}

impl Secret {
    /// Keeps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, to compare or send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
