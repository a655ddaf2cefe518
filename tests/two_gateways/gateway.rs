//! A gateway as an operator runs it: the program, its file, its log.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::stage::within;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_cpim-gateway");

/// What it says when it has started.
const READY: &str = " ready relay=";

/// A gateway, which runs or does not. Its process ends with this value.
pub(crate) struct Gateway {
    file: PathBuf,
    /// Where other gateways come.
    pub(crate) port: u16,
    /// Where people come, over loopback and in the clear.
    pub(crate) door: u16,
    child: Option<Child>,
    /// What it said on standard error, over all its lives.
    log: watch::Sender<String>,
    said: watch::Receiver<String>,
}

impl Gateway {
    /// A gateway by this file; it does not run yet.
    pub(crate) fn new(file: PathBuf, (port, door): (u16, u16)) -> Self {
        let (log, said) = watch::channel(String::new());
        Self { file, port, door, child: None, log, said }
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
        let lives = self.log.borrow().matches(READY).count();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // What it says is not held up by nobody's reading, however much it is.
        tokio::spawn(keep(stderr.lines(), self.log.clone()));
        let ready = self.said.wait_for(|log| log.matches(READY).count() > lives);
        tokio::select! {
            ready = within("a gateway that starts", ready) => drop(ready.unwrap()),
            status = child.wait() => panic!("{}: {status:?}", self.file.display()),
        }
        self.child = Some(child);
    }

    /// Waits until it has said this.
    pub(crate) async fn says(&mut self, words: &str) {
        within(words, self.said.wait_for(|log| log.contains(words))).await.unwrap();
    }

    /// Kills it as `kill -9` does: it has no chance to put anything in order.
    pub(crate) async fn kill(&mut self) {
        let mut child = self.child.take().expect("a gateway that runs");
        within("the end of a killed process", child.kill()).await.unwrap();
    }

    /// What it said until now.
    pub(crate) fn log(&self) -> String {
        self.log.borrow().clone()
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

async fn keep<R: AsyncBufReadExt + Unpin>(mut lines: Lines<R>, log: watch::Sender<String>) {
    while let Ok(Some(line)) = lines.next_line().await {
        log.send_modify(|log| {
            log.push_str(&line);
            log.push('\n');
        });
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
