//! The CPIM model, and the contract between cpim-gateway and its adapters.
//!
//! The model is that of draft-mrose-impp-common-00 and its successors RFC 3859 to 3863, in the words of
//! RFC 2778: principals, presentities, watchers, instant inboxes; operations and their responses. An
//! [`Adapter`] translates between it and one foreign protocol. It is handed operations by
//! [`Adapter::deliver`], and hands over its own through an [`Inlet`]:
//!
//! ```text
//!   foreign side ──► Inlet ──► gateway: checks, journal, routes ──► deliver ──► foreign side
//!        ▲                                                             │
//!        └────────── Answer ◄── settle (journal) ◄── Outcome, Report ◄─┘
//! ```
//!
//! What this crate is not: it opens no socket, keeps no state, and knows no protocol. It depends on no
//! other crate of the project, and every adapter depends on it.

mod adapter;
mod address;
mod alias;
mod capability;
mod commit;
mod content;
mod domain;
mod domain_mapping;
pub mod envelope;
mod error;
mod escape;
mod foreign;
mod ids;
mod inlet;
pub mod kept;
mod local_part;
mod mapper;
mod media_type;
mod memory;
pub mod message_cpim;
mod metadata;
mod operation;
pub mod pidf;
mod presence;
mod presence_away;
mod presence_text;
mod provenance;
mod response;
mod selector;
pub mod source_route;
mod uri;
mod uri_error;
mod watcher_info;
pub mod xml;

pub use adapter::{
    Adapter, Delivery, Endpoint, NextHop, Observation, Outcome, OwnConnection, PeerHop, Schedule,
};
pub use address::{Address, Class};
pub use alias::{ALIAS_SPACE, alias_of};
pub use capability::{Capabilities, Feature, PresenceSupport, Support};
pub use commit::{CommitLog, CommitPoint, Withdrawn};
pub use content::Content;
pub use domain::{Domain, DomainError};
pub use domain_mapping::{DomainMapping, MappingError};
pub use error::{AdapterError, BadAddress, BuildError, DeliveryError, Fault, Retry};
pub use foreign::{ForeignAddress, ForeignError};
pub use ids::{IdError, OperationId, SubscriptId, TransId};
pub use inlet::{
    AdapterContext, Answer, AnswerSlot, Arrival, Exchange, Health, HealthReporter, Inlet, LegRef, Place,
    Receipt, Report, SessionFacts, Shutdown, Word,
};
pub use mapper::{Local, MapError, Mapper, UnmapError};
pub use media_type::MediaType;
pub use memory::{MAX_NOTE_OCTETS, Memory, MemoryError, VolatileMemory};
pub use message_cpim::MessageCpim;
pub use metadata::{Metadata, Subject};
pub use operation::{Kind, Message, Notify, Operation, Passage, Publish, Subscribe, Unsubscribe};
pub use presence::{Basic, Presence, Tuple};
pub use provenance::{Authority, Scope, Standing};
pub use response::{Code, LangTag, Response, Status};
pub use selector::{Selector, SelectorError, Selectors, Shape};
pub use source_route::RouteError;
pub use uri::{ImUri, PresUri, Uri};
pub use uri_error::UriError;
pub use watcher_info::{How, WatcherInfo, WatcherInfoError};
