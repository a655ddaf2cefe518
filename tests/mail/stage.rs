//! A gateway that takes mail, somebody at home behind it, and a server that takes what it sends.

use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::native::{Client, Frame, Open};
use crate::support::smtp::{Mailbox, Smtp};

/// Somebody at home here, and his mailbox.
pub(crate) const FRED: &str = "im:fred@a.example";
pub(crate) const FRED_MAILBOX: &str = "im=fred~40a.example@gw.example";

/// Somebody who has mail.
pub(crate) const BOB: &str = "bob@mail.example";

/// A mail of his.
pub(crate) const HELLO: &str =
    "From: Bob <bob@mail.example>\nSubject: Hi\nMessage-ID: <1@mail.example>\n\nHello\n";

/// All of it.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) gateway: Gateway,
    pub(crate) outgoing: Mailbox,
    /// Where mail is taken.
    pub(crate) port: u16,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with("", "")
    }

    /// With these lines more in the listener, and in the rest of the configuration.
    pub(crate) fn with(listener: &str, more: &str) -> Self {
        let (site, outgoing, port) = Self::site(listener, more);
        let gateway = site.start();
        gateway.wait_ready();
        Self { site, gateway, outgoing, port }
    }

    /// The same, before anything is started.
    pub(crate) fn site(listener: &str, more: &str) -> (Site, Mailbox, u16) {
        Self::site_by(Mailbox::start(), listener, more)
    }

    /// The same, with this server to take what it sends.
    pub(crate) fn site_by(outgoing: Mailbox, listener: &str, more: &str) -> (Site, Mailbox, u16) {
        let port = free_port();
        let site = Site::new(&format!(
            "[[hosted]]\ndomain = \"a.example\"\n\
             [[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\n{listener}\n\
             [smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n{more}",
            outgoing.port
        ));
        (site, outgoing, port)
    }

    /// Fred, at home.
    pub(crate) fn fred(&self) -> Client {
        self.native(FRED)
    }

    /// Somebody who is served by a session of his own.
    pub(crate) fn native(&self, uri: &str) -> Client {
        Client::open(self.site.port, Open { serves: uri, ..Open::default() })
    }

    /// Somebody who sends mail.
    pub(crate) fn client(&self) -> Smtp {
        Smtp::hello(self.port)
    }
}

/// A mail with this message id.
pub(crate) fn hello(id: usize) -> String {
    HELLO.replace("<1@", &format!("<{id}@"))
}

/// Waits until the trace of an operation tells how well its source is known: verified, claimed or anonymous.
pub(crate) fn stands(gateway: &Gateway, got: &Frame, standing: &str) {
    let id = got.parameter("id").unwrap();
    gateway.wait_answer(&format!("/v1/operations/{id}"), |status, answer| {
        status == 200 && answer.contains(&format!("({standing})"))
    });
}
