//! The claims as a table, for an adapter's README: generated, and checked.

use cpim_adapter::{Capabilities, Feature, PresenceSupport, Support};

const BEGIN: &str = "<!-- CLAIMS: generated from `Capabilities`, checked by a test -->";
const END: &str = "<!-- /CLAIMS -->";

/// The claims as a block of Markdown, between the markers that [`check_claims`] looks for.
#[must_use]
pub fn claims_table(capabilities: &Capabilities) -> String {
    let mut table = format!("{BEGIN}\n| feature | claim |\n|---|---|\n");
    let mut row = |feature: &str, claim: &str| {
        table.push_str(&format!("| {feature} | {claim} |\n"));
    };
    for feature in Feature::ALL {
        let name = match feature {
            Feature::AnyContent => "content of any type",
            Feature::Date => "date",
            Feature::DisplayNames => "names for people",
            Feature::Outcome => "knowing what became of it",
            Feature::MultiLine => "several lines",
            Feature::RichPresence => "richer presence than open and closed",
            Feature::Subject => "subject",
            Feature::Threads => "threads",
            Feature::Unicode => "characters beyond ASCII",
        };
        match (capabilities.support)(feature) {
            Support::Full => row(name, "whole"),
            Support::Degraded(how) => row(name, &format!("in another form: {how}")),
            Support::Dropped => row(name, "left out; the loss is logged"),
            Support::Rejected => row(name, "refused"),
        }
    }
    row(
        "presence",
        match capabilities.presence {
            PresenceSupport::None => "none",
            PresenceSupport::Observe => "observed once, however many watch",
            PresenceSupport::PassThrough => "subscriptions pass through, with the watcher's own identity",
        },
    );
    match capabilities.max_content_octets {
        Some(octets) => row("largest content", &format!("{octets} octets")),
        None => row("largest content", "the gateway's own limit"),
    }
    table.push_str(END);
    table
}

/// Whether a README holds the table of these claims.
///
/// # Errors
/// What the README should hold instead.
pub fn check_claims(readme: &str, capabilities: &Capabilities) -> Result<(), String> {
    let table = claims_table(capabilities);
    match readme.replace("\r\n", "\n").contains(&table) {
        true => Ok(()),
        false => Err(format!("the claims have changed; the README should hold this block:\n\n{table}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_holds_the_claims_word_for_word() {
        let claims = Capabilities {
            support: |feature| match feature {
                Feature::Subject => Support::Degraded("first line"),
                Feature::Threads => Support::Dropped,
                Feature::AnyContent => Support::Rejected,
                _ => Support::Full,
            },
            presence: PresenceSupport::Observe,
            max_content_octets: Some(512),
        };
        let table = claims_table(&claims);
        for row in ["| subject | in another form: first line |", "| largest content | 512 octets |"] {
            assert!(table.contains(row), "{table}");
        }
        check_claims(&format!("# Toy\n\n{table}\n\nmore"), &claims).unwrap();
        assert!(check_claims(&table.replace("512", "513"), &claims).is_err());
    }
}
