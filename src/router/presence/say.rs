//! Whose say it is: the rules, as presence asks for them.

use cpim_adapter::{Address, Standing};

use super::super::Router;
use crate::presence::{State, Telling, What, watcher_information};

/// What is asked of a presentity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ask {
    Fetch,
    Publish,
    Subscribe,
    Winfo,
}

/// What the presentity says to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    Allow,
    Deny,
    #[expect(dead_code, reason = "until principals can set rules")]
    Polite,
}

impl Router {
    /// What a principal says to what somebody, known this well, asks of it. What is one's own one may.
    pub(super) fn says(&self, ask: Ask, owner: &Address, other: &Address, standing: Standing) -> Decision {
        let own = owner.local() == other.local() && owner.domain() == other.domain();
        match ask {
            Ask::Fetch | Ask::Subscribe => Decision::Allow,
            Ask::Publish | Ask::Winfo if own && standing > Standing::Anonymous => Decision::Allow,
            Ask::Publish | Ask::Winfo => Decision::Deny,
        }
    }

    /// What a watcher is told, by the rules of whoever it is about.
    pub(super) fn seen(&self, telling: &Telling) -> State {
        match &telling.what {
            What::Closed => State::closed(&telling.presentity),
            What::Passed(state, _) | What::State(state) => State::clone(state),
            What::Watchers(presentity, facts) => watcher_information(presentity, facts.clone()),
        }
    }
}
