//! What a local-part means at the gateway's own domains, and which address of ours a foreign one has.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;

use thiserror::Error;

use crate::address::{Address, Class};
use crate::alias::alias_from;
use crate::domain::Domain;
use crate::domain_mapping::{DomainMapping, MappingError};
use crate::foreign::{ForeignAddress, ForeignError};
use crate::local_part;
use crate::selector::{Selectors, Shape};
use crate::source_route::{self, RouteError};
use crate::uri::{Uri, Written};
use crate::uri_error::UriError;

/// The addresses of one gateway: its relay domains, its selectors, its domain mappings.
///
/// Every URI that a peer sends is read by [`Mapper::read`]. Only at our own domains is a local-part looked
/// into; what it means elsewhere is that host's business (draft-mrose-impp-common-00 section 2.2). The canonical
/// address of a foreign user is the source route at the first relay domain, however it was written: so
/// neither a domain mapping nor an escape that was not needed gives anybody a second identity.
#[derive(Clone, Debug)]
pub struct Mapper {
    relay: Domain,
    others: Vec<Domain>,
    selectors: Selectors,
    mappings: Vec<DomainMapping>,
}

impl Mapper {
    /// Source routes within each other at most. The third is too long for mail even with the shortest of
    /// names; more than a few gateways in a row are a mistake or an attack.
    pub const MAX_DEPTH: usize = 4;

    /// A gateway with one relay domain and these selectors.
    #[must_use]
    pub fn new(relay: Domain, selectors: Selectors) -> Self {
        Self { relay, others: Vec::new(), selectors, mappings: Vec::new() }
    }

    /// With one more relay domain; addresses at it are read as if they were at the first.
    ///
    /// # Errors
    /// [`MappingError::DomainTaken`] if there is a domain mapping for it.
    pub fn with_relay_domain(mut self, domain: Domain) -> Result<Self, MappingError> {
        if self.mapping_at(&domain).is_some() {
            return Err(MappingError::DomainTaken { domain });
        }
        if !self.is_relay(&domain) {
            self.others.push(domain);
        }
        Ok(self)
    }

    /// With one more domain mapping.
    ///
    /// # Errors
    /// If its domain is a relay domain or mapped already, or its selector is not one of this mapper's.
    pub fn with_mapping(mut self, mapping: DomainMapping) -> Result<Self, MappingError> {
        if self.is_ours(mapping.domain()) {
            return Err(MappingError::DomainTaken { domain: mapping.domain().clone() });
        }
        self.selectors.find(mapping.selector().as_str())?;
        self.mappings.push(mapping);
        Ok(self)
    }

    /// The relay domain that canonical addresses have.
    #[must_use]
    pub fn relay_domain(&self) -> &Domain {
        &self.relay
    }

    /// The selectors.
    #[must_use]
    pub fn selectors(&self) -> &Selectors {
        &self.selectors
    }

    /// Whether a domain is a relay domain, where local-parts are source routes and the like.
    #[must_use]
    pub fn is_relay(&self, domain: &Domain) -> bool {
        *domain == self.relay || self.others.contains(domain)
    }

    /// Whether a domain is a relay domain, or stands for a foreign network.
    #[must_use]
    pub fn is_ours(&self, domain: &Domain) -> bool {
        self.is_relay(domain) || self.mapping_at(domain).is_some()
    }

    /// Reads a URI of a class, as everything that a peer sends is read.
    ///
    /// The address is canonical also where the local-part is a source route of ours; there the
    /// percent-encoded form is accepted too (`im:sip=fred%40example.com@gw.example`), which is no mailbox
    /// elsewhere. The spelling stays the peer's.
    ///
    /// # Errors
    /// As [`Uri::parse`]; [`UriError::WrongClass`]; and [`UriError::Route`] for what cannot be used at a
    /// domain of ours, a loop among it, so that [`Self::resident`] has nothing left to refuse.
    pub fn read(&self, text: &str, class: Class) -> Result<Uri, UriError> {
        let written = Written::parse(text)?;
        written.class.require(class)?;
        Ok(Uri::spelled_as(self.canonical(written, 0)?, text))
    }

    /// Reads a URI of either class; otherwise as [`Self::read`].
    ///
    /// # Errors
    /// As [`Self::read`], but for the class.
    pub fn read_any(&self, text: &str) -> Result<Uri, UriError> {
        Ok(Uri::spelled_as(self.canonical(Written::parse(text)?, 0)?, text))
    }

    /// What an address at a domain of ours stands for; `None` at any other.
    ///
    /// # Errors
    /// If it cannot be used. An address that was [read](Self::read) here can.
    pub fn resident(&self, address: &Address) -> Result<Option<Local>, RouteError> {
        self.local_at(address.domain(), address.local(), 0)
    }

