//! IRC network mode: a thousand foreign users, each with a connection of his own to ngIRCd.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::gateway::Site;
use crate::native::{self, Reader, Writer};
use crate::peers::irc::join;
use crate::peers::ngircd::Ngircd;
use crate::process::Process;
use crate::report::{Goal, Row};
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Foreign users.
const PUPPETS: usize = 1_000;

/// Octets of each, beside what the kernel has for its socket.
const MOST: f64 = 12.0 * 1024.0;

/// The network, which lets in whoever comes, so that many connections may be made at once.
const NETWORK: &str = r#"
[[irc.network]]
name = "irc.test"
servers = ["127.0.0.1:NETWORK"]
tls = "plain"
nick = "relay"
taken = "success"
puppets = 1000
line_penalty = "1ms"
connecting = 64
"#;

/// Users of one native session: what `serves` has room for, many times over.
const OF_A_SESSION: usize = 100;

/// The rows: memory at a hundredth, a tenth and all of them, and how long it takes until they are back.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let mut ngircd = Ngircd::start(setting).await?;
    let site = Site::new(setting, true, &NETWORK.replace("NETWORK", &ngircd.port.to_string()))?;
    let gateway = site.start().await?;
    let alice = join(ngircd.port, "alice").await?;
    let whole = setting.scaled(PUPPETS);
    // The relay must be on the network before it can be written to.
    await_users(ngircd.port, 3).await?;
    let mut sizes = vec![whole / 100, whole / 10, whole];
    sizes.retain(|size| *size > 0);
    let (mut costs, mut there) = (Vec::new(), 0);
    // Whoever has a puppet is in contact here before; what he costs by that is another row's.
    let mut users = Users::open(&site, whole.max(2)).await?;
    let mut base = f64::NAN;
    // What was allocated to bring them into contact is given back a little at a time, while something is done.
    for _ in 0..3 {
        users.speak(0..1).await?;
        base = settled(&gateway).await;
    }
    for size in sizes {
        users.speak(there.max(1)..size.max(2)).await?;
        there = size.max(2);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let each = (settled(&gateway).await - base) / (there - 1) as f64;
        costs.push([each].into_iter().collect::<Samples>());
    }
    table.push(&Row {
        what: format!("{there} puppets on ngIRCd: memory of each"),
        ours: (costs.last().cloned().unwrap_or_default(), "octets"),
        yardstick: None,
        goal: Goal::AtMost(MOST),
    });
    for row in Row::grown("memory of a puppet", "octets", &costs) {
        table.push(&row);
    }
    drop(alice);
    let (mut back, mut done) = (Samples::default(), 0);
    let setting = setting.sized(setting.percent, 2);
    while setting.goes_on(done) {
        ngircd.restart().await?;
        let start = Instant::now();
        await_users(ngircd.port, there + 2).await?;
        back.push(start.elapsed().as_secs_f64());
        done += 1;
    }
    table.push(&Row {
        what: format!("the network restarts: {there} puppets are back after"),
        ours: (back, "s"),
        yardstick: None,
        goal: Goal::AtMost(30.0),
    });
    Ok(())
}

/// Users of the gateway, some to a session.
struct Users(Vec<(Reader, Writer)>);

impl Users {
    /// Brings so many into contact.
    async fn open(site: &Site, count: usize) -> io::Result<Self> {
        let mut sessions = Vec::new();
        let users: Vec<usize> = (0..count).collect();
        for some in users.chunks(OF_A_SESSION) {
            let names: Vec<String> = some.iter().map(|index| name(*index)).collect();
            sessions.push(native::open(site.port, &format!("serves='{}'", names.join(" "))).await?);
        }
        Ok(Self(sessions))
    }

    /// Has each of these write once, which gives him a puppet, and waits until it has said so.
    async fn speak(&mut self, users: std::ops::Range<usize>) -> io::Result<()> {
        for (nth, (reader, writer)) in self.0.iter_mut().enumerate() {
            let first = nth * OF_A_SESSION;
            let some = users.start.max(first)..users.end.min(first + OF_A_SESSION);
            let mut out = Vec::new();
            for index in some.clone() {
                let xml = format!(
                    "<message source='{}' destination='im:irc=irc.test/alice@gw.example' transID='{index}'/>",
                    name(index)
                );
                native::put(&mut out, "", &xml, b"Content-Type: text/plain\r\n\r\nhello");
            }
            writer.write_all(&out).await?;
            let (answered, bad) = (Rc::new(RefCell::new(HashSet::new())), RefCell::new(None));
            while answered.borrow().len() < some.len() {
                reader
                    .read(|frame| {
                        if frame.is("response") {
                            answered.borrow_mut().insert(frame.number());
                            if frame.attribute("status") != Some(b"success") {
                                bad.replace(Some(String::from_utf8_lossy(frame.xml).into_owned()));
                            }
                        }
                    })
                    .await?;
                if let Some(words) = bad.take() {
                    return Err(io::Error::other(words));
                }
            }
            reader.shrink();
        }
        Ok(())
    }
}

fn name(index: usize) -> String {
    format!("im:p{index}@a.example")
}

/// The gateway's memory once it no longer changes by much: what was allocated to connect is given back.
async fn settled(gateway: &Process) -> f64 {
    sleep(Duration::from_secs(1)).await;
    gateway.memory()
}

/// Waits until so many users are on the server, by what it says itself (LUSERS, RFC 2812 section 3.4.2).
async fn await_users(port: u16, count: usize) -> io::Result<()> {
    let mut client = loop {
        match join(port, "counter").await {
            Ok(client) => break client,
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    };
    while users(&mut client).await? < count {
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn users(client: &mut TcpStream) -> io::Result<usize> {
    client.write_all(b"LUSERS\r\n").await?;
    let mut heard = Vec::new();
    loop {
        if client.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&heard);
        // 251: "There are 3 users and 0 services on 1 servers".
        let Some((_, said)) = text.split_once(" 251 ") else { continue };
        let Some((said, _)) = said.split_once("\r\n") else { continue };
        let number = said.split(' ').find_map(|word| word.parse().ok());
        return number.ok_or_else(|| io::Error::other(format!("LUSERS said {said}")));
    }
}
