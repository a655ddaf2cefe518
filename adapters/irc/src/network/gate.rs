//! The gate through which connections are made: so many at once, those that somebody waits for first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::sync::lock;

/// A gate with room for so many at once.
pub(super) struct Gate(Mutex<Waiting>);

struct Waiting {
    free: usize,
    /// Who somebody waits for, in the order in which they came.
    hurried: VecDeque<oneshot::Sender<Pass>>,
    others: VecDeque<oneshot::Sender<Pass>>,
}

/// Leave to make a connection. Given back with this value.
pub(super) struct Pass(Option<Arc<Gate>>);

impl Gate {
    pub(super) fn new(room: usize) -> Arc<Self> {
        let waiting = Waiting { free: room.max(1), hurried: VecDeque::new(), others: VecDeque::new() };
        Arc::new(Self(Mutex::new(waiting)))
    }

    /// Leave to make a connection, as soon as there is room. Cancel safe.
    pub(super) async fn pass(self: &Arc<Self>, hurried: bool) -> Pass {
        let comes = {
            let mut waiting = lock(&self.0);
            if waiting.free > 0 {
                waiting.free -= 1;
                return Pass(Some(Arc::clone(self)));
            }
            let (sender, comes) = oneshot::channel();
            match hurried {
                true => waiting.hurried.push_back(sender),
                false => waiting.others.push_back(sender),
            }
            comes
        };
        // The gate outlives whoever waits at it.
        comes.await.unwrap_or(Pass(None))
    }

    fn give_back(self: Arc<Self>) {
        let mut pass = Pass(Some(Arc::clone(&self)));
        loop {
            let next = {
                let mut waiting = lock(&self.0);
                let next = waiting.hurried.pop_front().or_else(|| waiting.others.pop_front());
                if next.is_none() {
                    waiting.free += 1;
                    pass.0 = None;
                    return;
                }
                next
            };
            match next.map(|next| next.send(pass)) {
                // Whoever waited waits no more.
                Some(Err(back)) => pass = back,
                Some(Ok(())) | None => return,
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_waited_for_goes_first() {
        let gate = Gate::new(1);
        let first = gate.pass(false).await;
        let (sender, mut went) = tokio::sync::mpsc::channel(4);
        for (name, hurried) in [("idle", false), ("waited for", true)] {
            let (gate, sender) = (Arc::clone(&gate), sender.clone());
            tokio::spawn(async move {
                let _pass = gate.pass(hurried).await;
                sender.send(name).await.unwrap();
            });
            tokio::task::yield_now().await;
        }
        let mut given_up = Box::pin(gate.pass(true));
        assert!(waits(given_up.as_mut()).await);
        drop(given_up);
        drop(first);
        assert_eq!(went.recv().await, Some("waited for"));
        assert_eq!(went.recv().await, Some("idle"));
    }

    /// Whether a future waits, having been asked once.
    async fn waits<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }
}
