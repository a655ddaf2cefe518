//! What the queue before the writer refuses, and what it never does.

use crate::store::queue::{Next, Queue, ROOM_OCTETS, ROOM_WRITES};
use crate::store::tests::{NOW, acceptance, settlement};
use crate::store::{Acceptance, NotWritten, Write};

fn accept(number: i64) -> Write {
    Write::Accept(Box::new(acceptance(number)))
}

/// How many writes come out, group by group.
fn groups(queue: &Queue) -> Vec<usize> {
    queue.close();
    let mut sizes = Vec::new();
    while let Next::Group(group) = queue.next(None) {
        sizes.push(group.len());
    }
    sizes
}

#[test]
fn what_opens_something_new_is_refused_when_too_many_wait() {
    let queue = Queue::default();
    for number in 0..ROOM_WRITES as i64 {
        queue.push(accept(number)).unwrap();
    }
    assert_eq!(queue.push(accept(-1)), Err(NotWritten::Full));
    // What concerns an operation that was accepted always finds room.
    for number in 0..ROOM_WRITES as i64 {
        queue.push(settlement(number, NOW)).unwrap();
    }
    assert_eq!(queue.push(accept(-1)), Err(NotWritten::Full));
    let Next::Group(group) = queue.next(None) else { panic!("a group is waiting") };
    for number in 0..group.len() as i64 {
        queue.push(accept(number)).unwrap();
    }
    assert_eq!(queue.push(accept(-1)), Err(NotWritten::Full), "as much room as was made");
    let sizes = groups(&queue);
    assert_eq!(sizes.iter().sum::<usize>(), 2 * ROOM_WRITES);
    assert!(sizes.iter().all(|size| *size <= 512), "{sizes:?}");
}

#[test]
fn what_opens_something_new_is_refused_when_too_much_waits() {
    let queue = Queue::default();
    let large = || Acceptance { content: vec![0; ROOM_OCTETS / 16].into(), ..acceptance(1) };
    for _ in 0..16 {
        queue.push(Write::Accept(Box::new(large()))).unwrap();
    }
    assert_eq!(queue.push(accept(2)), Err(NotWritten::Full));
    queue.push(settlement(1, NOW)).unwrap();
    let sizes = groups(&queue);
    assert!(sizes.iter().all(|size| *size <= 2), "a group ends at 8 MiB: {sizes:?}");
}

#[test]
fn an_outcome_that_nobody_awaits_is_in_no_haste() {
    let Write::Settle { number, outcome, at, steps, .. } = settlement(1, NOW) else { panic!("an outcome") };
    assert!(Write::Settle { number, outcome, at, steps, awaited: false }.is_lazy());
    assert!(!settlement(1, NOW).is_lazy());
}

#[test]
fn a_closed_queue_gives_what_it_has_and_takes_no_more() {
    let queue = Queue::default();
    queue.push(Write::HandedOver { number: 1 }).unwrap();
    queue.push(accept(2)).unwrap();
    queue.close();
    assert_eq!(queue.push(accept(3)), Err(NotWritten::Closed));
    assert_eq!(queue.push(settlement(2, NOW)), Err(NotWritten::Closed));
    assert_eq!(groups(&queue), [2]);
}
