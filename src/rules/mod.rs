//! Whose say it is: the rules that principals set for themselves (RFC 2778 section 2, ACCESS, DELIVERY and
//! VISIBILITY RULES; RFC 2779 sections 2.3, 5.1 and 5.4.10).
//!
//! The administrator's `[[rule]]`s are asked first, elsewhere; what is here can narrow them, never widen them. A
//! principal is a mailbox: its `im:` and its `pres:` form have one [`Sheet`] of rules. Sheets are notes in the store,
//! all of them in memory too, so that a decision waits for nothing, and holds while its owner is out of contact.

mod book;
mod defaults;
mod names;
mod note;
mod sheet;
mod show;
#[cfg(test)]
mod tests;
mod view;
mod who;

pub use book::{MAX_PRINCIPALS, MAX_RULES_OCTETS, RuleBook, RuleError, SPACE};
pub use defaults::{Defaults, Standard};
pub use names::{Fold, Names, NobodyError};
pub use sheet::{Appearance, Forward, MAX_ENTRIES, Mark, Sheet, Show, Topic};
pub use show::RuleView;
pub use view::{View, closed_presence, simple_presence};
pub use who::{Who, WhoError};

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody asks of a principal.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// To be told his presence once.
    Fetch,
    /// To set his presence in his name (RFC 2779 section 2.3.4).
    Publish,
    /// To be told his presence for a time.
    Subscribe,
    /// To know who watches him (RFC 2779 section 5.1.12).
    Winfo,
    /// To write to his inbox.
    Write,
}

impl Ask {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Fetch, Self::Publish, Self::Subscribe, Self::Winfo, Self::Write];
}

/// What a principal says to it. In the order of severity: of two that are as exact as each other, the later holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Yes.
    Allow,
    /// No, without saying so: a watcher sees somebody who is `closed`, a writer finds nobody in contact, step by step
    /// and word for word (RFC 2779 section 5.1.15).
    Polite,
    /// No: `denied`.
    Deny,
}

impl Decision {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "block",
            Self::Polite => "polite",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
