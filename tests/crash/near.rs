//! Who sends: a session that is cut off with the gateway, opened again, and repeats itself.

use std::collections::HashMap;

use crate::support::native::{Answer, Client, Frame, Open};

/// Who sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A user's program.
    Application,
    /// Another gateway, whose word on the operation's name and way is believed.
    Peer,
}

/// The sender of a test, with all that it was ever answered.
pub(super) struct Near {
    kind: Kind,
    session: Option<Client>,
    answers: HashMap<String, Answer>,
}

impl Near {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, session: None, answers: HashMap::new() }
    }

    const fn uri(&self) -> &'static str {
        match self.kind {
            Kind::Application => "im:fred@a.example",
            Kind::Peer => "im:wilma@c.example",
        }
    }

    /// The operation's name end to end, where the sender gives one.
    pub(super) const fn id(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Application => None,
            Kind::Peer => Some("wilma-1"),
        }
    }

    /// Opens a session, instead of the one before.
    pub(super) fn connect(&mut self, port: u16) {
        let open = match self.kind {
            Kind::Application => Open { serves: self.uri(), ..Open::default() },
            Kind::Peer => Open {
                domain: "gw.c.example",
                serves: "c.example",
                secret: "between gateways",
                ..Open::default()
            },
        };
        self.session = Some(Client::open(port, open));
    }

    fn session(&mut self) -> &mut Client {
        self.session.as_mut().expect("connected")
    }

    /// Sends a text, or sends it again.
    pub(super) fn send(&mut self, trans_id: &str, to: &str, text: &str) {
        let parameters = match (self.kind, text) {
            (Kind::Peer, "first") => " hops=9 id=wilma-1 via=gw.d.example",
            _ => "",
        };
        let from = self.uri();
        self.session().try_message(parameters, trans_id, from, to, text).expect("the gateway is there");
    }

    /// The answer to this transID, which must come. Answers that it has had may come again, but never others.
    pub(super) fn answer(&mut self, trans_id: &str) -> Answer {
        loop {
            let answer = self.session().expect_answer();
            let first = self.answers.entry(answer.trans_id.clone()).or_insert_with(|| answer.clone());
            assert_eq!(*first, answer, "answered twice, and differently");
            if answer.trans_id == trans_id {
                return answer;
            }
        }
    }

    /// What came until the connection ended.
    pub(super) fn take_rest(&mut self) -> Vec<Frame> {
        self.session.take().map(Client::rest).unwrap_or_default()
    }
}
