//! The program itself, as somebody at a shell meets it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a process that ended left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The program with these arguments, in this folder, with nothing of our environment.
pub fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpim-gateway"));
    command.args(arguments).current_dir(folder).env_clear().kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub async fn run(folder: &Path, arguments: &[&str]) -> Ran {
    run_with_input(folder, arguments, b"").await
}

/// Runs the program to its end, with this on its standard input.
pub async fn run_with_input(folder: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = program(folder, arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = async move {
        // A program that does not read its input hangs up: that is its right.
        stdin.write_all(input).await.ok();
    };
    let (_, output) =
        timeout(PATIENCE, async { tokio::join!(feed, child.wait_with_output()) }).await.unwrap();
    let output = output.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process that runs on.
pub struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Running {
    /// Starts the program.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = program(folder, arguments).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    /// The next line of standard output.
    pub async fn out_line(&mut self) -> String {
        timeout(PATIENCE, self.out.next_line()).await.unwrap().unwrap().expect("a line more")
    }

    /// The next line of standard error that holds `text`.
    pub async fn err_line_with(&mut self, text: &str) -> String {
        let found = async {
            while let Some(line) = self.err.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("standard error ended without {text:?}");
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {text:?} on standard error"))
    }

    /// Sends a signal, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end, and reads what is left of its output.
    pub async fn end(mut self) -> (ExitStatus, String) {
        let ended = async {
            let mut rest = String::new();
            while let Some(line) = self.out.next_line().await.unwrap() {
                rest.push_str(&line);
                rest.push('\n');
            }
            (self.child.wait().await.unwrap(), rest)
        };
        timeout(PATIENCE, ended).await.expect("it ends")
    }
}
