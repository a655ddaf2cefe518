//! The same octets give the same events and the same answers, however they are cut.

use proptest::prelude::*;

use super::*;

/// Everything that a listener tells and says to these pieces; it accepts whatever opens.
fn run(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> (Vec<String>, String) {
    let mut listener = Listener::new(Config::default());
    let mut told = Vec::new();
    for piece in pieces {
        listener.session.handle_input(listener.now, &mut BytesMut::from(piece.as_ref()));
        loop {
            let events = listener.events();
            if events.is_empty() {
                break;
            }
            for event in events {
                if let Event::Opened(_) = event {
                    listener.session.accept(listener.now, &Open::default()).unwrap();
                }
                told.push(format!("{event:?}"));
            }
        }
    }
    (told, listener.say())
}

fn transcript() -> String {
    [
        frame("<open version='1' serves='im:fred@a.example' secret='s'/>", ""),
        frame(
            "<message source='im:fred@a.example' destination='im:b@b.example' transID='1'/>",
            "Content-Type: text/plain\r\n\r\nCPIM/1 4 0\r\n<a/>",
        ),
        frame("<?xml version='1.0'?>\n<ping transID='é'/>", ""),
        frame("<message transID='2'/>", "x"),
        frame(
            "<notify watcher='pres:a@a.example' target='pres:b@b.example' transID='3'><presence><tuple \
             destination='x' status='open'>a\r\n&amp;<b xmlns='c'/></tuple></presence></notify>",
            "document",
        ),
        frame("<response status='failure' transID='9'>busy: not \u{1F600} now</response>", ""),
        frame("<close/>", ""),
    ]
    .concat()
}

#[test]
fn every_single_cut() {
    let transcript = transcript();
    let whole = run([&transcript]);
    assert_eq!((whole.0.len(), whole.1.matches("<response").count()), (5, 2));
    for cut in 0..=transcript.len() {
        let (one, other) = transcript.as_bytes().split_at(cut);
        assert_eq!(run([one, other]), whole, "cut at {cut}");
    }
    assert_eq!(run(transcript.as_bytes().chunks(1)), whole);
}

#[test]
fn every_single_cut_of_every_single_fault() {
    let transcript = transcript();
    for at in 0..transcript.len() {
        let mut octets = transcript.clone().into_bytes();
        octets[at] ^= 0x10;
        let whole = run([&octets]);
        for size in [1, 2, 7, 64] {
            assert_eq!(run(octets.chunks(size)), whole, "fault at {at}, pieces of {size}");
        }
    }
}

proptest! {
    #[test]
    fn any_cuts_of_any_octets(
        octets in prop::collection::vec(any::<u8>(), 0..60),
        at in 0_usize..1_000,
        cuts in prop::collection::vec(1_usize..40, 1..30),
    ) {
        let mut transcript = transcript().into_bytes();
        let at = at.min(transcript.len());
        transcript.splice(at..at, octets);
        let whole = run([&transcript]);
        let mut pieces = Vec::new();
        let (mut rest, mut cuts) = (&transcript[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(run(pieces), whole);
    }
}
