//! What is known of the messages of a run.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::Notify;

/// Shared by the senders and receivers of a chain.
#[derive(Default)]
pub(crate) struct Board {
    /// Of each message under way: its sender, and when it was due.
    due: RefCell<HashMap<u64, (usize, Instant)>>,
    next: Cell<u64>,
    under_way: RefCell<Vec<usize>>,
    room: RefCell<Vec<std::rc::Rc<Notify>>>,
    latencies: RefCell<Vec<f64>>,
    answered: Cell<usize>,
    wanted: Cell<(usize, usize)>,
    refused: RefCell<Option<String>>,
    /// A number that many read, and how many have not yet.
    told: Cell<(u64, usize)>,
    /// Woken once all has arrived, or something is wrong.
    pub(super) all: Notify,
}

impl Board {
    /// Nothing is under way; so much is going to be, and so much of it to be answered.
    pub(super) fn begin(&self, senders: usize, messages: usize, answers: usize) {
        self.due.borrow_mut().clear();
        self.latencies.borrow_mut().clear();
        *self.under_way.borrow_mut() = vec![0; senders];
        *self.room.borrow_mut() = (0..senders).map(|_| std::rc::Rc::default()).collect();
        self.answered.set(0);
        self.wanted.set((messages, answers));
    }

    /// A message of this sender is due; its number.
    pub(super) fn due(&self, sender: usize, when: Instant) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        self.due.borrow_mut().insert(number, (sender, when));
        if let Some(count) = self.under_way.borrow_mut().get_mut(sender) {
            *count += 1;
        }
        number
    }

    /// It has arrived.
    pub(super) fn arrived(&self, number: u64) {
        let (common, left) = self.told.get();
        if number == common && left > 0 {
            self.told.set((common, left - 1));
            if left == 1 {
                self.all.notify_one();
            }
            return;
        }
        let Some((sender, when)) = self.due.borrow_mut().remove(&number) else { return };
        self.latencies.borrow_mut().push(when.elapsed().as_secs_f64());
        if let Some(count) = self.under_way.borrow_mut().get_mut(sender) {
            *count -= 1;
        }
        if let Some(room) = self.room.borrow().get(sender) {
            room.notify_one();
        }
        self.look();
    }

    /// A sender has learnt that one of its messages has arrived.
    pub(super) fn answered(&self) {
        self.answered.set(self.answered.get() + 1);
        self.look();
    }

    /// A number that so many are going to read.
    pub(crate) fn tell(&self, readers: usize) -> u64 {
        let number = self.next.get() + 1;
        self.next.set(number + 1);
        self.told.set((number, readers));
        number
    }

    /// Waits until all of them have.
    pub(crate) async fn told(&self) {
        while self.told.get().1 > 0 {
            self.all.notified().await;
        }
    }

    /// Something is wrong.
    pub(super) fn refuse(&self, words: String) {
        self.refused.borrow_mut().get_or_insert(words);
        self.all.notify_one();
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.refused.borrow().clone()
    }

    pub(super) fn under_way(&self, sender: usize) -> usize {
        self.under_way.borrow().get(sender).copied().unwrap_or(0)
    }

    /// Waits until something of this sender has arrived.
    pub(super) async fn room(&self, sender: usize) {
        let room = self.room.borrow().get(sender).cloned();
        if let Some(room) = room {
            room.notified().await;
        }
    }

    pub(super) fn is_done(&self) -> bool {
        let (messages, answers) = self.wanted.get();
        self.latencies.borrow().len() >= messages && self.answered.get() >= answers
    }

    pub(super) fn progress(&self) -> (usize, usize) {
        (self.latencies.borrow().len(), self.answered.get())
    }

    pub(super) fn missing(&self) -> String {
        let ((messages, answers), (arrived, answered)) = (self.wanted.get(), self.progress());
        format!("{} of {messages} messages, {} of {answers} answers", messages - arrived, answers - answered)
    }

    pub(super) fn latencies(&self) -> Vec<f64> {
        self.latencies.borrow().clone()
    }

    fn look(&self) {
        if self.is_done() {
            self.all.notify_one();
        }
    }
}
