//! One principal's rules.

use cpim_adapter::{Address, Basic, Standing};

use super::names::Somebody;
use super::{Ask, Decision, RuleError, View, Who};
use crate::clock::UnixMs;

/// Entries of a kind that one principal may have: more are no rules that anybody can follow.
pub const MAX_ENTRIES: usize = 500;

/// What a mark is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Topic {
    /// Messages and presence; not who watches, and not publishing.
    Everything,
    /// One thing that can be asked.
    One(Ask),
}

impl Topic {
    fn takes_in(self, ask: Ask) -> bool {
        match self {
            Self::Everything => matches!(ask, Ask::Fetch | Ask::Subscribe | Ask::Write),
            Self::One(one) => one == ask,
        }
    }
}

/// One entry of an allow- or block-list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Whom it is about.
    pub who: Who,
    /// Only where the other is known exactly so well.
    pub standing: Option<Standing>,
    /// What it is about.
    pub topic: Topic,
    /// What is said.
    pub decision: Decision,
}

impl Mark {
    /// What two marks are compared by, as far as they fit: the more exact about the other holds, then the one that
    /// says how well he is known, then the one about a single thing, then the stricter.
    fn rank(&self) -> ((u8, usize), bool, bool, Decision) {
        (self.who.exactness(), self.standing.is_some(), matches!(self.topic, Topic::One(_)), self.decision)
    }
}

/// What of a presence a watcher is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Show {
    /// All of it.
    All,
    /// This instead, and why.
    Basic(Basic, Option<String>),
    /// The tuples whose destination begins so (`im:`, `mailto:fred@a.example`); without any, `closed`.
    Only(Vec<String>),
}

/// What somebody is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Appearance {
    /// To whom.
    pub who: Who,
    /// What.
    pub show: Show,
}

/// Where an inbox is forwarded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Forward {
    /// To whose inbox.
    pub to: Address,
    /// Until when; without end where nothing is said.
    pub until: Option<UnixMs>,
}

/// One principal's rules: access, delivery, visibility.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sheet {
    pub(super) marks: Vec<Mark>,
    pub(super) appearances: Vec<Appearance>,
    /// Who may (`true`) or may not learn that this principal watches somebody, besides that one.
    pub(super) seen_by: Vec<(Who, bool)>,
    pub(super) forward: Option<Forward>,
    pub(super) delegates: Vec<Address>,
    /// Nothing of it can be read, by this version at least: nobody may anything.
    pub(super) sealed: bool,
}

impl Sheet {
    /// The entries of the allow- and block-list.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Who is shown something other than all.
    #[must_use]
    pub fn appearances(&self) -> &[Appearance] {
        &self.appearances
    }

    /// Who may or may not learn whom this principal watches.
    #[must_use]
    pub fn seen_by(&self) -> &[(Who, bool)] {
        &self.seen_by
    }

    /// Where the inbox is forwarded, if it is at this moment.
    #[must_use]
    pub fn forward(&self, now: UnixMs) -> Option<&Forward> {
        self.forward.as_ref().filter(|forward| forward.until.is_none_or(|until| now < until))
    }

    /// Who may publish in this principal's name.
    #[must_use]
    pub fn delegates(&self) -> &[Address] {
        &self.delegates
    }

    /// Whether nothing is said in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it could not be read, so that nobody may anything until its owner or an administrator begins it anew.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.sealed
    }

    pub(super) fn decide(&self, ask: Ask, other: &Somebody, standing: Standing) -> Option<Decision> {
        if self.sealed {
            return Some(Decision::Deny);
        }
        if ask == Ask::Publish {
            let named = self.delegates.contains(&other.principal) && standing == Standing::Verified;
            return named.then_some(Decision::Allow);
        }
        let fits = |mark: &&Mark| {
            mark.topic.takes_in(ask)
                && mark.standing.is_none_or(|wanted| wanted == standing)
                && mark.who.covers(other)
        };
        self.marks.iter().filter(fits).max_by_key(|mark| mark.rank()).map(|mark| mark.decision)
    }

    pub(super) fn view(&self, watcher: &Somebody) -> View {
        let fits = self.appearances.iter().filter(|appearance| appearance.who.covers(watcher));
        match fits.max_by_key(|appearance| appearance.who.exactness()).map(|appearance| &appearance.show) {
            None | Some(Show::All) => View::Whole,
            Some(Show::Basic(basic, note)) => View::Instead(*basic, note.clone()),
            Some(Show::Only(destinations)) => View::Only(destinations.clone()),
        }
    }

    pub(super) fn shows_itself_to(&self, asker: &Somebody) -> bool {
        let fits = self.seen_by.iter().filter(|(who, _)| who.covers(asker));
        // Of two as exact as each other, the one that hides.
        let said = fits.max_by_key(|(who, seen)| (who.exactness(), !seen)).map(|(_, seen)| *seen);
        !self.sealed && said.unwrap_or(true)
    }

    /// Sets a mark, instead of the one about the same person and topic.
    ///
    /// # Errors
    /// [`RuleError::TooMany`] beyond [`MAX_ENTRIES`].
    pub fn mark(&mut self, mark: Mark) -> Result<(), RuleError> {
        let same = |known: &Mark| {
            (&known.who, known.standing, known.topic) == (&mark.who, mark.standing, mark.topic)
        };
        self.marks.retain(|known| !same(known));
        push(&mut self.marks, mark)
    }

    /// Takes away every mark about somebody; whether there was any.
    pub fn unmark(&mut self, who: &Who) -> bool {
        let before = self.marks.len();
        self.marks.retain(|mark| mark.who != *who);
        self.marks.len() < before
    }

    /// Says what somebody is shown.
    ///
    /// # Errors
    /// [`RuleError::TooMany`] beyond [`MAX_ENTRIES`].
    pub fn appear(&mut self, appearance: Appearance) -> Result<(), RuleError> {
        self.appearances.retain(|known| known.who != appearance.who);
        match appearance {
            // Everybody sees all of it unless something else is said.
            Appearance { who: Who::Any, show: Show::All } => Ok(()),
            appearance => push(&mut self.appearances, appearance),
        }
    }

    /// Says who may learn whom this principal watches.
    ///
    /// # Errors
    /// [`RuleError::TooMany`] beyond [`MAX_ENTRIES`].
    pub fn show_itself(&mut self, who: Who, seen: bool) -> Result<(), RuleError> {
        self.seen_by.retain(|(known, _)| *known != who);
        match (&who, seen) {
            (Who::Any, true) => Ok(()),
            _ => push(&mut self.seen_by, (who, seen)),
        }
    }

    /// Forwards the inbox, or ends that.
    pub fn set_forward(&mut self, forward: Option<Forward>) {
        self.forward = forward;
    }

    /// Lets somebody publish in this principal's name, or lets him no longer; whether that is new.
    ///
    /// # Errors
    /// [`RuleError::TooMany`] beyond [`MAX_ENTRIES`].
    pub fn set_delegate(&mut self, delegate: &Address, may: bool) -> Result<bool, RuleError> {
        match (self.delegates.contains(delegate), may) {
            (false, true) => push(&mut self.delegates, delegate.clone()).map(|()| true),
            (true, false) => {
                self.delegates.retain(|known| known != delegate);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn push<T>(entries: &mut Vec<T>, entry: T) -> Result<(), RuleError> {
    if entries.len() >= MAX_ENTRIES {
        return Err(RuleError::TooMany);
    }
    entries.push(entry);
    Ok(())
}
