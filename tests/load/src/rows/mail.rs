//! Mail in: smtp-source to a native session by way of the gateway, and to smtp-sink by way of nothing.

use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use tokio::io::AsyncWriteExt;

use crate::Setting;
use crate::gateway::Site;
use crate::native;
use crate::process::{Process, await_port, free_port, is_there};
use crate::report::{Goal, Row};
use crate::stats::Samples;

/// What Postfix takes of the processor for a mail, and how many it relays a second, as measured elsewhere.
const POSTFIX_US: f64 = 1_300.0;
const POSTFIX_PER_S: f64 = 1_000.0;

/// A mail listener, on the port that stands for SMTP.
const LISTENER: &str = r#"
[[smtp.listener]]
address = "127.0.0.1:SMTP"
"#;

/// The rows.
///
/// # Errors
/// Where Debian's package `postfix` is not there, which has smtp-source and smtp-sink; or something could not be measured.
pub(crate) async fn rows(setting: &Setting) -> io::Result<Vec<Row>> {
    if !is_there("smtp-source") {
        return Err(io::Error::other(
            "NOT RUN: smtp-source is not there; on Debian: apt-get install postfix",
        ));
    }
    let count = setting.scaled(4_000);
    let site = Site::new(setting, true, LISTENER)?;
    let gateway = site.start().await?;
    await_port(site.smtp_port).await?;
    let (mut reader, mut writer) =
        native::open(site.port, "serves='im:fred@a.example' remembers='3600'").await?;
    let port = free_port()?;
    let _sink = Process::start(sink(port), setting.core)?;
    await_port(port).await?;

    let (mut per_s, mut cpu_us, mut bare) = (Samples::default(), Samples::default(), Samples::default());
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let mails = count as f64;
    for _ in 0..setting.repetitions {
        let start = Instant::now();
        finished(source(port, "b@b.example", count)?).await?;
        bare.push(mails / start.elapsed().as_secs_f64());

        let (cpu, start) = (gateway.cpu_s(), Instant::now());
        let source = source(site.smtp_port, "im=fred~40a.example@gw.example", count)?;
        let (mut got, mut out) = (0, Vec::new());
        while got < count {
            reader
                .read(|frame| {
                    if frame.is("message") {
                        got += 1;
                        native::put_success(&mut out, &frame);
                    }
                })
                .await?;
            writer.write_all(&out).await?;
            out.clear();
        }
        per_s.push(mails / start.elapsed().as_secs_f64());
        finished(source).await?;
        cpu_us.push((gateway.cpu_s() - cpu) / mails * 1e6);
    }
    Ok(vec![
        Row {
            what: "mail of 1 KiB to a native session, full durability, 20 connections that are kept"
                .to_owned(),
            ours: (per_s.clone(), "a second"),
            yardstick: Some(([POSTFIX_PER_S].into_iter().collect(), "Postfix elsewhere")),
            goal: Goal::AtLeast(8.0),
        },
        Row {
            what: "the same: CPU of each".to_owned(),
            ours: (cpu_us, "µs"),
            yardstick: Some(([POSTFIX_US].into_iter().collect(), "Postfix elsewhere")),
            goal: Goal::AtMost(0.1),
        },
        Row {
            what: "the same, beside smtp-source to smtp-sink with nothing between".to_owned(),
            ours: (per_s, "a second"),
            yardstick: Some((bare, "smtp-sink")),
            goal: Goal::None,
        },
    ])
}

fn sink(port: u16) -> Command {
    let mut command = Command::new("/usr/sbin/smtp-sink");
    command.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "1000"]).stderr(Stdio::null());
    command
}

fn source(port: u16, to: &str, count: usize) -> io::Result<std::process::Child> {
    let mut command = Command::new("/usr/sbin/smtp-source");
    command.args(["-d", "-s", "20", "-m", &count.to_string(), "-l", "1024", "-f", "a@a.example", "-t", to]);
    command.arg(format!("127.0.0.1:{port}")).stdout(Stdio::null()).spawn()
}

async fn finished(mut source: std::process::Child) -> io::Result<()> {
    let status = tokio::task::spawn_blocking(move || source.wait()).await.map_err(io::Error::other)??;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("smtp-source: {status}"))) }
}
