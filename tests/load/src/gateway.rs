//! The gateway in a folder of its own, with the configuration of the row.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Process, free_port};
use crate::setting::Setting;

/// What every row has; `PORT`, `IRC` and `SMTP` are ports, `DURABILITY` is the row's.
/// Limits against strangers are out of the way, as with the other programs.
const CONFIGURATION: &str = r#"
relay_domain = "gw.example"
[store]
path = "gateway.db"
durability = "DURABILITY"
[admin]
socket = "admin.sock"
[log]
level = "error"
[dns]
enabled = false
[rules]
default = "allow"
[principals]
subscribe = "allow"
fetch = "allow"
[presence]
max_lease = "365d"
rate = 1000000
leases_per_watcher = 1000000
[limits]
sessions = 20000
pair_backlog = 4096
[[cpim.listener]]
address = "127.0.0.1:PORT"
trust = [".example"]
"#;

/// A folder with a configuration, on a disk and not in memory.
pub(crate) struct Site {
    folder: TempDir,
    program: PathBuf,
    core: Option<u32>,
    /// Where native sessions are taken.
    pub(crate) port: u16,
    /// For an IRC listener, where the row has one.
    pub(crate) irc_port: u16,
    /// For a mail listener, where the row has one.
    pub(crate) smtp_port: u16,
}

impl Site {
    /// Writes the configuration: what every row has, then `more`.
    ///
    /// # Errors
    /// Where it cannot be written, or no port be had.
    pub(crate) fn new(setting: &Setting, durable: bool, more: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir_in(&setting.folder)?;
        let (port, irc_port, smtp_port) = (free_port()?, free_port()?, free_port()?);
        let text = format!("{CONFIGURATION}{more}")
            .replace("PORT", &port.to_string())
            .replace("IRC", &irc_port.to_string())
            .replace("SMTP", &smtp_port.to_string())
            .replace("DURABILITY", if durable { "full" } else { "none" });
        std::fs::write(folder.path().join("gateway.toml"), text)?;
        Ok(Self { folder, program: setting.gateway.clone(), core: setting.core, port, irc_port, smtp_port })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the gateway, and waits until it is ready.
    ///
    /// # Errors
    /// Where it does not become ready within a minute.
    pub(crate) async fn start(&self) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(["run", "--config", "gateway.toml"]).current_dir(self.path()).stderr(Stdio::inherit());
        let gateway = Process::start(command, self.core)?;
        let until = Instant::now() + Duration::from_secs(60);
        while !self.is_ready() {
            if Instant::now() > until {
                return Err(io::Error::other("the gateway does not become ready"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(gateway)
    }

    fn is_ready(&self) -> bool {
        let ask = || -> io::Result<String> {
            let mut stream = UnixStream::connect(self.path().join("admin.sock"))?;
            stream.write_all(b"GET /ready HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }
}
