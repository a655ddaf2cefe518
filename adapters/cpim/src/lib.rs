//! The native CPIM adapter.

mod claims;
mod config;
mod names;
mod tls;

pub use config::{
    Anchors, ApplicationSettings, Identity, Limits, ListenAt, ListenerSettings, OutgoingTls, PeerSettings,
    Secret, Settings,
};
