//! The presence service: what it must keep in mind, with neither clock nor store nor network.
//!
//! [`Book`] knows who tells presence, who watches it and what is still to be told; the router gives it what
//! arrives, writes down what must outlive a crash, and brings to the watchers what it takes from it.
//! (The draft's section 3.4; RFC 3859 section 3.4; native-cpim.md, Presence over a session.)

mod book;
mod far;
mod leases;
mod look;
mod names;
mod presentity;
mod shadow;
mod state;
mod telling;
mod winfo;

pub(crate) use self::book::{Book, Ended};
pub(crate) use self::far::{Far, Link};
pub(crate) use self::leases::{LeaseId, LeaseKey, NewLease, Spelled, Stage};
pub(crate) use self::names::Name;
pub(crate) use self::presentity::{BY_COMMAND, HELD_OVER, How, Kind, Past};
pub(crate) use self::state::{Publication, State};
pub(crate) use self::telling::{FIRST_WORD_MS, Item, Once, Telling, Told, What};
pub(crate) use self::winfo::{WatcherFact, state as watcher_information};
