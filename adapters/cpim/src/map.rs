//! What the native binding claims: everything, since it is the model's own form; and the one thing of the model
//! that it has to map.

use std::sync::Arc;

use cpim_adapter::{Capabilities, Delivery, Feature, Message, Metadata, Operation, PresenceSupport, Support};

/// The claims of the native binding.
#[must_use]
pub const fn capabilities(max_content_octets: usize) -> Capabilities {
    Capabilities {
        support,
        presence: PresenceSupport::PassThrough,
        max_content_octets: Some(max_content_octets),
    }
}

const fn support(feature: Feature) -> Support {
    match feature {
        Feature::AnyContent
        | Feature::Date
        | Feature::DisplayNames
        | Feature::Outcome
        | Feature::MultiLine
        | Feature::RichPresence
        | Feature::Subject
        | Feature::Threads
        | Feature::Unicode => Support::Full,
    }
}

/// A message with what belongs to it but not to its body around its content, as Message/CPIM (RFC 3862). One
/// that has none, which is every one that came by this binding, stays as it is.
pub(crate) fn with_metadata_around(mut delivery: Delivery) -> Delivery {
    let Operation::Message(message) = &*delivery.operation else { return delivery };
    if message.metadata.is_empty() {
        return delivery;
    }
    match message.with_metadata_around() {
        Ok(content) => {
            let metadata = Metadata::default();
            let around = Message { content, metadata, ..message.clone() };
            delivery.operation = Arc::new(Operation::Message(around));
        }
        Err(error) => {
            tracing::warn!(id = %delivery.passage.id, %error, "loss: the metadata cannot go with this content");
        }
    }
    delivery
}
