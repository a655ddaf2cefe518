//! The IRC listener: between native sessions and a hundred clients, with every outcome tracked, beside biboumi.

use std::io;
use std::rc::Rc;

use crate::chain::{self, Board, Form, Load, Sender, listen, native, text};
use crate::gateway::Site;
use crate::native::open;
use crate::peers::irc;
use crate::process::{Process, await_port};
use crate::report::{Goal, Row};
use crate::rows::biboumi;
use crate::rows::through::Through;
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Native sessions, and messages that each keeps under way.
const NATIVES: usize = 10;
const WINDOW: usize = 100;

/// Clients of the listener. All of them keep as many under way as all sessions do.
const CLIENTS: usize = 100;

/// Messages of one repetition.
const MESSAGES: usize = 20_000;

/// What it costs both sides that one wakes up the other on another core of such a machine, in microseconds.
const WAKE_UP_US: f64 = 15.0;

/// An IRC listener, on the port that stands for IRC.
pub(crate) const LISTENER: &str = r#"
[irc]
name = "irc.example"
[[irc.listener]]
address = "127.0.0.1:IRC"
guests = "verified"
"#;

/// The gateway with its sessions and clients.
pub(crate) struct Chain {
    /// It runs.
    pub(crate) gateway: Process,
    _site: Site,
    board: Rc<Board>,
    natives: Vec<Rc<Sender>>,
    clients: Vec<Rc<Sender>>,
    /// From native sessions to clients.
    pub(crate) to_irc: Through,
    /// And back.
    pub(crate) from_irc: Through,
}

impl Chain {
    /// Starts it, and lets everybody in.
    ///
    /// # Errors
    /// Where somebody is not let in.
    pub(crate) async fn start(setting: &Setting, durable: bool, clients: usize) -> io::Result<Self> {
        let site = Site::new(setting, durable, LISTENER)?;
        let gateway = site.start().await?;
        await_port(site.irc_port).await?;
        let board = Rc::new(Board::default());
        let (mut on_irc, mut on_native) = (Vec::new(), Vec::new());
        for index in 0..clients {
            let client = irc::join(site.irc_port, &format!("c{index}")).await?;
            let to = format!("n{}@a.example", index % NATIVES);
            let (sender, receiver) = text(client, Form::Irc, vec![to]);
            on_irc.push(sender);
            listen(&board, receiver);
        }
        for index in 0..NATIVES {
            let from = format!("im:n{index}@a.example");
            let session = open(site.port, &format!("serves='{from}' remembers='3600'")).await?;
            let some = (0..clients).skip(index % clients).step_by(NATIVES);
            let to = some.map(|client| format!("im:irc=irc.example/c{client}@gw.example")).collect();
            let (sender, receiver) = native(session, from, to);
            on_native.push(sender);
            listen(&board, receiver);
        }
        Ok(Self {
            gateway,
            _site: site,
            board,
            natives: on_native,
            clients: on_irc,
            to_irc: Through::default(),
            from_irc: Through::default(),
        })
    }

    /// Microseconds of processor time of a message to the clients, at saturation.
    ///
    /// # Errors
    /// Where something is lost or refused.
    pub(crate) async fn cost_to_irc(&self, total: usize) -> io::Result<f64> {
        // The first finds everything cold.
        chain::run(&self.board, &self.natives, Load::Window(WINDOW, total / 4)).await?;
        let cpu = self.gateway.cpu_s();
        let figures = chain::run(&self.board, &self.natives, Load::Window(WINDOW, total)).await?;
        Ok((self.gateway.cpu_s() - cpu) / figures.count * 1e6)
    }

    async fn measure_to_irc(&mut self, total: usize) -> io::Result<()> {
        self.to_irc.measure((&self.board, &self.natives), &self.gateway, (WINDOW, total)).await
    }

    async fn measure_from_irc(&mut self, total: usize) -> io::Result<()> {
        let window = (NATIVES * WINDOW / self.clients.len()).max(1);
        self.from_irc.measure((&self.board, &self.clients), &self.gateway, (window, total)).await
    }
}

/// The rows of the listener.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let total = setting.scaled(MESSAGES);
    let mut peer = match biboumi::Chain::start(setting).await {
        Ok(peer) => Some(peer),
        Err(error) => {
            table.not_run("biboumi, Prosody and ngIRCd", &error);
            None
        }
    };
    let (mut none, mut full) =
        (Chain::start(setting, false, CLIENTS).await?, Chain::start(setting, true, CLIENTS).await?);
    let mut done = 0;
    while setting.goes_on(done) {
        if let Some(chain) = &mut peer
            && let Err(error) = chain.measure(total).await
        {
            table.not_run("biboumi", &error);
            peer = None;
        }
        for chain in [&mut none, &mut full] {
            chain.measure_to_irc(total).await?;
            chain.measure_from_irc(total).await?;
        }
        done += 1;
    }
    for (chain, durability, most) in [(&none, "durability none", 1.0), (&full, "full durability", 1.5)] {
        let theirs = peer.as_ref();
        let to = (&chain.to_irc, theirs.map(|peer| &peer.to_irc));
        push(table, &format!("native to {CLIENTS} IRC clients, {durability}"), to, most);
        let from = (&chain.from_irc, theirs.map(|peer| &peer.from_irc));
        push(table, &format!("{CLIENTS} IRC clients to native, {durability}"), from, most);
    }
    Ok(())
}

fn push(table: &mut Table, what: &str, (ours, theirs): (&Through, Option<&Through>), most: f64) {
    let beside = |of: fn(&Through) -> &Samples| theirs.map(|theirs| (of(theirs).clone(), "biboumi"));
    let goal = |goal: Goal| if theirs.is_some() { goal } else { Goal::None };
    table.push(&Row {
        what: format!("{what}, at saturation: CPU of each"),
        ours: (ours.cpu_us.clone(), "µs"),
        yardstick: beside(|through| &through.cpu_us),
        goal: goal(Goal::AtMost(most)),
    });
    table.push(&Row {
        what: format!("{what}, at saturation"),
        ours: (ours.per_s.clone(), "a second"),
        yardstick: beside(|through| &through.per_s),
        goal: Goal::None,
    });
    let budget = theirs.map_or(f64::NAN, |theirs| theirs.single_cpu_us.median() + WAKE_UP_US);
    table.push(&Row {
        what: format!("{what}, one at a time: CPU of each"),
        ours: (ours.single_cpu_us.clone(), "µs"),
        yardstick: beside(|through| &through.single_cpu_us),
        goal: goal(Goal::OursAtMost(budget)),
    });
    table.push(&Row {
        what: format!("{what}, one at a time: arrived after"),
        ours: (ours.single_us.clone(), "µs"),
        yardstick: beside(|through| &through.single_us),
        goal: Goal::None,
    });
    table.push(&Row {
        what: format!("{what}, at half of its saturation: half have arrived after"),
        ours: (ours.half_ms.clone(), "ms"),
        yardstick: beside(|through| &through.half_ms),
        goal: Goal::OursAtMost(2.0),
    });
}
