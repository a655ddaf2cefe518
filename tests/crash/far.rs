//! Who receives: an application or another gateway, with what it keeps in mind while its sessions come and go.

use std::collections::HashMap;

use crate::support::gateway::free_port;
use crate::support::native::{Client, Frame, Open, Server};

/// Who receives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A user's program.
    Application,
    /// A peer gateway that connects to us.
    Caller,
    /// A server that we connect to.
    Server,
}

/// The receiver of a test.
pub(super) struct Far {
    kind: Kind,
    pub(super) remembers: bool,
    server: Option<(u16, Server)>,
    session: Option<Client>,
    /// How often each text came; one that was recognised as come before does not count.
    delivered: HashMap<String, usize>,
    /// What was answered, by all that makes a retransmission one.
    memory: HashMap<(String, String, Vec<u8>), usize>,
    pub(super) recognised: usize,
}

impl Far {
    pub(super) fn new(kind: Kind, remembers: bool) -> Self {
        let server = (kind == Kind::Server).then(|| {
            let port = free_port();
            (port, Server::bind(port, "b.example"))
        });
        Self {
            kind,
            remembers,
            server,
            session: None,
            delivered: HashMap::new(),
            memory: HashMap::new(),
            recognised: 0,
        }
    }

    /// What the gateway must be told of it.
    pub(super) fn config(&self) -> String {
        match &self.server {
            Some((port, _)) => {
                format!("[[route]]\ndomain = \"b.example\"\nto = [\"127.0.0.1:{port}\"]\ntls = \"plain\"\n")
            }
            None => String::new(),
        }
    }

    pub(super) const fn uri() -> &'static str {
        "im:barney@b.example"
    }

    /// Opens a session, where that is its part.
    pub(super) fn connect(&mut self, port: u16) {
        let open = match self.kind {
            Kind::Application => Open { serves: Self::uri(), ..Open::default() },
            Kind::Caller => Open {
                domain: "gw.b.example",
                serves: "b.example",
                secret: "between gateways",
                ..Open::default()
            },
            Kind::Server => return,
        };
        self.session = Some(Client::open(port, Open { remembers: self.remembers, ..open }));
    }

    /// Its session, which the gateway may have to open first.
    pub(super) fn session(&mut self) -> &mut Client {
        let (server, remembers) = (&self.server, self.remembers);
        self.session.get_or_insert_with(|| {
            let (_, server) = server.as_ref().expect("connected");
            server.accept(remembers)
        })
    }

    /// Takes the next message, which must come.
    pub(super) fn take(&mut self) -> Frame {
        let frame = self.session().expect_message();
        self.note(&frame);
        frame
    }

    /// Takes the next message, and answers it as it did before, where it has been.
    pub(super) fn take_and_answer(&mut self) -> Frame {
        let frame = self.take();
        self.session().respond(&frame, "success", "yes");
        frame
    }

    /// Takes all that came until the connection ended.
    pub(super) fn take_rest(&mut self) -> Vec<Frame> {
        let frames = self.session.take().map(Client::rest).unwrap_or_default();
        frames.iter().for_each(|frame| self.note(frame));
        frames
    }

    fn note(&mut self, frame: &Frame) {
        let key = (frame.trans_id(), frame.xml.clone(), frame.content.clone());
        let times = self.memory.entry(key).or_default();
        *times += 1;
        match self.remembers && *times > 1 {
            true => self.recognised += 1,
            false => *self.delivered.entry(frame.body().to_owned()).or_default() += 1,
        }
    }

    /// How often a text came, as far as it can tell.
    pub(super) fn delivered(&self, text: &str) -> usize {
        self.delivered.get(text).copied().unwrap_or_default()
    }
}
