//! A gateway as an operator runs it: the program, its file, its log.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::stage::within;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_cpim-gateway");

/// A gateway, which runs or does not. Its process ends with this value.
pub(crate) struct Gateway {
    file: PathBuf,
    /// Where other gateways come.
    pub(crate) port: u16,
    /// Where people come, over loopback and in the clear.
    pub(crate) door: u16,
    child: Option<Child>,
    log: Log,
}

/// What a gateway said on standard error, over all its lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Gateway {
    /// A gateway by this file; it does not run yet.
    pub(crate) fn new(file: PathBuf, (port, door): (u16, u16)) -> Self {
        Self { file, port, door, child: None, log: Log::default() }
    }

    /// Starts it, and waits until it says that it is ready.
    pub(crate) async fn start(&mut self) {
        let mut child = command(&self.file)
            .args(["run", "--config"])
            .arg(&self.file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, mut ready) = watch::channel(false);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        tokio::spawn(self.log.clone().keep(lines, said));
        self.child = Some(child);
        let is_ready = within("a gateway that starts", ready.wait_for(|ready| *ready)).await.is_ok();
        assert!(is_ready, "the gateway did not start:\n{}", self.log());
    }

    /// Kills it as `kill -9` does: it has no chance to put anything in order.
    pub(crate) async fn kill(&mut self) {
        let mut child = self.child.take().expect("a gateway that runs");
        within("the end of a killed process", child.kill()).await.unwrap();
    }

    /// What it said until now.
    pub(crate) fn log(&self) -> String {
        self.log.0.lock().unwrap().clone()
    }

    /// Runs a command with this gateway's file.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = command(&self.file);
        command.args(arguments).arg("--config").arg(&self.file).stdin(Stdio::null());
        within("a command", command.output()).await.unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.file.display(), self.log());
        }
    }
}

impl Log {
    async fn keep<R: AsyncBufReadExt + Unpin>(self, mut lines: tokio::io::Lines<R>, ready: watch::Sender<bool>) {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(" ready") {
                ready.send_replace(true);
            }
            let mut log = self.0.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    }
}

/// The program, in the folder of its file and with no variable of ours.
pub(crate) fn command(file: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CPIM_") {
            command.env_remove(name);
        }
    }
    command.current_dir(file.parent().unwrap()).kill_on_drop(true);
    command
}
