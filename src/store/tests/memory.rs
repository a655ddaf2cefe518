//! The bounds of the store in memory.

use super::{Bench, NOW, REMEMBERS_S, acceptance, settlement};
use crate::store::memory::COMPLETIONS;
use crate::store::{Acceptance, Done, MemoryOptions, NotWritten, Verdict, Write};

fn accept(number: i64) -> Write {
    Write::Accept(Box::new(acceptance(number)))
}

#[tokio::test]
async fn the_oldest_settled_operations_give_way_and_open_ones_do_not() {
    let options = MemoryOptions { operations: 4, octets: 1 << 20, remembers_s: REMEMBERS_S };
    let mut bench = Bench::memory_with(options);
    for number in 1..=4 {
        assert_eq!(bench.accept(acceptance(number)).await, Verdict::New);
    }
    assert_eq!(bench.journal.write(accept(5)), Err(NotWritten::Full), "all are open");
    bench.settle(2, NOW).await;
    bench.settle(3, NOW).await;
    bench.write(Write::HandedOver { number: 3 });
    assert_eq!(bench.accept(acceptance(5)).await, Verdict::New);
    assert!(bench.story(3).await.is_none() && bench.story(2).await.is_some());
    assert_eq!(bench.accept(acceptance(6)).await, Verdict::New);
    assert!(bench.story(2).await.is_none(), "an answer that still waits goes last");
    assert_eq!(bench.journal.write(accept(7)), Err(NotWritten::Full));
    assert_eq!(bench.numbers_unsettled().await, [1, 4, 5, 6]);
}

#[tokio::test]
async fn open_operations_are_bounded_in_octets() {
    let options = MemoryOptions { operations: 100, octets: 10_000, remembers_s: REMEMBERS_S };
    let mut bench = Bench::memory_with(options);
    let large = |number| Acceptance { content: vec![b'x'; 6_000].into(), ..acceptance(number) };
    assert_eq!(bench.accept(large(1)).await, Verdict::New);
    assert_eq!(bench.journal.write(Write::Accept(Box::new(large(2)))), Err(NotWritten::Full));
    bench.settle(1, NOW).await;
    assert_eq!(bench.accept(large(2)).await, Verdict::New);
}

#[tokio::test]
async fn completions_that_nobody_takes_are_bounded() {
    let mut bench = Bench::memory_with(MemoryOptions::default());
    let taken = (1..).take_while(|number| bench.journal.write(accept(*number)).is_ok()).count() as i64;
    assert_eq!(taken, COMPLETIONS as i64);
    // What concerns accepted operations still finds room, and its completion too.
    for number in 1..=taken {
        bench.journal.write(settlement(number, NOW)).unwrap();
    }
    for number in 1..=taken {
        assert_eq!(bench.done().await, Done::Accepted { number, verdict: Verdict::New });
    }
    for number in 1..=taken {
        assert_eq!(bench.done().await, Done::Settled { number, first: true });
    }
}
