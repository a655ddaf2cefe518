//! The mail adapter: whoever has nothing but mail is joined by this one.
//!
//! It receives mail over SMTP for the gateway's own domains and hands each recipient's copy to the gateway; what the
//! gateway delivers it sends on as mail. Built from [`Settings`] by [`MailAdapter::new`], it is run through
//! [`cpim_adapter::Adapter`].
//!
//! What it is not: it reads no configuration file, decides no policy, keeps no mailbox and retries nothing. SMTP and
//! mail without I/O are in [`cpim_smtp_proto`].

mod adapter;
mod config;
mod dmarc;
mod dns;
mod inbound;
mod listener;
mod outbound;
mod tls;

pub use adapter::{MailAdapter, capabilities};
pub use config::{
    Algorithm, DnsSettings, Identity, IncomingSettings, Limits, ListenerSettings, MailHost, MailRoute,
    OutgoingSettings, Password, PeerSettings, Security, Settings, SigningSettings, SubmitterSettings,
};
pub use cpim_smtp_proto::session::Limits as SessionLimits;
pub use outbound::{Forged, Keyed, Keys, TlsPolicy, dkim_record, take_report};
