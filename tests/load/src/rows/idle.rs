//! Sessions that say nothing: what memory each takes.

use std::io;

use crate::gateway::Site;
use crate::native;
use crate::peers::irc::join;
use crate::process::await_port;
use crate::report::{Goal, Row};
use crate::rows::irc::LISTENER;
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Octets of a session.
const MOST: f64 = 16.0 * 1024.0;

/// Sessions.
const SESSIONS: usize = 10_000;

/// Sessions again and again take the same: twice shows that.
const TIMES: usize = 2;

/// Both rows.
///
/// # Errors
/// Where a session is refused.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let count = setting.scaled(SESSIONS);
    let (mut native_each, mut irc_each) = (Samples::default(), Samples::default());
    let (setting, mut done) = (setting.sized(setting.percent, TIMES), 0);
    while setting.goes_on(done) {
        native_each.push(natives(&setting, count).await?);
        irc_each.push(ircs(&setting, count).await?);
        done += 1;
    }
    for (what, each) in [("idle native sessions", native_each), ("idle IRC clients", irc_each)] {
        table.push(&Row {
            what: format!("{what}, {count} of them: memory of each"),
            ours: (each, "octets"),
            yardstick: None,
            goal: Goal::AtMost(MOST),
        });
    }
    Ok(())
}

/// Octets of each of so many native sessions.
///
/// # Errors
/// Where one is refused.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) async fn natives(setting: &Setting, count: usize) -> io::Result<f64> {
    let site = Site::new(setting, true, "")?;
    let gateway = site.start().await?;
    let before = gateway.memory();
    let mut sessions = Vec::with_capacity(count);
    for index in 0..count {
        let serves = format!("serves='im:u{index}@a.example pres:u{index}@a.example'");
        let mut session = native::open(site.port, &serves).await?;
        session.0.shrink();
        sessions.push(session);
    }
    Ok((gateway.memory() - before) / count as f64)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
async fn ircs(setting: &Setting, count: usize) -> io::Result<f64> {
    let site = Site::new(setting, true, LISTENER)?;
    let gateway = site.start().await?;
    await_port(site.irc_port).await?;
    let before = gateway.memory();
    let mut clients = Vec::with_capacity(count);
    for index in 0..count {
        clients.push(join(site.irc_port, &format!("u{index}")).await?);
    }
    Ok((gateway.memory() - before) / count as f64)
}
