//! What the native binding claims: everything, since it is the model's own form.

use cpim_adapter::{Capabilities, Feature, PresenceSupport, Support};

/// The claims of the native binding.
#[must_use]
pub(crate) fn capabilities(max_content_octets: usize) -> Capabilities {
    Capabilities {
        support,
        presence: PresenceSupport::PassThrough,
        max_content_octets: Some(max_content_octets),
        patience: None,
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
