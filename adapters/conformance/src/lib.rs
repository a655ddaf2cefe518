//! The conformance kit: whether an adapter of cpim-gateway is right, case by case.
//!
//! An author says how his adapter is started and what it claims ([`Subject`]), and plays a peer of its protocol
//! by hand ([`ForeignPeer`]). The kit plays the gateway, runs [`suite`] against both, and says of each case what
//! should have happened, by which clause, and what happened instead:
//!
//! ```no_run
//! # async fn doc(subject: std::sync::Arc<dyn cpim_conformance::Subject>) {
//! let results = cpim_conformance::run(subject, &cpim_conformance::Timing::default()).await;
//! assert!(results.passed(), "{results}");
//! # }
//! ```
//!
//! # Claims
//! A claim chooses what a case demands, and never whether there is a case: what is claimed in full must arrive
//! whole, what is dropped must be missing while the rest arrives, what is rejected must be refused before the
//! commit point. So an adapter that claims less is tested as hard as one that claims all.
//!
//! The [`mod@reference`] adapter passes every case, whether it claims much or little.
//!
//! What it is not: it knows no protocol, and opens no socket but that of its reference adapter.

mod bench;
mod case;
mod cases;
mod claims;
mod commit;
mod core;
mod examples;
mod fence;
mod mutant;
pub mod reference;
mod report;
mod run;
mod subject;
mod words;

pub use case::{Case, Failed, cases_table, suite};
pub use claims::{check_claims, claims_table};
pub use mutant::{Mutant, Mutated};
pub use report::{Ended, Results};
pub use run::{Timing, run, run_case, run_cases};
pub use subject::{ForeignPeer, Notice, PeerError, Said, Seen, Sent, Spelling, Subject, Told, failed};
