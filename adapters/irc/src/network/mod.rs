//! Network mode: the gateway joins a network that others run.
//!
//! ```text
//!   the gateway ─► delivery ─► mailbox ─► link ─► the network          one link for each seat
//!   the gateway ◄─ inbound  ◄──────────── link ◄─
//!                  relay (who is there, who that is) ◄┘  people
//! ```
//!
//! The gateway's own seat is the *relay*: it is always there, knows who else is, and writes for whoever has no seat of
//! his own. Each foreign user who writes has one, a *puppet*, made when it is needed and kept while it is used, within
//! limits. A seat lasts over connections (`keep`), a link does not.

mod config;
mod connect;
mod delivery;
mod gate;
mod heard;
mod inbound;
mod joined;
mod keep;
mod link;
mod looks;
mod mailbox;
mod owners;
mod people;
mod presence;
mod relay;
mod seat;
mod telling;

pub use config::{Login, NetworkSettings, Transport};
use joined::draw;
pub(crate) use joined::{Joined, JoinedNetwork};
