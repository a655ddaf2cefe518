//! In which functions the gateway's time is while it is at saturation, by `perf` (Debian's package `linux-perf`).

use std::io;
use std::path::Path;
use std::process::Command;

use crate::flame;
use crate::gateway::Site;
use crate::peers::smtp::Sink;
use crate::process::{Process, is_there};
use crate::rows::chat::{self, Load, Pair};
use crate::rows::{fanout, irc, mail, mail_out};
use crate::setting::Setting;
use crate::table::Table;

/// Seconds of each.
const SPAN_S: &str = "4";

/// Samples a second.
const RATE: &str = "997";

/// How callers are found: by what unwinds a panic, which every build has, from so many octets of the stack.
const CALLS: &str = "dwarf,16384";

/// Functions that are named, and the least share of one, in hundredths.
const NAMED: usize = 20;
const LEAST: f64 = 0.8;

/// A text for each load, and its flame graph where a folder is given for them.
///
/// # Errors
/// Where perf is not there, or a load cannot be put on.
pub(crate) async fn texts(setting: &Setting, table: &mut Table, flames: Option<&Path>) -> io::Result<()> {
    if !is_there("perf") {
        return Err(io::Error::other("NOT RUN: perf is not there; on Debian: apt-get install linux-perf"));
    }
    for (what, name, durable) in [
        ("Native relay, durability none", "relay", false),
        ("Native relay, full durability", "relay-durable", true),
    ] {
        let site = Site::new(setting, durable, "")?;
        let gateway = site.start().await?;
        let mut pairs = Vec::new();
        for index in 0..10 {
            pairs.push(Pair::sessions(site.port, index).await?);
        }
        let content = chat::content(100);
        let mut perf = Perf::start(setting, &gateway)?;
        while !perf.process.is_done()? {
            chat::run(&mut pairs, Load::Window(100, 2_000), &content).await?;
        }
        perf.tell(what, name, table, flames)?;
    }

    for (what, name, durable) in [
        ("Native to 100 IRC clients, durability none", "irc", false),
        ("Native to 100 IRC clients, full durability", "irc-durable", true),
    ] {
        let chain = irc::Chain::start(setting, durable, 100).await?;
        let mut perf = Perf::start(setting, &chain.gateway)?;
        while !perf.process.is_done()? {
            chain.cost_to_irc(2_000).await?;
        }
        perf.tell(what, name, table, flames)?;
    }

    let mut inbox = mail::Inbox::start(setting).await?;
    let mut perf = Perf::start(setting, &inbox.gateway)?;
    while !perf.process.is_done()? {
        inbox.measure(1_000).await?;
    }
    perf.tell("Mail in, full durability", "mail", table, flames)?;
    drop(inbox);

    let sink = Sink::start(setting).await?;
    let site = mail_out::site(setting, &sink, true)?;
    let gateway = site.start().await?;
    let (mut perf, mut turn) = (Perf::start(setting, &gateway)?, 0);
    while !perf.process.is_done()? {
        mail_out::write(&site, &sink, 2_000, turn).await?;
        turn += 1;
    }
    perf.tell("Mail out, full durability, with DKIM (Ed25519)", "mail-out", table, flames)?;
    drop(gateway);

    let watchers = setting.scaled(5_000);
    let mut stage = fanout::Stage::start(setting, watchers, watchers).await?;
    let (mut perf, mut turn) = (Perf::start(setting, &stage.gateway)?, 0);
    while !perf.process.is_done()? {
        stage.change(turn).await?;
        turn += 1;
    }
    perf.tell("A change told to watchers, each on a session of his own", "fanout", table, flames)
}

/// perf, while it looks at the gateway.
struct Perf {
    process: Process,
    folder: tempfile::TempDir,
}

impl Perf {
    fn start(setting: &Setting, gateway: &Process) -> io::Result<Self> {
        let folder = tempfile::tempdir_in(&setting.folder)?;
        let mut command = Command::new("perf");
        command.args(["record", "-q", "-e", "cpu-clock", "-F", RATE, "--call-graph", CALLS, "-p"]);
        command.arg(gateway.id().to_string()).arg("-o");
        command.arg(folder.path().join("data")).args(["--", "sleep", SPAN_S]);
        let process = Process::start_peer(command, None, &folder.path().join("log"))?;
        Ok(Self { process, folder })
    }

    /// Tells what it saw, in words and, where there is a folder for it, in a picture.
    fn tell(&self, what: &str, name: &str, table: &mut Table, flames: Option<&Path>) -> io::Result<()> {
        let report =
            ["report", "-q", "--stdio", "--no-inline", "--no-children", "-g", "none", "--sort", "symbol"];
        let text = self.ask(&report)?;
        let shares = shares(&text);
        if shares.is_empty() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            return Err(io::Error::other(format!("perf has seen nothing: {log}")));
        }
        table.text(what, &shown(&shares));
        let Some(flames) = flames else { return Ok(()) };
        let script = self.ask(&["script", "--no-inline", "-F", "ip,sym"])?;
        let none = || io::Error::other("perf has seen no stacks");
        std::fs::write(flames.join(format!("{name}.svg")), flame::draw(what, &script).ok_or_else(none)?)
    }

    fn ask(&self, arguments: &[&str]) -> io::Result<String> {
        let data = self.folder.path().join("data");
        let output = Command::new("perf").args(arguments).arg("-i").arg(data).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Hundredths, whether in the kernel, and the function.
fn shares(text: &str) -> Vec<(f64, bool, &str)> {
    let line = |line| -> Option<(f64, bool, &str)> {
        // "    12.34%  [k] name": [k] is the kernel's, [.] the program's.
        let (share, rest) = str::split_once(line, '%')?;
        let (place, name) = rest.trim().split_once(']')?;
        // Behind the name there may be columns in which there is nothing.
        let name = name.trim().split("  ").next().unwrap_or_default();
        Some((share.trim().parse().ok()?, place == "[k", name))
    };
    text.lines().filter_map(line).collect()
}

fn shown(shares: &[(f64, bool, &str)]) -> String {
    let kernel: f64 = shares.iter().filter(|(_, kernel, _)| *kernel).map(|(share, ..)| share).sum();
    let mut lines = vec![format!("{kernel:5.1} % the kernel in all, the rest the program")];
    for (share, is_kernel, name) in shares.iter().take(NAMED).filter(|(share, ..)| *share >= LEAST) {
        let place = if *is_kernel { "kernel: " } else { "" };
        lines.push(format!("{share:5.1} % {place}{name}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_report_is_read() {
        let text = "    12.50%  [k] copy_user      -      -   \n     3.00%  [.] a::b::<impl c for d>::e\n     0.10%  [.] f\n\n";
        let shares = super::shares(text);
        assert_eq!(shares[1], (3.0, false, "a::b::<impl c for d>::e"));
        let shown = super::shown(&shares);
        assert_eq!(
            shown,
            " 12.5 % the kernel in all, the rest the program\n 12.5 % kernel: copy_user\n  3.0 % a::b::<impl c for d>::e"
        );
    }
}
