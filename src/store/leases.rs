//! Subscriptions, as the store keeps them.

use super::write::Label;

/// A subscription, or the memory of one that ended: one for each pair of watcher and presentity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseRow {
    /// Canonical.
    pub watcher: String,
    /// Canonical.
    pub presentity: String,
    /// How the watcher spelled himself and the presentity, where one of them differs from its canonical form.
    pub spelled: Option<(String, String)>,
    /// Where the presentity is; the router's word.
    pub kind: Label,
    /// How well the watcher is known; the router's word.
    pub standing: Label,
    /// When it began, in Unix milliseconds.
    pub since: i64,
    /// When it ends or ended, in Unix milliseconds.
    pub until: i64,
    /// The subscriptID (RFC 3859 section 3.1).
    pub id: Option<String>,
    /// The other server's lease behind it: the subscriptID there, and until when it was granted.
    pub far: Option<(Option<String>, i64)>,
    /// How it ended, once it has; the router's word.
    pub ended: Option<Label>,
    /// A digest of what the watcher was told last, as far as that is known. Read only; see
    /// [`Write::Told`](super::Write::Told).
    pub told: Option<i64>,
    /// What began it or ended it, by which the router recognises a retransmission. When written, absent: as it was.
    pub asked: Option<String>,
    /// When it is forgotten, in Unix milliseconds.
    pub forget_at: i64,
}

impl LeaseRow {
    /// About how much room it takes, in octets.
    pub(super) fn octets(&self) -> usize {
        let spelled = self.spelled.as_ref().map_or(0, |(watcher, target)| watcher.len() + target.len());
        // The pair stands in the row and in its index.
        2 * (self.watcher.len() + self.presentity.len())
            + spelled
            + self.asked.as_ref().map_or(0, String::len)
    }
}
