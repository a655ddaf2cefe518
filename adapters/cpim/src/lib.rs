//! The native CPIM adapter: whoever speaks CPIM itself is joined by this one.
//!
//! It listens and connects, over TCP, TLS and Unix sockets; grants sessions what their certificate, their
//! secret or the listener's trust rule covers; hands what arrives to the gateway, and what the gateway
//! delivers to whoever serves it. Built from [`Settings`] by [`NativeAdapter::new`], it is run through
//! [`cpim_adapter::Adapter`].
//!
//! What it is not: it reads no configuration file, resolves no domain, decides no policy, keeps nothing over a
//! restart and retries nothing. Frames and sessions without I/O are in [`cpim_native_proto`].

mod adapter;
mod claims;
mod config;
mod connection;
mod dial;
mod external;
mod inbound;
mod listener;
mod map;
mod names;
mod session;
mod sessions;
mod shared;
mod tls;
mod ways;
mod wire;

pub use adapter::NativeAdapter;
pub use config::{
    Anchors, ApplicationSettings, Identity, Limits, ListenAt, ListenerSettings, OutgoingTls, PeerSettings,
    Secret, Settings,
};
pub use map::capabilities;
