//! Rules as an administrator sees them.

use cpim_adapter::Address;
use serde::{Deserialize, Serialize};

use super::{Ask, Mark, RuleBook, Sheet, Show, Topic};
use crate::clock::UnixMs;

/// One thing that a principal has said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RuleView {
    /// Who said it.
    pub owner: String,
    /// What, by the name of its command: `allow`, `block`, `polite`, `appear`, `visible`, `hide`, `forward`,
    /// `delegate`; or `unreadable`.
    pub says: String,
    /// About whom, where it is about somebody.
    pub about: String,
    /// The rest of it, as it is typed: what it is about, how well the other must be known, until when.
    pub detail: String,
}

impl RuleBook {
    /// All that a principal has said; of everybody, at most `limit` entries, by the addresses of their owners.
    #[must_use]
    pub fn views(&self, owner: Option<&Address>, limit: usize) -> Vec<RuleView> {
        let owners = match owner {
            Some(owner) => vec![self.principal(owner)],
            None => self.owners(None, limit),
        };
        let mut views = Vec::new();
        for owner in owners {
            let sheet = self.rules_of(&owner);
            views.extend(sheet.iter().flat_map(|sheet| entries(&owner, sheet)));
            if views.len() >= limit {
                break;
            }
        }
        views.truncate(limit);
        views
    }
}

fn entries(owner: &Address, sheet: &Sheet) -> Vec<RuleView> {
    let view = |says: &str, about: String, detail: String| RuleView {
        owner: owner.to_string(),
        says: says.to_owned(),
        about,
        detail,
    };
    if sheet.is_sealed() {
        return vec![view("unreadable", String::new(), "nobody may anything".to_owned())];
    }
    let marks = sheet.marks().iter().filter_map(|mark| {
        let standing = mark.standing.map(|standing| format!(" if {standing}")).unwrap_or_default();
        let topic = topic(mark, sheet.marks())?;
        Some(view(mark.decision.as_str(), mark.who.to_string(), format!("{topic}{standing}")))
    });
    let shows = sheet.appearances().iter().map(|appearance| {
        let detail = match &appearance.show {
            Show::All => "all".to_owned(),
            Show::Basic(basic, note) => format!("{basic} {}", note.as_deref().unwrap_or_default()),
            Show::Only(only) => format!("only {}", only.join(" ")),
        };
        view("appear", appearance.who.to_string(), detail.trim_end().to_owned())
    });
    let seen = sheet
        .seen_by()
        .iter()
        .map(|(who, seen)| view(if *seen { "visible" } else { "hide" }, who.to_string(), String::new()));
    let forward = sheet.forward(UnixMs::now()).map(|forward| {
        let until = forward.until.map(|until| format!("until {until}")).unwrap_or_default();
        view("forward", forward.to.to_string(), until)
    });
    let delegates =
        sheet.delegates().iter().map(|delegate| view("delegate", delegate.to_string(), String::new()));
    marks.chain(shows).chain(seen).chain(forward).chain(delegates).collect()
}

/// What a mark is about, by the word that is typed for it. To watch and to look are one word, and so the second of such
/// two has none.
fn topic(mark: &Mark, marks: &[Mark]) -> Option<&'static str> {
    let has = |ask| marks.contains(&Mark { topic: Topic::One(ask), ..mark.clone() });
    Some(match mark.topic {
        Topic::Everything => "everything",
        Topic::One(Ask::Write) => "messages",
        Topic::One(Ask::Winfo) => "watchers",
        Topic::One(Ask::Subscribe) if has(Ask::Fetch) => "presence",
        Topic::One(Ask::Fetch) if has(Ask::Subscribe) => return None,
        Topic::One(Ask::Subscribe) => "subscribe",
        Topic::One(Ask::Fetch) => "fetch",
        Topic::One(Ask::Publish) => "publish",
    })
}
