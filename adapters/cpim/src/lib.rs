//! The native CPIM adapter.

mod adapter;
mod claims;
mod config;
mod connection;
mod dial;
mod inbound;
mod lanes;
mod listener;
mod map;
mod names;
mod session;
mod sessions;
mod shared;
mod tls;
mod wire;

pub use adapter::NativeAdapter;
pub use config::{
    Anchors, ApplicationSettings, Identity, Limits, ListenAt, ListenerSettings, OutgoingTls, PeerSettings,
    Secret, Settings,
};
