//! What a server hears and says at connecting: capabilities, SASL, ISUPPORT, and answers to commands with a label.

mod answer;
mod capabilities;
mod isupport;
mod sasl;

pub use answer::{Answers, Frame};
pub use capabilities::{Capabilities, Capability, Offer};
pub use isupport::tokens;
pub use sasl::{Exchange, SaslStep};
