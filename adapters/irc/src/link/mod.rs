//! Links: two gateways that speak to each other over IRC.
//!
//! A link is an IRC connection between two gateways that both name the other in `[[peer]]`. The one that connects logs in
//! by its relay domain and the secret of both. From then on every operation and every response crosses whole, as an
//! envelope in client-only tags of `TAGMSG` lines, which no person is ever shown:
//!
//! ```text
//!   @+cpim-gateway/content=(octets of the entity, base64) TAGMSG gateway      as many as it takes, also none
//!   @+cpim-gateway/envelope=(piece of the envelope) TAGMSG gateway            as many as it takes
//! ```
//!
//! An envelope is believed for its proof alone, whatever connection it comes on.

mod desk;
mod dial;
mod links;
mod parcel;
mod peers;
mod session;

pub(crate) use links::Links;
pub(crate) use peers::Peer;
pub(crate) use session::Side;
