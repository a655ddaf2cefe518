//! Mail out: native sessions to smtp-sink by way of the gateway, without a signature and with Ed25519 (RFC 8463).

use std::io;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::gateway::Site;
use crate::native;
use crate::peers::smtp::Sink;
use crate::report::{Goal, Row};
use crate::rows::mail::MAILS;
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Writers, each to people of his own: as many as smtp-source has connections.
const WRITERS: usize = 20;
const READERS: usize = 20;

/// So long the sink may take nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Both rows, beside smtp-source to smtp-sink.
///
/// # Errors
/// Where something could not be measured.
pub(crate) async fn rows(
    setting: &Setting,
    table: &mut Table,
    sink: &Sink,
    bare: &Samples,
) -> io::Result<()> {
    let count = setting.scaled(MAILS);
    for (what, signed) in [("without DKIM", false), ("with DKIM, Ed25519", true)] {
        let site = site(setting, sink, signed)?;
        let gateway = site.start().await?;
        let (mut per_s, mut cpu_us, mut done) = (Samples::default(), Samples::default(), 0);
        let setting = setting.sized(setting.percent, 3);
        while setting.goes_on(done) {
            let (cpu, start) = (gateway.cpu_s(), Instant::now());
            write(&site, sink, count, done).await?;
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let mails = count as f64;
            per_s.push(mails / start.elapsed().as_secs_f64());
            cpu_us.push((gateway.cpu_s() - cpu) / mails * 1e6);
            done += 1;
        }
        table.push(&Row {
            what: format!("native to smtp-sink by mail, full durability, {what}"),
            ours: (per_s, "a second"),
            yardstick: Some((bare.clone(), "smtp-sink")),
            goal: Goal::AtLeast(0.5),
        });
        table.push(&Row {
            what: format!("the same, {what}: CPU of each"),
            ours: (cpu_us, "µs"),
            yardstick: None,
            goal: Goal::None,
        });
    }
    Ok(())
}

/// A gateway whose mail goes to the sink, signed or not.
///
/// # Errors
/// Where its configuration cannot be written.
pub(crate) fn site(setting: &Setting, sink: &Sink, signed: bool) -> io::Result<Site> {
    let mut more = format!("[smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n", sink.port);
    if signed {
        more += "[[smtp.outgoing.dkim]]\nselector = \"load\"\nkey = \"dkim.pem\"\n";
    }
    Site::new(setting, true, &more)
}

/// Writes so many messages, by a name of this turn's, and waits until the sink has taken them.
///
/// # Errors
/// Where one is refused, or the sink takes no more.
pub(crate) async fn write(site: &Site, sink: &Sink, count: usize, turn: usize) -> io::Result<()> {
    let names: Vec<String> = (0..WRITERS).map(|index| format!("im:w{index}@a.example")).collect();
    let serves = format!("serves='{}' remembers='3600'", names.join(" "));
    let (mut reader, mut writer) = native::open(site.port, &serves).await?;
    let content = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", "x".repeat(1024));
    let mut out = Vec::new();
    for index in 0..count {
        let from = names.get(index % WRITERS).map_or("", String::as_str);
        let to = (index / WRITERS) % READERS;
        let xml = format!(
            "<message source='{from}' destination='im:mailto=r{to}~40b.example@gw.example' transID='{turn}.{index}'/>"
        );
        native::put(&mut out, "", &xml, content.as_bytes());
    }
    let before = sink.taken();
    // What is answered meanwhile is a refusal, or the word that all that can be known is that the server took it.
    let refused = std::rc::Rc::new(std::cell::RefCell::new(None));
    let heard = std::rc::Rc::clone(&refused);
    let reading = spawn_local(async move {
        loop {
            let read = reader.read(|frame| {
                if frame.is("response") && frame.attribute("status") == Some(b"failure") {
                    heard.replace(Some(String::from_utf8_lossy(frame.xml).into_owned()));
                }
            });
            if read.await.is_err() {
                return;
            }
        }
    });
    writer.write_all(&out).await?;
    let (mut taken, mut since) = (before, Instant::now());
    while taken < before + count {
        if let Some(words) = refused.take() {
            return Err(io::Error::other(words));
        }
        sleep(Duration::from_millis(1)).await;
        let now = sink.taken();
        if now > taken {
            (taken, since) = (now, Instant::now());
        } else if since.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("smtp-sink has taken {} of {count}", taken - before)));
        }
    }
    reading.abort();
    Ok(())
}