    /// Whether an address is the gateway's own, as [`Self::resident`] would say, but without reading what it would then
    /// have to.
    #[must_use]
    pub fn is_gateway(&self, address: &Address) -> bool {
        address.local().eq_ignore_ascii_case(Local::GATEWAY) && self.is_relay(address.domain())
    }

    /// The canonical address of something that lives here.
    ///
    /// # Errors
    /// If it is longer than a local-part can be.
    pub fn address_of(&self, local: &Local, class: Class) -> Result<Address, UriError> {
        Address::new(class, &local.to_string(), self.relay.clone())
    }

    /// The URI of a foreign address, given with its scheme.
    ///
    /// # Errors
    /// If it is none, is within itself an address of ours, is nested too deep, or is too long.
    pub fn map(&self, foreign: &str, class: Class) -> Result<Uri, MapError> {
        self.map_foreign(&ForeignAddress::parse(foreign, &self.selectors)?, class)
    }

    /// The URI of a foreign address: canonical, and spelled by the closest domain mapping if there is one.
    ///
    /// # Errors
    /// As [`Self::map`].
    pub fn map_foreign(&self, foreign: &ForeignAddress, class: Class) -> Result<Uri, MapError> {
        self.check_chain(foreign)?;
        let address = Address::new(class, &source_route::encode(foreign), self.relay.clone())?;
        let covering = self.mappings.iter().filter_map(|mapping| Some((mapping, mapping.local_of(foreign)?)));
        match covering.min_by_key(|(mapping, _)| Reverse(mapping.fixed_octets())) {
            Some((mapping, local)) => {
                let short = Address::new(class, &local, mapping.domain().clone())?;
                Ok(Uri::spelled_as(address, &short.to_string()))
            }
            None => Ok(address.into()),
        }
    }

    /// The foreign address that an address of ours stands for: one layer, whatever may be inside.
    ///
    /// # Errors
    /// If its domain is not ours, it stands for nobody foreign, or it cannot be used.
    pub fn unmap(&self, address: &Address) -> Result<ForeignAddress, UnmapError> {
        match self.resident(address)? {
            Some(Local::Route(foreign)) => Ok(foreign),
            Some(_) => Err(UnmapError::NotForeign { local: address.local().to_owned() }),
            None => Err(UnmapError::NotOurs { domain: address.domain().clone(), relay: self.relay.clone() }),
        }
    }

    /// The address of what was written, in its one form.
    fn canonical(&self, written: Written<'_>, depth: usize) -> Result<Address, UriError> {
        let local = match local_part::value(&written.local) {
            Ok(value) => value,
            Err(_) if self.is_relay(&written.domain) && self.has_selector(&written.local) => {
                Cow::Borrowed(&*written.local)
            }
            Err(strict) => return Err(strict),
        };
        match self.local_at(&written.domain, &local, depth)? {
            Some(resident) => self.address_of(&resident, written.class),
            None => Address::new(written.class, &local, written.domain),
        }
    }

    fn has_selector(&self, local: &str) -> bool {
        source_route::split(local)
            .is_some_and(|(name, _)| is_winfo(name) || self.selectors.find(name).is_ok())
    }

    fn mapping_at(&self, domain: &Domain) -> Option<&DomainMapping> {
        self.mappings.iter().find(|mapping| mapping.domain() == domain)
    }

    fn local_at(&self, domain: &Domain, local: &str, depth: usize) -> Result<Option<Local>, RouteError> {
        if let Some(mapping) = self.mapping_at(domain) {
            return self.route(mapping.foreign_of(local)?).map(Some);
        }
        if !self.is_relay(domain) {
            return Ok(None);
        }
        let resident = match source_route::split(local) {
            None if local.eq_ignore_ascii_case(Local::GATEWAY) => Local::Gateway,
            None => Local::Plain(local.to_owned()),
            Some((name, digest)) if name.eq_ignore_ascii_case("alias") => {
                Local::Alias(alias_from(digest).ok_or(RouteError::BadAlias)?)
            }
            Some((name, watched)) if is_winfo(name) => Local::Winfo(self.watched(watched, depth + 1)?),
            Some(_) => self.route(source_route::decode(local, &self.selectors)?)?,
        };
        Ok(Some(resident))
    }

    /// The presentity whose watchers a `winfo=` is about; it may well live here.
    fn watched(&self, escaped: &str, depth: usize) -> Result<Address, RouteError> {
        if depth >= Self::MAX_DEPTH {
            return Err(RouteError::TooDeep { limit: Self::MAX_DEPTH });
        }
        let uri = format!("{}:{}", Class::Pres, source_route::unescaped(escaped)?);
        let watched = Written::parse(&uri).and_then(|written| self.canonical(written, depth));
        watched.map_err(|error| RouteError::Inner(Box::new(error)))
    }

