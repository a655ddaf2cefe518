//! Mail in: smtp-source to a native session by way of the gateway, to smtp-sink by way of Postfix, and by way of nothing.

use std::io;
use std::time::Instant;

use tokio::io::AsyncWriteExt;

use crate::gateway::Site;
use crate::native::{self, Reader, Writer};
use crate::peers::postfix::Postfix;
use crate::peers::smtp::{Sink, source};
use crate::process::{Process, await_port};
use crate::report::{Goal, Row};
use crate::rows::mail_out;
use crate::setting::Setting;
use crate::stats::Samples;
use crate::table::Table;

/// Mails of one repetition.
pub(crate) const MAILS: usize = 4_000;

/// A mail listener, on the port that stands for SMTP. One client may write as fast as it can, as with Postfix.
const LISTENER: &str = r#"
[[smtp.listener]]
address = "127.0.0.1:SMTP"
[smtp.incoming]
check_authors = false
[smtp.limits]
connection_mails = 1000000
client_mails = 1000000
author_mails = 1000000
"#;

/// Mails a second, and microseconds of processor time of each.
#[derive(Default)]
struct Through {
    per_s: Samples,
    cpu_us: Samples,
}

/// The rows.
///
/// # Errors
/// Where Debian's package `postfix` is not there, which has smtp-source and smtp-sink; or something could not be measured.
pub(crate) async fn rows(setting: &Setting, table: &mut Table) -> io::Result<()> {
    let count = setting.scaled(MAILS);
    let sink = Sink::start(setting).await?;
    let mut inbox = Inbox::start(setting).await?;
    let (mut ours, mut postfix, mut bare) = (Through::default(), Through::default(), Samples::default());
    let (mut without, mut done) = (None, 0);
    while setting.goes_on(done) {
        bare.push(mails_per_s(count, to_sink(&sink, count).await?));
        // In alternating order, and Postfix with a new spool each time.
        for turn in 0..2 {
            if turn == done % 2 {
                let (seconds, cpu_s) = inbox.measure(count).await?;
                ours.push(count, seconds, cpu_s);
            } else if without.is_none() {
                match by_postfix(setting, &sink, count).await {
                    Ok((seconds, cpu_s)) => postfix.push(count, seconds, cpu_s),
                    Err(error) => without = Some(error),
                }
            }
        }
        done += 1;
    }
    if let Some(error) = &without {
        table.not_run("mail by way of Postfix", error);
    }
    let theirs = |samples: Samples| without.is_none().then_some((samples, "Postfix"));
    let goal = |goal| if without.is_none() { goal } else { Goal::None };
    table.push(&Row {
        what: "mail of 1 KiB to a native session, full durability, 20 connections that are kept".to_owned(),
        ours: (ours.per_s.clone(), "a second"),
        yardstick: theirs(postfix.per_s),
        goal: goal(Goal::AtLeast(8.0)),
    });
    table.push(&Row {
        what: "the same: CPU of each".to_owned(),
        ours: (ours.cpu_us, "µs"),
        yardstick: theirs(postfix.cpu_us),
        goal: goal(Goal::AtMost(0.1)),
    });
    table.push(&Row {
        what: "the same, beside smtp-source to smtp-sink with nothing between".to_owned(),
        ours: (ours.per_s, "a second"),
        yardstick: Some((bare.clone(), "smtp-sink")),
        goal: Goal::None,
    });
    mail_out::rows(setting, table, &sink, &bare).await
}

impl Through {
    fn push(&mut self, count: usize, seconds: f64, cpu_s: f64) {
        self.per_s.push(mails_per_s(count, seconds));
        self.cpu_us.push(1e6 / mails_per_s(count, cpu_s));
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mails_per_s(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

/// Seconds of so many mails with nothing between.
async fn to_sink(sink: &Sink, count: usize) -> io::Result<f64> {
    let start = Instant::now();
    source(sink.port, "b@b.example", count)?.finished().await?;
    Ok(start.elapsed().as_secs_f64())
}

/// Seconds until so many mails are relayed, and of Postfix's processor time.
async fn by_postfix(setting: &Setting, sink: &Sink, count: usize) -> io::Result<(f64, f64)> {
    let postfix = Postfix::start(setting, sink.port).await?;
    let (cpu, start) = (postfix.cpu_s(), Instant::now());
    source(postfix.port, "b@b.example", count)?.finished().await?;
    postfix.drained().await;
    Ok((start.elapsed().as_secs_f64(), postfix.cpu_s() - cpu))
}

/// The gateway with a native session that mail comes in for.
pub(crate) struct Inbox {
    /// It runs.
    pub(crate) gateway: Process,
    site: Site,
    session: (Reader, Writer),
}

impl Inbox {
    /// Starts it.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn start(setting: &Setting) -> io::Result<Self> {
        let site = Site::new(setting, true, LISTENER)?;
        let gateway = site.start().await?;
        await_port(site.smtp_port).await?;
        let session = native::open(site.port, "serves='im:fred@a.example' remembers='3600'").await?;
        Ok(Self { gateway, site, session })
    }

    /// Seconds until so many mails are there, and of the gateway's processor time.
    ///
    /// # Errors
    /// Where one does not come.
    pub(crate) async fn measure(&mut self, count: usize) -> io::Result<(f64, f64)> {
        let (reader, writer) = &mut self.session;
        let (cpu, start) = (self.gateway.cpu_s(), Instant::now());
        let source = source(self.site.smtp_port, "im=fred~40a.example@gw.example", count)?;
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
        let seconds = start.elapsed().as_secs_f64();
        source.finished().await?;
        Ok((seconds, self.gateway.cpu_s() - cpu))
    }
}
