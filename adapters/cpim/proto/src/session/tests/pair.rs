//! Two sessions joined by a link with a latency, in virtual time.

use std::collections::VecDeque;

use super::*;

pub(super) const LATENCY: Duration = Duration::from_millis(50);

/// One end of the link: a session, what it was told, and what is on its way to it.
pub(super) struct End {
    pub(super) session: Session<u32>,
    pub(super) events: Vec<Event>,
    pub(super) handed_over: Vec<u32>,
    arriving: VecDeque<(Instant, Bytes)>,
    /// Whether it reads at all: a peer that does not leaves the link full.
    pub(super) reads: bool,
}

impl End {
    fn new(session: Session<u32>) -> Self {
        Self { session, events: Vec::new(), handed_over: Vec::new(), arriving: VecDeque::new(), reads: true }
    }

    /// What it was told since it was asked last.
    pub(super) fn told(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) client: End,
    pub(super) server: End,
    /// Octets that one read yields at most.
    pub(super) chunk: usize,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with(Config::default(), Config::default())
    }

    pub(super) fn with(client: Config, server: Config) -> Self {
        let now = Instant::now();
        let open = Open::default();
        Self {
            now,
            client: End::new(Session::connect(Arc::new(client), Arc::new(PlainUris), &open, now).unwrap()),
            server: End::new(Session::listen(Arc::new(server), Arc::new(PlainUris), now)),
            chunk: usize::MAX,
        }
    }

    /// A pair whose session is open on both ends.
    pub(super) fn open() -> Self {
        let mut pair = Self::new();
        pair.run(LATENCY);
        assert!(matches!(pair.server.told()[..], [Event::Opened(_)]));
        pair.server.session.accept(pair.now, &Open::default()).unwrap();
        pair.run(LATENCY);
        assert!(matches!(pair.client.told()[..], [Event::Opened(_)]));
        pair
    }

    /// Lets so much time pass, and everything happen that does within it.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let next = [&self.client, &self.server]
                .into_iter()
                .flat_map(|end| {
                    let arrival = end.arriving.front().filter(|_| end.reads).map(|(at, _)| *at);
                    [arrival, end.session.poll_timeout()]
                })
                .flatten()
                .min();
            match next {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
            let now = self.now;
            for end in [&mut self.client, &mut self.server] {
                while end.reads && end.arriving.front().is_some_and(|(at, _)| *at <= now) {
                    let (_, octets) = end.arriving.pop_front().unwrap();
                    for piece in octets.chunks(self.chunk.min(octets.len())) {
                        end.session.handle_input(now, &mut BytesMut::from(piece));
                    }
                }
                end.session.handle_timeout(now);
            }
        }
        self.now = end;
    }

    /// Moves what the sessions have to say onto the link.
    fn settle(&mut self) {
        move_to(self.now, &mut self.client, &mut self.server);
        move_to(self.now, &mut self.server, &mut self.client);
    }
}

fn move_to(now: Instant, from: &mut End, to: &mut End) {
    while to.reads
        && let Some(chunk) = from.session.poll_transmit()
    {
        from.session.transmitted(now, chunk.len());
        to.arriving.push_back((now + LATENCY, chunk));
    }
    from.events.extend(std::iter::from_fn(|| from.session.poll_event()));
    from.handed_over.extend(std::iter::from_fn(|| from.session.poll_handed_over()));
}