    fn route(&self, foreign: ForeignAddress) -> Result<Local, RouteError> {
        self.check_chain(&foreign).map(|()| Local::Route(foreign))
    }

    /// Follows the routes inside a foreign address, as far as they can be seen from here, and refuses what
    /// would come back to us or goes too deep.
    fn check_chain(&self, foreign: &ForeignAddress) -> Result<(), RouteError> {
        let mut layer = foreign.clone();
        for depth in 0..Self::MAX_DEPTH {
            layer = match self.inside(&layer) {
                Ok(Some(inside)) => inside,
                Ok(None) => return Ok(()),
                // Deeper down it is another host's address, and that host's to judge.
                Err(RouteError::Inner(_)) if depth > 0 => return Ok(()),
                Err(refused) => return Err(refused),
            };
        }
        Err(RouteError::TooDeep { limit: Self::MAX_DEPTH })
    }

    /// The foreign address inside another, if its local-part looks like a source route.
    fn inside(&self, foreign: &ForeignAddress) -> Result<Option<ForeignAddress>, RouteError> {
        if Class::of_scheme(foreign.selector().as_str()).is_some() {
            let address =
                Address::parse(&foreign.to_string()).map_err(|error| RouteError::Inner(Box::new(error)))?;
            if self.is_ours(address.domain()) {
                return Err(RouteError::SelfLoop { domain: address.domain().clone() });
            }
            return Ok(source_route::decode(address.local(), &self.selectors).ok());
        }
        if let Some(domain) = hosts(foreign).find(|host| self.is_relay(host)) {
            return Err(RouteError::SelfLoop { domain });
        }
        let local = match foreign.selector().shape() {
            Shape::Hierarchical => None,
            Shape::Opaque => foreign.value().rsplit_once('@').map(|(local, _)| local),
        };
        Ok(local.and_then(|local| source_route::decode(local, &self.selectors).ok()))
    }
}

/// What a local-part at a domain of ours stands for. `Display` gives the canonical local-part at the relay
/// domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Local {
    /// A foreign user, by source route or domain mapping.
    Route(ForeignAddress),
    /// An [alias](crate::alias_of), whole: the store knows what it stands for.
    Alias(String),
    /// Watcher information about a presentity; of use in class `pres` only.
    Winfo(Address),
    /// The gateway itself, which takes commands as messages.
    Gateway,
    /// Any other local-part. Whether there is such a user is for the router to know.
    Plain(String),
}

impl Local {
    const GATEWAY: &str = "gateway";
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(foreign) => f.write_str(&source_route::encode(foreign)),
            Self::Alias(local) | Self::Plain(local) => f.write_str(local),
            Self::Winfo(watched) => write!(f, "winfo={}", source_route::escape(&watched.mailbox(), false)),
            Self::Gateway => f.write_str(Self::GATEWAY),
        }
    }
}

/// Why a foreign address has no URI here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// It is no foreign address.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// What is inside it cannot be used.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// It is too long to be a local-part.
    #[error(transparent)]
    Uri(#[from] UriError),
}

/// Why an address stands for nobody foreign.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnmapError {
    /// It is ours, but not a foreign user's.
    #[error("`{local}` carries no foreign address: expected such as `pepp=example.com/fred`")]
    NotForeign {
        /// The local-part.
        local: String,
    },
    /// Its domain alone can interpret it.
    #[error("`{domain}` is not a domain of this gateway, such as `{relay}`: only it knows what it means")]
    NotOurs {
        /// The domain it has.
        domain: Domain,
        /// Our relay domain.
        relay: Domain,
    },
    /// It cannot be used.
    #[error(transparent)]
    Route(#[from] RouteError),
}

fn is_winfo(name: &str) -> bool {
    name.eq_ignore_ascii_case("winfo")
}

/// The domains that a foreign address names, by what most protocols have in common: a host in front of the
/// path, or behind each `@`, or alone.
fn hosts(foreign: &ForeignAddress) -> impl Iterator<Item = Domain> {
    let value = foreign.value();
    let named = match foreign.selector().shape() {
        Shape::Hierarchical => value.split(['/', '?', '#']).next().unwrap_or(value),
        Shape::Opaque => value,
    };
    let users = usize::from(named.contains('@'));
    named.split('@').skip(users).filter_map(|text| {
        let host = text.split(['/', ';', '?', ':', ',', '>', ' ']).next()?;
        Domain::parse(host.strip_suffix('.').unwrap_or(host)).ok()
    })
}
