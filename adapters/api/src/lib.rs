//! The CPIM model, and the contract between cpim-gateway and its adapters.
//!
//! The model is that of draft-mrose-impp-common-00 and its successors RFC 3859 to 3863, in the words of
//! RFC 2778: principals, presentities, watchers, instant inboxes; operations and their responses. An
//! adapter translates between it and one foreign protocol. It is handed operations by
//! `deliver`, and hands over its own through an inlet:
//!
//! ```text
//!   foreign side ──► Inlet ──► gateway: checks, journal, routes ──► deliver ──► foreign side
//!        ▲                                                             │
//!        └────────── Answer ◄── settle (journal) ◄── Outcome, Report ◄─┘
//! ```
//!
//! What this crate is not: it opens no socket, keeps no state, and knows no protocol. It depends on no
//! other crate of the project, and every adapter depends on it.

mod capability;
mod commit;
mod ids;
mod metadata;
mod presence;
mod response;

pub use capability::{Capabilities, Feature, PresenceSupport, Support};
pub use commit::{CommitLog, CommitPoint, Withdrawn};
pub use ids::{IdError, OperationId, SubscriptId, TransId};
pub use metadata::{Metadata, Subject};
pub use presence::{Basic, Presence, Tuple};
pub use response::{Code, LangTag, Response, Status};
