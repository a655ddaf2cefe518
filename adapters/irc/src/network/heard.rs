//! Up to when a seat has had everything that was written to it, so that of what a bouncer plays back only what it missed
//! counts, and nothing twice.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;

use super::joined::Joined;
use super::seat::Seat;
use crate::sync::lock;
use crate::time::rfc3339;

/// Where that is noted of relays, by network.
const SPACE: &str = "irc.heard";

/// Times by the network's clock, as server-time writes them: the later one is the greater.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    /// When the present connection began.
    before: Option<String>,
    now: Option<String>,
    /// Somebody is noting it.
    is_noting: bool,
}

impl Heard {
    /// What was noted, where nothing is known by itself.
    fn recall(&self, noted: String) {
        lock(&self.0).now.get_or_insert(noted);
    }

    /// A connection begins. Whoever was never there before has missed nothing until then.
    fn begin(&self, at: String) {
        let times = &mut *lock(&self.0);
        times.before.clone_from(&times.now);
        times.now.get_or_insert(at);
    }

    /// Whether what was written then, and is told again on this connection, was missed. Without a time nobody can say so.
    pub(super) fn missed(&self, time: Option<&str>) -> bool {
        time.zip(lock(&self.0).before.as_deref()).is_some_and(|(time, before)| time > before)
    }

    /// What was written then has been had.
    fn had(&self, time: &str) {
        let times = &mut *lock(&self.0);
        if times.now.as_deref().is_none_or(|now| now < time) {
            times.now = Some(time.to_owned());
        }
    }

    /// What is to be noted now, unless somebody is at it.
    fn begin_noting(&self) -> Option<String> {
        let times = &mut *lock(&self.0);
        let is_noting = std::mem::replace(&mut times.is_noting, true);
        times.now.clone().filter(|_| !is_noting)
    }

    /// This was noted. Gives what is to be noted next, where there is more.
    fn noted(&self, noted: &str) -> Option<String> {
        let times = &mut *lock(&self.0);
        let more = times.now.clone().filter(|now| now != noted);
        times.is_noting = more.is_some();
        more
    }
}

impl Joined {
    /// Up to when the relay had heard everything before the gateway was started.
    pub(super) async fn recall_heard(&self, seat: &Seat) {
        let Some(live) = self.live().filter(|_| seat.is_relay()) else { return };
        let note = live.cx.memory.note(SPACE, self.name()).await.ok().flatten();
        if let Some(note) = note.and_then(|note| String::from_utf8(note.to_vec()).ok()) {
            seat.heard.recall(note);
        }
    }

    /// A seat is on the network.
    pub(super) fn begins_to_hear(self: &Arc<Self>, seat: &Arc<Seat>) {
        seat.heard.begin(rfc3339(SystemTime::now()));
        self.notes_heard(seat);
    }

    /// A seat has had what was written at that time.
    pub(super) fn has_heard(self: &Arc<Self>, seat: &Arc<Seat>, time: &str) {
        seat.heard.had(time);
        self.notes_heard(seat);
    }

    /// Puppets are there while they are used, and what they missed was missed while nobody used them.
    fn notes_heard(self: &Arc<Self>, seat: &Arc<Seat>) {
        if !seat.is_relay() {
            return;
        }
        let Some(mut time) = seat.heard.begin_noting() else { return };
        let (joined, seat) = (Arc::clone(self), Arc::clone(seat));
        self.tasks.spawn(async move {
            loop {
                let Some(live) = joined.live() else { return };
                let note = Bytes::from(time.clone().into_bytes());
                if let Err(error) = live.cx.memory.set_note(SPACE, joined.name(), note, None).await {
                    tracing::warn!(network = joined.name(), %error, "what was heard could not be noted");
                }
                let Some(more) = seat.heard.noted(&time) else { return };
                time = more;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [&str; 4] = [
        "2026-11-25T15:00:00.000Z",
        "2026-11-25T15:00:00.001Z",
        "2026-11-25T15:00:01.000Z",
        "2026-11-26T00:00:00.000Z",
    ];

    #[test]
    fn what_is_later_than_all_that_was_heard_was_missed() {
        let heard = Heard::default();
        heard.begin(TIMES[1].to_owned());
        assert!(!heard.missed(Some(TIMES[3])), "nobody was there before, to miss it");
        heard.had(TIMES[2]);
        heard.had(TIMES[0]);
        heard.begin(TIMES[3].to_owned());
        let missed: Vec<bool> = TIMES.iter().map(|time| heard.missed(Some(time))).collect();
        assert_eq!(missed, [false, false, false, true]);
        assert!(!heard.missed(None));
        // What comes live meanwhile does not make what is played back old.
        heard.had(TIMES[3]);
        assert!(heard.missed(Some(TIMES[3])));
    }

    #[test]
    fn what_is_noted_outlasts_a_restart() {
        let heard = Heard::default();
        heard.begin(TIMES[0].to_owned());
        assert_eq!(heard.begin_noting().as_deref(), Some(TIMES[0]));
        heard.had(TIMES[1]);
        assert_eq!(heard.begin_noting(), None, "one at a time");
        assert_eq!(heard.noted(TIMES[0]).as_deref(), Some(TIMES[1]));
        assert_eq!(heard.noted(TIMES[1]), None);
        let restarted = Heard::default();
        restarted.recall(TIMES[1].to_owned());
        restarted.begin(TIMES[3].to_owned());
        assert!(restarted.missed(Some(TIMES[2])) && !restarted.missed(Some(TIMES[1])));
    }
}
