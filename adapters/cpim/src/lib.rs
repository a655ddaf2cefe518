//! The native CPIM adapter.

mod config;
mod names;
mod tls;

pub use config::{
    Anchors, ApplicationSettings, Identity, Limits, ListenAt, ListenerSettings, OutgoingTls, PeerSettings,
    Secret, Settings,
};
