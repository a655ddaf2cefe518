//! smtp-source and smtp-sink, of Debian's package `postfix`: the fastest that write mail and take it.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::process::{Process, await_port, free_port, is_there};
use crate::setting::Setting;

/// Connections of smtp-source, all kept.
const CONNECTIONS: &str = "20";

/// Takes mail, and throws it away.
pub(crate) struct Sink {
    _process: Process,
    /// Where.
    pub(crate) port: u16,
    taken: Arc<AtomicUsize>,
}

impl Sink {
    /// Starts it.
    ///
    /// # Errors
    /// Where it is not there.
    pub(crate) async fn start(setting: &Setting) -> io::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(program("smtp-sink")?);
        command.args(["-c", "-u", "nobody", &format!("127.0.0.1:{port}"), "1000"]).stderr(Stdio::null());
        let mut process = Process::start(command, setting.core)?;
        let taken = Arc::new(AtomicUsize::new(0));
        if let Some(mut output) = process.output() {
            let taken = Arc::clone(&taken);
            // It counts aloud, over and over in one line: "sess=1 quit=0 mesg=17".
            std::thread::spawn(move || {
                let (mut text, mut octets) = (String::new(), [0; 4096]);
                while let Ok(count @ 1..) = output.read(&mut octets) {
                    text.push_str(&String::from_utf8_lossy(octets.get(..count).unwrap_or_default()));
                    // The last that is whole: behind it the line began again.
                    let Some((whole, rest)) = text.rsplit_once('\r') else { continue };
                    let said = whole.rsplit_once("mesg=").map(|(_, count)| count);
                    let digits = said.map(|said| said.split(|one: char| !one.is_ascii_digit()).next());
                    if let Some(count) = digits.flatten().and_then(|digits| digits.parse().ok()) {
                        taken.store(count, Ordering::Relaxed);
                    }
                    text = rest.to_owned();
                }
            });
        }
        await_port(port).await?;
        Ok(Self { _process: process, port, taken })
    }

    /// Mails that it has taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Starts to write so many mails of 1 KiB.
///
/// # Errors
/// Where the program is not there.
pub(crate) fn source(port: u16, to: &str, count: usize) -> io::Result<Process> {
    let mut command = Command::new(program("smtp-source")?);
    command.args([
        "-d",
        "-s",
        CONNECTIONS,
        "-m",
        &count.to_string(),
        "-l",
        "1024",
        "-f",
        "a@a.example",
        "-t",
        to,
    ]);
    command.arg(format!("127.0.0.1:{port}"));
    Process::start(command, None)
}

fn program(name: &str) -> io::Result<String> {
    if !is_there(name) {
        return Err(io::Error::other(format!(
            "NOT RUN: {name} is not there; on Debian: apt-get install postfix"
        )));
    }
    let sbin = format!("/usr/sbin/{name}");
    Ok(if Path::new(&sbin).exists() { sbin } else { name.to_owned() })
}
