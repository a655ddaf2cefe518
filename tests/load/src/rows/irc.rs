//! The IRC listener: from native sessions to a hundred clients and back, with every outcome tracked.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio::task::spawn_local;

use crate::Setting;
use crate::gateway::Site;
use crate::native::{self, Reader, Writer};
use crate::process::{Process, await_port};
use crate::report::{Goal, Row};
use crate::stats::Samples;

/// Clients of the listener, and native sessions.
const CLIENTS: usize = 100;
const NATIVES: usize = 10;

/// Messages that each native session keeps under way.
const WINDOW: usize = 100;

/// What biboumi takes of the processor for a message in one direction, as it was measured elsewhere, in seconds.
const BIBOUMI_S: f64 = 6.8e-6;

/// An IRC listener, on the port that stands for IRC.
pub(crate) const LISTENER: &str = r#"
[irc]
name = "irc.example"
[[irc.listener]]
address = "127.0.0.1:IRC"
guests = "verified"
"#;

/// Joins as this nick.
///
/// # Errors
/// Where it is not let in.
pub(crate) async fn join(port: u16, nick: &str) -> io::Result<TcpStream> {
    let mut client = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    client.write_all(format!("NICK {nick}\r\nUSER u 0 * :u\r\n").as_bytes()).await?;
    // The last numeric of a welcome: the message of the day ended (376), or there is none (422).
    let mut welcome = Vec::new();
    while !welcome.windows(5).any(|window| window == b" 422 " || window == b" 376 ") {
        if client.read_buf(&mut welcome).await? == 0 {
            return Err(io::Error::other(format!("{nick}: {}", String::from_utf8_lossy(&welcome))));
        }
    }
    Ok(client)
}

/// The rows of the listener.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (durable, most) in [(false, 1.0), (true, 1.5)] {
        let site = Site::new(setting, durable, LISTENER)?;
        let gateway = site.start().await?;
        await_port(site.irc_port).await?;
        let mut out = Samples::default();
        let mut per_s = Samples::default();
        for repetition in 0..setting.repetitions {
            let (cpu_s, rate) = to_clients(setting, &site, &gateway, repetition).await?;
            out.push(cpu_s * 1e6);
            per_s.push(rate);
        }
        let durability = if durable { "full durability" } else { "durability none" };
        rows.push(Row {
            what: format!("native to {CLIENTS} IRC clients at saturation, {durability}: CPU of each"),
            ours: (out, "µs"),
            yardstick: Some(([BIBOUMI_S * 1e6].into_iter().collect(), "biboumi elsewhere")),
            goal: Goal::AtMost(most),
        });
        rows.push(Row {
            what: format!("the same, {durability}: how many"),
            ours: (per_s, "a second"),
            yardstick: None,
            goal: Goal::None,
        });
    }
    Ok(rows)
}

/// Seconds of processor time of each message with its outcome, and how many a second.
async fn to_clients(
    setting: &Setting,
    site: &Site,
    gateway: &Process,
    repetition: usize,
) -> io::Result<(f64, f64)> {
    for index in 0..CLIENTS {
        let (reader, writer) = join(site.irc_port, &format!("c{index}r{repetition}")).await?.into_split();
        spawn_local(answer_pings(reader, writer));
    }
    let each = setting.scaled(20_000) / NATIVES;
    let cpu = gateway.cpu_s();
    let start = std::time::Instant::now();
    let mut tasks = Vec::new();
    for index in 0..NATIVES {
        let from = format!("im:n{index}r{repetition}@a.example");
        let session = native::open(site.port, &format!("serves='{from}'")).await?;
        let to: Vec<String> = (index..CLIENTS)
            .step_by(NATIVES)
            .map(|client| format!("im:irc=irc.example/c{client}r{repetition}@gw.example"))
            .collect();
        tasks.push(spawn_local(write(session, from, to, each)));
    }
    for task in tasks {
        task.await.map_err(io::Error::other)??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = (each * NATIVES) as f64;
    Ok(((gateway.cpu_s() - cpu) / count, count / start.elapsed().as_secs_f64()))
}

/// A client that reads, and answers every ping, which is how the listener knows that it has read.
async fn answer_pings(mut reader: OwnedReadHalf, mut writer: OwnedWriteHalf) -> io::Result<()> {
    let (mut input, mut out) = (Vec::new(), Vec::new());
    while reader.read_buf(&mut input).await? > 0 {
        while let Some(end) = input.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = input.drain(..=end).collect();
            if let Some(word) = line.strip_prefix(b"PING ") {
                out.extend_from_slice(b"PONG ");
                out.extend_from_slice(word);
            }
        }
        if !out.is_empty() {
            writer.write_all(&out).await?;
            out.clear();
        }
    }
    Ok(())
}

async fn write(
    (mut reader, mut writer): (Reader, Writer),
    from: String,
    to: Vec<String>,
    total: usize,
) -> io::Result<()> {
    let content = crate::rows::chat::content(100);
    let (answered, wake) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
    let mut failed = None;
    let (mut sent, mut out) = (0, Vec::new());
    while answered.get() < total {
        while sent < total && sent - answered.get() < WINDOW {
            let Some(destination) = to.get(sent % to.len()) else { break };
            sent += 1;
            let xml = format!("<message source='{from}' destination='{destination}' transID='{sent}'/>");
            native::put(&mut out, "", &xml, &content);
        }
        if !out.is_empty() {
            writer.write_all(&out).await?;
            out.clear();
        }
        reader
            .read(|frame| {
                if frame.is("response") {
                    answered.set(answered.get() + 1);
                    if frame.attribute("status") != Some(b"success") {
                        failed = Some(String::from_utf8_lossy(frame.xml).into_owned());
                    }
                }
            })
            .await?;
        wake.notify_one();
        if let Some(words) = failed.take() {
            return Err(io::Error::other(words));
        }
    }
    Ok(())
}
