//! Sessions that say nothing: what memory each takes.

use std::io;

use crate::Setting;
use crate::gateway::Site;
use crate::native;
use crate::process::await_port;
use crate::report::{Goal, Row};
use crate::rows::irc;
use crate::stats::Samples;

/// Octets of a session.
const MOST: f64 = 16.0 * 1024.0;

/// Both rows.
///
/// # Errors
/// Where a session is refused.
pub(crate) async fn rows(setting: &Setting) -> io::Result<Vec<Row>> {
    let count = setting.scaled(10_000);
    let mut native_each = Samples::default();
    let mut irc_each = Samples::default();
    for _ in 0..setting.repetitions.min(3) {
        native_each.push(natives(setting, count).await?);
        irc_each.push(ircs(setting, count).await?);
    }
    let row = |what: &str, each| Row {
        what: format!("{what}, {count} of them: memory of each"),
        ours: (each, "octets"),
        yardstick: None,
        goal: Goal::AtMost(MOST),
    };
    Ok(vec![row("idle native sessions", native_each), row("idle IRC clients", irc_each)])
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
async fn natives(setting: &Setting, count: usize) -> io::Result<f64> {
    let site = Site::new(setting, true, "")?;
    let gateway = site.start().await?;
    let before = gateway.memory();
    let mut sessions = Vec::with_capacity(count);
    for index in 0..count {
        let mut session =
            native::open(site.port, &format!("serves='im:u{index}@a.example pres:u{index}@a.example'"))
                .await?;
        session.0.shrink();
        sessions.push(session);
    }
    Ok((gateway.memory() - before) / count as f64)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
async fn ircs(setting: &Setting, count: usize) -> io::Result<f64> {
    let site = Site::new(setting, true, irc::LISTENER)?;
    let gateway = site.start().await?;
    await_port(site.irc_port).await?;
    let before = gateway.memory();
    let mut clients = Vec::with_capacity(count);
    for index in 0..count {
        clients.push(irc::join(site.irc_port, &format!("u{index}")).await?);
    }
    Ok((gateway.memory() - before) / count as f64)
}
