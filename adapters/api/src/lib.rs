//! The CPIM model and the adapter contract.

mod address;
mod alias;
mod domain;
mod domain_mapping;
mod escape;
mod foreign;
mod local_part;
mod mapper;
mod selector;
pub mod source_route;
mod uri;
mod uri_error;

pub use address::{Address, Class};
pub use alias::alias_of;
pub use domain::{Domain, DomainError};
pub use domain_mapping::{DomainMapping, MappingError};
pub use foreign::{ForeignAddress, ForeignError};
pub use mapper::{Local, MapError, Mapper, UnmapError};
pub use selector::{Selector, SelectorError, Selectors, Shape};
pub use source_route::RouteError;
pub use uri::{ImUri, PresUri, Uri};
pub use uri_error::UriError;
