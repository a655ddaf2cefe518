//! The adapter under the conformance kit: every case, against users who are played by hand.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

mod peer;

use std::net::Ipv4Addr;
use std::sync::Arc;

use adapter_template::{LinesAdapter, Settings};
use async_trait::async_trait;
use cpim_adapter::{
    Adapter, Capabilities, Feature, ForeignAddress, ImUri, PresenceSupport, Selectors, Shape, Support,
};
use cpim_conformance::{ForeignPeer, PeerError, Spelling, Subject, Timing, check_claims, run};

use peer::Peer;

/// The adapter, and what it is held to.
struct Lines;

/// The selectors of a gateway that has this adapter.
fn selectors() -> Selectors {
    let mut selectors = Selectors::default();
    selectors.add("lines", Shape::Opaque).unwrap();
    selectors
}

fn foreign(name: &str) -> ForeignAddress {
    ForeignAddress::new(selectors().find("lines").unwrap(), name).unwrap()
}

#[async_trait]
impl Subject for Lines {
    fn name(&self) -> String {
        "lines".to_owned()
    }

    /// Written once more, so that a claim is not changed by chance.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            support: |feature| match feature {
                Feature::Outcome | Feature::Unicode => Support::Full,
                Feature::AnyContent | Feature::MultiLine => Support::Rejected,
                Feature::Date
                | Feature::DisplayNames
                | Feature::RichPresence
                | Feature::Subject
                | Feature::Threads => Support::Dropped,
            },
            presence: PresenceSupport::Observe,
            max_content_octets: Some(900),
        }
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let failed = |what: &str| PeerError::Failed(what.to_owned());
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let selector = selectors().find("lines").map_err(|error| failed(&error.to_string()))?;
        let adapter = LinesAdapter::new(Settings { listen, selector });
        adapter.bind().await.map_err(|error| failed(&error.to_string()))?;
        let address = adapter.local_addr().ok_or_else(|| failed("it is not bound"))?;
        Ok((Arc::new(adapter), Box::new(Peer::new(address, self.mapper()))))
    }

    fn user(&self, number: u8) -> ImUri {
        self.at(&format!("lines:user{number}"))
    }

    fn selectors(&self) -> Selectors {
        selectors()
    }

    fn marks_automatic(&self) -> bool {
        false
    }

    fn tells_language(&self) -> bool {
        false
    }

    /// Numbers are those of a connection.
    fn names_kept(&self) -> bool {
        false
    }

    fn spellings(&self) -> Vec<Spelling> {
        vec![
            Spelling::Canonical(foreign("wilma-2")),
            Spelling::Same(foreign("Wilma"), foreign("wilma")),
            Spelling::Refused(foreign("wilma flintstone")),
            Spelling::Refused(foreign(&"x".repeat(21))),
        ]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_passes_every_case() {
    let results = run(Arc::new(Lines), &Timing { at_once: 4, ..Timing::default() }).await;
    assert!(results.passed(), "{results}");
}

#[test]
fn its_readme_says_what_it_claims() {
    let readme = include_str!("../../README.md");
    check_claims(readme, &Lines.capabilities()).unwrap_or_else(|instead| panic!("{instead}"));
}
