//! Who somebody is, however he is addressed.

use std::fmt;
use std::sync::Arc;

use cpim_adapter::{
    Address, BadAddress, Class, Domain, ForeignAddress, Local, MapError, Mapper, Shape, UriError,
};

use super::Who;

/// The canonical form of a foreign address, by the adapter whose it is.
pub type Fold = Arc<dyn Fn(ForeignAddress) -> Result<ForeignAddress, BadAddress> + Send + Sync>;

/// Why a text means nobody.
#[derive(Debug, thiserror::Error)]
pub enum NobodyError {
    /// A foreign address that has no address here.
    #[error(transparent)]
    Foreign(#[from] MapError),
    /// No URI.
    #[error(transparent)]
    Uri(#[from] UriError),
}

/// Brings every address of a principal to one.
#[derive(Clone)]
pub struct Names {
    mapper: Arc<Mapper>,
    fold: Fold,
}

/// Somebody as patterns look at him.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Somebody {
    /// His inbox, in its canonical form.
    pub(super) principal: Address,
    /// His address in his own system, where that is a foreign one.
    pub(super) foreign: Option<String>,
    /// The domain of that address, where it has one.
    pub(super) foreign_domain: Option<Domain>,
}

impl Names {
    /// By these mappings, and this way to fold what is foreign.
    #[must_use]
    pub fn new(mapper: Arc<Mapper>, fold: Fold) -> Self {
        Self { mapper, fold }
    }

    /// How foreign addresses are mapped.
    #[must_use]
    pub fn mapper(&self) -> &Arc<Mapper> {
        &self.mapper
    }

    /// By these mappings, where no adapter is at hand that folds.
    #[must_use]
    pub fn unfolded(mapper: Arc<Mapper>) -> Self {
        Self::new(mapper, Arc::new(Ok))
    }

    /// An address as everything that arrives is compared: folded as its own system folds it now. What that system refuses
    /// stays as it is.
    #[must_use]
    pub fn folded(&self, address: &Address) -> Address {
        let folded = || {
            let Ok(Some(Local::Route(foreign))) = self.mapper.resident(address) else { return None };
            let folded = (self.fold)(foreign).ok()?;
            self.mapper.address_of(&Local::Route(folded), address.class()).ok()
        };
        folded().unwrap_or_else(|| address.clone())
    }

    /// The principal behind an address: its inbox, folded as its own system folds it, and without the routes through
    /// us that stand before an `im:` or `pres:` address.
    #[must_use]
    pub fn principal(&self, address: &Address) -> Address {
        self.somebody(address).principal
    }

    /// Reads whom a person means: an `im:` or `pres:` URI, a foreign address (`mailto:bob@b.example`), or a bare
    /// `bob@b.example`, which is an inbox.
    ///
    /// # Errors
    /// [`NobodyError`] where it is none of these.
    pub fn read(&self, text: &str) -> Result<Address, NobodyError> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        let address = match scheme.as_deref() {
            Some("im" | "pres") => self.mapper.read_any(text)?.address().clone(),
            Some(scheme) if !scheme.contains('@') => self.mapper.map(text, Class::Im)?.address().clone(),
            _ => self.mapper.read(&format!("im:{text}"), Class::Im)?.address().clone(),
        };
        Ok(address)
    }

    /// Reads whom a person means by a rule: somebody, or a wildcard.
    ///
    /// # Errors
    /// [`NobodyError`] where it is neither.
    pub fn who(&self, text: &str) -> Result<Who, NobodyError> {
        match Who::wildcard(text) {
            Some(wildcard) => Ok(wildcard),
            None => self.read(text).map(|address| Who::Address(self.principal(&address))),
        }
    }

    pub(super) fn somebody(&self, address: &Address) -> Somebody {
        let mut principal = address.with_class(Class::Im);
        for _ in 0..=Mapper::MAX_DEPTH {
            let Ok(Some(Local::Route(foreign))) = self.mapper.resident(&principal) else { break };
            if ["im", "pres"].contains(&foreign.selector().as_str())
                && let Ok(inner) = Address::parse(&foreign.to_string())
            {
                principal = inner.with_class(Class::Im);
                continue;
            }
            // What its own system refuses is compared as it was written.
            let foreign = (self.fold)(foreign.clone()).unwrap_or(foreign);
            if let Ok(folded) = self.mapper.address_of(&Local::Route(foreign.clone()), Class::Im) {
                principal = folded;
            }
            let foreign_domain = domain_of(&foreign);
            return Somebody { principal, foreign: Some(foreign.to_string()), foreign_domain };
        }
        Somebody { principal, foreign: None, foreign_domain: None }
    }
}

/// The domain that a foreign address is at: what follows its last `@`, or its host.
fn domain_of(foreign: &ForeignAddress) -> Option<Domain> {
    let value = foreign.value();
    let domain = match foreign.selector().shape() {
        Shape::Hierarchical => value.split('/').next().unwrap_or(value),
        Shape::Opaque => value.rsplit_once('@')?.1.split(['/', ';', '?']).next()?,
    };
    Domain::parse(domain).ok()
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("mapper", &self.mapper).finish_non_exhaustive()
    }
}
