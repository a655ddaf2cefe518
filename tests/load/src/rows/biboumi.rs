//! biboumi between Prosody and ngIRCd: ten users on each side, who write to each other.

use std::io;
use std::rc::Rc;

use crate::chain::{Board, Form, Sender, listen, text};
use crate::peers::biboumi::Biboumi;
use crate::peers::ngircd::Ngircd;
use crate::peers::prosody::Prosody;
use crate::peers::{irc, xmpp};
use crate::rows::through::Through;
use crate::setting::Setting;

/// Pairs, and messages that each keeps under way.
const PAIRS: usize = 10;
const WINDOW: usize = 100;

/// The chain, ready.
pub(crate) struct Chain {
    _ngircd: Ngircd,
    _prosody: Prosody,
    biboumi: Biboumi,
    board: Rc<Board>,
    xmpp: Vec<Rc<Sender>>,
    irc: Vec<Rc<Sender>>,
    /// From XMPP to IRC.
    pub(crate) to_irc: Through,
    /// From IRC to XMPP.
    pub(crate) from_irc: Through,
}

impl Chain {
    /// Starts the three, and lets everybody in.
    ///
    /// # Errors
    /// Where one is not there.
    pub(crate) async fn start(setting: &Setting) -> io::Result<Self> {
        let ngircd = Ngircd::start(setting).await?;
        let prosody = Prosody::start(setting, PAIRS).await?;
        let biboumi = Biboumi::start(setting, PAIRS, (prosody.component_port, ngircd.port)).await?;
        let board = Rc::new(Board::default());
        let (mut on_xmpp, mut on_irc) = (Vec::new(), Vec::new());
        for index in 0..PAIRS {
            let client = irc::join(ngircd.port, &format!("bob{index}")).await?;
            let (sender, receiver) = text(client, Form::Irc, vec![format!("xu{index}")]);
            on_irc.push(sender);
            listen(&board, receiver);
            let mut client = xmpp::login(prosody.port, &format!("u{index}")).await?;
            // A room of one's own has biboumi open a connection to IRC.
            let join = format!(
                "<presence to='#c{index}%irc.test@biboumi.localhost/xu{index}'>\
                 <x xmlns='http://jabber.org/protocol/muc'/></presence>"
            );
            xmpp::ask(&mut client, &join, "<subject").await?;
            let to = format!("bob{index}%irc.test@biboumi.localhost");
            let (sender, receiver) = text(client, Form::Xmpp, vec![to]);
            on_xmpp.push(sender);
            listen(&board, receiver);
        }
        Ok(Self {
            _ngircd: ngircd,
            _prosody: prosody,
            biboumi,
            board,
            xmpp: on_xmpp,
            irc: on_irc,
            to_irc: Through::default(),
            from_irc: Through::default(),
        })
    }

    /// Measures once more, in both directions.
    ///
    /// # Errors
    /// Where something is lost.
    pub(crate) async fn measure(&mut self, total: usize) -> io::Result<()> {
        let load = (WINDOW, total);
        self.to_irc.measure((&self.board, &self.xmpp), &self.biboumi.process, load).await?;
        self.from_irc.measure((&self.board, &self.irc), &self.biboumi.process, load).await
    }
}
